//! Names and banners from the wire, as strings that lose nothing.

use std::fmt::Write as _;

/// The longest text that is kept of one field, in bytes of input.
const TEXT_BYTES_MAX: usize = 255;

/// A string of what a stranger wrote: UTF-8 is kept, any other byte is shown as `\xNN`, and what is
/// longer than 255 bytes ends in `…`. Control characters stay in: each output escapes
/// them as its own reader needs (invariant 6).
pub(crate) fn from_wire(bytes: &[u8]) -> Box<str> {
    let kept = super::prefix(bytes, TEXT_BYTES_MAX);
    let mut text = String::with_capacity(kept.len());
    for chunk in kept.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            // Writing to a String cannot fail.
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    if kept.len() < bytes.len() {
        text.push('…');
    }
    text.into_boxed_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_bytes_are_shown_not_dropped() {
        assert_eq!(&*from_wire(b"caf\xc3\xa9"), "café");
        assert_eq!(&*from_wire(b"a\xff\xfeb"), "a\\xff\\xfeb");
        assert_eq!(from_wire(&[b'x'; 300]).chars().count(), 256);
    }
}
