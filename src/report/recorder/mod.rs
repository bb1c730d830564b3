//! Keeps, while a capture is read, what the report will say.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::net::{IpAddr, Ipv6Addr};

use super::trace::{Point, Spans, Trace};
use super::{About, Pair, Report};
use crate::capture::SourceInfo;
use crate::engine::{Observer, Reading};
use crate::output::RunSummary;
use portstory_core::config::ReportLimits;
use portstory_core::event::{Concern, Concerns, Said};
use portstory_core::internal::flow::firsts::{Firsts, Noted};
use portstory_core::internal::judge;
use portstory_core::internal::judge::ranking;
use portstory_core::internal::judge::ranking::EndpointRank;
use portstory_core::internal::wire;
use portstory_core::{
    EndpointEvent, Event, FlowEvent, FlowKey, FlowPacket, Label, Socket, Status, Transport,
};

mod choose;

/// What makes flows of one kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct CardGroup {
    alike: Alike,
    /// The service.
    place: Socket,
}

/// What flows have in common that may share a card wherever they go: the worst concern and whether there
/// is one, label, status, protocol and transport.
type Alike = (Option<Concern>, Label, Status, Option<Cow<'static, str>>, Transport);

/// Where flows are counted that go to one service too many to be told apart.
const ANYWHERE: Socket = Socket { addr: IpAddr::V6(Ipv6Addr::UNSPECIFIED), port: 0 };

/// Client, service and label.
type Ends = (IpAddr, Socket, Transport, Label);

/// Flows of one kind at one service.
#[derive(Debug)]
struct Sum {
    flow: FlowEvent,
    flows: u64,
    bytes: u64,
    trace: Option<Trace>,
}

/// Is shown everything and keeps what is worth telling.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    /// What is told as it was counted; all else in it is chosen at the end.
    report: Report,
    /// Of flows that are running.
    traces: BTreeMap<FlowKey, Trace>,
    /// Whether one found no room.
    traces_full: bool,
    /// Of flows that have ended, and whose event is still to come.
    ended: BTreeMap<u64, Trace>,
    kinds: BTreeMap<CardGroup, Sum>,
    pairs: Firsts<Ends, (u64, u64)>,
}

impl Recorder {
    /// An empty one.
    pub(crate) fn new(limits: ReportLimits) -> Self {
        let timeline = Spans::new(limits.buckets_max);
        Self { report: Report { limits, timeline, ..Report::default() }, ..Self::default() }
    }

    /// Something that the classifier said.
    fn note(&mut self, event: &Event) {
        match event {
            Event::Flow(flow) => self.flow(flow),
            Event::Endpoint(endpoint) => self.endpoint(endpoint),
            // A flow's own event has the last word; anomalies were counted.
            Event::Verdict(_) | Event::Anomaly(_) => {}
        }
    }

    fn flow(&mut self, flow: &FlowEvent) {
        let trace = self.ended.remove(&flow.flow_id).or_else(|| self.take_trace(flow));
        let verdict = &flow.verdict;
        let at = Label::ALL.iter().position(|&label| label == verdict.label).unwrap_or_default();
        self.report.timeline.add(flow.start, at, 1);
        self.judge_quality(flow, trace.is_some() || !self.traces_full);
        let bytes = flow.to_server.bytes.saturating_add(flow.to_client.bytes);
        let ends = (flow.client.addr, flow.server, flow.transport, verdict.label);
        let kept_max = self.report.limits.pairs_kept_max;
        let left_out = match self.pairs.note(ends, flow.start, kept_max, <(u64, u64)>::default) {
            Some(Noted { value: (flows, sum), gone }) => {
                add(flows, 1);
                add(sum, bytes);
                gone.map_or(0, |(flows, _)| flows)
            }
            None => 1,
        };
        add(&mut self.report.pair_flows_left_out, left_out);
        let mut kind = CardGroup::of(flow);
        if self.kinds.len() >= self.report.limits.kinds_max && !self.kinds.contains_key(&kind) {
            // What flows can have in common is bounded, where they go is not.
            kind.place = ANYWHERE;
        }
        match self.kinds.get_mut(&kind) {
            Some(sum) => {
                add(&mut sum.flows, 1);
                add(&mut sum.bytes, bytes);
                if telling(flow) > telling(&sum.flow) {
                    (sum.flow, sum.trace) = (flow.clone(), trace);
                }
            }
            None => {
                self.kinds.insert(kind, Sum { flow: flow.clone(), flows: 1, bytes, trace });
            }
        }
    }

