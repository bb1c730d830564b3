//! Apache Thrift's binary and compact protocols, framed or not, over TCP; alone over UDP.
//!
//! ```text
//!  [length(4)]  80 01 00 type(1..4) name length(4) name sequence(4)          binary, strict
//!  [length(4)]  82 version(5 bits, 1) type(3 bits) sequence(varint) name length(varint) name
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "thrift",
    title: "Apache Thrift",
    reference: "Apache Thrift documentation, thrift-binary-protocol.md and thrift-compact-protocol.md, \
                section Message; thrift-rpc.md",
    rests_on: "A message's version and type with a method's name in letters.",
    blind_spots: "The binary protocol before its version was written; streams without frames are \
                  followed for one message.",
    bits: 26.0,
    openings: Openings::Known(&[
        one_of(&[0, 0x80, 0x82]).tcp(),
        one_of(&[0x80, 0x82]).udp(),
        one_of(&[1, 0x21, 0x41, 0x61, 0x81]).at(1).required().udp(),
    ]),
    asks: over_both(|view| {
        match_messages(view, stream, |one| Some(message(one.bytes)?.filling(one)))
    }),
};

fn stream(bytes: &[u8], complete: bool) -> SideMatch<Said> {
    match bytes {
        [0x80 | 0x82, ..] => opened(bytes, None, complete),
        [0, ..] if bytes.len() < 5 => Err(Short),
        [0, ..] => match be32(bytes, 0).map(index) {
            Some(len @ 8..) => opened(rest(bytes, 4), Some(len), complete),
            Some(_) | None => Err(Not),
        },
        _ => Err(Not),
    }
}

fn opened(bytes: &[u8], framed: Option<usize>, complete: bool) -> SideMatch<Said> {
    if bytes.len() < 16 && !complete && bytes.first().is_none_or(|byte| matches!(byte, 0x80 | 0x82))
    {
        return Err(Short);
    }
    message(bytes)
        .map(|said| match framed {
            Some(len) => Said { bits: said.bits + 8.0, ..said.of_len(len.saturating_add(4)) },
            None => said,
        })
        .ok_or(Not)
}

fn message(bytes: &[u8]) -> Option<Said> {
    let (kind, name, bits) = match bytes {
        [0x80, 1, 0, kind @ 1..=4, ..] => {
            let len = index(be32(bytes, 4)?);
            (*kind, (rest(bytes, 8), len), 24.0 + 6.0 + 24.0)
        }
        [0x82, second, ..] if second & 0x1f == 1 => {
            // The sequence number's last byte has no mark.
            let number = bytes.iter().skip(2).take(5).take_while(|byte| **byte & 0x80 != 0).count();
            let at = number.checked_add(3)?;
            let len = usize::from(u8_at(bytes, at).filter(|len| *len < 0x80)?);
            (second >> 5, (rest(bytes, at.checked_add(1)?), len), 8.0 + 5.0 + 1.0)
        }
        _ => return None,
    };
    let (text, len) = name;
    let word = prefix(text, len);
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':' | b'.');
    if !(1..=4).contains(&kind)
        || !(1..=127).contains(&len)
        || word.is_empty()
        || !word.iter().all(plain)
    {
        return None;
    }
    let role = if matches!(kind, 1 | 4) { Role::Client } else { Role::Server };
    // Of 256 bytes 65 may stand in a name.
    let letters = f32::from(u8::try_from(word.len().min(20)).unwrap_or(20));
    let fact = format!("Thrift message of {}", from_wire(word));
    Some(Said::new(bytes.len(), role, bits + 2.0 * letters, fact))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    fn framed(kind: &str) -> Vec<u8> {
        [hex("00000011 800100"), hex(kind), hex("00000004"), b"ping".to_vec(), hex("00000001 00")]
            .concat()
    }

    #[test]
    fn calls_and_replies_are_named() {
        let talk = Talk::tcp().a(framed("01")).b(framed("02"));
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
        let batch = [hex("82 81 01 09"), b"emitBatch".to_vec(), hex("1c1c")].concat();
        Talk::udp().a(batch).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        // memcached's binary header, RTP, a name that is none, an unknown type
        Talk::tcp()
            .a(hex("80 01 0001 00 00 0000 00000001 00000000 0000000000000000 6b"))
            .refused_by(&DETECTOR);
        Talk::udp().a(hex("80 01 0003 00000008 01020304 05060708")).refused_by(&DETECTOR);
        Talk::udp().a(hex("82 81 01 05 6162 6300 00")).refused_by(&DETECTOR);
        Talk::tcp().a(framed("07")).refused_by(&DETECTOR);
        Talk::tcp().a([0; 32]).refused_by(&DETECTOR);
    }
}
