//! Citrix ICA's greeting, over TCP.
//!
//! ```text
//!  7f 7f 49 43 41 00      "ICA": the server says it, the client says it back
//! ```
//!
//! No specification is public; the greeting is what every public implementation of a recogniser
//! and public captures agree on. Which side said it first is not seen in a view, so the client is
//! not told. What follows is not checked.

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "ica",
    title: "Citrix ICA",
    reference: "Public captures and service probes (port 1494); no specification is public",
    rests_on: "The greeting 7f 7f 49 43 41 00 as the first bytes of a side.",
    blind_spots: "A connection captured after the greeting, and ICA inside CGP, TLS or UDT.",
    bits: 48.0,
    openings: Openings::Known(&[one_of(&[0x7f])]),
    asks: over_tcp(|view| probe_found(view, match_side, |said| signed(join(said)))),
};

const GREETING: &[u8] = b"\x7f\x7fICA\0";

fn match_side(head: &SideView<'_>) -> SideMatch<Said> {
    let spot = Spot::stream(0, GREETING.len());
    match starts_with(head.stream, GREETING) {
        Some(true) => Ok(Said::at(Role::Either, 48.0, "ICA greeting", spot)),
        Some(false) => Err(Not),
        None => Err(Short),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    #[test]
    fn the_greeting_is_named_from_each_side() {
        let talk = Talk::tcp().b(GREETING).a(GREETING).b(hex("000f00070002"));
        assert_eq!(talk.named_by(&DETECTOR).strength, Strength::Signature);
        for side in Side::BOTH {
            let found = talk.clone().only(side).named_by(&DETECTOR);
            assert_eq!(found.strength, Strength::OneSided);
        }
        // repeated, and byte by byte
        Talk::tcp().b([GREETING, GREETING].concat()).named_by(&DETECTOR);
        Talk::tcp().b(&GREETING[..2]).b(&GREETING[2..]).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().b(b"\x07\x07ICA\0").refused_by(&DETECTOR);
        Talk::tcp().b(b"\x7fELF\x02\x01").refused_by(&DETECTOR);
        Talk::tcp().b(b"ICA\0\x7f\x7fICA\0").refused_by(&DETECTOR);
        Talk::tcp().b(b"\x7f\x7fICA").refused_by(&DETECTOR);
        Talk::tcp().b(b"\x7f\x7fICAP/1.0 200 OK\r\n").refused_by(&DETECTOR);
    }
}
