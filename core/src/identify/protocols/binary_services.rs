//! Protocols whose first message is nearly all constant: one row each.
//!
//! Where a message's structure has to be followed, its protocol has a file of its own.

use crate::identify::messages::{Message, from_header, match_stream};
use crate::identify::side_match::{Role, SideMatch, starts_with};
use crate::identify::{Detector, FlowView, Over, Probe};
use crate::wire::{array, be16, be32, from_wire, index, le16, le32, le64, prefix, rest, u8_at};

/// Reads messages that start with one of these, once `min` bytes of them are there.
fn match_side(
    view: &FlowView<'_>,
    id: &'static str,
    starts: &[&[u8]],
    min: usize,
    parse: fn(&[u8]) -> Option<Message>,
) -> Probe {
    match_stream(view, id, |bytes, _| {
        let mut open = false;
        for start in starts {
            match starts_with(bytes, start) {
                Some(true) => return from_header(bytes, min, parse),
                Some(false) => {}
                None => open = true,
            }
        }
        if open { SideMatch::Incomplete } else { SideMatch::Mismatch }
    })
}

pub(super) static BITTORRENT: Detector = Detector {
    id: "bittorrent",
    title: "BitTorrent (peer connection)",
    reference: "BEP 3, peer protocol",
    over: Over::Tcp,
    rests_on: "The handshake: 19, BitTorrent protocol, reserved bytes, hash and peer id.",
    blind_spots: "Connections whose handshake is encrypted (message stream encryption).",
    bits: 150.0,
    probe: |view| {
        match_side(view, "bittorrent", &[b"\x13BitTorrent protocol"], 48, |bytes| {
            let client = prefix(rest(bytes, 48), 8);
            let fact = format!("BitTorrent handshake of peer {}", from_wire(client));
            // Messages follow, which are not read.
            Some(Message::new(bytes.len(), Role::Either, 160.0, fact))
        })
    },
};

pub(super) static CEPH: Detector = Detector {
    id: "ceph",
    title: "Ceph messenger",
    reference: "Ceph documentation, msgr2 protocol and Messenger v1: banner",
    over: Over::Tcp,
    rests_on: "The banner, ceph v2 with the length of its features or ceph v027.",
    blind_spots: "A connection captured after the banner.",
    bits: 70.0,
    probe: |view| match_side(view, "ceph", &[b"ceph v"], 9, ceph),
};

fn ceph(bytes: &[u8]) -> Option<Message> {
    let version = match bytes {
        [_, _, _, _, _, _, b'2', b'\n', ..] => {
            le16(bytes, 8).is_none_or(|len| len == 16).then_some("2")?
        }
        [_, _, _, _, _, _, b'0', b'0'..=b'9', b'0'..=b'9', ..] => "1",
        _ => return None,
    };
    Some(Message::new(
        bytes.len(),
        Role::Either,
        72.0,
        format!("Ceph messenger version {version} banner"),
    ))
}

pub(super) static OFTP: Detector = Detector {
    id: "oftp",
    title: "ODETTE FTP",
    reference: "RFC 5024 sections 5.3.1 (SSRM) and 9.3.3 (stream transmission buffer)",
    over: Over::Tcp,
    rests_on: "The responder's ready message behind its transmission header.",
    blind_spots: "The initiator's side alone. Over TLS it is only seen as TLS.",
    bits: 150.0,
    probe: |view| {
        match_side(view, "oftp", &[b"\x10\0\0\x17IODETTE FTP READY \r", b"\x10\0\0"], 5, oftp)
    },
};

fn oftp(bytes: &[u8]) -> Option<Message> {
    let len = usize::from(u8_at(bytes, 3)?);
    let said = |role, bits, fact: &str| Some(Message::new(len, role, bits, fact));
    match rest(bytes, 4) {
        [b'I', ready @ ..]
            if len == 23 && b"ODETTE FTP READY \r".starts_with(prefix(ready, 18)) =>
        {
            said(Role::Server, if ready.len() >= 18 { 160.0 } else { 28.0 }, "ODETTE FTP ready")
        }
        // SSID: start session, with a level from 1 to 5
        [b'X', b'1'..=b'5', ..] if len > 40 => said(Role::Either, 38.0, "ODETTE FTP start session"),
        // commands: a letter
        [b'A'..=b'Z' | b'0'..=b'9', ..] => {
            said(Role::Either, 24.0, "ODETTE FTP command").map(Message::shared)
        }
        _ => None,
    }
}

