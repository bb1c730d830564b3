//! Linux "cooked" capture (`LINKTYPE_LINUX_SLL`), what the `any` interface gave for long.
//!
//! ```text
//! | packet type 2 | ARPHRD 2 | address length 2 | address 8 | protocol 2 | ...
//! ```

use super::{FRAME_RELAY, LLC, Link, PRISM, RADIOTAP, WIFI};
use crate::decode::{DecodeEnd, Next, Opened, Slice};

pub(super) static LINK: Link = Link { name: "Linux cooked v1", types: &[113], open };

fn open(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    const SHORT: &str = "sll.header_too_short";
    let (arphrd, protocol) = (part.be16(2, SHORT)?, part.be16(14, SHORT)?);
    Ok(Opened::new(protocol_behind(arphrd, protocol), part.after(16)))
}

/// What follows a cooked header, of either version.
pub(super) fn protocol_behind(arphrd: u16, protocol: u16) -> Next {
    // LINKTYPE_LINUX_SLL's page: what kind of device it is comes before the protocol field. Devices
    // that hand over frames of their own have Linux's own numbers there, which are below 0x600.
    match (arphrd, protocol) {
        // Netlink.
        (824, _) => Next::Nothing,
        (770, 0..0x600) => Next::Link(FRAME_RELAY),
        (801, 0..0x600) => Next::Link(WIFI),
        (802, 0..0x600) => Next::Link(PRISM),
        (803, 0..0x600) => Next::Link(RADIOTAP),
        (_, 4) => Next::Link(LLC),
        // Novell's raw 802.3, CAN and others that hold no IP.
        (_, 0..0x600) => Next::Nothing,
        (_, ethertype) => Next::EtherType(ethertype),
    }
}

#[cfg(test)]
mod tests {
    use crate::decode::tests::support::{NOTHING, opens, snap, stops, v4, v6, wifi};

    fn cooked(arphrd: u16, protocol: u16, inside: &[u8]) -> Vec<u8> {
        let [a, b] = arphrd.to_be_bytes();
        [&[0, 0, a, b, 0, 6], &[2; 8][..], &protocol.to_be_bytes(), inside].concat()
    }

    #[test]
    fn leads_to_the_datagram() {
        opens(113, &cooked(1, 0x0800, &v4()));
        opens(113, &cooked(778, 0x86dd, &v6()));
        opens(113, &cooked(1, 4, &snap(0x0800, &v4())));
        opens(113, &cooked(801, 0x19, &wifi()));
        opens(113, &cooked(803, 4, &[&[0, 0, 8, 0, 0, 0, 0, 0], &wifi()[..]].concat()));
        opens(113, &cooked(770, 0x19, &[&[0x18, 0x41, 3, 0xcc], &v4()[..]].concat()));
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(stops(113, &[0; 15]), ["sll.header_too_short"]);
        assert_eq!(stops(113, &cooked(824, 0x0800, &v4())), NOTHING);
        assert_eq!(stops(113, &cooked(280, 0x0c, &[0; 16])), NOTHING);
    }
}
