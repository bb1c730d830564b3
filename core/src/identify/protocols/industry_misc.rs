//! Industrial and metering protocols with one fixed header each: DLMS's wrapper and its
//! HDLC, Beckhoff's ADS, the tank gauges of Veeder-Root, SMPP's short messages, and BFCP.

use crate::identify::crc::reflected;
use crate::identify::messages::{Message, from_header, match_datagrams, match_stream};
use crate::identify::side_match::{Role, SideMatch};
use crate::identify::{Detector, Over};
use crate::net::Transport;
use crate::wire::{be16, be32, from_wire, index, le16, le32, prefix, rest, u8_at};

pub(super) static DLMS: Detector = Detector {
    id: "iec62056",
    title: "DLMS/COSEM (IEC 62056)",
    reference: "IEC 62056-47 section 5 (wrapper), IEC 62056-46 section 6.4 (HDLC), IEC 62056-53 \
                section 8 (APDUs)",
    over: Over::Tcp,
    rests_on: "The wrapper's version, ports and length, and an APDU of COSEM in it; or HDLC frames with \
               their checksum.",
    blind_spots: "HDLC of this format without COSEM in it would be taken for it.",
    bits: 34.0,
    probe: |view| {
        match_stream(view, DLMS.id, |bytes, _| match bytes {
            [0, 1, ..] => from_header(bytes, 11, dlms),
            [0x7e, ..] => from_header(bytes, 9, hdlc),
            [] | [0] => SideMatch::Incomplete,
            _ => SideMatch::Mismatch,
        })
    },
};

/// `0001 source(2) destination(2) length(2) apdu`
fn dlms(bytes: &[u8]) -> Option<Message> {
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
        .then(|| Message::new(len.saturating_add(8), role, bits, format!("DLMS APDU 0x{tag:02x}")))
}

/// HDLC, frame format type 3: `7e a LLL(11 bits) destination source control HCS [information] FCS 7e`.
/// Addresses end where a byte's lowest bit is set.
fn hdlc(bytes: &[u8]) -> Option<Message> {
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
    Some(Message::new(len.saturating_add(2), role, bits, "DLMS frame in HDLC").owned_if(whole))
}

/// ISO/IEC 13239 section 4.2.5: x^16 + x^12 + x^5 + 1, reflected, from ones, inverted.
fn x25(bytes: &[u8]) -> u16 {
    !reflected(bytes, 0xffff, 0x8408)
}

pub(super) static ADS: Detector = Detector {
    id: "ads",
    title: "ADS (Beckhoff)",
    reference: "Beckhoff Information System, TwinCAT ADS, AMS/TCP and AMS headers",
    over: Over::Tcp,
    rests_on: "The AMS/TCP header and the AMS header in it, whose lengths fit each other.",
    blind_spots: "Secure ADS is TLS.",
    bits: 60.0,
    probe: |view| {
        match_stream(view, ADS.id, |bytes, _| match bytes {
            [0, 0, ..] => from_header(bytes, 38, ads),
            [] | [0] => SideMatch::Incomplete,
            _ => SideMatch::Mismatch,
        })
    },
};

fn ads(bytes: &[u8]) -> Option<Message> {
    let len = index(le32(bytes, 2)?);
    let (command, flags, data, error) =
        (le16(bytes, 22)?, le16(bytes, 24)?, index(le32(bytes, 26)?), le32(bytes, 30)?);
    let role = if flags & 1 == 0 { Role::Client } else { Role::Server };
    let fits = (1..=9).contains(&command)
        && flags & !0x00ff == 0
        && flags & 4 != 0
        && data.checked_add(32)? == len
        && error < 0x2000
        && len < 1 << 22;
    fits.then(|| {
        Message::new(
            len.saturating_add(6),
            role,
            16.0 + 13.0 + 9.0 + 32.0 + 19.0,
            format!("ADS command {command}"),
        )
    })
}

pub(super) static ATG: Detector = Detector {
    id: "atg",
    title: "Automatic tank gauge (Veeder-Root)",
    reference: "Veeder-Root Serial Interface Manual 576013-635, command format",
    over: Over::Tcp,
    rests_on: "SOH, then I or S with five digits that end the request or start the answer's report.",
    blind_spots: "Consoles with a security code in front of the command are taken by six digits or \
                  letters.",
    bits: 34.0,
    probe: |view| {
        match_stream(view, ATG.id, |bytes, complete| match bytes.first() {
            Some(1) if bytes.len() < 8 && !complete => SideMatch::Incomplete,
            Some(1) => SideMatch::or_mismatch(atg(bytes)),
            Some(b'\n' | b'\r') => SideMatch::or_mismatch(
                (bytes.len() < 4)
                    .then(|| Message::new(bytes.len(), Role::Client, 4.0, "line end").shared()),
            ),
            Some(_) => SideMatch::Mismatch,
            None => SideMatch::Incomplete,
        })
    },
};

