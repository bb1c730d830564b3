//! Ending a capture from outside: by a signal, or by the program itself.
//!
//! A flag says that the end was asked for, and a socket pair wakes every wait, on whatever thread it
//! is. Only those two are touched inside a signal handler. What was written for this program before it
//! was asked to end is still read, for [`SETTLE`]: `tcpdump | portstory read -` gets the signal in both
//! programs, and the first hands on its last packets.

use std::error::Error;
use std::fmt;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level::pipe;

use crate::clock::now;

/// How long a stream is read on after the end was asked for.
pub(crate) const SETTLE: Duration = Duration::from_millis(250);

/// Says whether the end was asked for, to any number of those who wait, on any thread. The signals that it
/// was made for end nothing by themselves from then on.
#[derive(Clone, Debug)]
pub struct Stop(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    asked: Arc<AtomicBool>,
    /// When that was first seen.
    seen: OnceLock<Instant>,
    /// Never read from: what wakes one must wake all.
    sleeper: UnixStream,
    waker: UnixStream,
}

impl Stop {
    /// Only [`Self::stop`] ends it.
    ///
    /// # Errors
    ///
    /// The process has no descriptors left.
    pub fn by_hand() -> io::Result<Self> {
        let (sleeper, waker) = UnixStream::pair()?;
        sleeper.set_nonblocking(true)?;
        waker.set_nonblocking(true)?;
        let shared = Shared { asked: Arc::default(), seen: OnceLock::new(), sleeper, waker };
        Ok(Self(Arc::new(shared)))
    }

    /// SIGINT (Ctrl-C) and SIGTERM end it too.
    ///
    /// # Errors
    ///
    /// The process has no descriptors left, or the signals cannot be caught.
    pub fn by_signals() -> io::Result<Self> {
        let stop = Self::by_hand()?;
        for signal in [SIGINT, SIGTERM] {
            // The flag first: handlers run in this order, and a wait that wakes must find it set.
            signal_hook::flag::register(signal, Arc::clone(&stop.0.asked))?;
            pipe::register(signal, stop.0.waker.try_clone()?)?;
        }
        Ok(stop)
    }

    /// Becomes readable when the end was asked for, and stays so.
    pub fn wakes(&self) -> BorrowedFd<'_> {
        self.0.sleeper.as_fd()
    }

    /// Asks for the end; asking again changes nothing.
    pub fn stop(&self) {
        self.0.asked.store(true, Ordering::SeqCst);
        // A full pipe wakes as well as one more byte would.
        let _ = (&self.0.waker).write(&[1]);
    }

    /// Whether the end was asked for.
    pub fn requested(&self) -> bool {
        self.for_how_long().is_some()
    }

    /// Whether it was asked for so long ago that nothing more is waited for.
    pub fn is_over(&self) -> bool {
        self.for_how_long().is_some_and(|time| time >= SETTLE)
    }

    /// How long ago the end was asked for, as far as it was looked at.
    pub fn for_how_long(&self) -> Option<Duration> {
        let asked = self.0.asked.load(Ordering::SeqCst);
        asked.then(|| now().saturating_duration_since(*self.0.seen.get_or_init(now)))
    }

    /// Waits until there is something to read or the input has ended: `true`. `false` where there is
    /// nothing and [`Self::is_over`].
    pub fn readable(&self, input: BorrowedFd<'_>) -> bool {
        self.ready(input, PollFlags::IN, SETTLE, None)
    }

    /// The same for no longer than `time`, of which after a stop only [`SETTLE`] is left.
    pub fn readable_within(&self, input: BorrowedFd<'_>, time: Duration) -> bool {
        self.ready(input, PollFlags::IN, SETTLE, now().checked_add(time))
    }

    /// Waits until something can be written or the reader has gone: `true`. `false` where the end was
    /// asked for and nothing could be written for `patience` since.
    pub fn writable(&self, output: BorrowedFd<'_>, patience: Duration) -> bool {
        self.ready(output, PollFlags::OUT, patience, None)
    }

    fn ready(
        &self,
        fd: BorrowedFd<'_>,
        flags: PollFlags,
        patience: Duration,
        until: Option<Instant>,
    ) -> bool {
        loop {
            let asked = self.for_how_long();
            let left = asked.map(|time| match flags {
                PollFlags::IN => patience.saturating_sub(time),
                _ => patience,
            });
            let within = until.map(|until| until.saturating_duration_since(now()));
            let timeout = left.into_iter().chain(within).min();
            let timeout = timeout.and_then(|time| Timespec::try_from(time).ok());
            let mut fds = Vec::with_capacity(2);
            fds.push(PollFd::from_borrowed_fd(fd, flags));
            if asked.is_none() {
                fds.push(PollFd::from_borrowed_fd(self.0.sleeper.as_fd(), PollFlags::IN));
            }
            match poll(&mut fds, timeout.as_ref()) {
                Err(Errno::INTR) => continue,
                // What can't be waited for (a file, on some systems) is ready as far as can be told.
                Err(_) => return true,
                Ok(_) => {}
            }
            let ready = fds.first().is_some_and(|fd| !fd.revents().is_empty());
            if ready {
                // Even where there is no end of it.
                return flags != PollFlags::IN || left != Some(Duration::ZERO);
            }
            if asked.is_some() || within == Some(Duration::ZERO) {
                return false;
            }
        }
    }
}

