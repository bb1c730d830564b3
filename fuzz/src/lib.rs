//! What the fuzz targets do with arbitrary bytes, and what must hold whatever those are.
//!
//! Each target is one function here, so that `cargo fuzz` can search for inputs and the project's own
//! tests (`tests/fuzzing.rs`, which takes this file in as a module) can replay those that were kept.
//! A target fails by panicking: because the code under test does, or because a promise is broken that
//! can be checked from outside:
//!
//! - `links`, `tunnels`: where the decoder finds a watched packet, the fast no lets the frame through;
//! - `plain`: what is read in one go is what layer by layer comes to (debug assertions compare);
//! - `detectors`: a detector that the prefilter leaves out would have said no (debug assertions ask it);
//! - `pieces`: pieces of a capture give the events of the whole (invariant 8);
//! - `share`: of a flow that nothing identifies no six bytes of payload in a row reach a capture that
//!   is made for strangers, nor does an address, and its verdicts settle within the command's rounds;
//! - `replies`: what the helper says means the same however the socket cuts it;
//! - `outputs`: an EVE line is JSON, and no control character of a stranger reaches a terminal.

use std::hash::{DefaultHasher, Hasher as _};
use std::io::Cursor;

use portstory::internal::bundle::anonymize::{Addresses, Secret, Sharer, Strength, Study};
use portstory::internal::capture::file::Options;
use portstory::internal::capture::{FrameSource, Polled, SourceInfo, file};
use portstory::internal::cli::helper_replies;
use portstory::internal::engine::{Observer as _, Seen};
use portstory::internal::output::{Context, FORMATS, Look, RunSummary};
use portstory_core::internal::decode;
use portstory_core::internal::decode::Decoded;
use portstory_core::internal::decode::link::LINKS;
use portstory_core::internal::decode::peek::Peek;
use portstory_core::internal::decode::tunnel::{Entry, TUNNELS};
use portstory_core::internal::watch::CompanionKind;
use portstory_core::{
    Body, Classifier, Collector, Config, Event, Frame, FrameRef, LinkType, SourceId, Status,
    Timestamp, Watch, put_together,
};

/// A target by its name.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub static TARGETS: &[Target] = &[
    ("readers", readers),
    ("links", links),
    ("plain", plain),
    ("tunnels", tunnels),
    ("fragments", fragments),
    ("detectors", detectors),
    ("pieces", pieces),
    ("outputs", outputs),
    ("share", share),
    ("replies", replies),
    ("whole", whole),
];

/// Rounds in which a reader of a small file must come to its end.
const ROUNDS_MAX: usize = 100_000;

const ETHERNET: u16 = 1;
const RAW_IP: u16 = 101;
const UDP: u8 = 17;
const TCP: u8 = 6;
const WATCHED_PORT: u16 = 3243;

/// The bytes of a capture file, in any format that is read, compressed or not.
pub fn readers(bytes: &[u8]) {
    read(bytes, &mut |frame| {
        assert!(frame.bytes.len() <= 1 << 24, "a frame of {} bytes", frame.bytes.len());
    });
}

/// The number of a link type, then a frame of it.
pub fn links(bytes: &[u8]) {
    let Some((&choice, frame)) = bytes.split_first() else { return };
    let types = || LINKS.iter().flat_map(|row| row.types);
    if let Some(&link) = types().nth(usize::from(choice) % types().count()) {
        check_frame(&frame_at(0, link, frame));
    }
}

/// One byte that says whether what follows is Ethernet or raw IP, then a frame that is nearly plain: in
/// range by its ports, in lengths that are mended for two in three.
pub fn plain(bytes: &[u8]) {
    let Some((&how, frame)) = bytes.split_first() else { return };
    let mut frame = frame.to_vec();
    let link = if how & 1 == 0 { ETHERNET } else { RAW_IP };
    let ip = if link == ETHERNET { 14 } else { 0 };
    if how & 2 == 2 {
        mend_lengths(&mut frame, ip);
    }
    if how & 4 == 4 {
        let ports = ip + if frame.get(ip).is_some_and(|byte| byte >> 4 == 6) { 40 } else { 20 };
        if let Some(port) = frame.get_mut(ports..ports + 2) {
            port.copy_from_slice(&WATCHED_PORT.to_be_bytes());
        }
    }
    check_frame(&frame_at(0, link, &frame));
}