pub(super) static FCIP: Detector = Detector {
    id: "fcip",
    title: "FCIP and iFCP",
    reference: "RFC 3643 section 3.1 (FC frame encapsulation), RFC 3821, RFC 4172",
    over: Over::Tcp,
    rests_on: "The encapsulation header: protocol and version with their complements, written twice, and \
               a length with its complement.",
    blind_spots: "A stream captured from the middle of a frame.",
    bits: 60.0,
    probe: |view| match_side(view, "fcip", &[b"\x01\x01\xfe\xfe", b"\x02\x01\xfd\xfe"], 16, fcip),
};

fn fcip(bytes: &[u8]) -> Option<Message> {
    // RFC 3643 section 3.1: word 0 again in word 1 (FCIP), flags and length in word 3.
    let word = be32(bytes, 12)?;
    let [len, complement] = [word >> 16, word & 0xffff];
    let words = len & 0x3ff;
    let twice = be32(bytes, 0) == be32(bytes, 4) || bytes.first() == Some(&2);
    let fits = len ^ 0xffff == complement && words >= 7 && twice;
    fits.then(|| {
        Message::new(
            index(words).saturating_mul(4),
            Role::Either,
            32.0 + 16.0 + 16.0,
            "FC frame encapsulation",
        )
    })
}

pub(super) static SAP_NI: Detector = Detector {
    id: "sap-ni",
    title: "SAP router and NI",
    reference: "SAP Help Portal, SAProuter: route strings and error information; NI pings",
    over: Over::Tcp,
    rests_on: "A length of four bytes and what it counts: a route, an error, a ping or a pong.",
    blind_spots: "DIAG and RFC inside of NI are not told apart; they are compressed.",
    bits: 60.0,
    probe: |view| match_side(view, "sap-ni", &[b"\0"], 12, sap_ni),
};

fn sap_ni(bytes: &[u8]) -> Option<Message> {
    let len = index(be32(bytes, 0)?);
    let mark = prefix(rest(bytes, 4), 8);
    let (role, bits, exact) = match mark {
        b"NI_PING\0" => (Role::Either, 94.0, len == 8),
        b"NI_PONG\0" => (Role::Either, 94.0, len == 8),
        b"NI_ROUTE" => (Role::Client, 70.0, (16..4096).contains(&len)),
        b"NI_RTERR" => (Role::Server, 70.0, (12..4096).contains(&len)),
        _ => return None,
    };
    let fact = format!("SAP {}", from_wire(mark.trim_ascii_end()).trim_end_matches('\0'));
    exact.then(|| Message::new(len.saturating_add(4), role, bits, fact))
}

pub(super) static COPS: Detector = Detector {
    id: "cops",
    title: "COPS",
    reference: "RFC 2748 sections 2.1 and 2.2",
    over: Over::Tcp,
    rests_on: "The common header and the first object, whose lengths fit.",
    blind_spots: "A keep-alive alone, which has no objects.",
    bits: 36.0,
    probe: |view| match_side(view, "cops", &[b"\x10", b"\x11"], 12, cops),
};

fn cops(bytes: &[u8]) -> Option<Message> {
    let (operation, len) = (u8_at(bytes, 1)?, index(be32(bytes, 4)?));
    let (size, class, kind) = (usize::from(be16(bytes, 8)?), u8_at(bytes, 10)?, u8_at(bytes, 11)?);
    let role = match operation {
        1 | 3 | 4 | 6 | 10 => Role::Client,
        2 | 5 | 7 => Role::Server,
        8 | 9 => Role::Either,
        _ => return None,
    };
    let whole = len.is_multiple_of(4) && (16..1 << 16).contains(&len);
    let object = size >= 4
        && size.saturating_add(8) <= len
        && (1..=16).contains(&class)
        && (1..=4).contains(&kind);
    let name = [
        "request",
        "decision",
        "report",
        "delete",
        "synchronise",
        "open",
        "accept",
        "close",
        "alive",
        "complete",
    ];
    let name = name.get(usize::from(operation).checked_sub(1)?)?;
    (whole && object).then(|| {
        Message::new(len, role, 7.0 + 4.7 + 18.0 + 3.0 + 4.0 + 6.0, format!("COPS {name}"))
    })
}

