//! FCIP (RFC 3821) and iFCP (RFC 4172), both with the frame encapsulation of RFC 3643, over TCP.

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "fcip",
    title: "FCIP and iFCP",
    reference: "RFC 3643 section 3.1 (FC frame encapsulation), RFC 3821, RFC 4172",
    rests_on: "The encapsulation header: protocol and version with their complements, written twice, and \
               a length with its complement.",
    blind_spots: "A stream captured from the middle of a frame.",
    bits: 60.0,
    openings: Openings::Known(&[one_of(&[1, 2])]),
    asks: over_tcp(|view| {
        match_starts(view, &[b"\x01\x01\xfe\xfe", b"\x02\x01\xfd\xfe"], 16, fcip)
    }),
};

fn fcip(bytes: &[u8]) -> Option<Said> {
    // RFC 3643 section 3.1: word 0 again in word 1 (FCIP), flags and length in word 3.
    let word = be32(bytes, 12)?;
    let [len, complement] = [word >> 16, word & 0xffff];
    let words = len & 0x3ff;
    let twice = be32(bytes, 0) == be32(bytes, 4) || bytes.first() == Some(&2);
    let fits = len ^ 0xffff == complement && words >= 7 && twice;
    let (len, bits) = (index(words).saturating_mul(4), 32.0 + 16.0 + 16.0);
    fits.then(|| Said::new(len, Role::Either, bits, "FC frame encapsulation"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};

    #[test]
    fn messages_are_named() {
        let frame = hex("0101fefe 0101fefe 00000000 0007fff8 0000000000000000 00000000");
        Talk::tcp().a(&frame).b(&frame).named_by_each(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp()
            .a(hex("0101fefe 0101fefe 00000000 0007fff9 0000000000000000 00000000"))
            .refused_by(&DETECTOR);
    }
}
