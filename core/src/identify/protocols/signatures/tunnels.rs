//! Signatures of tunnels and virtual private networks.

use super::Condition::{Check, Counts, Holds, In, Is, Len, LenIn, Mask, Zeros};
use super::Width::Be16;
use super::{client, either, server};
use crate::identify::openings::mixed;
use crate::wire::{array, be16, be32, rest, u8_at};

signatures! {
    {
        id: "geneve",
        title: "Geneve",
        over: Udp,
        reference: "RFC 8926 section 3.4",
        rests_on: "Version 0, reserved bits of zero, and an Ethernet frame or IP packet inside that \
                   fits its type.",
        blind_spots: "Other protocols inside.",
        bits: 38.0,
        says: [
            either("Geneve with an Ethernet frame", &[
                Mask(0, 0xc0, 0), Mask(1, 0x3f, 0), Is(2, b"\x65\x58"), Zeros(7, 1),
                Check(|bytes| is_ethernet(behind_geneve(bytes)), 11.0),
            ]),
            either("Geneve with IPv4", &[
                Mask(0, 0xc0, 0), Mask(1, 0x3f, 0), Is(2, b"\x08\0"), Zeros(7, 1),
                Check(|bytes| is_ipv4(behind_geneve(bytes)), 6.0),
            ]),
        ],
    }
    {
        id: "pptp",
        title: "PPTP control",
        over: Tcp,
        reference: "RFC 2637 section 2",
        rests_on: "A control message with the magic cookie and a known type.",
        blind_spots: "The tunnel itself, which is GRE.",
        bits: 60.0,
        says: [
            client("PPTP start request", &[
                Is(0, b"\0\x9c\0\x01\x1a\x2b\x3c\x4d\0\x01\0\0"), Len(156),
            ]),
            server("PPTP start reply", &[
                Is(0, b"\0\x9c\0\x01\x1a\x2b\x3c\x4d\0\x02\0\0"), Len(156),
            ]),
            client("PPTP outgoing call request", &[
                Is(0, b"\0\xa8\0\x01\x1a\x2b\x3c\x4d\0\x07\0\0"), Len(168),
            ]),
            either("PPTP control message", &[
                Is(2, b"\0\x01\x1a\x2b\x3c\x4d\0"), In(9, 1, 15), Zeros(10, 2), Counts(Be16, 0, 0),
            ]),
        ],
    }
    {
        id: "softether",
        title: "SoftEther VPN, NAT traversal",
        over: Udp,
        reference: "SoftEther VPN's public source, Network.c (NAT-T server's answer)",
        rests_on: "The answer's text: IP=, an address, PORT= and a number.",
        blind_spots: "The question, which is one byte; the VPN itself, which is TLS or looks random.",
        bits: 60.0,
        says: [server("SoftEther NAT-T answer", &[
            Is(0, b"IP="), In(3, b'0', b'9'), Holds(b",PORT="), LenIn(17, 64),
        ])],
    }
    {
        id: "tailscale",
        title: "Tailscale discovery (disco)",
        over: Udp,
        reference: "Tailscale's public source, package disco",
        rests_on: "The magic TS and a speech balloon, and room for key and nonce.",
        blind_spots: "What follows it is WireGuard.",
        bits: 48.0,
        says: [either("Tailscale disco message", &[Is(0, b"TS\xf0\x9f\x92\xac"), LenIn(62, 1500)])],
    }
    {
        id: "teredo",
        title: "Teredo",
        over: Udp,
        reference: "RFC 4380 section 5.1.1",
        rests_on: "An IPv6 packet whose length fills the datagram, behind Teredo's own indications if \
                   any, with a Teredo or link-local address in it.",
        blind_spots: "Other IPv6 in UDP.",
        bits: 40.0,
        says: [either("Teredo, an IPv6 packet", &[Check(is_teredo, 40.0), LenIn(40, 1500)])],
        openings: [
            // A packet, or what the relay puts before it.
            mixed(&[(0x60, 0x6f)], &[0]).required(),
        ],
    }
    {
        id: "tinc",
        title: "tinc",
        over: Tcp,
        reference: "tinc manual, The connection, ID request",
        rests_on: "The line 0, a name, and protocol version 17.",
        blind_spots: "Its UDP packets, which are ciphertext.",
        bits: 40.0,
        says: [either("tinc ID request", &[Is(0, b"0 "), Check(is_tinc_id, 32.0)])],
    }
    {
        id: "vxlan",
        title: "VXLAN",
        over: Udp,
        reference: "RFC 7348 section 5",
        rests_on: "The flag of a valid VNI, reserved bytes of zero, and an Ethernet frame inside.",
        blind_spots: "Its extensions, which use the reserved bits.",
        bits: 50.0,
        says: [either("VXLAN with an Ethernet frame", &[
            Is(0, b"\x08\0\0\0"), Zeros(7, 1), Check(|bytes| is_ethernet(rest(bytes, 8)), 11.0),
        ])],
    }
    {
        id: "zerotier",
        title: "ZeroTier",
        over: Udp,
        reference: "ZeroTier's public source, Packet.hpp",
        rests_on: "A hello in the clear: the sender's address is that of the identity it sends, which is of \
                   type 0.",
        blind_spots: "Everything but hellos: it is encrypted.",
        bits: 56.0,
        says: [either("ZeroTier hello", &[
            Mask(18, 0x38, 0), Mask(27, 0x1f, 1), In(28, 4, 20), Zeros(46, 1), Check(is_own_identity, 40.0),
            LenIn(111, 1500),
        ])],
    }
}

