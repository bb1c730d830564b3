//! ASN.1's basic and distinguished encoding (X.690 section 8.1), as far as detectors need it.

use crate::identify::side_match::MessageError::{Not, Short};
use crate::identify::side_match::SideMatch;
use crate::wire::{array, be16, be24, be32, index, prefix, rest, u8_at};

/// One element: its tag's first byte, and as much of its contents as was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Element<'a> {
    pub(super) tag: u8,
    /// Bytes of tag and length.
    pub(super) header: usize,
    /// Bytes of contents on the wire.
    pub(super) len: usize,
    pub(super) contents: &'a [u8],
}

impl Element<'_> {
    /// Bytes on the wire, all in all.
    pub(super) fn total(&self) -> usize {
        self.header.saturating_add(self.len)
    }

    /// Whether all of it was seen.
    pub(super) fn is_whole(&self) -> bool {
        self.contents.len() == self.len
    }
}

/// The element at the front. Tags of more than three bytes and lengths without end are foreign here.
pub(super) fn element(bytes: &[u8]) -> SideMatch<Element<'_>> {
    let [tag, first] = array(bytes, 0).ok_or(Short)?;
    // Numbers of 31 and more stand in further bytes (section 8.1.2.4); one or two are believed.
    let extra = match (tag & 0x1f == 0x1f, first & 0x80 != 0) {
        (false, _) => 0,
        (true, false) => 1,
        (true, true) => 2,
    };
    let at = 1_usize.saturating_add(extra);
    if extra == 2 && u8_at(bytes, 2).is_some_and(|byte| byte & 0x80 != 0) {
        return Err(Not);
    }
    let Some(first) = u8_at(bytes, at) else { return Err(Short) };
    let behind = at.saturating_add(1);
    let (more, len) = match first {
        0..=0x7f => (0, Some(usize::from(first))),
        0x81 => (1, u8_at(bytes, behind).map(usize::from)),
        0x82 => (2, be16(bytes, behind).map(usize::from)),
        0x83 => (3, be24(bytes, behind).map(index)),
        0x84 => (4, be32(bytes, behind).map(index)),
        _ => return Err(Not),
    };
    let Some(len) = len else { return Err(Short) };
    let header = behind.saturating_add(more);
    let contents = prefix(rest(bytes, header), len);
    Ok(Element { tag, header, len, contents })
}

/// The element at the front, of this tag.
pub(super) fn tagged(bytes: &[u8], tag: u8) -> Option<Element<'_>> {
    element(bytes).ok().filter(|found| found.tag == tag)
}

/// The elements one behind the other, as far as they were seen; `None` where they don't end where
/// the bytes do, and those are all.
pub(super) fn elements<'a>(bytes: &'a [u8], whole: bool) -> Option<Vec<Element<'a>>> {
    let mut found: Vec<Element<'a>> = Vec::new();
    let mut at = 0_usize;
    while at < bytes.len() && found.len() < ELEMENTS_MAX {
        match element(rest(bytes, at)) {
            Ok(next) if next.is_whole() || !whole => {
                at = at.saturating_add(next.total());
                found.push(next);
            }
            Err(Short) if !whole => break,
            Ok(_) | Err(Short) | Err(Not) => return None,
        }
    }
    Some(found)
}

/// More elements of one message are not looked at.
const ELEMENTS_MAX: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_all_forms_are_read() {
        for (bytes, header, len) in [
            (&[0x30_u8, 2, 1, 2][..], 2, 2),
            (&[0x30, 0x81, 2, 1, 2], 3, 2),
            (&[0x30, 0x84, 0, 0, 0, 2, 1, 2], 6, 2),
        ] {
            let found = tagged(bytes, 0x30).unwrap();
            assert_eq!((found.header, found.len, found.contents), (header, len, &[1_u8, 2][..]));
            assert!(found.is_whole());
        }
        assert_eq!(element(&[0x30]), Err(Short));
        assert_eq!(element(&[0x30, 0x80, 0]), Err(Not));
        assert_eq!(element(&[0x9f, 0x6e, 1, 7]), tagged(&[0x9f, 0x6e, 1, 7], 0x9f).ok_or(Short));
        assert_eq!(tagged(&[0x9f, 0x81, 1, 1, 7], 0x9f).unwrap().contents, [7]);
        assert_eq!(element(&[0x1f, 0x81, 0x81, 0, 0]), Err(Not));
        assert_eq!(elements(&[2, 1, 5, 4, 9], true), None);
        assert_eq!(elements(&[2, 1, 5, 4, 9], false).unwrap().len(), 2);
    }
}
