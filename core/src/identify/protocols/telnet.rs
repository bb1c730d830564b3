//! Telnet's negotiation (RFC 854, RFC 855), over TCP.
//!
//! ```text
//!  ff fb..fe option       WILL, WONT, DO, DONT
//!  ff fa option ... ff f0 subnegotiation
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "telnet",
    title: "Telnet",
    reference: "RFC 854, RFC 855; IANA's telnet options",
    rests_on: "At least two negotiations of known options at the start of what the sides say.",
    blind_spots: "A session without negotiation is bare text, and one captured after it too.",
    bits: 30.0,
    openings: Openings::Known(&[one_of(&[0xff])]),
    asks: over_tcp(|view| match_stream(view, |bytes, _| read(bytes))),
};

const IAC: u8 = 0xff;

/// The longest subnegotiation that is followed.
const SUBNEGOTIATION_BYTES_MAX: usize = 256;

fn read(bytes: &[u8]) -> SideMatch<Said> {
    let said = |len, bits, fact: String| Ok(Said::new(len, Role::Either, bits, fact));
    match *prefix(bytes, 3) {
        [IAC, verb @ 0xfb..=0xfe, option] if is_option(option) => {
            let name = match verb {
                0xfb => "WILL",
                0xfc => "WONT",
                0xfd => "DO",
                _ => "DONT",
            };
            said(3, 8.0 + 6.0 + 2.2, format!("Telnet {name} {option}"))
        }
        [IAC, 0xfa, option] if is_option(option) => {
            let end = prefix(bytes, SUBNEGOTIATION_BYTES_MAX)
                .windows(2)
                .position(|pair| pair == [IAC, 0xf0]);
            match end {
                Some(end) => said(
                    end.saturating_add(2),
                    18.0 + 8.0,
                    format!("Telnet subnegotiation {option}"),
                ),
                None if bytes.len() < SUBNEGOTIATION_BYTES_MAX => Err(Short),
                None => Err(Not),
            }
        }
        [IAC] | [IAC, 0xfa..=0xfe] | [] => Err(Short),
        _ => Err(Not),
    }
}

/// IANA's telnet options: 0 to 49, 138 to 140 and 255; MUDs use 69 to 93 and 200, 201.
const fn is_option(option: u8) -> bool {
    matches!(option, 0..=49 | 69 | 70 | 85 | 86 | 90 | 91 | 93 | 138..=140 | 200 | 201)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    #[test]
    fn negotiations_are_named() {
        let talk = Talk::tcp().b(hex("fffd18 fffd20 fffd23 fffd27")).a(hex("fffb18 fffc20"));
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, None));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
        Talk::tcp().a(hex("fffb1f fffa1f00500018fff0")).named_by(&DETECTOR);
        let login = [hex("fffd18 fffb01 fffb03"), b"login: ".to_vec()].concat();
        Talk::tcp().b(login).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        // one only, unknown options, BGP, JPEG, MPEG audio
        Talk::tcp().a(hex("fffd18")).refused_by(&DETECTOR);
        Talk::tcp().a(hex("fffd80 fffd81 fffd82")).refused_by(&DETECTOR);
        Talk::tcp().a([0xff; 19]).refused_by(&DETECTOR);
        Talk::tcp().a(hex("ffd8ffe0 00104a46494600")).refused_by(&DETECTOR);
        Talk::tcp().a(hex("fffb9064 00000000 00000000")).refused_by(&DETECTOR);
    }
}
