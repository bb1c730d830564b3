//! RFB, the protocol of VNC (RFC 6143), over TCP.
//!
//! ```text
//!  both sides   RFB 003.008 LF                 section 7.1.1
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "rfb",
    title: "RFB (VNC)",
    reference: "RFC 6143 section 7.1.1",
    rests_on: "The protocol version, twelve bytes that both sides send first.",
    blind_spots: "A connection captured without its start; which side is the client is told by the \
                  security types alone.",
    bits: 60.0,
    openings: Openings::Known(&[one_of(b"R")]),
    asks: over_tcp(probe).telling(Extras {
        details: &[VERSION],
        client_later: true,
        ..Extras::NONE
    }),
};

/// The protocol's version, of the server where both were seen.
const VERSION: DetailKey =
    DetailKey::Own(&OwnDetail { path: "portstory.rfb.version", summary: None, names: false });

const LEN: usize = 12;

/// The security types of IANA's registry (RFC 6143 section 8.1.2), and 0 where a server refuses.
const SECURITY: &[u8] = &[
    0, 1, 2, 5, 6, 16, 17, 18, 19, 20, 21, 22, 23, 24, 30, 31, 32, 33, 34, 35, 36, 113, 129, 130,
    133,
];

fn probe(view: &FlowView<'_>) -> Probe {
    // Section 7.1.2: the server's list of security types follows; the client answers one byte.
    let server = Side::BOTH.into_iter().find(|side| {
        let [mine, other] = [*side, side.other()].map(|side| view.side(side).stream.len());
        mine > LEN + 1 && other <= LEN + 1
    });
    let answer = match_starts(view, &[b"RFB "], LEN, read);
    match (answer, server) {
        (Probe::Yes(mut found), Some(server))
            if found.client.is_none() && found.spoken_by == [true; 2] =>
        {
            found.client = Some(server.other());
            Probe::Yes(found)
        }
        (answer, _) => answer,
    }
}

fn read(bytes: &[u8]) -> Option<Said> {
    let version = prefix(bytes, LEN);
    // 003.003, 003.007, 003.008, Apple's 003.889, RealVNC's 004 and 005
    let [.., a, b, c, b'.', d, e, f, b'\n'] = version else { return None };
    let digits = [a, b, c, d, e, f].iter().all(|byte| byte.is_ascii_digit());
    let name = from_wire(version.trim_ascii());
    let fact = format!("VNC version {name}");
    // Section 7.1.2: a server's list of security types, or the type that a client or version 3.3 chose.
    let known = |at| u8_at(bytes, at).is_none_or(|kind| SECURITY.contains(&kind));
    let count = u8_at(bytes, LEN).is_none_or(|count| (1..=SECURITY.len()).contains(&count.into()));
    let chosen = be24(bytes, LEN) == Some(0) && known(LEN + 3);
    let said = Said::all(Role::Either, 48.0 + 28.0, fact);
    // From version 4 on it is RealVNC's own.
    let own = *a > b'0' || *c > b'3';
    let follows = own || chosen || known(LEN) || (count && known(LEN + 1));
    let said = (digits && follows).then_some(said)?;
    Some(said.with(VERSION, name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};

    #[test]
    fn versions_are_named_and_security_types_tell_the_server() {
        let talk = Talk::tcp().b("RFB 003.008\n").a("RFB 003.008\n").b(hex("020210")).a(hex("02"));
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().b("RFB three\n\n\n").refused_by(&DETECTOR);
        Talk::tcp().b("RFB 003.008 \n").refused_by(&DETECTOR);
        Talk::tcp().b("RFC 003.008\n").refused_by(&DETECTOR);
        Talk::tcp().b("RFB 0").refused_by(&DETECTOR);
    }
}
