//! AFP over DSI (Data Stream Interface), over TCP.
//!
//! ```text
//!  flags(1: 0 request, 1 reply) command(1) request(2) error|offset(4) length(4) reserved(4, 0)  data
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "afp",
    title: "AFP over DSI",
    reference: "Apple Filing Protocol Programming Guide, Data Stream Interface",
    rests_on: "The DSI header: flag, command, a length and the reserved zeros, on both sides or \
               followed by the next one.",
    blind_spots: "AppleTalk's own transport is not TCP.",
    bits: 44.0,
    openings: Openings::Known(&[one_of(&[0, 1])]),
    asks: over_tcp(|view| match_opened(view, &DETECTOR, HEADER, header)),
};

const HEADER: usize = 16;

fn header(bytes: &[u8]) -> Option<Said> {
    let (flags, command) = (u8_at(bytes, 0)?, u8_at(bytes, 1)?);
    let (code, len) = (be32(bytes, 4)?, be32(bytes, 8)?);
    let name = match command {
        1 => "CloseSession",
        2 => "Command",
        3 => "GetStatus",
        4 => "OpenSession",
        5 => "Tickle",
        6 => "Write",
        8 => "Attention",
        _ => return None,
    };
    // A request has no error code, but a write has the offset of its data; errors are small and
    // negative.
    let coded = match (flags, command) {
        (0, 6) => code <= len,
        (0, _) => code == 0,
        (_, _) => code == 0 || code > 0xffff_d000,
    };
    if !coded || be32(bytes, 12)? != 0 || len > 1 << 24 {
        return None;
    }
    let asks = flags == 0;
    let role = match (asks, command) {
        (_, 5 | 8 | 1) => Role::Either,
        (true, _) => Role::Client,
        (false, _) => Role::Server,
    };
    // An opening has an option; a request for the status has nothing but a number.
    let opens = command == 4 && asks && matches!(rest(bytes, HEADER), [1 | 0, 4, ..]) && len == 6;
    let status = command == 3 && !asks && len > 20 && code == 0;
    // flags, command, error, length, reserved
    let bits = 7.0 + 5.2 + 18.0 + 8.0 + 32.0;
    let full = len > 0 || command == 3 || command == 5;
    let said = Said::new(index(len).saturating_add(HEADER), role, bits, format!("AFP {name}"));
    Some(said.owned_if(opens || status || (full && be32(bytes, 0)? & 0xffff != 0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    #[test]
    fn sessions_are_named() {
        let talk = Talk::tcp()
            .a(hex("00 04 0001 00000000 00000006 00000000 01 04 00000480"))
            .b(hex("01 04 0001 00000000 00000006 00000000 00 04 00100000"));
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        // reserved bytes, a command, an error that are none; DNS over TCP, X11, zeros
        Talk::tcp()
            .a(hex("00 04 0001 00000000 00000006 00000001 01 04 00000480"))
            .refused_by(&DETECTOR);
        Talk::tcp()
            .a(hex("00 07 0001 00000000 00000006 00000000 01 04 00000480"))
            .refused_by(&DETECTOR);
        Talk::tcp()
            .b(hex("01 02 0001 00000001 00000006 00000000 01 04 00000480"))
            .refused_by(&DETECTOR);
        Talk::tcp().a([0; 40]).refused_by(&DETECTOR);
        Talk::tcp().a(hex("0100 0b00 0000 6a00 00f03b01 00000004")).refused_by(&DETECTOR);
    }
}
