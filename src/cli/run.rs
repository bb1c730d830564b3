//! The loop that `read` and `live` share: frames in, events out, and the summary at the end.
//!
//! Whatever fails part-way, what was read until then is still reported.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use super::exit::lost;
use super::fail_on::FailOn;
use super::helper_process::Sandboxing;
use super::live_view::{Counts, Due};
use super::output_file::{self, OutputFile, cannot_write, told};
use super::overwriting::{Claims, Packed};
use super::packet_writer::PacketOutput;
use super::process_lookup::{Looking, ProcessLookup, Scope};
use super::progress::Progress;
use super::report_observer::ReportObserver;
use super::signals::Signals;
use super::{Exit, OutputFormat, Watching, Writing, log, shutdown, terminal};
use crate::capture::file::Links;
use crate::capture::{CaptureErrorKind, FrameSource, Polled};
use crate::output::{self, Context, Look, RunSummary};
use portstory_core::classifier::{Classifier, FrameOutcome};
use portstory_core::config::Config;
use portstory_core::event::Event;
use portstory_core::frame::Frame;
use portstory_core::time::Timestamp;
use portstory_core::watch::Watch;

/// Frames that are taken from a source at a time. Between batches the output is written and a stop is
/// looked for.
const BATCH_FRAMES: usize = 4096;

/// A run from its first frame to its summary.
pub(super) struct Run {
    classifier: Classifier,
    row: &'static output::FormatRow,
    look: Look,
    format: Box<dyn output::EventWriter>,
    out: Out,
    packets: Option<PacketOutput>,
    page: Option<ReportObserver>,
    signals: Signals,
    summary: RunSummary,
    events: Vec<Event>,
    /// Who is behind the flows, where that can be asked.
    owners: Option<ProcessLookup>,
    is_live: bool,
    /// Frames that the source has said it lost, and until when.
    dropped: (u64, Option<Timestamp>),
    exit: Exit,
    /// Outputs that may turn out to be none of ours.
    packed: Vec<Packed>,
    /// What is not to be seen.
    pub(super) fail_on: FailOn,
    /// What moves on the terminal meanwhile.
    pub(super) progress: Option<Progress>,
}

/// Says which frames are to be looked at.
pub(super) type Wanted<'a> = dyn FnMut(&Frame<'_>) -> bool + 'a;

/// Bytes of a run's output that are handed to the system at once.
const STDOUT_BYTES: usize = 1 << 16;

/// Where the events go.
enum Out {
    Stdout(BufWriter<shutdown::Stdout>),
    File(OutputFile),
    /// Nothing more can be written, which was told.
    Lost,
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stdout(stdout) => stdout.write(bytes),
            Self::File(output_file) => output_file.write(bytes),
            Self::Lost => Ok(bytes.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout(stdout) => stdout.flush(),
            Self::File(output_file) => output_file.commit(),
            Self::Lost => Ok(()),
        }
    }
}

