//! VLAN tags: 802.1Q (IEEE 802.1Q section 9.6) and the outer tag of 802.1ad; 0x9100 is what was used
//! for outer tags before that.
//!
//! ```text
//! | priority 3 bits, drop eligible 1, VLAN id 12 | type 2 | ...
//! ```

use super::{Entry, Tunnel};
use crate::decode::link::ethernet;
use crate::decode::{Adds, DecodeEnd, Opened, Slice};

pub(super) static TUNNEL: Tunnel = Tunnel {
    name: "vlan",
    entries: &[Entry::EtherType(0x8100), Entry::EtherType(0x88a8), Entry::EtherType(0x9100)],
    open,
};

fn open(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    const SHORT: &str = "vlan.header_too_short";
    let tag = part.be16(0, SHORT)?;
    let opened = ethernet::behind_header(part, 2, SHORT)?;
    Ok(Opened { adds: Some(Adds::Vlan(tag & 0x0fff)), ..opened })
}
