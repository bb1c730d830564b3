//! BGP-4 (RFC 4271), over TCP.
//!
//! ```text
//!  marker(16, all ones) length(2) type(1) ...
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "bgp",
    title: "BGP",
    reference: "RFC 4271 section 4.1, RFC 2918, RFC 8654",
    rests_on: "The marker of 16 ones, a length and a known type.",
    blind_spots: "A capture that starts within a message.",
    bits: 130.0,
    openings: Openings::Known(&[one_of(&[0xff])]),
    asks: over_tcp(|view| match_starts(view, &[&[0xff; 16]], 19, message)),
};

fn message(bytes: &[u8]) -> Option<Said> {
    let (len, kind) = (be16(bytes, 16)?, u8_at(bytes, 18)?);
    let (name, least) = match kind {
        1 => ("OPEN", 29),
        2 => ("UPDATE", 23),
        3 => ("NOTIFICATION", 21),
        4 => ("KEEPALIVE", 19),
        5 => ("ROUTE-REFRESH", 23),
        _ => return None,
    };
    let version = kind != 1 || u8_at(bytes, 19).is_none_or(|version| version == 4);
    let exact = if kind == 4 { len == 19 } else { len >= least };
    (version && exact)
        .then(|| Said::new(usize::from(len), Role::Either, 128.0 + 5.7, format!("BGP {name}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    fn message(rest_of: &str) -> Vec<u8> {
        [vec![0xff; 16], hex(rest_of)].concat()
    }

    #[test]
    fn messages_are_named() {
        let open = message("001d 01 04 fde8 00b4 0a000001 00");
        let talk = Talk::tcp().a(&open).b([open.clone(), message("0013 04")].concat());
        assert_eq!(talk.named_by(&DETECTOR).strength, Strength::BothSides);
        talk.only(Side::A).named_by(&DETECTOR);
        Talk::tcp().midway().a(message("0013 04")).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().a([0xff; 40]).refused_by(&DETECTOR);
        Talk::tcp().a(message("0013 09")).refused_by(&DETECTOR);
        Talk::tcp().a(message("0014 04 00")).refused_by(&DETECTOR);
        Talk::tcp().a(message("001d 01 03 fde8 00b4 0a000001 00")).refused_by(&DETECTOR);
    }
}
