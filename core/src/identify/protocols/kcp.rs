//! KCP, over UDP.
//!
//! ```text
//!  conversation(32) command fragments window(16) timestamp(32) sequence(32) next(32) length(32) data
//!  all little-endian; several segments a datagram
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "kcp",
    title: "KCP",
    reference: "KCP's public source and protocol.txt",
    rests_on: "Segments of one conversation with known commands, plausible windows, and lengths that \
               fill the datagram.",
    blind_spots: "Encryption, checksums or forward error correction around it.",
    bits: 40.0,
    openings: Openings::Known(&[within(&[(0x51, 0x54)]).at(4)]),
    asks: over_udp(|view| probe_datagrams(view, read)),
};

/// Bytes of a segment's header.
const HEADER: usize = 24;

fn read(datagram: &Datagram<'_>) -> Option<Said> {
    let conversation = le32(datagram.bytes, 0).filter(|number| *number != 0)?;
    let mut at = 0_usize;
    let mut bits = 0.0;
    for _ in 0..32 {
        let segment = rest(datagram.bytes, at);
        if segment.len() < HEADER {
            // What was cut; the first segment must be there.
            return (!datagram.is_whole() && at > 0).then(|| words(conversation, bits));
        }
        let (command, fragments) = (u8_at(segment, 4)?, u8_at(segment, 5)?);
        let (window, len) = (le16(segment, 6)?, index(le32(segment, 20)?));
        let (sequence, next) = (le32(segment, 12)?, le32(segment, 16)?);
        // push, acknowledge, ask for the window, tell it
        let fits = le32(segment, 0)? == conversation
            && (0x51..=0x54).contains(&command)
            && fragments < 128
            && window <= 4096
            && sequence < 1 << 24
            && next < 1 << 24
            && (command == 0x51) == (len > 0);
        fits.then_some(())?;
        bits += 6.0 + 1.0 + 4.0 + 8.0 + 8.0 + if at == 0 { 0.0 } else { 32.0 };
        at = at.checked_add(HEADER)?.checked_add(len)?;
        if at == datagram.wire_len {
            return Some(words(conversation, bits + 20.0));
        }
        if at > datagram.wire_len {
            return None;
        }
    }
    None
}

fn words(conversation: u32, bits: f32) -> Said {
    let fact = format!("KCP segments, conversation 0x{conversation:08x}");
    Said::all(Role::Either, bits, fact)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};

    const PUSH: &str = "a1b2c3d4 51 00 8000 10270000 01000000 00000000 04000000 c5c5c5c5";
    const ACK: &str = "a1b2c3d4 52 00 8000 10270000 01000000 02000000 00000000";

    #[test]
    fn segments_are_named() {
        Talk::udp().a(hex(PUSH)).b(hex(ACK)).named_by(&DETECTOR);
        Talk::udp().a(hex(PUSH)).named_by(&DETECTOR);
        Talk::udp().b(hex(&format!("{ACK} {PUSH}"))).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        for (from, to) in [
            ("d4 51", "d4 50"),
            ("04000000", "05000000"),
            ("8000", "80f0"),
            ("a1b2c3d4", "00000000"),
            ("01000000", "01000080"),
        ] {
            Talk::udp().a(hex(&PUSH.replacen(from, to, 1))).refused_by(&DETECTOR);
        }
        Talk::udp()
            .a(hex(&format!("{ACK} {}", PUSH.replace("a1b2", "a1b3"))))
            .refused_by(&DETECTOR);
    }
}
