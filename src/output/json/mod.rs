//! The JSON that EVE is made of: compact, one reused buffer, no tree of values in between.
//!
//! Characters that act on a display are escaped, not only control characters, so that a line may be
//! looked at in a terminal.

use std::fmt;
use std::io;
use std::net::IpAddr;

use serde::{Serialize, Serializer};

use portstory_core::time::Timestamp;
use portstory_core::wire;

mod writer;

use writer::Writer;

/// Appends a value as JSON to `buffer`.
pub(super) fn append<T: Serialize>(buffer: &mut Vec<u8>, value: &T) -> io::Result<()> {
    value.serialize(Writer { out: buffer }).map_err(io::Error::other)
}

/// A time as Suricata writes it: UTC, microseconds, `+0000`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Time(pub(super) Timestamp);

impl Time {
    /// Its 31 characters. Written digit by digit: a flow's line has several times, and formatting
    /// them in general terms would be most of its cost.
    fn text(self) -> [u8; 31] {
        let time = crate::human::civil(self.0);
        let mut text = *b"0000-00-00T00:00:00.000000+0000";
        let micros = time.subsec_nanosecond().unsigned_abs() / 1000;
        put_digits(&mut text, 0, 4, u32::from(time.year().unsigned_abs()));
        put_digits(&mut text, 5, 2, u32::from(time.month().unsigned_abs()));
        put_digits(&mut text, 8, 2, u32::from(time.day().unsigned_abs()));
        put_digits(&mut text, 11, 2, u32::from(time.hour().unsigned_abs()));
        put_digits(&mut text, 14, 2, u32::from(time.minute().unsigned_abs()));
        put_digits(&mut text, 17, 2, u32::from(time.second().unsigned_abs()));
        put_digits(&mut text, 20, 6, micros);
        text
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(str::from_utf8(&self.text()).unwrap_or_default())
    }
}

/// Writes the last `len` decimal digits of a number.
fn put_digits(text: &mut [u8], at: usize, len: usize, mut number: u32) {
    for place in text.iter_mut().skip(at).take(len).rev() {
        *place = b'0'.saturating_add(u8::try_from(number % 10).unwrap_or_default());
        number /= 10;
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.text();
        serializer.serialize_str(str::from_utf8(&text).unwrap_or_default())
    }
}

/// An address.
#[derive(Clone, Copy, Debug)]
pub(super) struct Addr(pub(super) IpAddr);

impl Serialize for Addr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let IpAddr::V4(addr) = self.0 else { return serializer.collect_str(&self.0) };
        let (mut text, mut len) = ([b'.'; 15], 0);
        for (at, byte) in addr.octets().into_iter().enumerate() {
            let digits = match byte {
                0..10 => 1,
                10..100 => 2,
                100.. => 3,
            };
            len += usize::from(at > 0);
            put_digits(&mut text, len, digits, byte.into());
            len += digits;
        }
        serializer.serialize_str(str::from_utf8(wire::prefix(&text, len)).unwrap_or_default())
    }
}

/// Bytes as lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hex<'a>(pub(super) &'a [u8]);

impl Serialize for Hex<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let digit = |value: u8| value.saturating_add(if value < 10 { b'0' } else { b'a' - 10 });
        // As many bytes as an event shows at most; more take a room of their own.
        let (mut few, mut many) = ([0; 2 * HEX_FEW_BYTES], Vec::new());
        let len = self.0.len().saturating_mul(2);
        let text = match few.get_mut(..len) {
            Some(text) => text,
            None => {
                many.resize(len, 0);
                &mut many
            }
        };
        for (to, byte) in text.chunks_exact_mut(2).zip(self.0) {
            to.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
        }
        serializer.serialize_str(str::from_utf8(text).unwrap_or_default())
    }
}

/// See [`Hex`].
const HEX_FEW_BYTES: usize = 64;

/// Named counts as an object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counts<'a, const N: usize>(pub(super) [&'static str; N], pub(super) &'a [u64; N]);

impl<const N: usize> Serialize for Counts<'_, N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().zip(self.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json<T: Serialize>(value: &T) -> String {
        let mut buffer = Vec::new();
        append(&mut buffer, value).unwrap();
        String::from_utf8(buffer).unwrap()
    }

    #[test]
    fn times_look_as_suricata_writes_them() {
        let time = Timestamp::from_parts(1_795_352_405, 123_456_789);
        assert_eq!(json(&Time(time)), r#""2026-11-22T13:00:05.123456+0000""#);
        assert_eq!(json(&Time(Timestamp::default())), r#""1970-01-01T00:00:00.000000+0000""#);
        // Rounded down before the epoch too, and the ends of the range have a date.
        let at = |nanos| json(&Time(Timestamp::from_nanos(nanos)));
        assert_eq!(at(-1), r#""1969-12-31T23:59:59.999999+0000""#);
        assert!(at(i64::MIN).starts_with(r#""1677-09-21T"#));
        assert!(at(i64::MAX).starts_with(r#""2262-04-11T"#));
    }

    #[test]
    fn characters_that_act_on_a_display_are_escaped() {
        let text = "a\u{202e}b\x1b\x7f\u{e0041}\u{e9}\"\n";
        let written = json(&text);
        assert_eq!(written, "\"a\\u202eb\\u001b\\u007f\\udb40\\udc41\u{e9}\\\"\\n\"");
        assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text);
    }

    #[test]
    fn bytes_are_lower_case_hex() {
        assert_eq!(json(&Hex(&[0x16, 0xfe, 0xff, 0])), r#""16feff00""#);
        assert_eq!(json(&Hex(&[])), r#""""#);
    }
}
