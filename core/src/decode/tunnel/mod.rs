//! What stands between the link header and the packet that is looked for: VLAN tags and tunnels,
//! one file each.
//!
//! A new one is its file, its `mod` line and its line in [`TUNNELS`].
//!
//! What an EtherType or an IP protocol number announces is one, or is malformed and named. A UDP port
//! announces nothing for sure: the datagram was handed on as what it is, and what does not check out
//! as the tunnel is left alone.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::link::{ETHERNET, LLC, PPP};
use super::{DecodeEnd, Next, Opened, Slice};

mod capwap;
mod cisco_metadata;
mod cisco_ttag;
mod etag;
mod etherip;
mod geneve;
mod gre;
mod gtp;
mod ip_in_ip;
mod l2tp;
mod l2tpv3;
mod macsec;
mod mpls;
mod nsh;
mod pbb;
mod pppoe;
mod teredo;
mod tzsp;
mod unopened;
mod vlan;
mod vxlan;

pub(crate) use unopened::Unopened;

/// How a tunnel's header is announced by the layer before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// By an EtherType.
    EtherType(u16),
    /// By an IP protocol number.
    IpProtocol(u8),
    /// By either port of a UDP datagram.
    UdpPort(u16),
}

/// An encapsulation that can be opened.
#[derive(Debug)]
pub struct Tunnel {
    /// Its name, as EVE's `tunnel` object has it.
    pub name: &'static str,
    /// What announces it.
    pub entries: &'static [Entry],
    /// Opens the header.
    pub open: for<'a> fn(Slice<'a>) -> Result<Opened<'a>, DecodeEnd>,
}

/// All encapsulations that can be opened.
pub static TUNNELS: &[&Tunnel] = &[
    &capwap::TUNNEL,
    &cisco_metadata::TUNNEL,
    &cisco_ttag::TUNNEL,
    &etag::TUNNEL,
    &etag::VN_TAG,
    &etherip::BARE,
    &etherip::TUNNEL,
    &geneve::TUNNEL,
    &gre::IN_UDP,
    &gre::TUNNEL,
    &gtp::TUNNEL,
    &gtp::VERSION_0,
    &ip_in_ip::IPV4,
    &ip_in_ip::IPV6,
    &l2tp::TUNNEL,
    &l2tpv3::TUNNEL,
    &macsec::TUNNEL,
    &mpls::IN_UDP,
    &mpls::TUNNEL,
    &nsh::TUNNEL,
    &pbb::TUNNEL,
    &pppoe::TUNNEL,
    &teredo::TUNNEL,
    &tzsp::TUNNEL,
    &vlan::TUNNEL,
    &vxlan::GPE,
    &vxlan::TUNNEL,
];

/// The encapsulation that is announced so.
pub(crate) fn find(entry: Entry) -> Option<&'static Tunnel> {
    TUNNELS.iter().copied().find(|row| row.entries.contains(&entry))
}

const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_IPV6: u16 = 0x86dd;
/// Transparent Ethernet bridging: what GRE and others call an Ethernet frame (RFC 1701, RFC 7637).
const ETHERTYPE_BRIDGED: u16 = 0x6558;
/// PPP, in GRE (RFC 2637).
const ETHERTYPE_PPP: u16 = 0x880b;
/// LLC behind a type instead of a length: jumbo frames (draft-ietf-isis-ext-eth).
const ETHERTYPE_LLC: u16 = 0x8870;

/// Opens what an EtherType announces.
pub(super) fn open_ethertype(ethertype: u16, part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    match ethertype {
        ETHERTYPE_IPV4 | ETHERTYPE_IPV6 => Ok(Opened::new(Next::Ip, part)),
        ETHERTYPE_BRIDGED => Ok(Opened::new(Next::Link(ETHERNET), part)),
        ETHERTYPE_PPP => Ok(Opened::new(Next::Link(PPP), part)),
        ETHERTYPE_LLC => Ok(Opened::new(Next::Link(LLC), part)),
        _ => match find(Entry::EtherType(ethertype)) {
            Some(row) => (row.open)(part),
            None => Err(unopened::ethertype(ethertype, part)),
        },
    }
}

/// Opens what an IP protocol number announces.
pub(super) fn open_ip_protocol(protocol: u8, part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    match find(Entry::IpProtocol(protocol)) {
        Some(row) => (row.open)(part),
        None => Err(unopened::ip_protocol(protocol, part)),
    }
}

/// What a UDP datagram of a port would hold.
#[derive(Clone, Copy, Debug)]
pub(super) enum OverUdp {
    /// This.
    Tunnel(&'static Tunnel),
    /// Something that is not opened, if this holds of the payload.
    Unopened(u16, unopened::LooksSo),
}

impl OverUdp {
    /// Opens the payload of a datagram, or says why that is not done.
    pub(super) fn open(self, part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
        match self {
            Self::Tunnel(row) => (row.open)(part),
            Self::Unopened(port, looks_so) if looks_so(part.bytes) => {
                Err(unopened::udp_port(port, part))
            }
            Self::Unopened(..) => Err(not_this()),
        }
    }
}

/// The encapsulation that a UDP datagram between these ports would hold.
pub(super) fn over_udp(src: u16, dst: u16) -> Option<OverUdp> {
    BY_UDP_PORT.get(&dst).or_else(|| BY_UDP_PORT.get(&src)).copied()
}

/// The ports whose datagrams are looked into.
pub(super) fn udp_ports() -> impl Iterator<Item = u16> {
    BY_UDP_PORT.keys().copied()
}

/// Every datagram is looked up here.
static BY_UDP_PORT: LazyLock<BTreeMap<u16, OverUdp>> = LazyLock::new(|| {
    let ports = |row: &'static Tunnel| {
        row.entries.iter().filter_map(move |entry| match *entry {
            Entry::UdpPort(port) => Some((port, OverUdp::Tunnel(row))),
            Entry::EtherType(_) | Entry::IpProtocol(_) => None,
        })
    };
    let unopened = unopened::UDP_PORTS.iter();
    let unopened = unopened.map(|&(port, _, looks_so)| (port, OverUdp::Unopened(port, looks_so)));
    unopened.chain(TUNNELS.iter().flat_map(|row| ports(row))).collect()
});

/// What a tunnel over UDP says of a payload that is not its own: the datagram was only on its port.
const fn not_this() -> DecodeEnd {
    DecodeEnd::Done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_tunnels_are_announced_alike() {
        let mut seen: Vec<Entry> = Vec::new();
        for entry in TUNNELS.iter().flat_map(|row| row.entries) {
            assert!(!seen.contains(entry), "{entry:?}");
            seen.push(*entry);
        }
    }
}
