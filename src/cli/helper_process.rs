//! Processes that keep rights which this one gives up: what the two of them have in common.
//!
//! Each is the program itself, started with a hidden command before privileges are dropped, with a socket
//! as its standard input. It parses no packets, takes requests of one fixed length, and ends when this
//! process does. What may be asked, and how it is answered, is each one's own.
//!
//! Each gives up all but what it needs for its one task before it takes a request, and says first what
//! holds then: [`Inside`].

use std::io::{self, IoSlice, IoSliceMut, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use clap::Args;
use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

use super::{Outcome, log};
use crate::escape;
use crate::sandbox::{self, Plan, Report, Task, User};

/// A helper opens what it needs and drops its privileges; on a machine that is at work with other things.
const START_MAX: Duration = Duration::from_secs(10);

/// Bytes of what a helper says of its rights.
const REPORT_BYTES_MAX: usize = 1 << 16;

/// How helpers give up their rights.
#[derive(Clone, Debug, Default)]
pub(super) struct Sandboxing {
    /// They keep them all.
    pub(super) is_off: bool,
    /// One that cannot give up what it should is none.
    pub(super) is_required: bool,
    /// Whom they become where root started them and their task allows it.
    pub(super) account: Option<User>,
}

/// This process's end.
#[derive(Debug)]
pub(super) struct HelperProcess {
    /// Requests go in, answers come out.
    pub(super) socket: UnixStream,
    /// What it gave up.
    pub(super) report: Report,
    child: Child,
}

impl HelperProcess {
    /// Starts one with the hidden `command`, to which `arguments` adds its own, hands over what it is
    /// given `first`, and waits until it has dropped its privileges. An answer is waited for as long as
    /// `answer_max`.
    ///
    /// # Errors
    ///
    /// The system's, and where rights are to be given up that could not be.
    pub(super) fn start(
        command: &str,
        answer_max: Duration,
        sandboxing: &Sandboxing,
        arguments: impl FnOnce(&mut Command),
        first: impl FnOnce(&UnixStream) -> io::Result<()>,
    ) -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        ours.set_read_timeout(Some(START_MAX))?;
        let mut program = Command::new(std::env::current_exe()?);
        program.arg(command);
        if sandboxing.is_off {
            program.arg("--free");
        }
        if let Some(account) = &sandboxing.account {
            program.arg("--account").arg(format!("{}:{}", account.uid, account.gid));
        }
        arguments(&mut program);
        // A group of its own: Ctrl-C is not for it.
        program.process_group(0).env_clear();
        let child = program.stdin(OwnedFd::from(theirs)).stdout(Stdio::null()).spawn()?;
        first(&ours)?;
        let started = Self { report: read_report(&ours)?, socket: ours, child };
        started.socket.set_read_timeout(Some(answer_max))?;
        let told = started.report.to_string();
        tracing::info!("{}: {}", command.trim_start_matches('_'), escape::terminal(&told));
        if sandboxing.is_required && !started.report.missing.is_empty() {
            let missing = started.report.missing.join("; ");
            return Err(io::Error::other(format!("--sandbox=require: unavailable: {missing}")));
        }
        Ok(started)
    }

    /// Nothing more is asked: an answer that comes too late would be taken for the next one.
    pub(super) fn hang_up(&self) {
        let _ = self.socket.shutdown(std::net::Shutdown::Both);
    }
}

impl Drop for HelperProcess {
    fn drop(&mut self) {
        // It ends at the end of the stream; not waited for, as that call is given up.
        self.hang_up();
        let _ = self.child.try_wait();
    }
}

/// What a helper says first: how many bytes, and these.
fn read_report(mut socket: &UnixStream) -> io::Result<Report> {
    let mut len = [0; 4];
    socket.read_exact(&mut len)?;
    let len = usize::try_from(u32::from_le_bytes(len)).unwrap_or(usize::MAX);
    if len > REPORT_BYTES_MAX {
        return Err(not_listed());
    }
    let mut bytes = vec![0; len];
    socket.read_exact(&mut bytes)?;
    Ok(serde_json::from_slice(&bytes)?)
}

/// A helper's way into its sandbox, as its command line has it.
#[derive(Debug, Args)]
pub(super) struct Inside {
    /// Give up nothing.
    #[arg(long)]
    free: bool,

    /// Whom to become.
    #[arg(long)]
    account: Option<String>,
}

impl Inside {
    /// Whom this process may become, where it is root's.
    pub(super) fn account(&self) -> Option<User> {
        let is_root = rustix::process::geteuid().is_root();
        self.account.as_deref().filter(|_| is_root).and_then(|name| User::named(name).ok())
    }

    /// Gives up all but what the task needs, becomes this account, and says what holds.
    ///
    /// # Errors
    ///
    /// Where that cannot be said.
    pub(super) fn enter(
        &self,
        mut socket: &UnixStream,
        task: Task,
        account: Option<User>,
    ) -> io::Result<()> {
        let report = if self.free {
            Report::default()
        } else {
            sandbox::enter(&Plan { task, ..Plan::new(account) })
        };
        let bytes = serde_json::to_vec(&report)?;
        let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes();
        match socket.write_all(&[&len, &*bytes].concat()) {
            // Who would have known it has ended, as the first request will show.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            told => told,
        }
    }
}

/// The other side: runs `serve` on the socket, and says how that ended. `who` is told with an error.
pub(super) fn serving(who: &str, serve: impl FnOnce(UnixStream) -> io::Result<()>) -> Outcome {
    // It keeps rights, so it must not outlive the process whose command line gave them, not even where
    // it cannot see the end of the stream because it waits for something.
    if let Err(error) = end_with_parent() {
        tracing::debug!("{who} would outlive this process: {error}");
    }
    answering(who, serve)
}

/// The same of one that ends at the end of the stream, and not before.
pub(super) fn answering(who: &str, serve: impl FnOnce(UnixStream) -> io::Result<()>) -> Outcome {
    let socket = rustix::stdio::stdin().try_clone_to_owned().map(UnixStream::from);
    match socket.and_then(serve) {
        Ok(()) => Outcome::Done,
        Err(error) => {
            log::say(&format!("{who}: {error}"));
            Outcome::BrokeOff
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

/// Sends a few bytes, and a descriptor beside them where there is one.
///
/// # Errors
///
/// The system's.
pub(super) fn send(
    socket: &UnixStream,
    bytes: &[u8],
    file: Option<BorrowedFd<'_>>,
) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if file.is_some() {
        control.push(SendAncillaryMessage::ScmRights(file.as_slice()));
    }
    sendmsg(socket, &[IoSlice::new(bytes)], &mut control, SendFlags::empty())?;
    Ok(())
}

/// Receives what was sent so: how many bytes, and the descriptor.
///
/// # Errors
///
/// The system's.
pub(super) fn receive(
    socket: &UnixStream,
    bytes: &mut [u8],
) -> io::Result<(usize, Option<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = loop {
        let parts = &mut [IoSliceMut::new(bytes)];
        match recvmsg(socket, parts, &mut control, RecvFlags::CMSG_CLOEXEC) {
            // With a time limit the system does not go on by itself behind a signal.
            Err(Errno::INTR) => {}
            received => break received?,
        }
    };
    let mut file = None;
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(mut files) = message {
            file = files.next();
        }
    }
    Ok((received.bytes, file))
}

/// What a request is answered with that cannot come from this program: by ending.
pub(super) fn not_listed() -> io::Error {
    io::Error::other("a request that is not on the list")
}
