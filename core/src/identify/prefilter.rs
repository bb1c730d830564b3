//! Which detectors are worth asking, by bytes at fixed places of each side's first message.
//!
//! A detector says with which bytes its protocol begins (`openings.rs`): where on neither side all of
//! its openings hold, it says no once both have spoken, and does not say yes before. So it need not be
//! asked. In debug builds those that are left out are asked all the same, and none of them may say yes
//! ([`super::identifier`]), so every test of the project is a test of the openings.

use std::sync::LazyLock;

use crate::identify::openings::Opening;
use crate::identify::{DETECTORS, FlowView, SideView};
use crate::net::{Side, Transport};

/// Words of a [`Set`]: room for 256 detectors.
const WORDS: usize = 4;

/// A set of detectors, by index into [`DETECTORS`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Set([u64; WORDS]);

impl Set {
    pub(super) fn insert(&mut self, index: usize) {
        if let Some(word) = self.0.get_mut(index / 64) {
            *word |= 1 << (index % 64);
        }
    }

    pub(super) fn remove(&mut self, index: usize) {
        if let Some(word) = self.0.get_mut(index / 64) {
            *word &= !(1 << (index % 64));
        }
    }

    pub(super) fn join(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word |= other);
    }

    pub(super) fn meet(mut self, other: &Self) -> Self {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word &= other);
        self
    }

    #[cfg(any(test, debug_assertions))]
    pub(super) fn without(mut self, other: &Self) -> Self {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word &= !other);
        self
    }

    /// The members and their indices, in order.
    pub(super) fn detectors(self) -> impl Iterator<Item = (usize, &'static super::Detector)> {
        let all: &'static [&super::Detector] = &DETECTORS;
        self.0.into_iter().zip((0..).step_by(64)).flat_map(move |(mut word, base)| {
            std::iter::from_fn(move || {
                let bit = usize::try_from(word.trailing_zeros()).ok().filter(|_| word != 0)?;
                word &= word.wrapping_sub(1);
                let index: usize = bit.saturating_add(base);
                Some((index, *all.get(index)?))
            })
        })
    }
}

/// What there is to ask, and when.
#[derive(Debug)]
pub(super) struct Index {
    of: [OfTransport; 2],
}

#[derive(Debug)]
struct OfTransport {
    all: Set,
    marks: Vec<Mark>,
}

/// A place where a byte tells.
#[derive(Debug)]
struct Mark {
    at: usize,
    /// Bytes that the same rows hold of are of one kind: an index into `by_kind`. Most places know
    /// few kinds, so that all of this stays in a processor's cache.
    kinds: [u8; 256],
    /// Whose rows hold of the bytes of a kind here. Detectors that do not look here are in all.
    by_kind: Vec<Set>,
    /// Whose rows hold where a whole datagram ends before this place.
    beyond_end: Set,
}

/// The index of [`DETECTORS`].
pub(super) static INDEX: LazyLock<Index> = LazyLock::new(|| Index {
    of: [OfTransport::new(Transport::Tcp), OfTransport::new(Transport::Udp)],
});

/// What [`Index::worth_asking`] found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Worth {
    /// Those that may say yes.
    pub(super) asking: Set,
    /// All others will say no, whatever comes: both sides have spoken.
    pub(super) for_good: bool,
    /// Looking again would find the same.
    pub(super) all_seen: bool,
}

impl Index {
    /// All detectors for a transport.
    pub(super) fn all(&self, transport: Transport) -> Set {
        self.of(transport).all
    }

    /// Those that may say yes of this view.
    pub(super) fn worth_asking(&self, view: &FlowView<'_>) -> Worth {
        let index = self.of(view.transport);
        let (mut asking, mut spoken) = (Set::default(), 0);
        let mut all_seen = true;
        for head in view.sides.iter().filter(|head| head.has_spoken()) {
            let first = First::of(head);
            asking.join(&index.holding(&first));
            let longest = index.marks.last().map_or(0, |mark| mark.at);
            all_seen &= !first.may_grow || first.bytes.len() > longest;
            spoken += 1;
        }
        let for_good = spoken == Side::BOTH.len();
        Worth { asking, for_good, all_seen: for_good && all_seen }
    }

    fn of(&self, transport: Transport) -> &OfTransport {
        let [tcp, udp] = &self.of;
        match transport {
            Transport::Tcp => tcp,
            Transport::Udp => udp,
        }
    }
}

/// A side's first message.
struct First<'a> {
    bytes: &'a [u8],
    /// Whether nothing of it is missing.
    is_whole: bool,
    may_grow: bool,
}

impl<'a> First<'a> {
    fn of(head: &SideView<'a>) -> Self {
        match head.datagrams.first() {
            Some(first) => Self { bytes: first.bytes, is_whole: first.is_whole(), may_grow: false },
            None => Self { bytes: head.stream, is_whole: false, may_grow: !head.complete },
        }
    }
}

