//! Our reader against libpcap's: on every capture that libpcap opens, the same frames up to where
//! libpcap stops.
//!
//! Reads everything below `fixtures/`, below the folder that `PORTSTORY_CORPUS` names, and captures
//! that are written here in every variant that both read.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout, reason = "a test")]

use std::env;
use std::fs;
use std::io::{Cursor, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use pcap::{Capture, Offline, Precision};
use portstory::internal::capture::file::{Inputs, Options};
use portstory::internal::capture::{CaptureErrorKind, FrameSource, Polled, file};
use portstory_testkit::captures::{MICRO, MODIFIED, NANO, NOON, Writer};
use portstory_testkit::packed::{PACKERS, Packer};

/// What both readers tell of one frame.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    /// Seconds and nanoseconds.
    time: (i64, i64),
    link: u16,
    wire_len: u32,
    bytes: Vec<u8>,
}

/// Frames to compare in one file: a corpus may hold large ones.
const FRAMES_MAX: usize = 200_000;

const NANOS_PER_SECOND: i64 = 1_000_000_000;

#[test]
fn recorded_frames_are_those_that_libpcap_reads() {
    let mut files = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures"), &mut files);
    files.retain(|path| path.extension().is_some_and(|end| end == "pcap" || end == "pcapng"));
    // It takes zeros for packets of 1970, and the header of a second file for one that is too long.
    files.retain(|path| path.parent().is_none_or(|folder| !folder.ends_with("odd-files")));
    assert_eq!(compare_all(&files), files.len(), "libpcap opens every fixture");
    if let Some(corpus) = env::var_os("PORTSTORY_CORPUS") {
        let mut files = Vec::new();
        collect(Path::new(&corpus), &mut files);
        compare_all(&files);
    }
}

#[test]
fn made_frames_are_those_that_libpcap_reads() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for (number, made) in made().into_iter().enumerate() {
        let path = folder.path().join(number.to_string());
        fs::write(&path, made.bytes).unwrap();
        files.push(path);
    }
    assert_eq!(compare_all(&files), files.len());
}

#[test]
fn compressed_frames_are_those_of_the_plain_file() {
    for path in fixtures() {
        let plain = ours(&path).unwrap();
        let bytes = fs::read(&path).unwrap();
        for (name, pack) in PACKERS {
            assert_eq!(read(&pack(&bytes)), plain, "{} by {name}", path.display());
        }
    }
}

#[test]
fn what_the_usual_programs_compress_is_unpacked() {
    let path = &fixtures()[0];
    let plain = ours(path).unwrap();
    for command in [
        &["gzip", "-1c"][..],
        &["gzip", "-9c"],
        &["pigz", "-c"],
        &["bgzip", "-c"],
        &["zstd", "-c"],
        &["zstd", "-19c"],
        &["zstd", "-c", "--long=27"],
        &["pzstd", "-c"],
        &["lz4", "-c"],
        &["lz4", "-cB4"],
        &["lz4", "-cBD", "--no-frame-crc"],
        &["lz4", "-cBX", "--content-size"],
        &["xz", "-c"],
        &["xz", "-9c"],
        &["xz", "-c", "--block-size=1000"],
    ] {
        let Some(bytes) = filtered(command, &fs::read(path).unwrap()) else {
            println!("SKIPPED: there is no {}", command[0]);
            continue;
        };
        assert_eq!(read(&bytes), plain, "{command:?}");
    }
}

#[test]
fn cut_anywhere_or_changed_anywhere_what_is_compressed_gives_no_more_than_it_holds() {
    let mut large = fixtures();
    large.retain(|path| path.metadata().unwrap().len() > 200_000);
    large.truncate(1);
    for (path, places) in
        small_fixtures().into_iter().zip([150; 6]).chain(large.into_iter().zip([9]))
    {
        let bytes = fs::read(&path).unwrap();
        for packer @ (name, pack) in PACKERS {
            let packed = pack(&bytes);
            let step = packed.len() / places + 1;
            for len in (0..packed.len()).step_by(step) {
                // Exactly the frames in what other code unpacks of it.
                let held = unpacked(packer, &packed[..len]);
                let frames = read(&packed[..len]);
                assert_eq!(frames, read(&held), "{} by {name} cut at {len}", path.display());
            }
            for at in (0..packed.len()).step_by(step) {
                for value in [0, 0xff, packed[at] ^ 1, packed[at] ^ 0x80] {
                    let mut changed = packed.clone();
                    changed[at] = value;
                    let frames = read(&changed);
                    // No frame is larger than all there is.
                    let whole = frames.iter().map(|frame| frame.bytes.len() + 16).sum::<usize>();
                    assert!(whole <= 64 * bytes.len(), "{whole}");
                }
            }
        }
    }
}

