//! SIGINT and SIGTERM end every command within a second, whatever it waits for, and what was read is
//! reported.
//!
//! Each row starts the program as its users do, waits until all its threads are asleep, sends the
//! signal and measures by the machine's clock until it has gone. `PORTSTORY_PROGRAM=FILE` tries another
//! build.

mod fuse;
mod running;
#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use running::{Running, full_pipe};
use rustix::process::Signal;
use support::program::program;

/// Both signals that end the program.
const SIGNALS: [Signal; 2] = [Signal::INT, Signal::TERM];

/// A folder of its own, and the packets of all fixtures in one file.
struct Place {
    folder: tempfile::TempDir,
    capture: PathBuf,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let capture = folder.path().join("all.pcapng");
        let made = Command::new(program())
            .args(["read", "-q", "-o", "/dev/null", "-w"])
            .args([&capture, &support::fixtures()])
            .output()
            .unwrap();
        assert!(fs::metadata(&capture).unwrap().len() > 1 << 20, "{made:?}");
        Self { folder, capture }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    fn bytes(&self) -> Vec<u8> {
        fs::read(&self.capture).unwrap()
    }

    /// What `read` tells of these bytes when they come from a file.
    fn flows_of(&self, bytes: &[u8]) -> Vec<String> {
        let path = self.path("reference");
        fs::write(&path, bytes).unwrap();
        let read = Command::new(program())
            .args(["read", "-q", "--format", "eve"])
            .arg(&path)
            .output()
            .unwrap();
        flows(&String::from_utf8(read.stdout).unwrap())
    }
}

/// The flows of EVE lines, without what names files.
fn flows(eve: &str) -> Vec<String> {
    let mut flows = Vec::new();
    for line in eve.lines() {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        if value["event_type"] == "flow" {
            let ours = &value["portstory"];
            flows.push(format!("{} {} {}", value["flow_id"], ours["label"], ours["summary"]));
        }
    }
    flows.sort();
    assert!(!flows.is_empty(), "{eve}");
    flows
}

/// The id of one flow.
fn a_flow(place: &Place) -> String {
    let flows = place.flows_of(&place.bytes());
    flows[0].split(' ').next().unwrap().to_owned()
}

#[test]
fn a_fifo_without_a_writer() {
    let place = Place::new();
    running::make_fifo(&place.path("fifo"));
    let fifo = place.text("fifo");
    let page = place.text("page.html");
    let rows: [(&[&str], i32); 5] = [
        (&["read", &fifo], 0),
        (&["read", "--format", "eve", &fifo], 0),
        (&["read", "-w", &place.text("packets.pcapng"), "--report", &page, &fifo], 0),
        (&["report", &fifo, "-o", &page], 0),
        // Of a flow that was not seen nothing can be told.
        (&["why", &fifo, "--flow", "5418009755880930"], 2),
    ];
    for (args, code) in rows {
        for signal in SIGNALS {
            let ended = Running::start(args).asleep().end(signal);
            assert_eq!(ended.code(), Some(code), "{args:?}: {ended:?}");
            if args.contains(&"read") {
                assert!(ended.stdout.contains("0 frames") || ended.stdout.contains("\"stats\""));
            }
        }
    }
}

#[test]
fn a_fifo_and_a_pipe_that_fall_silent() {
    let place = Place::new();
    let bytes = place.bytes();
    let expected = place.flows_of(&bytes);
    let (fifo, page) = (place.path("fifo"), place.text("page.md"));
    running::make_fifo(&fifo);
    let (fifo_name, flow) = (place.text("fifo"), a_flow(&place));
    for signal in SIGNALS {
        let read =
            Running::start(&["read", "--format", "eve", &fifo_name]).fed_by_fifo(&fifo, &bytes);
        let ended = read.asleep().end(signal);
        assert_eq!(ended.code(), Some(0), "{ended:?}");
        assert_eq!(flows(&ended.stdout), expected);

        let read = Running::start(&["read", "--format", "eve", "-"]).fed_by_stdin(&bytes);
        let ended = read.asleep().end(signal);
        assert_eq!(ended.code(), Some(0), "{ended:?}");
        assert_eq!(flows(&ended.stdout), expected);

        let report = Running::start(&["report", "-o", &page, "-"]).fed_by_stdin(&bytes);
        let ended = report.asleep().end(signal);
        assert_eq!(ended.code(), Some(0), "{ended:?}");
        assert!(fs::read_to_string(&page).unwrap().contains("interrupted"));
        fs::remove_file(&page).unwrap();

        let why = Running::start(&["why", "--flow", &flow, "-"]).fed_by_stdin(&bytes);
        let ended = why.asleep().end(signal);
        assert_eq!(ended.code(), Some(0), "{ended:?}");
        assert!(ended.stdout.contains(&format!("Flow {flow}")), "{ended:?}");
    }
}