impl OfTransport {
    fn new(transport: Transport) -> Self {
        let mut new = Self { all: Set::default(), marks: Vec::new() };
        for (index, row) in DETECTORS.iter().enumerate() {
            if row.asks.over.has(transport) {
                new.all.insert(index);
            }
        }
        let asked = DETECTORS.iter().enumerate().filter(|(_, row)| row.asks.over.has(transport));
        let mut rows: Vec<(usize, Opening)> = asked
            .flat_map(|(index, row)| {
                row.openings.over(transport).into_iter().map(move |own| (index, own))
            })
            .collect();
        // In the order of their places, for the last one tells how far they reach.
        rows.sort_by_key(|(_, opening)| opening.at);
        let marks = rows.chunk_by(|(_, one), (_, next)| one.at == next.at);
        new.marks = marks.filter_map(|rows| Mark::new(&new.all, rows)).collect();
        new
    }

    /// Whose rows all hold.
    fn holding(&self, first: &First<'_>) -> Set {
        let mut holding = self.all;
        for mark in &self.marks {
            let byte = first.bytes.get(mark.at);
            match byte.and_then(|byte| mark.of(*byte)) {
                Some(fit) => holding = holding.meet(fit),
                None if first.is_whole => holding = holding.meet(&mark.beyond_end),
                // This place and those behind it are not there to look at.
                None => break,
            }
        }
        holding
    }
}

impl Mark {
    /// The rows of one place, one a detector.
    fn new(all: &Set, rows: &[(usize, Opening)]) -> Option<Self> {
        let at = rows.first()?.1.at;
        let (mut elsewhere, mut beyond_end) = (*all, *all);
        for (index, opening) in rows {
            elsewhere.remove(*index);
            if opening.required {
                beyond_end.remove(*index);
            }
        }
        let mut fit = [elsewhere; 256];
        for (index, opening) in rows {
            for byte in opening.bytes.each() {
                if let Some(set) = fit.get_mut(usize::from(byte)) {
                    set.insert(*index);
                }
            }
        }
        let (mut kinds, mut by_kind): (_, Vec<Set>) = ([0; 256], Vec::new());
        for (kind, fit) in kinds.iter_mut().zip(fit) {
            // Mostly it is the kind of the byte before.
            let known = by_kind.iter().rposition(|set| *set == fit).unwrap_or(by_kind.len());
            if known == by_kind.len() {
                by_kind.push(fit);
            }
            // There are no more kinds than bytes.
            *kind = u8::try_from(known).unwrap_or(u8::MAX);
        }
        Some(Self { at, kinds, by_kind, beyond_end })
    }

    /// Whose rows hold of this byte.
    fn of(&self, byte: u8) -> Option<&Set> {
        self.by_kind.get(usize::from(*self.kinds.get(usize::from(byte))?))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::identify::Over;
    use crate::identify::openings::Openings;

    #[test]
    fn openings_are_one_a_place() {
        for row in DETECTORS.iter() {
            for transport in [Transport::Tcp, Transport::Udp] {
                let openings = row.openings.over(transport);
                let places: BTreeSet<usize> = openings.iter().map(|opening| opening.at).collect();
                assert_eq!(places.len(), openings.len(), "{}", row.id);
                for opening in openings {
                    assert!(
                        opening.over == Over::Both || row.asks.over == Over::Both,
                        "{}",
                        row.id
                    );
                    let of_datagrams = row.asks.over == Over::Udp || opening.over == Over::Udp;
                    let computed = matches!(row.openings, Openings::Computed(_));
                    assert!(!opening.required || of_datagrams || computed, "{}", row.id);
                }
            }
        }
    }

    #[test]
    fn a_set_has_room_for_all() {
        assert!(DETECTORS.len() <= WORDS * 64, "{}", DETECTORS.len());
    }

    #[test]
    fn few_detectors_are_left_to_ask() {
        let number = |count: usize| f64::from(u32::try_from(count).unwrap());
        for transport in [Transport::Tcp, Transport::Udp] {
            let index = INDEX.of(transport);
            // Of each detector the chance that random bytes pass all its rows.
            let passes = |at: usize, set: &Set| set.detectors().any(|(index, _)| index == at);
            let chance = |at: usize| {
                let marks = index.marks.iter().map(|mark| {
                    let fit = |byte: &u8| mark.of(*byte).is_some_and(|set| passes(at, set));
                    number((0..=255).filter(fit).count()) / 256.0
                });
                marks.product::<f64>()
            };
            let chances: Vec<_> =
                index.all.detectors().map(|(at, row)| (chance(at), row.id)).collect();
            let mean: f64 = chances.iter().map(|(chance, _)| chance).sum();
            let always = chances.iter().filter(|(chance, _)| *chance == 1.0).map(|(_, id)| id);
            let (all, always) = (chances.len(), always.collect::<Vec<_>>());
            println!(
                "{transport:?}: of random bytes {mean:.1} of {all} are asked, {always:?} always"
            );
            assert!(mean * 12.0 < number(all), "{mean} of {all}");
        }
    }
}
