//! What a detector may know of a flow: the first bytes of both sides, and nothing else.

use crate::net::{Side, Transport};
use crate::time::Timestamp;

/// One UDP datagram's payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// What was kept of it. The newest one is whole, as far as it was captured; of older ones the
    /// first bytes are left ([`crate::config::Limits::head_datagram_bytes_max`]).
    pub bytes: &'a [u8],
    /// Length of its payload on the wire, in bytes.
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
    /// TCP: the first bytes, in order and without holes. UDP: empty.
    pub stream: &'a [u8],
    /// TCP: whether `stream` starts with the first byte of the connection (the SYN was seen).
    pub from_start: bool,
    /// UDP: the first datagrams with payload, in the order of capture. TCP: empty.
    pub datagrams: &'a [Datagram<'a>],
    /// Nothing will be added to this side's head any more: it is full, has a hole that will not be
    /// filled, or the flow has ended.
    pub complete: bool,
    /// TCP: more may have been sent behind it than it takes in: it is full, or has such a hole. What it
    /// ends in is then not the message's end.
    pub cut: bool,
}

impl SideView<'_> {
    /// Whether this side was seen to send any payload.
    pub const fn has_spoken(&self) -> bool {
        !self.stream.is_empty() || !self.datagrams.is_empty()
    }
}

/// The first bytes of a flow, as a detector sees them.
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
