//! Totals from counters of 32 bits that wrap.

/// Adds up what a wrapping 32-bit counter counted, as long as it is read before it has gone half
/// way round.
///
/// A step of half the range or more is taken for a step back: a counter that was reset or could not
/// be read (libpcap then says zero and works out nonsense from it). The count goes on from there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct WrappingCounter {
    last: u32,
    total: u64,
}

impl WrappingCounter {
    /// Takes a reading and returns the total since the counter stood at zero.
    pub(super) fn update(&mut self, reading: u32) -> u64 {
        let step = reading.wrapping_sub(self.last);
        self.last = reading;
        if step < 1 << 31 {
            self.total = self.total.saturating_add(u64::from(step));
        }
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_up_across_the_wrap() {
        let mut counter = WrappingCounter::default();
        assert_eq!(counter.update(0), 0);
        assert_eq!(counter.update(1 << 30), 1 << 30);
        assert_eq!(counter.update(2 << 30), 2 << 30);
        assert_eq!(counter.update(3 << 30), 3 << 30);
        assert_eq!(counter.update(u32::MAX), u64::from(u32::MAX));
        assert_eq!(counter.update(4), (1 << 32) + 4);
        assert_eq!(counter.update(4), (1 << 32) + 4);
    }

    #[test]
    fn a_step_back_is_not_counted_and_counting_goes_on() {
        let mut counter = WrappingCounter::default();
        assert_eq!(counter.update(100), 100);
        assert_eq!(counter.update(0), 100, "reset");
        assert_eq!(counter.update(7), 107);
        assert_eq!(counter.update(7_u32.wrapping_sub(90)), 107, "nonsense below zero");
        assert_eq!(counter.update(7), 107 + 90, "from there on");
    }
}
