//! Bitcoin and its kin (Bitcoin developer reference, P2P Network), over TCP.

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "bitcoin",
    title: "Bitcoin and its kin",
    reference: "Bitcoin developer reference, P2P Network: Message Headers",
    rests_on: "A known network's magic, a command in letters padded with zeros, and a length.",
    blind_spots: "Version 2 of the transport (BIP 324) is encrypted from the first byte.",
    bits: 80.0,
    openings: Openings::Known(&[one_of(&[0xf9, 0x0b, 0xfa, 0x0a, 0x1c, 0xe3, 0xfb, 0xc0, 0xbf])]),
    asks: over_tcp(|view| {
        match_starts(view, BITCOIN_MAGICS, 24, |bytes| {
            let command = bytes.get(4..16)?;
            let letters = command
                .iter()
                .take_while(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
                .count();
            let padded = rest(command, letters).iter().all(|byte| *byte == 0);
            let len = index(le32(bytes, 16)?);
            let name = from_wire(prefix(command, letters));
            let fact = || format!("Bitcoin {name}");
            (letters >= 2 && padded && len <= 32 << 20)
                .then(|| Said::new(len.saturating_add(24), Role::Either, 29.0 + 60.0 + 7.0, fact()))
        })
    }),
};

/// Main, test and regtest networks of Bitcoin; signet; Bitcoin Cash, Litecoin, Dogecoin, Dash.
const BITCOIN_MAGICS: &[&[u8]] = &[
    b"\xf9\xbe\xb4\xd9",
    b"\x0b\x11\x09\x07",
    b"\xfa\xbf\xb5\xda",
    b"\x0a\x03\xcf\x40",
    b"\x1c\x16\x3f\x28",
    b"\xe3\xe1\xf3\xe8",
    b"\xfb\xc0\xb6\xdb",
    b"\xc0\xc0\xc0\xc0",
    b"\xbf\x0c\x6b\xbd",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};

    #[test]
    fn messages_are_named() {
        let version =
            [hex("f9beb4d9"), b"version\0\0\0\0\0".to_vec(), hex("00000000 5df6e0e2")].concat();
        Talk::tcp().a(&version).b(&version).named_by_each(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().a([hex("f9beb4d9"), vec![7; 20]].concat()).refused_by(&DETECTOR);
    }
}
