//! Bundles: what is in them, that they are checked to the last byte, and that shared ones keep their
//! verdicts and nothing else.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use portstory_testkit::captures::Writer;
use serde_json::Value;

mod support;

use support::program::{program, said, unzip};

fn portstory(args: &[&str]) -> Output {
    Command::new(program()).current_dir(env!("CARGO_MANIFEST_DIR")).args(args).output().unwrap()
}

fn bundle(dir: &Path, args: &[&str]) -> PathBuf {
    let zip = dir.join("incident.zip");
    let output = portstory(&[&["bundle", "-o", zip.to_str().unwrap()], args].concat());
    assert!(output.status.success(), "{args:?}: {}", said(&output));
    zip
}

fn verify(zip: &Path) -> Output {
    portstory(&["verify", zip.to_str().unwrap()])
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// A capture whose program says at its end that it lost seven frames.
fn with_drops(dir: &Path) -> PathBuf {
    const OS_DROPPED: u16 = 7;
    let frames = support::frames(&[support::fixtures().join("unknown-tcp/capture.pcap")]);
    let (last, before) = frames.split_last().unwrap();
    let micros = |frame: &support::OwnedFrame| u64::try_from(frame.at.time.nanos() / 1000).unwrap();
    let written = before.iter().fold(Writer::pcapng(false), |writer, frame| {
        writer.enhanced(0, micros(frame), &frame.bytes)
    });
    let written = written.statistics(0, |writer| writer.option_64(OS_DROPPED, 7));
    let path = dir.join("lossy.pcapng");
    std::fs::write(&path, written.enhanced(0, micros(last), &last.bytes).bytes).unwrap();
    path
}

const UNKNOWN: &str = "fixtures/unknown-tcp/capture.pcap";
const FRAMEHAWK: &str = "fixtures/framehawk-ica/capture.pcap";

#[test]
fn a_bundle_holds_what_it_takes_and_is_verified_elsewhere() {
    let (dir, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let zip = bundle(dir.path(), &[UNKNOWN, FRAMEHAWK]);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "something was left behind");
    let moved = elsewhere.path().join("got.zip");
    std::fs::rename(zip, &moved).unwrap();
    let output = verify(&moved);
    assert!(
        output.status.success() && said(&output).contains("the same 2 verdicts"),
        "{}",
        said(&output)
    );

    unzip(&moved, elsewhere.path());
    let sums = Command::new("sha256sum")
        .args(["--check", "--strict", "SHA256SUMS"])
        .current_dir(elsewhere.path())
        .output()
        .unwrap();
    assert!(sums.status.success(), "{}", said(&sums));
    assert_eq!(said(&sums).lines().count(), 5, "{}", said(&sums));
    let packets = elsewhere.path().join("evidence.pcapng");
    let bytes = std::fs::read(&packets).unwrap();
    let comments = bytes.windows(16).filter(|window| window == b"portstory: flow ").count();
    assert_eq!(comments, 2, "a comment on each flow's first packet");
    // The ICA session that the verdict rests on is there, by its port.
    let frames = support::frames(&[packets]);
    assert!(frames.iter().any(|frame| frame.bytes.windows(2).any(|two| two == [0x05, 0xd6])));
    let page = std::fs::read_to_string(elsewhere.path().join("report.html")).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>"));
}

#[test]
fn every_fixture_gives_its_verdicts_again() {
    let dir = tempfile::tempdir().unwrap();
    for case in support::cases() {
        let paths: Vec<&str> = case.captures.iter().map(|path| path.to_str().unwrap()).collect();
        let output = verify(&bundle(dir.path(), &paths));
        assert!(output.status.success(), "{}: {}", case.name, said(&output));
    }
}

#[test]
fn a_changed_byte_is_refused_with_the_name_of_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let zip = bundle(dir.path(), &["fixtures/ssh-scan/capture.pcap"]);
    let whole = std::fs::read(&zip).unwrap();
    let find = |name: &str| {
        let name = name.as_bytes();
        whole.windows(name.len()).position(|window| window == name).unwrap() + name.len()
    };
    // In the middle of each file's own bytes: behind its local header and name.
    for name in [
        "eve.json",
        "report.html",
        "settings.json",
        "verdicts.json",
        "evidence.pcapng",
        "SHA256SUMS",
    ] {
        let mut changed = whole.clone();
        changed[find(name) + 60] ^= 0x10;
        std::fs::write(&zip, &changed).unwrap();
        let output = verify(&zip);
        assert_eq!(output.status.code(), Some(1), "{name}: {}", said(&output));
        assert!(said(&output).contains(name), "{name}: {}", said(&output));
    }
    for at in (0..whole.len()).step_by(whole.len() / 150 + 1).chain(whole.len() - 90..whole.len()) {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        std::fs::write(&zip, &changed).unwrap();
        let output = verify(&zip);
        assert_eq!(output.status.code(), Some(1), "byte {at}: {}", said(&output));
    }
    for at in (0..whole.len()).step_by(whole.len() / 20 + 1) {
        std::fs::write(&zip, &whole[..at]).unwrap();
        assert_eq!(verify(&zip).status.code(), Some(1), "cut at {at}");
    }
}

