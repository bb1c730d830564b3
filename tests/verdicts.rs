//! Labels told while flows run, and labels that must not depend on the order of anything.

mod support;

use std::collections::{BTreeMap, BTreeSet};

use portstory_core::config::Limits;
use portstory_core::event::Concern;
use portstory_core::internal::flow::Correlation;
use portstory_core::internal::flow::correlation::Drops;
use portstory_core::internal::judge::endpoint::Endpoints;
use portstory_core::internal::judge::ranking;
use portstory_core::{
    Classifier, Collector, Confidence, Config, Event, FlowEvent, FrameRef, Label, LinkType,
    Notable, SourceId, Timestamp, VerdictEvent, put_together,
};
use portstory_testkit::{Random, packets};
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
    let labels = verdicts(&told).into_iter().map(|one| (one.previous, one.flow.verdict.label));
    let labels: Vec<_> = labels.filter(|&(previous, label)| previous != Some(label)).collect();
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
    assert!(
        verdicts(&told).iter().all(|one| one.flow.flow_id == last.flow_id && one.time <= last.end)
    );
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
                let (since, until) = (frame.at.time, frame.at.time);
                classifier.note_drops(Drops { frames: 7, since, until });
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
    let fact = "the capture dropped 7 frames, which may include some of this flow".to_owned();
    assert_eq!(judged(Some(frames.len() / 2)), (Confidence::Medium, Some(fact)));
}

#[test]
fn what_is_proven_is_told_at_once_and_nothing_is_told_unasked() {
    let told = events("ssh-openssh", &live());
    let [only] = verdicts(&told)[..] else { panic!("{:?}", verdicts(&told)) };
    assert_eq!(only.flow.verdict.protocols, ["ssh"]);
    for case in support::cases() {
        let frames = support::frames(&case.captures);
        let without = support::classify(&frames, &Config::default());
        assert!(verdicts(&without).is_empty(), "{}", case.name);
        let mut with = support::classify(&frames, &live());
        let mut known: BTreeMap<u64, (Label, BTreeSet<Notable>)> = BTreeMap::new();
        for one in verdicts(&with) {
            let (label, notables) =
                (one.flow.verdict.label, one.flow.verdict.notables.iter().copied());
            let before = known.remove(&one.flow.flow_id);
            assert_eq!(before.as_ref().map(|(label, _)| *label), one.previous, "{}", case.name);
            let mut all: BTreeSet<Notable> = notables.collect();
            if let Some((_, before)) = before.filter(|(before, _)| *before == label) {
                assert!(!all.is_subset(&before), "{}: told twice", case.name);
                all.extend(before);
            }
            known.insert(one.flow.flow_id, (label, all));
        }
        with.retain(|event| !matches!(event, Event::Verdict(_)));
        assert_eq!(with, without, "{}: what is told early changes nothing", case.name);
    }
}

/// Bytes without a pattern.
fn noise(len: usize, seed: u64) -> Vec<u8> {
    Random::new(seed).bytes(len)
}

/// A UDP datagram between 10.0.0.5:50123 and 10.0.0.9:3243, in raw IP.
fn datagram(millis: i64, to_server: bool, payload: &[u8]) -> OwnedFrame {
    datagram_of(50_123, millis, to_server, payload)
}

/// The same, of another port of the client's.
fn datagram_of(port: u16, millis: i64, to_server: bool, payload: &[u8]) -> OwnedFrame {
    let (mut from, mut to) = (([10, 0, 0, 5], port), ([10, 0, 0, 9], 3243_u16));
    if !to_server {
        std::mem::swap(&mut from, &mut to);
    }
    let bytes = packets::udp(from, to, payload);
    let time = Timestamp::from_nanos((1_700_000_000_000 + millis) * 1_000_000);
    OwnedFrame {
        at: FrameRef { time, source: SourceId(0), number: 1 },
        link: LinkType(101),
        wire_len: u32::try_from(bytes.len()).unwrap(),
        bytes,
    }
}

