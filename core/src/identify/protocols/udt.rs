//! UDT, version 4 (draft-gg-udt-03), over UDP; Citrix's EDT is built on it.
//!
//! ```text
//!  data     0|sequence(31)   ff|o|message(29)     timestamp(32)  destination socket(32) | data
//!  control  1|type(15)|0(16) additional info(32)  timestamp(32)  destination socket(32) | info
//!  handshake info: version=4  1 stream, 2 datagram  sequence  MSS  window  request  socket  cookie
//!                  peer's address(16)
//!  ff: 10 first of a message, 00 middle, 01 last, 11 alone; timestamp in microseconds
//! ```
//!
//! SRT is a fork with the same headers. It is told apart by version 5 in its handshake, by the
//! length of its full acknowledgement (44, not 40) and by its own control type; where only what both
//! have is seen, nothing is named.

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "udt",
    title: "UDT (also Citrix EDT)",
    reference: "draft-gg-udt-03 sections 3 to 5",
    rests_on: "A handshake of version 4; or, in the middle, three packets of a side with one \
               destination socket, a clock and sequence numbers that advance, and something that SRT \
               does not have: an acknowledgement of 40 bytes, or messages in several packets.",
    blind_spots: "In the middle of a connection whose messages fit one packet each and whose \
                  acknowledgements are not seen. SRT before version 1.3, and SRT's file mode seen \
                  from the middle, look the same.",
    bits: 100.0,
    openings: Openings::Known(&[
        within(&[(0, 0x80)]),
        // any byte: the header has sixteen
        within(&[(0, 255)]).at(15).required(),
    ]),
    asks: over_udp(probe).telling(Extras { details: &[SOCKET_TYPE], ..Extras::NONE }),
};

/// Stream or datagram.
const SOCKET_TYPE: DetailKey =
    DetailKey::Own(&OwnDetail { path: "portstory.udt.socket_type", summary: None, names: false });

/// Bytes of every packet's header.
const HEADER: usize = 16;

/// Bytes of a handshake, header included.
const HANDSHAKE: usize = 64;

/// A full acknowledgement: six words of information (draft-gg-udt-03 section 4). SRT has seven.
const ACK_FULL: usize = 40;
const SRT_ACK_FULL: usize = 44;

/// Packets of a side that must count up where no handshake is seen.
const PACKETS_MIN: u16 = 3;

/// How far a sequence number may jump, or fall back for what is sent again.
const STEP_MAX: u32 = 64;

/// How far the clock may move between two packets: a minute.
const CLOCK_MOVE_MAX: u32 = 60_000_000;

/// One datagram as UDT's header reads it.
#[derive(Clone, Copy)]
enum UdtPacket {
    Handshake(Handshake),
    Control {
        len: usize,
        kind: u16,
        clock: u32,
        socket: u32,
    },
    Data {
        sequence: u32,
        flags: u32,
        clock: u32,
        socket: u32,
    },
    /// Only SRT sends this.
    Srt,
}

#[derive(Clone, Copy)]
struct Handshake {
    stream: bool,
    /// An answer names the socket that asked; a request can't.
    to_socket: u32,
    request: i32,
    cookie: u32,
}

/// What one side's packets come to.
struct Heads {
    said: Said,
    /// Something that SRT would not have said.
    not_srt: bool,
    /// Only counters, no handshake and no acknowledgement.
    shape: bool,
}

fn probe(view: &FlowView<'_>) -> Probe {
    let srt = |head: &SideView<'_>| {
        head.datagrams.iter().any(|datagram| matches!(read(datagram), Some(UdtPacket::Srt)))
    };
    if view.each().any(|(_, head)| srt(head)) {
        return Probe::No;
    }
    let sides = match match_both(view, match_side) {
        Ok(sides) => sides,
        Err(answer) => return answer,
    };
    if !sides.iter().flatten().any(|side| side.not_srt) {
        let done = view.each().all(|(_, head)| head.complete);
        return if done { Probe::No } else { Probe::Wait };
    }
    let shape = sides.iter().flatten().all(|side| side.shape);
    let found = join(sides.map(|side| side.map(|side| side.said)));
    yes(found.map(|mut found| {
        if shape {
            found.strength = Strength::Shape;
        }
        found
    }))
}

