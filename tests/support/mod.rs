//! What several tests need: the fixtures, and frames that outlive their files.
#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of it")]

pub mod counts;
pub mod program;

use std::path::{Path, PathBuf};

use portstory::internal::capture::file::Options;
use portstory::internal::capture::{FrameSource, Polled, file};
use portstory_core::internal::shortfall::Shortfalls;
use portstory_core::{Classifier, Config, Event, Frame, FrameRef, LinkType};

/// A frame that owns its bytes.
#[derive(Clone, Debug)]
pub struct OwnedFrame {
    pub at: FrameRef,
    pub link: LinkType,
    pub wire_len: u32,
    pub bytes: Vec<u8>,
}

impl OwnedFrame {
    pub fn frame(&self) -> Frame<'_> {
        Frame { at: self.at, link: self.link, wire_len: self.wire_len, bytes: &self.bytes }
    }
}

/// The folder with the fixtures.
pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// A test case: a folder with captures.
pub struct Case {
    pub name: String,
    pub dir: PathBuf,
    /// Its captures, in order of name.
    pub captures: Vec<PathBuf>,
}

/// All cases, in order of name.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for entry in std::fs::read_dir(fixtures()).unwrap() {
        let dir = entry.unwrap().path();
        if !dir.is_dir() {
            continue;
        }
        let mut captures: Vec<PathBuf> =
            std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()).collect();
        captures
            .retain(|path| path.extension().is_some_and(|ext| ext == "pcap" || ext == "pcapng"));
        captures.sort();
        if !captures.is_empty() {
            let name = dir.file_name().unwrap().to_string_lossy().into_owned();
            cases.push(Case { name, dir, captures });
        }
    }
    cases.sort_by(|one, other| one.name.cmp(&other.name));
    let index = std::fs::read_to_string(fixtures().join("README.md")).unwrap();
    let listed = index.lines().filter_map(|line| line.strip_prefix("| [")?.split(']').next());
    let listed: Vec<&str> = listed.collect();
    let found: Vec<&str> = cases.iter().map(|case| &*case.name).collect();
    assert_eq!(found, listed, "fixtures/make/index.py writes the list");
    cases
}

/// How many flows a fixture's golden file has.
pub fn flows_expected(case: &str) -> usize {
    let golden = fixtures().join(case).join("expected.jsonl");
    std::fs::read_to_string(golden).unwrap().lines().count()
}

/// The captures below the folder that `PORTSTORY_CORPUS` names, one case each; none without it.
pub fn corpus() -> Vec<Case> {
    let Some(folder) = std::env::var_os("PORTSTORY_CORPUS") else { return Vec::new() };
    let mut captures: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    captures.retain(|path| path.extension().is_some_and(|ext| ext == "pcap" || ext == "pcapng"));
    captures.sort();
    let case = |path: PathBuf| Case {
        name: path.display().to_string(),
        dir: path.parent().unwrap().to_owned(),
        captures: vec![path],
    };
    captures.into_iter().map(case).collect()
}

/// All frames of some captures, as one stream.
pub fn frames(captures: &[PathBuf]) -> Vec<OwnedFrame> {
    let mut source = file::open(captures, Options::default()).unwrap();
    let mut frames = Vec::new();
    loop {
        let polled = source.poll(1024, &mut |frame| {
            frames.push(OwnedFrame {
                at: frame.at,
                link: frame.link,
                wire_len: frame.wire_len,
                bytes: frame.bytes.to_vec(),
            });
        });
        if polled.unwrap() == Polled::End {
            return frames;
        }
    }
}

/// The events of some frames.
pub fn classify(frames: &[OwnedFrame], config: &Config) -> Vec<Event> {
    classify_counting(frames, config).0
}

/// The same, and what limits left out.
pub fn classify_counting(frames: &[OwnedFrame], config: &Config) -> (Vec<Event>, Shortfalls) {
    let mut classifier = Classifier::new(config.clone());
    let mut events = Vec::new();
    for frame in frames {
        classifier.ingest(&frame.frame(), &mut events);
    }
    let totals = classifier.finish(&mut events);
    (events, totals.shortfalls)
}
