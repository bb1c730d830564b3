//! `portstory bundle`: a zip that an incident can be handed on in.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write as _};
use std::ops::RangeInclusive;
use std::path::PathBuf;

use clap::Args;

use super::console::Console;
use super::exit::{failed, lost};
use super::output_file::{Placing, Scratch};
use super::overwriting::{Claims, Output, Overwriting, Packed};
use super::sandbox_args::{Confining, Linking};
use super::{Ended, Outcome, Unpacking, Watching, log, report, shutdown};
use crate::bundle::anonymize::{Exclude, Strength};
use crate::bundle::evidence::{EvidenceFilter, marker};
use crate::bundle::{self, Packer, Row, Settings};
use crate::capture::file::{self, Options};
use crate::capture::{FileFormat, FrameSource, SourceInfo};
use crate::engine::{self, KnownDrops, Observer, Reading, Seen};
use crate::output::{Context, Eve, EventWriter as _, PacketFormat, PacketWriter};
use crate::report::{Recorder, html};
use portstory_core::config::{BUNDLE_MEMORY_BYTES, BundleLimits, ReportLimits};
use portstory_core::internal::flow::correlation::Drops;
use portstory_core::{Config, Event, Frame, Timestamp, Watch};

mod sharing;

use sharing::Shared;

/// Pack report, EVE, packets, settings and hashes into a zip.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Bundle {
    /// Captures or folders of captures. They are read more than once, so pipes are refused
    #[arg(value_name = "FILE|DIR", required = true)]
    paths: Vec<PathBuf>,

    /// The zip file to write
    #[arg(short, long, value_name = "ZIP")]
    output: PathBuf,

    /// Make a bundle for strangers: addresses, names and payload are replaced consistently. What
    /// remains is listed before anything is written
    #[arg(
        long,
        value_enum,
        value_name = "STRENGTH",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "min",
        conflicts_with_all = ["site", "known"]
    )]
    share: Option<Strength>,

    /// With --share: leave out a flow (its id), an endpoint (ADDR:PORT) or a host (ADDR); may be
    /// repeated
    #[arg(long, value_name = "FLOW|ENDPOINT", requires = "share")]
    exclude: Vec<Exclude>,

    /// With --share: write without asking
    #[arg(long, requires = "share")]
    yes: bool,

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

const EXAMPLES: &str = "\
Examples:
  portstory bundle incident.pcapng -o incident.zip
  portstory bundle --share incident.pcapng -o for-strangers.zip
  portstory bundle --share --exclude 10.0.0.9:3243 --yes captures/ -o for-strangers.zip";

impl Bundle {
    fn memory(&self) -> u64 {
        self.watching.memory_max.unwrap_or(BUNDLE_MEMORY_BYTES)
    }

    pub(super) fn run(&self) -> Ended {
        log::start(false, 0);
        if self.paths.iter().any(|path| path.as_os_str() == "-") {
            log::say("a bundle reads its captures more than once: name files, not '-'");
            return Err(Outcome::Usage);
        }
        if let Some(path) =
            self.paths.iter().find(|it| it.exists() && !it.is_file() && !it.is_dir())
        {
            log::error(&format!(
                "{} is not a file, and a bundle reads its captures more than once: save it to a \
                 file first",
                path.display()
            ));
            return Err(Outcome::Usage);
        }
        if self.output.exists() && !self.output.is_file() {
            log::error(&format!(
                "{} is not a regular file, so a bundle cannot replace it; choose another path",
                self.output.display()
            ));
            return Err(Outcome::Usage);
        }
        file::exist(&self.paths).map_err(|error| failed(&error))?;
        let config = self.watching.config_within(BUNDLE_MEMORY_BYTES)?;
        let claims = Claims::of_inputs(self.paths.iter().chain(self.watching.files()));
        let links = self.linking.links();
        let claims = claims.following(links).writing(Output::new("-o", &self.output));
        let packed = claims.check(self.overwriting)?;
        let io = |error: io::Error| trouble(&error);
        let _ = shutdown::catch();
        let helpers = self.confining.of_helpers(&self.confining.plan()?);
        let (placing, file) = Placing::start(&self.output, &helpers).map_err(io)?;
        let strangers = self
            .share
            .map(|strength| Ok((strength, Scratch::beside(&self.output)?, sharing::secret()?)));
        let strangers = strangers.transpose().map_err(io)?;
        self.confining.to_reading(&self.paths, links)?;
        let reading = Options { links, ..self.unpacking.options() };
        Packed::check(&packed)?;
        let shared = strangers.as_ref().map(|(strength, packets, secret)| {
            let exclude = &self.exclude;
            let shared = Shared::make(
                (&self.paths, &reading),
                packets,
                &config,
                *strength,
                exclude,
                secret,
            )?;
            shared.ask(self.yes, &self.output)?;
            Ok::<_, Outcome>(shared)
        });
        let shared = shared.transpose()?;
        let open = || -> Result<Box<dyn FrameSource>, Outcome> {
            let source = match &strangers {
                Some((_, packets, _)) => {
                    let packets = BufReader::new(packets.reader());
                    file::open_stream(Box::new(packets), bundle::EVIDENCE, options())
                }
                None => file::open(&self.paths, reading.clone()),
            };
            Ok(Box::new(source.map_err(|error| failed(&error))?))
        };
        let drops = self.drops(&reading)?;
        let mut packer = Packer::new(BufWriter::new(file));
        let exit = self.pack(&mut packer, &config, &open, (shared.as_ref(), drops))?;
        let out = packer.finish().map_err(io)?;
        let mut file = out.into_inner().map_err(|error| trouble(error.error()))?;
        bundle::seal(&mut file).and_then(|()| file.sync_all()).map_err(io)?;
        is_to_go_on()?;
        placing.complete().map_err(io)?;
        Ok(exit)
    }

