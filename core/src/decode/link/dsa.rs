//! Ethernet with a switch's own tag between addresses and EtherType, or before the frame: Broadcom
//! (`LINKTYPE_DSA_TAG_BRCM`, `..._PREPEND`), Marvell (`LINKTYPE_DSA_TAG_DSA`, `..._EDSA`).
//!
//! ```text
//! | (tag 4) | destination 6 | source 6 | tag 4 or 8 | type 2 | ...
//! ```

use super::{ETHERNET, Link, ethernet};
use crate::decode::{DecodeEnd, Next, Opened, Slice};

pub(super) static SHORT: Link = Link {
    name: "Ethernet with a switch tag of 4 bytes",
    types: &[281, 284],
    open: |part| open(part, 16),
};
pub(super) static LONG: Link = Link {
    name: "Ethernet with a switch tag of 8 bytes",
    types: &[285],
    open: |part| open(part, 20),
};
pub(super) static BEFORE: Link =
    Link { name: "Ethernet behind a switch tag", types: &[282], open: before };

fn before(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    Ok(Opened::new(Next::Link(ETHERNET), part.after(4)))
}

fn open(part: Slice<'_>, at: usize) -> Result<Opened<'_>, DecodeEnd> {
    ethernet::behind_header(part, at, "switch_tag.header_too_short")
}

#[cfg(test)]
mod tests {
    use crate::decode::tests::support::{ethernet, opens, stops, v4, v6};

    #[test]
    fn leads_to_the_datagram() {
        let mut tagged = ethernet(0x0800, &v4());
        tagged.splice(12..12, [0x20, 0, 0, 5]);
        opens(281, &tagged);
        opens(284, &tagged);
        let mut tagged = ethernet(0x86dd, &v6());
        tagged.splice(12..12, [0xda, 0xda, 0, 0, 0x40, 8, 0, 1]);
        opens(285, &tagged);
        opens(282, &[&[0x20, 0, 0, 5], &ethernet(0x0800, &v4())[..]].concat());
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(stops(284, &[0; 17]), ["switch_tag.header_too_short"]);
        assert_eq!(stops(285, &[0; 20]), ["switch_tag.header_too_short"]);
        assert_eq!(stops(282, &[0; 4]), ["ethernet.header_too_short"]);
    }
}