    /// Takes the trace of a flow that has ended: of the keys with its 5-tuple, the one that gives its
    /// id.
    fn take_trace(&mut self, flow: &FlowEvent) -> Option<Trace> {
        let key = *judge::kept_of(&self.traces, flow).find(|(_, trace)| trace.first <= flow.end)?.0;
        self.traces.remove(&key)
    }

    fn judge_quality(&mut self, flow: &FlowEvent, traced: bool) {
        let (seen, quality) = (&flow.verdict.visibility, &mut self.report.quality);
        let has_payload = flow.to_server.payload_bytes > 0 || flow.to_client.payload_bytes > 0;
        let note = |count: &mut u64, holds: bool| add(count, u64::from(holds));
        note(&mut quality.untraced, !traced);
        note(&mut quality.lost, seen.lost);
        note(&mut quality.truncated, seen.truncated);
        note(&mut quality.one_way, seen.directions < 2 && has_payload);
        note(&mut quality.no_start, !seen.handshake && has_payload);
        add(&mut quality.duplicates, seen.duplicates);
    }

    /// They need not come in the order of the ranking: live, what is known of processes is added last.
    fn endpoint(&mut self, endpoint: &EndpointEvent) {
        let Report { services, endpoints, limits, .. } = &mut self.report;
        if ranking::took_part(endpoint) {
            add(&mut services.all, 1);
            add(&mut services.pressing, u64::from(endpoint.concerns.need_attention()));
        }
        endpoints.push(endpoint.clone());
        if endpoints.len() >= limits.endpoints_kept_max.saturating_mul(2) {
            self.keep_the_worst();
        }
    }

    /// Leaves as many endpoints as are kept.
    fn keep_the_worst(&mut self) {
        let Report { endpoints, endpoints_left_out, limits, .. } = &mut self.report;
        endpoints.sort_by_key(EndpointRank::of);
        add(endpoints_left_out, cut(endpoints, limits.endpoints_kept_max));
    }

    /// The report of a reading that came to this.
    pub(crate) fn finish(
        mut self,
        about: About,
        summary: &RunSummary,
        sources: &[SourceInfo],
    ) -> Report {
        self.keep_the_worst();
        let Self { mut report, kinds, pairs, .. } = self;
        let limits = report.limits;
        report.about = about;
        report.sources = sources.to_vec();
        report.summary = summary.clone();

        let pairs = pairs.into_values();
        let pair = |((client, server, transport, label), (flows, bytes))| Pair {
            client,
            server,
            transport,
            label,
            flows,
            bytes,
        };
        report.pairs = pairs.map(pair).collect();
        report.pairs.sort_by_key(|pair| Reverse(pair.bytes));
        report.pairs_left_out = cut(&mut report.pairs, limits.pairs_max);

        let mut cards = choose::cards(kinds, &report.endpoints, limits);
        let mut kinds = cards.split_off(limits.cards_max.min(cards.len()));
        let beyond = kinds.split_off(limits.kinds_listed_max.min(kinds.len()));
        report.flows_left_out = beyond.iter().map(|card| card.flows).fold(0, u64::saturating_add);
        for card in cards.iter_mut().skip(limits.plotted_max).chain(&mut kinds) {
            card.trace = None;
        }
        let (attention, named) = choose::attention(&report.endpoints, &cards, limits);
        report.services.unnamed = report.services.pressing.saturating_sub(named);
        let (endpoints, endpoints_cut) = choose::endpoints(report.endpoints, limits);
        Report {
            attention,
            endpoints,
            endpoints_left_out: report.endpoints_left_out.saturating_add(endpoints_cut),
            cards,
            kinds,
            ..report
        }
    }
}

impl Observer for Recorder {
    fn watches(&self) -> bool {
        true
    }

