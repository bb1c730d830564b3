//! Frames that `-w` cannot write yet: fragments, until it is known whether their packet is in range.
//!
//! What comes behind one waits as well, so that the file keeps the order of the capture. Bounded in
//! bytes and in event time; what is still unknown then is not written.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::time::Duration;

use portstory_core::config::WAITING_BYTES_MAX;
use portstory_core::{Frame, FrameOutcome, FrameRef, LinkType};

/// Frames in the order of the capture, the first of which waits.
#[derive(Debug)]
pub(super) struct PendingFrames {
    frames: VecDeque<Kept>,
    /// Which of all frames that ever waited is the first of these.
    first: usize,
    /// Those that are unknown, by which of all frames they are.
    unknown: BTreeMap<FrameRef, usize>,
    bytes: usize,
    /// Fragments are held for so long.
    time: Duration,
}

#[derive(Debug)]
struct Kept {
    at: FrameRef,
    link: LinkType,
    wire_len: u32,
    bytes: Vec<u8>,
    /// Whether it is to be written, where that is known.
    wanted: Option<bool>,
}

/// Takes frames that are to be written.
type Write<'a> = dyn FnMut(&Frame<'_>) -> io::Result<()> + 'a;

impl PendingFrames {
    /// Nothing waits. Fragments are held together for `time`.
    pub(super) const fn new(time: Duration) -> Self {
        Self { frames: VecDeque::new(), first: 0, unknown: BTreeMap::new(), bytes: 0, time }
    }

    /// Takes in the next frame, and writes what need not wait any longer.
    ///
    /// # Errors
    ///
    /// Those of `write`.
    pub(super) fn take(
        &mut self,
        frame: &Frame<'_>,
        outcome: FrameOutcome,
        resolved: &[(FrameRef, bool)],
        write: &mut Write<'_>,
    ) -> io::Result<()> {
        if outcome.resolved {
            self.decide(resolved);
        }
        if outcome.watched || outcome.waits {
            if outcome.watched && self.frames.is_empty() {
                return write(frame);
            }
            self.keep(frame, outcome);
        }
        while let Some(first) = self.frames.front() {
            let is_late = frame.at.time.since(first.at.time) > self.time;
            if first.wanted.is_none() && !is_late && self.bytes <= WAITING_BYTES_MAX {
                break;
            }
            self.let_go(write)?;
        }
        Ok(())
    }

    /// The capture is over.
    ///
    /// # Errors
    ///
    /// Those of `write`.
    pub(super) fn finish(
        &mut self,
        resolved: &[(FrameRef, bool)],
        write: &mut Write<'_>,
    ) -> io::Result<()> {
        self.decide(resolved);
        while !self.frames.is_empty() {
            self.let_go(write)?;
        }
        Ok(())
    }

    fn keep(&mut self, frame: &Frame<'_>, outcome: FrameOutcome) {
        let kept = Kept {
            at: frame.at,
            link: frame.link,
            wire_len: frame.wire_len,
            bytes: frame.bytes.to_vec(),
            wanted: outcome.watched.then_some(true),
        };
        self.bytes = self.bytes.saturating_add(kept.cost());
        if kept.wanted.is_none() {
            self.unknown.insert(kept.at, self.first.wrapping_add(self.frames.len()));
        }
        self.frames.push_back(kept);
    }

    /// Notes what is wanted, and gives the bytes of what is not free.
    fn decide(&mut self, resolved: &[(FrameRef, bool)]) {
        for &(at, watched) in resolved {
            let Some(number) = self.unknown.remove(&at) else { continue };
            let Some(kept) = self.frames.get_mut(number.wrapping_sub(self.first)) else { continue };
            kept.wanted = Some(watched);
            if !watched {
                self.bytes = self.bytes.saturating_sub(kept.bytes.len());
                kept.bytes = Vec::new();
            }
        }
    }

