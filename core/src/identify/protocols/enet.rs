//! ENet (enet.bespin.org), over UDP; and Exit Games' Photon, which has commands of the same kind.
//!
//! ```text
//!  ENet    peer(12) flags(4) [time(16)] [checksum(32)] | commands: A U command(6) channel sequence(16)
//!          and by command a body of known size, some with a length and data
//!  Photon  peer(16) flags count time(32) challenge(32) | commands: type channel flags reserved
//!          length(32) sequence(32) body
//! ```

use crate::identify::messages::probe_datagrams;
use crate::identify::openings::{Openings, one_of, within};
use crate::identify::side_match::{Role, Said, Spot};
use crate::identify::view::Datagram;
use crate::identify::{Detector, Extras, Over};
use crate::wire::{Cursor, be32, index, rest};

pub(super) static ENET: Detector = Detector {
    id: "enet",
    title: "ENet",
    reference: "ENet's public source, protocol.h",
    over: Over::Udp,
    rests_on: "Known commands whose sizes fill the datagram, several of them; or a connection's opening \
               with plausible limits.",
    blind_spots: "Compressed packets, and games that encrypt or change the header.",
    bits: 24.0,
    openings: Openings::Known(&[
        within(&[(0, 0x3f), (0x80, 0xbf)]),
        // The shortest header and command.
        within(&[(0, 0xff)]).at(5).required(),
    ]),
    probe: |view| probe_datagrams("enet", view, read_enet),
    extras: Extras::NONE,
};

pub(super) static PHOTON: Detector = Detector {
    id: "photon",
    title: "Exit Games Photon",
    reference: "Exit Games, Photon binary protocol notes, reliable UDP header",
    over: Over::Udp,
    rests_on: "A count of commands, and known commands whose lengths fill the datagram.",
    blind_spots: "Packets with a checksum, and encrypted ones.",
    bits: 40.0,
    openings: Openings::Known(&[
        one_of(&[0]).at(2).required(),
        within(&[(1, 100)]).at(3).required(),
        within(&[(1, 16)]).at(12).required(),
    ]),
    probe: |view| probe_datagrams("photon", view, read_photon),
    extras: Extras::NONE,
};

/// What stands before ENet's commands: the peer, the time it was sent, and a checksum, if any.
const HEADERS: [usize; 4] = [4, 2, 8, 6];

fn read_enet(datagram: &Datagram<'_>) -> Option<Said> {
    let bytes = datagram.bytes;
    let flags = bytes.first()? >> 4;
    // Bit 15: the time is there; bit 14: what follows is compressed.
    if flags & 0x4 != 0 {
        return None;
    }
    let timed = flags & 0x8 != 0;
    let fit = HEADERS.into_iter().filter(|header| (header % 4 == 0) == timed);
    fit.into_iter().find_map(|header| {
        let (bits, opening) = walk_enet(rest(bytes, header), datagram.is_whole())?;
        let role = match opening {
            Some(2) => Role::Client,
            Some(3) => Role::Server,
            Some(_) | None => Role::Either,
        };
        let what = if opening.is_some() { "ENet connection's opening" } else { "ENet commands" };
        // one of two places
        Some(Said::new(role, bits - 1.0, what, Spot::datagram(0, header, 12)))
    })
}

/// -log2 of the chance that random bytes pass, and the command that opened a connection.
fn walk_enet(commands: &[u8], whole: bool) -> Option<(f32, Option<u8>)> {
    let mut cursor = Cursor::new(commands);
    let (mut bits, mut opening) = (0.0, None);
    while !cursor.is_empty() {
        let at = cursor.rest();
        let command = cursor.u8()?;
        cursor.skip(3)?;
        let flags = command & 0xf0;
        // command, and the one flag that it may have
        bits += 4.4 + 2.0;
        let (body, counted) = match command & 0x0f {
            1 if flags == 0 => (4, false),
            2 | 3 if flags == 0x80 => {
                bits += opening_bits(at)?;
                opening = Some(command & 0x0f);
                (if command & 0x0f == 2 { 44 } else { 40 }, false)
            }
            4 if flags & 0x30 == 0 => (4, false),
            5 if flags == 0x80 => (0, false),
            6 if flags == 0x80 => (2, true),
            7 if flags == 0 => (4, true),
            9 if flags & 0xb0 == 0 => (4, true),
            // fragments: the length stands before four words
            8 if flags == 0x80 => return fragment(cursor.rest(), whole, bits),
            12 if flags & 0x70 == 0 => return fragment(cursor.rest(), whole, bits),
            10 if flags == 0x80 => (8, false),
            11 if flags == 0x80 => (12, false),
            _ => return None,
        };
        let head = cursor.take(body);
        let data = match (counted, head.and_then(<[u8]>::last_chunk::<2>)) {
            (true, Some(len)) => usize::from(u16::from_be_bytes(*len)),
            (false, Some(_)) | (_, None) => 0,
        };
        if head.is_none() || cursor.skip(data).is_none() {
            return (!whole && opening.is_some()).then_some((bits, opening));
        }
    }
    // The last one ends where the datagram ends; where any may, nothing is proven.
    (bits > 0.0 && whole).then_some((bits + 8.0, opening))
}

