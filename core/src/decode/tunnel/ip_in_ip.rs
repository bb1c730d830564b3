//! IP right inside IP: protocol 4 (RFC 2003, RFC 2473) and protocol 41 (RFC 4213, RFC 2473).

use super::{Entry, Tunnel};
use crate::decode::{Next, Opened};

pub(super) static IPV4: Tunnel = Tunnel {
    name: "ipip",
    entries: &[Entry::IpProtocol(4)],
    open: |part| Ok(Opened::new(Next::Ip, part).in_tunnel(IPV4.name, None)),
};
pub(super) static IPV6: Tunnel = Tunnel {
    name: "ipv6-in-ip",
    entries: &[Entry::IpProtocol(41)],
    open: |part| Ok(Opened::new(Next::Ip, part).in_tunnel(IPV6.name, None)),
};

#[cfg(test)]
mod tests {
    use crate::decode::tests::support::{ipv4, ipv6, opens, path, stops, v4, v6};

    #[test]
    fn leads_to_the_datagram() {
        opens(228, &ipv4(4, &v4()));
        opens(229, &ipv6(4, &v4()));
        opens(229, &ipv6(41, &v6()));
        let bytes = ipv4(41, &v6());
        opens(228, &bytes);
        assert_eq!(path(228, &bytes), (vec![], vec![("ipv6-in-ip", None)]));
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(stops(228, &ipv4(4, &[])), ["ip.header_missing"]);
        assert_eq!(stops(228, &ipv4(41, &[0x60; 20])), ["ipv6.header_malformed"]);
    }
}