fn atg(bytes: &[u8]) -> Option<Message> {
    let text = rest(bytes, 1);
    let ahead = text.strip_prefix(b"\r\n");
    let text = ahead.unwrap_or(text);
    let at = match (is_gauge_command(text), is_gauge_command(rest(text, 6))) {
        (true, _) => 6,
        (false, true) if prefix(text, 6).iter().all(u8::is_ascii_alphanumeric) => 12,
        (false, _) => return None,
    };
    let behind = rest(text, at);
    let blanks = behind.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let report = rest(behind, blanks);
    let printed = |byte: &u8| byte.is_ascii_graphic() || matches!(byte, b' ' | b'\r' | b'\n' | 3);
    // The answer repeats the command, and a report follows, or a time in digits.
    let reports = report.len() > 8 && report.iter().take(64).all(printed);
    let ends = report.first().is_none_or(|byte| matches!(byte, 1 | 3 | 0xff));
    let role = if ahead.is_some() || reports { Role::Server } else { Role::Client };
    let head = bytes.len().saturating_sub(text.len()).saturating_add(at).saturating_add(blanks);
    let len = if reports { bytes.len() } else { head };
    let fact = format!("Tank gauge command {}", from_wire(prefix(text, at)));
    // SOH, I or S, five digits
    (reports || ends).then(|| Message::new(len, role, 8.0 + 6.0 + 5.0 * 4.5, fact))
}

fn is_gauge_command(text: &[u8]) -> bool {
    let digits = text.get(1..6).unwrap_or_default();
    let numbered = digits.iter().filter(|byte| byte.is_ascii_digit()).count() >= 4;
    matches!(text.first(), Some(b'I' | b'S' | b'i' | b's'))
        && numbered
        && digits.iter().all(u8::is_ascii_alphanumeric)
}

pub(super) static SMPP: Detector = Detector {
    id: "smpp",
    title: "SMPP (short messages)",
    reference: "SMPP 5.0 sections 3.2 and 4.7.5; SMPP 3.4 section 5.1",
    over: Over::Tcp,
    rests_on: "The header: a known command, a status that is zero in requests, and a length.",
    blind_spots: "Over TLS it is only seen as TLS.",
    bits: 50.0,
    probe: |view| {
        match_stream(view, SMPP.id, |bytes, _| match bytes.first() {
            Some(0) => from_header(bytes, 16, smpp),
            Some(_) => SideMatch::Mismatch,
            None => SideMatch::Incomplete,
        })
    },
};

fn smpp(bytes: &[u8]) -> Option<Message> {
    let (len, command, status, number) =
        (index(be32(bytes, 0)?), be32(bytes, 4)?, be32(bytes, 8)?, be32(bytes, 12)?);
    let answers = command & 0x8000_0000 != 0;
    let known = matches!(command & 0x7fff_ffff, 1..=9 | 0x0b | 0x15 | 0x21 | 0x102 | 0x103 | 0x111..=0x113)
        || command == 0x8000_0000;
    let fits = known
        && (16..=70_000).contains(&len)
        && number != 0
        && (answers || status == 0)
        && status < 0x600;
    // Binds come from clients; both submit and deliver.
    let role = match (command & 0x7fff_ffff, answers) {
        (1 | 2 | 4 | 9, false) | (5, true) => Role::Client,
        (1 | 2 | 4 | 9, true) | (5, false) => Role::Server,
        (_, _) => Role::Either,
    };
    fits.then(|| {
        Message::new(len, role, 15.0 + 27.0 + 21.0, format!("SMPP command 0x{command:08x}"))
    })
}

pub(super) static BFCP: Detector = Detector {
    id: "bfcp",
    title: "BFCP (floor control)",
    reference: "RFC 8855 sections 5.1 and 5.2",
    over: Over::Both,
    rests_on: "The common header's version, reserved bits, primitive and length, and attributes that \
               fill it.",
    blind_spots: "A header without attributes proves little alone.",
    bits: 26.0,
    probe: |view| match view.transport {
        Transport::Tcp => match_stream(view, BFCP.id, |bytes, _| match bytes.first() {
            Some(0x20..=0x3f) => from_header(bytes, 12, bfcp),
            Some(_) => SideMatch::Mismatch,
            None => SideMatch::Incomplete,
        }),
        Transport::Udp => {
            match_datagrams(view, BFCP.id, |datagram| SideMatch::or_mismatch(bfcp(datagram.bytes)))
        }
    },
};

