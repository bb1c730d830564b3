//! Files that are bad, disks that are full, and what goes where.

mod support;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

use support::program::{complaint, fixture, program, run, stderr};

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// What a bundle for strangers will hold is listed before it is written, which is no complaint.
fn without_listing(mut output: Output) -> Output {
    let said = stderr(&output);
    if said.starts_with("portstory: what ") {
        let rest = said.lines().skip(1).skip_while(|line| line.starts_with("  "));
        output.stderr = rest.collect::<Vec<_>>().join("\n").into_bytes();
    }
    output
}

fn has_ssh(output: &Output) -> bool {
    String::from_utf8_lossy(&output.stdout).contains("ssh")
}

#[test]
fn a_bad_file_among_several_is_named_and_costs_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let sound = fixture("ssh-openssh/capture.pcap");
    let bad = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        text(&path)
    };
    let rows = [
        (bad("empty.pcap", b""), "is empty"),
        (bad("notes.pcap", b"nothing but words\n"), "is text"),
        (bad("cut.pcap", &fs::read(&sound).unwrap()[..10]), "ends within its header"),
        (bad("cut.pcap.gz", b"\x1f\x8b\x08\0"), "can't be unpacked"),
        (text(&folder.path().join("missing.pcap")), "does not exist"),
    ];
    for (path, why) in &rows {
        for args in [[path, &sound], [&sound, path]] {
            let read = run(&["read", args[0], args[1]]);
            let told = complaint(&read, 1);
            assert!(told.contains(path) && told.contains(why), "{told}");
            assert!(has_ssh(&read), "{path}");
            let report = run(&["report", "--format", "md", args[0], args[1]]);
            assert!(complaint(&report, 1).contains(path));
            assert!(has_ssh(&report), "{path}");
        }
        // Alone there is nothing else that could be read.
        assert!(complaint(&run(&["read", path]), 2).contains(why));
    }
    // All of them: nothing is read, and each is named.
    let all: Vec<&str> = rows.iter().map(|(path, _)| path.as_str()).collect();
    let told = complaint(&run(&[&["read"], &all[..]].concat()), 2);
    assert!(rows.iter().all(|(path, why)| told.contains(path) && told.contains(why)), "{told}");
}

/// A shell completes a folder's name with a slash; what finds out where it really is asks the system more then.
#[test]
fn a_folder_may_be_named_in_every_way_that_a_shell_writes_it() {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("captures");
    fs::create_dir(&inside).unwrap();
    fs::copy(fixture("ssh-openssh/capture.pcap"), inside.join("a.pcap")).unwrap();
    let named = text(&inside);
    for name in
        [named.clone(), format!("{named}/"), format!("{named}/."), format!("{named}/../captures")]
    {
        let read = run(&["read", &name]);
        assert!(read.status.success() && has_ssh(&read), "{name}: {}", stderr(&read));
    }
}

#[test]
fn something_that_is_missing_is_told_before_something_that_was_found() {
    let sound = fixture("ssh-openssh/capture.pcap");
    let fail_on = ["read", "--fail-on", "other", &sound];
    assert_eq!(run(&fail_on).status.code(), Some(3));
    let with_bad = [&fail_on[..], &["/nonexistent.pcap"]].concat();
    assert_eq!(run(&with_bad).status.code(), Some(1));
    let with_full = [&fail_on[..], &["-w", "/dev/full"]].concat();
    assert_eq!(run(&with_full).status.code(), Some(1));
    let cut = tempfile::NamedTempFile::new().unwrap();
    fs::write(cut.path(), &fs::read(&sound).unwrap()[..5000]).unwrap();
    let broken = run(&["read", "--fail-on", "other", cut.path().to_str().unwrap()]);
    assert_eq!(broken.status.code(), Some(1), "{broken:?}");
}

