//! WebSocket (RFC 6455), by the HTTP handshake that opens it, over TCP.
//!
//! ```text
//!  client  GET /chat HTTP/1.1 CRLF ... Upgrade: websocket CRLF Sec-WebSocket-Key: 24 characters CRLF
//!  server  HTTP/1.1 101 ... CRLF ... Sec-WebSocket-Accept: 28 characters CRLF
//! ```
//!
//! The frames behind it have hardly anything that shows.

use super::super::hearing::{Heard, Role, starts_with};
use super::super::lines::mentions;
use super::super::walk::{Message, hear_stream};
use super::super::{Detail, DetailKey, Detector, FlowView, Over, Probe};
use crate::wire::{from_wire, prefix, rest};

pub(super) static DETECTOR: Detector = Detector {
    id: "websocket",
    title: "WebSocket",
    reference: "RFC 6455 sections 1.3, 4.1 and 4.2.2",
    over: Over::Tcp,
    rests_on: "An HTTP request with Upgrade: websocket and a key of 16 octets in base64, or the answer \
               101 with an accepted key of 20.",
    blind_spots: "Frames without the handshake: two octets of header, and the client's are masked. \
                  Over TLS it is only seen as TLS.",
    bits: 160.0,
    probe,
};

fn probe(view: &FlowView<'_>) -> Probe {
    hear_stream(view, DETECTOR.id, read)
}

fn read(bytes: &[u8], complete: bool) -> Heard<Message> {
    let asks = starts_with(bytes, b"GET ");
    let answers = starts_with(bytes, b"HTTP/1.1 101");
    if asks == Some(false) && answers == Some(false) {
        return Heard::Foreign;
    }
    let end = bytes.windows(4).position(|part| part == b"\r\n\r\n");
    let Some(end) = end.map(|end| end.saturating_add(4)).or(complete.then_some(bytes.len())) else {
        return Heard::Open;
    };
    let section = prefix(bytes, end);
    let role = if asks == Some(true) { Role::Client } else { Role::Server };
    let (name, size) = match role {
        Role::Client => (&b"sec-websocket-key:"[..], 24),
        Role::Server | Role::Either => (&b"sec-websocket-accept:"[..], 28),
    };
    let base64 = |octet: &u8| octet.is_ascii_alphanumeric() || matches!(octet, b'+' | b'/' | b'=');
    let keyed = field(section, name).is_some_and(|key| key.len() == size && key.iter().all(base64));
    if !keyed || !mentions(section, "websocket") {
        return Heard::Foreign;
    }
    let fact = if role == Role::Client {
        "WebSocket handshake asked for"
    } else {
        "WebSocket handshake accepted"
    };
    // the request or status line, the field's name, its value
    let mut said = Message::new(end, role, 32.0 + 128.0 + 40.0, fact);
    for (name, key) in
        [(&b"host:"[..], DetailKey::HttpHost), (b"user-agent:", DetailKey::HttpUserAgent)]
    {
        if let Some(value) = field(section, name) {
            said = said.with(Detail::new(key, from_wire(value)));
        }
    }
    if let (Role::Client, Some(target)) = (role, section.split(|octet| *octet == b' ').nth(1)) {
        said = said.with(Detail::new(DetailKey::HttpUrl, from_wire(target)));
    }
    Heard::Speaks(said)
}

/// The value of the first field of this name, which is given in lower case with its colon.
fn field<'a>(section: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    section.split(|octet| *octet == b'\n').find_map(|line| {
        let same = prefix(line, name.len()).eq_ignore_ascii_case(name);
        same.then(|| rest(line, name.len()).trim_ascii())
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::Talk;
    use super::super::super::{Side, Strength};
    use super::*;

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
