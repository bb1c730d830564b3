//! SunATM (`LINKTYPE_SUNATM`): what kind of cell stream it is, and its circuit.
//!
//! ```text
//! | flags 1: kind in the low four bits | VPI 1 | VCI 2 | ...
//! ```

use super::{ETHERNET, LLC, Link};
use crate::decode::{DecodeEnd, Next, Opened, Slice};

pub(super) static LINK: Link = Link { name: "SunATM", types: &[123], open };

fn open(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    let [flags, ..]: [u8; 4] = part.array(0, "sunatm.header_too_short")?;
    Ok(match flags & 0x0f {
        // LAN emulation puts its own two bytes before the Ethernet frame.
        1 => Opened::new(Next::Link(ETHERNET), part.after(6)),
        2 => Opened::new(Next::Link(LLC), part.after(4)),
        _ => Opened::new(Next::Nothing, part),
    })
}

#[cfg(test)]
mod tests {
    use crate::decode::tests::support::{NOTHING, ethernet, opens, snap, stops, v4, v6};

    #[test]
    fn leads_to_the_datagram() {
        opens(123, &[&[0x82, 0, 0, 100], &snap(0x0800, &v4())[..]].concat());
        opens(123, &[&[1, 0, 0, 100, 0, 9], &ethernet(0x86dd, &v6())[..]].concat());
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(stops(123, &[2, 0, 0]), ["sunatm.header_too_short"]);
        assert_eq!(stops(123, &[5, 0, 0, 16, 1, 2]), NOTHING);
    }
}
