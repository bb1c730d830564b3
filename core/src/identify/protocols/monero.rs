//! Monero's levin (Monero's docs/LEVIN_PROTOCOL.md), over TCP.

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "monero",
    title: "Monero (levin)",
    reference: "Monero source documentation, docs/LEVIN_PROTOCOL.md, Header",
    rests_on: "Levin's signature, a command of Monero and the protocol version 1.",
    blind_spots: "Other coins of CryptoNote's family share the frame; connections over Tor or TLS.",
    bits: 100.0,
    openings: Openings::Known(&[one_of(&[1])]),
    asks: over_tcp(|view| {
        match_starts(view, &[b"\x01\x21\x01\x01\x01\x01\x01\x01"], 33, |bytes| {
            let (len, command, version) = (le64(bytes, 8)?, le32(bytes, 17)?, le32(bytes, 29)?);
            // 1001 to 1007 of the peers, 2001 to 2010 of the coin
            let known = matches!(command, 1000..=1010 | 2000..=2012);
            let answers = le32(bytes, 25)? & 2 != 0;
            let asks = u8_at(bytes, 16)?;
            let role = match (command, answers) {
                (1001, true) => Role::Server,
                (1001, false) => Role::Client,
                (_, _) => Role::Either,
            };
            let len = usize::try_from(len).ok()?.saturating_add(33);
            (known && version == 1 && asks <= 1).then(|| {
                Said::new(len, role, 64.0 + 27.0 + 32.0, format!("Levin command {command}"))
            })
        })
    }),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};

    #[test]
    fn messages_are_named() {
        let levin = |flags: &str| {
            let start = hex("0121010101010101 0000000000000000 01 e9030000 00000000");
            [start, hex(flags), hex("01000000")].concat()
        };
        Talk::tcp().a(levin("01000000")).b(levin("02000000")).named_by_each(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp()
            .a(hex("0121010101010101 0000000000000000 01 00000000 00000000 00000000 00000000"))
            .refused_by(&DETECTOR);
    }
}
