//! NTP versions 1 to 4 (RFC 5905), its control messages (RFC 9327) and the reference program's
//! private ones (mode 7), over UDP.
//!
//! ```text
//!  LI(2) VN(3) mode(3) | stratum poll precision | root delay(32) dispersion(32) id(32)
//!  reference, origin, receive, transmit timestamps (64 each: seconds, fraction) | extensions
//!  mode 6: R E M op(5) | sequence status association offset count (16 each) | data
//!  mode 7: R M VN mode | A sequence(7) | implementation request | err(4) items(12) mbz(4) size(12)
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "ntp",
    title: "NTP",
    reference: "RFC 5905 section 7.3, RFC 9327 section 2, ntpd's ntp_request.h for mode 7",
    rests_on: "A header whose stratum, delays and precision are plausible, and timestamps that are \
               zero or agree; or a control or private message whose counts are the datagram's.",
    blind_spots: "Clients that fill several timestamps with random bytes.",
    bits: 36.0,
    openings: Openings::Known(&[
        // Versions 1 to 4, any mode but 0. A private message may have anything behind it.
        within(&[
            (0x09, 0x0f),
            (0x11, 0x17),
            (0x19, 0x1f),
            (0x21, 0x27),
            (0x49, 0x4f),
            (0x51, 0x57),
            (0x59, 0x5f),
            (0x61, 0x67),
            (0x89, 0x8f),
            (0x91, 0x97),
            (0x99, 0x9f),
            (0xa1, 0xa7),
            (0xc9, 0xcf),
            (0xd1, 0xd7),
            (0xd9, 0xdf),
            (0xe1, 0xe7),
        ]),
    ]),
    asks: over_udp(|view| probe_datagrams(view, read)),
};

/// Bytes of a header without extensions.
const HEADER: usize = 48;

fn read(datagram: &Datagram<'_>) -> Option<Said> {
    let first = u8_at(datagram.bytes, 0)?;
    let version = first >> 3 & 7;
    if !(1..=4).contains(&version) {
        return None;
    }
    match first & 7 {
        mode @ 1..=5 => read_time(datagram, version, mode),
        6 => read_control(datagram),
        7 => read_private(datagram),
        _ => None,
    }
}

fn read_time(datagram: &Datagram<'_>, version: u8, mode: u8) -> Option<Said> {
    let bytes = datagram.bytes;
    let (stratum, poll, precision) = (u8_at(bytes, 1)?, u8_at(bytes, 2)?, u8_at(bytes, 3)?);
    let (delay, dispersion) = (be32(bytes, 4)?, be32(bytes, 8)?);
    // RFC 5905 section 6: delays of less than 16 s, 16.16 bits, and -32 to 0 as a power of two
    let short = |fixed: u32| fixed.cast_signed().unsigned_abs() < 1 << 20;
    let plausible = stratum <= 16
        && (poll <= 17 || poll >= 0xf0)
        && (precision == 0 || precision >= 0xe0)
        && short(delay)
        && short(dispersion)
        && datagram.wire_len >= HEADER
        && datagram.wire_len.is_multiple_of(4);
    if !plausible {
        return None;
    }
    let (reference, origin) = (be32(bytes, 16)?, be32(bytes, 24)?);
    let (received, sent) = (be32(bytes, 32)?, be32(bytes, 40)?);
    let near = |stamp: u32, seconds: u32| {
        stamp != 0 && sent.wrapping_sub(stamp).cast_signed().unsigned_abs() < seconds
    };
    // Seconds of a timestamp that is not zero: a server's is just after what it received.
    let (role, kind) = match mode {
        3 => (Role::Client, "client"),
        4 => (Role::Server, "server"),
        5 => (Role::Server, "broadcast"),
        _ => (Role::Either, "symmetric"),
    };
    let agree = if mode == 4 {
        near(received, 64) && (reference == 0 || near(reference, 1 << 24))
    } else {
        let fits = |stamp| stamp == 0 || near(stamp, 1 << 21);
        fits(reference) && fits(origin) && fits(received)
    };
    // version and mode, stratum, poll, precision, two delays, timestamps
    let bits = 1.0 + 3.9 + 2.8 + 3.0 + 11.0 + 11.0 + 30.0;
    let fact = || format!("NTP version {version}, {kind}, stratum {stratum}");
    agree.then(|| Said::at(role, bits, fact(), Spot::datagram(0, 0, 12)))
}

