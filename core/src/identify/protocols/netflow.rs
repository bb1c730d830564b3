//! Cisco NetFlow 1, 5, 7 and 9 (RFC 3954), over UDP.
//!
//! ```text
//!  1, 5, 7   version(16) count(16) uptime(32) seconds(32) nanoseconds(32) | ... count records
//!  9         version(16) count(16) uptime(32) seconds(32) sequence(32) source(32) | sets
//!  set       id(16) length(16) ...
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "netflow",
    title: "NetFlow",
    reference: "RFC 3954 section 5; Cisco, NetFlow export datagram formats, versions 1, 5 and 7",
    rests_on: "A version, a count that makes the datagram's length, and a fraction of a second below \
               10^9; of version 9, sets that fill the datagram.",
    blind_spots: "Version 8.",
    bits: 28.0,
    openings: Openings::Known(&[
        one_of(&[0]),
        one_of(&[1, 5, 7, 9]).at(1).required(),
        within(&[(0, 2)]).at(2).required(),
    ]),
    asks: over_udp(|view| probe_datagrams(view, read)),
};

fn read(datagram: &Datagram<'_>) -> Option<Said> {
    let bytes = datagram.bytes;
    let (version, count) = (be16(bytes, 0)?, usize::from(be16(bytes, 2)?));
    let records = |header: usize, record: usize| {
        let fits = count.saturating_mul(record).saturating_add(header) == datagram.wire_len;
        let nanos = be32(bytes, 12).is_some_and(|nanos| nanos < 1_000_000_000);
        ((1..=30).contains(&count) && fits && nanos).then_some(16.0 + 16.0 + 2.1)
    };
    let bits = match version {
        1 => records(16, 52)?,
        5 => records(24, 48)?,
        7 => records(24, 52)?,
        9 if (1..=512).contains(&count) => 16.0 + 7.0 + sets(datagram, 20, 0..=1)?,
        _ => return None,
    };
    let fact = format!("NetFlow version {version}, {count} records");
    Some(Said::all(Role::Client, bits, fact))
}

/// The bits of sets that fill a datagram behind its header, as IPFIX has them, too. Templates have a small
/// number, data the number of its template, from 256 on.
pub(super) fn sets(
    datagram: &Datagram<'_>,
    header: usize,
    templates: std::ops::RangeInclusive<u16>,
) -> Option<f32> {
    let mut cursor = Cursor::new(rest(datagram.bytes, header));
    let mut bits = 0.0;
    while !cursor.is_empty() {
        let (Some(id), Some(len)) = (cursor.be16(), cursor.be16()) else { break };
        if !(templates.contains(&id) || (256..4096).contains(&id)) || len < 4 {
            return None;
        }
        bits += 4.0;
        if cursor.skip(usize::from(len).saturating_sub(4)).is_none() {
            return (!datagram.is_whole() && bits > 0.0).then_some(bits);
        }
    }
    (bits > 0.0 && cursor.remaining() < 4).then_some(bits + 14.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};

    fn five(count: u8, len: usize) -> Vec<u8> {
        let mut packet = hex("0005 0000 00010000 5f5e1000 00000010 00000001 00 00 0000");
        packet[3] = count;
        packet.resize(len, 0xa5);
        packet
    }

    const NINE: &str =
        "0009 0001 00010000 5f5e1000 00000001 00000007 0000 000c 0100 0001 0008 0004";

    #[test]
    fn exports_are_named() {
        Talk::udp().a(five(2, 24 + 96)).named_by(&DETECTOR);
        Talk::udp().a(hex(NINE)).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::udp().a(five(2, 24 + 95)).refused_by(&DETECTOR);
        Talk::udp().a(hex(&NINE.replace("000c", "000d"))).refused_by(&DETECTOR);
        Talk::udp().a(hex("0005 0001 0000 0000 0000")).refused_by(&DETECTOR);
        let ten = "000a 001c 5f5e1000 00000001 00000007 0002 000c 0100 0001 0008 0004";
        Talk::udp().a(hex(ten)).refused_by(&DETECTOR);
    }
}
