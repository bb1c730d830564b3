//! One capture file that is still being written.
//!
//! Where [`Inputs`](super::Inputs) would say that the file is over, [`Follow`] rests for a moment and
//! looks again: a record that was half there is completed when the rest comes. It looks at the file's
//! name too. A file that was replaced is read to its end before the new one is begun; one that was
//! shortened is begun anew; one that is gone for the moment is waited for. It looks at intervals,
//! which works on every file system and needs no kernel's help.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::inputs::keep_books;
use super::opening::STANDARD_INPUT;
use super::reader::{Losses, Ran, Reader, Then, cannot_open};
use super::{Options, folder, format_hint, interruptible, pcap, pcapng};
use crate::capture::stop::Stop;
use crate::capture::{
    CaptureError, CaptureErrorKind, FrameSource, Notice, Polled, Sink, SourceInfo,
};
use portstory_core::internal::wire;
use portstory_core::{SourceId, Timestamp};

/// Time between two looks at a file that had nothing new: short for a person who waits, and nothing
/// for the machine.
const REST: Duration = Duration::from_millis(100);

/// A capture file that may grow. It ends by [`Options::stop`] only.
pub(crate) struct Follow {
    path: PathBuf,
    name: String,
    options: Options,
    stage: Stage,
    /// The file that was opened last, kept open so that no other can get its identity.
    held: Option<Arc<File>>,
    /// One for each file that was found under the name.
    infos: Vec<SourceInfo>,
    notices: Vec<Notice>,
    damaged: Option<Losses>,
    /// That it can't be opened was said.
    complained: bool,
}

enum Stage {
    /// There is no file, or not yet enough of it.
    Awaited,
    Read(Box<Reader>, Known),
    /// Another file has its name: it is read to its end.
    Replaced(Box<Reader>),
    /// It can't be read on; only another one can.
    Spoilt(Known),
}

/// What tells a file from one that takes its place.
#[derive(Clone, Copy)]
struct Known {
    identity: (u64, u64),
    len: u64,
}

impl Known {
    fn of(metadata: &Metadata) -> Self {
        Self { identity: folder::identity(metadata), len: metadata.len() }
    }
}

/// Follows the file at `path`, from its beginning. It may be empty as yet.
///
/// # Errors
///
/// Where it is missing, can't be read, is no regular file, is compressed, or begins as no capture.
pub(crate) fn follow(path: &Path, options: Options) -> Result<Follow, CaptureError> {
    let name = path.display().to_string();
    let refused = |message: &str| Err(CaptureError::cannot_open(&name, message));
    if path.as_os_str() == STANDARD_INPUT {
        return refused("standard input is always read as it arrives; omit --follow");
    }
    match fs::metadata(path) {
        Err(error) => return Err(cannot_open(&name, &error)),
        Ok(metadata) if metadata.is_dir() => {
            return refused("is a folder; --follow takes one file that is still being written");
        }
        Ok(metadata) if !metadata.is_file() => {
            return refused("is not a regular file, so it is read as it arrives; omit --follow");
        }
        Ok(_) => {}
    }
    let mut follow = Follow {
        path: path.to_owned(),
        name,
        options,
        stage: Stage::Awaited,
        held: None,
        infos: Vec::new(),
        notices: Vec::new(),
        damaged: None,
        complained: false,
    };
    follow.begin()?;
    Ok(follow)
}

impl Follow {
    /// Opens what is under the name, where there is enough of it to know what it is.
    fn begin(&mut self) -> Result<(), CaptureError> {
        let opened = folder::open_regular(&self.path).and_then(|file| {
            let Some(file) = file else { return Ok(None) };
            let known = Known::of(&file.metadata()?);
            Ok(Some((has_header(&file)?, known, Arc::new(file))))
        });
        let (known, file) = match opened {
            Ok(Some((true, known, file))) => (known, file),
            Ok(Some((false, ..)) | None) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(_) if self.complained => return Ok(()),
            Err(error) => {
                self.complained = true;
                return Err(cannot_open(&self.name, &error));
            }
        };
        self.complained = false;
        self.stage = Stage::Spoilt(known);
        self.held = Some(Arc::clone(&file));
        let input = interruptible::file(file, self.options.stop.as_ref());
        let mut reader = Reader::open(input, self.name.clone(), None, &self.options)?;
        if reader.is_packed() {
            return Err(CaptureError::cannot_open(
                &self.name,
                "is compressed, and can be read only once it is complete; omit --follow",
            ));
        }
        reader.set_source(SourceId(wire::len32(self.infos.len())));
        reader.set_growing(true);
        self.infos.push(SourceInfo {
            name: self.name.clone(),
            format: Some(reader.format()),
            ..SourceInfo::default()
        });
        self.stage = Stage::Read(Box::new(reader), known);
        Ok(())
    }

