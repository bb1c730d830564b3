//! The reader over captures that are written byte by byte.

mod damage;
mod following;
mod formats;
mod merging;
mod packing;

use std::fs;
use std::io::{self, Read};
use std::path::PathBuf;

use super::inputs::Inputs;
use super::{Options, open, open_stream};
use crate::capture::{CaptureError, FrameSource, Notice, Polled, SourceInfo};
use portstory_core::Frame;

/// A frame that outlives its batch.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Kept {
    nanos: i64,
    source: u32,
    number: u64,
    link: u16,
    wire_len: u32,
    bytes: Vec<u8>,
}

/// All that a stream of captures gave.
#[derive(Debug, Default)]
struct All {
    frames: Vec<Kept>,
    errors: Vec<CaptureError>,
    notices: Vec<Notice>,
    sources: Vec<SourceInfo>,
}

impl All {
    fn bytes(&self) -> Vec<&[u8]> {
        self.frames.iter().map(|frame| &*frame.bytes).collect()
    }

    fn nanos(&self) -> Vec<i64> {
        self.frames.iter().map(|frame| frame.nanos).collect()
    }

    fn source_and_number(&self) -> Vec<(u32, u64)> {
        self.frames.iter().map(|frame| (frame.source, frame.number)).collect()
    }
}

fn keep(frame: &Frame<'_>) -> Kept {
    Kept {
        nanos: frame.at.time.nanos(),
        source: frame.at.source.0,
        number: frame.at.number,
        link: frame.link.0,
        wire_len: frame.wire_len,
        bytes: frame.bytes.to_vec(),
    }
}

/// Reads to the end, `budget` frames at a time.
fn drain(mut inputs: Inputs, budget: usize) -> All {
    let mut all = All::default();
    loop {
        let before = all.frames.len();
        match inputs.poll(budget, &mut |frame| all.frames.push(keep(frame))) {
            Ok(Polled::Frames(count)) => {
                assert!(count <= budget);
                assert_eq!(count, all.frames.len() - before);
            }
            Ok(Polled::Idle) => unreachable!("files are never idle"),
            Ok(Polled::End) => break,
            Err(error) => all.errors.push(error),
        }
    }
    all.notices = inputs.take_notices();
    assert!(inputs.take_notices().is_empty());
    all.sources = inputs.sources().to_vec();
    all
}

/// A stream that gives at most so many bytes a read.
struct Sips(io::Cursor<Vec<u8>>, usize);

impl Read for Sips {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let len = into.len().min(self.1);
        self.0.read(&mut into[..len])
    }
}

/// These bytes as a stream that comes in pieces of `sip` bytes.
fn stream(bytes: &[u8], sip: usize) -> Result<Inputs, CaptureError> {
    let input = Box::new(Sips(io::Cursor::new(bytes.to_vec()), sip));
    // The smallest buffer, so that its edges are met.
    open_stream(input, "made", Options { buffer_bytes: 0, ..Options::default() })
}

/// Reads these bytes as one capture.
fn read(bytes: &[u8]) -> All {
    drain(stream(bytes, usize::MAX).unwrap(), 1000)
}

/// A folder with these files, and their paths.
fn folder(files: &[(&str, &[u8])]) -> (tempfile::TempDir, Vec<PathBuf>) {
    let folder = tempfile::tempdir().unwrap();
    let mut paths = Vec::new();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        paths.push(path);
    }
    (folder, paths)
}
