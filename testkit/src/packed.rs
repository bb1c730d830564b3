//! Compresses captures, with the same libraries that unpack them.
//!
//! For the unit tests of the reader, its comparison with libpcap, and whoever needs a capture that no
//! fixture has.

use std::io::Write;

/// A gzip member (RFC 1952).
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

/// With a checksum, as `zstd` writes it, and a window of so many bytes as a power of two.
pub fn zstd_with_window(bytes: &[u8], window_log: u32) -> Vec<u8> {
    let mut packer = zstd::Encoder::new(Vec::new(), 3).unwrap();
    packer.include_checksum(true).unwrap();
    packer.window_log(window_log).unwrap();
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

/// The same with a window of 1 MiB.
pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd_with_window(bytes, 20)
}

/// With linked blocks of 64 KiB and all checksums.
pub fn lz4(bytes: &[u8]) -> Vec<u8> {
    use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
    let info = FrameInfo::new()
        .block_mode(BlockMode::Linked)
        .block_size(BlockSize::Max64KB)
        .block_checksums(true)
        .content_checksum(true);
    let mut packer = FrameEncoder::with_frame_info(info, Vec::new());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

/// An .xz stream.
pub fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut packer = liblzma::write::XzEncoder::new(Vec::new(), 1);
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

/// A packing by its name.
pub type Packer = (&'static str, fn(&[u8]) -> Vec<u8>);

/// All of them.
pub const PACKERS: [Packer; 4] = [("gzip", gzip), ("zstd", zstd), ("lz4", lz4), ("xz", xz)];
