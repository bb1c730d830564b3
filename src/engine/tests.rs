//! A reading as an observer sees it.

use std::collections::VecDeque;

use super::*;
use crate::capture::{Polled, Sink};
use portstory_core::LinkType;

/// Batches that are handed over one by one, each of so many frames.
struct Batches {
    polls: VecDeque<(u64, Result<Polled, CaptureError>)>,
    sources: Vec<SourceInfo>,
    frames: u64,
}

impl Batches {
    fn of(polls: Vec<(u64, Result<Polled, CaptureError>)>) -> Self {
        Self { polls: polls.into(), sources: vec![SourceInfo::default()], frames: 0 }
    }
}

impl FrameSource for Batches {
    fn poll(&mut self, _: usize, sink: &mut Sink<'_>) -> Result<Polled, CaptureError> {
        let (frames, polled) = self.polls.pop_front().unwrap_or((0, Ok(Polled::End)));
        for _ in 0..frames {
            self.frames += 1;
            let at = FrameRef { number: self.frames, ..FrameRef::default() };
            sink(&Frame { at, link: LinkType(1), wire_len: 60, bytes: &[0; 60] });
        }
        self.sources[0].dropped += 1;
        polled
    }

    fn sources(&self) -> &[SourceInfo] {
        &self.sources
    }
}

/// Writes down what it is shown.
#[derive(Default)]
struct Told {
    watches: bool,
    ends_at: Option<usize>,
    abandons: bool,
    words: Vec<String>,
    batches: usize,
}

impl Observer for Told {
    fn watches(&self) -> bool {
        self.watches
    }

    fn begin(&mut self, _: &mut Reading<'_>) {
        self.words.push("begin".to_owned());
    }

    fn frame(&mut self, frame: &Frame<'_>, _: &Seen<'_>) {
        self.words.push(format!("frame {}", frame.at.number));
    }

    fn dropped(&mut self, _: &mut Reading<'_>, drops: Drops) {
        self.words.push(format!("dropped {}", drops.frames));
    }

    fn error(&mut self, error: &CaptureError) {
        self.words.push(error.message.clone());
    }

    fn batch(&mut self, reading: &mut Reading<'_>) {
        self.words.push(if reading.is_end { "end" } else { "batch" }.to_owned());
        self.batches += 1;
        if self.ends_at == Some(self.batches) {
            if self.abandons { reading.abandon() } else { reading.end() }
        }
    }

    fn finish(&mut self, reading: &mut Reading<'_>) {
        self.words.push(format!("finish {}", reading.summary.frames));
    }
}

fn fault(kind: CaptureErrorKind) -> Result<Polled, CaptureError> {
    Err(CaptureError { kind, source: "a".to_owned(), message: "fault".to_owned() })
}

fn told(mut observer: Told, polls: Vec<(u64, Result<Polled, CaptureError>)>) -> (String, Driven) {
    let driven = drive(&mut Batches::of(polls), Config::default(), &mut [&mut observer]);
    (observer.words.join(", "), driven)
}

#[test]
fn frames_come_before_what_the_source_says_and_a_fault_ends_nothing() {
    let polls = || vec![(2, fault(CaptureErrorKind::BrokeOff)), (1, Ok(Polled::Frames(1)))];
    let (words, driven) = told(Told { watches: true, ..Told::default() }, polls());
    assert_eq!(
        words,
        "begin, frame 1, frame 2, dropped 1, fault, batch, frame 3, dropped 1, batch, dropped 1, batch, \
         end, finish 3"
    );
    assert_eq!(driven.outcome, Outcome::BrokeOff);
    assert_eq!(driven.summary.notices, ["a: fault"]);
    let (words, _) = told(Told::default(), polls());
    assert!(!words.contains("frame ") && words.ends_with("finish 3"), "{words}");
}

#[test]
fn the_worst_fault_counts() {
    for (kind, outcome) in [
        (CaptureErrorKind::BrokeOff, Outcome::BrokeOff),
        (CaptureErrorKind::CannotOpen, Outcome::Usage),
        (CaptureErrorKind::NotACapture, Outcome::Usage),
    ] {
        let polls = vec![(0, fault(kind)), (0, fault(CaptureErrorKind::BrokeOff))];
        assert_eq!(told(Told::default(), polls).1.outcome, outcome);
    }
    assert_eq!(told(Told::default(), Vec::new()).1.outcome, Outcome::Done);
}

#[test]
fn an_observer_may_end_a_reading_or_abandon_it() {
    let polls = || vec![(1, Ok(Polled::Frames(1))), (1, Ok(Polled::Frames(1)))];
    let (words, driven) = told(Told { ends_at: Some(1), ..Told::default() }, polls());
    assert_eq!(words, "begin, dropped 1, batch, end, finish 1");
    assert_eq!(driven.outcome, Outcome::Done);
    let (words, driven) =
        told(Told { ends_at: Some(1), abandons: true, ..Told::default() }, polls());
    assert_eq!(words, "begin, dropped 1, batch");
    assert_eq!(driven.outcome, Outcome::BrokeOff);
}

#[test]
fn a_replay_shows_frames_and_takes_none_in() {
    let mut observer = Told { watches: true, ..Told::default() };
    let mut source = Batches::of(vec![(2, Ok(Polled::Frames(2)))]);
    let driven = replay(&mut source, &mut [&mut observer]);
    assert_eq!(observer.words.join(", "), "begin, frame 1, frame 2, batch, batch, end, finish 0");
    assert_eq!(driven.summary.frames, 0);
}
