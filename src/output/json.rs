//! The JSON that EVE is made of, appended to a buffer member by member: no tree of values, and no types
//! that only mirror one.
//!
//! Names of members, and words that are ours ([`Word`]), go in as they are: what is known when the
//! program is built wants no second look. All other text is escaped, and not only as JSON asks for:
//! characters that act on a display are too, so that a line may be looked at in a terminal.

use std::fmt;
use std::net::IpAddr;

use crate::escape::is_hazard;
use portstory_core::Timestamp;
use portstory_core::internal::wire;

/// Appends an object, and a line feed.
pub(super) fn line(out: &mut Vec<u8>, fill: impl FnOnce(&mut Object<'_>)) {
    object(out, fill);
    out.push(b'\n');
}

/// Appends an object, whose members `fill` adds.
pub(super) fn object(out: &mut Vec<u8>, fill: impl FnOnce(&mut Object<'_>)) {
    out.push(b'{');
    fill(&mut Object { out, is_empty: true });
    out.push(b'}');
}

/// An object that is being written. Members stand in the order in which they are added.
pub(super) struct Object<'a> {
    out: &'a mut Vec<u8>,
    is_empty: bool,
}

impl Object<'_> {
    /// Adds a member.
    pub(super) fn put(&mut self, name: &'static str, value: impl Value) {
        value.append(self.member(name));
    }

    /// Adds a member, where there is a value.
    pub(super) fn put_some(&mut self, name: &'static str, value: Option<impl Value>) {
        if let Some(value) = value {
            self.put(name, value);
        }
    }

    /// Adds a member that is an object.
    pub(super) fn object(&mut self, name: &'static str, fill: impl FnOnce(&mut Object<'_>)) {
        object(self.member(name), fill);
    }

    /// Adds a member that is a list of values.
    pub(super) fn list<T: Value>(
        &mut self,
        name: &'static str,
        values: impl IntoIterator<Item = T>,
    ) {
        self.each(name, values, |out, value| value.append(out));
    }

    /// Adds a member that is a list of objects.
    pub(super) fn objects<T>(
        &mut self,
        name: &'static str,
        items: impl IntoIterator<Item = T>,
        fill: impl Fn(&mut Object<'_>, T),
    ) {
        self.each(name, items, |out, item| object(out, |one| fill(one, item)));
    }

    fn each<T>(
        &mut self,
        name: &'static str,
        items: impl IntoIterator<Item = T>,
        append: impl Fn(&mut Vec<u8>, T),
    ) {
        let out = self.member(name);
        out.push(b'[');
        for (at, item) in items.into_iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            append(out, item);
        }
        out.push(b']');
    }

    fn member(&mut self, name: &'static str) -> &mut Vec<u8> {
        let before = if std::mem::take(&mut self.is_empty) { "\"" } else { ",\"" };
        self.out.extend_from_slice(before.as_bytes());
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }
}

/// What a member or an item of a list may be.
pub(super) trait Value {
    fn append(self, out: &mut Vec<u8>);
}

/// A word of our own, in which nothing is to be escaped.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word(pub(super) &'static str);

impl Value for Word {
    fn append(self, out: &mut Vec<u8>) {
        quoted(out, |out| out.extend_from_slice(self.0.as_bytes()));
    }
}

fn quoted(out: &mut Vec<u8>, fill: impl FnOnce(&mut Vec<u8>)) {
    out.push(b'"');
    fill(out);
    out.push(b'"');
}

/// Whatever strangers wrote. What needs no escape is copied in runs, and mostly that is all of it.
impl Value for &str {
    fn append(self, out: &mut Vec<u8>) {
        quoted(out, |out| {
            if is_plain(self) {
                return out.extend_from_slice(self.as_bytes());
            }
            for run in self.split_inclusive(is_escaped) {
                let last = run.chars().next_back().filter(|last| is_escaped(*last));
                let plain = run.len() - last.map_or(0, char::len_utf8);
                out.extend_from_slice(wire::prefix(run.as_bytes(), plain));
                last.into_iter().for_each(|last| escape(out, last));
            }
        });
    }
}

/// Whether nothing is to be escaped, for sure. Without an early end, so that many bytes are looked at in
/// one go.
fn is_plain(text: &str) -> bool {
    let plain = |byte| matches!(byte, b' '..=b'~') & (byte != b'"') & (byte != b'\\');
    text.bytes().fold(true, |so_far, byte| so_far & plain(byte))
}

const fn is_escaped(c: char) -> bool {
    matches!(c, '"' | '\\') || is_hazard(c)
}

