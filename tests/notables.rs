//! On what each notable must be said and on what it must not: fixtures, and conversations made here.

mod support;

use std::collections::{BTreeMap, BTreeSet};

use portstory_core::{
    Config, Event, FlowEvent, FrameRef, LinkType, Notable, SourceId, Status, Timestamp,
};
use portstory_testkit::{Random, packets};
use support::OwnedFrame;

/// The fixtures with a flow of which it is said, none left out.
const FIXTURES: [(Notable, &[&str]); 6] = [
    (
        Notable::EncryptedFromFirstByte,
        &["framehawk-3243-alone", "framehawk-ica", "framehawk-siblings", "kcp-kcptun", "tinc"],
    ),
    (Notable::TextShell, &["text-shell"]),
    (Notable::ExecutableTransfer, &["executable-http", "executable-raw"]),
    (Notable::Periodic, &["openvpn", "periodic-empty", "unknown-tcp", "unknown-udp"]),
    // Those that are made below.
    (Notable::UploadHeavy, &[]),
    (Notable::InconsistentHandshake, &[]),
];

/// Conversations of each kind that are made.
const MADE: u16 = 120;

fn flows(frames: &[OwnedFrame]) -> Vec<FlowEvent> {
    let one = |event| match event {
        Event::Flow(flow) => Some(*flow),
        Event::Verdict(_) | Event::Endpoint(_) | Event::Anomaly(_) => None,
    };
    support::classify(frames, &Config::default()).into_iter().filter_map(one).collect()
}

#[test]
fn of_fixtures_it_is_said_where_it_must_be_and_nowhere_else() {
    let mut said: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut counts = [(0_usize, 0_usize); Notable::ALL.len()];
    for case in support::cases() {
        for flow in flows(&support::frames(&case.captures)) {
            let notables = &flow.verdict.notables;
            for (notable, (with, without)) in Notable::ALL.into_iter().zip(&mut counts) {
                let is_said = notables.contains(&notable);
                *(if is_said { with } else { without }) += 1;
                if is_said {
                    said.entry(notable.name()).or_default().insert(case.name.clone());
                }
            }
            // Of what is recognised on the port alone.
            let unexpected = notables.contains(&Notable::UnexpectedService);
            assert!(!unexpected || flow.verdict.status == Status::Identified, "{}", case.name);
        }
    }
    for (notable, (with, without)) in Notable::ALL.into_iter().zip(counts) {
        println!("{:26} said of {with:4} flows and not of {without:4}", notable.name());
        support::counts::hold(&format!("flows that are {}", notable.name()), with);
    }
    for (notable, expected) in FIXTURES {
        let said = said.remove(notable.name()).unwrap_or_default();
        assert!(said.iter().eq(expected.iter()), "{}: {said:?}", notable.name());
    }
}

fn framed_packet(at: usize, millis: i64, bytes: Vec<u8>) -> OwnedFrame {
    OwnedFrame {
        at: FrameRef {
            time: Timestamp::from_nanos((1_700_000_000_000 + millis) * 1_000_000),
            source: SourceId(0),
            number: u64::try_from(at).unwrap(),
        },
        link: LinkType(101),
        wire_len: u32::try_from(bytes.len()).unwrap(),
        bytes,
    }
}

/// Datagrams of one conversation, by turns from the client and from the server.
fn conversation(port: u16, messages: &[Vec<u8>]) -> Vec<OwnedFrame> {
    let frame = |(at, payload): (usize, &Vec<u8>)| {
        let (mut from, mut to) = (([10, 0, 0, 5], port), ([10, 0, 0, 9], 3243_u16));
        if at % 2 == 1 {
            std::mem::swap(&mut from, &mut to);
        }
        let bytes = packets::udp(from, to, payload);
        framed_packet(at, i64::try_from(at).unwrap() * 700 + i64::from(port), bytes)
    };
    messages.iter().enumerate().map(frame).collect()
}

