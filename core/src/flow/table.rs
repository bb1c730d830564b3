//! The flows that are running: bounded, and in the same order whatever the hash seed.
//!
//! Flows stand in lists by how long they may be idle, each in the order of their last packet, so that
//! what has ended is always at the front. Where the table is full, the flow that was idle longest goes;
//! where many are flows that nobody answered, one of these: a flood of single packets costs the
//! conversations that were there before it nothing, and where there are simply very many conversations
//! none is ended because its answer is still on the way.

use std::hash::BuildHasher;

use hashbrown::HashTable;

use crate::config::Config;
use crate::flow::hash::Keyed;
use crate::flow::key::FlowKey;
use crate::flow::packet::FlowPacket;
use crate::flow::record::FlowRecord;
use crate::net::Transport;
use crate::time::Timestamp;
use crate::wire;

/// EVE's `flow.reason`: why the flow's event came when it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// Idle too long, or closed and quiet.
    Timeout,
    /// The capture ended first.
    Shutdown,
    /// The same 5-tuple began anew.
    TcpReuse,
    /// The table was full.
    Forced,
}

impl EndReason {
    /// EVE's word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Shutdown => "shutdown",
            Self::TcpReuse => "tcp_reuse",
            Self::Forced => "forced",
        }
    }
}

/// A flow that has ended.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    /// Its key.
    pub key: FlowKey,
    /// Its facts.
    pub record: Box<FlowRecord>,
    /// Why it ended.
    pub reason: EndReason,
    /// When it counts as ended: what became known later has no say in its verdict.
    pub closing: Timestamp,
}

/// The running flows.
#[derive(Debug)]
pub(crate) struct FlowTable {
    /// Places in `slots`, by the keys there.
    index: HashTable<usize>,
    keyed: Keyed,
    /// Bytes of memory that the flows take.
    bytes: usize,
    slots: Vec<Slot>,
    free: Vec<usize>,
    lists: [List; CLASSES],
    /// The capture is over: the flows that are still to be handed over, in their order.
    leaving: Option<std::vec::IntoIter<u32>>,
}

/// Where a running flow stands. Once the flow has ended another one may stand there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FlowSlot(usize);

#[derive(Debug)]
struct Slot {
    key: FlowKey,
    record: Option<Box<FlowRecord>>,
    class: Class,
    touched: Timestamp,
    /// Bytes of memory that this flow takes, as they were last counted.
    bytes: usize,
    before: Option<u32>,
    after: Option<u32>,
}

#[derive(Clone, Copy, Debug, Default)]
struct List {
    oldest: Option<usize>,
    newest: Option<usize>,
    flows: usize,
}

/// Bytes that every flow takes: its record, its place, and what the index keeps of it at the usual load.
const FLOW_BYTES: usize = size_of::<FlowRecord>() + size_of::<Slot>() + 2 * size_of::<usize>();

/// The lists. Those of one class have one timeout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    UnansweredTcp,
    UnansweredUdp,
    ClosedTcp,
    Tcp,
    Udp,
}

const CLASSES: usize = 5;

/// Flows without an answer are the first to go if they are more than one in so many. Of ordinary traffic
/// they are some of the last second's; a flood makes them nearly all there are.
const EXPENDABLE_SHARE: usize = 8;

impl Class {
    const ALL: [Self; CLASSES] =
        [Self::UnansweredTcp, Self::UnansweredUdp, Self::ClosedTcp, Self::Tcp, Self::Udp];

    /// Where there are more of them than [`EXPENDABLE_SHARE`] allows they go before all others.
    const EXPENDABLE: [Self; 2] = [Self::UnansweredTcp, Self::UnansweredUdp];

    const fn index(self) -> usize {
        match self {
            Self::UnansweredTcp => 0,
            Self::UnansweredUdp => 1,
            Self::ClosedTcp => 2,
            Self::Tcp => 3,
            Self::Udp => 4,
        }
    }

