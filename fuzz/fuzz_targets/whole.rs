//! The whole path: the octets of a capture file, through reader and classifier, to EVE.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use portstory::capture::file::{self, Options};
use portstory::capture::{FrameSource, Polled};
use portstory::classifier::Classifier;
use portstory::config::Config;
use portstory::output::{Context, Eve, Format, RunSummary};

fuzz_target!(|octets: &[u8]| {
    let input = Box::new(Cursor::new(octets.to_vec()));
    let Ok(mut source) = file::open_stream(input, "fuzz", Options::default()) else { return };
    let mut classifier = Classifier::new(Config::default());
    let mut events = Vec::new();
    loop {
        let polled = source.poll(1024, &mut |frame| {
            classifier.ingest(frame, &mut events);
        });
        match polled {
            Ok(Polled::End) => break,
            Ok(Polled::Frames(_) | Polled::Idle) | Err(_) => {}
        }
    }
    classifier.finish(&mut events);
    let context = Context { sources: source.sources(), live: false };
    let mut eve = Eve::new();
    let mut out = Vec::new();
    for event in &events {
        eve.event(&mut out, event, &context).expect("a Vec takes everything");
    }
    eve.finish(&mut out, &RunSummary::default(), &context).expect("a Vec takes everything");
});