#[test]
fn a_compressed_stream_that_falls_silent() {
    let place = Place::new();
    for (name, pack) in portstory_testkit::packed::PACKERS {
        let packed = pack(&place.bytes());
        let begun = &packed[..packed.len() / 3 * 2];
        for signal in SIGNALS {
            let read = Running::start(&["read", "--format", "eve", "-"]).fed_by_stdin(begun);
            let ended = read.asleep().end(signal);
            assert_eq!(ended.code(), Some(0), "{name}: {ended:?}");
            assert!(!flows(&ended.stdout).is_empty(), "{name}");
        }
    }
}

#[test]
fn a_file_that_is_followed() {
    let place = Place::new();
    let expected = place.flows_of(&place.bytes());
    for signal in SIGNALS {
        let capture = place.capture.to_str().unwrap();
        let read = Running::start(&["read", "--follow", "--format", "eve", capture]);
        // It looks again ten times a second.
        let ended = read.resting().end(signal);
        assert_eq!(ended.code(), Some(0), "{ended:?}");
        assert_eq!(flows(&ended.stdout), expected);
    }
}

#[test]
fn a_reader_that_has_stopped_reading() {
    let place = Place::new();
    let capture = place.capture.to_str().unwrap();
    let (packets, page) = (place.text("packets.pcapng"), place.text("page.html"));
    let flow = a_flow(&place);
    let beside: [&str; 8] = ["read", "--format", "eve", "-w", &packets, "--report", &page, capture];
    let rows: [&[&str]; 5] = [
        &["read", capture],
        &beside,
        &["read", "-o", "/dev/stdout", capture],
        &["report", capture],
        &["why", capture, "--flow", &flow],
    ];
    for args in rows {
        for signal in SIGNALS {
            let (_reader, writer) = full_pipe();
            let ended = Running::start_writing_to(args, writer).asleep().end(signal);
            assert_eq!(ended.code(), Some(1), "{args:?}: {ended:?}");
            assert!(ended.stderr.contains("not written"), "{args:?}: {ended:?}");
        }
    }
    // What else was to be written is whole.
    assert!(fs::read_to_string(&page).unwrap().ends_with("</html>"));
    let again = Running::start(&["read", "--format", "eve", &packets]).ended();
    assert_eq!(again.code(), Some(0), "{again:?}");
}

#[test]
fn commands_that_have_nothing_to_report_end_by_the_signal_itself() {
    let place = Place::new();
    let zip = place.text("bundle.zip");
    let case = support::fixtures().join("ssh-openssh/capture.pcap");
    let bundled = Running::start(&["bundle", case.to_str().unwrap(), "-o", &zip]).ended();
    assert_eq!(bundled.code(), Some(0), "{bundled:?}");
    let rows: [&[&str]; 7] = [
        &["verify", &zip],
        &["who"],
        &["doctor", "-i", "lo"],
        &["explain"],
        &["schema"],
        &["man"],
        &["plan", "--host", "windows"],
    ];
    for args in rows {
        for signal in SIGNALS {
            let (_reader, writer) = full_pipe();
            let ended = Running::start_writing_to(args, writer).asleep().end(signal);
            assert_eq!(ended.signal(), Some(signal.as_raw()), "{args:?}: {ended:?}");
        }
    }
}

/// As long as the reader goes on, so does the output; a second signal ends it all the same.
#[test]
fn a_second_signal_ends_it_at_once() {
    let place = Place::new();
    let args = ["read", "--format", "eve", place.capture.to_str().unwrap()];
    let (mut reader, writer) = full_pipe();
    let mut read = Running::start_writing_to(&args, writer).asleep();
    read.signal(Signal::INT);
    // Much longer than an output that takes nothing is waited for.
    for _ in 0..20 {
        running::take(&mut reader, 4096);
        std::thread::sleep(std::time::Duration::from_millis(50));
        assert!(read.is_running(), "the reader goes on");
    }
    let ended = read.end(Signal::INT);
    assert_eq!(ended.code(), Some(1), "{ended:?}");
    assert!(ended.stderr.contains("second signal"), "{ended:?}");
}

/// `timeout` sends its signal to the program and to its group.
#[test]
fn the_same_signal_twice_is_one() {
    let place = Place::new();
    let bytes = place.bytes();
    let mut read = Running::start(&["read", "--format", "eve", "-"]).fed_by_stdin(&bytes).asleep();
    read.signal(Signal::TERM);
    let ended = read.end(Signal::TERM);
    assert_eq!(ended.code(), Some(0), "{ended:?}");
    assert_eq!(flows(&ended.stdout), place.flows_of(&bytes));
}

