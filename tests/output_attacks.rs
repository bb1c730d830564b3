//! Attacks on the folder that outputs are written to, by somebody who can write there: links, FIFOs,
//! files of theirs, another folder in its place, while a process with root's rights opens files in it.
//!
//! Prints a table of attack and outcome (`cargo test --test output_attacks -- --nocapture`). With
//! `PORTSTORY_PROGRAM=PATH` another build is attacked. Needs root: without, nobody has rights to lose.

mod support;

use std::fs::{self, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use portstory_testkit::process::{children_started_as, state, until};
use support::program::program;

/// What only root may write to, and the folder of an output, to which everybody may.
struct Scene {
    /// Holds both; it goes with the scene.
    _root: tempfile::TempDir,
    folder: PathBuf,
    secrets: PathBuf,
    secret: PathBuf,
}

const SECRET: &str = "of root alone\n";

impl Scene {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::set_permissions(root.path(), Permissions::from_mode(0o755)).unwrap();
        let (folder, secrets) = (root.path().join("out"), root.path().join("secrets"));
        for (path, mode) in [(&folder, 0o777), (&secrets, 0o700)] {
            fs::create_dir(path).unwrap();
            fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        }
        let secret = secrets.join("secret");
        fs::write(&secret, SECRET).unwrap();
        Self { _root: root, folder, secrets, secret }
    }

    fn numbered(&self, number: u64) -> PathBuf {
        self.at(&format!("saved-{number:06}.pcap"))
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// What became of what is root's own; nothing, if it is as it was.
    fn damage(&self) -> Option<String> {
        let entries = fs::read_dir(&self.secrets).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        if names != ["secret"] {
            return Some(format!("the other folder now holds {names:?}"));
        }
        let text = fs::read(&self.secret).unwrap();
        (text != SECRET.as_bytes())
            .then(|| format!("a file of root's now has {} bytes", text.len()))
    }
}

/// Reads standard input and saves its packets in many files.
fn start(scene: &Scene) -> Child {
    Command::new(program())
        .args(["read", "--user", "65534:65534", "-", "--format", "csv", "--rotate-size", "1K"])
        .args(["--keep", "2", "-w"])
        .arg(scene.at("saved.pcap"))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn capture() -> Vec<u8> {
    fs::read(support::fixtures().join("framehawk-ica/capture.pcap")).unwrap()
}

/// The whole capture at once. Nothing, where it does not come to an end.
fn run(scene: &Scene) -> Option<Output> {
    let mut child = start(scene);
    child.stdin.take().unwrap().write_all(&capture()).unwrap();
    ended(child)
}

#[expect(clippy::disallowed_methods, reason = "what hangs is given up at some time")]
fn ended(mut child: Child) -> Option<Output> {
    let started = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if started.elapsed() > Duration::from_secs(20) {
            child.kill().unwrap();
            child.wait().unwrap();
            return None;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Some(child.wait_with_output().unwrap())
}

/// Prepares the folder for a run. Says what is wrong behind it, if anything is.
type Attack = (&'static str, fn(&Scene) -> Result<(), String>);

const ATTACKS: &[Attack] = &[
    ("links to a file of root's in the place of the files to come", |scene| {
        while_running(scene, |next| symlink(&scene.secret, scene.numbered(next)).unwrap())
    }),
    ("links that lead to nowhere, in a folder of root's", |scene| {
        while_running(scene, |next| {
            symlink(scene.secrets.join(format!("made-{next}")), scene.numbered(next)).unwrap();
        })
    }),
    ("hard links to a file of root's", |scene| {
        while_running(scene, |next| fs::hard_link(&scene.secret, scene.numbered(next)).unwrap())
    }),
    ("FIFOs that nobody reads", |scene| while_running(scene, |next| fifo(&scene.numbered(next)))),
    ("folders of those names", |scene| {
        while_running(scene, |next| fs::create_dir(scene.numbered(next)).unwrap())
    }),
    ("a file with the highest number that there can be", |scene| {
        fs::write(scene.at("saved-18446744073709551614.pcap"), b"").unwrap();
        finishes(scene)?;
        let carried_away = newest(scene) == 0;
        (!carried_away).then_some(()).ok_or_else(|| "the numbering was carried away".to_owned())
    }),
    ("another folder in the place of this one, while it is written to", |scene| {
        for number in 1..99 {
            fs::write(scene.secrets.join(format!("saved-{number:06}.pcap")), b"old").unwrap();
        }
        let mut child = start(scene);
        let bytes = capture();
        let (first, rest) = bytes.split_at(bytes.len() / 2);
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(first).unwrap();
        until("a second file", || (newest(scene) > 1).then_some(()));
        fs::rename(&scene.folder, scene.folder.with_file_name("aside")).unwrap();
        symlink(&scene.secrets, &scene.folder).unwrap();
        stdin.write_all(rest).unwrap();
        drop(stdin);
        let output = ended(child).ok_or("it hangs")?;
        for number in 1..99 {
            let path = scene.secrets.join(format!("saved-{number:06}.pcap"));
            let kept = fs::read(&path).is_ok_and(|bytes| bytes == b"old");
            if !kept {
                return Err(format!("{} was changed or deleted", path.display()));
            }
            fs::remove_file(path).unwrap();
        }
        output.status.success().then_some(()).ok_or_else(|| format!("{output:?}"))
    }),
    ("a link as the output itself", |scene| {
        symlink(&scene.secret, scene.at("flows.csv")).unwrap();
        let output = Command::new(program())
            .args(["read", "--format", "csv", "-o"])
            .arg(scene.at("flows.csv"))
            .arg(support::fixtures().join("ssh-openssh/capture.pcap"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        let refused = output.status.code() == Some(2) && said.contains("symbolic link");
        refused.then_some(()).ok_or_else(|| format!("{output:?}"))
    }),
];

/// Files that are in the way, from the first that is still to come.
const PLANTED: u64 = 5;

/// Plants something in the place of files to come while a run writes its first ones.
fn while_running(scene: &Scene, plant: impl Fn(u64)) -> Result<(), String> {
    let bytes = capture();
    let (first, rest) = bytes.split_at(bytes.len() / 2);
    // No file that the first half makes may be one of those: it is written meanwhile.
    let last_of_first_half = rehearse(first)?;
    let mut child = start(scene);
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(first).unwrap();
    until("a second file", || (newest(scene) > 1).then_some(()));
    let planted = last_of_first_half + 3..last_of_first_half + 3 + PLANTED;
    planted.clone().for_each(&plant);
    stdin.write_all(rest).unwrap();
    drop(stdin);
    let output = ended(child).ok_or("it hangs")?;
    let went_on = newest(scene) > planted.end;
    let sound = matches!(output.status.code(), Some(0 | 1)) && went_on;
    sound.then_some(()).ok_or_else(|| format!("it did not go on: {output:?}"))
}

/// The number of the last file that these bytes of a capture make, where nothing is in the way.
fn rehearse(bytes: &[u8]) -> Result<u64, String> {
    let scene = Scene::new();
    let mut child = start(&scene);
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    ended(child).ok_or("it hangs")?;
    Ok(newest(&scene))
}

fn finishes(scene: &Scene) -> Result<(), String> {
    let output = run(scene).ok_or("it hangs")?;
    // It says what it could not have, and goes on.
    if matches!(output.status.code(), Some(0 | 1)) { Ok(()) } else { Err(format!("{output:?}")) }
}

fn newest(scene: &Scene) -> u64 {
    let entries = fs::read_dir(&scene.folder).unwrap();
    let numbers = entries.filter_map(|entry| {
        // What was planted is no file, and what is deleted meanwhile is none either.
        let entry =
            entry.ok().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))?;
        let is_planted = entry.metadata().ok()?.ino() == fs::metadata(&scene.secret).ok()?.ino();
        let name = entry.file_name().into_string().ok().filter(|_| !is_planted)?;
        let number = name.strip_prefix("saved-")?.strip_suffix(".pcap")?.parse().ok();
        number.filter(|&number| number < 1_000_000)
    });
    numbers.max().unwrap_or(0)
}

fn fifo(path: &Path) {
    let mode = rustix::fs::Mode::from_raw_mode(0o666);
    rustix::fs::mkfifoat(rustix::fs::CWD, path, mode).unwrap();
}

fn is_root() -> bool {
    portstory_testkit::skip::is_root("outputs were not attacked")
}

#[test]
fn no_attack_on_the_folder_of_an_output_reaches_anything_else() {
    if !is_root() {
        return;
    }
    let mut failed = 0;
    for (attack, make) in ATTACKS {
        let scene = Scene::new();
        let outcome = make(&scene).and_then(|()| scene.damage().map_or(Ok(()), Err));
        println!("{attack}: {}", outcome.as_ref().map_or_else(|why| &**why, |()| "withstood"));
        failed += usize::from(outcome.is_err());
    }
    assert_eq!(failed, 0, "of {} attacks", ATTACKS.len());
}

/// Puts something in the place of a file.
type Plant = (&'static str, fn(&Scene, &Path));

const PLANTS: &[Plant] = &[
    ("links to a file of somebody else's", |scene, at| symlink(&scene.secret, at).unwrap()),
    ("links that lead to nowhere", |scene, at| symlink(scene.secrets.join("made"), at).unwrap()),
    ("hard links", |scene, at| fs::hard_link(&scene.secret, at).unwrap()),
    ("FIFOs", |_, at| fifo(at)),
    ("folders", |_, at| fs::create_dir(at).unwrap()),
];

/// Runs a bundle to its end. Nothing, where it does not come to one.
fn bundle(options: &[&str], to: &Path) -> Option<Output> {
    let command = Command::new(program())
        .arg("bundle")
        .args(options)
        .arg("-o")
        .arg(to)
        .arg(support::fixtures().join("unknown-tcp/capture.pcap"))
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    ended(command.unwrap())
}

/// What a bundle is made in lies beside it until it is whole.
#[test]
fn no_name_beside_a_bundle_leads_anywhere_else() {
    let mut failed = 0;
    for (plant, make) in PLANTS {
        for options in [&[][..], &["--share", "--yes"]] {
            let scene = Scene::new();
            let zip = scene.at("incident.zip");
            let planted = [".part", ".packets.part", ".tmp"].map(|end| {
                let at = scene.at(&format!("incident.zip{end}"));
                make(&scene, &at);
                at
            });
            let outcome = bundled(&scene, options, &zip, &planted);
            let told = outcome.as_ref().map_or_else(|why| &**why, |()| "withstood");
            println!("bundle {options:?} beside {plant}: {told}");
            failed += usize::from(outcome.is_err());
        }
    }
    assert_eq!(failed, 0, "of {} attacks", 2 * PLANTS.len());
}

fn bundled(scene: &Scene, options: &[&str], zip: &Path, planted: &[PathBuf]) -> Result<(), String> {
    let output = bundle(options, zip).ok_or("it hangs")?;
    scene.damage().map_or(Ok(()), Err)?;
    if !output.status.success() {
        return Err(format!("{output:?}"));
    }
    let mode = fs::symlink_metadata(zip).unwrap().permissions().mode() & 0o7777;
    if mode != 0o600 {
        return Err(format!("its mode is {mode:o}"));
    }
    let left = fs::read_dir(&scene.folder).unwrap().count();
    let all = planted.len() + 1;
    if left != all || planted.iter().any(|at| at.symlink_metadata().is_err()) {
        return Err(format!("{left} files are there, not {all}"));
    }
    Ok(())
}

#[test]
fn a_bundle_takes_the_place_of_nothing_but_a_file() {
    let scene = Scene::new();
    let at = scene.at("incident.zip");
    fifo(&at);
    let output = bundle(&[], &at).unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(fs::symlink_metadata(&at).unwrap().file_type().is_fifo());
    assert_eq!(fs::read_dir(&scene.folder).unwrap().count(), 1);
}

/// Who is not root has something to lose as well.
#[test]
fn a_link_of_somebody_elses_is_followed_for_nobody() {
    if !is_root() {
        return;
    }
    let scene = Scene::new();
    let root = scene.folder.parent().unwrap();
    let (portstory, capture) = (root.join("portstory"), root.join("capture.pcap"));
    fs::copy(program(), &portstory).unwrap();
    fs::copy(support::fixtures().join("ssh-openssh/capture.pcap"), &capture).unwrap();
    let own = root.join("own");
    fs::create_dir(&own).unwrap();
    std::os::unix::fs::chown(&own, Some(NOBODY), Some(NOBODY)).unwrap();
    let outputs = [("read", "-o"), ("read", "-w"), ("read", "--report"), ("report", "-o")];
    for (command, option) in outputs {
        for (whose, code) in [(NOBODY - 1, 2), (NOBODY, 0)] {
            let link = scene.at("link");
            symlink(own.join("made"), &link).unwrap();
            std::os::unix::fs::lchown(&link, Some(whose), Some(whose)).unwrap();
            let output = Command::new(&portstory)
                .arg(command)
                .arg(&capture)
                .arg(option)
                .arg(&link)
                .uid(NOBODY)
                .gid(NOBODY)
                .stdin(Stdio::null())
                .output()
                .unwrap();
            assert_eq!(output.status.code(), Some(code), "{command} {option}: {output:?}");
            let made = fs::remove_file(own.join("made"));
            assert_eq!(made.is_ok(), code == 0, "{command} {option}, link of {whose}");
            fs::remove_file(&link).unwrap();
        }
    }
}

const NOBODY: u32 = 65534;

/// Somebody puts links into the place of files to come, again and again, while files are opened.
#[test]
#[expect(clippy::disallowed_methods, reason = "the race goes on for ten seconds")]
fn no_race_for_the_next_name_reaches_anything_else() {
    if !is_root() {
        return;
    }
    let scene = Scene::new();
    let over = AtomicBool::new(false);
    let (mut runs, mut withstood, started) = (0, true, Instant::now());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                let newest = newest(&scene);
                for number in newest + 1..newest + 4 {
                    let path = scene.numbered(number);
                    let _ = symlink(&scene.secret, &path);
                    let is_link = path.symlink_metadata().is_ok_and(|found| found.is_symlink());
                    let _ = is_link.then(|| fs::remove_file(&path));
                }
            }
        });
        while withstood && started.elapsed() < Duration::from_secs(10) {
            withstood = run(&scene).is_some() && scene.damage().is_none();
            runs += 1;
        }
        over.store(true, Ordering::Relaxed);
    });
    println!("{runs} runs in a race: {}", scene.damage().as_deref().unwrap_or("withstood"));
    assert!(withstood, "after {runs} runs: {:?}", scene.damage());
}

/// Whoever ends this process by force must not leave one with root's rights behind.
#[test]
fn the_helper_ends_with_the_process_that_asks_it() {
    if !is_root() {
        return;
    }
    let scene = Scene::new();
    let mut child = start(&scene);
    let parent = child.id();
    let helper =
        until("a helper", || children_started_as(parent, "__open-outputs").into_iter().next());
    child.kill().unwrap();
    child.wait().unwrap();
    let helper = PathBuf::from(format!("/proc/{helper}"));
    // Ended, and not yet taken note of, is ended.
    until("the helper's end", || matches!(state(&helper), None | Some('Z')).then_some(()));
}
