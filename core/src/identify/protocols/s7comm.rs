//! Siemens S7 communication, in TPKT and X.224, over TCP.
//!
//! ```text
//!  TPKT  02 f0 80  32 kind(1) 0000 number(2) parameters(2) data(2) [error(2)] ...
//!                  72 version(1) length(2) ... 72 version 0000                     S7comm-plus
//! ```

use crate::identify::prelude::*;
use crate::identify::tpkt::{self, TpduType};

pub(super) static DETECTOR: Detector = Detector {
    id: "s7comm",
    title: "S7 communication (Siemens)",
    reference: "RFC 1006, X.224 section 13; S7 header as public dissectors and libraries describe it",
    rests_on: "A data packet whose S7 header has lengths that fill it, or S7comm-plus's mark and length.",
    blind_spots: "The connection request alone is X.224's, and MMS's and RDP's as well.",
    bits: 60.0,
    openings: Openings::Known(&[one_of(&[3])]),
    asks: over_tcp(|view| match_opened(view, &DETECTOR, 20, packet)),
};

fn packet(bytes: &[u8]) -> Option<Said> {
    let packet = tpkt::read(bytes)?;
    let body = packet.body;
    let (fits, role, bits, fact) = match packet.kind {
        TpduType::Request | TpduType::Confirm => {
            // TPDU size and both transport selectors
            let found = tpkt::parameters(body)?;
            let known = |code: u8| found.iter().any(|(one, _)| *one == code);
            let role = if packet.kind == TpduType::Request { Role::Client } else { Role::Server };
            (known(0xc1) && known(0xc2), role, 16.0, "X.224 connection")
        }
        TpduType::Data => {
            let left = packet.len - tpkt::HEADER - 3;
            match (u8_at(body, 0)?, u8_at(body, 1)?) {
                (0x32, kind @ (1 | 2 | 3 | 7)) => {
                    let header = if matches!(kind, 2 | 3) { 12 } else { 10 };
                    let sizes =
                        usize::from(be16(body, 6)?).saturating_add(usize::from(be16(body, 8)?));
                    let role = match kind {
                        1 => Role::Client,
                        2 | 3 => Role::Server,
                        _ => Role::Either,
                    };
                    let fits = be16(body, 2)? == 0 && sizes.saturating_add(header) == left;
                    (fits, role, 8.0 + 6.0 + 16.0 + 16.0, "S7 message")
                }
                (0x72, 1..=3 | 0xfe) => {
                    let fits = usize::from(be16(body, 2)?).saturating_add(4) <= left;
                    (fits, Role::Either, 8.0 + 6.0 + 8.0, "S7comm-plus message")
                }
                _ => return None,
            }
        }
    };
    let own = packet.kind == TpduType::Data;
    fits.then(|| Said::new(packet.len, role, packet.bits + bits, fact).owned_if(own))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    const SETUP: &str = "0300 0019 02 f0 80 32 01 0000 0400 0008 0000 f0 00 0001 0001 01e0";
    const ANSWER: &str = "0300 001b 02 f0 80 32 03 0000 0400 0008 0000 0000 f0 00 0001 0001 00f0";

    #[test]
    fn messages_are_named() {
        let talk = Talk::tcp()
            .a(hex("0300 0016 11 e0 0000 0001 00 c00109 c1020100 c2020102"))
            .b(hex("0300 0016 11 d0 0001 0002 00 c00109 c1020100 c2020102"))
            .a(hex(SETUP))
            .b(hex(ANSWER));
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
        Talk::tcp().midway().a(hex(SETUP)).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp()
            .a(hex("0300 0016 11 e0 0000 0001 00 c00109 c1020100 c2020102"))
            .refused_by(&DETECTOR);
        Talk::tcp().a(hex(&SETUP.replace("0008 0000", "0009 0000"))).refused_by(&DETECTOR);
        Talk::tcp().a(hex(&SETUP.replace("32 01", "33 01"))).refused_by(&DETECTOR);
        Talk::tcp()
            .a(hex("0300 0013 0e e0 0000 0000 00 01 00 0800 03000000"))
            .refused_by(&DETECTOR);
    }
}
