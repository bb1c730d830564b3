//! `portstory read`.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use clap::Args;

use super::exit::failed;
use super::fail_on::FailOn;
use super::run::{Run, RunsUntil};
use super::sandbox_args::{self, Confining, Linking};
use super::{Ended, Outcome, Unpacking, Watching, Writing, log, progress, shutdown};
use crate::capture::bpf::Bpf;
use crate::capture::file::{self, Options};
use crate::capture::{Filtered, FrameSource};

/// Label the flows in capture files.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Read {
    /// Captures (pcap, pcapng; also .gz .zst .lz4 .xz), folders of captures, or '-' for standard input.
    /// Several are merged by time into one stream
    #[arg(value_name = "FILE|DIR|-")]
    paths: Vec<PathBuf>,

    /// Keep reading a capture file that is still being written, and its successor when it is replaced,
    /// until Ctrl-C
    #[arg(long)]
    follow: bool,

    /// Only read frames that match this filter (see pcap-filter(7))
    #[arg(short = 'f', long, value_name = "EXPRESSION")]
    bpf: Option<String>,

    #[command(flatten)]
    linking: Linking,

    #[command(flatten)]
    fail_on: FailOn,

    #[command(flatten)]
    watching: Watching,

    #[command(flatten)]
    unpacking: Unpacking,

    #[command(flatten)]
    writing: Writing,

    #[command(flatten)]
    confining: Confining,
}

const EXAMPLES: &str = "\
Examples:
  portstory read incident.pcapng
  portstory read old.pcap.gz captures/         several are read as one stream
  zcat old.pcap.gz | portstory read -
  portstory read --format eve captures/ | jq 'select(.event_type == \"flow\")'
  portstory read -w in-range.pcapng big.pcap   keep the packets of watched flows
  portstory read --fail-on timelot-unknown,text_shell nightly.pcap

Exit codes: 0 done, 1 a capture or an output failed part-way (what was read is reported),
2 wrong usage or no capture file, 3 --fail-on matched and nothing failed.";

impl Read {
    pub(super) fn run(mut self) -> Ended {
        log::start(self.writing.quiet, self.writing.verbose);
        if self.paths.is_empty() {
            if std::io::stdin().is_terminal() {
                explain_itself();
                return Err(Outcome::Usage);
            }
            self.paths.push(PathBuf::from("-"));
        }
        let mut bpf =
            self.bpf.as_deref().map(Bpf::new).transpose().map_err(|error| failed(&error))?;
        let mut plan = self.confining.plan()?;
        file::exist(&self.paths).map_err(|error| failed(&error))?;
        let links = self.linking.links();
        let helpers = self.confining.of_helpers(&plan);
        let until = if self.follow { RunsUntil::EndedAsItGrows } else { RunsUntil::TheEnd };
        let mut run = Run::new(&self.paths, links, &self.watching, &self.writing, until, &helpers)?;
        run.fail_on = self.fail_on.clone();
        // Ctrl-C on a long read still gives the summary of what was read.
        let _ = shutdown::catch();
        plan.readable = sandbox_args::readable(&self.paths, links);
        if self.follow {
            // Another file may take this one's name, and only its folder is there to be named now.
            plan.readable.extend(self.paths.iter().filter_map(|path| folder_of(path)));
        }
        self.confining.enter(&plan)?;
        let options = Options { links, ..self.unpacking.options() };
        let bytes = file::bytes(&self.paths, links).filter(|_| !self.follow);
        let bytes = bytes.map(|bytes| (options.odometer.clone(), bytes));
        run.progress = progress::of_read(&self.writing, bytes);
        let mut source = self.source(options)?;
        Ok(run.drive(&mut Filtered { source: source.as_mut(), bpf: bpf.as_mut() }))
    }

    fn source(&self, options: Options) -> Result<Box<dyn FrameSource>, Outcome> {
        if !self.follow {
            let inputs = file::open(&self.paths, options);
            return Ok(Box::new(inputs.map_err(|error| failed(&error))?));
        }
        let [path] = &*self.paths else {
            log::say("--follow takes one file that is still being written; name no others");
            return Err(Outcome::Usage);
        };
        let follow = file::follow(path, options);
        Ok(Box::new(follow.map_err(|error| failed(&error))?))
    }
}

/// For somebody at a terminal who typed the command to see what it does.
fn explain_itself() {
    let examples = EXAMPLES.split("\n\n").next().unwrap_or_default();
    log::lines(&format!(
        "nothing to read: name a capture file or a folder, or pipe a capture in\n\n\
         Usage: portstory [read] [OPTIONS] FILE|DIR|-...\n\n{examples}\n\n\
         `portstory read --help` lists the options; `portstory live` captures here."
    ));
}

/// The folder that a file is in.
fn folder_of(path: &Path) -> Option<PathBuf> {
    let parent = path.parent()?;
    Some(if parent.as_os_str().is_empty() { PathBuf::from(".") } else { parent.to_owned() })
}
