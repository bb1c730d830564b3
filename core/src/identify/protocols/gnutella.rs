//! Gnutella: its handshake in text over TCP, its descriptors over UDP.
//!
//! ```text
//!  TCP  GNUTELLA CONNECT/0.6 CRLF     GNUTELLA/0.6 200 OK CRLF
//!  UDP  id(16) type(1) time to live(1) hops(1) length(4, little-endian) ...
//! ```

use crate::identify::lines::fields_message;
use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "gnutella",
    title: "Gnutella",
    reference: "Gnutella 0.6 RFC draft, sections 2.1 (handshake) and 2.2.1 (message header)",
    rests_on: "GNUTELLA CONNECT/0.4 or 0.6, or GNUTELLA/0.6 with a status; over UDP the header with a \
               known type, few hops and a length that is the datagram's, or Gnutella2's GND with fitting counts.",
    blind_spots: "Downloads between peers are HTTP.",
    bits: 36.0,
    openings: Openings::Known(&[
        one_of(b"G").tcp(),
        one_of(b"N").at(1).tcp(),
        one_of(b" /").at(8).tcp(),
        // Descriptors begin with any bytes, and have 23; Gnutella2's datagrams have a header of 8.
        within(&[(0, 0xff)]).at(7).required().udp(),
    ]),
    asks: over_both(probe),
};

fn probe(view: &FlowView<'_>) -> Probe {
    // Behind the handshakes descriptors follow, which may be compressed.
    let stream = |bytes: &[u8], complete| {
        handshake(line(bytes, complete)?.text, fields_message(bytes, false).ok_or(Not)?).ok_or(Not)
    };
    match_messages(view, stream, |datagram| {
        descriptor(datagram.bytes).or_else(|| transceiver(datagram.bytes))
    })
}

fn handshake(text: &[u8], len: usize) -> Option<Said> {
    if text.starts_with(b"GNUTELLA CONNECT/0.") {
        return Some(Said::new(len, Role::Client, 150.0, "Gnutella handshake"));
    }
    let status = text.strip_prefix(b"GNUTELLA/0.6 ")?;
    let known = is_number(first_word(status).0, 3);
    known.then(|| Said::new(len, Role::Either, 120.0, "Gnutella handshake's answer"))
}

fn descriptor(bytes: &[u8]) -> Option<Said> {
    let (kind, ttl, hops) = (u8_at(bytes, 16)?, u8_at(bytes, 17)?, u8_at(bytes, 18)?);
    let len = index(le32(bytes, 19)?);
    let known = matches!(kind, 0x00..=0x02 | 0x30..=0x32 | 0x40 | 0x44 | 0x80 | 0x81);
    let named = prefix(bytes, 16).iter().any(|byte| *byte != 0);
    let fits = known && named && ttl.saturating_add(hops) <= 15 && len <= 4096;
    let fact = || format!("Gnutella descriptor 0x{kind:02x}");
    // type, hops, length
    fits.then(|| Said::new(len.saturating_add(23), Role::Either, 4.8 + 9.0 + 32.0, fact()))
}

/// Gnutella2's UDP transceiver: "GND", flags, a sequence number, the part and the number of parts.
fn transceiver(bytes: &[u8]) -> Option<Said> {
    let flags = u8_at(bytes.strip_prefix(b"GND")?, 0)?;
    let (part, parts) = (u8_at(bytes, 6)?, u8_at(bytes, 7)?);
    // An acknowledgement has no parts; of a packet's parts this is one.
    let fits = flags & 0xfc == 0 && (1..=32).contains(&part) && (parts == 0 || part <= parts);
    let fact = "Gnutella2 datagram";
    (fits && parts <= 32).then(|| Said::new(bytes.len(), Role::Either, 24.0 + 6.0 + 6.0, fact))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    #[test]
    fn handshakes_and_descriptors_are_named() {
        let talk = Talk::tcp().a("GNUTELLA CONNECT/0.6\r\n").b("GNUTELLA/0.6 200 OK\r\n");
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
        Talk::udp()
            .a(hex("000102030405060708090a0b0c0d0e0f 00 01 00 00000000"))
            .named_by(&DETECTOR);
        Talk::udp().a(b"GND\x01\x00\x01\x01\x01abc").named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().a("GNUTELLA is a spread\r\n").refused_by(&DETECTOR);
        Talk::tcp().a("GET /uri-res/x HTTP/1.1\r\n").b("HTTP/1.1 200 OK\r\n").refused_by(&DETECTOR);
        Talk::udp()
            .a(hex("000102030405060708090a0b0c0d0e0f 00 01 00 01000000"))
            .refused_by(&DETECTOR);
        Talk::udp()
            .a(hex("000102030405060708090a0b0c0d0e0f 77 01 00 00000000"))
            .refused_by(&DETECTOR);
        Talk::udp().a([0; 23]).refused_by(&DETECTOR);
        Talk::udp().a(b"GND\x04\x00\x01\x01\x01abc").refused_by(&DETECTOR);
        Talk::udp().a(b"GND\x01\x00\x01\x05\x02abc").refused_by(&DETECTOR);
    }
}
