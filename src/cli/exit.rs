//! How a command ends, and what is said where that is not well. Nothing else makes an exit code.

use std::io::{self, Write as _};
use std::process::ExitCode;

use super::{log, shutdown};
use crate::capture::CaptureError;
use crate::engine::Outcome;

/// How a run ended, as the exit code says it. The later of two is what is told: that something is missing
/// is told before what was found, which stands in the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Exit {
    /// Done; a broken pipe is, too.
    Done,
    /// A flow was seen that `--fail-on` names, and all was read and written.
    Met,
    /// The capture or an output failed part-way; what was read was reported.
    BrokeOff,
    /// Wrong use, or nothing that is a capture.
    Usage,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Done => Self::SUCCESS,
            Exit::BrokeOff => Self::from(1),
            Exit::Usage => Self::from(2),
            Exit::Met => Self::from(3),
        }
    }
}

impl From<Outcome> for Exit {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done => Self::Done,
            Outcome::Met => Self::Met,
            Outcome::BrokeOff => Self::BrokeOff,
            Outcome::NoCapture => Self::Usage,
        }
    }
}

/// Says why nothing could be read.
pub(super) fn failed(error: &CaptureError) -> Exit {
    log::error(error);
    Outcome::from(error.kind).into()
}

/// Says that an output takes nothing more.
pub(super) fn lost(what: &str, error: &io::Error) -> Exit {
    if shutdown::is_given_up(error) {
        log::say(&format!("{what} ended: nothing takes it, and {error}; the rest is not written"));
    } else {
        log::say(&format!("{what} failed: {error}; free some room or choose another place"));
    }
    Exit::BrokeOff
}

/// What became of the main output. That whoever read it has gone is no error.
pub(super) fn output_exit(written: io::Result<()>) -> Exit {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            lost("writing the output", &error)
        }
        Ok(()) | Err(_) => Exit::Done,
    }
}

/// What a command that only prints ends with.
pub(super) fn stdout_exit(written: io::Result<()>) -> Exit {
    output_exit(written.and_then(|()| io::stdout().flush()))
}
