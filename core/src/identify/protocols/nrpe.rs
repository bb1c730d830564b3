//! NRPE, Nagios's remote checks, versions 2 to 4, over TCP.
//!
//! ```text
//!  version(2) type(2) crc32(4) result(2)  2: text(1024) padding(2)
//!                                         3, 4: alignment(2) length(4) text padding
//! ```

use crate::identify::crc::ethernet;
use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "nrpe",
    title: "NRPE",
    reference: "NRPE protocol description (NagiosEnterprises/nrpe, PROTOCOL and common.h)",
    rests_on: "Version, type and a text that is printable; the checksum where the packet is whole.",
    blind_spots: "NRPE uses TLS by default, often without certificates, and is then seen as TLS.",
    bits: 40.0,
    openings: Openings::Known(&[one_of(&[0])]),
    asks: over_tcp(|view| match_stream(view, |bytes, _| from_header(bytes, 20, packet))),
};

/// Bytes of a packet of version 2.
const VERSION_2: usize = 1036;

fn packet(bytes: &[u8]) -> Option<Said> {
    let (version, kind, result) = (be16(bytes, 0)?, be16(bytes, 2)?, be16(bytes, 8)?);
    let (len, text) = match version {
        2 => (VERSION_2, rest(bytes, 10)),
        3 | 4 => {
            let size = index(be32(bytes, 12)?);
            if be16(bytes, 10)? != 0 || size > 1 << 16 {
                return None;
            }
            // The structure has one byte of text, and is padded: three bytes more in all.
            let len = if version == 3 { size + 19 } else { size + 16 };
            (len, rest(bytes, 16))
        }
        _ => return None,
    };
    let role = match kind {
        1 => Role::Client,
        2 | 3 => Role::Server,
        _ => return None,
    };
    let end = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
    let word = prefix(text, end);
    let printable = word.len() >= 4
        && word.iter().all(|byte| *byte >= b' ' || matches!(byte, b'\n' | b'\t' | b'\r'));
    // A query's result is not looked at; an answer's is a state of 0 to 3.
    if !printable || (kind != 1 && result > 3) {
        return None;
    }
    let summed = bytes.get(..len).is_some_and(|packet| Some(checksum(packet)) == be32(packet, 4));
    if bytes.len() >= len && !summed && version == 2 {
        return None;
    }
    let fact = format!("NRPE version {version}: {}", from_wire(prefix(word, 60)));
    Some(Said::new(len, role, 14.4 + 14.4 + 12.0 + if summed { 32.0 } else { 0.0 }, fact))
}

/// CRC-32 of IEEE 802.3 over the packet with the checksum's own bytes zero.
fn checksum(packet: &[u8]) -> u32 {
    let bytes = packet.iter().enumerate();
    ethernet(bytes.map(|(at, byte)| if (4..8).contains(&at) { 0 } else { *byte }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    fn version_2(kind: &str, text: &[u8]) -> Vec<u8> {
        let mut packet = [hex("0002"), hex(kind), hex("00000000 0000"), text.to_vec()].concat();
        packet.resize(VERSION_2, 0);
        let crc = checksum(&packet).to_be_bytes();
        packet[4..8].copy_from_slice(&crc);
        packet
    }

    #[test]
    fn the_checksum_is_crc_32() {
        assert_eq!(checksum(&[b'1', b'2', b'3', b'4', 0, 0, 0, 0]), {
            let mut plain = vec![b'1', b'2', b'3', b'4'];
            plain.extend([9; 4]);
            checksum(&plain)
        });
    }

    #[test]
    fn checks_are_named() {
        let talk =
            Talk::tcp().a(version_2("0001", b"check_load")).b(version_2("0002", b"OK - load 0.1"));
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        let mut wrong = version_2("0001", b"check_load");
        wrong[4] ^= 1;
        Talk::tcp().a(wrong).refused_by(&DETECTOR);
        Talk::tcp().a(version_2("0004", b"check_load")).refused_by(&DETECTOR);
        Talk::tcp().a([0; 40]).refused_by(&DETECTOR);
        Talk::tcp().a(hex("0003 0001 11223344 0000 0001 00000004 01020304")).refused_by(&DETECTOR);
    }
}
