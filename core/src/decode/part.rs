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
        Self { bytes: frame.bytes, wire_len, offset: 0 }
    }

    /// What follows the first `len` bytes.
    pub fn after(&self, len: usize) -> Self {
        Self {
            bytes: wire::rest(self.bytes, len),
            wire_len: self.wire_len.saturating_sub(len),
            offset: self.offset.saturating_add(len),
        }
    }

    /// The same, no longer on the wire than `len` bytes: a length field inside says so, and what is
    /// behind is padding.
    pub fn limited(&self, len: usize) -> Self {
        Self {
            bytes: wire::prefix(self.bytes, len),
            wire_len: self.wire_len.min(len),
            offset: self.offset,
        }
    }

    /// Whether the snap length cut this layer.
    pub fn is_cut(&self) -> bool {
        self.bytes.len() < self.wire_len
    }

    /// What to say where fewer bytes are left than a header needs: cut where the wire had
    /// more than was captured, else malformed.
    pub fn too_short(&self, layer: Layer, event: &'static str) -> DecodeEnd {
        if self.is_cut() { DecodeEnd::Cut } else { self.stop(layer, event) }
    }

    /// Stops with an anomaly at the start of this layer.
    pub fn stop(&self, layer: Layer, event: &'static str) -> DecodeEnd {
        DecodeEnd::Anomaly(DecodeAnomaly { event, layer, offset: self.offset })
    }
}
