//! Names as DNS and NetBIOS write them, for the name services of a link (RFC 1035 section 3.1, RFC 1001
//! section 14.1). Knows no protocol.

use crate::wire::{Cursor, from_wire, rest, u8_at};

/// Bytes of a DNS message's header.
pub(super) const HEADER: usize = 12;

/// A name's last two labels, and how many it has.
#[derive(Default)]
pub(super) struct Name<'a> {
    pub(super) first: &'a [u8],
    pub(super) last: &'a [u8],
    pub(super) last_but_one: &'a [u8],
    pub(super) labels: usize,
}

/// RFC 1035 section 3.1; a first name has nothing before it to point to.
pub(super) fn read_name<'a>(cursor: &mut Cursor<'a>) -> Option<Name<'a>> {
    let mut name = Name::default();
    loop {
        let label = cursor.block8().filter(|label| label.len() < 64)?;
        if label.is_empty() {
            return Some(name);
        }
        if name.labels == 0 {
            name.first = label;
        }
        name.last_but_one = name.last;
        name.last = label;
        name.labels = name.labels.saturating_add(1).min(128);
    }
}

/// The first name of a message, for people.
pub(super) fn dotted(bytes: &[u8]) -> Box<str> {
    let mut cursor = Cursor::new(rest(bytes, HEADER));
    let mut name = Vec::new();
    while let Some(label) = cursor.block8().filter(|label| !label.is_empty()) {
        if !name.is_empty() {
            name.push(b'.');
        }
        name.extend_from_slice(label);
    }
    from_wire(&name)
}

pub(super) fn is_netbios_letters(label: &[u8]) -> bool {
    label.iter().all(|byte| (b'A'..=b'P').contains(byte))
}

/// RFC 1001 section 14.1: half a byte a letter.
pub(super) fn has_netbios_name(bytes: &[u8], at: usize) -> bool {
    u8_at(bytes, at) == Some(32)
        && rest(bytes, at.saturating_add(1)).get(..32).is_some_and(is_netbios_letters)
}
