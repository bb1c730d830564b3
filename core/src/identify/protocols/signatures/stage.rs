//! Signatures of music and light on stages.

use super::Condition::{In, Is, LenIn};
use super::either;

signatures! {
    {
        id: "ableton-link",
        title: "Ableton Link",
        over: Udp,
        reference: "Ableton Link, public source (UDP 20808)",
        rests_on: "The name _asdp_v and version 1.",
        blind_spots: "Measurements of the clock, which have another name.",
        bits: 64.0,
        says: [either("Ableton Link announcement", &[Is(0, b"_asdp_v\x01")])],
    }
    {
        id: "artnet",
        title: "Art-Net",
        over: Udp,
        reference: "Artistic Licence, Art-Net 4, packet definitions (UDP 6454)",
        rests_on: "The name Art-Net and its zero at the start.",
        blind_spots: "Nothing known.",
        bits: 64.0,
        says: [either("Art-Net packet", &[Is(0, b"Art-Net\0")])],
    }
    {
        id: "osc",
        title: "Open Sound Control bundle",
        over: Udp,
        reference: "Open Sound Control 1.0 specification",
        rests_on: "The name #bundle and its zero at the start.",
        blind_spots: "Messages that stand alone.",
        bits: 64.0,
        says: [either("OSC bundle", &[Is(0, b"#bundle\0")])],
    }
    {
        id: "sacn",
        title: "sACN (streaming ACN)",
        over: Udp,
        reference: "ANSI E1.31 section 5",
        rests_on: "The root layer's preamble and identifier ASC-E1.17.",
        blind_spots: "Nothing known.",
        bits: 128.0,
        says: [either("sACN root layer", &[Is(0, b"\0\x10\0\0ASC-E1.17\0\0\0")])],
    }
    {
        id: "vban",
        title: "VBAN",
        over: Udp,
        reference: "VB-Audio, VBAN protocol specifications",
        rests_on: "The name VBAN and a header that fits.",
        blind_spots: "Nothing known.",
        bits: 32.0,
        says: [either("VBAN frame", &[Is(0, b"VBAN"), LenIn(28, 1464), In(8, 0, 0x7f)])],
    }
}
