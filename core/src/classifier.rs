//! From frames to events: the core's front door.
//!
//! [`Classifier`] reads a whole capture, or an interface for as long as it is asked to. [`Collector`]
//! reads a piece of one, on another core or another machine; [`put_together`] makes of the pieces what
//! the classifier would have made of the whole (invariant 8).

use std::collections::BTreeMap;

use crate::config::{Config, Limits};
use crate::decode::fragment::{Fragment, Reassembly};
use crate::decode::peek::Peek;
use crate::decode::{self, Body, DecodeAnomaly, Decoded, Packet};
use crate::event::{AnomalyEvent, Event, NewFlow};
use crate::flow::correlation::Drops;
use crate::flow::firsts::{Firsts, Noted};
use crate::flow::partial::{PartialFlow, Piece, Place};
use crate::flow::table::{self, stable_hash};
use crate::flow::{Correlation, EndReason, Ended, FlowKey, FlowPacket, FlowRecord, FlowTable};
use crate::frame::{Frame, FrameRef};
use crate::judge::explanation::{self, Explanation};
use crate::judge::{self, endpoint::Endpoints};
use crate::net::{Layer, Side};
use crate::shortfall::Shortfalls;
use crate::time::Timestamp;
use crate::watch::CompanionKind;
use crate::wire;

mod verdicts;

pub use verdicts::Running;
use verdicts::Verdicts;

/// What a frame turned out to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameOutcome {
    /// It holds a packet of a flow in range, or an ICMP error about one.
    pub watched: bool,
    /// It holds a fragment of a packet that is not complete yet: whether that is in range will turn
    /// out with a later frame.
    pub waits: bool,
    /// Of frames that waited something turned out: see [`Classifier::resolved`].
    pub resolved: bool,
}

/// Is shown the packets of flows in range, one by one.
pub type PacketObserver<'a> = dyn FnMut(&FlowKey, &FlowPacket<'_>) + 'a;

/// Labels flows. The same frames give the same events, whatever the hash seed (invariant 1).
#[derive(Debug)]
pub struct Classifier {
    config: Config,
    peek: Peek,
    reassembly: Reassembly,
    table: FlowTable,
    common: Common,
    sums: Sums,
    verdicts: Verdicts,
    /// What the last frame said of frames that waited.
    resolved: Vec<(FrameRef, bool)>,
    /// The latest time so far.
    now: Timestamp,
    /// The earliest, once there is one.
    earliest: Timestamp,
    next_sweep: Timestamp,
    totals: Totals,
}

/// Sums over everything that was ingested.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Frames.
    pub frames: u64,
    /// Their bytes on the wire.
    pub bytes: u64,
    /// Frames with a packet of a flow in range.
    pub frames_watched: u64,
    /// What limits left out; known when the capture is over, zero until then.
    pub shortfalls: Shortfalls,
}

/// What is made of the verdicts.
#[derive(Debug, Default)]
struct Sums {
    endpoints: Endpoints,
    accounts: Vec<Explanation>,
    shortfalls: Shortfalls,
}

/// What is known beside the flows.
#[derive(Clone, Debug, Default)]
struct Common {
    ledgers: Correlation,
    anomalies: Firsts<&'static str, AnomalyEvent>,
    /// Frames with kinds that found no room.
    anomalies_left_out: u64,
}

/// Ended flows are looked for this often, in event time.
const SWEEP_SECONDS: i64 = 1;

impl Classifier {
    /// An empty classifier.
    pub fn new(config: Config) -> Self {
        Self {
            peek: Peek::new(&config.watch),
            reassembly: Reassembly::default(),
            table: FlowTable::new(config.hash_seed),
            config,
            common: Common::default(),
            sums: Sums::default(),
            verdicts: Verdicts::default(),
            resolved: Vec::new(),
            now: Timestamp::MIN,
            earliest: Timestamp::MAX,
            next_sweep: Timestamp::MIN,
            totals: Totals::default(),
        }
    }

    /// Takes in a frame; what it brings to an end is added to `out`.
    #[inline]
    pub fn ingest(&mut self, frame: &Frame<'_>, out: &mut Vec<Event>) -> FrameOutcome {
        self.ingest_observed(frame, out, &mut |_, _| {})
    }

