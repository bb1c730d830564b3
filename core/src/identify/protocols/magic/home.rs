//! Rows: what is in homes and offices, and what looks for it.

use super::Condition::{Any, Check, Counts, Holds, In, Is, Len, LenIn, Mask, Zeros};
use super::Width::{Be16, Be32, Le16};
use super::{Say, client, either, probe_row, server};
use crate::identify::{Detector, FlowView, Over, Probe};
use crate::wire::rest;

rows! {
    MPD {
        id: "mpd",
        title: "Music Player Daemon",
        over: Tcp,
        reference: "Music Player Daemon documentation, Protocol, section General protocol syntax",
        rests_on: "The server's greeting: OK MPD and the protocol's version.",
        blind_spots: "The client alone: its commands are plain words.",
        bits: 76.0,
        says: [server("Music Player Daemon greeting", &[
            Is(0, b"OK MPD 0."), In(9, b'0', b'9'), Any(10, b"0123456789."),
        ])],
        accepts: ["'OK~MPD~0.23.5' 0a"],
        refuses: ["'OK~MPD' 0a", "'OK~MPD~x.23.5' 0a", "'+OK~MPD~0.23.5' 0a"],
    }
    ARD {
        id: "ard",
        title: "Apple Remote Desktop discovery",
        over: Udp,
        reference: "Public service probes and recognisers (UDP 3283); no specification is public",
        rests_on: "The scan 00 14 00 01 03, or an answer whose length field is the datagram's and \
                   that goes on with 00 31.",
        blind_spots: "Its other messages.",
        bits: 40.0,
        says: [
            client("Apple Remote Desktop scan", &[Is(0, b"\x00\x14\x00\x01\x03"), Len(5)]),
            server("Apple Remote Desktop answer", &[
                Is(0, b"\x00\x01"), Counts(Be16, 2, 4), Is(4, b"\x00\x31"), LenIn(16, 1500),
            ]),
        ],
        accepts: ["0014000103", "0001 0014 0031 00*18"],
        refuses: ["001400010300", "0001 0013 0031 00*18", "0001 0008 2112a442 00*16"],
    }
    CRESTRON {
        id: "crestron",
        title: "Crestron discovery",
        over: Udp,
        reference: "Public service probes (UDP 41794); no specification is public",
        rests_on: "The ten constant bytes that open the question and its answer.",
        blind_spots: "Anything but discovery.",
        bits: 80.0,
        says: [
            client("Crestron discovery question", &[Is(0, b"\x14\0\0\0\x01\x04\0\x03\0\0")]),
            server("Crestron discovery answer", &[Is(0, b"\x15\0\0\0\x01\x04\0\x03\0\0")]),
        ],
        accepts: ["14000000010400030000 'host' 00*252", "15000000010400030000 'RMC3' 00*40"],
        refuses: ["14000000010400030001 00*20", "16000000010400030000 00*20", "1400000001"],
    }
    DAHUA {
        id: "dhip",
        title: "Dahua DHIP",
        over: Both,
        reference: "Public tools for Dahua cameras (UDP 37810, TCP 37777); no specification is public",
        rests_on: "The header's length 32 and its name DHIP.",
        blind_spots: "The older DVRIP header.",
        bits: 64.0,
        says: [either("DHIP header", &[Is(0, b"\x20\0\0\0DHIP")])],
        accepts: ["20000000 'DHIP' 00*24 '{}'"],
        refuses: ["21000000 'DHIP' 00*24", "20000000 'DHIQ' 00*24", "'DHIP' 20000000 00*24"],
    }
    DROPBOX {
        id: "dropbox-lansync",
        title: "Dropbox LAN sync",
        over: Udp,
        reference: "Dropbox help centre, LAN sync (UDP 17500); the JSON is what is broadcast",
        rests_on: "A JSON object with the keys host_int and displayname or version.",
        blind_spots: "The TLS connections that follow the broadcast.",
        bits: 100.0,
        says: [
            either("Dropbox LAN sync beacon", &[
                Is(0, b"{\""), Holds(b"\"host_int\""), Holds(b"\"displayname\""),
            ]),
            either("Dropbox LAN sync beacon", &[
                Is(0, b"{\""), Holds(b"\"host_int\""), Holds(b"\"version\""),
            ]),
        ],
        accepts: ["'{\"host_int\":~12,~\"version\":~[2,~0],~\"displayname\":~\"\"}'"],
        refuses: [
            "'{\"host\":~12,~\"version\":~[2,~0],~\"displayname\":~\"\"}'",
            "'host_int~displayname~version'",
            "'[\"host_int\",~\"displayname\"]'",
        ],
    }
    ENPC {
        id: "enpc",
        title: "Epson ENPC",
        over: Udp,
        reference: "SANE backends epson2 and epsonds, network discovery (UDP 3289)",
        rests_on: "The name EPSON and a packet type behind it.",
        blind_spots: "Nothing known.",
        bits: 44.0,
        says: [
            client("ENPC discovery", &[Is(0, b"EPSONP\0\xff\0\0\0\0\0\0\0"), Len(15)]),
            either("ENPC packet", &[
                Is(0, b"EPSON"), Any(5, b"PpQqCcSsNn"), In(6, 0, 0x1f), LenIn(14, 1500),
            ]),
        ],
        accepts: ["'EPSONP' 00ff 00*7", "'EPSONp' 00ff 00*68"],
        refuses: ["'EPSON~printer~of~the~house'", "'EPSNOP' 00ff 00*7", "'EPSONP' 80ff 00*7"],
    }
    HICP {
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
        accepts: ["'Module~scan' 00", "'Protocol~version~=~1.00;FB~type~=~EVALUATION~BOARD;' 00"],
        refuses: ["'Module~scam'", "'Protocol~version~1'", "'Configuration:~x'"],
    }
    ICA_BROWSER {
        id: "ica-browser",
        title: "Citrix ICA browser",
        over: Udp,
        reference: "Public service probes (UDP 1604); no specification is public",
        rests_on: "The eight constant bytes that open the question and the answer.",
        blind_spots: "Its other questions.",
        bits: 64.0,
        says: [
            client("ICA browser question", &[Is(0, b"\x1e\0\x01\x30\x02\xfd\xa8\xe3")]),
            server("ICA browser answer", &[Is(0, b"\x30\0\x02\x31\x02\xfd\xa8\xe3")]),
        ],
        accepts: ["1e00013002fda8e3 00*22", "3000023102fda8e302000644 00*36"],
        refuses: ["1e00013002fda8e4 00*22", "3000023002fda8e3 00*36", "02fda8e3 1e000130"],
    }
    LIFX {
        id: "lifx",
        title: "LIFX LAN",
        over: Udp,
        reference: "LIFX LAN protocol, packet header (UDP 56700)",
        rests_on: "A size that is the datagram's, protocol 1024 with the addressable bit, and two \
                   reserved bytes of zero at the header's end.",
        blind_spots: "Nothing known.",
        bits: 47.0,
        says: [either("LIFX header", &[
            Counts(Le16, 0, 0), Is(2, b"\0"), Any(3, &[0x14, 0x34]), Zeros(34, 2), LenIn(36, 1024),
        ])],
        accepts: ["2400 0034 f6a5c3b1 00*16 00*8 0200 0000", "2900 0014 f6a5c3b1 00*16 00*8 0300 0000 01*5"],
        refuses: [
            "2500 0034 f6a5c3b1 00*16 00*8 0200 0000",
            "2400 0044 f6a5c3b1 00*16 00*8 0200 0000",
            "2400 0034 f6a5c3b1 00*16 00*8 0200 0001",
        ],
    }
    MNDP {
        id: "mndp",
        title: "MikroTik Neighbor Discovery",
        over: Udp,
        reference: "MikroTik documentation, Neighbor discovery (UDP 5678), as Wireshark documents it",
        rests_on: "A MAC address of 6 bytes as the first value, and the identity as the second.",
        blind_spots: "The question of four zero bytes.",
        bits: 48.0,
        says: [either("MNDP announcement", &[Is(4, b"\0\x01\0\x06"), Is(14, b"\0\x05\0")])],
        accepts: ["00000007 00010006 020304050607 0005 0004 'hall'"],
        refuses: [
            "00000007 00010008 0203040506070809 0005 0004 'hall'",
            "00000007 00010006 020304050607 0009 0004 'hall'",
            "00000000",
        ],
    }
    SPOTIFY {
        id: "spotify-connect",
        title: "Spotify local discovery",
        over: Udp,
        reference: "The name that it broadcasts (UDP 57621); no specification is public",
        rests_on: "The name SpotUdp0 at the start.",
        blind_spots: "Everything else of Spotify.",
        bits: 64.0,
        says: [either("Spotify beacon", &[Is(0, b"SpotUdp0"), LenIn(12, 512)])],
        accepts: ["'SpotUdp0' a1b2c3d4 00*32"],
        refuses: ["'SpotUdp1' a1b2c3d4 00*32", "'spotudp0' 00*12", "00 'SpotUdp0' 00*12"],
    }
    SSDP {
        id: "ssdp",
        title: "SSDP (UPnP discovery)",
        over: Udp,
        reference: "UPnP Device Architecture 2.0 sections 1.2 and 1.3",
        rests_on: "The start line of M-SEARCH or NOTIFY, or an answer of HTTP over UDP that has a USN \
                   or ST header.",
        blind_spots: "Answers that were cut before these headers.",
        bits: 150.0,
        says: [
            client("SSDP M-SEARCH", &[Is(0, b"M-SEARCH * HTTP/1.1\r\n")]),
            server("SSDP NOTIFY", &[Is(0, b"NOTIFY * HTTP/1.1\r\n")]),
            server("SSDP answer", &[
                Is(0, b"HTTP/1.1 200 OK\r\n"), Check(has_search_header, 16.0),
            ]),
        ],
        accepts: [
            "'M-SEARCH~*~HTTP/1.1' 0d0a 'HOST:~239.255.255.250:1900' 0d0a 0d0a",
            "'NOTIFY~*~HTTP/1.1' 0d0a 'NTS:~ssdp:alive' 0d0a 0d0a",
            "'HTTP/1.1~200~OK' 0d0a 'Usn:~uuid:1' 0d0a 0d0a",
        ],
        refuses: [
            "'HTTP/1.1~200~OK' 0d0a 'Content-Length:~0' 0d0a 0d0a",
            "'NOTIFY~sip:a@example.org~SIP/2.0' 0d0a",
            "'M-SEARCH~/~HTTP/1.1' 0d0a 0d0a",
        ],
    }
    TPLINK {
        id: "tplink-shp",
        title: "TP-Link smart home",
        over: Both,
        reference: "Public analyses of the protocol (port 9999): JSON, each byte XORed with the one before, from 171",
        rests_on: "The start of a JSON object, so disguised, and printable text behind it.",
        blind_spots: "The newer, encrypted protocol.",
        bits: 40.0,
        says: [
            either("TP-Link smart home JSON", &[
                Is(0, b"\xd0\xf2"), LenIn(12, 4096), Check(is_autokey_text, 28.0),
            ]),
            either("TP-Link smart home JSON", &[
                Zeros(0, 2), Is(4, b"\xd0\xf2"), Check(|bytes| is_autokey_text(rest(bytes, 4)), 28.0),
            ]),
        ],
        accepts: [
            "d0f281f88bff9af7d5ef94b6d1b4c09fec95e68fe187e8caf08bf68bf6",
            "0000001d d0f281f88bff9af7d5ef94b6d1b4c09fec95e68fe187e8caf08bf68bf6",
        ],
        refuses: [
            "d0f281f88bff9af7d5ef00b6d1b4c09fec95e68fe187e8caf08bf68bf6",
            "d0f281f88bff",
            "'{\"system\":{\"get_sysinfo\":{}}}'",
        ],
    }
    TUYA {
        id: "tuya",
        title: "Tuya local protocol",
        over: Both,
        reference: "Public descriptions of Tuya's LAN protocol 3.1 to 3.5 (UDP 6666, 6667, 7000; TCP 6668)",
        rests_on: "The prefix 55aa or 6699, a small command, and a length that is the datagram's.",
        blind_spots: "Nothing known.",
        bits: 56.0,
        says: [
            either("Tuya message", &[
                Is(0, b"\0\0\x55\xaa"), Zeros(8, 3), Counts(Be32, 12, 16),
            ]),
            either("Tuya message, version 3.5", &[
                Is(0, b"\0\0\x66\x99"), Zeros(4, 2), Zeros(10, 3), Counts(Be32, 14, 22),
            ]),
        ],
        accepts: [
            "000055aa 00000000 00000013 0000000c a1a2a3a4 00112233 0000aa55",
            "00006699 0000 00000001 00000013 00000004 a1a2a3a4 00009966",
        ],
        refuses: [
            "000055ab 00000000 00000013 0000000c a1a2a3a4 00112233 0000aa55",
            "000055aa 00000000 01000013 0000000c a1a2a3a4 00112233 0000aa55",
            "000055aa 00000000 00000013 ff00000c a1a2a3a4 00112233 0000aa55",
        ],
    }
    UBNT {
        id: "ubnt-discovery",
        title: "Ubiquiti discovery",
        over: Udp,
        reference: "Public service probes and tools (UDP 10001); no specification is public",
        rests_on: "The question's four bytes, or an answer whose length field is the datagram's and \
                   that starts with a MAC address.",
        blind_spots: "Answers that start with another value.",
        bits: 32.0,
        says: [
            client("Ubiquiti discovery question", &[Is(0, b"\x01\0\0\0"), Len(4)]),
            server("Ubiquiti discovery answer", &[
                Any(0, &[1, 2]), Any(1, &[0, 6, 8, 9, 11]), Counts(Be16, 2, 4), Any(4, &[1, 2]),
                Is(5, b"\0"), Any(6, &[6, 10]),
            ]),
        ],
        accepts: ["01000000", "0100 0009 01 0006 020304050607"],
        refuses: [
            "0100000000",
            "0100 000a 01 0006 020304050607",
            "0100 0009 03 0006 020304050607",
        ],
    }
    WOL {
        id: "wol",
        title: "Wake-on-LAN",
        over: Udp,
        reference: "AMD, Magic Packet Technology, section 2",
        rests_on: "Six bytes of ff and one address sixteen times.",
        blind_spots: "Nothing known.",
        bits: 48.0,
        says: [either("Wake-on-LAN magic packet", &[
            Is(0, b"\xff\xff\xff\xff\xff\xff"), LenIn(102, 108), Check(repeats_address, 255.0),
        ])],
        accepts: ["ff*6 020304050607*16"],
        refuses: [
            "ff*6 020304050607*15 020304050608",
            "ff*102",
            "fe ff*5 020304050607*16",
        ],
    }
    WSD {
        id: "ws-discovery",
        title: "WS-Discovery",
        over: Udp,
        reference: "OASIS, WS-Discovery 1.1 section 1.5 (SOAP over UDP)",
        rests_on: "XML whose SOAP envelope names the WS-Discovery namespace.",
        blind_spots: "Messages that were cut before the namespace.",
        bits: 200.0,
        says: [either("WS-Discovery SOAP envelope", &[
            Is(0, b"<"), Check(|bytes| contains(bytes, b"nvelope"), 40.0), Check(names_wsd, 200.0),
        ])],
        accepts: [
            "'<?xml~version=\"1.0\"?><s:Envelope~xmlns:d=\"http://schemas.xmlsoap.org/ws/2005/04/discovery\">'",
            "'<s:Envelope~xmlns:d=\"http://docs.oasis-open.org/ws-dd/ns/discovery/2009/01\">'",
        ],
        refuses: [
            "'<?xml~version=\"1.0\"?><s:Envelope~xmlns:d=\"http://schemas.xmlsoap.org/soap/\">'",
            "'<?xml~version=\"1.0\"?><a~b=\"http://schemas.xmlsoap.org/ws/2005/04/discovery\">'",
            "'http://schemas.xmlsoap.org/ws/2005/04/discovery~Envelope'",
        ],
    }
    GVCP {
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
        accepts: ["42 11 0002 0000 0001", "0000 0081 0004 0007 00000001"],
        refuses: ["42 11 0002 0001 0001", "43 11 0002 0000 0001", "0000 0091 0004 0007 00000001"],
    }
}

