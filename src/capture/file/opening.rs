//! Finds and opens what the user named.
//!
//! Every file's head is read, to know that it is a capture and when it begins; then all but streams
//! are put aside until their turn. What is bad among several is a fault of the source, which goes on
//! with the others; what a folder holds besides captures is passed over, counted, and named where a
//! word on it helps.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::Options;
use super::folder::{self, Links, Outside};
use super::format_hint;
use super::inputs::{Input, Inputs, Turn, not_read};
use super::interruptible;
use super::reader::{NOT_UNPACKED, Reader, cannot_open};
use crate::capture::stop::Stop;
use crate::capture::{CaptureError, CaptureErrorKind, Notice};
use portstory_core::Timestamp;

/// How standard input is named, on the command line and in messages.
pub(super) const STANDARD_INPUT: &str = "-";

/// Files named one by one in notices; the rest are counted.
const NAMED_MAX: usize = 20;

/// Opens captures: files, folders (with all that is below them) and `-` for standard input.
///
/// Folders and files are read as what they are; a FIFO or a device only if it is named itself. A
/// file that is reached twice is read once.
///
/// # Errors
///
/// Where nothing that was named is a capture that can be read. What is bad among several is told by
/// [`poll`](crate::capture::FrameSource::poll), each once.
pub fn open(paths: &[PathBuf], options: Options) -> Result<Inputs, CaptureError> {
    let mut opening = Opening { options, ..Opening::default() };
    for path in paths {
        let added = if opening.is_stopped() { Ok(()) } else { opening.add(path) };
        if opening.is_stopped() {
            opening.leave(path);
        } else if let Err(error) = added {
            opening.faults.push(error);
        }
    }
    if opening.inputs.is_empty() && !opening.is_stopped() {
        return Err(opening.nothing(paths));
    }
    if opening.inputs.len() > 1
        && let Some(first) = opening.inputs.first_mut()
    {
        first.put_aside();
    }
    Ok(opening.done())
}

/// Whether anything that was named is there; nothing is read.
///
/// # Errors
///
/// For the first, where none is.
pub(crate) fn exist(paths: &[PathBuf]) -> Result<(), CaptureError> {
    let mut missing = None;
    for path in paths {
        if path.as_os_str() == STANDARD_INPUT {
            return Ok(());
        }
        match fs::metadata(path) {
            Ok(_) => return Ok(()),
            Err(error) => missing.get_or_insert(cannot_open(&name_of(path), &error)),
        };
    }
    missing.map_or(Ok(()), Err)
}

/// Bytes of all files that were named or are in folders; none where there is a stream among them.
pub(crate) fn bytes(paths: &[PathBuf], links: Links) -> Option<u64> {
    let mut bytes = 0_u64;
    for path in paths {
        let metadata = fs::metadata(path).ok().filter(|_| path.as_os_str() != STANDARD_INPUT)?;
        let files = if metadata.is_dir() {
            folder::list(path, links).ok()?.files
        } else if metadata.is_file() {
            vec![path.clone()]
        } else {
            return None;
        };
        let lengths = files.iter().filter_map(|file| fs::metadata(file).ok());
        bytes = lengths.fold(bytes, |sum, metadata| sum.saturating_add(metadata.len()));
    }
    Some(bytes)
}

/// Opens one capture that comes from anywhere, read once from front to back; `name` is what messages
/// call it.
///
/// # Errors
///
/// Where it can't be read or is no capture.
pub fn open_stream(
    input: Box<dyn io::Read + Send>,
    name: &str,
    options: Options,
) -> Result<Inputs, CaptureError> {
    let mut opening = Opening { options, ..Opening::default() };
    opening.push(input, name.to_owned(), None)?;
    Ok(opening.done())
}