/// Makes the lengths of IP say how much there is.
fn mend_lengths(frame: &mut [u8], ip: usize) {
    let len = frame.len().saturating_sub(ip);
    let (at, len) = match frame.get(ip).map(|byte| byte >> 4) {
        Some(4) => (ip + 2, len),
        Some(6) => (ip + 4, len.saturating_sub(40)),
        _ => return,
    };
    if let (Some(place), Ok(len)) = (frame.get_mut(at..at + 2), u16::try_from(len)) {
        place.copy_from_slice(&len.to_be_bytes());
    }
}

/// The number of an encapsulation, then what it is to open, behind the header that announces it.
pub fn tunnels(bytes: &[u8]) {
    let Some((&choice, inside)) = bytes.split_first() else { return };
    let entries = || TUNNELS.iter().flat_map(|row| row.entries);
    let Some(entry) = entries().nth(usize::from(choice) % entries().count()) else { return };
    let frame = match *entry {
        Entry::EtherType(ethertype) => ethernet(ethertype, inside),
        Entry::IpProtocol(protocol) => ethernet(0x0800, &ipv4(protocol, [0; 2], inside)),
        Entry::UdpPort(port) => ethernet(0x0800, &ipv4(UDP, [0; 2], &udp(40_000, port, inside))),
    };
    check_frame(&frame_at(0, ETHERNET, &frame));
}

/// Fragments of IPv4 packets: of each its identification, offset and length, then its bytes.
pub fn fragments(mut bytes: &[u8]) {
    let mut frames = Vec::new();
    while let Some((&[id, offset_high, offset_low, len], rest)) = bytes.split_first_chunk() {
        let (inside, rest) = rest.split_at(usize::from(len).min(rest.len()));
        let mut packet = ipv4(UDP, [offset_high & 0x3f, offset_low], inside);
        packet[5] = id & 3;
        frames.push(packet);
        bytes = rest;
    }
    let raw: Vec<_> = frames.iter().map(|packet| (RAW_IP, packet.as_slice())).collect();
    classify(&timed(&raw));
}

/// A conversation on the watched port, message by message, past every detector.
pub fn detectors(bytes: &[u8]) {
    let packets = conversation(bytes);
    classify(&timed(&as_raw(&packets)));
}

/// The same in two pieces of a capture, which must give the events of the whole.
pub fn pieces(bytes: &[u8]) {
    let Some((&cut, bytes)) = bytes.split_first() else { return };
    let packets = conversation(bytes);
    let raw = as_raw(&packets);
    let frames = timed(&raw);
    let config = Config::default();
    let whole = classify(&frames);
    let cut = usize::from(cut) % frames.len().saturating_add(1);
    let parts =
        [&frames[..cut], &frames[cut..]].into_iter().zip(0_u64..).map(|(frames, number)| {
            let mut part = Collector::new(config.clone());
            frames.iter().for_each(|frame| {
                part.ingest(frame);
            });
            (number, part)
        });
    let mut events = Vec::new();
    put_together(parts.collect(), &config, &mut events);
    assert_eq!(events, whole, "cut before frame {cut}");
}

/// The same conversation, and what every format writes of it.
pub fn outputs(bytes: &[u8]) {
    let packets = conversation(bytes);
    let sources = [SourceInfo { name: "fuzz".to_owned(), ..SourceInfo::default() }];
    let events = classify(&timed(&as_raw(&packets)));
    for row in FORMATS {
        let written = write(row.name, &events, &sources);
        let text = std::str::from_utf8(&written).expect("output is UTF-8");
        match row.name {
            "eve" => text.lines().for_each(|line| {
                serde_json::from_str::<serde_json::Value>(line).expect("a line is JSON");
            }),
            _ => {
                let bad = text.chars().find(|&c| c != '\n' && c != '\r' && c.is_control());
                assert_eq!(bad, None, "in {}", row.name);
            }
        }
    }
}

