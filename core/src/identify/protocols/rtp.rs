//! RTP and SRTP (RFC 3550 section 5.1, RFC 3711), over UDP.
//!
//! ```text
//!  10 P X CC(4) | M PT(7) | sequence number(16) | timestamp(32) | SSRC(32) | CC x CSRC | extension
//! ```
//!
//! One packet proves little: three of one source must count up in one direction. RTCP and what
//! else shares the port (RFC 5761, RFC 7983) may stand between them.

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "rtp",
    title: "RTP",
    reference: "RFC 3550 section 5.1, RFC 3551 section 6, RFC 5761 section 4",
    rests_on: "Three datagrams of one side with the same source (SSRC) and payload type, whose \
               sequence numbers count up and whose timestamps move plausibly.",
    blind_spots: "Fewer than three packets of a source, RTCP alone, and media whose sender does not \
                  count in RTP's way. SRTP has the same header and is not told apart.",
    bits: 90.0,
    openings: Openings::Unknown,
    asks: over_udp(|view| probe_found(view, match_side, join)),
};

/// Bytes of the fixed header.
const HEADER: usize = 12;

/// Packets of one source that must be seen.
const PACKETS_MIN: u16 = 3;

/// How far a sequence number may jump: lost packets.
const STEP_MAX: u16 = 32;

/// How far it may fall back: packets that overtook it.
const BACK_MAX: u16 = 3;

/// How far the timestamp may move between packets: 90 s of video, in either direction, because
/// frames need not be sent in the order they are shown in.
const TIMESTAMP_MOVE_MAX: u32 = 1 << 23;

/// One RTP packet's header.
#[derive(Clone, Copy)]
struct RtpPacket {
    at: usize,
    payload_type: u8,
    sequence: u16,
    timestamp: u32,
    ssrc: u32,
}

/// What a datagram can be, beside RTP.
enum DatagramKind {
    Rtp(RtpPacket),
    /// RTCP, STUN, DTLS, TURN's channels, or a keep-alive: may stand between media.
    Neighbour,
    Alien,
}

fn match_side(head: &SideView<'_>) -> SideMatch<Said> {
    let mut packets = Vec::new();
    for (at, datagram) in head.datagrams.iter().enumerate() {
        match read(datagram, at) {
            DatagramKind::Rtp(packet) => packets.push(packet),
            DatagramKind::Neighbour => {}
            DatagramKind::Alien => return Err(Not),
        }
    }
    let first_of = |nth: usize, packet: &RtpPacket| {
        packets.iter().position(|other| other.ssrc == packet.ssrc) == Some(nth)
    };
    let sources = packets.iter().enumerate().filter(|(nth, packet)| first_of(*nth, packet));
    let counted = sources.filter_map(|(_, first)| Some((first, count_up(&packets, first)?)));
    match counted.max_by_key(|(_, count)| *count) {
        Some((first, count)) if count >= PACKETS_MIN => Ok(words(first, count)),
        Some(_) | None => Err(Short),
    }
}

fn read(datagram: &Datagram<'_>, at: usize) -> DatagramKind {
    let (Some(first), Some(second)) = (u8_at(datagram.bytes, 0), u8_at(datagram.bytes, 1)) else {
        return DatagramKind::Neighbour;
    };
    match (first, second) {
        // RFC 7983: STUN, ZRTP, DTLS, TURN; and keep-alives of a few bytes
        (0..=79, _) => DatagramKind::Neighbour,
        // RFC 5761 section 4: RTCP's packet types
        (128..=191, 192..=223) => rtcp(datagram),
        (128..=191, _) => packet(datagram, at).map_or(DatagramKind::Alien, DatagramKind::Rtp),
        (80..=127 | 192..=255, _) => DatagramKind::Alien,
    }
}

/// RFC 3550 section 6.4: the length counts words, and stays in the datagram.
fn rtcp(datagram: &Datagram<'_>) -> DatagramKind {
    let words = be16(datagram.bytes, 2).map_or(0, usize::from);
    let fits = words.saturating_add(1).saturating_mul(4) <= datagram.wire_len;
    if fits { DatagramKind::Neighbour } else { DatagramKind::Alien }
}

fn packet(datagram: &Datagram<'_>, at: usize) -> Option<RtpPacket> {
    let bytes = datagram.bytes;
    let flags = u8_at(bytes, 0)?;
    let payload_type = u8_at(bytes, 1)? & 0x7f;
    // RFC 3551 tables 4 and 5: 35 to 63 are for those to whom 96 to 127 are not enough.
    let assigned = matches!(payload_type, 0 | 3..=18 | 25 | 26 | 28 | 31..=63 | 96..=127);
    let ssrc = be32(bytes, 8)?;
    let sources = HEADER.saturating_add(usize::from(flags & 0x0f).saturating_mul(4));
    let header = if flags & 0x10 == 0 {
        sources
    } else {
        let words = be16(bytes, sources.saturating_add(2)).map_or(0, usize::from);
        sources.saturating_add(4).saturating_add(words.saturating_mul(4))
    };
    let fits = assigned && ssrc != 0 && header <= datagram.wire_len;
    fits.then_some(RtpPacket {
        at,
        payload_type,
        sequence: be16(bytes, 2)?,
        timestamp: be32(bytes, 4)?,
        ssrc,
    })
}

