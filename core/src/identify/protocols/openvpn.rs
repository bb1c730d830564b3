//! OpenVPN, over UDP and TCP (there each packet has a 16-bit length before it).
//!
//! ```text
//!  opcode(5) key(3) | session(64) | plain: acks(8) [ids(32 each) peer session(64)] id(32)
//!                                 | tls-auth: HMAC(160, 256, 512) id(32) time(32), then as plain
//!                                 | tls-crypt: id(32) time(32) HMAC(256) ciphertext
//!  data 2: 48 peer(24) id(32) ciphertext
//! ```

use crate::identify::messages::{said_in_datagrams, said_in_stream};
use std::ops::RangeInclusive;

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "openvpn",
    title: "OpenVPN",
    reference: "OpenVPN wire protocol (draft-openvpn-wire-protocol) sections 2 and 3",
    rests_on: "A hard reset whose packet id is the first, with its acknowledgements, plain or behind an \
               HMAC; or data packets of one peer whose packet ids count.",
    blind_spots: "Data of the first version, static keys, and obfuscated connections.",
    bits: 40.0,
    openings: Openings::Known(&[
        one_of(&[0x08, 0x10, 0x38, 0x40, 0x50]).at(2).tcp(),
        // Hard resets, and data of version 2 with any key.
        mixed(&[(0x48, 0x4f)], &[0x08, 0x10, 0x38, 0x40, 0x50]).udp(),
    ]),
    asks: over_both(probe),
};

/// All kinds of packets: hard resets, soft reset, control, acknowledgement, data.
const OPCODES: RangeInclusive<u8> = 1..=11;

/// The longest packet over TCP: a tunnel's packet and what OpenVPN adds.
const PACKET_BYTES_MAX: usize = 4096;

/// Sizes of the HMAC that tls-auth puts before the packet: SHA-1, SHA-256, SHA-512.
const HMACS: [usize; 4] = [20, 32, 64, 16];

/// A reset behind tls-crypt that acknowledges nothing: opcode, session, id and time, HMAC, count of
/// acknowledgements, packet id.
const CRYPT_RESET: usize = 1 + 8 + 8 + 32 + 1 + 4;

/// A client's wrapped key: HMAC, two keys of 128 bytes, length.
const WRAPPED_KEY_MIN: usize = 32 + 256 + 2;

fn probe(view: &FlowView<'_>) -> Probe {
    match view.transport {
        Transport::Udp => probe_sides(view, match_udp),
        Transport::Tcp => probe_sides(view, |head| {
            said_in_stream(head, |bytes| {
                let len = usize::from(be16(bytes, 0).ok_or(Short)?);
                let opcode = u8_at(bytes, 2).ok_or(Short)? >> 3;
                if !OPCODES.contains(&opcode) || !(1..=PACKET_BYTES_MAX).contains(&len) {
                    return Err(Not);
                }
                // Control, acknowledgement, data: they only stand behind a reset.
                if matches!(opcode, 3..=6 | 9) {
                    let said =
                        Said::new(len.saturating_add(2), Role::Either, 0.0, "OpenVPN packet");
                    return Ok(said.shared());
                }
                let packet = bytes.get(2..len.saturating_add(2)).ok_or(Short)?;
                let mut said = read(packet, len).ok_or(Not)?;
                said.spot.offset = said.spot.offset.saturating_add(2);
                Ok(Said { len: len.saturating_add(2), ..said })
            })
        }),
    }
}

fn match_udp(head: &SideView<'_>) -> SideMatch<Said> {
    match said_in_datagrams(head, |datagram| read(datagram.bytes, datagram.wire_len)) {
        Err(Not) => match_data(head),
        matched => matched,
    }
}

fn read(bytes: &[u8], len: usize) -> Option<Said> {
    let (opcode, key) = u8_at(bytes, 0).map(|byte| (byte >> 3, byte & 7))?;
    let (role, what) = match opcode {
        1 | 7 | 10 => (Role::Client, "client's hard reset"),
        2 | 8 => (Role::Server, "server's hard reset"),
        _ => return None,
    };
    let session = be64(bytes, 1).filter(|session| *session != 0)?;
    if key != 0 {
        return None;
    }
    let is_server = role == Role::Server;
    let plain = tail_bits(rest(bytes, 9), is_server, len.checked_sub(9)?).map(|bits| (bits, ""));
    let found =
        plain.or_else(|| behind_hmac(bytes, is_server, len)).or_else(|| crypt(bytes, opcode, len));
    let (bits, how) = found?;
    let fact = format!("OpenVPN {what}{how}, session {session:016x}");
    Some(Said::all(role, 8.0 - 1.6 + bits, fact))
}

/// Acknowledgements and the packet id of zero; -log2 of the chance. A first reset acknowledges
/// nothing, the answer to it one packet, and names the peer's session.
fn tail_bits(tail: &[u8], is_server: bool, len: usize) -> Option<f32> {
    let acks = u8_at(tail, 0)?;
    match (acks, is_server) {
        (0, _) => (be32(tail, 1)? == 0 && len == 5).then_some(8.0 + 32.0),
        (1, true) => {
            let fits = be32(tail, 1)? == 0 && be64(tail, 5)? != 0 && be32(tail, 13)? == 0;
            (fits && len >= 17).then_some(8.0 + 64.0)
        }
        (_, true | false) => None,
    }
}

