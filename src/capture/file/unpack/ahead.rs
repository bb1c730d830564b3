//! What a decompressor reads from: the file, which a thread reads ahead once that is worth it.

use std::io::{self, BufRead, Read};

use crate::capture::file::read_ahead::{Piece, Pieces};
use crate::capture::stop::StopWatch;
use portstory_core::wire;

/// Bytes that are read at once before there is a thread.
const FIRST_BYTES: usize = 32 * 1024;

/// A stream that is read ahead.
pub(super) struct Ahead {
    side: Side,
    piece: Piece,
    /// Bytes of `piece` that were consumed.
    read: usize,
    stop: Option<StopWatch>,
}

enum Side {
    /// On the caller's own thread, for so many bytes more.
    Here(Box<dyn Read + Send>, usize),
    There(Pieces),
    Over,
}

impl Ahead {
    /// Starts the thread after so many bytes.
    pub(super) fn new(
        input: Box<dyn Read + Send>,
        here_bytes: usize,
        stop: Option<StopWatch>,
    ) -> Self {
        Self { side: Side::Here(input, here_bytes), piece: Piece::default(), read: 0, stop }
    }

    /// What was read and not consumed.
    pub(super) fn unread(&self) -> &[u8] {
        wire::rest(self.piece.filled(), self.read)
    }

    /// Goes on with the next piece; an empty one where there is no more.
    fn refill(&mut self) -> io::Result<()> {
        if let Side::Here(_, 0) = self.side
            && let Side::Here(input, _) = std::mem::replace(&mut self.side, Side::Over)
        {
            self.side = Side::There(Pieces::of(input, self.stop.clone())?);
        }
        let mut old = std::mem::take(&mut self.piece);
        self.read = 0;
        match &mut self.side {
            Side::Here(input, bytes) => {
                old.bytes.resize(FIRST_BYTES, 0);
                let len = input.read(&mut old.bytes)?;
                *bytes = bytes.saturating_sub(len);
                self.piece = Piece { bytes: old.bytes, start: 0, end: len };
            }
            Side::There(pieces) => {
                if !old.bytes.is_empty() {
                    pieces.give_back(old.bytes);
                }
                match pieces.next() {
                    Ok(piece) if !piece.filled().is_empty() => self.piece = piece,
                    Ok(_) => self.side = Side::Over,
                    Err(error) => {
                        self.side = Side::Over;
                        return Err(error);
                    }
                }
            }
            Side::Over => {}
        }
        Ok(())
    }
}

impl BufRead for Ahead {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.unread().is_empty() {
            self.refill()?;
        }
        Ok(self.unread())
    }

    fn consume(&mut self, bytes: usize) {
        self.read = self.read.saturating_add(bytes).min(self.piece.filled().len());
    }
}

impl Read for Ahead {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(into)?;
        self.consume(read);
        Ok(read)
    }
}
