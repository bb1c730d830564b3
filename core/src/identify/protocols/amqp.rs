//! AMQP 0-9-1 and 1.0, over TCP.
//!
//! ```text
//!  header   "AMQP" id major minor revision
//!  0-9-1    type(1) channel(2) size(4) payload ce
//!  1.0      size(4) doff(1) type(1) channel(2) ... 00 53 performative
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "amqp",
    title: "AMQP",
    reference: "AMQP 0-9-1 specification sections 2.3 and 4.2; ISO/IEC 19464 (AMQP 1.0) part 2, sections 2.2 and 2.3",
    rests_on: "The protocol header, or frames with their end mark (0-9-1) or performatives (1.0).",
    blind_spots: "A connection captured in the middle of a message's body.",
    bits: 26.0,
    openings: Openings::Known(&[one_of(&[b'A', 0, 1, 2, 3, 8])]),
    asks: over_tcp(probe),
};

fn probe(view: &FlowView<'_>) -> Probe {
    match_stream(view, |bytes, _| match starts_with(bytes, b"AMQP") {
        Some(true) => from_header(bytes, 8, header),
        None => Err(Short),
        Some(false) => match bytes.first() {
            Some(1..=3 | 8) => from_header(bytes, 8, frame_0_9),
            Some(0) => from_header(bytes, 8, frame_1_0),
            Some(_) | None => Err(Not),
        },
    })
}

fn header(bytes: &[u8]) -> Option<Said> {
    let name = match bytes.get(4..8)? {
        [0, 0, 9, 1] => "0-9-1",
        [1, 1, 0, 9 | 10] | [1, 1, 9, 1] => "0-9",
        [0, 1, 0, 0] => "1.0",
        [2, 1, 0, 0] => "1.0 with TLS",
        [3, 1, 0, 0] => "1.0 with SASL",
        _ => return None,
    };
    Some(Said::new(8, Role::Either, 61.0, format!("AMQP {name} header")))
}

/// Method, header, body, heartbeat; the end mark is looked at where it was seen.
fn frame_0_9(bytes: &[u8]) -> Option<Said> {
    let (kind, channel, size) = (u8_at(bytes, 0)?, be16(bytes, 1)?, index(be32(bytes, 3)?));
    let total = size.saturating_add(8);
    let end = u8_at(bytes, total - 1);
    if size > 1 << 20 || end.is_some_and(|end| end != 0xce) {
        return None;
    }
    // kind and size, then what the kind has; the mark
    let bits = 6.0 + 12.0 + if end.is_some() { 8.0 } else { 0.0 };
    let body = rest(bytes, 7);
    let (role, more, name) = match kind {
        1 => {
            let (class, method) = (be16(body, 0)?, be16(body, 2)?);
            let known = matches!(class, 10 | 20 | 30 | 40 | 50 | 60 | 85 | 90)
                && (10..=120).contains(&method);
            known.then_some(())?;
            let role = match (class, method) {
                (10, 10 | 30 | 41 | 20) | (20, 11) | (60, 60 | 71) => Role::Server,
                (10, 11 | 31 | 40) | (20, 10) | (60, 40) => Role::Client,
                _ => Role::Either,
            };
            (role, 13.0 + 9.0, format!("AMQP method {class}.{method}"))
        }
        2 => {
            (be16(body, 0)? == 60 && be16(body, 2)? == 0 && channel != 0).then_some(())?;
            (Role::Either, 32.0, "AMQP content header".to_owned())
        }
        3 if channel != 0 => (Role::Either, 0.0, "AMQP body".to_owned()),
        8 if size == 0 && channel == 0 => (Role::Either, 28.0, "AMQP heartbeat".to_owned()),
        _ => return None,
    };
    // A heartbeat or a body's frame alone is too plain.
    Some(Said::new(total, role, bits + more, name).owned_if(kind < 3 && end.is_some()))
}

fn frame_1_0(bytes: &[u8]) -> Option<Said> {
    let size = index(be32(bytes, 0)?);
    let (doff, kind) = (usize::from(u8_at(bytes, 4)?), u8_at(bytes, 5)?);
    let at = doff.saturating_mul(4);
    if !(8..1 << 20).contains(&size) || !(2..=16).contains(&doff) || kind > 1 || at > size {
        return None;
    }
    if size == 8 {
        return Some(Said::new(8, Role::Either, 50.0, "AMQP 1.0 empty frame").shared());
    }
    // A described type with a small ulong: performatives 10 to 18, SASL's 40 to 44.
    let [0, 0x53, code, list, ..] = *rest(bytes, at) else { return None };
    let known = match kind {
        0 => matches!(code, 0x10..=0x18),
        _ => matches!(code, 0x40..=0x44),
    };
    let fits = known && matches!(list, 0x45 | 0xc0 | 0xd0);
    let fact = || format!("AMQP 1.0 performative 0x{code:02x}");
    fits.then(|| Said::new(size, Role::Either, 10.0 + 7.0 + 16.0 + 5.0 + 6.0, fact()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    #[test]
    fn both_versions_are_named() {
        let start = hex("01 0000 0000000c 000a 000a 00 09 000000000000 ce");
        let talk = Talk::tcp().a(b"AMQP\x00\x00\x09\x01").b(&start);
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
        let open = hex("00000010 02 00 0000 00 53 10 c0 03 01 a1 00");
        Talk::tcp()
            .a(b"AMQP\x00\x01\x00\x00")
            .b([b"AMQP\x00\x01\x00\x00".to_vec(), open].concat())
            .named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().a("AMQP is a protocol\r\n").refused_by(&DETECTOR);
        Talk::tcp()
            .b(hex("01 0000 0000000c 000a 000a 00 09 000000000000 cd"))
            .refused_by(&DETECTOR);
        Talk::tcp()
            .b(hex("01 0000 0000000c 000b 000a 00 09 000000000000 ce"))
            .refused_by(&DETECTOR);
        Talk::tcp().b(hex("08 0000 00000000 ce")).refused_by(&DETECTOR);
        Talk::tcp().a([0; 32]).refused_by(&DETECTOR);
    }
}
