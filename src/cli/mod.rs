//! The command line: arguments, one file a command, exit codes.
//!
//! Data goes to standard output, everything else to standard error.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};

mod bundle;
mod capture_guide;
mod completions;
mod doctor;
mod exit;
mod explain;
mod fail_on;
mod helper_process;
mod interfaces;
mod live;
mod live_view;
mod log;
mod manual;
mod output_file;
mod overwriting;
mod own_formats;
mod packet_writer;
mod pending_frames;
mod process_lookup;
mod progress;
mod read;
mod report;
mod report_observer;
mod run;
mod sandbox_args;
mod schema;
mod short;
mod shutdown;
mod signals;
mod site;
mod terminal;
mod verify;
mod who;
mod why;

use exit::{Exit, stdout_exit};

use crate::capture::file::Options;
use portstory_core::config::{Config, Limits};
use portstory_core::watch::{FRAMEHAWK_PORTS, TIMELOT_PORT, Watch};

/// Tells what traffic on port 3243 (timelot) and UDP 3224-3324 (Citrix Framehawk) really is.
///
/// It looks at packets, from capture files or live, and labels every flow in range as
/// timelot-unknown, citrix-framehawk or other, with evidence that can be checked in Wireshark.
/// It never sends a packet.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 100, override_usage = USAGE, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const USAGE: &str = "\
portstory [OPTIONS] FILE|DIR|-...     as portstory read
       portstory COMMAND ...";

const EXAMPLES: &str = "\
Examples:
  portstory incident.pcapng                    what is on 3243 in this capture?
  portstory why incident.pcapng 3              why has row 3 its label?
  portstory --format eve captures/ > eve.json
  tcpdump -r old.pcap -w - | portstory -
  sudo portstory live -i eth0                  the same, live; Ctrl-C ends it
  portstory report incident.pcapng -o report.html
  sudo portstory who                           which process is it, on this machine?
  sudo portstory doctor                        can this machine capture?
  portstory capture-guide --host windows       how to capture elsewhere
  portstory explain 3243                       what is known of the port

Exit codes: 0 done, 1 a capture or an output failed part-way (what was read is
reported), 2 wrong use or nothing that is a capture, 3 --fail-on was met and
nothing failed.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Label the flows in capture files (pcap, pcapng), folders or standard input
    Read(read::Read),
    /// Label flows live, through libpcap; Ctrl-C ends it with the summary
    Live(live::Live),
    /// One page that answers what was on the port: HTML that stands alone, or Markdown for a ticket
    Report(report::Report),
    /// Pack report, EVE, packets, settings and hashes into a zip that can be handed on
    Bundle(bundle::Bundle),
    /// Check such a zip: nothing changed, and its packets give the same verdicts
    Verify(verify::Verify),
    /// Why one flow has its label, and what another label would have needed
    Why(why::Why),
    /// The processes behind the sockets on the watched ports of this machine
    Who(who::Who),
    /// Whether this machine can capture, with the command that fixes what is not right
    Doctor(doctor::Doctor),
    /// The commands that capture on another machine, and their pitfalls
    #[command(visible_alias = "plan")]
    CaptureGuide(capture_guide::CaptureGuide),
    /// What is known of a port or a protocol, and what the words of a verdict mean
    Explain(explain::Explain),
    /// The interfaces that can be captured from
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
    PlaceOutput(output_file::PlaceOutput),
    /// What the program starts for itself
    #[command(name = "__tell-owners", hide = true)]
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

    /// What the site says of its Citrix installation (TOML): vda_versions, framehawk_policy,
    /// port_range, gateways
    #[arg(long, value_name = "FILE")]
    site: Option<PathBuf>,

    /// Services that the site names itself (TOML): [[service]] with name, port, address, transport
    #[arg(long, value_name = "FILE")]
    known: Option<PathBuf>,

    /// Take equal 5-tuples in different VLANs for different flows
    #[arg(long)]
    vlan_in_key: bool,

    /// Leave a detector out, to see what its absence would change
    #[arg(long, value_name = "PROTOCOL", value_parser = detector)]
    without: Option<String>,

    /// Memory for flows and what is known of endpoints, the capture's ring aside
    #[arg(long, value_name = "SIZE", value_parser = output_file::bytes, default_value = "256M")]
    memory_max: u64,

    /// Key of the hash tables, for tests: the output must not depend on it
    #[arg(long, hide = true, value_name = "NUMBER")]
    hash_seed: Option<u64>,
}

