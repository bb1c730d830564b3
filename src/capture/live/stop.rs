//! Ending a capture from outside: by a signal, or by the program itself.
//!
//! A flag says that the end was asked for, and a socket pair wakes the wait for frames. Only those
//! two are touched inside a signal handler. A second signal changes nothing: `timeout` and some
//! process managers send the same one twice, and the summary must survive that.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::SigId;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level::{pipe, unregister};

/// Says whether the capture is to end. Dropping it gives the signals their old meaning back.
#[derive(Debug)]
pub struct Stop {
    asked: Arc<AtomicBool>,
    sleeper: UnixStream,
    waker: UnixStream,
    registered: Vec<SigId>,
}

impl Stop {
    /// Only a [`StopHandle`] ends it.
    ///
    /// # Errors
    ///
    /// The process has no descriptors left.
    pub fn by_hand() -> io::Result<Self> {
        let (sleeper, waker) = UnixStream::pair()?;
        sleeper.set_nonblocking(true)?;
        waker.set_nonblocking(true)?;
        Ok(Self { asked: Arc::default(), sleeper, waker, registered: Vec::new() })
    }

    /// SIGINT (Ctrl-C) and SIGTERM end it too.
    ///
    /// # Errors
    ///
    /// The process has no descriptors left, or the signals cannot be caught.
    pub fn by_signals() -> io::Result<Self> {
        let mut stop = Self::by_hand()?;
        for signal in [SIGINT, SIGTERM] {
            // The flag first: handlers run in this order, and a wait that wakes must find it set.
            let flag = signal_hook::flag::register(signal, Arc::clone(&stop.asked))?;
            stop.registered.push(flag);
            stop.registered.push(pipe::register(signal, stop.waker.try_clone()?)?);
        }
        Ok(stop)
    }

    /// Something to end it with, from any thread.
    ///
    /// # Errors
    ///
    /// The process has no descriptors left.
    pub fn handle(&self) -> io::Result<StopHandle> {
        Ok(StopHandle { asked: Arc::clone(&self.asked), waker: self.waker.try_clone()? })
    }

    /// Whether the end was asked for.
    pub fn requested(&self) -> bool {
        // Emptied before the flag is read: the other way round a wake-up could be lost.
        let mut scratch = [0; 64];
        while matches!((&self.sleeper).read(&mut scratch), Ok(1..)) {}
        self.asked.load(Ordering::SeqCst)
    }

    /// Becomes readable when something was asked for.
    pub(super) fn wakes(&self) -> BorrowedFd<'_> {
        self.sleeper.as_fd()
    }
}

impl Drop for Stop {
    fn drop(&mut self) {
        for id in self.registered.drain(..) {
            unregister(id);
        }
    }
}

/// Ends the capture that its [`Stop`] belongs to.
#[derive(Debug)]
pub struct StopHandle {
    asked: Arc<AtomicBool>,
    waker: UnixStream,
}

impl StopHandle {
    /// Asks for the end; asking again changes nothing.
    pub fn stop(&self) {
        self.asked.store(true, Ordering::SeqCst);
        // A full pipe wakes as well as one more octet would.
        let _ = (&self.waker).write(&[1]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_asks_for_the_end_and_wakes() {
        let stop = Stop::by_signals().unwrap();
        assert!(!stop.requested());
        signal_hook::low_level::raise(SIGTERM).unwrap();
        let mut octet = [0];
        assert_eq!((&stop.sleeper).read(&mut octet).unwrap(), 1);
        assert!(stop.requested());
        signal_hook::low_level::raise(SIGINT).unwrap();
        assert!(stop.requested(), "a second one changes nothing");
    }

    #[test]
    fn a_handle_asks_for_the_end_however_often() {
        let stop = Stop::by_hand().unwrap();
        let handle = stop.handle().unwrap();
        assert!(!stop.requested());
        for _ in 0..100_000 {
            handle.stop();
        }
        assert!(stop.requested());
    }
}