    fn packet(&mut self, key: &FlowKey, seen: &FlowPacket<'_>) {
        let Self { report: Report { limits, .. }, traces, .. } = self;
        let (time, is_full) = (seen.packet.at.time, traces.len() >= limits.traces_max);
        let trace = match traces.entry(*key) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(_) if is_full => {
                self.traces_full = true;
                return;
            }
            Entry::Vacant(free) => {
                free.insert(Trace::new(time, limits.trace_points_max, limits.buckets_max))
            }
        };
        let len = seen.packet.body.payload().map_or(0, |payload| payload.wire_len);
        if len > 0 {
            let len = wire::len32(len);
            trace.add(Point { time, side: seen.side, len });
        }
    }

    /// At once, and not with the batch: the same 5-tuple may begin anew in between.
    fn event(&mut self, event: &mut Event) {
        if let Event::Flow(flow) = event
            && let Some(trace) = self.take_trace(flow)
        {
            self.ended.insert(flow.flow_id, trace);
        }
    }

    fn batch(&mut self, reading: &mut Reading<'_>) {
        reading.events.iter().for_each(|event| self.note(event));
    }
}

fn add(sum: &mut u64, more: u64) {
    *sum = sum.saturating_add(more);
}

/// Leaves so many; says how many went.
fn cut<T>(list: &mut Vec<T>, max: usize) -> u64 {
    let gone = list.len().saturating_sub(max);
    list.truncate(max);
    u64::try_from(gone).unwrap_or_default()
}

impl CardGroup {
    fn of(flow: &FlowEvent) -> Self {
        let verdict = &flow.verdict;
        let worst = ranking::concerns(flow).worst();
        let protocol = verdict.protocols.last().cloned();
        // Scans and refusals go to any number of ports, and so do Framehawk's users: what they have in
        // common is the host.
        let by_host = !is_conversation(verdict.status) || verdict.label == Label::CitrixFramehawk;
        let port = if by_host { 0 } else { flow.server.port };
        Self {
            alike: (worst, verdict.label, verdict.status, protocol, flow.transport),
            place: Socket { addr: flow.server.addr, port },
        }
    }
}

/// Which of two flows of one kind is the better example: the worse one, then what says most.
fn telling(flow: &FlowEvent) -> (Concerns, usize, bool, u64, Reverse<u64>) {
    let both = flow.to_server.payload_bytes > 0 && flow.to_client.payload_bytes > 0;
    let payload = flow.to_server.payload_bytes.saturating_add(flow.to_client.payload_bytes);
    let concerns = ranking::concerns(flow);
    (concerns, flow.verdict.notables.len(), both, payload, Reverse(flow.flow_id))
}

/// Whether something was said, rather than only tried.
pub(super) fn is_conversation(status: Status) -> bool {
    status.said() != Said::Nothing
}

#[cfg(test)]
mod tests {
    use super::*;
    use portstory_core::Timestamp;

    fn endpoint(host: u8, concerns: &[Concern]) -> Event {
        let mut by_status = [0; 9];
        by_status[0] = 1;
        Event::Endpoint(Box::new(EndpointEvent {
            socket: Socket { addr: IpAddr::from([10, 0, 0, host]), port: 3243 },
            transport: Transport::Tcp,
            first_seen: Timestamp::default(),
            last_seen: Timestamp::default(),
            peers: 1,
            peers_at_least: false,
            peer_addresses: 1,
            peer_addresses_at_least: false,
            flows: 1,
            by_label: [0, 0, 1],
            by_status,
            protocols: Vec::new(),
            bytes: 1,
            label: Label::Other,
            summary: String::new(),
            notables: Vec::new(),
            concerns: concerns.iter().copied().collect(),
            process: None,
            process_missing: None,
        }))
    }

    #[test]
    fn a_service_that_needs_attention_is_named_however_late_it_is_told() {
        let limits = ReportLimits { endpoints_kept_max: 4, ..ReportLimits::default() };
        let mut recorder = Recorder::new(limits);
        for host in 1..=20 {
            recorder.note(&endpoint(host, &[]));
        }
        recorder.note(&endpoint(99, &[Concern::ListenerWithoutOwner]));
        let report = recorder.finish(About::default(), &RunSummary::default(), &[]);
        let named: Vec<_> = report.attention.iter().map(|row| row.endpoint.socket.addr).collect();
        assert_eq!(named, [IpAddr::from([10, 0, 0, 99])]);
        assert_eq!((report.services.pressing, report.services.unnamed), (1, 0));
        assert_eq!((report.endpoints.len(), report.endpoints_left_out), (4, 17));
    }
}
