//! Signatures of plants, buildings, meters and vehicles.

use super::Condition::{Any, Check, Counts, Holds, In, Is, LenIn, Mask, Zeros};
use super::Width::{Be16, Be32, Le16, U8};
use super::{client, either, server};
use crate::identify::crc::{ccitt, ethernet};
use crate::identify::openings::within;
use crate::wire::{be16, le16, le32, prefix, rest, u8_at};

signatures! {
    {
        id: "bacnet",
        title: "BACnet/IP",
        over: Udp,
        reference: "ASHRAE 135 annex J.2, clause 6.2",
        rests_on: "BVLC type 81 with a known function and a length that is the datagram's, and the \
                   network layer's version behind it.",
        blind_spots: "Lists of broadcast tables.",
        bits: 32.0,
        says: [
            either("BACnet NPDU", &[
                Is(0, b"\x81"), In(1, 9, 11), Counts(Be16, 2, 0), Is(4, b"\x01"), Mask(5, 0x50, 0),
            ]),
            either("BACnet forwarded NPDU", &[
                Is(0, b"\x81\x04"), Counts(Be16, 2, 0), Is(10, b"\x01"), Mask(11, 0x50, 0),
            ]),
            either("BACnet BVLC result", &[Is(0, b"\x81\0\0\x06"), LenIn(6, 6)]),
            client("BACnet BVLC registration", &[Is(0, b"\x81\x05\0\x06"), LenIn(6, 6)]),
            client("BACnet BVLC question", &[Is(0, b"\x81\x02\0\x04"), LenIn(4, 4)]),
            client("BACnet BVLC question", &[Is(0, b"\x81\x06\0\x04"), LenIn(4, 4)]),
        ],
    }
    {
        id: "c1222",
        title: "ANSI C12.22",
        over: Both,
        reference: "ANSI C12.22 section 5.3, RFC 6142",
        rests_on: "An ACSE message whose titles have C12.22's object identifier.",
        blind_spots: "Messages with relative titles only.",
        bits: 56.0,
        says: [
            either("C12.22 ACSE message", &[
                Is(0, b"\x60"), Holds(b"\x60\x7c\x86\xf7\x54\x01\x16"), In(1, 0, 0x7f), In(2, 0x80, 0xbf),
                Counts(U8, 1, 2),
            ]),
            // The length in one byte more, or two.
            either("C12.22 ACSE message", &[
                Is(0, b"\x60\x81"), Holds(b"\x60\x7c\x86\xf7\x54\x01\x16"), In(3, 0x80, 0xbf),
                Counts(U8, 2, 3),
            ]),
            either("C12.22 ACSE message", &[
                Is(0, b"\x60\x82"), Holds(b"\x60\x7c\x86\xf7\x54\x01\x16"), In(4, 0x80, 0xbf),
                Counts(Be16, 2, 4),
            ]),
        ],
    }
    {
        id: "can",
        title: "CAN over UDP (CAN-ETH)",
        over: Udp,
        reference: "Proemion, CAN over Ethernet, as Wireshark documents it (CAN-ETH)",
        rests_on: "The name ISO11898 and version 1.",
        blind_spots: "Other ways to put CAN into UDP.",
        bits: 72.0,
        says: [either("CAN-ETH frames", &[Is(0, b"ISO11898"), Is(8, b"\x01")])],
    }
    {
        id: "cip-io",
        title: "CIP class 0 and 1 I/O",
        over: Udp,
        reference: "ODVA, EtherNet/IP Adaptation of CIP, section 2-6 (UDP 2222)",
        rests_on: "Two items: a sequenced address of 8 bytes, and connected data that fill the rest.",
        blind_spots: "Nothing known.",
        bits: 80.0,
        says: [either("CIP I/O, sequenced address and data", &[
            Is(0, b"\x02\0\x02\x80\x08\0"), Is(14, b"\xb1\0"), Counts(Le16, 16, 18),
        ])],
    }
    {
        id: "cnp-ip",
        title: "CN/IP (LonTalk over IP)",
        over: Udp,
        reference: "ANSI/CEA-852, EN 14908-4 (UDP 1628, 1629), as Wireshark documents it",
        rests_on: "A length that is the datagram's, version 1, a known type, and a vendor of zero.",
        blind_spots: "Vendors' own packets.",
        bits: 40.0,
        says: [either("CN/IP packet", &[
            Counts(Be16, 0, 0), Is(2, b"\x01"), Zeros(6, 2), LenIn(20, 1500),
            Any(3, &[1, 3, 4, 6, 7, 8, 0x60, 0x63, 0x64, 0x66, 0x68, 0x70, 0x71, 0x72, 0x7f]),
        ])],
    }
    {
        id: "dis",
        title: "DIS (distributed simulation)",
        over: Udp,
        reference: "IEEE 1278.1-2012 section 6.2.66",
        rests_on: "A protocol version, a PDU type of the family it names, a length that is the datagram's, \
                   and padding of zero.",
        blind_spots: "Nothing known.",
        bits: 30.0,
        says: [either("DIS PDU", &[
            In(0, 4, 7), Check(is_dis, 9.0), Counts(Be16, 8, 0), Zeros(11, 1), LenIn(12, 8192),
        ])],
    }
    {
        id: "doip",
        title: "DoIP (diagnostics of vehicles)",
        over: Both,
        reference: "ISO 13400-2 section 7.1",
        rests_on: "A version beside its complement, a known payload type, and a length that is the \
                   datagram's.",
        blind_spots: "Nothing known.",
        bits: 30.0,
        says: [either("DoIP message", &[
            Check(is_doip, 25.0), Counts(Be32, 4, 8), Zeros(4, 2),
        ])],
    }
    {
        id: "egd",
        title: "GE Ethernet Global Data",
        over: Udp,
        reference: "GE, GFK-1541, Ethernet Global Data (UDP 18246), as Wireshark documents it",
        rests_on: "Type 13, version 1, a fraction of a second below 10^9, and the reserved word.",
        blind_spots: "Nothing known.",
        bits: 48.0,
        says: [either("EGD data", &[
            Is(0, b"\x0d\x01"), Zeros(28, 4), LenIn(32, 1432),
            Check(|bytes| le32(bytes, 16).is_some_and(|nanos| nanos < 1_000_000_000), 2.1),
        ])],
    }
    {
        id: "ether-s-bus",
        title: "Saia Ether-S-Bus",
        over: Udp,
        reference: "Saia-Burgess, S-Bus over Ethernet (UDP 5050), as Wireshark documents it",
        rests_on: "A length that is the datagram's, version 1, and a CRC-16 over all of it.",
        blind_spots: "Datagrams that were cut.",
        bits: 50.0,
        says: [either("S-Bus telegram", &[
            Counts(Be32, 0, 0), Is(4, b"\x01"), In(8, 0, 2), LenIn(12, 512), Check(has_sbus_crc, 16.0),
        ])],
    }
    {
        id: "ethercat",
        title: "EtherCAT over UDP",
        over: Udp,
        reference: "ETG.1000.4 section 5.3 (UDP 34980)",
        rests_on: "A frame header of type 1 whose length is the datagram's, and datagrams with known \
                   commands that fill it.",
        blind_spots: "Nothing known.",
        bits: 28.0,
        says: [either("EtherCAT frame", &[Check(is_ethercat, 28.0), LenIn(14, 1500)])],
        openings: [
            within(&[(0x10, 0x17)]).at(1).required(),
            within(&[(1, 14)]).at(2).required(),
        ],
    }
    {
        id: "ethersio",
        title: "Saia Ether-S-I/O",
        over: Udp,
        reference: "Saia-Burgess, Ether-S-I/O (UDP 6060), as Wireshark documents it",
        rests_on: "The name ESIO and a known telegram type.",
        blind_spots: "Nothing known.",
        bits: 46.0,
        says: [either("ESIO telegram", &[Is(0, b"ESIO\0"), In(5, 0, 2), LenIn(16, 1500)])],
    }
    {
        id: "gvcp",
        title: "GigE Vision control (GVCP)",
        over: Udp,
        reference: "AIA, GigE Vision 1.2 section 13 (UDP 3956), as Wireshark documents it",
        rests_on: "A known command behind its key, or a known acknowledgement behind a status of zero, \
                   and a length that is the datagram's.",
        blind_spots: "Acknowledgements that report an error.",
        bits: 36.0,
        says: [
            client("GVCP command", &[
                Is(0, b"\x42"), Is(2, b"\0"), Counts(Be16, 4, 8),
                Any(3, &[0x02, 0x04, 0x40, 0x80, 0x82, 0x84, 0x86, 0xc0, 0xc2]),
            ]),
            server("GVCP acknowledgement", &[
                Is(0, b"\0\0\0"), Counts(Be16, 4, 8), Mask(6, 0, 0), LenIn(10, 600),
                Any(3, &[0x03, 0x05, 0x81, 0x83, 0x85, 0x87, 0x89, 0xc1, 0xc3]),
            ]),
        ],
    }
    {
        id: "hicp",
        title: "HMS HICP",
        over: Udp,
        reference: "HMS Networks, Host IP Configuration Protocol (UDP 3250), as Wireshark documents it",
        rests_on: "One of its sentences at the start.",
        blind_spots: "The secure variant, SHICP.",
        bits: 80.0,
        says: [
            client("HICP module scan", &[Is(0, b"Module scan")]),
            server("HICP answer", &[Is(0, b"Protocol version = ")]),
            client("HICP configuration", &[Is(0, b"Configure: ")]),
            server("HICP answer", &[Is(0, b"Reconfigured = ")]),
        ],
    }
    {
        id: "knxnet-ip",
        title: "KNXnet/IP",
        over: Both,
        reference: "ISO 22510 (KNX specification 3.8.1) section 2.3",
        rests_on: "Header length 6, version 1.0, a known service family, and a length that is the \
                   datagram's.",
        blind_spots: "Nothing known.",
        bits: 27.0,
        says: [either("KNXnet/IP frame", &[
            Is(0, b"\x06\x10"), In(2, 2, 10), In(3, 0, 0x3f), In(4, 0, 3), Counts(Be16, 4, 0),
        ])],
    }
    {
        id: "rtps",
        title: "RTPS (DDS)",
        over: Udp,
        reference: "OMG, DDS-RTPS 2.5 section 8.3.3.1",
        rests_on: "The name RTPS, version 1 or 2, and a vendor below 0200.",
        blind_spots: "Nothing known.",
        bits: 50.0,
        says: [either("RTPS message", &[
            Is(0, b"RTPS"), In(4, 1, 2), In(5, 0, 9), In(6, 0, 1), LenIn(20, 65507),
        ])],
    }
    {
        id: "trdp",
        title: "TRDP (trains)",
        over: Udp,
        reference: "IEC 61375-2-3 annex A",
        rests_on: "Version 1, a known message type, and the header's CRC-32.",
        blind_spots: "Nothing known.",
        bits: 52.0,
        says: [either("TRDP header", &[
            Is(4, b"\x01"), Any(6, b"PM"), Any(7, b"dprenqc"), Check(has_trdp_crc, 32.0),
        ])],
    }
}

