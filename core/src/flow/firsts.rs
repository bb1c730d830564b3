//! The first so many of what is seen: by when each was first seen, then by its key.
//!
//! Which ones are kept is a fact about the capture, not about the order in which it was read: what comes
//! late but was seen early takes the place of the last one kept. Every step costs a bounded number of
//! look-ups, whatever the order. In order of time nothing ever has to go but for equal times, so that
//! what is kept now will be kept to the end.
//!
//! How many were not kept is not counted: who comes back would be counted again. [`Firsts::is_cut`] says
//! since when there were more.

use std::collections::binary_heap::PeekMut;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BinaryHeap};
use std::ops::RangeFrom;

use crate::time::Timestamp;

/// Values by key, at most so many.
#[derive(Clone, Debug)]
pub struct Firsts<K, V> {
    entries: BTreeMap<K, (Timestamp, V)>,
    /// Not before the last of those kept, by time and key.
    last: Option<(Timestamp, K)>,
    /// All that are kept, the last first, from when one first had to go. What is gone, or was first seen
    /// earlier than it stands here, is put right when its turn comes.
    order: Option<BinaryHeap<(Timestamp, K)>>,
    /// When the first of those that were not kept was first seen.
    cut: Option<Timestamp>,
    /// See [`Self::changes`].
    changes: u64,
}

/// What became of a key that was noted.
pub struct Noted<'a, V> {
    /// Its value.
    pub value: &'a mut V,
    /// The value of what had to go for it.
    pub gone: Option<V>,
}

impl<K, V> Default for Firsts<K, V> {
    fn default() -> Self {
        Self { entries: BTreeMap::new(), last: None, order: None, cut: None, changes: 0 }
    }
}

impl<K: Ord + Copy, V> Firsts<K, V> {
    /// The value of `key`, which was seen at `time`; made if there is room for it among the first `max`.
    pub fn note(
        &mut self,
        key: K,
        time: Timestamp,
        max: usize,
        make: impl FnOnce() -> V,
    ) -> Option<Noted<'_, V>> {
        if self.entries.len() >= max && !self.see_again(&key, time) {
            let gone = self.make_room_for(key, time, max)?;
            let (_, value) = self.entries.entry(key).or_insert_with(|| (time, make()));
            return Some(Noted { value, gone });
        }
        // With room there is but one search.
        let Self { entries, last, order, changes, .. } = self;
        let (first, value) = match entries.entry(key) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                append((time, key), last, order);
                place.insert((time, make()))
            }
        };
        if time < *first {
            *first = time;
            *changes = changes.wrapping_add(1);
        }
        Some(Noted { value, gone: None })
    }

    /// The same for a key that is known not to be kept.
    pub fn add(&mut self, key: K, time: Timestamp, max: usize, value: V) {
        if self.make_room_for(key, time, max).is_some() {
            self.entries.insert(key, (time, value));
        }
    }

    /// `None` where there is no room for another key, else what had to go for it.
    fn make_room_for(&mut self, key: K, time: Timestamp, max: usize) -> Option<Option<V>> {
        let mut gone = None;
        let place = (time, key);
        if self.entries.len() >= max {
            let Some((first, value)) = self.take_last(place) else {
                self.not_kept(time);
                return None;
            };
            self.not_kept(first);
            gone = Some(value);
        }
        append(place, &mut self.last, &mut self.order);
        Some(gone)
    }

    /// Whether `key` is kept; then it is known that it was seen at `time`, too.
    pub fn see_again(&mut self, key: &K, time: Timestamp) -> bool {
        let Some((first, _)) = self.entries.get_mut(key) else { return false };
        if time < *first {
            *first = time;
            self.changes = self.changes.wrapping_add(1);
        }
        true
    }

    /// Another number whenever a key was taken out, or is known to have been seen earlier.
    pub const fn changes(&self) -> u64 {
        self.changes
    }

    /// Whether a key that is not kept is known to find no room among the first `max`.
    pub fn is_too_late(&self, key: K, time: Timestamp, max: usize) -> bool {
        self.is_cut(time)
            && self.entries.len() >= max
            && self.last.is_none_or(|last| (time, key) >= last)
    }

    fn not_kept(&mut self, first: Timestamp) {
        self.cut = Some(self.cut.map_or(first, |cut| cut.min(first)));
    }

    /// Takes out the last one, if `place` is before it.
    fn take_last(&mut self, place: (Timestamp, K)) -> Option<(Timestamp, V)> {
        if self.last.is_none_or(|last| place >= last) {
            return None;
        }
        let Self { entries, last, order, changes, .. } = self;
        let order = order.get_or_insert_with(|| {
            entries.iter().map(|(&key, &(first, _))| (first, key)).collect()
        });
        loop {
            let mut top = order.peek_mut()?;
            match entries.get(&top.1) {
                None => {
                    PeekMut::pop(top);
                }
                Some(&(first, _)) if first < top.0 => top.0 = first,
                Some(_) => {
                    *last = Some(*top);
                    if place >= *top {
                        return None;
                    }
                    *changes = changes.wrapping_add(1);
                    return entries.remove(&PeekMut::pop(top).1);
                }
            }
        }
    }

    /// The value of `key`, if it is kept.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.entries.get(key).map(|(_, value)| value)
    }

    /// Whether `key` is kept.
    pub fn has(&self, key: &K) -> bool {
        self.entries.contains_key(key)
    }

    /// Those from a key on, with when they were first seen, in the order of their keys.
    pub fn from(&self, keys: RangeFrom<K>) -> impl Iterator<Item = (&K, Timestamp, &V)> {
        self.entries.range(keys).map(|(key, (first, value))| (key, *first, value))
    }

    /// Shows every value.
    pub fn each(&mut self, mut show: impl FnMut(&mut V)) {
        self.entries.values_mut().for_each(|(_, value)| show(value));
    }

    /// Takes out a key.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        // Its place in the order stays; but not more of them than of those that are there.
        let kept = self.entries.len();
        self.order = self.order.take().filter(|order| order.len() / 2 <= kept);
        self.changes = self.changes.wrapping_add(1);
        self.entries.remove(key).map(|(_, value)| value)
    }

    /// Whether by `as_of` there were more than are kept.
    pub fn is_cut(&self, as_of: Timestamp) -> bool {
        self.cut.is_some_and(|cut| cut <= as_of)
    }

    /// All of them, in the order of their keys.
    pub fn everything(&self) -> impl Iterator<Item = (&K, Timestamp, &V)> {
        self.entries.iter().map(|(key, (first, value))| (key, *first, value))
    }

    /// The same, without when they were first seen.
    pub fn into_values(self) -> impl Iterator<Item = (K, V)> {
        self.entries.into_iter().map(|(key, (_, value))| (key, value))
    }

    /// Adds others, of which none was cut off, and keeps all of both: [`Self::cut_to`] cuts when the last
    /// are there.
    pub fn join(&mut self, others: Self, mut both: impl FnMut(&mut V, V)) {
        debug_assert!(others.cut.is_none(), "pieces keep all that they have");
        self.order = None;
        self.changes = self.changes.wrapping_add(1);
        for (key, (time, value)) in others.entries {
            match self.entries.get_mut(&key) {
                Some((first, own)) => {
                    *first = (*first).min(time);
                    both(own, value);
                }
                None => {
                    self.entries.insert(key, (time, value));
                }
            }
        }
        self.last = self.last.max(others.last);
    }

    /// Keeps the first `max`; hands over the values of the others.
    pub fn cut_to(&mut self, max: usize, gone: &mut dyn FnMut(V)) {
        let Some(more) = self.entries.len().checked_sub(max).filter(|&more| more > 0) else {
            return;
        };
        self.order = None;
        self.changes = self.changes.wrapping_add(1);
        let mut places: Vec<_> =
            self.entries.iter().map(|(&key, &(first, _))| (first, key)).collect();
        places.sort_unstable();
        for (first, key) in places.split_off(places.len().saturating_sub(more)) {
            self.not_kept(first);
            self.entries.remove(&key).into_iter().for_each(|(_, value)| gone(value));
        }
        self.last = places.pop();
    }
}