#[test]
fn zips_that_are_no_bundles_write_nothing_and_fill_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let zip = bundle(dir.path(), &["fixtures/ssh-scan/capture.pcap"]);
    let hostile = dir.path().join("hostile.zip");
    let script = "
import sys, zipfile
source, target, what = sys.argv[1:]
with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, 'w', zipfile.ZIP_DEFLATED) as new:
    for name in old.namelist():
        if what == 'missing' and name == 'eve.json': continue
        data = old.read(name)
        if what == 'bomb' and name == 'SHA256SUMS': data = bytes(200 << 20)
        new.writestr(name, data)
    if what == 'path': new.writestr('../outside\\x1b[2J', b'x')
    if what == 'twice': new.writestr('eve.json', b'x')
    new.comment = b'0' * 64
";
    for (what, named) in [
        ("path", "../outside"),
        ("missing", "eve.json"),
        ("bomb", "SHA256SUMS"),
        ("twice", "eve.json"),
    ] {
        let made = Command::new("python3")
            .args(["-W", "ignore", "-c", script])
            .args([&zip, &hostile])
            .arg(what)
            .status()
            .unwrap();
        assert!(made.success());
        let output = verify(&hostile);
        assert_eq!(output.status.code(), Some(1), "{what}: {}", said(&output));
        assert!(said(&output).contains(named), "{what}: {}", said(&output));
        assert!(!said(&output).contains('\x1b'), "{what}");
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2, "something was unpacked");
}

#[test]
fn a_fully_shared_bundle_keeps_verdicts_and_loses_addresses() {
    let dir = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let zip = bundle(
        dir.path(),
        &["--share=full", "--yes", UNKNOWN, FRAMEHAWK, "fixtures/http-nginx-curl/capture.pcap"],
    );
    let output = verify(&zip);
    assert!(output.status.success() && said(&output).contains("shared"), "{}", said(&output));
    unzip(&zip, elsewhere.path());
    for name in ["report.html", "eve.json", "verdicts.json", "settings.json"] {
        let text = std::fs::read_to_string(elsewhere.path().join(name)).unwrap();
        for address in ["10.43.0.1", "10.43.0.2", "10.43.1.2", "10.43.1.10"] {
            for end in ["\"", ":", " ", "<", "/"] {
                assert!(!text.contains(&format!("{address}{end}")), "{name} tells {address}");
            }
        }
        if name == "settings.json" {
            assert!(text.contains("\"shared\": true"));
        }
    }
    let frames = support::frames(&[elsewhere.path().join("evidence.pcapng")]);
    let holds = |what: &[u8]| {
        frames.iter().any(|frame| frame.bytes.windows(what.len()).any(|window| window == what))
    };
    // The first line stays, and so does what is told of the server; a body does not.
    assert!(holds(b"GET / HTTP/1.1") && holds(b"Server: nginx"));
    for frame in &frames {
        for address in [[10, 43, 0, 1], [10, 43, 0, 2], [10, 43, 1, 2], [10, 43, 1, 10]] {
            let header = &frame.bytes[..frame.bytes.len().min(40)];
            assert!(!header.windows(4).any(|four| four == address), "an address is left");
        }
    }
}

