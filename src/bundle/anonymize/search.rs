//! Finds the bytes without which a flow's payload would not amount to the same.
//!
//! A run of bytes that may go does, all at once; else its halves are tried, down to single bytes
//! (Zeller, Hildebrandt, "Simplifying and isolating failure-inducing input", 2002, is the idea).

use super::disguise::Stay;
use super::plan::tell_the_same;
use super::trail::{Portrait, Trail};
use portstory_core::internal::wire;
use portstory_core::{Config, Transport};

/// What has to stay true.
#[derive(Debug)]
pub(super) struct Goal<'a> {
    pub(super) transport: Transport,
    pub(super) trail: &'a Trail,
    pub(super) original: &'a Portrait,
    /// Whether what is told beside the protocols' names counts, too.
    pub(super) told: bool,
}

/// A byte that stays: of which packet of those that are held, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) packet: usize,
    pub(super) stay: Stay,
}

/// A search under way.
#[derive(Debug)]
pub(super) struct Search<'a> {
    goal: &'a Goal<'a>,
    /// What the payloads would be without anything of the original.
    bases: Vec<Vec<u8>>,
    /// What they are now.
    made: Vec<Vec<u8>>,
    /// Which bytes are the original's.
    stays: Vec<Vec<bool>>,
    /// Trials so far, and how many there may be.
    pub(super) spent: u64,
    trials_max: u64,
}

/// Rounds over what stays: a byte may become superfluous when others are gone.
const ROUNDS: usize = 3;

impl<'a> Search<'a> {
    /// One that begins with all of the original.
    pub(super) fn new(goal: &'a Goal<'a>, bases: Vec<Vec<u8>>, trials_max: u64) -> Self {
        let held = &goal.trail.held;
        Self {
            goal,
            bases,
            made: held.iter().map(|held| held.packet.payload().to_vec()).collect(),
            stays: held.iter().map(|held| vec![true; held.packet.payload().len()]).collect(),
            spent: 0,
            trials_max,
        }
    }

    /// Whether the payloads as they are now amount to what they should.
    pub(super) fn holds(&mut self, config: &Config) -> bool {
        self.spent = self.spent.saturating_add(1);
        let Goal { transport, trail, original, told } = self.goal;
        let made = trail.portrait(*transport, &self.made, config);
        made.chain == original.chain
            && made.executable == original.executable
            && (!told || tell_the_same(&original.details, &made.details))
    }

    /// Leaves only these bytes, where they are the original's and that is enough.
    pub(super) fn settle_for(&mut self, places: &[Place], config: &Config) -> bool {
        let held = &self.goal.trail.held;
        let is_here = |place: &Place| {
            let payload = held.get(place.packet).map(|held| held.packet.payload());
            payload.and_then(|payload| payload.get(wire::index(place.stay.at)))
                == Some(&place.stay.byte)
        };
        if self.spent >= self.trials_max || !places.iter().all(is_here) {
            return false;
        }
        for packet in 0..held.len() {
            self.set(packet, 0, usize::MAX, false);
        }
        for place in places {
            let at = wire::index(place.stay.at);
            self.set(place.packet, at, at.saturating_add(1), true);
        }
        if self.holds(config) {
            return true;
        }
        for packet in 0..held.len() {
            self.set(packet, 0, usize::MAX, true);
        }
        false
    }

    /// Leaves what must stay. False where that was not found within the trials.
    pub(super) fn least(&mut self, config: &Config) -> bool {
        if self.spent >= self.trials_max || !self.holds(config) {
            return false;
        }
        for _ in 0..ROUNDS {
            let before = self.count();
            for packet in (0..self.stays.len()).rev() {
                for (from, to) in self.runs(packet) {
                    self.shrink(packet, from, to, config);
                }
            }
            if self.count() == before {
                break;
            }
        }
        self.spent < self.trials_max
    }

    /// What stays.
    pub(super) fn places(&self) -> Vec<Place> {
        let packets = self.goal.trail.held.iter().zip(&self.stays).enumerate();
        packets
            .flat_map(|(packet, (held, stays))| {
                let bytes = held.packet.payload().iter().zip(stays).enumerate();
                bytes.filter(|(_, (_, stays))| **stays).map(move |(at, (&byte, _))| Place {
                    packet,
                    stay: Stay { at: wire::len32(at), byte },
                })
            })
            .collect()
    }

    /// Which bytes are as they were, those included that noise happens to give, in upper or lower case:
    /// whoever reads a word does not see which of its letters stayed.
    pub(super) fn unchanged(&self) -> Vec<Vec<bool>> {
        let packets = self.goal.trail.held.iter().zip(&self.made);
        packets
            .map(|(held, made)| {
                let bytes = held.packet.payload().iter().zip(made);
                bytes.map(|(was, is)| was.eq_ignore_ascii_case(is)).collect()
            })
            .collect()
    }

    fn count(&self) -> usize {
        self.stays.iter().flatten().filter(|stays| **stays).count()
    }

    /// Runs of bytes of a packet that stay, the last first.
    fn runs(&self, packet: usize) -> Vec<(usize, usize)> {
        let stays = self.stays.get(packet).map(Vec::as_slice).unwrap_or_default();
        let mut at = 0;
        let mut runs = Vec::new();
        for run in stays.chunk_by(|one, other| one == other) {
            let to = at + run.len();
            if run.first() == Some(&true) {
                runs.push((at, to));
            }
            at = to;
        }
        runs.reverse();
        runs
    }

    /// Lets go of what may go between two places of a packet.
    fn shrink(&mut self, packet: usize, from: usize, to: usize, config: &Config) {
        if from >= to || self.spent >= self.trials_max {
            return;
        }
        self.set(packet, from, to, false);
        if self.holds(config) {
            return;
        }
        self.set(packet, from, to, true);
        if to - from > 1 {
            let middle = from.midpoint(to);
            self.shrink(packet, middle, to, config);
            self.shrink(packet, from, middle, config);
        }
    }

    /// Makes the bytes between two places of a packet the original's, or not.
    fn set(&mut self, packet: usize, from: usize, to: usize, stays: bool) {
        let (Some(made), Some(flags)) = (self.made.get_mut(packet), self.stays.get_mut(packet))
        else {
            return;
        };
        let original = self.goal.trail.held.get(packet).map(|held| held.packet.payload());
        let source = if stays { original } else { self.bases.get(packet).map(Vec::as_slice) };
        let to = to.min(made.len());
        let range = from.min(to)..to;
        let source = source.and_then(|source| source.get(range.clone())).unwrap_or_default();
        if let Some(made) = made.get_mut(range.clone()) {
            made.iter_mut().zip(source).for_each(|(made, &source)| *made = source);
        }
        if let Some(flags) = flags.get_mut(range) {
            flags.fill(stays);
        }
    }
}
