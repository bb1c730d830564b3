//! Files that are written: whole records only, rotated, opened anew on SIGHUP.
//!
//! An [`OutputFile`] takes records into memory, and at their boundaries into the file. If that fails (a disk
//! is full), the file is cut back to its last whole record, so that nothing that stands in it is damaged.
//! Fresh files are opened by a [`helper`] that kept its rights when this process gave up its own.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use clap::Args;
use rustix::fs::OFlags;

mod folder;
mod helper;
mod naming;
mod packing;
#[cfg(feature = "bundle")]
mod placing;

use folder::Folder;
pub(super) use folder::{is_link, open_to_look};
pub(super) use helper::{Helper, OpenOutputs};
pub(super) use naming::Naming;
use packing::Packing;
pub(super) use packing::unpacked_name;
#[cfg(feature = "bundle")]
pub(super) use placing::{PlaceOutput, Placing, Scratch};

use super::signals::Asked;
use super::{log, shutdown};
use crate::clock::now;
use crate::engine::Outcome;

/// When outputs are continued in another file.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct Rotating {
    /// Start a new output file, NAME-000001 and so on, at this size (such as 500K, 100M, 2G)
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    rotate_size: Option<u64>,

    /// Start a new output file after this time (such as 30s, 15m, 24h)
    #[arg(long, value_name = "TIME", value_parser = duration)]
    rotate_time: Option<Duration>,

    /// Keep only this many files of each output; older ones are deleted
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    keep: Option<u64>,
}

impl Rotating {
    /// Whether there is more than one file of each output.
    pub(super) fn is_wanted(&self) -> bool {
        self.rotate_size.is_some() || self.rotate_time.is_some()
    }

    /// Whether old files of each output are deleted.
    pub(super) fn deletes(&self) -> bool {
        self.keep.is_some()
    }

    /// A sentence where the options make no sense together, or where there is no file that could be
    /// continued in another.
    pub(super) fn check(&self, has_file: bool) -> Result<(), &'static str> {
        if self.is_wanted() && !has_file {
            return Err("--rotate-size and --rotate-time are for files: name one with -o or -w");
        }
        if self.keep.is_some() && !self.is_wanted() {
            return Err(
                "--keep needs --rotate-size or --rotate-time: otherwise there is only one file",
            );
        }
        Ok(())
    }
}

/// Bytes that are held back until the next batch ends; what a crash can cost, next to a second.
const HELD_BYTES_MAX: usize = 1 << 20;

/// Numbers that may be taken by something else, one behind the other.
const NUMBERS_TRIED_MAX: usize = 16;

/// What cannot be had is not asked for again for so long, however large the file grows.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// What is written is handed to the system at least this often.
const FLUSH_EVERY: Duration = Duration::from_secs(1);

/// A file that is written, and those that follow it.
#[derive(Debug)]
pub(super) struct OutputFile {
    file: File,
    /// None for standard output, which stays as it is.
    naming: Option<Naming>,
    packing: Option<Packing>,
    rotating: Rotating,
    helper: Option<Rc<Helper>>,
    /// Whether another file is asked for.
    pub(super) reopen: Asked,
    /// By which the helper knows this output.
    index: u8,
    /// The number of the file to come; without numbers, 0 for good.
    next: u64,
    opened: Instant,
    /// Another file was refused, and is not asked for before.
    retry_at: Option<Instant>,
    flushed: Instant,
    /// Not in the file yet.
    held: Vec<u8>,
    /// Bytes in the file, all of them of whole records.
    complete: u64,
}

impl OutputFile {
    /// Opens the first file; `-` is standard output. What it held stays until [`Self::begin`].
    pub(super) fn open(path: &Path, rotating: &Rotating, index: u8) -> io::Result<Self> {
        if path == Path::new("-") {
            return Ok(Self::of(File::from(io::stdout().as_fd().try_clone_to_owned()?)));
        }
        let packing = Packing::by_name(path)?;
        let naming = Naming::new(path, rotating.is_wanted());
        let (file, next) = first_file(path, &naming)?;
        let naming = Some(naming);
        Ok(Self { naming, packing, rotating: rotating.clone(), index, next, ..Self::of(file) })
    }

