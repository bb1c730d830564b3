//! eMule's Kademlia and eDonkey's server queries, over UDP.
//!
//! ```text
//!  e4 opcode body      Kademlia         e5 opcode zlib     the same, compressed
//!  e3 opcode body      eDonkey          c5 opcode body     eMule's extensions
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "kad",
    title: "eMule Kademlia and eDonkey over UDP",
    reference: "Kulbak and Bickson, The eMule Protocol Specification (2005), chapter 5; Kademlia 2's opcodes",
    rests_on: "A protocol byte and a known opcode with its exact size, in several messages.",
    blind_spots: "One message alone, and obfuscated ones.",
    bits: 24.0,
    openings: Openings::Known(&[one_of(&[0xe3, 0xe4, 0xe5])]),
    asks: over_udp(|view| probe_datagrams(view, read)),
};

fn read(datagram: &Datagram<'_>) -> Option<Said> {
    let bytes = datagram.bytes;
    let (protocol, opcode) = (u8_at(bytes, 0)?, u8_at(bytes, 1)?);
    let len = datagram.wire_len;
    let (role, bits) = match protocol {
        0xe4 => (Role::Either, kademlia(opcode, len, bytes)?),
        // zlib's header: deflate, and a multiple of 31
        0xe5 => {
            let zlib = be16(bytes, 2)?;
            let fits = zlib >> 8 & 0x0f == 8 && zlib.is_multiple_of(31);
            (Role::Either, (fits && opcode <= 0x62).then_some(1.4 + 9.0)?)
        }
        0xe3 => edonkey(opcode, len)?,
        _ => return None,
    };
    let fact = format!("Kademlia or eDonkey message {protocol:02x} {opcode:02x}");
    Some(Said::all(role, 8.0 + bits, fact))
}

/// Sizes of Kademlia 2's messages; -log2 of the chance beside the first byte.
fn kademlia(opcode: u8, len: usize, bytes: &[u8]) -> Option<f32> {
    let (fits, bits) = match opcode {
        // bootstrap, ping, firewalled check: nothing behind the opcode
        0x01 | 0x60 | 0x59 => (len == 2, 5.0),
        // pong: a port; firewalled: a port, or with an id and options
        0x61 => (matches!(len, 2 | 4), 5.0),
        0x50 => (len == 4, 5.0),
        0x53 => (len == 21, 5.0),
        0x58 => (len == 6, 5.0),
        // request: how many contacts, target, the receiver's id
        0x20 | 0x21 => (len == 35 && matches!(u8_at(bytes, 2)? & 0x1f, 2 | 4 | 11), 7.0 + 6.4),
        // response: target, count, contacts of 25 bytes
        0x28 | 0x29 => {
            let count = usize::from(u8_at(bytes, 18)?);
            (len == count.checked_mul(25)?.checked_add(19)?, 7.0 + 8.0)
        }
        // bootstrap's answer: id, port, version, count, contacts
        0x09 => {
            let count = usize::from(u8_at(bytes, 21)?);
            let fits = len == count.checked_mul(25)?.checked_add(23)?;
            (fits && u8_at(bytes, 22) == Some(0), 7.0 + 8.0)
        }
        // hello: id, port, version, number of tags
        0x11 | 0x19 => (len >= 22 && u8_at(bytes, 20)? <= 12 && u8_at(bytes, 21)? <= 8, 7.0 + 9.0),
        0x22 => (len == 18, 5.0),
        _ => return None,
    };
    fits.then_some(bits)
}

/// The servers' questions and answers that have a size.
fn edonkey(opcode: u8, len: usize) -> Option<(Role, f32)> {
    match (opcode, len) {
        // status and description
        (0x96, 6) | (0xa2, 2 | 6) => Some((Role::Client, 6.0)),
        (0x97, 14..=66) => Some((Role::Server, 6.0)),
        // sources of files, by their hash, with or without sizes
        (0x9a, _) if len > 2 && (len - 2).is_multiple_of(16) => Some((Role::Client, 6.0)),
        (0x94, _) if len > 2 && (len - 2).is_multiple_of(20) => Some((Role::Client, 6.0)),
        (_, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};

    fn request(target: u8) -> Vec<u8> {
        let mut request = hex("e4 21 0b");
        request.resize(35, target);
        request
    }

    #[test]
    fn conversations_are_named() {
        let mut answer = hex("e4 29");
        answer.extend([0xa1; 16]);
        answer.push(2);
        answer.resize(19 + 50, 0xb2);
        Talk::udp().a(request(1)).b(answer).named_by(&DETECTOR);
        Talk::udp().a(request(1)).a(request(2)).named_by(&DETECTOR);
        Talk::udp()
            .a(hex("e3 96 a1a2a3a4"))
            .b(hex("e3 97 a1a2a3a4 00001000 00010000"))
            .named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::udp().a(request(1)).refused_by(&DETECTOR);
        Talk::udp().a(hex("e4 21 0b 00")).a(hex("e4 21 0b 01")).refused_by(&DETECTOR);
        Talk::udp().a(hex("e4 77 0b 00")).a(hex("e4 77 0b 01")).refused_by(&DETECTOR);
        Talk::udp().a(hex("e5 21 0b 00")).a(hex("e5 21 0b 01")).refused_by(&DETECTOR);
        // NTP
        Talk::udp().a([0xe3; 48]).refused_by(&DETECTOR);
    }
}
