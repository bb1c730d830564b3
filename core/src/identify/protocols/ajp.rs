//! AJP13, between web servers and Java containers, over TCP.
//!
//! ```text
//!  to the container    12 34 length(2) code(1: 2 request, 7 shutdown, 8 ping, 10 cping)  | body
//!  from the container  "AB"  length(2) code(1: 3 chunk, 4 headers, 5 end, 6 get body, 9 cpong)
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "ajp",
    title: "AJP13",
    reference: "Apache Tomcat Connectors, AJP Protocol Reference (AJPv13)",
    rests_on: "The magic of each direction, a length and what the code demands: a request's method and \
               protocol, headers' status, an end's flag.",
    blind_spots: "A request's body alone.",
    bits: 40.0,
    openings: Openings::Known(&[one_of(&[0x12, b'A'])]),
    asks: over_tcp(|view| match_starts(view, &[b"\x12\x34", b"AB"], 5, packet)),
};

fn packet(bytes: &[u8]) -> Option<Said> {
    let len = usize::from(be16(bytes, 2)?);
    let code = u8_at(bytes, 4)?;
    let body = prefix(rest(bytes, 5), len.checked_sub(1)?);
    let client = bytes.starts_with(&[0x12, 0x34]);
    let (more, own, name) = match (client, code) {
        (true, 2) => {
            // method 1 to 28, or ff and a name; then "HTTP/1.1" as a counted string
            let method = u8_at(body, 0)?;
            let protocol = rest(body, 3);
            let fits = (1..=28).contains(&method)
                && be16(body, 1)? <= 16
                && protocol.starts_with(b"HTTP/");
            (60.0, fits.then_some(true)?, "request")
        }
        (true, 10) if len == 1 => (24.0, true, "ping"),
        (true, 7 | 8) if len == 1 => (24.0, true, "control"),
        // The body of a request: a length again, two less.
        (true, _) if usize::from(be16(bytes, 4)?).saturating_add(2) == len => (16.0, false, "body"),
        (false, 3) => (
            8.0 + 10.0,
            (usize::from(be16(body, 0)?).saturating_add(4) >= len).then_some(true)?,
            "body chunk",
        ),
        (false, 4) => {
            (8.0 + 7.0 + 6.0, (100..600).contains(&be16(body, 0)?).then_some(true)?, "headers")
        }
        (false, 5) if len == 2 => (24.0 + 7.0, (u8_at(body, 0)? <= 1).then_some(true)?, "end"),
        (false, 6) if len == 3 => (24.0, true, "asks for the body"),
        (false, 9) if len == 1 => (24.0, true, "pong"),
        _ => return None,
    };
    let role = if client { Role::Client } else { Role::Server };
    // magic, a length below 8 KiB
    let uri = prefix(rest(body, 14), 60).split(|byte| *byte == 0).next().unwrap_or_default();
    let fact = if name == "request" {
        format!("AJP13 request {}", from_wire(uri))
    } else {
        format!("AJP13 {name}")
    };
    Some(Said::new(len.saturating_add(4), role, 16.0 + 3.0 + more, fact).owned_if(own))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    fn ask() -> Vec<u8> {
        [
            hex("1234 001d 02 02 0008"),
            b"HTTP/1.1".to_vec(),
            hex("00 0001 2f 00 0009"),
            b"127.0.0.1".to_vec(),
            hex("00"),
        ]
        .concat()
    }

    #[test]
    fn requests_and_answers_are_named() {
        let talk = Talk::tcp().a(ask()).b(hex("4142 0007 04 00c8 0002 4f4b 4142 0002 05 01"));
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
        Talk::tcp().a(hex("1234 0001 0a")).b(hex("4142 0001 09")).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().a(hex("1234 0030 03 02 0008 485454502f312e31")).refused_by(&DETECTOR);
        Talk::tcp().b("ABOUT this server\r\n").refused_by(&DETECTOR);
        Talk::tcp().b(hex("4142 0002 05 07")).refused_by(&DETECTOR);
        Talk::udp().a(hex("1234 0100 0001 0000")).refused_by(&DETECTOR);
    }
}
