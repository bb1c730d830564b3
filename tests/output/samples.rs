//! Events to write.

use std::sync::Arc;

use portstory::internal::capture::SourceInfo;
use portstory::internal::output::{Context, EventWriter, ProcessLookups, RunSummary};
use portstory_core::event::{
    Concern, Concerns, Direction, FlowState, Parent, Process, ProcessMissing, RoleBasis,
    Unidentified, Visibility, Volume,
};
use portstory_core::internal::identify::detail_keys;
use portstory_core::internal::shortfall::Shortfalls;
use portstory_core::{
    AnomalyEvent, Confidence, Detail, DetailKey, EndReason, EndpointEvent, Event, Evidence,
    FlowEvent, FrameRef, Label, Layer, LinkType, Notable, Socket, SourceId, Status, Strength,
    Timestamp, Transport, TunnelId, Verdict, VerdictEvent,
};

/// 2026-11-22T13:00:00Z plus so many milliseconds.
pub(crate) fn at(millis: i64) -> Timestamp {
    Timestamp::from_nanos((1_795_352_400_000 + millis) * 1_000_000)
}

pub(crate) fn socket(text: &str) -> Socket {
    let parsed: std::net::SocketAddr = text.parse().unwrap();
    Socket { addr: parsed.ip(), port: parsed.port() }
}

pub(crate) fn frame(number: u64) -> FrameRef {
    FrameRef { time: at(0), source: SourceId(0), number }
}

pub(crate) fn sources() -> Vec<SourceInfo> {
    vec![SourceInfo {
        name: "a.pcap".to_owned(),
        links: vec![LinkType(1)],
        frames: 12_345,
        dropped: 0,
        dropped_by_interface: 0,
        format: None,
    }]
}

/// A DTLS session that was recognised.
pub(crate) fn dtls() -> FlowEvent {
    FlowEvent {
        flow_id: 4711,
        transport: Transport::Udp,
        client: socket("10.0.0.5:50123"),
        server: socket("10.0.0.9:3243"),
        roles: RoleBasis::Protocol,
        vlans: Vec::new(),
        tunnels: Vec::new(),
        to_server: Volume { packets: 9, bytes: 2210, payload_bytes: 1832 },
        to_client: Volume { packets: 7, bytes: 5120, payload_bytes: 4826 },
        start: at(0),
        end: at(5000),
        state: FlowState::Established,
        reason: EndReason::Timeout,
        first_frame: frame(3),
        shape: Vec::new(),
        verdict: Verdict {
            label: Label::Other,
            status: Status::Identified,
            confidence: Confidence::High,
            protocols: vec!["dtls".into()],
            tried: None,
            expected: None,
            strength: Some(Strength::BothSides),
            summary: "DTLS 1.2 handshake, both sides".to_owned(),
            registered_name: Some("timelot"),
            notables: vec![Notable::UnexpectedService],
            runner_up: Some(Label::CitrixFramehawk),
            visibility: Visibility {
                handshake: true,
                directions: 2,
                head_to_server: 512,
                head_to_client: 1024,
                lost: false,
                truncated: false,
                snap_bytes: None,
                duplicates: 0,
                context_cut: false,
            },
            evidence: vec![Evidence {
                rule: "dtls",
                fact: "DTLS ClientHello".to_owned(),
                speaks_for: Label::Other,
                weight: 6.0,
                direction: Direction::ToServer,
                frame: frame(3),
                offset: 0,
                bytes: vec![0x16, 0xfe, 0xff, 0, 0],
            }],
            details: vec![Detail::new(DetailKey::DtlsSni, "gw.example.org")],
            unidentified: None,
        },
        process: None,
        process_missing: None,
    }
}

/// A conversation that nothing recognised.
pub(crate) fn unknown() -> FlowEvent {
    let mut flow = dtls();
    flow.flow_id = 4712;
    flow.transport = Transport::Tcp;
    flow.client = socket("192.168.10.20:49822");
    flow.server = socket("192.168.10.7:3243");
    flow.roles = RoleBasis::Handshake;
    flow.start = at(2500);
    flow.end = at(65_000);
    flow.state = FlowState::Closed;
    flow.first_frame = frame(12);
    flow.verdict.label = Label::TimelotUnknown;
    flow.verdict.status = Status::Unidentified;
    flow.verdict.confidence = Confidence::Medium;
    flow.verdict.protocols.clear();
    flow.verdict.strength = None;
    flow.verdict.summary =
        "nothing recognised in 1.8 kB to and 4.8 kB from the server; the client speaks first"
            .to_owned();
    flow.verdict.notables = vec![Notable::EncryptedFromFirstByte, Notable::Periodic];
    flow.verdict.runner_up = None;
    flow.verdict.details.clear();
    flow.verdict.unidentified = Some(Unidentified {
        first_to_server: vec![0xde, 0xad],
        first_to_client: vec![0xbe, 0xef, 0x00],
        message_sizes: vec![48, -112, 48],
        period_ms: Some(60_000),
    });
    flow
}

