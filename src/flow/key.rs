//! What makes packets belong to one flow.

use crate::decode::packet::{Network, Packet};
use crate::event::Socket;
use crate::identify::{Side, Transport};

/// A bidirectional 5-tuple and what separates its network from others (invariant 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