/// Of how many made conversations it is said, and of how many not; what another protocol is recognised in
/// is left out.
fn said(notable: Notable, make: fn(&mut Random) -> Vec<Vec<u8>>) -> (usize, usize) {
    let (mut with, mut without) = (0, 0);
    for number in 0..MADE {
        let mut random = Random::new(u64::from(number) + 77_000);
        let frames = conversation(40_000 + number, &make(&mut random));
        for flow in flows(&frames) {
            if flow.verdict.status == Status::Unidentified {
                let is_said = flow.verdict.notables.contains(&notable);
                *(if is_said { &mut with } else { &mut without }) += 1;
            }
        }
    }
    println!("{:26} said of {with} made conversations and not of {without}", notable.name());
    (with, without)
}

fn pick<'a>(random: &mut Random, words: &[&'a str]) -> &'a str {
    words[random.index(words.len())]
}

/// Readings and answers in text, as services of one's own speak.
fn telemetry(random: &mut Random) -> Vec<Vec<u8>> {
    let style = random.index(6);
    let ends = ["\n", "\r\n", ""][random.index(3)];
    let mut messages = Vec::new();
    for number in 0..16 {
        let value = random.between(0, 9999);
        let name =
            pick(random, &["temp", "hum", "uid", "id", "node", "ls", "batt", "uptime", "net"]);
        let (ask, answer) = match style {
            0 => (format!("{name}={value};seq={number};ok"), format!("ACK {number} {name}")),
            1 => (
                format!("{{\"{name}\":{value},\"n\":{number}}}"),
                "{\"ok\":true,\"wait\":30}".into(),
            ),
            2 => (format!("{name},{value},{number},$"), format!("{value} #")),
            3 => (format!("SET {name} {value}"), format!("OK {name}={value} > ")),
            4 => (format!("root/{name}/#{number} {value}$"), "done % ".to_owned()),
            _ => (format!("{name} {value}"), format!("{name}: {value} not found")),
        };
        messages.push(format!("{ask}{ends}").into_bytes());
        messages.push(format!("{answer}{ends}").into_bytes());
    }
    messages
}

/// Commands and what a system says to them.
fn shell(random: &mut Random) -> Vec<Vec<u8>> {
    let prompt =
        pick(random, &["root@web1:~# ", "sh-5.1$ ", "[me@db ~]$ ", "C:\\Users\\me>", "/ # ", ""]);
    let talk = [
        ("whoami", "root"),
        ("id", "uid=0(root) gid=0(root) groups=0(root)"),
        ("uname -a", "Linux web1 6.1.0-18-amd64 #1 SMP Debian 6.1.76-1 x86_64 GNU/Linux"),
        ("ls -l", "total 4\ndrwxr-xr-x 2 root root 4096 Nov 30 10:00 home"),
        ("dir", " Directory of C:\\Users\\me"),
        ("nano", "bash: nano: command not found"),
        ("cat /etc/passwd", "root:x:0:0:root:/root:/bin/bash"),
    ];
    let mut messages = Vec::new();
    for _ in 0..6 {
        let (command, answer) = talk[random.index(talk.len())];
        messages.push(format!("{command}\n").into_bytes());
        messages.push(format!("{answer}\n{prompt}").into_bytes());
    }
    messages
}

/// Nothing but random bytes.
fn ciphertext(random: &mut Random) -> Vec<Vec<u8>> {
    (0..16)
        .map(|_| {
            let len = random.between(60, 400);
            random.bytes(len)
        })
        .collect()
}

/// A random body behind a header: a type, a length of some width and order, a number that counts.
fn framed(random: &mut Random) -> Vec<Vec<u8>> {
    let (style, kind) = (random.index(5), random.bytes(1)[0]);
    let mut message = |number: u32| {
        let len = random.between(60, 400);
        let body = random.bytes(len);
        let len = u16::try_from(len).unwrap();
        let header = match style {
            0 => [&[kind][..], &len.to_be_bytes()].concat(),
            1 => [&[kind][..], &len.to_le_bytes()].concat(),
            2 => u32::from(len).to_be_bytes().to_vec(),
            3 => number.to_be_bytes().to_vec(),
            _ => vec![kind, kind ^ 0x55],
        };
        [header, body].concat()
    };
    (0..16).map(&mut message).collect()
}

