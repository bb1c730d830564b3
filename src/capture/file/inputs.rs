//! Several captures as one stream, in the order of time.
//!
//! Each capture is read in its own order; among captures the one whose next frame is earliest goes
//! first, and of equal ones the one that began first. Rotated files, which hardly overlap, are
//! thus read one after the other however they are named, and overlapping ones frame by frame. In which
//! order they are named changes nothing: captures are numbered by when they begin, then by what their
//! first frame holds, then by name. A file is open only while it takes part. A stream (standard input, a FIFO) takes part from the start, and
//! is waited for.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};

use super::Options;
use super::reader::{Losses, Ran, Reader, Then};
use crate::capture::{CaptureError, FrameSource, Notice, Polled, Sink, SourceInfo};
use portstory_core::{SourceId, Timestamp};

/// Captures that are read as one.
pub struct Inputs {
    inputs: Vec<Input>,
    /// By the same index.
    infos: Vec<SourceInfo>,
    /// Those that wait for their turn: time of the next frame, index.
    waiting: BinaryHeap<Reverse<(Timestamp, usize)>>,
    /// The one that is being read.
    current: Option<usize>,
    open: usize,
    options: Options,
    /// Not yet told: what happened while opening, and damage, by index.
    notices: Vec<Notice>,
    /// What could not be read at all, and what was not read to its end.
    faults: VecDeque<CaptureError>,
    damaged: BTreeMap<usize, Losses>,
}

/// One capture among others.
pub(super) struct Input {
    pub(super) name: String,
    /// The time of its next frame; the earliest there is while that is not known.
    pub(super) next: Timestamp,
    /// The first bytes of that frame as the file has them, where they are known.
    pub(super) front: Vec<u8>,
    pub(super) turn: Turn,
}

/// Bytes that are enough to tell what the first frames of two captures hold from each other: their
/// headers, the capture's own and those of the packet.
const FRONT_BYTES: usize = 128;

/// How far a capture is.
pub(super) enum Turn {
    /// It is open, or put aside.
    Read(Box<Reader>),
    /// It broke off already when its first frame was looked at.
    Broken(CaptureError),
    Over,
}

impl Input {
    fn reader(&self) -> Option<&Reader> {
        match &self.turn {
            Turn::Read(reader) => Some(reader),
            Turn::Broken(_) | Turn::Over => None,
        }
    }

    fn is_open(&self) -> bool {
        self.reader().is_some_and(Reader::is_open)
    }

    fn is_stream(&self) -> bool {
        self.reader().is_some_and(Reader::is_stream)
    }

    /// What decides of equal times; files without a frame come last.
    fn rank(&self) -> (bool, Timestamp, &[u8], &str) {
        let empty = self.front.is_empty() && !self.is_open();
        (empty, self.next, &self.front, &self.name)
    }

    /// Looks when the next frame is, and closes the file until then. A stream stays as it is:
    /// looking might mean to wait, and it could not be opened again.
    pub(super) fn put_aside(&mut self) {
        let Turn::Read(reader) = &mut self.turn else { return };
        if reader.is_stream() {
            return;
        }
        match reader.next_time() {
            Ok(next) => {
                self.next = next.unwrap_or(self.next);
                self.front = reader.front(FRONT_BYTES).to_vec();
                reader.put_aside();
            }
            Err(error) => self.turn = Turn::Broken(error),
        }
    }
}

impl Inputs {
    pub(super) fn new(
        mut inputs: Vec<Input>,
        notices: Vec<Notice>,
        faults: VecDeque<CaptureError>,
        options: Options,
    ) -> Self {
        inputs.sort_by(|one, other| one.rank().cmp(&other.rank()));
        for (number, input) in (0..).zip(&mut inputs) {
            if let Turn::Read(reader) = &mut input.turn {
                reader.set_source(SourceId(number));
            }
        }
        let info = |input: &Input| SourceInfo {
            name: input.name.clone(),
            format: input.reader().map(Reader::format),
            ..SourceInfo::default()
        };
        Self {
            infos: inputs.iter().map(info).collect(),
            waiting: (0..).zip(&inputs).map(|(at, input)| Reverse((input.next, at))).collect(),
            current: None,
            open: inputs.iter().filter(|input| input.is_open()).count(),
            inputs,
            options,
            notices,
            faults,
            damaged: BTreeMap::new(),
        }
    }

    /// The latest time that capture `at` may hand over before another has its turn.
    fn until(&self, at: usize) -> Timestamp {
        match self.waiting.peek() {
            None => Timestamp::from_nanos(i64::MAX),
            Some(Reverse((next, other))) if at < *other => *next,
            Some(Reverse((next, _))) => Timestamp::from_nanos(next.nanos().saturating_sub(1)),
        }
    }

    /// Makes capture `at` ready to be read, where it is not over.
    fn make_ready(&mut self, at: usize) -> Result<(), CaptureError> {
        let Some(input) = self.inputs.get_mut(at) else { return Ok(()) };
        if let Turn::Broken(_) = input.turn
            && let Turn::Broken(error) = std::mem::replace(&mut input.turn, Turn::Over)
        {
            return Err(error);
        }
        if input.reader().is_none_or(Reader::is_open) {
            return Ok(());
        }
        if self.open >= self.options.open_files_max {
            self.close_latest();
        }
        if let Some(Input { turn: Turn::Read(reader), .. }) = self.inputs.get_mut(at) {
            reader.resume(&self.options)?;
            self.open = self.open.saturating_add(1);
        }
        Ok(())
    }

