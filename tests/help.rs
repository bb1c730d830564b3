//! What helps a person who does not know the program by heart: short ways, rows that can be asked
//! about, explanations, manual pages.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use portstory_core::event::Concern;
use portstory_core::{Label, Notable, Status};
use portstory_testkit::captures::{MICRO, NOON, Writer};
use portstory_testkit::packets;

use support::program::{fixture, program, run, stderr, stdout};

#[test]
fn a_file_alone_is_read() {
    let capture = fixture("ssh-openssh/capture.pcap");
    let expected = stdout(&run(&["read", "--format", "csv", &capture]));
    assert!(expected.contains(",ssh,"), "{expected}");
    for args in [
        &["--format", "csv", &capture][..],
        &[&capture, "--format", "csv"],
        &["--format=csv", "-q", &capture],
    ] {
        assert_eq!(stdout(&run(args)), expected, "{args:?}");
    }
    let piped = Command::new(program())
        .args(["-", "--format", "csv"])
        .stdin(fs::File::open(&capture).unwrap())
        .output()
        .unwrap();
    assert!(stdout(&piped).contains(",ssh,"), "{piped:?}");
    assert_eq!(run(&["/nonexistent.pcap"]).status.code(), Some(2));
}

#[test]
fn a_command_is_never_taken_for_a_file() {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(fixture("ssh-openssh/capture.pcap"), folder.path().join("explain")).unwrap();
    fs::copy(fixture("ssh-openssh/capture.pcap"), folder.path().join("3")).unwrap();
    let there = |args: &[&str]| {
        Command::new(program()).args(args).current_dir(folder.path()).output().unwrap()
    };
    assert!(stdout(&there(&["explain"])).contains("protocols are recognised"));
    assert!(stdout(&there(&["./explain"])).contains("SSH banner"));
    // A number behind a capture is a row's.
    assert!(stdout(&there(&["why", "explain", "1"])).starts_with("Flow "));
    assert!(stderr(&there(&["why", "explain", "3"])).contains("no flow 3"));
    assert!(stdout(&there(&["why", "explain", "./3"])).starts_with("Flow "));
    // What is neither is a command that was mistyped.
    let mistyped = there(&["reed", "a.pcap"]);
    assert_eq!(mistyped.status.code(), Some(2));
    assert!(stderr(&mistyped).contains("'read'"), "{}", stderr(&mistyped));
}

#[test]
fn read_explains_itself_on_a_terminal() {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let path = ptsname(&terminal, Vec::new()).unwrap().into_string().unwrap();
    let other_end = fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
    let output = Command::new(program()).arg("read").stdin(other_end).output().unwrap();
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(output.stdout.is_empty());
    for part in ["nothing to read", "Usage: portstory", "portstory read incident.pcapng", "--help"]
    {
        assert!(said.contains(part), "{part}: {said}");
    }
}

/// The rows of a table: number, and the two ends.
fn rows(table: &str) -> Vec<(String, String, String)> {
    let mut rows = Vec::new();
    for line in table.lines().skip(1).take_while(|line| !line.starts_with("ENDPOINTS")) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let arrow = words.iter().position(|&word| word == "->");
        if let (Some(arrow), true) = (arrow, line.starts_with(|c: char| c.is_ascii_digit())) {
            let server = words[arrow + 1].split('/').next().unwrap();
            rows.push((words[0].to_owned(), words[arrow - 1].to_owned(), server.to_owned()));
        }
    }
    rows
}

#[test]
fn a_row_of_the_table_can_be_asked_about() {
    let captures =
        ["unknown-tcp", "ssh-openssh", "syn-scan", "text-shell", "refused-tcp", "periodic-empty"];
    let captures: Vec<String> =
        captures.iter().map(|case| fixture(&format!("{case}/capture.pcap"))).collect();
    let captures: Vec<&str> = captures.iter().map(String::as_str).collect();
    let table = stdout(&run(&[&["read"], &captures[..]].concat()));
    let rows = rows(&table);
    // The flows of periodic-empty have a row for the first and one for the last, all others one a case.
    assert_eq!(rows.len(), captures.len() + 1, "{table}");
    for (at, (number, client, server)) in rows.iter().enumerate() {
        assert_eq!(*number, (at + 1).to_string(), "{table}");
        let told = stdout(&run(&[&["why"], &captures[..], &[number]].concat()));
        let ends = format!("{client} -> {server}\n");
        assert!(
            told.lines().next().is_some_and(|line| format!("{line}\n").ends_with(&ends)),
            "{told}"
        );
        // The id that it tells is one to ask by, too.
        let id = told.split_whitespace().nth(1).unwrap();
        assert_eq!(stdout(&run(&[&["why"], &captures[..], &[id]].concat())), told);
        assert_eq!(stdout(&run(&[&["why"], &captures[..], &["--flow", id]].concat())), told);
    }
}

