//! A fragment of an IP packet (RFC 791 section 3.2, RFC 8200 section 4.5), as the decoder hands it on.

use std::borrow::Cow;
use std::net::IpAddr;

use super::ip::{Ip, Piece};
use super::packet::Network;
use super::{DecodeContext, Slice};
use crate::frame::FrameRef;

/// A piece of an IP packet.
#[derive(Clone, Debug)]
pub struct Fragment<'a> {
    pub(super) context: DecodeContext,
    /// Its header, whose payload stands in `bytes`. What the packet carries only the first fragment's
    /// tells.
    pub(super) ip: Ip<'static>,
    pub(super) piece: Piece,
    pub(super) bytes: Cow<'a, [u8]>,
    /// Frames of the packet that it came out of, where that came in fragments too.
    pub(super) outer_frames: Vec<FrameRef>,
}

impl<'a> Fragment<'a> {
    /// A piece by the header around it.
    pub(super) fn new(context: DecodeContext, ip: &Ip<'a>, piece: Piece) -> Self {
        let bytes = Cow::Borrowed(ip.payload.bytes);
        let ip = Ip { payload: Slice { bytes: &[], ..ip.payload }, ..*ip };
        Self { context, ip, piece, bytes, outer_frames: Vec::new() }
    }
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
        let Ip { src, dst, protocol, .. } = self.ip;
        let protocol = if src.is_ipv4() { protocol } else { 0 };
        let network = self.context.path.network(true);
        Key { network, src, dst, protocol, id: self.piece.id }
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