#[test]
fn what_was_written_before_the_signal_is_still_read() {
    let place = Place::new();
    let bytes = place.bytes();
    let (begun, rest) = bytes.split_at(bytes.len() / 2);
    let mut read = Running::start(&["read", "--format", "eve", "-"]).fed_by_stdin(begun).asleep();
    // As when Ctrl-C ends both sides of a pipe, and the first hands on what it still held.
    read.signal(Signal::INT);
    read.feed(rest);
    let ended = read.ended();
    assert_eq!(ended.code(), Some(0), "{ended:?}");
    assert_eq!(flows(&ended.stdout), place.flows_of(&bytes));
}

#[test]
fn a_disk_that_does_not_answer() {
    let place = Place::new();
    let bytes = place.bytes();
    let zip = place.path("bundle.zip");
    let case = support::fixtures().join("ssh-openssh/capture.pcap");
    Running::start(&["bundle", case.to_str().unwrap(), "-o", zip.to_str().unwrap()]).ended();
    let files = vec![
        ("half.pcapng".to_owned(), bytes.clone(), bytes.len() / 2),
        (
            "half.pcapng.gz".to_owned(),
            portstory_testkit::packed::gzip(&bytes),
            portstory_testkit::packed::gzip(&bytes).len() / 2,
        ),
        ("bundle.zip".to_owned(), fs::read(&zip).unwrap(), 100),
    ];
    let Some(disk) = fuse::Disk::mount(&place.path("disk"), files) else { return };
    let on = |name: &str| disk.path(name).display().to_string();
    let (half, packed_half) = (on("half.pcapng"), on("half.pcapng.gz"));
    let (page, out) = (place.text("page.md"), place.text("out.zip"));
    let flow = a_flow(&place);
    for signal in SIGNALS {
        for capture in [&half, &packed_half] {
            let read = Running::start(&["read", "--format", "eve", capture]);
            let ended = read.asleep().end(signal);
            // Not the whole file was read, which is told.
            assert_eq!(ended.code(), Some(1), "{ended:?}");
            assert!(ended.stderr.contains("interrupted"), "{ended:?}");
            assert!(flows(&ended.stdout).len() > 10);
        }
        let ended = Running::start(&["report", &half, "-o", &page]).asleep().end(signal);
        assert_eq!(ended.code(), Some(1), "{ended:?}");
        assert!(fs::read_to_string(&page).unwrap().contains("interrupted"));
        let ended = Running::start(&["why", &half, "--flow", &flow]).asleep().end(signal);
        assert!(matches!(ended.code(), Some(1 | 2)), "{ended:?}");

        let ended = Running::start(&["bundle", &half, "-o", &out]).asleep().end(signal);
        assert_eq!(ended.code(), Some(1), "{ended:?}");
        assert!(ended.stderr.contains("no bundle was written"), "{ended:?}");
        let left: Vec<PathBuf> =
            fs::read_dir(place.folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        let is_scrap = |path: &Path| path.to_string_lossy().contains("out.zip");
        assert!(!left.iter().any(|path| is_scrap(path)), "{left:?}");

        let ended = Running::start(&["verify", &on("bundle.zip")]).asleep().end(signal);
        assert_eq!(ended.signal(), Some(signal.as_raw()), "{ended:?}");
    }
}

/// A helper that does not answer, and a reader that does not read.
#[test]
fn a_live_capture() {
    if !running::may_capture() {
        return;
    }
    let place = Place::new();
    let (eve, packets) = (place.text("eve.json"), place.text("packets.pcapng"));
    let args =
        ["live", "-i", "lo", "--format", "eve", "-o", &eve, "-w", &packets, "--rotate-time", "1s"];
    for signal in SIGNALS {
        let live = Running::start(&args).said("listening on");
        let ended = live.end(signal);
        assert_eq!(ended.code(), Some(0), "{ended:?}");

        // The helper may have made a file before it was stopped that nobody was told of.
        let statistics = || running::lines_with("\"stats\"", &place.path(""), "eve-");
        let before = statistics();
        let live = Running::start(&args).said("listening on").with_stopped_helper("__");
        live.send_packets();
        // Asks for the next files.
        let ended = live.signalled(Signal::HUP).end(signal);
        assert!(matches!(ended.code(), Some(0 | 1)), "{ended:?}");
        assert_eq!(statistics(), before + 1, "{ended:?}");

        let (_reader, writer) = full_pipe();
        let live = Running::start_writing_to(&["live", "-i", "lo", "--format", "eve"], writer);
        let ended = live.said("listening on").end(signal);
        assert_eq!(ended.code(), Some(1), "{ended:?}");
        assert!(ended.stderr.contains("not written"), "{ended:?}");
    }
}
