//! Compressed captures: sound, cut, damaged, hostile, and merged.

use std::io::{self, Cursor, Read};
use std::sync::mpsc;
use std::time::Duration;

use super::{All, drain, folder, open, open_stream, stream};
use crate::capture::file::{Inputs, Options, unpack};
use crate::capture::{CaptureError, CaptureErrorKind, FrameSource, Polled};
use portstory_core::config::UNPACK_BYTES_MIN;
use portstory_testkit::captures::{NOON, Writer};
use portstory_testkit::packed::{self, PACKERS};

/// A capture of about so many bytes, which compress to about half.
fn capture(bytes: usize) -> Vec<u8> {
    let mut made = Writer::pcap(false);
    let mut state = 1_u32;
    let mut second = NOON;
    while made.bytes.len() < bytes {
        let data: Vec<u8> = (0..500)
            .map(|at| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                if at % 2 == 0 { 0 } else { state.to_be_bytes()[0] }
            })
            .collect();
        second += 1;
        made = made.record(second, 0, &data);
    }
    made.bytes
}

fn stream_whole(bytes: &[u8]) -> Result<Inputs, CaptureError> {
    open_stream(Box::new(Cursor::new(bytes.to_vec())), "made", Options::default())
}

/// Reads these bytes as one capture with ordinary buffers.
fn read(bytes: &[u8]) -> All {
    drain(stream_whole(bytes).unwrap(), 1000)
}

fn only_error(all: &All) -> &str {
    assert_eq!(all.errors.len(), 1, "{:?}", all.errors);
    assert_eq!(all.errors[0].kind, CaptureErrorKind::BrokeOff);
    &all.errors[0].message
}

fn refused(bytes: &[u8]) -> CaptureError {
    stream_whole(bytes).err().unwrap()
}

#[test]
fn what_is_packed_is_read_as_what_it_holds() {
    for made in [capture(2000), capture(2_000_000), Writer::pcapng(true).enhanced(0, 1, b"x").bytes]
    {
        let plain = read(&made);
        for (name, pack) in PACKERS {
            let all = read(&pack(&made));
            assert!(all.errors.is_empty(), "{name}: {:?}", all.errors);
            assert_eq!(all.frames, plain.frames, "{name}");
        }
    }
}

#[test]
fn it_does_not_matter_how_the_packed_bytes_come() {
    let made = capture(300_000);
    let plain = read(&made).frames;
    for (name, pack) in PACKERS {
        for sip in [1, 7, 4096] {
            let all = drain(stream(&pack(&made), sip).unwrap(), 13);
            assert_eq!(all.frames, plain, "{name} in sips of {sip}");
        }
    }
}

#[test]
fn several_in_a_row_are_one() {
    let made = capture(200_000);
    let plain = read(&made).frames;
    for (name, pack) in PACKERS {
        let mut bytes = Vec::new();
        for part in [&made[..1], &made[1..1], &made[1..150_000], &made[150_000..]] {
            bytes.extend(pack(part));
        }
        let all = read(&bytes);
        assert!(all.errors.is_empty(), "{name}: {:?}", all.errors);
        assert_eq!(all.frames, plain, "{name}");
    }
}

#[test]
fn skippable_frames_and_padding_are_passed_over() {
    let made = capture(1000);
    let plain = read(&made).frames;
    let (head, tail) = made.split_at(400);
    let skippable = [&[0x5a, 0x2a, 0x4d, 0x18, 5, 0, 0, 0][..], b"aside"].concat();
    for bytes in [
        [&skippable[..], &packed::zstd(&made)].concat(),
        [&packed::zstd(head)[..], &skippable, &skippable, &packed::zstd(tail), &skippable].concat(),
        [&packed::lz4(head)[..], &skippable, &skippable, &packed::lz4(tail), &skippable].concat(),
        [&packed::gzip(&made)[..], &[0; 1000]].concat(),
        [&packed::xz(head)[..], &[0; 8], &packed::xz(tail), &[0; 4]].concat(),
    ] {
        let all = read(&bytes);
        assert!(all.errors.is_empty(), "{:?}", all.errors);
        assert_eq!(all.frames, plain);
    }
}

