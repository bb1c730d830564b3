//! Rows: games, voice, music, pictures and sharing of files.

use super::Condition::{Any, Check, Counts, Holds, In, Is, Len, LenIn, Mask, Zeros};
use super::Width::{Be16, Le32};
use super::{Say, client, either, probe_opener, probe_row, server};
use crate::identify::{Detector, FlowView, Over, Probe};
use crate::wire::{be16, be32, rest, u8_at};

rows! {
    BT_DHT {
        id: "bittorrent-dht",
        title: "BitTorrent DHT",
        over: Udp,
        reference: "BEP 5, KRPC protocol; BEP 42, BEP 43",
        rests_on: "A bencoded dictionary that starts with a node's id of 20 bytes, or with keys of KRPC \
                   in their order, and has KRPC's message type.",
        blind_spots: "Messages that were cut before the type.",
        bits: 64.0,
        says: [
            client("BitTorrent DHT query", &[Is(0, b"d1:ad2:id20:")]),
            server("BitTorrent DHT response", &[Is(0, b"d1:rd2:id20:")]),
            server("BitTorrent DHT error", &[Is(0, b"d1:eli20"), In(8, b'0', b'9')]),
            either("BitTorrent DHT message", &[Is(0, b"d2:ip"), Check(has_krpc_type, 40.0)]),
            either("BitTorrent DHT message", &[Is(0, b"d1:"), Any(3, b"qratv"), Check(has_krpc_type, 40.0)]),
        ],
        accepts: [
            "'d1:ad2:id20:' a1*20 'e1:q4:ping1:t2:aa1:y1:qe'",
            "'d1:rd2:id20:' a1*20 'e1:t2:aa1:y1:re'",
            "'d2:ip6:' c0000201 1a2b '1:rd2:id20:' a1*20 'e1:t2:aa1:y1:re'",
        ],
        refuses: ["'d1:ad2:ix20:' a1*20 'e'", "'d8:announce40:http://example.org/'", "'d1:x1:y1:qe'"],
    }
    NETCODE {
        id: "netcode",
        title: "netcode (Yojimbo)",
        over: Udp,
        reference: "netcode.io standard 1.02 (public), connection request packet",
        rests_on: "A connection request with the version's text.",
        blind_spots: "A connection captured after its request: it is encrypted.",
        bits: 80.0,
        says: [client("netcode connection request", &[Is(0, b"\0NETCODE 1.0"), Is(13, b"\0")])],
        accepts: ["00 'NETCODE~1.02' 00 a1*64"],
        refuses: ["01 'NETCODE~1.02' 00 a1*64", "00 'NETCODE~2.02' 00 a1*64", "'NETCODE~1.02' 00 a1*64"],
    }
    OICQ {
        id: "oicq",
        title: "OICQ (QQ)",
        over: Udp,
        reference: "OICQ as Wireshark documents it (UDP 8000)",
        rests_on: "The first byte 2, the last 3, a known command, and an account number.",
        blind_spots: "Commands of later versions.",
        bits: 26.0,
        says: [either("OICQ message", &[Is(0, b"\x02"), Check(is_oicq, 18.0), LenIn(12, 1500)])],
        accepts: ["02 3649 0017 1a2b 3b9aca00 a1*16 03"],
        refuses: [
            "02 3649 0017 1a2b 3b9aca00 a1*16 04",
            "02 3649 1017 1a2b 3b9aca00 a1*16 03",
            "02 3649 0017 1a2b 00000001 a1*16 03",
        ],
    }
    NINTENDO {
        id: "nintendo",
        title: "Nintendo Pia",
        over: Udp,
        reference: "NintendoClients wiki (public), Pia protocol, packet header",
        rests_on: "The magic 32ab9864 and a header of a known version.",
        blind_spots: "Nothing known.",
        bits: 34.0,
        says: [either("Pia packet", &[Is(0, b"\x32\xab\x98\x64"), Mask(4, 0x60, 0), LenIn(24, 1500)])],
        accepts: ["32ab9864 02 56 03cb a1*40"],
        refuses: ["32ab9865 02 56 03cb a1*40", "32ab9864 62 56 03cb a1*40", "32ab9864 02"],
    }
    RIPE_ATLAS {
        id: "ripe-atlas",
        title: "RIPE Atlas and Magellan probes",
        over: Both,
        reference: "SANS Internet Storm Center diary 28382 (2022), the MGLNDD_ scans",
        rests_on: "The text MGLNDD_ with an address and a port.",
        blind_spots: "Nothing known.",
        bits: 56.0,
        says: [client("MGLNDD probe", &[Is(0, b"MGLNDD_"), In(7, b'0', b'9'), Holds(b".")])],
        accepts: ["'MGLNDD_192.0.2.1_3243'"],
        refuses: ["'MGLNDD'", "'mglndd_192.0.2.1_3243'", "'MGLNDD_x.y_3243'"],
    }
    ABLETON_LINK {
        id: "ableton-link",
        title: "Ableton Link",
        over: Udp,
        reference: "Ableton Link, public source (UDP 20808)",
        rests_on: "The name _asdp_v and version 1.",
        blind_spots: "Measurements of the clock, which have another name.",
        bits: 64.0,
        says: [either("Ableton Link announcement", &[Is(0, b"_asdp_v\x01")])],
        accepts: ["'_asdp_v' 01 01 05 0000 a1a2a3a4a5a6a7a8"],
        refuses: ["'_asdp_w' 01 01 05", "'_asdp_v' 31 01", "00 '_asdp_v' 01"],
    }
    DISCORD {
        id: "discord",
        title: "Discord voice, IP discovery",
        over: Udp,
        reference: "Discord developer documentation, Voice Connections, IP Discovery",
        rests_on: "Type 1 or 2 and length 70 in a datagram of 74 bytes; the question's address is \
                   zero, the answer's is text. Or a keep-alive with its magic and a counter.",
        blind_spots: "The voice itself: it is RTP, and named so behind it.",
        bits: 36.0,
        says: [
            client("Discord IP discovery question", &[
                Is(0, b"\0\x01\0\x46"), Len(74), Zeros(8, 32),
            ]),
            either("Discord voice ping", &[Is(0, b"\x13\x37\xca\xfe"), Len(8), Zeros(5, 3)]),
            server("Discord IP discovery answer", &[
                Is(0, b"\0\x02\0\x46"), Len(74), In(8, b'0', b'9'), Mask(9, 0xc0, 0),
            ]),
        ],
        asks: probe_opener,
        accepts: ["00010046 0001e240 00*66", "00020046 0001e240 '198.51.100.7' 00*52 c001"],
        refuses: [
            "00010046 0001e240 00*67",
            "00030046 0001e240 00*66",
            "00010046 2112a442 '0123456789ab' 00*54",
        ],
    }
    DNSCRYPT {
        id: "dnscrypt",
        title: "DNSCrypt answer",
        over: Udp,
        reference: "DNSCrypt protocol version 2, section 8 (draft-denis-dprive-dnscrypt)",
        rests_on: "The resolver's magic r6fnvWj8.",
        blind_spots: "Questions: their magic is each resolver's own.",
        bits: 64.0,
        says: [server("DNSCrypt answer", &[Is(0, b"r6fnvWj8"), LenIn(48, 65507)])],
        accepts: ["'r6fnvWj8' a1*24 b2*64"],
        refuses: ["'r6fnvWj9' a1*24 b2*64", "'R6FNVWJ8' a1*24 b2*64", "'r6fnvWj8' a1*8"],
    }
    GANGLIA {
        id: "ganglia",
        title: "Ganglia",
        over: Both,
        reference: "Ganglia 3.1, gm_protocol.x (UDP 8649); gmond's XML (TCP)",
        rests_on: "A known message number and a printable host or metric name in XDR; in TCP, XML \
                   that names GANGLIA_XML.",
        blind_spots: "Messages of versions before 3.1.",
        bits: 60.0,
        says: [
            either("Ganglia metric", &[
                Zeros(0, 3), In(3, 0x80, 0x88), Zeros(4, 3), In(7, 1, 64), Check(is_xdr_name, 8.0),
                LenIn(16, 1500),
            ]),
            server("Ganglia XML", &[Is(0, b"<?xml "), Holds(b"GANGLIA_XML")]),
        ],
        accepts: ["00000085 00000004 'host' 00000008 'load_one' 00000000", "'<?xml~version=\"1.0\"?><!DOCTYPE~GANGLIA_XML~['"],
        refuses: [
            "00000095 00000004 'host' 00000008 'load_one'",
            "00000085 00000004 01020304 00000008 'load_one'",
            "'<?xml~version=\"1.0\"?><!DOCTYPE~html>'",
        ],
    }
    GELF {
        id: "gelf",
        title: "Graylog GELF",
        over: Udp,
        reference: "Graylog documentation, GELF payload specification 1.1",
        rests_on: "A JSON object that starts with GELF's version or host and has both; or chunks whose \
                   number is below their count, several of them.",
        blind_spots: "Compressed messages that fit one datagram.",
        bits: 24.0,
        says: [
            either("GELF message", &[
                Is(0, b"{\""), Holds(b"\"version\""), Holds(b"\"short_message\""), Holds(b"\"host\""),
            ]),
            either("GELF chunk", &[
                Is(0, b"\x1e\x0f"), In(10, 0, 127), In(11, 2, 128), Check(is_below_count, 1.0),
            ]),
        ],
        accepts: [
            "'{\"version\":\"1.1\",\"host\":\"a\",\"short_message\":\"b\"}'",
            "1e0f a1a2a3a4a5a6a7a8 00 02 78da*20 / 1e0f a1a2a3a4a5a6a7a8 01 02 0102*10",
        ],
        refuses: [
            "'{\"version\":\"1.1\",\"host\":\"a\"}'",
            "1e0f a1a2a3a4a5a6a7a8 02 02 78da*20 / 1e0f a1a2a3a4a5a6a7a8 03 02 0102*10",
            "1f8b 08 00 00000000 0003 00*20",
        ],
    }
    OSC {
        id: "osc",
        title: "Open Sound Control bundle",
        over: Udp,
        reference: "Open Sound Control 1.0 specification",
        rests_on: "The name #bundle and its zero at the start.",
        blind_spots: "Messages that stand alone.",
        bits: 64.0,
        says: [either("OSC bundle", &[Is(0, b"#bundle\0")])],
        accepts: ["'#bundle' 00 0000000000000001 00000014 '/synth/1' 00*4 ',i' 0000 00000001"],
        refuses: ["'#bundles' 00*16", "'#Bundle' 00*16", "'/synth/1' 00*4 ',i' 0000 00000001"],
    }
    QUAKE {
        id: "quake",
        title: "Quake-like game queries",
        over: Udp,
        reference: "id Software, Quake III Arena's public source; DarkPlaces master protocol",
        rests_on: "Four bytes of ff and one of the engine's commands.",
        blind_spots: "A game after its queries.",
        bits: 80.0,
        says: [
            client("Quake getstatus", &[Is(0, b"\xff\xff\xff\xffgetstatus")]),
            client("Quake getinfo", &[Is(0, b"\xff\xff\xff\xffgetinfo")]),
            client("Quake getchallenge", &[Is(0, b"\xff\xff\xff\xffgetchallenge")]),
            client("Quake getservers", &[Is(0, b"\xff\xff\xff\xffgetservers")]),
            server("Quake status", &[Is(0, b"\xff\xff\xff\xffstatusResponse")]),
            server("Quake info", &[Is(0, b"\xff\xff\xff\xffinfoResponse")]),
            server("Quake challenge", &[Is(0, b"\xff\xff\xff\xffchallengeResponse")]),
            server("Quake servers", &[Is(0, b"\xff\xff\xff\xffgetserversResponse")]),
            server("Quake connection", &[Is(0, b"\xff\xff\xff\xffconnectResponse")]),
            server("Quake print", &[Is(0, b"\xff\xff\xff\xffprint\n")]),
        ],
        accepts: ["ffffffff 'getstatus' 0a", "ffffffff 'statusResponse' 0a 5c 'sv_hostname'"],
        refuses: ["ffffffff 'getsomething'", "feffffff 'getstatus' 0a", "'getstatus' 0a"],
    }
    RAKNET {
        id: "raknet",
        title: "RakNet",
        over: Udp,
        reference: "RakNet 4 public source, MessageIdentifiers.h; Minecraft's public protocol notes",
        rests_on: "An offline message with RakNet's sixteen constant bytes in its place.",
        blind_spots: "A connection captured after its opening.",
        bits: 128.0,
        says: [
            client("RakNet unconnected ping", &[Any(0, &[1, 2]), Is(9, OFFLINE)]),
            client("RakNet open connection request 1", &[Is(0, b"\x05"), Is(1, OFFLINE)]),
            server("RakNet open connection reply 1", &[Is(0, b"\x06"), Is(1, OFFLINE)]),
            client("RakNet open connection request 2", &[Is(0, b"\x07"), Is(1, OFFLINE)]),
            server("RakNet open connection reply 2", &[Is(0, b"\x08"), Is(1, OFFLINE)]),
            server("RakNet refusal", &[In(0, 0x11, 0x1b), Is(1, OFFLINE)]),
            server("RakNet incompatible version", &[Is(0, b"\x19"), Is(2, OFFLINE)]),
            server("RakNet unconnected pong", &[Is(0, b"\x1c"), Is(17, OFFLINE)]),
            // Games number the messages anew.
            either("RakNet offline message", &[Is(1, OFFLINE)]),
        ],
        accepts: [
            "01 0000000000000001 00ffff00fefefefefdfdfdfd12345678 00*8",
            "05 00ffff00fefefefefdfdfdfd12345678 0a 00*400",
            "1c 00*16 00ffff00fefefefefdfdfdfd12345678 0004 'MCPE'",
        ],
        refuses: [
            "05 00ffff00fefefefefdfdfdfd12345679 0a 00*400",
            "0909 00ffff00fefefefefdfdfdfd12345678 0a 00*400",
            "01 00*4 00ffff00fefefefefdfdfdfd12345678 00*8",
        ],
    }
    ROUGHTIME {
        id: "roughtime",
        title: "Roughtime",
        over: Both,
        reference: "draft-ietf-ntp-roughtime section 5; Google's protocol before it",
        rests_on: "The magic ROUGHTIM; or the tags of the older question or answer in their order.",
        blind_spots: "Nothing known.",
        bits: 64.0,
        says: [
            either("Roughtime packet", &[Is(0, b"ROUGHTIM"), Counts(Le32, 8, 12)]),
            client("Roughtime question", &[Is(0, b"\x02\0\0\0\x40\0\0\0NONCPAD\xff")]),
            client("Roughtime question", &[Is(0, b"\x03\0\0\0"), Is(12, b"PAD\xffVER\0NONC")]),
            server("Roughtime answer", &[Is(0, b"\x05\0\0\0"), Is(20, b"SIG\0PATHSREPCERTINDX")]),
        ],
        accepts: [
            "'ROUGHTIM' 04000000 01020304",
            "02000000 40000000 'NONCPAD' ff a1*1008",
            "05000000 40000000 40000000 a4000000 3c010000 'SIG' 00 'PATHSREPCERTINDX' 00*40",
        ],
        refuses: ["'ROUGHTIM' 040000ff 01020304", "02000000 40000000 'NONCPAD' 00 a1*100", "'ROUGHTIN' 04000000 00*4"],
    }
    SAP_ANNOUNCEMENT {
        id: "sap-announcement",
        title: "Session Announcement Protocol",
        over: Udp,
        reference: "RFC 2974 section 3",
        rests_on: "Version 1 with no authentication, and a session description behind it.",
        blind_spots: "Encrypted or compressed announcements, and those from IPv6 sources.",
        bits: 80.0,
        says: [
            either("session announcement", &[
                Mask(0, 0xf3, 0x20), Zeros(1, 1), Is(8, b"application/sdp\0v=0"),
            ]),
            either("session announcement", &[
                Mask(0, 0xf3, 0x20), Zeros(1, 1), Is(8, b"v=0\r\no="), Holds(b"\ns="),
            ]),
        ],
        accepts: ["20 00 1234 c0000201 'application/sdp' 00 'v=0' 0d0a", "20 00 1234 c0000201 'v=0' 0d0a 'o=-~1' 0d0a 's=x'"],
        refuses: [
            "40 00 1234 c0000201 'application/sdp' 00 'v=0' 0d0a",
            "20 00 1234 c0000201 'application/xml' 00 'v=0' 0d0a",
            "'v=0' 0d0a 'o=-~1' 0d0a 's=x'",
        ],
    }
    SOFTETHER {
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
        accepts: ["'IP=198.51.100.7,PORT=51381'"],
        refuses: ["'IP=198.51.100.7;PORT=51381'", "'IP=host,PORT=1'", "'ip=198.51.100.7,PORT=51381'"],
    }
    SOURCE_ENGINE {
        id: "source-engine",
        title: "Source engine query",
        over: Udp,
        reference: "Valve developer wiki, Server queries",
        rests_on: "Four bytes of ff and a known query of its length, or an answer to one.",
        blind_spots: "The game itself, and answers in several packets.",
        bits: 38.0,
        says: [
            client("Source engine info query", &[Is(0, b"\xff\xff\xff\xffTSource Engine Query\0")]),
            client("Source engine query", &[Is(0, b"\xff\xff\xff\xff"), In(4, 0x55, 0x57), Len(9)]),
            server("Source engine challenge", &[Is(0, b"\xff\xff\xff\xffA"), Len(9)]),
            server("Source engine info", &[
                Is(0, b"\xff\xff\xff\xffI"), In(5, 2, 0x30), Check(is_source_text, 20.0),
            ]),
            server("Source engine players", &[
                Is(0, b"\xff\xff\xff\xffD"), Zeros(6, 1), LenIn(12, 1400),
            ]),
        ],
        accepts: [
            "ffffffff 'TSource~Engine~Query' 00",
            "ffffffff 55 a1a2a3a4",
            "ffffffff 41 a1a2a3a4",
            "ffffffff 49 11 'A~server' 00 'de_dust' 00 'cstrike' 00",
        ],
        refuses: [
            "ffffffff 55 a1a2a3a4 00",
            "fffffffe 55 a1a2a3a4",
            "ffffffff 0040 0001 00000001 04d0 04d0 00*1216",
            "ffffffff 'getinfo~xxx'",
        ],
    }
    STEAM {
        id: "steam",
        title: "Steam remote play discovery",
        over: Udp,
        reference: "Public descriptions of Steam's in-home streaming (UDP 27036)",
        rests_on: "The eight constant bytes before each message.",
        blind_spots: "Steam's other protocols.",
        bits: 64.0,
        says: [either("Steam discovery", &[Is(0, b"\xff\xff\xff\xff\x21\x4c\x5f\xa0")])],
        accepts: ["ffffffff214c5fa0 0a000000 08d0 00*8 04000000 08011002"],
        refuses: ["ffffffff214c5fa1 0a000000", "ffffffff 'T'", "214c5fa0 ffffffff"],
    }
    SYNCTHING {
        id: "syncthing",
        title: "Syncthing local discovery",
        over: Udp,
        reference: "Syncthing documentation, Local Discovery Protocol v4",
        rests_on: "The magic 2ea7d90b and a device's id of 32 bytes.",
        blind_spots: "The older versions, and the connections themselves.",
        bits: 48.0,
        says: [either("Syncthing announcement", &[Is(0, b"\x2e\xa7\xd9\x0b\x0a\x20")])],
        accepts: ["2ea7d90b 0a20 a1*32 1216 'tcp://0.0.0.0:22000' 00*3"],
        refuses: ["2ea7d90b 0a21 a1*33", "2ea7d90c 0a20 a1*32", "0a20 a1*32"],
    }
    TEAMSPEAK {
        id: "teamspeak",
        title: "TeamSpeak 3",
        over: Udp,
        reference: "TeamSpeak 3 protocol notes (public), section 2.1",
        rests_on: "The packet identifier TS3INIT1 with its number 101.",
        blind_spots: "A connection captured after its opening.",
        bits: 80.0,
        says: [either("TeamSpeak 3 init", &[Is(0, b"TS3INIT1\0\x65")])],
        accepts: ["'TS3INIT1' 0065 0000 88 065f3a4b 00 5a5a5a5a a1a2a3a4 00*8", "'TS3INIT1' 0065 88 01 00*20"],
        refuses: ["'TS3INIT2' 0065 0000 88", "'TS3INIT1' 0066 0000 88", "'TSINIT' 0065"],
    }
    VBAN {
        id: "vban",
        title: "VBAN",
        over: Udp,
        reference: "VB-Audio, VBAN protocol specifications",
        rests_on: "The name VBAN and a header that fits.",
        blind_spots: "Nothing known.",
        bits: 32.0,
        says: [either("VBAN frame", &[Is(0, b"VBAN"), LenIn(28, 1464), In(8, 0, 0x7f)])],
        accepts: ["'VBAN' 01ff0101 'Stream1' 00*9 00000001 00*64"],
        refuses: ["'VBAN'", "'VBAM' 01ff0101 'Stream1' 00*9 00000001", "'VBAN' 01ff0101 ff*20"],
    }
    ZRTP {
        id: "zrtp",
        title: "ZRTP",
        over: Udp,
        reference: "RFC 6189 section 5",
        rests_on: "Version bits and zeros at the start, the magic cookie, and a message's preamble.",
        blind_spots: "Nothing known.",
        bits: 64.0,
        says: [either("ZRTP message", &[
            Is(0, b"\x10\0"), Is(4, b"ZRTP"), Is(12, b"\x50\x5a"), Check(is_zrtp_length, 5.0),
        ])],
        accepts: ["1000 0001 5a525450 1f2e3d4c 505a 0003 'HelloACK' a1a2a3a4"],
        refuses: [
            "1000 0001 5a525451 1f2e3d4c 505a 0003 'HelloACK'",
            "9000 0001 5a525450 1f2e3d4c 505a 0003 'HelloACK'",
            "1000 0001 5a525450 1f2e3d4c 505b 0003 'HelloACK'",
        ],
    }
    MUMBLE {
        id: "mumble",
        title: "Mumble, UDP ping",
        over: Udp,
        reference: "Mumble documentation, UDP ping packet",
        rests_on: "An answer of 24 bytes with a version 1 and plausible numbers of users and \
                   bandwidth.",
        blind_spots: "The question, which is mostly zero; the voice, which is encrypted.",
        bits: 50.0,
        says: [server("Mumble ping answer", &[
            Is(0, b"\0\x01"), In(2, 0, 9), Len(24), Zeros(12, 2), Zeros(16, 2), Zeros(20, 1),
            Check(|bytes| be16(bytes, 14) <= be16(bytes, 18) && be16(bytes, 22) > Some(0), 1.0),
        ])],
        accepts: ["00010204 a1a2a3a4a5a6a7a8 00000007 00000064 0000fa00"],
        refuses: [
            "00010204 a1a2a3a4a5a6a7a8 00000065 00000064 0000fa00",
            "00010204 a1a2a3a4a5a6a7a8 00000007 00000064 0000fa00 00",
            "00020204 a1a2a3a4a5a6a7a8 00000007 00000064 0000fa00",
        ],
    }
    TELEGRAM_VOIP {
        id: "telegram-voip",
        title: "Telegram calls",
        over: Udp,
        reference: "libtgvoip's public source, VoIPController (reflector requests)",
        rests_on: "A reflector's request: twelve bytes of ff behind the peer's tag, and the number -2.",
        blind_spots: "The call itself, which is ciphertext.",
        bits: 120.0,
        says: [either("Telegram reflector message", &[
            Is(16, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), Is(28, b"\xfe\xff\xff\xff"), Check(has_guid, 0.0), LenIn(32, 200),
        ])],
        accepts: ["a1*16 ff*12 feffffff 00*8"],
        refuses: ["a1*16 ff*11 feffffff 00*8", "00*16 ff*12 feffffff 00*8", "a1*16 ff*12 00ffffff 00*8", "a1*16 ff*140"],
    }
    TURN {
        id: "turn",
        title: "TURN channel data",
        over: Udp,
        reference: "RFC 8656 section 12.4",
        rests_on: "A channel's number and a length that is the datagram's, in two datagrams.",
        blind_spots: "Channel data that is padded, and channels from 4400 on.",
        bits: 36.0,
        says: [either("TURN channel data", &[
            Mask(0, 0xfc, 0x40), Counts(Be16, 2, 4), LenIn(5, 1500),
        ])],
        accepts: ["4000 0008 80600001 a1a2a3a4 / 4000 0008 80600002 b1a2a3a4"],
        refuses: [
            "4000 0009 80600001 a1a2a3a4 / 4000 0008 80600002 b1a2a3a4",
            "5000 0008 80600001 a1a2a3a4 / 5000 0008 80600002 b1a2a3a4",
            "4000 0008 80600001 a1a2a3a4",
        ],
    }
}

