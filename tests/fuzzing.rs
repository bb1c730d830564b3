//! The fuzz targets over what is known: seeds made of the fixtures, and the inputs that searches found
//! and that are kept in `fuzz/seeds/`.
//!
//! With `PORTSTORY_SEEDS=DIR` the seeds are written to `DIR/TARGET/`, for `fuzz/run.sh` to begin from.

mod support;
#[path = "../fuzz/src/lib.rs"]
#[allow(dead_code, unreachable_pub, reason = "a crate of its own elsewhere")]
mod targets;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use portstory_core::Config;

use portstory_core::internal::decode;
use portstory_core::internal::decode::Decoded;
use portstory_core::internal::decode::link::LINKS;
use portstory_core::internal::decode::tunnel::{Entry, TUNNELS};
use portstory_core::{Body, Transport, Watch};
use support::{Case, OwnedFrame};

/// Longer seeds only make a search slow.
const SEED_BYTES_MAX: usize = 16 * 1024;
const FRAMES_MAX: usize = 6;
const MESSAGES_MAX: usize = 16;

#[test]
fn nothing_known_breaks_a_promise() {
    let seeds = seeds();
    let mut replayed = 0;
    for (target, run) in targets::TARGETS {
        let made = &seeds[target];
        support::counts::hold(&format!("seeds made for {target}"), made.len());
        made.iter().for_each(|(_, bytes)| run(bytes));
        let kept = kept(target);
        for path in &kept {
            // Only a failure shows it.
            println!("{}", path.display());
            run(&fs::read(path).unwrap());
        }
        replayed += kept.len();
    }
    support::counts::hold("seeds kept that searches found", replayed);
    if let Some(folder) = std::env::var_os("PORTSTORY_SEEDS") {
        write(&seeds, Path::new(&folder));
    }
}