fn match_side(head: &SideView<'_>) -> SideMatch<Heads> {
    let mut greeting: Option<(usize, Handshake)> = None;
    let mut packets = Vec::new();
    for (at, datagram) in head.datagrams.iter().enumerate() {
        match read(datagram) {
            // The one with a cookie says more.
            Some(UdtPacket::Handshake(found)) => match greeting {
                Some((_, old)) if old.cookie != 0 || found.cookie == 0 => {}
                Some(_) | None => greeting = Some((at, found)),
            },
            Some(packet) => packets.push((at, packet)),
            None => return Err(Not),
        }
    }
    let Some(counted) = count_up(&packets) else { return Err(Not) };
    match (greeting, packets.first()) {
        (Some((at, found)), _) => Ok(shake_hands(found, at)),
        (None, Some((at, _))) if counted >= PACKETS_MIN => {
            Ok(in_the_middle(&packets, counted, *at))
        }
        (None, _) => Err(Short),
    }
}

fn read(datagram: &Datagram<'_>) -> Option<UdtPacket> {
    let mut cursor = Cursor::new(datagram.bytes);
    let (first, second) = (cursor.be32()?, cursor.be32()?);
    let (clock, socket) = (cursor.be32()?, cursor.be32()?);
    let len = datagram.wire_len;
    if first >> 31 == 0 {
        let data = UdtPacket::Data { sequence: first, flags: second >> 30, clock, socket };
        return (len > HEADER && socket != 0).then_some(data);
    }
    let kind = u16::try_from(first >> 16 & 0x7fff).ok()?;
    if kind == 0x7fff || (kind == 2 && len == SRT_ACK_FULL) {
        return Some(UdtPacket::Srt);
    }
    if first == 0x8000_0000 {
        return read_handshake(cursor, second, socket, len);
    }
    // draft-gg-udt-03 section 4: keep-alive, ACK, NAK, congestion, shutdown, ACK2, drop, error. An
    // empty information field takes four bytes.
    let fits = match kind {
        1 | 4 | 5 | 6 | 8 => matches!(len, 16 | 20),
        2 => matches!(len, 20 | 32 | ACK_FULL),
        3 => len >= 20 && len.is_multiple_of(4),
        7 => len == 24,
        _ => false,
    };
    let control = UdtPacket::Control { len, kind, clock, socket };
    (fits && first & 0xffff == 0 && socket != 0).then_some(control)
}

fn read_handshake(
    mut cursor: Cursor<'_>,
    info: u32,
    to_socket: u32,
    len: usize,
) -> Option<UdtPacket> {
    let version = cursor.be32()?;
    let kind = cursor.be32()?;
    let sequence = cursor.be32()?;
    let (mss, window) = (cursor.be32()?, cursor.be32()?);
    let request = cursor.be32()?.cast_signed();
    cursor.skip(4)?;
    let cookie = cursor.be32()?;
    // The SRT draft, section 3.2.1: version 5; in the answer to the first request the type field
    // is 0x4A17, later it names extensions.
    if version == 5 && (kind & 0xffff == 0x4a17 || kind & 0xffff <= 7) {
        return Some(UdtPacket::Srt);
    }
    let fits = info == 0
        && version == 4
        && matches!(kind, 1 | 2)
        && sequence >> 31 == 0
        && (64..=65_535).contains(&mss)
        && (1..=1 << 24).contains(&window)
        && matches!(request, 1 | 0 | -1 | -2 | 1002)
        && len == HANDSHAKE;
    fits.then_some(UdtPacket::Handshake(Handshake {
        stream: kind == 1,
        to_socket,
        request,
        cookie,
    }))
}

