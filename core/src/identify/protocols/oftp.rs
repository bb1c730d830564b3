//! ODETTE FTP (RFC 5024), over TCP.

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "oftp",
    title: "ODETTE FTP",
    reference: "RFC 5024 sections 5.3.1 (SSRM) and 9.3.3 (stream transmission buffer)",
    rests_on: "The responder's ready message behind its transmission header.",
    blind_spots: "The initiator's side alone. Over TLS it is only seen as TLS.",
    bits: 150.0,
    openings: Openings::Known(&[one_of(&[0x10])]),
    asks: over_tcp(|view| {
        match_starts(view, &[b"\x10\0\0\x17IODETTE FTP READY \r", b"\x10\0\0"], 5, oftp)
    }),
};

fn oftp(bytes: &[u8]) -> Option<Said> {
    let len = usize::from(u8_at(bytes, 3)?);
    let said = |role, bits, fact: &str| Some(Said::new(len, role, bits, fact));
    match rest(bytes, 4) {
        [b'I', ready @ ..]
            if len == 23 && b"ODETTE FTP READY \r".starts_with(prefix(ready, 18)) =>
        {
            said(Role::Server, if ready.len() >= 18 { 160.0 } else { 28.0 }, "ODETTE FTP ready")
        }
        // SSID: start session, with a level from 1 to 5
        [b'X', b'1'..=b'5', ..] if len > 40 => said(Role::Either, 38.0, "ODETTE FTP start session"),
        // commands: a letter
        [b'A'..=b'Z' | b'0'..=b'9', ..] => {
            said(Role::Either, 24.0, "ODETTE FTP command").map(Said::shared)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};

    #[test]
    fn messages_are_named() {
        Talk::tcp().b(b"\x10\0\0\x17IODETTE FTP READY \r").named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp()
            .a(hex("10000017 494f4445545445204654502042555359 20200d"))
            .refused_by(&DETECTOR);
    }
}
