//! Windows: what `portable.rs` finds, and what stands behind `svchost` and `System`: the services of
//! a process, ports that `portproxy` forwards, and the applications behind http.sys.
//!
//! The system's own commands are asked for these, as its interfaces for them want `unsafe`. Written
//! from Microsoft's documentation; not tested on Windows.

use std::io;
use std::process::Command;

use super::{HostSocket, Inventory, Unseen, Wanted, command_output, portable};

/// Where `netsh interface portproxy` keeps its table: a key for each pair of families
/// (`v4tov4\tcp`), a value `ADDRESS/PORT` for each listener, whose data is `ADDRESS/PORT` of the
/// target.
const PORTPROXY_KEY: &str = r"HKLM\SYSTEM\CurrentControlSet\Services\PortProxy";

/// The process that stands for the kernel.
const SYSTEM_PID: u32 = 4;

pub(super) fn sockets(wanted: &Wanted<'_>) -> io::Result<Inventory> {
    let mut found = portable::sockets(wanted)?;
    if found.sockets.is_empty() {
        return Ok(found);
    }
    let services = command_output::services(&said("tasklist", &["/svc", "/fo", "csv", "/nh"]));
    let forwards = command_output::forwards(&said("reg", &["query", PORTPROXY_KEY, "/s"]));
    let urls = command_output::http_urls(&said("netsh", &["http", "show", "servicestate"]));
    for socket in &mut found.sockets {
        for process in &mut socket.processes {
            process.services = services.get(&process.pid).cloned().unwrap_or_default();
        }
        explain(socket, &forwards, &urls);
    }
    if found.sockets.iter().any(|socket| socket.processes.iter().any(|one| one.name.is_empty())) {
        found.unseen.push(Unseen {
            what: "names of processes that only an administrator may look into".to_owned(),
            command: "portstory who, in a prompt that was started with \"Run as administrator\""
                .to_owned(),
        });
    }
    Ok(found)
}

fn explain(
    socket: &mut HostSocket,
    forwards: &[command_output::Forward],
    urls: &[command_output::HttpUrl],
) {
    if !socket.state.is_waiting() {
        return;
    }
    let port = socket.local.port();
    let forwards = forwards.iter().filter(|forward| forward.port == port);
    let notes = forwards.map(|forward| format!("portproxy forwards it to {}", forward.to));
    socket.notes.extend(notes);
    if socket.processes.iter().any(|process| process.pid == SYSTEM_PID) {
        let urls = urls.iter().filter(|url| url.port == port);
        socket.notes.extend(urls.map(|url| format!("http.sys serves {}", url.url)));
    }
}

/// What a command of the system prints; nothing where it cannot be run.
fn said(program: &str, words: &[&str]) -> String {
    let output = Command::new(program).args(words).output();
    output.map_or_else(|_| String::new(), |output| String::from_utf8_lossy(&output.stdout).into())
}