/// RFC 9327 section 2: data are padded to words.
fn read_control(datagram: &Datagram<'_>) -> Option<Said> {
    let bytes = datagram.bytes;
    let flags = u8_at(bytes, 1)?;
    let (offset, count) = (be16(bytes, 8)?, usize::from(be16(bytes, 10)?));
    let padded = count.next_multiple_of(4);
    let data = datagram.wire_len.checked_sub(12)?;
    let fits = matches!(flags & 0x1f, 0..=12 | 31)
        && u8_at(bytes, 0)? & 0xc0 == 0
        && count <= 480
        && (offset == 0 || flags & 0x80 != 0)
        && (data == count || data == padded || data == count.next_multiple_of(8));
    let role = if flags & 0x80 == 0 { Role::Client } else { Role::Server };
    // leap, version and mode, operation, count; the offset of what is not an answer
    let bits = 2.0 + 4.0 + 1.2 + 14.0 + if role == Role::Client { 16.0 } else { 4.0 };
    fits.then(|| Said::at(role, bits, "NTP control message", Spot::datagram(0, 0, 12)))
}

/// Items of one size, or none; the implementations are 0, 2 and 3. An old request is padded.
fn read_private(datagram: &Datagram<'_>) -> Option<Said> {
    let bytes = datagram.bytes;
    let is_answer = u8_at(bytes, 0)? & 0x80 != 0;
    let (implementation, code) = (u8_at(bytes, 2)?, u8_at(bytes, 3)?);
    let (items, size) = (be16(bytes, 4)?, be16(bytes, 6)?);
    let data = usize::from(items & 0x0fff).saturating_mul(usize::from(size & 0x0fff));
    let fits = matches!(implementation, 0 | 2 | 3)
        && code <= 60
        && size >> 12 == 0
        && items >> 12 <= 7
        && if is_answer {
            datagram.wire_len == data.saturating_add(8) && items != 0
        } else {
            items == 0 && size == 0 && rest(bytes, 8).iter().take(24).all(|byte| *byte == 0)
        };
    let role = if is_answer { Role::Server } else { Role::Client };
    let bits = 4.0 + 6.4 + 2.0 + 5.0 + if is_answer { 14.0 } else { 23.0 };
    fits.then(|| Said::at(role, bits, "NTP private message", Spot::datagram(0, 0, 8)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};

    const CLIENT: &str = "23 00 06 e9 00000000 00000000 00000000 0000000000000000 \
                          0000000000000000 0000000000000000 e5a1b2c3d4e5f607";
    const SERVER: &str = "24 02 06 e9 00000a20 00000b10 c0000201 e5a1b20011111111 \
                          e5a1b2c3d4e5f607 e5a1b2c422222222 e5a1b2c433333333";

    #[test]
    fn client_and_server_are_named() {
        let talk = Talk::udp().a(hex(CLIENT)).b(hex(SERVER));
        let found = talk.named_by(&DETECTOR);
        assert_eq!(found.client, Some(crate::net::Side::A));
        Talk::udp().a(hex(CLIENT)).named_by(&DETECTOR);
        Talk::udp().b(hex(SERVER)).named_by(&DETECTOR);
        talk.snapped(48).named_by(&DETECTOR);
    }

    #[test]
    fn control_and_private_messages_are_named() {
        Talk::udp().a(hex("16 02 0001 0000 0000 0000 0000")).named_by(&DETECTOR);
        Talk::udp().a(hex("17 00 03 2a 00000000")).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        // timestamps that don't agree; a stratum, a delay, a length that isn't one
        let away = SERVER.replace("e5a1b2c422222222", "05a1b2c422222222");
        Talk::udp().a(hex(&away)).refused_by(&DETECTOR);
        let stratum = CLIENT.replace("23 00", "23 80");
        Talk::udp().a(hex(&stratum)).refused_by(&DETECTOR);
        Talk::udp().a(hex(&format!("{CLIENT} 00"))).refused_by(&DETECTOR);
        Talk::udp().a(hex("16 02 0001 0000 0000 0000 0004")).refused_by(&DETECTOR);
        Talk::udp().a(hex("17 00 03 2a 00010000")).refused_by(&DETECTOR);
        Talk::udp().a([0x23; 48]).refused_by(&DETECTOR);
    }
}
