//! `portstory interfaces`.

use std::fmt::Write as _;
use std::io::Write;

use super::exit::stdout_exit;
use super::{Outcome, log};
use crate::capture::live::interfaces;

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

fn table(list: &[pcap::Device]) -> String {
    let width = list.iter().map(|interface| interface.name.len()).max().unwrap_or_default();
    let mut table = String::new();
    for interface in list.iter().filter(|it| interfaces::is_network(&it.name)) {
        let state = match (interface.flags.is_up(), interface.flags.is_running()) {
            (true, true) => "up",
            (true, false) => "up, no link",
            (false, _) => "down",
        };
        let addresses: Vec<String> =
            interface.addresses.iter().map(|one| one.addr.to_string()).collect();
        let description = interface.desc.as_deref().unwrap_or_default();
        let line = format!(
            "{:width$}  {state:11}  {}  {description}",
            interface.name,
            addresses.join(", ")
        );
        let _ = writeln!(table, "{}", line.trim_end());
    }
    table
}