pub(super) static GEARMAN: Detector = Detector {
    id: "gearman",
    title: "Gearman",
    reference: "Gearman protocol, Binary Packet (gearman.org/protocol)",
    over: Over::Tcp,
    rests_on: "The magic NUL REQ or NUL RES with a known type and a length.",
    blind_spots: "The administrative text commands.",
    bits: 50.0,
    probe: |view| {
        match_side(view, "gearman", &[b"\0REQ", b"\0RES"], 12, |bytes| {
            let (kind, len) = (be32(bytes, 4)?, index(be32(bytes, 8)?));
            let role = if bytes.starts_with(b"\0REQ") { Role::Client } else { Role::Server };
            let fact = format!("Gearman packet {kind}");
            ((1..=42).contains(&kind) && len < 1 << 26)
                .then(|| Message::new(len.saturating_add(12), role, 32.0 + 26.0, fact))
        })
    },
};

pub(super) static ZABBIX: Detector = Detector {
    id: "zabbix",
    title: "Zabbix",
    reference: "Zabbix documentation, Appendix: Header and data length",
    over: Over::Tcp,
    rests_on: "The header ZBXD with known flags and a length.",
    blind_spots: "Passive checks by agents before 4.0 ask in bare text.",
    bits: 50.0,
    probe: |view| {
        match_side(view, "zabbix", &[b"ZBXD"], 13, |bytes| {
            let flags = u8_at(bytes, 4)?;
            let (header, len) = if flags & 4 == 0 {
                (13, index(le32(bytes, 5)?))
            } else {
                (21, usize::try_from(le64(bytes, 5)?).ok()?)
            };
            // The upper half is the length before compression, or zero.
            let plain = flags & 2 != 0 || flags & 4 != 0 || le32(bytes, 9)? == 0;
            let fits = flags & !7 == 0 && flags & 1 == 1 && len <= 1 << 30 && plain;
            let role = match rest(bytes, header) {
                [b'{', ..] if bytes.windows(9).take(200).any(|part| part == b"\"request\"") => {
                    Role::Client
                }
                [b'{', ..] if bytes.windows(10).take(200).any(|part| part == b"\"response\"") => {
                    Role::Server
                }
                _ => Role::Either,
            };
            fits.then(|| {
                Message::new(header.saturating_add(len), role, 32.0 + 6.0 + 16.0, "Zabbix message")
            })
        })
    },
};

pub(super) static MONERO: Detector = Detector {
    id: "monero",
    title: "Monero (levin)",
    reference: "Monero source documentation, docs/LEVIN_PROTOCOL.md, Header",
    over: Over::Tcp,
    rests_on: "Levin's signature, a command of Monero and the protocol version 1.",
    blind_spots: "Other coins of CryptoNote's family share the frame; connections over Tor or TLS.",
    bits: 100.0,
    probe: |view| {
        match_side(view, "monero", &[b"\x01\x21\x01\x01\x01\x01\x01\x01"], 33, |bytes| {
            let (len, command, version) = (le64(bytes, 8)?, le32(bytes, 17)?, le32(bytes, 29)?);
            // 1001 to 1007 of the peers, 2001 to 2010 of the coin
            let known = matches!(command, 1000..=1010 | 2000..=2012);
            let answers = le32(bytes, 25)? & 2 != 0;
            let asks = u8_at(bytes, 16)?;
            let role = if command == 1001 && answers {
                Role::Server
            } else if command == 1001 {
                Role::Client
            } else {
                Role::Either
            };
            let len = usize::try_from(len).ok()?.saturating_add(33);
            (known && version == 1 && asks <= 1).then(|| {
                Message::new(len, role, 64.0 + 27.0 + 32.0, format!("Levin command {command}"))
            })
        })
    },
};