#[test]
fn what_ends_in_the_middle_or_goes_on_as_something_else_is_told_behind_what_it_held() {
    let made = capture(1_000_000);
    let plain = read(&made).frames;
    for (name, pack) in PACKERS {
        let bytes = pack(&made);
        let all = read(&bytes[..bytes.len() - 1]);
        // The last bytes are a checksum or an index: everything was there.
        assert_eq!(all.frames, plain, "{name}");
        let message = format!("after frame {}: the {name} data ends in the middle", plain.len());
        assert!(only_error(&all).contains(&message), "{:?}", all.errors);

        let all = read(&bytes[..bytes.len() / 2]);
        assert_eq!(all.frames, plain[..all.frames.len()]);
        assert!(only_error(&all).contains("ends in the middle"), "{name}: {:?}", all.errors);
        if name != "xz" {
            assert!(all.frames.len() * 3 > plain.len(), "{name}: only {}", all.frames.len());
        }

        let mut bytes = bytes;
        bytes.extend(b"something else that follows");
        let all = read(&bytes);
        assert_eq!(all.frames, plain, "{name}");
        let what = if name == "xz" { "is damaged" } else { "is followed by something else" };
        assert!(only_error(&all).contains(what), "{name}: {:?}", all.errors);
    }
}

#[test]
fn damage_is_told_behind_all_that_was_sound() {
    let made = capture(3_000_000);
    let plain = read(&made).frames;
    for (name, pack) in PACKERS {
        let mut bytes = pack(&made);
        let middle = bytes.len() / 2;
        for byte in &mut bytes[middle..middle + 100] {
            *byte ^= 0x55;
        }
        let all = read(&bytes);
        assert!(!all.errors.is_empty(), "{name}");
        // gzip has its only checksum at the end: what was made of the damaged bytes is not known
        // to be wrong before.
        let sound = all.frames.iter().zip(&plain).take_while(|(ours, plain)| ours == plain);
        let sound = sound.count();
        assert!(sound * 3 > plain.len(), "{name}: only {sound} of {}", plain.len());
    }
}

#[test]
fn a_record_that_is_cut_in_a_sound_packing_is_told_by_where_it_is_unpacked() {
    let made = capture(1000);
    let all = read(&packed::gzip(&made[..600]));
    assert_eq!(
        only_error(&all),
        "is truncated after frame 1: the record at byte 540 (unpacked) is missing at least 456 bytes"
    );
    let made = Writer::pcapng(false).raw(b"junk").enhanced(0, 0, b"x");
    let all = read(&packed::xz(&made.bytes));
    assert!(all.notices[0].message.ends_with("at byte 48 (unpacked)"), "{:?}", all.notices);
}

#[test]
fn what_wants_too_much_memory_is_refused_with_what_to_do() {
    let made = capture(1000);
    let error = refused(&packed::zstd_with_window(&made, 28));
    assert_eq!(error.kind, CaptureErrorKind::CannotOpen);
    assert!(error.message.contains("`zstd -dc --long=31 FILE | portstory read -`"), "{error}");
    assert_eq!(read(&packed::zstd_with_window(&made, 27)).frames.len(), 2);

    let options = Options { unpack_bytes_max: 1 << 20, ..Options::default() };
    for (name, pack) in PACKERS {
        let opened = open_stream(Box::new(Cursor::new(pack(&made))), "made", options.clone());
        match opened {
            // Its dictionary has 1 MiB.
            Err(error) => {
                assert_eq!(name, "xz");
                assert!(error.message.contains("`xz -dc FILE | portstory read -`"), "{error}");
            }
            Ok(inputs) => assert_eq!(drain(inputs, 9).frames.len(), 2),
        }
    }
}

