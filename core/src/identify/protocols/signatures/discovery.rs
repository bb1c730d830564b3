//! Signatures of what finds devices and services on a link.

use super::Condition::{Any, Check, Counts, Holds, In, Is, Len, LenIn};
use super::Width::Be16;
use super::{client, either, server};
use crate::wire::position_of;

signatures! {
    {
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
    }
    {
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
    }
    {
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
    }
    {
        id: "mndp",
        title: "MikroTik Neighbor Discovery",
        over: Udp,
        reference: "MikroTik documentation, Neighbor discovery (UDP 5678), as Wireshark documents it",
        rests_on: "A MAC address of 6 bytes as the first value, and the identity as the second.",
        blind_spots: "The question of four zero bytes.",
        bits: 48.0,
        says: [either("MNDP announcement", &[Is(4, b"\0\x01\0\x06"), Is(14, b"\0\x05\0")])],
    }
    {
        id: "spotify-connect",
        title: "Spotify local discovery",
        over: Udp,
        reference: "The name that it broadcasts (UDP 57621); no specification is public",
        rests_on: "The name SpotUdp0 at the start.",
        blind_spots: "Everything else of Spotify.",
        bits: 64.0,
        says: [either("Spotify beacon", &[Is(0, b"SpotUdp0"), LenIn(12, 512)])],
    }
    {
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
    }
    {
        id: "steam",
        title: "Steam remote play discovery",
        over: Udp,
        reference: "Public descriptions of Steam's in-home streaming (UDP 27036)",
        rests_on: "The eight constant bytes before each message.",
        blind_spots: "Steam's other protocols.",
        bits: 64.0,
        says: [either("Steam discovery", &[Is(0, b"\xff\xff\xff\xff\x21\x4c\x5f\xa0")])],
    }
    {
        id: "syncthing",
        title: "Syncthing local discovery",
        over: Udp,
        reference: "Syncthing documentation, Local Discovery Protocol v4",
        rests_on: "The magic 2ea7d90b and a device's id of 32 bytes.",
        blind_spots: "The older versions, and the connections themselves.",
        bits: 48.0,
        says: [either("Syncthing announcement", &[Is(0, b"\x2e\xa7\xd9\x0b\x0a\x20")])],
    }
    {
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
    }
    {
        id: "ws-discovery",
        title: "WS-Discovery",
        over: Udp,
        reference: "OASIS, WS-Discovery 1.1 section 1.5 (SOAP over UDP)",
        rests_on: "XML whose SOAP envelope names the WS-Discovery namespace.",
        blind_spots: "Messages that were cut before the namespace.",
        bits: 200.0,
        says: [either("WS-Discovery SOAP envelope", &[
            Is(0, b"<"), Check(|bytes| position_of(bytes, b"nvelope").is_some(), 40.0), Check(names_wsd, 200.0),
        ])],
    }
}

/// Headers that an answer to M-SEARCH must have.
fn has_search_header(bytes: &[u8]) -> bool {
    bytes.split(|byte| *byte == b'\n').any(|line| {
        let name = line.get(..4).unwrap_or(line);
        name.eq_ignore_ascii_case(b"usn:") || name.to_ascii_lowercase().starts_with(b"st:")
    })
}

fn names_wsd(bytes: &[u8]) -> bool {
    position_of(bytes, b"schemas.xmlsoap.org/ws/2005/04/discovery").is_some()
        || position_of(bytes, b"docs.oasis-open.org/ws-dd/ns/discovery").is_some()
}
