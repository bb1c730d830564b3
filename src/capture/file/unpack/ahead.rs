//! Unpacks on a second thread, a few pieces ahead.
//!
//! The pieces are all the memory there is between the two threads: they go round. The thread begins
//! only once more than the head of a capture is wanted, so that looking into every file of a folder
//! starts none. It ends by itself when the reader goes away, at the latest when the input gives its
//! next octets: nobody waits for it.

use std::io::{self, Read};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use crate::wire;

/// Octets of a piece: large enough that handing it over costs nothing, small enough that all of
/// them stay in the processor's cache.
const PIECE_BYTES: usize = 256 * 1024;

/// Pieces: one is filled, one is read, and one waits, so that neither side waits for the other over
/// a piece that is harder than most.
const PIECES: usize = 3;

/// Octets that are unpacked before the thread is started.
const HERE_BYTES: usize = 32 * 1024;

/// A stream that is read ahead.
pub(super) struct Ahead {
    side: Side,
}

enum Side {
    /// On the reader's own thread, after so many octets.
    Here(Box<dyn Read + Send>, usize),
    There(Pieces),
    Over,
}

/// The reader's end of the second thread.
struct Pieces {
    filled: Receiver<io::Result<Piece>>,
    empty: Sender<Vec<u8>>,
    piece: Piece,
    /// Octets of `piece` that were read.
    read: usize,
}

#[derive(Default)]
struct Piece {
    octets: Vec<u8>,
    len: usize,
}

impl Ahead {
    pub(super) fn new(input: Box<dyn Read + Send>) -> Self {
        Self { side: Side::Here(input, 0) }
    }
}

impl Read for Ahead {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if let Side::Here(_, octets) = self.side
            && octets >= HERE_BYTES
            && let Side::Here(input, _) = std::mem::replace(&mut self.side, Side::Over)
        {
            self.side = Side::There(Pieces::of(input)?);
        }
        match &mut self.side {
            Side::Here(input, octets) => {
                let read = input.read(into)?;
                *octets = octets.saturating_add(read);
                Ok(read)
            }
            Side::There(pieces) => {
                let read = pieces.read(into);
                if !matches!(read, Ok(1..)) && !into.is_empty() {
                    self.side = Side::Over;
                }
                read
            }
            Side::Over => Ok(0),
        }
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
            .name("unpack".to_owned())
            .spawn(move || unpack(input, &take, &give))?;
        Ok(Self { filled, empty, piece: Piece::default(), read: 0 })
    }

    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.read >= self.piece.len {
            let filled = self.filled.recv().map_err(|_| gone())?;
            let piece = std::mem::replace(&mut self.piece, filled?);
            self.read = 0;
            if !piece.octets.is_empty() {
                let _ = self.empty.send(piece.octets);
            }
        }
        let unread = wire::prefix(&self.piece.octets, self.piece.len);
        let read = wire::rest(unread, self.read).read(into)?;
        self.read = self.read.saturating_add(read);
        Ok(read)
    }
}

/// The thread always has a last word, unless it panicked.
fn gone() -> io::Error {
    io::Error::other("the thread that unpacks it is gone; that is a fault of this program")
}

/// Fills pieces until the input ends, fails, or nobody wants them any more.
fn unpack(
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
