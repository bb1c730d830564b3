//! Filters in a build without libpcap, which alone knows their language: there are none.

use super::CaptureError;
use portstory_core::Frame;

/// A filter, of which there is none.
#[derive(Debug)]
pub(crate) enum Bpf {}

impl Bpf {
    /// Refuses.
    ///
    /// # Errors
    ///
    /// [`CannotOpen`](super::CaptureErrorKind::CannotOpen), always.
    pub(crate) fn new(expression: &str) -> Result<Self, CaptureError> {
        Err(CaptureError::cannot_open(
            format!("filter '{expression}'"),
            "this build has no libpcap to compile it, as it was made without the feature `live`; add \
             it with `cargo build --release --features live`",
        ))
    }

    /// Whether it lets a frame through.
    pub(crate) fn lets_through(&mut self, _: &Frame<'_>) -> bool {
        match *self {}
    }
}