#[test]
fn a_client_can_be_asked_about_and_a_choice_is_listed() {
    let capture = fixture("unknown-tcp/capture.pcap");
    let first = stdout(&run(&["why", &capture, "1"]));
    assert!(first.contains("10.43.0.2:47574 -> 10.43.0.1:3243"), "{first}");
    assert_eq!(stdout(&run(&["why", &capture, "10.43.0.2:47574"])), first);
    // Without a name it is the flow that the summary says to look at.
    assert_eq!(stdout(&run(&["why", &capture])), first);

    let scan = fixture("syn-scan/capture.pcap");
    let several = run(&["why", &scan, "10.43.9.9:40123"]);
    assert_eq!(several.status.code(), Some(2));
    let said = stderr(&several);
    assert!(said.contains("flows of 10.43.9.9:40123") && said.contains("and "), "{said}");
    let listed: Vec<&str> = said.lines().filter(|line| line.contains(" -> ")).collect();
    let more: usize =
        said.trim_end().rsplit("and ").next().unwrap().trim_end_matches(" more").parse().unwrap();
    assert_eq!(listed.len() + more, support::flows_expected("syn-scan"), "{said}");
    let id = listed[5].split_whitespace().nth(1).unwrap();
    assert!(stdout(&run(&["why", &scan, id])).starts_with(&format!("Flow {id} ")));

    for nothing in ["99", "192.0.2.1:1", "5418009755880930"] {
        let output = run(&["why", &capture, nothing]);
        assert_eq!(output.status.code(), Some(2), "{nothing}");
        assert!(stderr(&output).contains("lists"), "{}", stderr(&output));
    }
}

const CLIENT: ([u8; 4], u16) = ([10, 0, 0, 5], 50_123);
const SERVER: ([u8; 4], u16) = ([10, 0, 0, 9], 3243);

/// A packet of TCP (with these flags and numbers) or of UDP.
fn packet(to_server: bool, tcp: Option<(u8, u32, u32)>, payload: &[u8]) -> Vec<u8> {
    let (from, to) = if to_server { (CLIENT, SERVER) } else { (SERVER, CLIENT) };
    match tcp {
        Some((flags, seq, ack)) => packets::tcp(from, to, flags, [seq, ack], payload),
        None => packets::udp(from, to, payload),
    }
}

fn capture(packets: &[Vec<u8>]) -> Vec<u8> {
    const RAW_IP: u32 = 101;
    let writer = Writer::new(false).pcap_header(MICRO, (2, 4), RAW_IP);
    let second = |at: usize| NOON + u32::try_from(at / 100).unwrap();
    let packets = packets.iter().enumerate();
    packets.fold(writer, |writer, (at, packet)| writer.record(second(at), 0, packet)).bytes
}