/// RFC 8259 section 7.
fn escape(out: &mut Vec<u8>, c: char) {
    let short = match c {
        '"' => b'"',
        '\\' => b'\\',
        '\n' => b'n',
        '\r' => b'r',
        '\t' => b't',
        '\u{8}' => b'b',
        '\u{c}' => b'f',
        _ => {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.extend_from_slice(format!("\\u{unit:04x}").as_bytes());
            }
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// Null, where a member must be there.
impl<T: Value> Value for Option<T> {
    fn append(self, out: &mut Vec<u8>) {
        match self {
            Some(value) => value.append(out),
            None => out.extend_from_slice(b"null"),
        }
    }
}

/// What `serde_json` writes as well and as fast.
macro_rules! scalars {
    ($($scalar:ty),*) => {$(
        impl Value for $scalar {
            fn append(self, out: &mut Vec<u8>) {
                // Writing to memory cannot fail.
                let _ = serde_json::to_writer(out, &self);
            }
        }
    )*};
}

scalars!(bool, u8, u16, u32, u64, usize, i32, f32);

impl Value for IpAddr {
    fn append(self, out: &mut Vec<u8>) {
        let IpAddr::V4(addr) = self else { return self.to_string().as_str().append(out) };
        quoted(out, |out| {
            for (at, byte) in addr.octets().into_iter().enumerate() {
                if at > 0 {
                    out.push(b'.');
                }
                byte.append(out);
            }
        });
    }
}

/// Bytes as lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hex<'a>(pub(super) &'a [u8]);

impl Value for Hex<'_> {
    fn append(self, out: &mut Vec<u8>) {
        let digit = |value: u8| value + if value < 10 { b'0' } else { b'a' - 10 };
        let digits = self.0.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]);
        quoted(out, |out| out.extend(digits));
    }
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

impl Value for Timestamp {
    fn append(self, out: &mut Vec<u8>) {
        quoted(out, |out| out.extend_from_slice(&Time(self).text()));
    }
}

/// Writes the last `len` decimal digits of a number.
fn put_digits(text: &mut [u8], at: usize, len: usize, mut number: u32) {
    for place in text.iter_mut().skip(at).take(len).rev() {
        *place = b'0'.saturating_add(u8::try_from(number % 10).unwrap_or_default());
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(value: impl Value) -> String {
        let mut buffer = Vec::new();
        value.append(&mut buffer);
        String::from_utf8(buffer).unwrap()
    }

    #[test]
    fn members_stand_in_the_order_in_which_they_are_added() {
        let mut buffer = Vec::new();
        object(&mut buffer, |all| {
            all.object("none", |_| {});
            all.put("null", None::<u8>);
            all.put_some("left out", None::<u8>);
            all.put_some("here", Some(-0.25_f32));
            all.list("words", [Word("a"), Word("b")]);
            all.objects("rows", [true, false], |row, it| row.put("is", it));
        });
        assert_eq!(
            String::from_utf8(buffer).unwrap(),
            r#"{"none":{},"null":null,"here":-0.25,"words":["a","b"],"rows":[{"is":true},{"is":false}]}"#
        );
    }

    #[test]
    fn every_ascii_character_is_escaped_wherever_it_stands() {
        for byte in 0..0x7f_u8 {
            for place in [0, 5, 15, 16, 20, 33, 39] {
                let mut text = "a".repeat(40);
                text.replace_range(place..=place, &char::from(byte).to_string());
                assert_eq!(json(&*text), serde_json::to_string(&text).unwrap());
            }
        }
    }

    #[test]
    fn characters_that_act_on_a_display_are_escaped() {
        let text = "a\u{202e}b\x1b\x7f\u{e0041}\u{e9}\"\n";
        let written = json(text);
        assert_eq!(written, "\"a\\u202eb\\u001b\\u007f\\udb40\\udc41\u{e9}\\\"\\n\"");
        assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text);
    }

    #[test]
    fn times_look_as_suricata_writes_them() {
        let time = Timestamp::from_parts(1_795_352_405, 123_456_789);
        assert_eq!(json(time), r#""2026-11-22T13:00:05.123456+0000""#);
        assert_eq!(json(Timestamp::default()), r#""1970-01-01T00:00:00.000000+0000""#);
        // Rounded down before the epoch too, and the ends of the range have a date.
        let at = |nanos| json(Timestamp::from_nanos(nanos));
        assert_eq!(at(-1), r#""1969-12-31T23:59:59.999999+0000""#);
        assert!(at(i64::MIN).starts_with(r#""1677-09-21T"#));
        assert!(at(i64::MAX).starts_with(r#""2262-04-11T"#));
    }

    #[test]
    fn bytes_are_lower_case_hex_and_addresses_as_people_write_them() {
        assert_eq!(json(Hex(&[0x16, 0xfe, 0xff, 0])), r#""16feff00""#);
        assert_eq!(json(Hex(&[])), r#""""#);
        for text in ["0.10.200.255", "2001:db8::1"] {
            assert_eq!(json(text.parse::<IpAddr>().unwrap()), format!("\"{text}\""));
        }
    }
}