#[test]
fn what_unpacks_to_more_than_is_granted_is_read_as_far_as_that_goes() {
    let made = capture(300_000);
    let plain = read(&made).frames;
    for (name, pack) in PACKERS {
        let with = |unpacked_bytes_max: usize| {
            let max = Some(u64::try_from(unpacked_bytes_max).unwrap());
            let options = Options { unpacked_bytes_max: max, ..Options::default() };
            drain(open_stream(Box::new(Cursor::new(pack(&made))), "made", options).unwrap(), 1000)
        };
        let whole = with(made.len());
        assert!(whole.errors.is_empty() && whole.frames == plain, "{name}: {:?}", whole.errors);
        let cut = with(100_000);
        let told =
            format!("the {name} data unpacks to more than 100 kB, and the rest was not read");
        assert!(only_error(&cut).contains(&told), "{:?}", cut.errors);
        assert_eq!(cut.frames, plain[..(100_000 - 24) / 516], "{name}");
    }
}

fn zstd_zeros(bytes: u64) -> Vec<u8> {
    let mut packer = zstd::Encoder::new(Vec::new(), 3).unwrap();
    io::copy(&mut io::repeat(0).take(bytes), &mut packer).unwrap();
    packer.finish().unwrap()
}

/// Without a setting it depends on what the file takes packed.
#[test]
fn what_is_small_packed_is_not_large_unpacked() {
    let zeros = zstd_zeros(UNPACK_BYTES_MIN + 1);
    assert!(zeros.len() < 50_000);
    let packing = unpack::Packing::of(&zeros).unwrap();
    let options = Options::default();
    let mut unpacked = unpack::open(packing, Box::new(Cursor::new(zeros)), &options).unwrap();
    let error = io::copy(&mut unpacked, &mut io::sink()).unwrap_err();
    assert!(unpack::Trouble::of(&error).is_some(), "{error}");
    let whole = zstd_zeros(UNPACK_BYTES_MIN);
    let mut unpacked = unpack::open(packing, Box::new(Cursor::new(whole)), &options).unwrap();
    assert_eq!(io::copy(&mut unpacked, &mut io::sink()).unwrap(), UNPACK_BYTES_MIN);
}

#[test]
fn what_holds_no_capture_is_refused_with_what_it_holds() {
    for (name, pack) in PACKERS {
        let error = refused(&pack(b"Nov 22 12:00:00 host sshd[7]: a log\n"));
        assert_eq!(error.kind, CaptureErrorKind::NotACapture);
        assert!(error.message.starts_with("is compressed, and what it holds is text"), "{error}");
        assert!(refused(&pack(b"")).message.ends_with("what it holds is empty"));
        for (_, again) in PACKERS {
            let error = refused(&pack(&again(&capture(1000))));
            let told = format!("is compressed once more: `{name} -dc FILE | portstory read -`");
            assert!(error.message.ends_with(&told), "{error}");
        }
        let bytes = pack(&capture(1000));
        for len in 6..20 {
            let error = refused(&bytes[..len]);
            assert_eq!(error.kind, CaptureErrorKind::CannotOpen);
            assert!(error.message.starts_with("can't be unpacked: the"), "{error}");
        }
    }
    let mut tar = vec![0; 1024];
    tar[257..262].copy_from_slice(b"ustar");
    assert!(refused(&packed::gzip(&tar)).message.contains("tar archive"));
}

/// Blocks between two parts until it is told to go on.
struct Parts(Cursor<Vec<u8>>, mpsc::Receiver<Vec<u8>>);

impl Read for Parts {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.0.read(into) {
            Ok(0) => {
                let Ok(next) = self.1.recv() else { return Ok(0) };
                self.0 = Cursor::new(next);
                self.0.read(into)
            }
            read => read,
        }
    }
}

