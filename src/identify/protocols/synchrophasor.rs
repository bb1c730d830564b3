//! Synchrophasors (IEEE C37.118), over UDP and TCP.
//!
//! ```text
//!  aa | 0 type(3) version(4) | size(16) id(16) seconds(32) fraction(32) | ... | CRC(16)
//! ```

use super::super::hearing::{Role, Said, Spot};
use super::super::messages::{Stop, probe_both};
use super::super::{Detector, FlowView, Over, Probe};
use super::magic::crc16;
use crate::wire::{be16, prefix, u8_at};

pub(super) static DETECTOR: Detector = Detector {
    id: "c37118",
    title: "Synchrophasors (IEEE C37.118)",
    reference: "IEEE C37.118.2-2011 section 6.2",
    over: Over::Both,
    rests_on: "The sync octet, a known frame type and version, a size that is the datagram's, and the \
               CRC over it.",
    blind_spots: "Frames that were cut, or that go past the head's end.",
    bits: 30.0,
    probe,
};

fn probe(view: &FlowView<'_>) -> Probe {
    probe_both(DETECTOR.id, view, read)
}

fn read(bytes: &[u8]) -> Result<(Said, usize), Stop> {
    let (first, second) =
        (u8_at(bytes, 0).ok_or(Stop::Short)?, u8_at(bytes, 1).ok_or(Stop::Short)?);
    let size = usize::from(be16(bytes, 2).ok_or(Stop::Short)?);
    let (role, what) = match second >> 4 {
        0 => (Role::Server, "data"),
        1 => (Role::Server, "header"),
        2 | 3 | 5 => (Role::Server, "configuration"),
        4 => (Role::Client, "command"),
        _ => return Err(Stop::Not),
    };
    if first != 0xaa || !(1..=3).contains(&(second & 0x0f)) || size < 16 {
        return Err(Stop::Not);
    }
    let frame = bytes.get(..size).ok_or(Stop::Short)?;
    let body = prefix(frame, size.saturating_sub(2));
    if be16(frame, body.len()) != Some(crc16(body, 0xffff)) {
        return Err(Stop::Not);
    }
    // sync, type, version, CRC
    let bits = 8.0 + 1.4 + 2.4 + 16.0 + 3.0;
    Ok((Said::new(role, bits, format!("C37.118 {what} frame"), Spot::datagram(0, 0, 14)), size))
}

#[cfg(test)]
mod tests {
    use super::super::super::Side;
    use super::super::super::testing::{Talk, hex};
    use super::*;

    fn frame(start: &str) -> Vec<u8> {
        let mut frame = hex(start);
        let crc = crc16(&frame, 0xffff);
        frame.extend(crc.to_be_bytes());
        frame
    }

    #[test]
    fn frames_are_named_from_each_side() {
        let command = frame("aa 41 0012 003c 4899909a 00342ed5 0001");
        let data = frame("aa 01 0014 003c 4899909a 00342ed5 0000 1234");
        for talk in [Talk::udp(), Talk::tcp()] {
            let talk = talk.a(&command).b(&data);
            assert_eq!(talk.named_by(&DETECTOR).client, Some(Side::A));
            talk.only(Side::B).named_by(&DETECTOR);
        }
    }

    #[test]
    fn look_alikes_are_refused() {
        let mut crc = frame("aa 41 0012 003c 4899909a 00342ed5 0001");
        crc[17] ^= 1;
        Talk::udp().a(&crc).refused_by(&DETECTOR);
        Talk::udp().a(frame("ab 41 0012 003c 4899909a 00342ed5 0001")).refused_by(&DETECTOR);
        Talk::udp().a(frame("aa 61 0012 003c 4899909a 00342ed5 0001")).refused_by(&DETECTOR);
        Talk::udp().a(frame("aa 41 0013 003c 4899909a 00342ed5 0001")).refused_by(&DETECTOR);
    }
}
