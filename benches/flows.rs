//! What a running flow costs in memory, everything on the heap included.
//!
//! `cargo bench --bench flows` lets flows of several kinds run at one time and prints bytes a flow,
//! by an allocator that counts; what the ledgers keep of them is in it. `PORTSTORY_FLOWS=1000000` sets
//! how many; `PORTSTORY_MEMORY_MAX` (bytes) sets the bound that `--memory-max` sets: then it is told how
//! often a flow had to end early. The last line but one is what an endpoint costs when its only flow has
//! ended, of as many as are kept; the last is the most that was in use at one time.

use std::net::Ipv4Addr;

use peak_alloc::PeakAlloc;
use portstory_core::config::Limits;
use portstory_core::internal::flow::FlowRecord;
use portstory_core::{
    Classifier, Config, Event, FlowKey, Frame, FrameRef, LinkType, SourceId, Timestamp,
};

#[global_allocator]
static COUNTED: PeakAlloc = PeakAlloc;

fn main() {
    let number = |name: &str| std::env::var(name).ok()?.replace('_', "").parse::<u32>().ok();
    let flows = number("PORTSTORY_FLOWS").unwrap_or(20_000);
    let memory_max = number("PORTSTORY_MEMORY_MAX");
    let limits = match memory_max {
        Some(bytes) => Limits::within(usize::try_from(bytes).unwrap_or(usize::MAX)),
        // All of them are kept, and so are all endpoints.
        None => Limits { flows_max: usize::MAX, ..Limits::default().of_a_piece() },
    };
    println!(
        "a flow's record is {} bytes, its key {}; {flows} flows of each kind",
        size_of::<FlowRecord>(),
        size_of::<FlowKey>()
    );
    for kind in KINDS {
        let config = Config { limits: limits.clone(), ..Config::default() };
        let mut wire = Wire { classifier: Classifier::new(config), number: 0, ended: 0 };
        let before = COUNTED.current_usage();
        // Message by message, so that all flows run at one time.
        for message in 0..kind.messages.len() {
            for flow in 0..flows {
                wire.say(kind, flow, message);
            }
        }
        let used = COUNTED.current_usage().saturating_sub(before);
        let name = kind.name;
        if wire.ended > 0 {
            println!("{name:<24} {used} bytes in all: flows ended early {} times", wire.ended);
        } else {
            let each = used.checked_div(usize::try_from(flows).unwrap_or(1)).unwrap_or_default();
            println!("{name:<24} {each:>6} bytes a flow, {used} in all");
        }
    }
    let kept = usize::try_from(flows).unwrap_or(usize::MAX).min(limits.endpoints_max);
    let config = Config { limits, ..Config::default() };
    let mut wire = Wire { classifier: Classifier::new(config), number: 0, ended: 0 };
    let before = COUNTED.current_usage();
    for service in 0..flows {
        wire.serve(service);
    }
    let used = COUNTED.current_usage().saturating_sub(before);
    let each = used.checked_div(kept).unwrap_or_default();
    println!("{:<24} {each:>6} bytes an endpoint, {used} in all", "an endpoint of one flow");
    println!("{:.0} MiB at the most", COUNTED.peak_usage_as_mb());
}

/// A conversation: who says what.
struct Kind {
    name: &'static str,
    protocol: u8,
    messages: &'static [(Party, &'static [u8])],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Party {
    Client,
    Server,
}
use Party::{Client, Server};

const NOISE: &[u8] = b"\xf3\x9a\x07\xc5\xe8\x1b\x94\xd6\xb2\x8f\x3e\xa1\xcc\x75\x9e\xf0\x83\xe9\x5c\xaf\
    \x12\xd8\xbb\x66\x97\xfe\x4d\xc0\xa5\x38\xeb\x8c\x99\xf4\x2f\xd1\xb6\x7a\xe3\x05\xfb\x88\xcd\x5f\
    \x91\xea\xa7\x14\xdf\xbd\x62\x9b\xf8\x4b\xc6\xa9\x30\xe5\x82\xfd\x9c\xd3\xb0\x71\xec\x0e\xf7\x85";
const SSH_CLIENT: &[u8] = b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n";
const SSH_SERVER: &[u8] = b"SSH-2.0-OpenSSH_8.9p1 Ubuntu-3ubuntu0.10\r\n";
const QUESTION: &[u8] = b"\x1a\x2b\x01\0\0\x01\0\0\0\0\0\0\x07example\x03org\0\0\x01\0\x01";
const ANSWER: &[u8] = b"\x1a\x2b\x81\x80\0\x01\0\x01\0\0\0\0\x07example\x03org\0\0\x01\0\x01\
    \xc0\x0c\0\x01\0\x01\0\0\x0e\x10\0\x04\x0a\0\0\x01";