/// What the readers of the libraries unpack, a few bytes at a time, until they fail.
fn unpacked((name, _): Packer, bytes: &[u8]) -> Vec<u8> {
    let mut reader: Box<dyn Read + '_> = match name {
        "gzip" => Box::new(flate2::read::MultiGzDecoder::new(bytes)),
        "zstd" => Box::new(zstd::Decoder::new(bytes).unwrap()),
        "lz4" => Box::new(lz4_flex::frame::FrameDecoder::new(bytes)),
        _ => Box::new(liblzma::read::XzDecoder::new(bytes)),
    };
    let mut unpacked = Vec::new();
    let mut few = [0; 16];
    while let Ok(read @ 1..) = reader.read(&mut few) {
        unpacked.extend(&few[..read]);
    }
    unpacked
}

/// What a program makes of these bytes; nothing where there is no such program.
fn filtered(command: &[&str], bytes: &[u8]) -> Option<Vec<u8>> {
    let child = Command::new(command[0])
        .args(&command[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut child = child.ok()?;
    let mut stdin = child.stdin.take().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(bytes).unwrap());
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{command:?}");
        Some(output.stdout)
    })
}

fn fixtures() -> Vec<PathBuf> {
    let mut files = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures"), &mut files);
    files.retain(|path| file::open(std::slice::from_ref(path), Options::default()).is_ok());
    files
}

fn small_fixtures() -> Vec<PathBuf> {
    let mut files = fixtures();
    files.retain(|path| (1000..20_000).contains(&path.metadata().unwrap().len()));
    files.truncate(6);
    files
}

/// Captures in the variants that both readers know.
fn made() -> Vec<Writer> {
    let mut made = Vec::new();
    for big in [false, true] {
        for magic in [MICRO, NANO, MODIFIED] {
            for version in [(2, 1), (2, 2), (2, 3), (2, 4), (543, 0)] {
                for link in [1, 12, 101, 0x5400_0001] {
                    let extra: &[u8] = if magic == MODIFIED { &[0; 8] } else { &[] };
                    let data = [extra, &[7; 60]].concat();
                    let writer = Writer::new(big).pcap_header(magic, version, link);
                    let lengths = if version == (2, 4) { (60, 1500) } else { (1500, 60) };
                    let writer = writer.record_of(NOON, 123_456, lengths, &data);
                    made.push(writer.record_of(u32::MAX, 999_999, (60, 60), &data));
                }
            }
        }
        for resolution in (0..=19).chain(0x80..=0xbf) {
            let ticks = match resolution {
                0..0x80 => u64::from(NOON).saturating_mul(10_u64.pow(u32::from(resolution))),
                _ => u64::from(NOON).checked_shl(u32::from(resolution & 0x7f)).unwrap_or(0),
            };
            let writer = Writer::new(big).section().interface(1, 0, |options| {
                options.option(9, &[resolution]);
                options.option_64(14, 3600);
            });
            made.push(writer.enhanced(0, ticks, b"one").enhanced(0, ticks | 1, b"two"));
        }
        let writer = Writer::pcapng(big).interface(1, 0, |_| {}).obsolete(1, 2, 5_000_000, b"old");
        let writer = writer.statistics(0, |options| options.option_64(5, 1));
        made.push(writer.section().interface(1, 0, |_| {}).enhanced(0, 6_000_000, b"again"));
    }
    made
}

/// Compares those that libpcap opens, and says how many these are.
fn compare_all(files: &[PathBuf]) -> usize {
    let (mut compared, mut frames, mut beyond) = (0, 0, 0);
    let mut differing = Vec::new();
    for path in files {
        let Ok(theirs) = Capture::from_file_with_precision(path, Precision::Nano) else {
            continue;
        };
        compared += 1;
        match compare(path, theirs) {
            Ok((same, more)) => {
                frames += same;
                beyond += more;
            }
            Err(difference) => differing.push(format!("{}: {difference}", path.display())),
        }
    }
    println!("{compared} files, {frames} frames are the same; {beyond} more where libpcap stopped");
    assert!(differing.is_empty(), "{} differ:\n{}", differing.len(), differing.join("\n"));
    compared
}

