//! A file that is there under its name only once it is whole.
//!
//! It is made under a name that nobody can guess, in a [`Folder`] that is held by its handle, and takes
//! its place when it is complete. The process that fills it has dropped its privileges by then, so a
//! [helper](crate::cli::helper_process) that parses nothing does that: one byte asks for it, and nothing else can be asked. Where
//! it is never asked, it takes the file away again, also where the other process was ended by force.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::net::Shutdown;
use std::os::fd::AsFd as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use rustix::fs::{AtFlags, Mode, OFlags, openat, renameat, statat};
use rustix::io::Errno;

use super::folder::Folder;
use crate::cli::helper_process::{self, HelperProcess, Inside, Sandboxing};
use crate::cli::{Outcome, random_seed, shutdown};
use crate::sandbox::Task;

/// The hidden command's name.
const COMMAND: &str = "__place-output";

/// What asks for the file to take its place.
const COMPLETE: [u8; 1] = [1];

/// A file system that renames may be slow.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// Names that are tried. Not even one is taken but by somebody who can guess it.
const NAMES_MAX: usize = 8;

/// The end of the process that fills the file. Dropped, it has the file taken away, and waits for that.
#[derive(Debug)]
pub(in crate::cli) struct Placing(HelperProcess);

impl Placing {
    /// Makes the file that is to be at `path`, for this user alone.
    ///
    /// # Errors
    ///
    /// The system's.
    pub(in crate::cli) fn start(path: &Path, sandboxing: &Sandboxing) -> io::Result<(Self, File)> {
        let folder = Folder::of(path)?;
        let (file, name) = unguessable(&folder)?;
        let made = file.metadata()?;
        let arguments = |command: &mut Command| {
            command.arg(made.dev().to_string()).arg(made.ino().to_string());
            command.arg("--").arg(&name).arg(path.file_name().unwrap_or_default());
        };
        // It works in this very folder, whatever its path leads to by then.
        let first =
            |socket: &UnixStream| helper_process::send(socket, &[0], Some(folder.0.as_fd()));
        let helper = HelperProcess::start(COMMAND, ANSWER_MAX, sandboxing, arguments, first);
        let placing = helper.and_then(|helper| {
            shutdown::hang_up_at_early_end(helper.socket.try_clone()?);
            Ok(Self(helper))
        });
        let placing = placing.inspect_err(|_| folder.remove(&name))?;
        Ok((placing, file))
    }

    /// Has the file take its place, whatever was there.
    ///
    /// # Errors
    ///
    /// The system's.
    pub(in crate::cli) fn complete(self) -> io::Result<()> {
        let mut socket = &self.0.socket;
        socket.write_all(&COMPLETE)?;
        let mut answer = [0; 4];
        socket.read_exact(&mut answer)?;
        match i32::from_le_bytes(answer) {
            0 => Ok(()),
            errno => Err(io::Error::from_raw_os_error(errno)),
        }
    }
}

impl Drop for Placing {
    fn drop(&mut self) {
        // Its end says that nothing is left behind.
        let _ = self.0.socket.shutdown(Shutdown::Write);
        let _ = (&self.0.socket).read(&mut [0]);
    }
}

/// The helper's side.
#[derive(Debug, Args)]
pub(in crate::cli) struct PlaceOutput {
    /// The file's device and inode, by which it is known again.
    device: u64,

    inode: u64,

    /// What it is called, and what it is to be called.
    name: OsString,

    place: OsString,

    #[command(flatten)]
    inside: Inside,
}

impl PlaceOutput {
    pub(in crate::cli) fn run(&self) -> Outcome {
        // What was not completed is to go, also where the other process was ended by force.
        helper_process::answering("the process that completes files", |socket| self.serve(&socket))
    }

