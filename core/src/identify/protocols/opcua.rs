//! OPC UA's binary connection protocol, over TCP.
//!
//! ```text
//!  type(3: HEL ACK ERR RHE OPN MSG CLO) chunk(1: F C A) size(4, little-endian) ...
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "opc-ua",
    title: "OPC UA",
    reference: "OPC UA part 6 (OPC 10000-6), sections 6.7 and 7.1",
    rests_on: "A message type with its chunk mark and a size, and what the type demands.",
    blind_spots: "OPC UA over HTTPS or WebSocket is named so.",
    bits: 40.0,
    openings: Openings::Known(&[one_of(b"HAEROMC")]),
    asks: over_tcp(|view| match_opened(view, &DETECTOR, 16, message)),
};

fn message(bytes: &[u8]) -> Option<Said> {
    let (kind, chunk, size) = (prefix(bytes, 3), u8_at(bytes, 3)?, index(le32(bytes, 4)?));
    if !matches!(chunk, b'F' | b'C' | b'A') || !(16..=1 << 26).contains(&size) {
        return None;
    }
    let body = rest(bytes, 8);
    // Buffers have 8192 bytes at the least.
    let buffers =
        || le32(body, 4).zip(le32(body, 8)).is_none_or(|(one, other)| one >= 1024 && other >= 1024);
    let (role, fits) = match kind {
        b"HEL" => (Role::Client, chunk == b'F' && buffers() && le32(body, 0)? <= 1 && size >= 32),
        b"ACK" => (Role::Server, chunk == b'F' && buffers() && le32(body, 0)? <= 1 && size == 28),
        b"RHE" => (Role::Server, chunk == b'F'),
        // Codes of errors have the upper bit.
        b"ERR" => (Role::Server, chunk == b'F' && le32(body, 0)? >> 31 == 1),
        // The security policy is a URL.
        b"OPN" => {
            (Role::Either, index(le32(body, 4)?) < 256 && rest(body, 8).starts_with(b"http://opc"))
        }
        b"MSG" | b"CLO" => (Role::Either, le32(body, 0)? != 0),
        _ => return None,
    };
    let fact = || format!("OPC UA {}", from_wire(kind));
    fits.then(|| Said::new(size, role, 24.0 - 2.8 + 6.4 + 6.0 + 8.0, fact()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    fn hello() -> Vec<u8> {
        let url = b"opc.tcp://a.example:4840";
        [
            b"HELF".to_vec(),
            hex("38000000 00000000 00000100 00000100 00000001 88130000 18000000"),
            url.to_vec(),
        ]
        .concat()
    }

    #[test]
    fn hellos_are_named() {
        let answer =
            [b"ACKF".to_vec(), hex("1c000000 00000000 00000100 00000100 00000001 88130000")]
                .concat();
        let talk = Talk::tcp().a(hello()).b(answer);
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().a("HELF is no word, but HELP is one\r\n").refused_by(&DETECTOR);
        Talk::tcp().a("HELO mail.example\r\n").refused_by(&DETECTOR);
        Talk::tcp().a("MSGF and nothing more, a small text").refused_by(&DETECTOR);
        let mut version = hello();
        version[9] = 1;
        Talk::tcp().a(version).refused_by(&DETECTOR);
    }
}
