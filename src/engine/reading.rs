//! A reading as it goes: batch by batch, and its end.

use std::fmt;

use super::{Driven, Observer, Outcome, Seen};
use crate::capture::{CaptureError, FrameSource, Polled, SourceInfo};
use crate::output::RunSummary;
use portstory_core::internal::flow::correlation::Drops;
use portstory_core::{Classifier, Config, Event, Frame, FrameOutcome, Timestamp};

/// Frames that are taken from a source at a time. Between batches outputs are written. So few that the
/// events of a flood, one a frame and some kilobytes each, are still in the processor's cache then.
const BATCH_FRAMES: usize = 512;

type Observers<'o, 'd> = [&'o mut (dyn Observer + 'd)];

/// A reading between two batches.
pub struct Reading<'a> {
    /// Where the frames come from.
    pub source: &'a mut (dyn FrameSource + 'a),
    /// What is made of them.
    pub classifier: Classifier,
    /// What came of the batch, and is to be told.
    pub events: Vec<Event>,
    /// What is known of the whole. Frames, times and limits are in it once the capture is over.
    pub summary: RunSummary,
    /// The worst so far.
    pub outcome: Outcome,
    /// Nothing waits at the source: somebody may be watching what is written.
    pub is_idle: bool,
    /// The capture is over: there is no batch behind this one.
    pub is_end: bool,
    next: Next,
    /// Whether the frames are labelled, or only shown.
    labels: bool,
    /// Whether the flows that run to the end are told in parts. Live they wait for their processes.
    ends_in_parts: bool,
    /// Frames that the source has said it lost, and until when.
    told_dropped: (u64, Option<Timestamp>),
    /// The sources as they were; while frames are lent the source itself cannot be asked.
    sources: Vec<SourceInfo>,
}

/// How a reading goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Batch,
    Finish,
    Nothing,
}

impl fmt::Debug for Reading<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reading").field("outcome", &self.outcome).finish_non_exhaustive()
    }
}

impl<'a> Reading<'a> {
    pub(super) fn new(source: &'a mut dyn FrameSource, config: Config, labels: bool) -> Self {
        let summary = RunSummary { watch: config.watch.clone(), ..RunSummary::default() };
        Self {
            sources: source.sources().to_vec(),
            source,
            ends_in_parts: !config.live_verdicts,
            classifier: Classifier::new(config),
            events: Vec::new(),
            summary,
            outcome: Outcome::Done,
            is_idle: false,
            is_end: false,
            next: Next::Batch,
            labels,
            told_dropped: (0, None),
        }
    }

    /// It ended no better than this.
    pub fn raise(&mut self, outcome: Outcome) {
        self.outcome = self.outcome.max(outcome);
    }

    /// No further frame is read. What was read is completed.
    pub fn end(&mut self) {
        if self.next == Next::Batch {
            self.next = Next::Finish;
        }
    }

    /// No further frame is read, and nobody is shown an end.
    pub fn abandon(&mut self) {
        self.raise(Outcome::BrokeOff);
        self.next = Next::Nothing;
    }

    /// Frames that the sources have lost so far, of those that they tell of.
    pub fn dropped(&self) -> u64 {
        self.source.sources().iter().map(|one| one.dropped).fold(0, u64::saturating_add)
    }

    pub(super) fn run(mut self, observers: &mut Observers<'_, '_>) -> Driven {
        let watched = observers.iter().any(|observer| observer.watches());
        for observer in observers.iter_mut() {
            observer.begin(&mut self);
        }
        while self.next == Next::Batch {
            self.batch(watched, observers);
        }
        if self.next == Next::Finish {
            self.finish(observers);
        }
        Driven { summary: self.summary, outcome: self.outcome, classifier: self.classifier }
    }

    fn batch(&mut self, watched: bool, observers: &mut Observers<'_, '_>) {
        let polled = if watched { self.poll_watched(observers) } else { self.poll() };
        self.tell_notices(observers);
        self.look_for_drops(observers);
        self.is_idle = matches!(polled, Ok(Polled::Idle));
        let told = self.events.len();
        match polled {
            Ok(Polled::End) => self.end(),
            Ok(Polled::Frames(_)) => {}
            Ok(Polled::Idle) => {
                if let Some(now) = self.source.settled_until() {
                    self.classifier.advance_to(now, &mut self.events);
                }
            }
            Err(error) => {
                self.summary.note(error.to_string());
                self.raise(error.kind.into());
                observers.iter_mut().for_each(|observer| observer.error(&error));
            }
        }
        announce(&mut self.events, told, &mut watchers(observers));
        self.tell_batch(observers);
    }

