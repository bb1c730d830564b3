//! Linux "cooked" capture (`LINKTYPE_LINUX_SLL`), what the `any` interface gave for long.
//!
//! ```text
//! | packet type 2 | ARPHRD 2 | address length 2 | address 8 | protocol 2 | ...
//! ```

use super::Link;
use crate::decode::{Halt, Next, Opened, Part};
use crate::event::Layer;
use crate::wire;

pub(super) static LINK: Link = Link { name: "Linux cooked v1", types: &[113], open };

fn open(part: Part<'_>) -> Result<Opened<'_>, Halt> {
    let (Some(arphrd), Some(protocol)) = (wire::be16(part.bytes, 2), wire::be16(part.bytes, 14))
    else {
        return Err(part.too_short(Layer::Link, "sll.header_too_short"));
    };
    Ok(Opened { next: protocol_behind(arphrd, protocol), rest: part.after(16), adds: None })
}

/// Devices for which the protocol field is no EtherType (LINKTYPE_LINUX_SLL's page): netlink,
/// 802.11 with and without radiotap, and GRE's own.
const NOT_AN_ETHERTYPE: [u16; 4] = [824, 801, 802, 803];

/// What follows a cooked header, of either version.
pub(super) fn protocol_behind(arphrd: u16, protocol: u16) -> Next {
    // Below 0x600 the field holds Linux's own numbers (1: Novell 802.3, 4: LLC ...), none of them IP.
    if NOT_AN_ETHERTYPE.contains(&arphrd) || protocol < 0x600 {
        Next::Nothing
    } else {
        Next::EtherType(protocol)
    }
}
