//! A capture that grows, is shortened, and is replaced.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::{All, keep, read};
use crate::capture::file::follow::Follow;
use crate::capture::file::{Options, follow};
use crate::capture::{CaptureErrorKind, FrameSource, Polled};
use portstory_testkit::captures::{NOON, Writer};
use portstory_testkit::packed;

/// Polls until so many frames, errors and notices are there in all, and has nothing more then.
fn until(source: &mut Follow, all: &mut All, frames: usize, errors: usize, notices: usize) {
    let mut idle = 0;
    while idle < 2 {
        let there = [all.frames.len(), all.errors.len(), all.notices.len()];
        let enough = there == [frames, errors, notices];
        match source.poll(3, &mut |frame| all.frames.push(keep(frame))) {
            Ok(Polled::Frames(_)) => {}
            Ok(Polled::Idle) => {
                idle += if enough { 1 } else { 0 };
                // Ten seconds.
                assert!(all.sources.len() < 100, "there are {there:?}: {all:?}");
                all.sources.push(Default::default());
            }
            Ok(Polled::End) => panic!("it has no end"),
            Err(error) => all.errors.push(error),
        }
        all.notices.extend(source.take_notices());
    }
    all.sources = source.sources().to_vec();
    assert_eq!([all.frames.len(), all.errors.len(), all.notices.len()], [frames, errors, notices]);
}

fn empty() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("growing");
    File::create(&path).unwrap();
    (folder, path)
}

fn begin(path: &Path) -> (Follow, All) {
    (follow(path, Options::default()).unwrap(), All::default())
}

fn append(path: &Path, bytes: &[u8]) {
    OpenOptions::new().append(true).open(path).unwrap().write_all(bytes).unwrap();
}

fn pcap(frames: u32) -> Vec<u8> {
    let made = (0..frames).fold(Writer::pcap(false), |made, at| {
        made.record(NOON + at, 0, &vec![7; usize::try_from(at * 31 % 1500).unwrap()])
    });
    made.bytes
}

#[test]
fn a_file_that_grows_in_odd_chunks_is_read_as_the_whole() {
    let blocks = (0..300).fold(Writer::pcapng(true), |made, at| {
        made.enhanced(0, at, &vec![7; usize::try_from(at).unwrap()]).raw(b"junk")
    });
    for bytes in [pcap(300), blocks.bytes] {
        let whole = read(&bytes).frames;
        assert_eq!(whole.len(), 300);
        let (_folder, path) = empty();
        let (mut source, mut all) = begin(&path);
        let writer = thread::spawn(move || {
            let mut rest = &bytes[..];
            for len in [1, 2, 20, 1, 7, 16, 1, 300].into_iter().chain((0..).map(|at| at * 997)) {
                let (chunk, behind) = rest.split_at(len.min(rest.len()));
                append(&path, chunk);
                rest = behind;
                if rest.is_empty() {
                    return;
                }
                thread::sleep(Duration::from_millis(11));
            }
        });
        for _ in 0..3000 {
            if all.frames.len() == 300 {
                break;
            }
            let polled = source.poll(7, &mut |frame| all.frames.push(keep(frame))).unwrap();
            assert_ne!(polled, Polled::End);
        }
        writer.join().unwrap();
        assert_eq!(all.frames, whole);
    }
}

#[test]
fn a_record_is_completed_when_its_rest_arrives() {
    let (_folder, path) = empty();
    let bytes = pcap(2);
    let (head, tail) = bytes.split_at(bytes.len() - 1);
    append(&path, head);
    let (mut source, mut all) = begin(&path);
    until(&mut source, &mut all, 1, 0, 0);
    append(&path, tail);
    until(&mut source, &mut all, 2, 0, 0);
    assert_eq!(all.sources.len(), 1);
    assert_eq!((all.sources[0].frames, all.sources[0].links.len()), (2, 1));
}

