//! Suricata's EVE JSON, one object a line, so that what ingests EVE ingests this as it is.
//!
//! Shared fields have Suricata's names, types and meaning; all else stands under `portstory`, and a
//! JSON Schema of it all is in [`super::schema`]. `src_*` is the client, `dest_*` the server. The
//! time of a flow's event is that of its last packet: nothing here depends on when it was written.
//! Event types: `flow`, `verdict` (live, ours), `endpoint` (ours), `anomaly`, and one `stats` at the end.
//!
//! Keys come in a fixed order. Fields that do not apply are left out, but for
//! `portstory.protocol`, which is null where nothing was recognised.

use std::io;

use serde::Serialize;

use super::community_id::community_id;
use super::json::{self, Addr, Hex, Time};
use super::process::{MissingJson, ProcessJson};
use super::{Context, EventWriter, RunSummary};
use portstory_core::event::{
    AnomalyEvent, Concern, Concerns, Event, Evidence, FlowEvent, Label, Unidentified, Visibility,
};
use portstory_core::frame::FrameRef;
use portstory_core::judge::ranking;

mod details;
mod endpoint;
mod stats;
mod verdict;

use details::Details;
use endpoint::EndpointLine;
use verdict::VerdictLine;

/// The EVE writer.
#[derive(Debug, Default)]
pub struct Eve {
    /// The line that is being made; kept for its room.
    line: Vec<u8>,
}

impl Eve {
    /// A writer.
    pub fn new() -> Self {
        Self::default()
    }

    fn write(&mut self, out: &mut dyn io::Write, object: &impl Serialize) -> io::Result<()> {
        self.line.clear();
        json::append(&mut self.line, object)?;
        self.line.push(b'\n');
        out.write_all(&self.line)
    }
}

impl EventWriter for Eve {
    fn event(
        &mut self,
        out: &mut dyn io::Write,
        event: &Event,
        context: &Context<'_>,
    ) -> io::Result<()> {
        match event {
            Event::Flow(flow) => self.write(out, &FlowLine::new(flow, context)),
            Event::Verdict(verdict) => self.write(out, &VerdictLine::new(verdict)),
            Event::Endpoint(endpoint) => self.write(out, &EndpointLine::new(endpoint)),
            Event::Anomaly(anomaly) => self.write(out, &AnomalyLine::new(anomaly, context)),
        }
    }

    fn finish(
        &mut self,
        out: &mut dyn io::Write,
        summary: &RunSummary,
        context: &Context<'_>,
    ) -> io::Result<()> {
        self.write(out, &stats::StatsLine::new(summary, context))
    }
}

/// Where a packet is: by its number in a file, live by interface and time.
#[derive(Clone, Copy, Debug, Serialize)]
struct PacketRef<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pcap_filename: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pcap_cnt: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_iface: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<Time>,
}

impl<'a> PacketRef<'a> {
    fn new(frame: FrameRef, context: &Context<'a>) -> Self {
        let name = Some(context.source_name(frame.source));
        if context.live {
            return Self {
                pcap_filename: None,
                pcap_cnt: None,
                in_iface: name,
                timestamp: Some(Time(frame.time)),
            };
        }
        Self { pcap_filename: name, pcap_cnt: Some(frame.number), in_iface: None, timestamp: None }
    }

    /// For the top level, where the event's own `timestamp` stands already.
    fn without_time(self) -> Self {
        Self { timestamp: None, ..self }
    }
}

#[derive(Serialize)]
struct FlowLine<'a> {
    timestamp: Time,
    flow_id: u64,
    event_type: &'static str,
    #[serde(skip_serializing_if = "<[u16]>::is_empty")]
    vlan: &'a [u16],
    src_ip: Addr,
    src_port: u16,
    dest_ip: Addr,
    dest_port: u16,
    proto: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    app_proto: Option<&'static str>,
    community_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tunnel: Option<TunnelObject>,
    flow: FlowObject,
    #[serde(flatten)]
    details: Details<'a>,
    portstory: FlowStory<'a>,
}

