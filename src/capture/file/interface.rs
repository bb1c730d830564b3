//! What a pcapng section says of an interface: link type, clock, and frames that were dropped.
//!
//! Reads the Interface Description and the Interface Statistics Block and the options behind a
//! packet (draft-ietf-opsawg-pcapng). It keeps numbers only: names, filters and comments are passed
//! over.

use super::walk::{link_type, number_16, number_32, number_64};
use portstory_core::internal::time::NANOS_PER_SECOND;
use portstory_core::internal::wire;
use portstory_core::{LinkType, Timestamp};

/// One interface of the section that is being read.
#[derive(Debug)]
pub(super) struct Interface {
    /// What its frames start with.
    pub(super) link: LinkType,
    /// Bytes kept of a frame at most; 0 means all.
    pub(super) snap: u32,
    /// How its times are written.
    pub(super) clock: Clock,
    /// Whether a frame of it was handed over.
    pub(super) used: bool,
    drops: Drops,
}

impl Interface {
    /// Reads the body of an Interface Description Block (section 4.2).
    pub(super) fn describe<const BIG: bool>(body: &[u8]) -> Option<Self> {
        let (&[link_a, link_b, _, _, snap_a, snap_b, snap_c, snap_d], rest) =
            body.split_first_chunk::<8>()?;
        let mut clock = Clock { unit: Unit::of(MICROSECONDS), offset_seconds: 0 };
        for (code, value) in Options::<BIG>(rest) {
            match (code, value) {
                (IF_TSRESOL, &[resolution, ..]) => clock.unit = Unit::of(resolution),
                (IF_TSOFFSET, value) => {
                    let Some(bytes) = wire::array(value, 0) else { continue };
                    clock.offset_seconds = number_64::<BIG>(bytes).cast_signed();
                }
                _ => {}
            }
        }
        Some(Self {
            link: link_type(number_16::<BIG>([link_a, link_b])),
            snap: number_32::<BIG>([snap_a, snap_b, snap_c, snap_d]),
            clock,
            used: false,
            drops: Drops::default(),
        })
    }

    /// Takes in the options of an Interface Statistics Block (section 4.6): totals since the capture
    /// began, so the last one stands.
    pub(super) fn statistics<const BIG: bool>(&mut self, options: &[u8]) {
        for (code, value) in Options::<BIG>(options) {
            let Some(total) = wire::array(value, 0).map(number_64::<BIG>) else { continue };
            match code {
                ISB_IFDROP => self.drops.by_interface = Some(total),
                ISB_OSDROP => self.drops.by_system = Some(total),
                _ => {}
            }
        }
    }

    /// Takes in the options behind an enhanced packet (section 4.3).
    pub(super) fn packet_options<const BIG: bool>(&mut self, options: &[u8]) {
        for (code, value) in Options::<BIG>(options) {
            if code == EPB_DROPCOUNT
                && let Some(bytes) = wire::array(value, 0)
            {
                self.dropped_before_packet(number_64::<BIG>(bytes));
            }
        }
    }

    /// So many frames were lost between this packet and the one before it.
    pub(super) fn dropped_before_packet(&mut self, count: u64) {
        self.drops.between_packets = self.drops.between_packets.saturating_add(count);
    }

    /// Frames dropped by the system and by the interface. What stands beside packets is counted in
    /// the statistics too, so it is only taken where there are no statistics.
    pub(super) fn dropped(&self) -> (u64, u64) {
        match self.drops {
            Drops { by_system: None, by_interface: None, between_packets } => (between_packets, 0),
            Drops { by_system, by_interface, .. } => {
                (by_system.unwrap_or(0), by_interface.unwrap_or(0))
            }
        }
    }
}

#[derive(Debug, Default)]
struct Drops {
    by_system: Option<u64>,
    by_interface: Option<u64>,
    between_packets: u64,
}

/// Option codes of section 4.2, 4.3 and 4.6.
const IF_TSRESOL: u16 = 9;
const IF_TSOFFSET: u16 = 14;
const EPB_DROPCOUNT: u16 = 4;
const ISB_IFDROP: u16 = 5;
const ISB_OSDROP: u16 = 7;

/// `if_tsresol` where the option is missing.
const MICROSECONDS: u8 = 6;

/// How an interface's times are written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    unit: Unit,
    offset_seconds: i64,
}

