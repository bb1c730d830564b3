//! `portstory report`: one page that answers what was on the port.

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::console::Console;
use super::exit::{failed, stdout_exit};
use super::output_file::{OutputFile, Rotating, cannot_write, unpacked_name};
use super::overwriting::{Claims, Output, Overwriting, Packed};
use super::sandbox_args::{Confining, Linking};
use super::{Ended, Outcome, Unpacking, Watching, explain, log, shutdown};
use crate::capture::file::{self, Options};
use crate::capture::{FrameSource as _, SourceInfo};
use crate::engine::{self, NoteDrops, Observer};
use crate::output::RunSummary;
use crate::report::{self, About, Recorder, Report as Page};
use portstory_core::config::ReportLimits;

/// One page that answers what was on the port.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Report {
    /// Captures, folders of captures, or '-' for standard input, as for `read`
    #[arg(value_name = "FILE|DIR|-", required = true)]
    paths: Vec<PathBuf>,

    /// Write to this file instead of standard output ('-')
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Output format [default: html, or md if the file's name ends in .md]
    #[arg(long, value_enum)]
    format: Option<ReportFormat>,

    #[command(flatten)]
    linking: Linking,

    #[command(flatten)]
    overwriting: Overwriting,

    #[command(flatten)]
    watching: Watching,

    #[command(flatten)]
    unpacking: Unpacking,

    #[command(flatten)]
    confining: Confining,
}

/// The forms of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum ReportFormat {
    /// A self-contained page
    #[default]
    Html,
    /// Markdown, for a ticket
    Md,
}

const EXAMPLES: &str = "\
Examples:
  portstory report incident.pcapng -o report.html
  portstory report captures/ -o report.md --format md";

impl Report {
    pub(super) fn run(&self) -> Ended {
        log::start(false, 0);
        if self.file().is_none()
            && std::io::stdout().is_terminal()
            && self.format() == ReportFormat::Html
        {
            log::say(
                "a page is not for a terminal: name a file with -o report.html, or --format md",
            );
            return Err(Outcome::Usage);
        }
        file::exist(&self.paths).map_err(|error| failed(&error))?;
        let config = self.watching.config()?;
        let output = self.file().and_then(|path| Output::new("-o", path));
        let claims = Claims::of_inputs(self.paths.iter().chain(self.watching.files()));
        let links = self.linking.links();
        let claims = claims.following(links).writing(output).stdout(self.file().is_none());
        let packed = claims.check(self.overwriting)?;
        let open = |path: &Path| {
            let opened = OutputFile::open(path, &Rotating::default(), 0);
            opened.map_err(|error| cannot_write(path, &error))
        };
        let mut out = self.file().map(open).transpose()?;
        let _ = shutdown::catch();
        self.confining.to_reading(&self.paths, links)?;
        Packed::check(&packed)?;
        let options = Options { links, ..self.unpacking.options() };
        let mut source = file::open(&self.paths, options).map_err(|error| failed(&error))?;
        let mut recorder = Recorder::new(ReportLimits::default());
        let observers: &mut [&mut dyn Observer] =
            &mut [&mut Console::default(), &mut NoteDrops, &mut recorder];
        let driven = engine::drive(&mut source, config, observers);
        let exit = driven.outcome;
        let text = self.format().write(&page(recorder, &driven.summary, source.sources()));
        let Some(out) = &mut out else {
            return Ok(exit.max(stdout_exit(shutdown::Stdout.write_all(text.as_bytes()))));
        };
        let written = out.begin().and_then(|()| out.write_all(text.as_bytes()));
        Ok(exit.max(stdout_exit(written.and_then(|()| out.commit()))))
    }

    fn file(&self) -> Option<&Path> {
        super::named(self.output.as_ref()).map(PathBuf::as_path)
    }

    fn format(&self) -> ReportFormat {
        let by_name = self.file().map(ReportFormat::by_name);
        self.format.or(by_name).unwrap_or_default()
    }
}

impl ReportFormat {
    /// Markdown where the file's name ends in `.md`, else HTML.
    pub(super) fn by_name(path: &Path) -> Self {
        let is_md = unpacked_name(path).extension().is_some_and(|ext| ext == "md");
        if is_md { Self::Md } else { Self::Html }
    }

    /// The page in this form.
    pub(super) fn write(self, page: &Page) -> String {
        match self {
            Self::Html => report::html(page),
            Self::Md => report::markdown(page),
        }
    }
}

/// The page of what was recorded.
pub(super) fn page(recorder: Recorder, summary: &RunSummary, sources: &[SourceInfo]) -> Page {
    let mut page = recorder.finish(about(sources), summary, sources);
    page.about.ports =
        page.ports().into_iter().map(|port| (port, explain::of_port(port))).collect();
    page
}

/// What the page is of: the command line, and the inputs with their hashes.
fn about(sources: &[SourceInfo]) -> About {
    let inputs =
        sources.iter().map(|one| report::digest(&one.name, &shutdown::requested)).collect();
    About { command: command_line(), inputs, ports: Vec::new() }
}

/// The command line as it could be typed again: words with anything but plain characters are quoted.
fn command_line() -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@".contains(c);
    let words = std::env::args_os().enumerate().map(|(at, word)| {
        let word = word.to_string_lossy().into_owned();
        if at == 0 {
            "portstory".to_owned()
        } else if !word.is_empty() && word.chars().all(is_plain) {
            word
        } else {
            format!("'{}'", word.replace('\'', "'\\''"))
        }
    });
    words.collect::<Vec<_>>().join(" ")
}
