//! The fast no: is this frame surely outside what is watched?
//!
//! A few loads at fixed places, no allocation. It answers for plain frames of the common link types:
//! IPv4 without options or IPv6 without extension headers, not fragmented, TCP or UDP between ports
//! that nobody watches and no tunnel uses. Everything else is for the full decoder to say; so it
//! never says no to a frame in which the decoder would find something.

use crate::decode::tunnel;
use crate::frame::Frame;
use crate::net::Transport;
use crate::watch::{COMPANION_PORTS, Watch};
use crate::wire;

/// Answers for one set of watched ports.
#[derive(Clone, Debug)]
pub struct Peek {
    tcp: PortSet,
    udp: PortSet,
}

/// One bit a port. Real traffic touches few of its cache lines.
type PortSet = Box<[u64; 1024]>;

impl Peek {
    /// Ports that are watched, that companions use, and that announce a tunnel are looked at.
    pub fn new(watch: &Watch) -> Self {
        let mut peek = Self { tcp: Box::new([0; 1024]), udp: Box::new([0; 1024]) };
        for &port in &watch.ports {
            peek.want(Transport::Tcp, port);
            peek.want(Transport::Udp, port);
        }
        for port in watch.framehawk.clone() {
            peek.want(Transport::Udp, port);
        }
        for &(transport, port, _) in COMPANION_PORTS {
            peek.want(transport, port);
        }
        tunnel::udp_ports().for_each(|port| peek.want(Transport::Udp, port));
        peek
    }

    fn want(&mut self, transport: Transport, port: u16) {
        let set = match transport {
            Transport::Tcp => &mut self.tcp,
            Transport::Udp => &mut self.udp,
        };
        if let Some(word) = set.get_mut(usize::from(port >> 6)) {
            *word |= 1 << (port & 63);
        }
    }

    /// False if the frame is surely of no interest.
    #[inline]
    pub fn is_candidate(&self, frame: &Frame<'_>) -> bool {
        let bytes = frame.bytes;
        let (ethertype, at) = match frame.link.0 {
            1 => behind_tags(bytes),
            113 => (wire::be16(bytes, 14), 16),
            276 => (wire::be16(bytes, 0), 20),
            101 => (wire::u8_at(bytes, 0).map(version_as_ethertype), 0),
            _ => return true,
        };
        match ethertype {
            Some(0x0800) => self.ipv4(bytes, at),
            Some(0x86dd) => self.ipv6(bytes, at),
            // ARP: by far the most frequent of those that hold no IP.
            Some(0x0806) => false,
            Some(_) | None => true,
        }
    }

    #[inline]
    fn ipv4(&self, bytes: &[u8], at: usize) -> bool {
        let Some(header) = wire::array::<24>(bytes, at) else { return true };
        // No options, no "more fragments", no fragment offset: else the decoder knows what to do.
        let plain = header[0] == 0x45 && header[6] & 0x3f == 0 && header[7] == 0;
        let [.., a, b, c, d] = header;
        !plain || self.transport(header[9], [a, b, c, d])
    }

    #[inline]
    fn ipv6(&self, bytes: &[u8], at: usize) -> bool {
        let (Some(first), Some(next), Some(ports)) =
            (wire::u8_at(bytes, at), wire::u8_at(bytes, at + 6), wire::array(bytes, at + 40))
        else {
            return true;
        };
        first >> 4 != 6 || self.transport(next, ports)
    }

    #[inline]
    fn transport(&self, protocol: u8, ports: [u8; 4]) -> bool {
        let set = match protocol {
            6 => &self.tcp,
            17 => &self.udp,
            _ => return true,
        };
        let [a, b, c, d] = ports;
        contains(set, u16::from_be_bytes([a, b])) || contains(set, u16::from_be_bytes([c, d]))
    }
}

#[inline]
fn contains(set: &PortSet, port: u16) -> bool {
    set.get(usize::from(port >> 6)).is_some_and(|word| word >> (port & 63) & 1 == 1)
}

/// The EtherType of an Ethernet frame behind up to two VLAN tags, and where its payload starts.
#[inline]
fn behind_tags(bytes: &[u8]) -> (Option<u16>, usize) {
    let mut at = 12;
    let mut ethertype = wire::be16(bytes, at);
    while let (Some(0x8100 | 0x88a8 | 0x9100), ..20) = (ethertype, at) {
        at += 4;
        ethertype = wire::be16(bytes, at);
    }
    (ethertype, at + 2)
}

/// Raw IP has no EtherType: its version field tells the same.
const fn version_as_ethertype(first: u8) -> u16 {
    match first >> 4 {
        4 => 0x0800,
        6 => 0x86dd,
        _ => 0,
    }
}