/// A conversation, and the capture that is made of it for strangers.
pub fn share(bytes: &[u8]) {
    let packets = conversation(bytes);
    let raw = as_raw(&packets);
    let frames = timed(&raw);
    let (config, secret) = (Config::default(), Secret::new(key_of(bytes)));
    let mut study = Study::new(
        &config,
        &secret,
        Strength::Min,
        &[],
        portstory_core::config::BundleLimits::default(),
    );
    let mut classifier = Classifier::new(config.clone());
    let (mut events, mut named) = (Vec::new(), false);
    let mut tell = |study: &mut Study, events: &mut Vec<Event>| {
        for mut event in events.drain(..) {
            if let Event::Flow(flow) = &event {
                let status = flow.verdict.status;
                named |= !matches!(status, Status::Unidentified | Status::Insufficient);
            }
            study.event(&mut event);
        }
    };
    for frame in &frames {
        let outcome = classifier
            .ingest_observed(frame, &mut events, &mut |key, packet| study.packet(key, packet));
        tell(&mut study, &mut events);
        study.frame(frame, &Seen { outcome, resolved: &[], sources: &[] });
    }
    classifier.finish_observed(&mut events, &mut |key, packet| study.leftover(key, packet));
    tell(&mut study, &mut events);
    let (mut plans, _) = study.finish();
    let mut addresses = Addresses::new(&secret, plans.addresses());
    for _ in 0..SHARE_ROUNDS {
        let mut made: Vec<Vec<u8>> = Vec::new();
        let mut sharer = Sharer::new(&config, &secret, &mut plans, &mut addresses);
        let mut keep = |frame: &Frame<'_>| made.push(frame.bytes.to_vec());
        frames.iter().for_each(|frame| sharer.frame(frame, &mut keep));
        sharer.finish(&mut keep);
        let raw = as_raw(&made);
        let found = timed(&raw);
        check_shared(&frames, &found, named);
        let flows = classify(&found).into_iter().filter_map(|event| match event {
            Event::Flow(flow) => Some(*flow),
            Event::Verdict(_) | Event::Endpoint(_) | Event::Anomaly(_) => None,
        });
        if !plans.settle(&flows.collect::<Vec<_>>(), &mut addresses) {
            return;
        }
    }
    panic!("verdicts still change as payload is taken away");
}

/// A key that changes with every input. With one and the same a search sees the noise that it makes, puts
/// that into its next input, and finds it there again.
fn key_of(bytes: &[u8]) -> [u8; 32] {
    let mut key = [0; 32];
    for (part, number) in key.chunks_exact_mut(8).zip(0u8..) {
        let mut hasher = DefaultHasher::new();
        hasher.write_u8(number);
        hasher.write(bytes);
        part.copy_from_slice(&hasher.finish().to_le_bytes());
    }
    key
}

/// Rounds of making and judging, as the command has.
const SHARE_ROUNDS: usize = 8;

/// Bytes in a row that are payload, and no chance.
const RUN: usize = 6;

fn check_shared(original: &[Frame<'_>], shared: &[Frame<'_>], named: bool) {
    let mut runs = std::collections::HashSet::new();
    let mut hosts = std::collections::HashSet::new();
    each_payload(original, &mut |payload, addresses| {
        hosts.extend(addresses);
        // Runs of few different bytes are in any noise of that kind.
        let telling = payload.windows(RUN).filter(|run| run.iter().any(|&one| one != run[0]));
        runs.extend(telling.map(<[u8]>::to_vec));
    });
    each_payload(shared, &mut |payload, addresses| {
        assert!(!addresses.iter().any(|one| hosts.contains(one)), "an address: {addresses:?}");
        let told = payload.windows(RUN).find(|run| !named && runs.contains(*run));
        assert_eq!(told, None, "payload of a flow that nothing identifies");
    });
}

