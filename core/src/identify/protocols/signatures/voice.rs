//! Signatures of calls, chats and broadcasts, and what opens the way for them.

use super::Condition::{Check, Counts, Holds, In, Is, Len, LenIn, Mask, Zeros};
use super::Width::Be16;
use super::{client, either, probe_opener, server};
use crate::wire::{be16, be32, rest};

signatures! {
    {
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
    }
    {
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
    }
    {
        id: "oicq",
        title: "OICQ (QQ)",
        over: Udp,
        reference: "OICQ as Wireshark documents it (UDP 8000)",
        rests_on: "The first byte 2, the last 3, a known command, and an account number.",
        blind_spots: "Commands of later versions.",
        bits: 26.0,
        says: [either("OICQ message", &[Is(0, b"\x02"), Check(is_oicq, 18.0), LenIn(12, 1500)])],
    }
    {
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
    }
    {
        id: "teamspeak",
        title: "TeamSpeak 3",
        over: Udp,
        reference: "TeamSpeak 3 protocol notes (public), section 2.1",
        rests_on: "The packet identifier TS3INIT1 with its number 101.",
        blind_spots: "A connection captured after its opening.",
        bits: 80.0,
        says: [either("TeamSpeak 3 init", &[Is(0, b"TS3INIT1\0\x65")])],
    }
    {
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
    }
    {
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
    }
    {
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
    }
}

fn has_guid(bytes: &[u8]) -> bool {
    bytes.len() >= 23 && bytes.iter().take(8).any(|byte| *byte != 0)
}

/// RFC 6189 section 5.1.2: words, preamble and length included.
fn is_zrtp_length(bytes: &[u8]) -> bool {
    be16(bytes, 14).is_some_and(|words| (3..=1024).contains(&words))
        && rest(bytes, 16).iter().take(4).all(u8::is_ascii_graphic)
}

const OICQ_COMMANDS: [u16; 27] = [
    0x01, 0x02, 0x04, 0x06, 0x09, 0x0a, 0x0b, 0x0d, 0x16, 0x17, 0x18, 0x1a, 0x1c, 0x1d, 0x22, 0x26,
    0x27, 0x30, 0x31, 0x58, 0x5c, 0x62, 0x65, 0x67, 0x81, 0xcd, 0xce,
];

/// Behind the version a command, a sequence number, and the account, of which the first was 10000.
fn is_oicq(bytes: &[u8]) -> bool {
    let known = be16(bytes, 3).is_some_and(|command| OICQ_COMMANDS.contains(&command));
    known && be32(bytes, 7).is_some_and(|account| account >= 10_000) && bytes.last() == Some(&3)
}
