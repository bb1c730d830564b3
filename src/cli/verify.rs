//! `portstory verify`: is a bundle as it was made, and do its packets give its verdicts?

use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;

use super::confine::Confining;
use super::overwriting::{Claims, Overwriting};
use super::read::failed;
use super::run::stdout_exit;
use super::{Exit, log};
use crate::bundle::{Row, verify};
use crate::capture::file::{self, Links, Options};
use crate::capture::{FrameSource, Polled};
use crate::output::escape;
use portstory_core::classifier::Classifier;
use portstory_core::config::{BundleLimits, Config};
use portstory_core::event::{Event, FlowEvent};

/// Frames that are taken from a source at a time.
const BATCH_FRAMES: usize = 4096;

/// Verdicts that differ, named one by one.
const NAMED_MAX: usize = 10;

/// Check a bundle: nothing changed, and its packets give the same verdicts.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Verify {
    /// What `portstory bundle` made
    #[arg(value_name = "ZIP")]
    path: PathBuf,

    #[command(flatten)]
    confining: Confining,
}

const EXAMPLES: &str = "\
Example:
  portstory verify incident.zip";

impl Verify {
    pub(super) fn run(&self) -> Exit {
        log::start(false, 0, true);
        match self.try_run() {
            Ok(exit) | Err(exit) => exit,
        }
    }

    fn try_run(&self) -> Result<Exit, Exit> {
        Claims::of_inputs([&self.path]).stdout(true).check(Overwriting::default())?;
        self.confining.to_reading(std::slice::from_ref(&self.path), Links::Inside)?;
        let bundle = verify::Bundle::open(&self.path, BundleLimits::default()).map_err(|why| {
            log::error(&why);
            Exit::BrokeOff
        })?;
        let (settings, expected) = (bundle.settings.clone(), bundle.rows.clone());
        let packets = bundle.evidence().map_err(|error| {
            log::error(&error);
            Exit::BrokeOff
        })?;
        let source = file::open_stream(packets, crate::bundle::EVIDENCE, Options::default());
        let mut source = source.map_err(|error| failed(&error))?;
        let found = replay(&mut source, settings.config())?;
        let differences = differences(&expected, &found);
        let mut text = String::new();
        for (was, is) in differences.iter().take(NAMED_MAX) {
            let tell = |row: &Option<&Row>| {
                row.map_or("nothing".to_owned(), |row| escape::terminal(&row.told()).into_owned())
            };
            text.push_str(&format!("was:  {}\nis:   {}\n", tell(was), tell(is)));
        }
        if settings.version != env!("CARGO_PKG_VERSION") {
            text.push_str(&format!(
                "made by version {}, this is {}\n",
                escape::terminal(&settings.version),
                env!("CARGO_PKG_VERSION")
            ));
        }
        let shared = if settings.shared {
            ", shared: addresses, names and payload were replaced"
        } else {
            ""
        };
        let exit = if differences.is_empty() {
            text.push_str(&format!(
                "{}: every file is as it was, and its packets give the same {} verdicts{shared}\n",
                escape::terminal(&self.path.display().to_string()),
                found.len()
            ));
            Exit::Done
        } else {
            text.push_str(&format!(
                "{} of {} verdicts differ\n",
                differences.len(),
                expected.len()
            ));
            Exit::BrokeOff
        };
        Ok(exit.max(stdout_exit(std::io::stdout().write_all(text.as_bytes()))))
    }
}

/// The verdicts of a capture, in order.
fn replay(source: &mut dyn FrameSource, config: Config) -> Result<Vec<Row>, Exit> {
    let mut rows: Vec<Row> = flows(source, config)?.iter().map(Row::of).collect();
    rows.sort();
    Ok(rows)
}

/// The flows of a capture.
pub(super) fn flows(source: &mut dyn FrameSource, config: Config) -> Result<Vec<FlowEvent>, Exit> {
    let mut classifier = Classifier::new(config);
    let (mut events, mut flows) = (Vec::new(), Vec::new());
    loop {
        let polled = source.poll(BATCH_FRAMES, &mut |frame| {
            classifier.ingest(frame, &mut events);
        });
        collect(&mut events, &mut flows);
        match polled {
            Ok(Polled::End) => break,
            Ok(Polled::Frames(_) | Polled::Idle) => {}
            Err(error) => return Err(failed(&error)),
        }
    }
    classifier.finish(&mut events);
    collect(&mut events, &mut flows);
    Ok(flows)
}

fn collect(events: &mut Vec<Event>, flows: &mut Vec<FlowEvent>) {
    flows.extend(events.drain(..).filter_map(|event| match event {
        Event::Flow(flow) => Some(*flow),
        Event::Verdict(_) | Event::Endpoint(_) | Event::Anomaly(_) => None,
    }));
}

/// What is in one sorted list and not in the other, side by side.
fn differences<'a>(
    expected: &'a [Row],
    found: &'a [Row],
) -> Vec<(Option<&'a Row>, Option<&'a Row>)> {
    let only = |rows: &'a [Row], others: &'a [Row]| {
        rows.iter().filter(move |row| others.binary_search(row).is_err())
    };
    let (mut gone, mut new) = (only(expected, found), only(found, expected));
    let mut pairs = Vec::new();
    loop {
        match (gone.next(), new.next()) {
            (None, None) => break,
            pair => pairs.push(pair),
        }
    }
    if pairs.is_empty() && expected.len() != found.len() {
        pairs.push((expected.first(), None));
    }
    pairs
}