/// The output went wrong.
enum Trouble {
    /// Whoever read it has gone: nothing more to do, and no error.
    ReaderGone,
    /// Anything else, such as a full disk.
    Io(&'static str, io::Error),
}

impl Run {
    /// Opens the outputs, none of which is to be one of the inputs.
    pub(super) fn new(
        inputs: &[PathBuf],
        links: Links,
        watching: &Watching,
        writing: &Writing,
        live: Option<&Looking>,
        sandboxing: &Sandboxing,
    ) -> Result<Self, Exit> {
        let is_live = live.is_some();
        let config = Config { live_verdicts: is_live, ..watching.config()? };
        let summary = RunSummary { watch: config.watch.clone(), ..RunSummary::default() };
        let name = match writing.format {
            OutputFormat::Text => "text",
            OutputFormat::Eve => "eve",
            OutputFormat::Csv => "csv",
        };
        let look = terminal::look(writing);
        let row = output::FORMATS.iter().find(|row| row.name == name);
        let row = row.ok_or(Exit::Usage)?;
        let rotating = &writing.rotating;
        let use_of = |why: &str| {
            log::say(why);
            Exit::Usage
        };
        rotating.check(writing.has_file()).map_err(use_of)?;
        writing.check_stdout().map_err(use_of)?;
        let claims = Claims::of_inputs(inputs.iter().chain(watching.files()));
        let claims =
            claims.following(links).writing(writing.outputs()).stdout(writing.uses_stdout());
        let packed = claims.check(writing.overwriting)?;
        let mut paths: Vec<PathBuf> = Vec::new();
        let mut number = |path: &PathBuf| {
            let index = u8::try_from(paths.len()).unwrap_or(u8::MAX);
            paths.push(path.clone());
            index
        };
        let mut out = match super::named(writing.output.as_ref()) {
            Some(path) => {
                let opened = OutputFile::open(path, rotating, number(path));
                Out::File(opened.map_err(|error| cannot_write(path, &error))?)
            }
            None => Out::Stdout(BufWriter::with_capacity(STDOUT_BYTES, shutdown::Stdout)),
        };
        let mut packets = match &writing.packets {
            Some(path) => {
                let opened = PacketOutput::open(path, rotating, number(path), &config);
                Some(opened.map_err(|error| cannot_write(path, &error))?)
            }
            None => None,
        };
        let page = writing
            .report
            .as_deref()
            .map(|path| ReportObserver::open(path).map_err(|error| cannot_write(path, &error)));
        let page = page.transpose()?;
        if is_live || rotating.is_wanted() {
            let helper =
                output_file::start_helper(&paths, rotating, sandboxing).map_err(|error| {
                    log::say(&format!("the process that opens outputs cannot be started: {error}"));
                    Exit::BrokeOff
                })?;
            let output_files = packets.iter_mut().filter_map(PacketOutput::output_file);
            let output_files = output_files.chain(match &mut out {
                Out::File(output_file) => Some(output_file),
                Out::Stdout(_) | Out::Lost => None,
            });
            output_files.zip(helper.iter().cycle()).for_each(|(output_file, helper)| {
                output_file.set_helper(std::rc::Rc::clone(helper));
            });
        }
        let signals = Signals::catch(is_live && !paths.is_empty()).unwrap_or_default();
        let owners = live.and_then(|looking| owners(&config.watch, looking, sandboxing));
        let classifier = Classifier::new(config);
        Ok(Self {
            classifier,
            row,
            look,
            format: (row.make)(look),
            out,
            packets,
            page,
            signals,
            summary,
            events: Vec::new(),
            owners,
            is_live,
            dropped: (0, None),
            exit: Exit::Done,
            packed,
            fail_on: FailOn::default(),
            progress: None,
        })
    }

    /// Reads the source to its end, which a signal brings about too. Frames that `wanted` does not want are
    /// passed over.
    pub(super) fn drive(
        mut self,
        source: &mut dyn FrameSource,
        wanted: Option<&mut Wanted<'_>>,
    ) -> Exit {
        if let Err(exit) = Packed::check(&self.packed) {
            return exit;
        }
        let read = self.begin(source).and_then(|()| self.pump(source, wanted));
        if let Err(trouble) = read {
            self.lose_output(trouble);
        }
        self.finish(source);
        self.exit
    }

    /// The output takes nothing more. The others are completed all the same.
    fn lose_output(&mut self, trouble: Trouble) {
        if let Out::Stdout(buffered) = std::mem::replace(&mut self.out, Out::Lost) {
            // Dropped it would try once more.
            let _ = buffered.into_parts();
        }
        self.tell_trouble(trouble);
    }

    fn tell_trouble(&mut self, trouble: Trouble) {
        let Trouble::Io(what, error) = trouble else { return };
        self.exit = self.exit.max(lost(what, &error));
    }

