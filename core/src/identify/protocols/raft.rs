//! Canonical's Raft, which dqlite speaks: the handshake (canonical/raft, docs/io-uv.rst), over TCP.

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "raft",
    title: "Raft (Canonical's, dqlite)",
    reference: "canonical/raft, docs/io-uv.rst and src/uv_encoding.c: handshake and message header",
    rests_on: "The handshake: protocol 1, a server's id and its address in text.",
    blind_spots: "A connection captured after the handshake; other implementations of Raft.",
    bits: 90.0,
    openings: Openings::Known(&[one_of(&[1])]),
    asks: over_tcp(|view| {
        match_starts(view, STARTS, 28, |bytes| {
            if !bytes.starts_with(b"\x01") {
                // A message's type and its header's length; what stands behind that is its own.
                let fits = le64(bytes, 8)? <= 1 << 20;
                return fits.then(|| Said::all(Role::Either, 0.0, "Raft message").shared());
            }
            let (id, len) = (le64(bytes, 8)?, usize::try_from(le64(bytes, 16)?).ok()?);
            let address = prefix(rest(bytes, 24), len);
            let end = address.iter().position(|byte| *byte == 0).unwrap_or(address.len());
            let name = prefix(address, end);
            let fits = id != 0
                && len.is_multiple_of(8)
                && (8..=512).contains(&len)
                && name.len() >= 3
                && name.iter().all(|byte| {
                    byte.is_ascii_alphanumeric()
                        || matches!(byte, b'.' | b':' | b'-' | b'[' | b']' | b'_' | b'@')
                });
            let fact = || format!("Raft handshake of {}", from_wire(name));
            fits.then(|| Said::new(len.saturating_add(24), Role::Client, 64.0 + 50.0, fact()))
        })
    }),
};

/// A handshake's protocol, and the types of the messages behind it.
const STARTS: &[&[u8]] = &[
    &[1, 0, 0, 0, 0, 0, 0, 0],
    &[2, 0, 0, 0, 0, 0, 0, 0],
    &[3, 0, 0, 0, 0, 0, 0, 0],
    &[4, 0, 0, 0, 0, 0, 0, 0],
    &[5, 0, 0, 0, 0, 0, 0, 0],
    &[6, 0, 0, 0, 0, 0, 0, 0],
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};

    #[test]
    fn messages_are_named() {
        let handshake = [
            hex("0100000000000000 0100000000000000 1000000000000000"),
            b"10.0.0.1:9001\0\0\0".to_vec(),
        ]
        .concat();
        Talk::tcp().a(handshake).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        for stranger in [
            vec![0; 64],
            hex(
                "0100000000000000 0100000000000000 1000000000000000 01020304050607080102030405060708",
            ),
        ] {
            Talk::tcp().a(stranger).refused_by(&DETECTOR);
        }
    }
}
