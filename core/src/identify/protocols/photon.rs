//! Exit Games' Photon, over UDP. Its commands are of the same kind as ENet's.
//!
//! ```text
//!  peer(16) flags count time(32) challenge(32) | commands: type channel flags reserved
//!  length(32) sequence(32) body
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "photon",
    title: "Exit Games Photon",
    reference: "Exit Games, Photon binary protocol notes, reliable UDP header",
    rests_on: "A count of commands, and known commands whose lengths fill the datagram.",
    blind_spots: "Packets with a checksum, and encrypted ones.",
    bits: 40.0,
    openings: Openings::Known(&[
        one_of(&[0]).at(2).required(),
        within(&[(1, 100)]).at(3).required(),
        within(&[(1, 16)]).at(12).required(),
    ]),
    asks: over_udp(|view| probe_datagrams(view, read)),
};

fn read(datagram: &Datagram<'_>) -> Option<Said> {
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
            return (nth > 0 && !datagram.is_whole()).then(|| said(role, bits));
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
    (left == 0).then(|| said(role, bits + 8.0))
}

fn said(role: Role, bits: f32) -> Said {
    Said::all(role, bits, "Photon commands")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};

    const CONNECT: &str = "ffff 00 01 00000004 22b6e6ba 02 ff 01 04 0000002c 00000001 000004b000008000 \
                           00000002 00000000 00000000 00001388 00000002 00000002";

    #[test]
    fn openings_are_named() {
        Talk::udp().a(hex(CONNECT)).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::udp().a(hex(&CONNECT.replace("0000002c", "0000002d"))).refused_by(&DETECTOR);
        Talk::udp().a(hex(&CONNECT.replace("ffff 00 01", "ffff 00 02"))).refused_by(&DETECTOR);
        let enet = "8fff 1234 82 ff 0001 0000 ff ff 000004b0 00010000 00000002 00000000 00000000 \
                    00001388 00000002 00000002 a1b2c3d4 00000000";
        Talk::udp().a(hex(enet)).refused_by(&DETECTOR);
    }
}
