//! Packets that a filter is tried with: headers only, of every link type whose layout is simple.

use std::net::{Ipv4Addr, Ipv6Addr};

use portstory_core::LinkType;

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;

/// What `AF_INET6` is here: BSD's loopback header holds it.
const AF_INET6: u32 = if cfg!(target_os = "linux") {
    10
} else if cfg!(target_os = "freebsd") {
    28
} else if cfg!(target_vendor = "apple") {
    30
} else {
    24
};

/// Who sends, and to whom.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    pub(super) v4: [Ipv4Addr; 2],
    pub(super) v6: [Ipv6Addr; 2],
}

impl Default for Ends {
    /// Addresses for documentation: RFC 5737 and RFC 3849.
    fn default() -> Self {
        Self {
            v4: [Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(192, 0, 2, 2)],
            v6: [1, 2].map(|last| Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last)),
        }
    }
}

impl Ends {
    /// A packet of either version, as below.
    pub(super) fn ip(
        &self,
        v6: bool,
        back: bool,
        protocol: u8,
        fragment: u16,
        payload: &[u8],
    ) -> Vec<u8> {
        if v6 {
            self.ip6(back, protocol, payload)
        } else {
            self.ip4(back, protocol, fragment, payload)
        }
    }

    /// An IPv4 packet, from the first to the second or back; `fragment` is flags and offset.
    pub(super) fn ip4(&self, back: bool, protocol: u8, fragment: u16, payload: &[u8]) -> Vec<u8> {
        let [one, other] = self.v4.map(|address| address.octets());
        let (from, to) = if back { (other, one) } else { (one, other) };
        let total = u16::try_from(payload.len().saturating_add(20)).unwrap_or(u16::MAX);
        let mut packet = vec![0x45, 0];
        packet.extend(total.to_be_bytes());
        packet.extend([0, 1]);
        packet.extend(fragment.to_be_bytes());
        packet.extend([64, protocol, 0, 0]);
        packet.extend([from, to].concat());
        packet.extend(payload);
        packet
    }

    /// An IPv6 packet.
    pub(super) fn ip6(&self, back: bool, next: u8, payload: &[u8]) -> Vec<u8> {
        let [one, other] = self.v6.map(|address| address.octets());
        let (from, to) = if back { (other, one) } else { (one, other) };
        let mut packet = vec![0x60, 0, 0, 0];
        packet.extend(u16::try_from(payload.len()).unwrap_or(u16::MAX).to_be_bytes());
        packet.extend([next, 64]);
        packet.extend([from, to].concat());
        packet.extend(payload);
        packet
    }
}

/// What TCP and UDP begin with, then `payload`.
pub(super) fn ports(from: u16, to: u16, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len().saturating_add(8)).unwrap_or(u16::MAX);
    let head = [from, to, length, 0].into_iter().flat_map(u16::to_be_bytes);
    head.chain(payload.iter().copied()).collect()
}

/// Whether an IP packet is one of version 6.
pub(super) fn is_v6(packet: &[u8]) -> bool {
    packet.first().is_some_and(|first| first >> 4 == 6)
}

/// Whether frames of this link type can be made.
pub(super) fn knows(link: LinkType) -> bool {
    carries(link, false) || carries(link, true)
}

/// Whether frames of this link type with this version of IP can be made.
pub(super) fn carries(link: LinkType, v6: bool) -> bool {
    frame_of(link, if v6 { IPV6 } else { IPV4 }, &[]).is_some()
}

/// Whether the link type announces what it carries by an EtherType, VLAN tags among that.
pub(super) fn has_ethertype(link: LinkType) -> bool {
    matches!(link.0, 1 | 104 | 105 | 113 | 127 | 276)
}

/// A frame around an IP packet with VLAN tags, outermost first, where the link type has them.
pub(super) fn tagged(link: LinkType, tags: &[u16], packet: &[u8]) -> Option<Vec<u8>> {
    let kind = if is_v6(packet) { IPV6 } else { IPV4 };
    let Some((first, others)) = tags.split_first() else { return frame_of(link, kind, packet) };
    if !has_ethertype(link) {
        return None;
    }
    let mut behind = Vec::new();
    for next in others.iter().chain([&kind]) {
        behind.extend([0, 5]);
        behind.extend(next.to_be_bytes());
    }
    behind.extend(packet);
    frame_of(link, *first, &behind)
}

/// A frame with this EtherType, in whatever way the link type says it.
pub(super) fn frame_of(link: LinkType, ethertype: u16, behind: &[u8]) -> Option<Vec<u8>> {
    let kind = ethertype.to_be_bytes();
    let wifi = || {
        let data = [&[8, 1, 0, 0][..], &[0; 20]].concat();
        [&data[..], &[0xaa, 0xaa, 3, 0, 0, 0], &kind].concat()
    };
    let header = match link.0 {
        1 => [&[2; 12][..], &kind].concat(),
        104 => [&[0x0f, 0][..], &kind].concat(),
        105 => wifi(),
        127 => [&[0, 0, 8, 0, 0, 0, 0, 0][..], &wifi()].concat(),
        113 => [&[0; 14][..], &kind].concat(),
        276 => [&kind[..], &[0; 18]].concat(),
        0 => family(ethertype)?.to_ne_bytes().to_vec(),
        108 => family(ethertype)?.to_be_bytes().to_vec(),
        9 | 50 => vec![0xff, 3, 0, ppp(ethertype)?],
        101 => Vec::new(),
        228 if ethertype == IPV4 => Vec::new(),
        229 if ethertype == IPV6 => Vec::new(),
        _ => return None,
    };
    Some([&header[..], behind].concat())
}

fn family(ethertype: u16) -> Option<u32> {
    match ethertype {
        IPV4 => Some(2),
        IPV6 => Some(AF_INET6),
        _ => None,
    }
}

/// The PPP protocol number (RFC 1332, RFC 5072).
fn ppp(ethertype: u16) -> Option<u8> {
    match ethertype {
        IPV4 => Some(0x21),
        IPV6 => Some(0x57),
        _ => None,
    }
}
