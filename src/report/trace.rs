//! What the plots are drawn from: sizes and times of a flow's packets, and counts over time.
//!
//! Both hold a bounded amount whatever comes, by giving up resolution as a flow goes on: every second
//! packet is dropped, spans are joined two by two. Nothing is measured here that verdicts rest on.

use portstory_core::internal::time::NANOS_PER_SECOND;
use portstory_core::{Side, Timestamp};

/// Nothing is told apart below a tenth of a second.
const FINEST_NANOS: i64 = NANOS_PER_SECOND / 10;

/// A packet with payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Point {
    pub(super) time: Timestamp,
    pub(super) side: Side,
    /// Bytes of payload.
    pub(super) len: u32,
}

/// The packets with payload of one flow.
#[derive(Clone, Debug)]
pub(super) struct Trace {
    /// Time of the flow's first packet.
    pub(super) first: Timestamp,
    points: Vec<Point>,
    /// One in so many packets is kept.
    step: u64,
    seen: u64,
    points_max: usize,
    /// Bytes of payload over time, by side.
    pub(super) bytes: Spans<2>,
}

impl Trace {
    pub(super) fn new(first: Timestamp, points_max: usize, buckets_max: usize) -> Self {
        let bytes = Spans::new(buckets_max);
        Self { first, points: Vec::new(), step: 1, seen: 0, points_max, bytes }
    }

    pub(super) fn add(&mut self, point: Point) {
        let index = if point.side == Side::A { 0 } else { 1 };
        self.bytes.add(point.time, index, u64::from(point.len));
        if self.seen.is_multiple_of(self.step) {
            self.points.push(point);
            if self.points.len() >= self.points_max {
                let mut keep = false;
                self.points.retain(|_| {
                    keep = !keep;
                    keep
                });
                self.step = self.step.saturating_mul(2);
            }
        }
        self.seen = self.seen.saturating_add(1);
    }

    pub(super) fn points(&self) -> &[Point] {
        &self.points
    }

    /// One in so many packets is among the points.
    pub(super) const fn step(&self) -> u64 {
        self.step
    }
}

/// `N` counts over time, in spans of one length.
#[derive(Clone, Debug)]
pub(super) struct Spans<const N: usize> {
    start: Option<i64>,
    /// Nanoseconds.
    width: i64,
    counts: Vec<[u64; N]>,
    max: usize,
}

impl<const N: usize> Default for Spans<N> {
    fn default() -> Self {
        Self::new(0)
    }
}

impl<const N: usize> Spans<N> {
    pub(super) fn new(max: usize) -> Self {
        Self { start: None, width: FINEST_NANOS, counts: Vec::new(), max: max.max(2) }
    }

    /// Counts `amount` for one of the `N`. What comes before the first counts with it: captures are in
    /// order but for moments.
    pub(super) fn add(&mut self, time: Timestamp, which: usize, amount: u64) {
        let nanos = time.nanos();
        let start = *self.start.get_or_insert(nanos);
        loop {
            let index = nanos.saturating_sub(start).max(0).checked_div(self.width);
            let index = index.and_then(|index| usize::try_from(index).ok()).unwrap_or(usize::MAX);
            if index >= self.max {
                self.halve();
                continue;
            }
            if index >= self.counts.len() {
                self.counts.resize(index.saturating_add(1), [0; N]);
            }
            let count = self.counts.get_mut(index).and_then(|counts| counts.get_mut(which));
            if let Some(count) = count {
                *count = count.saturating_add(amount);
            }
            return;
        }
    }

    fn halve(&mut self) {
        let pairs = self.counts.chunks(2);
        self.counts = pairs
            .map(|pair| {
                let mut sum = [0u64; N];
                for one in pair {
                    for (sum, count) in sum.iter_mut().zip(one) {
                        *sum = sum.saturating_add(*count);
                    }
                }
                sum
            })
            .collect();
        self.width = self.width.saturating_mul(2);
    }

    /// When the first span starts, in nanoseconds since the epoch.
    pub(super) fn start(&self) -> Timestamp {
        Timestamp::from_nanos(self.start.unwrap_or_default())
    }

    /// The length of a span, in seconds.
    pub(super) fn seconds(&self) -> f64 {
        super::float(self.width.unsigned_abs()) / 1e9
    }

    pub(super) fn counts(&self) -> &[[u64; N]] {
        &self.counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_grow_with_the_time_and_lose_nothing() {
        let mut spans = Spans::<2>::new(10);
        for second in 0..10_000 {
            spans.add(Timestamp::from_parts(second, 0), usize::from(second % 2 == 1), 3);
        }
        assert!(spans.counts().len() <= 10, "{}", spans.counts().len());
        let sum = spans.counts().iter().fold([0, 0], |sum, one| [sum[0] + one[0], sum[1] + one[1]]);
        assert_eq!(sum, [15_000, 15_000]);
    }

    #[test]
    fn the_ends_of_time_are_in_one_span() {
        let mut spans = Spans::<1>::new(4);
        spans.add(Timestamp::MIN, 0, 1);
        spans.add(Timestamp::MAX, 0, 1);
        spans.add(Timestamp::MIN, 0, 1);
        assert_eq!(spans.counts().iter().map(|count| count[0]).sum::<u64>(), 3);
    }

    #[test]
    fn a_long_flow_keeps_few_points_of_all_its_time() {
        let mut trace = Trace::new(Timestamp::default(), 100, 10);
        for second in 0..100_000 {
            let time = Timestamp::from_parts(second, 0);
            trace.add(Point { time, side: Side::A, len: 1 });
        }
        assert!((50..100).contains(&trace.points().len()));
        assert!(trace.points().last().unwrap().time.seconds() > 95_000);
        assert_eq!(trace.bytes.counts().iter().map(|count| count[0]).sum::<u64>(), 100_000);
    }
}
