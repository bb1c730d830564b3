//! `portstory doctor`: can this machine capture, and how well?

use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;

use super::exit::stdout_exit;
use super::helper_process::Sandboxing;
use super::process_lookup::Scope;
use super::who::ReplyFormat;
use super::{Outcome, log, output_file, process_lookup, terminal};
use crate::capture::FrameSource as _;
use crate::capture::live::{Live, Options, Stop, interfaces};
use crate::host::health::{self, Check, Level};
use crate::output;
use crate::sandbox::{self, Plan, Report, User};
use portstory_core::Watch;
use portstory_core::config::PROCESS_LOOKUP_CPU_PERCENT;
use portstory_core::internal::decode;

/// Whether this machine can capture, and the command that fixes what is not right.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Doctor {
    /// Interface to check; may be repeated [default: all that are up]
    #[arg(short, long = "interface", value_name = "IFACE")]
    interfaces: Vec<String>,

    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: ReplyFormat,
}

const EXAMPLES: &str = "\
Examples:
  sudo portstory doctor -i eth0
  sudo portstory doctor --format json | jq '.checks[] | select(.level != \"ok\")'

Each line is ok, a note (a capture works; read it with this in mind) or bad, the last two with the
command to run. Nothing is changed and nothing is sent: each interface is opened and closed again.

Exit codes: 0 no problem found, 1 a problem was found.";

impl Doctor {
    pub(super) fn run(&self) -> Outcome {
        // Asked for now: the sandbox will not let it be asked.
        let width = terminal::width();
        let mut checks = health::of_machine();
        for name in self.names() {
            let own = capture(&name).into_iter().chain(health::of_interface(&name));
            checks.extend(
                own.map(|check| Check { name: format!("{name}: {}", check.name), ..check }),
            );
        }
        // Last, as there is no way back from it.
        checks.extend(confinement());
        let worst = checks.iter().map(|check| check.level).max();
        let text = match self.format {
            ReplyFormat::Text => output::host::checks_text(&checks, width),
            ReplyFormat::Json => output::host::checks_json(&checks),
        };
        let exit = stdout_exit(std::io::stdout().write_all(text.as_bytes()));
        if worst == Some(Level::Bad) { exit.max(Outcome::BrokeOff) } else { exit }
    }

    fn names(&self) -> Vec<String> {
        if !self.interfaces.is_empty() {
            return self.interfaces.clone();
        }
        let list = interfaces::list().unwrap_or_else(|error| {
            log::error(&error);
            Vec::new()
        });
        let wanted = list.into_iter().filter(|it| {
            interfaces::is_network(&it.name) && it.flags.is_up() && !it.flags.is_loopback()
        });
        wanted.map(|interface| interface.name).filter(|name| name != "any").collect()
    }
}

/// Opens an interface as `live` would, with a ring as large, and closes it again.
fn capture(name: &str) -> Vec<Check> {
    // No signal is caught: it ends the program, which has nothing to tell yet.
    let stop = match Stop::by_hand() {
        Ok(stop) => stop,
        Err(error) => return vec![Check::bad("capture", error.to_string(), "portstory doctor")],
    };
    let options = Options::new(vec![name.to_owned()]);
    let mut live = match Live::open(&options, stop) {
        Ok(live) => live,
        // The sentence says itself what to do.
        Err(error) => {
            return vec![Check::bad("capture", error.message, "portstory interfaces")];
        }
    };
    let mut checks = Vec::new();
    for link in live.sources().iter().flat_map(|source| source.links.clone()) {
        checks.push(match decode::link::find(link) {
            Some(row) => Check::ok("link type", format!("{} ({})", link.0, row.name)),
            None => Check::bad(
                "link type",
                format!("{} is not opened by this program", link.0),
                "portstory interfaces",
            ),
        });
    }
    let mebibytes = options.ring_bytes >> 20;
    let notices = live.take_notices();
    if notices.is_empty() {
        checks.push(Check::ok("ring", format!("{mebibytes} MiB")));
    }
    checks.extend(notices.into_iter().map(|notice| {
        Check::note("ring", notice.message, format!("portstory live -i {name} --ring 8"))
    }));
    checks
}

/// What the helpers of `live` give up, where outputs are in the current folder, and what this process
/// does, and tells what the kernel has no means for. Read back from the kernel.
fn confinement() -> Vec<Check> {
    let account = User::usual();
    let sandboxing = Sandboxing { account: account.clone(), ..Sandboxing::default() };
    let output = [PathBuf::from("portstory")];
    let opening =
        output_file::Helper::start(&output, &output_file::Rotating::default(), &sandboxing)
            .map(|helper| helper.0.report.clone());
    let (watch, scope, percent) = (Watch::default(), Scope::All, PROCESS_LOOKUP_CPU_PERCENT);
    let looking = process_lookup::start_helper(&watch, scope, percent, &sandboxing)
        .map(|helper| helper.report.clone());
    let helpers = [
        ("sandbox of the process that opens outputs", opening),
        ("sandbox of the process that looks for processes", looking),
    ];
    let mut checks = Vec::new();
    for (name, report) in helpers {
        match report {
            Ok(report) => checks.extend(given_up(name, &report)),
            Err(error) => {
                let found = format!("it could not be started: {error}");
                checks.push(Check::note(name, found, "portstory live -v -i INTERFACE"));
            }
        }
    }
    checks.extend(given_up("sandbox", &sandbox::enter(&Plan::new(account))));
    checks
}

fn given_up(name: &str, report: &Report) -> Vec<Check> {
    let mut found = format!("dropped: {}", report.active.join("; "));
    if !report.kept.is_empty() {
        found.push_str(&format!("; kept: {}", report.kept.join("; ")));
    }
    let given = Check::ok(name, found);
    let missing = report.missing.iter().map(|what| {
        let fix = if what.contains("root's user id") {
            "sudo useradd --system --no-create-home portstory"
        } else {
            "a kernel with Landlock and seccomp: zgrep -E 'LANDLOCK|SECCOMP' /proc/config.gz; cat \
             /sys/kernel/security/lsm"
        };
        Check::note(name, format!("unavailable: {what}"), fix)
    });
    std::iter::once(given).chain(missing).collect()
}
