//! Invariant 2: nothing on the wire or in a file makes it panic, hang or bloat.
//!
//! Every fixture goes through reader, classifier and all outputs, truncated at every length and with
//! every byte changed. Long captures repeat themselves, so of each file the first bytes are taken
//! this way, and of the rest every frame by itself.

mod support;

use std::fs;
use std::io::Cursor;

use portstory::internal::capture::file::Options;
use portstory::internal::capture::{FrameSource, Polled, file};
use portstory::internal::output::{Context, FORMATS, Look, RunSummary};
use portstory_core::{Classifier, Config};
use support::OwnedFrame;

/// Bytes of each file that are cut at every length and changed one by one: headers, several records
/// and the first flows' handshakes.
const EVERY_BYTE_BYTES: usize = 4 * 1024;

/// Of the rest, up to this length, every 997th is.
const SOME_BYTES: usize = 64 * 1024;
const STRIDE: usize = 997;

/// Frames of each file that are cut and changed by themselves.
const FRAMES: usize = 12;

/// The whole path, from the bytes of a file to the bytes of every format.
fn whole_path(bytes: &[u8]) -> usize {
    let input = Box::new(Cursor::new(bytes.to_vec()));
    let Ok(mut source) = file::open_stream(input, "hostile", Options::default()) else { return 0 };
    let mut classifier = Classifier::new(Config::default());
    let mut events = Vec::new();
    // A reader that never says "end" would hang here: each round must bring frames, a fault or the end.
    for _ in 0..100_000 {
        let polled = source.poll(4096, &mut |frame| {
            classifier.ingest(frame, &mut events);
        });
        if matches!(polled, Ok(Polled::End)) {
            classifier.finish(&mut events);
            return write_all(&events, &source);
        }
    }
    panic!("the reader does not come to an end");
}

fn write_all(events: &[portstory_core::event::Event], source: &dyn FrameSource) -> usize {
    let context = Context { sources: source.sources(), live: false };
    let mut written = Vec::new();
    for row in FORMATS {
        let mut format = (row.make)(Look::default());
        for event in events {
            format.event(&mut written, event, &context);
        }
        format.finish(&mut written, &RunSummary::default(), &context);
    }
    written.len()
}

#[test]
fn files_cut_at_every_length_and_changed_in_every_byte() {
    let mut runs = 0;
    for case in support::cases() {
        for capture in &case.captures {
            let mut bytes = fs::read(capture).unwrap();
            bytes.truncate(SOME_BYTES);
            let head = bytes.len().min(EVERY_BYTE_BYTES);
            for len in (0..head).chain((head..bytes.len()).step_by(STRIDE)) {
                whole_path(&bytes[..len]);
                let kept = bytes[len];
                // Another value at every place, so that lengths, versions and types all go wrong.
                bytes[len] = kept ^ u8::try_from(len % 255 + 1).unwrap();
                let end = if len < head { head } else { bytes.len() };
                whole_path(&bytes[..end]);
                bytes[len] = kept;
                runs += 2;
            }
        }
    }
    support::counts::hold("damaged files read", runs);
}

#[test]
fn frames_cut_at_every_length_and_changed_in_every_byte() {
    let mut runs = 0;
    for case in support::cases() {
        let mut frames = support::frames(&case.captures);
        frames.truncate(FRAMES);
        let mut classifier = Classifier::new(Config::default());
        let mut events = Vec::new();
        for frame in &frames {
            for at in 0..frame.bytes.len() {
                for damaged in damage(frame, at) {
                    classifier.ingest(&damaged.frame(), &mut events);
                    runs += 1;
                }
            }
        }
        classifier.finish(&mut events);
    }
    support::counts::hold("damaged frames taken in", runs);
}

/// Cut by the snap length, cut on the wire, and with one byte changed.
fn damage(frame: &OwnedFrame, at: usize) -> [OwnedFrame; 3] {
    let mut snapped = frame.clone();
    snapped.bytes.truncate(at);
    let mut short = snapped.clone();
    short.wire_len = u32::try_from(at).unwrap();
    let mut changed = frame.clone();
    changed.bytes[at] ^= u8::try_from(at % 255 + 1).unwrap();
    [snapped, short, changed]
}
