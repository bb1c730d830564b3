//! Cisco NetFlow 1, 5, 7 and 9 (RFC 3954), IPFIX (RFC 7011) and sFlow 4 and 5, over UDP.
//!
//! ```text
//!  1, 5, 7   version(16) count(16) uptime(32) seconds(32) nanoseconds(32) | ... count records
//!  9         version(16) count(16) uptime(32) seconds(32) sequence(32) source(32) | sets
//!  10        version(16) length(16) seconds(32) sequence(32) domain(32)           | sets
//!  set       id(16) length(16) ...
//!  sFlow     version(32) address type(32) address [agent(32)] sequence(32) uptime(32) samples(32)
//! ```

use crate::identify::messages::probe_datagrams;
use crate::identify::openings::{Openings, one_of, within};
use crate::identify::side_match::{Role, Said, Spot};
use crate::identify::view::Datagram;
use crate::identify::{Detector, Extras, Over};
use crate::wire::{Cursor, be16, be32, rest};

pub(super) static NETFLOW: Detector = Detector {
    id: "netflow",
    title: "NetFlow",
    reference: "RFC 3954 section 5; Cisco, NetFlow export datagram formats, versions 1, 5 and 7",
    over: Over::Udp,
    rests_on: "A version, a count that makes the datagram's length, and a fraction of a second below \
               10^9; of version 9, sets that fill the datagram.",
    blind_spots: "Version 8.",
    bits: 28.0,
    openings: Openings::Known(&[
        one_of(&[0]),
        one_of(&[1, 5, 7, 9]).at(1).required(),
        within(&[(0, 2)]).at(2).required(),
    ]),
    probe: |view| probe_datagrams("netflow", view, read_netflow),
    extras: Extras::NONE,
};

pub(super) static IPFIX: Detector = Detector {
    id: "ipfix",
    title: "IPFIX",
    reference: "RFC 7011 section 3.1",
    over: Over::Udp,
    rests_on: "Version 10, a length that is the datagram's, and sets that fill it.",
    blind_spots: "IPFIX over TCP or SCTP.",
    bits: 40.0,
    openings: Openings::Known(&[
        one_of(&[0]),
        one_of(&[10]).at(1),
        within(&[(0, 15)]).at(16).required(),
    ]),
    probe: |view| probe_datagrams("ipfix", view, read_ipfix),
    extras: Extras::NONE,
};

pub(super) static SFLOW: Detector = Detector {
    id: "sflow",
    title: "sFlow",
    reference: "sFlow version 5 section 5, RFC 3176 section 4",
    over: Over::Udp,
    rests_on: "Version 4 or 5, an address type, a small count of samples, and the first sample's type \
               and length.",
    blind_spots: "Datagrams without samples.",
    bits: 80.0,
    openings: Openings::Known(&[
        one_of(&[0]),
        one_of(&[0]).at(1),
        one_of(&[0]).at(2),
        one_of(&[4, 5]).at(3),
        one_of(&[0]).at(4),
        one_of(&[1, 2]).at(7).required(),
    ]),
    probe: |view| probe_datagrams("sflow", view, read_sflow),
    extras: Extras::NONE,
};

fn read_netflow(datagram: &Datagram<'_>) -> Option<Said> {
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
    Some(Said::new(Role::Client, bits, fact, Spot::datagram(0, 0, 16)))
}

fn read_ipfix(datagram: &Datagram<'_>) -> Option<Said> {
    let (version, len) = (be16(datagram.bytes, 0)?, usize::from(be16(datagram.bytes, 2)?));
    (version == 10 && len == datagram.wire_len).then_some(())?;
    let bits = 32.0 + sets(datagram, 16, 2..=3)?;
    Some(Said::new(Role::Client, bits, "IPFIX message", Spot::datagram(0, 0, 16)))
}

/// Templates have a small number, data the number of its template, from 256 on.
fn sets(
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

fn read_sflow(datagram: &Datagram<'_>) -> Option<Said> {
    let mut cursor = Cursor::new(datagram.bytes);
    let version = cursor.be32()?;
    let address = match cursor.be32()? {
        1 => 4,
        2 => 16,
        _ => return None,
    };
    cursor.skip(address)?;
    if version == 5 {
        cursor.skip(4)?;
    }
    cursor.skip(8)?;
    let samples = cursor.be32()?;
    let (kind, len) = (cursor.be32()?, cursor.be32()?);
    // Flow and counter samples, also expanded; version 4 has no length there.
    let first = match version {
        4 => matches!(kind, 1 | 2),
        5 => kind <= 5 && usize::try_from(len).is_ok_and(|len| len < datagram.wire_len),
        _ => return None,
    };
    let fits = first && (1..=512).contains(&samples);
    let fact = format!("sFlow version {version}, {samples} samples");
    fits.then(|| Said::new(Role::Client, 31.0 + 31.0 + 23.0 + 28.0, fact, Spot::datagram(0, 0, 16)))
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
    const TEN: &str = "000a 001c 5f5e1000 00000001 00000007 0002 000c 0100 0001 0008 0004";
    const SFLOW_5: &str = "00000005 00000001 c0000201 00000000 00000001 00010000 00000001 00000001 00000008 \
                           00000001 00000002";

    #[test]
    fn exports_are_named() {
        Talk::udp().a(five(2, 24 + 96)).named_by(&NETFLOW);
        Talk::udp().a(hex(NINE)).named_by(&NETFLOW);
        Talk::udp().a(hex(TEN)).named_by(&IPFIX);
        Talk::udp().a(hex(SFLOW_5)).named_by(&SFLOW);
    }

    #[test]
    fn look_alikes_are_refused() {
        for row in [&NETFLOW, &IPFIX, &SFLOW] {
            Talk::udp().a(five(2, 24 + 95)).refused_by(row);
            Talk::udp().a(hex(&NINE.replace("000c", "000d"))).refused_by(row);
            Talk::udp().a(hex(&TEN.replace("001c", "001d"))).refused_by(row);
            Talk::udp().a(hex(&TEN.replace("0002 000c", "0009 000c"))).refused_by(row);
            Talk::udp().a(hex(&SFLOW_5.replace("00000001 c0", "00000003 c0"))).refused_by(row);
            Talk::udp().a(hex("0005 0001 0000 0000 0000")).refused_by(row);
        }
    }
}
