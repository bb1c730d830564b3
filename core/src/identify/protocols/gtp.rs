//! GTP: control and user plane of mobile networks (3GPP TS 29.060, 29.274, 29.281) and its charging
//! variant GTP' (TS 32.295), over UDP.
//!
//! ```text
//!  version 1   001 1 0 E S PN   type length(16) TEID(32) [sequence(16) N-PDU next extension]
//!  version 2   010 P T MP 00    type length(16) [TEID(32)] sequence(24) 0 | elements
//!  GTP'        vvv 0 111 h      type length(16) sequence(16)
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "gtp",
    title: "GTP (GTP-C, GTP-U, GTP')",
    reference: "3GPP TS 29.060 section 6, TS 29.274 section 5, TS 29.281 section 5, TS 32.295 section 6",
    rests_on: "A version's fixed bits, a known message type and a length that is the datagram's; of user \
               data an IP packet that fits, of version 2 elements that end where the message ends.",
    blind_spots: "Version 0. User data that is no IP.",
    bits: 24.0,
    openings: Openings::Known(&[
        mixed(
            &[(0x0e, 0x0f), (0x2e, 0x37), (0x4e, 0x4f)],
            &[0x40, 0x44, 0x48, 0x4c, 0x50, 0x54, 0x58, 0x5c],
        ),
        // Types of both versions and of GTP'.
        within(&[(1, 7), (16, 72), (95, 121), (127, 179), (200, 212), (231, 255)]).at(1).required(),
    ]),
    asks: over_udp(|view| probe_datagrams(view, read)),
};

fn read(datagram: &Datagram<'_>) -> Option<Said> {
    let flags = u8_at(datagram.bytes, 0)?;
    let kind = u8_at(datagram.bytes, 1)?;
    let len = usize::from(be16(datagram.bytes, 2)?);
    let (bits, fact) = match flags {
        0x30..=0x37 => read_one(datagram, (flags, kind, len))?,
        0x40..=0x5f if flags & 0x03 == 0 => read_two(datagram, (flags, kind, len))?,
        0x0e | 0x0f | 0x2e | 0x2f | 0x4e | 0x4f => read_prime(datagram, (flags, kind, len))?,
        _ => return None,
    };
    // Both ends ask: an echo or an update says nothing of who is who.
    let role = match kind {
        16 | 32 | 240 => Role::Client,
        17 | 33 | 241 => Role::Server,
        _ => Role::Either,
    };
    Some(Said::at(role, bits, fact, Spot::datagram(0, 0, 12)))
}

/// TS 29.281 section 5.1 and TS 29.060 section 6.
fn read_one(datagram: &Datagram<'_>, (flags, kind, len): (u8, u8, usize)) -> Option<(f32, String)> {
    let bytes = datagram.bytes;
    (len.checked_add(8)? == datagram.wire_len).then_some(())?;
    let bits = 5.0 + 16.0;
    let teid = be32(bytes, 4)?;
    if kind == 255 {
        let inner = behind_extensions(bytes, flags)?;
        let left = datagram.wire_len.checked_sub(bytes.len())?.checked_add(inner.len())?;
        return is_ip(inner, left).then(|| (bits + 8.0 + 18.0, "GTP-U user data".to_owned()));
    }
    let user = matches!(kind, 1 | 2 | 26 | 31 | 254);
    // TS 29.060 table 1
    let control = matches!(kind, 3..=7 | 16..=37 | 48..=61 | 70 | 96..=121 | 128..=129);
    let sequence = flags & 0x02 != 0 && len >= 4;
    // An echo is for the path, not for a tunnel.
    let echo = kind > 2 || teid == 0;
    let more = if kind <= 2 { 7.0 + 32.0 } else { 1.5 };
    ((user || control) && sequence && echo)
        .then(|| (bits + 1.0 + more, format!("GTP version 1, message type {kind}")))
}

/// What a tunnelled packet starts with: behind the optional fields, if any of E, S, PN is set, and
/// behind extension headers, whose lengths count words.
fn behind_extensions(bytes: &[u8], flags: u8) -> Option<&[u8]> {
    if flags & 0x07 == 0 {
        return Some(rest(bytes, 8));
    }
    let mut next = u8_at(bytes, 11)?;
    let mut at = 12_usize;
    for _ in 0..4 {
        if flags & 0x04 == 0 || next == 0 {
            break;
        }
        let size = usize::from(u8_at(bytes, at)?).checked_mul(4).filter(|size| *size > 0)?;
        at = at.checked_add(size)?;
        next = u8_at(bytes, at.checked_sub(1)?)?;
    }
    Some(rest(bytes, at))
}