/// A fragment fills its datagram: start sequence, length, count, number, whole length, offset.
fn fragment(body: &[u8], whole: bool, bits: f32) -> Option<(f32, Option<u8>)> {
    let mut cursor = Cursor::new(body);
    cursor.skip(2)?;
    let len = usize::from(cursor.be16()?);
    let (count, number) = (cursor.be32()?, cursor.be32()?);
    let (total, offset) = (cursor.be32()?, cursor.be32()?);
    let fits = number < count && count <= 1 << 16 && offset < total && total <= 1 << 26;
    (whole && fits && cursor.remaining() == len).then_some((bits + 16.0 + 16.0 + 6.0, None))
}

/// The limits of a connection: MTU 576 to 4096, window 4096 to 65536, 1 to 255 channels.
fn opening_bits(command: &[u8]) -> Option<f32> {
    // behind the peer's number and two session numbers
    let at = 8;
    let within = |at: usize, low: u32, high: u32| {
        be32(command, at).is_some_and(|number| (low..=high).contains(&number))
    };
    let fits = within(at, 576, 4096) && within(at + 4, 4096, 65_536) && within(at + 8, 1, 255);
    fits.then_some(20.0 + 16.0 + 24.0)
}

fn read_photon(datagram: &Datagram<'_>) -> Option<Said> {
    let mut cursor = Cursor::new(datagram.bytes);
    let peer = cursor.be16()?;
    let (flags, count) = (cursor.u8()?, cursor.u8()?);
    cursor.skip(8)?;
    if !matches!(flags, 0) || !(1..=100).contains(&count) {
        return None;
    }
    let (mut bits, mut role) = (8.0 + 1.0, Role::Either);
    let mut left = datagram.wire_len.checked_sub(12)?;
    for nth in 0..count {
        let command = (cursor.u8(), cursor.u8(), cursor.u8(), cursor.u8(), cursor.be32());
        let (Some(kind), Some(_), Some(flag), Some(_), Some(len)) = command else {
            return (nth > 0 && !datagram.is_whole()).then(|| photon(role, bits));
        };
        let len = index(len);
        if !(1..=16).contains(&kind) || flag > 7 || !(12..=left).contains(&len) {
            return None;
        }
        if kind == 2 && peer == 0xffff {
            role = Role::Client;
        }
        bits += 4.0 + 5.0 + 21.0;
        left = left.checked_sub(len)?;
        if cursor.skip(len.checked_sub(8)?).is_none() && datagram.is_whole() {
            return None;
        }
    }
    (left == 0).then(|| photon(role, bits + 8.0))
}

fn photon(role: Role, bits: f32) -> Said {
    Said::new(role, bits, "Photon commands", Spot::datagram(0, 0, 16))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};

    const CONNECT: &str = "8fff 1234 82 ff 0001 0000 ff ff 000004b0 00010000 00000002 00000000 00000000 \
                           00001388 00000002 00000002 a1b2c3d4 00000000";
    const PHOTON_CONNECT: &str = "ffff 00 01 00000004 22b6e6ba 02 ff 01 04 0000002c 00000001 000004b000008000 \
                          00000002 00000000 00000000 00001388 00000002 00000002";

    #[test]
    fn openings_and_commands_are_named() {
        Talk::udp().a(hex(CONNECT)).named_by(&ENET);
        // acknowledgement and data
        let talk = Talk::udp()
            .a(hex("8001 1234 01 ff 0001 0001 1234"))
            .a(hex("8001 1235 86 00 0002 0004 a1a2a3a4"))
            .a(hex("8001 1236 07 00 0002 0001 0002 a1a2"));
        talk.named_by(&ENET);
        Talk::udp().a(hex(PHOTON_CONNECT)).named_by(&PHOTON);
        Talk::udp().a(hex(CONNECT)).refused_by(&PHOTON);
        Talk::udp().a(hex(PHOTON_CONNECT)).refused_by(&ENET);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::udp().a(hex(&CONNECT.replace("82 ff", "02 ff"))).refused_by(&ENET);
        Talk::udp().a(hex(&CONNECT.replace("000004b0", "010004b0"))).refused_by(&ENET);
        Talk::udp().a(hex("8001 1234 01 ff 0001 0001 1234")).refused_by(&ENET);
        Talk::udp().a(hex("8001 1235 86 00 0002 0005 a1a2a3a4")).refused_by(&ENET);
        Talk::udp().a(hex(&PHOTON_CONNECT.replace("0000002c", "0000002d"))).refused_by(&PHOTON);
        Talk::udp().a(hex(&PHOTON_CONNECT.replace("ffff 00 01", "ffff 00 02"))).refused_by(&PHOTON);
        let rtp = |sequence| crate::identify::protocols::rtp::sample(sequence, 160);
        Talk::udp().a(rtp(1)).a(rtp(2)).a(rtp(3)).refused_by(&ENET);
    }
}
