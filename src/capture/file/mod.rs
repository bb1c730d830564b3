//! Capture files: our own reader.
//!
//! [`open`] takes files, folders and standard input and makes one stream of them, in the order of
//! time: see [`Inputs`]; [`open_stream`] takes whatever can be read, [`fn@follow`] a file that is still
//! being written. It reads pcap and pcapng in all their variants, also compressed by gzip, zstd, lz4 or xz, which it knows by their first bytes;
//! other formats are recognised, and the error says how to convert them. One thread, one buffer a
//! file, records lent where they lie: it is nearly as fast as reading without looking. What is
//! compressed is read and unpacked on threads of their own, and what is not in memory yet is waited for
//! on one (`patient`).
//!
//! | file | does |
//! |---|---|
//! | `inputs` | several captures as one stream |
//! | `follow` | one capture that grows |
//! | `folder` | what is in a folder |
//! | `reader` | one capture: buffer, format, faults |
//! | `unpack` | compressed captures |
//! | `patient` | inputs that may keep their reader waiting |
//! | `pcap`, `pcapng`, `interface` | the formats, over bytes in memory |
//! | `beside` | zeros, and another file, where a record is due |
//! | `resync` | finds the next sound block of a damaged pcapng file |
//! | `foreign` | what a file is that can't be read |
//!
//! Nothing in a file makes it panic, wait or take memory without bound; what is waited for (a FIFO, a
//! pipe, a disk that does not answer) is waited for until [`Options::stop`] ends it.

mod beside;
mod buffer;
mod folder;
mod follow;
mod format_hint;
mod inputs;
mod interface;
mod interruptible;
mod odometer;
mod opening;
mod pcap;
mod pcapng;
mod read_ahead;
mod reader;
mod resync;
mod unpack;
mod walk;

#[cfg(test)]
mod tests;

pub(crate) use folder::{Links, identities, identity, linked};
pub(crate) use follow::follow;
pub use inputs::Inputs;
pub(crate) use odometer::Odometer;
pub(crate) use opening::{bytes, exist};
pub use opening::{open, open_stream};
pub(crate) use unpack::Packing;

use super::stop::Stop;

/// How captures are read.
#[derive(Clone, Debug)]
pub struct Options {
    /// Bytes that are read at once. It stays in the processor's cache, unlike a larger one; a
    /// smaller one costs system calls.
    pub buffer_bytes: usize,
    /// Files that are open at one time; where more overlap in time, the one whose next frame is
    /// latest is closed until its turn. Well below the usual limit of 1,024 descriptors.
    pub open_files_max: usize,
    /// Bytes of memory that unpacking one compressed file may take; what wants more is refused. The
    /// default is what `zstd` and `xz` grant by themselves or a little more; gzip takes 32 KiB and
    /// lz4 at most 12 MiB.
    pub unpack_bytes_max: usize,
    /// Which symbolic links in folders are followed.
    pub links: Links,
    /// Bytes that one compressed file may unpack to; what is beyond is not read, which is an error.
    /// Without a number, [`UNPACK_TIMES_MAX`](portstory_core::config::UNPACK_TIMES_MAX) times what was
    /// read of it.
    pub unpacked_bytes_max: Option<u64>,
    /// Counts what is read of files.
    pub odometer: Odometer,
    /// Ends every wait and then the reading: what was handed over stands.
    pub stop: Option<Stop>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            buffer_bytes: 256 * 1024,
            open_files_max: 128,
            unpack_bytes_max: 128 * 1024 * 1024,
            links: Links::default(),
            unpacked_bytes_max: None,
            odometer: Odometer::default(),
            stop: None,
        }
    }
}
