//! What everybody speaks of: transports, the two ends of a flow, sockets, tunnels and layers.

use std::cmp::Ordering;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};

/// The transports that are watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Transport {
    /// TCP (RFC 9293).
    Tcp,
    /// UDP (RFC 768).
    Udp,
}

impl Transport {
    /// EVE's `proto`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
        }
    }

    /// The word in filters and in lists of sockets.
    pub const fn keyword(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }

    /// The IP protocol number.
    pub const fn number(self) -> u8 {
        match self {
            Self::Tcp => 6,
            Self::Udp => 17,
        }
    }
}

/// One of the two ends of a flow.
///
/// `A` is the end whose (address, port) sorts first, as Community ID orders them. That says nothing
/// about who is the client: a capture may start anywhere, so detectors try both ways round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The lower (address, port).
    A,
    /// The higher (address, port).
    B,
}

impl Side {
    /// Both sides.
    pub const BOTH: [Self; 2] = [Self::A, Self::B];

    /// The opposite end.
    pub const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

    /// 0 or 1, for the pairs that are kept by side.
    pub const fn index(self) -> usize {
        match self {
            Self::A => 0,
            Self::B => 1,
        }
    }

    /// This side's half of a pair.
    pub const fn of<T>(self, pair: &[T; 2]) -> &T {
        let [a, b] = pair;
        match self {
            Self::A => a,
            Self::B => b,
        }
    }

    /// This side's half of a pair, to change it.
    pub const fn of_mut<T>(self, pair: &mut [T; 2]) -> &mut T {
        let [a, b] = pair;
        match self {
            Self::A => a,
            Self::B => b,
        }
    }
}

/// An address and a port. In order of both, IPv4 before IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Socket {
    /// IPv4 or IPv6 address.
    pub addr: IpAddr,
    /// Port.
    pub port: u16,
}

impl fmt::Display for Socket {
    /// `10.0.0.5:50123`, `[2001:db8::5]:50123`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        SocketAddr::new(self.addr, self.port).fmt(f)
    }
}

/// As derived, but by numbers, mostly by one: the standard library compares addresses as arrays, by a call
/// of `memcmp` each, and ledgers are searched by sockets.
impl Ord for Socket {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.addr, other.addr) {
            (IpAddr::V4(own), IpAddr::V4(others)) => {
                let number =
                    |addr: Ipv4Addr, port| u64::from(addr.to_bits()) << 16 | u64::from(port);
                number(own, self.port).cmp(&number(others, other.port))
            }
            (IpAddr::V6(own), IpAddr::V6(others)) => {
                (own.to_bits(), self.port).cmp(&(others.to_bits(), other.port))
            }
            (IpAddr::V4(_), IpAddr::V6(_)) => Ordering::Less,
            (IpAddr::V6(_), IpAddr::V4(_)) => Ordering::Greater,
        }
    }
}

impl PartialOrd for Socket {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A tunnel that a flow was found in, outermost first in [`FlowEvent::tunnels`](crate::event::FlowEvent::tunnels).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TunnelId {
    /// The encapsulation's name, such as `vxlan`.
    pub kind: &'static str,
    /// The number that separates networks (VNI, VSID, session), where it has one.
    pub id: Option<u32>,
}

/// The layers that can stop the decoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// Link header, VLAN tags.
    Link,
    /// IPv4, IPv6 and their extensions.
    Network,
    /// A tunnel's own header.
    Tunnel,
    /// TCP, UDP, ICMP.
    Transport,
}

impl Layer {
    /// The word used in EVE.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Network => "network",
            Self::Tunnel => "tunnel",
            Self::Transport => "transport",
        }
    }
}
