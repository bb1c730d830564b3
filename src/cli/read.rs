//! `portstory read`.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use clap::Args;

use super::confine::{self, Confining};
use super::fail_on::FailOn;
use super::run::{Run, Wanted};
use super::{Exit, Watching, Writing, log};
use crate::capture::bpf::Bpf;
use crate::capture::file::{self, Options};
use crate::capture::live::Stop;
use crate::capture::{CaptureError, CaptureErrorKind, FrameSource};
use crate::frame::Frame;

/// Label the flows in capture files.
#[derive(Debug, Args)]
pub(super) struct Read {
    /// Captures (pcap, pcapng; also .gz .zst .lz4 .xz), folders of them, or '-' for standard input;
    /// several are read as one stream in the order of time
    #[arg(value_name = "FILE|DIR|-")]
    paths: Vec<PathBuf>,

    /// Go on as the file grows, and over to the next one when it is replaced, until Ctrl-C: for one
    /// capture file that is still being written
    #[arg(long)]
    follow: bool,

    /// Only look at frames that this filter lets through, in the language of pcap-filter(7)
    #[arg(short = 'f', long, value_name = "EXPRESSION")]
    bpf: Option<String>,

    #[command(flatten)]
    fail_on: FailOn,

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
            self.bpf.as_deref().map(Bpf::new).transpose().map_err(|error| failed(&error))?;
        let mut plan = self.confining.plan()?;
        file::exist(&self.paths).map_err(|error| failed(&error))?;
        let mut run = Run::new(&self.watching, &self.writing, false)?;
        run.fail_on = self.fail_on.clone();
        // Ctrl-C on a long read still gives the summary of what was read.
        let stop = Stop::by_signals().ok();
        plan.readable = confine::readable(&self.paths);
        if self.follow {
            // Another file may take this one's name, and only its folder is there to be named now.
            plan.readable.extend(self.paths.iter().filter_map(|path| folder_of(path)));
        }
        self.confining.enter(&plan)?;
        let mut source = self.source()?;
        let mut wanted = bpf.as_mut().map(|bpf| move |frame: &Frame<'_>| bpf.lets_through(frame));
        let wanted = wanted.as_mut().map(|wanted| -> &mut Wanted<'_> { wanted });
        let stop = || stop.as_ref().is_some_and(Stop::requested);
        Ok(run.drive(source.as_mut(), wanted, &stop))
    }

    fn source(&self) -> Result<Box<dyn FrameSource>, Exit> {
        if !self.follow {
            let inputs = file::open(&self.paths, Options::default());
            return Ok(Box::new(inputs.map_err(|error| failed(&error))?));
        }
        let [path] = &*self.paths else {
            log::say("--follow takes one file that is still being written; name no others");
            return Err(Exit::Usage);
        };
        let follow = file::follow(path, Options::default());
        Ok(Box::new(follow.map_err(|error| failed(&error))?))
    }
}

/// The folder that a file is in.
fn folder_of(path: &Path) -> Option<PathBuf> {
    let parent = path.parent()?;
    Some(if parent.as_os_str().is_empty() { PathBuf::from(".") } else { parent.to_owned() })
}

/// Says why nothing could be read.
pub(super) fn failed(error: &CaptureError) -> Exit {
    log::error(error);
    match error.kind {
        CaptureErrorKind::NotACapture | CaptureErrorKind::CannotOpen => Exit::Usage,
        CaptureErrorKind::BrokeOff => Exit::BrokeOff,
    }
}
