//! Finds the next sound block behind a damaged one.
//!
//! A block is believed where its type is known and its length, in front and behind, agrees: chance
//! does that once in about 2^58 positions. An embedded capture (a pcapng file that was itself
//! transferred) can deceive it, which the notice on the damage leaves to the reader. It does no I/O.

use super::pcapng::{
    BLOCK_BYTES_MIN, ENHANCED_PACKET, INTERFACE, NAMES, PACKET, SECTION, SIMPLE_PACKET, STATISTICS,
    byte_order,
};
use super::walk::number_32;
use portstory_core::internal::wire;
use portstory_core::internal::wire::index;

/// The largest block that is looked for, in bytes: above the longest packet that is common, and
/// small enough to look at it whole wherever it might begin.
pub(super) const FOUND_BYTES_MAX: usize = 256 * 1024;

/// Bytes that should be in the buffer for a search: then each search moves on by half of them.
pub(super) const WINDOW_BYTES: usize = 2 * FOUND_BYTES_MAX;

/// How far a search came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Search {
    /// A sound block begins behind so many bytes.
    Found(usize),
    /// None begins within so many bytes.
    NotWithin(usize),
}

/// Looks for a block in `bytes`, in the byte order of the section; `ended` where nothing follows.
pub(super) fn search(bytes: &[u8], big: bool, ended: bool) -> Search {
    let sure = if ended { bytes.len() } else { bytes.len().saturating_sub(FOUND_BYTES_MAX) };
    let is_block = |at: &usize| {
        let rest = wire::rest(bytes, *at);
        if big { is_block::<true>(rest) } else { is_block::<false>(rest) }
    };
    (0..sure).find(is_block).map_or(Search::NotWithin(sure), Search::Found)
}

fn is_block<const BIG: bool>(bytes: &[u8]) -> bool {
    let Some(&[k0, k1, k2, k3, a, b, c, d]) = bytes.first_chunk::<8>() else { return false };
    match number_32::<BIG>([k0, k1, k2, k3]) {
        SECTION => match wire::array(bytes, 8).and_then(byte_order) {
            Some(true) => ends_as_it_begins(bytes, number_32::<true>([a, b, c, d])),
            Some(false) => ends_as_it_begins(bytes, number_32::<false>([a, b, c, d])),
            None => false,
        },
        INTERFACE | PACKET | SIMPLE_PACKET | NAMES | STATISTICS | ENHANCED_PACKET => {
            ends_as_it_begins(bytes, number_32::<BIG>([a, b, c, d]))
        }
        _ => false,
    }
}

fn ends_as_it_begins(bytes: &[u8], len: u32) -> bool {
    let len = index(len);
    if !(BLOCK_BYTES_MIN..=FOUND_BYTES_MAX).contains(&len) || !len.is_multiple_of(4) {
        return false;
    }
    let front: Option<[u8; 4]> = wire::array(bytes, 4);
    front.is_some() && front == wire::array(bytes, len - 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(kind: u8, body: &[u8]) -> Vec<u8> {
        let len = u8::try_from(body.len() + 12).unwrap();
        let mut block = vec![kind, 0, 0, 0, len, 0, 0, 0];
        block.extend(body);
        block.extend([len, 0, 0, 0]);
        block
    }

    #[test]
    fn it_finds_a_block_at_any_offset() {
        for junk in 0..9 {
            let mut bytes = vec![6; junk];
            bytes.extend(block(6, &[0; 24]));
            assert_eq!(search(&bytes, false, true), Search::Found(junk));
            assert_eq!(search(&bytes, true, true), Search::NotWithin(bytes.len()));
        }
    }

    #[test]
    fn it_does_not_believe_lengths_that_differ_or_unknown_types() {
        let mut bytes = block(6, &[0; 24]);
        bytes[4] = 40;
        assert_eq!(search(&bytes, false, true), Search::NotWithin(36));
        assert_eq!(search(&block(9, &[0; 24]), false, true), Search::NotWithin(36));
    }

    #[test]
    fn it_waits_for_what_it_cannot_see_whole() {
        let bytes = vec![0; WINDOW_BYTES];
        assert_eq!(search(&bytes, false, false), Search::NotWithin(FOUND_BYTES_MAX));
    }
}