    /// The source is sound: what outputs held before goes.
    fn begin(&mut self, source: &mut dyn FrameSource) -> Result<(), Trouble> {
        if let Some(owners) = &mut self.owners {
            source.wake_also(owners.take_wakes());
        }
        if let Out::File(output_file) = &mut self.out {
            output_file.begin().map_err(trouble)?;
        }
        let begun = self.packets.as_mut().map_or(Ok(()), |saving| saving.begin(source.sources()));
        begun.map_err(|error| Trouble::Io("writing packets", error))
    }

    fn pump(
        &mut self,
        source: &mut dyn FrameSource,
        mut wanted: Option<&mut Wanted<'_>>,
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
            let Self { classifier, packets, page, events, .. } = self;
            let polled = source.poll(BATCH_FRAMES, &mut |frame| {
                if wanted.as_mut().is_some_and(|wanted| !wanted(frame)) {
                    return;
                }
                let seized = match page {
                    None => classifier.ingest(frame, events),
                    Some(page) => ingest_reported(classifier, frame, events, page),
                };
                if let (None, Some(saving)) = (&packet_error, packets.as_mut()) {
                    packet_error = saving.take(frame, seized, classifier, &context).err();
                }
            });
            if let Some(error) = packet_error {
                self.give_up_packets(&error);
            }
            self.tell_notices(source);
            self.look_for_drops(source);
            let is_idle = matches!(polled, Ok(Polled::Idle));
            self.look_after_outputs();
            if self.signals.take_statistics() {
                self.tell_statistics(source);
            }
            let ended = match polled {
                Ok(Polled::End) => true,
                Ok(Polled::Frames(_)) => false,
                Ok(Polled::Idle) => {
                    if let Some(now) = source.settled_until() {
                        let told = self.events.len();
                        self.classifier.advance_to(now, &mut self.events);
                        self.tell_page(told);
                    }
                    false
                }
                Err(error) => {
                    self.aside(|| log::error(&error));
                    self.summary.note(error.to_string());
                    self.exit = self.exit.max(match error.kind {
                        CaptureErrorKind::BrokeOff => Exit::BrokeOff,
                        CaptureErrorKind::NotACapture | CaptureErrorKind::CannotOpen => Exit::Usage,
                    });
                    false
                }
            };
            self.look_for_owners(source);
            if let Some(progress) = &self.progress {
                progress.tick(self.classifier.totals().frames);
            }
            self.write_events(source, false)?;
            self.draw_running(source)?;
            if is_idle {
                // Somebody may be watching.
                self.out.flush().map_err(trouble)?;
            }
            if ended {
                return Ok(());
            }
        }
    }

    /// Frames that were lost since the last look may have been anybody's.
    fn look_for_drops(&mut self, source: &dyn FrameSource) {
        let Some((first, now)) = self.classifier.span() else { return };
        let total = source.sources().iter().map(|one| one.dropped).fold(0, u64::saturating_add);
        let (before, until) = self.dropped;
        if total > before {
            self.classifier.note_drops(total.saturating_sub(before), until.unwrap_or(first));
        }
        self.dropped = (total, Some(now));
    }

    /// Flows that are new are asked after at once: their processes may not last.
    fn look_for_owners(&mut self, source: &mut dyn FrameSource) {
        let Some(owners) = self.owners.as_mut().filter(|owners| owners.is_alive()) else { return };
        owners.look(self.classifier.take_new_flows());
        if !owners.is_alive() {
            // What has ended would be a reason to wake for ever.
            source.wake_also(None);
        }
    }

    fn write_events(&mut self, source: &dyn FrameSource, is_end: bool) -> Result<(), Trouble> {
        let mut events = std::mem::take(&mut self.events);
        if let Some(owners) = &mut self.owners {
            events = owners.admit(events, is_end);
        }
        if events.is_empty() {
            return Ok(());
        }
        for event in &events {
            if let Some(page) = &mut self.page {
                page.event(event);
            }
            self.summary.count(event);
            if self.fail_on.is_met(event) {
                self.exit = self.exit.max(Exit::Met);
            }
        }
        let Some(progress) = &mut self.progress else { return self.write(&events, source) };
        events.retain(|event| !progress.shows(event));
        if events.is_empty() {
            return Ok(());
        }
        let Some(mut progress) = self.progress.take() else { return Ok(()) };
        let written = progress.aside(|| self.write(&events, source));
        self.progress = Some(progress);
        written
    }