/// The HMAC's own packet id is the first, its time is not zero.
fn behind_hmac(bytes: &[u8], is_server: bool, len: usize) -> Option<(f32, &'static str)> {
    HMACS.into_iter().find_map(|size| {
        let at = size.checked_add(9)?;
        let first = be32(bytes, at)? == 1 && be32(bytes, at.checked_add(4)?)? != 0;
        let tail_at = at.checked_add(8)?;
        let bits = tail_bits(rest(bytes, tail_at), is_server, len.checked_sub(tail_at)?)?;
        first.then_some((32.0 + bits - 2.0, " with tls-auth"))
    })
}

/// The packet id is the first; version 2 marks it with 0f in the upper byte. The time is of this
/// century. What is encrypted behind the HMAC is as long as the plain packet's tail would be: of a
/// first reset no acknowledgement, of the answer one; from 2.6 on six bytes of flags may follow.
/// tls-crypt-v2 appends the client's wrapped key, which ends with its own length.
fn crypt(bytes: &[u8], opcode: u8, len: usize) -> Option<(f32, &'static str)> {
    let first = matches!(be32(bytes, 9)?, 1 | 0x0f00_0001);
    let time = (0x3000_0000..0xe000_0000).contains(&be32(bytes, 13)?);
    let behind = len.checked_sub(CRYPT_RESET)?;
    let fits = match opcode {
        10 => {
            let at = len.checked_sub(2)?;
            behind >= WRAPPED_KEY_MIN && be16(bytes, at).map(usize::from) == Some(behind)
        }
        _ => matches!(behind, 0 | 6 | 12 | 18),
    };
    (first && time && fits).then_some((31.0 + 0.5 + 3.0, " with tls-crypt"))
}

/// Data of version 2: the same peer, and ids that count, in all that was seen.
fn match_data(head: &SideView<'_>) -> SideMatch<Said> {
    let mut last: Option<(u32, u32)> = None;
    let mut count = 0_u16;
    for datagram in head.datagrams {
        let fields = be24(datagram.bytes, 1).zip(be32(datagram.bytes, 4));
        let (Some(first), Some((peer, id))) = (u8_at(datagram.bytes, 0), fields) else {
            return Err(Not);
        };
        let step = last.map_or(1, |(_, before)| id.wrapping_sub(before));
        let same = last.is_none_or(|(known, _)| known == peer);
        let small = peer < 1 << 16 || peer == 0x00ff_ffff;
        if first & 0xf8 != 0x48 || !same || !small || !(1..=8).contains(&step) || id == 0 {
            return Err(Not);
        }
        count = count.saturating_add(1);
        last = Some((peer, id));
    }
    if count < 3 {
        return Err(Short);
    }
    let bits = f32::from(count) * 5.0 + f32::from(count.saturating_sub(1)) * (24.0 + 29.0);
    let fact = format!("OpenVPN, {count} data packets counting up");
    Ok(Said::at(Role::Either, bits, fact, Spot::datagram(0, 0, 8)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    const CLIENT: &str = "38 a1a2a3a4a5a6a7a8 00 00000000";
    const SERVER: &str = "40 b1b2b3b4b5b6b7b8 01 00000000 a1a2a3a4a5a6a7a8 00000000";

    #[test]
    fn resets_are_named_from_each_side() {
        let talk = Talk::udp().a(hex(CLIENT)).b(hex(SERVER));
        assert_eq!(talk.named_by(&DETECTOR).client, Some(Side::A));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
        let tcp = Talk::tcp().a(hex(&format!("000e {CLIENT}"))).b(hex(&format!("001a {SERVER}")));
        tcp.named_by(&DETECTOR);
    }

    #[test]
    fn hmac_and_encryption_are_seen_through() {
        let hmac = "c5".repeat(20);
        let auth = format!("38 a1a2a3a4a5a6a7a8 {hmac} 00000001 5f5e1000 00 00000000");
        Talk::udp().a(hex(&auth)).named_by(&DETECTOR);
        let crypt = format!("38 a1a2a3a4a5a6a7a8 00000001 5f5e1000 {}", "c5".repeat(37));
        Talk::udp().a(hex(&crypt)).named_by(&DETECTOR);
        let wrapped = |len| format!("{} {} {len}", crypt.replacen("38", "50", 1), "c5".repeat(288));
        Talk::udp().a(hex(&wrapped("0122"))).named_by(&DETECTOR);
        Talk::udp().a(hex(&wrapped("0123"))).refused_by(&DETECTOR);
        Talk::udp().a(hex(&format!("{crypt} c5"))).refused_by(&DETECTOR);
    }

    #[test]
    fn data_is_named_by_what_counts() {
        let data = |id: u32| [hex("48000001"), id.to_be_bytes().to_vec(), vec![0xc5; 80]].concat();
        Talk::udp().a(data(7)).a(data(8)).a(data(10)).named_by(&DETECTOR);
        Talk::udp().a(data(7)).a(data(7)).a(data(7)).refused_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::udp().a(hex(&CLIENT.replace("38 a1", "39 a1"))).refused_by(&DETECTOR);
        Talk::udp().a(hex(&CLIENT.replace("00000000", "00000001"))).refused_by(&DETECTOR);
        Talk::udp().a(hex(&format!("{CLIENT} 00"))).refused_by(&DETECTOR);
        Talk::tcp().a(hex(&format!("000f {CLIENT}00"))).refused_by(&DETECTOR);
        Talk::udp().a([0x38; 60]).refused_by(&DETECTOR);
    }
}
