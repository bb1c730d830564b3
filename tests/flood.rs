//! Memory under attack, and what becomes of those who were there before.
//!
//! A flood of single packets in range, each from an address of its own, goes straight into the
//! classifier, in a process of its own whose memory the kernel tells. `PORTSTORY_FLOOD=50000000 cargo
//! test --release --test flood -- --nocapture` floods for longer.
#![cfg(target_os = "linux")]

use std::net::Ipv4Addr;
use std::process::Command;

use portstory_core::config::Limits;
use portstory_core::{Classifier, Config, Event, Frame, FrameRef, LinkType, SourceId, Timestamp};
use portstory_testkit::Random;

const MEMORY_MAX: usize = 256 << 20;
const MEMORY_MAX_BACK: usize = 64 << 20;
const REAL_FLOWS: u32 = 1_000;
const SERVER: Ipv4Addr = Ipv4Addr::new(10, 255, 0, 1);

/// Every so many packets of the flood, one real flow goes on.
const PACKETS_BETWEEN: u64 = 100;

struct Wire {
    classifier: Classifier,
    events: Vec<Event>,
    number: u64,
    flows: u64,
    real: Vec<String>,
    bytes: Vec<u8>,
}

impl Wire {
    fn new(config: Config) -> Self {
        Self {
            classifier: Classifier::new(config),
            events: Vec::new(),
            number: 0,
            flows: 0,
            real: Vec::new(),
            bytes: Vec::new(),
        }
    }

    /// A UDP packet over IPv4, without a link header; checksums are left to offloading, as cards do.
    fn udp(&mut self, from: (u32, u16), to: (u32, u16), payload: &[u8], micros: u64) {
        self.bytes.clear();
        let len = 28 + payload.len() as u16;
        self.bytes.extend_from_slice(&[0x45, 0]);
        self.bytes.extend_from_slice(&len.to_be_bytes());
        self.bytes.extend_from_slice(&[0, 0, 0, 0, 64, 17, 0, 0]);
        self.bytes.extend_from_slice(&from.0.to_be_bytes());
        self.bytes.extend_from_slice(&to.0.to_be_bytes());
        for number in [from.1, to.1, len - 20, 0] {
            self.bytes.extend_from_slice(&number.to_be_bytes());
        }
        self.bytes.extend_from_slice(payload);
        self.number += 1;
        let time = Timestamp::from_parts(
            1_500_000_000 + (micros / 1_000_000) as i64,
            (micros % 1_000_000) as u32 * 1000,
        );
        let at = FrameRef { time, source: SourceId(0), number: self.number };
        let wire_len = self.bytes.len() as u32;
        let frame = Frame { at, link: LinkType(101), wire_len, bytes: &self.bytes };
        self.classifier.ingest(&frame, &mut self.events);
        self.take_events();
    }

    fn take_events(&mut self) {
        for event in self.events.drain(..) {
            let Event::Flow(flow) = event else { continue };
            self.flows += 1;
            if [flow.client.addr, flow.server.addr].contains(&SERVER.into()) {
                self.real.push(format!(
                    "{:?}-{:?} {}",
                    flow.verdict.label, flow.verdict.status, flow.server.port
                ));
            }
        }
    }

    fn exchange(&mut self, flow: u32, turn: u64, micros: u64) {
        let (client, server) =
            ((0x0a00_0000 + flow, 40_000 + flow as u16), (SERVER.to_bits(), 3243));
        // Nothing that is known; the same with and without a flood.
        let payload: Vec<u8> = (0..120)
            .map(|at| (Random::mixed(u64::from(flow) << 32 | turn << 8 | at) >> 56) as u8)
            .collect();
        self.udp(client, server, &payload, micros);
        self.udp(server, client, &payload[20..], micros + 1);
    }
}