impl Watching {
    /// The files that are read for it.
    fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.site.iter().chain(&self.known)
    }

    fn config(&self) -> Result<Config, Exit> {
        let site = self.site.as_deref().map(site::site).transpose()?;
        let (site, policy_range) = site.map_or((None, None), |(site, range)| (Some(site), range));
        let known = self.known.as_deref().map(site::known).transpose()?.unwrap_or_default();
        Ok(Config {
            watch: self.ports.watch(policy_range),
            vlan_in_key: self.vlan_in_key,
            limits: Limits::within(usize::try_from(self.memory_max).unwrap_or(usize::MAX)),
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
    /// How much of each compressed capture is read, unpacked [default: 1000 times its size, 256M at
    /// least]
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
    /// How the flows are written
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,

    /// Write to this file instead of standard output, which '-' is; compressed where the name ends in
    /// .gz or .zst, as of the other outputs
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Save all frames of watched flows, those of fragments too: as pcap where the name ends in .pcap,
    /// as pcapng where it ends in .pcapng, else ('-' for standard output too) in the format that came
    /// in, which live is pcapng
    #[arg(short = 'w', long = "write", value_name = "FILE")]
    packets: Option<PathBuf>,

    /// At the end, write one page that answers what was on the port, as `portstory report` does; as
    /// Markdown where the name ends in .md; '-' is standard output
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,

    #[command(flatten)]
    rotating: output_file::Rotating,

    #[command(flatten)]
    overwriting: overwriting::Overwriting,

    /// Colour in text output
    #[arg(long, value_enum, default_value_t)]
    color: Color,

    /// Say less on standard error: errors only
    #[arg(short, long, conflicts_with = "verbose")]
    quiet: bool,

    /// Say more on standard error; twice for even more
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

/// The outputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum OutputFormat {
    /// A table for people
    #[default]
    Text,
    /// Suricata's EVE JSON, one object a line
    Eve,
    /// One row a flow
    Csv,
}

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Color {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// What a stream of replies from the helper that looks processes up comes to, for `fuzz/`: see
/// `process_lookup::replies_in`.
#[doc(hidden)]
pub fn helper_replies(parts: &[&[u8]]) -> Result<Vec<String>, String> {
    process_lookup::replies_in(parts)
}

/// Parses the command line and runs the command.
pub fn main() -> ExitCode {
    let words = short::expand(std::env::args_os(), &Cli::command());
    let cli = match Cli::try_parse_from(words) {
        Ok(cli) => cli,
        Err(error) => return printed(&error),
    };
    let exit = match cli.command {
        Command::Read(read) => read.run(),
        Command::Live(live) => live.run(),
        Command::Report(report) => report.run(),
        Command::Bundle(bundle) => bundle.run(),
        Command::Verify(verify) => verify.run(),
        Command::Why(why) => why.run(),
        Command::Who(who) => who.run(),
        Command::Doctor(doctor) => doctor.run(),
        Command::CaptureGuide(guide) => guide.run(),
        Command::Explain(explain) => explain.run(),
        Command::Interfaces => interfaces::run(),
        Command::Schema => schema::run(),
        Command::Completions(completions) => completions.run(&mut Cli::command()),
        Command::Man(man) => man.run(Cli::command()),
        Command::OpenOutputs(open_outputs) => open_outputs.run(),
        Command::PlaceOutput(place_output) => place_output.run(),
        Command::TellOwners(tell_owners) => tell_owners.run(),
    };
    exit.into()
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
    let known = portstory_core::identify::DETECTORS.iter().any(|detector| detector.id == id);
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
