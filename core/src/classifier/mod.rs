//! From frames to events: the core's front door.
//!
//! [`Classifier`] reads a whole capture, or an interface for as long as it is asked to. [`Collector`]
//! reads a piece of one, on another core or another machine; [`put_together`] makes of the pieces what
//! the classifier would have made of the whole (invariant 8).

use crate::config::Config;
use crate::decode::{Found, PacketDecoder};
use crate::event::{Event, NewFlow};
use crate::flow::correlation::Drops;
use crate::flow::table::FlowSlot;
use crate::flow::{Ended, FlowKey, FlowPacket, FlowTable};
use crate::frame::{Frame, FrameRef};
use crate::judge::explanation::Explanation;
use crate::time::Timestamp;

mod ending;
mod pieces;
mod shared;
mod verdicts;

pub use crate::decode::FrameOutcome;
use ending::Sums;
pub use ending::Totals;
pub use pieces::{Collector, put_together};
use shared::SharedFacts;
pub use verdicts::Running;
use verdicts::Verdicts;

/// Is shown the packets of flows in range, one by one.
pub type PacketObserver<'a> = dyn FnMut(&FlowKey, &FlowPacket<'_>) + 'a;

/// Labels flows. The same frames give the same events, whatever the hash seed (invariant 1).
#[derive(Debug)]
pub struct Classifier {
    config: Config,
    decoder: PacketDecoder,
    flows: Flows,
    sums: Sums,
    verdicts: Verdicts,
    /// The latest time so far.
    now: Timestamp,
    /// The earliest, once there is one.
    earliest: Timestamp,
    next_sweep: Timestamp,
    totals: Totals,
    /// Whether the capture is over.
    is_over: bool,
}

/// What the packets in range are folded into.
#[derive(Debug)]
struct Flows {
    table: FlowTable,
    shared: SharedFacts,
    /// What the packets at hand brought to an end.
    ended: Vec<Ended>,
    /// Flows that had packets since they were last looked at, where labels are told of running ones.
    touched: Vec<(FlowKey, FlowSlot)>,
}

/// Ended flows are looked for this often, in event time.
const SWEEP_SECONDS: i64 = 1;

/// Flows that are handed out at a time when the capture is over: so few that what is made of them, some
/// kilobytes each, is still in the processor's cache when it is written.
const FLOWS_OF_A_PART: usize = 64;

