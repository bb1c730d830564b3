//! The fast no is never wrong: where the decoder finds a packet that is watched or a companion's, peek
//! lets the frame through. Over all fixtures, as they are and with bytes changed at random.

mod support;

use portstory_core::Config;

use portstory_core::Watch;
use portstory_core::internal::decode;
use portstory_core::internal::decode::Decoded;
use portstory_core::internal::decode::peek::Peek;
use portstory_core::internal::watch::CompanionKind;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use support::OwnedFrame;

/// Whether the decoder finds something of interest; a fragment may be.
fn is_of_interest(frame: &OwnedFrame, watch: &Watch) -> bool {
    let mut found = false;
    decode::decode(&frame.frame(), &Config::default().limits, &mut |decoded| match decoded {
        Decoded::Packet(packet) => {
            found |= [packet.src.port, packet.dst.port].iter().any(|&port| {
                watch.covers(packet.transport, port)
                    || CompanionKind::of(packet.transport, port).is_some()
            });
        }
        Decoded::Fragment(_) => found = true,
        Decoded::Anomaly(..) => {}
    });
    found
}

#[test]
fn peek_lets_everything_of_interest_through() {
    let watch = Watch::default();
    let peek = Peek::new(&watch);
    let frames: Vec<OwnedFrame> =
        support::cases().iter().flat_map(|case| support::frames(&case.captures)).collect();
    let mut interesting = 0;
    for frame in &frames {
        if is_of_interest(frame, &watch) {
            interesting += 1;
            assert!(peek.is_candidate(&frame.frame()), "{frame:?}");
        }
    }
    support::counts::hold("frames of interest", interesting);
    // What tells how a frame goes on is within the first bytes.
    let changes = prop::collection::vec((0..100_usize, any::<u8>()), 1..4);
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 60_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    runner
        .run(&(0..frames.len(), changes), |(number, changes)| {
            let mut frame = frames[number].clone();
            for (at, byte) in changes {
                if let Some(place) = frame.bytes.get_mut(at) {
                    *place = byte;
                }
            }
            prop_assert!(!is_of_interest(&frame, &watch) || peek.is_candidate(&frame.frame()));
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
}
