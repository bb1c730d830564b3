//! The loop that `read` and `live` share: frames in, events out, and the summary at the end.
//!
//! Whatever fails part-way, what was read until then is still reported.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::os::fd::AsFd as _;
use std::path::Path;

use super::waiting::Waiting;
use super::{Color, Exit, Format, Watching, Writing, log};
use crate::capture::{CaptureErrorKind, FileFormat, FrameSource, Polled, SourceInfo};
use crate::classifier::Classifier;
use crate::config::Config;
use crate::event::Event;
use crate::frame::Frame;
use crate::output::{self, Context, Look, PacketFormat, PacketWriter, RunSummary};

/// Frames that are taken from a source at a time. Between batches the output is written and a stop is
/// looked for.
const BATCH_FRAMES: usize = 4096;

/// A run from its first frame to its summary.
pub(super) struct Run {
    classifier: Classifier,
    format: Box<dyn output::Format>,
    out: Box<dyn Write>,
    packets: Option<PacketWriter<File>>,
    waiting: Waiting,
    summary: RunSummary,
    events: Vec<Event>,
    is_live: bool,
    exit: Exit,
}

/// Says which frames are to be looked at.
pub(super) type Wanted<'a> = dyn FnMut(&Frame<'_>) -> bool + 'a;

/// The output went wrong.
enum Trouble {
    /// Whoever read it has gone: nothing more to do, and no error.
    ReaderGone,
    /// Anything else, such as a full disk.
    Io(&'static str, io::Error),
}

impl Run {
    /// Opens the outputs. `sources` say what comes in, as far as it is known before it is read.
    pub(super) fn new(
        watching: &Watching,
        writing: &Writing,
        is_live: bool,
        sources: &[SourceInfo],
    ) -> Result<Self, Exit> {
        let config = Config { live_verdicts: is_live, ..watching.config()? };
        let summary = RunSummary { watch: config.watch.clone(), ..RunSummary::default() };
        let name = match writing.format {
            Format::Text => "text",
            Format::Eve => "eve",
            Format::Csv => "csv",
        };
        let look = Look { width: terminal_width(), colour: colour(writing) };
        let row = output::FORMATS.iter().find(|row| row.name == name);
        let format = row.map(|row| (row.make)(look)).ok_or(Exit::Usage)?;
        let out: Box<dyn Write> = match &writing.output {
            Some(path) => Box::new(BufWriter::new(create(path)?)),
            None => Box::new(BufWriter::new(io::stdout())),
        };
        let packets = writing.packets.as_deref();
        let packets = packets.map(|path| open_packets(path, writing, sources)).transpose()?;
        let waiting = Waiting::new(config.timeouts.fragments);
        let classifier = Classifier::new(config);
        Ok(Self {
            classifier,
            waiting,
            format,
            out,
            packets,
            summary,
            events: Vec::new(),
            is_live,
            exit: Exit::Done,
        })
    }

    /// Reads the source to its end, or until `stop` says so. Frames that `wanted` does not want are
    /// passed over.
    pub(super) fn drive(
        mut self,
        source: &mut dyn FrameSource,
        wanted: Option<&mut Wanted<'_>>,
        stop: &dyn Fn() -> bool,
    ) -> Exit {
        match self.pump(source, wanted, stop).and_then(|()| self.finish(source)) {
            Ok(()) => self.exit,
            Err(Trouble::ReaderGone) => self.exit,
            Err(Trouble::Io(what, error)) => {
                log::say(&format!(
                    "{what} failed: {error}; free some room or choose another place"
                ));
                Exit::BrokeOff
            }
        }
    }

    fn pump(
        &mut self,
        source: &mut dyn FrameSource,
        mut wanted: Option<&mut Wanted<'_>>,
        stop: &dyn Fn() -> bool,
    ) -> Result<(), Trouble> {
        // Their names; while frames are lent the source itself cannot be asked.
        let mut names = source.sources().to_vec();
        loop {
            // A file that is followed may be replaced by another.
            if names.len() != source.sources().len() {
                names = source.sources().to_vec();
            }
            let context = Context { sources: &names, live: self.is_live };
            let mut packet_error = None;
            let Self { classifier, packets, waiting, events, .. } = self;
            let polled = source.poll(BATCH_FRAMES, &mut |frame| {
                if wanted.as_mut().is_some_and(|wanted| !wanted(frame)) {
                    return;
                }
                let seized = classifier.ingest(frame, events);
                if let Some(writer) = packets.as_mut() {
                    let write = &mut |frame: &Frame<'_>| writer.write(frame, &context);
                    let taken = waiting.take(frame, seized, classifier.turned_out(), write);
                    packet_error = packet_error.take().or(taken.err());
                }
            });
            if let Some(error) = packet_error {
                // The packets are lost, the verdicts need not be.
                log::say(&format!("writing packets failed: {error}; going on without them"));
                self.packets = None;
                self.exit = self.exit.max(Exit::BrokeOff);
            }
            self.tell_notices(source);
            let is_idle = matches!(polled, Ok(Polled::Idle));
            let ended = match polled {
                Ok(Polled::End) => true,
                Ok(Polled::Frames(_)) => false,
                Ok(Polled::Idle) => {
                    if let Some(now) = source.settled_until() {
                        self.classifier.advance_to(now, &mut self.events);
                    }
                    false
                }
                Err(error) => {
                    log::error(&error);
                    self.summary.notices.push(error.to_string());
                    self.exit = self.exit.max(match error.kind {
                        CaptureErrorKind::BrokeOff => Exit::BrokeOff,
                        CaptureErrorKind::NotACapture | CaptureErrorKind::CannotOpen => Exit::Usage,
                    });
                    false
                }
            };
            self.write_events(source)?;
            if is_idle {
                // Somebody may be watching.
                self.out.flush().map_err(trouble)?;
            }
            // A live source still hands over what was waiting when it was asked to stop.
            if ended || (!self.is_live && stop()) {
                return Ok(());
            }
        }
    }

