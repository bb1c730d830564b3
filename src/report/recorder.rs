//! Keeps, while a capture is read, what the report will say.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::IpAddr;

use super::trace::{Point, Spans, Trace};
use super::{About, Card, Pair, Quality, Report};
use crate::capture::SourceInfo;
use crate::config::ReportLimits;
use crate::event::{EndpointEvent, Event, FlowEvent, Label, Socket, Status};
use crate::flow::record::SeenBody;
use crate::flow::{FlowKey, Seen};
use crate::identify::Transport;
use crate::judge;
use crate::output::RunSummary;

/// What makes flows of one kind: they share a card.
type Kind = (Label, Status, Option<&'static str>, Transport, Socket);

/// Client, service and label.
type Ends = (IpAddr, Socket, Transport, Label);

/// Is shown everything and keeps what is worth telling.
#[derive(Debug)]
pub struct Recorder {
    limits: ReportLimits,
    /// Of flows that are running.
    traces: BTreeMap<FlowKey, Trace>,
    kinds: BTreeMap<Kind, Card>,
    flows_left_out: u64,
    pairs: BTreeMap<Ends, (u64, u64)>,
    pairs_left_out: u64,
    endpoints: Vec<EndpointEvent>,
    endpoints_left_out: u64,
    /// Flows that began, by label.
    timeline: Spans<3>,
    quality: Quality,
    summary: RunSummary,
}

impl Recorder {
    /// An empty one.
    pub fn new(limits: ReportLimits) -> Self {
        Self {
            limits,
            traces: BTreeMap::new(),
            kinds: BTreeMap::new(),
            flows_left_out: 0,
            pairs: BTreeMap::new(),
            pairs_left_out: 0,
            endpoints: Vec::new(),
            endpoints_left_out: 0,
            timeline: Spans::new(limits.buckets_max),
            quality: Quality::default(),
            summary: RunSummary::default(),
        }
    }

    /// A packet of a flow in range.
    pub fn packet(&mut self, key: &FlowKey, seen: &Seen<'_>) {
        let len = match seen.body {
            SeenBody::Tcp(_, payload) | SeenBody::Udp(payload) => payload.wire_len,
            SeenBody::Icmp(_) => 0,
        };
        let limits = &self.limits;
        if !self.traces.contains_key(key) {
            if self.traces.len() >= limits.traces_max {
                return;
            }
            let trace = Trace::new(seen.at.time, limits.trace_points_max, limits.buckets_max);
            self.traces.insert(*key, trace);
        }
        if let (Some(trace), true) = (self.traces.get_mut(key), len > 0) {
            let len = crate::wire::len32(len);
            trace.add(Point { time: seen.at.time, side: seen.side, len });
        }
    }

    /// Something that the classifier said.
    pub fn event(&mut self, event: &Event) {
        self.summary.count(event);
        match event {
            Event::Flow(flow) => self.flow(flow),
            Event::Endpoint(endpoint) => self.endpoint(endpoint),
            // A flow's own event has the last word; anomalies were counted.
            Event::Verdict(_) | Event::Anomaly(_) => {}
        }
    }

    fn flow(&mut self, flow: &FlowEvent) {
        let trace = self.take_trace(flow);
        let verdict = &flow.verdict;
        let at = Label::ALL.iter().position(|&label| label == verdict.label).unwrap_or_default();
        self.timeline.add(flow.start, at, 1);
        self.judge_quality(flow);
        let bytes = flow.to_server.bytes.saturating_add(flow.to_client.bytes);
        let ends = (flow.client.addr, flow.server, flow.transport, verdict.label);
        if self.pairs.len() < self.limits.pairs_kept_max || self.pairs.contains_key(&ends) {
            let (flows, sum) = self.pairs.entry(ends).or_default();
            *flows = flows.saturating_add(1);
            *sum = sum.saturating_add(bytes);
        } else {
            self.pairs_left_out = self.pairs_left_out.saturating_add(1);
        }
        let kind =
            (verdict.label, verdict.status, verdict.protocols.last().copied(), flow.transport);
        // Scans and refusals go to any number of ports, and so do Framehawk's users: what they have in
        // common is the host.
        let by_host = !is_conversation(verdict.status) || verdict.label == Label::CitrixFramehawk;
        let port = if by_host { 0 } else { flow.server.port };
        let kind = (kind.0, kind.1, kind.2, kind.3, Socket { addr: flow.server.addr, port });
        if let Some(card) = self.kinds.get_mut(&kind) {
            card.flows = card.flows.saturating_add(1);
            card.bytes = card.bytes.saturating_add(bytes);
            if telling(flow) > telling(&card.flow) {
                (card.flow, card.trace) = (flow.clone(), trace);
            }
        } else if self.kinds.len() < self.limits.kinds_max {
            self.kinds.insert(kind, Card { flow: flow.clone(), flows: 1, bytes, trace });
        } else {
            self.flows_left_out = self.flows_left_out.saturating_add(1);
        }
    }

    /// Takes the trace of a flow that has ended: of the keys with its 5-tuple, the one that gives its
    /// id.
    fn take_trace(&mut self, flow: &FlowEvent) -> Option<Trace> {
        let (a, b) = (flow.client.min(flow.server), flow.client.max(flow.server));
        let same = |key: &FlowKey| (key.transport, key.a, key.b) == (flow.transport, a, b);
        let from = FlowKey { transport: flow.transport, a, b, network: Default::default() };
        let mut keys = self.traces.range(from..).take_while(|(key, _)| same(key));
        let key = keys.find(|(key, trace)| {
            trace.first <= flow.end && judge::flow_id_of(key, flow.start) == flow.flow_id
        });
        let key = *key?.0;
        self.traces.remove(&key)
    }

    fn judge_quality(&mut self, flow: &FlowEvent) {
        let (seen, quality) = (&flow.verdict.visibility, &mut self.quality);
        let has_payload = flow.to_server.payload_bytes > 0 || flow.to_client.payload_bytes > 0;
        let note = |count: &mut u64, holds: bool| {
            *count = count.saturating_add(u64::from(holds));
        };
        note(&mut quality.lost, seen.lost);
        note(&mut quality.truncated, seen.truncated);
        note(&mut quality.one_way, seen.directions < 2 && has_payload);
        note(&mut quality.no_start, !seen.handshake && has_payload);
        quality.duplicates = quality.duplicates.saturating_add(seen.duplicates);
    }

    /// They come in the order of urgency.
    fn endpoint(&mut self, endpoint: &EndpointEvent) {
        if self.endpoints.len() < self.limits.endpoints_kept_max {
            self.endpoints.push(endpoint.clone());
        } else {
            self.endpoints_left_out = self.endpoints_left_out.saturating_add(1);
        }
    }

    /// The report. `summary` is asked for what no event tells: frames, times and notices.
    pub fn finish(self, about: About, summary: &RunSummary, sources: &[SourceInfo]) -> Report {
        let limits = self.limits;
        let mut pairs: Vec<Pair> = self
            .pairs
            .into_iter()
            .map(|((client, server, transport, label), (flows, bytes))| Pair {
                client,
                server,
                transport,
                label,
                flows,
                bytes,
            })
            .collect();
        pairs.sort_by_key(|pair| Reverse(pair.bytes));
        let pairs_cut = cut(&mut pairs, limits.pairs_max);

        let order: BTreeMap<_, _> = self.endpoints.iter().zip(0usize..).fold(
            BTreeMap::new(),
            |mut order, (endpoint, at)| {
                order.insert((endpoint.transport, endpoint.socket), at);
                order
            },
        );
        let place = |flow: &FlowEvent| order.get(&(flow.transport, flow.server)).copied();
        let mut cards: Vec<Card> = self.kinds.into_values().collect();
        cards.sort_by_key(|card| {
            let place = place(&card.flow).unwrap_or(usize::MAX);
            (urgency(&card.flow), place, Reverse(card.flows))
        });
        let (mut cards, hidden) = choose(cards, limits);
        for card in cards.iter_mut().skip(limits.plotted_max) {
            card.trace = None;
        }
        let (endpoints, endpoints_cut) = choose_endpoints(self.endpoints, limits);
        Report {
            about,
            summary: RunSummary {
                flows_by_label: self.summary.flows_by_label,
                flows_by_status: self.summary.flows_by_status,
                flows_tcp: self.summary.flows_tcp,
                flows_udp: self.summary.flows_udp,
                anomalies: self.summary.anomalies,
                ..summary.clone()
            },
            sources: sources.to_vec(),
            endpoints,
            endpoints_left_out: self.endpoints_left_out.saturating_add(endpoints_cut),
            cards,
            flows_left_out: self.flows_left_out.saturating_add(hidden),
            pairs,
            pairs_left_out: self.pairs_left_out.saturating_add(pairs_cut),
            quality: self.quality,
            timeline: self.timeline,
            limits,
        }
    }
}

/// The cards that are shown, and the number of flows of those that are not. One of each label, status
/// and protocol comes before a second one, and no label takes the room of another.
fn choose(cards: Vec<Card>, limits: ReportLimits) -> (Vec<Card>, u64) {
    let mut seen: BTreeMap<_, usize> = BTreeMap::new();
    let mut ranked: Vec<(usize, usize, Card)> = Vec::new();
    for (at, card) in cards.into_iter().enumerate() {
        let verdict = &card.flow.verdict;
        let kind = (verdict.label, verdict.status, verdict.protocols.last().copied());
        let rank = seen.entry(kind).or_default();
        ranked.push((*rank, at, card));
        *rank = rank.saturating_add(1);
    }
    ranked.sort_by_key(|&(rank, at, _)| (rank, at));
    let mut of_label: BTreeMap<Label, usize> = BTreeMap::new();
    let (mut shown, mut hidden) = (Vec::new(), 0u64);
    for (_, at, card) in ranked {
        let taken = of_label.entry(card.flow.verdict.label).or_default();
        if *taken < limits.cards_of_label_max {
            *taken = taken.saturating_add(1);
            shown.push((at, card));
        } else {
            hidden = hidden.saturating_add(card.flows);
        }
    }
    shown.sort_by_key(|&(at, _)| at);
    (shown.into_iter().map(|(_, card)| card).collect(), hidden)
}

/// The endpoints that are shown: of a host with many ports under one label the first few, and no label
/// takes the room of another.
fn choose_endpoints(
    endpoints: Vec<EndpointEvent>,
    limits: ReportLimits,
) -> (Vec<EndpointEvent>, u64) {
    let mut of_host: BTreeMap<_, usize> = BTreeMap::new();
    let mut of_label: BTreeMap<Label, usize> = BTreeMap::new();
    let (mut shown, mut hidden) = (Vec::new(), 0u64);
    for endpoint in endpoints {
        let host = of_host.entry((endpoint.label, endpoint.socket.addr)).or_default();
        let label = of_label.entry(endpoint.label).or_default();
        if *host < limits.endpoints_of_host_max && *label < limits.endpoints_of_label_max {
            *host = host.saturating_add(1);
            *label = label.saturating_add(1);
            shown.push(endpoint);
        } else {
            hidden = hidden.saturating_add(1);
        }
    }
    (shown, hidden)
}

/// Leaves so many; says how many went.
fn cut<T>(list: &mut Vec<T>, max: usize) -> u64 {
    let gone = list.len().saturating_sub(max);
    list.truncate(max);
    u64::try_from(gone).unwrap_or_default()
}

/// Which of two flows of one kind is the better example: what is notable, then what says most.
fn telling(flow: &FlowEvent) -> (usize, bool, u64, Reverse<u64>) {
    let both = flow.to_server.payload_bytes > 0 && flow.to_client.payload_bytes > 0;
    let payload = flow.to_server.payload_bytes.saturating_add(flow.to_client.payload_bytes);
    (flow.verdict.notables.len(), both, payload, Reverse(flow.flow_id))
}

/// Lower comes first.
fn urgency(flow: &FlowEvent) -> u8 {
    match (flow.verdict.label, flow.verdict.status) {
        (Label::TimelotUnknown, Status::Unidentified) => 0,
        (Label::CitrixFramehawk, _) => 1,
        (Label::TimelotUnknown, _) => 2,
        (Label::Other, _) if !flow.verdict.notables.is_empty() => 3,
        (Label::Other, status) if is_conversation(status) => 4,
        (Label::Other, _) => 5,
    }
}

/// Whether something was said, rather than only tried.
pub(super) const fn is_conversation(status: Status) -> bool {
    match status {
        Status::Identified
        | Status::Attempted
        | Status::Unidentified
        | Status::ClientPort
        | Status::Insufficient => true,
        Status::Refused | Status::Unanswered | Status::Scan | Status::NoPayload => false,
    }
}
