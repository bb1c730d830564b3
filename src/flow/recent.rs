//! Where the ledgers noted a flow, so that its next packet need not search for it.
//!
//! A ledger is in the order of its keys, because it is iterated; finding an entry takes many
//! comparisons, and most packets are of a flow that had one a moment ago. What is forgotten here is
//! searched for again: nothing depends on it but time.

use std::collections::BTreeMap;

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

/// Lists by key, each with a place that it keeps.
#[derive(Clone, Debug)]
pub(super) struct Lists<K, T> {
    places: BTreeMap<K, usize>,
    /// By place.
    pub(super) lists: Vec<Vec<T>>,
}

impl<K, T> Default for Lists<K, T> {
    fn default() -> Self {
        Self { places: BTreeMap::new(), lists: Vec::new() }
    }
}

impl<K: Ord, T> Lists<K, T> {
    /// The place of the list for `key`, made if there are less than `max`.
    pub(super) fn place(&mut self, key: K, max: usize) -> Option<usize> {
        if let Some(place) = self.places.get(&key) {
            return Some(*place);
        }
        let place = self.lists.len();
        (place < max).then(|| {
            self.lists.push(Vec::new());
            self.places.insert(key, place);
            place
        })
    }

    /// The list at a place.
    pub(super) fn at(&mut self, place: usize) -> Option<&mut Vec<T>> {
        self.lists.get_mut(place)
    }

    /// The list for `key`; an empty one if there is none.
    pub(super) fn get(&self, key: &K) -> &[T] {
        self.places.get(key).map(|place| self.list(*place)).unwrap_or_default()
    }

    /// The lists from `key` on, in the order of their keys.
    pub(super) fn from(&self, key: K) -> impl Iterator<Item = (&K, &[T])> {
        self.places.range(key..).map(|(key, place)| (key, self.list(*place)))
    }

    /// All of them, in the order of their keys.
    pub(super) fn into_lists(mut self) -> impl Iterator<Item = (K, Vec<T>)> {
        self.places.into_iter().map(move |(key, place)| {
            (key, self.lists.get_mut(place).map(std::mem::take).unwrap_or_default())
        })
    }

    fn list(&self, place: usize) -> &[T] {
        self.lists.get(place).map(Vec::as_slice).unwrap_or_default()
    }
}
