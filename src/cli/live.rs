//! `portstory live`.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::io::Write as _;
use std::os::fd::AsRawFd as _;
use std::rc::Rc;

use clap::{Args, ValueEnum};

use super::exit::{failed, stdout_exit};
use super::process_lookup::{Looking, Lookups, ProcessLookup};
use super::run::{Run, RunsUntil};
use super::sandbox_args::Confining;
use super::{Ended, Outcome, Watching, Writing, live_view, log, shutdown};
use crate::capture::FrameSource as _;
use crate::capture::file::Links;
use crate::capture::live::{
    Filter, KernelFilter, Live as Capture, Options, default_filter, own_filter,
};
use crate::escape;
use portstory_core::{LinkType, Watch};

/// Label flows live.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Live {
    /// Interface to capture from, or `any` for all; may be repeated
    #[arg(
        short,
        long = "interface",
        value_name = "IFACE",
        required_unless_present = "show_filter"
    )]
    interfaces: Vec<String>,

    /// Only read frames that match this capture filter (see pcap-filter(7)); the kernel applies it
    #[arg(short = 'f', long, value_name = "EXPRESSION", conflicts_with = "filter")]
    bpf: Option<String>,

    /// Where to filter out frames that cannot be of interest
    #[arg(long, value_enum, default_value_t)]
    filter: FilterIn,

    /// Print the kernel filter and what it misses, then exit
    #[arg(long)]
    show_filter: bool,

    /// Put the interface into promiscuous mode, as needed on a mirror port
    #[arg(short, long)]
    promiscuous: bool,

    /// Size of the ring buffer of each interface, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=2047))]
    ring: u32,

    /// Snap length: keep at most this many bytes of each frame
    #[arg(long, value_name = "BYTES", default_value_t = 262_144, value_parser = clap::value_parser!(u32).range(64..=262_144))]
    snaplen: u32,

    #[command(flatten)]
    looking: Looking,

    #[command(flatten)]
    watching: Watching,

    #[command(flatten)]
    writing: Writing,

    #[command(flatten)]
    confining: Confining,
}

const EXAMPLES: &str = "\
Examples:
  sudo portstory live -i eth0
  sudo portstory live -i eth0 --promiscuous    a mirror port
  sudo portstory live -i eth0 --format eve -o eve.json --rotate-size 100M --keep 20
  portstory live --show-filter

Flows that begin or end on this machine include the owning process.";

impl Live {
    pub(super) fn run(&self) -> Ended {
        log::start(self.writing.quiet, self.writing.verbose);
        if self.show_filter {
            let text = self.describe(&self.watching.config()?.watch);
            return Ok(stdout_exit(std::io::stdout().write_all(text.as_bytes())));
        }
        let mut plan = self.confining.plan()?;
        let options = Options {
            filter: match &self.bpf {
                Some(expression) => {
                    KernelFilter::Expression(expression.clone(), self.watching.config()?.watch)
                }
                None if self.filter == FilterIn::Kernel => {
                    KernelFilter::Watching(self.watching.config()?.watch)
                }
                None => KernelFilter::Everything,
            },
            ring_bytes: self.ring << 20,
            snap_bytes: self.snaplen,
            promiscuous: self.promiscuous,
            ..Options::new(self.interfaces.clone())
        };
        let helpers = self.confining.of_helpers(&plan);
        // Before the capture, whose handle the helper must not inherit.
        let mut run = Run::new(
            &[],
            Links::Inside,
            &self.watching,
            &self.writing,
            RunsUntil::EndedLive,
            &helpers,
        )?;
        let owners = self.looking.start(&run.config.watch, &helpers);
        // Not before: until outputs are open a signal has nothing to end but the program.
        let stop = shutdown::catch().map_err(|error| {
            log::say(&format!("signals cannot be caught: {error}"));
            Outcome::BrokeOff
        })?;
        let mut capture = Capture::open(&options, stop).map_err(|error| failed(&error))?;
        plan.receive_only = capture.handles().iter().map(|handle| handle.as_raw_fd()).collect();
        self.confining.enter(&plan)?;
        if !self.writing.quiet {
            log::say(&format!(
                "listening on {}, {}; Ctrl-C ends it with the summary",
                self.interfaces.join(", "),
                self.who_filters()
            ));
            for (source, filter) in capture.sources().iter().zip(capture.filters()) {
                if !filter.expression.is_empty() {
                    let name = escape::terminal(&source.name);
                    log::say(&format!("{name}: the kernel passes {}", list(&filter.covers)));
                    log::say(&format!("{name}: the kernel filters out {}", list(&filter.misses)));
                }
            }
        }
        self.watch_processes(&mut run, owners);
        Ok(run.drive(&mut capture))
    }

