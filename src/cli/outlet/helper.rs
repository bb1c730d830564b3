//! The process that opens output files when this one no longer can.
//!
//! It is the program itself, started with a hidden command before rights are given up. It parses no
//! packets. A request is nine octets, the output and the number of the file that is wanted; which
//! outputs there are was settled by the command line, and only the next number (or, without
//! rotation, the same file again) is granted. Anything else ends the helper. It answers with one octet
//! and the descriptor, or with the system's error, and ends when this process does.

use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use clap::Args;
use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

use super::naming::Naming;
use super::{Rotating, append_to};
use crate::cli::{Exit, log};

/// The hidden command's name.
const COMMAND: &str = "__open-outputs";

const REQUEST_BYTES: usize = 9;
const GRANTED: u8 = 0;
const REFUSED: u8 = 1;

/// A helper that opens a file on a slow disk may take as long; frames wait in the ring meanwhile.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// This process's end.
#[derive(Debug)]
pub(in crate::cli) struct Helper {
    socket: UnixStream,
    child: Child,
}

impl Helper {
    /// Starts the helper for these outputs.
    pub(super) fn start(outputs: &[PathBuf], rotating: &Rotating) -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        ours.set_read_timeout(Some(ANSWER_MAX))?;
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(COMMAND);
        if rotating.is_wanted() {
            command.arg("--numbered");
        }
        if let Some(keep) = rotating.keep {
            command.arg("--keep").arg(keep.to_string());
        }
        // A group of its own: Ctrl-C is not for it.
        command.arg("--").args(outputs).process_group(0).env_clear();
        let child = command.stdin(OwnedFd::from(theirs)).stdout(Stdio::null()).spawn()?;
        Ok(Self { socket: ours, child })
    }

    /// Has a file opened.
    pub(super) fn open(&self, output: u8, number: u64) -> io::Result<File> {
        let mut request = [output; REQUEST_BYTES];
        if let Some(place) = request.last_chunk_mut() {
            *place = number.to_le_bytes();
        }
        (&self.socket).write_all(&request)?;
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut answer = [REFUSED, 0, 0, 0, 0];
        let received = loop {
            let parts = &mut [IoSliceMut::new(&mut answer)];
            match recvmsg(&self.socket, parts, &mut control, RecvFlags::CMSG_CLOEXEC) {
                // With a time limit the system does not go on by itself behind a signal.
                Err(Errno::INTR) => {}
                Err(error) => {
                    // An answer that comes too late would be taken for the next one.
                    let _ = self.socket.shutdown(std::net::Shutdown::Both);
                    return Err(error.into());
                }
                Ok(received) => break received,
            }
        };
        if received.bytes == 0 {
            return Err(io::Error::other("the process that opens files has ended"));
        }
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(mut files) = message
                && let Some(file) = files.next()
            {
                return Ok(File::from(file));
            }
        }
        let errno = answer.last_chunk().map_or(0, |octets| i32::from_le_bytes(*octets));
        Err(io::Error::from_raw_os_error(errno))
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        // It ends at the end of the stream; not waited for, as that call is given up.
        let _ = self.socket.shutdown(std::net::Shutdown::Both);
        let _ = self.child.try_wait();
    }
}

/// The helper's side.
#[derive(Debug, Args)]
pub(in crate::cli) struct OpenOutputs {
    #[arg(long)]
    numbered: bool,

    #[arg(long)]
    keep: Option<u64>,

    outputs: Vec<PathBuf>,
}

/// One output, and the number of its newest file.
struct Output {
    naming: Naming,
    newest: u64,
}

impl OpenOutputs {
    pub(in crate::cli) fn run(&self) -> Exit {
        match self.serve() {
            Ok(()) => Exit::Done,
            Err(error) => {
                log::say(&format!("the process that opens files: {error}"));
                Exit::BrokeOff
            }
        }
    }

    fn serve(&self) -> io::Result<()> {
        let mut socket = UnixStream::from(rustix::stdio::stdin().try_clone_to_owned()?);
        let mut outputs = Vec::new();
        for path in &self.outputs {
            let naming = Naming::new(path, self.numbered);
            // The first file is there already.
            let newest = naming.first_free()?.saturating_sub(1);
            outputs.push(Output { naming, newest });
        }
        loop {
            let mut request = [0; REQUEST_BYTES];
            match socket.read_exact(&mut request) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
                Err(error) => return Err(error),
            }
            let [index, number @ ..] = request;
            let number = u64::from_le_bytes(number);
            let output = outputs.get_mut(usize::from(index));
            let Some(output) = output.filter(|output| output.may_open(number)) else {
                return Err(io::Error::other("a request that is not on the list"));
            };
            answer(&socket, &self.open(output, number))?;
        }
    }

    fn open(&self, output: &mut Output, number: u64) -> io::Result<File> {
        let file = append_to(&output.naming.path(number))?;
        output.newest = number;
        let outdated = self.keep.and_then(|keep| number.checked_sub(keep)).filter(|&old| old > 0);
        if let Some(outdated) = outdated.filter(|_| self.numbered) {
            // It may have been taken away already.
            let _ = std::fs::remove_file(output.naming.path(outdated));
        }
        Ok(file)
    }
}

impl Output {
    fn may_open(&self, number: u64) -> bool {
        let step = u64::from(self.naming.is_numbered());
        self.newest.checked_add(step) == Some(number)
    }
}

fn answer(socket: &UnixStream, opened: &io::Result<File>) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let mut octets = [GRANTED, 0, 0, 0, 0];
    let files = opened.as_ref().map(|file| [file.as_fd()]);
    match &files {
        Ok(files) => {
            control.push(SendAncillaryMessage::ScmRights(files));
        }
        Err(error) => {
            let errno = error.raw_os_error().unwrap_or_default().to_le_bytes();
            octets = [REFUSED; 5];
            if let Some(place) = octets.last_chunk_mut() {
                *place = errno;
            }
        }
    }
    sendmsg(socket, &[IoSlice::new(&octets)], &mut control, SendFlags::empty())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_next_file_is_granted() {
        let path = std::path::Path::new("eve.json");
        let numbered = Output { naming: Naming::new(path, true), newest: 7 };
        let granted: Vec<u64> = (0..20).filter(|&number| numbered.may_open(number)).collect();
        assert_eq!(granted, [8]);
        assert!(!numbered.may_open(u64::MAX));
        let same = Output { naming: Naming::new(path, false), newest: 0 };
        assert!(same.may_open(0) && !same.may_open(1));
    }
}
