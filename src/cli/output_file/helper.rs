//! The process that opens output files when this one no longer can.
//!
//! It is an [helper process](crate::cli::helper_process). A request is nine bytes, the output and the number of the file that is wanted; which
//! outputs there are was settled by the command line, and only the next number (or, without
//! rotation, the same file again) is granted, at a bounded pace. Anything else ends the helper. Files are
//! opened in a [`Folder`] that was opened at its start, so that nobody who can write there can have
//! another file opened. It answers with one byte and the descriptor, or with the system's error, and
//! ends when this process does.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use clap::Args;

use super::Rotating;
use super::folder::Folder;
use super::naming::Naming;
use crate::cli::helper_process::{self, HelperProcess, Inside, Sandboxing};
use crate::cli::{Outcome, shutdown};
use crate::clock::now;
use crate::sandbox::{Task, User};

/// The hidden command's name.
const COMMAND: &str = "__open-outputs";

const REQUEST_BYTES: usize = 9;
const GRANTED: u8 = 0;
const REFUSED: u8 = 1;

/// A helper that opens a file on a slow disk may take as long; frames wait in the ring meanwhile.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// This process's end.
#[derive(Debug)]
pub(in crate::cli) struct Helper(pub(in crate::cli) HelperProcess);

impl Helper {
    /// Starts the helper for these outputs.
    pub(in crate::cli) fn start(
        outputs: &[PathBuf],
        rotating: &Rotating,
        sandboxing: &Sandboxing,
    ) -> io::Result<Self> {
        let arguments = |command: &mut Command| {
            if rotating.is_wanted() {
                command.arg("--numbered");
            }
            if let Some(keep) = rotating.keep {
                command.arg("--keep").arg(keep.to_string());
            }
            command.arg("--").args(outputs);
        };
        HelperProcess::start(COMMAND, ANSWER_MAX, sandboxing, arguments, |_| Ok(())).map(Self)
    }

    /// Has a file opened.
    pub(super) fn open(&self, output: u8, number: u64) -> io::Result<File> {
        let mut request = [output; REQUEST_BYTES];
        if let Some(place) = request.last_chunk_mut() {
            *place = number.to_le_bytes();
        }
        let socket = &self.0.socket;
        (&mut &*socket).write_all(&request)?;
        // Not for long once the program is to end.
        if shutdown::stop().is_some_and(|stop| !stop.readable_within(socket.as_fd(), ANSWER_MAX)) {
            self.0.hang_up();
            return Err(io::Error::other("the process that opens files does not answer"));
        }
        let mut answer = [REFUSED, 0, 0, 0, 0];
        let received = helper_process::receive(socket, &mut answer);
        match received.inspect_err(|_| self.0.hang_up())? {
            (_, Some(file)) => return Ok(File::from(file)),
            (0, None) => return Err(io::Error::other("the process that opens files has ended")),
            (_, None) => {}
        }
        let errno = answer.last_chunk().map_or(0, |bytes| i32::from_le_bytes(*bytes));
        Err(io::Error::from_raw_os_error(errno))
    }
}

/// The helper's side.
#[derive(Debug, Args)]
pub(in crate::cli) struct OpenOutputs {
    #[arg(long)]
    numbered: bool,

    #[arg(long)]
    keep: Option<u64>,

    #[command(flatten)]
    inside: Inside,

    outputs: Vec<PathBuf>,
}

/// One output, and the number of its newest file.
struct Output {
    folder: Folder,
    naming: Naming,
    newest: u64,
}

impl OpenOutputs {
    pub(in crate::cli) fn run(&self) -> Outcome {
        helper_process::serving("the process that opens files", |socket| self.serve(&socket))
    }

    fn serve(&self, socket: &UnixStream) -> io::Result<()> {
        let mut outputs = Vec::new();
        for path in &self.outputs {
            outputs.push(Output::new(path, self.numbered)?);
        }
        let folders = outputs.iter().map(|output| output.folder.share());
        let folders = folders.collect::<io::Result<_>>()?;
        // Files that another user makes are that user's: only where they are anyway.
        let account = self.inside.account();
        let account = account.filter(|account| outputs.iter().all(|one| one.belongs_to(account)));
        self.inside.enter(socket, Task::Write(folders), account)?;
        outputs.iter().for_each(|output| output.keep(self.keep));
        let mut pace = Pace::new(now());
        while let Some(request) = helper_process::next_request::<REQUEST_BYTES>(socket)? {
            let [index, number @ ..] = request;
            let number = u64::from_le_bytes(number);
            let output = outputs.get_mut(usize::from(index));
            let Some(output) = output.filter(|output| output.may_open(number)) else {
                return Err(helper_process::not_listed());
            };
            std::thread::sleep(pace.wait(now()));
            answer(socket, &output.open(number))?;
            output.keep(self.keep);
        }
        Ok(())
    }
}

impl Output {
    fn new(path: &Path, numbered: bool) -> io::Result<Self> {
        let (folder, naming) = (Folder::of(path)?, Naming::new(path, numbered));
        // The first file is there already.
        let newest = naming.first_free(&folder.names()?).saturating_sub(1);
        Ok(Self { folder, naming, newest })
    }