#[test]
fn a_flow_that_cannot_be_shared_as_it_is_blocks_no_others() {
    let dir = tempfile::tempdir().unwrap();
    let zip = dir.path().join("shared.zip");
    let mut without = Vec::new();
    for case in support::cases() {
        let mut args = vec!["bundle", "--share=full", "--yes", "-o", zip.to_str().unwrap()];
        args.extend(case.captures.iter().map(|path| path.to_str().unwrap()));
        let output = portstory(&args);
        assert!(output.status.success(), "{}: {}", case.name, said(&output));
        if said(&output).contains("without payload") || said(&output).contains("left out") {
            without.push(case.name.clone());
        }
        let output = verify(&zip);
        assert!(output.status.success(), "{}: {}", case.name, said(&output));
    }
    // The first line of the PROXY protocol is made of addresses, which are replaced. A tunnel on a
    // watched port is a flow whose payload holds the packets of another one.
    assert_eq!(without, ["messages-tcp", "tunnel-outer-watched"]);
}

#[test]
fn nothing_is_shared_that_nobody_agreed_to() {
    let dir = tempfile::tempdir().unwrap();
    let zip = dir.path().join("shared.zip");
    let args = ["bundle", "--share", "-o", zip.to_str().unwrap(), UNKNOWN];
    let output = portstory(&args);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    for told in ["stays: ports", "replaced: 2 addresses", "--yes"] {
        assert!(said(&output).contains(told), "{told}: {}", said(&output));
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "something was written");
    let output = portstory(&[&args[..], &["--yes"]].concat());
    assert!(output.status.success(), "{}", said(&output));
    for alone in ["--yes", "--exclude=10.43.0.1"] {
        let output = portstory(&["bundle", alone, "-o", zip.to_str().unwrap(), UNKNOWN]);
        assert_eq!(output.status.code(), Some(2), "{alone} needs --share");
    }
}

/// A real pseudo-terminal: what the program shows there, and how it ends once somebody has answered.
/// What happens `meanwhile` is shown the number of the process.
fn ask(dir: &Path, meanwhile: impl FnOnce(u32), answer: &[u8]) -> (Option<i32>, String) {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let own = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&own).unwrap();
    unlockpt(&own).unwrap();
    let path = ptsname(&own, Vec::new()).unwrap().into_string().unwrap();
    // setsid makes it the controlling terminal of what it starts, so that Ctrl-C is a signal.
    let mut child = Command::new("setsid")
        .args(["--ctty", "--wait", &support::program::program(), "bundle", "--share", "-o"])
        .arg(dir.join("shared.zip"))
        .arg(UNKNOWN)
        .stdin(std::fs::OpenOptions::new().read(true).write(true).open(&path).unwrap())
        .stderr(std::fs::OpenOptions::new().write(true).open(&path).unwrap())
        .spawn()
        .unwrap();
    let mut own = std::fs::File::from(own);
    let mut shown = Vec::new();
    let mut bytes = [0; 4096];
    let asked = |shown: &[u8]| String::from_utf8_lossy(shown).contains("[y/N] ");
    while !asked(&shown) {
        let read = std::io::Read::read(&mut own, &mut bytes).unwrap();
        shown.extend(&bytes[..read]);
    }
    meanwhile(child.id());
    std::io::Write::write_all(&mut own, answer).unwrap();
    let ended = child.wait().unwrap();
    // Nobody holds the other end any more, so that this comes to an end.
    while let Ok(read @ 1..) = std::io::Read::read(&mut own, &mut bytes) {
        shown.extend(&bytes[..read]);
    }
    (ended.code(), String::from_utf8(shown).unwrap())
}

#[test]
fn on_a_terminal_it_asks_and_takes_no_for_an_answer() {
    const CTRL_C: &[u8] = b"\x03";
    let cases: [(&[u8], i32, &str); 4] = [
        (b"y\n", 0, "stays: ports"),
        (b"n\n", 2, "nothing was written"),
        (b"\n", 2, "nothing was written"),
        (CTRL_C, 1, "no bundle was written"),
    ];
    for (answer, code, told) in cases {
        let dir = tempfile::tempdir().unwrap();
        let (ended, shown) = ask(dir.path(), |_| {}, answer);
        assert_eq!(ended, Some(code), "{answer:?}: {shown}");
        assert!(shown.contains(told), "{answer:?}: {shown}");
        let written = std::fs::read_dir(dir.path()).unwrap().count();
        assert_eq!(written, usize::from(code == 0), "{answer:?}: {shown}");
    }
}

