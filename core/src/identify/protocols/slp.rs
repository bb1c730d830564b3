//! SLP versions 1 and 2 (RFC 2165, RFC 2608), over UDP and TCP.
//!
//! ```text
//!  1 function length(16) | O M U A F 0(3) dialect language(16) | encoding(16) xid(16)
//!  2 function length(24) | O F R 0(13) next extension(24) xid(16) | length(16) language tag
//! ```

use crate::identify::openings::word;
use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "slp",
    title: "Service Location Protocol",
    reference: "RFC 2608 section 8, RFC 2165 section 4.1",
    rests_on: "A version with a known function, a length that is the datagram's, reserved bits of zero, \
               and a language in letters.",
    blind_spots: "Nothing known.",
    bits: 32.0,
    openings: Openings::Known(&[
        one_of(&[1, 2]),
        within(&[(1, 11)]).at(1),
        one_of(&[0, 0x20, 0x40, 0x60, 0x80, 0xa0, 0xc0, 0xe0]).at(5),
        // version 1's language, version 2's reserved bits
        word(b"-\0").at(6).tcp(),
        word(b"-\0").at(6).required().udp(),
    ]),
    asks: over_both(probe),
};

fn probe(view: &FlowView<'_>) -> Probe {
    probe_both(view, |bytes| {
        let said = match u8_at(bytes, 0).ok_or(Short)? {
            1 => read_one(Cursor::new(bytes)),
            2 => read_two(Cursor::new(bytes)),
            _ => return Err(Not),
        };
        // What is too short for a header is cut, or yet to come.
        said.ok_or(short_if(bytes.len() < 18))
    })
}

fn is_language(tag: &[u8]) -> bool {
    (1..=17).contains(&tag.len())
        && tag.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
}

/// RFC 2608 section 8
fn role(function: u8) -> Option<(Role, &'static str)> {
    match function {
        1 => Some((Role::Client, "service request")),
        2 => Some((Role::Server, "service reply")),
        3 => Some((Role::Client, "registration")),
        4 => Some((Role::Client, "deregistration")),
        5 => Some((Role::Server, "acknowledgement")),
        6 => Some((Role::Client, "attribute request")),
        7 => Some((Role::Server, "attribute reply")),
        8 => Some((Role::Server, "agent advertisement")),
        9 => Some((Role::Client, "service type request")),
        10 => Some((Role::Server, "service type reply")),
        11 => Some((Role::Server, "service agent advertisement")),
        _ => None,
    }
}

fn read_one(mut cursor: Cursor<'_>) -> Option<Said> {
    cursor.skip(1)?;
    let (role, what) = role(cursor.u8()?)?;
    let len = usize::from(cursor.be16()?);
    let (flags, dialect) = (cursor.u8()?, cursor.u8()?);
    let language = cursor.take(2)?;
    let encoding = cursor.be16()?;
    // RFC 2165 section 4.1: dialect 0; IANA's numbers of character sets
    let fits = flags & 0x07 == 0
        && dialect == 0
        && is_language(language)
        && matches!(encoding, 3..=120 | 1000..=1020)
        && len >= 12;
    // version, function, flags, dialect, language, encoding
    let bits = 8.0 + 4.5 + 3.0 + 8.0 + 4.0 + 8.0;
    let fact = || format!("SLP version 1, {what}");
    fits.then(|| Said::new(len, role, bits, fact()).shown(Spot::datagram(0, 0, 12)))
}

fn read_two(mut cursor: Cursor<'_>) -> Option<Said> {
    cursor.skip(1)?;
    let (role, what) = role(cursor.u8()?)?;
    let len = index(cursor.be24()?);
    let flags = cursor.be16()?;
    let extension = index(cursor.be24()?);
    cursor.skip(2)?;
    let language = cursor.block16()?;
    let fits = flags & 0x1fff == 0 && extension < len.max(1) && is_language(language) && len >= 16;
    // version, function, flags, the language's length and letters
    let bits = 8.0 + 4.5 + 13.0 + 12.0 + 4.0;
    let fact = || format!("SLP version 2, {what}");
    fits.then(|| Said::new(len, role, bits, fact()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    const TWO: &str = "02 01 000018 0000 000000 1a2b 0002 656e 0000 0000 0000 0000";
    const REPLY: &str = "02 02 000014 0000 000000 1a2b 0002 656e 0000 0000";
    const ONE: &str = "01 01 0014 00 00 656e 0003 1a2b 0000 0000 0000 0000";

    #[test]
    fn messages_are_named_from_each_side() {
        for talk in [Talk::udp(), Talk::tcp()] {
            let talk = talk.a(hex(TWO)).b(hex(REPLY));
            assert_eq!(talk.named_by(&DETECTOR).client, Some(Side::A));
            talk.only(Side::B).named_by(&DETECTOR);
        }
        Talk::udp().a(hex(ONE)).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        for (from, to) in
            [("000018", "000019"), ("02 01", "02 0c"), ("656e", "0102"), ("0000 00", "0001 00")]
        {
            Talk::udp().a(hex(&TWO.replacen(from, to, 1))).refused_by(&DETECTOR);
        }
        Talk::udp().a(hex(&ONE.replace("656e", "0000"))).refused_by(&DETECTOR);
        Talk::udp().a(hex("01000000")).refused_by(&DETECTOR);
    }
}