    /// Writes to what is open already, and to nothing else.
    fn of(file: File) -> Self {
        Self {
            file,
            naming: None,
            packing: None,
            rotating: Rotating::default(),
            helper: None,
            reopen: Asked::default(),
            index: 0,
            next: 0,
            opened: now(),
            retry_at: None,
            flushed: now(),
            held: Vec::new(),
            complete: 0,
        }
    }

    /// Who opens the files to come.
    pub(super) fn set_helper(&mut self, helper: Rc<Helper>) {
        self.helper = Some(helper);
    }

    /// There will be something to write: what the file held before goes.
    pub(super) fn begin(&mut self) -> io::Result<()> {
        if self.file.metadata()?.is_file() { self.file.set_len(0) } else { Ok(()) }
    }

    /// Whether so much is held that it should go into the file.
    pub(super) fn is_much(&self) -> bool {
        // What is compressed counts for the size of a file only once it is there.
        let packed_max = self.packing.and(self.rotating.rotate_size);
        let packed_max = packed_max.and_then(|max| usize::try_from(max).ok());
        self.held.len() >= packed_max.unwrap_or(HELD_BYTES_MAX).min(HELD_BYTES_MAX)
    }

    /// A record ended. What is held goes into the file if it is much, or if it waited for long.
    pub(super) fn record_ended(&mut self) -> io::Result<()> {
        if self.is_much() { self.commit() } else { Ok(()) }
    }

    /// Whether the system should get what is held.
    pub(super) fn wants_flush(&self) -> bool {
        now().saturating_duration_since(self.flushed) >= FLUSH_EVERY
    }

    /// All that is held goes into the file; call it between records.
    pub(super) fn commit(&mut self) -> io::Result<()> {
        self.flushed = now();
        if self.held.is_empty() {
            return Ok(());
        }
        let packed = self.packing.map(|packing| packing.pack(&self.held)).transpose();
        let result = packed.and_then(|packed| {
            let bytes = packed.as_ref().unwrap_or(&self.held);
            shutdown::write_all(&self.file, &self.name(), bytes)?;
            Ok(u64::try_from(bytes.len()).unwrap_or(u64::MAX))
        });
        match &result {
            Ok(bytes) => self.complete = self.complete.saturating_add(*bytes),
            Err(_) if self.file.metadata().is_ok_and(|metadata| metadata.is_file()) => {
                // The first error is the one that is told.
                let _ = self.file.set_len(self.complete);
            }
            Err(_) => {}
        }
        self.held.clear();
        result.map(|_| ())
    }

    fn name(&self) -> PathBuf {
        let current = self.next.saturating_sub(1);
        self.naming.as_ref().map_or_else(|| "standard output".into(), |it| it.name(current).into())
    }

    /// Whether it is time for another file.
    pub(super) fn is_due(&self) -> bool {
        let held = u64::try_from(self.held.len()).unwrap_or(u64::MAX);
        let bytes = self.complete.saturating_add(if self.packing.is_some() { 0 } else { held });
        let rotating = &self.rotating;
        !self.is_fresh()
            && self.retry_at.is_none_or(|at| now() >= at)
            && (rotating.rotate_size.is_some_and(|max| bytes >= max)
                || rotating
                    .rotate_time
                    .is_some_and(|max| now().saturating_duration_since(self.opened) >= max))
    }

    /// Whether it is, or somebody asked for one.
    pub(super) fn is_asked_for_or_due(&self) -> bool {
        self.reopen.take() || self.is_due()
    }

    /// Goes on in another file; where it can't be had, in this one. Call it when the records are whole.
    pub(super) fn next_file(&mut self) -> io::Result<()> {
        self.commit()?;
        self.opened = now();
        let (Some(naming), Some(helper)) = (&self.naming, &self.helper) else { return Ok(()) };
        let opened = untaken(&mut self.next, |number| helper.open(self.index, number));
        self.retry_at = opened.is_err().then(|| self.opened + RETRY_AFTER);
        let file = opened?;
        self.complete = file.metadata().map_or(0, |metadata| metadata.len());
        self.file = file;
        if naming.is_numbered() {
            self.next = self.next.saturating_add(1);
        }
        Ok(())
    }

