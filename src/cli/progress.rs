//! What moves on a terminal while a run goes on: how far a read has come, or the flows that are
//! running live. On standard error, and only where that is a terminal.

use std::cell::RefCell;
use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Writing;
use crate::capture::file::Odometer;
use crate::engine::{Observer, Reading};
use portstory_core::Event;

/// Redraws in a second, at most.
const DRAWS_PER_SECOND: u8 = 10;

/// Rows of a run that is read are printed as they come above so many: then nothing must be drawn over.
const EVENTS_MAX: u64 = 500;

/// The part of the terminal that is drawn again and again.
pub(super) trait Progress {
    /// Writes something that is to stay above it.
    fn aside(&mut self, write: &mut dyn FnMut());

    /// Takes an event in. Whether it is shown here, and needs no line of its own.
    fn shows(&mut self, event: &Event) -> bool;

    /// The columns, where the screen was cleared for a new size of it.
    fn resized(&mut self) -> Option<usize> {
        None
    }

    /// Draws how far the reading has come.
    fn draw(&mut self, reading: &Reading<'_>);

    /// Leaves no trace.
    fn end(&mut self);
}

/// How far a read has come.
struct Read {
    bar: ProgressBar,
    /// The bytes of files; of a stream, whose end is not known, its frames count.
    bytes: Option<Odometer>,
    events: u64,
}

/// For a read of so many bytes; of a stream where that is not known.
pub(super) fn of_read(
    writing: &Writing,
    bytes: Option<(Odometer, u64)>,
) -> Option<Box<dyn Progress>> {
    let is_drawn_over = is_on_terminal(writing) && !writing.format.is_text();
    if !may_draw(writing) || is_drawn_over {
        return None;
    }
    let template = match bytes {
        Some(_) => "{bar:30} {percent:>3}%  {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left",
        None => "{spinner} {human_pos} frames, {per_sec}, {elapsed}",
    };
    let (bytes, length) = bytes.unzip();
    let target = ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND);
    let bar = ProgressBar::with_draw_target(length, target);
    // The templates are our own; with indicatif's default it would work as well.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    Some(Box::new(Read { bar, bytes, events: 0 }))
}

impl Progress for Read {
    fn aside(&mut self, write: &mut dyn FnMut()) {
        self.bar.suspend(write);
    }

    fn shows(&mut self, _: &Event) -> bool {
        self.events = self.events.saturating_add(1);
        if self.events == EVENTS_MAX && std::io::stdout().is_terminal() {
            self.bar.finish_and_clear();
        }
        false
    }

    fn draw(&mut self, reading: &Reading<'_>) {
        self.bar.set_position(match &self.bytes {
            // Heads that were read twice must not make more of it than there is.
            Some(odometer) => odometer.bytes().min(self.bar.length().unwrap_or(u64::MAX)),
            None => reading.classifier.totals().frames,
        });
    }

    fn end(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// What moves on the terminal, if anything does. Shared by all who write there.
#[derive(Default)]
pub(super) struct Screen(RefCell<Option<Box<dyn Progress>>>);

impl Screen {
    /// What moves on it.
    pub(super) const fn new(progress: Option<Box<dyn Progress>>) -> Self {
        Self(RefCell::new(progress))
    }

    /// Writes something that is to stay above what moves.
    pub(super) fn aside(&self, write: &mut dyn FnMut()) {
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
        self.0.borrow_mut().as_mut()?.resized()
    }

    /// Nothing moves any more.
    pub(super) fn end(&self) {
        if let Some(mut progress) = self.0.take() {
            progress.end();
        }
    }
}

/// Draws what moves, behind all that is written of a batch.
pub(super) struct Drawing<'a>(pub(super) &'a Screen);

impl Observer for Drawing<'_> {
    fn batch(&mut self, reading: &mut Reading<'_>) {
        if let Some(progress) = &mut *self.0.0.borrow_mut() {
            progress.draw(reading);
        }
    }
}

/// Whether anything may move on this terminal.
pub(super) fn may_draw(writing: &Writing) -> bool {
    !writing.quiet && std::io::stderr().is_terminal()
}

/// Whether flows are written on a terminal.
pub(super) fn is_on_terminal(writing: &Writing) -> bool {
    std::io::stdout().is_terminal() && super::named(writing.output.as_ref()).is_none()
}
