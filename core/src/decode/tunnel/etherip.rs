//! EtherIP (RFC 3378), and Ethernet right behind an IP header (RFC 8986 section 4.9).
//!
//! ```text
//! | version 4 bits: 3, reserved 12 | Ethernet
//! ```

use super::{Entry, Tunnel};
use crate::decode::link::ETHERNET;
use crate::decode::{DecodeEnd, Next, Opened, Slice};

pub(super) static TUNNEL: Tunnel =
    Tunnel { name: "etherip", entries: &[Entry::IpProtocol(97)], open };
pub(super) static BARE: Tunnel = Tunnel {
    name: "ethernet",
    entries: &[Entry::IpProtocol(143)],
    open: |part| Ok(Opened::new(Next::Link(ETHERNET), part).in_tunnel("ethernet", None)),
};

fn open(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    if part.be16(0, "etherip.header_too_short")? != 0x3000 {
        return Err(part.stop("etherip.version_unknown"));
    }
    Ok(Opened::new(Next::Link(ETHERNET), part.after(2)).in_tunnel(TUNNEL.name, None))
}

#[cfg(test)]
mod tests {
    use crate::decode::tests::support::{ethernet, ipv4, opens, path, stops, v4};

    #[test]
    fn leads_to_the_datagram() {
        let bytes = ipv4(97, &[&[0x30, 0], &ethernet(0x0800, &v4())[..]].concat());
        opens(228, &bytes);
        assert_eq!(path(228, &bytes), (vec![], vec![("etherip", None)]));
        let bytes = ipv4(143, &ethernet(0x0800, &v4()));
        opens(228, &bytes);
        assert_eq!(path(228, &bytes), (vec![], vec![("ethernet", None)]));
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(stops(228, &ipv4(97, &[0x30])), ["etherip.header_too_short"]);
        assert_eq!(stops(228, &ipv4(97, &[0x40, 0])), ["etherip.version_unknown"]);
    }
}
