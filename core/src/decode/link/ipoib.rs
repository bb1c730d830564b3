//! IP over InfiniBand (RFC 4391 section 6; `LINKTYPE_IPOIB`). Some systems put a route header, or what
//! they have in its place, before it; nothing says so but where the EtherType stands.
//!
//! ```text
//! | (route header 40) | EtherType 2 | reserved 2: 0 | ...
//! ```

use super::Link;
use crate::decode::{DecodeEnd, Next, Opened, Slice};

pub(super) static LINK: Link = Link { name: "IP over InfiniBand", types: &[242], open };

/// InfiniBand architecture, volume 1, section 8.3.
const ROUTE_HEADER_LEN: usize = 40;

fn open(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    const SHORT: &str = "ipoib.header_too_short";
    let first = part.be32(0, SHORT)?;
    // RFC 4391 section 6: besides IPv4, IPv6 and ARP hardly anything is sent.
    let part = match first {
        0x0800_0000 | 0x86dd_0000 | 0x0806_0000 => part,
        _ => part.after(ROUTE_HEADER_LEN),
    };
    let ethertype = part.be16(0, SHORT)?;
    Ok(Opened::new(Next::EtherType(ethertype), part.after(4)))
}

#[cfg(test)]
mod tests {
    use crate::decode::tests::support::{opens, stops, v4, v6};

    #[test]
    fn leads_to_the_datagram() {
        opens(242, &[&[8, 0, 0, 0], &v4()[..]].concat());
        opens(242, &[&[0x86, 0xdd, 0, 0], &v6()[..]].concat());
        opens(242, &[&[0x60; 40], &[8, 0, 0, 0][..], &v4()].concat());
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(stops(242, &[8, 0, 0]), ["ipoib.header_too_short"]);
        assert_eq!(stops(242, &[0x60; 41]), ["ipoib.header_too_short"]);
    }
}
