//! Netlink's messages (netlink(7)), which tell of sockets, addresses and interfaces: a header in the machine's
//! own byte order, a body, and padding to four bytes.

use portstory_core::internal::wire::Cursor;

pub(crate) const HEADER_BYTES: usize = 16;

/// The next message's type, sequence and body; the cursor moves to the one after, on a boundary of
/// four:
///
/// ```text
/// nlmsghdr | length u32 | type u16 | flags u16 | sequence u32 | port u32 |
/// ```
pub(crate) fn message<'a>(rest: &mut Cursor<'a>) -> Option<(u16, u32, &'a [u8])> {
    let len = usize::try_from(native32(rest)?).ok()?;
    let kind = native16(rest)?;
    rest.skip(2)?;
    let sequence = native32(rest)?;
    rest.skip(4)?;
    let body = rest.take(len.checked_sub(HEADER_BYTES)?)?;
    skip_padding(rest, len)?;
    Some((kind, sequence, body))
}

/// Moves to the boundary of four behind what has this length, or to the end.
pub(crate) fn skip_padding(rest: &mut Cursor<'_>, len: usize) -> Option<()> {
    let padding = len.next_multiple_of(4).saturating_sub(len);
    rest.skip(padding.min(rest.remaining()))
}

pub(crate) fn native16(cursor: &mut Cursor<'_>) -> Option<u16> {
    cursor.take(2)?.try_into().ok().map(u16::from_ne_bytes)
}

pub(crate) fn native32(cursor: &mut Cursor<'_>) -> Option<u32> {
    cursor.take(4)?.try_into().ok().map(u32::from_ne_bytes)
}
