//! MMS (ISO 9506), as in IEC 61850, in TPKT and the OSI layers, over TCP.
//!
//! ```text
//!  TPKT  02 f0 80  0d|0e session ... 28 ca 22 02 ... (1.0.9506.2)          connection
//!                  01 00 01 00  61 length 30 length 02 01 context a0 length  MMS      data
//! ```

use crate::identify::ber::{element, tagged};
use crate::identify::prelude::*;
use crate::identify::tpkt::{self, TpduType};

pub(super) static DETECTOR: Detector = Detector {
    id: "mms",
    title: "MMS (ISO 9506, IEC 61850)",
    reference: "ISO 9506-2, IEC 61850-8-1 section 8; ISO 8327-1, ISO 8823-1; RFC 1006",
    rests_on: "MMS's object identifier in a session's start, or an MMS message where presentation puts \
               it.",
    blind_spots: "The connection request alone is X.224's. Other OSI applications are not told apart \
                  where they use MMS's message tags.",
    bits: 70.0,
    openings: Openings::Known(&[one_of(&[3])]),
    asks: over_tcp(|view| match_opened(view, &DETECTOR, 16, packet)),
};

/// 1.0.9506.2, of which the abstract syntax and the contexts are made.
const MMS_OBJECT: &[u8] = &[0x28, 0xca, 0x22, 0x02];

fn packet(bytes: &[u8]) -> Option<Said> {
    let packet = tpkt::read(bytes)?;
    let said =
        |role, bits, fact: String| Some(Said::new(packet.len, role, packet.bits + bits, fact));
    match packet.kind {
        TpduType::Request | TpduType::Confirm => {
            let role = if packet.kind == TpduType::Request { Role::Client } else { Role::Server };
            said(role, 0.0, "X.224 connection".to_owned()).map(Said::shared)
        }
        TpduType::Data => match packet.body {
            [kind @ (0x0d | 0x0e), ..] => {
                let named =
                    packet.body.windows(MMS_OBJECT.len()).take(300).any(|part| part == MMS_OBJECT);
                let role = if *kind == 0x0d { Role::Client } else { Role::Server };
                // The answer need not repeat the identifier.
                let word = if named { "MMS association" } else { "OSI session" };
                let bits = if named { 7.0 + 32.0 - 8.0 } else { 7.0 };
                said(role, bits, word.to_owned()).map(|said| said.owned_if(named))
            }
            [1, 0, 1, 0, ..] => {
                let (role, name) = data(rest(packet.body, 4))?;
                said(role, 32.0 + 8.0 + 8.0 + 24.0 + 8.0 + 4.0, format!("MMS {name}"))
            }
            _ => None,
        },
    }
}

/// Presentation's user data, with one value in it: who sends the MMS message, and its name.
fn data(bytes: &[u8]) -> Option<(Role, &'static str)> {
    let outer = tagged(bytes, 0x61)?;
    let list = tagged(outer.contents, 0x30).filter(|list| list.total() == outer.len)?;
    let context = tagged(list.contents, 2).filter(|context| context.len == 1)?;
    let value = tagged(rest(list.contents, context.total()), 0xa0)?;
    let fits = context.total().saturating_add(value.total()) == list.len;
    let message = element(prefix(value.contents, value.len)).ok()?;
    if !fits || message.total() != value.len {
        return None;
    }
    Some(match message.tag {
        0xa0 => (Role::Client, "confirmed request"),
        0xa1 => (Role::Server, "confirmed response"),
        0xa2 => (Role::Server, "confirmed error"),
        0xa3 => (Role::Server, "unconfirmed message"),
        0xa4 => (Role::Either, "reject"),
        0x8b => (Role::Either, "conclude request"),
        0x8c => (Role::Either, "conclude response"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    const READ: &str =
        "0300 001d 02 f0 80 01000100 61 10 30 0e 02 01 03 a0 09 a0 07 02 01 05 a4 02 a1 00";
    const ANSWER: &str =
        "0300 001d 02 f0 80 01000100 61 10 30 0e 02 01 03 a0 09 a1 07 02 01 05 a4 02 a1 00";

    #[test]
    fn messages_are_named() {
        let talk = Talk::tcp().midway().a(hex(READ)).b(hex(ANSWER));
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
        let start = hex("0300 0018 02 f0 80 0d 10 05 06 13 01 00 28 ca 22 02 01 00 00 00 00");
        Talk::tcp()
            .a(hex("0300 0016 11 e0 0000 0001 00 c0010a c1020001 c2020001"))
            .a(start)
            .named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().a(hex(&READ.replace("a0 09", "a0 08"))).refused_by(&DETECTOR);
        Talk::tcp().a(hex(&READ.replace("a0 07", "b7 07"))).refused_by(&DETECTOR);
        Talk::tcp()
            .a(hex("0300 0019 02 f0 80 32 01 0000 0400 0008 0000 f0 00 0001 0001 01e0"))
            .refused_by(&DETECTOR);
        Talk::tcp()
            .a(hex("0300 0016 11 e0 0000 0001 00 c00109 c1020100 c2020102"))
            .refused_by(&DETECTOR);
    }
}