fn each_payload(frames: &[Frame<'_>], found: &mut dyn FnMut(&[u8], [std::net::IpAddr; 2])) {
    for frame in frames {
        decode::decode(frame, &Config::default().limits, &mut |decoded| {
            let Decoded::Packet(packet) = decoded else { return };
            if let Body::Tcp(_, payload) | Body::Udp(_, payload) = packet.body {
                found(payload.bytes, [packet.src.addr, packet.dst.addr]);
            }
        });
    }
}

/// Where the socket cuts it, then a stream of replies from the helper that looks processes up.
pub fn replies(bytes: &[u8]) {
    let Some((&[first, second], stream)) = bytes.split_first_chunk() else { return };
    let at = |cut: u8, len: usize| usize::from(cut) % len.saturating_add(1);
    let (early, late) = stream.split_at(at(first, stream.len()));
    let (middle, late) = late.split_at(at(second, late.len()));
    let (whole, parts) = (helper_replies(&[stream]), helper_replies(&[early, middle, late]));
    // Of a stream that is refused only how far it was read depends on the cuts.
    assert_eq!(whole.is_ok(), parts.is_ok(), "{whole:?} {parts:?}");
    if let (Ok(whole), Ok(parts)) = (whole, parts) {
        assert_eq!(whole, parts);
    }
}

/// The bytes of a capture file, through reader and classifier, to every format.
pub fn whole(bytes: &[u8]) {
    let mut classifier = Classifier::new(Config::default());
    let mut events = Vec::new();
    let sources = read(bytes, &mut |frame| {
        classifier.ingest(frame, &mut events);
    });
    classifier.finish(&mut events);
    for row in FORMATS {
        write(row.name, &events, &sources);
    }
}

fn read(bytes: &[u8], sink: &mut dyn FnMut(&Frame<'_>)) -> Vec<SourceInfo> {
    let input = Box::new(Cursor::new(bytes.to_vec()));
    let Ok(mut source) = file::open_stream(input, "fuzz", Options::default()) else {
        return Vec::new();
    };
    for _ in 0..ROUNDS_MAX {
        if let Ok(Polled::End) = source.poll(1024, sink) {
            return source.sources().to_vec();
        }
    }
    panic!("the reader does not come to an end");
}

fn write(format: &str, events: &[Event], sources: &[SourceInfo]) -> Vec<u8> {
    let row = FORMATS.iter().find(|row| row.name == format).expect("a format of the table");
    let context = Context { sources, live: false };
    let mut format = (row.make)(Look::default());
    let mut out = Vec::new();
    for event in events {
        format.event(&mut out, event, &context);
    }
    format.finish(&mut out, &RunSummary::default(), &context);
    out
}

fn classify(frames: &[Frame<'_>]) -> Vec<Event> {
    let mut classifier = Classifier::new(Config::default());
    let mut events = Vec::new();
    for frame in frames {
        classifier.ingest(frame, &mut events);
    }
    classifier.finish(&mut events);
    events
}

/// What the decoder finds of interest, the fast no lets through.
fn check_frame(frame: &Frame<'_>) {
    let watch = Watch::default();
    let mut found = false;
    decode::decode(frame, &Config::default().limits, &mut |decoded| match decoded {
        Decoded::Packet(packet) => {
            found |= [packet.src.port, packet.dst.port].iter().any(|&port| {
                watch.covers(packet.transport, port)
                    || CompanionKind::of(packet.transport, port).is_some()
            });
        }
        Decoded::Fragment(_) => found = true,
        Decoded::Anomaly(..) => {}
    });
    assert!(!found || Peek::new(&watch).is_candidate(frame), "the fast no is wrong");
    classify(&[*frame]);
}

fn frame_at(number: u64, link: u16, bytes: &[u8]) -> Frame<'_> {
    let millis = i64::try_from(number).unwrap_or(i64::MAX).saturating_mul(1_000_000);
    let time = Timestamp::from_nanos(1_500_000_000_000_000_000_i64.saturating_add(millis));
    let at = FrameRef { time, source: SourceId(0), number: number.saturating_add(1) };
    let wire_len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    Frame { at, link: LinkType(link), wire_len, bytes }
}

fn timed<'a>(frames: &[(u16, &'a [u8])]) -> Vec<Frame<'a>> {
    frames.iter().zip(0..).map(|(&(link, bytes), number)| frame_at(number, link, bytes)).collect()
}

