//! Synchrophasors (IEEE C37.118.2, C37.118-2005), over UDP and TCP.
//!
//! ```text
//!  aa | type(4: 0 to 5) version(4: 1, 2) | size(16) id(16) seconds(32) fraction(32) ... CRC(16)
//!  type 4, a command: 18 bytes with a number(16) of 1 to 8, or more where it is extended
//! ```

use crate::identify::crc::ccitt;
use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "ieee-c37118",
    title: "Synchrophasors (IEEE C37.118)",
    reference: "IEEE C37.118.2-2011 section 6.2, tables 2 and 3",
    rests_on: "The synchronisation byte, type and version, a size that fits, and the frame's own \
               checksum.",
    blind_spots: "Frames of which not all bytes were captured.",
    bits: 27.0,
    openings: Openings::Known(&[
        one_of(&[0xaa]),
        one_of(b"\x01\x02\x11\x12\x21\x22\x31\x32\x41\x42\x51\x52").at(1),
    ]),
    asks: over_both(probe),
};

/// Bytes of a frame without data: header and CRC.
const FRAME_MIN: usize = 16;
const COMMAND: u8 = 4;
const COMMAND_MIN: usize = 18;

fn probe(view: &FlowView<'_>) -> Probe {
    match view.transport {
        Transport::Tcp => match_stream(view, |bytes, _| frame(bytes)),
        Transport::Udp => {
            match_datagrams(view, |datagram| match frame(datagram.bytes) {
                // An older datagram of which only the first bytes were kept says nothing either way.
                Err(Short) if datagram.is_whole() => Err(Not),
                matched => matched,
            })
        }
    }
}

fn frame(bytes: &[u8]) -> SideMatch<Said> {
    let kind = match bytes {
        [] | [0xaa] => return Err(Short),
        [0xaa, kind, ..] if kind >> 4 <= 5 && matches!(kind & 0x0f, 1 | 2) => kind >> 4,
        [_, ..] => return Err(Not),
    };
    let Some(len) = be16(bytes, 2).map(usize::from) else { return Err(Short) };
    if len < FRAME_MIN || (kind == COMMAND && len < COMMAND_MIN) {
        return Err(Not);
    }
    let (frame, check) = bytes.get(..len).and_then(<[u8]>::split_last_chunk::<2>).ok_or(Short)?;
    (ccitt(frame, 0xffff) == u16::from_be_bytes(*check))
        .then_some(())
        .and_then(|()| {
            let (role, more, name) = match kind {
                COMMAND if matches!(be16(frame, 14)?, 1..=6 | 8) => (Role::Client, 13.2, "command"),
                COMMAND => return None,
                0 => (Role::Server, 0.0, "data"),
                1 => (Role::Server, 0.0, "header"),
                _ => (Role::Server, 0.0, "configuration"),
            };
            // sync, type and version; the size as far as it is bounded in a stream; the CRC
            let bits = 8.0 + 1.4 + 3.0 + 16.0 + more;
            let id = be16(frame, 4).filter(|id| !matches!(id, 0 | 0xffff))?;
            u8_at(frame, 13)?;
            Some(Said::new(len, role, bits, format!("C37.118 {name} frame, id {id}")))
        })
        .ok_or(Not)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    fn framed(digits: &str) -> Vec<u8> {
        let mut frame = hex(digits);
        frame.extend(ccitt(&frame, 0xffff).to_be_bytes());
        frame
    }

    fn command() -> Vec<u8> {
        framed("aa41 0012 0007 44853600 0f0bbfd0 0002")
    }

    fn data() -> Vec<u8> {
        framed("aa01 0022 0007 448527f0 56071098 0000 392b0000 e36ace7c 0000e36a ce7cfff2")
    }

    #[test]
    fn frames_are_named_from_each_side() {
        for talk in [Talk::udp(), Talk::tcp()] {
            let talk = talk.a(command()).b(data()).b(data());
            let found = talk.named_by(&DETECTOR);
            assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
            talk.clone().only(Side::A).named_by(&DETECTOR);
            talk.only(Side::B).named_by(&DETECTOR);
        }
    }

    #[test]
    fn look_alikes_are_refused() {
        for at in [1, 5, 9, 17] {
            let mut odd = command();
            odd[at] ^= 0x84;
            Talk::udp().a(&odd).a(&odd).refused_by(&DETECTOR);
        }
        Talk::udp().a(framed("aa71 0012 0007 44853600 0f0bbfd0 0002")).refused_by(&DETECTOR);
        Talk::udp().a(framed("aa41 0012 0007 44853600 0f0bbfd0 0009")).refused_by(&DETECTOR);
        Talk::udp().a([command(), vec![0]].concat()).refused_by(&DETECTOR);
        Talk::tcp().a([0xaa; 200]).refused_by(&DETECTOR);
    }
}
