//! BFCP, floor control (RFC 8855), over TCP and UDP.

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "bfcp",
    title: "BFCP (floor control)",
    reference: "RFC 8855 sections 5.1 and 5.2",
    rests_on: "The common header's version, reserved bits, primitive and length, and attributes that \
               fill it.",
    blind_spots: "A header without attributes proves little alone.",
    bits: 26.0,
    openings: Openings::Known(&[
        one_of(&[0x20, 0x28, 0x30, 0x38]).tcp(),
        within(&[(1, 21)]).at(1).tcp(),
        within(&[(0, 4)]).at(2).tcp(),
        one_of(&[0x20, 0x28, 0x30, 0x38, 0x40, 0x48, 0x50, 0x58]).udp(),
        within(&[(1, 21)]).at(1).udp(),
        within(&[(0, 4)]).at(2).required().udp(),
    ]),
    asks: over_both(|view| match_messages(view, stream, |datagram| bfcp(datagram.bytes))),
};

fn stream(bytes: &[u8], _: bool) -> SideMatch<Said> {
    match bytes.first() {
        Some(0x20..=0x3f) | None => from_header(bytes, 12, bfcp),
        Some(_) => Err(Not),
    }
}

fn bfcp(bytes: &[u8]) -> Option<Said> {
    let (first, primitive, words) =
        (u8_at(bytes, 0)?, u8_at(bytes, 1)?, usize::from(be16(bytes, 2)?));
    // Version 1 for streams, 2 for datagrams; R and F; three reserved bits.
    let fits = matches!(first & 0xe0, 0x20 | 0x40)
        && first & 0x07 == 0
        && (1..=21).contains(&primitive)
        && words <= 1024;
    let len = words.saturating_mul(4).saturating_add(12);
    let body = prefix(rest(bytes, 12), len - 12);
    let (mut at, mut count) = (0_usize, 0_u8);
    while let (Some(kind), Some(size)) = (u8_at(body, at), u8_at(body, at.saturating_add(1))) {
        let size = usize::from(size);
        if !(1..=19).contains(&(kind >> 1))
            || size < 2
            || at.saturating_add(size) > words.saturating_mul(4)
        {
            return None;
        }
        at = at.saturating_add(size.next_multiple_of(4));
        count = count.saturating_add(1);
    }
    // version, reserved, primitive, upper bits of the length; each attribute's kind and size
    let bits = 2.0 + 3.0 + 3.6 + 6.0 + 9.0 * f32::from(count.min(3));
    let role = match primitive {
        1..=4 | 6 | 8 | 11 | 14 | 16 => Role::Client,
        5 | 7 | 9 | 10 | 12 | 13 | 15 => Role::Server,
        _ => Role::Either,
    };
    // RFC 8855 section 5.1: conference, transaction and user stand between.
    let numbered = be32(bytes, 4)? != 0;
    (fits && numbered).then(|| {
        Said::new(len, role, bits, format!("BFCP primitive {primitive}")).owned_if(count > 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};

    #[test]
    fn messages_are_named() {
        let floor = hex("20 01 0002 00000001 0001 0002 05 04 0001 03 04 0002");
        Talk::tcp().a(floor).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        for stranger in [
            hex("20 01 0000 00000001 0001 0002"),
            hex("20 01 0002 00000001 0001 0002 05 44 0001 03 04 0002"),
        ] {
            Talk::tcp().a(stranger).refused_by(&DETECTOR);
        }
    }
}
