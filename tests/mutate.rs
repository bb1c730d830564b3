//! Every capture of a folder of yours, cut at every 97th byte and changed at random 1,000 times.
//!
//! `PORTSTORY_MUTATE=DIR cargo test --test mutate -- --ignored --nocapture`, with debug assertions and overflow
//! checks on; `PORTSTORY_MUTATIONS=N` changes the count. Each damaged file goes through reader,
//! classifier and the EVE writer, and may take a second at most; the process stays within bounds.
#![allow(clippy::disallowed_methods, reason = "a test may stop at the first surprise")]

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use portstory::internal::capture::file::Options;
use portstory::internal::capture::{FrameSource, Polled, file};
use portstory::internal::output::{Context, FORMATS, Look};
use portstory_core::{Classifier, Config};
use portstory_testkit::Random;

const STRIDE: usize = 97;
const ONE_RUN_MAX: Duration = Duration::from_secs(1);
const RESIDENT_MAX_KIB: u64 = 512 * 1024;
/// Larger files are taken up to here: with their length the cuts would go with the square of it.
const BYTES_MAX: usize = 128 * 1024;

#[test]
#[ignore = "takes a folder of captures: PORTSTORY_MUTATE=DIR"]
fn damaged_captures_of_a_folder() {
    // With all that are ignored it is run without a folder.
    let Some(folder) = std::env::var_os("PORTSTORY_MUTATE") else { return };
    let mutations =
        std::env::var("PORTSTORY_MUTATIONS").map_or(1_000, |text| text.parse().unwrap());
    let mut files = Vec::new();
    list(Path::new(&folder), &mut files);
    files.sort();
    assert!(!files.is_empty(), "no files");
    let (mut runs, mut slowest) = (0_u64, (Duration::ZERO, String::new()));
    for path in &files {
        let mut bytes = fs::read(path).unwrap();
        bytes.truncate(BYTES_MAX);
        let mut timed = |what: String, bytes: &[u8]| {
            let started = Instant::now();
            let done = std::panic::catch_unwind(|| through(bytes));
            let took = started.elapsed();
            runs += 1;
            let what = format!("{} {what}", path.display());
            assert!(done.is_ok(), "panic: {what}");
            assert!(took <= ONE_RUN_MAX, "{took:?}: {what}");
            if took > slowest.0 {
                slowest = (took, what);
            }
        };
        for len in (0..=bytes.len()).step_by(STRIDE) {
            timed(format!("cut at {len}"), &bytes[..len]);
        }
        for seed in 0..mutations {
            let mut damaged = bytes.clone();
            let mut random = Random::new(seed);
            for _ in 0..=random.index(8) {
                damage(&mut random, &mut damaged);
            }
            timed(format!("changed with seed {seed}"), &damaged);
        }
    }
    let peak = peak_kib();
    println!("{} files, {runs} runs, peak {peak} KiB, slowest {slowest:?}", files.len());
    assert!(peak <= RESIDENT_MAX_KIB, "{peak} KiB");
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            list(&path, files);
        } else if path.is_file() {
            files.push(path);
        }
    }
}

fn through(bytes: &[u8]) {
    let input = Box::new(Cursor::new(bytes.to_vec()));
    let Ok(mut source) = file::open_stream(input, "damaged", Options::default()) else { return };
    let mut classifier = Classifier::new(Config::default());
    let mut events = Vec::new();
    for _ in 0..100_000 {
        let polled = source.poll(4096, &mut |frame| {
            classifier.ingest(frame, &mut events);
        });
        if !matches!(polled, Ok(Polled::End)) {
            continue;
        }
        classifier.finish(&mut events);
        let eve = FORMATS.iter().find(|row| row.name == "eve").unwrap();
        let mut format = (eve.make)(Look::default());
        let context = Context { sources: source.sources(), live: false };
        for event in &events {
            format.event(&mut Vec::new(), event, &context);
        }
        return;
    }
    panic!("the reader does not come to an end");
}

/// Changes something.
fn damage(random: &mut Random, bytes: &mut Vec<u8>) {
    const TELLING: [u8; 6] = [0, 1, 0x7f, 0x80, 0xfe, 0xff];
    if bytes.is_empty() {
        return;
    }
    let at = random.index(bytes.len());
    match random.index(5) {
        0 => bytes[at] ^= 1 << random.index(8),
        1 => bytes[at] = TELLING[random.index(TELLING.len())],
        2 => bytes[at] = random.next() as u8,
        3 => {
            let end = (at + random.index(64)).min(bytes.len());
            bytes.drain(at..end);
        }
        _ => {
            let end = (at + random.index(64)).min(bytes.len());
            let copy = bytes[at..end].to_vec();
            let to = random.index(bytes.len());
            bytes.splice(to..to, copy);
        }
    }
}

#[cfg(target_os = "linux")]
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[cfg(not(target_os = "linux"))]
fn peak_kib() -> u64 {
    0
}
