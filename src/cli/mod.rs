//! The command line: arguments, one file a command, exit codes.
//!
//! Data goes to standard output, everything else to standard error.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};

#[cfg(feature = "bundle")]
mod bundle;
#[cfg(feature = "live")]
mod capture_guide;
mod completions;
mod console;
#[cfg(feature = "live")]
mod doctor;
mod event_writer;
mod exit;
mod explain;
mod fail_on;
mod features;
mod helper_process;
#[cfg(feature = "live")]
mod interfaces;
#[cfg(feature = "live")]
mod live;
#[cfg(feature = "live")]
mod live_view;
mod log;
mod manual;
mod output_file;
mod overwriting;
mod own_formats;
mod packet_writer;
mod pending_frames;
#[cfg(feature = "live")]
mod process_lookup;
mod progress;
mod read;
#[cfg(feature = "report")]
mod report;
#[cfg_attr(not(feature = "report"), path = "no_report.rs")]
mod report_observer;
mod run;
mod sandbox_args;
mod schema;
mod short;
mod shutdown;
mod signals;
mod site;
mod terminal;
#[cfg(feature = "bundle")]
mod verify;
#[cfg(feature = "live")]
mod who;
mod why;

use exit::stdout_exit;

use crate::capture::file::Options;
use crate::engine::Outcome;
use crate::output::FormatRow;
use portstory_core::config::{Limits, MEMORY_BYTES};
use portstory_core::internal::watch::{FRAMEHAWK_PORTS, TIMELOT_PORT};
use portstory_core::{Config, Watch};

/// Tells what traffic on port 3243 (timelot) and UDP 3224-3324 (Citrix Framehawk) really is.
///
/// Reads packets, from capture files or live, and labels every flow on these ports as timelot-unknown,
/// citrix-framehawk or other, with evidence that can be checked in Wireshark. It never sends a packet.
#[derive(Debug, Parser)]
#[command(
    version,
    long_version = &**features::VERSION,
    about,
    max_term_width = 100,
    override_usage = USAGE,
    after_help = features::shown(EXAMPLES)
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const USAGE: &str = "\
portstory [OPTIONS] FILE|DIR|-...     same as portstory read
       portstory COMMAND ...";

const EXAMPLES: &str = "\
Examples:
  portstory incident.pcapng                    what is on 3243 in this capture?
  portstory why incident.pcapng 3              why does row 3 have its label?
  portstory --format eve captures/ > eve.json
  tcpdump -r old.pcap -w - | portstory -
  sudo portstory live -i eth0                  the same, live; Ctrl-C stops
  portstory report incident.pcapng -o report.html
  sudo portstory who                           which process is it, on this machine?
  sudo portstory doctor                        can this machine capture?
  portstory capture-guide --host windows       how to capture elsewhere
  portstory explain 3243                       what is known about the port

Exit codes: 0 done, 1 a capture or an output failed part-way (what was read is
reported), 2 wrong usage or no capture file, 3 --fail-on matched and nothing
failed.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Label the flows in capture files (pcap, pcapng), folders or standard input
    Read(read::Read),
    /// Label flows live, through libpcap; Ctrl-C stops and prints the summary
    #[cfg(feature = "live")]
    Live(live::Live),
    /// Write a report on what was on the port: a self-contained HTML page, or Markdown for a ticket
    #[cfg(feature = "report")]
    Report(report::Report),
    /// Pack report, EVE, packets, settings and hashes into one zip to hand on
    #[cfg(feature = "bundle")]
    Bundle(bundle::Bundle),
    /// Check a bundle: nothing was changed, and its packets give the same verdicts
    #[cfg(feature = "bundle")]
    Verify(verify::Verify),
    /// Explain why one flow has its label, and what another label would have needed
    Why(why::Why),
    /// List the processes that own sockets on the watched ports of this machine
    #[cfg(feature = "live")]
    Who(who::Who),
    /// Check whether this machine can capture, and print the command that fixes each problem
    #[cfg(feature = "live")]
    Doctor(doctor::Doctor),
    /// Print the commands that capture on another machine, and their pitfalls
    #[cfg(feature = "live")]
    #[command(visible_alias = "plan")]
    CaptureGuide(capture_guide::CaptureGuide),
    /// Explain a port, a protocol, or a word used in a verdict
    Explain(explain::Explain),
    /// List the interfaces that can be captured from
    #[cfg(feature = "live")]
    #[command(after_help = "Example:\n  portstory interfaces")]
    Interfaces,
    /// Print the JSON Schema of the EVE output
    #[command(after_help = "Example:\n  portstory schema > portstory-eve.json")]
    Schema,
    /// Print a completion script for a shell
    Completions(completions::Completions),
    /// Print a manual page (roff): the program's, or a command's
    Man(completions::Man),
    /// What the program starts for itself
    #[command(name = "__open-outputs", hide = true)]
    OpenOutputs(output_file::OpenOutputs),
    /// What the program starts for itself
    #[command(name = "__place-output", hide = true)]
    #[cfg(feature = "bundle")]
    PlaceOutput(output_file::PlaceOutput),
    /// What the program starts for itself
    #[command(name = "__tell-owners", hide = true)]
    #[cfg(feature = "live")]
    TellOwners(process_lookup::TellOwners),
}

