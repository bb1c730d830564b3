//! From frames to events: the core's front door.
//!
//! [`Classifier`] reads a whole capture, or an interface for as long as it is asked to. [`Collector`]
//! reads a piece of one, on another core or another machine; [`put_together`] makes of the pieces what
//! the classifier would have made of the whole (invariant 8).

use std::collections::BTreeMap;

use crate::config::Config;
use crate::decode::peek::Peek;
use crate::decode::{self, Body, Decoded, Packet, Stop};
use crate::event::{AnomalyEvent, Event};
use crate::flow::ledger::CompanionKind;
use crate::flow::partial::Piece;
use crate::flow::table::{self, stable_hash};
use crate::flow::{Ended, FlowKey, FlowRecord, FlowTable, Ledgers, Seen};
use crate::frame::{Frame, FrameRef};
use crate::identify::Side;
use crate::judge::account::{self, Account};
use crate::judge::{self, endpoint::Endpoints};
use crate::time::Timestamp;
use crate::wire;

mod verdicts;

use verdicts::Verdicts;

/// What a frame turned out to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seized {
    /// It holds a packet of a flow in range, or an ICMP error about one.
    pub watched: bool,
}

/// Labels flows. The same frames give the same events, whatever the hash seed (invariant 1).
#[derive(Debug)]
pub struct Classifier {
    config: Config,
    peek: Peek,
    table: FlowTable,
    common: Common,
    sums: Sums,
    verdicts: Verdicts,
    now: Timestamp,
    next_sweep: Timestamp,
    totals: Totals,
}

/// Sums over everything that was ingested.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Frames.
    pub frames: u64,
    /// Their octets on the wire.
    pub octets: u64,
    /// Frames with a packet of a flow in range.
    pub frames_watched: u64,
}

/// What is made of the verdicts.
#[derive(Debug, Default)]
struct Sums {
    endpoints: Endpoints,
    accounts: Vec<Account>,
}

/// What is known beside the flows.
#[derive(Clone, Debug, Default)]
struct Common {
    ledgers: Ledgers,
    anomalies: BTreeMap<&'static str, AnomalyEvent>,
}

/// Ended flows are looked for this often, in event time.
const SWEEP_SECONDS: i64 = 1;

impl Classifier {
    /// An empty classifier.
    pub fn new(config: Config) -> Self {
        Self {
            peek: Peek::new(&config.watch),
            table: FlowTable::new(config.hash_seed),
            config,
            common: Common::default(),
            sums: Sums::default(),
            verdicts: Verdicts::default(),
            now: Timestamp::MIN,
            next_sweep: Timestamp::MIN,
            totals: Totals::default(),
        }
    }

    /// Takes in a frame; what it brings to an end is added to `out`.
    pub fn ingest(&mut self, frame: &Frame<'_>, out: &mut Vec<Event>) -> Seized {
        self.totals.frames = self.totals.frames.saturating_add(1);
        self.totals.octets = self.totals.octets.saturating_add(u64::from(frame.wire_len));
        self.advance_to(frame.at.time, out);
        if !self.peek.is_candidate(frame) {
            return Seized::default();
        }
        let Self { config, table, common, sums, verdicts, now, totals, .. } = self;
        let (mut ended, mut touched) = (Vec::new(), Vec::new());
        let seized = common.observe(frame, config, &mut |key, seen| {
            table.observe(key, seen, *now, config, &mut |over| ended.push(over));
            if config.live_verdicts {
                touched.push(*key);
            }
        });
        totals.frames_watched = totals.frames_watched.saturating_add(u64::from(seized.watched));
        for over in ended {
            verdicts.forget(&over);
            hand_out(over, &common.ledgers, config, sums, out);
        }
        for key in touched {
            let Some(record) = table.running(&key) else { continue };
            out.extend(verdicts.look(key, record, *now, &common.ledgers, config));
        }
        seized
    }

