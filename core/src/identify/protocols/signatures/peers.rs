//! Signatures of peer-to-peer networks.

use super::Condition::{Any, Check, In, Is};
use super::{client, either, server};
use crate::wire::array;

signatures! {
    {
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
    }
    {
        id: "nano",
        title: "Nano",
        over: Both,
        reference: "Nano documentation, network protocol, message header",
        rests_on: "The magic R and a network's letter, three versions in order, and a known type.",
        blind_spots: "Nothing known.",
        bits: 29.0,
        says: [either("Nano message header", &[
            Is(0, b"R"), Any(1, b"ABCX"), Check(is_nano_versions, 13.0), In(5, 2, 0x11), In(6, 0, 0xff),
        ])],
    }
}

/// The newest version, the one in use, the oldest: 5 is the first that was public.
fn is_nano_versions(bytes: &[u8]) -> bool {
    let versions = array::<3>(bytes, 2);
    versions.is_some_and(|[max, using, min]| {
        (5..=0x28).contains(&min) && min <= using && using <= max && max <= 0x28
    })
}

fn has_krpc_type(bytes: &[u8]) -> bool {
    bytes.windows(6).any(|window| matches!(window, b"1:y1:q" | b"1:y1:r" | b"1:y1:e"))
}
