//! Rows: routers, gateways, and what runs between them.

use super::Condition::{Any, Check, Counts, In, Is, Len, LenIn, Mask, Zeros};
use super::Width::{Be16, U8};
use super::{Say, client, either, probe_row, server};
use crate::identify::{Detector, FlowView, Over, Probe};
use crate::wire::{array, be16, be32, rest, u8_at};

rows! {
    BABEL {
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
        accepts: ["2a02 0008 04 06 0000 0001 0190"],
        refuses: ["2a02 0009 04 06 0000 0001 0190", "2a01 0008 04 06 0000 0001 0190", "2a02 0008 f4 06 0000 0001 0190"],
    }
    BFD {
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
        accepts: ["20 c8 03 18 00000001 00000002 000f4240 000f4240 00000000"],
        refuses: [
            "40 c8 03 18 00000001 00000002 000f4240 000f4240 00000000",
            "20 c8 03 19 00000001 00000002 000f4240 000f4240 00000000",
            "20 c8 03 18 00000000 00000002 000f4240 000f4240 00000000",
            "20 c8 03 18 00000001 00000002 ff0f4240 000f4240 00000000",
        ],
    }
    CPHA {
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
        accepts: ["1a90 0c31 2785 0001 0016 793e 00*16"],
        refuses: ["1a91 0c31 2785 0001 0016 793e 00*16", "1a90 0c31 2785 0101 0016 793e 00*16", "1a90 fc31 2785 0001 00*16"],
    }
    GENEVE {
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
        accepts: [
            "00 00 6558 000001 00 020304050607 020304050608 0800 45000054 00*16",
            "02 40 6558 000001 00 0102000101020304 020304050607 020304050608 0806 0001",
            "00 00 0800 000001 00 45000054 00*16",
        ],
        refuses: [
            "40 00 6558 000001 00 020304050607 020304050608 0800 45000054 00*16",
            "00 00 6558 000001 01 020304050607 020304050608 0800 45000054 00*16",
            "00 00 6558 000001 00 020304050607 020304050608 0300 45000054 00*16",
        ],
    }
    OLSR {
        id: "olsr",
        title: "OLSR",
        over: Udp,
        reference: "RFC 3626 section 3.3",
        rests_on: "A packet length that is the datagram's, and messages of known types whose sizes fill it.",
        blind_spots: "Version 2.",
        bits: 30.0,
        says: [either("OLSR packet", &[Counts(Be16, 0, 0), Check(is_olsr, 20.0), LenIn(16, 1500)])],
        accepts: ["0014 0001 01 86 0010 c0000201 01 00 0007 00000203"],
        refuses: [
            "0015 0001 01 86 0010 c0000201 01 00 0007 00000203",
            "0014 0001 01 86 0011 c0000201 01 00 0007 00000203",
            "0014 0001 09 86 0010 c0000201 01 00 0007 00000203",
        ],
    }
    TINC {
        id: "tinc",
        title: "tinc",
        over: Tcp,
        reference: "tinc manual, The connection, ID request",
        rests_on: "The line 0, a name, and protocol version 17.",
        blind_spots: "Its UDP packets, which are ciphertext.",
        bits: 40.0,
        says: [either("tinc ID request", &[Is(0, b"0 "), Check(is_tinc_id, 32.0)])],
        accepts: ["'0~hall~17.7' 0a '1~94' 0a", "'0~hall~17' 0a"],
        refuses: ["'0~hall~18' 0a", "'0~17' 0a", "'1~hall~17' 0a"],
    }
    COLLECTD {
        id: "collectd",
        title: "collectd",
        over: Udp,
        reference: "collectd wiki, Binary protocol (UDP 25826)",
        rests_on: "A host's name as the first part and a time as the second; or a signature or encryption \
                   of its size.",
        blind_spots: "Nothing known.",
        bits: 40.0,
        says: [
            either("collectd values", &[Zeros(0, 3), Check(is_collectd, 40.0)]),
            either("collectd, signed", &[Is(0, b"\x02\0\0"), Check(|bytes| u8_at(bytes, 3) >= Some(36), 0.2), Check(is_collectd_signed, 40.0)]),
        ],
        accepts: ["0000 0009 'hall' 00 0008 000c 17e1a2b3c4d5e6f7 0009 000c 0000000280000000"],
        refuses: [
            "0000 0009 'hall' 00 0007 000c 17e1a2b3c4d5e6f7",
            "0000 0009 68616c01 00 0008 000c 17e1a2b3c4d5e6f7",
            "0000 0019 'hall' 00 0008 000c 17e1a2b3c4d5e6f7",
        ],
    }
    STATSD {
        id: "statsd",
        title: "StatsD",
        over: Udp,
        reference: "StatsD, docs/metric_types.md; Datadog's DogStatsD datagrams",
        rests_on: "Lines of a name, a colon, a number, a bar and a known type, and nothing else.",
        blind_spots: "Events and checks.",
        bits: 30.0,
        says: [either("StatsD metrics", &[LenIn(8, 9000), Check(is_statsd, 30.0)])],
        accepts: ["'app.requests:1|c'", "'app.time:320|ms|@0.1' 0a 'app.load:0.5|g|#host:a'"],
        refuses: ["'app.requests:x|c'", "'app.requests:1|zz'", "'GET~/a:1|c~HTTP/1.1'"],
    }
    GLBP {
        id: "glbp",
        title: "GLBP",
        over: Udp,
        reference: "Cisco, Gateway Load Balancing Protocol (UDP 3222), as Wireshark documents it",
        rests_on: "Version 1, zeros, and a hello or forwarder record of its length.",
        blind_spots: "Packets that start with authentication.",
        bits: 47.0,
        says: [either("GLBP packet", &[
            Is(0, b"\x01"), In(1, 0, 1), Zeros(4, 2), Any(12, &[1, 2]), Any(13, &[0x1c, 0x14]),
            Mask(2, 0xfc, 0), Zeros(15, 1),
        ])],
        accepts: ["01 00 0001 0000 020304050607 01 1c 00 00 20 64 00*22"],
        refuses: [
            "02 00 0001 0000 020304050607 01 1c 00 00 20 64 00*22",
            "01 00 0001 0001 020304050607 01 1c 00 00 20 64 00*22",
            "01 00 0001 0000 020304050607 09 1c 00 00 20 64 00*22",
        ],
    }
    HSRP {
        id: "hsrp",
        title: "HSRP",
        over: Udp,
        reference: "RFC 2281 section 5; version 2 as Cisco and Wireshark document it",
        rests_on: "Version 1: known operation and state and the default password; version 2: the first \
                   value's type, length and version.",
        blind_spots: "Version 1 with a password of the site's own.",
        bits: 32.0,
        says: [
            either("HSRP version 1", &[
                Is(0, b"\0"), In(1, 0, 3), Any(2, &[0, 1, 2, 4, 8, 16]), Is(8, b"cisco\0\0\0"), LenIn(20, 64),
            ]),
            either("HSRP version 2", &[
                Is(0, b"\x01\x28\x02"), In(3, 0, 2), In(4, 0, 6), Any(5, &[4, 6]), LenIn(42, 128),
            ]),
            // active and passive groups, less than 256 each
            either("HSRP version 2, interface state", &[
                Is(0, b"\x02\x04"), Zeros(2, 1), Zeros(4, 1), Len(6),
            ]),
        ],
        accepts: [
            "00 00 10 03 0a 78 01 00 'cisco' 000000 c0a80001",
            "0128 02 00 06 04 0001 020304050607 00000064 00000bb8 00002710 c0a80001 00*12",
        ],
        refuses: [
            "01 00 10 03 0a 78 01 00 'cisco' 000000 c0a80001",
            "0128 02 09 06 04 0001 020304050607 00000064 00000bb8 00002710 c0a80001 00*12",
            "0128 03 00 06 04 0001 020304050607 00000064 00000bb8 00002710 c0a80001 00*12",
        ],
    }
    LDP {
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
        ],
        accepts: ["0001 0016 c0000201 0000 0100 000c 00000001 0400 0004 000f 0000"],
        refuses: [
            "0002 0016 c0000201 0000 0100 000c 00000001 0400 0004 000f 0000",
            "0001 0016 c0000201 0000 0300 000c 00000001 0400 0004 000f 0000",
            "0001 0016 c0000201 0000 0100 000c 00000001 0400 0005 000f 0000",
        ],
    }
    PPTP {
        id: "pptp",
        title: "PPTP control",
        over: Tcp,
        reference: "RFC 2637 section 2",
        rests_on: "A control message with the magic cookie and a known type.",
        blind_spots: "The tunnel itself, which is GRE.",
        bits: 60.0,
        says: [
            client("PPTP start request", &[Is(0, b"\0\x9c\0\x01\x1a\x2b\x3c\x4d\0\x01\0\0")]),
            server("PPTP start reply", &[Is(0, b"\0\x9c\0\x01\x1a\x2b\x3c\x4d\0\x02\0\0")]),
            client("PPTP outgoing call request", &[Is(0, b"\0\xa8\0\x01\x1a\x2b\x3c\x4d\0\x07\0\0")]),
            either("PPTP control message", &[
                Is(2, b"\0\x01\x1a\x2b\x3c\x4d\0"), In(9, 1, 15), Zeros(10, 2),
            ]),
        ],
        accepts: ["009c 0001 1a2b3c4d 0001 0000 0100 0000 00*140", "0010 0001 1a2b3c4d 0005 0000 00000001"],
        refuses: ["009c 0001 1a2b3c4e 0001 0000 0100", "009c 0002 1a2b3c4d 0001 0000 0100", "0010 0001 1a2b3c4d 0015 0000 0000"],
    }
    RDP_UDP {
        id: "rdp-udp",
        title: "RDP over UDP",
        over: Udp,
        reference: "MS-RDPEUDP section 2.2.2.1, 2.2.2.5",
        rests_on: "A SYN whose acknowledged sequence is ffffffff, with known flags and both MTUs between \
                   1132 and 1232; or the SYN+ACK to it.",
        blind_spots: "A connection captured after its opening.",
        bits: 29.0,
        says: [
            client("RDP-UDP SYN", &[
                Is(0, b"\xff\xff\xff\xff"), Mask(6, 0xc8, 0), Any(7, &[1]), Check(has_rdp_mtus, 18.0),
            ]),
            server("RDP-UDP SYN+ACK", &[
                Mask(6, 0xc8, 0), Any(7, &[5]), Check(has_rdp_mtus, 18.0), LenIn(1132, 1232),
            ]),
        ],
        accepts: [
            "ffffffff 0040 1001 a1a2a3a4 04d0 04d0 00*1216",
            "a1a2a3a4 0040 0005 b1b2b3b4 04d0 04d0 00*1216",
        ],
        refuses: [
            "ffffffff 0040 1001 a1a2a3a4 05d0 04d0 00*1216",
            "ffffffff 0040 1002 a1a2a3a4 04d0 04d0 00*1216",
            "ffffffff 'TSource~Engine~Query' 00",
            "a1a2a3a4 0040 0005 b1b2b3b4 04d0 04d0",
        ],
    }
    RMCP {
        id: "rmcp",
        title: "RMCP (IPMI and ASF)",
        over: Udp,
        reference: "DMTF DSP0136 section 3.2; IPMI 2.0 section 13",
        rests_on: "RMCP version 1.0 with the sequence number of no acknowledgement, and IPMI with a known \
                   authentication, or ASF with its enterprise number.",
        blind_spots: "Nothing known.",
        bits: 36.0,
        says: [
            either("IPMI over RMCP", &[Is(0, b"\x06\0\xff\x07"), Any(4, &[0, 1, 2, 4, 5, 6]), LenIn(14, 1500)]),
            either("ASF over RMCP", &[Is(0, b"\x06\0"), Is(3, b"\x06\0\0\x11\xbe"), LenIn(12, 256)]),
            either("RMCP acknowledgement", &[Is(0, b"\x06\0"), Any(3, &[0x86]), Len(4)]),
        ],
        accepts: ["0600ff07 00 00000000 00000000 09 2018c881 00 388e 04b5", "0600ff06 000011be 80 00 00 00"],
        refuses: ["0600ff07 08 00000000 00000000 09 2018c881", "0601ff07 00 00000000 00000000 09", "0600ff06 000011bf 80 00 00 00"],
    }
    TAILSCALE {
        id: "tailscale",
        title: "Tailscale discovery (disco)",
        over: Udp,
        reference: "Tailscale's public source, package disco",
        rests_on: "The magic TS and a speech balloon, and room for key and nonce.",
        blind_spots: "What follows it is WireGuard.",
        bits: 48.0,
        says: [either("Tailscale disco message", &[Is(0, b"TS\xf0\x9f\x92\xac"), LenIn(62, 1500)])],
        accepts: ["5453f09f92ac a1*32 b2*24 c3*40"],
        refuses: ["5453f09f92ac a1*32", "5453f09f92ad a1*32 b2*24 c3*40", "'TS3INIT1' 00*80"],
    }
    TEREDO {
        id: "teredo",
        title: "Teredo",
        over: Udp,
        reference: "RFC 4380 section 5.1.1",
        rests_on: "An IPv6 packet whose length fills the datagram, behind Teredo's own indications if \
                   any, with a Teredo or link-local address in it.",
        blind_spots: "Other IPv6 in UDP.",
        bits: 40.0,
        says: [either("Teredo, an IPv6 packet", &[Check(is_teredo, 40.0), LenIn(40, 1500)])],
        accepts: [
            "60000000 0000 3b 15 fe80*1 000000000000 8000ffffffffffff ff02 00*13 02",
            "0000 0cab 3f57fdfe 60000000 0000 3b 15 20010000*1 c0000201 8000 f354 3fffffff 20010db8*1 00*11 01",
        ],
        refuses: [
            "60000000 0001 3b 15 fe80 000000000000 8000ffffffffffff ff02 00*13 02",
            "60000000 0000 3b 15 20010db8 00*12 20010db8 00*11 01",
            "45000028 00000000 40110000 c0000201 c0000202 00*20",
        ],
    }
    VXLAN {
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
        accepts: ["08000000 00000100 020304050607 020304050608 0800 45000054 00*16"],
        refuses: [
            "08000000 00000101 020304050607 020304050608 0800 45000054 00*16",
            "08000001 00000100 020304050607 020304050608 0800 45000054 00*16",
            "08000000 00000100 020304050607 020304050608 1234 45000054 00*16",
        ],
    }
    WCCP {
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
        accepts: ["0000000a 0200 0008 0000 0004 00000000"],
        refuses: ["0000000e 0200 0008 0000 0004 00000000", "0000000a 0100 0008 0000 0004 00000000", "0000000a 0200 0009 0000 0004 00000000"],
    }
    XDMCP {
        id: "xdmcp",
        title: "XDMCP",
        over: Udp,
        reference: "X.Org, X Display Manager Control Protocol 1.1, section 3",
        rests_on: "Version 1, a known operation, and a length that is the datagram's.",
        blind_spots: "Nothing known.",
        bits: 44.0,
        says: [
            client("XDMCP question", &[Is(0, b"\0\x01\0"), Any(3, &[1, 2, 3, 7, 10, 11, 13]), Counts(Be16, 4, 6)]),
            server("XDMCP answer", &[Is(0, b"\0\x01\0"), Any(3, &[5, 6, 8, 9, 12, 14]), Counts(Be16, 4, 6)]),
        ],
        accepts: ["0001 0002 0001 00", "0001 0005 000a 0000 0003 'x11' 0001 00"],
        refuses: ["0001 0002 0002 00", "0002 0002 0001 00", "0001 0022 0001 00"],
    }
    ZEROTIER {
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
        accepts: ["a1*8 b1b2b3b4b5 c1c2c3c4c5 00 d1*8 01 0c 01 0a 0003 00000190a1b2c3d4 c1c2c3c4c5 00 e1*64 00*8"],
        refuses: [
            "a1*8 b1b2b3b4b5 c1c2c3c4c5 00 d1*8 01 0c 01 0a 0003 00000190a1b2c3d4 c1c2c3c4c6 00 e1*64 00*8",
            "a1*8 b1b2b3b4b5 c1c2c3c4c5 00 d1*8 02 0c 01 0a 0003 00000190a1b2c3d4 c1c2c3c4c5 00 e1*64 00*8",
            "00*140",
        ],
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

/// RFC 5880 section 6.8.6: what makes a packet be discarded; and intervals in microseconds.
fn is_bfd(bytes: &[u8]) -> bool {
    let short = |at| be32(bytes, at).is_some_and(|micros| micros < 1 << 26);
    let multiplier = u8_at(bytes, 2).is_some_and(|count| count > 0);
    let authenticated = u8_at(bytes, 1).is_some_and(|flags| flags & 0x04 != 0);
    let long = u8_at(bytes, 3).is_some_and(|len| len > 24);
    let discriminator = be32(bytes, 4).is_some_and(|number| number != 0);
    multiplier && authenticated == long && discriminator && short(12) && short(16) && short(20)
}

/// MS-RDPEUDP section 3.1.5.1.1: upstream and downstream MTU.
fn has_rdp_mtus(bytes: &[u8]) -> bool {
    let fits = |at| be16(bytes, at).is_some_and(|mtu| (1132..=1232).contains(&mtu));
    fits(12) && fits(14)
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

/// A string's zero is counted; then a time, as seconds (1) or finer (8).
fn is_collectd(bytes: &[u8]) -> bool {
    let Some(len) = be16(bytes, 2).map(usize::from).filter(|len| *len >= 6) else { return false };
    let Some((zero, name)) = bytes.get(4..len).and_then(<[u8]>::split_last) else { return false };
    let time = matches!(be32(bytes, len), Some(0x0001_000c | 0x0008_000c));
    *zero == 0 && name.iter().all(u8::is_ascii_graphic) && time
}

/// An HMAC of 32 bytes and a user's name, then the values.
fn is_collectd_signed(bytes: &[u8]) -> bool {
    let Some(len) = be16(bytes, 2).map(usize::from) else { return false };
    let user = bytes.get(36..len).is_some_and(|user| user.iter().all(u8::is_ascii_graphic));
    user && be16(bytes, len) == Some(0) && is_collectd(rest(bytes, len))
}

/// `name:value|type`, sometimes with a rate and tags.
fn is_statsd(bytes: &[u8]) -> bool {
    let mut lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).peekable();
    lines.peek().is_some() && lines.all(is_statsd_line)
}

fn is_statsd_line(line: &[u8]) -> bool {
    let mut fields = line.split(|byte| *byte == b'|');
    let Some(first) = fields.next() else { return false };
    let Some(colon) = first.iter().position(|byte| *byte == b':') else { return false };
    let (name, value) = first.split_at(colon);
    let name = name.len() >= 3
        && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"._-/".contains(byte));
    let value = rest(value, 1);
    let number = !value.is_empty()
        && value.iter().all(|byte| byte.is_ascii_digit() || b"+-.eE:".contains(byte));
    let kind = matches!(fields.next(), Some(b"c" | b"g" | b"ms" | b"h" | b"s" | b"d" | b"m"));
    name && number
        && kind
        && fields.all(|field| matches!(field.first(), Some(b'@' | b'#' | b'c' | b'T')))
}
