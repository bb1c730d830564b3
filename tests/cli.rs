//! The program as its users run it: exit codes, sentences, and output that depends on the input alone.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use portstory_testkit::process::Running;
use rustix::process::Signal;
use support::program::{complaint, fixture, program, run, stdout};

#[test]
fn the_same_input_gives_the_same_bytes_whatever_the_seed() {
    for case in support::cases() {
        let captures: Vec<&str> = case.captures.iter().map(|path| path.to_str().unwrap()).collect();
        for format in ["text", "eve", "csv"] {
            let with = |seed: &str| {
                run(&[&["read", "--format", format, "--hash-seed", seed], &captures[..]].concat())
            };
            let (one, other) = (with("1"), with("18446744073709551615"));
            assert_eq!(one.stdout, other.stdout, "{} as {format}", case.name);
            assert_eq!(one.stdout, with("1").stdout, "{} as {format}, again", case.name);
        }
    }
}

#[test]
fn a_reader_that_went_away_is_no_error() {
    for format in ["text", "eve", "csv"] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut read = Command::new(program());
        read.args(["read", "--format", format, &fixture("ssh-openssh/capture.pcap")]);
        let output = read.stdin(Stdio::null()).stdout(writer).stderr(Stdio::piped());
        let output = output.spawn().unwrap().wait_with_output().unwrap();
        assert_eq!((output.status.code(), &*output.stderr), (Some(0), &b""[..]), "{format}");
    }
}

/// EVE lines without what names files and packets in them.
fn without_places(eve: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in eve.lines() {
        let mut value: serde_json::Value = serde_json::from_str(line).unwrap();
        if value["event_type"] == "stats" {
            continue;
        }
        forget(&mut value);
        lines.push(value.to_string());
    }
    assert!(!lines.is_empty());
    lines
}

fn forget(value: &mut serde_json::Value) {
    if let Some(map) = value.as_object_mut() {
        for name in ["pcap_filename", "pcap_cnt", "first_packet"] {
            map.remove(name);
        }
        map.values_mut().for_each(forget);
    } else if let Some(items) = value.as_array_mut() {
        items.iter_mut().for_each(forget);
    }
}

/// Cuts a little-endian pcap into files of `frames` records each.
fn cut_up(capture: &Path, frames: usize, into: &Path) -> Vec<PathBuf> {
    let bytes = fs::read(capture).unwrap();
    assert_eq!(bytes[..4], [0xd4, 0xc3, 0xb2, 0xa1], "{}", capture.display());
    let (mut files, mut at) = (Vec::new(), 24);
    while at < bytes.len() {
        let path = into.join(format!("part-{:03}.pcap", files.len()));
        let mut file = fs::File::create(&path).unwrap();
        file.write_all(&bytes[..24]).unwrap();
        for _ in 0..frames {
            let Some(header) = bytes.get(at..at + 16) else { break };
            let len = 16 + u32::from_le_bytes(header[8..12].try_into().unwrap()) as usize;
            file.write_all(&bytes[at..at + len]).unwrap();
            at += len;
        }
        files.push(path);
    }
    files
}

#[test]
fn one_file_its_parts_and_standard_input_give_the_same_flows() {
    for case in ["ssh-openssh", "unknown-udp", "framehawk-ica", "periodic-empty", "syn-scan"] {
        let capture = PathBuf::from(fixture(&format!("{case}/capture.pcap")));
        let whole = run(&["read", "--format", "eve", capture.to_str().unwrap()]);
        let expected = without_places(&stdout(&whole));

        let folder = tempfile::tempdir().unwrap();
        let parts = cut_up(&capture, 7, folder.path());
        let frames = support::frames(std::slice::from_ref(&capture)).len();
        assert_eq!(parts.len(), frames.div_ceil(7), "{case}");
        let in_folder = run(&["read", "--format", "eve", folder.path().to_str().unwrap()]);
        assert_eq!(without_places(&stdout(&in_folder)), expected, "{case} as a folder of parts");

        let piped = Command::new(program())
            .args(["read", "--format", "eve", "-"])
            .stdin(fs::File::open(&capture).unwrap())
            .output()
            .unwrap();
        assert_eq!(without_places(&stdout(&piped)), expected, "{case} from standard input");
    }
}

