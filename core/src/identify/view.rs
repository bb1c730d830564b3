//! What a detector may know of a flow: the first octets of both sides, and nothing else.

use crate::time::Timestamp;

/// The transports that are watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

/// One UDP datagram's payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// What was kept of it. The newest one is whole, as far as it was captured; of older ones the
    /// first octets are left ([`crate::config::Limits::head_datagram_bytes_max`]).
    pub bytes: &'a [u8],
    /// Length of its payload on the wire, in octets.
    pub wire_len: usize,
    /// When it was captured.
    pub time: Timestamp,
}

impl Datagram<'_> {
    /// Whether `bytes` is the whole payload.
    pub const fn is_whole(&self) -> bool {
        self.bytes.len() == self.wire_len
    }
}

/// What one side sent first.
#[derive(Clone, Copy, Debug, Default)]
pub struct SideView<'a> {
    /// TCP: the first octets, in order and without holes. UDP: empty.
    pub stream: &'a [u8],
    /// TCP: whether `stream` starts with the first octet of the connection (the SYN was seen).
    pub from_start: bool,
    /// UDP: the first datagrams with payload, in the order of capture. TCP: empty.
    pub datagrams: &'a [Datagram<'a>],
    /// Nothing will be added to this side's head any more: it is full, has a hole that will not be
    /// filled, or the flow has ended.
    pub complete: bool,
}

impl SideView<'_> {
    /// Whether this side was seen to send any payload.
    pub const fn has_spoken(&self) -> bool {
        !self.stream.is_empty() || !self.datagrams.is_empty()
    }
}

/// The first octets of a flow, as a detector sees them.
#[derive(Clone, Copy, Debug)]
pub struct FlowView<'a> {
    /// TCP or UDP.
    pub transport: Transport,
    /// By [`Side::index`].
    pub sides: [SideView<'a>; 2],
}

impl<'a> FlowView<'a> {
    /// One side's head.
    pub const fn side(&self, side: Side) -> &SideView<'a> {
        side.of(&self.sides)
    }

    /// Both heads with their names.
    pub fn each(&self) -> impl Iterator<Item = (Side, &SideView<'a>)> {
        Side::BOTH.into_iter().map(|side| (side, self.side(side)))
    }

    /// What `look` makes of each side's head.
    pub fn both<T>(&self, mut look: impl FnMut(&SideView<'a>) -> T) -> [T; 2] {
        let [a, b] = &self.sides;
        [look(a), look(b)]
    }
}
