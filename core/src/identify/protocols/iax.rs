//! IAX version 2 (RFC 5456), over UDP.
//!
//! ```text
//!  1 source(15) | R destination(15) | timestamp(32) | oseq iseq | frame type | C subclass(7)
//!  information elements: type length value
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "iax",
    title: "IAX2",
    reference: "RFC 5456 section 8",
    rests_on: "Full frames of IAX control with a known subclass and information elements that end where \
               the frame ends.",
    blind_spots: "Mini frames, which carry the voice.",
    bits: 26.0,
    openings: Openings::Known(&[
        within(&[(0x80, 0xff)]),
        within(&[(0, 7)]).at(4),
        within(&[(0, 32)]).at(8),
        within(&[(0, 32)]).at(9),
        one_of(&[6]).at(10),
        within(&[(1, 40)]).at(11).required(),
    ]),
    asks: over_udp(|view| probe_datagrams(view, read)),
};

fn read(datagram: &Datagram<'_>) -> Option<Said> {
    let bytes = datagram.bytes;
    let (source, destination) = (be16(bytes, 0)?, be16(bytes, 2)?);
    let timestamp = be32(bytes, 4)?;
    let (sent, received) = (u8_at(bytes, 8)?, u8_at(bytes, 9)?);
    let (kind, subclass) = (u8_at(bytes, 10)?, u8_at(bytes, 11)?);
    // RFC 5456 section 8.2 and 8.4: IAX control, 1 NEW to 40 CALLTOKEN; calls are not of a day's length
    let known = kind == 6 && (1..=40).contains(&subclass);
    if source & 0x8000 == 0 || source == 0x8000 || !known || timestamp >= 1 << 27 {
        return None;
    }
    let opens = matches!(subclass, 1 | 13 | 30) && destination == 0;
    if opens && (sent, received) != (0, 0) {
        return None;
    }
    let bits = walk(rest(bytes, 12), datagram.is_whole())?;
    // F, frame type, subclass, timestamp
    let bits = 1.0 + 8.0 + 2.7 + 5.0 + bits + if opens { 31.0 } else { 10.0 };
    if !opens && (sent > 32 || received > 32) {
        return None;
    }
    let role = if opens { Role::Client } else { Role::Either };
    let fact = format!("IAX2 control frame, subclass {subclass}");
    Some(Said::at(role, bits, fact, Spot::datagram(0, 0, 12)))
}

/// RFC 5456 section 8.6: 60 elements.
fn walk(elements: &[u8], whole: bool) -> Option<f32> {
    let mut cursor = Cursor::new(elements);
    let mut bits = 0.0;
    while let Some(kind) = cursor.u8() {
        // Vendors have others, from the end of the range.
        if kind == 0 {
            return None;
        }
        let Some(value) = cursor.block8() else { return (!whole).then_some(bits) };
        // the protocol's version is 2
        if kind == 0x0b && value != [0, 2] {
            return None;
        }
        bits += if kind <= 60 { 2.1 } else { 0.0 };
    }
    Some(bits + if bits > 0.0 { 6.0 } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    const NEW: &str = "8004 0000 00000001 00 00 06 01 0b02 0002 0104 3130 3031";
    const ACK: &str = "8017 0004 00000001 00 01 06 04";

    #[test]
    fn frames_are_named_from_each_side() {
        let talk = Talk::udp().a(hex(NEW)).b(hex(ACK));
        assert_eq!(talk.named_by(&DETECTOR).client, Some(Side::A));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        for (from, to) in [
            ("8004", "0004"),
            ("06 01", "06 41"),
            ("0b02 0002", "0b02 0003"),
            ("0104 31", "0105 31"),
            ("00 00 06", "00 09 06"),
        ] {
            Talk::udp().a(hex(&NEW.replacen(from, to, 1))).refused_by(&DETECTOR);
        }
        let rtp = |sequence| crate::identify::protocols::rtp::sample(sequence, 160);
        Talk::udp().a(rtp(1)).a(rtp(2)).a(rtp(3)).refused_by(&DETECTOR);
    }
}