#[test]
fn it_has_no_rights_when_captures_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let mut status = String::new();
    let meanwhile = |pid| status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let (ended, shown) = ask(dir.path(), meanwhile, b"y\n");
    assert_eq!(ended, Some(0), "{shown}");
    let has = |line: &str| status.lines().any(|one| one.replace('\t', " ") == line);
    assert!(has("Seccomp: 2") && has("NoNewPrivs: 1"), "{status}");
    let writing = ["CapBnd", "CapAmb"].map(|set| format!("{set}: 0000000000000000"));
    assert!(
        !rustix::process::geteuid().is_root() || writing.iter().all(|set| has(set)),
        "{status}"
    );
}

#[test]
fn it_stays_in_its_folder_whatever_takes_the_folders_place() {
    let dir = tempfile::tempdir().unwrap();
    let [out, aside, other] = ["out", "aside", "other"].map(|name| dir.path().join(name));
    for folder in [&out, &other] {
        std::fs::create_dir(folder).unwrap();
    }
    std::fs::write(other.join("shared.zip"), b"of somebody else").unwrap();
    let meanwhile = |_| {
        std::fs::rename(&out, &aside).unwrap();
        std::os::unix::fs::symlink(&other, &out).unwrap();
    };
    let (ended, shown) = ask(&out, meanwhile, b"y\n");
    assert_eq!(ended, Some(0), "{shown}");
    assert_eq!(std::fs::read(other.join("shared.zip")).unwrap(), b"of somebody else");
    assert!(verify(&aside.join("shared.zip")).status.success());
    assert_eq!(names(&aside), ["shared.zip"]);
}

#[test]
fn nothing_is_left_of_it_where_it_is_ended_by_force() {
    let dir = tempfile::tempdir().unwrap();
    let meanwhile = |pid| {
        use rustix::process::{Pid, Signal, kill_process};
        assert_eq!(names(dir.path()).len(), 1);
        kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), Signal::KILL).unwrap();
    };
    let (ended, _) = ask(dir.path(), meanwhile, b"");
    assert_eq!(ended, None);
    portstory_testkit::process::until("nothing is left", || {
        names(dir.path()).is_empty().then_some(())
    });
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn what_is_excluded_is_nowhere() {
    let dir = tempfile::tempdir().unwrap();
    let captures = ["fixtures/dns-dnsmasq/capture.pcap", "fixtures/ssh-openssh/capture.pcap"];
    let ids = flow_ids(&captures);
    assert_eq!(ids.len(), 4);
    // Of three questions one, and the ssh session by its client.
    let client = "10.43.0.2:47088";
    let exclude = [format!("--exclude={}", ids[0]), format!("--exclude={client}")];
    let exclude = exclude.iter().map(String::as_str);
    let args: Vec<&str> = ["--share", "--yes"].into_iter().chain(exclude).chain(captures).collect();
    let zip = bundle(dir.path(), &args);
    assert!(said(&verify(&zip)).contains("the same 2 verdicts"), "{}", said(&verify(&zip)));
    let elsewhere = tempfile::tempdir().unwrap();
    unzip(&zip, elsewhere.path());
    let eve = std::fs::read_to_string(elsewhere.path().join("eve.json")).unwrap();
    assert_eq!(eve.matches("\"event_type\":\"flow\"").count(), 2);
    for name in ["eve.json", "report.html", "verdicts.json"] {
        let text = std::fs::read_to_string(elsewhere.path().join(name)).unwrap();
        assert!(!text.contains("\"ssh\"") && !text.contains("ssh banner"), "{name}");
    }
    let settings = std::fs::read_to_string(elsewhere.path().join("settings.json")).unwrap();
    assert!(settings.contains("\"flows_excluded\": 2"), "{settings}");
    let original = support::frames(&captures.map(PathBuf::from)).len();
    let shared = support::frames(&[elsewhere.path().join("evidence.pcapng")]).len();
    assert!(shared < original / 2, "{shared} of {original} frames are left");

    // A word that means nothing may be a slip, and what it should have meant would be handed out.
    let output = portstory(
        &[&["bundle", "--share", "--yes", "--exclude=10.43.0.77", "-o", "x.zip"], &captures[..]]
            .concat(),
    );
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("10.43.0.77"), "{}", said(&output));
}

