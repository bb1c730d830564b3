//! What the flows of one service address agree on. An incident is about an endpoint, not about one
//! flow.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::config::Limits;
use crate::event::{Concern, Concerns, EndpointEvent, FlowEvent, Label, Notable, Said, Status};
use crate::flow::Correlation;
use crate::flow::firsts::Firsts;
use crate::judge::ranking::{self, EndpointRank};
use crate::net::{Socket, Transport};
use crate::time::Timestamp;

type Service = (Transport, Socket);

/// Sums of the verdicts, by service address: of the watched sockets that the ledger keeps, and of the
/// first others. The ledger knows when a socket was first seen before a flow of it ends, so that no
/// sum is begun in the middle.
#[derive(Clone, Debug, Default)]
pub struct Endpoints {
    watched: BTreeMap<Service, Sum>,
    /// Of flows from a watched port of the client's own.
    others: Firsts<Service, Sum>,
    /// Peers in all sums.
    peers: usize,
    /// Flows whose endpoint found no room.
    left_out: u64,
}

#[derive(Clone, Debug)]
struct Sum {
    first_seen: Timestamp,
    last_seen: Timestamp,
    /// In order.
    peers: Vec<Socket>,
    /// Most endpoints have one row: flows by label and status.
    flows: Vec<(Label, Status, u64)>,
    bytes: u64,
    concerns: Concerns,
    peers_at_least: bool,
    hosts_at_least: bool,
    /// What most endpoints of a flood have nothing of.
    rare: Option<Box<Rare>>,
}

#[derive(Clone, Debug, Default)]
struct Rare {
    /// Addresses of sockets that found no room among the peers, in order.
    more_hosts: Vec<IpAddr>,
    protocols: Vec<(Cow<'static, str>, u64)>,
    /// Flows that nothing identifies and that were seen only from their middle.
    unclear_rests: u64,
    /// In order.
    notables: Vec<Notable>,
}

impl Endpoints {
    /// Adds a verdict.
    pub fn add(
        &mut self,
        flow: &FlowEvent,
        is_watched: bool,
        ledgers: &Correlation,
        limits: &Limits,
    ) {
        let key = (flow.transport, flow.server);
        let Self { watched, others, peers, left_out } = self;
        if !is_watched {
            let max = limits.other_endpoints_max;
            match others.note(key, flow.start, max, || Sum::new(flow.start)) {
                Some(noted) => {
                    if let Some(gone) = noted.gone {
                        *left_out = left_out.saturating_add(gone.total());
                        *peers = peers.saturating_sub(gone.kept());
                    }
                    noted.value.add(flow, peers, limits);
                }
                None => *left_out = left_out.saturating_add(1),
            }
        } else if ledgers.has_service(flow.transport, flow.server) {
            let sum = watched.entry(key).or_insert_with(|| Sum::new(flow.start));
            sum.add(flow, peers, limits);
            let max = limits.endpoints_max;
            if watched.len() > max.saturating_add(max / 4) {
                self.leave_what_is_gone(ledgers);
            }
        } else {
            *left_out = left_out.saturating_add(1);
        }
    }

    /// Takes out the sums of sockets that the ledger has no more: where time goes back, ever earlier ones
    /// take the place of those that were there.
    fn leave_what_is_gone(&mut self, ledgers: &Correlation) {
        let Self { watched, peers, left_out, .. } = self;
        watched.retain(|&(transport, socket), sum| {
            let stays = ledgers.has_service(transport, socket);
            if !stays {
                *left_out = left_out.saturating_add(sum.total());
                *peers = peers.saturating_sub(sum.kept());
            }
            stays
        });
    }

    /// The endpoints, the worst first, and the number of flows that have none.
    pub fn finish(mut self, ledgers: &Correlation) -> (Vec<EndpointEvent>, u64) {
        // Of equal times the last may have gone for one that came later.
        self.leave_what_is_gone(ledgers);
        let sums = self.watched.into_iter().chain(self.others.into_values());
        let mut events: Vec<EndpointEvent> =
            sums.map(|((transport, socket), sum)| sum.event(transport, socket)).collect();
        events.sort_by_key(EndpointRank::of);
        (events, self.left_out)
    }
}

impl Sum {
    fn new(start: Timestamp) -> Self {
        Self {
            first_seen: start,
            last_seen: start,
            peers: Vec::new(),
            flows: Vec::new(),
            bytes: 0,
            concerns: Concerns::default(),
            peers_at_least: false,
            hosts_at_least: false,
            rare: None,
        }
    }

    /// Adds a verdict; `peers_kept` counts the peers of all endpoints.
    fn add(&mut self, flow: &FlowEvent, peers_kept: &mut usize, limits: &Limits) {
        let verdict = &flow.verdict;
        self.first_seen = self.first_seen.min(flow.start);
        self.last_seen = self.last_seen.max(flow.end);
        self.note_peer(flow.client, peers_kept, limits);
        self.bytes =
            self.bytes.saturating_add(flow.to_server.bytes).saturating_add(flow.to_client.bytes);
        let (label, status) = (verdict.label, verdict.status);
        match self.flows.iter_mut().find(|row| (row.0, row.1) == (label, status)) {
            Some((.., flows)) => *flows = flows.saturating_add(1),
            None => push(&mut self.flows, (label, status, 1)),
        }
        // What only a client tried is not what the endpoint speaks.
        if verdict.status == Status::Identified
            && let Some(protocol) = verdict.protocols.last()
        {
            let protocols = &mut self.rare().protocols;
            match protocols.iter_mut().find(|row| row.0 == *protocol) {
                Some((_, flows)) => *flows = flows.saturating_add(1),
                None => push(protocols, (protocol.clone(), 1)),
            }
        }
        for &notable in &verdict.notables {
            let notables = &mut self.rare().notables;
            if let Err(place) = notables.binary_search(&notable) {
                insert(notables, place, notable);
            }
        }
        let mut concerns = ranking::concerns(flow);
        if ranking::is_unclear_rest(flow, concerns) {
            let rests = &mut self.rare().unclear_rests;
            *rests = rests.saturating_add(1);
            concerns = concerns.without(Concern::Unclear);
        }
        self.concerns = self.concerns.union(concerns);
    }

