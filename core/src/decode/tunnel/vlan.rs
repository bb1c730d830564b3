//! VLAN tags: 802.1Q (IEEE 802.1Q section 9.6) and the outer tag of 802.1ad; 0x9100 is what was used
//! for outer tags before that.
//!
//! ```text
//! | priority 3 bits, drop eligible 1, VLAN id 12 | type 2 | ...
//! ```

use super::{Entry, Tunnel, too_short};
use crate::decode::link::ethernet;
use crate::decode::{Adds, DecodeEnd, Opened, Slice};
use crate::wire;

pub(super) static TUNNEL: Tunnel = Tunnel {
    name: "vlan",
    entries: &[Entry::EtherType(0x8100), Entry::EtherType(0x88a8), Entry::EtherType(0x9100)],
    open,
};

fn open(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    let (Some(tag), Some(ethertype)) = (wire::be16(part.bytes, 0), wire::be16(part.bytes, 2))
    else {
        return Err(too_short(&part, "vlan.header_too_short"));
    };
    let opened = ethernet::behind(ethertype, part.after(4));
    Ok(Opened { adds: Some(Adds::Vlan(tag & 0x0fff)), ..opened })
}
