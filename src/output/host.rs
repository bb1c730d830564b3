//! Sockets and their processes, as `portstory who` tells them: a table, or one JSON object.

use std::collections::BTreeSet;

use super::json::{self, Object, Word};
use super::process::{executable, put_particulars};
use super::{Look, push_line};
use crate::escape;
use crate::host::health::Check;
use crate::host::{HostSocket, Inventory};
use crate::human::{Clock, push_padded, watched, width, wrap};
use portstory_core::Watch;
use portstory_core::event::Process;

/// Blanks between columns.
const GAP: usize = 2;

const HEADINGS: [&str; 6] = ["PROTO", "STATE", "LOCAL", "REMOTE", "PROCESS", "USER"];

/// A table for people.
pub(crate) fn text(out: &mut Vec<u8>, inventory: &Inventory, watch: &Watch, look: Look) {
    if inventory.sockets.is_empty() {
        push_line(out, &format!("No local socket uses {}.", watched(watch)));
    } else {
        table(out, inventory, look);
    }
    for unseen in &inventory.unseen {
        push_line(out, &format!("\nNOT VISIBLE: {}. To see it:", unseen.what));
        push_line(out, &format!("  {}", unseen.command));
    }
}

fn table(out: &mut Vec<u8>, inventory: &Inventory, look: Look) {
    let rows: Vec<_> = inventory.sockets.iter().map(cells).collect();
    let mut columns = HEADINGS.map(width);
    for row in &rows {
        for (columns, cell) in columns.iter_mut().zip(row) {
            *columns = width(cell).max(*columns);
        }
    }
    line(out, &HEADINGS.map(str::to_owned), &columns);
    let mut told = BTreeSet::new();
    for (socket, row) in inventory.sockets.iter().zip(&rows) {
        line(out, row, &columns);
        let details = socket.processes.iter().filter(|process| told.insert(process.pid));
        let details = details.map(particulars).chain(socket.notes.iter().cloned());
        let namespace = socket.namespace.iter();
        let namespace = namespace.map(|name| format!("in network namespace {name}"));
        for text in namespace.chain(details) {
            let text = escape::terminal(&text);
            for part in wrap(&text, look.width.max(60).saturating_sub(GAP)) {
                push_line(out, &format!("  {part}"));
            }
        }
    }
}

fn line(out: &mut Vec<u8>, cells: &[String], columns: &[usize]) {
    let mut line = String::new();
    for (cell, &columns) in cells.iter().zip(columns) {
        push_padded(&mut line, cell, columns.saturating_add(GAP));
    }
    push_line(out, line.trim_end());
}

fn cells(socket: &HostSocket) -> [String; 6] {
    let list = |each: fn(&Process) -> String| {
        let mut words: Vec<_> = socket.processes.iter().map(each).collect();
        words.dedup();
        if words.is_empty() { "-".to_owned() } else { words.join(",") }
    };
    [
        socket.transport.keyword().to_owned(),
        socket.state.name().to_owned(),
        socket.local.to_string(),
        socket.remote.map_or("*".to_owned(), |remote| remote.to_string()),
        list(|process| format!("{}[{}]", escape::terminal(&process.name), process.pid)),
        list(|process| escape::terminal(process.user.as_deref().unwrap_or("?")).into_owned()),
    ]
}

/// All of a process but its name and its user.
fn particulars(process: &Process) -> String {
    let mut text = format!("{}: ", process.pid);
    if process.command_line.is_empty() {
        text.push_str("(no command line)");
    } else {
        text.push_str(&process.command_line.join(" "));
    }
    if let Some(executable) = executable(process) {
        text.push_str(&format!("; {executable}"));
    }
    if let Some(parent) = &process.parent {
        text.push_str(&format!("; parent {}[{}]", parent.name, parent.pid));
    }
    for (word, value) in [("unit", &process.unit), ("container", &process.container)] {
        if let Some(value) = value {
            text.push_str(&format!("; {word} {value}"));
        }
    }
    if !process.services.is_empty() {
        text.push_str(&format!("; services {}", process.services.join(", ")));
    }
    if let Some(started) = process.started {
        text.push_str(&format!("; since {} UTC", Clock(started)));
    }
    text
}

/// One JSON object, and a line feed.
pub(crate) fn json(out: &mut Vec<u8>, inventory: &Inventory, watch: &Watch) {
    json::line(out, |all| {
        all.list("ports", watch.ports.iter().copied());
        all.list("framehawk_range", [*watch.framehawk.start(), *watch.framehawk.end()]);
        all.objects("sockets", &inventory.sockets, put_socket);
        all.objects("unseen", &inventory.unseen, |object, unseen| {
            object.put("what", &*unseen.what);
            object.put("command", &*unseen.command);
        });
    });
}

