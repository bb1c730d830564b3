//! Signals that ask for something and end nothing: SIGUSR1 for statistics, SIGHUP for fresh outputs.
//!
//! The handlers only set a flag. A wait for frames is interrupted by any signal, so that it is seen at
//! once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::flag::register;

use super::log;
use super::progress::Screen;
use crate::capture::SourceInfo;
use crate::engine::{Observer, Reading};

/// Whether a signal came.
#[derive(Debug, Default)]
pub(super) struct Asked(Arc<AtomicBool>);

impl Asked {
    /// By this signal. Where that cannot be caught, nobody asks.
    pub(super) fn by(signal: i32) -> Self {
        let asked = Self::default();
        let _ = register(signal, Arc::clone(&asked.0));
        asked
    }

    /// Whether it came since this was last called.
    pub(super) fn take(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

/// Tells on request how far a reading has come.
pub(super) struct Statistics<'a> {
    pub(super) asked: Asked,
    pub(super) screen: &'a Screen,
    /// Says what else there is to tell.
    pub(super) more: Option<Box<dyn Fn() -> String>>,
}

impl Statistics<'_> {
    fn text(&self, reading: &Reading<'_>) -> String {
        let totals = reading.classifier.totals();
        let sum = |count: fn(&SourceInfo) -> u64| -> u64 {
            reading.source.sources().iter().map(count).fold(0, u64::saturating_add)
        };
        let more = self.more.as_ref().map_or(String::new(), |more| more());
        let ended = &reading.summary.flows_by_label;
        format!(
            "{} frames, {} in range, {} flows ended and {} running; dropped by the kernel {}, by \
             interfaces {}{more}",
            totals.frames,
            totals.frames_watched,
            ended.iter().fold(0, |sum: u64, &one| sum.saturating_add(one)),
            reading.classifier.flows_running(),
            sum(|source| source.dropped),
            sum(|source| source.dropped_by_interface),
        )
    }
}

impl Observer for Statistics<'_> {
    fn batch(&mut self, reading: &mut Reading<'_>) {
        if !reading.is_end && self.asked.take() {
            let text = self.text(reading);
            self.screen.aside(&mut || log::say(&text));
        }
    }
}
