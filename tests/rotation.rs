//! Outputs that are spread over several files: each is whole, nothing is lost, rights are not needed.

mod support;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use portstory_testkit::process::{Running, until};
use rustix::process::Signal;
use support::program::program;

fn portstory(args: &[&str]) -> Output {
    let mut command = Command::new(program());
    if rustix::process::geteuid().is_root() {
        // Who owns none of the folders here: only the helper can open a file.
        command.args([args[0], "--user", "65534:65534"]).args(&args[1..]);
    } else {
        command.args(args);
    }
    command.output().unwrap()
}

fn capture(case: &str) -> String {
    support::fixtures().join(case).join("capture.pcap").to_str().unwrap().to_owned()
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|found| found == extension));
    files.sort();
    files
}

#[test]
fn every_file_is_whole_and_nothing_is_lost() {
    for extension in ["pcap", "pcapng"] {
        let folder = tempfile::tempdir().unwrap();
        let input = capture("ssh-openssh");
        let packets = folder.path().join(format!("saved.{extension}"));
        let eve = folder.path().join("eve.json");
        let (packets, eve) = (packets.to_str().unwrap(), eve.to_str().unwrap());
        let ended = portstory(&[
            "read",
            &input,
            "--format",
            "eve",
            "-o",
            eve,
            "-w",
            packets,
            "--rotate-size",
            "1K",
        ]);
        assert!(ended.status.success(), "{ended:?}");

        let parts = files(folder.path(), extension);
        assert!(parts.len() > 1, "{parts:?}");
        let frames: usize =
            parts.iter().map(|part| support::frames(std::slice::from_ref(part)).len()).sum();
        let whole = folder.path().join(format!("whole.{extension}"));
        assert!(portstory(&["read", &input, "-w", whole.to_str().unwrap()]).status.success());
        assert_eq!(frames, support::frames(&[whole]).len());
        assert!(parts[0].to_str().unwrap().ends_with(&format!("saved-000001.{extension}")));

        let lines: Vec<usize> = files(folder.path(), "json")
            .iter()
            .map(|part| {
                let text = fs::read_to_string(part).unwrap();
                assert!(text.ends_with('\n'));
                let parsed = text.lines().map(|line| {
                    serde_json::from_str::<serde_json::Value>(line).unwrap();
                });
                parsed.count()
            })
            .collect();
        assert!(lines.len() > 1 && lines.iter().all(|&lines| lines > 0), "{lines:?}");
    }
}