    /// Closes the open file whose turn is latest; a compressed one, which can be gone on with only
    /// by unpacking it again from its beginning, where there is no other.
    fn close_latest(&mut self) {
        let files = self.inputs.iter_mut().filter(|input| input.is_open() && !input.is_stream());
        let is_plain = |input: &Input| !input.reader().is_some_and(Reader::is_packed);
        let latest = files.max_by_key(|input| (is_plain(input), input.next));
        if let Some(Input { turn: Turn::Read(reader), .. }) = latest {
            reader.put_aside();
            self.open = self.open.saturating_sub(1);
        }
    }

    /// Reads on in capture `at`, and keeps its books.
    fn run(&mut self, at: usize, budget: usize, sink: &mut Sink<'_>) -> Result<Ran, CaptureError> {
        self.make_ready(at)?;
        let until = self.until(at);
        let (Some(Input { turn: Turn::Read(reader), .. }), Some(info)) =
            (self.inputs.get_mut(at), self.infos.get_mut(at))
        else {
            return Ok(Ran { frames: 0, then: Then::End });
        };
        let ran = reader.run(budget, until, sink);
        if let Some(losses) = reader.new_losses() {
            self.damaged.insert(at, losses);
        }
        let remarks = reader.take_remarks().into_iter();
        self.notices.extend(remarks.map(|message| Notice { source: info.name.clone(), message }));
        keep_books(reader, info);
        ran
    }

    /// Whether it is to end here. What a stream has in hand may still come.
    fn is_stopped(&self) -> bool {
        let Some(stop) = self.options.stop.as_ref().filter(|stop| stop.requested()) else {
            return false;
        };
        !self.inputs.iter().any(Input::is_stream) || stop.is_over()
    }

    /// Reads no further. Of a file it is a fault that it was not read to its end; a stream may have none.
    fn end_early(&mut self) {
        self.waiting.clear();
        self.current = None;
        self.open = 0;
        let mut untouched: Option<(String, usize)> = None;
        for (input, info) in self.inputs.iter_mut().zip(&self.infos) {
            let is_stream = match std::mem::replace(&mut input.turn, Turn::Over) {
                Turn::Over => continue,
                Turn::Broken(error) => {
                    self.faults.push_back(error);
                    continue;
                }
                Turn::Read(reader) => reader.is_stream(),
            };
            let source = input.name.clone();
            if info.frames == 0 && !is_stream {
                untouched.get_or_insert((source, 0)).1 += 1;
                continue;
            }
            let frames = info.frames;
            let message =
                format!("was read up to frame {frames}, when the program was interrupted");
            if is_stream {
                self.notices.push(Notice { source, message });
            } else {
                self.faults.push_back(CaptureError::broke_off(source, message));
            }
        }
        if let Some((source, count)) = untouched {
            self.faults.push_back(not_read(source, count.saturating_sub(1)));
        }
    }

    fn finish(&mut self, at: usize) {
        let Some(input) = self.inputs.get_mut(at) else { return };
        self.open = self.open.saturating_sub(usize::from(input.is_open()));
        input.turn = Turn::Over;
    }
}

/// The fault of a file, and of so many more, for which there was no time any more.
pub(super) fn not_read(source: String, more: usize) -> CaptureError {
    let more = match more {
        0 => String::new(),
        1 => ", nor was 1 more file".to_owned(),
        more => format!(", nor were {more} more files"),
    };
    let message = format!("was not read: the program was interrupted before{more}");
    CaptureError::broke_off(source, message)
}

/// Writes down what a reader knows of its capture by now.
pub(super) fn keep_books(reader: &Reader, info: &mut SourceInfo) {
    let seen = reader.seen();
    info.frames = seen.frames;
    (info.dropped, info.dropped_by_interface) = seen.dropped;
    let new_links = seen.links.get(info.links.len()..).unwrap_or_default();
    info.links.extend(new_links);
}

impl FrameSource for Inputs {
    fn poll(&mut self, budget: usize, sink: &mut Sink<'_>) -> Result<Polled, CaptureError> {
        let mut handed = 0;
        while handed < budget {
            if self.is_stopped() {
                self.end_early();
            }
            if handed == 0
                && let Some(fault) = self.faults.pop_front()
            {
                return Err(fault);
            }
            let next = self.current.take();
            let Some(at) = next.or_else(|| self.waiting.pop().map(|Reverse((_, at))| at)) else {
                return Ok(if handed > 0 { Polled::Frames(handed) } else { Polled::End });
            };
            let Ran { frames, then } = match self.run(at, budget - handed, sink) {
                Ok(ran) => ran,
                Err(error) => {
                    self.finish(at);
                    return Err(error);
                }
            };
            handed = handed.saturating_add(frames);
            match then {
                Then::End | Then::Wait => self.finish(at),
                Then::More => {
                    self.current = Some(at);
                    // What a stream has handed over is not held back until it has more.
                    if self.inputs.get(at).is_some_and(Input::is_stream) {
                        return Ok(Polled::Frames(handed));
                    }
                }
                Then::Next(time) => {
                    if let Some(input) = self.inputs.get_mut(at) {
                        input.next = time;
                    }
                    self.waiting.push(Reverse((time, at)));
                }
            }
        }
        Ok(Polled::Frames(handed))
    }

    fn sources(&self) -> &[SourceInfo] {
        &self.infos
    }

    /// Damage is told as what it came to so far, one notice a file.
    fn take_notices(&mut self) -> Vec<Notice> {
        let mut notices = std::mem::take(&mut self.notices);
        for (at, losses) in std::mem::take(&mut self.damaged) {
            let name = self.infos.get(at).map_or_else(String::new, |info| info.name.clone());
            notices.push(losses.notice(name));
        }
        notices
    }
}
