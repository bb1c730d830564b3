//! What makes packets belong to one flow.

use std::hash::{Hash, Hasher};
use std::net::IpAddr;

use crate::decode::packet::{Network, Packet};
use crate::net::{Side, Socket, Transport};

/// A bidirectional 5-tuple and what separates its network from others (invariant 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FlowKey {
    /// TCP or UDP.
    pub transport: Transport,
    /// The lower (address, port).
    pub a: Socket,
    /// The higher one.
    pub b: Socket,
    /// Tunnel numbers, and VLANs where asked for.
    pub network: Network,
}

impl FlowKey {
    /// The key of a packet, and which side sent it. For an ICMP error: the flow that it quotes, and
    /// the side whose packet is quoted.
    pub fn of(packet: &Packet<'_>, vlans: bool) -> (Self, Side) {
        let network = packet.path.network(vlans);
        let (src, dst, transport) = (packet.src, packet.dst, packet.transport);
        if src <= dst {
            (Self { transport, a: src, b: dst, network }, Side::A)
        } else {
            (Self { transport, a: dst, b: src, network }, Side::B)
        }
    }

    /// The socket of one side.
    pub const fn socket(&self, side: Side) -> Socket {
        match side {
            Side::A => self.a,
            Side::B => self.b,
        }
    }
}

/// One write of a few words: what is derived writes twenty small ones, for every packet.
impl Hash for FlowKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let ports = u64::from(self.a.port) << 16 | u64::from(self.b.port);
        let rest = ports << 8 | u64::from(self.transport.number());
        if let (IpAddr::V4(a), IpAddr::V4(b)) = (self.a.addr, self.b.addr) {
            let pair = u64::from(a.to_bits()) << 32 | u64::from(b.to_bits());
            state.write([pair.to_le_bytes(), rest.to_le_bytes()].as_flattened());
        } else {
            let (a, b, rest) = (number(self.a.addr), number(self.b.addr), u128::from(rest));
            state.write([a.to_le_bytes(), b.to_le_bytes(), rest.to_le_bytes()].as_flattened());
        }
        if self.network != Network::default() {
            self.network.hash(state);
        }
    }
}

/// An address as a number. An IPv6 address may have the number of an IPv4 one: they are not equal all
/// the same.
pub(in crate::flow) fn number(addr: IpAddr) -> u128 {
    match addr {
        IpAddr::V4(addr) => addr.to_bits().into(),
        IpAddr::V6(addr) => addr.to_bits(),
    }
}