    /// The same, and shows every packet of a flow in range to `observer`.
    #[inline]
    pub fn ingest_observed(
        &mut self,
        frame: &Frame<'_>,
        out: &mut Vec<Event>,
        observer: &mut PacketObserver<'_>,
    ) -> FrameOutcome {
        self.totals.frames = self.totals.frames.saturating_add(1);
        self.totals.bytes = self.totals.bytes.saturating_add(u64::from(frame.wire_len));
        self.advance_to(frame.at.time, out);
        if !self.peek.is_candidate(frame) {
            return FrameOutcome::default();
        }
        self.look_into(frame, out, observer)
    }

    /// The rare case: the frame may be of interest. Not to be made part of the common one, which
    /// would then save and restore registers for it.
    #[inline(never)]
    fn look_into(
        &mut self,
        frame: &Frame<'_>,
        out: &mut Vec<Event>,
        observer: &mut PacketObserver<'_>,
    ) -> FrameOutcome {
        let Self { config, reassembly, table, common, sums, verdicts, now, totals, .. } = self;
        let resolved = &mut self.resolved;
        resolved.clear();
        let (mut ended, mut touched, mut fragments) = (Vec::new(), Vec::new(), Vec::new());
        let mut in_range = |key: &FlowKey, seen: &FlowPacket<'_>| {
            observer(key, seen);
            table.observe(key, seen, *now, config, &mut |over| ended.push(over));
            if config.live_verdicts {
                touched.push(*key);
            }
        };
        let mut seized = common.observe(frame, config, &mut in_range, &mut fragments);
        for fragment in fragments {
            let mut waiting = reassembly.add(fragment, config, &mut |decoded, frames| {
                let watched = common.take(decoded, config, &mut in_range);
                resolved.extend(frames.iter().map(|&at| (at, watched)));
            });
            waiting.sort_unstable();
            let waits = |at: &FrameRef| waiting.binary_search(at).is_ok();
            seized.waits |= waits(&frame.at);
            resolved.retain(|(at, watched)| *watched || !waits(at));
        }
        seized.watched |= resolved.contains(&(frame.at, true));
        resolved.retain(|&(at, _)| at != frame.at);
        seized.resolved = !resolved.is_empty();
        totals.frames_watched = totals
            .frames_watched
            .saturating_add(u64::from(seized.watched))
            .saturating_add(each_once(resolved));
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
    #[inline]
    pub fn advance_to(&mut self, now: Timestamp, out: &mut Vec<Event>) {
        self.now = self.now.max(now);
        if now < self.earliest || self.now >= self.next_sweep {
            self.sweep(now, out);
        }
    }

    #[inline(never)]
    fn sweep(&mut self, now: Timestamp, out: &mut Vec<Event>) {
        self.earliest = self.earliest.min(now);
        self.common.ledgers.tick(self.earliest);
        self.common.ledgers.tick(self.now);
        self.next_sweep =
            Timestamp::from_parts(self.now.seconds().saturating_add(SWEEP_SECONDS), 0);
        let Self { config, table, common, sums, verdicts, now, .. } = self;
        table.expire(*now, config, &mut |over| {
            verdicts.forget(&over);
            hand_out(over, &common.ledgers, config, sums, out);
        });
        if config.live_verdicts {
            verdicts.catch_up(table, *now, &common.ledgers, config, out);
        }
    }

    /// The capture is over: all flows that were running, then what is known of the endpoints, then the
    /// anomalies are added to `out`.
    pub fn finish(&mut self, out: &mut Vec<Event>) -> Totals {
        self.finish_observed(out, &mut |_, _| {})
    }

