//! Signatures of devices of homes.

use super::Condition::{Any, Check, Counts, Datagram, In, Is, LenIn, Text, Zeros};
use super::Width::{Be32, Le16, Le32};
use super::{either, server};
use crate::wire::rest;

signatures! {
    {
        id: "dhip",
        title: "Dahua DHIP",
        over: Both,
        reference: "Public tools for Dahua cameras (UDP 37810, TCP 37777); no specification is public",
        rests_on: "The header's length 32 and its name DHIP.",
        blind_spots: "The older DVRIP header.",
        bits: 64.0,
        says: [either("DHIP header", &[Is(0, b"\x20\0\0\0DHIP"), Counts(Le32, 16, 32)])],
    }
    {
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
    }
    {
        id: "mpd",
        title: "Music Player Daemon",
        over: Tcp,
        reference: "Music Player Daemon documentation, Protocol, section General protocol syntax",
        rests_on: "The server's greeting: OK MPD and the protocol's version.",
        blind_spots: "The client alone: its commands are plain words.",
        bits: 76.0,
        says: [server("Music Player Daemon greeting", &[
            Is(0, b"OK MPD 0."), In(9, b'0', b'9'), Any(10, b"0123456789."), Text,
        ])],
    }
    {
        id: "tplink-shp",
        title: "TP-Link smart home",
        over: Both,
        reference: "Public analyses of the protocol (port 9999): JSON, each byte XORed with the one before, from 171",
        rests_on: "The start of a JSON object, so disguised, and printable text behind it.",
        blind_spots: "The newer, encrypted protocol.",
        bits: 40.0,
        says: [
            either("TP-Link smart home JSON", &[
                Is(0, b"\xd0\xf2"), LenIn(12, 4096), Datagram, Check(is_autokey_text, 28.0),
            ]),
            either("TP-Link smart home JSON", &[
                Zeros(0, 2), Is(4, b"\xd0\xf2"), Check(|bytes| is_autokey_text(rest(bytes, 4)), 28.0),
                Counts(Be32, 0, 4),
            ]),
        ],
    }
    {
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
    }
}

/// How far a disguised text is looked at, in bytes.
const AUTOKEY_BYTES_MAX: usize = 256;

/// What twenty bytes of plain text look like behind an autokey that starts at 171.
fn is_autokey_text(bytes: &[u8]) -> bool {
    let mut key = 171;
    let mut plain = bytes.iter().take(AUTOKEY_BYTES_MAX).map(|byte| {
        let text = byte ^ key;
        key = *byte;
        text
    });
    bytes.len() >= 20 && plain.all(|byte| matches!(byte, b' '..=b'~' | b'\r' | b'\n' | b'\t'))
}
