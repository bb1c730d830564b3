//! Writes the zip: each file with its hash on the way, then the list of hashes, then a seal over all.

use std::fs::File;
use std::io::{self, Read as _, Seek, SeekFrom, Write};

use sha2::{Digest as _, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::SUMS;
use portstory_core::internal::wire;

/// Digits of a SHA-256. The zip's comment, its last bytes, is one: that of all before it.
pub(super) const SEAL_DIGITS: usize = 64;

/// A zip that is being written. What is written goes to the file that was begun last.
pub(crate) struct Packer<W: Write + Seek> {
    zip: ZipWriter<UntilFault<W>>,
    current: Option<(&'static str, Sha256)>,
    sums: String,
}

impl<W: Write + Seek> Packer<W> {
    /// A zip without files.
    pub(crate) fn new(out: W) -> Self {
        let out = UntilFault { out, failed: false, at: 0, end: 0 };
        Self { zip: ZipWriter::new(out), current: None, sums: String::new() }
    }

    /// Begins a file; the one before is complete.
    ///
    /// # Errors
    ///
    /// The output's own.
    pub(crate) fn begin(&mut self, name: &'static str) -> io::Result<()> {
        self.end();
        // No time is told: the same capture gives the same bundle. Sizes are not known beforehand.
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .large_file(true);
        self.zip.start_file(name, options).map_err(io::Error::other)?;
        self.current = Some((name, Sha256::new()));
        Ok(())
    }

    fn end(&mut self) {
        if let Some((name, hasher)) = self.current.take() {
            let hash = crate::report::hex(&hasher.finalize());
            self.sums.push_str(&format!("{hash}  {name}\n"));
        }
    }

    /// Adds the list of hashes and completes the zip, but for its seal: see [`seal`].
    ///
    /// # Errors
    ///
    /// The output's own, the ones that were not told where they happened included.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        self.end();
        let sums = std::mem::take(&mut self.sums);
        self.begin(SUMS)?;
        self.write_all(sums.as_bytes())?;
        self.zip.set_comment("0".repeat(SEAL_DIGITS)).map_err(io::Error::other)?;
        let out = self.zip.finish().map_err(io::Error::other)?;
        if out.failed {
            return Err(io::Error::other("an earlier part of it could not be written"));
        }
        Ok(out.out)
    }
}

/// An output that takes nothing more once it failed, and says so once: a zip that is given up is still
/// completed, which would complain of its own accord.
struct UntilFault<W> {
    out: W,
    failed: bool,
    /// Where it stands, and how far it goes; after a fault as if there had been none.
    at: u64,
    end: u64,
}

impl<W> UntilFault<W> {
    fn note<T>(&mut self, done: io::Result<T>) -> io::Result<T> {
        // What a signal interrupts is tried again by whoever called: nothing is lost yet.
        let is_fault = |error: &io::Error| error.kind() != io::ErrorKind::Interrupted;
        self.failed |= done.as_ref().is_err_and(is_fault);
        done
    }

    fn stand(&mut self, at: u64) {
        self.at = at;
        self.end = self.end.max(at);
    }
}

impl<W: Write> Write for UntilFault<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut written = bytes.len();
        if !self.failed {
            let result = self.out.write(bytes);
            written = self.note(result)?;
        }
        self.stand(self.at.saturating_add(u64::try_from(written).unwrap_or(u64::MAX)));
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.failed {
            return Ok(());
        }
        let flushed = self.out.flush();
        self.note(flushed)
    }
}

impl<W: Seek> Seek for UntilFault<W> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = if self.failed {
            match to {
                SeekFrom::Start(at) => at,
                SeekFrom::Current(by) => self.at.saturating_add_signed(by),
                SeekFrom::End(by) => self.end.saturating_add_signed(by),
            }
        } else {
            let result = self.out.seek(to);
            self.note(result)?
        };
        self.stand(at);
        Ok(at)
    }
}

impl<W: Write + Seek> Write for Packer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.zip.write(bytes)?;
        if let Some((_, hasher)) = &mut self.current {
            hasher.update(wire::prefix(bytes, written));
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.zip.flush()
    }
}

/// Puts the hash of all bytes before the comment into the comment, so that no byte at all can change
/// unseen.
///
/// # Errors
///
/// The file's own.
pub(crate) fn seal(file: &mut File) -> io::Result<()> {
    let hash = hash_before_seal(file)?;
    file.seek(SeekFrom::End(-64))?;
    file.write_all(hash.as_bytes())?;
    file.flush()
}

/// The hash of all bytes of a zip but its seal.
pub(super) fn hash_before_seal(file: &mut File) -> io::Result<String> {
    let digits = u64::try_from(SEAL_DIGITS).unwrap_or_default();
    let length = file.seek(SeekFrom::End(0))?.saturating_sub(digits);
    file.rewind()?;
    Ok(crate::report::sha256(&mut file.take(length))?.1)
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, ErrorKind};

    use super::*;

    /// Refuses its first write with this, and takes all others.
    struct RefusesOnce(Option<ErrorKind>, Cursor<Vec<u8>>);

    impl Write for RefusesOnce {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            match self.0.take() {
                Some(kind) => Err(kind.into()),
                None => self.1.write(bytes),
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            self.1.flush()
        }
    }

    impl Seek for RefusesOnce {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.1.seek(to)
        }
    }

    #[test]
    fn a_write_that_was_interrupted_is_made_again() {
        let pack = |refusal| {
            let mut packer = Packer::new(RefusesOnce(refusal, Cursor::default()));
            packer.begin("NAME").unwrap();
            packer.write_all(b"what the file holds").unwrap();
            packer.finish().unwrap().1.into_inner()
        };
        assert_eq!(pack(Some(ErrorKind::Interrupted)), pack(None));
    }

    #[test]
    fn a_zip_whose_output_failed_once_is_not_finished() {
        let mut packer = Packer::new(RefusesOnce(Some(ErrorKind::StorageFull), Cursor::default()));
        // Whoever goes on all the same is told at the end.
        assert!(packer.begin("NAME").is_err());
        let _ = packer.begin("OTHER");
        assert!(packer.finish().is_err());
    }
}
