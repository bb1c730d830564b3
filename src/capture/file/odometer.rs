//! How far reading has come: bytes of the files as they lie on disk, compressed ones too.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts bytes, whatever thread reads them.
#[derive(Clone, Debug, Default)]
pub struct Odometer(Arc<AtomicU64>);

impl Odometer {
    /// Bytes so far. What was read twice, as a head that was looked at first, counts twice.
    pub fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// The same input, counted.
    pub(super) fn count<R: Read>(&self, input: R) -> Counted<R> {
        Counted { input, bytes: self.clone() }
    }
}

/// An input whose bytes are counted.
pub(super) struct Counted<R> {
    input: R,
    bytes: Odometer,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.bytes.0.fetch_add(u64::try_from(count).unwrap_or_default(), Ordering::Relaxed);
        Ok(count)
    }
}