const KINDS: &[Kind] = &[
    Kind {
        name: "TCP, identified (SSH)",
        protocol: 6,
        messages: &[(Client, SSH_CLIENT), (Server, SSH_SERVER), (Client, NOISE), (Server, NOISE)],
    },
    Kind {
        name: "UDP, identified (DNS)",
        protocol: 17,
        messages: &[(Client, QUESTION), (Server, ANSWER)],
    },
    Kind {
        name: "UDP, unidentified",
        protocol: 17,
        messages: &[
            (Client, NOISE),
            (Server, NOISE),
            (Client, NOISE),
            (Server, NOISE),
            (Client, NOISE),
            (Server, NOISE),
            (Client, NOISE),
            (Server, NOISE),
        ],
    },
    Kind { name: "UDP, one packet", protocol: 17, messages: &[(Client, NOISE)] },
];

struct Wire {
    classifier: Classifier,
    number: u64,
    ended: u64,
}

impl Wire {
    /// One packet of raw IPv4 (link type 101).
    fn say(&mut self, kind: &Kind, flow: u32, message: usize) {
        // A thousand clients, each from ever new ports, to a thousand servers.
        let client =
            (Ipv4Addr::from(0x0a00_0000 + flow % 1000), port(20_000 + flow / 1000 % 40_000));
        let server = (Ipv4Addr::from(0x0aff_0000 + flow / 1000 % 1000), 3243);
        // Ten million packets a second: nothing ends by time.
        let nanos = i64::try_from(self.number * 100).unwrap_or(i64::MAX);
        self.packet(kind, message, (client, server), nanos);
    }

    /// A service of its own and a host that knows no other one, once a second: what stays is what is
    /// kept of endpoints, for few flows are running.
    fn serve(&mut self, service: u32) {
        let Some(kind) = KINDS.last() else { return };
        let client = (Ipv4Addr::from(0x0a00_0000 + service), 40_000);
        let server = (Ipv4Addr::from(0x1400_0000 + service), 3243);
        self.packet(kind, 0, (client, server), i64::from(service) * 1_000_000_000);
    }

    fn packet(
        &mut self,
        kind: &Kind,
        message: usize,
        (client, server): ((Ipv4Addr, u16), (Ipv4Addr, u16)),
        nanos: i64,
    ) {
        let Some((party, payload)) = kind.messages.get(message) else { return };
        let ((from, source), (to, target)) =
            if *party == Client { (client, server) } else { (server, client) };
        let transport = if kind.protocol == 6 { 20 } else { 8 };
        let len = port(20 + transport + u32::try_from(payload.len()).unwrap_or_default());
        let mut bytes = vec![0x45, 0];
        bytes.extend_from_slice(&len.to_be_bytes());
        bytes.extend_from_slice(&[0, 0, 0, 0, 64, kind.protocol, 0, 0]);
        bytes.extend_from_slice(&from.octets());
        bytes.extend_from_slice(&to.octets());
        bytes.extend_from_slice(&source.to_be_bytes());
        bytes.extend_from_slice(&target.to_be_bytes());
        if kind.protocol == 6 {
            let said: usize = kind
                .messages
                .iter()
                .take(message)
                .filter(|(other, _)| other == party)
                .map(|(_, payload)| payload.len())
                .sum();
            bytes.extend_from_slice(&u32::try_from(said).unwrap_or_default().to_be_bytes());
            bytes.extend_from_slice(&[0, 0, 0, 0, 0x50, 0x18, 0x20, 0, 0, 0, 0, 0]);
        } else {
            bytes.extend_from_slice(&(len - 20).to_be_bytes());
            bytes.extend_from_slice(&[0, 0]);
        }
        bytes.extend_from_slice(payload);
        self.number += 1;
        let time = Timestamp::from_nanos(1_700_000_000_000_000_000 + nanos);
        let at = FrameRef { time, source: SourceId(0), number: self.number };
        let wire_len = u32::from(len);
        let frame = Frame { at, link: LinkType(101), wire_len, bytes: &bytes };
        let mut events = Vec::new();
        self.classifier.ingest(&frame, &mut events);
        let flows = events.iter().filter(|event| matches!(event, Event::Flow(_)));
        self.ended += u64::try_from(flows.count()).unwrap_or_default();
    }
}

fn port(number: u32) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}