/// Known EtherTypes behind two addresses, and the version where it is IP.
fn is_ethernet(frame: &[u8]) -> bool {
    match be16(frame, 12) {
        Some(0x0800) => u8_at(frame, 14).is_some_and(|byte| (0x45..=0x4f).contains(&byte)),
        Some(0x86dd) => u8_at(frame, 14).is_some_and(|byte| byte >> 4 == 6),
        Some(kind) => matches!(kind, 0x0806 | 0x8100 | 0x88a8 | 0x8847 | 0x88cc | 0x8863 | 0x8864),
        None => false,
    }
}

/// Behind Geneve's header and its options, whose length counts words.
fn behind_geneve(bytes: &[u8]) -> &[u8] {
    let words = u8_at(bytes, 0).map_or(0, |byte| usize::from(byte & 0x3f));
    rest(bytes, words.saturating_mul(4).saturating_add(8))
}

fn is_ipv4(packet: &[u8]) -> bool {
    u8_at(packet, 0).is_some_and(|byte| (0x45..=0x4f).contains(&byte))
        && be16(packet, 2).is_some_and(|len| len >= 20)
}

/// RFC 4380 section 5.1.1: authentication (0001) and origin (0000) may stand before the packet.
fn is_teredo(bytes: &[u8]) -> bool {
    let mut packet = bytes;
    if let Some([0, 1, id, auth]) = array::<4>(packet, 0) {
        packet = rest(packet, usize::from(id).saturating_add(usize::from(auth)).saturating_add(13));
    }
    if be16(packet, 0) == Some(0) {
        packet = rest(packet, 8);
    }
    let version = u8_at(packet, 0).is_some_and(|byte| byte >> 4 == 6);
    let payload = be16(packet, 4).map(usize::from);
    let next = u8_at(packet, 6);
    let known = matches!(next, Some(0 | 6 | 17 | 43 | 44 | 58 | 59 | 60));
    let teredo =
        |at| be32(packet, at) == Some(0x2001_0000) || be32(packet, at) == Some(0xfe80_0000);
    let filled = payload == packet.len().checked_sub(40) && packet.len() >= 40;
    version && filled && known && (teredo(8) || teredo(24))
}

fn is_own_identity(bytes: &[u8]) -> bool {
    let source = array::<5>(bytes, 13);
    source.is_some_and(|[first, ..]| first != 0 && first != 0xff) && source == array::<5>(bytes, 41)
}

/// `0 NAME 17` or `0 NAME 17.MINOR`, and the line's end.
fn is_tinc_id(bytes: &[u8]) -> bool {
    let Some(line) = bytes.split(|byte| *byte == b'\n').next() else { return false };
    let mut words = line.split(|byte| *byte == b' ');
    let zero = words.next() == Some(b"0");
    let name = words.next().is_some_and(|name| {
        !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
    });
    let version = words.next().and_then(|version| version.strip_prefix(b"17"));
    let minor = version.is_some_and(|minor| minor.is_empty() || minor.starts_with(b"."));
    zero && name && minor && words.next().is_none() && line.len() < bytes.len()
}