#[test]
fn a_shell_is_more_than_text() {
    let (with, without) = said(Notable::TextShell, telemetry);
    assert_eq!(with, 0);
    assert!(without > usize::from(MADE) / 2, "{without} telemetry services were left unidentified");
    let (with, without) = said(Notable::TextShell, shell);
    assert!(with > usize::from(MADE) / 2, "{with}");
    assert!(without <= with / 50, "{without} of {with}");
}

#[test]
fn encrypted_from_the_first_byte_is_what_no_header_stands_before() {
    let (with, without) = said(Notable::EncryptedFromFirstByte, framed);
    assert_eq!(with, 0);
    assert!(without > usize::from(MADE) / 2, "{without} framed services were left unidentified");
    let (with, without) = said(Notable::EncryptedFromFirstByte, ciphertext);
    assert!(with > usize::from(MADE) / 2, "{with}");
    assert!(without <= with / 20, "{without} of {with}");
}

/// A TCP connection to port 3243, or from there: its handshake, and what the opener (`true`) and the other say.
fn connection(from_watched: bool, said: &[(bool, &[u8])]) -> Vec<OwnedFrame> {
    let ends = [([10, 0, 0, 5], 50_000), ([10, 0, 0, 9], 3243_u16)];
    let [opener, other] = if from_watched { [ends[1], ends[0]] } else { ends };
    let (syn, ack) = (2, 16);
    let mut packets = vec![
        packets::tcp(opener, other, syn, [100, 0], b""),
        packets::tcp(other, opener, syn | ack, [900, 101], b""),
        packets::tcp(opener, other, ack, [101, 901], b""),
    ];
    let mut next = [101, 901];
    for &(by_opener, bytes) in said {
        let len = u32::try_from(bytes.len()).unwrap();
        let [own, theirs] = &mut next;
        if by_opener {
            packets.push(packets::tcp(opener, other, ack, [*own, *theirs], bytes));
            *own += len;
        } else {
            packets.push(packets::tcp(other, opener, ack, [*theirs, *own], bytes));
            *theirs += len;
        }
    }
    let frames = packets.into_iter().enumerate();
    frames.map(|(at, bytes)| framed_packet(at, i64::try_from(at).unwrap() * 3, bytes)).collect()
}

fn is_said_of(frames: &[OwnedFrame], notable: Notable) -> bool {
    let flows = flows(frames);
    let [flow] = flows.as_slice() else { panic!("{flows:#?}") };
    flow.verdict.notables.contains(&notable)
}

#[test]
fn an_upload_is_a_megabyte_that_is_hardly_answered() {
    let piece = Random::new(5).bytes(1400);
    let up: Vec<(bool, &[u8])> = (0..800).map(|at| (at % 20 != 7, &piece[..])).collect();
    assert!(is_said_of(&connection(false, &up), Notable::UploadHeavy));
    let down: Vec<(bool, &[u8])> =
        up.iter().map(|(by_opener, bytes)| (!by_opener, *bytes)).collect();
    assert!(!is_said_of(&connection(false, &down), Notable::UploadHeavy));
    let even: Vec<(bool, &[u8])> = (0..1600).map(|at| (at % 2 == 0, &piece[..])).collect();
    assert!(!is_said_of(&connection(false, &even), Notable::UploadHeavy));
    assert!(!is_said_of(&connection(false, &up[..400]), Notable::UploadHeavy));
}

#[test]
fn a_handshake_is_inconsistent_where_the_server_of_the_protocol_opens_the_connection() {
    let (request, answer) = (
        &b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..],
        &b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"[..],
    );
    let usual = connection(false, &[(true, request), (false, answer)]);
    assert!(!is_said_of(&usual, Notable::InconsistentHandshake));
    let reversed = connection(false, &[(false, request), (true, answer)]);
    assert!(is_said_of(&reversed, Notable::InconsistentHandshake));
    // A client whose own port is watched is none.
    let client = connection(true, &[(true, request), (false, answer)]);
    assert!(!is_said_of(&client, Notable::InconsistentHandshake));
}
