//! A fragment of an IP packet (RFC 791 section 3.2, RFC 8200 section 4.5), as the decoder hands it on.

use std::borrow::Cow;
use std::net::IpAddr;

use super::DecodeContext;
use super::ip::Piece;
use super::packet::Network;
use crate::frame::FrameRef;

/// A piece of an IP packet.
#[derive(Clone, Debug)]
pub struct Fragment<'a> {
    pub(super) context: DecodeContext,
    pub(super) src: IpAddr,
    pub(super) dst: IpAddr,
    /// What the packet carries; only the first fragment's word counts.
    pub(super) protocol: u8,
    pub(super) piece: Piece,
    pub(super) bytes: Cow<'a, [u8]>,
    pub(super) wire_len: usize,
    pub(super) header_offset: usize,
    /// Frames of the packet that it came out of, where that came in fragments too.
    pub(super) outer_frames: Vec<FrameRef>,
}

impl Fragment<'_> {
    /// The frame it was in.
    pub const fn at(&self) -> FrameRef {
        self.context.at
    }

    /// The same, outliving its frame.
    pub fn into_owned(self) -> Fragment<'static> {
        Fragment { bytes: Cow::Owned(self.bytes.into_owned()), ..self }
    }

    /// All of it but its bytes.
    pub(super) fn without_bytes(&self) -> Fragment<'static> {
        Fragment { bytes: Cow::Borrowed(&[]), outer_frames: Vec::new(), ..*self }
    }

    /// What it shares with the other pieces of its packet.
    pub(super) fn key(&self) -> Key {
        // RFC 791: source, destination, protocol and identification; RFC 8200: without protocol.
        let protocol = if self.src.is_ipv4() { self.protocol } else { 0 };
        let network = self.context.path.network(true);
        Key { network, src: self.src, dst: self.dst, protocol, id: self.piece.id }
    }
}

/// What the fragments of one packet share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    network: Network,
    src: IpAddr,
    dst: IpAddr,
    protocol: u8,
    id: u32,
}
