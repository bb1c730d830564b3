//! H.323's call signalling (H.225.0 in Q.931 messages), over TCP.
//!
//! ```text
//!  TPKT 03 00 length(2)  08 02 reference(2) message(1)  elements: id(1) length(1) value ...
//!  user-user element 7e length(2) 05 ...
//! ```
//!
//! H.245 and RAS are in packed encoding: they have nothing that shows by itself.

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "h323",
    title: "H.323 call signalling",
    reference: "ITU-T H.225.0 section 7.2, ITU-T Q.931 sections 4.2 to 4.5, RFC 1006",
    rests_on: "A Q.931 message in TPKT whose elements follow each other, with the user-user element.",
    blind_spots: "H.245 channels of their own port, and RAS over UDP.",
    bits: 60.0,
    openings: Openings::Known(&[one_of(&[3]), one_of(&[0]).at(1), one_of(&[8]).at(4)]),
    asks: over_tcp(|view| match_opened(view, &DETECTOR, 12, message)),
};

fn message(bytes: &[u8]) -> Option<Said> {
    let len = usize::from(be16(bytes, 2)?);
    let packet = prefix(rest(bytes, 4), len.checked_sub(4)?);
    let [8, 2] = *packet.first_chunk::<2>()? else { return None };
    let kind = u8_at(packet, 4)?;
    let name = match kind {
        0x01 => "alerting",
        0x02 => "call proceeding",
        0x03 => "progress",
        0x05 => "setup",
        0x07 => "connect",
        0x0d => "setup acknowledge",
        0x5a => "release complete",
        0x62 => "facility",
        0x6e => "notify",
        0x75 | 0x7d => "status",
        0x7b => "information",
        _ => return None,
    };
    // The reference's flag is set by the side that did not allocate it: the one that is called.
    let role = if u8_at(packet, 2)? & 0x80 == 0 { Role::Client } else { Role::Server };
    let whole = packet.len() == len - 4;
    let has_user = elements(rest(packet, 5), whole)?;
    let bits = 16.0 + 16.0 + 4.5 + if has_user { 16.0 + 8.0 } else { 4.0 };
    Some(Said::new(len, role, bits, format!("H.225 {name}")).owned_if(has_user))
}

/// Whether the user-user element was met; `None` where the elements don't end with the message.
fn elements(bytes: &[u8], whole: bool) -> Option<bool> {
    let mut cursor = Cursor::new(bytes);
    while let Some(id) = cursor.u8() {
        if id == 0x7e {
            // H.225.0 section 7.2.2.3: a length of two bytes, protocol discriminator 5 (X.680).
            let len = usize::from(cursor.be16()?);
            let ends = if whole { len == cursor.remaining() } else { len >= cursor.remaining() };
            return (ends && cursor.u8() == Some(5)).then_some(true);
        }
        // Single bytes have the upper bit.
        if id & 0x80 == 0 && cursor.block8().is_none() {
            return (!whole).then_some(false);
        }
    }
    Some(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    const SETUP: &str = "0300 001c 08 02 1234 05 04 03 8893a5 28 03 414243 7e 0006 05 2090060008";
    const CONNECT: &str = "0300 0010 08 02 9234 07 7e 0004 05 229006";

    #[test]
    fn calls_are_named() {
        let talk = Talk::tcp().a(hex(SETUP)).b(hex(CONNECT));
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().a(hex(&SETUP.replace("7e 0006 05", "7e 0006 04"))).refused_by(&DETECTOR);
        Talk::tcp().a(hex(&SETUP.replace("1234 05", "1234 99"))).refused_by(&DETECTOR);
        Talk::tcp()
            .a(hex("0300 0016 11 e0 0000 0001 00 c00109 c1020100 c2020102"))
            .refused_by(&DETECTOR);
        Talk::tcp().a(hex("0300 0010 08 02 9234 07 01 02 03 04 05 06 07")).refused_by(&DETECTOR);
    }
}