/// A connection that was refused, the `number`th from one scanner.
pub(crate) fn refused(number: u16) -> FlowEvent {
    let mut flow = unknown();
    flow.flow_id = 10_000 + u64::from(number);
    flow.client = socket(&format!("203.0.113.9:{}", 40_000 + number % 20_000));
    flow.server = socket(&format!("10.{}.{}.1:3243", number / 256, number % 256));
    flow.to_server = Volume { packets: 1, bytes: 60, payload_bytes: 0 };
    flow.to_client = flow.to_server;
    flow.start = at(i64::from(number));
    flow.end = at(i64::from(number) + 1);
    flow.verdict.label = Label::Other;
    flow.verdict.status = Status::Refused;
    flow.verdict.confidence = Confidence::High;
    flow.verdict.summary = "refused with RST".to_owned();
    flow.verdict.notables.clear();
    flow.verdict.evidence.clear();
    flow.verdict.unidentified = None;
    flow
}

pub(crate) fn endpoint() -> EndpointEvent {
    EndpointEvent {
        socket: socket("192.168.10.7:3243"),
        transport: Transport::Tcp,
        first_seen: at(2500),
        last_seen: at(65_000),
        peers: 3,
        peers_at_least: false,
        peer_addresses: 2,
        peer_addresses_at_least: false,
        flows: 12,
        by_label: [10, 0, 2],
        by_status: [0, 0, 10, 0, 2, 0, 0, 0, 0],
        protocols: Vec::new(),
        bytes: 73_300,
        label: Label::TimelotUnknown,
        summary: "10 of 12 flows unidentified, all alike: 48 bytes, then 112 back".to_owned(),
        notables: vec![Notable::Periodic],
        concerns: Concerns::from_iter([Concern::Beacon, Concern::Unclear]),
        process: None,
        process_missing: None,
    }
}

pub(crate) fn anomaly(layer: Layer) -> AnomalyEvent {
    AnomalyEvent {
        event: "ipv4.header_too_short",
        number: None,
        layer,
        offset: 14,
        frame: frame(77),
        count: 12,
    }
}

/// Events in which every value of every enum occurs, and every member of every line.
pub(crate) fn every_kind() -> Vec<Event> {
    let mut events = Vec::new();
    let mut flow = |change: &mut dyn FnMut(&mut FlowEvent)| {
        for mut base in [dtls(), unknown()] {
            change(&mut base);
            events.push(Event::Flow(Box::new(base)));
        }
    };
    flow(&mut |_| {});
    flow(&mut |flow| flow.verdict.visibility.context_cut = true);
    flow(&mut |flow| flow.verdict.visibility.snap_bytes = Some(96));
    for status in Status::ALL {
        flow(&mut |flow| flow.verdict.status = status);
    }
    for label in Label::ALL {
        flow(&mut |flow| {
            flow.verdict.label = label;
            flow.verdict.runner_up = Some(label);
            flow.verdict.evidence[0].speaks_for = label;
        });
    }
    for confidence in [Confidence::Low, Confidence::Medium, Confidence::High] {
        flow(&mut |flow| flow.verdict.confidence = confidence);
    }
    for roles in [
        RoleBasis::Handshake,
        RoleBasis::Protocol,
        RoleBasis::FanIn,
        RoleBasis::ServicePort,
        RoleBasis::EphemeralPort,
        RoleBasis::WatchedPort,
        RoleBasis::Companion,
        RoleBasis::Volume,
        RoleBasis::FirstSeen,
    ] {
        flow(&mut |flow| flow.roles = roles);
    }
    for state in [FlowState::New, FlowState::Established, FlowState::Closed] {
        flow(&mut |flow| flow.state = state);
    }
    for reason in [EndReason::Timeout, EndReason::Shutdown, EndReason::TcpReuse, EndReason::Forced]
    {
        flow(&mut |flow| flow.reason = reason);
    }
    for direction in [Direction::ToServer, Direction::ToClient] {
        flow(&mut |flow| flow.verdict.evidence[0].direction = direction);
    }
    flow(&mut |flow| flow.verdict.notables = Notable::ALL.to_vec());
    flow(&mut |flow| flow.verdict.tried = Some("http"));
    flow(&mut |flow| flow.verdict.expected = Some("tls"));
    flow(&mut |flow| {
        flow.verdict.details = detail_keys().map(|key| Detail::new(key, "200")).collect();
    });
    flow(&mut |flow| {
        flow.flow_id = (1 << 53) - 1;
        flow.client = socket("[2001:db8::5]:50123");
        flow.server = socket("[2001:db8:ffff:ffff:ffff:ffff:ffff:ffff]:3243");
        flow.vlans = vec![100, 4094];
        flow.tunnels =
            vec![TunnelId { kind: "vxlan", id: Some(42) }, TunnelId { kind: "ipip", id: None }];
        flow.verdict.protocols = vec!["stun".into(), "dtls".into()];
        flow.verdict.registered_name = None;
        flow.verdict.evidence[0].weight = f32::NEG_INFINITY;
        flow.verdict.summary = "a \u{202e}\"hostile\"\x1b[2J\n banner".to_owned();
    });
    for missing in [
        ProcessMissing::Nobody,
        ProcessMissing::NotVisible { user: None },
        ProcessMissing::NotVisible { user: Some("=root\x1b[2J".to_owned()) },
        ProcessMissing::Gone,
        ProcessMissing::Unanswered,
        ProcessMissing::NotAsked,
    ] {
        flow(&mut |flow| flow.process_missing = Some(missing.clone()));
    }
    for previous in [None, Some(Label::TimelotUnknown)] {
        events.push(Event::Verdict(Box::new(running(previous))));
    }
    events.push(Event::Endpoint(Box::new(endpoint())));
    events.push(Event::Endpoint(Box::new(EndpointEvent {
        label: Label::Other,
        peers_at_least: true,
        peer_addresses_at_least: true,
        protocols: vec![("tls".into(), 9), ("ssh".into(), 1)],
        notables: Notable::ALL.to_vec(),
        concerns: Concern::ALL.into_iter().collect(),
        process: Some(Arc::new(owner())),
        ..endpoint()
    })));
    events.push(Event::Endpoint(Box::new(EndpointEvent {
        process_missing: Some(ProcessMissing::NotVisible { user: Some("=root\x1b[2J".to_owned()) }),
        ..endpoint()
    })));
    for layer in [Layer::Link, Layer::Network, Layer::Tunnel, Layer::Transport] {
        events.push(Event::Anomaly(anomaly(layer)));
    }
    events
}