    /// Whether the file holds nothing yet.
    pub(super) fn is_fresh(&self) -> bool {
        self.complete == 0 && self.held.is_empty()
    }
}

impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.held.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    /// Nothing yet: only [`OutputFile::commit`] knows that the records are whole.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Says why an output cannot be opened.
pub(super) fn cannot_write(path: &Path, error: &io::Error) -> Outcome {
    let path = path.display();
    if error.kind() == io::ErrorKind::Unsupported {
        log::error(&format!("{path} {error}"));
    } else {
        let why = folder::explained(error);
        log::error(&format!("cannot write {path}: {why}; choose another path"));
    }
    Outcome::Usage
}

/// Says that no further file can be had, which ends nothing.
pub(super) fn told(next: io::Result<()>) -> Outcome {
    match next {
        Ok(()) => Outcome::Done,
        Err(error) => {
            log::say(&format!(
                "cannot open the next output file: {}; continuing in this one",
                folder::explained(&error)
            ));
            Outcome::BrokeOff
        }
    }
}

/// Opens the first file, and says which number the next one has.
fn first_file(path: &Path, naming: &Naming) -> io::Result<(File, u64)> {
    if naming.is_numbered() {
        let folder = Folder::of(path)?;
        let mut number = naming.first_free(&folder.names()?);
        let file = untaken(&mut number, |number| folder.create(&naming.name(number)))?;
        return Ok((file, number.saturating_add(1)));
    }
    let is_root = rustix::process::geteuid().is_root();
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    if is_root {
        let folder = Folder::of(path)?;
        // Somebody else's link would have root write where they cannot.
        if folder.is_open_to_others()? {
            return Ok((folder.append(&naming.name(0))?, 0));
        }
        options.mode(0o640);
    } else if !folder::may_follow(path)? {
        options.custom_flags(i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or_default());
    }
    Ok((options.open(path)?, 0))
}

/// Opens the file with this number, or where that is taken, one of the next.
fn untaken(number: &mut u64, open: impl Fn(u64) -> io::Result<File>) -> io::Result<File> {
    for _ in 0..NUMBERS_TRIED_MAX {
        match open(*number) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                *number = number.saturating_add(1);
            }
            opened => return opened,
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// A number and a unit out of a table, as in `100M`.
fn scaled(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = text.get(digits.len()..)?;
    let (_, factor) = units.iter().find(|(name, _)| unit.eq_ignore_ascii_case(name))?;
    digits.parse::<u64>().ok()?.checked_mul(*factor).filter(|&number| number > 0)
}

/// Bytes, with a unit of 1024 or its powers.
pub(super) fn bytes(text: &str) -> Result<u64, String> {
    let text = text.trim_end_matches("iB");
    scaled(text, &[("", 1), ("K", 1 << 10), ("M", 1 << 20), ("G", 1 << 30)])
        .ok_or_else(|| "give a number with K, M or G, such as 100M".to_owned())
}

fn duration(text: &str) -> Result<Duration, String> {
    scaled(text, &[("", 1), ("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)])
        .map(Duration::from_secs)
        .ok_or_else(|| "give a number with s, m, h or d, such as 15m".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_have_units() {
        assert_eq!(bytes("500K"), Ok(500 << 10));
        assert_eq!(bytes("2GiB"), Ok(2 << 30));
        assert_eq!(bytes("7"), Ok(7));
        assert_eq!(duration("15m"), Ok(Duration::from_secs(900)));
        for wrong in ["", "K", "0", "1.5M", "-1", "12 parsecs", "99999999999999999G"] {
            assert!(bytes(wrong).is_err() && duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_failing_file_keeps_its_whole_records() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let mut output_file = OutputFile::open(&path, &Rotating::default(), 0).unwrap();
        output_file.begin().unwrap();
        output_file.write_all(b"whole\n").unwrap();
        output_file.commit().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"whole\n");
        // A descriptor that can't be written stands for a disk that is full.
        output_file.file = File::open(&path).unwrap();
        output_file.write_all(b"another\n").unwrap();
        assert!(output_file.commit().is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"whole\n");
    }
}
