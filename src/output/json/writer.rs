//! A serde serializer that appends compact JSON to a buffer.
//!
//! It writes what `serde_json` would, byte for byte, but for characters that act on a display, which
//! are escaped. Lines of EVE are most of what a busy run does, and nearly all of a line is names of
//! fields, which need no escaping, and plain ASCII, which is copied in one go. Keys of maps must be
//! strings.

use std::fmt;

use serde::ser::{
    self, Serialize, SerializeMap, SerializeSeq, SerializeTuple, SerializeTupleStruct,
    SerializeTupleVariant, Serializer,
};

use crate::escape::is_hazard;

/// Appends to a buffer.
pub(super) struct Writer<'a> {
    pub(super) out: &'a mut Vec<u8>,
}

/// An array or an object that is being written.
pub(super) struct Compound<'a> {
    out: &'a mut Vec<u8>,
    empty: bool,
    end: &'static [u8],
}

impl<'a> Writer<'a> {
    fn compound(self, start: u8, end: &'static [u8]) -> Compound<'a> {
        self.out.push(start);
        Compound { out: self.out, empty: true, end }
    }

    /// An object of one member, which is still open.
    fn variant(self, name: &str) -> Self {
        self.out.push(b'{');
        string(self.out, name);
        self.out.push(b':');
        self
    }

    fn word(self, word: &str) -> Result<(), fmt::Error> {
        self.out.extend_from_slice(word.as_bytes());
        Ok(())
    }

    fn signed(self, number: i64) -> Result<(), fmt::Error> {
        if number < 0 {
            self.out.push(b'-');
        }
        decimal(self.out, number.unsigned_abs());
        Ok(())
    }

    fn unsigned(self, number: u64) -> Result<(), fmt::Error> {
        decimal(self.out, number);
        Ok(())
    }
}

/// Bytes of a field beside its name: a comma, quotation marks, a colon, and a short value.
const FIELD_BYTES: usize = 32;

impl Compound<'_> {
    fn separate(&mut self) {
        if !std::mem::take(&mut self.empty) {
            self.out.push(b',');
        }
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), fmt::Error> {
        self.separate();
        value.serialize(Writer { out: self.out })
    }

    /// Names of fields are ours: nothing in them wants escaping.
    fn field<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), fmt::Error> {
        // Once, so that what follows finds room.
        self.out.reserve(name.len().saturating_add(FIELD_BYTES));
        self.separate();
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        value.serialize(Writer { out: self.out })
    }

    fn finish(self) -> Result<(), fmt::Error> {
        self.out.extend_from_slice(self.end);
        Ok(())
    }
}

/// Appends a string with its quotation marks.
fn string(out: &mut Vec<u8>, text: &str) {
    out.reserve(text.len().saturating_add(2));
    out.push(b'"');
    if is_plain(text.as_bytes()) {
        out.extend_from_slice(text.as_bytes());
    } else {
        text.chars().for_each(|c| character(out, c));
    }
    out.push(b'"');
}

/// Whether nothing is to be escaped. Eight bytes are looked at in one go.
fn is_plain(bytes: &[u8]) -> bool {
    let (words, _) = bytes.as_chunks::<8>();
    match bytes.last_chunk::<8>() {
        Some(last) => words.iter().chain([last]).all(|word| is_plain_word(*word)),
        None => !bytes.iter().any(|byte| matches!(byte, 0..0x20 | b'"' | b'\\' | 0x7f..)),
    }
}

/// The same for a word (Warren, Hacker's Delight, section 6-1: finding a zero byte).
fn is_plain_word(word: [u8; 8]) -> bool {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;
    let word = u64::from_le_bytes(word);
    let has = |value: u64| {
        let other = word ^ (ONES * value);
        other.wrapping_sub(ONES) & !other
    };
    let below_space = word.wrapping_sub(ONES * 0x20) & !word;
    (has(0x22) | has(0x5c) | has(0x7f) | below_space | word) & HIGH == 0
}