/// A process whose owner would like to be overlooked.
pub(crate) fn owner() -> Process {
    Process {
        pid: 4242,
        name: "evil\u{202e}\x1b[2J".to_owned(),
        executable: Some("/opt/\u{202e}x".to_owned()),
        executable_deleted: true,
        name_mismatch: true,
        command_line: vec!["x".to_owned(), "=1+1".to_owned()],
        user: Some("root".to_owned()),
        unit: Some("x.service".to_owned()),
        container: Some("docker 0123456789ab".to_owned()),
        services: vec!["RpcSs".to_owned()],
        parent: Some(Parent { pid: 17, name: "=sh\x1b[2J".to_owned() }),
        started: Some(at(0)),
    }
}

/// The DTLS session before it ended.
pub(crate) fn running(previous: Option<Label>) -> VerdictEvent {
    let process = Some(Arc::new(owner()));
    VerdictEvent { time: at(1000), previous, flow: FlowEvent { process, ..dtls() } }
}

/// The summary of a run that reached every limit.
pub(crate) fn limited() -> RunSummary {
    let shortfalls =
        Shortfalls { endpoints: 1234, context: 2, flows: 3, fragments: 1, anomalies: 5 };
    RunSummary { shortfalls, notices_left_out: 7, ..RunSummary::default() }
}

/// Writes events and the summary that goes with them.
pub(crate) fn written(format: &mut dyn EventWriter, events: &[Event], live: bool) -> String {
    let mut summary = RunSummary {
        first: Some(at(0)),
        last: Some(at(7_980_000)),
        frames: 12_345,
        bytes: 9_260_000,
        frames_in_range: 321,
        processes: live.then_some(ProcessLookups {
            asked: 20,
            with_process: 12,
            nobody: 1,
            not_visible: 2,
            gone: 3,
            unanswered: 2,
            not_asked: 4,
            cpu_ms: 31,
            over_budget_ms: 5,
        }),
        ..RunSummary::default()
    };
    for event in events {
        summary.count(event);
    }
    written_with(format, events, live, &summary)
}

pub(crate) fn written_with(
    format: &mut dyn EventWriter,
    events: &[Event],
    live: bool,
    summary: &RunSummary,
) -> String {
    let sources = sources();
    let context = Context { sources: &sources, live };
    let mut out = Vec::new();
    for event in events {
        format.event(&mut out, event, &context);
    }
    format.finish(&mut out, summary, &context);
    String::from_utf8(out).unwrap()
}