/// The ports that are watched.
#[derive(Debug, Args)]
struct Ports {
    /// A port to watch on TCP and UDP; may be repeated [default: 3243]
    #[arg(long = "port", value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    ports: Vec<u16>,

    /// The UDP range of the site's Framehawk policy [default: 3224-3324]
    #[arg(long, value_name = "LOW-HIGH", value_parser = range)]
    framehawk_range: Option<std::ops::RangeInclusive<u16>>,
}

impl Ports {
    /// What is watched, where a site's policy names this range.
    fn watch(&self, policy_range: Option<std::ops::RangeInclusive<u16>>) -> Watch {
        let mut ports: std::collections::BTreeSet<u16> = self.ports.iter().copied().collect();
        if ports.is_empty() {
            ports.insert(TIMELOT_PORT);
        }
        let framehawk = self.framehawk_range.clone().or(policy_range).unwrap_or(FRAMEHAWK_PORTS);
        Watch { ports, framehawk }
    }
}

/// What is watched.
#[derive(Debug, Args)]
struct Watching {
    #[command(flatten)]
    ports: Ports,

    /// Facts about the site's Citrix installation (TOML): vda_versions, framehawk_policy, port_range,
    /// gateways
    #[arg(long, value_name = "FILE")]
    site: Option<PathBuf>,

    /// Known services of the site (TOML): [[service]] with name, port, address, transport
    #[arg(long, value_name = "FILE")]
    known: Option<PathBuf>,

    /// Treat equal 5-tuples in different VLANs as different flows
    #[arg(long)]
    vlan_in_key: bool,

    /// Disable the detector of this protocol; may be repeated
    #[arg(long, value_name = "PROTOCOL", value_parser = detector)]
    without: Option<String>,

    /// Memory limit for flows and endpoints, not counting the ring buffer of a live capture [default:
    /// 256M; for a bundle 192M, with which it is verified]
    #[arg(long, value_name = "SIZE", value_parser = output_file::bytes)]
    memory_max: Option<u64>,

    /// Key of the hash tables, for tests: the output must not depend on it
    #[arg(long, hide = true, value_name = "NUMBER")]
    hash_seed: Option<u64>,
}

impl Watching {
    /// The files that are read for it.
    fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.site.iter().chain(&self.known)
    }

    fn config(&self) -> Result<Config, Outcome> {
        self.config_within(MEMORY_BYTES)
    }

    /// The settings, with so much memory where the command line does not say how much.
    fn config_within(&self, memory: u64) -> Result<Config, Outcome> {
        let memory = self.memory_max.unwrap_or(memory);
        let site = self.site.as_deref().map(site::site).transpose()?;
        let (site, policy_range) = site.map_or((None, None), |(site, range)| (Some(site), range));
        let known = self.known.as_deref().map(site::known).transpose()?.unwrap_or_default();
        Ok(Config {
            watch: self.ports.watch(policy_range),
            vlan_in_key: self.vlan_in_key,
            limits: Limits::within(usize::try_from(memory).unwrap_or(usize::MAX)),
            without: self.without.clone(),
            hash_seed: self.hash_seed.unwrap_or_else(random_seed),
            site,
            known,
            ..Config::default()
        })
    }
}