fn character(out: &mut Vec<u8>, c: char) {
    let short = match c {
        '"' | '\\' => Some(c),
        '\n' => Some('n'),
        '\r' => Some('r'),
        '\t' => Some('t'),
        '\u{8}' => Some('b'),
        '\u{c}' => Some('f'),
        _ => None,
    };
    let mut utf8 = [0; 4];
    if let Some(short) = short {
        out.push(b'\\');
        out.extend_from_slice(short.encode_utf8(&mut utf8).as_bytes());
    } else if c < ' ' || is_hazard(c) {
        for unit in c.encode_utf16(&mut [0; 2]) {
            out.extend_from_slice(format!("\\u{unit:04x}").as_bytes());
        }
    } else {
        out.extend_from_slice(c.encode_utf8(&mut utf8).as_bytes());
    }
}

/// Appends a number.
fn decimal(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [b'0'; 20];
    let mut len = 0_usize;
    for place in digits.iter_mut().rev() {
        *place = b'0'.saturating_add(u8::try_from(number % 10).unwrap_or_default());
        number /= 10;
        len = len.saturating_add(1);
        if number == 0 {
            break;
        }
    }
    let (_, digits) = digits.split_at(digits.len().saturating_sub(len));
    out.extend_from_slice(digits);
}

/// Rare kinds of numbers are left to `serde_json`.
fn rare<T: Serialize>(out: &mut Vec<u8>, value: &T) -> Result<(), fmt::Error> {
    serde_json::to_writer(out, value).map_err(|_| fmt::Error)
}

impl<'a> Serializer for Writer<'a> {
    type Ok = ();
    type Error = fmt::Error;
    type SerializeSeq = Compound<'a>;
    type SerializeTuple = Compound<'a>;
    type SerializeTupleStruct = Compound<'a>;
    type SerializeTupleVariant = Compound<'a>;
    type SerializeMap = Compound<'a>;
    type SerializeStruct = Compound<'a>;
    type SerializeStructVariant = Compound<'a>;

    fn serialize_bool(self, value: bool) -> Result<(), fmt::Error> {
        self.word(if value { "true" } else { "false" })
    }

    fn serialize_i8(self, value: i8) -> Result<(), fmt::Error> {
        self.signed(value.into())
    }

    fn serialize_i16(self, value: i16) -> Result<(), fmt::Error> {
        self.signed(value.into())
    }

    fn serialize_i32(self, value: i32) -> Result<(), fmt::Error> {
        self.signed(value.into())
    }

    fn serialize_i64(self, value: i64) -> Result<(), fmt::Error> {
        self.signed(value)
    }

    fn serialize_u8(self, value: u8) -> Result<(), fmt::Error> {
        self.unsigned(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<(), fmt::Error> {
        self.unsigned(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<(), fmt::Error> {
        self.unsigned(value.into())
    }

    fn serialize_u64(self, value: u64) -> Result<(), fmt::Error> {
        self.unsigned(value)
    }

    fn serialize_i128(self, value: i128) -> Result<(), fmt::Error> {
        rare(self.out, &value)
    }

    fn serialize_u128(self, value: u128) -> Result<(), fmt::Error> {
        rare(self.out, &value)
    }

    fn serialize_f32(self, value: f32) -> Result<(), fmt::Error> {
        rare(self.out, &value)
    }

    fn serialize_f64(self, value: f64) -> Result<(), fmt::Error> {
        rare(self.out, &value)
    }

    fn serialize_char(self, value: char) -> Result<(), fmt::Error> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), fmt::Error> {
        string(self.out, value);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), fmt::Error> {
        value.serialize(self)
    }

    fn serialize_none(self) -> Result<(), fmt::Error> {
        self.word("null")
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), fmt::Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), fmt::Error> {
        self.word("null")
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), fmt::Error> {
        self.word("null")
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), fmt::Error> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), fmt::Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), fmt::Error> {
        let Writer { out } = self.variant(variant);
        value.serialize(Writer { out })?;
        out.push(b'}');
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Compound<'a>, fmt::Error> {
        Ok(self.compound(b'[', b"]"))
    }

