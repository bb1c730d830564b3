//! DLMS/COSEM (IEC 62056): the wrapper for TCP, and HDLC's frames carried over TCP.

use crate::identify::crc::reflected;
use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "iec62056",
    title: "DLMS/COSEM (IEC 62056)",
    reference: "IEC 62056-47 section 5 (wrapper), IEC 62056-46 section 6.4 (HDLC), IEC 62056-53 \
                section 8 (APDUs)",
    rests_on: "The wrapper's version, ports and length, and an APDU of COSEM in it; or HDLC frames with \
               their checksum.",
    blind_spots: "HDLC of this format without COSEM in it would be taken for it.",
    bits: 34.0,
    openings: Openings::Known(&[one_of(&[0, 0x7e])]),
    asks: over_tcp(|view| {
        match_stream(view, |bytes, _| match bytes {
            [0, 1, ..] => from_header(bytes, 11, dlms),
            [0x7e, ..] => from_header(bytes, 9, hdlc),
            [] | [0] => Err(Short),
            _ => Err(Not),
        })
    }),
};

/// `0001 source(2) destination(2) length(2) apdu`
fn dlms(bytes: &[u8]) -> Option<Said> {
    let (source, target, len) = (be16(bytes, 2)?, be16(bytes, 4)?, usize::from(be16(bytes, 6)?));
    let apdu = prefix(rest(bytes, 8), len);
    // A client's port is small (0x10 for the public one); logical devices start at 1.
    let ports = (1..0x4000).contains(&source)
        && (1..0x4000).contains(&target)
        && (source <= 0x7f || target <= 0x7f);
    let (role, more) = match apdu {
        // AARQ and AARE: their length, and the application context's tag
        [0x60, size, 0x80 | 0xa1, ..] if usize::from(*size).saturating_add(2) == len => {
            (Role::Client, 8.0 + 8.0 + 7.0)
        }
        [0x61, size, 0x80 | 0xa1, ..] if usize::from(*size).saturating_add(2) == len => {
            (Role::Server, 8.0 + 8.0 + 7.0)
        }
        [0x62 | 0x63, size, ..] if usize::from(*size).saturating_add(2) == len => {
            (Role::Either, 15.0)
        }
        [0xc0 | 0xc1 | 0xc3, 1..=3, ..] if len >= 6 => (Role::Client, 6.4 + 6.4),
        [0xc4 | 0xc5 | 0xc7, 1..=3, ..] if len >= 3 => (Role::Server, 6.4 + 6.4),
        [0x01, 0, ..] if len >= 10 => (Role::Client, 12.0),
        [0x0e, _, _] | [0xd8, _, _] => (Role::Server, 14.0),
        // ciphered: a length that fits
        [0xc8 | 0xc9 | 0xcb | 0xd0 | 0xd1 | 0xd3, size, 0x10..=0x37, ..]
            if usize::from(*size).saturating_add(2) == len =>
        {
            (Role::Client, 16.0)
        }
        [0xcc | 0xcd | 0xcf | 0xd4 | 0xd5 | 0xd7, size, 0x10..=0x37, ..]
            if usize::from(*size).saturating_add(2) == len =>
        {
            (Role::Server, 16.0)
        }
        _ => return None,
    };
    let tag = u8_at(apdu, 0).unwrap_or_default();
    // version, ports, upper bits of the length
    let bits = 16.0 + 4.0 + 8.0 + 4.0 + more;
    (ports && len <= 4096)
        .then(|| Said::new(len.saturating_add(8), role, bits, format!("DLMS APDU 0x{tag:02x}")))
}

/// HDLC, frame format type 3: `7e a LLL(11 bits) destination source control HCS [information] FCS 7e`.
/// Addresses end where a byte's lowest bit is set.
fn hdlc(bytes: &[u8]) -> Option<Said> {
    let format = be16(bytes, 1)?;
    let len = usize::from(format & 0x07ff);
    let frame = prefix(rest(bytes, 1), len);
    let whole = frame.len() == len;
    let flag = u8_at(bytes, len.saturating_add(1));
    if format >> 12 != 0x0a || len < 7 || flag.is_some_and(|flag| flag != 0x7e) {
        return None;
    }
    let at = len - 2;
    if whole && Some(x25(prefix(frame, at)).swap_bytes()) != be16(frame, at) {
        return None;
    }
    // A client's address has one byte, and is small.
    let role = match rest(frame, 2) {
        [1 | 0x21 | 0x41 | 0x61, second, ..] if second & 1 == 0 || *second < 0x21 => Role::Server,
        [_, ..] => Role::Either,
        [] => return None,
    };
    let bits = 8.0 + 4.0 + if whole { 16.0 + 8.0 } else { 0.0 };
    Some(Said::new(len.saturating_add(2), role, bits, "DLMS frame in HDLC").owned_if(whole))
}

/// ISO/IEC 13239 section 4.2.5: x^16 + x^12 + x^5 + 1, reflected, from ones, inverted.
fn x25(bytes: &[u8]) -> u16 {
    !reflected(bytes, 0xffff, 0x8408)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};

    #[test]
    fn messages_are_named() {
        Talk::tcp()
            .a(hex("0001 0010 0001 0008 60 06 a1 04 06 02 00 00"))
            .b(hex("0001 0001 0010 0008 61 06 a1 04 06 02 00 00"))
            .named_by_each(&DETECTOR);
        assert_eq!(x25(b"123456789"), 0x906e);
        let mut connect = hex("a007 03 21 93");
        connect.extend(x25(&connect).to_le_bytes());
        Talk::tcp().a([&[0x7e][..], &connect, &[0x7e]].concat()).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        for stranger in [
            hex("0001 0000 0006 01 03 0000 0001 00"),
            hex("0001 0010 0001 0009 60 06 a1 04 06 02 00 00"),
            hex("7e a007 03 21 93 0f02 7e"),
        ] {
            Talk::tcp().a(stranger).refused_by(&DETECTOR);
        }
    }
}