/// A disk that is full, in mounts of this thread's own: a file system in memory without room.
fn full_disk(folder: &Path) -> Option<PathBuf> {
    let root = folder.join("full");
    fs::create_dir(&root).unwrap();
    let nothing: Option<&str> = None;
    let mounted = unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_FS)
        .and_then(|()| mount(nothing, "/", nothing, MsFlags::MS_PRIVATE | MsFlags::MS_REC, nothing))
        .and_then(|()| {
            mount(Some("full"), &root, Some("tmpfs"), MsFlags::empty(), Some("size=16k"))
        });
    match mounted {
        Ok(()) => {
            // Something is written, and then no more.
            fs::write(root.join("filler"), vec![0; 8 << 10]).unwrap();
            Some(root)
        }
        Err(why) => {
            // The root of a chroot may be no mount.
            let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
            let has_root = mounts.lines().any(|line| line.split(' ').nth(1) == Some("/"));
            let must = has_root && std::env::var_os("PORTSTORY_NEEDS_NETNS").is_some();
            assert!(!must, "no disk that is full: {why}");
            println!("SKIPPED: no disk that is full: {why}");
            None
        }
    }
}

#[test]
fn a_full_disk_is_one_sentence_in_every_command_that_writes() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = full_disk(folder.path()) else { return };
    let on = |name: &str| text(&disk.join(name));
    let capture = fixture("https-nginx-curl/capture.pcap");
    let all = text(&support::fixtures());
    let rows: Vec<Vec<String>> = [
        vec!["read", "-q", "--format", "eve", "-o", &on("eve.json"), &all],
        vec!["read", "-q", "-w", &on("packets.pcapng"), &all],
        vec!["read", "-q", "-w", &on("packets.pcapng.zst"), &all],
        vec!["read", "-q", "--report", &on("page.html"), &all],
        vec!["report", "-o", &on("report.html"), &capture],
        vec!["bundle", "-o", &on("bundle.zip"), &capture],
        vec!["bundle", "--share", "--yes", "-o", &on("shared.zip"), &capture],
        vec!["man", "--out-dir", &on("")],
    ]
    .into_iter()
    .map(|row| row.into_iter().map(str::to_owned).collect())
    .collect();
    for row in &rows {
        let args: Vec<&str> = row.iter().map(String::as_str).collect();
        let told = complaint(&without_listing(run(&args)), 1);
        assert!(told.contains("No space left"), "{args:?}: {told}");
        for entry in fs::read_dir(&disk).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            // Whole records only, and nothing of a bundle.
            match name.as_str() {
                "filler" => continue,
                "eve.json" => assert!(is_whole_json(&fs::read_to_string(&path).unwrap())),
                "packets.pcapng" | "packets.pcapng.zst" => {
                    let again = run(&["read", &text(&path)]);
                    let is_empty = fs::metadata(&path).unwrap().len() == 0;
                    assert!(is_empty || again.status.success(), "{}", stderr(&again));
                }
                "page.html" | "report.html" => {}
                other => assert!(other.ends_with(".1"), "{args:?} leaves {other}"),
            }
            fs::remove_file(&path).unwrap();
        }
    }
}

fn is_whole_json(lines: &str) -> bool {
    lines.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok())
}

#[test]
fn a_standard_output_that_is_full_is_one_sentence_in_every_command() {
    let capture = fixture("ssh-openssh/capture.pcap");
    let zip = tempfile::tempdir().unwrap();
    let zip = text(&zip.path().join("bundle.zip"));
    fs::create_dir_all(Path::new(&zip).parent().unwrap()).unwrap();
    assert!(run(&["bundle", &capture, "-o", &zip]).status.success());
    let rows: [&[&str]; 14] = [
        &["read", &capture],
        &["read", "--format", "eve", &capture],
        &["read", "-o", "-", &capture],
        &["report", &capture],
        &["why", &capture],
        &["verify", &zip],
        &["explain"],
        &["schema"],
        &["plan", "--host", "windows"],
        &["man"],
        &["completions", "bash"],
        &["who"],
        &["--help"],
        &["--version"],
    ];
    for args in rows {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = Command::new(program()).args(args).stdout(full).output().unwrap();
        let told = complaint(&output, 1);
        assert!(told.contains("No space left"), "{args:?}: {told}");
    }
}

#[test]
fn another_output_fails_for_itself() {
    let folder = tempfile::tempdir().unwrap();
    let capture = fixture("ssh-openssh/capture.pcap");
    let (packets, page) = (folder.path().join("packets.pcap"), folder.path().join("page.html"));
    let (packets_name, page_name) = (text(&packets), text(&page));
    let output =
        run(&["read", "-o", "/dev/full", "-w", &packets_name, "--report", &page_name, &capture]);
    assert!(complaint(&output, 1).contains("No space left"));
    assert!(has_ssh(&run(&["read", &packets_name])));
    assert!(fs::read_to_string(&page).unwrap().contains("ssh"));
}