    /// What the captures say was lost as they were made. `verify` knows of it before the first packet, and
    /// cannot know when it was told here: so it is known before the first packet here, too. Only pcapng has a
    /// place for it; other captures are not read for it.
    fn drops(&self, reading: &Options) -> Result<Option<Drops>, Outcome> {
        let mut source =
            file::open(&self.paths, reading.clone()).map_err(|error| failed(&error))?;
        let can_tell = |one: &SourceInfo| !matches!(one.format, Some(FileFormat::Pcap(_)));
        if !source.sources().iter().any(can_tell) {
            return Ok(None);
        }
        // Nothing is watched: nearly all of the time is that of reading the files.
        let watch = Watch { ports: BTreeSet::new(), framehawk: RangeInclusive::new(1, 0) };
        let mut lost = Lost(None);
        let config = Config { watch, ..Config::default() };
        engine::drive(&mut source, config, &mut [&mut lost, &mut UntilStopped]);
        is_to_go_on()?;
        Ok(lost.0)
    }

    fn pack(
        &self,
        packer: &mut Packer<BufWriter<File>>,
        config: &Config,
        open: &dyn Fn() -> Result<Box<dyn FrameSource>, Outcome>,
        (shared, drops): (Option<&Shared>, Option<Drops>),
    ) -> Ended {
        let io = |error: io::Error| trouble(&error);
        packer.begin(bundle::EVE).map_err(io)?;
        let mut source = open()?;
        let mut recorder = Recorder::new(ReportLimits::default());
        let mut told = Told::new(packer, config);
        let driven = engine::drive(
            source.as_mut(),
            config.clone(),
            &mut [
                &mut Console::default(),
                &mut KnownDrops(drops),
                &mut Amend(shared),
                &mut recorder,
                &mut told,
            ],
        );
        let Told { mut rows, filter, written, .. } = told;
        written.map_err(|error| lost("writing", &error))?;
        let exit = driven.outcome;
        let mut page = report::page(recorder, &driven.summary, source.sources());
        if let Some(shared) = shared {
            shared.sign(&mut page, &self.output);
        }
        let context = Context { sources: &page.sources, live: false };
        is_to_go_on()?;
        let mut stats = Vec::new();
        Eve.finish(&mut stats, &page.summary, &context);
        packer.write_all(&stats).map_err(io)?;
        rows.sort();

        packer.begin(bundle::REPORT).map_err(io)?;
        packer.write_all(html(&page).as_bytes()).map_err(io)?;
        let sharing = shared.map(Shared::sharing);
        let settings = Settings::of(config, self.memory(), drops, sharing);
        for (name, json) in [
            (bundle::SETTINGS, serde_json::to_vec_pretty(&settings)),
            (bundle::VERDICTS, serde_json::to_vec(&rows)),
        ] {
            packer.begin(name).map_err(io)?;
            packer.write_all(&json.map_err(|error| trouble(&error.into()))?).map_err(io)?;
        }
        packer.begin(bundle::EVIDENCE).map_err(io)?;
        let span = page.summary.first.zip(page.summary.last);
        let mut writer = PacketWriter::new(packer, PacketFormat::Pcapng);
        write_evidence(&mut writer, open()?.as_mut(), &filter, span)?;
        writer.finish().map_err(io)?;
        Ok(exit)
    }
}

/// What the sources lost.
struct Lost(Option<Drops>);

