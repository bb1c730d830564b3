//! Inputs that may keep their reader waiting, read so that a stop ends the wait.
//!
//! A FIFO without a writer, a pipe that stays silent and a terminal are waited for with poll(2), beside
//! the stop: see [`Patient`]. A file is ready as poll(2) has it, even on a disk or a server that does
//! not answer: [`Sidelined`] takes what is in memory at once, and leaves the wait for what is not to a
//! thread. Both then give [`Stopped`] as their error, and nothing is read after it.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use crate::capture::stop::{Stop, Stopped};
use portstory_core::internal::wire;

/// How often a wait for a thread looks whether there is a stop. Nobody waits like that where data comes.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Opens without waiting, whatever it is: opening a FIFO would wait for its writer. What is no file is
/// waited for when it is read.
///
/// # Errors
///
/// The system's.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    Ok(File::from(rustix::fs::open(path, flags, Mode::empty())?))
}

/// A file, read so that `stop` ends every wait.
pub(super) fn file(file: impl Into<Arc<File>>, stop: Option<&Stop>) -> Box<dyn Read + Send> {
    let file = file.into();
    match stop {
        Some(stop) => Box::new(Sidelined {
            file,
            stop: stop.clone(),
            way: ReadMode::Memory,
            left: Vec::new(),
        }),
        None => Box::new(file),
    }
}

/// Anything else that was opened by [`open`].
pub(super) fn stream(file: File, stop: Option<&Stop>) -> Box<dyn Read + Send> {
    Box::new(Patient { input: file, stop: stop.cloned() })
}

/// Standard input. It is whatever it is: no mode of it is changed, which others may share.
pub(super) fn standard_input(stop: Option<&Stop>) -> Box<dyn Read + Send> {
    Box::new(Patient { input: io::stdin(), stop: stop.cloned() })
}

/// Takes what a thread sends, or says that it was stopped.
///
/// # Errors
///
/// [`Stopped`], or that the thread is gone.
pub(super) fn receive<T>(from: &Receiver<T>, stop: Option<&Stop>) -> io::Result<T> {
    let gone =
        || io::Error::other("the thread that reads it is gone; that is a fault of this program");
    let Some(stop) = stop else { return from.recv().map_err(|_| gone()) };
    loop {
        match from.recv_timeout(LOOK_EVERY) {
            Ok(received) => return Ok(received),
            // The thread has a last word, unless it panicked.
            Err(RecvTimeoutError::Disconnected) => return Err(gone()),
            Err(RecvTimeoutError::Timeout) if stop.is_over() => return Err(Stopped::error()),
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

/// What is waited for with poll(2).
struct Patient<F> {
    input: F,
    stop: Option<Stop>,
}

impl<F: AsFd> Read for Patient<F> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match &self.stop {
                Some(stop) if !stop.readable(self.input.as_fd()) => return Err(Stopped::error()),
                Some(_) => {}
                None => wait(self.input.as_fd()),
            }
            match rustix::io::read(&self.input, &mut *into) {
                // Somebody else who reads it was faster.
                Err(Errno::AGAIN) => {}
                read => return Ok(read?),
            }
        }
    }
}

/// Without a stop.
fn wait(fd: BorrowedFd<'_>) {
    use rustix::event::{PollFd, PollFlags, poll};
    // What fails here fails at the read, too.
    let _ = poll(&mut [PollFd::from_borrowed_fd(fd, PollFlags::IN)], None);
}

/// A file whose disk may not answer.
struct Sidelined {
    file: Arc<File>,
    stop: Stop,
    way: ReadMode,
    /// Read by the thread, and not yet taken.
    left: Vec<u8>,
}

/// How a file is read.
enum ReadMode {
    /// What is in memory, without waiting; the rest by a thread.
    Memory,
    /// The same, and the thread is there.
    Thread(Side),
    /// As ever: this file system knows no other way, and is one of this machine's.
    Plain,
}

/// A thread that reads a file: so many bytes are asked for, and come.
struct Side {
    ask: Sender<usize>,
    answer: Receiver<io::Result<Vec<u8>>>,
}

impl Side {
    fn of(file: Arc<File>) -> io::Result<Self> {
        let (ask, asked) = mpsc::channel::<usize>();
        let (give, answer) = mpsc::channel();
        thread::Builder::new().name("slow-disk".to_owned()).spawn(move || {
            while let Ok(len) = asked.recv() {
                let mut bytes = vec![0; len];
                let read = (&*file).read(&mut bytes).map(|len| {
                    bytes.truncate(len);
                    bytes
                });
                if give.send(read).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { ask, answer })
    }

    fn read(&self, len: usize, stop: &Stop) -> io::Result<Vec<u8>> {
        // Where it is gone, no answer says so.
        let _ = self.ask.send(len);
        receive(&self.answer, Some(stop))?
    }
}

impl Read for Sidelined {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.left.is_empty() {
            if let ReadMode::Plain = self.way {
                return (&*self.file).read(into);
            }
            match read_at_once(&self.file, into) {
                Ok(read) => return Ok(read),
                Err(Errno::AGAIN) => {}
                Err(_) if is_near(&self.file) => {
                    self.way = ReadMode::Plain;
                    return (&*self.file).read(into);
                }
                Err(_) => {}
            }
            if let ReadMode::Memory = self.way {
                self.way = ReadMode::Thread(Side::of(Arc::clone(&self.file))?);
            }
            let ReadMode::Thread(side) = &self.way else { return Ok(0) };
            self.left = side.read(into.len(), &self.stop)?;
        }
        let len = self.left.len().min(into.len());
        let (Some(room), taken) = (into.get_mut(..len), wire::prefix(&self.left, len)) else {
            return Ok(0);
        };
        room.copy_from_slice(taken);
        self.left.drain(..len);
        Ok(len)
    }
}

/// Reads on from where the file is, what can be had without waiting (preadv2(2)).
#[cfg(target_os = "linux")]
fn read_at_once(file: &File, into: &mut [u8]) -> Result<usize, Errno> {
    use rustix::io::{ReadWriteFlags, preadv2};
    preadv2(file, &mut [io::IoSliceMut::new(into)], u64::MAX, ReadWriteFlags::NOWAIT)
}

/// No other system has a way to.
#[cfg(not(target_os = "linux"))]
fn read_at_once(_: &File, _: &mut [u8]) -> Result<usize, Errno> {
    Err(Errno::OPNOTSUPP)
}

/// Whether a file system that has no way to read without waiting is in memory or on a disk of this
/// machine, rather than on a server or in a program of somebody's (statfs(2)).
#[cfg(target_os = "linux")]
fn is_near(file: &File) -> bool {
    const FAR: &[i128] = &[
        0x6969,      // NFS
        0x517b,      // SMB
        0xff53_4d42, // CIFS
        0xfe53_4d42, // SMB 2
        0x6573_5546, // FUSE
        0x0102_1997, // 9P
        0x00c3_6400, // Ceph
        0x5346_414f, // AFS
        0x6b41_4653, // AFS of the kernel
        0x7375_7245, // Coda
        0x0116_1970, // GFS2
        0x7461_636f, // OCFS2
        0x0bd0_0bd0, // Lustre
    ];
    rustix::fs::fstatfs(file).is_ok_and(|about| !FAR.contains(&i128::from(about.f_type)))
}

#[cfg(not(target_os = "linux"))]
fn is_near(_: &File) -> bool {
    true
}
