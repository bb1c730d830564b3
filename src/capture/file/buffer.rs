//! The one buffer that a capture is read through.
//!
//! Reads large pieces into memory that is reused; what was read is lent out in place. It grows only
//! where one record needs more room, and knows how far into the input it is. It knows no format: a
//! decompressor stands where the file stands, as the [`Read`] behind it.

use std::io::{self, Cursor, Read};

/// The first read is small: of most files in a folder only the first record's time is asked for
/// before they are put aside until their turn.
const FIRST_READ_BYTES: usize = 16 * 1024;

/// A window over an input that moves forward only.
pub(super) struct Buffer {
    input: Box<dyn Read + Send>,
    /// All of it is initialised; between `start` and `end` stands what was read and not consumed.
    data: Vec<u8>,
    /// Octets of `data` while no record needs more.
    size: usize,
    start: usize,
    end: usize,
    /// Where in the input `start` is, in octets.
    offset: u64,
    fresh: bool,
    ended: bool,
}

impl Buffer {
    /// A window of `size` octets over `input`, whose first octet is the `offset`-th of the capture.
    pub(super) fn new(input: Box<dyn Read + Send>, size: usize, offset: u64) -> Self {
        let size = size.max(FIRST_READ_BYTES);
        Self {
            input,
            data: vec![0; size],
            size,
            start: 0,
            end: 0,
            offset,
            fresh: true,
            ended: false,
        }
    }

    /// The input, from the first octet on that was not consumed.
    pub(super) fn into_rest(self) -> Box<dyn Read + Send> {
        let filled = self.filled().to_vec();
        Box::new(Cursor::new(filled).chain(self.input))
    }

    /// What was read and not yet consumed.
    pub(super) fn filled(&self) -> &[u8] {
        self.data.get(self.start..self.end).unwrap_or_default()
    }

    /// Where in the capture [`Self::filled`] begins, in octets.
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

    /// Moves over the first `octets` of what is filled.
    pub(super) fn consume(&mut self, octets: usize) {
        let octets = octets.min(self.end.saturating_sub(self.start));
        self.start = self.start.saturating_add(octets);
        self.offset = self.offset.saturating_add(octets_64(octets));
    }

    /// Reads until at least `need` octets are filled; `false` where the input ends before. The
    /// caller bounds `need`: the buffer grows towards it as octets come.
    ///
    /// # Errors
    ///
    /// What the operating system says when a read fails.
    pub(super) fn fill(&mut self, need: usize) -> io::Result<bool> {
        if self.filled().len() >= need {
            return Ok(true);
        }
        self.move_to_front(need);
        while self.filled().len() < need && !self.ended {
            if self.end == self.data.len() {
                // Not at once: a length that lies should not cost more than there is to read.
                self.data.resize(self.data.len().saturating_mul(2).min(need), 0);
            }
            let room = self.data.get_mut(self.end..).unwrap_or_default();
            let room = match room.get_mut(..FIRST_READ_BYTES) {
                Some(small) if self.fresh && need <= FIRST_READ_BYTES => small,
                Some(_) | None => room,
            };
            match self.input.read(room) {
                Ok(0) => self.ended = true,
                Ok(read) => self.end = self.end.saturating_add(read).min(self.data.len()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.fresh = false;
        Ok(self.filled().len() >= need)
    }

    /// Moves what is filled to the front, which for a record that the last read cut is little, and
    /// gives back what only a larger record needed.
    fn move_to_front(&mut self, need: usize) {
        self.data.copy_within(self.start..self.end, 0);
        self.end = self.end.saturating_sub(self.start);
        self.start = 0;
        if self.data.len() > self.size && self.end.max(need) <= self.size {
            self.data.truncate(self.size);
            self.data.shrink_to_fit();
        }
    }
}

/// A length in memory as an offset in a file.
pub(super) fn octets_64(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one octet a read, and is interrupted before each.
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
        let mut buffer = Buffer::new(Box::new(Slow(vec![1, 2, 3, 4, 5], false)), 0, 100);
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
        let octets: Vec<u8> = (0..=255).cycle().take(300_000).collect();
        let mut buffer = Buffer::new(Box::new(io::Cursor::new(octets.clone())), 0, 0);
        assert!(buffer.fill(10).unwrap());
        assert_eq!(buffer.data.len(), FIRST_READ_BYTES);
        buffer.consume(7);
        assert!(buffer.fill(200_000).unwrap());
        assert_eq!(buffer.data.len(), 200_000);
        assert_eq!(buffer.filled(), &octets[7..200_007]);
        buffer.consume(199_999);
        assert!(buffer.fill(9).unwrap());
        assert_eq!(buffer.data.len(), FIRST_READ_BYTES);
        assert!(!buffer.fill(1 << 24).unwrap());
        assert_eq!(buffer.filled(), &octets[200_006..]);
        assert!(buffer.data.len() < 300_000);
    }
}