/// What searches found, if anything was kept.
fn kept(target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

type Seeds = BTreeMap<&'static str, Vec<(String, Vec<u8>)>>;

fn seeds() -> Seeds {
    let mut seeds = Seeds::new();
    for case in support::cases() {
        let file = fs::read(&case.captures[0]).unwrap();
        let file = file[..file.len().min(SEED_BYTES_MAX)].to_vec();
        add(&mut seeds, "readers", &case, vec![file.clone()]);
        add(&mut seeds, "whole", &case, vec![file]);
        let frames = support::frames(&case.captures[..1]);
        add(
            &mut seeds,
            "links",
            &case,
            frames.iter().take(FRAMES_MAX).filter_map(of_link).collect(),
        );
        let plain = frames.iter().take(FRAMES_MAX).filter_map(as_plain).collect();
        add(&mut seeds, "plain", &case, plain);
        let inside = frames.iter().filter_map(of_tunnel).take(FRAMES_MAX).collect();
        add(&mut seeds, "tunnels", &case, inside);
        let Some(conversation) = conversation(&frames) else { continue };
        add(&mut seeds, "fragments", &case, vec![in_fragments(&conversation)]);
        let cut = std::iter::once(5).chain(conversation.iter().copied()).collect();
        add(&mut seeds, "pieces", &case, vec![cut]);
        add(&mut seeds, "detectors", &case, vec![conversation.clone()]);
        add(&mut seeds, "share", &case, vec![conversation.clone()]);
        add(&mut seeds, "outputs", &case, vec![conversation]);
    }
    let made = replies().into_iter().zip(0..).map(|(made, n)| (format!("reply-{n}"), made));
    seeds.insert("replies", made.collect());
    seeds
}

/// Streams of one and of two replies, cut in the length and in the text.
fn replies() -> Vec<Vec<u8>> {
    let process =
        r#"{"pid":7,"name":"sshd","executable":"/usr/sbin/sshd","command_line":["sshd"]}"#;
    let texts = [
        format!(r#"{{"Process":{{"number":1,"process":{process}}}}}"#),
        r#"{"Owner":{"flow":9,"owner":{"Process":{"number":1,"listens":true}}}}"#.to_owned(),
        r#"{"Owner":{"flow":9,"owner":{"Missing":"Nobody"}}}"#.to_owned(),
        r#"{"Listeners":[{"transport":"Tcp","local":"10.0.0.9:3243","process":null}]}"#.to_owned(),
        r#"{"Addresses":["10.0.0.9","fe80::1"]}"#.to_owned(),
        r#"{"Cost":{"cpu_ms":12,"over_budget_ms":0}}"#.to_owned(),
    ];
    let stream = |text: &String| [&(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat();
    let pairs = texts.iter().flat_map(|one| texts.iter().map(move |other| (one, other)));
    let streams = pairs.map(|(one, other)| [stream(one), stream(other)].concat());
    let sound = streams.inspect(|stream| {
        let replies = portstory::internal::cli::helper_replies(&[stream]);
        assert!(replies.as_ref().is_ok_and(|replies| replies.len() == 2), "{replies:?}");
    });
    sound.map(|stream| [vec![2, 40], stream].concat()).collect()
}

fn add(seeds: &mut Seeds, target: &'static str, case: &Case, made: Vec<Vec<u8>>) {
    let named = made.into_iter().zip(0..).map(|(made, n)| (format!("{}-{n}", case.name), made));
    seeds.entry(target).or_default().extend(named);
}

fn of_link(frame: &OwnedFrame) -> Option<Vec<u8>> {
    let mut types = LINKS.iter().flat_map(|row| row.types);
    let choice = types.position(|&link| link == frame.link.0)?;
    Some([&[choice as u8], frame.bytes.as_slice()].concat())
}

fn as_plain(frame: &OwnedFrame) -> Option<Vec<u8>> {
    let choice = [1, 101].iter().position(|&link| link == frame.link.0)?;
    Some([&[choice as u8], frame.bytes.as_slice()].concat())
}

/// What stands behind Ethernet, or behind IPv4 without options on it.
fn of_tunnel(frame: &OwnedFrame) -> Option<Vec<u8>> {
    let bytes = (frame.link.0 == 1).then_some(&*frame.bytes)?;
    let number = |at: usize| Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]));
    let ethertype = number(12)?;
    let ip = ethertype == 0x0800 && bytes.get(14) == Some(&0x45);
    let protocol = ip.then(|| bytes.get(23).copied()).flatten();
    let mut entries = TUNNELS.iter().flat_map(|row| row.entries);
    let mut start = 0;
    let choice = entries.position(|&entry| {
        let (is_it, behind) = match entry {
            Entry::EtherType(own) => (own == ethertype, 14),
            Entry::IpProtocol(own) => (Some(own) == protocol, 34),
            Entry::UdpPort(own) => (protocol == Some(17) && number(36) == Some(own), 42),
        };
        start = behind;
        is_it
    })?;
    Some([&[choice as u8], bytes.get(start..)?].concat())
}

/// The first conversation on a watched port, as the targets take it.
fn conversation(frames: &[OwnedFrame]) -> Option<Vec<u8>> {
    let watch = Watch::default();
    let mut made: Option<(Transport, Vec<u8>)> = None;
    let mut messages = 0;
    for frame in frames {
        decode::decode(&frame.frame(), &Config::default().limits, &mut |decoded| {
            let Decoded::Packet(packet) = decoded else { return };
            let payload = match packet.body {
                Body::Tcp(_, payload) | Body::Udp(_, payload) => payload,
                Body::Icmp(_) => return,
            };
            let watched = |port| watch.covers(packet.transport, port);
            let from_server = watched(packet.src.port);
            if !(from_server || watched(packet.dst.port)) || payload.bytes.is_empty() {
                return;
            }
            let kind = if packet.transport == Transport::Udp { 1 } else { 2 };
            let (transport, bytes) = made.get_or_insert_with(|| (packet.transport, vec![kind]));
            if *transport != packet.transport || messages == MESSAGES_MAX {
                return;
            }
            messages += 1;
            let payload = &payload.bytes[..payload.bytes.len().min(2047)];
            bytes.push(u8::from(from_server));
            bytes.extend((payload.len() as u16).to_be_bytes());
            bytes.extend(payload);
        });
    }
    made.map(|(_, bytes)| bytes)
}

/// These bytes as the payload of a datagram in three fragments.
fn in_fragments(bytes: &[u8]) -> Vec<u8> {
    let header = [0x9c, 0x40, 0x0c, 0xab, 2, 0x60, 0, 0];
    let datagram: Vec<u8> = header.iter().chain(bytes).copied().take(600).collect();
    let mut made = Vec::new();
    for (number, part) in datagram.chunks(200).enumerate() {
        let more = if (number + 1) * 200 < datagram.len() { 0x20 } else { 0 };
        made.extend([1, more, (number * 25) as u8, part.len() as u8]);
        made.extend(part);
    }
    made
}

fn write(seeds: &Seeds, folder: &Path) {
    for (target, made) in seeds {
        let folder = folder.join(target);
        fs::create_dir_all(&folder).unwrap();
        for (name, bytes) in made {
            fs::write(folder.join(name), bytes).unwrap();
        }
    }
}