#[derive(Serialize)]
struct FlowObject {
    pkts_toserver: u64,
    pkts_toclient: u64,
    bytes_toserver: u64,
    bytes_toclient: u64,
    start: Time,
    end: Time,
    age: u64,
    state: &'static str,
    reason: &'static str,
}

/// Suricata's `tunnel` tells of the outer packet, and a flow has many; only the depth is the flow's.
#[derive(Serialize)]
struct TunnelObject {
    depth: usize,
}

#[derive(Serialize)]
struct FlowStory<'a> {
    label: &'static str,
    status: &'static str,
    protocol: Option<&'static str>,
    protocols: &'a [&'static str],
    confidence: &'static str,
    summary: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    registered_name: Option<&'static str>,
    notable: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    concerns: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    process: Option<ProcessJson<'a>>,
    #[serde(flatten)]
    process_missing: Option<MissingJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    runner_up: Option<&'static str>,
    roles: RolesObject,
    visibility: VisibilityObject,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tunnels: Vec<TunnelStory>,
    first_packet: PacketRef<'a>,
    #[serde(flatten)]
    details: Details<'a>,
    evidence: Vec<EvidenceObject<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unidentified: Option<UnidentifiedObject<'a>>,
}

#[derive(Serialize)]
struct RolesObject {
    basis: &'static str,
    sure: bool,
}

#[derive(Serialize)]
struct VisibilityObject {
    handshake: bool,
    directions: u8,
    head_toserver: u32,
    head_toclient: u32,
    lost: bool,
    truncated: bool,
    duplicates: u64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    context_cut: bool,
}

#[derive(Serialize)]
struct TunnelStory {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u32>,
}

#[derive(Serialize)]
struct EvidenceObject<'a> {
    rule: &'static str,
    fact: &'a str,
    speaks_for: &'static str,
    weight: f32,
    direction: &'static str,
    #[serde(flatten)]
    packet: PacketRef<'a>,
    offset: u32,
    bytes: Hex<'a>,
}

#[derive(Serialize)]
struct UnidentifiedObject<'a> {
    first_toserver: Hex<'a>,
    first_toclient: Hex<'a>,
    message_sizes: &'a [i32],
    #[serde(skip_serializing_if = "Option::is_none")]
    period_ms: Option<u64>,
}

impl<'a> FlowLine<'a> {
    fn new(flow: &'a FlowEvent, context: &Context<'a>) -> Self {
        let details = &flow.verdict.details;
        Self {
            timestamp: Time(flow.end),
            flow_id: flow.flow_id,
            event_type: "flow",
            vlan: &flow.vlans,
            src_ip: Addr(flow.client.addr),
            src_port: flow.client.port,
            dest_ip: Addr(flow.server.addr),
            dest_port: flow.server.port,
            proto: flow.transport.name(),
            app_proto: flow.verdict.protocols.last().copied(),
            community_id: community_id(flow.transport, flow.client, flow.server),
            tunnel: (!flow.tunnels.is_empty())
                .then_some(TunnelObject { depth: flow.tunnels.len() }),
            flow: FlowObject::new(flow),
            details: Details::shared(details),
            portstory: FlowStory::new(flow, context),
        }
    }
}

impl FlowObject {
    fn new(flow: &FlowEvent) -> Self {
        Self {
            pkts_toserver: flow.to_server.packets,
            pkts_toclient: flow.to_client.packets,
            bytes_toserver: flow.to_server.bytes,
            bytes_toclient: flow.to_client.bytes,
            start: Time(flow.start),
            end: Time(flow.end),
            age: flow.end.since(flow.start).as_secs(),
            state: flow.state.name(),
            reason: flow.reason.name(),
        }
    }
}

