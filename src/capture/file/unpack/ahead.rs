//! Reads a stream on a thread of its own, a few pieces ahead.
//!
//! It stands twice in a row: one thread reads the file, one unpacks what was read, and the classifier
//! goes on meanwhile. The pieces are all the memory there is between two threads: they go round. A
//! thread is started only once more than the head of a capture is wanted, so that looking into every
//! file of a folder starts none. It ends by itself when nobody wants the stream any more, at the
//! latest when the input gives its next octets: nobody waits for it.

use std::io::{self, BufRead, Read};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use crate::wire;

/// Octets of a piece: large enough that handing it over costs nothing, small enough that all of
/// them stay in the processor's cache.
const PIECE_BYTES: usize = 256 * 1024;

/// Pieces: one is filled, one is read, and one waits, so that neither side waits for the other over
/// a piece that is harder than most.
const PIECES: usize = 3;

/// Octets that are read at once before there is a thread.
const FIRST_BYTES: usize = 32 * 1024;

/// A stream that is read ahead.
pub(super) struct Ahead {
    side: Side,
    piece: Piece,
    /// Octets of `piece` that were consumed.
    read: usize,
}

enum Side {
    /// On the caller's own thread, for so many octets more.
    Here(Box<dyn Read + Send>, usize),
    There(Pieces),
    Over,
}

/// The caller's end of the thread.
struct Pieces {
    filled: Receiver<io::Result<Piece>>,
    empty: Sender<Vec<u8>>,
}

#[derive(Default)]
struct Piece {
    octets: Vec<u8>,
    len: usize,
}

impl Ahead {
    /// Starts the thread after so many octets.
    pub(super) fn new(input: Box<dyn Read + Send>, here_bytes: usize) -> Self {
        Self { side: Side::Here(input, here_bytes), piece: Piece::default(), read: 0 }
    }

    /// What was read and not consumed.
    pub(super) fn unread(&self) -> &[u8] {
        wire::rest(wire::prefix(&self.piece.octets, self.piece.len), self.read)
    }

    /// Goes on with the next piece; an empty one where there is no more.
    fn refill(&mut self) -> io::Result<()> {
        if let Side::Here(_, 0) = self.side
            && let Side::Here(input, _) = std::mem::replace(&mut self.side, Side::Over)
        {
            self.piece = Piece::default();
            self.side = Side::There(Pieces::of(input)?);
        }
        match &mut self.side {
            Side::Here(input, octets) => {
                (self.piece.len, self.read) = (0, 0);
                self.piece.octets.resize(FIRST_BYTES, 0);
                self.piece.len = input.read(&mut self.piece.octets)?;
                *octets = octets.saturating_sub(self.piece.len);
            }
            Side::There(pieces) => {
                let next = pieces.swap(std::mem::take(&mut self.piece));
                self.read = 0;
                match next {
                    Ok(piece) if piece.len > 0 => self.piece = piece,
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

    fn consume(&mut self, octets: usize) {
        self.read = self.read.saturating_add(octets).min(self.piece.len);
    }
}

impl Read for Ahead {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(into)?;
        self.consume(read);
        Ok(read)
    }
}

impl Pieces {
    fn of(input: Box<dyn Read + Send>) -> io::Result<Self> {
        let (give, filled) = mpsc::channel();
        let (empty, take) = mpsc::channel();
        for _ in 0..PIECES {
            // It can't fail: the other end is at hand.
            let _ = empty.send(vec![0; PIECE_BYTES]);
        }
        thread::Builder::new()
            .name("read-ahead".to_owned())
            .spawn(move || read_ahead(input, &take, &give))?;
        Ok(Self { filled, empty })
    }

    /// Gives a piece back for the next one, which is empty where there is no more.
    fn swap(&mut self, piece: Piece) -> io::Result<Piece> {
        if !piece.octets.is_empty() {
            // Where the thread has ended nobody needs it.
            let _ = self.empty.send(piece.octets);
        }
        // The thread has a last word, unless it panicked.
        self.filled.recv().map_err(|_| {
            io::Error::other("the thread that reads it is gone; that is a fault of this program")
        })?
    }
}

/// Fills pieces until the input ends or fails, or nobody wants them any more.
fn read_ahead(
    mut input: Box<dyn Read + Send>,
    take: &Receiver<Vec<u8>>,
    give: &Sender<io::Result<Piece>>,
) {
    while let Ok(mut octets) = take.recv() {
        let read = loop {
            match input.read(&mut octets) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        let last = !matches!(read, Ok(1..));
        if give.send(read.map(|len| Piece { octets, len })).is_err() || last {
            return;
        }
    }
}