#[test]
fn what_was_unpacked_is_not_held_back_until_more_comes() {
    use std::io::Write;
    for size in [1000, 1_000_000] {
        let made = capture(size);
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(&made).unwrap();
        packer.flush().unwrap();
        let first = std::mem::take(packer.get_mut());
        let (more, parts) = mpsc::channel();
        let input = Parts(Cursor::new(first), parts);
        let mut inputs = open_stream(Box::new(input), "made", Options::default()).unwrap();
        let plain = read(&made).frames.len();
        let mut frames = 0;
        // It would block here, had the thread waited for a full piece.
        while frames < plain {
            inputs.poll(10_000, &mut |_| frames += 1).unwrap();
        }
        more.send(packer.finish().unwrap()).unwrap();
        drop(more);
        assert_eq!(inputs.poll(10, &mut |_| {}).unwrap(), Polled::End);
    }
}

/// Says when it is dropped.
struct Watched(Cursor<Vec<u8>>, mpsc::Sender<()>);

impl Read for Watched {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.read(into)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.1.send(()).unwrap();
    }
}

#[test]
fn the_thread_ends_when_the_reader_stops_early() {
    let made = capture(8_000_000);
    for (_, pack) in PACKERS {
        let bytes = pack(&made);
        for frames in [0, 10, 2000] {
            let (gone, dropped) = mpsc::channel();
            let input = Box::new(Watched(Cursor::new(bytes.clone()), gone));
            let mut inputs = open_stream(input, "made", Options::default()).unwrap();
            let mut read = 0;
            while read < frames {
                inputs.poll(10, &mut |_| read += 1).unwrap();
            }
            drop(inputs);
            dropped.recv_timeout(Duration::from_secs(10)).expect("it goes on reading");
        }
    }
}

/// A pcap file with a frame at each of these seconds.
fn at(seconds: impl Iterator<Item = u32>) -> Vec<u8> {
    let filler = capture(600);
    seconds.fold(Writer::pcap(false), |made, second| made.record(second, 0, &filler)).bytes
}

#[test]
fn packed_files_are_merged_with_others_however_few_may_be_open() {
    let mut files = Vec::new();
    let mut frames = (0..800).step_by(7).len();
    for (name, pack) in PACKERS {
        let seconds = (u32::try_from(files.len()).unwrap()..800).step_by(3);
        frames += seconds.len();
        files.push((name, pack(&at(seconds))));
    }
    files.push(("plain", at((0..800).step_by(7))));
    let files: Vec<_> = files.iter().map(|(name, made)| (*name, &**made)).collect();
    let (_folder, paths) = folder(&files);
    let all = drain(open(&paths, Options::default()).unwrap(), 9);
    assert!(all.errors.is_empty());
    assert_eq!(all.frames.len(), frames);
    assert!(all.nanos().is_sorted());
    for open_files_max in [1, 2, 4] {
        let options = Options { open_files_max, buffer_bytes: 1, ..Options::default() };
        let few = drain(open(&paths, options).unwrap(), 1000);
        assert!(few.errors.is_empty(), "{:?}", few.errors);
        assert_eq!(few.frames, all.frames);
    }
}

#[test]
fn a_file_that_became_shorter_before_its_turn_is_told() {
    let (_folder, paths) = folder(&[
        ("a", &at(0..10)),
        ("b", &packed::gzip(&Writer::pcapng(false).raw(&[0; 9000]).bytes)),
    ]);
    let inputs = open(&paths, Options::default()).unwrap();
    std::fs::write(&paths[1], packed::gzip(b"short")).unwrap();
    let all = drain(inputs, 10);
    assert_eq!(all.frames.len(), 10);
    assert_eq!(all.errors.len(), 1);
}

#[test]
fn records_larger_than_the_pieces_are_read_among_small_ones() {
    let mut made = Writer::pcap(true);
    for (at, len) in (0..).zip([100, 70_000, 9, 2_000_000, 100, 300_000, 1_000_000, 50, 64 * 1024])
    {
        made = made.record(at, 0, &vec![7; len]).record(at, 0, b"small");
    }
    let plain = read(&made.bytes);
    for (name, pack) in PACKERS {
        let all = read(&pack(&made.bytes));
        assert!(all.errors.is_empty(), "{name}: {:?}", all.errors);
        assert_eq!(all.frames, plain.frames, "{name}");
    }
}