/// A program is sent up, and much else.
fn upload() -> Vec<u8> {
    let elf =
        [b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0\x01\0\0\0", &[0; 100][..]].concat();
    let mut packets = vec![packet(true, None, &elf)];
    // No two are alike: copies are not counted.
    for number in 0..200_u8 {
        packets.extend(
            (0..4).map(|part| packet(true, None, &[&[number, part], &[0; 1398][..]].concat())),
        );
        packets.push(packet(false, None, &[number; 8]));
    }
    capture(&packets)
}

/// The side that was called asks, and the one that called answers.
fn reversed() -> Vec<u8> {
    let [syn, ack, push] = [2, 16, 24];
    let ask = b"GET / HTTP/1.1\r\nHost: inside.example\r\n\r\n";
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let asked = 501 + u32::try_from(ask.len()).unwrap();
    capture(&[
        packet(true, Some((syn, 100, 0)), &[]),
        packet(false, Some((syn | ack, 500, 101)), &[]),
        packet(true, Some((ack, 101, 501)), &[]),
        packet(false, Some((push, 501, 101)), ask),
        packet(true, Some((push, 101, asked)), answer),
    ])
}

#[test]
fn why_says_which_fact_made_each_notable() {
    let folder = tempfile::tempdir().unwrap();
    let made = [("upload.pcap", upload()), ("reversed.pcap", reversed())].map(|(name, bytes)| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    });
    // A flow for each notable.
    let mut flows: BTreeMap<String, (String, String)> = BTreeMap::new();
    let recorded = support::cases().into_iter().map(|case| case.captures);
    for captures in recorded.chain([made.to_vec()]) {
        for capture in &captures {
            let path = capture.to_str().unwrap();
            for line in stdout(&run(&["read", "--format", "eve", path])).lines() {
                let value: serde_json::Value = serde_json::from_str(line).unwrap();
                let notables = value["portstory"]["notable"].as_array();
                if value["event_type"] != "flow" {
                    continue;
                }
                for notable in notables.into_iter().flatten() {
                    let flow = (path.to_owned(), value["flow_id"].to_string());
                    flows.entry(notable.as_str().unwrap().to_owned()).or_insert(flow);
                }
            }
        }
    }
    let known: Vec<&str> = flows.keys().map(String::as_str).collect();
    for notable in Notable::ALL {
        assert!(known.contains(&notable.name()), "no flow is {}: {known:?}", notable.name());
    }
    for (notable, (capture, id)) in flows {
        let told = stdout(&run(&["why", &capture, "--flow", &id]));
        let reason = told.lines().find(|line| line.starts_with(&format!("  {notable}: ")));
        let reason = reason.unwrap_or_else(|| panic!("{notable} has no reason:\n{told}"));
        assert!(reason.contains("(packet "), "{reason}");
    }
}

