//! uTP, BitTorrent's transport (BEP 29), over UDP.
//!
//! ```text
//!  type(4) 1(4) extension(8) connection(16) | timestamp(32) difference(32) window(32)
//!  sequence(16) acknowledges(16) | extensions: next length value | data
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "utp",
    title: "uTP (BitTorrent)",
    reference: "BEP 29, header format",
    rests_on: "Version 1 with known types and extensions, and, of a side, one connection whose clock and \
               sequence move little; or the packet that opens a connection.",
    blind_spots: "One packet of a connection alone.",
    bits: 40.0,
    openings: Openings::Known(&[
        one_of(&[0x01, 0x11, 0x21, 0x31, 0x41]),
        within(&[(0, 4)]).at(1),
        within(&[(0, 3)]).at(12).required(),
    ]),
    asks: over_udp(|view| probe_sides(view, match_side)),
};

struct UtpPacket {
    kind: u8,
    connection: u16,
    clock: u32,
    difference: u32,
    sequence: u16,
    acknowledges: u16,
}

fn match_side(head: &SideView<'_>) -> SideMatch<Said> {
    let mut bits = 0.0;
    let mut last: Option<UtpPacket> = None;
    let mut opens = false;
    let mut count = 0_u8;
    for datagram in head.datagrams {
        let Some(packet) = read(datagram) else { return Err(Not) };
        // version, type, extension, window
        bits += 4.0 + 1.6 + 6.4 + 6.0;
        if packet.kind == 4 {
            // The first packet of a connection has nobody's clock and acknowledges nothing.
            let first = packet.difference == 0 && packet.acknowledges == 0;
            if !first {
                return Err(Not);
            }
            opens = true;
            bits += 48.0;
        }
        if let Some(last) = &last {
            let clock = packet.clock.wrapping_sub(last.clock);
            let step = packet.sequence.wrapping_sub(last.sequence).cast_signed().unsigned_abs();
            // Who opens sends on with the id behind the one it opened with.
            let same = packet.connection == last.connection
                || (last.kind == 4 && packet.connection == last.connection.wrapping_add(1));
            // Each is sent later than the one before.
            if !same || !(1..60_000_000).contains(&clock) || step > 64 {
                return Err(Not);
            }
            bits += 15.0 + 6.0 + 9.0;
        }
        count = count.saturating_add(1);
        last = Some(packet);
        if count >= 4 {
            break;
        }
    }
    // One data packet alone would be any twelve bits.
    if !opens && count < 2 {
        return Err(Short);
    }
    let (role, what) = if opens { (Role::Client, "opens") } else { (Role::Either, "goes on") };
    let fact = format!("uTP connection {what}, {count} packets");
    Ok(Said::all(role, bits, fact))
}

fn read(datagram: &Datagram<'_>) -> Option<UtpPacket> {
    let bytes = datagram.bytes;
    let first = u8_at(bytes, 0)?;
    let kind = first >> 4;
    let mut extension = u8_at(bytes, 1)?;
    if first & 0x0f != 1 || kind > 4 || extension > 4 {
        return None;
    }
    let mut at = 20_usize;
    for _ in 0..4 {
        if extension == 0 {
            break;
        }
        let tail = rest(bytes, at);
        let (next, len) = (u8_at(tail, 0)?, u8_at(tail, 1)?);
        // a selective acknowledgement is in words, the extension bits are eight bytes
        let sized = match extension {
            1 => len >= 4 && len.is_multiple_of(4) && len <= 64,
            2 => len == 8,
            _ => len <= 16,
        };
        sized.then_some(())?;
        extension = next;
        at = at.checked_add(usize::from(len))?.checked_add(2)?;
    }
    // What is received ahead is at most 64 MiB.
    (extension == 0 && be32(bytes, 12)? < 1 << 26).then_some(())?;
    // Only data carries bytes behind the header.
    let fits = if kind == 0 { datagram.wire_len > at } else { datagram.wire_len == at };
    (fits && at <= datagram.wire_len).then_some(())?;
    Some(UtpPacket {
        kind,
        connection: be16(bytes, 2)?,
        clock: be32(bytes, 4)?,
        difference: be32(bytes, 8)?,
        sequence: be16(bytes, 16)?,
        acknowledges: be16(bytes, 18)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    const OPEN: &str = "41 00 1a2b 00010000 00000000 00100000 0001 0000";
    const STATE: &str = "21 00 1a2b 00020000 00000123 00100000 7001 0001";
    const DATA: &str = "01 00 1a2c 00010100 00000456 00100000 0002 7000 a1a2a3a4";
    const MORE: &str = "01 00 1a2c 00010200 00000456 00100000 0003 7000 b1b2b3b4";

    #[test]
    fn connections_are_named() {
        let talk = Talk::udp().a(hex(OPEN)).b(hex(STATE)).a(hex(DATA));
        assert_eq!(talk.named_by(&DETECTOR).client, Some(Side::A));
        talk.only(Side::A).named_by(&DETECTOR);
        Talk::udp().a(hex(DATA)).a(hex(MORE)).named_by(&DETECTOR);
        let extended = "41 02 1a2b 00010000 00000000 00100000 0001 0000 00 08 0000000000000000";
        Talk::udp().a(hex(extended)).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::udp().a(hex(DATA)).refused_by(&DETECTOR);
        Talk::udp().a(hex(DATA)).a(hex(&MORE.replace("1a2c", "1a3c"))).refused_by(&DETECTOR);
        Talk::udp().a(hex(DATA)).a(hex(&MORE.replace("0003 7", "9003 7"))).refused_by(&DETECTOR);
        Talk::udp().a(hex(&OPEN.replace("41 00", "51 00"))).refused_by(&DETECTOR);
        Talk::udp().a(hex(&format!("{OPEN} 00"))).refused_by(&DETECTOR);
        // DNS
        Talk::udp().a(hex("2100 0100 0001 0000 0000 0000 0161 00 0001 0001")).refused_by(&DETECTOR);
    }
}