/// How many packets follow one another, each of them later than the one before; `None` where they
/// don't.
fn count_up(packets: &[(usize, UdtPacket)]) -> Option<u16> {
    let mut count = 0_u16;
    let mut last: Option<(u32, u32)> = None;
    let mut last_sequence = None;
    for (_, packet) in packets {
        let (clock, socket, ahead) = match *packet {
            UdtPacket::Data { clock, socket, sequence, .. } => {
                let known = last_sequence.replace(sequence);
                (clock, socket, known.is_none_or(|known| sequence != known))
            }
            UdtPacket::Control { clock, socket, .. } => (clock, socket, true),
            UdtPacket::Handshake(_) | UdtPacket::Srt => continue,
        };
        let (before, known) = last.replace((clock, socket)).unwrap_or((clock, socket));
        if clock.wrapping_sub(before) > CLOCK_MOVE_MAX || socket != known {
            return None;
        }
        if count == 0 || (clock != before && ahead) {
            count = count.saturating_add(1);
        }
    }
    in_sequence(packets).then_some(count)
}

/// Whether each data packet's sequence number is near the one before: a little ahead, or a little
/// behind where it is sent again.
fn in_sequence(packets: &[(usize, UdtPacket)]) -> bool {
    let mut last = None;
    packets.iter().all(|(_, packet)| {
        let UdtPacket::Data { sequence, .. } = *packet else { return true };
        let known = last.replace(sequence).unwrap_or(sequence);
        let ahead = sequence.wrapping_sub(known) & 0x7fff_ffff;
        let back = known.wrapping_sub(sequence) & 0x7fff_ffff;
        ahead.min(back) <= STEP_MAX
    })
}

fn shake_hands(found: Handshake, at: usize) -> Heads {
    let kind = if found.stream { "stream" } else { "datagram" };
    let (role, what) = match found.request {
        0 => (Role::Either, "rendezvous"),
        1002 => (Role::Server, "refusal"),
        _ if found.to_socket == 0 => (Role::Client, "request"),
        _ => (Role::Server, "answer"),
    };
    // header and version, type, sequence, MSS, window, request
    let bits = 96.0 + 31.0 + 1.0 + 16.0 + 8.0 + 29.0;
    let fact = format!("UDT 4 handshake, {what}, {kind} socket");
    let said = Said::at(role, bits, fact, Spot::datagram(at, 16, 16)).with(SOCKET_TYPE, kind);
    // SRT starts with version 4 and type 2 too, and goes on with version 5.
    Heads { said, not_srt: found.stream || found.cookie != 0, shape: false }
}

