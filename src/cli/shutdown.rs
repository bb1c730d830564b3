//! Ending by SIGINT (Ctrl-C) and SIGTERM, within a second whatever is waited for.
//!
//! The first signal ends the reading, and what was read is reported: every input looks for it
//! ([`crate::capture::stop`]), and so does every output here, so that a reader that has stopped reading
//! is not waited for. Beside that stands a [`watcher`](watch): where the process neither works nor
//! writes for [`IDLE_LOOKS_MAX`] looks after a signal, whatever it is that holds it, the watcher says what is
//! missing and ends it. A second signal ends it at once; one that comes with the first is the same, as
//! `timeout` and some process managers send it twice.
//!
//! A command that tells nothing of what it has done so far (`who`, `explain`) catches no signal.

use std::fs::File;
use std::io::{self, Read as _, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, Stat};
use rustix::io::Errno;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level::pipe;

use crate::capture::stop::{Stop, Stopped};
use crate::clock::{now, processor_time};
use portstory_core::internal::wire;

/// Looks in a row at a process that stands still once it was asked to end: 700 ms. On a machine that is
/// so busy that the watcher itself comes late, they take as much longer.
const IDLE_LOOKS_MAX: u32 = 14;

/// How long an output that takes nothing is waited for once the end was asked for: less, so that the
/// other outputs are still completed.
const OUTPUT_PATIENCE: Duration = Duration::from_millis(300);

/// A signal that comes this soon after the first is the same one.
const SAME_SIGNAL: Duration = Duration::from_millis(300);

/// How often the watcher looks, once there was a signal.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Processor time between two looks from which on the process is at work.
const WORK: Duration = Duration::from_millis(1);

/// What a pipe takes at once, where it takes anything (POSIX: `PIPE_BUF`, on Linux).
const PIPE_BYTES: usize = 4096;

/// The major number of memory devices (Linux: `Documentation/admin-guide/devices.txt`).
const MEMORY_DEVICES: u32 = 1;

/// The exit code of a run that lost something: [`super::Outcome::BrokeOff`].
const BROKE_OFF: i32 = 1;

static ENDING: OnceLock<Ending> = OnceLock::new();

/// Pieces that were written so far, by which the watcher sees that there is progress.
static WRITTEN: AtomicU64 = AtomicU64::new(0);

struct Ending {
    stop: Stop,
    /// A byte for every signal; the watcher's.
    signals: Mutex<Option<UnixStream>>,
    /// What is being written, and how many bytes of it are left.
    writing: Mutex<Option<(String, usize)>>,
    /// Whom to tell where the process ends early, so that nothing is left behind.
    waiting: Mutex<Vec<UnixStream>>,
}

/// Catches the signals; [`watch`] follows as soon as privileges are dropped.
///
/// # Errors
///
/// The process has no descriptors left, or the signals cannot be caught.
pub(super) fn catch() -> io::Result<Stop> {
    let stop = Stop::by_signals()?;
    let (ours, theirs) = UnixStream::pair()?;
    for signal in [SIGINT, SIGTERM] {
        pipe::register(signal, theirs.try_clone()?)?;
    }
    // Only tests of this crate could have done it before.
    let _ = ENDING.set(Ending {
        stop: stop.clone(),
        signals: Mutex::new(Some(ours)),
        writing: Mutex::default(),
        waiting: Mutex::default(),
    });
    Ok(stop)
}

/// Starts the watcher, a thread: rights that are given up later would not be given up by it.
pub(super) fn watch() {
    let Some(ending) = ENDING.get() else { return };
    let signals = ending.signals.lock().ok().and_then(|mut signals| signals.take());
    let Some(signals) = signals else { return };
    let watcher = thread::Builder::new().name("ending".to_owned());
    if let Err(error) = watcher.spawn(move || ending.keep_watch(&signals)) {
        tracing::warn!("a wait that does not end by itself can be ended by SIGKILL only: {error}");
    }
}

/// What waits should look at.
pub(super) fn stop() -> Option<Stop> {
    ENDING.get().map(|ending| ending.stop.clone())
}

/// Whether a signal came.
pub(super) fn requested() -> bool {
    ENDING.get().is_some_and(|ending| ending.stop.requested())
}

/// Ends what goes to whoever takes away what was not completed, and waits for their end, where the
/// process ends early.
#[cfg(feature = "bundle")]
pub(super) fn hang_up_at_early_end(on: UnixStream) {
    if let Some(mut waiting) = ENDING.get().and_then(|ending| ending.waiting.lock().ok()) {
        waiting.push(on);
    }
}

/// Standard output, which is not waited for once a signal came. Not buffered.
#[derive(Debug, Default)]
pub(super) struct Stdout;

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        write(rustix::stdio::stdout(), bytes, "standard output")
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes all of it to a file, which may be a FIFO or a device too.
///
/// # Errors
///
/// The system's; that it takes nothing any more after a signal.
pub(super) fn write_all(file: &File, name: &Path, mut bytes: &[u8]) -> io::Result<()> {
    let name = name.display().to_string();
    while !bytes.is_empty() {
        let written = write(file.as_fd(), bytes, &name)?;
        bytes = wire::rest(bytes, written);
    }
    Ok(())
}

