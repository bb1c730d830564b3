//! How long a frame takes: the fast no, the decoder, and the whole path from frame to event; and how
//! long it takes to find out what a flow speaks.
//!
//! `cargo bench` runs it over the fixtures; `PORTSTORY_CAPTURE=FILE cargo bench` over a capture of
//! yours. Timings are never compared in tests.

use std::collections::BTreeMap;

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use portstory::internal::capture::file::Options;
use portstory::internal::capture::{FrameSource, Polled, file};
use portstory_core::config::Limits;
use portstory_core::internal::decode;
use portstory_core::internal::decode::Decoded;
use portstory_core::internal::decode::peek::Peek;
use portstory_core::internal::flow::{FlowRecord, KeptPacket};
use portstory_core::{
    Body, Classifier, Config, FlowKey, FlowPacket, Frame, FrameRef, LinkType, Watch,
};

fn main() {
    divan::main();
}

/// A frame that owns its bytes.
struct Owned {
    at: FrameRef,
    link: LinkType,
    wire_len: u32,
    bytes: Vec<u8>,
}

impl Owned {
    fn frame(&self) -> Frame<'_> {
        Frame { at: self.at, link: self.link, wire_len: self.wire_len, bytes: &self.bytes }
    }
}

/// The frames to measure with; none where there is no capture.
fn frames() -> Vec<Owned> {
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");
    let path = std::env::var_os("PORTSTORY_CAPTURE").unwrap_or_else(|| fixtures.into());
    let mut frames = Vec::new();
    let Ok(mut source) = file::open(&[path.into()], Options::default()) else { return frames };
    loop {
        let polled = source.poll(4096, &mut |frame| {
            let Frame { at, link, wire_len, bytes } = *frame;
            frames.push(Owned { at, link, wire_len, bytes: bytes.to_vec() });
        });
        if matches!(polled, Ok(Polled::End)) {
            return frames;
        }
    }
}

/// Times `each` over all frames, with what that is in frames and bytes a second.
fn over_frames(bencher: Bencher<'_, '_>, mut each: impl FnMut(&[Owned])) {
    let frames = frames();
    let bytes: usize = frames.iter().map(|frame| frame.bytes.len()).sum();
    bencher
        .counter(ItemsCount::new(frames.len()))
        .counter(BytesCount::new(bytes))
        .bench_local(|| each(&frames));
}

#[divan::bench]
fn peek(bencher: Bencher<'_, '_>) {
    let peek = Peek::new(&Watch::default());
    over_frames(bencher, |frames| {
        let candidates = frames.iter().filter(|frame| peek.is_candidate(&frame.frame())).count();
        divan::black_box(candidates);
    });
}

#[divan::bench]
fn decode(bencher: Bencher<'_, '_>) {
    let limits = Limits::default();
    over_frames(bencher, |frames| {
        let mut packets = 0_usize;
        for frame in frames {
            decode::decode(&frame.frame(), &limits, &mut |decoded| {
                packets =
                    packets.saturating_add(usize::from(matches!(decoded, Decoded::Packet(_))));
            });
        }
        divan::black_box(packets);
    });
}

/// The flows of the capture, watched or not.
fn conversations() -> BTreeMap<FlowKey, Vec<KeptPacket>> {
    let mut flows: BTreeMap<FlowKey, Vec<KeptPacket>> = BTreeMap::new();
    for frame in frames() {
        decode::decode(&frame.frame(), &Limits::default(), &mut |decoded| {
            let Decoded::Packet(packet) = decoded else { return };
            if let Body::Tcp(..) | Body::Udp(..) = packet.body {
                let (key, side) = FlowKey::of(&packet, false);
                let seen = FlowPacket::unsigned(&packet, side);
                flows.entry(key).or_default().push(KeptPacket::of(&seen));
            }
        });
    }
    flows
}

#[divan::bench]
fn identify(bencher: Bencher<'_, '_>) {
    let (flows, config) = (conversations(), Config::default());
    bencher.counter(ItemsCount::new(flows.len())).bench_local(|| {
        let mut named = 0_usize;
        for (key, said) in &flows {
            let Some(first) = said.first() else { continue };
            let mut record = first.lend(|seen| FlowRecord::new(seen, &config));
            for one in said {
                one.lend(|seen| record.show_to_detectors(seen, &config));
            }
            record.conclude(key.transport, &config);
            named = named.saturating_add(usize::from(record.recognised().next().is_some()));
        }
        divan::black_box(named);
    });
}

#[divan::bench]
fn whole(bencher: Bencher<'_, '_>) {
    over_frames(bencher, |frames| {
        let mut classifier = Classifier::new(Config::default());
        let mut events = Vec::new();
        for frame in frames {
            classifier.ingest(&frame.frame(), &mut events);
        }
        classifier.finish(&mut events);
        divan::black_box(events.len());
    });
}
