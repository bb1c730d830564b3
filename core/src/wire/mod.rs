//! The one checked cursor over strangers' bytes.
//!
//! Everything that parses input reads through [`Cursor`] or the `be16`-like helpers: they return
//! `None` past the end and never panic (invariant 2). Nothing here knows a protocol.

mod cursor;
mod digest;
mod text;

pub use cursor::Cursor;
pub(crate) use digest::digest;
pub(crate) use text::from_wire;

/// Where `wanted` stands for the first time.
pub(crate) fn position_of(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    memchr::memmem::find(bytes, wanted)
}

/// The byte at `at`.
pub fn u8_at(bytes: &[u8], at: usize) -> Option<u8> {
    bytes.get(at).copied()
}

/// The big-endian 16-bit number at `at`.
#[inline]
pub fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_be_bytes)
}

/// The big-endian 24-bit number at `at`.
#[inline]
pub(crate) fn be24(bytes: &[u8], at: usize) -> Option<u32> {
    let [a, b, c] = array(bytes, at)?;
    Some(u32::from_be_bytes([0, a, b, c]))
}

/// The big-endian 32-bit number at `at`.
#[inline]
pub fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_be_bytes)
}

/// The big-endian 64-bit number at `at`.
#[inline]
pub(crate) fn be64(bytes: &[u8], at: usize) -> Option<u64> {
    array(bytes, at).map(u64::from_be_bytes)
}

/// The little-endian 16-bit number at `at`.
#[inline]
pub fn le16(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_le_bytes)
}

/// The little-endian 24-bit number at `at`.
#[inline]
pub(crate) fn le24(bytes: &[u8], at: usize) -> Option<u32> {
    let [a, b, c] = array(bytes, at)?;
    Some(u32::from_le_bytes([a, b, c, 0]))
}

/// The little-endian 32-bit number at `at`.
#[inline]
pub fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_le_bytes)
}

/// The little-endian 64-bit number at `at`.
#[inline]
pub(crate) fn le64(bytes: &[u8], at: usize) -> Option<u64> {
    array(bytes, at).map(u64::from_le_bytes)
}

/// The `N` bytes at `at`.
pub fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// What is left of `bytes` from `at` on; empty past the end.
pub fn rest(bytes: &[u8], at: usize) -> &[u8] {
    bytes.get(at..).unwrap_or_default()
}

/// The first `len` bytes, or all of them where there are fewer.
pub fn prefix(bytes: &[u8], len: usize) -> &[u8] {
    bytes.get(..len).unwrap_or(bytes)
}

/// A length as the 32-bit numbers that records and events carry; saturates.
#[inline]
pub fn len32(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

/// A number from the wire as an index; saturates, so that a check against a length still fails.
pub fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_past_the_end_are_none() {
        let bytes = [1, 2, 3];
        assert_eq!(be16(&bytes, 1), Some(0x0203));
        assert_eq!(be16(&bytes, 2), None);
        assert_eq!(be24(&bytes, 0), Some(0x01_0203));
        assert_eq!(le24(&bytes, 0), Some(0x03_0201));
        assert_eq!(be32(&bytes, 0), None);
        assert_eq!(be16(&bytes, usize::MAX), None);
        assert!(rest(&bytes, 9).is_empty());
        assert_eq!(prefix(&bytes, 9), &bytes);
    }
}
