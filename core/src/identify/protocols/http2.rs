//! HTTP/2 (RFC 9113), over TCP.
//!
//! ```text
//!  client  PRI * HTTP/2.0 CRLF CRLF SM CRLF CRLF      section 3.4, then SETTINGS
//!  frame   length(3) type(1) flags(1) stream(4)       section 4.1
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "http2",
    title: "HTTP/2",
    reference: "RFC 9113 sections 3.4, 4.1 and 6",
    rests_on: "The client's preface; of the server, SETTINGS frames with known values and frames that \
               follow each other.",
    blind_spots: "A connection captured from its middle, unless a frame starts there. Over TLS it is \
                  only seen as TLS.",
    bits: 30.0,
    openings: Openings::Known(&[one_of(b"P\0")]),
    asks: over_tcp(probe),
};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const HEADER: usize = 9;

/// Section 6.5.2: what peers allow until they have agreed on more.
const FRAME_BYTES_MAX: usize = 16_384;

fn probe(view: &FlowView<'_>) -> Probe {
    match_stream(view, |bytes, _| match starts_with(bytes, PREFACE) {
        Some(true) => Ok(Said::new(PREFACE.len(), Role::Client, 192.0, "HTTP/2 preface")),
        None => Err(Short),
        Some(false) => from_header(bytes, HEADER, frame),
    })
}

fn frame(bytes: &[u8]) -> Option<Said> {
    let len = index(be24(bytes, 0)?);
    let (kind, flags, stream) = (u8_at(bytes, 3)?, u8_at(bytes, 4)?, be32(bytes, 5)?);
    if len > FRAME_BYTES_MAX || stream >> 31 != 0 {
        return None;
    }
    let body = prefix(rest(bytes, HEADER), len);
    // Section 6: which lengths, flags and streams a type has, and the bits of it.
    let (fits, more, name) = match kind {
        0 => (flags & !0x09 == 0 && stream != 0, 6.0, "DATA"),
        1 => (flags & !0x2d == 0 && stream != 0, 4.0, "HEADERS"),
        2 => (len == 5 && stream != 0, 14.0, "PRIORITY"),
        3 => (len == 4 && stream != 0 && flags == 0, 22.0, "RST_STREAM"),
        4 => (settings(body, len, flags) && stream == 0, 45.0, "SETTINGS"),
        6 => (len == 8 && flags & !1 == 0 && stream == 0, 52.0, "PING"),
        7 => (
            len >= 8 && flags == 0 && stream == 0 && be32(body, 4).is_none_or(|code| code <= 13),
            40.0,
            "GOAWAY",
        ),
        8 => (
            len == 4
                && flags == 0
                && be32(body, 0).is_none_or(|size| (1..=0x7fff_ffff).contains(&size)),
            22.0,
            "WINDOW_UPDATE",
        ),
        9 => (flags & !4 == 0 && stream != 0, 7.0, "CONTINUATION"),
        _ => return None,
    };
    // SETTINGS alone may be nine bytes that are nearly all zero: shared, until more follows.
    let own = (kind == 4 && !body.is_empty()) || (6..=8).contains(&kind);
    let bits = 10.0 + 8.0 + 1.0 - 3.0 + more;
    fits.then(|| {
        Said::new(len.saturating_add(HEADER), Role::Either, bits, format!("HTTP/2 frame {name}"))
            .owned_if(own)
    })
}

/// Section 6.5.2 for the six first settings; RFC 8441, RFC 9218 and others go up to 0x10.
fn settings(body: &[u8], len: usize, flags: u8) -> bool {
    let known = body.chunks_exact(6).all(|setting| {
        let value = be32(setting, 2).unwrap_or(0);
        match be16(setting, 0) {
            Some(2 | 8 | 9) => value <= 1,
            Some(4) => value <= 0x7fff_ffff,
            Some(5) => (16_384..=0xff_ffff).contains(&value),
            Some(1 | 3 | 6 | 0x10) => true,
            // Section 6.5.2: unknown ones are ignored, and peers send some as grease.
            Some(id) => id & 0x0f0f == 0x0a0a,
            None => false,
        }
    });
    len.is_multiple_of(6) && len <= 16 * 6 && flags <= 1 && (flags == 0 || len == 0) && known
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    const SETTINGS: &str = "00000c 04 00 00000000 0003 00000064 0004 0000ffff";
    const UPDATE: &str = "000004 08 00 00000000 003fff01";

    #[test]
    fn prefaces_and_settings_are_named() {
        let talk =
            Talk::tcp().a([PREFACE.to_vec(), hex(SETTINGS), hex(UPDATE)].concat()).b(hex(SETTINGS));
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
        Talk::tcp()
            .b(hex("000000 04 00 00000000 000000 04 01 00000000 000004 08 00 00000000 00bf0001"))
            .named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().a("PRI * HTTP/1.1\r\n\r\n").refused_by(&DETECTOR);
        Talk::tcp().b(hex("000000 04 00 00000000")).refused_by(&DETECTOR);
        Talk::tcp()
            .b(hex("00000c 04 00 00000000 0002 00000064 0004 0000ffff"))
            .refused_by(&DETECTOR);
        Talk::tcp()
            .b(hex("000004 08 00 00000000 003fff01 999999999999999999999999"))
            .refused_by(&DETECTOR);
        Talk::tcp().b([0; 40]).refused_by(&DETECTOR);
    }
}