/// How many frames are the same, and how many came after libpcap stopped at something unsound.
fn compare(path: &Path, mut theirs: Capture<Offline>) -> Result<(usize, usize), String> {
    let header = Header::read(path);
    let link = linktype(theirs.get_datalink().0);
    let mut ours = ours(path)?.into_iter();
    let mut same = 0;
    while let Ok(packet) = theirs.next_packet() {
        if same >= FRAMES_MAX {
            return Ok((same, 0));
        }
        let len = packet.header.len;
        let told = Told {
            time: header.time(packet.header.ts.tv_sec, packet.header.ts.tv_usec),
            link,
            // Ours says at least what was captured.
            wire_len: len.max(u32::try_from(packet.data.len()).unwrap()),
            bytes: packet.data.to_vec(),
        };
        let Some(mut our) = ours.next() else {
            return Err(format!("frame {} is missing", same + 1));
        };
        // libpcap cuts a frame that is longer than the file's header promises; ours does not.
        if our.bytes.len() > told.bytes.len() && header.snap == Some(told.bytes.len()) {
            our.bytes.truncate(told.bytes.len());
            our.wire_len = told.wire_len;
        }
        // libpcap turns the pseudo-headers of these into the machine's byte order.
        if !header.little && SWAPPED_BY_LIBPCAP.contains(&link) {
            our.bytes.clone_from(&told.bytes);
        }
        if our != told {
            return Err(format!("frame {} is\n {our:?}\nto libpcap\n {told:?}", same + 1));
        }
        same += 1;
    }
    Ok((same, ours.count()))
}

fn ours(path: &Path) -> Result<Vec<Told>, String> {
    let inputs = file::open(&[path.to_owned()], Options::default());
    Ok(drained(inputs.map_err(|error| error.to_string())?))
}

/// The frames in these bytes, none where they are no capture.
fn read(bytes: &[u8]) -> Vec<Told> {
    let input = Box::new(Cursor::new(bytes.to_vec()));
    file::open_stream(input, "made", Options::default()).map(drained).unwrap_or_default()
}

fn drained(mut inputs: Inputs) -> Vec<Told> {
    let mut frames = Vec::new();
    loop {
        let polled = inputs.poll(100, &mut |frame| {
            let nanos = frame.at.time.nanos();
            assert_eq!(frame.at.number, u64::try_from(frames.len() + 1).unwrap());
            frames.push(Told {
                time: (nanos.div_euclid(NANOS_PER_SECOND), nanos.rem_euclid(NANOS_PER_SECOND)),
                link: frame.link.0,
                wire_len: frame.wire_len,
                bytes: frame.bytes.to_vec(),
            });
        });
        match polled {
            Ok(Polled::End) => return frames,
            Ok(Polled::Frames(_) | Polled::Idle) => {}
            // Compared is what came before.
            Err(error) => assert_eq!(error.kind, CaptureErrorKind::BrokeOff, "{error}"),
        }
        if frames.len() > FRAMES_MAX {
            return frames;
        }
    }
}

/// What decides how libpcap changes what it reads.
struct Header {
    little: bool,
    /// Nanoseconds in a unit of a classic file's fractions.
    unit: i64,
    /// The snap length that a classic file's header promises.
    snap: Option<usize>,
}

impl Header {
    fn read(path: &Path) -> Self {
        let raw = fs::read(path).unwrap();
        if raw.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]) {
            return Self { little: raw[8] == 0x4d, unit: 1, snap: None };
        }
        let little = raw[3] == 0xa1;
        let snap = raw[16..20].try_into().unwrap();
        let snap = if little { u32::from_le_bytes(snap) } else { u32::from_be_bytes(snap) };
        let is_nano = raw[..4].contains(&0x3c);
        let unit = if is_nano { 1 } else { 1000 };
        Self { little, unit, snap: usize::try_from(snap).ok() }
    }

    /// libpcap's seconds and nanoseconds as ours. The numbers in a classic file are unsigned 32-bit
    /// ones, which libpcap takes for signed, and it does not carry a fraction of a second or more.
    fn time(&self, mut seconds: i64, mut nanos: i64) -> (i64, i64) {
        if self.snap.is_some() {
            seconds = seconds.rem_euclid(1 << 32);
            nanos = (nanos / self.unit).rem_euclid(1 << 32) * self.unit;
        }
        (seconds + nanos.div_euclid(NANOS_PER_SECOND), nanos.rem_euclid(NANOS_PER_SECOND))
    }
}

/// `LINKTYPE_` for what libpcap on Linux calls `DLT_`, where the two differ.
fn linktype(dlt: i32) -> u16 {
    match dlt {
        11 => 100,
        12 | 14 => 101,
        15 => 102,
        16 => 103,
        18 => 246,
        19 => 106,
        other => u16::try_from(other).unwrap(),
    }
}

/// SLL (over CAN), USB on Linux twice, CAN, NFLOG, SLL2.
const SWAPPED_BY_LIBPCAP: [u16; 6] = [113, 189, 220, 227, 239, 276];

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() { collect(&path, files) } else { files.push(path) }
    }
}