#[derive(Default)]
struct Opening {
    options: Options,
    inputs: Vec<Input>,
    notices: Vec<Notice>,
    /// Why something that was to be read could not be.
    faults: Vec<CaptureError>,
    /// Files that were taken, by device and inode.
    taken: BTreeSet<(u64, u64)>,
    standard_input: bool,
}

/// What a folder held besides captures.
#[derive(Default)]
struct PassedOver {
    other: u64,
    again: u64,
    named: usize,
    unnamed: u64,
}

impl Opening {
    fn add(&mut self, path: &Path) -> Result<(), CaptureError> {
        let name = name_of(path);
        if path.as_os_str() == STANDARD_INPUT {
            if std::mem::replace(&mut self.standard_input, true) {
                let error = io::Error::other("standard input can be read only once");
                return Err(cannot_open(&name, &error));
            }
            let input = interruptible::standard_input(self.options.stop.as_ref());
            return self.push(input, name, None);
        }
        let metadata = fs::metadata(path).map_err(|error| cannot_open(&name, &error))?;
        if metadata.is_dir() {
            return self.add_folder(path, name);
        }
        let file = interruptible::open(path).map_err(|error| cannot_open(&name, &error))?;
        if !metadata.is_file() {
            let input = interruptible::stream(file, self.options.stop.as_ref());
            return self.push(input, name, None);
        }
        if !self.taken.insert(folder::identity(&metadata)) {
            self.notice(name, "is named twice and read once");
            return Ok(());
        }
        self.add_file(file, path)
    }

    fn add_file(&mut self, file: File, path: &Path) -> Result<(), CaptureError> {
        let file = interruptible::file(file, self.options.stop.as_ref());
        let counted = Box::new(self.options.odometer.count(file));
        self.push(counted, name_of(path), Some(path.to_owned()))
    }

    fn push(
        &mut self,
        input: Box<dyn io::Read + Send>,
        name: String,
        path: Option<PathBuf>,
    ) -> Result<(), CaptureError> {
        let reader = Reader::open(input, name.clone(), path, &self.options)?;
        let mut input = Input {
            name,
            // Until it is known: at once.
            next: Timestamp::MIN,
            front: Vec::new(),
            turn: Turn::Read(Box::new(reader)),
        };
        // The first stays open: mostly it is the only one.
        if !self.inputs.is_empty() {
            input.put_aside();
        }
        self.inputs.push(input);
        Ok(())
    }

    fn add_folder(&mut self, path: &Path, name: String) -> Result<(), CaptureError> {
        let listing =
            folder::list(path, self.options.links).map_err(|error| cannot_open(&name, &error))?;
        let mut passed_over = PassedOver::default();
        for (path, error) in listing.unreadable {
            self.pass_over(cannot_open(&name_of(&path), &error), &mut passed_over);
        }
        for path in listing.files {
            self.add_found(&path, &mut passed_over);
        }
        self.tell(name.clone(), &passed_over);
        self.tell_outside(name, &listing.outside);
        Ok(())
    }

    fn add_found(&mut self, path: &Path, passed_over: &mut PassedOver) {
        let opened = folder::open_regular(path).and_then(|file| {
            let identity = file.as_ref().map(File::metadata).transpose()?;
            Ok(file.zip(identity.as_ref().map(folder::identity)))
        });
        let added = match opened {
            Ok(Some((_, identity))) if self.taken.contains(&identity) => {
                passed_over.again = passed_over.again.saturating_add(1);
                return;
            }
            Ok(Some((file, identity))) => self.add_file(file, path).map(|()| {
                self.taken.insert(identity);
            }),
            Ok(None) => return,
            Err(error) => Err(cannot_open(&name_of(path), &error)),
        };
        if let Err(error) = added {
            self.pass_over(error, passed_over);
        }
    }