/// It speaks once in half a minute. Who watches must not wait for its next word to be told of it, and
/// not for its end to be told of its pace.
#[test]
fn a_beacon_of_half_a_minute_is_told_soon_and_its_pace_before_it_ends() {
    let mut classifier = Classifier::new(live());
    let (mut events, mut told) = (Vec::new(), Vec::new());
    for second in 0..300 {
        if second % 30 == 0 {
            let seed = u64::try_from(second).unwrap();
            let (beat, answer) = (noise(48, seed + 1), noise(112, seed + 2));
            classifier.ingest(&datagram(second * 1000, true, &beat).frame(), &mut events);
            classifier.ingest(&datagram(second * 1000 + 40, false, &answer).frame(), &mut events);
        }
        let now = Timestamp::from_nanos((1_700_000_000 + second) * 1_000_000_000 + 900_000_000);
        classifier.advance_to(now, &mut events);
        let running = classifier.running(10);
        assert_eq!((running.total, running.flows.len()), (1, 1), "{second}");
        assert_eq!(running.undecided, usize::from(told.is_empty() && verdicts(&events).is_empty()));
        told.extend(verdicts(&events).into_iter().map(|one| (second, one.clone())));
        assert!(events.iter().all(|event| verdict(event).is_some()), "{events:?}");
        events.clear();
    }
    let first = told.first().unwrap();
    assert!(first.0 <= 45, "told after {} s", first.0);
    assert_eq!(first.1.flow.verdict.label, Label::TimelotUnknown);
    let paced = told.iter().find(|(_, one)| one.flow.verdict.notables.contains(&Notable::Periodic));
    let (second, paced) = paced.unwrap();
    // Five pauses are needed to speak of a pace, and two looks to be sure.
    assert!((150..=165).contains(second), "told after {second} s");
    assert_eq!(paced.previous, Some(Label::TimelotUnknown));
    assert!(told.len() <= 4, "{told:?}");
}

