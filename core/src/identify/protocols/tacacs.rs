//! TACACS+ (RFC 8907), over TCP.
//!
//! ```text
//!  version(1: c0, c1) type(1: 1 to 3) sequence(1) flags(1) session(4) length(4)  body, obfuscated
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "tacacs-plus",
    title: "TACACS+",
    reference: "RFC 8907 sections 4.1 and 4.5",
    rests_on: "The header of each packet: version, type, a sequence number that is odd from the client, \
               flags, and a short length.",
    blind_spots: "The body is obfuscated, so it proves nothing.",
    bits: 36.0,
    openings: Openings::Known(&[one_of(&[0xc0, 0xc1])]),
    asks: over_tcp(|view| match_opened(view, &DETECTOR, 12, packet)),
};

fn packet(bytes: &[u8]) -> Option<Said> {
    let [version, kind, sequence, flags] = array::<4>(bytes, 0)?;
    let len = index(be32(bytes, 8)?);
    // Section 4.1: minor version 1 is for authentication alone; sequence numbers start at 1.
    let fits = (1..=3).contains(&kind)
        && (1..=40).contains(&sequence)
        && flags & !0x05 == 0
        && (version == 0xc0 || kind == 1)
        && (5..=4096).contains(&len);
    let role = if sequence % 2 == 1 { Role::Client } else { Role::Server };
    let name = match kind {
        1 => "authentication",
        2 => "authorization",
        _ => "accounting",
    };
    // version, type, sequence, flags, length
    let bits = 7.0 + 6.4 + 2.7 + 6.0 + 20.0;
    fits.then(|| Said::new(len.saturating_add(12), role, bits, format!("TACACS+ {name}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    #[test]
    fn packets_are_named() {
        let talk = Talk::tcp()
            .a(hex("c0 01 01 00 11223344 00000006 010203040506"))
            .b(hex("c0 01 02 00 11223344 00000006 010203040506"));
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().a(hex("c0 04 01 00 11223344 00000006 010203040506")).refused_by(&DETECTOR);
        Talk::tcp().a(hex("c1 02 01 00 11223344 00000006 010203040506")).refused_by(&DETECTOR);
        Talk::tcp().a(hex("c0 01 01 00 11223344 00100006 010203040506")).refused_by(&DETECTOR);
        Talk::tcp().a(hex("c000 c000 c000 c000 c000 c000")).refused_by(&DETECTOR);
    }
}
