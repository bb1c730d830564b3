//! FastCGI, over TCP.
//!
//! ```text
//!  version(1, 1) type(1) request(2) length(2) padding(1) reserved(1)  content padding
//!  BEGIN_REQUEST 1: role(2) flags(1) reserved(5)
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "fastcgi",
    title: "FastCGI",
    reference: "FastCGI Specification 1.0, sections 3.3, 5 and 8",
    rests_on: "Records that follow each other: a request's begin and parameters, or output and end.",
    blind_spots: "An answer's output alone, one record that is cut.",
    bits: 34.0,
    openings: Openings::Known(&[one_of(&[1])]),
    asks: over_tcp(|view| match_stream(view, |bytes, _| read(bytes))),
};

fn read(bytes: &[u8]) -> SideMatch<Said> {
    // What begins a request, and what ends it, have a body of eight bytes; empty records have none.
    let needed = if matches!(bytes, [_, 1 | 3, ..]) { 16 } else { 8 };
    from_opening(bytes, &DETECTOR, needed, record)
}

fn record(bytes: &[u8]) -> Option<Said> {
    let (kind, request) = (u8_at(bytes, 1)?, be16(bytes, 2)?);
    let (len, padding) = (usize::from(be16(bytes, 4)?), usize::from(u8_at(bytes, 6)?));
    let content = prefix(rest(bytes, 8), len);
    let zeros = |at: usize| rest(content, at).iter().all(|byte| *byte == 0);
    // version, type, reserved
    let bits = 8.0 + 4.5 + 8.0;
    let (role, more, own) = match kind {
        1 => {
            let fits = len == 8
                && (1..=3).contains(&be16(content, 0)?)
                && u8_at(content, 2)? <= 1
                && zeros(3);
            (Role::Client, 16.0 + 14.0 + 7.0 + 40.0, fits.then_some(true)?)
        }
        3 => (
            Role::Server,
            16.0 + 22.0,
            (len == 8 && u8_at(content, 4)? <= 3 && zeros(5)).then_some(true)?,
        ),
        4 => (Role::Client, 6.0, false),
        5 | 8 => (Role::Client, 4.0, false),
        // What a program prints starts with a header's name.
        6 => {
            let printed = [
                &b"Status:"[..],
                b"Content-",
                b"X-Powered-By:",
                b"Set-Cookie:",
                b"Location:",
                b"Cache-Control:",
                b"Expires:",
            ];
            let known = printed.iter().any(|name| content.starts_with(name));
            (Role::Server, if known { 56.0 } else { 2.0 }, known)
        }
        7 => (Role::Server, 2.0, false),
        9 | 10 if request == 0 => (Role::Either, 16.0, false),
        _ => return None,
    };
    let plain = u8_at(bytes, 7)? == 0 && padding <= 8 + 247 && (request != 0) == (kind < 9);
    let total = len.saturating_add(padding).saturating_add(8);
    plain.then(|| {
        Said::new(total, role, bits + more, format!("FastCGI record {kind}")).owned_if(own)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    const BEGIN: &str =
        "01 01 0001 0008 00 00 0001 01 0000000000 01 04 0001 0000 00 00 01 05 0001 0000 00 00";

    #[test]
    fn requests_and_ends_are_named() {
        let output = [
            hex("01 06 0001 0014 04 00"),
            b"Content-type: x\r\n\r\n.".to_vec(),
            vec![0; 4],
            hex("01 03 0001 0008 00 00 00000000 00 000000"),
        ]
        .concat();
        let talk = Talk::tcp().a(hex(BEGIN)).b(output);
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp()
            .a(hex(&BEGIN.replace("0001 01 0000000000", "0009 01 0000000000")))
            .refused_by(&DETECTOR);
        Talk::tcp().a(hex(&BEGIN.replace("0008 00 00", "0008 00 01"))).refused_by(&DETECTOR);
        Talk::tcp()
            .a(hex("01 01 0024 0000 01 00 16000000 12000000 0200 0000"))
            .refused_by(&DETECTOR);
        Talk::tcp().b(hex("0100 0b00 0000 6a00 00f03b01 00000004")).refused_by(&DETECTOR);
    }
}