impl Observer for Lost {
    fn dropped(&mut self, _: &mut Reading<'_>, drops: Drops) {
        self.0 = Some(self.0.map_or(drops, |before| before.join(drops)));
    }
}

/// Tells of flows that were made anew what they are now.
struct Amend<'a>(Option<&'a Shared>);

impl Observer for Amend<'_> {
    fn watches(&self) -> bool {
        self.0.is_some()
    }

    fn event(&mut self, event: &mut Event) {
        if let (Event::Flow(flow), Some(shared)) = (event, self.0) {
            shared.amend(flow);
        }
    }
}

/// Writes the events, and keeps of the flows what else is packed.
struct Told<'a> {
    packer: &'a mut Packer<BufWriter<File>>,
    rows: Vec<Row>,
    filter: EvidenceFilter,
    written: io::Result<()>,
}

impl<'a> Told<'a> {
    fn new(packer: &'a mut Packer<BufWriter<File>>, config: &Config) -> Self {
        let filter = EvidenceFilter::new(config.clone(), BundleLimits::default());
        Self { packer, rows: Vec::new(), filter, written: Ok(()) }
    }
}

impl Observer for Told<'_> {
    fn batch(&mut self, reading: &mut Reading<'_>) {
        let context = Context { sources: reading.source.sources(), live: false };
        for event in &reading.events {
            if let Event::Flow(flow) = event {
                self.rows.push(Row::of(flow));
                self.filter.note(flow);
            }
            let mut line = Vec::new();
            Eve.event(&mut line, event, &context);
            self.written = self.packer.write_all(&line);
            if self.written.is_err() {
                return reading.abandon();
            }
        }
    }
}

fn write_evidence<W: io::Write>(
    writer: &mut PacketWriter<W>,
    source: &mut dyn FrameSource,
    filter: &EvidenceFilter,
    span: Option<(Timestamp, Timestamp)>,
) -> Result<(), Outcome> {
    each_frame(source, span, &mut |frame, context| match filter.keep(frame) {
        Some(kept) => writer.write_commented(&kept, context, filter.comment(frame.at)),
        None if frame.at.number == 0 => writer.write(frame, context),
        None => Ok(()),
    })
}

/// What becomes of a frame.
type Show<'a> = dyn FnMut(&Frame<'_>, &Context<'_>) -> io::Result<()> + 'a;

/// Shows every frame, with a marker before the first and after the last. Faults of the source were told
/// when it was read the first time.
fn each_frame(
    source: &mut dyn FrameSource,
    span: Option<(Timestamp, Timestamp)>,
    show: &mut Show<'_>,
) -> Result<(), Outcome> {
    let mut shown = Shown { span, show, written: Ok(()) };
    engine::replay(source, &mut [&mut shown, &mut UntilStopped]);
    is_to_go_on()?;
    shown.written.map_err(|error| trouble(&error))
}

struct Shown<'a, 'b> {
    span: Option<(Timestamp, Timestamp)>,
    show: &'a mut Show<'b>,
    /// Behind the first error nothing is shown.
    written: io::Result<()>,
}

impl Shown<'_, '_> {
    fn show(&mut self, frame: &Frame<'_>, context: &Context<'_>) {
        if self.written.is_ok() {
            self.written = (self.show)(frame, context);
        }
    }
}

impl Observer for Shown<'_, '_> {
    fn watches(&self) -> bool {
        true
    }

    fn begin(&mut self, _: &mut Reading<'_>) {
        if let Some((first, _)) = self.span {
            self.show(&marker(first), &Context::default());
        }
    }

    fn frame(&mut self, frame: &Frame<'_>, seen: &Seen<'_>) {
        self.show(frame, &Context { sources: seen.sources, live: false });
    }

    fn batch(&mut self, reading: &mut Reading<'_>) {
        if self.written.is_err() {
            reading.abandon();
        }
    }

    fn finish(&mut self, _: &mut Reading<'_>) {
        if let Some((_, last)) = self.span {
            self.show(&marker(last), &Context::default());
        }
    }
}

/// Half a bundle is none: where the program is to end, nobody needs the rest.
struct UntilStopped;

impl Observer for UntilStopped {
    fn batch(&mut self, reading: &mut Reading<'_>) {
        if shutdown::requested() {
            reading.abandon();
        }
    }
}

fn options() -> Options {
    Options { stop: shutdown::stop(), ..Options::default() }
}

/// What is missing in half a bundle would look as if it had never been.
fn is_to_go_on() -> Result<(), Outcome> {
    if shutdown::requested() {
        log::say("interrupted: no bundle was written");
        return Err(Outcome::BrokeOff);
    }
    Ok(())
}

fn trouble(error: &io::Error) -> Outcome {
    lost("writing the bundle", error)
}
