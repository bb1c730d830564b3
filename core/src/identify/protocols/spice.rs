//! SPICE's link stage, over TCP.
//!
//! ```text
//!  "REDQ" major(4) minor(4) size(4)     little-endian; both sides send it first
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "spice",
    title: "SPICE",
    reference: "SPICE Remote Computing Protocol definition v1.0, section 2.5 (link stage)",
    rests_on: "The link header: REDQ, a version, and a size.",
    blind_spots: "A connection captured after the link stage. Over TLS it is only seen as TLS.",
    bits: 80.0,
    openings: Openings::Known(&[one_of(b"R")]),
    asks: over_tcp(|view| {
        match_stream(view, |bytes, _| {
            let link = from_start(bytes, &[b"REDQ"], 16, link);
            or_behind(link, || from_header(bytes, 4, mechanism))
        })
    }),
};

fn link(bytes: &[u8]) -> Option<Said> {
    let (major, minor, size) = (le32(bytes, 4)?, le32(bytes, 8)?, index(le32(bytes, 12)?));
    // SpiceLinkMess starts with a connection id and two bytes; SpiceLinkReply with an error and a key.
    let role = if size >= 178 { Role::Server } else { Role::Client };
    let fits = (1..=2).contains(&major) && minor < 100 && (18..=4096).contains(&size);
    let fact = || format!("SPICE link version {major}.{minor}");
    let len = size.saturating_add(16);
    fits.then(|| Said::new(len, role, 32.0 + 31.0 + 25.0 + 20.0, fact()))
}

/// The mechanism of authentication that the client chose, or how it ended; encrypted tickets and channel
/// messages follow.
fn mechanism(bytes: &[u8]) -> Option<Said> {
    (le32(bytes, 0)? <= 16).then(|| Said::all(Role::Either, 0.0, "SPICE authentication").shared())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    #[test]
    fn links_are_named() {
        let client = [
            b"REDQ".to_vec(),
            hex("02000000 02000000 12000000 00000000 0100 01000000 01000000 12000000"),
        ]
        .concat();
        let server = [b"REDQ".to_vec(), hex("02000000 02000000 ba000000"), vec![0; 186]].concat();
        let talk = Talk::tcp().a(client).b(server);
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().a("REDQuestion of some kind\r\n").refused_by(&DETECTOR);
        Talk::tcp()
            .a([b"REDQ".to_vec(), hex("02000000 02000000 00000000")].concat())
            .refused_by(&DETECTOR);
        Talk::tcp().a("RED").refused_by(&DETECTOR);
    }
}