/// Why a read or a write came to nothing: the end was asked for.
#[derive(Debug)]
pub(crate) struct Stopped;

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the program was interrupted")
    }
}

impl Error for Stopped {}

impl Stopped {
    /// As an error of input or output. Its kind is none that is tried again by itself.
    pub(crate) fn error() -> io::Error {
        io::Error::other(Self)
    }

    /// Whether it is the reason for an error.
    pub(crate) fn is(error: &io::Error) -> bool {
        error.get_ref().is_some_and(|inner| inner.is::<Self>())
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn a_signal_asks_for_the_end_and_wakes() {
        let stop = Stop::by_signals().unwrap();
        assert!(!stop.requested());
        signal_hook::low_level::raise(SIGTERM).unwrap();
        let mut fds = [PollFd::from_borrowed_fd(stop.wakes(), PollFlags::IN)];
        assert_eq!(poll(&mut fds, None), Ok(1));
        assert!(stop.requested());
        signal_hook::low_level::raise(SIGINT).unwrap();
        assert!(stop.requested(), "a second one changes nothing");
    }

    #[test]
    fn a_handle_asks_for_the_end_however_often() {
        let stop = Stop::by_hand().unwrap();
        let handle = stop.clone();
        assert!(!stop.requested());
        for _ in 0..100_000 {
            handle.stop();
        }
        assert!(stop.requested());
    }

    #[test]
    fn who_waits_is_woken_on_every_thread_and_what_is_there_is_read() {
        let stop = Stop::by_hand().unwrap();
        let (silent, _writer) = UnixStream::pair().unwrap();
        let (ready, mut writer) = UnixStream::pair().unwrap();
        writer.write_all(b"last").unwrap();
        thread::scope(|scope| {
            let waiting = [0, 1].map(|_| scope.spawn(|| stop.readable(silent.as_fd())));
            stop.stop();
            for thread in waiting {
                assert!(!thread.join().unwrap());
            }
        });
        let watch = stop.clone();
        assert!(watch.is_over() && !watch.readable(ready.as_fd()), "its time is over");
        let stop = Stop::by_hand().unwrap();
        stop.stop();
        assert!(stop.readable(ready.as_fd()), "there was something");
        assert!(!stop.readable(silent.as_fd()));
        assert!(stop.is_over());
    }

    #[test]
    fn a_reader_that_has_stopped_reading_is_not_waited_for() {
        let stop = Stop::by_hand().unwrap();
        let (full, _reader) = UnixStream::pair().unwrap();
        full.set_nonblocking(true).unwrap();
        while (&full).write(&[0; 4096]).is_ok() {}
        let watch = stop.clone();
        let thread = thread::spawn(move || watch.writable(full.as_fd(), SETTLE));
        stop.stop();
        assert!(!thread.join().unwrap());
    }
}