/// How much is read of compressed captures.
#[derive(Clone, Copy, Debug, Args)]
struct Unpacking {
    /// Read at most this much of each compressed capture, measured after decompression [default: 1000
    /// times its size, at least 256M]
    #[arg(long, value_name = "SIZE", value_parser = output_file::bytes)]
    unpack_max: Option<u64>,
}

impl Unpacking {
    /// How captures are read, until the program is asked to end.
    fn options(self) -> Options {
        let (stop, unpacked_bytes_max) = (shutdown::stop(), self.unpack_max);
        Options { stop, unpacked_bytes_max, ..Options::default() }
    }
}

/// The file that `-o` names; `-` is standard output, as everywhere.
fn named(output: Option<&PathBuf>) -> Option<&PathBuf> {
    output.filter(|path| *path != Path::new("-"))
}

/// What is written, and where.
#[derive(Debug, Args)]
struct Writing {
    /// Output format
    #[arg(long, value_enum, default_value = "text")]
    format: FormatRow,

    /// Write to this file instead of standard output ('-'). This and every other output is compressed
    /// if its name ends in .gz or .zst
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Save all frames of watched flows, fragments included. A name that ends in .pcap or .pcapng
    /// chooses the format; otherwise, and for '-', it is the format of the input (live: pcapng)
    #[arg(short = 'w', long = "write", value_name = "FILE")]
    packets: Option<PathBuf>,

    /// Also write a report at the end, as `portstory report` does: HTML, or Markdown if the name ends
    /// in .md; '-' is standard output
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,

    #[command(flatten)]
    rotating: output_file::Rotating,

    #[command(flatten)]
    overwriting: overwriting::Overwriting,

    /// When to use colour in text output
    #[arg(long, value_enum, default_value_t)]
    color: Color,

    /// Print errors only on standard error
    #[arg(short, long, conflicts_with = "verbose")]
    quiet: bool,

    /// Print more on standard error; repeat for even more
    #[arg(short, long, action = clap::ArgAction::Count)]
    verbose: u8,
}

impl Writing {
    /// Whether flows or packets go into a file.
    fn has_file(&self) -> bool {
        named(self.output.as_ref()).is_some() || named(self.packets.as_ref()).is_some()
    }