    fn serve(&self, socket: &UnixStream) -> io::Result<()> {
        let (_, folder) = helper_process::receive(socket, &mut [0])?;
        // None where the other process has ended before.
        let Some(folder) = folder.map(Folder) else { return Ok(()) };
        // Who owns the folder may give a file in it another name, whosever that is.
        let account = self.inside.account().filter(|account| folder.is_of(account.uid));
        self.inside.enter(socket, Task::Write(vec![folder.share()?]), account)?;
        let request = helper_process::next_request(socket)?;
        let is_there = folder.has(&self.name, (self.device, self.inode));
        let placed = match request {
            Some(COMPLETE) if is_there => folder.rename(&self.name, &self.place),
            // Somebody else's, or nothing.
            Some(COMPLETE) => Err(io::ErrorKind::NotFound.into()),
            Some(_) | None => Ok(()),
        };
        if is_there && (request != Some(COMPLETE) || placed.is_err()) {
            folder.remove(&self.name);
        }
        if request.is_some_and(|request| request != COMPLETE) {
            return Err(helper_process::not_listed());
        }
        let errno = placed
            .err()
            .map_or(0, |error| error.raw_os_error().unwrap_or(Errno::NOENT.raw_os_error()));
        // Whoever has ended does not want to know.
        let _ = (&mut &*socket).write_all(&errno.to_le_bytes());
        Ok(())
    }
}

impl Folder {
    /// Makes a file that was not there, to be written and read again by this user alone.
    ///
    /// # Errors
    ///
    /// The system's: `AlreadyExists` where anything has that name, a link too.
    fn create_private(&self, name: &OsStr) -> io::Result<File> {
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        Ok(File::from(openat(&self.0, name, flags | OFlags::RDWR, mode)?))
    }

    /// Whether this device and inode have this name.
    fn has(&self, name: &OsStr, identity: (u64, u64)) -> bool {
        let (device, inode) = identity;
        statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW).is_ok_and(|found| {
            // Systems differ in how wide these are.
            i128::from(found.st_dev) == i128::from(device)
                && i128::from(found.st_ino) == i128::from(inode)
        })
    }

    /// Gives a file another name here, in the place of whatever file has it.
    ///
    /// # Errors
    ///
    /// The system's.
    fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        Ok(renameat(&self.0, from, &self.0, to)?)
    }
}

fn unguessable(folder: &Folder) -> io::Result<(File, OsString)> {
    for _ in 0..NAMES_MAX {
        let name = OsString::from(format!(".portstory-{:016x}.part", random_seed()));
        match folder.create_private(&name) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            created => return Ok((created?, name)),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// A file without a name, which is written and then read, again and again.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Scratch(Arc<File>);

impl Scratch {
    /// In the folder of this file, on whose disk there has to be room anyway.
    ///
    /// # Errors
    ///
    /// The system's.
    pub(in crate::cli) fn beside(path: &Path) -> io::Result<Self> {
        let folder = Folder::of(path)?;
        let (file, name) = unguessable(&folder)?;
        folder.remove(&name);
        Ok(Self(Arc::new(file)))
    }

    /// Writes it anew.
    ///
    /// # Errors
    ///
    /// The system's.
    pub(in crate::cli) fn writer(&self) -> io::Result<Along> {
        self.0.set_len(0)?;
        Ok(self.reader())
    }

    /// Reads it from its beginning.
    pub(in crate::cli) fn reader(&self) -> Along {
        Along { file: Arc::clone(&self.0), at: 0 }
    }
}

/// A place in a scratch file, of which there can be several.
#[derive(Debug)]
pub(in crate::cli) struct Along {
    file: Arc<File>,
    at: u64,
}

impl Along {
    fn pass(&mut self, bytes: usize) -> usize {
        self.at = self.at.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        bytes
    }
}

impl io::Read for Along {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(into, self.at)?;
        Ok(self.pass(read))
    }
}

impl io::Write for Along {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write_at(bytes, self.at)?;
        Ok(self.pass(written))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn nobody_else_reads_it_and_no_two_have_one_name() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::of(&dir.path().join("x.zip")).unwrap();
        let (one, first) = unguessable(&folder).unwrap();
        let (_, second) = unguessable(&folder).unwrap();
        assert_ne!(first, second);
        assert_eq!(one.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let is_it = |name: &OsStr| {
            let made = one.metadata().unwrap();
            folder.has(name, (made.dev(), made.ino()))
        };
        assert!(is_it(&first) && !is_it(&second));
    }

    #[test]
    fn a_scratch_file_has_no_name_and_is_read_while_it_is_written_anew() {
        let dir = tempfile::tempdir().unwrap();
        let scratch = Scratch::beside(&dir.path().join("x.zip")).unwrap();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        for text in ["a longer one", "short"] {
            scratch.writer().unwrap().write_all(text.as_bytes()).unwrap();
            let mut read = String::new();
            scratch.reader().read_to_string(&mut read).unwrap();
            assert_eq!(read, text);
        }
    }
}