#[test]
fn what_is_no_capture_is_told_in_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let told = |path: &str| complaint(&run(&["read", path]), 2);
    assert!(told(&file("notes.txt", b"nothing but words\n")).contains("not a capture"));
    assert!(told(&file("empty.pcap", b"")).contains("empty"));
    assert!(told(&file("old.snoop", b"snoop\0\0\0\0\0\0\x02\0\0\0\x04")).contains("editcap"));
    assert!(told("/nonexistent/file.pcap").contains("/nonexistent/file.pcap"));
    let nothing = tempfile::tempdir().unwrap();
    assert!(told(nothing.path().to_str().unwrap()).contains("no capture"));
}

#[test]
fn a_capture_that_breaks_off_is_reported_as_far_as_it_goes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.pcap");
    let bytes = fs::read(fixture("ssh-openssh/capture.pcap")).unwrap();
    fs::write(&path, &bytes[..5000]).unwrap();
    let output = run(&["read", "--format", "eve", path.to_str().unwrap()]);
    assert!(complaint(&output, 1).contains("truncated after frame"));
    assert!(stdout(&output).contains(r#""protocol":"ssh""#));
}

#[test]
fn wrong_use_ends_with_two() {
    let capture = fixture("ssh-openssh/capture.pcap");
    let usage = |args: &[&str]| assert_eq!(run(args).status.code(), Some(2), "{args:?}");
    usage(&["read", "--no-such-option", &capture]);
    usage(&["read", "--port", "70000", &capture]);
    usage(&["read", "--framehawk-range", "9-3", &capture]);
    usage(&["read", "--without", "no-such-protocol", &capture]);
    usage(&["live"]);
    usage(&["explain", "no-such-thing"]);
    assert!(complaint(&run(&["read", "-f", "port port", &capture]), 2).contains("pcap-filter"));
    assert!(complaint(&run(&["live", "-i", "no-such-if0"]), 2).contains("no such interface"));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut child = Command::new(program())
        .args(["read", "--format", "eve", &fixture("syn-scan/capture.pcap")])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_full_disk_is_told() {
    let output =
        run(&["read", "--format", "eve", "-o", "/dev/full", &fixture("syn-scan/capture.pcap")]);
    assert!(complaint(&output, 1).contains("No space left"));
}

#[test]
fn packets_that_find_no_room_are_told_and_the_verdicts_stand() {
    let input = fixture("ssh-openssh/capture.pcap");
    let output = run(&["read", "--format", "eve", "-w", "/dev/full", &input]);
    assert!(complaint(&output, 1).contains("No space left"));
    assert!(stdout(&output).contains(r#""protocol":"ssh""#));
}

#[test]
fn a_clock_that_jumps_back_costs_no_flow() {
    let mut bytes = fs::read(fixture("ssh-openssh/capture.pcap")).unwrap();
    let expected = run(&["read", "--format", "csv", &fixture("ssh-openssh/capture.pcap")]);
    // An hour back, from the twentieth frame on.
    let (mut at, mut frame) = (24, 0);
    while at < bytes.len() {
        let len = u32::from_le_bytes(bytes[at + 8..at + 12].try_into().unwrap()) as usize;
        frame += 1;
        if frame > 20 {
            let seconds = u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) - 3600;
            bytes[at..at + 4].copy_from_slice(&seconds.to_le_bytes());
        }
        at += 16 + len;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jumps.pcap");
    fs::write(&path, &bytes).unwrap();
    let jumped = run(&["read", "--format", "csv", path.to_str().unwrap()]);
    let flows = |output: &Output| stdout(output).lines().count();
    assert_eq!(flows(&jumped), flows(&expected), "{}", stdout(&jumped));
    assert!(stdout(&jumped).contains(",ssh,"), "{}", stdout(&jumped));
}

#[test]
fn a_hyphen_for_the_output_is_standard_output() {
    let capture = fixture("ssh-openssh/capture.pcap");
    let expected = run(&["read", "--format", "eve", &capture]);
    assert!(!expected.stdout.is_empty());
    assert_eq!(run(&["read", "--format", "eve", "-o", "-", &capture]).stdout, expected.stdout);
    let page = run(&["report", "--format", "md", "-o", "-", &capture]);
    assert!(stdout(&page).contains("ssh"), "{}", stdout(&page));
    assert!(!std::path::Path::new("-").exists(), "a file named -");
}

#[test]
fn a_filter_narrows_what_is_looked_at() {
    let capture = fixture("syn-scan/capture.pcap");
    let flows = |args: &[&str]| {
        let output = run(&[&["read", "--format", "csv", &capture], args].concat());
        stdout(&output).lines().count() - 1
    };
    assert_eq!(flows(&["-f", "host 10.43.2.1"]), 1);
    assert_eq!(flows(&[]), support::flows_expected("syn-scan"));
}

#[test]
fn saved_packets_give_the_same_verdicts() {
    let folder = tempfile::tempdir().unwrap();
    for (case, name) in [
        ("ssh-openssh/capture.pcap", "saved.pcap"),
        ("pcapng-mixed/capture.pcapng", "saved.pcapng"),
        ("fragments-ipv4/order.pcap", "saved"),
        ("fragments-ipv4/missing.pcap", "saved"),
        ("fragments-ipv6/backwards.pcap", "saved"),
        ("fragments-overlap/capture.pcap", "saved"),
        ("fragments-tcp/capture.pcap", "saved"),
        ("fragments-tunnel/outer.pcap", "saved"),
        ("fragments-tunnel/both.pcap", "saved"),
    ] {
        let saved = folder.path().join(name);
        let first =
            run(&["read", "--format", "eve", "-w", saved.to_str().unwrap(), &fixture(case)]);
        let again = run(&["read", "--format", "eve", saved.to_str().unwrap()]);
        let flows = |output: &Output| -> Vec<String> {
            let lines = without_places(&stdout(output));
            lines.into_iter().filter(|line| line.contains(r#""event_type":"flow""#)).collect()
        };
        assert_eq!(flows(&again), flows(&first), "{case}");
        let stats = |output: &Output, field: &str| -> u64 {
            let text = stdout(output);
            let stats: serde_json::Value =
                serde_json::from_str(text.lines().last().unwrap()).unwrap();
            stats.pointer(field).unwrap().as_u64().unwrap()
        };
        // Every frame that holds a piece of a watched packet is there, and nothing else.
        let in_range = stats(&first, "/portstory/frames_in_range");
        assert_eq!(stats(&again, "/stats/decoder/pkts"), in_range, "{case}");
        assert_eq!(stats(&again, "/portstory/frames_in_range"), in_range, "{case}");
    }
}

#[test]
fn saved_packets_have_the_format_that_was_asked_for_or_came_in() {
    let folder = tempfile::tempdir().unwrap();
    let (pcap, pcapng) =
        (fixture("ssh-openssh/capture.pcap"), fixture("pcapng-mixed/capture.pcapng"));
    let other_link = fixture("raw-ip/raw.pcap");
    const CLASSIC: [u8; 4] = [0x4d, 0x3c, 0xb2, 0xa1];
    const BLOCKS: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];
    for (name, inputs, expected) in [
        ("a.pcapng", &[&pcap][..], BLOCKS),
        ("a.pcap", &[&pcap], CLASSIC),
        ("a.PCAP", &[&pcap], CLASSIC),
        ("plain", &[&pcap], CLASSIC),
        ("plain", &[&pcapng], BLOCKS),
        ("plain.cap", &[&pcap, &pcapng], BLOCKS),
        ("plain.cap", &[&pcap, &other_link], BLOCKS),
    ] {
        let saved = folder.path().join(name);
        let inputs: Vec<&str> = inputs.iter().map(|input| input.as_str()).collect();
        let output = run(&[&["read", "-w", saved.to_str().unwrap()], &inputs[..]].concat());
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(fs::read(&saved).unwrap()[..4], expected, "{name} {inputs:?}");
    }
    let flows = folder.path().join("flows");
    let piped = run(&["read", "-w", "-", "-o", flows.to_str().unwrap(), &pcap]);
    assert_eq!(piped.stdout[..4], CLASSIC);
    assert!(fs::read_to_string(flows).unwrap().contains("ssh"));
    assert!(complaint(&run(&["read", "-w", "-", &pcap]), 2).contains("-o"));
}

/// Frames that are whole in a capture which may break off.
fn whole_frames(capture: &Path) -> usize {
    let read = run(&["read", "--format", "eve", "-q", capture.to_str().unwrap()]);
    let last: serde_json::Value =
        serde_json::from_str(stdout(&read).lines().last().unwrap()).unwrap();
    usize::try_from(last["stats"]["decoder"]["pkts"].as_u64().unwrap()).unwrap()
}

#[test]
fn a_growing_capture_is_followed_until_it_is_stopped() {
    let folder = tempfile::tempdir().unwrap();
    for case in ["ssh-openssh/capture.pcap", "pcapng-mixed/capture.pcapng"] {
        let bytes = fs::read(fixture(case)).unwrap();
        let path = folder.path().join("growing");
        // Within a record, so that the rest of it is still to come.
        let (begun, rest) = bytes.split_at(bytes.len() / 2 + 1);
        fs::write(&path, begun).unwrap();
        let followed = folder.path().join("followed.json");
        let child = Command::new(program())
            .args(["read", "--follow", "--format", "eve", "-o", followed.to_str().unwrap()])
            .arg(path.to_str().unwrap())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut following = Running::of(child);
        for chunk in rest.chunks(rest.len() / 3 + 1) {
            following.has_read(whole_frames(&path));
            fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(chunk).unwrap();
        }
        following.has_read(whole_frames(&path));
        following.signal(Signal::TERM);
        let (status, said) = following.end();
        let followed = fs::read_to_string(followed).unwrap();
        let whole = run(&["read", "--format", "eve", &fixture(case)]);
        assert_eq!(status.code(), Some(0), "{said}");
        assert_eq!(without_places(&followed), without_places(&stdout(&whole)), "{case}");
        let last = |eve: &str| -> serde_json::Value {
            serde_json::from_str(eve.lines().last().unwrap()).unwrap()
        };
        let (followed, whole) = (last(&followed), last(&stdout(&whole)));
        assert_eq!(followed["event_type"], "stats");
        assert_eq!(followed["stats"]["decoder"], whole["stats"]["decoder"], "{case}");
    }
}

#[test]
fn other_ports_can_be_watched() {
    let capture = fixture("tls-on-client-port/capture.pcap");
    let output = stdout(&run(&["read", "--format", "eve", "--port", "443", &capture]));
    assert!(output.contains(r#""status":"identified""#), "{output}");
    assert!(!output.contains(r#""status":"client_port""#), "{output}");
}

/// The id of a capture's first flow.
fn first_flow_id(capture: &str) -> String {
    let eve = stdout(&run(&["read", "--format", "eve", capture]));
    let first: serde_json::Value = serde_json::from_str(eve.lines().next().unwrap()).unwrap();
    first["flow_id"].to_string()
}

#[test]
fn why_tells_what_another_label_would_have_needed() {
    let capture = fixture("framehawk-3243-alone/capture.pcap");
    let told = stdout(&run(&["why", &capture, "--flow", &first_flow_id(&capture)]));
    for part in [
        "citrix-framehawk (unidentified), confidence low",
        "Runner-up: timelot-unknown",
        "remoting_shape for citrix-framehawk",
        "no  a Citrix session between the two hosts that no other flow claims",
        "site_without_framehawk -> timelot-unknown",
        "udp.dstport == 3243",
    ] {
        assert!(told.contains(part), "{part} is not in\n{told}");
    }
    let capture = fixture("ssh-openssh/capture.pcap");
    let told = stdout(&run(&["why", &capture, "--flow", &first_flow_id(&capture)]));
    assert!(told.contains("Why not Framehawk") && told.contains("no  UDP: it is TCP"), "{told}");
    assert!(complaint(&run(&["why", &capture, "--flow", "99"]), 2).contains("lists their ids"));
}

#[test]
fn what_the_site_says_counts() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (with, without) = (
        file("with.toml", "framehawk_policy = true\nvda_versions = [\"7.15 LTSR\"]\n"),
        file("without.toml", "vda_versions = [\"1903\", \"2203 LTSR\"]\n"),
    );
    let known = file(
        "known.toml",
        "[[service]]\nname = \"screens\"\naddress = \"10.43.1.10\"\nport = 3224\ntransport = \"udp\"\n",
    );
    let capture = fixture("framehawk-ica/capture.pcap");
    let verdict = |args: &[&str]| {
        let eve = stdout(&run(&[&["read", "--format", "eve", &capture], args].concat()));
        let first: serde_json::Value = serde_json::from_str(eve.lines().next().unwrap()).unwrap();
        let story = &first["portstory"];
        [&story["label"], &story["confidence"], &story["protocol"]].map(|value| value.to_string())
    };
    assert_eq!(verdict(&[]), ["\"citrix-framehawk\"", "\"medium\"", "null"]);
    assert_eq!(verdict(&["--site", &with]), ["\"citrix-framehawk\"", "\"high\"", "null"]);
    assert_eq!(verdict(&["--site", &without])[0], "\"other\"");
    assert_eq!(verdict(&["--known", &known]), ["\"other\"", "\"medium\"", "\"screens\""]);
    let broken = file("broken.toml", "policy = maybe");
    assert!(complaint(&run(&["read", "--site", &broken, &capture]), 2).contains("broken.toml"));
}

#[test]
fn every_command_says_what_it_is_for() {
    for command in ["read", "live", "why", "explain", "interfaces", "schema", "completions", "man"]
    {
        let help = stdout(&run(&[command, "--help"]));
        assert!(help.contains("Usage: portstory"), "{command}: {help}");
    }
    assert!(stdout(&run(&["explain", "3243"])).contains("timelot"));
    assert!(stdout(&run(&["explain", "ssh"])).contains("RFC 4253"));
    assert!(stdout(&run(&["explain", "citrix-framehawk"])).contains("companion_session"));
    assert!(stdout(&run(&["live", "--show-filter"])).contains("does not cover"));
    assert!(stdout(&run(&["completions", "bash"])).contains("portstory"));
    assert!(stdout(&run(&["man"])).contains(".TH PORTSTORY"));
}

#[test]
fn fail_on_ends_with_three_where_such_a_flow_was_seen() {
    let ssh = fixture("ssh-openssh/capture.pcap");
    let unknown = fixture("unknown-tcp/capture.pcap");
    for (capture, words, code) in [
        (&ssh, "timelot-unknown", 0),
        (&ssh, "other", 3),
        (&ssh, "citrix-framehawk,unexpected_service", 3),
        (&ssh, "unidentified,text_shell", 0),
        (&unknown, "identified", 0),
        (&unknown, "identified,unidentified", 3),
        (&unknown, "periodic", 3),
    ] {
        let plain = run(&["read", capture]);
        let output = run(&["read", "--fail-on", words, capture]);
        assert_eq!(output.status.code(), Some(code), "{capture} --fail-on {words}");
        assert_eq!(output.stdout, plain.stdout, "the table is the same");
    }
}

#[test]
fn fail_on_knows_its_words() {
    for words in ["ssh", "other,", "Other", "unidentified,timelot"] {
        let output = run(&["read", "--fail-on", words, &fixture("ssh-openssh/capture.pcap")]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{words}: {said}");
        for word in ["timelot-unknown", "unidentified", "text_shell"] {
            assert!(said.contains(word), "{words}: {said}");
        }
    }
}

#[test]
fn the_capture_guide_fills_in_the_ports() {
    for host in ["linux", "windows", "citrix-gateway"] {
        let ports = ["--port", "4711", "--framehawk-range", "4000-4100"];
        let output = run(&[&["capture-guide", "--host", host][..], &ports].concat());
        assert_eq!(output.status.code(), Some(0), "{host}");
        let text = stdout(&output);
        assert!(text.contains("4711") && text.contains("4000") && !text.contains("3243"), "{text}");
        assert!(text.lines().all(|line| line.is_ascii()), "{host}");
    }
    let text = stdout(&run(&["capture-guide", "--host", "linux", "-i", "eth0; rm x"]));
    assert!(text.contains("-i 'eth0; rm x' "), "{text}");
    // Its name of old goes on to work.
    let of_old = stdout(&run(&["plan", "--host", "linux", "-i", "eth0; rm x"]));
    assert_eq!(of_old, text);
}

/// The filter that is handed out must compile where it is to be used.
#[test]
fn the_filter_of_the_capture_guide_is_one_that_libpcap_takes() {
    let text = stdout(&run(&["capture-guide", "--host", "linux"]));
    let filter = text.split('\'').nth(1).unwrap();
    let output = run(&["read", "-f", filter, &fixture("ssh-openssh/capture.pcap")]);
    assert_eq!(output.status.code(), Some(0), "{filter}");
    assert!(stdout(&output).contains("ssh"), "{filter}");
}

#[test]
fn doctor_says_how_it_is_and_what_to_do() {
    let output = run(&["doctor", "-i", "no-such-interface", "--format", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let value: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    let checks = value["checks"].as_array().unwrap();
    for check in checks {
        let is_ok = check["level"] == "ok";
        assert_eq!(is_ok, check["fix"].is_null(), "{check}");
    }
    let capture = checks.iter().find(|check| check["name"] == "no-such-interface: capture");
    assert_eq!(capture.unwrap()["level"], "bad");
    for name in ["libpcap", "rights", "namespaces", "sandbox"] {
        assert!(checks.iter().any(|check| check["name"] == name), "{name}: {value}");
    }
    let text = stdout(&run(&["doctor", "-i", "no-such-interface"]));
    assert!(text.contains("\nbad   no-such-interface: capture") && text.contains("$ portstory"));
}

#[test]
fn every_command_has_examples_and_a_manual_page() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(&["man", "--out-dir", folder.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let help = stdout(&run(&["--help"]));
    let commands = help.split("Commands:").nth(1).unwrap().split("Options:").next().unwrap();
    let names = commands.lines().filter_map(|line| line.strip_prefix("  "));
    let names: Vec<&str> = names
        .filter(|line| !line.starts_with(' '))
        .filter_map(|line| line.split(' ').next())
        .collect();
    let pages = names.iter().map(|&name| match name {
        "help" => "portstory.1".to_owned(),
        name => format!("portstory-{name}.1"),
    });
    let written = fs::read_dir(folder.path()).unwrap().map(|page| page.unwrap().file_name());
    let written: BTreeSet<String> = written.map(|page| page.into_string().unwrap()).collect();
    assert_eq!(pages.collect::<BTreeSet<_>>(), written, "a page for each command");
    for name in names.into_iter().filter(|&name| name != "help") {
        let help = stdout(&run(&[name, "--help"]));
        assert!(help.contains("\nExample"), "{name}: {help}");
        let page = fs::read_to_string(folder.path().join(format!("portstory-{name}.1"))).unwrap();
        let written = page.replace("\\-", "-");
        assert!(written.contains(&format!("portstory {name}")), "{name}: {page}");
        assert_eq!(page, stdout(&run(&["man", name])), "{name}");
    }
    let whole = fs::read_to_string(folder.path().join("portstory.1")).unwrap();
    assert!(whole.contains("portstory\\-read") || whole.contains("portstory-read"), "{whole}");
    assert_eq!(run(&["man", "nonsense"]).status.code(), Some(2));
}

#[test]
fn the_page_on_a_port_names_its_sources() {
    let page = stdout(&run(&["explain", "3243"]));
    for number in 1..=7 {
        assert!(page.matches(&format!("[{number}]")).count() >= 2, "[{number}]: {page}");
    }
    assert!(page.lines().all(|line| line.len() <= 100), "{page}");
    let elsewhere = stdout(&run(&["explain", "8443"]));
    assert!(elsewhere.contains("--port 8443") && !elsewhere.contains("Framehawk"), "{elsewhere}");
}

#[test]
fn a_capture_without_payload_says_how_to_record_again() {
    for (capture, kept, snap) in
        [("headers", "no payload", 54), ("six-bytes", "only 6 bytes of payload", 60)]
    {
        let capture = fixture(&format!("headers-only/{capture}.pcap"));
        let text = stdout(&run(&["read", &capture]));
        let flow = format!(
            "the capture kept {kept} ({snap} bytes of each frame): record again with tcpdump -s 0"
        );
        let command = "sudo tcpdump -i any -s 0 -w again.pcap 'host 10.43.7.1 and tcp port 3243'";
        for part in ["(insufficient)", &flow, "Next       record again with whole frames", command]
        {
            assert!(text.contains(part), "{part:?} is not in\n{text}");
        }
        let eve = stdout(&run(&["read", "--format", "eve", &capture]));
        let flow: serde_json::Value = serde_json::from_str(eve.lines().next().unwrap()).unwrap();
        assert_eq!(flow["portstory"]["visibility"]["snap_bytes"], snap);
        let page = stdout(&run(&["report", "--format", "md", &capture, "-o", "-"]));
        assert!(page.contains(command), "{page}");
    }
    let whole = stdout(&run(&["read", &fixture("ssh-openssh/capture.pcap")]));
    assert!(!whole.contains("record again"), "{whole}");
}
