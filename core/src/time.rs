//! Points in time, as captures tell them.
//!
//! The core never asks the machine for the time (invariant 1): a [`Timestamp`] comes from a capture
//! record, or from the edge that says how far time has passed without one.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Nanoseconds since 1970-01-01T00:00:00Z, leap seconds not counted; good for the years 1678 to 2262.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(i64);

/// Nanoseconds in a second.
pub const NANOS_PER_SECOND: i64 = 1_000_000_000;

impl Timestamp {
    /// The earliest time that can be told; before every packet.
    pub const MIN: Self = Self(i64::MIN);

    /// The latest time that can be told; after every packet.
    pub const MAX: Self = Self(i64::MAX);

    /// The time that many nanoseconds after the epoch.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// The time `seconds` after the epoch plus `nanos`; saturates at the ends of the range.
    pub const fn from_parts(seconds: i64, nanos: u32) -> Self {
        #[expect(clippy::as_conversions, reason = "u32 always fits, and From is not const")]
        let nanos = nanos as i64;
        Self(seconds.saturating_mul(NANOS_PER_SECOND).saturating_add(nanos))
    }

    /// Nanoseconds since the epoch.
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(NANOS_PER_SECOND)
    }

    /// How much later than `earlier` this is; zero where it is not later.
    pub fn since(self, earlier: Self) -> Duration {
        let nanos = self.0.saturating_sub(earlier.0);
        u64::try_from(nanos).map_or(Duration::ZERO, Duration::from_nanos)
    }

    /// This time plus `span`; saturates at the end of the range.
    pub fn plus(self, span: Duration) -> Self {
        let nanos = i64::try_from(span.as_nanos()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(nanos))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_is_zero_where_time_went_back() {
        let (early, late) = (Timestamp::from_nanos(5), Timestamp::from_nanos(9));
        assert_eq!(late.since(early), Duration::from_nanos(4));
        assert_eq!(early.since(late), Duration::ZERO);
    }

    #[test]
    fn the_ends_of_the_range_saturate() {
        assert_eq!(Timestamp::from_parts(i64::MAX, 1).nanos(), i64::MAX);
        assert_eq!(Timestamp::from_nanos(i64::MAX).plus(Duration::MAX).nanos(), i64::MAX);
        assert_eq!(
            Timestamp::from_nanos(i64::MAX).since(Timestamp::MIN),
            Duration::from_nanos(i64::MAX.unsigned_abs())
        );
    }

    #[test]
    fn seconds_round_down_before_the_epoch() {
        assert_eq!(Timestamp::from_nanos(-1).seconds(), -1);
    }
}
