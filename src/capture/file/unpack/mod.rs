//! Unpacks compressed captures while they are read.
//!
//! [`Packing::of`] tells by its first bytes what a file was packed with, never by its name;
//! [`open`] gives what it holds as a stream. A decompressor keeps its window and one buffer of input,
//! whatever the file claims, and what wants a larger window is refused. How much it makes of a file is
//! bounded (`bound`): a few bytes may stand for any number. All that could be unpacked is
//! handed over before an error is, and an error is a [`Trouble`], or what the system said of a read.
//!
//! Each format is a `Step`: bytes in, bytes out, without I/O (`lz4`, whose crate reads by itself,
//! is a [`Read`]). A [`Buffer`] puts reading the file on a thread, and the reader's own unpacking it.

mod bound;
mod gzip;
mod lz4;
mod xz;
mod zstd;

use std::error::Error;
use std::fmt;
use std::io::{self, BufRead, Read};

use bound::Bounded;

use super::Options;
use super::buffer::Buffer;
use super::odometer::Odometer;
use crate::human;

/// Bytes that tell a packing from all others.
pub(super) const MAGIC_BYTES: usize = 6;

/// Bytes of a file that are read at once before there is a thread.
const READ_BYTES: usize = 32 * 1024;

/// Bytes of a file that are read before a thread is started for it: enough to unpack the first
/// block of every format.
const PACKED_HERE_BYTES: usize = 256 * 1024;

/// Bytes that are unpacked before a thread is started for it.
pub(super) const UNPACKED_HERE_BYTES: usize = 32 * 1024;

/// What a file was compressed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    Gzip,
    Zstd,
    Lz4,
    Xz,
}

impl Packing {
    /// What a file was compressed with that begins with `head`.
    pub(crate) fn of(head: &[u8]) -> Option<Self> {
        match head {
            // RFC 1952, section 2.3.1: the only method there is, is deflate.
            [0x1f, 0x8b, 8, ..] => Some(Self::Gzip),
            // RFC 8878, section 3.1.1, and 3.1.2: a skippable frame may come first, as pzstd has it.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Self::Zstd),
            // LZ4 Frame Format Description 1.6.
            [0x04, 0x22, 0x4d, 0x18, ..] => Some(Self::Lz4),
            // The .xz File Format 1.2, section 2.1.1.1.
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Xz),
            _ => None,
        }
    }

    /// The program that packs and unpacks it, after which people call the format too.
    pub(super) fn program(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Lz4 => "lz4",
            Self::Xz => "xz",
        }
    }
}

/// What `input` holds, which was packed in this way. A decompressor that wants a window of more than
/// [`Options::unpack_bytes_max`] is refused; it ends with an error after
/// [`Options::unpacked_bytes_max`].
pub(super) fn open(
    packing: Packing,
    input: Box<dyn Read + Send>,
    options: &Options,
) -> io::Result<Box<dyn Read + Send>> {
    let window_bytes_max = options.unpack_bytes_max;
    let packed = Odometer::default();
    let counted = Box::new(packed.count(input));
    let input = Buffer::new(counted, READ_BYTES, 0, Some(PACKED_HERE_BYTES));
    let input = input.until(options.stop.clone());
    let unpacked: Box<dyn Read + Send> = match packing {
        Packing::Gzip => Box::new(Steps::new(packing, input, gzip::Gzip::new())),
        Packing::Zstd => Box::new(Steps::new(packing, input, zstd::Zstd::new(window_bytes_max)?)),
        Packing::Lz4 => Box::new(lz4::Lz4::new(input)),
        Packing::Xz => Box::new(Steps::new(packing, input, xz::Xz::new(window_bytes_max)?)),
    };
    let bytes_max = options.unpacked_bytes_max;
    Ok(Box::new(Bounded { packing, unpacked, made: 0, bytes_max, packed }))
}

/// Why a file can't be unpacked further. The text is the end of a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    packing: Packing,
    fault: Fault,
}

/// What is wrong with compressed data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// It ends before it should.
    Truncated,
    /// It contradicts itself, or its checksum.
    Damaged,
    /// Something else follows it.
    Trailing,
    /// It takes more memory to unpack than is granted.
    Large,
    /// It unpacks to more than is read of it, which is so many bytes.
    Endless(u64),
    /// A dictionary, or what this library does not know.
    Unsupported,
}