fn as_raw(packets: &[Vec<u8>]) -> Vec<(u16, &[u8])> {
    packets.iter().map(|packet| (RAW_IP, packet.as_slice())).collect()
}

/// Packets between a client and the watched port.
///
/// The first byte says: bit 0 UDP, bit 1 with a handshake. Then of each message one byte (bit 0 from
/// the server, bit 1 twice, bit 2 ends the connection) and its length in two, then the message.
fn conversation(bytes: &[u8]) -> Vec<Vec<u8>> {
    let Some((&kind, mut bytes)) = bytes.split_first() else { return Vec::new() };
    let over_udp = kind & 1 == 1;
    let mut next = [1_u32, 1];
    let mut packets: Vec<Vec<u8>> = Vec::new();
    let mut packet = |server: bool, flags: u8, data: &[u8]| {
        let (src, dst) = if server { (WATCHED_PORT, 40_000) } else { (40_000, WATCHED_PORT) };
        let [own, other] = if server { [1, 0] } else { [0, 1] };
        let inside = if over_udp {
            udp(src, dst, data)
        } else {
            tcp([src, dst], [next[own], next[other]], flags, data)
        };
        next[own] = next[own].wrapping_add(u32::try_from(data.len()).unwrap_or(0));
        let protocol = if over_udp { UDP } else { TCP };
        let mut packet = ipv4(protocol, [0; 2], &inside);
        if server {
            packet[12..20].rotate_left(4);
        }
        packet
    };
    if kind & 3 == 2 {
        // Their sequence numbers are one less: a SYN takes one.
        packets.extend([packet(false, 0x02, &[]), packet(true, 0x12, &[])]);
        packets.iter_mut().for_each(|packet| packet[27] = 0);
    }
    while let Some((&[how, len_high, len_low], rest)) = bytes.split_first_chunk() {
        let len = usize::from(u16::from_be_bytes([len_high, len_low])) % 2048;
        let (message, rest) = rest.split_at(len.min(rest.len()));
        bytes = rest;
        let flags = if how & 4 == 4 { 0x11 } else { 0x18 };
        packets.push(packet(how & 1 == 1, flags, message));
        if how & 2 == 2 {
            packets.extend_from_within(packets.len().saturating_sub(1)..);
        }
    }
    packets
}

fn ethernet(ethertype: u16, inside: &[u8]) -> Vec<u8> {
    let mut frame = vec![2; 12];
    frame.extend(ethertype.to_be_bytes());
    frame.extend(inside);
    frame
}

/// An IPv4 header (RFC 791) before `inside`; `place` is its flags and fragment offset.
fn ipv4(protocol: u8, place: [u8; 2], inside: &[u8]) -> Vec<u8> {
    let len = u16::try_from(inside.len().saturating_add(20)).unwrap_or(u16::MAX).to_be_bytes();
    let mut packet = vec![0x45, 0, len[0], len[1], 0, 1, place[0], place[1], 64, protocol, 0, 0];
    packet.extend([10, 0, 0, 5, 10, 0, 0, 9]);
    packet.extend(inside);
    packet
}

fn udp(src: u16, dst: u16, inside: &[u8]) -> Vec<u8> {
    let len = u16::try_from(inside.len().saturating_add(8)).unwrap_or(u16::MAX);
    let mut datagram: Vec<u8> = [src, dst, len, 0].into_iter().flat_map(u16::to_be_bytes).collect();
    datagram.extend(inside);
    datagram
}

fn tcp(ports: [u16; 2], numbers: [u32; 2], flags: u8, inside: &[u8]) -> Vec<u8> {
    let mut segment: Vec<u8> = ports.into_iter().flat_map(u16::to_be_bytes).collect();
    segment.extend(numbers.into_iter().flat_map(u32::to_be_bytes));
    segment.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    segment.extend(inside);
    segment
}
