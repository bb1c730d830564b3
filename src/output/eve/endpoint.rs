//! What is known of one service endpoint: an event type of our own.

use serde::Serialize;

use crate::output::json::{Addr, Counts, Time};
use crate::output::process::{MissingJson, ProcessJson};
use portstory_core::event::{Concern, EndpointEvent, Label, Status};

#[derive(Serialize)]
pub(super) struct EndpointLine<'a> {
    timestamp: Time,
    event_type: &'static str,
    dest_ip: Addr,
    dest_port: u16,
    proto: &'static str,
    portstory: EndpointStory<'a>,
}

#[derive(Serialize)]
struct EndpointStory<'a> {
    label: &'static str,
    summary: &'a str,
    notable: Vec<&'static str>,
    concerns: Vec<&'static str>,
    first_seen: Time,
    last_seen: Time,
    peers: u64,
    peers_at_least: bool,
    peer_addresses: u64,
    peer_addresses_at_least: bool,
    flows: u64,
    by_label: Counts<'a, 3>,
    by_status: Counts<'a, 9>,
    protocols: Vec<ProtocolCount>,
    bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    process: Option<ProcessJson<'a>>,
    #[serde(flatten)]
    process_missing: Option<MissingJson<'a>>,
}

#[derive(Serialize)]
struct ProtocolCount {
    protocol: &'static str,
    flows: u64,
}

impl<'a> EndpointLine<'a> {
    pub(super) fn new(endpoint: &'a EndpointEvent) -> Self {
        Self {
            timestamp: Time(endpoint.last_seen),
            event_type: "endpoint",
            dest_ip: Addr(endpoint.socket.addr),
            dest_port: endpoint.socket.port,
            proto: endpoint.transport.name(),
            portstory: EndpointStory {
                label: endpoint.label.name(),
                summary: &endpoint.summary,
                notable: endpoint.notables.iter().map(|notable| notable.name()).collect(),
                concerns: endpoint.concerns.iter().map(Concern::name).collect(),
                first_seen: Time(endpoint.first_seen),
                last_seen: Time(endpoint.last_seen),
                peers: endpoint.peers,
                peers_at_least: endpoint.peers_at_least,
                peer_addresses: endpoint.peer_addresses,
                peer_addresses_at_least: endpoint.peer_addresses_at_least,
                flows: endpoint.flows,
                by_label: Counts(Label::ALL.map(Label::name), &endpoint.by_label),
                by_status: Counts(Status::ALL.map(Status::name), &endpoint.by_status),
                protocols: endpoint
                    .protocols
                    .iter()
                    .map(|&(protocol, flows)| ProtocolCount { protocol, flows })
                    .collect(),
                bytes: endpoint.bytes,
                process: endpoint.process.as_deref().map(ProcessJson::new),
                process_missing: endpoint.process_missing.as_ref().map(MissingJson::new),
            },
        }
    }
}
