//! Outputs that are compressed, by their names: `.gz` and `.zst`.
//!
//! What goes into the file at once is a gzip member or a Zstandard frame of its own (RFC 1952, section
//! 2.2; RFC 8878, section 3), which every program reads as one file. So a file is whole whenever
//! nothing is being written, also where the run ends early or the disk is full.

use std::ffi::OsStr;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// The level that `zstd` takes by itself.
const ZSTD_LEVEL: i32 = 3;

/// Endings of names that ask for a packing that is not written here.
const OTHERS: [&str; 9] = ["xz", "lz4", "bz2", "lzma", "lz", "br", "z", "7z", "zip"];

/// How an output is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    Gzip,
    Zstd,
}

impl Packing {
    /// What the file's name asks for.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::Unsupported`], with a sentence, for a packing that is not written here.
    pub(super) fn by_name(path: &Path) -> io::Result<Option<Self>> {
        let extension = path.extension().map(OsStr::to_ascii_lowercase);
        match extension.as_deref().and_then(OsStr::to_str) {
            Some("gz") => Ok(Some(Self::Gzip)),
            Some("zst") => Ok(Some(Self::Zstd)),
            Some(other) if OTHERS.contains(&other) => Err(io::Error::new(
                io::ErrorKind::Unsupported,
                format!(
                    "cannot be written as .{other}: name it .gz or .zst, which are compressed, or neither"
                ),
            )),
            Some(_) | None => Ok(None),
        }
    }

    /// These bytes, compressed.
    pub(super) fn pack(self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Self::Gzip => {
                let level = flate2::Compression::default();
                let mut packer = flate2::write::GzEncoder::new(Vec::new(), level);
                packer.write_all(bytes)?;
                packer.finish()
            }
            Self::Zstd => {
                let mut packer = zstd::Encoder::new(Vec::new(), ZSTD_LEVEL)?;
                packer.include_checksum(true)?;
                packer.write_all(bytes)?;
                packer.finish()
            }
        }
    }
}

/// Whether the name asks for a packing.
pub(super) fn is_packed(path: &Path) -> bool {
    matches!(Packing::by_name(path), Ok(Some(_)))
}

/// The name without the ending that asks for a packing: what it says of what is packed.
pub(in crate::cli) fn unpacked_name(path: &Path) -> PathBuf {
    if is_packed(path) { path.with_extension("") } else { path.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_ask_for_packings() {
        let by_name = |name: &str| Packing::by_name(Path::new(name));
        assert_eq!(by_name("x.pcap.gz").unwrap(), Some(Packing::Gzip));
        assert_eq!(by_name("x.ZST").unwrap(), Some(Packing::Zstd));
        assert_eq!(by_name("gz").unwrap(), None);
        assert_eq!(by_name("x.pcap").unwrap(), None);
        assert!(by_name("x.pcap.xz").unwrap_err().to_string().contains(".zst"));
        assert_eq!(unpacked_name(Path::new("d.gz/x.pcap.gz")), Path::new("d.gz/x.pcap"));
        assert_eq!(unpacked_name(Path::new("x.pcap.xz")), Path::new("x.pcap.xz"));
    }
}