/// Where the next file of packets cannot be had, the run goes on in this one, and its end says so.
#[test]
fn a_rotation_that_fails_is_told_at_the_end() {
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("out");
    fs::create_dir(&folder).unwrap();
    let packets = folder.join("saved.pcap");
    let mut run = Command::new(program())
        .args(["read", "-v", "-", "-w", packets.to_str().unwrap(), "--rotate-size", "1K"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Once whoever opens the files has their folder.
    let mut lines = BufReader::new(run.stderr.take().unwrap());
    let mut said = String::new();
    while !said.contains("open-outputs: ") {
        assert_ne!(lines.read_line(&mut said).unwrap(), 0, "{said}");
    }
    // Nothing can be made in a folder that is gone; the file that is open stays.
    fs::remove_dir_all(&folder).unwrap();
    let bytes = fs::read(capture("ssh-openssh")).unwrap();
    run.stdin.take().unwrap().write_all(&bytes).unwrap();
    lines.read_to_string(&mut said).unwrap();
    let ended = run.wait().unwrap();
    assert_eq!(said.matches("cannot open the next output file").count(), 1, "{said}");
    assert_eq!(ended.code(), Some(1), "{said}");
}

#[test]
fn old_files_go_and_titles_stand_in_each() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("flows.csv");
    let input = capture("syn-scan");
    let args = ["read", &input, "--format", "csv", "-o", out.to_str().unwrap()];
    let more = ["--rotate-size", "4K", "--keep", "3"];
    for _ in 0..2 {
        assert!(portstory(&[&args[..], &more[..]].concat()).status.success());
    }
    let parts = files(folder.path(), "csv");
    assert_eq!(parts.len(), 3, "the second run goes on behind the first: {parts:?}");
    for part in &parts {
        assert!(fs::read_to_string(part).unwrap().starts_with("start"), "{}", part.display());
    }
    assert!(!portstory(&[&args[..], &["--keep", "3"]].concat()).status.success());
}

#[test]
fn what_was_there_stays_where_the_input_is_no_capture() {
    let folder = tempfile::tempdir().unwrap();
    let (notes, out) = (folder.path().join("notes"), folder.path().join("out"));
    fs::write(&notes, "nothing but words\n").unwrap();
    fs::write(&out, "of yesterday\n").unwrap();
    let ended = portstory(&["read", notes.to_str().unwrap(), "-o", out.to_str().unwrap()]);
    assert_eq!(ended.status.code(), Some(2));
    assert_eq!(fs::read_to_string(&out).unwrap(), "of yesterday\n");
}

/// The helper is asked for what is not on its list: it gives nothing and ends.
#[test]
fn the_helper_opens_nothing_else() {
    use std::io::{Read as _, Write as _};
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;
    let requests: [(u8, u64); 5] = [(0, 0), (0, 1), (0, 3), (1, 2), (255, u64::MAX)];
    for (output, number) in requests {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("eve.json");
        fs::write(folder.path().join("eve-000001.json"), b"").unwrap();
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        let helper = Command::new(program())
            .args(["__open-outputs", "--numbered", "--", path.to_str().unwrap()])
            .stdin(OwnedFd::from(theirs))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        ours.write_all(&[&[output][..], &number.to_le_bytes()].concat()).unwrap();
        // It says first what it gave up.
        let mut len = [0; 4];
        ours.read_exact(&mut len).unwrap();
        let mut report = vec![0; usize::try_from(u32::from_le_bytes(len)).unwrap()];
        ours.read_exact(&mut report).unwrap();
        let mut answer = Vec::new();
        let _ = ours.read_to_end(&mut answer);
        let ended = helper.wait_with_output().unwrap();
        assert!(answer.is_empty() && !ended.status.success(), "{output} {number}: {answer:?}");
        assert!(String::from_utf8_lossy(&ended.stderr).contains("not on the list"));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}

/// A file that grows is followed for as long as an interface is: what logrotate does to one it does to the other.
#[test]
fn outputs_of_a_file_that_grows_are_opened_anew_too() {
    let folder = tempfile::tempdir().unwrap();
    let [growing, eve, moved] =
        ["growing.pcap", "eve.json", "eve.json.1"].map(|name| folder.path().join(name));
    let bytes = fs::read(capture("ssh-openssh")).unwrap();
    fs::write(&growing, &bytes).unwrap();
    let frames = support::frames(std::slice::from_ref(&growing)).len();
    let child = Command::new(program())
        .args(["read", "--follow", "--format", "eve", "-o", eve.to_str().unwrap()])
        .arg(&growing)
        .stderr(Stdio::piped())
        .spawn();
    let mut running = Running::of(child.unwrap());
    running.has_read(frames);
    running.catches(Signal::HUP);
    fs::rename(&eve, &moved).unwrap();
    running.signal(Signal::HUP);
    until("the output is there again", || eve.exists().then_some(()));
    // It goes on with what comes.
    let mut more = fs::OpenOptions::new().append(true).open(&growing).unwrap();
    more.write_all(&bytes[24..]).unwrap();
    running.has_read(2 * frames);
    running.signal(Signal::INT);
    let (ended, said) = running.end();
    assert!(ended.success(), "{ended:?}: {said}");
    let text = fs::read_to_string(&eve).unwrap();
    assert!(text.contains("\"event_type\":\"flow\"") && text.contains("\"event_type\":\"stats\""));
    assert!(fs::read_to_string(&moved).unwrap().is_empty());
}