/// A file that is there and cannot be emptied: what reads it would not be told of the new one.
#[test]
fn packets_that_cannot_be_begun_are_left_out_and_nothing_else() {
    use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
    let folder = tempfile::tempdir().unwrap();
    let capture = fixture("ssh-openssh/capture.pcap");
    let mut sealed = File::from(memfd_create("sealed", MemfdFlags::ALLOW_SEALING).unwrap());
    sealed.write_all(b"something").unwrap();
    fcntl_add_seals(&sealed, SealFlags::SHRINK).unwrap();
    let packets = format!("/proc/{}/fd/{}", std::process::id(), sealed.as_raw_fd());
    let page = folder.path().join("page.html");
    let output = run(&["read", "--force", "-w", &packets, "--report", &text(&page), &capture]);
    assert!(complaint(&output, 1).contains("writing packets failed"));
    assert!(has_ssh(&output));
    assert!(fs::read_to_string(&page).unwrap().contains("ssh"));
}

#[test]
fn rotating_is_for_files() {
    let capture = fixture("ssh-openssh/capture.pcap");
    for rotate in [["--rotate-size", "1M"], ["--rotate-time", "1h"]] {
        for more in [&[][..], &["-o", "-"], &["-w", "-", "-o", "-"]] {
            let output = run(&[&["read"], &rotate[..], more, &[&capture]].concat());
            assert!(complaint(&output, 2).contains("-o or -w"));
        }
    }
}

#[test]
fn a_page_goes_to_standard_output_alone() {
    let folder = tempfile::tempdir().unwrap();
    let capture = fixture("ssh-openssh/capture.pcap");
    let flows = text(&folder.path().join("flows"));
    let page = run(&["read", "--report", "-", "-o", &flows, &capture]);
    assert!(page.status.success(), "{}", stderr(&page));
    let page = String::from_utf8(page.stdout).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>"), "{page}");
    assert!(!Path::new("-").exists());
    assert!(complaint(&run(&["read", "--report", "-", &capture]), 2).contains("-o"));
    let both = run(&["read", "--report", "-", "-w", "-", "-o", &flows, &capture]);
    assert!(complaint(&both, 2).contains("-w -"));
}

#[test]
fn an_output_is_compressed_as_its_name_says() {
    let folder = tempfile::tempdir().unwrap();
    let input = fixture("ssh-openssh/capture.pcap");
    let plain = folder.path().join("plain.pcap");
    assert!(run(&["read", "-w", &text(&plain), &input]).status.success());
    let plain = fs::read(plain).unwrap();
    for (ending, tool) in [("gz", "gzip"), ("zst", "zstd")] {
        let packets = folder.path().join(format!("packets.pcap.{ending}"));
        let eve = folder.path().join(format!("eve.json.{ending}"));
        let page = folder.path().join(format!("page.md.{ending}"));
        let written = run(&[
            "read",
            "--format",
            "eve",
            "-o",
            &text(&eve),
            "--report",
            &text(&page),
            "-w",
            &text(&packets),
            &input,
        ]);
        assert!(written.status.success(), "{}", stderr(&written));
        assert_eq!(unpacked(tool, &packets), plain);
        assert!(has_ssh(&run(&["read", &text(&packets)])));
        assert!(is_whole_json(&String::from_utf8(unpacked(tool, &eve)).unwrap()));
        assert!(unpacked(tool, &page).starts_with(b"# "));

        let rotated = folder.path().join(format!("many.pcap.{ending}"));
        let cut = ["read", "-w", &text(&rotated), "--rotate-size", "2K", "-o", "/dev/null", &input];
        assert!(run(&cut).status.success());
        let files = files(folder.path(), "many-0");
        assert!(files.len() > 1, "{files:?}");
        let first = format!("many-000001.pcap.{ending}");
        assert!(files[0].ends_with(&first), "{files:?}");
        let names: Vec<String> = files.iter().map(|path| text(path)).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let csv = |paths: &[&str]| {
            let read = run(&[&["read", "--format", "eve"], paths].concat()).stdout;
            let read = String::from_utf8(read).unwrap();
            let stats: serde_json::Value =
                serde_json::from_str(read.lines().last().unwrap()).unwrap();
            stats["stats"]["decoder"].clone()
        };
        assert_eq!(csv(&names), csv(&[&text(&packets)]));
        for path in files {
            fs::remove_file(path).unwrap();
        }
    }
    for ending in ["xz", "lz4", "bz2", "zip"] {
        let path = folder.path().join(format!("packets.pcap.{ending}"));
        let refused = run(&["read", "-w", &text(&path), &input]);
        assert!(complaint(&refused, 2).contains(".zst"));
        assert!(!path.exists());
    }
}

