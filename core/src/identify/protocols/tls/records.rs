//! TLS's record layer (RFC 8446 section 5.1, RFC 5246 section 6.2.1), seen from outside.
//!
//! ```text
//!  type(1)  20 change_cipher_spec, 21 alert, 22 handshake, 23 application_data, 24 heartbeat
//!  version(2)  3.0 to 3.4
//!  length(2)   1 to 2^14 + 2048
//! ```

use std::borrow::Cow;

use crate::wire::{be16, prefix, rest, u8_at};

pub(super) const ALERT: u8 = 21;
pub(super) const HANDSHAKE: u8 = 22;
pub(super) const APPLICATION_DATA: u8 = 23;

/// Bytes of a record's header.
pub(super) const HEADER: usize = 5;

/// RFC 5246 section 6.2.3: ciphertext may be that much longer than 2^14 bytes of plaintext.
const LENGTH_MAX: u16 = (1 << 14) + 2048;

/// -log2 of the chance that five random bytes are a header: 5 types, 5 versions, the lengths.
pub(super) const FIRST_BITS: f32 = 5.7 + 13.7 + 1.8;

/// The same for a header whose version must be the one before.
pub(super) const NEXT_BITS: f32 = 5.7 + 16.0 + 1.8;

/// A record's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: u8,
    pub(super) version: u16,
    pub(super) len: usize,
}

impl Header {
    /// Reads the header at `at`; `None` if fewer than five bytes are there, or no record starts so.
    pub(super) fn read(stream: &[u8], at: usize) -> Option<Self> {
        let kind = u8_at(stream, at)?;
        let version = be16(stream, at.checked_add(1)?)?;
        let len = be16(stream, at.checked_add(3)?)?;
        let fits = match kind {
            20 => len == 1,
            ALERT => len == 2 || (16..=288).contains(&len),
            HANDSHAKE..=24 => (1..=LENGTH_MAX).contains(&len),
            _ => false,
        };
        let known = matches!(version, 0x0300..=0x0304);
        (fits && known).then(|| Self { kind, version, len: usize::from(len) })
    }

    /// Whether a record's header may start with these bytes, of which there are fewer than five.
    pub(super) fn may_start(stream: &[u8]) -> bool {
        stream.first().is_none_or(|kind| (20..=24).contains(kind))
            && stream.get(1).is_none_or(|major| *major == 3)
            && stream.get(2).is_none_or(|minor| *minor <= 4)
    }
}

/// Consecutive records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Walk {
    /// How many whole headers stand one behind the other.
    pub(super) headers: u16,
    /// Version field of the last of them.
    pub(super) version: u16,
    /// The last record ends where the stream ends.
    pub(super) ends: bool,
}

/// Follows records from `at` on, as far as the stream goes. `None` where one is no record.
pub(super) fn walk(stream: &[u8], at: usize) -> Option<Walk> {
    let first = Header::read(stream, at)?;
    let mut found = Walk { headers: 0, version: first.version, ends: false };
    let mut next = at;
    while let Some(header) = Header::read(stream, next) {
        if header.version != first.version {
            return None;
        }
        found.headers = found.headers.saturating_add(1);
        next = next.saturating_add(HEADER).saturating_add(header.len);
    }
    found.ends = next == stream.len();
    let tail = rest(stream, next);
    (tail.len() < HEADER && Header::may_start(tail)).then_some(found)
}

/// The handshake bytes in the records at the start of the stream, as many as `wanted` or fewer:
/// a message may be split over records. `None` where another record stands among them.
pub(super) fn handshake_bytes(stream: &[u8], wanted: usize) -> Option<Cow<'_, [u8]>> {
    let first = Header::read(stream, 0)?;
    let body = prefix(rest(stream, HEADER), first.len);
    if first.len >= wanted || body.len() < first.len {
        return Some(Cow::Borrowed(body));
    }
    let mut joined = body.to_vec();
    let mut at = HEADER.saturating_add(first.len);
    while joined.len() < wanted {
        let tail = rest(stream, at);
        if tail.len() < HEADER {
            break;
        }
        let header = Header::read(tail, 0).filter(|header| header.kind == HANDSHAKE)?;
        joined.extend_from_slice(prefix(rest(tail, HEADER), header.len));
        at = at.saturating_add(HEADER).saturating_add(header.len);
    }
    Some(Cow::Owned(joined))
}

