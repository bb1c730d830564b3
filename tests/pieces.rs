//! Invariant 8: pieces of a capture, put together in any order, give the events of the whole.
//!
//! Over all fixtures, with the usual limits and with ones that are reached; and over the captures of a folder of yours: `PORTSTORY_CORPUS=DIR cargo test
//! --test pieces`.

mod support;

use portstory_core::config::Limits;
use portstory_core::internal::decode;
use portstory_core::internal::decode::Decoded;
use portstory_core::internal::shortfall::Shortfalls;
use portstory_core::{Collector, Config, Event, FlowKey, put_together};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use support::OwnedFrame;

/// Cuts, as fractions of the capture; how frames within a part are dealt out by flow; and the order
/// in which the pieces are put together.
type Plan = (Vec<f64>, usize, u64);

fn plans() -> impl Strategy<Value = Plan> {
    (prop::collection::vec(0.0..1.0_f64, 0..6), 1..4_usize, any::<u64>())
}

/// Deals a frame out to one of `parts`: by its flow, so that each flow stays together; by the innermost
/// one, since the two directions of a tunnel have different ports. A fragment is nobody's yet: all get
/// to know it.
fn deal(frame: &OwnedFrame, parts: &mut [Collector], config: &Config) {
    let mut key: Option<FlowKey> = None;
    let mut fragments = false;
    decode::decode(&frame.frame(), &config.limits, &mut |decoded| match decoded {
        Decoded::Packet(packet) => {
            key = Some(FlowKey::of(&packet, config.vlan_in_key).0);
        }
        Decoded::Fragment(_) => fragments = true,
        Decoded::Anomaly(..) => {}
    });
    let ports = key.map_or(0, |key| usize::from(key.a.port) + usize::from(key.b.port) * 3);
    let way = ports % parts.len();
    for (number, part) in parts.iter_mut().enumerate() {
        if number == way {
            part.ingest(&frame.frame());
        } else if fragments {
            part.pass_by(&frame.frame());
        }
    }
}

fn events_of_pieces(
    frames: &[OwnedFrame],
    (cuts, ways, shuffle): &Plan,
    config: &Config,
) -> (Vec<Event>, Shortfalls) {
    let mut cuts: Vec<usize> =
        cuts.iter().map(|cut| (cut * frames.len() as f64) as usize).collect();
    cuts.extend([0, frames.len()]);
    cuts.sort_unstable();
    let mut pieces = Vec::new();
    for (number, window) in cuts.windows(2).enumerate() {
        let mut parts: Vec<Collector> =
            (0..*ways).map(|_| Collector::new(config.clone())).collect();
        for frame in &frames[window[0]..window[1]] {
            deal(frame, &mut parts, config);
        }
        pieces.extend(parts.into_iter().map(|part| (number as u64, part)));
    }
    // A cheap shuffle: rotate and reverse by the plan's number.
    let count = pieces.len();
    pieces.rotate_left((*shuffle as usize) % count);
    if shuffle & 1 == 1 {
        pieces.reverse();
    }
    let mut events = Vec::new();
    let shortfalls = put_together(pieces, config, &mut events);
    (events, shortfalls)
}

/// Compares over all captures; returns how many events were, and all that limits left out.
fn compare(config: &Config, cases: u32) -> (usize, Shortfalls) {
    let mut compared = 0;
    let mut all = Shortfalls::default();
    for case in support::cases().into_iter().chain(support::corpus()) {
        let frames = support::frames(&case.captures);
        // Where a clock went back, what was known when is not one order any more.
        if !frames.is_sorted_by_key(|frame| frame.at.time) {
            println!("{}: left out, its time goes back", case.name);
            continue;
        }
        let whole = support::classify_counting(&frames, config);
        let mut runner = TestRunner::new(ProptestConfig {
            cases,
            failure_persistence: None,
            ..ProptestConfig::default()
        });
        runner
            .run(&plans(), |plan| {
                let pieces = events_of_pieces(&frames, &plan, config);
                prop_assert_eq!(&pieces, &whole, "{}", &case.name);
                Ok(())
            })
            .unwrap_or_else(|error| panic!("{}: {error}", case.name));
        compared += whole.0.len();
        all.endpoints += whole.1.endpoints;
        all.context += whole.1.context;
        all.fragments += whole.1.fragments;
        all.anomalies += whole.1.anomalies;
    }
    (compared, all)
}

#[test]
fn pieces_give_the_events_of_the_whole() {
    let (compared, left_out) = compare(&Config::default(), 12);
    support::counts::hold("events compared with those of pieces", compared);
    assert_eq!(left_out, Shortfalls::default());
}

#[test]
fn pieces_leave_out_what_the_whole_would_leave_out() {
    let limits = Limits {
        endpoints_max: 1,
        other_endpoints_max: 1,
        endpoint_peers_max: 2,
        peers_max: 3,
        talks_max: 1,
        companion_pairs_max: 1,
        companion_sessions_max: 1,
        fragments_datagrams_max: 2,
        anomaly_kinds_max: 1,
        unopened_kinds_max: 1,
        ..Limits::default()
    };
    let (_, left_out) = compare(&Config { limits, ..Config::default() }, 6);
    let Shortfalls { endpoints, context, fragments, anomalies, flows: _ } = left_out;
    for (reached, what) in [
        (endpoints, "endpoints"),
        (context, "context"),
        (fragments, "fragments"),
        (anomalies, "anomalies"),
    ] {
        assert!(reached > 0, "no capture reaches the limit of {what}: {left_out:?}");
    }
}
