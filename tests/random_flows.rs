//! Flows of random bytes through the whole path: how many are named, and how many the table of
//! detectors says will be.
//!
//!     cargo test --test random_flows -- --include-ignored --nocapture
//!
//! 20,000 flows over UDP ports 3224 to 3324 and 20,000 over TCP 3243, by three seeds; each flow has 1
//! to 40 packets each way, of 1 to 1400 bytes. Seeds 1 and 2 may be used while a detector is
//! written, the third one is for afterwards: `PORTSTORY_SEED=1` runs one alone.

use portstory_core::internal::identify::Over;
use portstory_core::{
    Classifier, Config, DETECTORS, Detector, Event, Frame, FrameRef, LinkType, SourceId, Timestamp,
    Transport,
};
use portstory_testkit::Random;

/// The last one is for checking, not for tuning.
const SEEDS: [u64; 3] = [1, 2, 0x7469_6d65_6c6f_7400];

const FLOWS: u32 = 20_000;

/// How many of [`FLOWS`] may be named.
const NAMED_MAX: usize = 2;

/// IPv4 or IPv6 without a link layer (tcpdump.org/linktypes.html).
const RAW: LinkType = LinkType(101);

const NANOS_PER_PACKET: i64 = 1_000_000;

#[test]
fn a_few_random_flows_are_not_named() {
    for transport in [Transport::Udp, Transport::Tcp] {
        let named = named(transport, 1, FLOWS / 40);
        assert!(named.is_empty(), "{named:?}");
    }
}

#[test]
#[ignore = "a minute: the whole number of flows"]
fn random_flows_are_hardly_ever_named() {
    let asked = std::env::var("PORTSTORY_SEED").ok();
    let asked = asked.map(|seed| vec![seed.parse().unwrap()]);
    for seed in asked.unwrap_or_else(|| SEEDS.to_vec()) {
        for transport in [Transport::Udp, Transport::Tcp] {
            let named = named(transport, seed, FLOWS);
            let expected = f64::from(FLOWS) * sum(transport);
            println!(
                "seed {seed}: {} of {FLOWS} flows named over {}; by the table's bits {expected:.3} \
                 {named:?}",
                named.len(),
                transport.name(),
            );
            assert!(named.len() <= NAMED_MAX && expected <= 2.0, "{named:?}");
        }
    }
}

/// How likely the table says it is that a flow of random bytes is named.
fn sum(transport: Transport) -> f64 {
    let over = |row: &&&Detector| match row.over() {
        Over::Both => true,
        Over::Tcp => transport == Transport::Tcp,
        Over::Udp => transport == Transport::Udp,
    };
    DETECTORS.iter().filter(over).map(|row| (-f64::from(row.bits)).exp2()).sum()
}

/// What random flows are named.
fn named(transport: Transport, seed: u64, flows: u32) -> Vec<(String, String)> {
    let mut random = Random::new(seed);
    let mut world =
        World { classifier: Classifier::new(Config::default()), events: Vec::new(), packets: 0 };
    let mut named = Vec::new();
    let mut seen = 0_u32;
    for nth in 0..flows {
        match transport {
            Transport::Udp => udp_flow(&mut random, &mut world, nth),
            Transport::Tcp => tcp_flow(&mut random, &mut world, nth),
        }
        collect(&mut world.events, &mut named, &mut seen);
    }
    world.classifier.finish(&mut world.events);
    collect(&mut world.events, &mut named, &mut seen);
    assert_eq!(seen, flows, "every flow is reported, once");
    named
}

fn collect(events: &mut Vec<Event>, named: &mut Vec<(String, String)>, seen: &mut u32) {
    for event in events.drain(..) {
        let Event::Flow(flow) = event else { continue };
        *seen += 1;
        let summary = flow.verdict.summary.clone();
        named.extend(flow.verdict.protocols.iter().map(|name| (name.to_string(), summary.clone())));
    }
}

fn udp_flow(random: &mut Random, world: &mut World, nth: u32) {
    let port = 3224 + u16::try_from(random.below(101)).unwrap();
    let mut ends = Ends::new(nth, random, port);
    for from_client in turns(random) {
        let payload = payload(random);
        let len = u16::try_from(payload.len() + 8).unwrap();
        let header = [len.to_be_bytes(), [0; 2]].concat();
        world.packet(&mut ends, from_client, 17, &[&header[..], &payload].concat());
    }
}

