//! `portstory why`: the whole table for one flow, and what another label would have needed.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;

use super::confine::Confining;
use super::read::failed;
use super::run::stdout_exit;
use super::{Exit, Watching, log};
use crate::capture::file::{self, Options};
use crate::capture::{FrameSource, Polled};
use crate::classifier::Classifier;
use crate::config::Config;
use crate::event::{Evidence, Label};
use crate::judge::account::Account;
use crate::output::{Context, escape, wireshark};

/// Frames that are taken from a source at a time.
const BATCH_FRAMES: usize = 4096;

/// Why one flow has its label.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Why {
    /// The captures that the flow was labelled in, as they were given to `read`
    #[arg(value_name = "FILE|DIR", required = true)]
    paths: Vec<PathBuf>,

    /// The flow: `flow_id` of EVE and CSV
    #[arg(long, value_name = "ID")]
    flow: u64,

    #[command(flatten)]
    watching: Watching,

    #[command(flatten)]
    confining: Confining,
}

const EXAMPLES: &str = "\
Examples:
  portstory read --format csv incident.pcapng  lists the flows' ids
  portstory why incident.pcapng --flow 5418009755880930";

impl Why {
    pub(super) fn run(&self) -> Exit {
        log::start(false, 0, true);
        match self.try_run() {
            Ok(exit) | Err(exit) => exit,
        }
    }

    fn try_run(&self) -> Result<Exit, Exit> {
        let config = Config { account_for: Some(self.flow), ..self.watching.config()? };
        file::exist(&self.paths).map_err(|error| failed(&error))?;
        self.confining.to_reading(&self.paths)?;
        let mut source =
            file::open(&self.paths, Options::default()).map_err(|error| failed(&error))?;
        let mut classifier = Classifier::new(config);
        let mut events = Vec::new();
        loop {
            let polled = source.poll(BATCH_FRAMES, &mut |frame| {
                classifier.ingest(frame, &mut events);
            });
            events.clear();
            match polled {
                Ok(Polled::End) => break,
                Ok(Polled::Frames(_) | Polled::Idle) => {}
                // What was read until then may hold the flow.
                Err(error) => log::error(&error),
            }
        }
        classifier.finish(&mut events);
        let accounts = classifier.take_accounts();
        if accounts.is_empty() {
            log::say(&format!(
                "no flow {} in these captures; `portstory read --format csv` lists their ids",
                self.flow
            ));
            return Err(Exit::Usage);
        }
        let context = Context { sources: source.sources(), live: false };
        let text: Vec<String> = accounts.iter().map(|account| told(account, &context)).collect();
        Ok(stdout_exit(std::io::stdout().write_all(text.join("\n").as_bytes())))
    }
}

fn told(account: &Account, context: &Context<'_>) -> String {
    let Account { flow, .. } = account;
    let verdict = &flow.verdict;
    let mut text = format!(
        "Flow {}  {} {} -> {}\n\n  {} ({}), confidence {}\n  {}\n",
        flow.flow_id,
        flow.transport.name(),
        end(flow.client),
        end(flow.server),
        verdict.label.name(),
        verdict.status.name(),
        verdict.confidence.name(),
        escape::terminal(&verdict.summary),
    );
    let runner_up = verdict.runner_up.map_or("none was possible", Label::name);
    let _ = writeln!(text, "  Runner-up: {runner_up}");
    let _ = writeln!(text, "  {} detectors were asked and found nothing", account.excluded);

    text.push_str("\nWhat was seen, strongest first\n");
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

fn end(socket: crate::event::Socket) -> String {
    std::net::SocketAddr::new(socket.addr, socket.port).to_string()
}
