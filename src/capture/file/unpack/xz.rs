//! xz: The .xz File Format 1.2, streams one after the other, with padding between them.

use std::io;

use liblzma::stream::{Action, CONCATENATED, Error, Status, Stream};

use super::{Fault, Step, Stepped, Then, growth};

/// A file of xz streams.
pub(super) struct Xz {
    stream: Stream,
}

impl Xz {
    /// Refuses to unpack what takes more than `window_bytes_max` of memory: the dictionary and a
    /// little more.
    pub(super) fn new(window_bytes_max: usize) -> io::Result<Self> {
        let bytes_max = u64::try_from(window_bytes_max).unwrap_or(u64::MAX);
        Ok(Self { stream: Stream::new_stream_decoder(bytes_max, CONCATENATED)? })
    }
}

impl Step for Xz {
    fn step(&mut self, packed: &[u8], into: &mut [u8]) -> Stepped {
        let action = if packed.is_empty() { Action::Finish } else { Action::Run };
        let (taken, made) = (self.stream.total_in(), self.stream.total_out());
        let then = match self.stream.process(packed, into, action) {
            Ok(Status::StreamEnd) => Then::End,
            // Whether it was the input or the room that was wanting shows by what is done with more.
            Ok(Status::Ok | Status::GetCheck | Status::MemNeeded) => Then::More,
            Err(Error::MemLimit | Error::Mem) => Then::Fault(Fault::Large),
            Err(Error::Options | Error::UnsupportedCheck) => Then::Fault(Fault::Unsupported),
            Err(Error::Data | Error::Format | Error::Program | Error::NoCheck) => {
                Then::Fault(Fault::Damaged)
            }
        };
        Stepped {
            taken: growth(taken, self.stream.total_in()),
            made: growth(made, self.stream.total_out()),
            then,
        }
    }
}
