//! What a running flow is, told before it ends. Live only, and ours: Suricata's `verdict` is what it
//! did to a packet, a member of other events.

use serde::Serialize;

use crate::output::community_id::community_id;
use crate::output::json::{Addr, Time};
use crate::output::process::{MissingJson, ProcessJson};
use portstory_core::event::{Label, VerdictEvent};

#[derive(Serialize)]
pub(super) struct VerdictLine<'a> {
    timestamp: Time,
    flow_id: u64,
    event_type: &'static str,
    src_ip: Addr,
    src_port: u16,
    dest_ip: Addr,
    dest_port: u16,
    proto: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    app_proto: Option<&'static str>,
    community_id: String,
    flow: FlowSoFar,
    portstory: VerdictStory<'a>,
}

/// Suricata's `flow`, as far as a flow that is running has it.
#[derive(Serialize)]
struct FlowSoFar {
    pkts_toserver: u64,
    pkts_toclient: u64,
    bytes_toserver: u64,
    bytes_toclient: u64,
    start: Time,
    age: u64,
}

#[derive(Serialize)]
struct VerdictStory<'a> {
    label: &'static str,
    status: &'static str,
    protocol: Option<&'static str>,
    protocols: &'a [&'static str],
    confidence: &'static str,
    summary: &'a str,
    notable: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    process: Option<ProcessJson<'a>>,
    #[serde(flatten)]
    process_missing: Option<MissingJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    runner_up: Option<&'static str>,
}

impl<'a> VerdictLine<'a> {
    pub(super) fn new(event: &'a VerdictEvent) -> Self {
        let verdict = &event.verdict;
        let protocol = verdict.protocols.last().copied();
        Self {
            timestamp: Time(event.time),
            flow_id: event.flow_id,
            event_type: "verdict",
            src_ip: Addr(event.client.addr),
            src_port: event.client.port,
            dest_ip: Addr(event.server.addr),
            dest_port: event.server.port,
            proto: event.transport.name(),
            app_proto: protocol,
            community_id: community_id(event.transport, event.client, event.server),
            flow: FlowSoFar {
                pkts_toserver: event.to_server.packets,
                pkts_toclient: event.to_client.packets,
                bytes_toserver: event.to_server.bytes,
                bytes_toclient: event.to_client.bytes,
                start: Time(event.start),
                age: event.time.since(event.start).as_secs(),
            },
            portstory: VerdictStory {
                label: verdict.label.name(),
                status: verdict.status.name(),
                protocol,
                protocols: &verdict.protocols,
                confidence: verdict.confidence.name(),
                summary: &verdict.summary,
                notable: verdict.notables.iter().map(|notable| notable.name()).collect(),
                process: event.process.as_deref().map(ProcessJson::new),
                process_missing: event.process_missing.as_ref().map(MissingJson::new),
                previous: event.previous.map(Label::name),
                runner_up: verdict.runner_up.map(Label::name),
            },
        }
    }
}
