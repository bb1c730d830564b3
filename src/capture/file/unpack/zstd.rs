//! Zstandard: RFC 8878, frames one after the other, skippable ones among them.

use std::io;

use zstd::stream::raw::{DParameter, Decoder, InBuffer, Operation, OutBuffer};
use zstd::zstd_safe::zstd_sys::ZSTD_ErrorCode;

use super::{Fault, Step, Stepped, Then};
use portstory_core::internal::wire;

/// Bytes that tell how long a frame's header is, and so begin each frame.
const FRAME_START_BYTES: usize = 5;

/// A file of Zstandard frames.
pub(super) struct Zstd {
    decoder: Decoder<'static>,
    /// Bytes that complete the next header or block. Given exactly these, the decoder finishes one
    /// block a step: of a step that fails it tells nothing, so what was sound before a damaged block
    /// must have been handed over by then.
    wanted: usize,
    /// The decoder may hold more than there was room for.
    full: bool,
    /// Between frames.
    between: bool,
    /// A frame was read to its end.
    any: bool,
}

impl Zstd {
    /// Refuses frames with a window of more than `window_bytes_max`, rounded down to a power of two.
    pub(super) fn new(window_bytes_max: usize) -> io::Result<Self> {
        // The format has no smaller window (RFC 8878, section 3.1.1.1.2), the library no larger one.
        let log = window_bytes_max.max(1).ilog2().clamp(10, 31);
        let mut decoder = Decoder::new()?;
        decoder.set_parameter(DParameter::WindowLogMax(log))?;
        Ok(Self { decoder, wanted: FRAME_START_BYTES, full: false, between: true, any: false })
    }

    fn fault(&self, error: &io::Error) -> Fault {
        let error = error.get_ref().and_then(|error| error.downcast_ref::<zstd::Error>());
        let is = |kind| error.is_some_and(|error| error.is(kind));
        if is(ZSTD_ErrorCode::ZSTD_error_frameParameter_windowTooLarge)
            || is(ZSTD_ErrorCode::ZSTD_error_memory_allocation)
        {
            Fault::Large
        } else if is(ZSTD_ErrorCode::ZSTD_error_dictionary_wrong) {
            Fault::Unsupported
        } else if is(ZSTD_ErrorCode::ZSTD_error_prefix_unknown) && self.any {
            Fault::Trailing
        } else {
            Fault::Damaged
        }
    }
}

impl Step for Zstd {
    fn step(&mut self, packed: &[u8], into: &mut [u8]) -> Stepped {
        if packed.is_empty() && self.between {
            return Stepped { taken: 0, made: 0, then: Then::End };
        }
        let given = if self.full { &[] } else { wire::prefix(packed, self.wanted) };
        let room = into.len();
        let mut input = InBuffer::around(given);
        let mut output = OutBuffer::around(into);
        let ran = self.decoder.run(&mut input, &mut output);
        let (taken, made) = (input.pos(), output.pos());
        self.full = made == room;
        let then = match ran {
            Ok(0) => {
                self.wanted = FRAME_START_BYTES;
                self.between = true;
                self.full = false;
                self.any = true;
                Then::More
            }
            Ok(wanted) => {
                self.wanted = wanted;
                self.between = false;
                Then::More
            }
            Err(error) => Then::Fault(self.fault(&error)),
        };
        Stepped { taken, made, then }
    }
}
