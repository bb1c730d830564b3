//! ENet (enet.bespin.org), over UDP.
//!
//! ```text
//!  peer(12) flags(4) [time(16)] [checksum(32)] | commands: A U command(6) channel sequence(16)
//!  and by command a body of known size, some with a length and data
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "enet",
    title: "ENet",
    reference: "ENet's public source, protocol.h",
    rests_on: "Known commands whose sizes fill the datagram, several of them; or a connection's opening \
               with plausible limits.",
    blind_spots: "Compressed packets, and games that encrypt or change the header.",
    bits: 24.0,
    openings: Openings::Known(&[
        within(&[(0, 0x3f), (0x80, 0xbf)]),
        // The shortest header and command.
        within(&[(0, 0xff)]).at(5).required(),
    ]),
    asks: over_udp(|view| probe_datagrams(view, read)),
};

/// What stands before the commands: the peer, the time it was sent, and a checksum, if any.
const HEADERS: [usize; 4] = [4, 2, 8, 6];

fn read(datagram: &Datagram<'_>) -> Option<Said> {
    let bytes = datagram.bytes;
    let flags = bytes.first()? >> 4;
    // Bit 15: the time is there; bit 14: what follows is compressed.
    if flags & 0x4 != 0 {
        return None;
    }
    let timed = flags & 0x8 != 0;
    let fit = HEADERS.into_iter().filter(|header| (header % 4 == 0) == timed);
    fit.into_iter().find_map(|header| {
        let (bits, opening) = walk(rest(bytes, header), datagram.is_whole())?;
        let role = match opening {
            Some(2) => Role::Client,
            Some(3) => Role::Server,
            Some(_) | None => Role::Either,
        };
        let what = if opening.is_some() { "ENet connection's opening" } else { "ENet commands" };
        // one of two places
        Some(Said::at(role, bits - 1.0, what, Spot::datagram(0, header, 12)))
    })
}

/// -log2 of the chance that random bytes pass, and the command that opened a connection.
fn walk(commands: &[u8], whole: bool) -> Option<(f32, Option<u8>)> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};

    const CONNECT: &str = "8fff 1234 82 ff 0001 0000 ff ff 000004b0 00010000 00000002 00000000 00000000 \
                           00001388 00000002 00000002 a1b2c3d4 00000000";

    #[test]
    fn openings_and_commands_are_named() {
        Talk::udp().a(hex(CONNECT)).named_by(&DETECTOR);
        // acknowledgement and data
        let talk = Talk::udp()
            .a(hex("8001 1234 01 ff 0001 0001 1234"))
            .a(hex("8001 1235 86 00 0002 0004 a1a2a3a4"))
            .a(hex("8001 1236 07 00 0002 0001 0002 a1a2"));
        talk.named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::udp().a(hex(&CONNECT.replace("82 ff", "02 ff"))).refused_by(&DETECTOR);
        Talk::udp().a(hex(&CONNECT.replace("000004b0", "010004b0"))).refused_by(&DETECTOR);
        Talk::udp().a(hex("8001 1234 01 ff 0001 0001 1234")).refused_by(&DETECTOR);
        Talk::udp().a(hex("8001 1235 86 00 0002 0005 a1a2a3a4")).refused_by(&DETECTOR);
        let photon = "ffff 00 01 00000004 22b6e6ba 02 ff 01 04 0000002c 00000001 000004b000008000 \
                      00000002 00000000 00000000 00001388 00000002 00000002";
        Talk::udp().a(hex(photon)).refused_by(&DETECTOR);
        let rtp = |sequence| crate::identify::protocols::rtp::sample(sequence, 160);
        Talk::udp().a(rtp(1)).a(rtp(2)).a(rtp(3)).refused_by(&DETECTOR);
    }
}