    fn who_filters(&self) -> &'static str {
        match (&self.bpf, self.filter) {
            (Some(_), _) => "the kernel applies your filter",
            (None, FilterIn::User) => "every frame is inspected, tunnels and fragments included",
            (None, FilterIn::Kernel) => "the kernel filters",
        }
    }

    /// Shows flows with their processes, as far as these are looked for.
    fn watch_processes(&self, run: &mut Run, owners: Option<Rc<RefCell<ProcessLookup>>>) {
        let names = owners.clone();
        let name = move |flow| names.as_ref()?.borrow().process(flow);
        run.progress = live_view::of_live(&self.writing, Box::new(name));
        let Some(owners) = owners else { return };
        // A table has a place for findings.
        let says = !self.writing.format.is_text();
        run.lookups = Some(Box::new(Lookups { owners: Rc::clone(&owners), says }));
        run.lookups_so_far = Some(Box::new(move || owners.borrow().progress()));
    }
}

/// Where frames that are surely of no interest are left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum FilterIn {
    /// In portstory, which sees every frame, tunnels and fragments included
    #[default]
    User,
    /// In the kernel, which costs less and misses what `--show-filter` lists
    Kernel,
}

impl Live {
    /// What the kernel's filter covers on each link type that an interface may have.
    fn describe(&self, watch: &Watch) -> String {
        let filter = |link| match &self.bpf {
            Some(expression) => own_filter(expression, watch, link),
            None => default_filter(watch, link),
        };
        let ethernet = filter(LinkType(1));
        let mut text = format!(
            "Without --filter kernel every frame is inspected here, and nothing is missed. The \
             kernel's filter, on\nEthernet, in the language of pcap-filter(7):\n\n  {}\n",
            ethernet.expression
        );
        describe_coverage(&mut text, &ethernet);
        let mut told = vec![("Ethernet", ethernet)];
        for (number, name) in OTHER_LINKS {
            let other = filter(LinkType(number));
            let _ = write!(text, "\nOn {name} (link type {number})");
            let same = told
                .iter()
                .find(|(_, one)| (&one.covers, &one.misses) == (&other.covers, &other.misses));
            if let Some((like, _)) = same {
                let _ = writeln!(text, ": as on {like}");
                continue;
            }
            text.push_str(":\n");
            describe_coverage(&mut text, &other);
            told.push((name, other));
        }
        text
    }
}

/// Link types that interfaces have, besides Ethernet.
const OTHER_LINKS: [(u16, &str); 8] = [
    (113, "all interfaces at once, older kernels"),
    (276, "all interfaces at once"),
    (101, "a tunnel device, raw IP"),
    (0, "BSD's loopback"),
    (108, "OpenBSD's loopback"),
    (9, "PPP"),
    (105, "802.11"),
    (127, "802.11 with radiotap"),
];

fn describe_coverage(text: &mut String, filter: &Filter) {
    for (title, phrases) in
        [("It lets through", &filter.covers), ("It does not cover", &filter.misses)]
    {
        let _ = writeln!(text, "\n{title}:");
        for phrase in phrases {
            let _ = writeln!(text, "  - {phrase}");
        }
    }
}

fn list(phrases: &[&str]) -> String {
    if phrases.is_empty() { "unknown".to_owned() } else { phrases.join("; ") }
}