/// How many different packets of a source there are; `None` where they don't count up.
fn count_up(packets: &[RtpPacket], first: &RtpPacket) -> Option<u16> {
    let mut newest = first;
    let mut count = 1_u16;
    for packet in packets.iter().filter(|packet| packet.ssrc == first.ssrc).skip(1) {
        let step = packet.sequence.wrapping_sub(newest.sequence);
        let back = newest.sequence.wrapping_sub(packet.sequence);
        let moved = packet.timestamp.wrapping_sub(newest.timestamp).cast_signed().unsigned_abs();
        if moved > TIMESTAMP_MOVE_MAX {
            return None;
        }
        match (step, back) {
            (1..=STEP_MAX, _) if packet.payload_type == first.payload_type => {
                count = count.saturating_add(1);
                newest = packet;
            }
            // Telephone events and comfort noise are other types of the same source.
            (1..=STEP_MAX, _) => newest = packet,
            (_, 0..=BACK_MAX) => {}
            (_, _) => return None,
        }
    }
    Some(count)
}

fn words(first: &RtpPacket, count: u16) -> Said {
    // Of each: version, and a payload type that is assigned. Of each but the first: source, payload
    // type, sequence number, timestamp. Less what the choice of three among eight gives away.
    let more = f32::from(count.saturating_sub(1));
    let bits = 3.0 * f32::from(count) + more * (32.0 + 6.0 + 11.0 + 8.0) - 6.0;
    let RtpPacket { at, payload_type, ssrc, .. } = *first;
    let fact =
        format!("RTP, {count} packets counting up, payload type {payload_type}, SSRC 0x{ssrc:08x}");
    Said::at(Role::Either, bits, fact, Spot::datagram(at, 0, HEADER))
        .with(DetailKey::RtpPayloadType, payload_type.to_string())
        .with(DetailKey::RtpSsrc, format!("0x{ssrc:08x}"))
}

/// A packet for the tests of this detector and of others.
#[cfg(test)]
pub(super) fn sample(sequence: u16, timestamp: u32) -> Vec<u8> {
    let mut packet = vec![0x80, 96];
    packet.extend(sequence.to_be_bytes());
    packet.extend(timestamp.to_be_bytes());
    packet.extend([0x1f, 0x2e, 0x3d, 0x4c]);
    packet.extend([0xd5; 120]);
    packet
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    fn one_way() -> Talk {
        Talk::udp().a(sample(65534, 160)).a(sample(65535, 320)).a(sample(0, 480))
    }

    #[test]
    fn three_packets_of_a_source_are_named() {
        let found = one_way().named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::OneSided, None));
        let both = one_way().b(sample(9, 9)).b(sample(10, 9)).b(sample(12, 3009));
        let found = both.named_by(&DETECTOR);
        assert_eq!(found.strength, Strength::BothSides);
        both.only(Side::B).named_by(&DETECTOR);
    }

    #[test]
    fn neighbours_copies_and_overtaking_do_no_harm() {
        Talk::udp()
            .a(hex("0001 0000 2112a442 000102030405060708090a0b"))
            .a(sample(7, 0))
            .a(sample(7, 0))
            .a(hex("80c8 0006 1f2e3d4c 00000000 00000000 00000000 00000000 00000000"))
            .a(sample(9, 0))
            .a(sample(8, 0))
            .a(crate::identify::protocols::dtls::sample_record())
            .a(sample(10, 3000))
            .named_by(&DETECTOR);
    }

    #[test]
    fn captures_cut_to_the_header_are_named() {
        one_way().snapped(12).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        // UDT's control packets: V=2 and a payload type of 0 to 6, but nothing counts
        Talk::udp()
            .a(hex("80020000 00000001 00001000 0a0b0c0d 00000000"))
            .a(hex("80020000 00000002 00002000 0a0b0c0d 00000000"))
            .a(hex("80020000 00000003 00003000 0a0b0c0d 00000000"))
            .refused_by(&DETECTOR);
        // the same with a clock that stands still
        let ack = hex("80060000 00000001 00001000 0a0b0c0d 00000000");
        Talk::udp().a(&ack).a(&ack).a(&ack).refused_by(&DETECTOR);
        // QUIC's long and short headers
        let quic = hex("c3 00000001 08 0102030405060708 00 0000");
        Talk::udp().a(&quic).a(&quic).a(&quic).refused_by(&DETECTOR);
        let short = hex("45 0102030405060708 0102030405");
        Talk::udp().a(&short).a(&short).a(&short).refused_by(&DETECTOR);
        // RTCP alone
        let rtcp = hex("80c9 0001 1f2e3d4c");
        Talk::udp().a(&rtcp).a(&rtcp).a(&rtcp).refused_by(&DETECTOR);
        // two packets only, and three that don't count
        Talk::udp().a(sample(1, 0)).a(sample(2, 160)).refused_by(&DETECTOR);
        Talk::udp().a(sample(1, 0)).a(sample(900, 0)).a(sample(40, 0)).refused_by(&DETECTOR);
        // a clock that jumps
        Talk::udp().a(sample(1, 0)).a(sample(2, 0x4000_0000)).a(sample(3, 0)).refused_by(&DETECTOR);
    }
}
