//! WebSocket (RFC 6455), by the HTTP handshake that opens it, over TCP.
//!
//! ```text
//!  client  GET /chat HTTP/1.1 CRLF ... Upgrade: websocket CRLF Sec-WebSocket-Key: 24 characters CRLF
//!  server  HTTP/1.1 101 ... CRLF ... Sec-WebSocket-Accept: 28 characters CRLF
//! ```
//!
//! The frames behind it show themselves only where they are text: `81 length [mask(4)] text`.

use crate::identify::lines::field_value;
use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "websocket",
    title: "WebSocket",
    reference: "RFC 6455 sections 1.3, 4.1 and 4.2.2",
    rests_on: "An HTTP request with Upgrade: websocket and a key of 16 bytes in base64, or the answer \
               101 with an accepted key of 20; in the middle, frames of plain text.",
    blind_spots: "Frames without the handshake, unless they hold plain text. Over TLS it is only seen \
                  as TLS.",
    bits: 25.0,
    openings: Openings::Known(&[one_of(&[b'G', b'H', 0x81, 0x82, 0x88, 0x89, 0x8a, 0xc1, 0xc2])]),
    asks: over_tcp(|view| match_stream(view, read)),
};

fn read(bytes: &[u8], complete: bool) -> SideMatch<Said> {
    if let [0x81 | 0x82 | 0xc1 | 0xc2 | 0x88..=0x8a, ..] = bytes {
        return frame(bytes);
    }
    let asks = starts_with(bytes, b"GET ");
    let answers = starts_with(bytes, b"HTTP/1.1 101");
    if asks == Some(false) && answers == Some(false) {
        return Err(Not);
    }
    let end = position_of(bytes, b"\r\n\r\n");
    let end =
        end.map(|end| end.saturating_add(4)).or(complete.then_some(bytes.len())).ok_or(Short)?;
    let section = prefix(bytes, end);
    let role = if asks == Some(true) { Role::Client } else { Role::Server };
    let (name, size) = match role {
        Role::Client => ("sec-websocket-key", 24),
        Role::Server | Role::Either => ("sec-websocket-accept", 28),
    };
    let base64 = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    let keyed =
        field_value(section, name).is_some_and(|key| key.len() == size && key.iter().all(base64));
    if !keyed || !mentions(section, "websocket") {
        return Err(Not);
    }
    let fact = if role == Role::Client {
        "WebSocket handshake asked for"
    } else {
        "WebSocket handshake accepted"
    };
    // the request or status line, the field's name, its value
    let target = section.split(|byte| *byte == b' ').nth(1).filter(|_| role == Role::Client);
    let said = Said::new(end, role, 32.0 + 128.0 + 40.0, fact)
        .with_some(DetailKey::HttpHost, field_value(section, "host").map(from_wire))
        .with_some(DetailKey::HttpUserAgent, field_value(section, "user-agent").map(from_wire))
        .with_some(DetailKey::HttpUrl, target.map(from_wire));
    Ok(said)
}

/// Section 5.2: a whole frame, masked from the client. Text proves it, where it is long enough; the
/// others only go with it.
fn frame(bytes: &[u8]) -> SideMatch<Said> {
    let [first, second] = array(bytes, 0).ok_or(Short)?;
    let masked = second & 0x80 != 0;
    let (at, len) = match second & 0x7f {
        126 => (4_usize, be16(bytes, 2).map(usize::from)),
        127 => (10, be64(bytes, 2).and_then(|len| usize::try_from(len).ok())),
        len => (2, Some(usize::from(len))),
    };
    let len = len.ok_or(short_if(bytes.len() < at))?;
    let mask = if masked { array::<4>(bytes, at) } else { Some([0; 4]) };
    let Some(mask) = mask else { return Err(Short) };
    let head = at.saturating_add(if masked { 4 } else { 0 });
    // Section 5.5: control frames are short.
    if len > 1 << 24 || (first & 8 != 0 && len > 125) {
        return Err(Not);
    }
    let payload = prefix(rest(bytes, head), len);
    let role = if masked { Role::Client } else { Role::Server };
    let said = |bits, own| {
        let total = head.saturating_add(len);
        Ok(Said::new(total, role, bits, "WebSocket frame").owned_if(own))
    };
    if first != 0x81 {
        return said(4.0, false);
    }
    if payload.len() < len.min(64) {
        return Err(Short);
    }
    let text: Vec<u8> =
        payload.iter().zip(mask.iter().cycle()).take(64).map(|(byte, mask)| byte ^ mask).collect();
    let plain = text.iter().all(|byte| (b' '..=b'~').contains(byte) || byte.is_ascii_whitespace());
    if !plain {
        // It may be of another alphabet; that proves nothing.
        return if std::str::from_utf8(&text).is_ok() { said(4.0, false) } else { Err(Not) };
    }
    // first byte, mask's bit; 1.4 bits for each letter
    let letters = f32::from(u8::try_from(text.len()).unwrap_or(64));
    said(8.0 + 1.0 + 1.4 * letters, text.len() >= 12)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    const ASKED: &str = "GET /chat HTTP/1.1\r\nHost: a.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    const ACCEPTED: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                            Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

    #[test]
    fn handshakes_are_named() {
        let talk = Talk::tcp().a(ASKED).b(ACCEPTED).a(b"\x81\x85\x01\x02\x03\x04abcde");
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
    }

    #[test]
    fn frames_of_text_are_named() {
        let mut asked = hex("8195 01020304");
        asked.extend(
            b"{\"type\":\"ping\",\"n\":1}"[..21]
                .iter()
                .zip([1, 2, 3, 4].iter().cycle())
                .map(|(a, b)| a ^ b),
        );
        let answer = [hex("8115"), b"{\"type\":\"pong\",\"n\":1}"[..21].to_vec()].concat();
        let talk = Talk::tcp().midway().a(asked).b(answer);
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_of_frames_are_refused() {
        Talk::tcp().b(hex("8115 0102030405060708090a0b0c0d0e0f101112131415")).refused_by(&DETECTOR);
        Talk::tcp()
            .b([hex("8110"), b"a text longer than it says it is".to_vec()].concat())
            .refused_by(&DETECTOR);
        Talk::tcp().b(hex("8104 61626364 8900 8a00")).refused_by(&DETECTOR);
        // NetBIOS's session request
        Talk::tcp().a(hex("81000044 20434b4644454e4543464445464643")).refused_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp()
            .a("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            .b("HTTP/1.1 200 OK\r\n\r\n")
            .refused_by(&DETECTOR);
        Talk::tcp()
            .a(ASKED.replace("ZQ==", ""))
            .b(ACCEPTED.replace("websocket", "h2c").replace("WebSocket", "x"))
            .refused_by(&DETECTOR);
        Talk::tcp()
            .a("GET / HTTP/1.1\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n")
            .refused_by(&DETECTOR);
    }
}