#[test]
fn a_file_that_is_replaced_is_read_to_its_end_and_then_the_new_one() {
    let (folder, path) = empty();
    fs::write(&path, pcap(2)).unwrap();
    let (mut source, mut all) = begin(&path);
    until(&mut source, &mut all, 2, 0, 0);
    let old = folder.path().join("old");
    fs::rename(&path, &old).unwrap();
    append(&old, &pcap(3)[24..]);
    until(&mut source, &mut all, 5, 0, 0);
    // The last bytes come in the moment of the change.
    append(&old, &pcap(2)[24..]);
    append(&old, b"cut");
    fs::write(folder.path().join("new"), pcap(4)).unwrap();
    fs::rename(folder.path().join("new"), &path).unwrap();
    until(&mut source, &mut all, 11, 1, 0);
    assert_eq!(all.errors[0].kind, CaptureErrorKind::BrokeOff);
    assert!(all.errors[0].message.contains("is truncated after frame 7"), "{:?}", all.errors);
    assert_eq!(all.source_and_number()[6..8], [(0, 7), (1, 1)]);
    let counts: Vec<_> = all.sources.iter().map(|source| source.frames).collect();
    assert_eq!(counts, [7, 4]);
    assert_eq!(all.sources[0].name, all.sources[1].name);
}

#[test]
fn a_file_that_is_shortened_is_read_anew() {
    let (_folder, path) = empty();
    fs::write(&path, pcap(5)).unwrap();
    let (mut source, mut all) = begin(&path);
    until(&mut source, &mut all, 5, 0, 0);
    File::create(&path).unwrap();
    until(&mut source, &mut all, 5, 0, 1);
    assert!(all.notices[0].message.contains("was truncated while it was read"));
    append(&path, &pcap(2));
    until(&mut source, &mut all, 7, 0, 1);
    assert_eq!(all.source_and_number()[5], (1, 1));
}

#[test]
fn a_file_that_is_spoilt_or_no_capture_is_told_once_and_the_next_one_awaited() {
    let (_folder, path) = empty();
    fs::write(&path, [&pcap(2)[..], &[0xff; 40]].concat()).unwrap();
    let (mut source, mut all) = begin(&path);
    until(&mut source, &mut all, 2, 1, 0);
    append(&path, b"more of it");
    until(&mut source, &mut all, 2, 1, 0);
    fs::remove_file(&path).unwrap();
    until(&mut source, &mut all, 2, 1, 0);
    fs::write(&path, b"this is no capture").unwrap();
    until(&mut source, &mut all, 2, 2, 0);
    assert_eq!(all.errors[1].kind, CaptureErrorKind::BrokeOff);
    fs::write(&path, pcap(0)).unwrap();
    // It has become longer, not another file: nothing says that it was written anew.
    until(&mut source, &mut all, 2, 2, 0);
    File::create(&path).unwrap();
    until(&mut source, &mut all, 2, 2, 0);
    fs::write(&path, pcap(3)).unwrap();
    until(&mut source, &mut all, 5, 2, 0);
}

#[test]
fn damage_in_a_file_that_grows_is_searched_through_as_it_comes() {
    let (_folder, path) = empty();
    fs::write(&path, Writer::pcapng(false).raw(&[0xee; 5000]).bytes).unwrap();
    let (mut source, mut all) = begin(&path);
    until(&mut source, &mut all, 0, 0, 0);
    append(&path, &vec![0xee; 500_000]);
    until(&mut source, &mut all, 0, 0, 0);
    let sound = Writer::new(false).enhanced(0, 0, &[7; 2000]).bytes;
    append(&path, &sound[..1900]);
    until(&mut source, &mut all, 0, 0, 0);
    append(&path, &sound[1900..]);
    until(&mut source, &mut all, 1, 0, 1);
    assert!(all.notices[0].message.contains("505000 bytes"), "{:?}", all.notices);
}

#[test]
fn what_cannot_be_followed_is_refused_with_a_sentence() {
    let (folder, path) = empty();
    let refused = |path: &Path| follow(path, Options::default()).err().unwrap();
    assert!(refused(folder.path()).message.contains("is a folder"));
    assert!(refused(Path::new("-")).message.contains("omit --follow"));
    assert!(refused(Path::new("/dev/null")).message.contains("omit --follow"));
    assert!(refused(&folder.path().join("none")).message.contains("does not exist"));
    fs::write(&path, b"some text").unwrap();
    assert_eq!(refused(&path).kind, CaptureErrorKind::NotACapture);
    fs::write(&path, packed::gzip(&pcap(3))).unwrap();
    assert!(refused(&path).message.contains("is compressed"));
    fs::write(&path, &packed::gzip(&pcap(3))[..9]).unwrap();
    assert!(refused(&path).message.contains("can't be unpacked"));
}
