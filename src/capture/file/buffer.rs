//! The buffer that a capture is read through, and before it a compressed file.
//!
//! Reads large pieces into memory that is reused; what was read is lent out in place. It grows only
//! where one record needs more room, and knows how far into the input it is. It knows no format: a
//! decompressor stands where the file stands, as the [`Read`] behind it. What a thread unpacks it takes
//! over piece by piece, as it is. A file that is not packed is read without a thread: to copy it from
//! one processor's cache to another's takes as long as to read it.

use std::io::{self, BufRead, Read};

use super::read_ahead::{PAGE_BYTES, Piece, Pieces};
use crate::capture::stop::Stop;
use portstory_core::internal::wire::prefix;

/// The first read is small: of most files in a folder only the first record's time is asked for
/// before they are put aside until their turn.
const FIRST_READ_BYTES: usize = 16 * 1024;

/// Room for what is left of the last read, so that the next one starts at a page.
const PAGES_AROUND: usize = 2 * PAGE_BYTES;

/// A window over an input that moves forward only.
pub(super) struct Buffer {
    input: Input,
    /// All of it is initialised; between `start` and `end` stands what was read and not consumed.
    data: Vec<u8>,
    /// Bytes of `data` while no record needs more.
    size: usize,
    start: usize,
    end: usize,
    /// Where in the input `start` is, in bytes.
    offset: u64,
    fresh: bool,
    ended: bool,
    stop: Option<Stop>,
}

enum Input {
    /// Read on the caller's own thread, for so many bytes more if that has an end.
    Here(Box<dyn Read + Send>, Option<usize>),
    There(Pieces),
    /// Nothing more is read, until it is opened anew where it was left.
    Closed,
}

impl Buffer {
    /// A window of `size` bytes over `input`, whose first byte is the `offset`-th of the capture.
    /// It is read ahead by a thread after `here_bytes` bytes, if that is given.
    pub(super) fn new(
        input: Box<dyn Read + Send>,
        size: usize,
        offset: u64,
        here_bytes: Option<usize>,
    ) -> Self {
        let size = size.max(FIRST_READ_BYTES).saturating_add(PAGES_AROUND);
        Self {
            input: Input::Here(input, here_bytes),
            data: vec![0; size],
            size,
            start: 0,
            end: 0,
            offset,
            fresh: true,
            ended: false,
            stop: None,
        }
    }

    /// The same, of an input whose first bytes were read already; not more than are read at first.
    pub(super) fn behind(mut self, head: &[u8]) -> Self {
        let head = prefix(head, FIRST_READ_BYTES);
        if let Some(room) = self.data.get_mut(..head.len()) {
            room.copy_from_slice(head);
            self.end = head.len();
        }
        self
    }

    /// The same, whose thread is waited for until there is a stop.
    pub(super) fn until(mut self, stop: Option<Stop>) -> Self {
        self.stop = stop;
        self
    }

    /// Gives back the input and the memory. Where it was is still known.
    pub(super) fn close(&mut self) {
        (self.input, self.data) = (Input::Closed, Vec::new());
        (self.start, self.end) = (0, 0);
    }

    /// Whether it was not closed.
    pub(super) const fn is_open(&self) -> bool {
        !matches!(self.input, Input::Closed)
    }

    /// What was read and not yet consumed.
    pub(super) fn filled(&self) -> &[u8] {
        self.data.get(self.start..self.end).unwrap_or_default()
    }

    /// Where in the capture [`Self::filled`] begins, in bytes.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Whether the input has no more than what is in [`Self::filled`].
    pub(super) fn ended(&self) -> bool {
        self.ended
    }

    /// Reads on behind what was the end of the input, since it may have grown.
    pub(super) fn expect_more(&mut self) {
        self.ended = false;
    }

    /// Moves over the first `bytes` of what is filled.
    pub(super) fn consume(&mut self, bytes: usize) {
        let bytes = bytes.min(self.end.saturating_sub(self.start));
        self.start = self.start.saturating_add(bytes);
        self.offset = self.offset.saturating_add(bytes_64(bytes));
    }