/// What the format's own program makes of it.
fn unpacked(tool: &str, path: &Path) -> Vec<u8> {
    if Command::new(tool).arg("--version").output().is_err() {
        assert_eq!(tool, "zstd", "gzip is everywhere");
        return zstd::decode_all(File::open(path).unwrap()).unwrap();
    }
    let output = Command::new(tool).arg("-dc").arg(path).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    output.stdout
}

/// Files whose names begin so, in order.
fn files(folder: &Path, begin: &str) -> Vec<PathBuf> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut names: Vec<PathBuf> = names
        .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(begin))
        .collect();
    names.sort();
    names
}

/// Files as somebody has them: evidence, links to it, notes.
fn evidence() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    fs::create_dir(at("folder")).unwrap();
    let ssh = fixture("ssh-openssh/capture.pcap");
    for name in ["x.pcap", "folder/a.pcap", "kept-000001.pcap"] {
        fs::copy(&ssh, at(name)).unwrap();
    }
    for name in ["other.pcap", "folder/b.pcap"] {
        fs::copy(fixture("framehawk-ica/capture.pcap"), at(name)).unwrap();
    }
    symlink("x.pcap", at("link.pcap")).unwrap();
    symlink("folder", at("linked")).unwrap();
    symlink("../x.pcap", at("folder/outside.pcap")).unwrap();
    symlink("nowhere", at("dangling")).unwrap();
    fs::hard_link(at("x.pcap"), at("hard.pcap")).unwrap();
    fs::write(at("notes.txt"), NOTES).unwrap();
    fs::create_dir(at("manuals")).unwrap();
    fs::write(at("manuals/portstory.1"), NOTES).unwrap();
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(NOTES).unwrap();
    fs::write(at("notes.gz"), packer.finish().unwrap()).unwrap();
    fs::write(at("notes.zst"), zstd::encode_all(NOTES, 0).unwrap()).unwrap();
    fs::write(at("known.toml"), "[[service]]\nname = \"ours\"\nport = 3243\n").unwrap();
    root
}

const NOTES: &[u8] = b"what nobody has twice\n";

/// What is in a folder, and below.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.symlink_metadata().unwrap().is_dir() {
            all.extend(contents(&path));
        } else if path.symlink_metadata().unwrap().is_file() {
            all.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    all
}

