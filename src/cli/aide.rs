//! Processes that keep rights which this one gives up: what the two of them have in common.
//!
//! Each is the program itself, started with a hidden command before rights are given up, with a socket
//! as its standard input. It parses no packets, takes requests of one fixed length, and ends when this
//! process does. What may be asked, and how it is answered, is each one's own.

use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::{Exit, log};

/// This process's end.
#[derive(Debug)]
pub(super) struct Aide {
    /// Requests go in, answers come out.
    pub(super) socket: UnixStream,
    child: Child,
}

impl Aide {
    /// Starts one with the hidden `command`, to which `arguments` adds its own. An answer is waited for
    /// as long as `answer_max`.
    ///
    /// # Errors
    ///
    /// The system's.
    pub(super) fn start(
        command: &str,
        answer_max: Duration,
        arguments: impl FnOnce(&mut Command),
    ) -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        ours.set_read_timeout(Some(answer_max))?;
        let mut program = Command::new(std::env::current_exe()?);
        program.arg(command);
        arguments(&mut program);
        // A group of its own: Ctrl-C is not for it.
        program.process_group(0).env_clear();
        let child = program.stdin(OwnedFd::from(theirs)).stdout(Stdio::null()).spawn()?;
        Ok(Self { socket: ours, child })
    }

    /// Nothing more is asked: an answer that comes too late would be taken for the next one.
    pub(super) fn hang_up(&self) {
        let _ = self.socket.shutdown(std::net::Shutdown::Both);
    }
}

impl Drop for Aide {
    fn drop(&mut self) {
        // It ends at the end of the stream; not waited for, as that call is given up.
        self.hang_up();
        let _ = self.child.try_wait();
    }
}

/// The other side: runs `serve` on the socket, and says how that ended. `who` is told with an error.
pub(super) fn serving(who: &str, serve: impl FnOnce(UnixStream) -> io::Result<()>) -> Exit {
    // It keeps rights, so it must not outlive the process whose command line gave them, not even where
    // it cannot see the end of the stream because it waits for something.
    if let Err(error) = end_with_parent() {
        tracing::debug!("{who} would outlive this process: {error}");
    }
    let socket = rustix::stdio::stdin().try_clone_to_owned().map(UnixStream::from);
    match socket.and_then(serve) {
        Ok(()) => Exit::Done,
        Err(error) => {
            log::say(&format!("{who}: {error}"));
            Exit::BrokeOff
        }
    }
}

/// Has the kernel end this process with the thread that started it (prctl(2), `PR_SET_PDEATHSIG`).
#[cfg(target_os = "linux")]
fn end_with_parent() -> io::Result<()> {
    let signal = rustix::process::Signal::KILL;
    Ok(rustix::process::set_parent_process_death_signal(Some(signal))?)
}

/// Elsewhere the end of the stream is all there is.
#[cfg(not(target_os = "linux"))]
fn end_with_parent() -> io::Result<()> {
    Ok(())
}

/// The next request; none where the process that asks has ended.
///
/// # Errors
///
/// The system's.
pub(super) fn next_request<const N: usize>(socket: &UnixStream) -> io::Result<Option<[u8; N]>> {
    let mut request = [0; N];
    match (&mut &*socket).read_exact(&mut request) {
        Ok(()) => Ok(Some(request)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

/// What a request is answered with that cannot come from this program: by ending.
pub(super) fn not_listed() -> io::Error {
    io::Error::other("a request that is not on the list")
}