    /// The same, and shows the packets that stayed incomplete to `observer`.
    pub fn finish_observed(
        &mut self,
        out: &mut Vec<Event>,
        observer: &mut PacketObserver<'_>,
    ) -> Totals {
        let Self { config, reassembly, table, common, sums, now, totals, .. } = self;
        let resolved = &mut self.resolved;
        resolved.clear();
        let mut ended = Vec::new();
        reassembly.finish(&mut |decoded, frames| {
            let watched = common.take(decoded, config, &mut |key, seen| {
                observer(key, seen);
                table.observe(key, seen, *now, config, &mut |over| ended.push(over));
            });
            resolved.extend(frames.iter().map(|&at| (at, watched)));
        });
        totals.frames_watched = totals.frames_watched.saturating_add(each_once(resolved));
        for over in ended {
            hand_out(over, &common.ledgers, config, sums, out);
        }
        table.drain(*now, config, &mut |over| {
            hand_out(over, &common.ledgers, config, sums, out);
        });
        sums.shortfalls.fragments = reassembly.crowded_out();
        let endpoints = std::mem::take(&mut sums.endpoints);
        let shortfalls = std::mem::take(&mut sums.shortfalls);
        totals.shortfalls = finish(endpoints, shortfalls, std::mem::take(common), out);
        *totals
    }

    /// What the last frame, or the end of the capture, said of earlier frames that waited: whether they
    /// hold a part of a packet in range. In the order of the frames, each once.
    pub fn resolved(&self) -> &[(FrameRef, bool)] {
        &self.resolved
    }

    /// The flows that are new since this was last asked, where [`Config::live_verdicts`] is set. Of a
    /// flood only some.
    pub fn take_new_flows(&mut self) -> Vec<NewFlow> {
        self.verdicts.take_fresh()
    }

    /// The flows that are running, the worst `max` of them with their verdicts as of now, where
    /// [`Config::live_verdicts`] is set.
    pub fn running(&self, max: usize) -> Running {
        let Self { verdicts, table, common, config, now, .. } = self;
        verdicts.running(max, table, *now, &common.ledgers, config)
    }

    /// The source says that `frames` were lost since `since`: flows that were running may be not whole.
    pub fn note_drops(&mut self, frames: u64, since: Timestamp) {
        let drops = Drops { frames, since, until: self.now.max(since) };
        self.common.ledgers.note_drops(drops);
    }

    /// Time of the earliest and of the latest frame, or of what was told of time.
    pub fn span(&self) -> Option<(Timestamp, Timestamp)> {
        (self.earliest <= self.now).then_some((self.earliest, self.now))
    }

