//! `portstory live` as somebody sees it who watches: on a terminal of 80 and of 140 columns, after its
//! size changed, and in a pipe.
//!
//! Needs root, iproute2 and python3; says that it was skipped where those are missing. The terminal is
//! a real pseudo-terminal of the kernel, and vt100 keeps its screen.

#[path = "../live/net.rs"]
#[allow(dead_code, reason = "its roles are played by another test")]
mod net;
#[path = "../support/mod.rs"]
mod support;

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _};
use std::num::NonZeroU16;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use net::Net;
use portstory_testkit::process::until;
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

const PROGRAM: &str = env!("CARGO_BIN_EXE_portstory");
const TRAFFIC: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/screen/traffic.py");

/// Ends its program when it goes.
struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A program in a namespace that says a word when it is ready.
fn start(namespace: &str, arguments: &[&str]) -> Started {
    let mut child = Command::new("ip")
        .args(["netns", "exec", namespace, "python3", TRAFFIC])
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert!(!line.is_empty(), "{arguments:?} did not start");
    Started(child)
}

/// Two hosts with addresses, and a service on 3243.
fn network() -> Option<(Net, Started)> {
    let net = Net::new()?;
    net.ip(&["addr", "add", "10.77.0.1/24", "dev", "near"]);
    let added = Command::new("ip")
        .args(["-n", &net.other, "addr", "add", "10.77.0.2/24", "dev", "far"])
        .status();
    assert!(added.unwrap().success());
    let server = start(&net.watched, &["serve", "3243"]);
    Some((net, server))
}

fn talk(net: &Net, seconds: &str) -> Started {
    start(&net.other, &["talk", "10.77.0.1", "3243", seconds])
}

/// A terminal, and what it shows.
struct Terminal {
    end: OwnedFd,
    screen: Arc<Mutex<vt100::Parser>>,
}

fn size(columns: u16, rows: u16) -> (NonZeroU16, NonZeroU16) {
    (NonZeroU16::new(rows).unwrap(), NonZeroU16::new(columns).unwrap())
}

impl Terminal {
    /// A new one, and the end that a program gets.
    fn new(columns: u16, rows: u16) -> (Self, File) {
        let end = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&end).unwrap();
        unlockpt(&end).unwrap();
        let path = ptsname(&end, Vec::new()).unwrap().into_string().unwrap();
        let other = OpenOptions::new().read(true).write(true).open(path).unwrap();
        let (height, width) = size(columns, rows);
        let screen = Arc::new(Mutex::new(vt100::Parser::new(height, width, 1000)));
        let terminal = Self { end, screen: Arc::clone(&screen) };
        terminal.set_size(columns, rows);
        let mut output = File::from(terminal.end.try_clone().unwrap());
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count) = output.read(&mut bytes) {
                screen.lock().unwrap().process(&bytes[..count]);
            }
        });
        (terminal, other)
    }

    fn set_size(&self, columns: u16, rows: u16) {
        let (height, width) = size(columns, rows);
        let mut screen = self.screen.lock().unwrap();
        let winsize = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&self.end, winsize).unwrap();
        screen.set_size(height, width);
    }

    /// Its lines, once they say this.
    fn shows(&self, what: &str, is_shown: impl Fn(&[String]) -> bool) -> Vec<String> {
        until(what, || {
            let screen = self.screen.lock().unwrap();
            let (_, columns) = screen.screen().size();
            let lines: Vec<String> = screen.screen().rows(0, columns.get()).collect();
            let lines: Vec<String> = lines.iter().map(|line| line.trim_end().to_owned()).collect();
            // What was said before the list may take more than a line of the terminal.
            let first = lines.iter().position(|line| line.starts_with("RUNNING"));
            let mut rows = (0..).zip(&lines).skip(first.unwrap_or(lines.len()));
            let wrapped = rows.any(|(row, _)| screen.screen().row_wrapped(row));
            (is_shown(&lines) && !wrapped).then_some(lines)
        })
    }
}

fn has(lines: &[String], words: &[&str]) -> bool {
    words.iter().all(|word| lines.iter().any(|line| line.contains(word)))
}

fn count(lines: &[String], word: &str) -> usize {
    lines.iter().filter(|line| line.contains(word)).count()
}

fn live(net: &Net) -> Command {
    let mut command = Command::new("ip");
    command.args(["netns", "exec", &net.watched, PROGRAM, "live", "-i", "near"]);
    command
}

/// The lines of the list: from its headings on, which are so many lines, and so many a flow.
fn list(lines: &[String], height: usize) -> (&[String], Vec<&[String]>) {
    let at = lines.iter().position(|line| line.starts_with("RUNNING")).unwrap() + 1;
    let (headings, rest) = lines[at..].split_at(height);
    let flows = rest.chunks(height).take_while(|flow| flow[0].contains(" -> "));
    (headings, flows.collect())
}

