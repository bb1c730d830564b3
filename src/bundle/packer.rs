//! Writes the zip: each file with its hash on the way, then the list of hashes, then a seal over all.

use std::fs::File;
use std::io::{self, Read as _, Seek, SeekFrom, Write};

use sha2::{Digest as _, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::SUMS;

/// Digits of a SHA-256. The zip's comment, its last octets, is one: that of all before it.
pub(super) const SEAL_DIGITS: usize = 64;

/// A zip that is being written. What is written goes to the file that was begun last.
pub struct Packer<W: Write + Seek> {
    zip: ZipWriter<W>,
    current: Option<(&'static str, Sha256)>,
    sums: String,
}

impl<W: Write + Seek> Packer<W> {
    /// A zip without files.
    pub fn new(out: W) -> Self {
        Self { zip: ZipWriter::new(out), current: None, sums: String::new() }
    }

    /// Begins a file; the one before is complete.
    ///
    /// # Errors
    ///
    /// The output's own.
    pub fn begin(&mut self, name: &'static str) -> io::Result<()> {
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
    /// The output's own.
    pub fn finish(mut self) -> io::Result<W> {
        self.end();
        let sums = std::mem::take(&mut self.sums);
        self.begin(SUMS)?;
        self.write_all(sums.as_bytes())?;
        self.zip.set_comment("0".repeat(SEAL_DIGITS)).map_err(io::Error::other)?;
        self.zip.finish().map_err(io::Error::other)
    }
}

impl<W: Write + Seek> Write for Packer<W> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let written = self.zip.write(octets)?;
        if let Some((_, hasher)) = &mut self.current {
            hasher.update(crate::wire::prefix(octets, written));
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.zip.flush()
    }
}

/// Puts the hash of all octets before the comment into the comment, so that no octet at all can change
/// unseen.
///
/// # Errors
///
/// The file's own.
pub fn seal(file: &mut File) -> io::Result<()> {
    let hash = hash_before_seal(file)?;
    file.seek(SeekFrom::End(-64))?;
    file.write_all(hash.as_bytes())?;
    file.flush()
}

/// The hash of all octets of a zip but its seal.
pub(super) fn hash_before_seal(file: &mut File) -> io::Result<String> {
    let digits = u64::try_from(SEAL_DIGITS).unwrap_or_default();
    let length = file.seek(SeekFrom::End(0))?.saturating_sub(digits);
    file.rewind()?;
    crate::report::sha256(&mut file.take(length)).map(|(_, hash)| hash)
}
