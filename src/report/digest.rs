//! Hashes of the captures, so that a report can be tied to them.

use std::fmt::Write as _;
use std::fs::File;
use std::io;
use std::path::Path;

use portstory_core::internal::wire;
use sha2::{Digest as _, Sha256};

/// A capture that went into a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Input {
    /// As it was named, or as its folder listed it.
    pub name: String,
    /// Its length in bytes, as it stands on the disk.
    pub bytes: u64,
    /// Its SHA-256 in hexadecimal digits, or why there is none.
    pub sha256: Result<String, String>,
}

/// Reads a file and hashes it, until it is to end. What cannot be read again (a pipe, an interface) has no
/// hash.
pub(crate) fn digest(name: &str, is_to_end: &dyn Fn() -> bool) -> Input {
    let nothing = |why: String| Input { name: name.to_owned(), bytes: 0, sha256: Err(why) };
    if !Path::new(name).is_file() {
        return nothing("not a file: nothing to hash".to_owned());
    }
    match hash(Path::new(name), is_to_end) {
        Ok((bytes, sha256)) => Input { name: name.to_owned(), bytes, sha256: Ok(sha256) },
        Err(error) => nothing(format!("cannot be read again: {error}")),
    }
}

fn hash(path: &Path, is_to_end: &dyn Fn() -> bool) -> io::Result<(u64, String)> {
    sha256(&mut Ending { file: File::open(path)?, is_to_end })
}

/// A file that is read no further once it is to end.
struct Ending<'a> {
    file: File,
    is_to_end: &'a dyn Fn() -> bool,
}

impl io::Read for Ending<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if (self.is_to_end)() {
            return Err(io::Error::other("the program was interrupted"));
        }
        self.file.read(into)
    }
}

/// Reads to the end: how many bytes there were, and their SHA-256 in hexadecimal digits.
///
/// # Errors
///
/// The reader's own.
pub(crate) fn sha256(from: &mut dyn io::Read) -> io::Result<(u64, String)> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    let mut bytes = 0u64;
    loop {
        let read = from.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        hasher.update(wire::prefix(&buffer, read));
        bytes = bytes.saturating_add(u64::try_from(read).unwrap_or_default());
    }
    Ok((bytes, hex(&hasher.finalize())))
}

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_the_hash_that_sha256sum_tells() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), b"abc").unwrap();
        let input = digest(&file.path().to_string_lossy(), &|| false);
        // FIPS 180-4, the example of one block.
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!((input.bytes, input.sha256.as_deref()), (3, Ok(known)));
        assert!(digest("-", &|| false).sha256.is_err());
        assert!(
            digest(&file.path().to_string_lossy(), &|| true)
                .sha256
                .unwrap_err()
                .contains("interrupted")
        );
    }
}