    fn serialize_tuple(self, _: usize) -> Result<Compound<'a>, fmt::Error> {
        Ok(self.compound(b'[', b"]"))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Compound<'a>, fmt::Error> {
        Ok(self.compound(b'[', b"]"))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Compound<'a>, fmt::Error> {
        Ok(self.variant(variant).compound(b'[', b"]}"))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Compound<'a>, fmt::Error> {
        Ok(self.compound(b'{', b"}"))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Compound<'a>, fmt::Error> {
        Ok(self.compound(b'{', b"}"))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Compound<'a>, fmt::Error> {
        Ok(self.variant(variant).compound(b'{', b"}}"))
    }
}

impl SerializeMap for Compound<'_> {
    type Ok = ();
    type Error = fmt::Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), fmt::Error> {
        self.element(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), fmt::Error> {
        self.out.push(b':');
        value.serialize(Writer { out: self.out })
    }

    fn end(self) -> Result<(), fmt::Error> {
        self.finish()
    }
}

/// Arrays of all kinds, which differ only in the name of their method.
macro_rules! arrays {
    ($($kind:ident $method:ident),* $(,)?) => {$(
        impl $kind for Compound<'_> {
            type Ok = ();
            type Error = fmt::Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), fmt::Error> {
                self.element(value)
            }

            fn end(self) -> Result<(), fmt::Error> {
                self.finish()
            }
        }
    )*};
}

arrays! {
    SerializeSeq serialize_element,
    SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field,
    SerializeTupleVariant serialize_field,
}

/// Objects with fields, likewise.
macro_rules! objects {
    ($($kind:ident),*) => {$(
        impl ser::$kind for Compound<'_> {
            type Ok = ();
            type Error = fmt::Error;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), fmt::Error> {
                self.field(name, value)
            }

            fn end(self) -> Result<(), fmt::Error> {
                self.finish()
            }
        }
    )*};
}

objects! { SerializeStruct, SerializeStructVariant }

#[cfg(test)]
mod tests {
    use serde::Serialize;

    use super::*;

    fn written<T: Serialize>(value: &T) -> String {
        let mut out = Vec::new();
        value.serialize(Writer { out: &mut out }).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[derive(serde::Serialize)]
    enum Kind {
        Unit,
        One(u8),
        Two(u8, bool),
        Named { a: Option<i32>, b: () },
    }

    #[test]
    fn all_kinds_of_values_look_as_serde_json_writes_them() {
        let value = (
            vec![u64::MAX, 0, 10, 99, 100],
            [i64::MIN, -1, 0, 7],
            (1.5_f32, -0.25_f64, 8.0_f32, 1e30_f64),
            [Some("a\"b\\c\u{0}\u{1f}\u{8}\u{c}\r\n\t/"), None],
            [Kind::Unit, Kind::One(1), Kind::Two(2, true), Kind::Named { a: Some(-3), b: () }],
            std::collections::BTreeMap::from([("x", vec!['y', '\u{e9}']), ("z\"", vec![])]),
            u128::MAX,
            "seventeen bytes and more: \u{4e2d}\u{1f600}",
        );
        assert_eq!(written(&value), serde_json::to_string(&value).unwrap());
    }

    #[test]
    fn every_ascii_character_is_escaped_wherever_it_stands() {
        for byte in 0..0x7f_u8 {
            for place in [0, 5, 15, 16, 20, 33] {
                let mut text = "a".repeat(40);
                text.replace_range(place..=place, &char::from(byte).to_string());
                assert_eq!(written(&text), serde_json::to_string(&text).unwrap());
            }
        }
    }
}
