//! Signals that ask for something and end nothing: SIGUSR1 for statistics, SIGHUP for fresh outputs.
//!
//! The handlers only set a flag. A wait for frames is interrupted by any signal, so that it is seen at
//! once.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGHUP, SIGUSR1};
use signal_hook::flag::register;

/// What was asked for.
#[derive(Debug, Default)]
pub(super) struct Signals {
    statistics: Arc<AtomicBool>,
    reopen: Arc<AtomicBool>,
}

impl Signals {
    /// Catches SIGUSR1, and SIGHUP where there is something to reopen: without, it ends the program as
    /// it always does.
    pub(super) fn catch(reopens: bool) -> io::Result<Self> {
        let signals = Self::default();
        register(SIGUSR1, Arc::clone(&signals.statistics))?;
        if reopens {
            register(SIGHUP, Arc::clone(&signals.reopen))?;
        }
        Ok(signals)
    }

    /// Whether statistics were asked for since this was last called.
    pub(super) fn take_statistics(&self) -> bool {
        self.statistics.swap(false, Ordering::Relaxed)
    }

    /// Whether fresh outputs were asked for since this was last called.
    pub(super) fn take_reopen(&self) -> bool {
        self.reopen.swap(false, Ordering::Relaxed)
    }
}