/// So many services, each seen a second before the one ahead of it.
fn run_back(packets: u64) -> u64 {
    let limits = Limits::within(MEMORY_MAX_BACK);
    let mut wire = Wire::new(Config { limits, hash_seed: 7, ..Config::default() });
    for one in 0..packets {
        let (client, service) =
            ((0x0b00_0000 + one as u32, 40_000), (0x1400_0000 + one as u32, 3243));
        wire.udp(client, service, &Random::mixed(one).to_be_bytes(), (packets - one) * 1_000_000);
    }
    let Wire { classifier, events, .. } = &mut wire;
    classifier.finish(events);
    wire.take_events();
    wire.flows
}

/// Verdicts on the real flows, with so many packets of a flood between theirs.
fn run(packets: u64) -> (Vec<String>, u64) {
    let config = Config { limits: Limits::within(MEMORY_MAX), hash_seed: 7, ..Config::default() };
    let mut wire = Wire::new(config);
    for turn in 0..5 {
        for flow in 0..REAL_FLOWS {
            wire.exchange(flow, turn, turn * 1_000_000 + u64::from(flow) * 100);
        }
    }
    for one in 0..packets {
        // 100,000 packets a second.
        let micros = 5_000_000 + one * 10;
        let random = Random::mixed(one);
        let port = if random & 1 == 0 { 3243 } else { 3224 + (random >> 40) as u16 % 100 };
        let source = (random as u32, 1024 + (random >> 48) as u16 % 40_000);
        let target = ((random >> 13) as u32, port);
        wire.udp(source, target, &random.to_be_bytes(), micros);
        if one % PACKETS_BETWEEN == 0 {
            let flow = (one / PACKETS_BETWEEN) as u32 % REAL_FLOWS;
            wire.exchange(flow, 5 + one, micros + 2);
        }
    }
    let Wire { classifier, events, .. } = &mut wire;
    classifier.finish(events);
    wire.take_events();
    let mut real = wire.real;
    real.sort();
    (real, wire.flows)
}

/// The process that is flooded.
#[test]
#[ignore = "a role: is flooded"]
fn inside_a_flood() {
    // With all that are ignored it is run without a flood.
    let Ok(packets) = std::env::var("FLOOD_PACKETS") else { return };
    let packets = packets.parse().unwrap();
    let (real, flows) = if std::env::var_os("FLOOD_BACK").is_some() {
        (Vec::new(), run_back(packets))
    } else {
        run(packets)
    };
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    let first = real.first().cloned().unwrap_or_default();
    let alike = real.iter().filter(|one| **one == first).count();
    println!("peak_kib={peak} flows={flows} real={} alike={alike} verdict={first}", real.len());
}

fn flooded(packets: u64, way: &[&str]) -> (u64, Vec<String>) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "inside_a_flood", "--nocapture", "--test-threads=1"])
        .env("FLOOD_PACKETS", packets.to_string())
        .envs(way.iter().map(|way| (way, "1")))
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let (_, line) = stdout.split_once("peak_kib=").unwrap_or_else(|| panic!("{output:?}"));
    let line = line.lines().next().unwrap();
    println!("{packets} packets: peak_kib={line}");
    let (peak, rest) = line.split_once(' ').unwrap();
    (peak.parse().unwrap(), rest.split(' ').skip(1).map(str::to_owned).collect())
}

#[test]
fn a_flood_costs_bounded_memory_and_nobody_a_verdict() {
    let packets = std::env::var("PORTSTORY_FLOOD").map_or(2_000_000, |text| text.parse().unwrap());
    let (_, calm) = flooded(0, &[]);
    let (peak_kib, stormy) = flooded(packets, &[]);
    assert_eq!(calm[0], format!("real={REAL_FLOWS}"));
    assert_eq!(stormy, calm, "the flood changed what was there before");
    assert!(peak_kib * 1024 <= MEMORY_MAX as u64, "{peak_kib} KiB at the peak");
}

#[test]
fn time_that_goes_back_costs_bounded_memory() {
    let [(few_kib, _), (many_kib, _)] =
        [150_000, 450_000].map(|packets| flooded(packets, &["FLOOD_BACK"]));
    assert!(many_kib < few_kib + (8 << 10), "{few_kib} and {many_kib} KiB at the peak");
}