fn put_socket(object: &mut Object<'_>, socket: &HostSocket) {
    object.put("proto", Word(socket.transport.name()));
    object.put("state", Word(socket.state.name()));
    object.put("local_ip", socket.local.ip());
    object.put("local_port", socket.local.port());
    object.put("remote_ip", socket.remote.map(|remote| remote.ip()));
    object.put("remote_port", socket.remote.map(|remote| remote.port()));
    object.put("network_namespace", socket.namespace.as_deref());
    object.objects("processes", &socket.processes, put_particulars);
    object.list("notes", socket.notes.iter().map(String::as_str));
}

/// What `portstory doctor` found: a line each, and the command that fixes it.
pub(crate) fn checks_text(checks: &[Check], columns: usize) -> String {
    let names = checks.iter().map(|check| width(&check.name)).max().unwrap_or_default();
    // The longest level, and the gaps.
    let indent = names.saturating_add(4 + 2 * GAP);
    let mut text = String::new();
    for check in checks {
        let mut start = String::new();
        push_padded(&mut start, check.level.name(), 4 + GAP);
        push_padded(&mut start, &escape::terminal(&check.name), names.saturating_add(GAP));
        for part in wrap(&escape::terminal(&check.found), columns.saturating_sub(indent).max(40)) {
            text.push_str(&format!("{start}{part}\n"));
            start = " ".repeat(indent);
        }
        if let Some(fix) = &check.fix {
            // Unbroken, so that it can be copied.
            text.push_str(&format!("{:indent$}$ {}\n", "", escape::terminal(fix)));
        }
    }
    text
}

/// What `portstory doctor` found: one JSON object, and a line feed.
pub(crate) fn checks_json(checks: &[Check]) -> String {
    let mut buffer = Vec::new();
    json::line(&mut buffer, |all| {
        all.objects("checks", checks, |object, check| {
            object.put("name", &*check.name);
            object.put("level", Word(check.level.name()));
            object.put("found", &*check.found);
            object.put("fix", check.fix.as_deref());
        });
    });
    String::from_utf8(buffer).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{State, Unseen};
    use portstory_core::Transport;

    fn inventory() -> Inventory {
        let process = Process {
            pid: 42,
            name: "evil\x1b[2J".to_owned(),
            command_line: vec!["/bin/x".to_owned(), "\u{202e}arg".to_owned()],
            unit: Some("x.service".to_owned()),
            ..Process::default()
        };
        let socket = HostSocket {
            transport: Transport::Tcp,
            local: "[::]:3243".parse().unwrap(),
            remote: None,
            state: State::Listen,
            namespace: Some("blue".to_owned()),
            processes: vec![process],
            notes: vec!["portproxy forwards it to 10.0.0.9:22".to_owned()],
        };
        let unseen = Unseen { what: "much".to_owned(), command: "sudo x".to_owned() };
        Inventory { sockets: vec![socket], unseen: vec![unseen] }
    }

    #[test]
    fn the_table_tells_all_and_escapes_what_strangers_wrote() {
        let mut out = Vec::new();
        text(&mut out, &inventory(), &Watch::default(), Look::default());
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "PROTO  STATE   LOCAL      REMOTE  PROCESS          USER\n\
             tcp    LISTEN  [::]:3243  *       evil\\x1b[2J[42]  ?\n  in network namespace blue\n  \
             42: /bin/x \\u{202e}arg; unit x.service\n  portproxy forwards it to 10.0.0.9:22\n\n\
             NOT VISIBLE: much. To see it:\n  sudo x\n"
        );
    }

    #[test]
    fn json_is_one_object_without_hazards() {
        let mut out = Vec::new();
        json(&mut out, &inventory(), &Watch::default());
        let text = String::from_utf8(out).unwrap();
        assert!(!text.trim_end().contains(escape::is_hazard), "{text}");
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let socket = &value["sockets"][0];
        assert_eq!(socket["local_port"], 3243);
        assert_eq!(socket["processes"][0]["pid"], 42);
        assert_eq!(socket["processes"][0]["command_line"][1], "\u{202e}arg");
        assert_eq!(value["unseen"][0]["command"], "sudo x");
    }

    #[test]
    fn where_there_is_nothing_it_says_of_what() {
        let mut out = Vec::new();
        text(&mut out, &Inventory::default(), &Watch::default(), Look::default());
        let said = String::from_utf8(out).unwrap();
        assert_eq!(said, "No local socket uses TCP and UDP 3243, and UDP 3224-3324.\n");
    }
}
