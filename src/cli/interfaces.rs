//! `portstory interfaces`.

use std::fmt::Write as _;
use std::io::Write;

use super::exit::stdout_exit;
use super::{Outcome, log};
use crate::capture::live::interfaces::{self, Interface};

/// Lists what `live -i` takes.
pub(super) fn run() -> Outcome {
    match interfaces::list() {
        Ok(list) => stdout_exit(std::io::stdout().write_all(table(&list).as_bytes())),
        Err(error) => {
            log::error(&error);
            Outcome::BrokeOff
        }
    }
}

fn table(list: &[Interface]) -> String {
    let width = list.iter().map(|interface| interface.name.len()).max().unwrap_or_default();
    let mut table = String::new();
    for interface in list.iter().filter(|interface| interface.is_network) {
        let state = match (interface.is_up, interface.is_running) {
            (true, true) => "up",
            (true, false) => "up, no link",
            (false, _) => "down",
        };
        let addresses: Vec<String> = interface.addresses.iter().map(ToString::to_string).collect();
        let description = interface.description.as_deref().unwrap_or_default();
        let line = format!(
            "{:width$}  {state:11}  {}  {description}",
            interface.name,
            addresses.join(", ")
        );
        let _ = writeln!(table, "{}", line.trim_end());
    }
    table
}