/// Each cell begins where its heading does.
fn assert_columns(headings: &[String], flows: &[&[String]], names: &[&str]) {
    for name in names {
        let row = headings.iter().position(|line| line.contains(name)).unwrap();
        let at = headings[row].find(name).unwrap();
        for flow in flows {
            let line = &flow[row];
            let before = at.checked_sub(1).and_then(|at| line.chars().nth(at));
            let first = line.chars().nth(at);
            assert!(before.is_none_or(|c| c == ' '), "{name}: {headings:#?} {flows:#?}");
            assert!(first.is_some_and(|c| c != ' '), "{name}: {headings:#?} {flows:#?}");
        }
    }
}

#[test]
fn a_terminal_shows_the_running_flows_in_its_own_columns() {
    let Some((net, _server)) = network() else { return };
    // One session is older than the capture.
    let _old = talk(&net, "0.3");
    let (terminal, end) = Terminal::new(80, 24);
    let child = live(&net)
        .stdin(end.try_clone().unwrap())
        .stdout(end.try_clone().unwrap())
        .stderr(end)
        .spawn();
    let mut program = Started(child.unwrap());
    terminal.shows("listening", |lines| has(lines, &["listening on near", "RUNNING"]));
    let _beacon = talk(&net, "1.5");

    let names = ["LABEL", "CLIENT -> SERVER", "BYTES", "AGE", "PROTOCOL", "PROCESS", "NOTABLE"];
    // Both are decided, and have what is notable and their process. That the pace of one is steady is
    // no condition: on a busy machine it is not.
    let is_complete = |lines: &[String]| {
        has(lines, &["RUNNING 2 flows, 0 not yet decided", "older than capture"])
            && ["timelot-unknown", "python3[", "encrypted_"].map(|word| count(lines, word))
                == [2; 3]
    };
    let lines = terminal.shows("two flows in 80 columns", |lines| {
        is_complete(lines) && has(lines, &["1 session is older than this capture", "reconnect"])
    });
    println!("{}", lines.join("\n"));
    let (headings, flows) = list(&lines, 2);
    assert_eq!(flows.len(), 2, "{lines:#?}");
    assert_columns(headings, &flows, &names);

    for (columns, rows, height) in [(140, 40, 1), (80, 24, 2), (100, 30, 2), (200, 50, 1)] {
        terminal.set_size(columns, rows);
        let lines = terminal.shows("the list in another size", |lines| {
            let headed = lines.iter().position(|line| line.starts_with("LABEL"));
            // In two lines the bytes stand where the width puts them, to the column.
            let is_laid_out = headed.is_some_and(|at| match height {
                1 => lines[at].contains("NOTABLE"),
                _ => lines[at].find("BYTES") == Some(usize::from(columns) - 15),
            });
            is_complete(lines) && is_laid_out && count(lines, "RUNNING") == 1
        });
        println!("{columns} columns\n{}", lines.join("\n"));
        let (headings, flows) = list(&lines, height);
        assert_eq!(flows.len(), 2, "{lines:#?}");
        assert_columns(headings, &flows, &names);
        let widest = lines.iter().map(|line| line.chars().count()).max().unwrap();
        assert!(widest < usize::from(columns), "{lines:#?}");
        assert_eq!(count(&lines, "10.77.0.1:3243/tcp"), 2, "{lines:#?}");
    }

    interrupt(&program.0);
    assert!(program.0.wait().unwrap().success());
    let lines = terminal.shows("the summary", |lines| has(lines, &["SUMMARY", "Flows      2:"]));
    assert_eq!(count(&lines, "RUNNING"), 0, "{lines:#?}");
}

fn interrupt(child: &Child) {
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
}

#[test]
fn a_pipe_gets_aligned_rows_as_they_come_and_no_control_functions() {
    let Some((net, _server)) = network() else { return };
    let _old = talk(&net, "0.3");
    let child = live(&net).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut program = Started(child.unwrap());
    let mut output = BufReader::new(program.0.stdout.take().unwrap());
    let mut text = String::new();
    // Rows come while the capture runs.
    while !text.lines().any(|line| line.starts_with("now ")) {
        assert!(output.read_line(&mut text).unwrap() > 0, "{text}");
    }
    interrupt(&program.0);
    output.read_to_string(&mut text).unwrap();
    assert!(program.0.wait().unwrap().success());
    println!("{text}");
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
    let said = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in
        ["still running", "older than the capture", "reconnect it, or wait for its next handshake"]
    {
        assert!(said.contains(part), "{part}: {text}");
    }
    let headings = text.lines().next().unwrap();
    let rows: Vec<&str> =
        text.lines().filter(|line| line.starts_with("now ") || line.starts_with("1 ")).collect();
    assert!(rows.len() >= 2, "{text}");
    for name in ["START", "LABEL", "CLIENT -> SERVER"] {
        let at = headings.find(name).unwrap();
        for row in &rows {
            assert!(row[..at].ends_with(' ') && !row[at..].starts_with(' '), "{name}: {text}");
        }
    }
}
