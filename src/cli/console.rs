//! What a reading has to say on standard error.

use super::log;
use super::progress::Screen;
use crate::capture::{CaptureError, Notice};
use crate::engine::Observer;
use crate::escape;

/// Says what the source has to say, above what moves on the terminal.
#[derive(Default)]
pub(super) struct Console<'a> {
    /// What moves there.
    pub(super) screen: Option<&'a Screen>,
}

impl Console<'_> {
    fn aside(&self, mut say: impl FnMut()) {
        match self.screen {
            Some(screen) => screen.aside(&mut say),
            None => say(),
        }
    }
}

impl Observer for Console<'_> {
    fn notice(&mut self, notice: &Notice) {
        self.aside(|| tracing::warn!("{}", escape::terminal(&notice.to_string())));
    }

    fn error(&mut self, error: &CaptureError) {
        self.aside(|| log::error(error));
    }
}
