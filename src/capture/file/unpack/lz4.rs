//! LZ4: LZ4 Frame Format Description 1.6, frames one after the other, skippable ones among them.
//!
//! The decoder of the crate reads by itself and takes the end of the input for the end of a frame
//! where a block could begin; what it was given is watched to tell the one from the other.

use std::io::{self, Read};

use lz4_flex::frame::{Error, FrameDecoder};

use super::{Buffer, Fault, Packing, Trouble};

/// A file of LZ4 frames.
pub(super) struct Lz4 {
    /// There but while it is replaced.
    decoder: Option<FrameDecoder<Watched>>,
    /// Bytes up to the end of the last whole frame.
    whole: Option<u64>,
}

/// An input that remembers how much it gave, and whether it had no more.
struct Watched {
    input: Buffer,
    bytes: u64,
    ended: bool,
}

impl Read for Watched {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        // The buffer hands on no interruption, behind which the decoder would lack what it has read of a header.
        let read = self.input.read(into)?;
        self.bytes = self.bytes.saturating_add(u64::try_from(read).unwrap_or(0));
        self.ended |= read == 0 && !into.is_empty();
        Ok(read)
    }
}

impl Lz4 {
    pub(super) fn new(input: Buffer) -> Self {
        let input = Watched { input, bytes: 0, ended: false };
        Self { decoder: Some(FrameDecoder::new(input)), whole: None }
    }

    /// Goes on behind a frame, with a decoder that has no buffers of that frame's size.
    fn begin_frame(&mut self) {
        if let Some(decoder) = self.decoder.take() {
            let input = decoder.into_inner();
            self.whole = Some(input.bytes);
            self.decoder = Some(FrameDecoder::new(input));
        }
    }

    /// What an error of the decoder means; `None` where it is a skippable frame, which was skipped.
    fn weigh(&mut self, error: io::Error) -> Option<io::Error> {
        let Some(decoder) = &mut self.decoder else { return Some(error) };
        let input = decoder.get_mut();
        let known = error.get_ref().and_then(|error| error.downcast_ref::<Error>());
        let fault = match known {
            Some(Error::SkippableFrame(bytes)) => {
                let skipped = io::copy(&mut input.take((*bytes).into()), &mut io::sink());
                match skipped {
                    Ok(skipped) if skipped == u64::from(*bytes) => {
                        self.begin_frame();
                        return None;
                    }
                    Ok(_) => Fault::Truncated,
                    Err(error) => return Some(error),
                }
            }
            Some(Error::WrongMagicNumber) if self.whole.is_some() => Fault::Trailing,
            Some(Error::DictionaryNotSupported | Error::UnsupportedVersion(_)) => {
                Fault::Unsupported
            }
            Some(_) => Fault::Damaged,
            None if input.ended => Fault::Truncated,
            None => return Some(error),
        };
        Some(Trouble::error(Packing::Lz4, fault))
    }
}

impl Read for Lz4 {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while let (Some(decoder), false) = (&mut self.decoder, into.is_empty()) {
            match decoder.read(into) {
                Ok(0) => {
                    let Watched { bytes, ended, .. } = *decoder.get_ref();
                    match (ended, self.whole == Some(bytes)) {
                        (true, true) => break,
                        (true, false) => {
                            return Err(Trouble::error(Packing::Lz4, Fault::Truncated));
                        }
                        (false, _) => self.begin_frame(),
                    }
                }
                Ok(read) => return Ok(read),
                Err(error) => {
                    if let Some(error) = self.weigh(error) {
                        return Err(error);
                    }
                }
            }
        }
        Ok(0)
    }
}