    /// The flows that are running, where somebody watches them.
    fn draw_running(&mut self, source: &dyn FrameSource) -> Result<(), Trouble> {
        let Some(board) = self.progress.as_mut().and_then(Progress::board) else { return Ok(()) };
        match board.due() {
            Due::Nothing => return Ok(()),
            Due::Draw => {}
            Due::Anew(columns) => {
                let begun = self.format.resize(&mut self.out, columns);
                begun.and_then(|()| self.out.flush()).map_err(trouble)?;
            }
        }
        let counts = Counts {
            frames: self.classifier.totals().frames,
            dropped: source.sources().iter().map(|one| one.dropped).fold(0, u64::saturating_add),
        };
        let running = self.classifier.running(board.flows_max());
        let owners = self.owners.as_ref();
        board.draw(&running, counts, &|flow| owners.and_then(|owners| owners.process(flow)));
        Ok(())
    }

    fn write(&mut self, events: &[Event], source: &dyn FrameSource) -> Result<(), Trouble> {
        let context = Context { sources: source.sources(), live: self.is_live };
        for event in events {
            self.format.event(&mut self.out, event, &context).map_err(trouble)?;
            if let Out::File(output_file) = &mut self.out {
                output_file.record_ended().map_err(trouble)?;
                if output_file.is_due() {
                    let next = output_file.next_file();
                    if next.is_ok() && output_file.is_fresh() && self.row.starts_each_file {
                        self.format = (self.row.make)(self.look);
                    }
                    self.exit = self.exit.max(told(next));
                }
            }
        }
        if self.is_live { self.out.flush().map_err(trouble) } else { Ok(()) }
    }

    /// Rotates by time and on SIGHUP, and lets nothing wait for more than a second.
    fn look_after_outputs(&mut self) {
        let reopen = self.signals.take_reopen();
        if let Out::File(output_file) = &mut self.out
            && (reopen || output_file.is_due())
        {
            let next = output_file.next_file();
            if next.is_ok() && output_file.is_fresh() && self.row.starts_each_file {
                self.format = (self.row.make)(self.look);
            }
            self.exit = self.exit.max(told(next));
        }
        match self.packets.as_mut().map(|saving| saving.look_after(reopen)) {
            Some(Ok(exit)) => self.exit = self.exit.max(exit),
            Some(Err(error)) => self.give_up_packets(&error),
            None => {}
        }
    }

    fn give_up_packets(&mut self, error: &io::Error) {
        if let Some(saving) = &mut self.packets {
            saving.give_up(error);
        }
        self.exit = self.exit.max(Exit::BrokeOff);
    }

    /// Says something that is to stay above what moves.
    fn aside(&mut self, say: impl FnOnce()) {
        match &mut self.progress {
            Some(progress) => progress.aside(say),
            None => say(),
        }
    }

    fn tell_statistics(&mut self, source: &dyn FrameSource) {
        let totals = self.classifier.totals();
        let sum = |count: fn(&crate::capture::SourceInfo) -> u64| -> u64 {
            source.sources().iter().map(count).fold(0, u64::saturating_add)
        };
        let processes = self.owners.as_ref().map_or(String::new(), |owners| {
            let counts = owners.counts();
            format!(
                "; processes found for {} of {} flows, {} lookups open",
                counts.with_process,
                counts.asked.saturating_add(counts.not_asked),
                owners.open()
            )
        });
        let text = format!(
            "{} frames, {} in range, {} flows ended and {} running; dropped by the kernel {}, by \
             interfaces {}{processes}",
            totals.frames,
            totals.frames_watched,
            self.summary.flows_by_label.iter().fold(0, |sum: u64, &one| sum.saturating_add(one)),
            self.classifier.flows_running(),
            sum(|source| source.dropped),
            sum(|source| source.dropped_by_interface),
        );
        self.aside(|| log::say(&text));
    }