/// ISO 13400-2 tables 10 and 11: the version, inverted in the byte behind it, and the types.
fn is_doip(bytes: &[u8]) -> bool {
    let versions = u8_at(bytes, 0).zip(u8_at(bytes, 1));
    let version = versions
        .is_some_and(|(version, inverse)| version == !inverse && matches!(version, 1..=4 | 0xff));
    let kind = be16(bytes, 2);
    version && matches!(kind, Some(0..=8 | 0x4001..=0x4004 | 0x8001..=0x8003))
}

/// CRC-16/XMODEM over all bytes but the last two, which hold it.
fn has_sbus_crc(bytes: &[u8]) -> bool {
    let Some(at) = bytes.len().checked_sub(2) else { return false };
    be16(bytes, at) == Some(ccitt(prefix(bytes, at), 0))
}

/// CRC-32 of IEEE 802.3, little-endian, over the header's first 36 bytes.
fn has_trdp_crc(bytes: &[u8]) -> bool {
    le32(bytes, 36) == Some(ethernet(prefix(bytes, 36).iter().copied()))
}

/// IEEE 1278.1 clause 6.2.66: the PDU types of each family.
fn is_dis(bytes: &[u8]) -> bool {
    let kinds = u8_at(bytes, 2).zip(u8_at(bytes, 3));
    matches!(
        kinds,
        Some(
            (1 | 4 | 67, 1)
                | (2 | 3 | 68 | 69, 2)
                | (5..=10, 3)
                | (23 | 24 | 28 | 66, 6)
                | (25..=27 | 31 | 32, 4)
                | (11..=22, 5)
                | (29 | 30 | 33..=36, 7 | 9)
                | (37..=40, 8)
                | (41..=45, 9)
                | (51..=65, 10)
                | (46..=50, 11)
                | (70..=72, 13)
        )
    )
}

/// ETG.1000.4 section 5.4: each datagram has ten bytes before its data and a counter behind; a bit
/// says that another follows.
fn is_ethercat(bytes: &[u8]) -> bool {
    let Some(head) = le16(bytes, 0) else { return false };
    let end = usize::from(head & 0x07ff).saturating_add(2);
    if head & 0xf800 != 0x1000 || end != bytes.len() {
        return false;
    }
    let mut at = 2_usize;
    for _ in 0..15 {
        let datagram = rest(bytes, at);
        let (Some(command), Some(field)) = (u8_at(datagram, 0), le16(datagram, 6)) else {
            return false;
        };
        if !(1..=14).contains(&command) || field & 0x3800 != 0 {
            return false;
        }
        at = at.saturating_add(usize::from(field & 0x07ff)).saturating_add(12);
        if field & 0x8000 == 0 {
            return at == end;
        }
    }
    false
}