    fn of(transport: Transport, record: &FlowRecord) -> Self {
        let answered = record.sides.iter().all(|side| side.packets > 0);
        match transport {
            Transport::Tcp if record.is_closed() => Self::ClosedTcp,
            Transport::Tcp if answered => Self::Tcp,
            Transport::Tcp => Self::UnansweredTcp,
            Transport::Udp if answered => Self::Udp,
            Transport::Udp => Self::UnansweredUdp,
        }
    }
}

impl FlowTable {
    /// An empty table whose hashes are keyed with `seed`.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            index: HashTable::new(),
            keyed: Keyed(seed),
            bytes: 0,
            slots: Vec::new(),
            free: Vec::new(),
            lists: Default::default(),
            leaving: None,
        }
    }

    /// How many flows are running.
    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    /// The record of a flow that is running.
    pub(crate) fn running(&self, key: &FlowKey) -> Option<&FlowRecord> {
        self.record(self.find(self.keyed.hash_one(key), key)?)
    }

    /// The record of the flow at a place, if that still runs.
    pub(crate) fn at(&self, FlowSlot(slot): FlowSlot, key: &FlowKey) -> Option<&FlowRecord> {
        self.slot(slot).filter(|entry| entry.key == *key)?.record.as_deref()
    }

    /// Takes in a packet at event time `now`, and says where its flow stands. What ended because of it
    /// is handed to `ended`.
    pub(crate) fn observe(
        &mut self,
        key: &FlowKey,
        seen: &FlowPacket<'_>,
        now: Timestamp,
        config: &Config,
        ended: &mut dyn FnMut(Ended),
    ) -> FlowSlot {
        let hash = self.keyed.hash_one(key);
        let goes_on = |record: &FlowRecord| record.continues_with(seen, config);
        let mut slot = self.find(hash, key);
        if let Some(known) = slot.filter(|&slot| !self.record(slot).is_some_and(goes_on)) {
            // Whatever ended earlier is told earlier; this flow may be among it.
            self.expire(now, config, ended);
            if self.at(FlowSlot(known), key).is_some()
                && let Some(over) = self.end_before(known, seen, config)
            {
                ended(over);
            }
            slot = None;
        }
        let slot = slot.unwrap_or_else(|| {
            if self.len() >= config.limits.flows_max
                && let Some(over) = self.evict(now)
            {
                ended(over);
            }
            self.insert(hash, *key, FlowRecord::new(seen, config))
        });
        self.fold(slot, seen, now, config);
        // The flow at hand is the newest, so it stays to the last.
        while self.bytes > config.limits.flows_bytes_max && self.len() > 1 {
            let Some(over) = self.evict(now) else { break };
            ended(over);
        }
        FlowSlot(slot)
    }

    /// Folds a packet into the flow that stands there, which is the newest of its class by that.
    fn fold(&mut self, slot: usize, seen: &FlowPacket<'_>, now: Timestamp, config: &Config) {
        let Some(entry) = self.slots.get_mut(slot) else { return };
        let Some(record) = &mut entry.record else { return };
        record.observe(seen, config);
        let class = Class::of(seen.packet.transport, record);
        let bytes = FLOW_BYTES.saturating_add(record.heap_bytes());
        self.bytes = self.bytes.saturating_sub(entry.bytes).saturating_add(bytes);
        entry.bytes = bytes;
        entry.touched = now;
        self.unlink(slot);
        self.link(slot, class);
    }

    /// Hands over the flows that have been idle too long at `now`, in the order of their ends.
    pub(crate) fn expire(&mut self, now: Timestamp, config: &Config, ended: &mut dyn FnMut(Ended)) {
        let mut over = Vec::new();
        for class in Class::ALL {
            while let Some(slot) = self.oldest(class) {
                let Some(idle_max) = self
                    .slot(slot)
                    .and_then(|s| Some(s.record.as_ref()?.idle_max(s.key.transport, config)))
                else {
                    break;
                };
                if self.slot(slot).is_none_or(|entry| now.since(entry.touched) <= idle_max) {
                    break;
                }
                let Some((key, record)) = self.remove(slot) else { break };
                let closing = record.last.plus(idle_max);
                over.push(Ended { key, record, reason: EndReason::Timeout, closing });
            }
        }
        in_order(over, ended);
    }

    /// Hands over the next of all flows, `max` at most: the capture ended at `now`, and nothing more is taken
    /// in. Says whether these were the last. In parts, so that there is never a second list of all of them,
    /// nor one of what is made of them.
    pub(crate) fn drain(
        &mut self,
        max: usize,
        now: Timestamp,
        config: &Config,
        ended: &mut dyn FnMut(Ended),
    ) -> bool {
        let mut leaving = match self.leaving.take() {
            Some(leaving) => leaving,
            None => self.leave(now, config),
        };
        for slot in leaving.by_ref().take(max) {
            let Some(entry) = self.slots.get_mut(wire::index(slot)) else { continue };
            let Some(record) = entry.record.take() else { continue };
            self.bytes = self.bytes.saturating_sub(std::mem::take(&mut entry.bytes));
            ended(at_end(entry.key, record, now, config));
        }
        let is_over = leaving.len() == 0;
        if is_over {
            *self = Self::new(self.keyed.0);
        } else {
            self.leaving = Some(leaving);
        }
        is_over
    }

    /// The order in which all flows go at `now`. From here on none is found any more.
    fn leave(&mut self, now: Timestamp, config: &Config) -> std::vec::IntoIter<u32> {
        let running = self.slots.iter().enumerate().filter_map(|(slot, entry)| {
            let record = entry.record.as_ref()?;
            let (closing, _) = end_of(entry.key.transport, record, now, config);
            Some((closing, record.first, wire::len32(slot)))
        });
        let mut order: Vec<_> = running.collect();
        order.sort_unstable_by(|one, other| {
            let by_key = || self.key(wire::index(one.2)).cmp(&self.key(wire::index(other.2)));
            (one.0, one.1).cmp(&(other.0, other.1)).then_with(by_key)
        });
        self.index = HashTable::new();
        self.free = Vec::new();
        self.lists = Default::default();
        let slots: Vec<u32> = order.into_iter().map(|(.., slot)| slot).collect();
        slots.into_iter()
    }

    fn find(&self, hash: u64, key: &FlowKey) -> Option<usize> {
        let is_key = |slot: &usize| self.slot(*slot).is_some_and(|entry| entry.key == *key);
        self.index.find(hash, is_key).copied()
    }

    fn end_before(&mut self, slot: usize, seen: &FlowPacket<'_>, config: &Config) -> Option<Ended> {
        let (key, record) = self.remove(slot)?;
        Some(before(key, record, seen, config))
    }

    /// Makes room: the flow that was idle longest, of those that nobody answered where there are many.
    fn evict(&mut self, now: Timestamp) -> Option<Ended> {
        let idle_longest = |classes: &[Class]| {
            let oldest = classes.iter().filter_map(|&class| self.oldest(class));
            oldest.min_by_key(|&slot| self.slot(slot).map(|entry| entry.touched))
        };
        let lists = Class::EXPENDABLE.iter().filter_map(|class| self.lists.get(class.index()));
        let expendable = lists.map(|list| list.flows).fold(0, usize::saturating_add);
        let many = expendable.saturating_mul(EXPENDABLE_SHARE) > self.len();
        let slot = idle_longest(if many { &Class::EXPENDABLE } else { &Class::ALL })?;
        let (key, record) = self.remove(slot)?;
        Some(Ended { key, record, reason: EndReason::Forced, closing: now })
    }

    fn slot(&self, slot: usize) -> Option<&Slot> {
        self.slots.get(slot)
    }

    fn key(&self, slot: usize) -> Option<FlowKey> {
        self.slot(slot).map(|entry| entry.key)
    }

    fn record(&self, slot: usize) -> Option<&FlowRecord> {
        self.slot(slot)?.record.as_deref()
    }

    fn oldest(&self, class: Class) -> Option<usize> {
        self.lists.get(class.index())?.oldest
    }

    fn insert(&mut self, hash: u64, key: FlowKey, record: FlowRecord) -> usize {
        let entry = Slot {
            key,
            touched: record.last,
            bytes: 0,
            class: Class::of(key.transport, &record),
            record: Some(Box::new(record)),
            before: None,
            after: None,
        };
        let class = entry.class;
        let slot = match self.free.pop() {
            Some(slot) => {
                if let Some(place) = self.slots.get_mut(slot) {
                    *place = entry;
                }
                slot
            }
            None => {
                self.slots.push(entry);
                self.slots.len().saturating_sub(1)
            }
        };
        let Self { index, keyed, slots, .. } = self;
        let hash_of = |slot: &usize| slots.get(*slot).map_or(0, |entry| keyed.hash_one(entry.key));
        index.insert_unique(hash, slot, hash_of);
        self.link(slot, class);
        slot
    }

    fn remove(&mut self, slot: usize) -> Option<(FlowKey, Box<FlowRecord>)> {
        self.unlink(slot);
        let entry = self.slots.get_mut(slot)?;
        let (key, record) = (entry.key, entry.record.take()?);
        self.bytes = self.bytes.saturating_sub(std::mem::take(&mut entry.bytes));
        let hash = self.keyed.hash_one(key);
        if let Ok(place) = self.index.find_entry(hash, |other| *other == slot) {
            place.remove();
        }
        self.free.push(slot);
        Some((key, record))
    }

    /// Puts a slot at the newest end of a list.
    fn link(&mut self, slot: usize, class: Class) {
        let Some(list) = self.lists.get_mut(class.index()) else { return };
        list.flows = list.flows.saturating_add(1);
        let before = list.newest.replace(slot);
        list.oldest.get_or_insert(slot);
        if let Some(entry) = self.slots.get_mut(slot) {
            (entry.class, entry.before, entry.after) = (class, before.map(wire::len32), None);
        }
        if let Some(entry) = before.and_then(|before| self.slots.get_mut(before)) {
            entry.after = Some(wire::len32(slot));
        }
    }

    /// Takes a slot out of its list.
    fn unlink(&mut self, slot: usize) {
        let Some(entry) = self.slots.get_mut(slot) else { return };
        let (class, links) = (entry.class, [entry.before.take(), entry.after.take()]);
        let [before, after] = links.map(|link| link.map(wire::index));
        let Some(list) = self.lists.get_mut(class.index()) else { return };
        list.flows = list.flows.saturating_sub(1);
        if list.oldest == Some(slot) {
            list.oldest = after;
        }
        if list.newest == Some(slot) {
            list.newest = before;
        }
        if let Some(entry) = before.and_then(|before| self.slots.get_mut(before)) {
            entry.after = after.map(wire::len32);
        }
        if let Some(entry) = after.and_then(|after| self.slots.get_mut(after)) {
            entry.before = before.map(wire::len32);
        }
    }
}