impl<'a> FlowStory<'a> {
    fn new(flow: &'a FlowEvent, context: &Context<'a>) -> Self {
        let verdict = &flow.verdict;
        Self {
            label: verdict.label.name(),
            status: verdict.status.name(),
            protocol: verdict.protocols.last().copied(),
            protocols: &verdict.protocols,
            confidence: verdict.confidence.name(),
            summary: &verdict.summary,
            registered_name: verdict.registered_name,
            notable: verdict.notables.iter().map(|notable| notable.name()).collect(),
            concerns: pressing(flow).iter().map(Concern::name).collect(),
            process: flow.process.as_deref().map(ProcessJson::new),
            process_missing: flow.process_missing.as_ref().map(MissingJson::new),
            runner_up: verdict.runner_up.map(Label::name),
            roles: RolesObject { basis: flow.roles.name(), sure: flow.roles.is_sure() },
            visibility: VisibilityObject::new(verdict.visibility),
            tunnels: flow
                .tunnels
                .iter()
                .map(|tunnel| TunnelStory { kind: tunnel.kind, id: tunnel.id })
                .collect(),
            first_packet: PacketRef::new(flow.first_frame, context),
            details: Details::ours(&verdict.details),
            evidence: verdict
                .evidence
                .iter()
                .map(|one| EvidenceObject::new(one, context))
                .collect(),
            unidentified: verdict.unidentified.as_ref().map(UnidentifiedObject::new),
        }
    }
}

/// The concerns of a flow that needs attention. All others are plain from its other members.
fn pressing(flow: &FlowEvent) -> Concerns {
    let concerns = ranking::concerns(flow);
    if concerns.need_attention() { concerns } else { Concerns::default() }
}

impl VisibilityObject {
    fn new(visibility: Visibility) -> Self {
        Self {
            handshake: visibility.handshake,
            directions: visibility.directions,
            head_toserver: visibility.head_to_server,
            head_toclient: visibility.head_to_client,
            lost: visibility.lost,
            truncated: visibility.truncated,
            duplicates: visibility.duplicates,
            context_cut: visibility.context_cut,
        }
    }
}

impl<'a> EvidenceObject<'a> {
    fn new(evidence: &'a Evidence, context: &Context<'a>) -> Self {
        Self {
            rule: evidence.rule,
            fact: &evidence.fact,
            speaks_for: evidence.speaks_for.name(),
            // JSON has no word for infinity.
            weight: evidence.weight.clamp(f32::MIN, f32::MAX),
            direction: evidence.direction.name(),
            packet: PacketRef::new(evidence.frame, context),
            offset: evidence.offset,
            bytes: Hex(&evidence.bytes),
        }
    }
}

impl<'a> UnidentifiedObject<'a> {
    fn new(unidentified: &'a Unidentified) -> Self {
        Self {
            first_toserver: Hex(&unidentified.first_to_server),
            first_toclient: Hex(&unidentified.first_to_client),
            message_sizes: &unidentified.message_sizes,
            period_ms: unidentified.period_ms,
        }
    }
}

#[derive(Serialize)]
struct AnomalyLine<'a> {
    timestamp: Time,
    #[serde(flatten)]
    packet: PacketRef<'a>,
    event_type: &'static str,
    anomaly: AnomalyObject,
    portstory: AnomalyStory,
}

#[derive(Serialize)]
struct AnomalyObject {
    #[serde(rename = "type")]
    kind: &'static str,
    event: &'static str,
    layer: &'static str,
}

#[derive(Serialize)]
struct AnomalyStory {
    offset: u32,
    count: u64,
}

impl<'a> AnomalyLine<'a> {
    fn new(anomaly: &AnomalyEvent, context: &Context<'a>) -> Self {
        Self {
            timestamp: Time(anomaly.frame.time),
            packet: PacketRef::new(anomaly.frame, context).without_time(),
            event_type: "anomaly",
            anomaly: AnomalyObject {
                kind: "decode",
                event: anomaly.event,
                layer: anomaly.layer.name(),
            },
            portstory: AnomalyStory { offset: anomaly.offset, count: anomaly.count },
        }
    }
}
