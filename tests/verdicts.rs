//! Labels told while flows run, and labels that must not depend on the order of anything.
#![allow(
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise"
)]

mod support;

use std::collections::BTreeMap;

use portstory::classifier::{Classifier, Collector, put_together};
use portstory::config::Config;
use portstory::event::{Confidence, Event, FlowEvent, Label, VerdictEvent};
use portstory::time::Timestamp;
use support::OwnedFrame;

fn events(case: &str, config: &Config) -> Vec<Event> {
    let case = support::cases().into_iter().find(|other| other.name == case).unwrap();
    support::classify(&support::frames(&case.captures), config)
}

fn live() -> Config {
    Config { live_verdicts: true, ..Config::default() }
}

fn verdict(event: &Event) -> Option<&VerdictEvent> {
    match event {
        Event::Verdict(verdict) => Some(verdict),
        Event::Flow(_) | Event::Endpoint(_) | Event::Anomaly(_) => None,
    }
}

fn verdicts(events: &[Event]) -> Vec<&VerdictEvent> {
    events.iter().filter_map(verdict).collect()
}

#[test]
fn running_flows_are_told_once_and_again_when_they_change() {
    let told = events("framehawk-3243-alone", &live());
    let labels: Vec<_> =
        verdicts(&told).iter().map(|one| (one.previous, one.verdict.label)).collect();
    assert_eq!(
        labels,
        [
            (None, Label::TimelotUnknown),
            // The shape shows only after a minute.
            (Some(Label::TimelotUnknown), Label::CitrixFramehawk),
        ]
    );
    let Some(Event::Flow(last)) = told.iter().find(|event| matches!(event, Event::Flow(_))) else {
        panic!("no flow")
    };
    assert!(verdicts(&told).iter().all(|one| one.flow_id == last.flow_id && one.time <= last.end));
}

#[test]
fn what_the_capture_lost_while_a_flow_ran_caps_what_is_said_of_it() {
    let case = support::cases().into_iter().find(|case| case.name == "unknown-tcp").unwrap();
    let frames = support::frames(&case.captures);
    let judged = |lost_at: Option<usize>| {
        let mut classifier = Classifier::new(Config::default());
        let mut events = Vec::new();
        for (at, frame) in frames.iter().enumerate() {
            classifier.ingest(&frame.frame(), &mut events);
            if lost_at == Some(at) {
                classifier.note_drops(7, frame.at.time);
            }
        }
        classifier.finish(&mut events);
        let verdict = events.into_iter().find_map(|event| match event {
            Event::Flow(flow) => Some(flow.verdict),
            Event::Verdict(_) | Event::Endpoint(_) | Event::Anomaly(_) => None,
        });
        let verdict = verdict.unwrap();
        let told = verdict.evidence.into_iter().find(|piece| piece.rule == "capture_lost");
        (verdict.confidence, told.map(|piece| piece.fact))
    };
    assert_eq!(judged(None), (Confidence::High, None));
    let fact = "the capture lost 7 frames, maybe some of this flow".to_owned();
    assert_eq!(judged(Some(frames.len() / 2)), (Confidence::Medium, Some(fact)));
}

#[test]
fn what_is_proven_is_told_at_once_and_nothing_is_told_unasked() {
    let told = events("ssh-openssh", &live());
    let [only] = verdicts(&told)[..] else { panic!("{:?}", verdicts(&told)) };
    assert_eq!(only.verdict.protocols, ["ssh"]);
    for case in support::cases() {
        let frames = support::frames(&case.captures);
        let without = support::classify(&frames, &Config::default());
        assert!(verdicts(&without).is_empty(), "{}", case.name);
        let mut with = support::classify(&frames, &live());
        let mut labels: BTreeMap<u64, Label> = BTreeMap::new();
        for one in verdicts(&with) {
            let before = labels.insert(one.flow_id, one.verdict.label);
            assert_eq!(before, one.previous, "{}", case.name);
            assert_ne!(before, Some(one.verdict.label), "{}: told twice", case.name);
        }
        with.retain(|event| !matches!(event, Event::Verdict(_)));
        assert_eq!(with, without, "{}: what is told early changes nothing", case.name);
    }
}

fn labels(frames: &[OwnedFrame]) -> Vec<String> {
    labels_of(support::classify(frames, &Config::default()))
}

fn labels_of(events: Vec<Event>) -> Vec<String> {
    let one = |event| match event {
        Event::Flow(flow) => Some(label(&flow)),
        Event::Verdict(_) | Event::Endpoint(_) | Event::Anomaly(_) => None,
    };
    let mut labels: Vec<String> = events.into_iter().filter_map(one).collect();
    labels.sort();
    labels
}

fn label(flow: &FlowEvent) -> String {
    let verdict = &flow.verdict;
    format!(
        "{:?} {:?} {:?} {:?} {:?} {:?}",
        flow.client,
        flow.server,
        verdict.label,
        verdict.status,
        verdict.confidence,
        verdict.protocols
    )
}

/// Cases of one capture stand for files: whichever is named first, the flows are the same.
#[test]
fn the_order_of_files_changes_no_verdict() {
    let cases = support::cases();
    let ours = ["framehawk-ica", "framehawk-siblings", "framehawk-3243-alone"];
    let captures: Vec<_> = cases
        .iter()
        .filter(|case| ours.contains(&&*case.name))
        .flat_map(|case| case.captures.clone())
        .collect();
    let expected = labels(&support::frames(&captures));
    assert_eq!(expected.len(), 5);
    let mut turned = captures;
    for _ in 0..turned.len() {
        turned.rotate_left(1);
        assert_eq!(labels(&support::frames(&turned)), expected);
        turned.reverse();
        assert_eq!(labels(&support::frames(&turned)), expected);
    }
}

/// A Citrix session speaks for the site of the same hours, and of no other time.
#[test]
fn citrix_of_another_year_or_day_is_no_evidence() {
    let case = |name: &str| support::cases().into_iter().find(|case| case.name == name).unwrap();
    let own = support::frames(&case("framehawk-3243-alone").captures);
    let session = support::frames(&case("framehawk-ica").captures);
    let told = |seconds_before: i64| {
        let mut frames = session.clone();
        for frame in &mut frames {
            let nanos = frame.at.time.nanos() - seconds_before * 1_000_000_000;
            frame.at.time = Timestamp::from_nanos(nanos);
        }
        frames.extend(own.iter().cloned());
        frames.sort_by_key(|frame| frame.at.time);
        let config = Config::default();
        let whole = support::classify(&frames, &config);
        let mut pieces: Vec<(u64, Collector)> = Vec::new();
        for (number, piece) in (0..).zip(frames.chunks(frames.len() / 3 + 1)) {
            let mut collector = Collector::new(config.clone());
            for frame in piece {
                collector.ingest(&frame.frame());
            }
            pieces.insert(0, (number, collector));
        }
        let mut joined = Vec::new();
        put_together(pieces, &config, &mut joined);
        assert_eq!(labels_of(joined), labels_of(whole.clone()), "{seconds_before} s before");
        whole.into_iter().any(|event| match event {
            Event::Flow(flow) => {
                flow.server.port == 3243
                    && flow.verdict.evidence.iter().any(|piece| piece.rule == "citrix_elsewhere")
            }
            Event::Verdict(_) | Event::Endpoint(_) | Event::Anomaly(_) => false,
        })
    };
    for hours in [2, 7] {
        assert!(told(hours * 3600), "{hours} hours before");
    }
    for hours in [9, 24, 24 * 365 * 3] {
        assert!(!told(hours * 3600), "{hours} hours before");
    }
}