    fn write_events(&mut self, source: &dyn FrameSource) -> Result<(), Trouble> {
        if self.events.is_empty() {
            return Ok(());
        }
        let context = Context { sources: source.sources(), live: self.is_live };
        for event in self.events.drain(..) {
            self.summary.count(&event);
            self.format.event(&mut self.out, &event, &context).map_err(trouble)?;
        }
        if self.is_live { self.out.flush().map_err(trouble) } else { Ok(()) }
    }

    fn finish(&mut self, source: &mut dyn FrameSource) -> Result<(), Trouble> {
        self.tell_notices(source);
        (self.summary.first, self.summary.last) = self.classifier.span().unzip();
        let totals = self.classifier.finish(&mut self.events);
        (self.summary.frames, self.summary.bytes) = (totals.frames, totals.octets);
        self.summary.frames_in_range = totals.frames_watched;
        self.write_events(source)?;
        let context = Context { sources: source.sources(), live: self.is_live };
        self.format.finish(&mut self.out, &self.summary, &context).map_err(trouble)?;
        self.out.flush().map_err(trouble)?;
        match self.packets.take() {
            Some(mut writer) => {
                let write = &mut |frame: &Frame<'_>| writer.write(frame, &context);
                let taken = self.waiting.finish(self.classifier.turned_out(), write);
                taken.map_err(|error| Trouble::Io("writing packets", error))?;
                writer.finish().map(|_| ()).map_err(|error| Trouble::Io("writing packets", error))
            }
            None => Ok(()),
        }
    }

    fn tell_notices(&mut self, source: &mut dyn FrameSource) {
        for notice in source.take_notices() {
            tracing::warn!("{}", output::escape::terminal(&notice.to_string()));
            self.summary.notices.push(notice.to_string());
        }
    }
}

/// What a command that only prints ends with.
pub(super) fn stdout_exit(written: io::Result<()>) -> Exit {
    match written.and_then(|()| io::stdout().flush()).map_err(trouble) {
        Ok(()) | Err(Trouble::ReaderGone) => Exit::Done,
        Err(Trouble::Io(what, error)) => {
            log::say(&format!("{what} failed: {error}"));
            Exit::BrokeOff
        }
    }
}

fn trouble(error: io::Error) -> Trouble {
    if error.kind() == io::ErrorKind::BrokenPipe {
        Trouble::ReaderGone
    } else {
        Trouble::Io("writing the output", error)
    }
}

fn create(path: &Path) -> Result<File, Exit> {
    File::create(path).map_err(|error| {
        log::error(&format!("cannot write {}: {error}; choose another place", path.display()));
        Exit::Usage
    })
}

/// Opens the file for `-w`; `-` is standard output.
fn open_packets(
    path: &Path,
    writing: &Writing,
    sources: &[SourceInfo],
) -> Result<PacketWriter<File>, Exit> {
    let format = packet_format(path, sources);
    if path.as_os_str() != "-" {
        return Ok(PacketWriter::new(create(path)?, format));
    }
    if writing.output.is_none() {
        log::say("-w - sends packets to standard output: name a file for the flows with -o");
        return Err(Exit::Usage);
    }
    let file = io::stdout().as_fd().try_clone_to_owned().map_err(|error| {
        log::say(&format!("standard output cannot be written to: {error}"));
        Exit::BrokeOff
    })?;
    Ok(PacketWriter::new(File::from(file), format))
}

/// What the file's name asks for; where it asks for nothing, what came in: pcap if all of it is, with
/// one link type, which is all that such a file can hold.
fn packet_format(path: &Path, sources: &[SourceInfo]) -> PacketFormat {
    let extension = path.extension().map(OsStr::to_ascii_lowercase);
    match extension.as_deref().and_then(OsStr::to_str) {
        Some("pcap") => return PacketFormat::Pcap,
        Some("pcapng") => return PacketFormat::Pcapng,
        Some(_) | None => {}
    }
    let first = sources.first().and_then(|source| source.format);
    let is_pcap = matches!(first, Some(FileFormat::Pcap(_)));
    if is_pcap && sources.iter().all(|source| source.format == first) {
        PacketFormat::Pcap
    } else {
        PacketFormat::Pcapng
    }
}

/// Colour on a terminal only, unless asked for; `NO_COLOR` (no-color.org) turns it off.
fn colour(writing: &Writing) -> bool {
    match writing.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
            writing.output.is_none() && io::stdout().is_terminal() && !unwanted
        }
    }
}

/// Columns of the terminal; 120 where there is none.
fn terminal_width() -> usize {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok();
    size.map(|size| usize::from(size.ws_col)).filter(|&columns| columns > 0).unwrap_or(120)
}
