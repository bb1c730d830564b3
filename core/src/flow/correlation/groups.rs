//! Keys that stand together in groups, of each of which the first so many are kept.

use crate::flow::firsts::Firsts;
use crate::time::Timestamp;

/// Keys that stand together, and of which only the first so many are kept.
pub(super) struct Group<K, F> {
    /// Where they begin.
    pub(super) from: K,
    pub(super) has: F,
    /// How many are kept.
    pub(super) max: usize,
    /// How many are kept of all groups.
    pub(super) all_max: usize,
}

/// A group of which as many are kept as may be. In a flood the next key is of the same group and comes too
/// late for it: then this is all that is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FullGroup<K> {
    /// Where it begins.
    pub(super) from: K,
    /// The last of those kept, by when it was first seen and by key.
    pub(super) last: (Timestamp, K),
    /// What [`Firsts::changes`] said then.
    pub(super) changes: u64,
}

/// Notes `key`, which was seen at `time`, if it is among the first of its group. The last of the group goes
/// where it must. `full` is the group of which it was last known that it is full.
pub(super) fn note_in_group<K: Ord + Copy>(
    all: &mut Firsts<K, ()>,
    key: K,
    time: Timestamp,
    group: &Group<K, impl Fn(&K) -> bool>,
    full: &mut Option<FullGroup<K>>,
) {
    // What is too late and kept all the same was seen before.
    if all.is_too_late(key, time, group.all_max) || all.see_again(&key, time) {
        return;
    }
    let known = full.filter(|full| full.from == group.from && full.changes == all.changes());
    let last = known.map(|full| full.last).or_else(|| {
        let keys = all.from(group.from..).take_while(|(key, ..)| (group.has)(key));
        let (count, last) = keys.fold((0_usize, None), |(count, last), (key, first, ())| {
            (count.saturating_add(1), last.max(Some((first, *key))))
        });
        last.filter(|_| count >= group.max)
    });
    if let Some(last) = last {
        *full = Some(FullGroup { from: group.from, last, changes: all.changes() });
        if (time, key) >= last {
            return;
        }
        all.remove(&last.1);
    }
    all.add(key, time, group.all_max, ());
}

/// Keeps the first `max` of each group of keys, which stand together.
pub(super) fn cut_groups<K: Ord + Copy, G: PartialEq>(
    all: &mut Firsts<K, ()>,
    max: usize,
    group: impl Fn(&K) -> G,
) {
    let places: Vec<_> = all.everything().map(|(key, first, ())| (first, *key)).collect();
    for of_group in places.chunk_by(|(_, one), (_, next)| group(one) == group(next)) {
        if of_group.len() <= max {
            continue;
        }
        let mut of_group = of_group.to_vec();
        of_group.sort_unstable();
        for (_, key) in of_group.iter().skip(max) {
            all.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Key = (u8, u8);

    fn kept(all: &Firsts<Key, ()>) -> Vec<(Key, Timestamp)> {
        all.everything().map(|(key, first, ())| (*key, first)).collect()
    }

    proptest! {
        #[test]
        fn what_is_known_of_a_full_group_changes_nothing(
            seen in prop::collection::vec((0..3_u8, 0..8_u8, 0..12_i64), 0..200),
        ) {
            let (mut all, mut others, mut full) = (Firsts::default(), Firsts::default(), None);
            for (group, member, second) in seen {
                let (key, time) = ((group, member), Timestamp::from_parts(second, 0));
                let has = |one: &Key| one.0 == group;
                let group = Group { from: (group, 0), has, max: 3, all_max: 7 };
                note_in_group(&mut all, key, time, &group, &mut full);
                note_in_group(&mut others, key, time, &group, &mut None);
                prop_assert_eq!(kept(&all), kept(&others));
            }
        }
    }
}