/// The version, and a length that fills what is left.
fn is_ip(packet: &[u8], left: usize) -> bool {
    match u8_at(packet, 0).map(|byte| byte >> 4) {
        Some(4) => be16(packet, 2).is_some_and(|len| usize::from(len) == left),
        Some(6) => be16(packet, 4).is_some_and(|len| usize::from(len).saturating_add(40) == left),
        Some(_) | None => false,
    }
}

/// TS 29.274 section 5.1 and 8.2.1.
fn read_two(datagram: &Datagram<'_>, (flags, kind, len): (u8, u8, usize)) -> Option<(f32, String)> {
    // A message may be piggybacked behind the first.
    let whole = len.checked_add(4)? == datagram.wire_len;
    let piggyback = flags & 0x10 != 0 && len.checked_add(4)? < datagram.wire_len;
    let header = if flags & 0x08 == 0 { 8_usize } else { 12 };
    let spare = u8_at(datagram.bytes, header.checked_sub(1)?)?;
    let known =
        matches!(kind, 1..=3 | 25..=72 | 95..=106 | 127..=179 | 200 | 201 | 211 | 212 | 231..=240);
    if !(whole || piggyback) || !known || spare & 0x0f != 0 {
        return None;
    }
    let end = len.checked_add(4)?;
    let all = datagram.bytes.get(..end).unwrap_or(datagram.bytes);
    let complete = all.len() == end;
    let mut cursor = Cursor::new(rest(all, header));
    let mut elements = 0.0;
    while !cursor.is_empty() {
        let size = cursor.u8().and_then(|_| cursor.be16());
        let room = size.and_then(|size| cursor.skip(usize::from(size).saturating_add(1)));
        if room.is_none() {
            return (!complete && elements > 0.0).then(|| two(kind, elements));
        }
        elements += 6.0;
    }
    Some(two(kind, elements + 8.0))
}

fn two(kind: u8, elements: f32) -> (f32, String) {
    (5.0 + 16.0 + 0.6 + 4.0 + elements, format!("GTP version 2, message type {kind}"))
}

/// TS 32.295 section 6.1: echo, version not supported, node alive, redirection, data record transfer.
fn read_prime(
    datagram: &Datagram<'_>,
    (flags, kind, len): (u8, u8, usize),
) -> Option<(f32, String)> {
    // Version 0 may have the old header of 20 bytes.
    let header = if flags == 0x0e { 20 } else { 6 };
    let fits = len.checked_add(header)? == datagram.wire_len;
    let known = matches!(kind, 1..=7 | 240 | 241 | 255);
    (fits && known).then(|| (5.4 + 4.7 + 16.0, format!("GTP', message type {kind}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};

    const USER: &str =
        "30 ff 0018 00000001 4500 0018 0001 0000 4011 0000 c0000201 c0000202 a1a2a3a4";
    const ECHO: &str = "32 01 0004 00000000 0001 0000";
    const CREATE: &str =
        "48 20 001d 00000000 000001 00 01 0008 00 0011223344556677 03 0001 00 a1 02 0000 00";

    #[test]
    fn messages_are_named() {
        Talk::udp().a(hex(USER)).b(hex(USER)).named_by(&DETECTOR);
        Talk::udp().a(hex(USER)).named_by(&DETECTOR);
        Talk::udp().a(hex(ECHO)).b(hex("32 02 0006 00000000 0001 0000 0e01")).named_by(&DETECTOR);
        Talk::udp().a(hex(CREATE)).named_by(&DETECTOR);
        Talk::udp().a(hex("4e f0 0002 0001 7e01")).named_by(&DETECTOR);
        // with an extension header
        let extended = "34 ff 0020 00000001 0000 00 85 01 00 09 00 4500 0018 0001 0000 4011 0000 c0000201 \
                        c0000202 a1a2a3a4";
        Talk::udp().a(hex(extended)).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::udp().a(hex(&USER.replace("30 ff 0018", "30 ff 0017"))).refused_by(&DETECTOR);
        Talk::udp().a(hex(&USER.replace("4500 0018", "4500 0019"))).refused_by(&DETECTOR);
        Talk::udp().a(hex("32 01 0004 00000001 0001 0000")).refused_by(&DETECTOR);
        Talk::udp().a(hex(&CREATE.replace("02 0000 00", "02 0001 00"))).refused_by(&DETECTOR);
        // TURN's channel data
        Talk::udp().a(hex("4000 0008 80600001 a1a2a3a4")).refused_by(&DETECTOR);
        Talk::udp().a(hex("4e 10 0002 0001 7e01")).refused_by(&DETECTOR);
    }
}
