//! `portstory read`.

use std::io::IsTerminal as _;
use std::path::PathBuf;

use clap::Args;

use super::confine::{self, Confining};
use super::run::Run;
use super::{Exit, Watching, Writing, log};
use crate::capture::bpf::Bpf;
use crate::capture::file::{self, Options};
use crate::capture::live::Stop;
use crate::capture::{CaptureError, CaptureErrorKind};

/// Label the flows in capture files.
#[derive(Debug, Args)]
pub(super) struct Read {
    /// Captures (pcap, pcapng), folders of them, or '-' for standard input; several are read as one
    /// stream in the order of time
    #[arg(value_name = "FILE|DIR|-")]
    paths: Vec<PathBuf>,

    /// Only look at frames that this filter lets through, in the language of pcap-filter(7)
    #[arg(short = 'f', long, value_name = "BPF")]
    filter: Option<String>,

    #[command(flatten)]
    watching: Watching,

    #[command(flatten)]
    writing: Writing,

    #[command(flatten)]
    confining: Confining,
}

impl Read {
    pub(super) fn run(self) -> Exit {
        log::start(self.writing.quiet, self.writing.verbose, true);
        match self.try_run() {
            Ok(exit) | Err(exit) => exit,
        }
    }

    fn try_run(mut self) -> Result<Exit, Exit> {
        if self.paths.is_empty() {
            if std::io::stdin().is_terminal() {
                log::say("nothing to read: name a capture file or a folder, or pipe a capture in");
                return Err(Exit::Usage);
            }
            self.paths.push(PathBuf::from("-"));
        }
        let mut bpf =
            self.filter.as_deref().map(Bpf::new).transpose().map_err(|error| failed(&error))?;
        let mut plan = self.confining.plan()?;
        file::exist(&self.paths).map_err(|error| failed(&error))?;
        let run = Run::new(&self.watching, &self.writing, false)?;
        // Ctrl-C on a long read still gives the summary of what was read.
        let stop = Stop::by_signals().ok();
        plan.readable = confine::readable(&self.paths);
        self.confining.enter(&plan)?;
        let mut source =
            file::open(&self.paths, Options::default()).map_err(|error| failed(&error))?;
        Ok(run.drive(
            &mut source,
            &mut |frame| bpf.as_mut().is_none_or(|bpf| bpf.lets_through(frame)),
            &|| stop.as_ref().is_some_and(Stop::requested),
        ))
    }
}

/// Says why nothing could be read.
pub(super) fn failed(error: &CaptureError) -> Exit {
    log::error(error);
    match error.kind {
        CaptureErrorKind::NotACapture | CaptureErrorKind::CannotOpen => Exit::Usage,
        CaptureErrorKind::BrokeOff => Exit::BrokeOff,
    }
}