    /// Completes everything that is written, each for itself: one that fails costs no other.
    fn finish(&mut self, source: &mut dyn FrameSource) {
        if let Some(mut progress) = self.progress.take() {
            progress.end();
        }
        self.tell_notices(source);
        (self.summary.first, self.summary.last) = self.classifier.span().unzip();
        let told = self.events.len();
        let totals = self.classifier.finish(&mut self.events);
        self.tell_page(told);
        (self.summary.frames, self.summary.bytes) = (totals.frames, totals.bytes);
        self.summary.frames_in_range = totals.frames_watched;
        self.summary.shortfalls = totals.shortfalls;
        if let Some(owners) = &mut self.owners {
            owners.look(self.classifier.take_new_flows());
            owners.settle();
        }
        let written = self.write_events(source, true);
        self.summary.processes = self.owners.as_ref().map(ProcessLookup::counts);
        if let Err(trouble) = written.and_then(|()| self.write_end(source)) {
            self.lose_output(trouble);
        }
        if let Some(page) = self.page.take()
            && let Err(error) = page.finish(&self.summary, source.sources())
        {
            self.tell_trouble(Trouble::Io("writing the report", error));
        }
        let context = Context { sources: source.sources(), live: self.is_live };
        if let Some(mut saving) = self.packets.take()
            && let Err(error) = saving.finish(&self.classifier, &context)
        {
            self.tell_trouble(Trouble::Io("writing packets", error));
        }
    }

    fn write_end(&mut self, source: &dyn FrameSource) -> Result<(), Trouble> {
        for finding in self.owners.iter().flat_map(ProcessLookup::findings) {
            if self.row.name != "text" {
                log::say(&crate::escape::terminal(&finding));
            }
            self.summary.note(finding);
        }
        let context = Context { sources: source.sources(), live: self.is_live };
        self.format.finish(&mut self.out, &self.summary, &context).map_err(trouble)?;
        self.out.flush().map_err(trouble)
    }

    /// The report learns at once which flows have ended, and of their events when they are written.
    fn tell_page(&mut self, told: usize) {
        if let Some(page) = &mut self.page {
            self.events.iter().skip(told).for_each(|event| page.ended(event));
        }
    }

    fn tell_notices(&mut self, source: &mut dyn FrameSource) {
        for notice in source.take_notices() {
            self.aside(|| tracing::warn!("{}", crate::escape::terminal(&notice.to_string())));
            self.summary.note(notice.to_string());
        }
    }
}

/// Takes in a frame, and shows the report what comes of it at once: a 5-tuple that begins anew is
/// another flow.
fn ingest_reported(
    classifier: &mut Classifier,
    frame: &Frame<'_>,
    events: &mut Vec<Event>,
    page: &mut ReportObserver,
) -> FrameOutcome {
    let told = events.len();
    let seized = classifier.ingest_observed(frame, events, &mut |key, seen| page.packet(key, seen));
    events.iter().skip(told).for_each(|event| page.ended(event));
    seized
}

/// Without this helper flows are labelled all the same.
fn owners(watch: &Watch, looking: &Looking, sandboxing: &Sandboxing) -> Option<ProcessLookup> {
    if looking.processes == Scope::Off {
        return None;
    }
    let started = ProcessLookup::start(watch, looking, sandboxing);
    started
        .inspect_err(|error| tracing::warn!("the processes behind flows stay unknown: {error}"))
        .ok()
}

fn trouble(error: io::Error) -> Trouble {
    if error.kind() == io::ErrorKind::BrokenPipe {
        Trouble::ReaderGone
    } else {
        Trouble::Io("writing the output", error)
    }
}
