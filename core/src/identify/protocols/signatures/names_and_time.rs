//! Signatures of names and time, signed or encrypted.

use super::Condition::{Counts, Is, Len, LenIn};
use super::Width::Le32;
use super::{client, either, server};

signatures! {
    {
        id: "dnscrypt",
        title: "DNSCrypt answer",
        over: Udp,
        reference: "DNSCrypt protocol version 2, section 8 (draft-denis-dprive-dnscrypt)",
        rests_on: "The resolver's magic r6fnvWj8.",
        blind_spots: "Questions: their magic is each resolver's own.",
        bits: 64.0,
        says: [server("DNSCrypt answer", &[Is(0, b"r6fnvWj8"), LenIn(48, 65507)])],
    }
    {
        id: "roughtime",
        title: "Roughtime",
        over: Both,
        reference: "draft-ietf-ntp-roughtime section 5; Google's protocol before it",
        rests_on: "The magic ROUGHTIM; or the tags of the older question or answer in their order.",
        blind_spots: "Nothing known.",
        bits: 64.0,
        says: [
            either("Roughtime packet", &[Is(0, b"ROUGHTIM"), Counts(Le32, 8, 12)]),
            client("Roughtime question", &[Is(0, b"\x02\0\0\0\x40\0\0\0NONCPAD\xff"), Len(1024)]),
            client("Roughtime question", &[Is(0, b"\x03\0\0\0"), Is(12, b"PAD\xffVER\0NONC")]),
            server("Roughtime answer", &[Is(0, b"\x05\0\0\0"), Is(20, b"SIG\0PATHSREPCERTINDX"), Counts(Le32, 16, 44)]),
        ],
    }
}
