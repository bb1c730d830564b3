//! Reads a stream on a thread of its own, a few pieces ahead.
//!
//! It stands up to twice in a row: one thread reads the file, one unpacks what was read, and the
//! classifier goes on meanwhile. The pieces are all the memory there is between two threads: they go
//! round. A thread is started only once more than the head of a capture is wanted, so that looking into
//! every file of a folder starts none. It ends by itself when nobody wants the stream any more, at the
//! latest when the input gives its next bytes: nobody waits for it.

use std::io::{self, Read};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use super::interruptible::receive;
use crate::capture::stop::Stop;
use portstory_core::internal::wire;

/// Bytes of a piece: large enough that handing it over costs nothing, small enough that all of
/// them stay in the processor's cache.
const PIECE_BYTES: usize = 256 * 1024;

/// Bytes that are free before what was read, for the record that the piece before ended in. What is
/// longer is rare and costs a copy of the piece.
const FRONT_BYTES: usize = 64 * 1024;

/// What is read stands at the start of a page: the system copies whole pages faster.
pub(super) const PAGE_BYTES: usize = 4096;

/// Pieces: one is filled, one is read, and one waits, so that neither side waits for the other over
/// a piece that is harder than most.
const PIECES: usize = 3;

/// The reader's end of the thread.
pub(super) struct Pieces {
    filled: Receiver<io::Result<Piece>>,
    empty: Sender<Vec<u8>>,
    stop: Option<Stop>,
}

/// What was read at once.
#[derive(Default)]
pub(super) struct Piece {
    pub(super) bytes: Vec<u8>,
    /// Where it begins; before it there is room.
    pub(super) start: usize,
    /// Where it ends.
    pub(super) end: usize,
}

impl Piece {
    /// What was read.
    pub(super) fn filled(&self) -> &[u8] {
        wire::rest(wire::prefix(&self.bytes, self.end), self.start)
    }
}

impl Pieces {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// Where the system grants no thread.
    pub(super) fn of(input: Box<dyn Read + Send>, stop: Option<Stop>) -> io::Result<Self> {
        let (give, filled) = mpsc::channel();
        let (empty, take) = mpsc::channel();
        for _ in 0..PIECES {
            // It can't fail: the other end is at hand.
            let _ = empty.send(Vec::new());
        }
        thread::Builder::new()
            .name("read-ahead".to_owned())
            .spawn(move || read_ahead(input, &take, &give))?;
        Ok(Self { filled, empty, stop })
    }

    /// The next piece; an empty one where there is no more.
    ///
    /// # Errors
    ///
    /// What the system says where a read fails, and a stop while there is nothing.
    pub(super) fn next(&mut self) -> io::Result<Piece> {
        receive(&self.filled, self.stop.as_ref())?
    }

    /// Gives back the room of a piece.
    pub(super) fn give_back(&self, bytes: Vec<u8>) {
        // Where the thread has ended nobody needs it.
        let _ = self.empty.send(bytes);
    }
}

/// Fills pieces until the input ends or fails, or nobody wants them any more.
fn read_ahead(
    mut input: Box<dyn Read + Send>,
    take: &Receiver<Vec<u8>>,
    give: &Sender<io::Result<Piece>>,
) {
    const WHOLE_BYTES: usize = FRONT_BYTES + PAGE_BYTES + PIECE_BYTES;
    while let Ok(mut bytes) = take.recv() {
        if bytes.len() != WHOLE_BYTES {
            bytes = vec![0; WHOLE_BYTES];
        }
        let start = bytes.as_ptr().align_offset(PAGE_BYTES).min(PAGE_BYTES) + FRONT_BYTES;
        let read = loop {
            let room = bytes.get_mut(start..start + PIECE_BYTES).unwrap_or_default();
            match input.read(room) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        let last = !matches!(read, Ok(1..));
        let piece = read.map(|len| Piece { bytes, start, end: start.saturating_add(len) });
        if give.send(piece).is_err() || last {
            return;
        }
    }
}
