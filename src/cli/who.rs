//! `portstory who`: which processes own the sockets on the watched ports.

use std::io::{self, Write as _};

use clap::{Args, ValueEnum};

use super::exit::stdout_exit;
use super::{Outcome, Ports, log, terminal};
use crate::host;
use crate::output::{self, Look};

/// The processes behind the sockets on the watched ports of this machine.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Who {
    #[command(flatten)]
    ports: Ports,

    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: ReplyFormat,
}

const EXAMPLES: &str = "\
Examples:
  sudo portstory who                       with the processes of all users and containers
  portstory who --port 8443 --framehawk-range 4000-4100
  portstory who --format json | jq -r '.sockets[].processes[].pid'

Sockets of every network namespace that may be looked into are listed, containers included.
What cannot be seen without rights is said at the end, with the command that shows it.";

/// How `who` and `doctor` write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum ReplyFormat {
    /// For people
    #[default]
    Text,
    /// One JSON object
    Json,
}

impl Who {
    pub(super) fn run(&self) -> Outcome {
        let watch = self.ports.watch(None);
        let inventory = match host::sockets(&watch) {
            Ok(inventory) => inventory,
            Err(error) => {
                log::error(&format!("the sockets of this machine cannot be listed: {error}"));
                return Outcome::BrokeOff;
            }
        };
        let look = Look { width: terminal::width(), colour: false };
        let mut text = Vec::new();
        match self.format {
            ReplyFormat::Text => output::host::text(&mut text, &inventory, &watch, look),
            ReplyFormat::Json => output::host::json(&mut text, &inventory, &watch),
        }
        stdout_exit(io::stdout().write_all(&text))
    }
}
