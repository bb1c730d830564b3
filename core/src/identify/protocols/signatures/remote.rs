//! Signatures of remote desktops, and machines that are managed or woken from afar.

use super::Condition::{Any, Check, Counts, Is, Len, LenIn, Mask};
use super::Width::Be16;
use super::{client, either, server};
use crate::wire::{be16, rest};

signatures! {
    {
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
    }
    {
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
    }
    {
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
                Is(0, b"\xff\xff\xff\xff"), Mask(6, 0xe0, 0), Any(7, &[1]), Check(has_rdp_mtus, 18.0),
            ]),
            server("RDP-UDP SYN+ACK", &[
                Mask(6, 0xe0, 0), Any(7, &[5]), Check(has_rdp_mtus, 18.0), LenIn(1132, 1232),
            ]),
        ],
    }
    {
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
    }
    {
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
    }
    {
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
    }
}

fn repeats_address(bytes: &[u8]) -> bool {
    let mut addresses = rest(bytes, 6).chunks_exact(6).take(16);
    let Some(first) = addresses.next() else { return false };
    first != [0xff; 6] && addresses.len() == 15 && addresses.all(|address| address == first)
}

/// MS-RDPEUDP section 3.1.5.1.1: upstream and downstream MTU.
fn has_rdp_mtus(bytes: &[u8]) -> bool {
    let fits = |at| be16(bytes, at).is_some_and(|mtu| (1132..=1232).contains(&mtu));
    fits(12) && fits(14)
}
