//! `portstory report`: one page that answers what was on the port.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::exit::{failed, stdout_exit};
use super::output_file::{OutputFile, Rotating, cannot_write, unpacked_name};
use super::overwriting::{Claims, Output, Overwriting, Packed};
use super::sandbox_args::{Confining, Linking};
use super::{Exit, Unpacking, Watching, explain, log, shutdown};
use crate::capture::file::{self, Options};
use crate::capture::{CaptureErrorKind, FrameSource, Polled, SourceInfo};
use crate::output::{Context, RunSummary};
use crate::report::{self, About, Recorder, Report as Page};
use portstory_core::classifier::Classifier;
use portstory_core::config::{Config, ReportLimits};
use portstory_core::event::Event;

/// Frames that are taken from a source at a time.
const BATCH_FRAMES: usize = 4096;

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
    pub(super) fn run(&self) -> Exit {
        log::start(false, 0, true);
        match self.try_run() {
            Ok(exit) | Err(exit) => exit,
        }
    }

    fn try_run(&self) -> Result<Exit, Exit> {
        if self.file().is_none()
            && std::io::stdout().is_terminal()
            && self.format() == ReportFormat::Html
        {
            log::say(
                "a page is not for a terminal: name a file with -o report.html, or --format md",
            );
            return Err(Exit::Usage);
        }
        file::exist(&self.paths).map_err(|error| failed(&error))?;
        let config = self.watching.config()?;
        let output = self.file().and_then(|path| Output::new("-o", path));
        let claims = Claims::of_inputs(self.paths.iter().chain(self.watching.files()));
        let links = self.linking.links();
        let claims = claims.following(links).writing(output).stdout(self.file().is_none());
        let packed = claims.check(self.overwriting)?;
        let opened = |path| OutputFile::open(path, &Rotating::default(), 0);
        let out = self.file().map(opened).transpose();
        let mut out = out.map_err(|error| self.cannot_write(&error))?;
        let _signals = shutdown::catch().ok();
        self.confining.to_reading(&self.paths, links)?;
        shutdown::watch();
        Packed::check(&packed)?;
        let options = Options { links, ..self.unpacking.options() };
        let mut source = file::open(&self.paths, options).map_err(|error| failed(&error))?;
        let (page, exit) = page(&mut source, config, &mut |_, _| Ok(()))?;
        let text = self.format().write(&page);
        let Some(out) = &mut out else {
            return Ok(exit.max(stdout_exit(shutdown::Stdout.write_all(text.as_bytes()))));
        };
        let written = out.begin().and_then(|()| out.write_all(text.as_bytes()));
        Ok(exit.max(stdout_exit(written.and_then(|()| out.commit()))))
    }

    fn file(&self) -> Option<&Path> {
        super::named(self.output.as_ref()).map(PathBuf::as_path)
    }

    fn cannot_write(&self, error: &io::Error) -> Exit {
        cannot_write(self.file().unwrap_or(Path::new("-")), error)
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

/// Is told every event, after the report's recorder.
pub(super) type Listener<'a> = dyn FnMut(&Event, &Context<'_>) -> io::Result<()> + 'a;

/// Changes what is told of an event.
pub(super) type Amend<'a> = dyn Fn(&mut Event) + 'a;

/// Reads captures and makes the page of them. What was read until a fault is in it.
pub(super) fn page(
    source: &mut dyn FrameSource,
    config: Config,
    listener: &mut Listener<'_>,
) -> Result<(Page, Exit), Exit> {
    amended_page(source, config, &|_| {}, listener)
}

/// The same of events that are amended first.
pub(super) fn amended_page(
    source: &mut dyn FrameSource,
    config: Config,
    amend: &Amend<'_>,
    listener: &mut Listener<'_>,
) -> Result<(Page, Exit), Exit> {
    let mut summary = RunSummary { watch: config.watch.clone(), ..RunSummary::default() };
    let mut classifier = Classifier::new(config);
    let mut recorder = Recorder::new(ReportLimits::default());
    let mut events = Vec::new();
    let mut exit = Exit::Done;
    loop {
        let mut told = events.len();
        let polled = source.poll(BATCH_FRAMES, &mut |frame| {
            classifier.ingest_observed(frame, &mut events, &mut |key, seen| {
                recorder.packet(key, seen);
            });
            // At once, so that a 5-tuple that begins anew is not taken for the one before.
            for event in events.iter_mut().skip(told) {
                amend(event);
                recorder.event(event);
            }
            told = events.len();
        });
        for notice in source.take_notices() {
            tracing::warn!("{}", crate::escape::terminal(&notice.to_string()));
            summary.note(notice.to_string());
        }
        tell(&mut events, source, listener)?;
        match polled {
            Ok(Polled::End) => break,
            Ok(Polled::Frames(_) | Polled::Idle) => {}
            Err(error) => {
                log::error(&error);
                summary.note(error.to_string());
                exit = exit.max(match error.kind {
                    CaptureErrorKind::BrokeOff => Exit::BrokeOff,
                    CaptureErrorKind::NotACapture | CaptureErrorKind::CannotOpen => Exit::Usage,
                });
            }
        }
    }
    (summary.first, summary.last) = classifier.span().unzip();
    let totals = classifier.finish(&mut events);
    for event in &mut events {
        amend(event);
        recorder.event(event);
    }
    tell(&mut events, source, listener)?;
    (summary.frames, summary.bytes) = (totals.frames, totals.bytes);
    summary.frames_in_range = totals.frames_watched;
    summary.shortfalls = totals.shortfalls;
    let sources = source.sources();
    Ok((with_ports(recorder.finish(about(sources), &summary, sources)), exit))
}

/// What the page is of: the command line, and the inputs with their hashes.
pub(super) fn about(sources: &[SourceInfo]) -> About {
    let inputs =
        sources.iter().map(|one| report::digest(&one.name, &shutdown::requested)).collect();
    About { command: command_line(), inputs, ports: Vec::new() }
}

/// The page with what is known of its ports.
pub(super) fn with_ports(mut page: Page) -> Page {
    page.about.ports =
        page.ports().into_iter().map(|port| (port, explain::of_port(port))).collect();
    page
}

fn tell(
    events: &mut Vec<Event>,
    source: &dyn FrameSource,
    listener: &mut Listener<'_>,
) -> Result<(), Exit> {
    let context = Context { sources: source.sources(), live: false };
    for event in events.drain(..) {
        listener(&event, &context).map_err(|error| {
            log::say(&format!("writing failed: {error}; free some room or choose another place"));
            Exit::BrokeOff
        })?;
    }
    Ok(())
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