pub(super) static BITCOIN: Detector = Detector {
    id: "bitcoin",
    title: "Bitcoin and its kin",
    reference: "Bitcoin developer reference, P2P Network: Message Headers",
    over: Over::Tcp,
    rests_on: "A known network's magic, a command in letters padded with zeros, and a length.",
    blind_spots: "Version 2 of the transport (BIP 324) is encrypted from the first byte.",
    bits: 80.0,
    probe: |view| {
        match_side(view, "bitcoin", BITCOIN_MAGICS, 24, |bytes| {
            let command = bytes.get(4..16)?;
            let letters = command
                .iter()
                .take_while(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
                .count();
            let padded = rest(command, letters).iter().all(|byte| *byte == 0);
            let len = index(le32(bytes, 16)?);
            let name = from_wire(prefix(command, letters));
            (letters >= 2 && padded && len <= 32 << 20).then(|| {
                Message::new(
                    len.saturating_add(24),
                    Role::Either,
                    29.0 + 60.0 + 7.0,
                    format!("Bitcoin {name}"),
                )
            })
        })
    },
};

/// Main, test and regtest networks of Bitcoin; signet; Bitcoin Cash, Litecoin, Dogecoin, Dash.
const BITCOIN_MAGICS: &[&[u8]] = &[
    b"\xf9\xbe\xb4\xd9",
    b"\x0b\x11\x09\x07",
    b"\xfa\xbf\xb5\xda",
    b"\x0a\x03\xcf\x40",
    b"\x1c\x16\x3f\x28",
    b"\xe3\xe1\xf3\xe8",
    b"\xfb\xc0\xb6\xdb",
    b"\xc0\xc0\xc0\xc0",
    b"\xbf\x0c\x6b\xbd",
];

pub(super) static NX: Detector = Detector {
    id: "nomachine",
    title: "NoMachine NX",
    reference: "NX source (nxcomp, Proxy and Loop): NXPROXY greeting; NoMachine's NXSH and NXD greetings",
    over: Over::Tcp,
    rests_on: "The greeting with its name and version.",
    blind_spots: "NX over SSH is SSH.",
    bits: 60.0,
    probe: |view| {
        match_side(view, "nomachine", &[b"NXPROXY-", b"NXSH-", b"NXD-", b"NXAGENT-"], 9, |bytes| {
            let end = prefix(bytes, 64)
                .iter()
                .position(|byte| matches!(byte, b'\n' | b'\r' | b' ' | 0))
                .unwrap_or(bytes.len().min(64));
            let word = prefix(bytes, end);
            let dash = word.iter().position(|byte| *byte == b'-')?;
            let version = rest(word, dash.saturating_add(1));
            let fits = version.contains(&b'.')
                && version.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-'));
            fits.then(|| {
                Message::new(
                    bytes.len(),
                    Role::Either,
                    64.0,
                    format!("NX greeting {}", from_wire(word)),
                )
            })
        })
    },
};

pub(super) static HISLIP: Detector = Detector {
    id: "hislip",
    title: "HiSLIP",
    reference: "IVI-6.1: High-Speed LAN Instrument Protocol, section 2.4, tables 3 and 4",
    over: Over::Tcp,
    rests_on: "The prologue HS, a message type and a length of eight bytes.",
    blind_spots: "A connection captured in the middle of a message.",
    bits: 36.0,
    probe: |view| {
        match_side(view, "hislip", &[b"HS"], 16, |bytes| {
            let kind = u8_at(bytes, 2)?;
            let len = u64::from_be_bytes(array(bytes, 8)?);
            let role = match kind {
                0 | 6 | 17 | 19 => Role::Client,
                1 | 18 | 20 => Role::Server,
                _ => Role::Either,
            };
            let len = usize::try_from(len).ok().filter(|len| *len < 1 << 32)?;
            (kind <= 38).then(|| {
                Message::new(
                    len.saturating_add(16),
                    role,
                    16.0 + 2.7 + 32.0,
                    format!("HiSLIP message {kind}"),
                )
            })
        })
    },
};

pub(super) static TEAMVIEWER: Detector = Detector {
    id: "teamviewer",
    title: "TeamViewer",
    reference: "no specification is public; header as published by packet analyses of TeamViewer",
    over: Over::Tcp,
    rests_on: "Packets with the mark 17 24, a command and a length of two bytes, one behind the other \
               or on both sides.",
    blind_spots: "Connections by TLS, by UDP, or of version 15 and later with another mark.",
    bits: 28.0,
    probe: |view| {
        match_side(view, "teamviewer", &[b"\x17\x24"], 5, |bytes| {
            let (command, len) = (u8_at(bytes, 2)?, usize::from(le16(bytes, 3)?));
            // mark, command, upper bits of the length
            ((0x0a..=0x40).contains(&command) && len < 0x2000).then(|| {
                Message::new(
                    len.saturating_add(5),
                    Role::Either,
                    16.0 + 2.2 + 3.0,
                    "TeamViewer packet",
                )
            })
        })
    },
};

pub(super) static ZMTP: Detector = Detector {
    id: "zmtp",
    title: "ZeroMQ (ZMTP)",
    reference: "23/ZMTP and 37/ZMTP (rfc.zeromq.org), section Greeting; 15/ZMTP",
    over: Over::Tcp,
    rests_on: "The greeting's signature, and a version with a mechanism's name.",
    blind_spots: "Version 1.0 has no signature.",
    bits: 70.0,
    probe: |view| {
        match_side(view, "zmtp", &[b"\xff\0\0\0\0\0\0"], 10, |bytes| {
            // The length of an identity is in the signature's last bytes with version 2.
            let signed = u8_at(bytes, 9)? & 1 == 1 && be16(bytes, 7)? <= 0x00ff;
            let version = u8_at(bytes, 10);
            let name = rest(bytes, 12);
            let known = [&b"NULL"[..], b"PLAIN", b"CURVE", b"GSSAPI"]
                .iter()
                .any(|known| starts_with(name, known) != Some(false));
            let fits = match version {
                None | Some(1 | 2) => true,
                Some(3) => known,
                Some(_) => false,
            };
            let fact = format!("ZeroMQ greeting, version {}", version.unwrap_or_default());
            (signed && fits)
                .then(|| Message::new(bytes.len(), Role::Either, 56.0 + 9.0 + 6.0, fact))
        })
    },
};

pub(super) static DICOM: Detector = Detector {
    id: "dicom",
    title: "DICOM upper layer",
    reference: "DICOM PS3.8 section 9.3",
    over: Over::Tcp,
    rests_on: "An association's request or answer with its version and application titles, or data whose \
               parts fill it.",
    blind_spots: "DICOM over TLS is TLS; DICOMweb is HTTP.",
    bits: 34.0,
    probe: |view| {
        match_stream(view, DICOM.id, |bytes, _| match bytes {
            [1..=7, 0, ..] => from_header(bytes, 10, dicom),
            [] | [1..=7] => SideMatch::Incomplete,
            _ => SideMatch::Mismatch,
        })
    },
};

fn dicom(bytes: &[u8]) -> Option<Message> {
    let (kind, len) = (u8_at(bytes, 0)?, index(be32(bytes, 2)?));
    let total = len.saturating_add(6);
    let said = |role, bits, fact: &str| Some(Message::new(total, role, bits, fact));
    match kind {
        1 | 2 if (68..1 << 20).contains(&len) => {
            let titles = prefix(rest(bytes, 10), 32);
            // Titles are padded with blanks; an answer repeats them, or has anything.
            let plain = kind == 2 || titles.iter().all(|byte| (b' '..=b'~').contains(byte));
            let fits = be16(bytes, 6)? & 1 == 1 && be16(bytes, 8)? == 0 && plain;
            let (role, name) = if kind == 1 {
                (Role::Client, "DICOM association asked for")
            } else {
                (Role::Server, "DICOM association accepted")
            };
            if fits { said(role, 16.0 + 12.0 + 16.0 + 16.0, name) } else { None }
        }
        3 if len == 4 => said(Role::Server, 46.0 + 8.0, "DICOM association rejected"),
        4 if len >= 6 => {
            // a value's length, an odd context, a header of two bits
            let (item, context, header) =
                (index(be32(bytes, 6)?), u8_at(bytes, 10)?, u8_at(bytes, 11)?);
            let fits = item.checked_add(4)? <= len && context & 1 == 1 && header <= 3;
            if fits { said(Role::Either, 14.0 + 8.0 + 8.0 + 7.0, "DICOM data") } else { None }
        }
        5 if len == 4 => said(Role::Client, 46.0, "DICOM release asked for").map(Message::shared),
        6 if len == 4 => said(Role::Server, 46.0, "DICOM released").map(Message::shared),
        7 if len == 4 && bytes.get(6..8) == Some(&[0, 0]) => {
            said(Role::Either, 62.0, "DICOM abort")
        }
        _ => None,
    }
}

pub(super) static HL7: Detector = Detector {
    id: "hl7",
    title: "HL7 version 2 (MLLP)",
    reference: "HL7 Version 2.5 section 2.16.9.1 (MSH); MLLP Release 1, section 2",
    over: Over::Tcp,
    rests_on: "The block's start and the message header segment with its separators.",
    blind_spots: "HL7 version 3 and FHIR are XML and HTTP.",
    bits: 48.0,
    probe: |view| {
        match_side(view, "hl7", &[b"\x0bMSH"], 9, |bytes| {
            let [separator, component, ..] = *rest(bytes, 4) else { return None };
            let kind = bytes.split(|byte| *byte == separator).nth(8).unwrap_or_default();
            let fits = separator.is_ascii_punctuation()
                && component.is_ascii_punctuation()
                && separator != component;
            let fact = format!("HL7 message {}", from_wire(prefix(kind, 20)));
            fits.then(|| Message::new(bytes.len(), Role::Either, 32.0 + 8.0 + 8.0, fact))
        })
    },
};

pub(super) static OPENFLOW: Detector = Detector {
    id: "openflow",
    title: "OpenFlow",
    reference: "OpenFlow Switch Specification 1.5.1, section 7.1; 1.0.0 section 5.1",
    over: Over::Tcp,
    rests_on: "Hellos of both sides, or messages whose types and lengths follow each other.",
    blind_spots: "One hello alone. Over TLS it is only seen as TLS.",
    bits: 26.0,
    probe: |view| {
        match_stream(view, OPENFLOW.id, |bytes, _| match bytes {
            [1..=6, 0..=35, ..] => from_header(bytes, 8, openflow),
            [] | [1..=6] => SideMatch::Incomplete,
            _ => SideMatch::Mismatch,
        })
    },
};

fn openflow(bytes: &[u8]) -> Option<Message> {
    let [version, kind, ..] = *bytes.first_chunk::<8>()?;
    let len = usize::from(be16(bytes, 2)?);
    let last = if version == 1 { 21 } else { 35 };
    let (exact, bits) = match kind {
        // a bitmap of versions, or nothing
        0 if len == 8 => (true, 8.0 + 15.0),
        0 => (len >= 16 && be16(bytes, 8).is_none_or(|element| element == 1), 8.0 + 25.0),
        2 | 3 => (len >= 8, 4.0),
        // features request, barriers, config request have no body
        5 | 7 => (len == 8, 8.0 + 15.0),
        6 => (len >= 24, 8.0),
        _ => (len >= 8, 3.0),
    };
    (exact && kind <= last && be32(bytes, 4)? != 0).then(|| {
        Message::new(len, Role::Either, 5.4 - 2.0 + bits - 8.0, format!("OpenFlow message {kind}"))
    })
}

pub(super) static RAFT: Detector = Detector {
    id: "raft",
    title: "Raft (Canonical's, dqlite)",
    reference: "canonical/raft, docs/io-uv.rst and src/uv_encoding.c: handshake and message header",
    over: Over::Tcp,
    rests_on: "The handshake: protocol 1, a server's id and its address in text.",
    blind_spots: "A connection captured after the handshake; other implementations of Raft.",
    bits: 90.0,
    probe: |view| {
        match_side(view, "raft", &[b"\x01\0\0\0\0\0\0\0"], 28, |bytes| {
            let (id, len) = (le64(bytes, 8)?, usize::try_from(le64(bytes, 16)?).ok()?);
            let address = prefix(rest(bytes, 24), len);
            let end = address.iter().position(|byte| *byte == 0).unwrap_or(address.len());
            let name = prefix(address, end);
            let fits = id != 0
                && len.is_multiple_of(8)
                && (8..=512).contains(&len)
                && name.len() >= 3
                && name.iter().all(|byte| {
                    byte.is_ascii_alphanumeric()
                        || matches!(byte, b'.' | b':' | b'-' | b'[' | b']' | b'_' | b'@')
                });
            let fact = format!("Raft handshake of {}", from_wire(name));
            fits.then(|| Message::new(bytes.len(), Role::Client, 64.0 + 50.0, fact))
        })
    },
};

pub(super) static MSDP: Detector = Detector {
    id: "msdp",
    title: "MSDP",
    reference: "RFC 3618 section 12",
    over: Over::Tcp,
    rests_on: "Source-Active messages whose entries fill them, or keep-alives beside them.",
    blind_spots: "Keep-alives alone, three bytes each.",
    bits: 34.0,
    probe: |view| {
        match_stream(view, MSDP.id, |bytes, _| match bytes {
            [4, 0, 3, ..] => {
                SideMatch::Match(Message::new(3, Role::Either, 12.0, "MSDP keep-alive").shared())
            }
            [1, ..] => from_header(bytes, 20, msdp),
            [] | [4] | [4, 0] => SideMatch::Incomplete,
            _ => SideMatch::Mismatch,
        })
    },
};

/// `01 length(2) count(1) rendezvous point(4) { reserved(3, 0) prefix(1, 32) group(4) source(4) }`
fn msdp(bytes: &[u8]) -> Option<Message> {
    let (len, count) = (usize::from(be16(bytes, 1)?), usize::from(u8_at(bytes, 3)?));
    let entries = count.saturating_mul(12).saturating_add(8);
    let group = u8_at(bytes, 12)?;
    let fits = count > 0
        && len >= entries
        && len <= 9192
        && be32(bytes, 8)? == 32
        && (224..=239).contains(&group);
    fits.then(|| Message::new(len, Role::Either, 8.0 + 4.0 + 32.0 + 4.0, "MSDP source active"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    fn levin(flags: &str) -> Vec<u8> {
        [hex("0121010101010101 0000000000000000 01 e9030000 00000000"), hex(flags), hex("01000000")]
            .concat()
    }

    #[test]
    fn messages_are_named_from_both_sides_and_each() {
        let shake =
            [b"\x13BitTorrent protocol".to_vec(), vec![0; 28], b"-TR4040-abcdefghijkl".to_vec()]
                .concat();
        let fc = hex("0101fefe 0101fefe 00000000 0007fff8 0000000000000000 00000000");
        let version =
            [hex("f9beb4d9"), b"version\0\0\0\0\0".to_vec(), hex("00000000 5df6e0e2")].concat();
        let zabbix = |text: &str| {
            [
                b"ZBXD\x01".to_vec(),
                vec![u8::try_from(text.len()).unwrap()],
                vec![0; 7],
                text.as_bytes().to_vec(),
            ]
            .concat()
        };
        for (detector, client, server) in [
            (&BITTORRENT, shake.clone(), shake),
            (&CEPH, b"ceph v2\n\x10\x00".to_vec(), b"ceph v2\n\x10\x00".to_vec()),
            (&FCIP, fc.clone(), fc),
            (&SAP_NI, b"\0\0\0\x08NI_PING\0".to_vec(), b"\0\0\0\x08NI_PONG\0".to_vec()),
            (
                &COPS,
                hex("10 06 8008 00000010 0008 0b 01 6162 6300"),
                hex("10 07 8008 00000010 0008 0a 01 0000 001e"),
            ),
            (
                &GEARMAN,
                b"\0REQ\0\0\0\x10\0\0\0\x04ping".to_vec(),
                b"\0RES\0\0\0\x11\0\0\0\x04ping".to_vec(),
            ),
            (
                &ZABBIX,
                zabbix("{\"request\":\"active checks\"}"),
                zabbix("{\"response\":\"success\"}"),
            ),
            (&MONERO, levin("01000000"), levin("02000000")),
            (&BITCOIN, version.clone(), version),
            (&NX, b"NXSH-3.5.0\n".to_vec(), b"NXPROXY-3.5.0-3.5.99 options\n".to_vec()),
            (
                &HISLIP,
                hex("4853 00 00 01004142 0000000000000000"),
                hex("4853 01 00 01000001 0000000000000000"),
            ),
            (&TEAMVIEWER, hex("1724 0a 0200 0000 1724 0b 0000"), hex("1724 10 0000 1724 10 0000")),
        ] {
            let talk = Talk::tcp().a(client).b(server);
            assert_eq!(talk.named_by(detector).spoken_by, [true; 2]);
            talk.clone().only(Side::A).named_by(detector);
            talk.only(Side::B).named_by(detector);
        }
        Talk::tcp().b(b"ceph v027").named_by(&CEPH);
        Talk::tcp().b(b"\x10\0\0\x17IODETTE FTP READY \r").named_by(&OFTP);
    }

    #[test]
    fn later_rows_are_named() {
        let greeting =
            [hex("ff 00 00 00 00 00 00 00 01 7f 03 00"), b"NULL".to_vec(), vec![0; 48]].concat();
        let associate = |kind: u8| {
            [vec![kind, 0, 0, 0, 0, 0x50, 0, 1, 0, 0], vec![b' '; 32], vec![0; 32]].concat()
        };
        for (detector, client, server) in [
            (&ZMTP, greeting.clone(), greeting),
            (&DICOM, associate(1), associate(2)),
            (
                &HL7,
                b"\x0bMSH|^~\\&|A|B|C|D|20240101||ADT^A01|1|P|2.5\r".to_vec(),
                b"\x0bMSH|^~\\&|C|D|A|B|20240101||ACK|1|P|2.5\r".to_vec(),
            ),
            (
                &OPENFLOW,
                hex("04 00 0008 00000001 04 05 0008 00000002"),
                hex("04 00 0010 00000001 0001 0008 00000010 04 06 0020 00000002"),
            ),
            (
                &MSDP,
                hex("01 0014 01 0a000001 00000020 e8010203 0a000009"),
                hex("01 0014 01 0a000001 00000020 e8010203 0a000009 040003"),
            ),
        ] {
            let talk = Talk::tcp().a(client).b(server);
            assert_eq!(talk.named_by(detector).spoken_by, [true; 2]);
            talk.clone().only(Side::A).named_by(detector);
            talk.only(Side::B).named_by(detector);
        }
        let raft = [
            hex("0100000000000000 0100000000000000 1000000000000000"),
            b"10.0.0.1:9001\0\0\0".to_vec(),
        ]
        .concat();
        Talk::tcp().a(raft).named_by(&RAFT);
    }

    #[test]
    fn look_alikes_of_later_rows_are_refused() {
        for (detector, stranger) in [
            (&ZMTP, hex("ff 00 00 00 00 00 00 00 01 7f 03 00 41424344 45464748")),
            (&ZMTP, vec![0xff; 40]),
            (&DICOM, hex("01 01 0001 0008 00 00 0001 01 0000000000")),
            (&DICOM, hex("05 00 00000004 00000000")),
            (&DICOM, hex("01 00 00000050 0002 0000 2020202020202020")),
            (&HL7, b"\x0bMSHello there".to_vec()),
            (&OPENFLOW, hex("04 00 0008 00000001")),
            (&OPENFLOW, hex("04 00 0009 00000001 00 04 00 0008")),
            (&RAFT, vec![0; 64]),
            (
                &RAFT,
                hex(
                    "0100000000000000 0100000000000000 1000000000000000 01020304050607080102030405060708",
                ),
            ),
            (&MSDP, hex("040003 040003 040003")),
            (&MSDP, hex("01 0014 01 0a000001 00000021 e8010203 0a000009")),
        ] {
            Talk::tcp().a(stranger).refused_by(detector);
        }
    }

    #[test]
    fn look_alikes_are_refused() {
        for (detector, stranger) in [
            (&BITTORRENT, b"\x13BitTorrent is popular............................".to_vec()),
            (&CEPH, b"ceph version 17\r\n".to_vec()),
            (&FCIP, hex("0101fefe 0101fefe 00000000 0007fff9 0000000000000000 00000000")),
            (&SAP_NI, b"\0\0\0\x09NI_PING\0".to_vec()),
            (&COPS, hex("10 0b 8008 00000010 0008 0b 01 6162 6300")),
            (&COPS, hex("10 0d 0004 4d515454 04 02 003c 0001 61")),
            (&GEARMAN, b"\0REQ\0\0\0\xff\0\0\0\x04ping".to_vec()),
            (&ZABBIX, b"ZBXD is a header of Zabbix\r\n".to_vec()),
            (
                &MONERO,
                hex("0121010101010101 0000000000000000 01 00000000 00000000 00000000 00000000"),
            ),
            (&BITCOIN, [hex("f9beb4d9"), vec![7; 20]].concat()),
            (&NX, b"NXD-rays\n".to_vec()),
            (&HISLIP, b"HS: hello sir and welcome\r\n".to_vec()),
            (&TEAMVIEWER, hex("1724 0a 0200 0000 9999 9999 9999")),
            (&TEAMVIEWER, hex("1724 0a 0000")),
            (&OFTP, hex("10000017 494f4445545445204654502042555359 20200d")),
        ] {
            Talk::tcp().a(stranger).refused_by(detector);
        }
    }
}
