//! How a command ends, and what is said where that is not well. Nothing else makes an exit code.

use std::io::{self, Write as _};
use std::process::ExitCode;

use super::{log, shutdown};
use crate::capture::CaptureError;
use crate::engine::Outcome;

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done => Self::SUCCESS,
            Outcome::BrokeOff => Self::from(1),
            Outcome::Usage => Self::from(2),
            Outcome::Met => Self::from(3),
        }
    }
}

/// Says why nothing could be read.
pub(super) fn failed(error: &CaptureError) -> Outcome {
    log::error(error);
    error.kind.into()
}

/// Says that an output takes nothing more.
pub(super) fn lost(what: &str, error: &io::Error) -> Outcome {
    if shutdown::is_given_up(error) {
        log::say(&format!("{what} ended: nothing takes it, and {error}; the rest is not written"));
    } else {
        log::say(&format!("{what} failed: {error}; free some room or choose another path"));
    }
    Outcome::BrokeOff
}

/// What became of the main output. That whoever read it has gone is no error.
pub(super) fn output_exit(written: io::Result<()>) -> Outcome {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            lost("writing the output", &error)
        }
        Ok(()) | Err(_) => Outcome::Done,
    }
}

/// What a command that only prints ends with.
pub(super) fn stdout_exit(written: io::Result<()>) -> Outcome {
    output_exit(written.and_then(|()| io::stdout().flush()))
}
