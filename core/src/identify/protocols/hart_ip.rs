//! HART-IP, over TCP and UDP.
//!
//! ```text
//!  version(1: 1, 2) type(1) id(1) status(1) sequence(2) length(2, with these 8)  ...
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "hart-ip",
    title: "HART-IP",
    reference: "FieldComm Group, HART-IP (TS20085) sections 6 and 10",
    rests_on: "The header's version, type, number, status and length; a session's fields or a token \
               passing frame behind it.",
    blind_spots: "Version 2 starts with TLS or DTLS where security is on.",
    bits: 34.0,
    openings: Openings::Known(&[
        one_of(&[1, 2]),
        one_of(&[0, 1, 2, 15]).at(1),
        within(&[(0, 7)]).at(2),
        within(&[(0, 16)]).at(3),
        within(&[(0, 8)]).at(6).tcp(),
        within(&[(0, 8)]).at(6).required().udp(),
    ]),
    asks: over_both(probe),
};

fn probe(view: &FlowView<'_>) -> Probe {
    let stream = |bytes: &[u8], _| from_start(bytes, &[&[1], &[2]], 8, message);
    match_messages(view, stream, |datagram| message(datagram.bytes))
}

fn message(bytes: &[u8]) -> Option<Said> {
    let [version @ (1 | 2), kind, id, status] = array::<4>(bytes, 0)? else { return None };
    let len = usize::from(be16(bytes, 6)?);
    let role = match kind {
        0 => Role::Client,
        1 | 2 | 15 => Role::Server,
        _ => return None,
    };
    let known = status == 0 || (kind != 0 && matches!(status, 1..=16));
    let body = rest(bytes, 8);
    let (fits, more, name) = match id {
        // master type and a timer in milliseconds, of a day at most
        0 => (
            len == 13
                && u8_at(body, 0).is_none_or(|kind| kind <= 1)
                && be32(body, 1).is_none_or(|time| time <= 86_400_000),
            16.0 + 7.0 + 5.6,
            "session initiate",
        ),
        1 => (len == 8, 16.0, "session close"),
        2 => (len == 8, 16.0, "keep alive"),
        // token passing: a delimiter of a request (02, 82), an answer (06, 86) or a burst (01, 81)
        3 => (
            len >= 12 && u8_at(body, 0).is_none_or(|byte| matches!(byte & 0x1f, 1 | 2 | 6)),
            5.0 + 6.0,
            "token passing",
        ),
        4..=7 => (len >= 8 && version == 2, 0.0, "message"),
        _ => return None,
    };
    // version, type, id, status, upper byte of the length
    let bits = 7.0 + 6.0 + 5.0 + 4.0 + 5.0 + more;
    (fits && known && len <= 2048).then(|| Said::new(len, role, bits, format!("HART-IP {name}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    const ASK: &str = "01 00 00 00 0001 000d 01 00007530";
    const ANSWER: &str = "01 01 00 00 0001 000d 01 00007530";

    #[test]
    fn sessions_are_named() {
        for talk in [Talk::tcp(), Talk::udp()] {
            let talk = talk.a(hex(ASK)).b(hex(ANSWER));
            let found = talk.named_by(&DETECTOR);
            assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
            talk.clone().only(Side::A).named_by(&DETECTOR);
            talk.only(Side::B).named_by(&DETECTOR);
        }
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().a(hex(&ASK.replace("000d", "000e"))).refused_by(&DETECTOR);
        Talk::udp().a(hex("01 05 00 00 0001 000d 01 00007530")).refused_by(&DETECTOR);
        Talk::tcp().a(hex("01 01 0001 0008 00 00 0001 01 0000000000")).refused_by(&DETECTOR);
        Talk::tcp().a(hex("01 02 0000 00000008")).refused_by(&DETECTOR);
    }
}
