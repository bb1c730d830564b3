//! How much is unpacked of a file: a few bytes of any packing may stand for very many.

use std::io::{self, Read};

use super::{Fault, Packing, Trouble};
use crate::capture::file::odometer::{Counted, Odometer};
use portstory_core::config::{UNPACK_BYTES_MIN, UNPACK_TIMES_MAX};

/// What may be made of a file.
pub(super) enum Bound {
    /// So many bytes.
    Bytes(u64),
    /// So much as what was read of it allows.
    Read(Odometer),
}

impl Bound {
    /// Of a file, as a setting says or by what is read of it.
    pub(super) fn new<R: Read>(input: R, bytes_max: Option<u64>) -> (Counted<R>, Self) {
        let odometer = Odometer::default();
        let counted = odometer.count(input);
        (counted, bytes_max.map_or(Self::Read(odometer), Self::Bytes))
    }

    fn bytes(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => *bytes,
            Self::Read(odometer) => {
                odometer.bytes().saturating_mul(UNPACK_TIMES_MAX).max(UNPACK_BYTES_MIN)
            }
        }
    }
}

/// What is unpacked, as far as it may be.
pub(super) struct Bounded {
    packing: Packing,
    unpacked: Box<dyn Read + Send>,
    /// Bytes that were handed over.
    made: u64,
    bound: Bound,
}

impl Bounded {
    pub(super) fn new(packing: Packing, unpacked: Box<dyn Read + Send>, bound: Bound) -> Self {
        Self { packing, unpacked, made: 0, bound }
    }
}

impl Read for Bounded {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let bytes = self.bound.bytes();
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
