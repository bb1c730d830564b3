//! What the decoder makes of a frame: packets with their addresses, and where they were found.

use crate::decode::Adds;
use crate::frame::FrameRef;
use crate::net::{Socket, Transport, TunnelId};

/// A TCP segment, a UDP datagram, or an ICMP error about one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// The frame it was in.
    pub at: FrameRef,
    /// VLANs and tunnels around it.
    pub path: &'a Path,
    /// TCP or UDP; of an ICMP error, what it quotes.
    pub transport: Transport,
    /// Who sent it; of an ICMP error, who sent the packet that it quotes.
    pub src: Socket,
    /// Whom it was sent to; of an ICMP error, the address that was not reached.
    pub dst: Socket,
    /// IPv4 identification (RFC 791); 0 for IPv6.
    pub ip_id: u16,
    /// IPv4's time to live, IPv6's hop limit.
    pub ttl: u8,
    /// A number of the link that the frame was on, by its addresses (`decode/link` says how).
    pub link: u64,
    /// Bytes on the wire: the frame, or from the inner IP header on where the packet came in a
    /// tunnel.
    pub wire_len: u32,
    /// What was captured of it, from the header of the transport layer on.
    pub segment: &'a [u8],
    /// The transport layer.
    pub body: Body<'a>,
}

/// The transport layer of a [`Packet`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body<'a> {
    /// A TCP segment (RFC 9293 section 3.1).
    Tcp(TcpInfo, Payload<'a>),
    /// A UDP datagram (RFC 768), with its checksum.
    Udp(u16, Payload<'a>),
    /// An ICMP error that quotes one of the two.
    Icmp(IcmpError),
}

impl<'a> Body<'a> {
    /// What it carries; an ICMP error carries nothing of its own.
    #[inline]
    pub const fn payload(&self) -> Option<Payload<'a>> {
        match *self {
            Self::Tcp(_, payload) | Self::Udp(_, payload) => Some(payload),
            Self::Icmp(_) => None,
        }
    }

    /// The same with other bytes captured, and as long on the wire as it was.
    pub const fn with_payload<'b>(&self, bytes: &'b [u8]) -> Body<'b> {
        match *self {
            Self::Tcp(info, was) => Body::Tcp(info, Payload { bytes, ..was }),
            Self::Udp(checksum, was) => Body::Udp(checksum, Payload { bytes, ..was }),
            Self::Icmp(error) => Body::Icmp(error),
        }
    }
}

/// What a packet carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payload<'a> {
    /// What was captured of it.
    pub bytes: &'a [u8],
    /// Its length on the wire, in bytes.
    pub wire_len: usize,
}

/// Fields of a TCP header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpInfo {
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgment number.
    pub ack: u32,
    /// Control bits.
    pub flags: TcpFlags,
    /// Window, not scaled.
    pub window: u16,
    /// Checksum; tells copies of a segment from segments that look alike.
    pub checksum: u16,
}

/// TCP control bits (RFC 9293 section 3.1), the low eight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpFlags(pub u8);

impl TcpFlags {
    /// FIN.
    pub const fn fin(self) -> bool {
        self.0 & 0x01 != 0
    }

    /// SYN.
    pub const fn syn(self) -> bool {
        self.0 & 0x02 != 0
    }

    /// RST.
    pub const fn rst(self) -> bool {
        self.0 & 0x04 != 0
    }

    /// PSH.
    pub const fn psh(self) -> bool {
        self.0 & 0x08 != 0
    }

    /// ACK.
    pub const fn ack(self) -> bool {
        self.0 & 0x10 != 0
    }

    /// SYN without ACK: the first segment of a connection.
    pub const fn opens(self) -> bool {
        self.syn() && !self.ack() && !self.rst()
    }
}

/// An ICMP error (RFC 792, RFC 4443) that says why a packet did not get there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IcmpError {
    /// Who says so.
    pub by: std::net::IpAddr,
    /// What was said.
    pub kind: Unreachable,
    /// Whether ICMPv6.
    pub v6: bool,
    /// The ICMP type.
    pub icmp_type: u8,
    /// The ICMP code.
    pub code: u8,
}

/// What an ICMP error means for the flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unreachable {
    /// The host is there and nothing listens on the port.
    Port,
    /// A firewall or router says that it is not allowed.
    Prohibited,
    /// The host or network cannot be reached.
    Host,
    /// Anything else: time exceeded, packet too big, parameter problem. Says nothing about the port.
    Transit,
}

/// VLAN tags or tunnels kept of one packet's path.
pub(crate) const PATH_STEPS_MAX: usize = 4;

/// The VLANs and tunnels around a packet, outermost first. What is deeper than [`PATH_STEPS_MAX`] is
/// decoded all the same, but not told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path {
    vlans: [Option<u16>; PATH_STEPS_MAX],
    tunnels: [Option<TunnelId>; PATH_STEPS_MAX],
}

impl Path {
    /// No VLAN, no tunnel.
    pub const PLAIN: Self = Self { vlans: [None; PATH_STEPS_MAX], tunnels: [None; PATH_STEPS_MAX] };

    /// Adds a step.
    pub fn push(&mut self, adds: Adds) {
        match adds {
            Adds::Vlan(id) => put(&mut self.vlans, id),
            Adds::Tunnel(id) => put(&mut self.tunnels, id),
        }
    }

    /// VLAN ids, outermost first.
    pub fn vlans(&self) -> impl Iterator<Item = u16> {
        self.vlans.into_iter().flatten()
    }

    /// Tunnels, outermost first.
    pub fn tunnels(&self) -> impl Iterator<Item = TunnelId> {
        self.tunnels.into_iter().flatten()
    }

    /// Whether there is no VLAN and no tunnel.
    pub fn is_plain(&self) -> bool {
        // They are filled from the front.
        !self.is_tunnelled() && self.vlans.first().is_none_or(Option::is_none)
    }

    /// Whether the packet came in a tunnel.
    pub fn is_tunnelled(&self) -> bool {
        // They are filled from the front.
        self.tunnels.first().is_some_and(Option::is_some)
    }

    /// What separates this packet's network from others, for a flow's key (invariant 9): the numbers
    /// of tunnels that have one, and VLAN ids where `vlans` asks for it. Which tunnel it was does not
    /// count, nor its outer addresses: the two directions may differ in both.
    pub fn network(&self, vlans: bool) -> Network {
        if !self.is_tunnelled() && !vlans {
            return Network::default();
        }
        let mut ids = [None; PATH_STEPS_MAX];
        // Close together: a tunnel without a number may be there in one direction only.
        self.tunnels().filter_map(|tunnel| tunnel.id).for_each(|id| put(&mut ids, id));
        Network { vlans: if vlans { self.vlans } else { Default::default() }, ids }
    }
}

fn put<T>(steps: &mut [Option<T>], step: T) {
    if let Some(free) = steps.iter_mut().find(|slot| slot.is_none()) {
        *free = Some(step);
    }
}

/// The part of a flow's key that tells networks with equal addresses apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network {
    vlans: [Option<u16>; PATH_STEPS_MAX],
    ids: [Option<u32>; PATH_STEPS_MAX],
}

impl Network {
    /// The same as numbers, for hashing.
    pub fn numbers(&self) -> impl Iterator<Item = u64> {
        // One more than the id, so that "none" and 0 differ.
        let number = |id: Option<u32>| id.map_or(0, |id| u64::from(id).saturating_add(1));
        let vlans = self.vlans.into_iter().map(move |vlan| number(vlan.map(u32::from)));
        vlans.chain(self.ids.into_iter().map(number))
    }
}
