//! `portstory verify`: is a bundle as it was made, and do its packets give its verdicts?

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;

use super::exit::{failed, stdout_exit};
use super::output_file::bytes;
use super::overwriting::{Claims, Overwriting};
use super::sandbox_args::Confining;
use super::{Ended, log};
use crate::bundle::{Row, Tally, verify};
use crate::capture::file::{self, Links, Options};
use crate::capture::{CaptureError, FrameSource};
use crate::engine::{self, KnownDrops, Observer, Outcome, Reading};
use crate::escape;
use portstory_core::config::{BUNDLE_MEMORY_BYTES, BundleLimits, Limits};
use portstory_core::internal::flow::correlation::Drops;
use portstory_core::{Config, Event, FlowEvent};

/// Verdicts that differ, named one by one.
const NAMED_MAX: usize = 10;

/// Check a bundle: nothing changed, and its packets give the same verdicts.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Verify {
    /// A zip made by `portstory bundle`
    #[arg(value_name = "ZIP")]
    path: PathBuf,

    /// Refuse a bundle that is larger than this once unpacked
    #[arg(long, value_name = "SIZE", value_parser = bytes, default_value = "4G")]
    limit: u64,

    /// Memory limit for flows and services, as with `read` [default: what `bundle` had, at most 192M]
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    memory_max: Option<u64>,

    #[command(flatten)]
    confining: Confining,
}

const EXAMPLES: &str = "\
Example:
  portstory verify incident.zip";

impl Verify {
    pub(super) fn run(&self) -> Ended {
        log::start(false, 0);
        Claims::of_inputs([&self.path]).stdout(true).check(Overwriting::default())?;
        self.confining.to_reading(std::slice::from_ref(&self.path), Links::Inside)?;
        let refused = |why: verify::Refusal| {
            log::error(&why);
            Outcome::BrokeOff
        };
        let limits = BundleLimits { unpacked_bytes_max: self.limit, ..BundleLimits::default() };
        let bundle = verify::Bundle::open(&self.path, limits).map_err(refused)?;
        let expected = bundle.verdicts().map_err(refused)?;
        let count = expected.count();
        let (mut found, mut is) = (Tally::default(), Vec::new());
        let full = replay(&bundle, self.config(&bundle), &mut |row| {
            found.add(&row);
            if is.len() < NAMED_MAX && !expected.holds(&row) {
                is.push(row);
            }
            // What the bundle does not tell of is not counted to the end.
            found.count() <= count.saturating_add(NAMED_MAX)
        })?;
        let (gone, new) = expected.differences(found);
        let differ = gone.count().max(new.count());
        let mut text = String::new();
        if differ > 0 {
            let flows: BTreeSet<u128> = is.iter().map(Tally::flow).collect();
            let (mut was, mut others) = (Vec::new(), Vec::new());
            bundle
                .each_verdict(&mut |row| {
                    let rows =
                        if flows.contains(&Tally::flow(&row)) { &mut was } else { &mut others };
                    if rows.len() < NAMED_MAX && gone.holds(&row) {
                        rows.push(row);
                    }
                })
                .map_err(refused)?;
            was.append(&mut others);
            text.push_str(&side_by_side(&was, &is));
        }
        if !bundle.is_of_this_version() {
            let version: String = bundle.settings.version.chars().take(40).collect();
            text.push_str(&format!(
                "made by version {}, this is {}\n",
                escape::terminal(&version),
                env!("CARGO_PKG_VERSION")
            ));
        }
        let exit = if differ == 0 {
            text.push_str(&self.praise(&bundle, count));
            Outcome::Done
        } else {
            text.push_str(&format!("{differ} of {count} verdicts differ\n"));
            if full {
                text.push_str(
                    "with so many flows there was no room for all; that alone may be why: give \
                     --memory-max what `bundle` had",
                );
                text.push_str(&match bundle.settings.memory_max {
                    Some(bytes) => format!(", {}M\n", bytes >> 20),
                    None => " (256M where it was not told otherwise)\n".to_owned(),
                });
            }
            Outcome::BrokeOff
        };
        Ok(exit.max(stdout_exit(std::io::stdout().write_all(text.as_bytes()))))
    }

