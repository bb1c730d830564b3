//! Signatures of routing and redundancy between routers and gateways.

use super::Condition::{Any, Check, Counts, In, Is, Len, LenIn, Mask, Zeros};
use super::Width::{Be16, U8};
use super::{behind, client, either};
use crate::identify::openings::{mixed, within};
use crate::wire::{be16, be32, rest, u8_at};

/// A record's length is that of what it holds, and four.
fn is_glbp_authentication(bytes: &[u8]) -> bool {
    let lens = u8_at(bytes, 13).zip(u8_at(bytes, 15));
    lens.is_some_and(|(outer, inner)| inner.checked_add(4) == Some(outer))
}

signatures! {
    {
        id: "babel",
        title: "Babel",
        over: Udp,
        reference: "RFC 8966 section 4.2",
        rests_on: "Magic 42, version 2, a body length that is the datagram's, and a known first TLV.",
        blind_spots: "Packets with a trailer (RFC 8967).",
        bits: 35.0,
        says: [either("Babel packet", &[
            Is(0, b"\x2a\x02"), Counts(Be16, 2, 4), In(4, 0, 16), LenIn(6, 1500),
        ])],
    }
    {
        id: "bfd",
        title: "BFD",
        over: Udp,
        reference: "RFC 5880 section 4.1, RFC 7880",
        rests_on: "Version 1, a known diagnostic, a length that is the datagram's, a discriminator, and \
                   three intervals of less than 64 seconds.",
        blind_spots: "Longer intervals.",
        bits: 28.0,
        says: [either("BFD control packet", &[
            Mask(0, 0xe0, 0x20), Mask(1, 0x01, 0), Counts(U8, 3, 0), Check(is_bfd, 18.0),
            LenIn(24, 56),
        ])],
    }
    {
        id: "cpha",
        title: "Check Point CCP (CPHA)",
        over: Udp,
        reference: "Check Point, ClusterXL CCP (UDP 8116), as Wireshark documents it",
        rests_on: "Magic 1a90, a version below 16,384 and a small operation.",
        blind_spots: "Versions whose header differs.",
        bits: 24.0,
        says: [either("CCP header", &[
            Is(0, b"\x1a\x90"), Mask(2, 0xc0, 0), Zeros(6, 1), In(7, 0, 15), LenIn(16, 9000),
        ])],
    }
    {
        id: "dlep",
        title: "DLEP",
        over: Both,
        reference: "RFC 8175 sections 11 and 12",
        rests_on: "The discovery signal DLEP with its type and length; in TCP, a session's first \
                   message with its first data item.",
        blind_spots: "A session captured after its first message.",
        bits: 47.0,
        says: [
            client("DLEP peer discovery", &[Is(0, b"DLEP\0\x01"), Counts(Be16, 6, 8)]),
            either("DLEP peer offer", &[Is(0, b"DLEP\0\x02"), Counts(Be16, 6, 8)]),
            // Session Initialization and its response: the heartbeat interval, 4 bytes, is mandatory
            // and comes first
            client("DLEP session initialization", &[
                Is(0, b"\0\x01"), Is(4, b"\0\x05\0\x04"), Counts(Be16, 2, 4),
            ]),
            either("DLEP session initialization response", &[
                Is(0, b"\0\x02"), Is(4, b"\0\x05\0\x04"), Counts(Be16, 2, 4),
            ]),
            behind("DLEP message", &[Zeros(0, 1), In(1, 1, 16), Counts(Be16, 2, 4)]),
        ],
    }
    {
        id: "glbp",
        title: "GLBP",
        over: Udp,
        reference: "Cisco, Gateway Load Balancing Protocol (UDP 3222), as Wireshark documents it",
        rests_on: "Version 1, zeros, and a hello, forwarder or authentication record of its length.",
        blind_spots: "Nothing known.",
        bits: 47.0,
        says: [
            either("GLBP packet", &[
                Is(0, b"\x01"), In(1, 0, 1), Zeros(4, 2), Any(12, &[1, 2]), Any(13, &[0x1c, 0x14]),
                Mask(2, 0xfc, 0), Zeros(15, 1),
            ]),
            // a text, an MD5 sum, or one of a chain's keys
            either("GLBP packet with authentication", &[
                Is(0, b"\x01"), In(1, 0, 1), Zeros(4, 2), Is(12, b"\x03"), In(14, 1, 3),
                Mask(2, 0xfc, 0), Check(is_glbp_authentication, 8.0),
            ]),
        ],
    }
    {
        id: "hsrp",
        title: "HSRP",
        over: Udp,
        reference: "RFC 2281 section 5; version 2 as Cisco and Wireshark document it",
        rests_on: "Version 1: known operation and state and the default password, or an MD5 sum behind \
                   it, or an advertisement; version 2: the first value's type, length and version.",
        blind_spots: "Version 1 with a password of the site's own.",
        bits: 32.0,
        says: [
            either("HSRP version 1", &[
                Is(0, b"\0"), In(1, 0, 3), Any(2, &[0, 1, 2, 4, 8, 16]), Is(8, b"cisco\0\0\0"), LenIn(20, 64),
            ]),
            // type, length, algorithm, padding, flags; the address, the key's number, the sum
            either("HSRP version 1 with MD5", &[
                Is(0, b"\0"), In(1, 0, 3), Any(2, &[0, 1, 2, 4, 8, 16]), Is(20, b"\x04\x1c\x01\0\0\0"), Len(50),
            ]),
            // the interface's state: passive or active; groups, less than 256 each
            either("HSRP version 1, interface state", &[
                Is(0, b"\0\x03\0\x01\0\x0a"), In(6, 1, 2), Zeros(8, 1), Zeros(10, 1), Zeros(12, 4), Len(16),
            ]),
            either("HSRP version 2", &[
                Is(0, b"\x01\x28\x02"), In(3, 0, 2), In(4, 0, 6), Any(5, &[4, 6]), LenIn(42, 128),
            ]),
            // active and passive groups, less than 256 each
            either("HSRP version 2, interface state", &[
                Is(0, b"\x02\x04"), Zeros(2, 1), Zeros(4, 1), Len(6),
            ]),
        ],
    }
    {
        id: "ldp",
        title: "LDP (label distribution)",
        over: Both,
        reference: "RFC 5036 section 3.1, 3.5.2, 3.5.3",
        rests_on: "Version 1, the label space of a platform, and a hello or session initialization with \
                   its first parameter.",
        blind_spots: "A session captured after its initialization.",
        bits: 80.0,
        says: [
            either("LDP hello", &[
                Is(0, b"\0\x01"), Is(8, b"\0\0\x01\0"), Is(18, b"\x04\0\0\x04"), Counts(Be16, 2, 4),
            ]),
            either("LDP initialization", &[
                Is(0, b"\0\x01"), Is(8, b"\0\0\x02\0"), Is(18, b"\x05\0\0\x0e"), Counts(Be16, 2, 4),
            ]),
            behind("LDP message", &[Is(0, b"\0\x01"), In(10, 0, 8), Counts(Be16, 2, 4)]),
        ],
    }
    {
        id: "olsr",
        title: "OLSR",
        over: Udp,
        reference: "RFC 3626 section 3.3",
        rests_on: "A packet length that is the datagram's, and messages of known types whose sizes fill it.",
        blind_spots: "Version 2.",
        bits: 30.0,
        says: [either("OLSR packet", &[Counts(Be16, 0, 0), Check(is_olsr, 20.0), LenIn(16, 1500)])],
        openings: [
            mixed(&[(0, 5)], &[]).required(),
            mixed(&[(1, 4), (128, 135)], &[]).at(4).required(),
            within(&[(1, 255)]).at(12).required(),
        ],
    }
    {
        id: "wccp",
        title: "WCCP version 2",
        over: Udp,
        reference: "draft-mclaggan-wccp-v2rev1 section 6",
        rests_on: "A known message type, version 2, and a length that is the datagram's.",
        blind_spots: "Version 1.",
        bits: 60.0,
        says: [either("WCCP message", &[
            Zeros(0, 3), In(3, 10, 13), Is(4, b"\x02\0"), Counts(Be16, 6, 8),
        ])],
    }
}