impl Classifier {
    /// An empty classifier.
    pub fn new(config: Config) -> Self {
        Self {
            decoder: PacketDecoder::new(&config.watch),
            flows: Flows::new(config.hash_seed),
            config,
            sums: Sums::default(),
            verdicts: Verdicts::default(),
            now: Timestamp::MIN,
            earliest: Timestamp::MAX,
            next_sweep: Timestamp::MIN,
            totals: Totals::default(),
            is_over: false,
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
        if !self.decoder.is_candidate(frame) {
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
        let Self { config, decoder, flows, now, .. } = self;
        let outcome = decoder.decode(frame, config, &mut |found| {
            flows.fold(found, *now, config, observer);
        });
        self.count_watched(outcome.watched);
        self.hand_out_ended(out);
        self.look_at_touched(out);
        outcome
    }

    /// Counts the frame at hand, and earlier ones that waited for it, where they are in range.
    fn count_watched(&mut self, at_hand: bool) {
        let waited = self.decoder.resolved().iter().filter(|(_, watched)| *watched).count();
        let frames = u64::from(at_hand).saturating_add(u64::try_from(waited).unwrap_or(u64::MAX));
        self.totals.frames_watched = self.totals.frames_watched.saturating_add(frames);
    }

    /// Judges what the packets at hand brought to an end.
    fn hand_out_ended(&mut self, out: &mut Vec<Event>) {
        let Self { config, flows, sums, verdicts, .. } = self;
        for over in flows.ended.drain(..) {
            verdicts.forget(&over);
            sums.hand_out(over, &flows.shared.ledgers, config, out);
        }
    }

    /// Looks again at running flows that had packets.
    fn look_at_touched(&mut self, out: &mut Vec<Event>) {
        let Self { config, flows, verdicts, now, .. } = self;
        for (key, slot) in flows.touched.drain(..) {
            let Some(record) = flows.table.at(slot, &key) else { continue };
            out.extend(verdicts.look(key, record, *now, &flows.shared.ledgers, config));
        }
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
        self.next_sweep =
            Timestamp::from_parts(self.now.seconds().saturating_add(SWEEP_SECONDS), 0);
        let Self { config, flows: Flows { table, shared, .. }, sums, verdicts, now, .. } = self;
        shared.ledgers.tick(self.earliest);
        shared.ledgers.tick(*now);
        table.expire(*now, config, &mut |over| {
            verdicts.forget(&over);
            sums.hand_out(over, &shared.ledgers, config, out);
        });
        if config.live_verdicts {
            verdicts.catch_up(table, *now, &shared.ledgers, config, out);
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
        loop {
            if let Some(totals) = self.finish_part(out, observer) {
                return totals;
            }
        }
    }

    /// A part of the same, which is to be asked for until it returns the sums: whoever writes each part
    /// before the next one never holds the events of all flows.
    pub fn finish_part(
        &mut self,
        out: &mut Vec<Event>,
        observer: &mut PacketObserver<'_>,
    ) -> Option<Totals> {
        if !std::mem::replace(&mut self.is_over, true) {
            let Self { config, decoder, flows, now, .. } = self;
            decoder.finish(config, &mut |found| flows.fold(found, *now, config, observer));
            self.count_watched(false);
            self.hand_out_ended(out);
        }
        let Self { config, flows: Flows { table, shared, .. }, sums, now, .. } = self;
        let is_last = table.drain(FLOWS_OF_A_PART, *now, config, &mut |over| {
            sums.hand_out(over, &shared.ledgers, config, out);
        });
        if !is_last {
            return None;
        }
        sums.shortfalls.fragments = self.decoder.crowded_out();
        self.totals.shortfalls = sums.finish(std::mem::take(shared), out);
        Some(self.totals)
    }

    /// What the last frame, or the end of the capture, said of earlier frames that waited: whether they
    /// hold a part of a packet in range. In the order of the frames, each once.
    pub fn resolved(&self) -> &[(FrameRef, bool)] {
        self.decoder.resolved()
    }

    /// The flows that are new since this was last asked, where [`Config::live_verdicts`] is set. Of a
    /// flood only some.
    pub fn take_new_flows(&mut self) -> Vec<NewFlow> {
        self.verdicts.take_fresh()
    }

    /// The flows that are running, the worst `max` of them with their verdicts as of now, where
    /// [`Config::live_verdicts`] is set.
    pub fn running(&self, max: usize) -> Running {
        let Self { verdicts, flows: Flows { table, shared, .. }, config, now, .. } = self;
        verdicts.running(max, table, *now, &shared.ledgers, config)
    }

    /// The source says that it lost these: flows that were running then may be not whole.
    pub fn note_drops(&mut self, drops: Drops) {
        self.flows.shared.ledgers.note_drops(drops);
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
        self.flows.table.len()
    }
}

impl Flows {
    fn new(hash_seed: u64) -> Self {
        Self {
            table: FlowTable::new(hash_seed),
            shared: SharedFacts::default(),
            ended: Vec::new(),
            touched: Vec::new(),
        }
    }

    /// Folds in what was found in a frame.
    fn fold(
        &mut self,
        found: Found<'_>,
        now: Timestamp,
        config: &Config,
        observer: &mut PacketObserver<'_>,
    ) {
        let Some((key, seen)) = self.shared.note(found, config) else { return };
        observer(&key, &seen);
        let slot = self.table.observe(&key, &seen, now, config, &mut |over| self.ended.push(over));
        if config.live_verdicts {
            self.touched.push((key, slot));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{LinkType, SourceId};

    /// One datagram from each of so many hosts.
    fn flood(hosts: u16) -> Classifier {
        let mut classifier = Classifier::new(Config::default());
        for host in 0..hosts {
            let [high, low] = host.to_be_bytes();
            let mut bytes = [0; 36];
            bytes[..12].copy_from_slice(&[0x45, 0, 0, 36, 0, 0, 0, 0, 64, 17, 0, 0]);
            bytes[12..20].copy_from_slice(&[11, 0, high, low, 10, 0, 0, 1]);
            bytes[20..28].copy_from_slice(&[0x9c, 0x40, 0x0c, 0xab, 0, 16, 0, 0]);
            let time = Timestamp::from_parts(1_500_000_000, host.into());
            let at = FrameRef { time, source: SourceId(0), number: host.into() };
            let frame = Frame { at, link: LinkType(101), wire_len: 36, bytes: &bytes };
            classifier.ingest(&frame, &mut Vec::new());
        }
        classifier
    }

    #[test]
    fn an_end_in_parts_is_the_same_end() {
        let (mut whole, mut parts) = (Vec::new(), Vec::new());
        let sums = flood(300).finish(&mut whole);
        let mut classifier = flood(300);
        loop {
            let before = parts.len();
            if let Some(totals) = classifier.finish_part(&mut parts, &mut |_, _| {}) {
                assert_eq!((totals.frames, totals), (300, sums));
                break;
            }
            assert_eq!(parts.len() - before, FLOWS_OF_A_PART);
        }
        let flows = whole.iter().filter(|event| matches!(event, Event::Flow(_))).count();
        assert_eq!(flows, 300);
        assert_eq!(parts, whole);
    }
}