    /// Reads until at least `need` bytes are filled; `false` where the input ends before. The
    /// caller bounds `need`: the buffer grows towards it as bytes come.
    ///
    /// # Errors
    ///
    /// What the operating system says when a read fails.
    pub(super) fn fill(&mut self, need: usize) -> io::Result<bool> {
        while self.filled().len() < need && !self.ended {
            self.read_ahead_from_now()?;
            match &mut self.input {
                Input::Here(..) => self.read_here(need)?,
                Input::There(pieces) => {
                    let piece = pieces.next()?;
                    self.take_over(piece);
                }
                Input::Closed => break,
            }
        }
        Ok(self.filled().len() >= need)
    }

    /// Starts the thread, where so much was read that it is worth one.
    fn read_ahead_from_now(&mut self) -> io::Result<()> {
        if let Input::Here(_, Some(0)) = self.input
            && let Input::Here(input, _) = std::mem::replace(&mut self.input, Input::Closed)
        {
            self.input = Input::There(Pieces::of(input, self.stop.clone())?);
        }
        Ok(())
    }

    fn read_here(&mut self, need: usize) -> io::Result<()> {
        self.move_to_front(need);
        let Input::Here(input, here_bytes) = &mut self.input else { return Ok(()) };
        while self.end.saturating_sub(self.start) < need && !self.ended {
            if self.end == self.data.len() {
                // Not at once: a length that lies should not cost more than there is to read.
                let enough = self.start.saturating_add(need);
                self.data.resize(self.data.len().saturating_mul(2).min(enough), 0);
            }
            let room = self.data.get_mut(self.end..).unwrap_or_default();
            let pages = room.len() - room.len() % PAGE_BYTES;
            let room = if pages > 0 { room.get_mut(..pages).unwrap_or_default() } else { room };
            let room = match room.get_mut(..FIRST_READ_BYTES) {
                Some(small) if self.fresh && need <= FIRST_READ_BYTES => small,
                Some(_) | None => room,
            };
            match input.read(room) {
                Ok(0) => self.ended = true,
                Ok(read) => {
                    self.end = self.end.saturating_add(read).min(self.data.len());
                    *here_bytes = here_bytes.map(|left| left.saturating_sub(read));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.fresh = false;
        Ok(())
    }

    /// Goes on with what the thread has read. What is left is put before it, where it has room for
    /// that; else the piece is put behind what is left.
    fn take_over(&mut self, mut piece: Piece) {
        let left = self.filled().len();
        if piece.filled().is_empty() {
            self.ended = true;
            return;
        }
        let Input::There(pieces) = &self.input else { return };
        let start = piece.start.checked_sub(left);
        let front = start.and_then(|start| piece.bytes.get_mut(start..piece.start));
        if let (Some(start), Some(front)) = (start, front) {
            front.copy_from_slice(self.data.get(self.start..self.end).unwrap_or_default());
            pieces.give_back(std::mem::replace(&mut self.data, piece.bytes));
            (self.start, self.end) = (start, piece.end);
            return;
        }
        self.data.copy_within(self.start..self.end, 0);
        self.data.truncate(left);
        self.data.extend_from_slice(piece.filled());
        (self.start, self.end) = (0, self.data.len());
        pieces.give_back(piece.bytes);
    }

    /// Moves what is filled to the front, up to a page's start, which for a record that the last read
    /// cut is little, and gives back what only a larger record needed.
    fn move_to_front(&mut self, need: usize) {
        let len = self.end.saturating_sub(self.start);
        let first_page = self.data.as_ptr().align_offset(PAGE_BYTES).min(PAGE_BYTES);
        let pages = len.saturating_sub(first_page).div_ceil(PAGE_BYTES);
        let end = first_page.saturating_add(pages.saturating_mul(PAGE_BYTES));
        // Where there is no such room, at the very front.
        let end = if end <= self.start.max(PAGES_AROUND) { end.max(len) } else { len };
        let start = end.saturating_sub(len);
        self.data.copy_within(self.start..self.end, start);
        (self.start, self.end) = (start, end);
        if self.data.len() > self.size && end.max(start.saturating_add(need)) <= self.size {
            self.data.truncate(self.size);
            self.data.shrink_to_fit();
        }
    }
}

/// For a decompressor: what was read at once, lent in place.
impl BufRead for Buffer {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.fill(1)?;
        Ok(self.filled())
    }

    fn consume(&mut self, bytes: usize) {
        Self::consume(self, bytes);
    }
}

impl Read for Buffer {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(into)?;
        self.consume(read);
        Ok(read)
    }
}

/// A length in memory as an offset in a file.
pub(super) fn bytes_64(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte a read, and is interrupted before each.
    struct Slow(Vec<u8>, bool);

    impl Read for Slow {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(io::ErrorKind::Interrupted.into());
            }
            if self.0.is_empty() || into.is_empty() {
                return Ok(0);
            }
            into[0] = self.0.remove(0);
            Ok(1)
        }
    }

    #[test]
    fn it_reads_no_more_than_is_asked_for_of_a_slow_input() {
        let mut buffer = Buffer::new(Box::new(Slow(vec![1, 2, 3, 4, 5], false)), 0, 100, None);
        assert!(buffer.fill(2).unwrap());
        assert_eq!(buffer.filled(), [1, 2]);
        buffer.consume(1);
        assert_eq!((buffer.filled(), buffer.offset()), (&[2][..], 101));
        assert!(!buffer.fill(5).unwrap());
        assert_eq!(buffer.filled(), [2, 3, 4, 5]);
        assert!(buffer.ended());
        buffer.consume(usize::MAX);
        assert_eq!((buffer.filled().len(), buffer.offset()), (0, 105));
    }

    #[test]
    fn it_grows_for_one_large_record_only() {
        let bytes: Vec<u8> = (0..=255).cycle().take(300_000).collect();
        let mut buffer = Buffer::new(Box::new(io::Cursor::new(bytes.clone())), 0, 0, None);
        assert!(buffer.fill(10).unwrap());
        let usual = buffer.data.len();
        buffer.consume(7);
        assert!(buffer.fill(200_000).unwrap());
        assert!((200_000..200_000 + 2 * PAGES_AROUND).contains(&buffer.data.len()));
        assert_eq!(buffer.filled(), &bytes[7..200_007]);
        buffer.consume(199_999);
        assert!(buffer.fill(9).unwrap());
        assert_eq!(buffer.data.len(), usual);
        assert!(!buffer.fill(1 << 24).unwrap());
        assert_eq!(buffer.filled(), &bytes[200_006..]);
        assert!(buffer.data.len() < 300_000);
    }

    #[test]
    fn what_a_thread_reads_ahead_is_the_same() {
        let bytes: Vec<u8> = (0..2_000_000_u32)
            .map(|at| at.to_le_bytes()[usize::try_from(at % 3).unwrap()])
            .collect();
        // Records that a piece holds, that begin in one and end in the next, and that no piece holds.
        for (here_bytes, records) in
            [(0, [100, 70_000, 7]), (30_000, [9, 400_000, 1000]), (0, [600_000, 1, 200_000])]
        {
            let input = Box::new(io::Cursor::new(bytes.clone()));
            let mut buffer = Buffer::new(input, 0, 0, Some(here_bytes)).behind(&[]);
            let mut at = 0;
            for len in records.into_iter().cycle() {
                let there = buffer.fill(len).unwrap();
                assert_eq!(there, bytes.len() - at >= len, "{len} bytes at {at}");
                let filled = buffer.filled();
                assert_eq!(filled, &bytes[at..at + filled.len()], "at {at}");
                if !there {
                    assert_eq!(filled.len(), bytes.len() - at);
                    break;
                }
                buffer.consume(len);
                at += len;
                assert_eq!(buffer.offset(), bytes_64(at));
            }
            assert!(buffer.ended() && matches!(buffer.input, Input::There(_)));
        }
    }

    #[test]
    fn the_first_bytes_may_have_been_read_before() {
        let mut buffer = Buffer::new(Box::new(io::Cursor::new(b"def")), 0, 0, None).behind(b"abc");
        assert!(!buffer.fill(7).unwrap());
        assert_eq!((buffer.filled(), buffer.offset()), (&b"abcdef"[..], 0));
    }
}
