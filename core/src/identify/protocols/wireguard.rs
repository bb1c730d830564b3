//! WireGuard, over UDP.
//!
//! ```text
//!  01 000000 sender(32) ephemeral(256) static(384) timestamp(224) mac1(128) mac2(128)   148 bytes
//!  02 000000 sender(32) receiver(32) ephemeral(256) empty(128) mac1(128) mac2(128)       92 bytes
//!  03 000000 receiver(32) nonce(192) cookie(256)                                         64 bytes
//!  04 000000 receiver(32) counter(64, little-endian) packet, padded to 16, and 16 of tag
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "wireguard",
    title: "WireGuard",
    reference: "WireGuard whitepaper (Donenfeld, NDSS 2017) section 5.4",
    rests_on: "A message type with its three zeros and its length; of data, a counter below 2^32 and a \
               length in steps of 16.",
    blind_spots: "Variants that use the reserved bytes are not told apart, those that change the types \
                  are not seen.",
    bits: 32.0,
    openings: Openings::Known(&[
        within(&[(1, 4)]),
        one_of(&[0]).at(1),
        one_of(&[0]).at(2),
        one_of(&[0]).at(3).required(),
    ]),
    asks: over_udp(|view| probe_datagrams(view, read)),
};

fn read(datagram: &Datagram<'_>) -> Option<Said> {
    let (kind, len) = (be32(datagram.bytes, 0)?, datagram.wire_len);
    // A session's number of zero is possible, but the chance is 2^-32.
    let index = be32(datagram.bytes, 4).filter(|index| *index != 0)?;
    let (role, bits, what) = match (kind, len) {
        (0x0100_0000, 148) => (Role::Client, 32.0, "initiation"),
        (0x0200_0000, 92) => (Role::Server, 32.0, "response"),
        (0x0300_0000, 64) => (Role::Server, 32.0, "cookie"),
        (0x0400_0000, 32..) if len.is_multiple_of(16) => {
            let counter = le32(datagram.bytes, 8)?;
            let fits = be32(datagram.bytes, 12)? == 0 && counter < 1 << 30;
            fits.then_some((Role::Either, 32.0 + 32.0 + 4.0, "data"))?
        }
        _ => return None,
    };
    let fact = format!("WireGuard {what}, session 0x{:08x}", index.swap_bytes());
    Some(Said::at(role, bits, fact, Spot::datagram(0, 0, 8)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    fn message(start: &str, len: usize) -> Vec<u8> {
        let mut message = hex(start);
        message.resize(len, 0xa5);
        message
    }

    #[test]
    fn a_handshake_and_data_are_named() {
        let data = message("04000000 a1b2c3d4 0500000000000000", 96);
        let talk = Talk::udp()
            .a(message("01000000 d4c3b2a1", 148))
            .b(message("02000000 a1b2c3d4 d4c3b2a1", 92))
            .a(&data);
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
        // from the middle
        Talk::udp().a(&data).b(data).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::udp().a(message("01000000 d4c3b2a1", 147)).refused_by(&DETECTOR);
        Talk::udp().a(message("01000001 d4c3b2a1", 148)).refused_by(&DETECTOR);
        Talk::udp().a(message("04000000 a1b2c3d4 0500000000000000", 97)).refused_by(&DETECTOR);
        Talk::udp().a(message("04000000 a1b2c3d4 0500000001000000", 96)).refused_by(&DETECTOR);
        Talk::udp().a(message("04000000 00000000 0000000000000000", 96)).refused_by(&DETECTOR);
    }
}
