//! Several captures as one stream, and what folders hold.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use super::{All, drain, folder, open};
use crate::capture::file::Options;
use crate::capture::stop::Stop;
use crate::capture::{CaptureErrorKind, FrameSource, Polled};
use portstory_testkit::captures::{NOON, Writer};

/// A pcap file with frames at these seconds.
fn at(seconds: &[u32]) -> Vec<u8> {
    let made = seconds.iter().fold(Writer::pcap(false), |made, second| {
        made.record(NOON + second, 0, &second.to_be_bytes())
    });
    made.bytes
}

fn read(paths: &[PathBuf], options: Options) -> All {
    drain(open(paths, options).unwrap(), 3)
}

fn seconds(all: &All) -> Vec<i64> {
    all.nanos().iter().map(|nanos| nanos / 1_000_000_000 - i64::from(NOON)).collect()
}

#[test]
fn rotated_files_are_read_in_order_of_time_whatever_their_names() {
    let (_folder, paths) =
        folder(&[("a", &at(&[7, 8, 9])), ("b", &at(&[1, 2, 3])), ("c", &at(&[4, 5, 6]))]);
    let all = read(&paths, Options::default());
    assert_eq!(seconds(&all), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert_eq!(all.source_and_number()[0], (0, 1));
    let named: Vec<_> = all.sources.iter().map(|source| &*source.name).collect();
    assert_eq!(named, [1, 2, 0].map(|at: usize| paths[at].to_str().unwrap()));
    assert!(all.sources.iter().all(|source| source.frames == 3 && source.links.len() == 1));
}

#[test]
fn overlapping_files_are_merged_frame_by_frame_and_equal_times_by_who_began_first() {
    let (_folder, mut paths) =
        folder(&[("a", &at(&[1, 3, 5, 5, 9])), ("b", &at(&[2, 3, 5, 8])), ("c", &at(&[]))]);
    let all = read(&paths, Options::default());
    assert_eq!(seconds(&all), [1, 2, 3, 3, 5, 5, 5, 8, 9]);
    let sources: Vec<_> = all.frames.iter().map(|frame| frame.source).collect();
    assert_eq!(sources, [0, 1, 0, 1, 0, 0, 1, 1, 0]);
    paths.swap(0, 1);
    let other = read(&paths, Options::default());
    assert_eq!(other.frames, all.frames);
}

#[test]
fn files_that_begin_together_are_ordered_by_what_they_hold_whatever_their_names() {
    let made = |byte: u8| {
        let one = Writer::pcap(false).record(NOON + 1, 0, &[byte; 4]);
        one.record(NOON + 2, 0, &[byte; 4]).record(NOON + 2, 0, &[byte + 1; 4]).bytes
    };
    let read_named = |named: [(&str, u8); 2]| {
        let files = named.map(|(name, byte)| (name, made(byte)));
        let files = [0, 1].map(|at: usize| (files[at].0, &*files[at].1));
        let (_folder, mut paths) = folder(&files);
        let one = read(&paths, Options::default());
        paths.reverse();
        let other = read(&paths, Options::default());
        assert_eq!(one.frames, other.frames);
        one.frames.into_iter().map(|frame| (frame.source, frame.bytes[0])).collect::<Vec<_>>()
    };
    let one = read_named([("a", 10), ("b", 20)]);
    assert_eq!(one, read_named([("a", 20), ("b", 10)]));
    assert_eq!(one, [(0, 10), (1, 20), (0, 10), (0, 11), (1, 20), (1, 21)]);
}

#[test]
fn files_that_a_stop_left_no_time_for_are_counted_in_one_fault() {
    for (files, expected) in
        [(1, "before"), (2, "before, nor was 1 more file"), (4, "before, nor were 3 more files")]
    {
        let made = at(&[1]);
        let files: Vec<(&str, &[u8])> =
            ["a", "b", "c", "d"].into_iter().map(|name| (name, &*made)).take(files).collect();
        let (_folder, paths) = folder(&files);
        let stop = Stop::by_hand().unwrap();
        let options = Options { stop: Some(stop.clone()), ..Options::default() };
        let inputs = open(&paths, options).unwrap();
        stop.stop();
        let all = drain(inputs, 3);
        let said: Vec<_> = all.errors.iter().map(|error| &*error.message).collect();
        assert_eq!(said, [format!("was not read: the program was interrupted {expected}")]);
        assert!(all.frames.is_empty() && all.errors[0].kind == CaptureErrorKind::BrokeOff);
    }
}

#[test]
fn a_time_that_goes_back_within_a_file_does_not_stop_the_merge() {
    let (_folder, paths) = folder(&[("a", &at(&[5, 1, 6])), ("b", &at(&[4, 7]))]);
    assert_eq!(seconds(&read(&paths, Options::default())), [4, 5, 1, 6, 7]);
}

#[test]
fn the_order_does_not_depend_on_how_many_files_may_be_open() {
    let mut files = Vec::new();
    for file in 0..9 {
        let mut made = if file % 2 == 0 { Writer::pcap(true) } else { Writer::pcapng(true) };
        for frame in 0..30 {
            let second = frame * (file + 1) % 97;
            made = if file % 2 == 0 {
                made.record(second, 0, &[0; 40])
            } else {
                made.enhanced(0, u64::from(second) * 1_000_000, &[0; 40])
            };
        }
        files.push((format!("{file}"), made.bytes));
    }
    let files: Vec<_> = files.iter().map(|(name, made)| (&**name, &**made)).collect();
    let (_folder, paths) = folder(&files);
    let all = read(&paths, Options::default());
    assert_eq!(all.frames.len(), 270);
    for open_files_max in [1, 2, 5] {
        let options = Options { open_files_max, buffer_bytes: 1, ..Options::default() };
        let few = read(&paths, options);
        assert!(few.errors.is_empty());
        assert_eq!(few.frames, all.frames);
    }
}

#[test]
fn one_file_that_breaks_off_does_not_stop_the_others() {
    let mut cut = at(&[2, 4, 6]);
    cut.pop();
    let nothing_sound = Writer::pcap(false).raw(&[0xff; 40]).bytes;
    let (_folder, paths) = folder(&[("a", &at(&[1, 3, 5, 7])), ("b", &cut), ("c", &nothing_sound)]);
    let all = read(&paths, Options::default());
    assert_eq!(seconds(&all), [1, 2, 3, 4, 5, 7]);
    let sources: Vec<_> = all.errors.iter().map(|error| &*error.source).collect();
    assert_eq!(sources, [paths[2].to_str().unwrap(), paths[1].to_str().unwrap()]);
    assert!(all.errors.iter().all(|error| error.kind == CaptureErrorKind::BrokeOff));
}

#[test]
fn damage_is_told_even_where_it_was_met_while_looking_for_the_first_frame() {
    let damaged = Writer::pcapng(true).raw(b"!").enhanced(0, 9_000_000, b"x").bytes;
    let (_folder, paths) = folder(&[("a", &at(&[1])), ("b", &damaged)]);
    let all = read(&paths, Options::default());
    assert_eq!((all.frames.len(), all.notices.len(), all.errors.len()), (2, 1, 0));
    assert_eq!(all.notices[0].source, paths[1].display().to_string());
}

#[test]
fn after_the_end_and_after_an_error_polling_stays_at_the_end() {
    let mut cut = at(&[2, 4]);
    cut.pop();
    let (_folder, paths) = folder(&[("a", &cut)]);
    let mut inputs = open(&paths, Options::default()).unwrap();
    let mut frames = 0;
    let mut poll = || inputs.poll(10, &mut |_| frames += 1);
    assert!(poll().is_err());
    assert_eq!(poll().unwrap(), Polled::End);
    assert_eq!(poll().unwrap(), Polled::End);
    assert_eq!(frames, 1);
}

#[test]
fn a_folder_is_read_and_what_is_no_capture_is_counted() {
    let (folder, _) = folder(&[
        ("b/late.pcap", &at(&[5])),
        ("a/early", &at(&[1])),
        ("README.md", b"# About"),
        ("empty", b""),
        ("image", &[0x89, b'P', b'N', b'G', 0, 1, 2, 3, 0xff, 0xfe]),
        ("old.snoop", b"snoop\0\0\0\0\0\0\x02\0\0\0\x04"),
        ("packed.gz", b"\x1f\x8b\x08\0"),
    ]);
    let root = folder.path();
    symlink(root.join("a/early"), root.join("latest.pcap")).unwrap();
    symlink(root, root.join("b/loop")).unwrap();
    let all = read(&[root.to_owned()], Options::default());
    assert_eq!(seconds(&all), [1, 5]);
    let messages: Vec<_> = all.notices.iter().map(|notice| &*notice.message).collect();
    assert_eq!(messages.len(), 4, "{messages:?}");
    assert!(messages[0].starts_with("was skipped: it is a Sun snoop capture"));
    assert!(messages[1].starts_with("was skipped: it can't be unpacked: the gzip data ends"));
    assert_eq!(messages[2], "files skipped that are not captures: 3");
    assert_eq!(messages[3], "files skipped that were taken already: 1");
}

#[test]
fn one_of_what_is_named_must_be_a_capture_and_is_read_once() {
    let (folder, paths) = folder(&[("a", &at(&[1])), ("b", b"text")]);
    let all = read(&[paths[0].clone(), paths[0].clone()], Options::default());
    assert_eq!((all.frames.len(), all.notices.len()), (1, 1));
    let refused = |paths: &[PathBuf]| open(paths, Options::default()).err().unwrap();
    // What is bad among several is named, and costs no other.
    let bad = [folder.path().join("none"), paths[1].clone(), paths[0].clone()];
    let all = read(&bad, Options::default());
    assert_eq!(seconds(&all), [1]);
    let told: Vec<String> = all.errors.iter().map(ToString::to_string).collect();
    assert!(told[0].ends_with("none: was skipped: it does not exist"), "{told:?}");
    assert!(told[1].contains("b: was skipped: it is text"), "{told:?}");
    assert!(all.errors.iter().all(|error| error.kind == CaptureErrorKind::BrokeOff));
    let error = refused(&bad[..2]);
    assert!(
        error.message.contains("does not exist") && error.message.contains("is text"),
        "{error}"
    );
    assert_eq!(refused(&bad[1..2]).kind, CaptureErrorKind::NotACapture);
    assert_eq!(refused(&[folder.path().join("none")]).kind, CaptureErrorKind::CannotOpen);
    assert_eq!(refused(&[]).kind, CaptureErrorKind::NotACapture);
    fs::remove_file(&paths[0]).unwrap();
    let error = refused(&[folder.path().to_owned()]);
    assert_eq!(error.kind, CaptureErrorKind::NotACapture);
    assert!(error.message.contains("not captures: 1"), "{error}");
}

#[test]
fn what_was_to_be_a_capture_in_a_folder_is_bad() {
    let cut = at(&[1])[..20].to_vec();
    let (folder, _) = folder(&[
        ("sound.pcap", &at(&[3])),
        ("cut", &cut),
        ("empty.pcap", b""),
        ("empty.pcapng.gz", b"\x1f\x8b\x08\0"),
        ("other.gz", b"\x1f\x8b\x08\0"),
        ("empty.txt", b""),
    ]);
    let all = read(&[folder.path().to_owned()], Options::default());
    assert_eq!(seconds(&all), [3]);
    let bad: Vec<_> = all.errors.iter().map(|error| error.source.rsplit('/').next()).collect();
    assert_eq!(bad, [Some("cut"), Some("empty.pcap"), Some("empty.pcapng.gz")]);
    assert_eq!(all.notices.len(), 2, "{:?}", all.notices);
}

#[test]
fn a_fifo_that_is_named_is_read_as_a_stream_among_files() {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    let (folder, mut paths) = folder(&[("a", &at(&[1, 3]))]);
    let fifo = folder.path().join("fifo");
    mknodat(CWD, &fifo, FileType::Fifo, Mode::RWXU, 0).unwrap();
    paths.insert(0, fifo.clone());
    let writer = std::thread::spawn(move || fs::write(fifo, at(&[2, 4])).unwrap());
    let all = read(&paths, Options::default());
    writer.join().unwrap();
    assert_eq!(seconds(&all), [1, 2, 3, 4]);
    // In a folder it is not touched.
    assert_eq!(seconds(&read(&[folder.path().to_owned()], Options::default())), [1, 3]);
}
