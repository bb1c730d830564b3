//! DNP3 (IEEE 1815), over TCP and UDP.
//!
//! ```text
//!  05 64 length(1) control(1) destination(2) source(2) crc(2)   then blocks of 16 bytes with a crc each
//! ```

use crate::identify::crc::reflected;
use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "dnp3",
    title: "DNP3",
    reference: "IEEE 1815-2012 sections 9.2 and 13",
    rests_on: "The link header's start bytes, length and checksum.",
    blind_spots: "Over TLS it is only seen as TLS.",
    bits: 34.0,
    openings: Openings::Known(&[one_of(&[5])]),
    asks: over_both(probe),
};

const HEADER: usize = 10;

fn probe(view: &FlowView<'_>) -> Probe {
    let stream = |bytes: &[u8], _| from_start(bytes, &[b"\x05\x64"], HEADER, frame);
    match_messages(view, stream, |datagram| {
        // Several frames may share a datagram.
        let said = frame(datagram.bytes).filter(|said| said.len <= datagram.wire_len)?;
        Some(said.filling(datagram))
    })
}

fn frame(bytes: &[u8]) -> Option<Said> {
    let [5, 0x64, len, control, ..] = *bytes.first_chunk::<HEADER>()? else { return None };
    if len < 5 || checksum(prefix(bytes, 8)) != le16(bytes, 8)? {
        return None;
    }
    let user = usize::from(len) - 5;
    let total = HEADER.saturating_add(user).saturating_add(user.div_ceil(16).saturating_mul(2));
    // DIR: from the master.
    let role = if control & 0x80 != 0 { Role::Client } else { Role::Server };
    let function = u8_at(bytes, 12).unwrap_or_default();
    let fact = if user >= 3 {
        format!("DNP3 frame, function {function}")
    } else {
        "DNP3 link frame".to_owned()
    };
    Some(Said::new(total, role, 16.0 + 16.0 + 2.0, fact))
}

/// IEEE 1815 section 9.2.5: the polynomial 3d65, reflected, inverted at the end.
fn checksum(bytes: &[u8]) -> u16 {
    !reflected(bytes, 0, 0xa6bc)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    fn link(header: &str) -> Vec<u8> {
        let mut frame = hex(header);
        frame.extend(checksum(&frame).to_le_bytes());
        frame
    }

    #[test]
    fn the_checksum_is_that_of_the_standard() {
        // the check value of CRC-16/DNP
        assert_eq!(checksum(b"123456789"), 0xea82);
    }

    #[test]
    fn frames_are_named() {
        let talk = Talk::tcp().a(link("0564 05 c0 0100 0300")).b(link("0564 05 00 0300 0100"));
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
        Talk::udp().a(link("0564 05 c9 0100 0300")).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        let mut broken = link("0564 05 c0 0100 0300");
        broken[9] ^= 1;
        Talk::tcp().a(broken).refused_by(&DETECTOR);
        Talk::tcp().a(link("0564 04 c0 0100 0300")).refused_by(&DETECTOR);
        Talk::tcp().a(hex("05 01 00")).refused_by(&DETECTOR);
    }
}