/// RFC 5880 section 6.8.6: what makes a packet be discarded; and intervals in microseconds.
fn is_bfd(bytes: &[u8]) -> bool {
    let short = |at| be32(bytes, at).is_some_and(|micros| micros < 1 << 26);
    let multiplier = u8_at(bytes, 2).is_some_and(|count| count > 0);
    let authenticated = u8_at(bytes, 1).is_some_and(|flags| flags & 0x04 != 0);
    let long = u8_at(bytes, 3).is_some_and(|len| len > 24);
    let discriminator = be32(bytes, 4).is_some_and(|number| number != 0);
    multiplier && authenticated == long && discriminator && short(12) && short(16) && short(20)
}

/// RFC 3626 section 3.3.2: HELLO, TC, MID, HNA, and olsrd's own from 128 on.
fn is_olsr(bytes: &[u8]) -> bool {
    let mut at = 4_usize;
    for _ in 0..32 {
        let message = rest(bytes, at);
        let (Some(kind), Some(size)) = (u8_at(message, 0), be16(message, 2)) else { return false };
        let ttl = u8_at(message, 8).is_some_and(|ttl| ttl > 0);
        if !matches!(kind, 1..=4 | 128..=135) || size < 12 || !ttl {
            return false;
        }
        at = at.saturating_add(usize::from(size));
        if at >= bytes.len() {
            // The last one ends where the packet does.
            return be16(bytes, 0).is_some_and(|len| usize::from(len) == at);
        }
    }
    false
}