    /// Writes the first one, or drops it.
    fn let_go(&mut self, write: &mut Write<'_>) -> io::Result<()> {
        let Some(kept) = self.frames.pop_front() else { return Ok(()) };
        self.first = self.first.wrapping_add(1);
        self.bytes = self.bytes.saturating_sub(kept.cost());
        match kept.wanted {
            Some(true) => write(&kept.frame()),
            Some(false) => Ok(()),
            None => {
                self.unknown.remove(&kept.at);
                Ok(())
            }
        }
    }
}

/// What remembering an unknown frame takes in the map beside the queue.
const UNKNOWN_OVERHEAD: usize = 2 * size_of::<(FrameRef, usize)>();

impl Kept {
    fn cost(&self) -> usize {
        self.bytes.len().saturating_add(size_of::<Self>()).saturating_add(UNKNOWN_OVERHEAD)
    }

    fn frame(&self) -> Frame<'_> {
        Frame { at: self.at, link: self.link, wire_len: self.wire_len, bytes: &self.bytes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use portstory_core::Timestamp;

    const WATCHED: FrameOutcome = FrameOutcome { watched: true, waits: false, resolved: false };
    const WAITS: FrameOutcome = FrameOutcome { watched: false, waits: true, resolved: false };

    struct Run {
        waiting: PendingFrames,
        written: Vec<u64>,
    }

    impl Run {
        fn new() -> Self {
            Self { waiting: PendingFrames::new(Duration::from_secs(30)), written: Vec::new() }
        }

        /// Takes in frame `number`, in second `number`.
        fn take(&mut self, number: u64, bytes: usize, outcome: FrameOutcome, said: &[(u64, bool)]) {
            let said: Vec<_> =
                said.iter().map(|&(number, watched)| (at(number), watched)).collect();
            let outcome = FrameOutcome { resolved: !said.is_empty(), ..outcome };
            let bytes = vec![7; bytes];
            let frame = Frame { at: at(number), link: LinkType(1), wire_len: 60, bytes: &bytes };
            let write = &mut |frame: &Frame<'_>| {
                self.written.push(frame.at.number);
                Ok(())
            };
            self.waiting.take(&frame, outcome, &said, write).unwrap();
        }
    }

    fn at(number: u64) -> FrameRef {
        let time = Timestamp::from_parts(i64::try_from(number).unwrap(), 0);
        FrameRef { time, number, ..FrameRef::default() }
    }

    #[test]
    fn frames_come_out_in_order_once_it_is_known() {
        let mut run = Run::new();
        run.take(1, 60, WATCHED, &[]);
        run.take(2, 60, WAITS, &[]);
        run.take(3, 60, WAITS, &[]);
        run.take(4, 60, WATCHED, &[]);
        assert_eq!(run.written, [1]);
        run.take(5, 60, FrameOutcome::default(), &[(3, false)]);
        run.take(6, 60, WATCHED, &[(2, true)]);
        assert_eq!(run.written, [1, 2, 4, 6]);
        assert_eq!(run.waiting.bytes, 0);
    }

    #[test]
    fn what_is_never_known_is_dropped_and_holds_nothing_up_for_long() {
        let mut run = Run::new();
        run.take(1, 60, WAITS, &[]);
        run.take(2, 60, WATCHED, &[]);
        run.take(31, 60, FrameOutcome::default(), &[]);
        assert!(run.written.is_empty());
        run.take(32, 60, FrameOutcome::default(), &[]);
        assert_eq!(run.written, [2]);
        run.take(33, 60, WAITS, &[]);
        run.waiting.finish(&[(at(33), true)], &mut |_| Ok(())).unwrap();
        assert!(run.waiting.frames.is_empty() && run.waiting.bytes == 0);
    }

    #[test]
    fn it_takes_no_more_memory_than_it_may() {
        let mut run = Run::new();
        for _ in 0..2000 {
            run.take(1, 60_000, WAITS, &[]);
            assert!(run.waiting.bytes <= WAITING_BYTES_MAX);
        }
    }
}
