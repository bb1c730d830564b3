//! Oracle's TNS (Transparent Network Substrate), over TCP.
//!
//! ```text
//!  length(2) checksum(2, 0) type(1) flags(1) header checksum(2, 0)  body       since version 315
//!  data packets have a length of four bytes instead
//!  connect 1: version(2) compatible(2) ... "(DESCRIPTION=(CONNECT_DATA=..."
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "oracle-tns",
    title: "Oracle TNS",
    reference: "Oracle Net Services documentation; the packet layout as public dissectors describe it",
    rests_on: "The packet header with both checksums zero, and a connect packet's versions and \
               descriptor, or an accept, refuse, redirect or resend packet.",
    blind_spots: "Data packets alone, when the connection's start was not captured.",
    bits: 40.0,
    openings: Openings::Known(&[within(&[(1, 14)]).at(4)]),
    asks: over_tcp(|view| match_stream(view, |bytes, _| from_header(bytes, HEADER, packet))),
};

const HEADER: usize = 8;

fn packet(bytes: &[u8]) -> Option<Said> {
    let (short, checksum) = (be16(bytes, 0)?, be16(bytes, 2)?);
    let kind = u8_at(bytes, 4)?;
    // Reserved bits; the header's checksum.
    if u8_at(bytes, 5)? & !0x3f != 0 || be16(bytes, 6)? != 0 || !(1..=14).contains(&kind) {
        return None;
    }
    let len = match (short, checksum) {
        (8.., 0) => usize::from(short),
        (0, 11..) if kind == 6 => index(be32(bytes, 0)?),
        _ => return None,
    };
    let body = prefix(rest(bytes, HEADER), len - HEADER);
    // header checksum, checksum or upper length, type, reserved bits
    let bits = 16.0 + 16.0 + 4.2 + 2.0;
    let said = |role, more: f32, what: &str| {
        Some(Said::new(len, role, bits + more, format!("TNS {what}")))
    };
    match kind {
        1 => said(Role::Client, connect(body)?, "connect"),
        2 => said(Role::Server, version(body)?, "accept"),
        4 => said(Role::Server, descriptor(rest(body, 4))?, "refuse"),
        5 => said(Role::Server, descriptor(rest(body, 2))?, "redirect"),
        // no body at all
        11 if len == HEADER => said(Role::Server, 16.0, "resend"),
        6 => said(Role::Either, 0.0, "data").map(Said::shared),
        12 if len == 11 => said(Role::Either, 12.0, "marker").map(Said::shared),
        3 | 7 | 9 | 13 | 14 => said(Role::Either, 0.0, "packet").map(Said::shared),
        _ => None,
    }
}

/// Versions 300 to 400 are in use, and the compatible one is not the newer.
fn version(body: &[u8]) -> Option<f32> {
    (290..400).contains(&be16(body, 0)?).then_some(9.0)
}

fn connect(body: &[u8]) -> Option<f32> {
    let fits = (290..400).contains(&be16(body, 0)?) && be16(body, 2)? <= be16(body, 0)?;
    fits.then_some(16.0)
}

fn descriptor(body: &[u8]) -> Option<f32> {
    let seen = prefix(body, 64);
    (mentions(seen, "(DESCRIPTION") || mentions(seen, "(ADDRESS") || mentions(seen, "(ERR"))
        .then_some(48.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    fn connect_packet() -> Vec<u8> {
        let text = b"(DESCRIPTION=(CONNECT_DATA=(SERVICE_NAME=x)))";
        let mut body = hex("0139 012c 0000 2000 7fff 8608 0000 0100 002d 003a 00000800 0101");
        body.extend([0; 24]);
        body.extend(text);
        let len = u16::try_from(body.len() + 8).unwrap().to_be_bytes();
        [&len[..], &hex("0000 0100 0000"), &body].concat()
    }

    #[test]
    fn connect_and_answers_are_named() {
        let accept =
            hex("0020 0000 02 00 0000 0139 0000 0800 7fff 0100 0000 0020 0101 000000000000 0000");
        let talk = Talk::tcp().a(connect_packet()).b(accept);
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
        Talk::tcp().b(hex("0008 0000 0b 00 0000")).named_by(&DETECTOR);
        let refuse =
            [hex("0022 0000 04 00 0000 2201 0016"), b"(DESCRIPTION=(ERR=12514".to_vec()].concat();
        Talk::tcp().b(refuse).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        // data alone, DNS over TCP, zeros, a version that is none
        Talk::tcp().a(hex("0010 0000 06 00 0000 0000 1122 3344 5566")).refused_by(&DETECTOR);
        Talk::tcp().a(hex("001d 1234 0100 0001 0000 0000 0000")).refused_by(&DETECTOR);
        Talk::tcp().a([0; 40]).refused_by(&DETECTOR);
        Talk::tcp()
            .a(hex("0014 0000 01 00 0000 0001 0001 0000 0000 0000 0000"))
            .refused_by(&DETECTOR);
    }
}
