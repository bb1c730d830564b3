//! Tags between a switch and its port extenders: 802.1BR's E-tag (IEEE 802.1BR section 7.5) and the VN-tag
//! that Cisco had before it.
//!
//! ```text
//! | priority 3 bits, drop eligible 1, ingress channel 12 | reserved 2, group 2, channel 12 | both go on 2 |
//! | type 2 | ...                                                                                  E-tag
//! | direction 1 bit, pointer 1, destination 14, looped 1, reserved 1, version 2, source 12 | type 2 | ...
//! ```
//!
//! The channel names a port, and so differs by direction.

use super::{Entry, Tunnel};
use crate::decode::link::ethernet;
use crate::decode::{DecodeEnd, Opened, Slice};

pub(super) static TUNNEL: Tunnel = Tunnel {
    name: "etag",
    entries: &[Entry::EtherType(0x893f)],
    open: |part| behind(part, 6, "etag"),
};
pub(super) static VN_TAG: Tunnel = Tunnel {
    name: "vntag",
    entries: &[Entry::EtherType(0x8926)],
    open: |part| behind(part, 4, "vntag"),
};

fn behind<'a>(part: Slice<'a>, len: usize, name: &'static str) -> Result<Opened<'a>, DecodeEnd> {
    let inside = ethernet::behind_header(part, len, "etag.header_too_short")?;
    Ok(inside.in_tunnel(name, None))
}

#[cfg(test)]
mod tests {
    use crate::decode::tests::support::{ethernet, opens, path, stops, v4, v6};

    #[test]
    fn leads_to_the_datagram() {
        let frame = ethernet(0x893f, &[&[0, 7, 0, 1, 0, 0, 8, 0], &v4()[..]].concat());
        opens(1, &frame);
        assert_eq!(path(1, &frame), (vec![], vec![("etag", None)]));
        let tagged = [0, 7, 0, 1, 0, 0, 0x81, 0, 0, 7, 0x86, 0xdd];
        opens(1, &ethernet(0x893f, &[&tagged, &v6()[..]].concat()));
        let older = ethernet(0x8926, &[&[0x80, 1, 0, 2, 8, 0], &v4()[..]].concat());
        opens(1, &older);
        assert_eq!(path(1, &older), (vec![], vec![("vntag", None)]));
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(stops(1, &ethernet(0x893f, &[0; 7])), ["etag.header_too_short"]);
        assert_eq!(stops(1, &ethernet(0x8926, &[0; 5])), ["etag.header_too_short"]);
    }
}
