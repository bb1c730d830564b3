//! CAPWAP (RFC 5415) with IEEE 802.11 (RFC 5416), over UDP.
//!
//! ```text
//!  version(4) type(4) | words(5) radio(5) binding(5) T F L W M K 0(3) | fragment(16) offset(13) 0(3)
//!  control: type(32) sequence length(16) 0 elements: type(16) length(16)
//!  data:    [radio's address] [wireless information] a frame of 802.11 or 802.3
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "capwap",
    title: "CAPWAP",
    reference: "RFC 5415 sections 4.3 to 4.5, RFC 5416 section 4",
    rests_on: "A header whose reserved bits are zero, and behind it a control message with elements that \
               fill it, DTLS, or a wireless data frame with its LLC header.",
    blind_spots: "Wireless management frames, encrypted ones, and fragments.",
    bits: 30.0,
    openings: Openings::Known(&[
        one_of(&[0, 1]),
        // Behind 1 is DTLS: its header's three zeros, and its version from place 5 on.
        within(&[(0, 0), (0x10, 0x47)]).at(1),
        // A binding of 0 to 3, and any two upper bits: the radio's.
        within(&[(0, 7), (0x40, 0x47), (0x80, 0x87), (0xc0, 0xc7)]).at(2),
        one_of(&[0, 0x08, 0x10, 0x18, 0x20, 0x28, 0x30, 0x38]).at(3),
        one_of(&[0, 0xfd, 0xff]).at(6).required(),
    ]),
    asks: over_udp(|view| probe_datagrams(view, read)),
};

fn read(datagram: &Datagram<'_>) -> Option<Said> {
    let bytes = datagram.bytes;
    let preamble = u8_at(bytes, 0)?;
    if preamble == 1 {
        return read_dtls(bytes);
    }
    let flags = be24(bytes, 1)?;
    let words = usize::try_from(flags >> 19).ok()?;
    let binding = flags >> 9 & 0x1f;
    // a frame of its own kind (T), fragments (F, L), wireless information (W), an address (M)
    let (native, fragment) = (flags & 0x100 != 0, flags & 0xc0 != 0);
    // A header of 8 bytes, an address and information of 8 each, at most.
    let fits = preamble == 0
        && flags & 0x07 == 0
        && matches!(words, 2..=8)
        && matches!(binding, 0 | 1 | 3)
        && !fragment
        && be16(bytes, 6)? == 0;
    fits.then_some(())?;
    let body = rest(bytes, words.checked_mul(4)?);
    // preamble, reserved, length, binding, fragments
    let bits = 8.0 + 3.0 + 2.0 + 3.4 + 2.0 + 16.0;
    if native && binding == 1 {
        has_llc(body).then_some(())?;
        return Some(Said::all(Role::Either, bits + 45.0, "CAPWAP data, a frame of 802.11"));
    }
    let left = datagram.wire_len.checked_sub(bytes.len())?.checked_add(body.len())?;
    let (role, more) = read_control(body, left)?;
    Some(Said::all(role, bits + more, "CAPWAP control message"))
}

/// RFC 5415 section 4.2: the DTLS header is four bytes, the last three of them zero.
fn read_dtls(bytes: &[u8]) -> Option<Said> {
    let version = matches!(be16(bytes, 5)?, 0xfeff | 0xfefd);
    let fits = be32(bytes, 0)? == 0x0100_0000 && matches!(u8_at(bytes, 4)?, 20..=23) && version;
    fits.then(|| Said::all(Role::Either, 32.0 + 6.0 + 15.0, "CAPWAP with DTLS"))
}

/// RFC 5415 section 4.5.1: the length counts from behind the sequence number on.
fn read_control(body: &[u8], left: usize) -> Option<(Role, f32)> {
    let kind = be32(body, 0)?;
    let len = usize::from(be16(body, 5)?);
    let known = matches!(kind, 1..=26 | 0x0033_5400..=0x0033_54ff) && u8_at(body, 7)? == 0;
    let whole = len.checked_add(5)? == left;
    let mut cursor = Cursor::new(rest(body, 8));
    while !cursor.is_empty() {
        let (Some(element), Some(_)) = (cursor.be16(), cursor.block16()) else { break };
        // base elements, and those of 802.11
        matches!(element, 1..=53 | 1024..=1048).then_some(())?;
    }
    let role = if kind % 2 == 1 { Role::Client } else { Role::Server };
    (known && whole).then_some((role, 27.0 + 8.0 + 16.0))
}

/// A data frame's LLC and SNAP headers, behind 24 bytes, two more with QoS, six with an address.
fn has_llc(frame: &[u8]) -> bool {
    let data = u8_at(frame, 0).is_some_and(|control| control & 0x0c == 0x08)
        || u8_at(frame, 1).is_some_and(|control| control & 0x0c == 0x08);
    data && [24, 26, 30, 32].iter().any(|at| prefix(rest(frame, *at), 6) == b"\xaa\xaa\x03\0\0\0")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};

    const DISCOVER: &str = "00 100200 00000000 00000001 00 000b 00 0014 0001 01 0026 0000";
    const DATA: &str = "00 100300 00010000 0802 0000 020304050607 020304050608 020304050609 0000 \
                        aaaa03000000 0800 45000054";

    #[test]
    fn messages_and_data_are_named() {
        assert_eq!(hex(DISCOVER).len(), 8 + 5 + 11 + 1);
        Talk::udp().a(hex(&DISCOVER.replace("000b", "000c"))).named_by(&DETECTOR);
        Talk::udp().a(hex(DATA)).named_by(&DETECTOR);
        Talk::udp().a(hex("01000000 16 feff 0000 000000000000 0010 01")).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::udp().a(hex(DISCOVER)).refused_by(&DETECTOR);
        for (from, to) in [
            ("00 1003", "00 f803"),
            ("aaaa03", "aaaa02"),
            ("00 100300", "00 100307"),
            ("0802", "0002"),
        ] {
            Talk::udp().a(hex(&DATA.replacen(from, to, 1))).refused_by(&DETECTOR);
        }
        Talk::udp().a(hex("01000000 d4c3b2a1 00000000")).refused_by(&DETECTOR);
    }
}