    /// The accounts of the flow that [`Config::account_for`] names, as far as it has ended.
    pub fn take_explanations(&mut self) -> Vec<Explanation> {
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

/// Leaves each frame once, watched if it was so once. Returns how many are.
fn each_once(resolved: &mut Vec<(FrameRef, bool)>) -> u64 {
    resolved.sort_unstable();
    resolved.dedup_by(|later, kept| {
        let same = later.0 == kept.0;
        kept.1 |= same && later.1;
        same
    });
    let watched = resolved.iter().filter(|&&(_, watched)| watched);
    u64::try_from(watched.count()).unwrap_or(u64::MAX)
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
        let config = Config { limits: config.limits.of_a_piece(), ..config };
        Self { config, peek, common: Common::default(), piece: Piece::default() }
    }

    /// Takes in a frame.
    pub fn ingest(&mut self, frame: &Frame<'_>) -> FrameOutcome {
        let Self { config, peek, common, piece } = self;
        common.ledgers.tick(frame.at.time);
        if !peek.is_candidate(frame) {
            return FrameOutcome::default();
        }
        let mut fragments = Vec::new();
        let mut in_range = |key: &FlowKey, seen: &FlowPacket<'_>| piece.observe(key, seen, config);
        let seized = common.observe(frame, config, &mut in_range, &mut fragments);
        self.keep(fragments);
        seized
    }

    /// Takes in nothing but the fragments of a frame that goes to another part of the same piece. Where
    /// a piece is dealt out by flow this is needed for every frame that holds one: nobody can say yet
    /// whose packet it will be.
    pub fn pass_by(&mut self, frame: &Frame<'_>) {
        let mut fragments = Vec::new();
        decode::decode(frame, &self.config.limits, &mut |decoded| {
            if let Decoded::Fragment(fragment) = decoded {
                fragments.push(fragment.into_owned());
            }
        });
        self.keep(fragments);
    }

    fn keep(&mut self, fragments: Vec<Fragment<'static>>) {
        for fragment in fragments {
            let at = fragment.at();
            if !self.piece.keep(fragment, &self.config.limits) {
                let layer = Layer::Network;
                let stop = DecodeAnomaly { event: "fragments_not_kept", layer, offset: 0 };
                self.common.anomaly(at, &stop, &self.config);
            }
        }
    }
}

/// Makes of pieces what [`Classifier`] would have made of the whole. Pieces may be given in any order,
/// and cut by time or by flow ([`Collector::pass_by`]); their numbers say which comes first. Returns what
/// limits left out.
pub fn put_together(
    pieces: Vec<(u64, Collector)>,
    config: &Config,
    out: &mut Vec<Event>,
) -> Shortfalls {
    let mut common = Common::default();
    let mut runs: BTreeMap<FlowKey, Vec<_>> = BTreeMap::new();
    let mut fragments = BTreeMap::new();
    for (number, mut collector) in pieces {
        common.merge(collector.common, config);
        // All parts of a piece have the same.
        fragments.entry(number).or_insert_with(|| collector.piece.take_fragments());
        for (key, flows) in collector.piece.into_flows() {
            let numbered = flows
                .into_iter()
                .enumerate()
                .map(|(index, run)| ((number, run.place(), index), run));
            runs.entry(key).or_default().extend(numbered);
        }
    }
    let mut sums = Sums::default();
    sums.shortfalls.fragments =
        reassemble(fragments, &mut common, config, &mut |key, place, run| {
            runs.entry(key).or_default().push((place, run));
        });
    common.cut(&config.limits);
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
    table::in_order(ended, &mut |over| {
        hand_out(over, &common.ledgers, config, &mut sums, out);
    });
    finish(sums.endpoints, sums.shortfalls, common, out)
}

/// Puts together what pieces could not: packets whose fragments may be in several of them. Each is a
/// run of its own, placed behind the fragment that completed it. Returns how many were given up for lack
/// of room.
fn reassemble(
    fragments: BTreeMap<u64, Vec<Fragment<'static>>>,
    common: &mut Common,
    config: &Config,
    found: &mut dyn FnMut(FlowKey, (u64, Place, usize), PartialFlow),
) -> u64 {
    // Like the ledgers of the pieces these are cut when all is there.
    let whole = Config { limits: config.limits.of_a_piece(), ..config.clone() };
    let mut reassembly = Reassembly::default();
    let mut count = 0_usize;
    let mut take = |place: (u64, Place), decoded: Decoded<'_>| {
        common.take(decoded, &whole, &mut |key, seen| {
            count = count.saturating_add(1);
            let run = PartialFlow::of_one(key.transport, seen, config);
            found(*key, (place.0, place.1, count), run);
        });
    };
    for (number, list) in fragments {
        for (index, fragment) in list.into_iter().enumerate() {
            let place = (number, Place::behind_fragment(index));
            reassembly.add(fragment, config, &mut |decoded, _| take(place, decoded));
        }
    }
    reassembly.finish(&mut |decoded, _| take((u64::MAX, Place::END), decoded));
    reassembly.crowded_out()
}

