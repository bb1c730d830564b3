//! Cisco's Skinny Client Control Protocol (SCCP), over TCP.
//!
//! ```text
//!  length(4) version(4) message(4) ...      little-endian; the length counts from the message on
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "skinny",
    title: "Skinny (SCCP)",
    reference: "Cisco Unified Communications Manager documentation, SCCP messages by number and direction",
    rests_on: "Messages with a known version and number, whose lengths follow each other.",
    blind_spots: "Over TLS it is only seen as TLS.",
    bits: 60.0,
    openings: Openings::Known(&[one_of(&[0]).at(5)]),
    asks: over_tcp(|view| match_stream(view, |bytes, _| from_header(bytes, 12, message))),
};

fn message(bytes: &[u8]) -> Option<Said> {
    let (len, version, number) = (index(le32(bytes, 0)?), le32(bytes, 4)?, le32(bytes, 8)?);
    // Basic, and versions of CallManager 7.1 to 12.
    if !matches!(version, 0 | 0x0a..=0x16) || !(4..=4096).contains(&len) {
        return None;
    }
    let role = match number {
        0x00..=0x50 | 0x0159 => Role::Client,
        0x81..=0x15a => Role::Server,
        _ => return None,
    };
    // Length 4 has the number alone; zeros all over are no message.
    let plain = number != 0 || len == 4;
    let total = len.saturating_add(8);
    // length, version, number
    plain.then(|| {
        Said::new(total, role, 20.0 + 28.2 + 23.6, format!("Skinny message 0x{number:04x}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    #[test]
    fn messages_are_named() {
        let talk =
            Talk::tcp().a(hex("04000000 00000000 00000000")).b(hex("04000000 00000000 00010000"));
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().a(hex("04000000 00000000 00100000")).refused_by(&DETECTOR);
        Talk::tcp().a(hex("04000000 01000000 00010000")).refused_by(&DETECTOR);
        Talk::tcp().a([0; 24]).refused_by(&DETECTOR);
        // MongoDB
        Talk::tcp().a(hex("3a000000 01000000 00000000 d4070000 00000000")).refused_by(&DETECTOR);
    }
}
