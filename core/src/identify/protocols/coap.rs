//! CoAP (RFC 7252), over UDP.
//!
//! ```text
//!  01 type(2) token length(4) | code: class(3) detail(5) | message(16) | token | options | ff payload
//!  option: delta(4) length(4), each 13 and 14 with one or two bytes more
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "coap",
    title: "CoAP",
    reference: "RFC 7252 sections 3 and 12.1, RFC 7641, RFC 7959",
    rests_on: "Version 1 with a known code, a short token, and known options of proper sizes, in several \
               messages or with a path in text.",
    blind_spots: "Messages without options, unless there are several.",
    bits: 24.0,
    openings: Openings::Known(&[
        within(&[(0x40, 0x48), (0x50, 0x58), (0x60, 0x68), (0x70, 0x70)]),
        within(&[(0, 7), (65, 69), (95, 95), (128, 143), (157, 157), (160, 165)]).at(1).required(),
    ]),
    asks: over_udp(|view| probe_datagrams(view, read)),
};

fn read(datagram: &Datagram<'_>) -> Option<Said> {
    let mut cursor = Cursor::new(datagram.bytes);
    let (first, code) = (cursor.u8()?, cursor.u8()?);
    cursor.skip(2)?;
    let (kind, token) = (first >> 4 & 3, usize::from(first & 0x0f));
    if first >> 6 != 1 || token > 8 {
        return None;
    }
    cursor.skip(token)?;
    // RFC 7252 section 12.1, RFC 8132: which types go with which code (section 4.2 and 4.3)
    let (role, what) = match (code, kind) {
        (0, 0 | 2 | 3) if token == 0 && datagram.wire_len == 4 => {
            return Some(Said::at(Role::Either, 14.0, "CoAP, empty", Spot::datagram(0, 0, 4)));
        }
        (1, 0 | 1) => (Role::Client, "GET"),
        (2, 0 | 1) => (Role::Client, "POST"),
        (3, 0 | 1) => (Role::Client, "PUT"),
        (4, 0 | 1) => (Role::Client, "DELETE"),
        (5..=7, 0 | 1) => (Role::Client, "FETCH or PATCH"),
        (65..=69 | 95, 0..=2) => (Role::Server, "success"),
        (128..=143 | 157 | 160..=165, 0..=2) => (Role::Server, "error"),
        (_, _) => return None,
    };
    // version, token, code with type
    let bits = 2.0 + 0.8 + 4.0 + walk(cursor, datagram.is_whole())?;
    Some(Said::all(role, bits, format!("CoAP {what}")))
}

fn walk(mut cursor: Cursor<'_>, whole: bool) -> Option<f32> {
    let (mut number, mut bits) = (0_u32, 0.0);
    while let Some(head) = cursor.u8() {
        if head == 0xff {
            // RFC 7252 section 3: a marker without payload is an error
            return (!cursor.is_empty()).then_some(bits + 2.0);
        }
        let (Some(delta), Some(len)) =
            (extend(&mut cursor, head >> 4), extend(&mut cursor, head & 15))
        else {
            return None;
        };
        number = number.checked_add(delta)?;
        let Some(value) = cursor.take(usize::try_from(len).ok()?) else {
            return (!whole && bits > 0.0).then_some(bits);
        };
        bits += option_bits(number, value)?;
    }
    Some(bits + if bits > 0.0 { 4.0 } else { 0.0 })
}

/// 13 and 14 say that more bytes follow; 15 is reserved.
fn extend(cursor: &mut Cursor<'_>, nibble: u8) -> Option<u32> {
    match nibble {
        13 => cursor.u8().map(|more| u32::from(more).saturating_add(13)),
        14 => cursor.be16().map(|more| u32::from(more).saturating_add(269)),
        15 => None,
        plain => Some(u32::from(plain)),
    }
}

/// RFC 7252 section 5.10 and IANA's later ones: what the value may be. Text counts by its letters.
fn option_bits(number: u32, value: &[u8]) -> Option<f32> {
    let text = || {
        let printable = value.iter().all(|byte| *byte >= b' ' && *byte != 0x7f);
        let letters = f32::from(u8::try_from(value.len().min(32)).unwrap_or(0));
        (printable && std::str::from_utf8(value).is_ok()).then_some(2.0 + letters)
    };
    let number_of = |max: usize| (value.len() <= max).then_some(3.0);
    match number {
        3 | 8 | 11 | 15 | 20 | 35 | 39 if value.len() <= 255 => text(),
        1 | 4 if value.len() <= 8 => Some(2.0),
        5 if value.is_empty() => Some(6.0),
        6 | 23 | 27 | 19 => number_of(3),
        7 | 12 | 17 => number_of(2),
        14 | 28 | 60 | 31 => number_of(4),
        9 | 16 | 252 | 258 | 292 | 2048..=2060 | 65_000..=65_535 => Some(1.0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    /// GET coap://.../.well-known/core
    const GET: &str = "44 01 1a2b a1a2a3a4 bb 2e77656c6c2d6b6e6f776e 04 636f7265";
    const CONTENT: &str = "64 45 1a2b a1a2a3a4 c1 28 ff 3c2f3e";

    #[test]
    fn messages_are_named() {
        let talk = Talk::udp().a(hex(GET)).b(hex(CONTENT));
        assert_eq!(talk.named_by(&DETECTOR).client, Some(Side::A));
        Talk::udp().a(hex(GET)).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::udp().b(hex(CONTENT)).refused_by(&DETECTOR);
        for (from, to) in [
            ("44 01", "84 01"),
            ("44 01", "49 01"),
            ("44 01", "44 3f"),
            ("04 636f", "0f 636f"),
            ("2e77", "0077"),
        ] {
            Talk::udp().a(hex(&GET.replacen(from, to, 1))).refused_by(&DETECTOR);
        }
        Talk::udp().a(b"GET / HTTP/1.1\r\n\r\n").refused_by(&DETECTOR);
        let rtp = |sequence| crate::identify::protocols::rtp::sample(sequence, 160);
        Talk::udp().a(rtp(1)).a(rtp(2)).refused_by(&DETECTOR);
    }
}
