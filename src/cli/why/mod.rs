//! `portstory why`: the whole table for one flow, what made its notables, and what another label would
//! have needed.
//!
//! Which flow is meant may only turn out once all was read ([`choice`]): then the captures are read
//! again for it.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;

use super::console::Console;
use super::exit::{failed, stdout_exit};
use super::overwriting::{Claims, Overwriting};
use super::sandbox_args::{Confining, Linking};
use super::{Ended, Outcome, Unpacking, Watching, log, shutdown};
use crate::capture::bpf::Bpf;
use crate::capture::file::{self, Options};
use crate::capture::{Filtered, FrameSource as _, SourceInfo};
use crate::engine::{self, Driven, NoteDrops, Observer};
use crate::output::{Context, wireshark};
use crate::{escape, human};
use portstory_core::internal::judge::explanation::Explanation;
use portstory_core::{Config, Evidence, Label};

mod choice;

use choice::{Search, Wanted};

/// Why one flow has its label.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, override_usage = "portstory why [OPTIONS] FILE|DIR|-... [FLOW]")]
pub(super) struct Why {
    /// The captures as they were given to `read`, followed by the flow: its row number in the table,
    /// its client's socket, or its id. Without a flow, the one that most needs attention. For a file
    /// named 3 write ./3
    #[arg(value_name = "FILE|DIR|-", required = true)]
    paths: Vec<PathBuf>,

    /// The flow, if it does not follow the captures
    #[arg(long, value_name = "FLOW")]
    flow: Option<Wanted>,

    /// The filter that `read` was given (see pcap-filter(7))
    #[arg(short = 'f', long, value_name = "EXPRESSION")]
    bpf: Option<String>,

    #[command(flatten)]
    linking: Linking,

    #[command(flatten)]
    watching: Watching,

    #[command(flatten)]
    unpacking: Unpacking,

    #[command(flatten)]
    confining: Confining,
}

const EXAMPLES: &str = "\
Examples:
  portstory why incident.pcapng                the flow to look at first
  portstory why incident.pcapng 3              row 3 of what `portstory read` prints
  portstory why incident.pcapng 10.0.0.5:50123
  portstory why captures/ --flow 5418009755880930

A number is that of the table which `portstory read` prints for the same captures with the same
options. Ids (flow_id in EVE and CSV) are the same everywhere.";

impl Why {
    pub(super) fn run(&self) -> Ended {
        log::start(false, 0);
        let (paths, wanted) = self.split();
        let mut bpf =
            self.bpf.as_deref().map(Bpf::new).transpose().map_err(|error| failed(&error))?;
        let config = self.watching.config()?;
        file::exist(paths).map_err(|error| failed(&error))?;
        let claims = Claims::of_inputs(paths.iter().chain(self.watching.files())).stdout(true);
        claims.following(self.linking.links()).check(Overwriting::default())?;
        let known = wanted.and_then(Wanted::id);
        let is_stream = |path: &PathBuf| {
            path.as_os_str() == "-" || (path.exists() && !path.is_file() && !path.is_dir())
        };
        if known.is_none() && paths.iter().any(is_stream) {
            log::say(
                "a stream can be read only once, and finding a flow takes twice: name a file, or the \
                 flow by its id",
            );
            return Err(Outcome::Usage);
        }
        let _ = shutdown::catch();
        self.confining.to_reading(paths, self.linking.links())?;
        let id = match known {
            Some(id) => id,
            None => self.find(paths, wanted, &config, bpf.as_mut())?,
        };
        if known.is_none() && shutdown::requested() {
            log::say(
                "the program was interrupted before the captures were read a second time, for the \
                 flow; named by its id it takes once",
            );
            return Err(Outcome::BrokeOff);
        }
        let config = Config { account_for: Some(id), ..config };
        let (sources, mut driven) =
            self.read(paths, config, bpf.as_mut(), &mut Console::default())?;
        let accounts = driven.classifier.take_explanations();
        if accounts.is_empty() {
            log::say(&format!(
                "no flow {id} in these captures; `portstory read --format csv` lists their ids"
            ));
            return Err(Outcome::Usage);
        }
        let context = Context { sources: &sources, live: false };
        let text: Vec<String> = accounts.iter().map(|account| told(account, &context)).collect();
        // What can't be read, in whatever way, may hold the flow as well.
        let exit = driven.outcome.min(Outcome::BrokeOff);
        Ok(exit.max(stdout_exit(shutdown::Stdout.write_all(text.join("\n").as_bytes()))))
    }