impl Trouble {
    fn error(packing: Packing, fault: Fault) -> io::Error {
        let kind = match fault {
            Fault::Truncated => io::ErrorKind::UnexpectedEof,
            Fault::Damaged | Fault::Trailing => io::ErrorKind::InvalidData,
            Fault::Large => io::ErrorKind::OutOfMemory,
            Fault::Endless(_) => io::ErrorKind::FileTooLarge,
            Fault::Unsupported => io::ErrorKind::Unsupported,
        };
        io::Error::new(kind, Self { packing, fault })
    }

    /// The trouble behind an error, if it came from here.
    pub(super) fn of(error: &io::Error) -> Option<Self> {
        error.get_ref()?.downcast_ref().copied()
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let program = self.packing.program();
        match self.fault {
            Fault::Truncated => write!(
                f,
                "the {program} data ends in the middle; the file was cut short, or is still being written"
            ),
            Fault::Damaged => {
                write!(f, "the {program} data is damaged from there on; another copy may be intact")
            }
            Fault::Trailing => {
                write!(f, "the {program} data is followed by something else, which was not read")
            }
            Fault::Large => {
                let more = if self.packing == Packing::Zstd { " --long=31" } else { "" };
                write!(
                    f,
                    "unpacking it takes too much memory here; \
                     `{program} -dc{more} FILE | portstory read -` reads it"
                )
            }
            Fault::Endless(bytes) => write!(
                f,
                "the {program} data unpacks to more than {}, and the rest was not read; \
                 --unpack-max SIZE sets how much is",
                human::bytes(bytes)
            ),
            Fault::Unsupported => write!(
                f,
                "it was packed with a dictionary, or in a way that is not known here; \
                 unpack it first, with `{program} -dc FILE > OUT`"
            ),
        }
    }
}

impl Error for Trouble {}

/// A decompressor that is given bytes and gives bytes.
trait Step {
    /// Unpacks from `packed`, which is empty only where the input has ended, into `into`, which is
    /// not empty.
    fn step(&mut self, packed: &[u8], into: &mut [u8]) -> Stepped;
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stepped {
    /// Bytes that were used up.
    taken: usize,
    /// Bytes that were unpacked.
    made: usize,
    then: Then,
}

/// How it goes on after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    More,
    End,
    Fault(Fault),
}

/// An input that is unpacked step by step.
struct Steps<S> {
    packing: Packing,
    input: Buffer,
    unpacker: S,
    then: Then,
}

/// Steps in a row that came to nothing before it is believed that none will: a decompressor may
/// need one or two to notice that it was given no input.
const IDLE_STEPS_MAX: u32 = 4;

impl<S: Step> Steps<S> {
    fn new(packing: Packing, input: Buffer, unpacker: S) -> Self {
        Self { packing, input, unpacker, then: Then::More }
    }
}

impl<S: Step> Read for Steps<S> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        let mut idle = 0;
        while let Some(room @ [_, ..]) = into.get_mut(filled..) {
            match self.then {
                // What there is, is not held back until there is more.
                Then::More if filled > 0 && self.input.filled().is_empty() => break,
                Then::More => {}
                Then::End | Then::Fault(_) if filled > 0 => break,
                Then::End => break,
                Then::Fault(fault) => return Err(Trouble::error(self.packing, fault)),
            }
            let packed = self.input.fill_buf()?;
            let ended = packed.is_empty();
            let Stepped { taken, made, then } = self.unpacker.step(packed, room);
            self.input.consume(taken);
            filled = filled.saturating_add(made);
            self.then = then;
            idle = if taken > 0 || made > 0 { 0 } else { idle + 1 };
            if idle > IDLE_STEPS_MAX && self.then == Then::More {
                self.then = Then::Fault(if ended { Fault::Truncated } else { Fault::Damaged });
            }
        }
        Ok(filled)
    }
}

/// How much a count has grown, as a length in memory.
fn growth(before: u64, after: u64) -> usize {
    usize::try_from(after.saturating_sub(before)).unwrap_or_default()
}
