//! RTCP alone, and SRTCP (RFC 3550 section 6, RFC 3711), over UDP.
//!
//! ```text
//!  10 P count(5) | type | words(16) | SSRC(32) | by type      compound: a report comes first
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "rtcp",
    title: "RTCP",
    reference: "RFC 3550 sections 6.1 to 6.6, RFC 3711 section 3.4",
    rests_on: "Datagrams that start with a report as long as its count of blocks makes it, with packets \
               behind it that fill the datagram, or an SRTCP trailer.",
    blind_spots: "Feedback without a report (RFC 5506).",
    bits: 26.0,
    openings: Openings::Known(&[
        within(&[(0x80, 0x9f)]),
        one_of(&[200, 201]).at(1).required(),
        one_of(&[0]).at(2).required(),
        within(&[(1, 192)]).at(3).required(),
    ]),
    asks: over_udp(|view| probe_datagrams(view, read)),
};

fn read(datagram: &Datagram<'_>) -> Option<Said> {
    let bytes = datagram.bytes;
    let first = u8_at(bytes, 0)?;
    let words = usize::from(be16(bytes, 2)?);
    let source = be32(bytes, 4).filter(|source| *source != 0)?;
    let blocks = usize::from(first & 0x1f).checked_mul(6)?;
    // RFC 3550 section 6.4: a sender's report has five words more
    let (what, least) = match u8_at(bytes, 1)? {
        200 => ("sender report", blocks.checked_add(6)?),
        201 => ("receiver report", blocks.checked_add(1)?),
        _ => return None,
    };
    let end = words.checked_add(1)?.checked_mul(4)?;
    // The padding bit is never the first packet's in a compound.
    if first >> 5 != 0b100 || words != least || end > datagram.wire_len {
        return None;
    }
    // version and padding, type, length
    let mut bits = 3.0 + 7.0 + 14.0;
    bits += more(datagram, end)?;
    let fact = format!("RTCP {what}, SSRC 0x{source:08x}");
    let said = Said::all(Role::Either, bits, fact);
    Some(said.with(DetailKey::RtpSsrc, format!("0x{source:08x}")))
}

/// What stands behind the report: nothing, packets that fill the datagram, or ciphertext with index
/// and check value (RFC 3711 section 3.4).
fn more(datagram: &Datagram<'_>, start: usize) -> Option<f32> {
    let mut at = start;
    for _ in 0..8 {
        if at == datagram.wire_len {
            return Some(4.0);
        }
        let packet = rest(datagram.bytes, at);
        let (Some(flags), Some(kind), Some(words)) =
            (u8_at(packet, 0), u8_at(packet, 1), be16(packet, 2))
        else {
            break;
        };
        if flags >> 6 != 2 || !(192..=213).contains(&kind) {
            break;
        }
        at = at.saturating_add(usize::from(words).saturating_add(1).saturating_mul(4));
    }
    let left = datagram.wire_len.checked_sub(start)?;
    if at > start && at <= datagram.wire_len {
        return Some(10.0);
    }
    (!datagram.is_whole() || left >= 8).then_some(2.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};

    const SENDER: &str = "80 c8 0006 a1a2a3a4 e5a1b2c3 d4e5f607 00010000 00000010 00000a00";
    const RECEIVER: &str =
        "81 c9 0007 b1b2b3b4 a1a2a3a4 00 000000 00000100 00000010 00000000 00000000";
    const NAME: &str = "81 ca 0003 a1a2a3a4 0104 68616c6c 0000";

    #[test]
    fn reports_are_named_from_each_side() {
        Talk::udp().a(hex(&format!("{SENDER} {NAME}"))).b(hex(RECEIVER)).named_by(&DETECTOR);
        Talk::udp().a(hex(SENDER)).named_by(&DETECTOR);
        Talk::udp().b(hex(RECEIVER)).named_by(&DETECTOR);
        // SRTCP
        let secure = format!("{SENDER} {} 80000001 {}", "c5".repeat(16), "d6".repeat(10));
        Talk::udp().a(hex(&secure)).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        for (from, to) in [
            ("80 c8", "00 c8"),
            ("80 c8", "80 c7"),
            ("0006", "0007"),
            ("a1a2a3a4 e5", "00000000 e5"),
            ("80 c8", "a0 c8"),
        ] {
            Talk::udp().a(hex(&SENDER.replacen(from, to, 1))).refused_by(&DETECTOR);
        }
        let rtp = |sequence| crate::identify::protocols::rtp::sample(sequence, 160);
        Talk::udp().a(rtp(1)).a(rtp(2)).a(rtp(3)).refused_by(&DETECTOR);
    }
}