    fn config(&self, bundle: &verify::Bundle) -> Config {
        let of_bundle = || bundle.settings.memory_max.unwrap_or(u64::MAX).min(BUNDLE_MEMORY_BYTES);
        let memory =
            usize::try_from(self.memory_max.unwrap_or_else(of_bundle)).unwrap_or(usize::MAX);
        Config { limits: Limits::within(memory), ..bundle.settings.config() }
    }

    /// What was found to be so, and what was not asked.
    fn praise(&self, bundle: &verify::Bundle, verdicts: usize) -> String {
        let shared = if bundle.settings.shared {
            ", shared: addresses, names and payload were replaced"
        } else {
            ""
        };
        let report = if bundle.is_of_this_version() {
            "report.html (it has no script and links nowhere)"
        } else {
            "report.html (not looked at: another version's)"
        };
        format!(
            "{}: every file is unchanged, and its packets give the same {verdicts} \
             verdicts{shared}\n\
             compared with the packets: verdicts.json, and the same verdicts in eve.json\n\
             by hashes alone, which anybody can make anew: {report}, the rest of eve.json, settings.json\n",
            escape::terminal(&self.path.display().to_string()),
        )
    }
}

/// Verdicts that are gone and those that came instead, flow by flow.
fn side_by_side(was: &[Row], is: &[Row]) -> String {
    let all: BTreeSet<_> = was.iter().chain(is).map(|row| (row.start, Tally::flow(row))).collect();
    let of = |rows: &[Row], flow| {
        let row = rows.iter().find(|row| Tally::flow(row) == flow);
        row.map_or("nothing".to_owned(), |row| escape::terminal(&row.told()).into_owned())
    };
    let flows = all.into_iter().take(NAMED_MAX);
    flows.map(|(_, flow)| format!("was:  {}\nis:   {}\n", of(was, flow), of(is, flow))).collect()
}

/// Shows the verdicts that the packets of a bundle give, as long as they are wanted. Whether there was no
/// room for all that they rest on.
fn replay(
    bundle: &verify::Bundle,
    config: Config,
    wanted: &mut dyn FnMut(Row) -> bool,
) -> Result<bool, Outcome> {
    let packets = bundle.packets().map_err(|error| {
        log::error(&error);
        Outcome::BrokeOff
    })?;
    let source = file::open_stream(packets, crate::bundle::EVIDENCE, Options::default());
    let mut source = source.map_err(|error| failed(&error))?;
    let drops = bundle.settings.dropped;
    each_flow(&mut source, config, drops, &mut |flow| wanted(Row::of(&flow)))
}

/// The flows of a capture.
pub(super) fn flows(
    source: &mut dyn FrameSource,
    config: Config,
) -> Result<Vec<FlowEvent>, Outcome> {
    let mut flows = Vec::new();
    each_flow(source, config, None, &mut |flow| {
        flows.push(flow);
        true
    })?;
    Ok(flows)
}

/// Shows the flows of a capture as they end, as long as they are wanted. Whether a table was full.
fn each_flow(
    source: &mut dyn FrameSource,
    config: Config,
    drops: Option<Drops>,
    wanted: &mut dyn FnMut(FlowEvent) -> bool,
) -> Result<bool, Outcome> {
    let mut flows = Flows { wanted, enough: false };
    let driven = engine::drive(source, config, &mut [&mut KnownDrops(drops), &mut flows]);
    match (flows.enough, driven.outcome) {
        (true, _) => Ok(false),
        (false, Outcome::Done) => Ok(driven.summary.shortfalls.reached().next().is_some()),
        (false, outcome) => Err(outcome),
    }
}

/// Takes flows until there are enough. A capture at fault shows none any more.
struct Flows<'a> {
    wanted: &'a mut dyn FnMut(FlowEvent) -> bool,
    enough: bool,
}

impl Observer for Flows<'_> {
    fn error(&mut self, error: &CaptureError) {
        log::error(error);
    }

    fn batch(&mut self, reading: &mut Reading<'_>) {
        let goes_on = reading.events.drain(..).all(|event| match event {
            Event::Flow(flow) => (self.wanted)(*flow),
            Event::Verdict(_) | Event::Endpoint(_) | Event::Anomaly(_) => true,
        });
        self.enough |= !goes_on && !reading.is_end;
        if self.enough || reading.outcome != Outcome::Done {
            reading.abandon();
        }
    }
}