/// Whether an error says that an output was given up after a signal.
pub(super) fn is_given_up(error: &io::Error) -> bool {
    Stopped::is(error)
}

fn write(to: BorrowedFd<'_>, bytes: &[u8], name: &str) -> io::Result<usize> {
    let Some(ending) = ENDING.get() else { return Ok(write_some(to, bytes)?) };
    ending.set_writing(Some((name.to_owned(), bytes.len())));
    let mut bytes = bytes;
    if !rustix::fs::fstat(to).is_ok_and(|about| never_blocks(&about)) {
        // More than this could block behind a poll that found room.
        bytes = wire::prefix(bytes, PIPE_BYTES);
        if !ending.stop.writable(to, OUTPUT_PATIENCE) {
            return Err(Stopped::error());
        }
    }
    let written = write_some(to, bytes);
    WRITTEN.fetch_add(1, Ordering::Relaxed);
    ending.set_writing(None);
    Ok(written?)
}

/// Whether what is written there waits for nobody: a file, and `/dev/null` and its like.
fn never_blocks(about: &Stat) -> bool {
    let kind = FileType::from_raw_mode(about.st_mode);
    let is_memory = cfg!(target_os = "linux")
        && kind == FileType::CharacterDevice
        && rustix::fs::major(about.st_rdev) == MEMORY_DEVICES;
    kind == FileType::RegularFile || is_memory
}

fn write_some(to: BorrowedFd<'_>, bytes: &[u8]) -> Result<usize, Errno> {
    loop {
        match rustix::io::write(to, bytes) {
            Err(Errno::INTR) => {}
            // Somebody made it so for all who share it.
            Err(Errno::AGAIN) => {
                let _ = poll(&mut [PollFd::from_borrowed_fd(to, PollFlags::OUT)], None);
            }
            written => return written,
        }
    }
}

impl Ending {
    fn set_writing(&self, what: Option<(String, usize)>) {
        if let Ok(mut writing) = self.writing.lock() {
            *writing = what;
        }
    }

    /// Sleeps until there is a signal, and then looks whether the process ends.
    fn keep_watch(&self, signals: &UnixStream) {
        let mut byte = [0];
        while !matches!((&mut &*signals).read(&mut byte), Ok(1)) {}
        let (first, mut idle_looks) = (now(), 0_u32);
        let (mut worked, mut written) = (processor_time(), WRITTEN.load(Ordering::Relaxed));
        loop {
            let fds = &mut [PollFd::from_borrowed_fd(signals.as_fd(), PollFlags::IN)];
            let again = matches!(poll(fds, Timespec::try_from(LOOK_EVERY).ok().as_ref()), Ok(1));
            if again {
                let mut bytes = [0; 64];
                let _ = (&mut &*signals).read(&mut bytes);
            }
            if again && now().saturating_duration_since(first) > SAME_SIGNAL {
                self.end("a second signal came");
            }
            let (work, pieces) = (processor_time(), WRITTEN.load(Ordering::Relaxed));
            let has_moved = work.saturating_sub(worked) >= WORK || pieces != written;
            idle_looks = if has_moved { 0 } else { idle_looks.saturating_add(1) };
            (worked, written) = (work, pieces);
            if idle_looks >= IDLE_LOOKS_MAX {
                self.end("it was interrupted while waiting for something that does not answer");
            }
        }
    }

    /// Says what is missing, without waiting, and ends the process: nothing it waits for can hold this up.
    fn end(&self, why: &str) -> ! {
        let writing = self.writing.try_lock().ok().and_then(|mut writing| writing.take());
        let missing = match writing {
            Some((name, bytes)) => format!(
                "{name} accepts no data: {bytes} bytes and everything after them were not written"
            ),
            None => "the end of the output may be missing".to_owned(),
        };
        for other in self.waiting.try_lock().iter().flat_map(|waiting| waiting.iter()) {
            let _ = other.shutdown(Shutdown::Write);
            let fds = &mut [PollFd::from_borrowed_fd(other.as_fd(), PollFlags::IN)];
            let _ = poll(fds, Timespec::try_from(OUTPUT_PATIENCE).ok().as_ref());
        }
        let text = format!("portstory: the program ended early, as {why}; {missing}\n");
        let stderr = rustix::stdio::stderr();
        let fds = &mut [PollFd::from_borrowed_fd(stderr, PollFlags::OUT)];
        if matches!(poll(fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })), Ok(1)) {
            let text = crate::escape::terminal(text.trim_end());
            let _ = rustix::io::write(stderr, format!("{text}\n").as_bytes());
        }
        signal_hook::low_level::exit(BROKE_OFF)
    }
}
