//! The bytes of one layer: what was captured of it, and how long it was on the wire.

use crate::decode::DecodeAnomaly;
use crate::frame::Frame;
use crate::net::Layer;
use crate::wire;

/// A layer's bytes. Keeping the length on the wire beside them tells a snap length that cut the
/// packet from a header that lies.
#[derive(Clone, Copy, Debug)]
pub struct Slice<'a> {
    /// What was captured.
    pub bytes: &'a [u8],
    /// How long it was on the wire, in bytes; never less than `bytes.len()`.
    pub wire_len: usize,
    /// Where it starts in the frame, in bytes.
    pub offset: usize,
    /// Which layer it is, for what is said of it.
    pub layer: Layer,
}

/// Why a layer could not be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeEnd {
    /// The snap length cut it: nothing is wrong.
    Cut,
    /// All that is of interest was handed on.
    Done,
    /// It does not hold together.
    Anomaly(DecodeAnomaly),
}

impl<'a> Slice<'a> {
    /// The whole frame.
    pub fn of_frame(frame: &Frame<'a>) -> Self {
        let wire_len = wire::index(frame.wire_len).max(frame.bytes.len());
        Self { bytes: frame.bytes, wire_len, offset: 0, layer: Layer::Link }
    }

    /// What follows the first `len` bytes.
    pub fn after(&self, len: usize) -> Self {
        Self {
            bytes: wire::rest(self.bytes, len),
            wire_len: self.wire_len.saturating_sub(len),
            offset: self.offset.saturating_add(len),
            layer: self.layer,
        }
    }

    /// The same as the bytes of this layer.
    pub const fn of_layer(self, layer: Layer) -> Self {
        Self { layer, ..self }
    }

    /// The same, no longer on the wire than `len` bytes: a length field inside says so, and what is
    /// behind is padding.
    pub fn limited(&self, len: usize) -> Self {
        Self { bytes: wire::prefix(self.bytes, len), wire_len: self.wire_len.min(len), ..*self }
    }

    /// Whether the snap length cut this layer.
    pub fn is_cut(&self) -> bool {
        self.bytes.len() < self.wire_len
    }

    /// What to say where fewer bytes are left than a header needs: cut where the wire had
    /// more than was captured, else malformed.
    pub fn too_short(&self, event: &'static str) -> DecodeEnd {
        if self.is_cut() { DecodeEnd::Cut } else { self.stop(event) }
    }

    /// Stops with an anomaly at the start of this layer.
    pub const fn stop(&self, event: &'static str) -> DecodeEnd {
        self.stop_at(event, None)
    }

    /// The same, of one of several kinds that go by a number.
    pub const fn stop_at(&self, event: &'static str, number: Option<u16>) -> DecodeEnd {
        let Self { layer, offset, .. } = *self;
        DecodeEnd::Anomaly(DecodeAnomaly { event, number, layer, offset })
    }

    /// What follows a header of `len` bytes, all of which must be there. `event` says that it is too
    /// short, here and below.
    pub fn behind(&self, len: usize, event: &'static str) -> Result<Self, DecodeEnd> {
        if self.bytes.len() < len { Err(self.too_short(event)) } else { Ok(self.after(len)) }
    }

    /// The `N` bytes at `at` of a header.
    pub fn array<const N: usize>(
        &self,
        at: usize,
        event: &'static str,
    ) -> Result<[u8; N], DecodeEnd> {
        wire::array(self.bytes, at).ok_or_else(|| self.too_short(event))
    }

    /// The byte at `at`.
    pub fn u8(&self, at: usize, event: &'static str) -> Result<u8, DecodeEnd> {
        self.array(at, event).map(u8::from_be_bytes)
    }

    /// The big-endian 16-bit number at `at`.
    pub fn be16(&self, at: usize, event: &'static str) -> Result<u16, DecodeEnd> {
        self.array(at, event).map(u16::from_be_bytes)
    }

    /// The big-endian 24-bit number at `at`.
    pub fn be24(&self, at: usize, event: &'static str) -> Result<u32, DecodeEnd> {
        self.array(at, event).map(|[a, b, c]| u32::from_be_bytes([0, a, b, c]))
    }

    /// The big-endian 32-bit number at `at`.
    pub fn be32(&self, at: usize, event: &'static str) -> Result<u32, DecodeEnd> {
        self.array(at, event).map(u32::from_be_bytes)
    }

    /// The little-endian 16-bit number at `at`.
    pub fn le16(&self, at: usize, event: &'static str) -> Result<u16, DecodeEnd> {
        self.array(at, event).map(u16::from_le_bytes)
    }

    /// The little-endian 32-bit number at `at`.
    pub fn le32(&self, at: usize, event: &'static str) -> Result<u32, DecodeEnd> {
        self.array(at, event).map(u32::from_le_bytes)
    }
}
