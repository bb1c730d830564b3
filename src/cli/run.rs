//! What `read` and `live` share: the outputs, opened while there are rights, and who observes the
//! reading.
//!
//! Whatever fails part-way, what was read until then is still reported.

use std::path::PathBuf;
use std::rc::Rc;

use signal_hook::consts::{SIGHUP, SIGUSR1};

use super::console::Console;
use super::event_writer::{EventOutput, Written};
use super::fail_on::FailOn;
use super::helper_process::Sandboxing;
use super::output_file::{Helper, OutputFile, cannot_write};
use super::overwriting::{Claims, Packed};
use super::packet_writer::PacketOutput;
use super::progress::{Drawing, Progress, Screen};
use super::signals::{Asked, Statistics};
use super::{Watching, Writing, log, report_observer};
use crate::capture::FrameSource;
use crate::capture::file::Links;
use crate::engine::{self, NoteDrops, Observer, Outcome};
use portstory_core::Config;

/// When a run is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RunsUntil {
    /// At the end of what there is to read.
    TheEnd,
    /// When somebody ends it, as a file may always grow.
    EndedAsItGrows,
    /// When somebody ends it, as packets may always come.
    EndedLive,
}

/// A run from its first frame to its summary.
pub(super) struct Run {
    pub(super) config: Config,
    events: EventOutput,
    packets: Option<PacketOutput>,
    page: Option<Box<dyn Observer>>,
    statistics: Asked,
    /// Outputs that may turn out to be none of ours.
    packed: Vec<Packed>,
    /// What is not to be seen.
    pub(super) fail_on: FailOn,
    /// What moves on the terminal meanwhile.
    pub(super) progress: Option<Box<dyn Progress>>,
    /// Finds out who is behind the flows, where that can be asked, and says how far that has come.
    pub(super) lookups: Option<Box<dyn Observer>>,
    pub(super) lookups_so_far: Option<Box<dyn Fn() -> String>>,
}

impl Run {
    /// Opens the outputs, none of which is to be one of the inputs.
    pub(super) fn new(
        inputs: &[PathBuf],
        links: Links,
        watching: &Watching,
        writing: &Writing,
        until: RunsUntil,
        sandboxing: &Sandboxing,
    ) -> Result<Self, Outcome> {
        let is_live = until == RunsUntil::EndedLive;
        let config = Config { live_verdicts: is_live, ..watching.config()? };
        check(writing)?;
        let claims = Claims::of_inputs(inputs.iter().chain(watching.files()));
        let claims =
            claims.following(links).writing(writing.outputs()).stdout(writing.uses_stdout());
        let packed = claims.check(writing.overwriting)?;
        let has_file = super::named(writing.output.as_ref()).is_some();
        let events = EventOutput::open(writing, 0, is_live)?;
        let packets = writing.packets.as_deref().map(|path| {
            let opened =
                PacketOutput::open(path, &writing.rotating, u8::from(has_file), (&config, is_live));
            opened.map_err(|error| cannot_write(path, &error))
        });
        let packets = packets.transpose()?;
        let page = writing.report.as_deref().map(report_observer::open).transpose()?;
        let mut run = Self {
            config,
            events,
            packets,
            page,
            statistics: Asked::default(),
            packed,
            fail_on: FailOn::default(),
            progress: None,
            lookups: None,
            lookups_so_far: None,
        };
        let goes_on = until != RunsUntil::TheEnd;
        if goes_on || writing.rotating.is_wanted() {
            run.start_helper(writing, sandboxing)?;
        }
        run.statistics = Asked::by(SIGUSR1);
        if goes_on {
            // Each is asked for itself. Where there is none, the signal is not caught: it ends the program
            // then, as it always does.
            run.output_files().for_each(|output_file| output_file.reopen = Asked::by(SIGHUP));
        }
        Ok(run)
    }

    /// The outputs get who opens the files to come.
    fn start_helper(&mut self, writing: &Writing, sandboxing: &Sandboxing) -> Result<(), Outcome> {
        let paths = super::named(writing.output.as_ref()).into_iter().chain(&writing.packets);
        let paths: Vec<PathBuf> = paths.cloned().collect();
        if paths.is_empty() {
            return Ok(());
        }
        let helper = Helper::start(&paths, &writing.rotating, sandboxing).map_err(|error| {
            log::say(&format!("the process that opens outputs cannot be started: {error}"));
            Outcome::BrokeOff
        })?;
        let helper = Rc::new(helper);
        self.output_files().for_each(|output_file| output_file.set_helper(Rc::clone(&helper)));
        Ok(())
    }

    fn output_files(&mut self) -> impl Iterator<Item = &mut OutputFile> {
        let packets = self.packets.as_mut().and_then(PacketOutput::output_file);
        self.events.output_file().into_iter().chain(packets)
    }

    /// Reads the source to its end, which a signal brings about too.
    pub(super) fn drive(self, source: &mut dyn FrameSource) -> Outcome {
        if let Err(exit) = Packed::check(&self.packed) {
            return exit;
        }
        let Self { config, mut packets, mut page, mut lookups, mut fail_on, .. } = self;
        let screen = &Screen::new(self.progress);
        let mut console = Console { screen: Some(screen) };
        let mut statistics =
            Statistics { asked: self.statistics, screen, more: self.lookups_so_far };
        let mut written = Written { output: self.events, screen };
        let mut drawing = Drawing(screen);
        let drops = &mut NoteDrops;
        let mut observers: Vec<&mut dyn Observer> = vec![&mut console, &mut statistics, drops];
        // Behind it are those who are shown events only when it is known who is behind them.
        if let Some(lookups) = &mut lookups {
            observers.push(&mut **lookups);
        }
        observers.push(&mut fail_on);
        observers.push(&mut written);
        if let Some(page) = &mut page {
            observers.push(&mut **page);
        }
        if let Some(packets) = &mut packets {
            observers.push(packets);
        }
        observers.push(&mut drawing);
        engine::drive(source, config, &mut observers).outcome
    }
}

/// Options that make no sense together.
fn check(writing: &Writing) -> Result<(), Outcome> {
    let checked = writing.rotating.check(writing.has_file());
    checked.and_then(|()| writing.check_stdout()).map_err(|why| {
        log::say(why);
        Outcome::Usage
    })
}
