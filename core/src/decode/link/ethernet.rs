//! Ethernet (IEEE 802.3): two addresses, then an EtherType or a length.
//!
//! ```text
//! | destination 6 | source 6 | type 2 | ...
//! ```
//!
//! Hilscher's netANALYZER puts four bytes of its own before it, and shows the preamble in its
//! transparent mode.

use super::{LLC, Link};
use crate::decode::{DecodeEnd, Next, Opened, Slice};
use crate::wire;

pub(super) static LINK: Link = Link { name: "Ethernet", types: &[1], open };
pub(super) static NETANALYZER: Link =
    Link { name: "netANALYZER Ethernet", types: &[240], open: |part| behind_analyzer(part, 4) };
pub(super) static NETANALYZER_TRANSPARENT: Link = Link {
    name: "netANALYZER Ethernet with preamble",
    types: &[241],
    open: |part| behind_analyzer(part, 12),
};

/// IEEE 802.3 section 3.2.6: up to this it is a length and an LLC header follows, from 0x600 on it is
/// a type.
const LENGTH_MAX: u16 = 1500;

fn open(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    behind_header(part, 12, "ethernet.header_too_short")
}

/// What follows a header that ends with a type or a length, which stands `at` so many bytes. `short` says
/// that it is not there.
pub(in crate::decode) fn behind_header<'a>(
    part: Slice<'a>,
    at: usize,
    short: &'static str,
) -> Result<Opened<'a>, DecodeEnd> {
    let number = part.be16(at, short)?;
    Ok(behind(number, part.after(at.saturating_add(2))))
}

/// What follows the field that is a type or a length.
pub(in crate::decode) fn behind(number: u16, rest: Slice<'_>) -> Opened<'_> {
    if number > LENGTH_MAX {
        return Opened::new(Next::EtherType(number), rest);
    }
    Opened::new(Next::Link(LLC), rest.limited(usize::from(number)))
}

/// Whether an Ethernet frame starts here that holds IP or a VLAN tag: for encapsulations that do not
/// say what they hold.
pub(in crate::decode) fn is_likely(bytes: &[u8]) -> bool {
    let version = wire::u8_at(bytes, 14).map(|byte| byte >> 4);
    match wire::be16(bytes, 12) {
        Some(0x0800) => version == Some(4),
        Some(0x86dd) => version == Some(6),
        Some(ethertype) => matches!(ethertype, 0x0806 | 0x8100 | 0x88a8),
        None => false,
    }
}

/// A little-endian word, in which this bit says that it is an event on a pin and no frame.
fn behind_analyzer(part: Slice<'_>, len: usize) -> Result<Opened<'_>, DecodeEnd> {
    match wire::u8_at(part.bytes, 1) {
        Some(flags) if flags & 1 == 1 => Ok(Opened::new(Next::Nothing, part)),
        Some(_) | None => open(part.after(len)),
    }
}

#[cfg(test)]
mod tests {
    use crate::decode::tests::support::{NOTHING, ethernet, opens, snap, stops, v4, v6};

    #[test]
    fn leads_to_the_datagram() {
        opens(1, &ethernet(0x0800, &v4()));
        opens(1, &ethernet(0x86dd, &v6()));
        opens(240, &[&[0; 4], &ethernet(0x0800, &v4())[..]].concat());
        let preamble = [0, 6, 0x40, 0, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0xd5];
        opens(241, &[&preamble, &ethernet(0x0800, &v4())[..]].concat());
    }

    #[test]
    fn a_length_leads_through_llc() {
        let inside = snap(0x0800, &v4());
        let mut bytes = ethernet(u16::try_from(inside.len()).unwrap(), &inside);
        opens(1, &bytes);
        bytes.extend([0; 9]);
        opens(1, &bytes);
        // A spanning-tree frame holds nothing and is no anomaly.
        assert_eq!(stops(1, &ethernet(38, &[0x42; 46])), NOTHING);
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(stops(1, &[0; 13]), ["ethernet.header_too_short"]);
        assert_eq!(stops(240, &[0; 13]), ["ethernet.header_too_short"]);
        assert_eq!(stops(240, &[0, 5, 0, 0, 1, 2]), NOTHING);
    }
}