    /// The way of nearly all frames: nothing but the classifier looks at them.
    fn poll(&mut self) -> Result<Polled, CaptureError> {
        let Self { source, classifier, events, .. } = self;
        source.poll(BATCH_FRAMES, &mut |frame| {
            classifier.ingest(frame, events);
        })
    }

    fn poll_watched(&mut self, observers: &mut Observers<'_, '_>) -> Result<Polled, CaptureError> {
        // A file that is followed may be replaced by another.
        if self.sources.len() != self.source.sources().len() {
            self.sources = self.source.sources().to_vec();
        }
        let Self { source, classifier, events, sources, labels, .. } = self;
        let mut watchers = watchers(observers);
        source.poll(BATCH_FRAMES, &mut |frame| {
            let outcome = if *labels {
                ingest(classifier, frame, events, &mut watchers)
            } else {
                FrameOutcome::default()
            };
            let seen = Seen { outcome, resolved: classifier.resolved(), sources };
            watchers.iter_mut().for_each(|watcher| watcher.frame(frame, &seen));
        })
    }

    /// Frames that were lost since the last look may have been anybody's.
    fn look_for_drops(&mut self, observers: &mut Observers<'_, '_>) {
        let Some((first, now)) = self.classifier.span() else { return };
        let total = self.dropped();
        let (before, until) = std::mem::replace(&mut self.told_dropped, (total, Some(now)));
        if total > before {
            let since = until.unwrap_or(first);
            let frames = total.saturating_sub(before);
            let drops = Drops { frames, since, until: now.max(since) };
            for observer in observers.iter_mut() {
                observer.dropped(self, drops);
            }
        }
    }

    fn tell_notices(&mut self, observers: &mut Observers<'_, '_>) {
        for notice in self.source.take_notices() {
            observers.iter_mut().for_each(|observer| observer.notice(&notice));
            self.summary.note(notice.to_string());
        }
    }

    fn tell_batch(&mut self, observers: &mut Observers<'_, '_>) {
        self.events.iter().for_each(|event| self.summary.count(event));
        for observer in observers.iter_mut() {
            observer.batch(self);
        }
        self.events.clear();
    }

    /// The capture is over: what ran until then ends.
    fn finish(&mut self, observers: &mut Observers<'_, '_>) {
        self.is_idle = false;
        self.tell_notices(observers);
        // Where no frame has a time, there is none to tell.
        let span = self.classifier.span().filter(|(_, last)| *last != Timestamp::default());
        (self.summary.first, self.summary.last) = span.unzip();
        let totals = loop {
            let part = self.classifier.finish_part(&mut self.events, &mut |key, packet| {
                observers.iter_mut().for_each(|observer| observer.leftover(key, packet));
            });
            match part {
                Some(totals) => break totals,
                None if self.ends_in_parts => {
                    announce(&mut self.events, 0, &mut watchers(observers));
                    self.tell_batch(observers);
                }
                None => {}
            }
        };
        self.is_end = true;
        (self.summary.frames, self.summary.bytes) = (totals.frames, totals.bytes);
        self.summary.frames_in_range = totals.frames_watched;
        self.summary.shortfalls = totals.shortfalls;
        announce(&mut self.events, 0, &mut watchers(observers));
        self.tell_batch(observers);
        for observer in observers.iter_mut() {
            observer.finish(self);
        }
    }
}

/// Those who are shown every frame.
fn watchers<'s>(observers: &'s mut Observers<'_, '_>) -> Vec<&'s mut dyn Observer> {
    let watching = observers.iter_mut().filter(|observer| observer.watches());
    watching.map(|observer| -> &mut dyn Observer { &mut **observer }).collect()
}

/// Takes in a frame, and shows at once what is in it and what comes of it.
fn ingest(
    classifier: &mut Classifier,
    frame: &Frame<'_>,
    events: &mut Vec<Event>,
    watchers: &mut Observers<'_, '_>,
) -> FrameOutcome {
    let told = events.len();
    let outcome = classifier.ingest_observed(frame, events, &mut |key, packet| {
        watchers.iter_mut().for_each(|watcher| watcher.packet(key, packet));
    });
    announce(events, told, watchers);
    outcome
}

/// Shows the events behind the first so many, which were shown.
fn announce(events: &mut [Event], told: usize, watchers: &mut Observers<'_, '_>) {
    for event in events.iter_mut().skip(told) {
        watchers.iter_mut().for_each(|watcher| watcher.event(event));
    }
}
