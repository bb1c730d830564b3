//! How much is unpacked of a file: a few bytes of any packing may stand for very many.

use std::io::{self, Read};

use super::{Fault, Packing, Trouble};
use crate::capture::file::odometer::Odometer;
use portstory_core::config::{UNPACK_BYTES_MIN, UNPACK_TIMES_MAX};

/// What is unpacked, as far as it may be.
pub(super) struct Bounded {
    pub(super) packing: Packing,
    pub(super) unpacked: Box<dyn Read + Send>,
    /// Bytes that were handed over.
    pub(super) made: u64,
    /// Bytes that may be; without a number, so many as what was read of the file allows.
    pub(super) bytes_max: Option<u64>,
    /// Counts what was read of the file.
    pub(super) packed: Odometer,
}

impl Read for Bounded {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let allowed = self.packed.bytes().saturating_mul(UNPACK_TIMES_MAX).max(UNPACK_BYTES_MIN);
        let bytes = self.bytes_max.unwrap_or(allowed);
        let left = usize::try_from(bytes.saturating_sub(self.made)).unwrap_or(usize::MAX);
        if left == 0 && !into.is_empty() {
            // Where there is no more, nothing is missing.
            let more = self.unpacked.read(&mut [0])?;
            let fault = Trouble::error(self.packing, Fault::Endless(bytes));
            return if more == 0 { Ok(0) } else { Err(fault) };
        }
        let room = into.len().min(left);
        let made = self.unpacked.read(into.get_mut(..room).unwrap_or_default())?;
        self.made = self.made.saturating_add(u64::try_from(made).unwrap_or_default());
        Ok(made)
    }
}