impl Clock {
    /// The time that the two halves of a timestamp tell; saturates where that is beyond what
    /// [`Timestamp`] holds.
    pub(super) fn time(self, high: u32, low: u32) -> Timestamp {
        let ticks = (u64::from(high) << 32) | u64::from(low);
        let nanos = self.unit.nanos(ticks);
        Timestamp::from_nanos(
            nanos.saturating_add(self.offset_seconds.saturating_mul(NANOS_PER_SECOND)),
        )
    }
}

/// A unit of time, as what turns a count of it into nanoseconds: so many are so many ticks.
#[derive(Clone, Copy, Debug)]
struct Unit {
    nanos: u64,
    ticks: u128,
}

impl Unit {
    /// Section 4.2, `if_tsresol`: with the uppermost bit set a negative power of two, else of ten.
    fn of(resolution: u8) -> Self {
        let exponent = u32::from(resolution & 0x7f);
        if resolution & 0x80 != 0 {
            return Self { nanos: NANOS_PER_SECOND.unsigned_abs(), ticks: 1 << exponent };
        }
        // What no 128-bit number divides is below a nanosecond whatever the count.
        let ticks = 10_u128.checked_pow(exponent.saturating_sub(9)).unwrap_or(u128::MAX);
        Self { nanos: 10_u64.pow(9_u32.saturating_sub(exponent)), ticks }
    }

    fn nanos(self, ticks: u64) -> i64 {
        let nanos = match self.ticks {
            1 => ticks.saturating_mul(self.nanos),
            // 64 bits times 30 bits stays within 128.
            each => {
                let nanos = u128::from(ticks) * u128::from(self.nanos);
                nanos.checked_div(each).map_or(0, |nanos| u64::try_from(nanos).unwrap_or(u64::MAX))
            }
        };
        i64::try_from(nanos).unwrap_or(i64::MAX)
    }
}

/// The options of a block (section 3.5): code and value, up to the end of options or to the first
/// that does not fit.
struct Options<'a, const BIG: bool>(&'a [u8]);

impl<'a, const BIG: bool> Iterator for Options<'a, BIG> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (&[code_a, code_b, len_a, len_b], rest) = self.0.split_first_chunk::<4>()?;
        let code = number_16::<BIG>([code_a, code_b]);
        if code == 0 {
            return None;
        }
        let len = usize::from(number_16::<BIG>([len_a, len_b]));
        let value = rest.get(..len)?;
        self.0 = wire::rest(rest, len.next_multiple_of(4));
        Some((code, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nanos(resolution: u8, ticks: u64) -> i64 {
        Unit::of(resolution).nanos(ticks)
    }

    #[test]
    fn every_resolution_is_told_without_overflow() {
        assert_eq!(nanos(0, 3), 3_000_000_000);
        assert_eq!(nanos(6, 1_700_000_000_123_456), 1_700_000_000_123_456_000);
        assert_eq!(nanos(9, 1_700_000_000_123_456_789), 1_700_000_000_123_456_789);
        assert_eq!(nanos(12, 1_999), 1);
        assert_eq!(nanos(19, 17_000_000_000_000_000_000), 1_700_000_000);
        assert_eq!(nanos(0x80, 3), 3_000_000_000);
        assert_eq!(nanos(0x8a, 1536), 1_500_000_000);
        assert_eq!(nanos(0x80 | 32, (1_700_000_000 << 32) | (1 << 31)), 1_700_000_000_500_000_000);
        assert_eq!(nanos(0x80 | 63, u64::MAX), 1_999_999_999);
        for resolution in 0..=u8::MAX {
            assert!(nanos(resolution, u64::MAX) >= nanos(resolution, u64::MAX / 2));
            assert_eq!(nanos(resolution, 0), 0);
        }
    }

    #[test]
    fn times_beyond_the_range_saturate() {
        let clock = Clock { unit: Unit::of(0), offset_seconds: i64::MIN };
        assert_eq!(clock.time(u32::MAX, u32::MAX).nanos(), -1);
        assert_eq!(clock.time(0, 0), Timestamp::MIN);
        let clock = Clock { unit: Unit::of(6), offset_seconds: -2 };
        assert_eq!(clock.time(0, 1).nanos(), -1_999_999_000);
    }

    #[test]
    fn options_end_where_they_lie() {
        let options = [0, 9, 0, 1, 6, 0, 0, 0, 0, 2, 0, 9, 1];
        assert_eq!(Options::<true>(&options).collect::<Vec<_>>(), [(9, &[6][..])]);
        assert_eq!(Options::<false>(&[0, 0, 9, 9, 1, 1]).count(), 0);
    }
}
