//! Keys that stand together in groups, of each of which the first so many are kept.

use crate::flow::firsts::Firsts;
use crate::time::Timestamp;

/// How many keys are kept of one group and of all.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    pub(super) of_group: usize,
    pub(super) of_all: usize,
}

/// Notes `key`, which was seen at `time`, if it is among the first of its group, which stands together from
/// the key `from` on. The last of the group goes where it must.
pub(super) fn note_in_group<K: Ord + Copy>(
    all: &mut Firsts<K, ()>,
    key: K,
    time: Timestamp,
    from: K,
    in_group: impl Fn(&K) -> bool,
    bounds: Bounds,
) {
    if !all.has(&key) {
        // In a flood this is all that is done.
        if all.is_too_late(key, time, bounds.of_all) {
            return;
        }
        let group = all.from(from..).take_while(|(key, ..)| in_group(key));
        let (count, last) = group.fold((0_usize, None), |(count, last), (key, first, ())| {
            (count.saturating_add(1), last.max(Some((first, *key))))
        });
        if count >= bounds.of_group {
            let Some(last) = last.filter(|last| (time, key) < *last) else { return };
            all.remove(&last.1);
        }
    }
    all.note(key, time, bounds.of_all, || ());
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
