//! COPS (RFC 2748), over TCP.

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "cops",
    title: "COPS",
    reference: "RFC 2748 sections 2.1 and 2.2",
    rests_on: "The common header and the first object, whose lengths fit.",
    blind_spots: "A keep-alive alone, which has no objects.",
    bits: 36.0,
    openings: Openings::Known(&[one_of(&[0x10, 0x11])]),
    asks: over_tcp(|view| match_opened(view, &DETECTOR, 8, cops)),
};

fn cops(bytes: &[u8]) -> Option<Said> {
    let (operation, len) = (u8_at(bytes, 1)?, index(be32(bytes, 4)?));
    // A keep-alive's answer has no object (RFC 2748 section 3.9).
    if operation == 9 && len == 8 {
        return Some(Said::new(8, Role::Either, 7.0 + 4.7 + 32.0, "COPS alive").shared());
    }
    let (size, class, kind) = (usize::from(be16(bytes, 8)?), u8_at(bytes, 10)?, u8_at(bytes, 11)?);
    let (role, name) = match operation {
        1 => (Role::Client, "request"),
        2 => (Role::Server, "decision"),
        3 => (Role::Client, "report"),
        4 => (Role::Client, "delete"),
        5 => (Role::Server, "synchronise"),
        6 => (Role::Client, "open"),
        7 => (Role::Server, "accept"),
        8 => (Role::Either, "close"),
        9 => (Role::Either, "alive"),
        10 => (Role::Client, "complete"),
        _ => return None,
    };
    let whole = len.is_multiple_of(4) && (16..1 << 16).contains(&len);
    let object = size >= 4
        && size.saturating_add(8) <= len
        && (1..=16).contains(&class)
        && (1..=4).contains(&kind);
    let bits = 7.0 + 4.7 + 18.0 + 3.0 + 4.0 + 6.0;
    (whole && object).then(|| Said::new(len, role, bits, format!("COPS {name}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};

    #[test]
    fn messages_are_named() {
        Talk::tcp()
            .a(hex("10 06 8008 00000010 0008 0b 01 6162 6300"))
            .b(hex("10 07 8008 00000010 0008 0a 01 0000 001e"))
            .named_by_each(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        for stranger in [
            hex("10 0b 8008 00000010 0008 0b 01 6162 6300"),
            hex("10 0d 0004 4d515454 04 02 003c 0001 61"),
        ] {
            Talk::tcp().a(stranger).refused_by(&DETECTOR);
        }
    }
}
