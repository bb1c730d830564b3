//! Where the ledgers noted a flow, so that its next packet need not search for it.
//!
//! A ledger is in the order of its keys, because it is iterated; finding an entry takes many
//! comparisons, and most packets are of a flow that had one a moment ago. What is forgotten here is
//! searched for again: nothing depends on it but time.

use crate::flow::firsts::Firsts;
use crate::flow::key::{FlowKey, number};
use crate::time::Timestamp;

/// Flows that are remembered: a power of two. More than a busy link has in flight in a second, and few
/// enough for a processor's cache.
const FLOWS: usize = 1 << 11;

/// A flow that was noted.
#[derive(Clone, Debug)]
pub(super) struct Noted {
    /// Which.
    pub(super) key: FlowKey,
    /// The time of its packet: an earlier one is to be noted again.
    pub(super) since: Timestamp,
    /// Where it stands in the ledger.
    pub(super) places: [Option<usize>; 2],
    /// What [`Lists::gone`] said of all lists then: as long as it says so they are there.
    pub(super) gone: u64,
}

/// Flows by a hash of their key; of two with the same hash the last one.
#[derive(Clone, Debug, Default)]
pub(super) struct Recent {
    slots: Vec<Option<Noted>>,
}

impl Recent {
    /// What is remembered of a flow.
    pub(super) fn get(&self, key: &FlowKey) -> Option<&Noted> {
        self.slots.get(slot_of(key))?.as_ref().filter(|noted| noted.key == *key)
    }

    /// Remembers a flow.
    pub(super) fn put(&mut self, noted: Noted) {
        if self.slots.is_empty() {
            self.slots.resize(FLOWS, None);
        }
        if let Some(slot) = self.slots.get_mut(slot_of(&noted.key)) {
            *slot = Some(noted);
        }
    }
}

/// Nobody gains by choosing keys that collide: they are searched for, as every key was.
fn slot_of(key: &FlowKey) -> usize {
    /// 2^64 divided by the golden ratio (Knuth, TAOCP 6.4).
    const FIBONACCI: u64 = 0x9e37_79b9_7f4a_7c15;
    let [a, b] = [key.a.addr, key.b.addr].map(|addr| {
        let number = number(addr);
        u64::try_from((number ^ number >> 64) & u128::from(u64::MAX)).unwrap_or_default()
    });
    let ports = u64::from(key.a.port) << 16 | u64::from(key.b.port);
    let mixed = (a ^ b.rotate_left(32) ^ ports.rotate_left(17)).wrapping_mul(FIBONACCI);
    usize::try_from(mixed >> (64 - FLOWS.ilog2())).unwrap_or_default()
}

/// Lists by key, each with a place that it keeps as long as it is there.
#[derive(Clone, Debug)]
pub(super) struct Lists<K, T> {
    places: Firsts<K, usize>,
    /// By place.
    lists: Vec<List<T>>,
    /// Places without a list.
    free: Vec<usize>,
    /// Lists that had to go.
    gone: u64,
}

/// One of them.
#[derive(Clone, Debug)]
pub(super) struct List<T> {
    /// What it holds.
    pub(super) items: Vec<T>,
    /// When the first that it had no room for was first seen.
    lost: Option<Timestamp>,
}

impl<T> List<T> {
    /// There was no room for one that was first seen at `first`.
    pub(super) fn lose(&mut self, first: Timestamp) {
        self.lost = Some(self.lost.map_or(first, |lost| lost.min(first)));
    }

    /// Whether all is here that was seen until `as_of`.
    pub(super) fn is_whole(&self, as_of: Timestamp) -> bool {
        self.lost.is_none_or(|lost| lost > as_of)
    }
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self { items: Vec::new(), lost: None }
    }
}

impl<K, T> Default for Lists<K, T> {
    fn default() -> Self {
        Self { places: Firsts::default(), lists: Vec::new(), free: Vec::new(), gone: 0 }
    }
}

impl<K: Ord + Copy, T> Lists<K, T> {
    /// The place of the list for `key`, which was seen at `time`; made if it is among the first `max`.
    pub(super) fn place(&mut self, key: K, time: Timestamp, max: usize) -> Option<usize> {
        let Self { places, lists, free, gone } = self;
        let noted = places.note(key, time, max, || {
            free.pop().unwrap_or_else(|| {
                lists.push(List::default());
                lists.len().saturating_sub(1)
            })
        })?;
        let place = *noted.value;
        if let Some(left) = noted.gone {
            *gone = gone.saturating_add(1);
            lists.get_mut(left).map(std::mem::take);
            free.push(left);
        }
        Some(place)
    }

    /// The place of the list for `key`.
    pub(super) fn find(&self, key: &K) -> Option<usize> {
        self.places.get(key).copied()
    }

    /// The list at a place.
    pub(super) fn at(&mut self, place: usize) -> Option<&mut List<T>> {
        self.lists.get_mut(place)
    }

    /// The list for `key`.
    pub(super) fn get(&self, key: &K) -> Option<&List<T>> {
        self.lists.get(*self.places.get(key)?)
    }

    /// The lists from `key` on, in the order of their keys.
    pub(super) fn from(&self, key: K) -> impl Iterator<Item = (&K, &List<T>)> {
        self.places.from(key..).filter_map(|(key, _, place)| Some((key, self.lists.get(*place)?)))
    }

    /// Whether by `as_of` there were more lists than are kept.
    pub(super) fn is_cut(&self, as_of: Timestamp) -> bool {
        self.places.is_cut(as_of)
    }

    /// How many lists had to go: their places may be others' now.
    pub(super) const fn gone(&self) -> u64 {
        self.gone
    }

    /// Adds others, none of which had to go, and keeps all of both; `both` makes one list of two.
    pub(super) fn join(&mut self, others: Self, mut both: impl FnMut(&mut Vec<T>, Vec<T>)) {
        let Self { places, lists, .. } = self;
        // Theirs come behind ours.
        let offset = lists.len();
        lists.extend(others.lists);
        let mut theirs = others.places;
        theirs.each(|place| *place = place.saturating_add(offset));
        places.join(theirs, |own, other| {
            let Some(other) = lists.get_mut(other).map(std::mem::take) else { return };
            let Some(own) = lists.get_mut(*own) else { return };
            other.lost.into_iter().for_each(|lost| own.lose(lost));
            both(&mut own.items, other.items);
        });
    }

    /// Keeps the first `max`, and of each what `cut` leaves.
    pub(super) fn cut_to(&mut self, max: usize, mut cut: impl FnMut(&mut List<T>)) {
        let Self { places, lists, .. } = self;
        places.cut_to(max, &mut |place| {
            lists.get_mut(place).map(std::mem::take);
        });
        lists.iter_mut().for_each(&mut cut);
    }
}