    /// A host may come with any number of sockets, and is one host.
    fn note_peer(&mut self, peer: Socket, kept: &mut usize, limits: &Limits) {
        let Err(place) = self.peers.binary_search(&peer) else { return };
        let (max, empty) = (limits.endpoint_peers_max, self.peers.is_empty());
        let full = *kept >= limits.peers_max && !empty;
        if !full && self.peers.len() < max {
            insert(&mut self.peers, place, peer);
            *kept = kept.saturating_add(1);
            return;
        }
        self.peers_at_least = true;
        // Sockets stand in the order of their addresses: those of one host are neighbours.
        let neighbours = [place.checked_sub(1), Some(place)].into_iter().flatten();
        let mut known = neighbours.filter_map(|at| self.peers.get(at));
        if known.any(|known| known.addr == peer.addr) {
            return;
        }
        let more_hosts = &mut self.rare().more_hosts;
        let Err(place) = more_hosts.binary_search(&peer.addr) else { return };
        if full || more_hosts.len() >= max {
            self.hosts_at_least = true;
        } else {
            insert(more_hosts, place, peer.addr);
            *kept = kept.saturating_add(1);
        }
    }

    fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// Distinct addresses.
    fn hosts(&self) -> u64 {
        let hosts = self.peers.chunk_by(|one, next| one.addr == next.addr).count();
        u64::from(crate::wire::len32(hosts.saturating_add(self.more_hosts())))
    }

    /// Peers that take up room.
    fn kept(&self) -> usize {
        self.peers.len().saturating_add(self.more_hosts())
    }

    /// Addresses of which no socket is among the peers.
    fn more_hosts(&self) -> usize {
        self.rare.as_ref().map_or(0, |rare| rare.more_hosts.len())
    }

    /// All flows.
    fn total(&self) -> u64 {
        self.flows.iter().fold(0, |sum, &(.., flows)| sum.saturating_add(flows))
    }

    fn event(self, transport: Transport, socket: Socket) -> EndpointEvent {
        let (flows, peer_addresses) = (self.total(), self.hosts());
        let mut by_label = [0; Label::ALL.len()];
        let mut by_status = [0; Status::ALL.len()];
        let mut telling = [0; Label::ALL.len()];
        for &(label, status, flows) in &self.flows {
            count(&mut by_label, &Label::ALL, label, flows);
            count(&mut by_status, &Status::ALL, status, flows);
            if status.said() == Said::Something {
                count(&mut telling, &Label::ALL, label, flows);
            }
        }
        let counts = if telling.iter().any(|&flows| flows > 0) { telling } else { by_label };
        let label = most(&counts, &Label::ALL).unwrap_or(Label::Other);
        let rare = self.rare.map(|rare| *rare).unwrap_or_default();
        let Rare { mut protocols, unclear_rests: rests, notables, .. } = rare;
        let mut concerns = self.concerns;
        // What most of its flows are, these will be too.
        let is_one_thing = matches!(protocols.as_slice(), [(_, flows)] if *flows > rests);
        if rests > 0 && !is_one_thing {
            concerns.insert(Concern::Unclear);
        }
        protocols
            .sort_by(|(one, flows), (other, more)| more.cmp(flows).then_with(|| one.cmp(other)));
        let status = most(&by_status, &Status::ALL).unwrap_or(Status::Insufficient);
        let summary = match protocols.as_slice() {
            [] if flows == 1 => format!("its one flow: {}", status.name()),
            [] => {
                let most = by_status.iter().max().copied().unwrap_or_default();
                format!("{most} of {flows} flows {}", status.name())
            }
            [(only, _)] if flows == 1 => format!("its one flow speaks {only}"),
            [(only, all)] if *all == flows => format!("all {flows} flows speak {only}"),
            several => {
                let names: Vec<_> =
                    several.iter().map(|(name, flows)| format!("{name} ({flows})")).collect();
                format!("of {flows} flows: {}", names.join(", "))
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
            flows,
            by_label,
            by_status,
            protocols,
            bytes: self.bytes,
            label,
            summary,
            notables,
            concerns,
            process: None,
            process_missing: None,
        }
    }
}

fn count<T: PartialEq>(counts: &mut [u64], all: &[T], one: T, flows: u64) {
    let slot = all.iter().position(|other| *other == one).and_then(|index| counts.get_mut(index));
    if let Some(slot) = slot {
        *slot = slot.saturating_add(flows);
    }
}

/// Lists of an endpoint mostly have one entry and there are very many of them: none takes more room than
/// it needs as long as it is short.
fn grow<T>(list: &mut Vec<T>) {
    if list.len() < 4 {
        list.reserve_exact(1);
    }
}

fn push<T>(list: &mut Vec<T>, one: T) {
    grow(list);
    list.push(one);
}

fn insert<T>(list: &mut Vec<T>, place: usize, one: T) {
    grow(list);
    list.insert(place, one);
}

/// The most frequent; of equals the first.
fn most<T: Copy>(counts: &[u64], all: &[T]) -> Option<T> {
    let max = counts.iter().copied().max()?;
    counts.iter().zip(all).find(|(count, _)| **count == max).map(|(_, one)| *one)
}