fn tcp_flow(random: &mut Random, world: &mut World, nth: u32) {
    const SYN: u8 = 0x02;
    const ACK: u8 = 0x10;
    let mut ends = Ends::new(nth, random, 3243);
    let mut next = [u32::try_from(random.below(1 << 32)).unwrap(), 77];
    // Half of the captures start in the middle.
    if random.below(2) == 0 {
        world.segment(&mut ends, true, SYN, [next[0], 0], &[]);
        world.segment(&mut ends, false, SYN | ACK, [next[1], next[0].wrapping_add(1)], &[]);
        next = next.map(|next| next.wrapping_add(1));
        world.segment(&mut ends, true, ACK, next, &[]);
    }
    for from_client in turns(random) {
        let payload = payload(random);
        let len = u32::try_from(payload.len()).unwrap();
        let [up, down] = next;
        if from_client {
            world.segment(&mut ends, true, ACK, [up, down], &payload);
            next = [up.wrapping_add(len), down];
        } else {
            world.segment(&mut ends, false, ACK, [down, up], &payload);
            next = [up, down.wrapping_add(len)];
        }
    }
}

/// Conversations.
struct Ends {
    client: [u8; 4],
    server: [u8; 4],
    ports: [u16; 2],
}

impl Ends {
    /// Ends that no other flow has.
    fn new(nth: u32, random: &mut Random, server_port: u16) -> Self {
        let [_, high, middle, low] = nth.to_be_bytes();
        let port = 32768 + u16::try_from(random.below(28_000)).unwrap();
        Self {
            client: [10, high, middle, low],
            server: [10, 200, 0, low],
            ports: [port, server_port],
        }
    }
}

/// What the packets go to.
struct World {
    classifier: Classifier,
    events: Vec<Event>,
    packets: u32,
}

impl World {
    fn segment(
        &mut self,
        ends: &mut Ends,
        from_client: bool,
        flags: u8,
        [seq, ack]: [u32; 2],
        payload: &[u8],
    ) {
        let rest = [&[0x50, flags, 0xff, 0xff, 0, 0, 0, 0][..], payload].concat();
        let segment = [&seq.to_be_bytes()[..], &ack.to_be_bytes(), &rest].concat();
        self.packet(ends, from_client, 6, &segment);
    }

    /// A packet; `rest` is what comes after the ports.
    fn packet(&mut self, ends: &mut Ends, from_client: bool, protocol: u8, rest: &[u8]) {
        let Ends { client, server, ports: [client_port, server_port] } = *ends;
        let (from, to) = ((client, client_port), (server, server_port));
        let (from, to) = if from_client { (from, to) } else { (to, from) };
        let len = u16::try_from(24 + rest.len()).unwrap().to_be_bytes();
        let header = [0x45, 0, len[0], len[1], 0, 0, 0x40, 0, 64, protocol, 0, 0];
        let ports = [from.1.to_be_bytes(), to.1.to_be_bytes()].concat();
        let bytes = [&header[..], &from.0, &to.0, &ports, rest].concat();
        self.packets += 1;
        let time = Timestamp::from_nanos(i64::from(self.packets) * NANOS_PER_PACKET);
        let at = FrameRef { source: SourceId(0), number: u64::from(self.packets), time };
        let wire_len = u32::try_from(bytes.len()).unwrap();
        let frame = Frame { at, link: RAW, wire_len, bytes: &bytes };
        self.classifier.ingest(&frame, &mut self.events);
    }
}

/// 1 to 1400 bytes.
fn payload(random: &mut Random) -> Vec<u8> {
    let len = random.between(1, 1400);
    random.bytes(len)
}

/// Whose turn it is: 1 to 40 packets each way, in any order.
fn turns(random: &mut Random) -> Vec<bool> {
    let (mut up, mut down) = (1 + random.below(40), 1 + random.below(40));
    let mut turns = Vec::new();
    while up + down > 0 {
        let client = down == 0 || (up > 0 && random.below(2) == 0);
        *(if client { &mut up } else { &mut down }) -= 1;
        turns.push(client);
    }
    turns
}
