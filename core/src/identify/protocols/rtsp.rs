//! RTSP 1.0 and 2.0 (RFC 2326, RFC 7826), over TCP.
//!
//! ```text
//!  DESCRIBE rtsp://a.example/x RTSP/1.0 CRLF     RTSP/1.0 200 OK CRLF
//!  '$' channel(1) length(2) data                 interleaved, section 10.12
//! ```

use crate::identify::lines::fields_message;
use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "rtsp",
    title: "RTSP",
    reference: "RFC 2326 sections 6, 7 and 10, RFC 7826 section 5",
    rests_on: "A request line or a status line that says RTSP with a version.",
    blind_spots: "Interleaved media, captured without the messages; RTSP in HTTP is HTTP.",
    bits: 80.0,
    openings: Openings::Known(&[
        mixed(&[(b'A', b'Z')], b"_"),
        mixed(&[(b'A', b'Z')], b"_").at(1),
        mixed(&[(b'A', b'Z')], b"_").at(2),
        mixed(&[(b'A', b'Z')], b"_").at(3),
        mixed(&[(b'A', b'Z')], b" /_").at(4),
    ]),
    asks: over_tcp(|view| {
        match_stream(view, |bytes, complete| match bytes {
            [b'$', ..] => from_header(bytes, 4, media),
            _ => start_line(line(bytes, complete)?, bytes).ok_or(Not),
        })
    }),
};

/// Media between the messages, behind a dollar, its channel and its length (RFC 2326 section 10.12).
fn media(bytes: &[u8]) -> Option<Said> {
    let (channel, len) = (u8_at(bytes, 1)?, usize::from(be16(bytes, 2)?));
    (channel < 32)
        .then(|| Said::new(len.saturating_add(4), Role::Either, 0.0, "RTSP media").shared())
}

fn start_line(Line { text, .. }: Line<'_>, bytes: &[u8]) -> Option<Said> {
    let said = |role, bits| {
        let fact = format!("RTSP: {}", from_wire(prefix(text, 80)));
        Some(Said::new(fields_message(bytes, true)?, role, bits, fact))
    };
    if let Some(status) =
        text.strip_prefix(b"RTSP/1.0 ").or_else(|| text.strip_prefix(b"RTSP/2.0 "))
    {
        return is_number(first_word(status).0, 3).then(|| said(Role::Server, 90.0))?;
    }
    let (method, behind) = first_word(text);
    let (_, version) = first_word(behind);
    let word =
        method.len() >= 4 && method.iter().all(|byte| byte.is_ascii_uppercase() || *byte == b'_');
    let ends = matches!(version.trim_ascii(), b"RTSP/1.0" | b"RTSP/2.0");
    (word && ends).then(|| said(Role::Client, 100.0))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::Talk;
    use crate::net::Side;

    #[test]
    fn requests_and_answers_are_named() {
        let talk = Talk::tcp()
            .a("OPTIONS rtsp://a.example/x RTSP/1.0\r\nCSeq: 1\r\n\r\n")
            .b("RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n");
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().a("OPTIONS sip:a@b SIP/2.0\r\n").b("SIP/2.0 200 OK\r\n").refused_by(&DETECTOR);
        Talk::tcp().a("GET /rtsp HTTP/1.1\r\n").b("HTTP/1.1 200 OK\r\n").refused_by(&DETECTOR);
        Talk::tcp().a("we talk about RTSP/1.0\r\n").refused_by(&DETECTOR);
        Talk::tcp().b("RTSP/1.0 is old\r\n").refused_by(&DETECTOR);
    }
}
