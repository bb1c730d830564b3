//! Signatures of remote desktops, and machines that are managed or woken from afar.

use super::Condition::{Any, Check, Counts, Is, Len, LenIn, Mask};
use super::Width::Be16;
use super::{client, either, server};
use crate::wire::{be16, rest};

signatures! {
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
    RDP_UDP {
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
                Is(0, b"\xff\xff\xff\xff"), Mask(6, 0xc8, 0), Any(7, &[1]), Check(has_rdp_mtus, 18.0),
            ]),
            server("RDP-UDP SYN+ACK", &[
                Mask(6, 0xc8, 0), Any(7, &[5]), Check(has_rdp_mtus, 18.0), LenIn(1132, 1232),
            ]),
        ],
        accepts: [
            "ffffffff 0040 1001 a1a2a3a4 04d0 04d0 00*1216",
            "a1a2a3a4 0040 0005 b1b2b3b4 04d0 04d0 00*1216",
        ],
        refuses: [
            "ffffffff 0040 1001 a1a2a3a4 05d0 04d0 00*1216",
            "ffffffff 0040 1002 a1a2a3a4 04d0 04d0 00*1216",
            "ffffffff 'TSource~Engine~Query' 00",
            "a1a2a3a4 0040 0005 b1b2b3b4 04d0 04d0",
        ],
    }
    RMCP {
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
        accepts: ["0600ff07 00 00000000 00000000 09 2018c881 00 388e 04b5", "0600ff06 000011be 80 00 00 00"],
        refuses: ["0600ff07 08 00000000 00000000 09 2018c881", "0601ff07 00 00000000 00000000 09", "0600ff06 000011bf 80 00 00 00"],
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
    XDMCP {
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
        accepts: ["0001 0002 0001 00", "0001 0005 000a 0000 0003 'x11' 0001 00"],
        refuses: ["0001 0002 0002 00", "0002 0002 0001 00", "0001 0022 0001 00"],
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
