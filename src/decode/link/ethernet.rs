//! Ethernet (IEEE 802.3): two addresses, then an EtherType or a length.
//!
//! ```text
//! | destination 6 | source 6 | type 2 | ...
//! ```

use super::Link;
use crate::decode::{Halt, Next, Opened, Part};
use crate::event::Layer;
use crate::wire;

pub(super) static LINK: Link = Link { name: "Ethernet", types: &[1], open };

/// IEEE 802.3 section 3.2.6: up to this it is a length and an LLC header follows, from 0x600 on it is
/// a type.
const LENGTH_MAX: u16 = 1500;

fn open(part: Part<'_>) -> Result<Opened<'_>, Halt> {
    let Some(ethertype) = wire::be16(part.bytes, 12) else {
        return Err(part.too_short(Layer::Link, "ethernet.header_too_short"));
    };
    let next = if ethertype > LENGTH_MAX { Next::EtherType(ethertype) } else { Next::Nothing };
    Ok(Opened { next, rest: part.after(14), adds: None })
}
