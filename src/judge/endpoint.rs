//! What the flows of one service address agree on. An incident is about an endpoint, not about one
//! flow.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::config::Limits;
use crate::event::{Concerns, EndpointEvent, FlowEvent, Label, Notable, Socket, Status};
use crate::identify::Transport;
use crate::judge::ranking::{self, EndpointRank};
use crate::time::Timestamp;

/// Sums of the verdicts, by service address.
#[derive(Clone, Debug, Default)]
pub struct Endpoints {
    sums: BTreeMap<(Transport, Socket), Sum>,
    /// Flows whose endpoint found no room.
    pub left_out: u64,
}

#[derive(Clone, Debug)]
struct Sum {
    first_seen: Timestamp,
    last_seen: Timestamp,
    peers: BTreeSet<Socket>,
    peers_at_least: bool,
    /// Addresses of sockets that found no room among the peers.
    more_hosts: BTreeSet<IpAddr>,
    hosts_at_least: bool,
    flows: u64,
    by_label: [u64; Label::ALL.len()],
    by_status: [u64; Status::ALL.len()],
    telling: [u64; Label::ALL.len()],
    protocols: BTreeMap<&'static str, u64>,
    bytes: u64,
    notables: BTreeSet<Notable>,
    concerns: Concerns,
}

impl Endpoints {
    /// Adds a verdict.
    pub fn add(&mut self, flow: &FlowEvent, limits: &Limits) {
        let key = (flow.transport, flow.server);
        if self.sums.len() >= limits.endpoints_max && !self.sums.contains_key(&key) {
            self.left_out = self.left_out.saturating_add(1);
            return;
        }
        let sum = self.sums.entry(key).or_insert_with(|| Sum::new(flow.start));
        sum.add(flow, limits);
    }

    /// The endpoints, the worst first.
    pub fn finish(self) -> Vec<EndpointEvent> {
        let mut events: Vec<EndpointEvent> = self
            .sums
            .into_iter()
            .map(|((transport, socket), sum)| sum.event(transport, socket))
            .collect();
        events.sort_by_key(EndpointRank::of);
        events
    }
}

impl Sum {
    fn new(start: Timestamp) -> Self {
        Self {
            first_seen: start,
            last_seen: start,
            peers: BTreeSet::new(),
            peers_at_least: false,
            more_hosts: BTreeSet::new(),
            hosts_at_least: false,
            flows: 0,
            by_label: Default::default(),
            by_status: Default::default(),
            telling: Default::default(),
            protocols: BTreeMap::new(),
            bytes: 0,
            notables: BTreeSet::new(),
            concerns: Concerns::default(),
        }
    }

    fn add(&mut self, flow: &FlowEvent, limits: &Limits) {
        let verdict = &flow.verdict;
        self.first_seen = self.first_seen.min(flow.start);
        self.last_seen = self.last_seen.max(flow.end);
        self.note_peer(flow.client, limits.endpoint_peers_max);
        self.flows = self.flows.saturating_add(1);
        self.bytes =
            self.bytes.saturating_add(flow.to_server.bytes).saturating_add(flow.to_client.bytes);
        count(&mut self.by_label, &Label::ALL, verdict.label);
        count(&mut self.by_status, &Status::ALL, verdict.status);
        if is_telling(verdict.status) {
            count(&mut self.telling, &Label::ALL, verdict.label);
        }
        // What only a client tried is not what the endpoint speaks.
        if verdict.status == Status::Identified
            && let Some(protocol) = verdict.protocols.last()
        {
            let flows = self.protocols.entry(protocol).or_default();
            *flows = flows.saturating_add(1);
        }
        self.notables.extend(verdict.notables.iter().copied());
        self.concerns = self.concerns.union(ranking::concerns(flow));
    }

    /// A host may come with any number of sockets, and is one host.
    fn note_peer(&mut self, peer: Socket, max: usize) {
        if self.peers.len() < max || self.peers.contains(&peer) {
            self.peers.insert(peer);
            return;
        }
        self.peers_at_least = true;
        let port = |port: u16| Socket { addr: peer.addr, port };
        if self.peers.range(port(u16::MIN)..=port(u16::MAX)).next().is_some() {
            return;
        }
        if self.more_hosts.len() < max || self.more_hosts.contains(&peer.addr) {
            self.more_hosts.insert(peer.addr);
        } else {
            self.hosts_at_least = true;
        }
    }

    /// Distinct addresses. Sockets stand in the order of theirs.
    fn hosts(&self) -> u64 {
        let sockets: Vec<&Socket> = self.peers.iter().collect();
        let hosts = sockets.chunk_by(|one, next| one.addr == next.addr).count();
        u64::from(crate::wire::len32(hosts.saturating_add(self.more_hosts.len())))
    }

    fn event(self, transport: Transport, socket: Socket) -> EndpointEvent {
        let peer_addresses = self.hosts();
        let counts =
            if self.telling.iter().any(|&flows| flows > 0) { self.telling } else { self.by_label };
        let label = most(&counts, &Label::ALL).unwrap_or(Label::Other);
        let mut protocols: Vec<_> = self.protocols.into_iter().collect();
        protocols.sort_by_key(|&(name, flows)| (std::cmp::Reverse(flows), name));
        let status = most(&self.by_status, &Status::ALL).unwrap_or(Status::Insufficient);
        let summary = match protocols.as_slice() {
            [] if self.flows == 1 => format!("its one flow: {}", status.name()),
            [] => {
                let most = self.by_status.iter().max().copied().unwrap_or_default();
                format!("{most} of {} flows {}", self.flows, status.name())
            }
            [(only, _)] if self.flows == 1 => format!("its one flow speaks {only}"),
            [(only, flows)] if *flows == self.flows => format!("all {flows} flows speak {only}"),
            several => {
                let names: Vec<_> =
                    several.iter().map(|(name, flows)| format!("{name} ({flows})")).collect();
                format!("of {} flows: {}", self.flows, names.join(", "))
            }
        };
        EndpointEvent {
            socket,
            transport,
            first_seen: self.first_seen,
            last_seen: self.last_seen,
            peers: u64::from(crate::wire::len32(self.peers.len())),
            peers_at_least: self.peers_at_least,
            peer_addresses,
            peer_addresses_at_least: self.hosts_at_least,
            flows: self.flows,
            by_label: self.by_label,
            by_status: self.by_status,
            protocols,
            bytes: self.bytes,
            label,
            summary,
            notables: self.notables.into_iter().collect(),
            concerns: self.concerns,
        }
    }
}

/// Whether a flow of this status says what the endpoint is.
fn is_telling(status: Status) -> bool {
    match status {
        Status::Identified | Status::Unidentified | Status::ClientPort => true,
        Status::Attempted
        | Status::Refused
        | Status::Unanswered
        | Status::Scan
        | Status::NoPayload
        | Status::Insufficient => false,
    }
}

fn count<T: PartialEq>(counts: &mut [u64], all: &[T], one: T) {
    let slot = all.iter().position(|other| *other == one).and_then(|index| counts.get_mut(index));
    if let Some(slot) = slot {
        *slot = slot.saturating_add(1);
    }
}

/// The most frequent; of equals the first.
fn most<T: Copy>(counts: &[u64], all: &[T]) -> Option<T> {
    let max = counts.iter().copied().max()?;
    counts.iter().zip(all).find(|(count, _)| **count == max).map(|(_, one)| *one)
}
