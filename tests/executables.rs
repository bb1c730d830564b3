//! Programs in transfers are found where they begin, and nothing else is.

mod support;

use std::collections::BTreeMap;

use portstory_core::{Config, Event, Notable};

/// By the client's port, whether a program was seen to be transferred.
fn transfers(case: &str) -> BTreeMap<u16, bool> {
    let capture = support::fixtures().join(case).join("capture.pcap");
    let events = support::classify(&support::frames(&[capture]), &Config::default());
    let flow = |event| match event {
        Event::Flow(flow) => {
            let carries = flow.verdict.notables.contains(&Notable::ExecutableTransfer);
            Some((flow.client.port, carries))
        }
        Event::Verdict(_) | Event::Endpoint(_) | Event::Anomaly(_) => None,
    };
    events.into_iter().filter_map(flow).collect()
}

#[test]
fn a_program_in_an_http_body_is_found() {
    let found = transfers("executable-http");
    // With a length; in chunks; behind a page; behind a header of two segments.
    for port in [50001, 50002, 50003, 50004] {
        assert_eq!(found.get(&port), Some(&true), "{port}: {found:?}");
    }
    // A text that begins with MZ.
    assert_eq!(found.get(&50005), Some(&false), "{found:?}");
}

#[test]
fn a_program_that_is_sent_as_it_is_is_found_from_either_side() {
    let found = transfers("executable-raw");
    assert_eq!(found, BTreeMap::from([(50001, true), (50002, true)]));
}

/// The false alarms of all fixtures. Those of the captures in a folder of yours are printed:
/// `PORTSTORY_CORPUS=DIR cargo test --test executables -- --nocapture`.
#[test]
fn nothing_else_is_taken_for_one() {
    let found = |captures: &[std::path::PathBuf]| -> (usize, usize) {
        let events = support::classify(&support::frames(captures), &Config::default());
        let flows: Vec<bool> = events
            .iter()
            .filter_map(|event| match event {
                Event::Flow(flow) => {
                    Some(flow.verdict.notables.contains(&Notable::ExecutableTransfer))
                }
                Event::Verdict(_) | Event::Endpoint(_) | Event::Anomaly(_) => None,
            })
            .collect();
        (flows.len(), flows.iter().filter(|carries| **carries).count())
    };
    let (mut flows, mut named) = (0, Vec::new());
    for case in support::cases() {
        let (all, carry) = found(&case.captures);
        flows += all;
        if carry > 0 {
            named.push(case.name);
        }
    }
    println!("{flows} flows of the fixtures");
    assert_eq!(named, ["executable-http", "executable-raw"]);
    for case in support::corpus() {
        let (all, carry) = found(&case.captures);
        println!("{}: {carry} of {all} flows", case.name);
    }
}