/// Where the record ends in which that many handshake bytes are there, or the last that is one.
pub(super) fn end_of(stream: &[u8], wanted: usize) -> usize {
    let (mut at, mut bytes) = (0_usize, 0_usize);
    while bytes < wanted {
        let Some(header) = Header::read(stream, at).filter(|header| header.kind == HANDSHAKE)
        else {
            break;
        };
        bytes = bytes.saturating_add(header.len);
        at = at.saturating_add(HEADER).saturating_add(header.len);
    }
    at
}

/// Handshake bytes from the start of a stream on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Flight<'a> {
    /// As far as they were seen.
    pub(super) bytes: Cow<'a, [u8]>,
    /// Something else follows: there will be no more of them.
    pub(super) ended: bool,
}

/// The handshake bytes in the records at the start of the stream, up to the first other record.
pub(super) fn flight(stream: &[u8]) -> Flight<'_> {
    let mut found = Flight { bytes: Cow::Borrowed(&[]), ended: false };
    let mut at = 0_usize;
    while rest(stream, at).len() >= HEADER {
        let Some(header) = Header::read(stream, at).filter(|header| header.kind == HANDSHAKE)
        else {
            found.ended = true;
            break;
        };
        let body = prefix(rest(stream, at.saturating_add(HEADER)), header.len);
        if at == 0 {
            found.bytes = Cow::Borrowed(body);
        } else {
            found.bytes.to_mut().extend_from_slice(body);
        }
        at = at.saturating_add(HEADER).saturating_add(header.len);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_followed_to_the_end() {
        let stream = [23, 3, 3, 0, 1, 9, 23, 3, 3, 0, 2, 8, 8, 23, 3];
        assert_eq!(walk(&stream, 0), Some(Walk { headers: 2, version: 0x0303, ends: false }));
        assert_eq!(walk(&stream[..13], 0).map(|walk| walk.ends), Some(true));
        assert_eq!(walk(&stream[..8], 0).map(|walk| walk.headers), Some(1));
        let mixed = [23, 3, 3, 0, 1, 9, 23, 3, 1, 0, 2, 8, 8];
        assert_eq!(walk(&mixed, 0), None);
        let broken = [23, 3, 3, 0, 1, 9, 99];
        assert_eq!(walk(&broken, 0), None);
    }

    #[test]
    fn a_flight_ends_with_another_record() {
        let stream = [22, 3, 1, 0, 2, 1, 0, 22, 3, 1, 0, 3, 0, 9, 7, 20, 3, 3, 0, 1, 1];
        let found = flight(&stream);
        assert_eq!((&*found.bytes, found.ended), (&[1, 0, 0, 9, 7][..], true));
        let found = flight(&stream[..14]);
        assert_eq!((&*found.bytes, found.ended), (&[1, 0, 0, 9][..], false));
        assert!(matches!(flight(&stream[..7]).bytes, Cow::Borrowed([1, 0])));
    }

    #[test]
    fn a_message_is_joined_over_records() {
        let stream = [22, 3, 1, 0, 2, 1, 0, 22, 3, 1, 0, 3, 0, 9, 7];
        assert_eq!(handshake_bytes(&stream, 13).as_deref(), Some(&[1, 0, 0, 9, 7][..]));
        assert_eq!(handshake_bytes(&stream, 2).as_deref(), Some(&[1, 0][..]));
        let foreign = [22, 3, 1, 0, 2, 1, 0, 23, 3, 1, 0, 3, 0, 9, 7];
        assert_eq!(handshake_bytes(&foreign, 13), None);
    }
}
