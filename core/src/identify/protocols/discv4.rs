//! Ethereum's node discovery, version 4 (devp2p), over UDP.
//!
//! ```text
//!  hash(32) signature(65, the last byte 0 or 1) type(1: 1 to 6) RLP list to the end
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "discv4",
    title: "Ethereum node discovery (devp2p)",
    reference: "ethereum/devp2p, discv4.md, section Wire Protocol; Ethereum Yellow Paper appendix B (RLP)",
    rests_on: "The signature's recovery byte, a packet type, and a list that ends with the datagram and \
               has what the type demands; several packets, where they are cut.",
    blind_spots: "Version 5 is masked; RLPx over TCP is encrypted.",
    bits: 34.0,
    openings: Openings::Known(&[
        // The shortest list. What is cut is passed over, so nothing of the list itself is sure.
        within(&[(0, 0xff)]).at(99).required(),
    ]),
    asks: over_udp(probe),
};

/// Bytes before the list.
const HEADER: usize = 98;

fn probe(view: &FlowView<'_>) -> Probe {
    match_datagrams(view, |datagram| {
        // Older datagrams are kept in part: what is left of them proves nothing.
        if datagram.bytes.len() < HEADER + 3 && datagram.wire_len > HEADER + 3 {
            return Err(Short);
        }
        packet(datagram).ok_or(Not)
    })
}

fn packet(datagram: &Datagram<'_>) -> Option<Said> {
    let bytes = datagram.bytes;
    let (recovery, kind) = (u8_at(bytes, 96)?, u8_at(bytes, 97)?);
    if recovery > 1 || !(1..=6).contains(&kind) {
        return None;
    }
    let list = rest(bytes, HEADER);
    let (head, len) = list_head(list)?;
    // Section Wire Protocol: data beyond the list is to be ignored, and nobody sends it.
    if HEADER.saturating_add(head).saturating_add(len) != datagram.wire_len {
        return None;
    }
    let body = rest(list, head);
    let (name, bits) = match kind {
        // version 4, then the sender's endpoint as a list
        1 => ("ping", matches!(body, [4, 0xc0..=0xf7, ..]).then_some(10.0)?),
        2 => ("pong", matches!(body, [0xc0..=0xf7, ..]).then_some(2.0)?),
        // a public key of 64 bytes
        3 => ("find node", matches!(body, [0xb8, 0x40, ..]).then_some(16.0)?),
        4 => ("neighbours", matches!(body, [0xc0..=0xff, ..]).then_some(2.0)?),
        5 => ("ENR request", (len == 5 && matches!(body, [0x84, ..])).then_some(16.0)?),
        _ => ("ENR response", matches!(body, [0xa0, ..]).then_some(8.0)?),
    };
    // An expiry of four bytes stands last in the first three, and of neighbours.
    let expires = |bytes: &[u8]| bytes.len() >= 5 && bytes.get(bytes.len() - 5) == Some(&0x84);
    let timed = datagram.is_whole()
        && (expires(body) || expires(prefix(body, body.len().saturating_sub(1))));
    let bits = 7.0 + 5.4 + 2.0 + 8.0 + bits + if timed { 7.0 } else { 0.0 };
    Some(Said::new(datagram.wire_len, Role::Either, bits, format!("Ethereum discovery {name}")))
}

/// A list's header and contents in bytes (RLP: c0 to f7 have the length in them, f8 and f9 behind).
fn list_head(bytes: &[u8]) -> Option<(usize, usize)> {
    match *bytes {
        [short @ 0xc0..=0xf7, ..] => Some((1, usize::from(short - 0xc0))),
        [0xf8, len @ 56..=255, ..] => Some((2, usize::from(len))),
        [0xf9, high @ 1..=255, low, ..] => Some((3, usize::from(u16::from_be_bytes([high, low])))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Random, Talk, hex};
    use crate::net::Side;

    fn packet_of(kind: u8, list: &str) -> Vec<u8> {
        let mut packet = Random::new(9).bytes(96);
        packet.extend([1, kind]);
        packet.extend(hex(list));
        packet
    }

    const PING: &str = "dc 04 cb 84 0a000001 82 765f 82 765f c9 84 0a000002 82 765f 80 84 66000000";
    const PONG: &str =
        "e6 c0 a0 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f 82 0102 82 0304";

    #[test]
    fn pings_are_named() {
        let ping = packet_of(1, PING);
        let talk = Talk::udp().a(&ping).b(&ping);
        assert_eq!(talk.named_by(&DETECTOR).strength, Strength::BothSides);
        talk.only(Side::A).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        // a tail, a type, a recovery byte that are none, an answer that proves too little
        let mut tail = packet_of(1, PING);
        tail.push(0);
        Talk::udp().a(tail).refused_by(&DETECTOR);
        Talk::udp().a(packet_of(9, PING)).refused_by(&DETECTOR);
        let mut recovery = packet_of(1, PING);
        recovery[96] = 7;
        Talk::udp().a(recovery).refused_by(&DETECTOR);
        Talk::udp().a(packet_of(2, PONG)).refused_by(&DETECTOR);
        Talk::udp().a([0; 150]).refused_by(&DETECTOR);
    }
}