    /// Whether the folder and the file that is there are this account's.
    fn belongs_to(&self, account: &User) -> bool {
        let name = self.naming.name(self.newest);
        self.folder.is_of(account.uid) && self.folder.has_owner(&name, account.uid)
    }

    fn may_open(&self, number: u64) -> bool {
        let step = u64::from(self.naming.is_numbered());
        self.newest.checked_add(step) == Some(number)
    }

    fn open(&mut self, number: u64) -> io::Result<File> {
        let name = self.naming.name(number);
        let file = if self.naming.is_numbered() {
            self.folder.create(&name)
        } else {
            self.folder.append(&name)
        };
        // A name that is taken is passed over: it must not end the rotation.
        let is_taken = |error: &io::Error| error.kind() == io::ErrorKind::AlreadyExists;
        if file.as_ref().map_or_else(is_taken, |_| true) {
            self.newest = number;
        }
        file
    }

    /// Takes away all but the newest files of a numbered output.
    fn keep(&self, keep: Option<u64>) {
        let outdated = keep.and_then(|keep| self.newest.checked_sub(keep));
        let (Some(outdated), Ok(names)) = (outdated, self.folder.names()) else { return };
        let numbers = self.naming.numbers(&names);
        for number in numbers.into_iter().take_while(|&number| number <= outdated) {
            self.folder.remove(&self.naming.name(number));
        }
    }
}

/// How often files are opened at the most: whoever takes over the process that asks must not be able to
/// fill a file system with names in no time. So many at once, and then one each time that has passed.
const OPENS_AT_ONCE: u32 = 1024;

/// See [`OPENS_AT_ONCE`].
const OPEN_EVERY: Duration = Duration::from_millis(10);

/// Says how long to wait before the next file, by the clock that it is told.
struct Pace {
    /// When all of [`OPENS_AT_ONCE`] may be had again.
    full_at: Instant,
}

impl Pace {
    fn new(now: Instant) -> Self {
        Self { full_at: now }
    }

    fn wait(&mut self, now: Instant) -> Duration {
        self.full_at = self.full_at.max(now) + OPEN_EVERY;
        let owed = self.full_at.saturating_duration_since(now);
        owed.saturating_sub(OPEN_EVERY.saturating_mul(OPENS_AT_ONCE))
    }
}

fn answer(socket: &UnixStream, opened: &io::Result<File>) -> io::Result<()> {
    let mut bytes = [GRANTED, 0, 0, 0, 0];
    if let Err(error) = opened {
        bytes = [REFUSED; 5];
        if let Some(place) = bytes.last_chunk_mut() {
            *place = error.raw_os_error().unwrap_or_default().to_le_bytes();
        }
    }
    helper_process::send(socket, &bytes, opened.as_ref().ok().map(File::as_fd))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_next_file_is_granted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("eve.json");
        let numbered = Output { newest: 7, ..Output::new(&path, true).unwrap() };
        let granted: Vec<u64> = (0..20).filter(|&number| numbered.may_open(number)).collect();
        assert_eq!(granted, [8]);
        assert!(!numbered.may_open(u64::MAX));
        let same = Output::new(&path, false).unwrap();
        assert!(same.may_open(0) && !same.may_open(1));
    }

    #[test]
    fn a_name_that_is_taken_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let mut output = Output::new(&folder.path().join("eve.json"), true).unwrap();
        std::os::unix::fs::symlink("/nowhere", folder.path().join("eve-000001.json")).unwrap();
        assert!(output.open(1).is_err() && output.may_open(2) && output.open(2).is_ok());
    }

    #[test]
    fn only_files_of_this_output_are_taken_away_lower_ones_at_start_too() {
        let folder = tempfile::tempdir().unwrap();
        let names =
            ["eve-000001.json", "eve-000005.json", "eve-000009.json", "eve-2.json", "eve-0"];
        names.iter().for_each(|name| std::fs::write(folder.path().join(name), b"").unwrap());
        std::fs::create_dir(folder.path().join("eve-000003.json")).unwrap();
        let mut output = Output::new(&folder.path().join("eve.json"), true).unwrap();
        output.keep(Some(5));
        let left = || {
            let entries = std::fs::read_dir(folder.path()).unwrap();
            let mut names: Vec<_> =
                entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
            names.sort();
            names
        };
        let fifth = "eve-000005.json";
        assert_eq!(left(), ["eve-0", "eve-000003.json", fifth, "eve-000009.json", "eve-2.json"]);
        output.open(10).unwrap();
        output.keep(Some(5));
        assert!(!left().contains(&fifth.to_owned()), "{:?}", left());
    }

    #[test]
    fn files_are_opened_at_a_bounded_pace() {
        let start = now();
        let mut pace = Pace::new(start);
        for _ in 0..OPENS_AT_ONCE {
            assert_eq!(pace.wait(start), Duration::ZERO);
        }
        assert_eq!(pace.wait(start), OPEN_EVERY);
        let later = start + Duration::from_secs(60);
        assert_eq!(pace.wait(later), Duration::ZERO);
    }
}
