//! What strangers wrote, where it is not payload: names of files and services, command lines, and what
//! is packed in a capture.

mod support;

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use portstory_testkit::captures::{NOON, Writer};
use support::program::{complaint, fixture, program, run, stderr, stdout};

/// What a terminal obeys, what turns text round, a second line, and three addresses.
const NAME: &str = "st\u{1b}[31mock\u{202e}\nportstory: www.a.example b@c.example http://d.example";
/// The same as TOML writes it.
const NAME_IN_TOML: &str =
    r"st\u001b[31mock\u202e\nportstory: www.a.example b@c.example http://d.example";

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn assert_harmless(text: &str) {
    // As CSV ends its lines.
    let text = text.replace("\r\n", "\n");
    let is_hazard = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    assert!(!text.contains(is_hazard), "{text:?}");
    assert!(!text.contains("\nportstory: www"), "{text}");
}

/// A file that names the service of `fixtures/unknown-tcp`.
fn known() -> String {
    let path = folder("strangers").join("known.toml");
    let text = format!("[[service]]\nname = \"{NAME_IN_TOML}\"\nport = 3243\n");
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn names_of_services_are_escaped_wherever_they_are_shown() {
    let (capture, known) = (fixture("unknown-tcp/capture.pcap"), known());
    for command in [
        &["read"][..],
        &["read", "--format", "csv"],
        &["why"],
        &["report", "--format", "md"],
        &["report"],
    ] {
        let output = run(&[command, &[&capture, "--known", &known]].concat());
        let text = stdout(&output);
        assert!(output.status.success() && text.contains("31mock"), "{command:?}: {text}");
        assert_harmless(&text);
    }
    // Several flows, of which one is to be chosen.
    let output = run(&["why", &capture, "--known", &known, "10.43.0.1:3243"]);
    assert_harmless(&(stdout(&output) + &stderr(&output)));
    let eve = run(&["read", "--format", "eve", &capture, "--known", &known]);
    let line: serde_json::Value =
        serde_json::from_str(stdout(&eve).lines().next().unwrap()).unwrap();
    assert_eq!(line["portstory"]["protocol"], NAME);
}

#[test]
fn names_become_no_links_in_a_ticket() {
    let (capture, known) = (fixture("unknown-tcp/capture.pcap"), known());
    let text = stdout(&run(&["report", "--format", "md", &capture, "--known", &known]));
    let mut lines = 0;
    for line in text.lines().filter(|line| line.contains("a.example")) {
        // What is in code is no link: not behind a backslash either, which GitHub takes away before it
        // looks for mail addresses.
        let outside: Vec<&str> = line.replace("\\`", "").leak().split('`').step_by(2).collect();
        let outside = outside.join("\0");
        let links = ["www.a", "b@c", "b\\@c", "http://d"];
        assert!(!links.iter().any(|link| outside.contains(link)), "{line}");
        lines += 1;
    }
    assert!(lines > 2, "{text}");
}

#[test]
fn names_of_files_are_escaped_in_what_goes_wrong() {
    let capture = fixture("unknown-tcp/capture.pcap");
    let file = folder("strangers").join("a\u{1b}[2Jb\nportstory: www.toml");
    let file = file.to_str().unwrap();
    std::fs::write(file, "[[service]]\nname = \"x\"\nport = 1\ntransport = \"\\u001b[2J\"\n")
        .unwrap();
    for args in [
        &["read", &capture, "--known", file][..],
        &["read", &capture, "--site", file],
        &["read", file],
        &["report", &capture, "-o", &format!("{file}/none")],
        &["explain", "a\u{1b}[2Jb"],
    ] {
        let output = run(args);
        assert!(!output.status.success(), "{args:?}");
        assert_harmless(&stderr(&output));
        assert!(stderr(&output).contains("a\\x1b[2Jb"), "{args:?}: {}", stderr(&output));
    }
}

#[test]
fn a_command_line_that_is_no_text_is_shown() {
    let script = "import socket, sys\n\
                  server = socket.create_server((\"127.0.0.1\", 0))\n\
                  print(server.getsockname()[1], flush=True)\n\
                  sys.stdin.read()";
    let mut server = Command::new("python3")
        .args(["-c", script])
        .arg(OsStr::from_bytes(b"--key=\xff\x1b"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut port = String::new();
    BufReader::new(server.stdout.as_mut().unwrap()).read_line(&mut port).unwrap();
    let output = run(&["who", "--port", port.trim()]);
    drop(server.stdin.take());
    server.wait().unwrap();
    let text = stdout(&output);
    assert!(text.contains("--key=\\xff\\x1b"), "{text}{}", stderr(&output));
    assert_harmless(&text);
}

/// A capture of an empty frame and more than a gigabyte of zeros, in 33 kB of Zstandard (RFC 8878): a block
/// that repeats one byte takes four.
fn much_in_little() -> Vec<u8> {
    const BLOCK_BYTES: u32 = 128 * 1024;
    let block = |kind: u32, len: u32, last: u32| (len << 3 | kind << 1 | last).to_le_bytes();
    // A window of 2 MiB, and no size of what it holds.
    let mut packed = vec![0x28, 0xb5, 0x2f, 0xfd, 0, 0x58];
    let begun = Writer::pcap(false).record(NOON, 0, b"").bytes;
    packed.extend(&block(0, u32::try_from(begun.len()).unwrap(), 0)[..3]);
    packed.extend(begun);
    for at in 0..8200 {
        packed.extend(&block(1, BLOCK_BYTES, u32::from(at == 8199))[..3]);
        packed.push(0);
    }
    packed
}

#[test]
fn little_that_unpacks_to_much_is_read_as_far_as_is_said() {
    let path = folder("strangers").join("much.pcap.zst");
    std::fs::write(&path, much_in_little()).unwrap();
    let path = path.to_str().unwrap();
    let output = run(&["read", "--unpack-max", "1M", path]);
    let said = complaint(&output, 1);
    assert!(
        said.contains("unpacks to more than 1.0 MB") && said.contains("--unpack-max"),
        "{said}"
    );
    let text = stdout(&output);
    assert!(text.contains("Read       1 frame,") && text.contains("Notice"), "{text}");
    let report = run(&["report", "--format", "md", "--unpack-max", "1M", path]);
    assert!(complaint(&report, 1).contains("--unpack-max"));
    // From a pipe, too.
    let piped = Command::new(program())
        .args(["read", "--unpack-max", "1M", "-"])
        .stdin(std::fs::File::open(path).unwrap())
        .output()
        .unwrap();
    assert!(complaint(&piped, 1).contains("--unpack-max"));
}