/// The words of a command line, which begins with `<FILE` where standard input is a file, and with
/// `>>FILE` where standard output goes on in one; and a part of the answer.
const OVERWRITING: &[(&str, &str)] = &[
    ("read x.pcap -o x.pcap", "is read"),
    ("read x.pcap -o ./folder/../x.pcap", "is read"),
    ("read -f tcp x.pcap -w x.pcap", "is read"),
    ("read x.pcap --report x.pcap", "is read"),
    ("report x.pcap -o x.pcap", "is read"),
    ("bundle x.pcap -o x.pcap", "is read"),
    ("bundle --share --yes x.pcap -o x.pcap", "is read"),
    ("read other.pcap x.pcap -w x.pcap", "is read"),
    ("read link.pcap -o x.pcap", "is read"),
    ("read x.pcap -w link.pcap", "is read"),
    ("read --follow link.pcap -o x.pcap", "is read"),
    ("read --follow x.pcap -w link.pcap", "is read"),
    ("read x.pcap -w hard.pcap", "is read"),
    ("report hard.pcap -o x.pcap", "is read"),
    ("bundle x.pcap -o hard.pcap", "is read"),
    ("read --known known.toml x.pcap -o known.toml", "is read"),
    ("read folder -o folder/b.pcap", "is read"),
    ("read linked -w folder/b.pcap", "is read"),
    ("report folder -o folder/b.pcap", "is read"),
    ("bundle folder -o folder/b.pcap", "is read"),
    ("read folder -w folder/new.pcap", "is read"),
    ("read folder -w folder/new.pcap --rotate-size 1M", "is read"),
    ("read folder -w x.pcap", ""),
    ("read kept-000001.pcap other.pcap -w kept.pcap --rotate-size 1K --keep 1", "which is read"),
    ("read other.pcap -w kept.pcap --rotate-size 1K --keep 1", "--force"),
    ("<x.pcap read - -o x.pcap", "is read"),
    ("<x.pcap read - -w hard.pcap", "is read"),
    (">>x.pcap read x.pcap", "standard output"),
    (">>x.pcap why x.pcap", "standard output"),
    (">>x.pcap report --format md link.pcap", "standard output"),
    ("read x.pcap -o new -w new", "the same file"),
    ("read x.pcap -o new -w ./folder/../new", "the same file"),
    ("read x.pcap -o dangling -w nowhere", "the same file"),
    ("read x.pcap -o new --report new", "the same file"),
    ("read x.pcap -w new --rotate-size 1M -o new", "the same file"),
    (
        "read x.pcap -w new.pcap -o /dev/null --rotate-size 1M --report new-000001.pcap",
        "the same file",
    ),
    ("read x.pcap -o notes.txt", "--force"),
    ("read x.pcap -w notes.txt", "--force"),
    ("read x.pcap -w other.pcap", "--force"),
    ("read x.pcap --report notes.txt", "--force"),
    ("report x.pcap -o notes.txt", "--force"),
    ("bundle x.pcap -o notes.txt", "--force"),
    ("bundle --share --yes x.pcap -o notes.txt", "--force"),
    ("read x.pcap -o notes.gz", "--force"),
    ("read x.pcap -w notes.zst", "--force"),
    ("live -i lo -o notes.txt", "--force"),
    ("man --out-dir manuals", "--force"),
];

/// What a shell makes of `> NAME` before the program starts.
#[test]
fn a_file_that_a_shell_made_in_the_folder_is_none_of_its_captures() {
    let scene = evidence();
    let flows = File::create(scene.path().join("folder/flows.csv")).unwrap();
    let mut command = Command::new(program());
    command.current_dir(scene.path().join("folder")).args(["read", "--format", "csv", "."]);
    let output = command.stdin(Stdio::null()).stdout(flows).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let flows = fs::read_to_string(scene.path().join("folder/flows.csv")).unwrap();
    assert!(flows.starts_with("start,") && flows.contains(",ssh,"), "{flows}");
}