fn bfcp(bytes: &[u8]) -> Option<Message> {
    let (first, primitive, words) =
        (u8_at(bytes, 0)?, u8_at(bytes, 1)?, usize::from(be16(bytes, 2)?));
    // Version 1 for streams, 2 for datagrams; R and F; three reserved bits.
    let fits = matches!(first & 0xe0, 0x20 | 0x40)
        && first & 0x07 == 0
        && (1..=21).contains(&primitive)
        && words <= 1024;
    let len = words.saturating_mul(4).saturating_add(12);
    let body = prefix(rest(bytes, 12), len - 12);
    let (mut at, mut count) = (0_usize, 0_u8);
    while let (Some(kind), Some(size)) = (u8_at(body, at), u8_at(body, at.saturating_add(1))) {
        let size = usize::from(size);
        if !(1..=19).contains(&(kind >> 1))
            || size < 2
            || at.saturating_add(size) > words.saturating_mul(4)
        {
            return None;
        }
        at = at.saturating_add(size.next_multiple_of(4));
        count = count.saturating_add(1);
    }
    // version, reserved, primitive, upper bits of the length; each attribute's kind and size
    let bits = 2.0 + 3.0 + 3.6 + 6.0 + 9.0 * f32::from(count.min(3));
    let role = match primitive {
        1..=4 | 6 | 8 | 11 | 14 | 16 => Role::Client,
        5 | 7 | 9 | 10 | 12 | 13 | 15 => Role::Server,
        _ => Role::Either,
    };
    // RFC 8855 section 5.1: conference, transaction and user stand between.
    let numbered = be32(bytes, 4)? != 0;
    (fits && numbered).then(|| {
        Message::new(len, role, bits, format!("BFCP primitive {primitive}")).owned_if(count > 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    #[test]
    fn messages_are_named_from_both_sides_and_each() {
        for (detector, client, server) in [
            (
                &DLMS,
                hex("0001 0010 0001 0008 60 06 a1 04 06 02 00 00"),
                hex("0001 0001 0010 0008 61 06 a1 04 06 02 00 00"),
            ),
            (
                &ADS,
                hex(
                    "0000 20000000 050a0b0c0101 5303 050a0b0d0101 0180 0100 0400 00000000 00000000 01000000",
                ),
                hex(
                    "0000 28000000 050a0b0d0101 0180 050a0b0c0101 5303 0100 0500 08000000 00000000 01000000 00000000 00000000",
                ),
            ),
            (
                &ATG,
                b"\x01I20100\r\n".to_vec(),
                b"\x01\r\nI20100\r\nJAN 1, 2024 12:00 AM\r\n\r\nSTATION\r\n".to_vec(),
            ),
            (
                &SMPP,
                hex("00000010 00000015 00000000 00000002"),
                hex("00000010 80000015 00000000 00000002"),
            ),
        ] {
            let talk = Talk::tcp().a(client).b(server);
            assert_eq!(talk.named_by(detector).spoken_by, [true; 2]);
            talk.clone().only(Side::A).named_by(detector);
            talk.only(Side::B).named_by(detector);
        }
        let floor = hex("20 01 0002 00000001 0001 0002 05 04 0001 03 04 0002");
        Talk::tcp().a(floor).named_by(&BFCP);
        assert_eq!(x25(b"123456789"), 0x906e);
        let mut connect = hex("a007 03 21 93");
        connect.extend(x25(&connect).to_le_bytes());
        Talk::tcp().a([&[0x7e][..], &connect, &[0x7e]].concat()).named_by(&DLMS);
    }

    #[test]
    fn look_alikes_are_refused() {
        for (detector, stranger) in [
            (&DLMS, hex("0001 0000 0006 01 03 0000 0001 00")),
            (&DLMS, hex("0001 0010 0001 0009 60 06 a1 04 06 02 00 00")),
            (&DLMS, hex("7e a007 03 21 93 0f02 7e")),
            (&ADS, vec![0; 64]),
            (
                &ADS,
                hex(
                    "0000 21000000 050a0b0c0101 5303 050a0b0d0101 0180 0100 0400 00000000 00000000 01000000",
                ),
            ),
            (&ATG, b"\x01hello there\r\n".to_vec()),
            (&ATG, hex("01 01 0001 0008 00 00 0001 01 0000000000")),
            (&SMPP, hex("00000010 00000099 00000000 00000002")),
            (&SMPP, hex("00000010 00000015 00000007 00000002")),
            (&BFCP, hex("20 01 0000 00000001 0001 0002")),
            (&BFCP, hex("20 01 0002 00000001 0001 0002 05 44 0001 03 04 0002")),
        ] {
            Talk::tcp().a(stranger).refused_by(detector);
        }
    }
}