#[test]
fn a_name_has_one_replacement_and_the_report_knows_no_folder() {
    let dir = tempfile::tempdir().unwrap();
    // Both were asked for under one name, once in a question and once in a hello.
    let captures = ["fixtures/tls-openssl/capture.pcap", "fixtures/tls12-openssl/capture.pcap"];
    let zip = bundle(dir.path(), &[&["--share", "--yes"], &captures[..]].concat());
    let elsewhere = tempfile::tempdir().unwrap();
    unzip(&zip, elsewhere.path());
    let eve = std::fs::read_to_string(elsewhere.path().join("eve.json")).unwrap();
    let names: Vec<&str> = eve
        .match_indices("\"sni\":\"")
        .map(|(at, found)| eve[at + found.len()..].split('"').next().unwrap())
        .collect();
    assert!(names.len() >= 2 && names.iter().all(|name| *name == names[0]), "{names:?}");
    assert_ne!(names[0], "timelot.example");
    assert_eq!(names[0].len(), "timelot.example".len());
    let page = std::fs::read_to_string(elsewhere.path().join("report.html")).unwrap();
    assert!(page.contains("portstory bundle --share capture.pcap capture.pcap -o ZIP"));
    assert!(!page.contains("fixtures/") && !page.contains(dir.path().to_str().unwrap()));
}

fn flow_ids(captures: &[&str]) -> Vec<u64> {
    let paths: Vec<PathBuf> = captures.iter().map(PathBuf::from).collect();
    let events =
        support::classify(&support::frames(&paths), &portstory_core::config::Config::default());
    let flows = events.iter().filter_map(|event| match event {
        portstory_core::event::Event::Flow(flow) => Some(flow.flow_id),
        portstory_core::event::Event::Verdict(_)
        | portstory_core::event::Event::Endpoint(_)
        | portstory_core::event::Event::Anomaly(_) => None,
    });
    flows.collect()
}

#[test]
fn what_the_capture_lost_is_allowed_for_by_every_command() {
    const LOST: &str = "the capture dropped 7 frames";
    let dir = tempfile::tempdir().unwrap();
    let capture = with_drops(dir.path());
    let capture = capture.to_str().unwrap();
    for args in [
        &["read", "--format", "eve", capture][..],
        &["report", "--format", "md", capture],
        &["why", capture],
    ] {
        let output = portstory(args);
        assert!(said(&output).contains(LOST), "{args:?}: {}", said(&output));
    }
    let zip = bundle(dir.path(), &[capture]);
    unzip(&zip, dir.path());
    for file in ["eve.json", "report.html"] {
        let text = std::fs::read_to_string(dir.path().join(file)).unwrap();
        assert!(text.contains(LOST), "{file}");
    }
    assert_eq!(json(&dir.path().join("settings.json"))["dropped"]["frames"], 7);
    let verified = verify(&zip);
    assert!(verified.status.success(), "{}", said(&verified));
}

/// The settings say how much memory the verdicts were made with, and `verify` takes as much unasked.
#[test]
fn a_bundle_is_verified_with_the_memory_that_it_was_made_with() {
    let dir = tempfile::tempdir().unwrap();
    let services = ["--services", "500", "--clients", "8", "--span", "1"];
    let capture = support::program::generated("services.py", &services, "many.pcap");
    let capture = capture.to_str().unwrap();
    let zip = bundle(dir.path(), &[capture]);
    unzip(&zip, dir.path());
    assert_eq!(json(&dir.path().join("settings.json"))["memory_max"], 192 << 20);
    let verified = verify(&zip);
    assert!(verified.status.success(), "{}", said(&verified));
    // Not enough for all of them, whose verdicts are then other ones than with enough.
    let zip = bundle(dir.path(), &["--memory-max", "1M", capture]);
    let verified = verify(&zip);
    assert!(verified.status.success(), "{}", said(&verified));
}
