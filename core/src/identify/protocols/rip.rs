//! RIP versions 1 and 2 (RFC 1058, RFC 2453) and RIPng (RFC 2080), over UDP.
//!
//! ```text
//!  command version 0(16) | entries: family(16) tag(16) address(32) mask(32) next(32) metric(32)
//!                        | RIPng: prefix(128) tag(16) length metric
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "rip",
    title: "RIP",
    reference: "RFC 2453 section 4, RFC 1058 section 3.1, RFC 2080 section 2.1",
    rests_on: "A command, a version, zeros, and entries whose family and metric fit.",
    blind_spots: "Nothing known.",
    bits: 50.0,
    openings: Openings::Known(&[
        one_of(&[1, 2]).required(),
        one_of(&[1, 2]).at(1).required(),
        one_of(&[0]).at(2).required(),
        one_of(&[0]).at(3).required(),
    ]),
    asks: over_udp(|view| probe_datagrams(view, read)),
};

fn read(datagram: &Datagram<'_>) -> Option<Said> {
    let bytes = datagram.bytes;
    let (command, version) = (u8_at(bytes, 0)?, u8_at(bytes, 1)?);
    let entries = datagram.wire_len.checked_sub(4)?;
    let fits = matches!(command, 1 | 2)
        && be16(bytes, 2)? == 0
        && entries.is_multiple_of(20)
        && (1..=75).contains(&(entries / 20));
    fits.then_some(())?;
    let mut bits = 7.0 + 7.0 + 16.0;
    // Of a datagram that was cut before its first entry's end not even the version is checked.
    (bytes.len() >= 24).then_some(())?;
    for (nth, entry) in rest(bytes, 4).chunks_exact(20).enumerate() {
        bits += entry_bits(entry, version, nth == 0)?;
    }
    let what = if command == 1 { "request" } else { "response" };
    let fact = format!("RIP version {version} {what}");
    Some(Said::all(Role::Either, bits, fact))
}

fn entry_bits(entry: &[u8], version: u8, first: bool) -> Option<f32> {
    let family = be16(entry, 0)?;
    let metric = be32(entry, 16)?;
    let zero = |at| be32(entry, at) == Some(0);
    let fits = match (version, family) {
        (1, 0 | 2) => be16(entry, 2)? == 0 && zero(8) && zero(12) && metric <= 16,
        (2, 0 | 2) => metric <= 16 && is_mask(be32(entry, 8)?),
        // RFC 2453 section 4.1: authentication comes first; RFC 4822's trailer last
        (2, 0xffff) => first || be16(entry, 2)? == 1,
        // RIPng has version 1: a prefix of at most 128 bits, and a metric to 16, or ff
        (1, _) => u8_at(entry, 18)? <= 128 && matches!(u8_at(entry, 19)?, 1..=16 | 0xff),
        _ => false,
    };
    let bits = match (version, family) {
        (1, 0 | 2) => 15.0 + 16.0 + 64.0 + 27.0,
        (2, 0 | 2) => 15.0 + 27.0 + 26.0,
        (_, 0xffff) => 16.0,
        (_, _) => 5.0,
    };
    fits.then_some(bits)
}

/// Ones, then zeros.
fn is_mask(mask: u32) -> bool {
    mask.leading_ones() + mask.trailing_zeros() == 32 || mask == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};

    const TWO: &str = "0202 0000 0002 0000 c0a80100 ffffff00 00000000 00000001";

    #[test]
    fn messages_are_named() {
        Talk::udp().a(hex(TWO)).named_by(&DETECTOR);
        Talk::udp()
            .a(hex("0101 0000 0000 0000 00000000 00000000 00000000 00000010"))
            .named_by(&DETECTOR);
        let next = "20010db8000000000000000000000000 0000 40 01";
        let six = format!("0201 0000 {next} {next} {next} {next}");
        Talk::udp().a(hex(&six)).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        for (from, to) in [
            ("0202", "0302"),
            ("00000001", "00000011"),
            ("ffffff00", "ff00ff00"),
            ("0202 0000", "0202 0001"),
        ] {
            Talk::udp().a(hex(&TWO.replacen(from, to, 1))).refused_by(&DETECTOR);
        }
        Talk::udp().a(hex(&format!("{TWO} 00"))).refused_by(&DETECTOR);
        Talk::udp().a([0; 24]).refused_by(&DETECTOR);
        Talk::udp().a(hex(TWO)).snapped(23).refused_by(&DETECTOR);
    }
}
