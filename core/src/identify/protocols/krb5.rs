//! Kerberos 5 (RFC 4120) over UDP, and over TCP behind a length of four bytes.
//!
//! ```text
//!  [APPLICATION 10..=30] length  30 length  [n] 02 01 05  [n+1] 02 01 type  ...
//! ```

use crate::identify::ber::{element, tagged};
use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "krb5",
    title: "Kerberos 5",
    reference: "RFC 4120 sections 5.4 to 5.9, 7.2.1 and 7.2.2",
    rests_on: "An application tag with lengths that fit each other, the version 5 and the message type \
               that belongs to the tag.",
    blind_spots: "Kerberos inside of other protocols (GSSAPI) is theirs; version 4.",
    bits: 60.0,
    openings: Openings::Known(&[
        within(&[(0x6a, 0x6f), (0x7e, 0x7e)]).at(4).tcp(),
        within(&[(0x0c, 0x7f), (0x81, 0x84)]).at(5).tcp(),
        // The sequence's contents start 4 to 12 bytes behind the first tag.
        one_of(&[1, 2, 3, 5, 0xa0, 0xa1, 0xa2]).at(16).tcp(),
        mixed(&[(10, 15)], &[1, 2, 3, 5, 30, 0xa1, 0xa2]).at(17).tcp(),
        within(&[(0x6a, 0x6f), (0x7e, 0x7e)]).udp(),
        within(&[(0x0c, 0x7f), (0x81, 0x84)]).at(1).udp(),
        one_of(&[1, 2, 3, 5, 0xa0, 0xa1, 0xa2]).at(12).udp(),
        mixed(&[(10, 15)], &[1, 2, 3, 5, 30, 0xa1, 0xa2]).at(13).required().udp(),
    ]),
    asks: over_both(probe),
};

/// Bytes of the shortest message and its length.
const SHORTEST: usize = 26;

fn probe(view: &FlowView<'_>) -> Probe {
    let stream = |bytes: &[u8], _| from_header(bytes, SHORTEST, framed);
    match_messages(view, stream, |datagram| message(datagram.bytes))
}

fn framed(bytes: &[u8]) -> Option<Said> {
    // The highest bit is reserved, and must be zero.
    let len = index(be32(bytes, 0)?);
    let inner = message(rest(bytes, 4)).filter(|inner| inner.len == len)?;
    Some(inner.of_len(len.saturating_add(4)))
}

fn message(bytes: &[u8]) -> Option<Said> {
    let outer = element(bytes).ok()?;
    let (role, name, kind) = match outer.tag {
        0x6a => (Role::Client, "AS-REQ", 10),
        0x6b => (Role::Server, "AS-REP", 11),
        0x6c => (Role::Client, "TGS-REQ", 12),
        0x6d => (Role::Server, "TGS-REP", 13),
        0x6e => (Role::Client, "AP-REQ", 14),
        0x6f => (Role::Server, "AP-REP", 15),
        0x7e => (Role::Server, "KRB-ERROR", 30),
        _ => return None,
    };
    let sequence = tagged(outer.contents, 0x30).filter(|inner| inner.total() == outer.len)?;
    // KDC-REQ starts with tag 1, all others with tag 0.
    let start = if matches!(kind, 10 | 12) { 0xa1 } else { 0xa0 };
    let version = small(sequence.contents, start)?;
    let named = small(rest(sequence.contents, 5), start.wrapping_add(1))?;
    if (version, named) != (5, kind) {
        return None;
    }
    // tag, sequence with its length, two times tag, length, tag, length, value
    Some(Said::new(outer.total(), role, 5.2 + 16.0 + 40.0 + 40.0, format!("Kerberos {name}")))
}

/// `[tag] 03 02 01 value`
fn small(bytes: &[u8], tag: u8) -> Option<u8> {
    match *bytes.first_chunk::<5>()? {
        [found, 3, 2, 1, value] if found == tag => Some(value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    const REQUEST: &str = "6a 16 30 14 a1 03 02 01 05 a2 03 02 01 0a a4 08 30 06 a0 04 03 02 00 00";
    const ERROR: &str = "7e 16 30 14 a0 03 02 01 05 a1 03 02 01 1e a6 03 02 01 19 a9 03 1b 01 41";

    #[test]
    fn request_and_error_are_named() {
        let talk = Talk::udp().a(hex(REQUEST)).b(hex(ERROR));
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
    }

    #[test]
    fn streams_have_lengths() {
        let framed = |text| [hex("00000018"), hex(text), vec![0; 8]].concat();
        let whole = |text| framed(text)[..28].to_vec();
        let two = [whole(REQUEST), whole(REQUEST)].concat();
        Talk::tcp().a(two).b([whole(ERROR), whole(ERROR)].concat()).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        // another version, another type than the tag's, lengths that don't fit; LDAP
        Talk::udp().a(hex(&REQUEST.replace("01 05", "01 04"))).refused_by(&DETECTOR);
        Talk::udp().a(hex(&REQUEST.replace("01 0a", "01 0b"))).refused_by(&DETECTOR);
        Talk::udp().a(hex(&REQUEST.replace("30 14", "30 13"))).refused_by(&DETECTOR);
        Talk::udp().a(hex("30 0c 02 01 01 60 07 02 01 03 04 00 80 00")).refused_by(&DETECTOR);
    }
}