    /// The captures, and the flow where it is named behind them.
    fn split(&self) -> (&[PathBuf], Option<Wanted>) {
        if let (None, [paths @ .., last]) = (self.flow, &*self.paths)
            && !paths.is_empty()
            && let Some(wanted) = last.to_str().and_then(|last| last.parse().ok())
        {
            return (paths, Some(wanted));
        }
        (&self.paths, self.flow)
    }

    /// Reads the captures once to see which flow is meant.
    fn find(
        &self,
        paths: &[PathBuf],
        wanted: Option<Wanted>,
        config: &Config,
        bpf: Option<&mut Bpf>,
    ) -> Result<u64, Outcome> {
        let mut search = Search::new(wanted);
        // What is to be warned of is told when they are read again.
        let (sources, _) = self.read(paths, config.clone(), bpf, &mut search)?;
        search.finish(&Context { sources: &sources, live: false }).map_err(|why| {
            log::lines(&why);
            Outcome::Usage
        })
    }

    /// Reads the captures to their end. What cannot be read is no hindrance: the rest may hold the flow.
    fn read(
        &self,
        paths: &[PathBuf],
        config: Config,
        bpf: Option<&mut Bpf>,
        observer: &mut dyn Observer,
    ) -> Result<(Vec<SourceInfo>, Driven), Outcome> {
        let options = Options { links: self.linking.links(), ..self.unpacking.options() };
        let mut source = file::open(paths, options).map_err(|error| failed(&error))?;
        let mut source = Filtered { source: &mut source, bpf };
        let driven = engine::drive(&mut source, config, &mut [&mut NoteDrops, observer]);
        Ok((source.sources().to_vec(), driven))
    }
}

fn told(account: &Explanation, context: &Context<'_>) -> String {
    let Explanation { flow, .. } = account;
    let verdict = &flow.verdict;
    let mut text = format!(
        "Flow {}  {} {} -> {}\n  from {} to {} UTC; client and server by {}\n\n  {} ({}), confidence {}\n  {}\n",
        flow.flow_id,
        flow.transport.name(),
        flow.client,
        flow.server,
        human::Clock(flow.start),
        human::Clock(flow.end),
        flow.roles.reason(),
        verdict.label.name(),
        verdict.status.name(),
        verdict.confidence.name(),
        escape::terminal(&verdict.summary),
    );
    let runner_up = verdict.runner_up.map_or("none was possible", Label::name);
    let _ = writeln!(text, "  Runner-up: {runner_up}");
    let _ = writeln!(text, "  {} detectors were asked and found nothing", account.excluded);

    if !account.notables.is_empty() {
        text.push_str("\nWhat is notable, and why\n");
    }
    for reason in &account.notables {
        let (name, fact) = (reason.notable.name(), escape::terminal(&reason.fact));
        let _ = writeln!(text, "  {name}: {fact} ({})", context.frame_name(reason.frame));
    }
    text.push_str("\nEvidence, strongest first\n");
    for piece in &account.fired {
        let _ = writeln!(text, "{}", row(piece, context));
    }
    for id in &account.outdone {
        let _ = writeln!(text, "        {id}: fired, but a stronger rule of its group counts");
    }
    text.push_str("\nSums, uncalibrated log-odds\n");
    for (label, sum) in Label::ALL.into_iter().zip(account.sums) {
        let sum = sum.map_or("not in the race".to_owned(), |sum| format!("{sum:+.1}"));
        let _ = writeln!(text, "  {:17} {sum}", label.name());
    }

    text.push_str("\nWhat alone would have changed the label\n");
    if account.missing.is_empty() {
        text.push_str("  no single rule\n");
    }
    for (rule, label) in &account.missing {
        let (id, weight, sees) = (rule.id, rule.weight, rule.observes);
        let _ = writeln!(text, "  {weight:+.1}  {id} -> {}: not seen: {sees}", label.name());
    }

    let question = match verdict.label {
        Label::CitrixFramehawk => "What speaks for Framehawk",
        Label::TimelotUnknown | Label::Other => "Why not Framehawk",
    };
    let _ = writeln!(text, "\n{question}: what it needs or what would speak for it");
    for (holds, condition) in &account.framehawk {
        let _ = writeln!(text, "  {} {condition}", if *holds { "yes" } else { "no " });
    }
    let _ = writeln!(text, "\nIn Wireshark\n  {}", wireshark::flow_filter(flow));
    text
}

fn row(piece: &Evidence, context: &Context<'_>) -> String {
    format!(
        "  {:+.1}  {} for {}: {} ({})",
        piece.weight,
        piece.rule,
        piece.speaks_for.name(),
        escape::terminal(&piece.fact),
        context.frame_name(piece.frame)
    )
}