    /// The files that are written.
    fn outputs(&self) -> impl Iterator<Item = overwriting::Output<'_>> {
        use overwriting::Output;
        let flows = self.output.as_deref().and_then(|path| Output::new("-o", path));
        let packets = self.packets.as_deref().and_then(|path| Output::new("-w", path));
        let page = self.report.as_deref().and_then(|path| Output::new("--report", path));
        let flows = flows.map(|output| output.rotated(&self.rotating));
        let packets = packets.map(|output| output.of_packets().rotated(&self.rotating));
        [flows, packets, page].into_iter().flatten()
    }

    /// Whether anything goes to standard output.
    fn uses_stdout(&self) -> bool {
        let is_stdout = |path: &Option<PathBuf>| path.as_deref() == Some(Path::new("-"));
        named(self.output.as_ref()).is_none() || is_stdout(&self.packets) || is_stdout(&self.report)
    }

    /// A sentence where two outputs want standard output, or one that is not for it.
    fn check_stdout(&self) -> Result<(), &'static str> {
        let is_stdout = |path: Option<&PathBuf>| path.is_some() && named(path).is_none();
        let flows = named(self.output.as_ref()).is_none();
        match (is_stdout(self.packets.as_ref()), is_stdout(self.report.as_ref())) {
            (true, true) => {
                Err("-w - and --report - both want standard output: name a file for one of them")
            }
            (true, false) if flows => {
                Err("-w - sends packets to standard output: name a file for the flows with -o")
            }
            (false, true) if flows => Err(
                "--report - sends the page to standard output: name a file for the flows with -o",
            ),
            (false, true) if std::io::stdout().is_terminal() => {
                Err("a page is not for a terminal: name a file with --report report.html")
            }
            (true | false, true | false) => Ok(()),
        }
    }
}

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Color {
    /// If writing to a terminal and NO_COLOR is not set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// What a stream of replies from the helper that looks processes up comes to, for `fuzz/`: see
/// `process_lookup::replies_in`.
#[cfg(feature = "live")]
#[doc(hidden)]
pub fn helper_replies(parts: &[&[u8]]) -> Result<Vec<String>, String> {
    process_lookup::replies_in(parts)
}

/// How a command ended; an error where it could not begin, so that `?` leaves it.
type Ended = Result<Outcome, Outcome>;

/// Parses the command line and runs the command.
pub fn main() -> ExitCode {
    if let Some(why) = std::env::args_os().nth(1).and_then(|word| features::missing(&word)) {
        log::say(&why);
        return Outcome::Usage.into();
    }
    let words = short::expand(std::env::args_os(), &Cli::command());
    let cli = match Cli::try_parse_from(words) {
        Ok(cli) => cli,
        Err(error) => return printed(&error),
    };
    let ended = match cli.command {
        Command::Read(read) => read.run(),
        #[cfg(feature = "live")]
        Command::Live(live) => live.run(),
        #[cfg(feature = "report")]
        Command::Report(report) => report.run(),
        #[cfg(feature = "bundle")]
        Command::Bundle(bundle) => bundle.run(),
        #[cfg(feature = "bundle")]
        Command::Verify(verify) => verify.run(),
        Command::Why(why) => why.run(),
        #[cfg(feature = "live")]
        Command::Who(who) => Ok(who.run()),
        #[cfg(feature = "live")]
        Command::Doctor(doctor) => Ok(doctor.run()),
        #[cfg(feature = "live")]
        Command::CaptureGuide(guide) => Ok(guide.run()),
        Command::Explain(explain) => Ok(explain.run()),
        #[cfg(feature = "live")]
        Command::Interfaces => Ok(interfaces::run()),
        Command::Schema => Ok(schema::run()),
        Command::Completions(completions) => Ok(completions.run(&mut Cli::command())),
        Command::Man(man) => Ok(man.run(Cli::command())),
        Command::OpenOutputs(open_outputs) => Ok(open_outputs.run()),
        #[cfg(feature = "bundle")]
        Command::PlaceOutput(place_output) => Ok(place_output.run()),
        #[cfg(feature = "live")]
        Command::TellOwners(tell_owners) => Ok(tell_owners.run()),
    };
    ended.unwrap_or_else(|outcome| outcome).into()
}

/// Help and the version go to standard output, which may be full; what is wrong to standard error.
fn printed(error: &clap::Error) -> ExitCode {
    match error.print() {
        Err(why) if !error.use_stderr() => stdout_exit(Err(why)).into(),
        Ok(()) | Err(_) => ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2)),
    }
}

/// Nobody outside can know it, so nobody can choose 5-tuples that collide.
fn random_seed() -> u64 {
    RandomState::new().build_hasher().finish()
}

fn range(text: &str) -> Result<std::ops::RangeInclusive<u16>, String> {
    let parse = |port: &str| port.trim().parse::<u16>().ok().filter(|&port| port > 0);
    let ends =
        text.split_once(['-', ',']).and_then(|(low, high)| Some((parse(low)?, parse(high)?)));
    match ends {
        Some((low, high)) if low <= high => Ok(low..=high),
        Some(_) | None => Err("give the lowest and the highest port, such as 3224-3324".to_owned()),
    }
}

fn detector(id: &str) -> Result<String, String> {
    let known = portstory_core::DETECTORS.iter().any(|detector| detector.id == id);
    if known {
        Ok(id.to_owned())
    } else {
        Err("no such detector; `portstory explain` lists them".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definitions_hold_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_range_has_a_low_and_a_high_end() {
        assert_eq!(range("3224-3324"), Ok(3224..=3324));
        assert_eq!(range("3224,3324"), Ok(3224..=3324));
        assert!(range("3324-3224").is_err() && range("0-5").is_err() && range("x").is_err());
    }
}