    /// Time has passed, with or without a frame: flows that have ended by it are added to `out`.
    pub fn advance_to(&mut self, now: Timestamp, out: &mut Vec<Event>) {
        self.common.ledgers.tick(now);
        self.now = self.now.max(now);
        if self.now < self.next_sweep {
            return;
        }
        self.next_sweep =
            Timestamp::from_parts(self.now.seconds().saturating_add(SWEEP_SECONDS), 0);
        let Self { config, table, common, sums, verdicts, now, .. } = self;
        table.expire(*now, config, &mut |over| {
            verdicts.forget(&over);
            hand_out(over, &common.ledgers, config, sums, out);
        });
    }

    /// The capture is over: all flows that were running, then what is known of the endpoints, then the
    /// anomalies are added to `out`.
    pub fn finish(&mut self, out: &mut Vec<Event>) -> Totals {
        let Self { config, table, common, sums, now, totals, .. } = self;
        table.drain(*now, config, &mut |over| {
            hand_out(over, &common.ledgers, config, sums, out);
        });
        finish(std::mem::take(&mut sums.endpoints), std::mem::take(common), out);
        *totals
    }

    /// The accounts of the flow that [`Config::account_for`] names, as far as it has ended.
    pub fn take_accounts(&mut self) -> Vec<Account> {
        std::mem::take(&mut self.sums.accounts)
    }

    /// Sums so far.
    pub const fn totals(&self) -> &Totals {
        &self.totals
    }

    /// Flows that are running.
    pub fn flows_running(&self) -> usize {
        self.table.len()
    }
}

/// Collects a piece of a capture.
#[derive(Debug)]
pub struct Collector {
    config: Config,
    peek: Peek,
    common: Common,
    piece: Piece,
}

impl Collector {
    /// An empty collector. All pieces need the same settings.
    pub fn new(config: Config) -> Self {
        let peek = Peek::new(&config.watch);
        Self { config, peek, common: Common::default(), piece: Piece::default() }
    }

    /// Takes in a frame.
    pub fn ingest(&mut self, frame: &Frame<'_>) -> Seized {
        let Self { config, peek, common, piece } = self;
        common.ledgers.tick(frame.at.time);
        if !peek.is_candidate(frame) {
            return Seized::default();
        }
        common.observe(frame, config, &mut |key, seen| piece.observe(key, seen, config))
    }
}

/// Makes of pieces what [`Classifier`] would have made of the whole. Pieces may be given in any order,
/// and cut by time or by flow; their numbers say which comes first.
pub fn put_together(pieces: Vec<(u64, Collector)>, config: &Config, out: &mut Vec<Event>) {
    let mut common = Common::default();
    let mut runs: BTreeMap<FlowKey, Vec<_>> = BTreeMap::new();
    for (number, collector) in pieces {
        common.merge(collector.common, config);
        for (key, flows) in collector.piece.into_flows() {
            let numbered = flows.into_iter().enumerate().map(|(index, run)| ((number, index), run));
            runs.entry(key).or_default().extend(numbered);
        }
    }
    let end = common.ledgers.span.map_or(Timestamp::MIN, |(_, last)| last);
    let mut ended = Vec::new();
    for (key, mut runs) in runs {
        runs.sort_by_key(|&(number, _)| number);
        let mut current: Option<Box<FlowRecord>> = None;
        for (_, run) in runs {
            run.starts_with(|seen| {
                let goes_on = current
                    .as_ref()
                    .is_some_and(|record| record.continues_with(key.transport, seen, config));
                if !goes_on {
                    let fresh = Box::new(FlowRecord::new(key.transport, seen, config));
                    let over = current.replace(fresh);
                    ended.extend(over.map(|record| table::before(key, record, seen, config)));
                }
            });
            if let Some(record) = &mut current {
                run.add_to(record, config);
            }
        }
        ended.extend(current.map(|record| table::at_end(key, record, end, config)));
    }
    let mut sums = Sums::default();
    table::in_order(ended, &mut |over| {
        hand_out(over, &common.ledgers, config, &mut sums, out);
    });
    finish(sums.endpoints, common, out);
}