fn in_the_middle(packets: &[(usize, UdtPacket)], count: u16, at: usize) -> Heads {
    let acknowledges = packets
        .iter()
        .any(|(_, packet)| matches!(packet, UdtPacket::Control { kind: 2, len: ACK_FULL, .. }));
    // 11 in every packet is what SRT's live mode has.
    let in_parts =
        packets.iter().any(|(_, packet)| matches!(packet, UdtPacket::Data { flags: 0..=2, .. }));
    // Of each but the first: socket, clock, and either 24 bits of sequence or more of control.
    let bits = f32::from(count.saturating_sub(1)) * (32.0 + 6.0 + 24.0);
    let fact = format!("UDT, {count} packets to one socket, clock and sequence advancing");
    let said = Said::at(Role::Either, bits, fact, Spot::datagram(at, 0, HEADER));
    Heads { said, not_srt: acknowledges || in_parts, shape: !acknowledges }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    fn handshake(version: u8, kind: u16, to: u32, request: i32, cookie: u32) -> Vec<u8> {
        let mut packet = hex("80000000 00000000 00000000");
        packet.extend(to.to_be_bytes());
        packet.extend([0, 0, 0, version, 0, 0]);
        packet.extend(kind.to_be_bytes());
        packet.extend(hex("1a2b3c4d 000005dc 00006400"));
        packet.extend(request.to_be_bytes());
        packet.extend(hex("0102aabb"));
        packet.extend(cookie.to_be_bytes());
        packet.extend(hex("0100007f 00000000 00000000 00000000"));
        packet
    }

    fn data(sequence: u32, flags: u32, clock: u32) -> Vec<u8> {
        let mut packet = sequence.to_be_bytes().to_vec();
        packet.extend((flags << 30 | 7).to_be_bytes());
        packet.extend(clock.to_be_bytes());
        packet.extend(hex("3a4b5c6d"));
        packet.extend([0x99; 1456]);
        packet
    }

    fn control(kind: u8, clock: u32, len: usize) -> Vec<u8> {
        let mut packet = vec![0x80, kind, 0, 0, 0, 0, 0, 5];
        packet.extend(clock.to_be_bytes());
        packet.extend(hex("0badcafe"));
        packet.resize(len, 0);
        packet
    }

    #[test]
    fn a_handshake_is_named_from_each_side() {
        for kind in [1, 2] {
            let talk = Talk::udp()
                .a(handshake(4, kind, 0, 1, 0))
                .b(handshake(4, kind, 0x0102_aabb, 1, 0x5050))
                .a(handshake(4, kind, 0, -1, 0x5050))
                .b(handshake(4, kind, 0x0102_aabb, -1, 0x5050));
            let found = talk.named_by(&DETECTOR);
            assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
            for side in Side::BOTH {
                let found = talk.clone().only(side).named_by(&DETECTOR);
                assert_eq!((found.strength, found.client), (Strength::OneSided, Some(Side::A)));
            }
        }
    }

    #[test]
    fn the_middle_is_named_by_what_counts() {
        let talk = Talk::udp()
            .a(data(100, 2, 1000))
            .b(control(2, 900, 40))
            .a(data(101, 0, 1010))
            .b(control(1, 950, 20))
            .a(data(102, 1, 1020))
            .b(control(2, 990, 40));
        assert_eq!(talk.named_by(&DETECTOR).strength, Strength::BothSides);
        assert_eq!(talk.clone().only(Side::A).named_by(&DETECTOR).strength, Strength::Shape);
        assert_eq!(talk.clone().only(Side::B).named_by(&DETECTOR).strength, Strength::OneSided);
        talk.snapped(16).named_by(&DETECTOR);
    }

    #[test]
    fn srt_is_not_udt() {
        // the first request is the same; the answer tells
        let request = handshake(4, 2, 0, 1, 0);
        Talk::udp().a(&request).a(&request).a(&request).refused_by(&DETECTOR);
        let answer = handshake(5, 0x4a17, 0x0102_aabb, 1, 0x5050);
        let talk = Talk::udp().a(&request).b(answer).a(handshake(5, 1, 0, -1, 0x5050));
        assert_eq!(talk.matched_by(&DETECTOR), None);
        // live mode: every packet a message of its own; and the longer acknowledgement
        let live = Talk::udp().a(data(1, 3, 10)).a(data(2, 3, 20)).a(data(3, 3, 30));
        live.clone().refused_by(&DETECTOR);
        live.b(control(2, 5, 44)).refused_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        // RTP, which counts elsewhere
        let rtp = |sequence| crate::identify::protocols::rtp::sample(sequence, 160);
        Talk::udp().a(rtp(1)).a(rtp(2)).a(rtp(3)).refused_by(&DETECTOR);
        // the same datagram again and again, but with a socket that changes
        let mut other = data(2, 0, 20);
        other[15] ^= 1;
        Talk::udp().a(data(1, 0, 10)).a(other).a(data(3, 0, 30)).refused_by(&DETECTOR);
        // sequence numbers, or a clock, that jump
        Talk::udp().a(data(1, 0, 10)).a(data(9000, 0, 20)).a(data(3, 0, 30)).refused_by(&DETECTOR);
        Talk::udp().a(data(1, 0, 900)).a(data(2, 0, 20)).a(data(3, 0, 30)).refused_by(&DETECTOR);
        // a handshake of another version, or of another length
        Talk::udp().a(handshake(3, 1, 0, 1, 0)).refused_by(&DETECTOR);
        let mut long = handshake(4, 1, 0, 1, 0);
        long.push(0);
        Talk::udp().a(long).refused_by(&DETECTOR);
        // STUN
        let stun = hex("0001 0000 2112a442 000102030405060708090a0b");
        Talk::udp().a(&stun).a(&stun).a(&stun).refused_by(&DETECTOR);
    }
}
