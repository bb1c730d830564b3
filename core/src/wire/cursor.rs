//! A position in borrowed bytes that only moves forward, and only within them.

/// Reads strangers' bytes from front to back. Every read says `None` where too few are left, and
/// then moves nothing.
#[derive(Clone, Copy, Debug)]
pub struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    /// Starts at the first byte.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// How many bytes have been read.
    pub const fn position(&self) -> usize {
        self.at
    }

    /// How many bytes are left.
    pub fn remaining(&self) -> usize {
        self.bytes.len().saturating_sub(self.at)
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.remaining() == 0
    }

    /// All bytes that are left, without moving.
    pub fn rest(&self) -> &'a [u8] {
        super::rest(self.bytes, self.at)
    }

    /// The next byte.
    pub fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_be_bytes)
    }

    /// The next 16-bit number, big-endian.
    pub fn be16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    /// The next 24-bit number, big-endian.
    pub fn be24(&mut self) -> Option<u32> {
        self.array().map(|[a, b, c]| u32::from_be_bytes([0, a, b, c]))
    }

    /// The next 32-bit number, big-endian.
    pub fn be32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    /// The next 64-bit number, big-endian.
    pub fn be64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    /// The next 16-bit number, little-endian.
    pub fn le16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    /// The next 32-bit number, little-endian.
    pub fn le32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    /// The next 64-bit number, little-endian.
    pub fn le64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let array = super::array(self.bytes, self.at)?;
        self.at = self.at.saturating_add(N);
        Some(array)
    }

    /// The next `len` bytes.
    pub fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(len)?;
        let taken = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    /// Moves over `len` bytes.
    pub fn skip(&mut self, len: usize) -> Option<()> {
        self.take(len).map(|_| ())
    }

    /// A block behind an 8-bit length.
    pub fn block8(&mut self) -> Option<&'a [u8]> {
        let mut ahead = *self;
        let len = usize::from(ahead.u8()?);
        let block = ahead.take(len)?;
        *self = ahead;
        Some(block)
    }

    /// A block behind a big-endian 16-bit length.
    pub fn block16(&mut self) -> Option<&'a [u8]> {
        let mut ahead = *self;
        let len = usize::from(ahead.be16()?);
        let block = ahead.take(len)?;
        *self = ahead;
        Some(block)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_that_does_not_fit_moves_nothing() {
        let mut cursor = Cursor::new(&[0, 3, b'a', b'b']);
        assert_eq!(cursor.block16(), None);
        assert_eq!(cursor.position(), 0);
        assert_eq!(cursor.be16(), Some(3));
        assert_eq!(cursor.be32(), None);
        assert_eq!(cursor.take(2), Some(&b"ab"[..]));
        assert!(cursor.is_empty());
        assert_eq!(cursor.u8(), None);
        assert_eq!(cursor.take(usize::MAX), None);
    }
}
