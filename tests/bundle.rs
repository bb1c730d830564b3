//! Bundles: what is in them, that they are checked to the last octet, and that shared ones keep their
//! verdicts and nothing else.
#![allow(
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

mod support;

fn portstory(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_portstory"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(args)
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    let octets = [output.stdout.clone(), output.stderr.clone()].concat();
    String::from_utf8(octets).unwrap()
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

/// Unpacks by a program that is not ours.
fn unpack(zip: &Path, to: &Path) {
    let script = "import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extractall(sys.argv[2])";
    let done = Command::new("python3").args(["-c", script]).arg(zip).arg(to).status().unwrap();
    assert!(done.success());
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

    unpack(&moved, elsewhere.path());
    let sums = Command::new("sha256sum")
        .args(["--check", "--strict", "SHA256SUMS"])
        .current_dir(elsewhere.path())
        .output()
        .unwrap();
    assert!(sums.status.success(), "{}", said(&sums));
    assert_eq!(said(&sums).lines().count(), 5, "{}", said(&sums));
    let packets = elsewhere.path().join("evidence.pcapng");
    let octets = std::fs::read(&packets).unwrap();
    let comments = octets.windows(16).filter(|window| window == b"portstory: flow ").count();
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
fn a_changed_octet_is_refused_with_the_name_of_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let zip = bundle(dir.path(), &["fixtures/ssh-scan/capture.pcap"]);
    let whole = std::fs::read(&zip).unwrap();
    let find = |name: &str| {
        let name = name.as_bytes();
        whole.windows(name.len()).position(|window| window == name).unwrap() + name.len()
    };
    // In the middle of each file's own octets: behind its local header and name.
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
        assert_eq!(output.status.code(), Some(1), "octet {at}: {}", said(&output));
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
fn a_shared_bundle_keeps_verdicts_and_loses_addresses_and_payload() {
    let dir = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let zip = bundle(
        dir.path(),
        &["--share", UNKNOWN, FRAMEHAWK, "fixtures/http-nginx-curl/capture.pcap"],
    );
    let output = verify(&zip);
    assert!(output.status.success() && said(&output).contains("shared"), "{}", said(&output));
    unpack(&zip, elsewhere.path());
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
    let original = support::frames(
        &[UNKNOWN, FRAMEHAWK, "fixtures/http-nginx-curl/capture.pcap"].map(PathBuf::from),
    );
    let zeros = |frames: &[support::OwnedFrame]| {
        let bytes = frames.iter().flat_map(|frame| &frame.bytes);
        bytes.filter(|&&octet| octet == 0).count()
    };
    assert!(zeros(&frames) > zeros(&original), "payload was left out");
    for frame in &frames {
        for address in [[10, 43, 0, 1], [10, 43, 0, 2], [10, 43, 1, 2], [10, 43, 1, 10]] {
            let header = &frame.bytes[..frame.bytes.len().min(40)];
            assert!(!header.windows(4).any(|four| four == address), "an address is left");
        }
    }
}

#[test]
fn what_cannot_be_shared_as_it_is_is_not_written() {
    let dir = tempfile::tempdir().unwrap();
    let mut refused = Vec::new();
    let zip = dir.path().join("shared.zip");
    for capture in support::cases().iter().flat_map(|case| &case.captures) {
        let name = capture.strip_prefix(support::fixtures()).unwrap().display().to_string();
        let args = ["bundle", "--share", "-o", zip.to_str().unwrap(), capture.to_str().unwrap()];
        let output = portstory(&args);
        if output.status.success() {
            let output = verify(&zip);
            assert!(output.status.success(), "{name}: {}", said(&output));
            std::fs::remove_file(&zip).unwrap();
        } else {
            assert!(said(&output).contains("would not be the same"), "{name}: {}", said(&output));
            assert!(!zip.exists(), "{name}");
            refused.push(name);
        }
    }
    // A tunnel on a watched port is a flow whose payload holds the packets of another one.
    assert_eq!(refused, ["tunnel-outer-watched/capture.pcap"]);
}
