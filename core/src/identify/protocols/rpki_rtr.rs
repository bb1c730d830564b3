//! The RPKI to Router protocol (RFC 8210), over TCP.
//!
//! ```text
//!  version(1: 0 to 2) type(1) session or zero(2) length(4) ...
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "rpki-rtr",
    title: "RPKI to Router",
    reference: "RFC 8210 section 5, RFC 6810 section 5",
    rests_on: "PDUs whose length belongs to their type.",
    blind_spots: "Over SSH or TLS it is only seen as those.",
    bits: 40.0,
    openings: Openings::Known(&[one_of(&[0, 1, 2])]),
    asks: over_tcp(|view| match_opened(view, &DETECTOR, 8, pdu)),
};

fn pdu(bytes: &[u8]) -> Option<Said> {
    let (version, kind, zero, len) =
        (u8_at(bytes, 0)?, u8_at(bytes, 1)?, be16(bytes, 2)?, be32(bytes, 4)?);
    let (role, exact, zeroed) = match kind {
        0 => (Role::Server, len == 12, false),
        1 => (Role::Client, len == 12, false),
        2 => (Role::Client, len == 8, true),
        3 => (Role::Server, len == 8, false),
        4 => (Role::Server, len == 20, true),
        6 => (Role::Server, len == 32, true),
        7 => (Role::Server, len == if version == 0 { 12 } else { 24 }, false),
        8 => (Role::Server, len == 8, true),
        // RFC 8210 section 5.10: announce or withdraw, a zero byte; key identifier, AS, a key
        9 => (
            Role::Server,
            (64..=512).contains(&len) && version > 0 && matches!(zero, 0 | 0x100),
            false,
        ),
        // Section 5.11: the PDU it is about, and a text, which fill it
        10 => {
            let about = be32(bytes, 8).is_none_or(|about| about <= len.saturating_sub(16));
            (Role::Either, (16..=1024).contains(&len) && zero <= 8 && about, false)
        }
        _ => return None,
    };
    if !exact || (zeroed && zero != 0) {
        return None;
    }
    // version, type, length; the zeros
    let bits = 6.4 + 4.6 + 30.0 + if zeroed { 16.0 } else { 0.0 };
    // Version 0 of any type is mostly zeros, as other protocols' heads are.
    let said = Said::new(index(len), role, bits, format!("RPKI to Router PDU {kind}"));
    Some(said.owned_if(version > 0 || matches!(kind, 2 | 4 | 6)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    #[test]
    fn pdus_are_named() {
        let talk = Talk::tcp()
            .a(hex("01 02 0000 00000008"))
            .b(hex("01 03 1234 00000008 01 04 0000 00000014 01181800 c0000200 0000fde8"));
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().a(hex("01 02 0000 00000009 00")).refused_by(&DETECTOR);
        Talk::tcp().a(hex("01 02 0001 00000008")).refused_by(&DETECTOR);
        Talk::tcp().a(hex("01 05 0000 00000008")).refused_by(&DETECTOR);
        Talk::tcp().a(hex("00 01 0000 0006 01 03 0000 0001")).refused_by(&DETECTOR);
        // a batch of TDS that resets its connection, cut
        let batch = hex("01 09 00a4 0000 01 00 16000000 12000000 0200 0000000000000000 01000000");
        Talk::tcp().a(&batch).refused_by(&DETECTOR);
        Talk::tcp().a([batch, [0x41, 0].repeat(80)].concat()).snapped(96).refused_by(&DETECTOR);
    }
}