    /// Counts a file that can't be read, and names it where that helps.
    fn pass_over(&mut self, error: CaptureError, passed_over: &mut PassedOver) {
        let may_be_other = match error.kind {
            CaptureErrorKind::NotACapture => true,
            CaptureErrorKind::CannotOpen => error.message.starts_with(NOT_UNPACKED),
            CaptureErrorKind::BrokeOff => false,
        };
        let is_bad = !may_be_other || format_hint::was_to_be_one(&error.source, &error.message);
        if !is_bad && !format_hint::is_worth_a_word(&error.message) {
            passed_over.other = passed_over.other.saturating_add(1);
        } else if passed_over.named >= NAMED_MAX {
            passed_over.unnamed = passed_over.unnamed.saturating_add(1);
        } else {
            passed_over.named = passed_over.named.saturating_add(1);
            if is_bad {
                self.faults.push(error);
            } else {
                self.notice(error.source, skipped(&error.message));
            }
        }
    }

    fn is_stopped(&self) -> bool {
        self.options.stop.as_ref().is_some_and(Stop::requested)
    }

    /// There was no time for this any more.
    fn leave(&mut self, path: &Path) {
        let name = name_of(path);
        if self.inputs.iter().any(|input| input.name == name) {
            return;
        }
        if path.is_file() || path.is_dir() {
            self.faults.push(not_read(name, 0));
        } else {
            self.notice(name, "delivered nothing before the program was interrupted");
        }
    }

    /// The stream of all of them.
    fn done(self) -> Inputs {
        let faults = self.faults.into_iter().map(|fault| match fault.kind {
            CaptureErrorKind::BrokeOff => fault,
            CaptureErrorKind::NotACapture | CaptureErrorKind::CannotOpen => {
                CaptureError::broke_off(fault.source, skipped(&fault.message))
            }
        });
        Inputs::new(self.inputs, self.notices, faults.collect(), self.options)
    }

    fn tell(&mut self, folder: String, passed_over: &PassedOver) {
        let counts = [
            (passed_over.unnamed, "more could not be read"),
            (passed_over.other, "that are not captures"),
            (passed_over.again, "that were taken already"),
        ];
        for (count, what) in counts {
            if count > 0 {
                self.notice(folder.clone(), format!("files skipped {what}: {count}"));
            }
        }
    }

    fn tell_outside(&mut self, folder: String, outside: &Outside) {
        if let Some(first) = &outside.first {
            let (count, first) = (outside.count, first.display());
            let message = format!(
                "links that lead out of the folder were not followed: {count} (first: {first}); \
                 name their targets, or use --follow-links"
            );
            self.notice(folder, message);
        }
    }

    fn notice(&mut self, source: String, message: impl Into<String>) {
        self.notices.push(Notice { source, message: message.into() });
    }

    /// The error for when nothing that was named holds a capture.
    fn nothing(mut self, paths: &[PathBuf]) -> CaptureError {
        if paths.len() == 1 && self.faults.len() == 1 && self.notices.is_empty() {
            // A folder's file is no answer for the folder.
            let own =
                |fault: &CaptureError| paths.iter().any(|path| path.as_os_str() == &*fault.source);
            if let Some(fault) = self.faults.pop_if(|fault| own(fault)) {
                return fault;
            }
        }
        let source = paths.first().map(|path| name_of(path)).unwrap_or_default();
        let mut message = "no capture file found here".to_owned();
        let faults = self.faults.iter().map(|fault| (&fault.source, &fault.message));
        let notices = self.notices.iter().map(|notice| (&notice.source, &notice.message));
        for (source, why) in faults.take(NAMED_MAX).chain(notices) {
            message.push_str(&format!("; {source}: {why}"));
        }
        if let Some(more) = self.faults.len().checked_sub(NAMED_MAX).filter(|&more| more > 0) {
            message.push_str(&format!("; and {more} more"));
        }
        CaptureError { kind: CaptureErrorKind::NotACapture, source, message }
    }
}

/// What messages call a file.
fn name_of(path: &Path) -> String {
    path.display().to_string()
}

fn skipped(why: &str) -> String {
    format!("was skipped: it {why}")
}