/// A flow whose 5-tuple was taken by a new one with `seen`.
pub(crate) fn before(
    key: FlowKey,
    record: Box<FlowRecord>,
    seen: &FlowPacket<'_>,
    config: &Config,
) -> Ended {
    let idle_max = record.idle_max(key.transport, config);
    if seen.packet.at.time.since(record.last) > idle_max {
        let closing = record.last.plus(idle_max);
        return Ended { key, record, reason: EndReason::Timeout, closing };
    }
    Ended { key, record, reason: EndReason::TcpReuse, closing: seen.packet.at.time }
}

/// A flow that was there when the capture ended at `end`.
pub(crate) fn at_end(
    key: FlowKey,
    record: Box<FlowRecord>,
    end: Timestamp,
    config: &Config,
) -> Ended {
    let (closing, reason) = end_of(key.transport, &record, end, config);
    Ended { key, record, reason, closing }
}

/// When and why a flow ends that was there when the capture ended at `end`.
fn end_of(
    transport: Transport,
    record: &FlowRecord,
    end: Timestamp,
    config: &Config,
) -> (Timestamp, EndReason) {
    let closing = record.last.plus(record.idle_max(transport, config));
    if closing < end { (closing, EndReason::Timeout) } else { (end, EndReason::Shutdown) }
}

/// Hands over flows in the order of their ends, and of equal ends in the order of their starts.
pub(crate) fn in_order(mut over: Vec<Ended>, ended: &mut dyn FnMut(Ended)) {
    over.sort_by_key(|ended| (ended.closing, ended.record.first, ended.key));
    over.into_iter().for_each(ended);
}