/// Opens every message outside a RakNet connection.
const OFFLINE: &[u8] = b"\0\xff\xff\0\xfe\xfe\xfe\xfe\xfd\xfd\xfd\xfd\x12\x34\x56\x78";

/// Fewer bytes are left than the name has where the datagram was cut.
fn is_xdr_name(bytes: &[u8]) -> bool {
    let len = u8_at(bytes, 7).map_or(0, usize::from);
    rest(bytes, 8).get(..len).is_some_and(|name| name.iter().all(u8::is_ascii_graphic))
}

fn has_guid(bytes: &[u8]) -> bool {
    bytes.len() >= 23 && bytes.iter().take(8).any(|byte| *byte != 0)
}

fn has_krpc_type(bytes: &[u8]) -> bool {
    bytes.windows(6).any(|window| matches!(window, b"1:y1:q" | b"1:y1:r" | b"1:y1:e"))
}

fn is_below_count(bytes: &[u8]) -> bool {
    u8_at(bytes, 10) < u8_at(bytes, 11)
}

/// Two texts behind the header, each with its zero.
fn is_source_text(bytes: &[u8]) -> bool {
    let mut texts = rest(bytes, 6).split(|byte| *byte == 0);
    let printable = |text: &[u8]| text.iter().all(|byte| *byte >= b' ' || *byte == 1);
    let name = texts.next().is_some_and(|name| !name.is_empty() && printable(name));
    name && texts.next().is_some_and(|map| map.iter().all(u8::is_ascii_graphic))
}

/// RFC 6189 section 5.1.2: words, preamble and length included.
fn is_zrtp_length(bytes: &[u8]) -> bool {
    be16(bytes, 14).is_some_and(|words| (3..=1024).contains(&words))
        && rest(bytes, 16).iter().take(4).all(u8::is_ascii_graphic)
}

/// Behind the version a command, a sequence number, and the account, of which the first was 10000.
fn is_oicq(bytes: &[u8]) -> bool {
    let known = matches!(
        be16(bytes, 3),
        Some(
            0x0001
            | 0x0002
            | 0x0004
            | 0x0006
            | 0x0009..=0x000b
            | 0x000d
            | 0x0016..=0x0018
            | 0x001a
            | 0x001c
            | 0x001d
            | 0x0022
            | 0x0026
            | 0x0027
            | 0x0030
            | 0x0031
            | 0x0058
            | 0x005c
            | 0x0062
            | 0x0065
            | 0x0067
            | 0x0081
            | 0x00cd
            | 0x00ce,
        )
    );
    known && be32(bytes, 7).is_some_and(|account| account >= 10_000) && bytes.last() == Some(&3)
}
