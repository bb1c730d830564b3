//! eDonkey and eMule, over TCP.
//!
//! ```text
//!  e3 eDonkey | c5 eMule | d4 packed   length(4, little-endian)  opcode(1) ...
//!  hello  01 [10 hash(16) | hash(16) to a server]  id(4) port(2) tags(4) ...
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "edonkey",
    title: "eDonkey and eMule",
    reference: "Y. Kulbak, D. Bickson: The eMule Protocol Specification, sections 6.1 to 6.5",
    rests_on: "A hello or login with its tags, or several packets with known opcodes, each as long as \
               it says.",
    blind_spots: "Obfuscated connections, which are the default of today's clients.",
    bits: 26.0,
    openings: Openings::Known(&[one_of(&[0xe3, 0xc5, 0xd4])]),
    asks: over_tcp(|view| match_opened(view, &DETECTOR, 6, packet)),
};

fn packet(bytes: &[u8]) -> Option<Said> {
    let (family, len, opcode) = (u8_at(bytes, 0)?, index(le32(bytes, 1)?), u8_at(bytes, 5)?);
    if !(1..=200_000).contains(&len) {
        return None;
    }
    let body = rest(bytes, 6);
    let known = match family {
        0xe3 => {
            matches!(opcode, 0x01 | 0x05 | 0x14..=0x16 | 0x18..=0x1c | 0x21 | 0x32 | 0x33 | 0x34..=0x36 | 0x38 | 0x40..=0x4d
            | 0x4f..=0x5f)
        }
        0xc5 => {
            matches!(opcode, 0x01 | 0x02 | 0x40 | 0x60 | 0x61 | 0x81..=0x87 | 0x90..=0x95 | 0x98..=0x9e | 0xa1..=0xa8)
        }
        _ => true,
    };
    if !known {
        return None;
    }
    // family and opcode, upper bytes of the length
    let bits = 6.4 + 2.3 + 14.0;
    let hello = family == 0xe3 && matches!(opcode, 0x01 | 0x4c) && greets(body, opcode)?;
    let more = if hello { 24.0 } else { 0.0 };
    let fact = format!("eDonkey packet 0x{family:02x} 0x{opcode:02x}");
    Some(Said::new(len.saturating_add(5), Role::Either, bits + more, fact))
}

/// The hash, an id and a port, then tags: a small number of them, of known types.
fn greets(body: &[u8], opcode: u8) -> Option<bool> {
    let at = if opcode == 0x01 && u8_at(body, 0)? == 0x10 { 17 } else { 16 };
    let Some(tags) = le32(body, at + 6) else { return Some(false) };
    let first = u8_at(body, at + 10);
    let fits = tags <= 32
        && first.is_none_or(|kind| tags == 0 || matches!(kind & 0x7f, 1..=0x0b | 0x11..=0x20));
    fits.then_some(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};

    #[test]
    fn hellos_are_named() {
        let hello = hex(
            "e3 2b000000 01 10 000102030405060708090a0b0c0d0e0f 0a000005 3612 01000000 02 0100 01 0300 616263 0a000001 3512",
        );
        let answer =
            hex("e3 1e000000 4c 000102030405060708090a0b0c0d0e0f 0a000005 3612 01000000 03 01 11");
        let talk = Talk::tcp().a(&hello).b(answer);
        assert_eq!(talk.named_by(&DETECTOR).strength, Strength::BothSides);
        Talk::tcp().a(hello).named_by(&DETECTOR);
        Talk::tcp().midway().a(hex("c5 02000000 60 05 e3 01000000 55")).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().a(hex("e3 01000000 55")).refused_by(&DETECTOR);
        Talk::tcp().a(hex("e3 28000000 99 10 0001020304")).refused_by(&DETECTOR);
        Talk::tcp().a(hex("e3 28000099 01 10 0001020304")).refused_by(&DETECTOR);
        Talk::tcp().a([0xe3; 40]).refused_by(&DETECTOR);
    }
}