impl Common {
    /// Decodes a frame, keeps the ledgers, and shows packets in range to `in_range`.
    fn observe(
        &mut self,
        frame: &Frame<'_>,
        config: &Config,
        in_range: &mut dyn FnMut(&FlowKey, &Seen<'_>),
    ) -> Seized {
        let mut seized = Seized::default();
        decode::decode(frame, &config.limits, &mut |decoded| match decoded {
            Decoded::Packet(packet) => seized.watched |= self.packet(&packet, config, in_range),
            Decoded::Stop(stop) => self.anomaly(frame.at, &stop, config),
        });
        seized
    }

    fn packet(
        &mut self,
        packet: &Packet<'_>,
        config: &Config,
        in_range: &mut dyn FnMut(&FlowKey, &Seen<'_>),
    ) -> bool {
        let ports = [packet.src.port, packet.dst.port];
        let watched = ports.iter().any(|&port| config.watch.covers(packet.transport, port));
        let companion =
            ports.iter().any(|&port| CompanionKind::of(packet.transport, port).is_some());
        if !watched && !companion {
            return false;
        }
        let (key, side) = FlowKey::of(packet, config.vlan_in_key);
        let seen = Seen::of(packet, side, signature(packet, side));
        if watched {
            self.ledgers.observe_flow(&key, &seen, config);
            in_range(&key, &seen);
        } else {
            self.ledgers.observe_companion(&key, &seen, &config.limits);
        }
        watched
    }

    fn anomaly(&mut self, at: FrameRef, stop: &Stop, config: &Config) {
        if let Some(known) = self.anomalies.get_mut(stop.event) {
            known.count = known.count.saturating_add(1);
        } else if self.anomalies.len() < config.limits.anomaly_kinds_max {
            self.anomalies.insert(
                stop.event,
                AnomalyEvent {
                    event: stop.event,
                    layer: stop.layer,
                    offset: wire::len32(stop.offset),
                    frame: at,
                    count: 1,
                },
            );
        }
    }

    fn merge(&mut self, other: Self, config: &Config) {
        self.ledgers.merge(other.ledgers, config);
        for (event, anomaly) in other.anomalies {
            match self.anomalies.get_mut(event) {
                None => {
                    self.anomalies.insert(event, anomaly);
                }
                Some(known) => {
                    let count = known.count.saturating_add(anomaly.count);
                    let first = if anomaly.frame < known.frame { anomaly } else { *known };
                    *known = AnomalyEvent { count, ..first };
                }
            }
        }
    }
}

fn hand_out(
    mut over: Ended,
    ledgers: &Ledgers,
    config: &Config,
    sums: &mut Sums,
    out: &mut Vec<Event>,
) {
    over.record.conclude(over.key.transport, config);
    let flow = judge::judge(&over, ledgers, config);
    if config.account_for == Some(flow.flow_id) {
        sums.accounts.push(account::account(&over, ledgers, config));
    }
    sums.endpoints.add(&flow, &config.limits);
    out.push(Event::Flow(Box::new(flow)));
}

fn finish(endpoints: Endpoints, common: Common, out: &mut Vec<Event>) {
    out.extend(endpoints.finish().into_iter().map(|event| Event::Endpoint(Box::new(event))));
    out.extend(common.anomalies.into_values().map(Event::Anomaly));
}

/// Equal for copies of one packet. The fields that a router changes (time to live) are left out.
fn signature(packet: &Packet<'_>, side: Side) -> u64 {
    let (header, payload) = match &packet.body {
        Body::Tcp(info, payload) => (
            [
                u64::from(info.seq) << 32 | u64::from(info.ack),
                u64::from(info.checksum) << 32
                    | u64::from(info.window) << 8
                    | u64::from(info.flags.0),
            ],
            Some(payload),
        ),
        Body::Udp(checksum, payload) => ([0, u64::from(*checksum)], Some(payload)),
        Body::Icmp(error) => ([u64::from(error.icmp_type), u64::from(error.code)], None),
    };
    let len = payload.map_or(0, |payload| u64::from(wire::len32(payload.wire_len)));
    let first = payload.and_then(|payload| wire::be64(payload.bytes, 0)).unwrap_or_default();
    let [one, two] = header;
    let side = u64::from(u32::from(side == Side::B));
    stable_hash(&[side << 16 | u64::from(packet.ip_id), one, two, len, first])
}