/// Headers that an answer to M-SEARCH must have.
fn has_search_header(bytes: &[u8]) -> bool {
    bytes.split(|byte| *byte == b'\n').any(|line| {
        let name = line.get(..4).unwrap_or(line);
        name.eq_ignore_ascii_case(b"usn:") || name.to_ascii_lowercase().starts_with(b"st:")
    })
}

/// What twenty bytes of plain text look like behind an autokey that starts at 171.
fn is_autokey_text(bytes: &[u8]) -> bool {
    let mut key = 171;
    let mut plain = bytes.iter().take(24).map(|byte| {
        let text = byte ^ key;
        key = *byte;
        text
    });
    bytes.len() >= 20 && plain.all(|byte| matches!(byte, b' '..=b'~' | b'\r' | b'\n' | b'\t'))
}

fn repeats_address(bytes: &[u8]) -> bool {
    let mut addresses = rest(bytes, 6).chunks_exact(6).take(16);
    let Some(first) = addresses.next() else { return false };
    first != [0xff; 6] && addresses.len() == 15 && addresses.all(|address| address == first)
}

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}

fn names_wsd(bytes: &[u8]) -> bool {
    contains(bytes, b"schemas.xmlsoap.org/ws/2005/04/discovery")
        || contains(bytes, b"docs.oasis-open.org/ws-dd/ns/discovery")
}
