//! What moves on a terminal while a run goes on: how far a read has come, or the flows that are
//! running live. On standard error, and only where that is a terminal.

use std::cell::RefCell;
use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Writing;
use super::live_view::{Board, Counts};
use super::process_lookup::ProcessLookup;
use crate::capture::file::Odometer;
use crate::engine::{Observer, Reading};
use portstory_core::event::Event;

/// Redraws in a second, at most.
const DRAWS_PER_SECOND: u8 = 10;

/// Rows of a run that is read are printed as they come above so many: then nothing must be drawn over.
const EVENTS_MAX: u64 = 500;

/// The part of the terminal that is drawn again and again.
pub(super) enum Progress {
    /// How far a read has come.
    Read(Read),
    /// The flows that are running.
    Live(Board),
}

/// How far a read has come.
pub(super) struct Read {
    bar: ProgressBar,
    kind: Measure,
    events: u64,
}

enum Measure {
    /// Bytes of files.
    Bytes(Odometer),
    /// Frames of a stream, whose end is not known.
    Frames,
}

impl Progress {
    /// For a read of so many bytes; of a stream where that is not known.
    pub(super) fn of_read(writing: &Writing, bytes: Option<(Odometer, u64)>) -> Option<Self> {
        let is_drawn_over = std::io::stdout().is_terminal()
            && super::named(writing.output.as_ref()).is_none()
            && writing.format != super::OutputFormat::Text;
        if !may_draw(writing) || is_drawn_over {
            return None;
        }
        let (length, kind, template) = match bytes {
            Some((odometer, total)) => (
                Some(total),
                Measure::Bytes(odometer),
                "{bar:30} {percent:>3}%  {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left",
            ),
            None => (None, Measure::Frames, "{spinner} {human_pos} frames, {per_sec}, {elapsed}"),
        };
        Some(Self::Read(Read::new(length, kind, template)))
    }

    /// For a live capture, where its rows go to the terminal.
    pub(super) fn of_live(writing: &Writing) -> Option<Self> {
        let is_table = std::io::stdout().is_terminal()
            && super::named(writing.output.as_ref()).is_none()
            && writing.format == super::OutputFormat::Text;
        (may_draw(writing) && is_table).then(|| Self::Live(Board::new()))
    }

    /// So many frames were read by now.
    fn tick(&self, frames: u64) {
        let Self::Read(Read { bar, kind, .. }) = self else { return };
        match kind {
            Measure::Bytes(odometer) => {
                // Heads that were read twice must not make more of it than there is.
                let length = bar.length().unwrap_or(u64::MAX);
                bar.set_position(odometer.bytes().min(length));
            }
            Measure::Frames => bar.set_position(frames),
        }
    }

    /// Takes an event in. Whether it is shown here, and needs no line of its own.
    fn shows(&mut self, event: &Event) -> bool {
        match (self, event) {
            (Self::Read(read), _) => {
                read.events = read.events.saturating_add(1);
                if read.events == EVENTS_MAX && std::io::stdout().is_terminal() {
                    read.bar.finish_and_clear();
                }
                false
            }
            (Self::Live(_), Event::Verdict(_)) => true,
            (Self::Live(_), Event::Flow(_) | Event::Endpoint(_) | Event::Anomaly(_)) => false,
        }
    }

    /// Where running flows are drawn.
    const fn board(&mut self) -> Option<&mut Board> {
        match self {
            Self::Read(_) => None,
            Self::Live(board) => Some(board),
        }
    }

    /// Writes something that is to stay above what moves.
    fn aside<T>(&mut self, write: impl FnOnce() -> T) -> T {
        match self {
            Self::Read(read) => read.bar.suspend(write),
            Self::Live(board) => board.aside(write),
        }
    }

    /// Leaves no trace.
    fn end(&mut self) {
        match self {
            Self::Read(read) => read.bar.finish_and_clear(),
            Self::Live(board) => board.erase(),
        }
    }
}

impl Read {
    fn new(length: Option<u64>, kind: Measure, template: &str) -> Self {
        let target = ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND);
        let bar = ProgressBar::with_draw_target(length, target);
        // The templates are our own; with indicatif's default it would work as well.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        Self { bar, kind, events: 0 }
    }
}

/// What moves on the terminal, if anything does. Shared by all who write there.
#[derive(Default)]
pub(super) struct Screen(RefCell<Option<Progress>>);

impl Screen {
    /// What moves on it.
    pub(super) const fn new(progress: Option<Progress>) -> Self {
        Self(RefCell::new(progress))
    }

    /// Writes something that is to stay above what moves.
    pub(super) fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        match &mut *self.0.borrow_mut() {
            Some(progress) => progress.aside(write),
            None => write(),
        }
    }

    /// Takes an event in. Whether it is shown here, and needs no line of its own.
    pub(super) fn shows(&self, event: &Event) -> bool {
        self.0.borrow_mut().as_mut().is_some_and(|progress| progress.shows(event))
    }

    /// The columns, where the screen was cleared for a new size of it.
    pub(super) fn resized(&self) -> Option<usize> {
        self.0.borrow_mut().as_mut()?.board()?.resized()
    }

    /// Nothing moves any more.
    pub(super) fn end(&self) {
        if let Some(mut progress) = self.0.take() {
            progress.end();
        }
    }
}

/// Draws what moves, behind all that is written of a batch.
pub(super) struct Drawing<'a> {
    /// Where.
    pub(super) screen: &'a Screen,
    /// Who is behind flows.
    pub(super) owners: Option<&'a RefCell<ProcessLookup>>,
}

impl Observer for Drawing<'_> {
    fn batch(&mut self, reading: &mut Reading<'_>) {
        let mut moving = self.screen.0.borrow_mut();
        let Some(progress) = &mut *moving else { return };
        let frames = reading.classifier.totals().frames;
        progress.tick(frames);
        let Some(board) = progress.board().filter(|board| board.is_due()) else { return };
        let dropped = reading.source.sources().iter().map(|one| one.dropped);
        let counts = Counts { frames, dropped: dropped.fold(0, u64::saturating_add) };
        let running = reading.classifier.running(board.flows_max());
        let owners = self.owners.map(RefCell::borrow);
        board.draw(&running, counts, &|flow| owners.as_ref()?.process(flow));
    }
}

fn may_draw(writing: &Writing) -> bool {
    !writing.quiet && std::io::stderr().is_terminal()
}