/// A new one is kept.
fn append<P: Ord + Copy>(place: P, last: &mut Option<P>, order: &mut Option<BinaryHeap<P>>) {
    *last = Some(last.map_or(place, |last| last.max(place)));
    if let Some(order) = order {
        order.push(place);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_parts(second, 0)
    }

    /// What must be kept: the first `max` of the distinct keys.
    fn first(seen: &[(u8, i64)], max: usize) -> Vec<u8> {
        let mut times = BTreeMap::new();
        for &(key, time) in seen {
            let first = times.entry(key).or_insert(time);
            *first = time.min(*first);
        }
        let mut places: Vec<_> = times.into_iter().map(|(key, time)| (time, key)).collect();
        places.sort_unstable();
        let mut keys: Vec<_> = places.into_iter().take(max).map(|(_, key)| key).collect();
        keys.sort_unstable();
        keys
    }

    fn kept(all: &Firsts<u8, u8>) -> Vec<u8> {
        all.from(0..).map(|(key, ..)| *key).collect()
    }

    proptest! {
        #[test]
        fn the_first_stay_whatever_the_order(
            seen in prop::collection::vec((0..40_u8, 0..12_i64), 0..200),
            max in 0..30_usize,
            at_piece in 0..200_usize,
        ) {
            let mut all = Firsts::default();
            let mut gone = 0;
            for &(key, time) in &seen {
                let noted = all.note(key, at(time), max, || key);
                gone += usize::from(noted.is_some_and(|noted| noted.gone.is_some()));
            }
            prop_assert_eq!(kept(&all), first(&seen, max));
            prop_assert!(gone <= seen.len());
            let distinct = first(&seen, usize::MAX).len();
            prop_assert_eq!(all.cut.is_some(), distinct > max);

            let (one, other) = seen.split_at(at_piece.min(seen.len()));
            let mut pieces = [one, other].map(|piece| {
                let mut part = Firsts::default();
                for &(key, time) in piece {
                    part.note(key, at(time), usize::MAX, || key);
                }
                part
            });
            pieces.reverse();
            let mut joined = Firsts::default();
            pieces.into_iter().for_each(|piece| joined.join(piece, |_, _| {}));
            joined.cut_to(max, &mut |_| {});
            prop_assert_eq!(kept(&joined), kept(&all));
            // In order of time what is not kept is known from when it was first seen.
            if seen.is_sorted_by_key(|(_, time)| *time) {
                prop_assert_eq!(joined.cut, all.cut);
            }
        }

        #[test]
        fn what_is_taken_out_makes_room(
            seen in prop::collection::vec((0..40_u8, 0..12_i64, any::<bool>()), 0..300),
        ) {
            let mut all: Firsts<u8, u8> = Firsts::default();
            for (key, time, stays) in seen {
                if stays {
                    all.note(key, at(time), 5, || key);
                } else {
                    all.remove(&key);
                }
                prop_assert!(all.entries.len() <= 5);
                let order = all.order.as_ref().map_or(0, BinaryHeap::len);
                prop_assert!(order <= 2 * all.entries.len() + 12, "{order}");
            }
        }
    }
}