#[test]
fn a_service_on_the_port_that_is_registered_for_it_is_no_surprise() {
    let capture = fixture("tls-on-client-port/capture.pcap");
    let notables = |args: &[&str]| {
        let eve = stdout(&run(&[&["read", "--format", "eve"], args, &[&capture]].concat()));
        assert!(eve.contains(r#""status":"identified""#), "{eve}");
        eve.contains("unexpected_service")
    };
    assert!(!notables(&["--port", "443"]), "TLS on 443");
    let ssh = fixture("ssh-openssh/capture.pcap");
    assert!(stdout(&run(&[&ssh])).contains("unexpected_service"), "SSH on 3243");
}

#[test]
fn every_word_of_a_verdict_is_explained() {
    let words = Label::ALL.map(Label::name).into_iter();
    let words = words.chain(Status::ALL.map(Status::name)).chain(Notable::ALL.map(Notable::name));
    // And what the table and the list of running flows say is to be looked at.
    let words = words.chain(Concern::ALL.map(Concern::name));
    let list = stdout(&run(&["explain"]));
    for word in words {
        let output = run(&["explain", word]);
        let told = stdout(&output);
        assert_eq!(output.status.code(), Some(0), "{word}: {}", stderr(&output));
        for part in ["\n  Means ", "\n  Decided ", "\n  Misleads "] {
            assert!(told.contains(part), "{word} without {part}: {told}");
        }
        assert!(told.starts_with(word) && list.contains(word), "{word}: {told}");
        assert!(!told.contains("  Means     Misleads"), "{told}");
        let paragraphs = told.lines().take_while(|line| !line.starts_with("Rules"));
        assert!(paragraphs.into_iter().all(|line| line.len() <= 100), "{told}");
    }
    // As the table writes a status.
    assert_eq!(
        stdout(&run(&["explain", "(no_payload)"])),
        stdout(&run(&["explain", "no_payload"]))
    );
}

#[test]
fn the_command_that_an_explanation_advises_is_one_that_the_program_takes() {
    let capture = fixture("ssh-openssh/capture.pcap");
    let labels = Label::ALL.map(Label::name).into_iter();
    let flows: Vec<&str> = labels
        .chain(Status::ALL.map(Status::name))
        .chain(Notable::ALL.map(Notable::name))
        .collect();
    let concerns = Concern::ALL.map(Concern::name);
    for word in flows.iter().chain(&concerns) {
        let told = stdout(&run(&["explain", word]));
        let advised = told.lines().find_map(|line| line.strip_prefix("In a capture: portstory "));
        let Some(advised) = advised else {
            assert!(!flows.contains(word), "{word} names flows: {told}");
            continue;
        };
        let (command, _) = advised.split_once(" ends with ").unwrap();
        let args = command.split(' ').map(|arg| if arg == "CAPTURE" { &*capture } else { arg });
        let output = run(&args.collect::<Vec<_>>());
        let is_taken = matches!(output.status.code(), Some(0 | 3));
        assert!(is_taken, "{command}: {}", stderr(&output));
    }
}

fn sections(page: &str) -> Vec<String> {
    let titles = page.lines().filter_map(|line| line.strip_prefix(".SH "));
    titles.map(|title| title.trim_matches('"').to_owned()).collect()
}

#[test]
fn manual_pages_have_the_sections_that_manuals_have() {
    let folder = tempfile::tempdir().unwrap();
    assert!(run(&["man", "--out-dir", folder.path().to_str().unwrap()]).status.success());
    for entry in fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let page = fs::read_to_string(&path).unwrap();
        let sections = sections(&page);
        let usual = [
            "NAME",
            "SYNOPSIS",
            "DESCRIPTION",
            "COMMANDS",
            "OPTIONS",
            "EXIT STATUS",
            "SIGNALS",
            "ENVIRONMENT",
            "EXAMPLES",
            "SEE ALSO",
        ];
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        assert!(sections.iter().all(|one| usual.contains(&one.as_str())), "{name}: {sections:?}");
        let in_order = usual.iter().filter(|one| sections.iter().any(|other| other == *one));
        assert!(in_order.eq(&sections), "{name}: {sections:?}");
        for needed in ["EXIT STATUS", "SIGNALS", "EXAMPLES", "SEE ALSO"] {
            assert!(sections.iter().any(|one| one == needed), "{name} has no {needed}");
        }
        if name != "portstory.1" {
            // What has precedence over the environment has to be there.
            for (variable, option) in [("SUDO_UID", r"\-\-user\f"), ("NO_COLOR", r"\-\-color\f")] {
                assert_eq!(page.contains(variable), page.contains(option), "{name}: {variable}");
            }
        }
        warns_of_nothing(&path);
    }
    let live = fs::read_to_string(folder.path().join("portstory-live.1")).unwrap();
    for part in ["SIGHUP", "SIGUSR1", "NO_COLOR", "SUDO_UID", "sudo portstory live \\-i eth0"] {
        assert!(live.contains(part), "{part}: {live}");
    }
}

/// What the formatter itself has to say of a page, where there is one.
fn warns_of_nothing(page: &Path) {
    let groff = Command::new("groff").args(["-man", "-Tutf8", "-ww", "-z"]).arg(page).output();
    match groff {
        Ok(output) => assert!(output.stderr.is_empty(), "{}: {}", page.display(), stderr(&output)),
        Err(_) => println!("SKIPPED: {} was not formatted: no groff here", page.display()),
    }
}

#[test]
fn the_example_of_the_readme_is_what_the_program_prints() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = folder.join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let example = readme.split("```console\n$ portstory ").nth(1).unwrap();
    let (command, rest) = example.split_once('\n').unwrap();
    let table = rest.split("```").next().unwrap();
    let output =
        Command::new(program()).args(command.split(' ')).current_dir(folder).output().unwrap();
    let printed = stdout(&output);
    let (printed, _) = printed.split_once("\nENDPOINTS").unwrap();
    // It says how many detectors there are.
    if std::env::var_os("PORTSTORY_BLESS").is_some() {
        fs::write(path, readme.replacen(table, printed, 1)).unwrap();
    } else {
        assert_eq!(printed, table, "README, and what is printed");
    }
}