/// Of more flows than there are lines for, the worst are shown.
#[test]
fn the_running_flows_come_worst_first() {
    let mut classifier = Classifier::new(live());
    let mut events = Vec::new();
    let ports = 50_000..50_040;
    for round in 0..6 {
        for port in ports.clone() {
            let millis = i64::from(round) * 2000 + i64::from(port - ports.start);
            let seed = u64::from(port) * 100 + u64::from(u16::try_from(round).unwrap());
            let talk = |seed: u64| match port {
                50_017 => format!("drwxr-xr-x 2 root root {seed:8} Nov 30 10:00 home").into_bytes(),
                _ => noise(48, seed),
            };
            for (to_server, seed) in [(true, seed), (false, seed + 50)] {
                let frame = datagram_of(port, millis, to_server, &talk(seed));
                classifier.ingest(&frame.frame(), &mut events);
            }
        }
    }
    let running = classifier.running(5);
    assert_eq!((running.total, running.flows.len(), running.older), (40, 5, 0));
    assert!(running.flows.iter().all(|(_, is_decided)| *is_decided));
    let (worst, _) = &running.flows[0];
    assert_eq!(worst.client.port, 50_017, "{running:#?}");
    assert!(worst.verdict.notables.contains(&Notable::TextShell), "{worst:#?}");
    assert_eq!(classifier.running(100).flows.len(), 40);
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

/// Shells, reversed connections and beacons in other forms, each beside what only looks like it.
#[test]
fn concerns_are_seen_in_every_form_and_not_in_what_is_alike() {
    let file = support::program::generated("haystack.py", &["--forms"], "forms.pcap");
    let mut seen: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for event in support::classify(&support::frames(&[file]), &Config::default()) {
        let Event::Endpoint(endpoint) = event else { continue };
        let concerns = endpoint.concerns.iter().map(Concern::name).collect();
        assert_eq!((endpoint.peer_addresses, endpoint.peers), (1, endpoint.flows));
        seen.insert(endpoint.socket.addr.to_string(), concerns);
    }
    let expected: [(&str, &[&str]); 7] = [
        // SSH as it should be, and called by its server.
        ("10.9.9.1", &["unexpected_service"]),
        ("10.9.9.2", &["reversed_connection", "unexpected_service"]),
        // A shell that answers whom it called.
        ("10.9.9.3", &["shell", "reversed_connection", "unclear"]),
        // A connection for every message, unknown and in TLS; TLS now and then; one after the other.
        ("10.9.9.4", &["beacon", "too_short"]),
        ("10.9.9.5", &["beacon", "unexpected_service"]),
        ("10.9.9.6", &["unexpected_service"]),
        ("10.9.9.7", &["too_short"]),
    ];
    for (place, concerns) in expected {
        assert_eq!(seen.remove(place).as_deref(), Some(concerns), "{place}");
    }
    assert!(seen.is_empty(), "{seen:?}");
}

/// A host may come with any number of sockets, and is one host.
#[test]
fn peers_are_hosts_and_sockets() {
    let case = support::cases().into_iter().find(|case| case.name == "ssh-openssh").unwrap();
    let events = support::classify(&support::frames(&case.captures), &Config::default());
    let flow = events.iter().find_map(|event| match event {
        Event::Flow(flow) => Some(flow),
        Event::Verdict(_) | Event::Endpoint(_) | Event::Anomaly(_) => None,
    });
    let peers = |hosts: u8, sockets: u16| {
        let mut endpoints = Endpoints::default();
        for host in 0..hosts {
            for socket in 0..sockets {
                let mut flow = flow.unwrap().clone();
                flow.client.addr = std::net::Ipv4Addr::new(10, 0, 0, host).into();
                flow.client.port = 40_000 + socket;
                endpoints.add(&flow, false, &Correlation::default(), &Config::default().limits);
            }
        }
        let one = endpoints.finish(&Correlation::default()).0.remove(0);
        let hosts = (one.peer_addresses, one.peer_addresses_at_least);
        (hosts, (one.peers, one.peers_at_least))
    };
    assert_eq!(peers(2, 11), ((2, false), (22, false)));
    assert_eq!(peers(2, 200), ((2, false), (64, true)));
    assert_eq!(peers(100, 1), ((100, false), (64, true)));
    assert_eq!(peers(200, 2), ((96, true), (64, true)));
}

/// Of endpoints that had to go nothing takes up room.
#[test]
fn peers_of_endpoints_that_are_gone_make_room() {
    let case = support::cases().into_iter().find(|case| case.name == "ssh-openssh").unwrap();
    let events = support::classify(&support::frames(&case.captures), &Config::default());
    let flow = events.iter().find_map(|event| match event {
        Event::Flow(flow) => Some(flow),
        Event::Verdict(_) | Event::Endpoint(_) | Event::Anomaly(_) => None,
    });
    let limits = Limits {
        other_endpoints_max: 1,
        endpoint_peers_max: 2,
        peers_max: 4,
        ..Config::default().limits
    };
    let mut endpoints = Endpoints::default();
    // Each service was seen before the one whose place it takes.
    for server in (1..=3).rev() {
        for host in 0..3 {
            let mut flow = flow.unwrap().clone();
            flow.start = Timestamp::from_parts(server.into(), 0);
            flow.server.addr = std::net::Ipv4Addr::new(10, 1, 0, server).into();
            flow.client.addr = std::net::Ipv4Addr::new(10, 0, 0, host).into();
            endpoints.add(&flow, false, &Correlation::default(), &limits);
        }
    }
    let (told, left_out) = endpoints.finish(&Correlation::default());
    assert_eq!((told.len(), left_out), (1, 6));
    let one = &told[0];
    assert_eq!((one.peers, one.peers_at_least), (2, true));
    assert_eq!((one.peer_addresses, one.peer_addresses_at_least), (3, false));
}

/// What most flows of a service are, one that was seen only from its middle will be too.
#[test]
fn a_service_is_unclear_only_where_its_other_flows_do_not_say_what_it_is() {
    let flow = |name: &str, skipped: usize| {
        let case = support::cases().into_iter().find(|case| case.name == name).unwrap();
        let frames = support::frames(&case.captures);
        let events = support::classify(&frames[skipped..], &Config::default());
        let mut flows = events.into_iter().filter_map(|event| match event {
            Event::Flow(flow) => Some(*flow),
            Event::Verdict(_) | Event::Endpoint(_) | Event::Anomaly(_) => None,
        });
        flows.next().unwrap()
    };
    let (ssh, redis, mut rest) =
        (flow("ssh-openssh", 0), flow("redis", 0), flow("ssh-openssh", 14));
    assert_eq!((ssh.verdict.protocol(), redis.verdict.protocol()), (Some("ssh"), Some("redis")));
    rest.server = ssh.server;
    assert!(rest.verdict.is_older_than_capture(rest.transport), "{:?}", rest.verdict);
    let mut whole = rest.clone();
    whole.verdict.evidence.clear();
    let is_unclear = |flows: &[&FlowEvent]| {
        let mut endpoints = Endpoints::default();
        for (flow, port) in flows.iter().zip(40_000..) {
            let mut flow = (*flow).clone();
            (flow.server, flow.client.port) = (ssh.server, port);
            endpoints.add(&flow, false, &Correlation::default(), &Config::default().limits);
        }
        let concerns = endpoints.finish(&Correlation::default()).0.remove(0).concerns;
        assert_eq!(
            ranking::concerns_at(&rest, concerns).contains(Concern::Unclear),
            concerns.contains(Concern::Unclear)
        );
        concerns.contains(Concern::Unclear)
    };
    assert!(is_unclear(&[&rest]));
    assert!(!is_unclear(&[&ssh, &rest, &ssh]));
    // As many as there are others; of two things; seen from its start.
    assert!(is_unclear(&[&ssh, &rest, &rest, &ssh]));
    assert!(is_unclear(&[&ssh, &ssh, &rest, &redis]));
    assert!(is_unclear(&[&ssh, &ssh, &whole]));
    assert!(ranking::concerns(&rest).contains(Concern::Unclear));
}
