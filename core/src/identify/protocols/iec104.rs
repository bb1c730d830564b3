//! IEC 60870-5-104, telecontrol, over TCP.
//!
//! ```text
//!  68 length(1, 4 to 253) control(4)  [type(1) count(1) cause(2) address(2) objects]
//!  I: bit 0 of bytes 1 and 3 is 0    S: 01 00    U: 07 0b 13 23 43 83, then zeros
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "iec104",
    title: "IEC 60870-5-104",
    reference: "IEC 60870-5-104 section 5, IEC 60870-5-101 section 7.2",
    rests_on: "Frames that follow each other: start byte, length, and control fields of one of three \
               formats.",
    blind_spots: "Over TLS (IEC 62351) it is only seen as TLS.",
    bits: 26.0,
    openings: Openings::Known(&[one_of(&[0x68])]),
    asks: over_tcp(|view| match_opened(view, &DETECTOR, 6, frame)),
};

fn frame(bytes: &[u8]) -> Option<Said> {
    let [0x68, len, first, second, third, fourth] = array::<6>(bytes, 0)? else { return None };
    if !(4..=253).contains(&len) {
        return None;
    }
    let (fits, role, bits, fact) = match first & 3 {
        3 => {
            let role = match first {
                0x07 | 0x13 => Role::Client,
                0x0b | 0x23 => Role::Server,
                0x43 | 0x83 => Role::Either,
                _ => return None,
            };
            let zeros = second == 0 && third == 0 && fourth == 0 && len == 4;
            (zeros, role, 16.0 + 5.4 + 24.0, "IEC 104 U frame".to_owned())
        }
        1 => {
            let fits = first == 1 && second == 0 && third & 1 == 0 && len == 4;
            (fits, Role::Either, 16.0 + 16.0 + 1.0, "IEC 104 S frame".to_owned())
        }
        _ => {
            let (kind, cause) = (u8_at(bytes, 6)?, u8_at(bytes, 8)?);
            let fits = third & 1 == 0
                && len >= 12
                && type_is_known(kind)
                && (1..=47).contains(&(cause & 0x3f));
            // Commands come from the controlling station, which is the client.
            let role = match (kind, cause & 0x3f) {
                (45..=64 | 100..=107 | 110..=113, 6 | 8) => Role::Client,
                (1..=40 | 70, _) | (_, 7 | 9 | 10 | 44..=47) => Role::Server,
                _ => Role::Either,
            };
            (fits, role, 8.0 + 1.0 + 2.0 + 1.6 + 1.0, format!("IEC 104 type {kind}"))
        }
    };
    fits.then(|| Said::new(usize::from(len) + 2, role, bits, fact))
}

/// IEC 60870-5-101 section 7.2.1.1 and its companion.
const fn type_is_known(kind: u8) -> bool {
    matches!(kind, 1 | 3 | 5 | 7 | 9 | 11 | 13 | 15 | 20 | 21 | 30..=40 | 45..=51 | 58..=64 | 70 | 100..=107 | 110..=113 | 120..=127)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    #[test]
    fn frames_are_named() {
        let talk = Talk::tcp()
            .a(hex("68 04 07 00 00 00"))
            .b(hex("68 04 0b 00 00 00 68 0e 00 00 00 00 64 01 06 00 01 00 000000 14"));
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
        let measured = "68 0e 02 00 02 00 01 01 03 00 01 00 010000 01";
        Talk::tcp().midway().b(hex(&[measured, measured].concat())).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().a("hello there, this is no telecontrol\r\n").refused_by(&DETECTOR);
        Talk::tcp().a(hex("68 04 07 00 00 01")).refused_by(&DETECTOR);
        Talk::tcp()
            .a(hex("68 0e 02 00 02 00 01 01 03 00 01 00 010000 01 99 0e 02 00 02 00"))
            .refused_by(&DETECTOR);
        Talk::tcp().a([0x68; 60]).refused_by(&DETECTOR);
    }
}