impl Common {
    /// Decodes a frame, keeps the ledgers, and shows packets in range to `in_range`. Fragments are left
    /// in `fragments`.
    fn observe(
        &mut self,
        frame: &Frame<'_>,
        config: &Config,
        in_range: &mut dyn FnMut(&FlowKey, &FlowPacket<'_>),
        fragments: &mut Vec<Fragment<'static>>,
    ) -> FrameOutcome {
        let mut seized = FrameOutcome::default();
        decode::decode(frame, &config.limits, &mut |decoded| match decoded {
            Decoded::Fragment(fragment) => fragments.push(fragment.into_owned()),
            other @ (Decoded::Packet(_) | Decoded::Anomaly(..)) => {
                seized.watched |= self.take(other, config, in_range);
            }
        });
        seized
    }

    /// Takes in what was decoded; says whether it is in range.
    fn take(
        &mut self,
        decoded: Decoded<'_>,
        config: &Config,
        in_range: &mut dyn FnMut(&FlowKey, &FlowPacket<'_>),
    ) -> bool {
        match decoded {
            Decoded::Packet(packet) => return self.packet(&packet, config, in_range),
            Decoded::Anomaly(at, stop) => self.anomaly(at, &stop, config),
            // A reassembly hands on none.
            Decoded::Fragment(_) => {}
        }
        false
    }

    fn packet(
        &mut self,
        packet: &Packet<'_>,
        config: &Config,
        in_range: &mut dyn FnMut(&FlowKey, &FlowPacket<'_>),
    ) -> bool {
        let ports = [packet.src.port, packet.dst.port];
        let watched = ports.iter().any(|&port| config.watch.covers(packet.transport, port));
        let companion =
            ports.iter().any(|&port| CompanionKind::of(packet.transport, port).is_some());
        if !watched && !companion {
            return false;
        }
        let (key, side) = FlowKey::of(packet, config.vlan_in_key);
        if watched {
            let seen = FlowPacket::of(packet, side, signature(packet, side));
            self.ledgers.observe_flow(&key, &seen, config);
            in_range(&key, &seen);
        } else {
            // Nobody asks whether it is a copy.
            let seen = FlowPacket::of(packet, side, 0);
            self.ledgers.observe_companion(&key, &seen, &config.limits);
        }
        watched
    }

    fn anomaly(&mut self, at: FrameRef, stop: &DecodeAnomaly, config: &Config) {
        let max = config.limits.anomaly_kinds_max;
        let noted = self.anomalies.note(stop.event, at.time, max, || AnomalyEvent {
            event: stop.event,
            layer: stop.layer,
            offset: wire::len32(stop.offset),
            frame: at,
            count: 0,
        });
        let left_out = match noted {
            Some(Noted { value, gone }) => {
                value.count = value.count.saturating_add(1);
                // What is wrong with a packet in fragments is found later than in which frame it was.
                if at < value.frame {
                    (value.frame, value.layer, value.offset) =
                        (at, stop.layer, wire::len32(stop.offset));
                }
                gone.map_or(0, |gone| gone.count)
            }
            None => 1,
        };
        self.anomalies_left_out = self.anomalies_left_out.saturating_add(left_out);
    }

    fn merge(&mut self, other: Self, config: &Config) {
        self.ledgers.merge(other.ledgers, config);
        self.anomalies.join(other.anomalies, |known, other| {
            let count = known.count.saturating_add(other.count);
            let first = if other.frame < known.frame { other } else { *known };
            *known = AnomalyEvent { count, ..first };
        });
    }

    /// All pieces are here: keeps what the whole would have kept.
    fn cut(&mut self, limits: &Limits) {
        self.ledgers.cut(limits);
        let left_out = &mut self.anomalies_left_out;
        self.anomalies.cut_to(limits.anomaly_kinds_max, &mut |gone| {
            *left_out = left_out.saturating_add(gone.count);
        });
    }
}

fn hand_out(
    mut over: Ended,
    ledgers: &Correlation,
    config: &Config,
    sums: &mut Sums,
    out: &mut Vec<Event>,
) {
    over.record.conclude(over.key.transport, config);
    if config.account_for == Some(judge::flow_id(&over.key, over.record.first.time)) {
        sums.accounts.push(explanation::account(&over, ledgers, config));
    }
    let flow = judge::judge(&mut over, ledgers, config);
    let is_watched = config.watch.covers(flow.transport, flow.server.port);
    sums.endpoints.add(&flow, is_watched, ledgers, &config.limits);
    let note = |count: &mut u64, holds: bool| *count = count.saturating_add(u64::from(holds));
    note(&mut sums.shortfalls.context, flow.verdict.visibility.context_cut);
    note(&mut sums.shortfalls.flows, flow.reason == EndReason::Forced);
    out.push(Event::Flow(Box::new(flow)));
}

fn finish(
    endpoints: Endpoints,
    shortfalls: Shortfalls,
    mut common: Common,
    out: &mut Vec<Event>,
) -> Shortfalls {
    // Endpoints are told in the room that this leaves.
    common.ledgers.close();
    let (endpoints, left_out) = endpoints.finish(&common.ledgers);
    out.extend(endpoints.into_iter().map(|event| Event::Endpoint(Box::new(event))));
    out.extend(common.anomalies.into_values().map(|(_, anomaly)| Event::Anomaly(anomaly)));
    Shortfalls { endpoints: left_out, anomalies: common.anomalies_left_out, ..shortfalls }
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
