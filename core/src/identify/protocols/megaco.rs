//! Megaco, H.248, in its text form, over UDP and TCP.
//!
//! ```text
//!  MEGACO/1 [10.0.0.5]:2944 Transaction = 9 {...}      !/1 [10.0.0.5]:2944 T=9{...}
//! ```
//!
//! On TCP it stands in TPKT (RFC 1006).

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "megaco",
    title: "Megaco (H.248), text form",
    reference: "ITU-T H.248.1 annex B.2, RFC 3525 appendix B.2",
    rests_on: "The word MEGACO or its short form, a version, the sender's address, and a transaction.",
    blind_spots: "The binary form.",
    bits: 40.0,
    openings: Openings::Known(&[
        one_of(b"M!\x03").tcp(),
        one_of(b"E/\0").at(1).tcp(),
        mixed(&[(b'A', b'Z'), (b'a', b'z')], b"![< \t\n\x0c\r").at(4).tcp(),
        one_of(b"M!").udp(),
        one_of(b"E/").at(1).udp(),
        one_of(b"G1234").at(2).udp(),
        one_of(b"A \t\n\x0c\r").at(3).udp(),
        mixed(&[(b'A', b'Z'), (b'a', b'z')], b"[< \t\n\x0c\r").at(4).required().udp(),
    ]),
    asks: over_both(|view| match_messages(view, stream, |one| message(one.bytes, one.wire_len))),
};

fn stream(bytes: &[u8], _: bool) -> SideMatch<Said> {
    match bytes {
        [3, 0, _, _, ..] => {
            let len = usize::from(be16(bytes, 2).unwrap_or(0));
            let inner = prefix(rest(bytes, 4), len.saturating_sub(4));
            if inner.len() < 24 && inner.len() + 4 < len {
                return Err(Short);
            }
            message(inner, len).ok_or(Not)
        }
        _ if bytes.len() < 24 => Err(Short),
        _ => message(bytes, bytes.len()).ok_or(Not),
    }
}

fn message(bytes: &[u8], len: usize) -> Option<Said> {
    let long = bytes.strip_prefix(b"MEGACO/");
    let behind = long.or_else(|| bytes.strip_prefix(b"!/"))?;
    let [b'1'..=b'4', separator, ..] = behind else { return None };
    // mId: an address in brackets, a name in angles, a device; then a transaction, reply or error.
    let front = prefix(rest(behind, 1), 160).trim_ascii_start();
    let address = matches!(front.first(), Some(b'[' | b'<' | b'a'..=b'z' | b'A'..=b'Z'));
    let said = ["Transaction", "Reply", "Pending", "T=", "P=", "PN=", "K{", "Error", "ER="];
    let speaks = said.iter().any(|word| mentions(front, word)) || front.len() < 48;
    let fits = separator.is_ascii_whitespace() && address && speaks;
    let bits = if long.is_some() { 66.0 } else { 40.0 };
    let fact = || format!("Megaco: {}", from_wire(prefix(bytes, 40)));
    fits.then(|| Said::new(len, Role::Either, bits, fact()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    const ASKED: &str = "MEGACO/1 [10.0.0.5]:2944\nTransaction = 9998 { Context = - {} }";

    #[test]
    fn messages_are_named() {
        let talk = Talk::udp().a(ASKED).b("!/1 [10.0.0.9]:2944 P=9998{C=-{}}");
        assert_eq!(talk.named_by(&DETECTOR).strength, Strength::BothSides);
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
        let framed = [
            hex("0300"),
            u16::try_from(ASKED.len() + 4).unwrap().to_be_bytes().to_vec(),
            ASKED.as_bytes().to_vec(),
        ]
        .concat();
        Talk::tcp().a(framed).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::udp().a("MEGACO is a protocol of gateways").refused_by(&DETECTOR);
        Talk::udp().a("!/usr/bin/sh and more of the kind here").refused_by(&DETECTOR);
        Talk::udp().a("MEGACO/1 3243 x").refused_by(&DETECTOR);
        Talk::tcp()
            .a(hex("0300 0016 11 e0 0000 0001 00 c00109 c1020100 c2020102"))
            .refused_by(&DETECTOR);
    }
}
