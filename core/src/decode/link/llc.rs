//! LLC (IEEE 802.2) and SNAP (IEEE 802, section 9.2; RFC 1042): what stands behind a length in 802.3,
//! and in all of 802.5, FDDI, 802.11 and ATM. As a link type of its own: `LINKTYPE_ATM_RFC1483`, and
//! Linux' classical IP over ATM, which may leave it out.
//!
//! ```text
//! | DSAP 1 | SSAP 1 | control 1 or 2 | organisation 3 | protocol 2 | ...
//!   0xaa     0xaa     3                for SNAP only
//! ```

use super::{ETHERNET, Link};
use crate::decode::{DecodeEnd, Next, Opened, Slice};
use crate::wire;

pub(super) static LINK: Link = Link { name: "LLC", types: &[100], open };
pub(super) static CLIP: Link =
    Link { name: "classical IP over ATM", types: &[106], open: maybe_without };

const SAP_SNAP: u8 = 0xaa;
const SAP_IP: u8 = 0x06;
const UNNUMBERED: u8 = 3;

const SHORT: &str = "llc.header_too_short";

fn open(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    let [dsap, ssap, control] = part.array(0, SHORT)?;
    match (dsap, ssap, control) {
        (SAP_SNAP, SAP_SNAP, UNNUMBERED) => snap(part.after(3)),
        (SAP_IP, SAP_IP, UNNUMBERED) => Ok(Opened::new(Next::Ip, part.after(3))),
        _ => Ok(Opened::new(Next::Nothing, part)),
    }
}

/// SNAP's own five bytes.
pub(super) fn snap(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    let (organisation, protocol) = (part.be24(0, SHORT)?, part.be16(3, SHORT)?);
    let rest = part.after(5);
    Ok(match (organisation, protocol) {
        // RFC 1042, and IEEE 802.1H's numbers for bridges.
        (0 | 0xf8, ethertype) => Opened::new(Next::EtherType(ethertype), rest),
        // RFC 2684 section 5.2: bridged Ethernet, with and without its checksum, behind two bytes of
        // padding.
        (0x00_80c2, 1 | 7) => Opened::new(Next::Link(ETHERNET), rest.after(2)),
        _ => Opened::new(Next::Nothing, rest),
    })
}

fn maybe_without(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    match wire::u8_at(part.bytes, 0) {
        Some(byte) if byte >> 4 == 4 || byte >> 4 == 6 => Ok(Opened::new(Next::Ip, part)),
        Some(_) | None => open(part),
    }
}

#[cfg(test)]
mod tests {
    use crate::decode::tests::support::{NOTHING, ethernet, opens, snap, stops, v4, v6};

    #[test]
    fn leads_to_the_datagram() {
        opens(100, &snap(0x0800, &v4()));
        opens(100, &snap(0x86dd, &v6()));
        opens(100, &[&[6, 6, 3], &v4()[..]].concat());
        let bridged = [0xaa, 0xaa, 3, 0, 0x80, 0xc2, 0, 7, 0, 0];
        opens(100, &[&bridged, &ethernet(0x0800, &v4())[..]].concat());
        opens(106, &snap(0x0800, &v4()));
        opens(106, &v4());
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(stops(100, &[0xaa, 0xaa]), ["llc.header_too_short"]);
        assert_eq!(stops(100, &[0xaa, 0xaa, 3, 0, 0, 0, 8]), ["llc.header_too_short"]);
        // NetBIOS, and Cisco's discovery protocol.
        assert_eq!(stops(100, &[0xf0, 0xf0, 3, 1, 2]), NOTHING);
        assert_eq!(stops(100, &[0xaa, 0xaa, 3, 0, 0, 0xc, 0x20, 0, 1]), NOTHING);
    }
}