    /// Looks whether the file still has its name and its length, after all of it was read.
    fn look(&mut self) {
        // Without it, this may be the moment between two files.
        let Ok(now) = fs::metadata(&self.path).map(|metadata| Known::of(&metadata)) else { return };
        let is_other = |known: Known| now.identity != known.identity;
        self.stage = match std::mem::replace(&mut self.stage, Stage::Awaited) {
            unchanged @ (Stage::Awaited | Stage::Replaced(_)) => unchanged,
            Stage::Read(mut reader, known) if is_other(known) => {
                // What was written to it before it was replaced.
                reader.set_growing(false);
                Stage::Replaced(reader)
            }
            Stage::Read(reader, _) if now.len < reader.position() => {
                let message =
                    "was truncated while it was read, and is read again from its start".to_owned();
                self.notices.push(Notice { source: self.name.clone(), message });
                Stage::Awaited
            }
            Stage::Read(mut reader, _) => {
                reader.set_growing(true);
                Stage::Read(reader, now)
            }
            Stage::Spoilt(known) if is_other(known) || now.len < known.len => Stage::Awaited,
            Stage::Spoilt(_) => Stage::Spoilt(now),
        };
    }

    /// Reads on in the file, where there is one.
    fn run(&mut self, budget: usize, sink: &mut Sink<'_>) -> Result<Ran, CaptureError> {
        let reader = match &mut self.stage {
            Stage::Read(reader, _) | Stage::Replaced(reader) => reader,
            Stage::Awaited | Stage::Spoilt(_) => return Ok(Ran { frames: 0, then: Then::Wait }),
        };
        let ran = reader.run(budget, Timestamp::from_nanos(i64::MAX), sink);
        if let Some(info) = self.infos.last_mut() {
            keep_books(reader, info);
        }
        self.damaged = reader.new_losses().or(self.damaged);
        let remarks = reader.take_remarks().into_iter();
        self.notices.extend(remarks.map(|message| Notice { source: self.name.clone(), message }));
        if ran.is_err() {
            self.stage = match std::mem::replace(&mut self.stage, Stage::Awaited) {
                Stage::Read(_, known) => Stage::Spoilt(known),
                Stage::Awaited | Stage::Replaced(_) | Stage::Spoilt(_) => Stage::Awaited,
            };
        }
        ran
    }

    /// A fault of a file that took the place of another ends nothing, and is no wrong use.
    fn broke_off(error: CaptureError) -> CaptureError {
        CaptureError { kind: CaptureErrorKind::BrokeOff, ..error }
    }
}

/// Whether a capture's header is there, or enough to know that it is none.
fn has_header(file: &File) -> io::Result<bool> {
    let mut head = [0; pcapng::SECTION_BYTES_MIN];
    let mut len = 0;
    while let Some(rest @ [_, ..]) = head.get_mut(len..) {
        match file.read_at(rest, u64::try_from(len).unwrap_or(u64::MAX)) {
            Ok(0) => break,
            Ok(read) => len = len.saturating_add(read),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let head = wire::prefix(&head, len);
    let need = if format_hint::starts_as_section(head) {
        pcapng::SECTION_BYTES_MIN
    } else if pcap::is_magic(head) {
        pcap::HEADER_BYTES
    } else {
        // Whatever else it is.
        size_of::<u32>()
    };
    Ok(len >= need)
}

impl FrameSource for Follow {
    fn poll(&mut self, budget: usize, sink: &mut Sink<'_>) -> Result<Polled, CaptureError> {
        let stop = self.options.stop.clone();
        if stop.as_ref().is_some_and(Stop::is_over) {
            return Ok(Polled::End);
        }
        let Ran { frames, then } = self.run(budget, sink)?;
        if frames > 0 {
            return Ok(Polled::Frames(frames));
        }
        // What was there when the end was asked for has been read.
        if stop.as_ref().is_some_and(Stop::requested) && !matches!(then, Then::More) {
            return Ok(Polled::End);
        }
        match then {
            Then::More | Then::Next(_) => return Ok(Polled::Frames(0)),
            Then::End => self.stage = Stage::Awaited,
            Then::Wait => self.look(),
        }
        if let Stage::Awaited = self.stage {
            self.begin().map_err(Self::broke_off)?;
            if let Stage::Read(..) = self.stage {
                return Ok(Polled::Frames(0));
            }
        } else if let Stage::Replaced(_) = self.stage {
            return Ok(Polled::Frames(0));
        }
        thread::sleep(REST);
        Ok(Polled::Idle)
    }

    fn sources(&self) -> &[SourceInfo] {
        &self.infos
    }

    fn take_notices(&mut self) -> Vec<Notice> {
        let mut notices = std::mem::take(&mut self.notices);
        let damaged = self.damaged.take();
        notices.extend(damaged.map(|losses| losses.notice(self.name.clone())));
        notices
    }
}
