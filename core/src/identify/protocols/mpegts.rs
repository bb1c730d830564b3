//! MPEG transport streams (ISO 13818-1), over UDP.
//!
//! ```text
//!  47 | error start priority PID(13) | scrambling(2) adaptation(2) counter(4) | 184 bytes; 1 to 7 times
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "mpegts",
    title: "MPEG transport stream",
    reference: "ISO/IEC 13818-1 section 2.4.3.2",
    rests_on: "Packets of 188 bytes that fill the datagram, each with the sync byte and a header that \
               is allowed.",
    blind_spots: "Streams in RTP are RTP.",
    bits: 24.0,
    openings: Openings::Known(&[
        one_of(&[0x47]),
        within(&[(0, 0x7f)]).at(1),
        within(&[(0x10, 0x3f), (0x90, 0xbf), (0xd0, 0xff)]).at(3).required(),
    ]),
    asks: over_udp(|view| probe_datagrams(view, read)),
};

/// Bytes of a transport packet.
const PACKET: usize = 188;

fn read(datagram: &Datagram<'_>) -> Option<Said> {
    let count = datagram.wire_len / PACKET;
    if !datagram.wire_len.is_multiple_of(PACKET) || !(1..=7).contains(&count) {
        return None;
    }
    let mut bits = 0.0;
    for packet in datagram.bytes.chunks(PACKET) {
        let (Some(flags), Some(control)) = (u8_at(packet, 1), u8_at(packet, 3)) else { break };
        // no transport error, an adaptation field or payload or both, scrambling 01 is reserved
        let fits = packet.first() == Some(&0x47)
            && flags & 0x80 == 0
            && control & 0x30 != 0
            && control & 0xc0 != 0x40;
        fits.then_some(())?;
        bits += 8.0 + 1.0 + 0.4 + 0.4;
    }
    // Of a datagram that was cut before the first flags nothing is known.
    (bits > 0.0).then_some(())?;
    let fact = format!("MPEG transport stream, {count} packets a datagram");
    Some(Said::at(Role::Client, bits, fact, Spot::datagram(0, 0, 4)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};

    fn packets(count: usize, counter: u8) -> Vec<u8> {
        let mut packet = hex("47 0100 10");
        packet[3] |= counter;
        packet.resize(PACKET, 0xa5);
        packet.repeat(count)
    }

    #[test]
    fn streams_are_named() {
        Talk::udp().a(packets(7, 1)).named_by(&DETECTOR);
        Talk::udp().a(packets(1, 1)).a(packets(1, 2)).a(packets(1, 3)).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        let mut sync = packets(7, 1);
        sync[PACKET] = 0x48;
        Talk::udp().a(sync).refused_by(&DETECTOR);
        Talk::udp().a(&packets(7, 1)[1..]).refused_by(&DETECTOR);
        Talk::udp().a(packets(1, 1)).refused_by(&DETECTOR);
        Talk::udp().a([0x47; PACKET * 3]).refused_by(&DETECTOR);
        Talk::udp().a(packets(7, 1)).snapped(3).refused_by(&DETECTOR);
    }
}