/// Runs a command line in a folder to its end, or until it has changed what is there.
#[expect(clippy::disallowed_methods, reason = "what goes on and changes nothing is given up")]
fn run_in(folder: &Path, line: &str) -> Output {
    let before = contents(folder);
    let mut words = line.split(' ').peekable();
    let mut command = Command::new(program());
    command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    if let Some(name) = words.peek().and_then(|word| word.strip_prefix('<')) {
        command.stdin(File::open(folder.join(name)).unwrap());
        words.next();
    } else if let Some(name) = words.peek().and_then(|word| word.strip_prefix(">>")) {
        command.stdout(File::options().append(true).open(folder.join(name)).unwrap());
        words.next();
    }
    let mut child = command.args(words).spawn().unwrap();
    // What follows or listens does not end by itself.
    let goes_on = line.contains("--follow") || line.starts_with("live");
    let started = Instant::now();
    while child.try_wait().unwrap().is_none() {
        let has_done_it = goes_on && contents(folder) != before;
        if has_done_it || started.elapsed() > Duration::from_secs(60) {
            child.kill().unwrap();
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.wait_with_output().unwrap()
}

#[test]
fn nothing_that_is_read_and_nothing_foreign_is_overwritten() {
    let mut failed = 0;
    for &(line, why) in OVERWRITING {
        let scene = evidence();
        let before = contents(scene.path());
        let output = run_in(scene.path(), line);
        let after = contents(scene.path());
        let said = stderr(&output);
        let (kept, changed): (Vec<_>, Vec<_>) =
            before.iter().partition(|(path, bytes)| after.get(*path) == Some(*bytes));
        let is_refused = output.status.code() == Some(2)
            && said.trim_end().lines().count() == 1
            && said.contains(why);
        let outcome = match changed.first() {
            Some((path, _)) => {
                format!("{} was changed, {}", path.display(), output.status)
            }
            None if after.len() > kept.len() => format!("a file was made, {}", output.status),
            None if !is_refused => format!("{}: {said}", output.status),
            None => "refused".to_owned(),
        };
        println!("{line}: {outcome}");
        failed += usize::from(outcome != "refused");
    }
    assert_eq!(failed, 0, "of {} command lines", OVERWRITING.len());
}

/// Every form of output, written a second time.
#[test]
fn what_was_written_here_is_overwritten_without_a_word() {
    let scene = evidence();
    let forms = [
        "read x.pcap -o new",
        "read --color always x.pcap -o new",
        "read --port 9 --framehawk-range 9-9 x.pcap -o new",
        "read --format eve x.pcap -o new",
        "read --format csv x.pcap -o new",
        "read x.pcap -w new.pcap",
        "read x.pcap -w new.pcapng",
        "read --port 9 --framehawk-range 9-9 x.pcap -w new.pcap",
        "read --port 9 --framehawk-range 9-9 x.pcap -w new.pcapng",
        "read x.pcap --report new.html",
        "read x.pcap --report new.md",
        "report x.pcap -o new.html",
        "report x.pcap -o new.md",
        "bundle x.pcap -o new.zip",
        "bundle --share --yes x.pcap -o new.zip",
        "read x.pcap -w new.pcap.gz",
        "read x.pcap -w new.pcapng.zst",
        "read --format eve x.pcap -o new.gz",
        "read other.pcap -w large.pcap.zst",
        "read x.pcap --report new.zst",
        "man --out-dir folder",
        "read folder -o folder/eve.json --format eve",
        "read folder -o folder/eve.json.gz --format eve",
    ];
    for line in forms {
        for _ in 0..2 {
            let output = run_in(scene.path(), line);
            let code = output.status.code();
            let said = stderr(&output);
            // A folder with more than captures in it says so.
            assert_eq!(code, Some(0), "{line}: {said}");
        }
        for name in contents(scene.path()).into_keys() {
            let name = name.file_name().unwrap().to_string_lossy().into_owned();
            if name.starts_with("new") || name.starts_with("large") {
                fs::remove_file(scene.path().join(name)).unwrap();
            }
        }
    }
}

#[test]
fn with_force_all_but_inputs_is_overwritten() {
    for line in [
        "read --force x.pcap -o notes.txt",
        "read --force x.pcap -w other.pcap",
        "report --force x.pcap -o notes.txt",
        "bundle --force x.pcap -o notes.txt",
        "read --force x.pcap -w notes.zst",
    ] {
        let scene = evidence();
        let before = contents(scene.path());
        let output = run_in(scene.path(), line);
        assert!(output.status.success(), "{line}: {}", stderr(&output));
        let after = contents(scene.path());
        let changed = before.iter().filter(|(path, bytes)| after.get(*path) != Some(*bytes));
        assert_eq!((changed.count(), after.len()), (1, before.len()), "{line}");
    }
    for line in ["read --force x.pcap -o link.pcap", "read --force folder -o folder/b.pcap"] {
        let scene = evidence();
        let before = contents(scene.path());
        assert!(complaint(&run_in(scene.path(), line), 2).contains("is read"));
        assert_eq!(contents(scene.path()), before, "{line}");
    }
}

#[test]
fn devices_pipes_and_empty_files_take_outputs_as_before() {
    let scene = evidence();
    let devices = "read x.pcap -o /dev/null -w /dev/null --report /dev/null";
    assert!(run_in(scene.path(), devices).status.success());
    let piped = run_in(scene.path(), "read x.pcap -w /dev/stdout -o /dev/null");
    assert!(piped.status.success() && piped.stdout.len() > 1000, "{}", stderr(&piped));
    fs::write(scene.path().join("empty"), b"").unwrap();
    assert!(run_in(scene.path(), "read x.pcap -o empty").status.success());
    let fifo = scene.path().join("fifo");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, mode).unwrap();
    let reader = std::thread::spawn({
        let fifo = fifo.clone();
        move || {
            let mut text = String::new();
            File::open(fifo).unwrap().read_to_string(&mut text).unwrap();
            text
        }
    });
    let args = ["read", &text(&scene.path().join("x.pcap")), "-o", &text(&fifo)];
    let output = run(&args);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(reader.join().unwrap().contains("ssh"));
}
