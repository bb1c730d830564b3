//! Signatures of games.

use super::Condition::{Any, Check, In, Is, Len, LenIn, Mask, Zeros};
use super::{client, either, server};
use crate::wire::rest;

signatures! {
    {
        id: "netcode",
        title: "netcode (Yojimbo)",
        over: Udp,
        reference: "netcode.io standard 1.02 (public), connection request packet",
        rests_on: "A connection request with the version's text.",
        blind_spots: "A connection captured after its request: it is encrypted.",
        bits: 80.0,
        says: [client("netcode connection request", &[Is(0, b"\0NETCODE 1.0"), Is(13, b"\0")])],
    }
    {
        id: "nintendo",
        title: "Nintendo Pia",
        over: Udp,
        reference: "NintendoClients wiki (public), Pia protocol, packet header",
        rests_on: "The magic 32ab9864 and a header of a known version.",
        blind_spots: "Nothing known.",
        bits: 34.0,
        says: [either("Pia packet", &[Is(0, b"\x32\xab\x98\x64"), Mask(4, 0x60, 0), LenIn(24, 1500)])],
    }
    {
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
    }
    {
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
    }
    {
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
    }
}

/// Opens every message outside a RakNet connection.
const OFFLINE: &[u8] = b"\0\xff\xff\0\xfe\xfe\xfe\xfe\xfd\xfd\xfd\xfd\x12\x34\x56\x78";

/// Two texts behind the header, each with its zero.
fn is_source_text(bytes: &[u8]) -> bool {
    let mut texts = rest(bytes, 6).split(|byte| *byte == 0);
    let printable = |text: &[u8]| text.iter().all(|byte| *byte >= b' ' || *byte == 1);
    let name = texts.next().is_some_and(|name| !name.is_empty() && printable(name));
    name && texts.next().is_some_and(|map| map.iter().all(u8::is_ascii_graphic))
}
