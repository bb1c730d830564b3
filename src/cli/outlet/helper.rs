//! The process that opens output files when this one no longer can.
//!
//! It is an [`aide`]. A request is nine octets, the output and the number of the file that is wanted; which
//! outputs there are was settled by the command line, and only the next number (or, without
//! rotation, the same file again) is granted. Anything else ends the helper. It answers with one octet
//! and the descriptor, or with the system's error, and ends when this process does.

use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

use super::naming::Naming;
use super::{Rotating, append_to};
use crate::cli::Exit;
use crate::cli::aide::{self, Aide};

/// The hidden command's name.
const COMMAND: &str = "__open-outputs";

const REQUEST_BYTES: usize = 9;
const GRANTED: u8 = 0;
const REFUSED: u8 = 1;

/// A helper that opens a file on a slow disk may take as long; frames wait in the ring meanwhile.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// This process's end.
#[derive(Debug)]
pub(in crate::cli) struct Helper(Aide);

impl Helper {
    /// Starts the helper for these outputs.
    pub(super) fn start(outputs: &[PathBuf], rotating: &Rotating) -> io::Result<Self> {
        let aide = Aide::start(COMMAND, ANSWER_MAX, |command| {
            if rotating.is_wanted() {
                command.arg("--numbered");
            }
            if let Some(keep) = rotating.keep {
                command.arg("--keep").arg(keep.to_string());
            }
            command.arg("--").args(outputs);
        });
        aide.map(Self)
    }

    /// Has a file opened.
    pub(super) fn open(&self, output: u8, number: u64) -> io::Result<File> {
        let mut request = [output; REQUEST_BYTES];
        if let Some(place) = request.last_chunk_mut() {
            *place = number.to_le_bytes();
        }
        let socket = &self.0.socket;
        (&mut &*socket).write_all(&request)?;
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut answer = [REFUSED, 0, 0, 0, 0];
        let received = loop {
            let parts = &mut [IoSliceMut::new(&mut answer)];
            match recvmsg(socket, parts, &mut control, RecvFlags::CMSG_CLOEXEC) {
                // With a time limit the system does not go on by itself behind a signal.
                Err(Errno::INTR) => {}
                Err(error) => {
                    self.0.hang_up();
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
        aide::serving("the process that opens files", |socket| self.serve(&socket))
    }

    fn serve(&self, socket: &UnixStream) -> io::Result<()> {
        let mut outputs = Vec::new();
        for path in &self.outputs {
            let naming = Naming::new(path, self.numbered);
            // The first file is there already.
            let newest = naming.first_free()?.saturating_sub(1);
            outputs.push(Output { naming, newest });
        }
        while let Some(request) = aide::next_request::<REQUEST_BYTES>(socket)? {
            let [index, number @ ..] = request;
            let number = u64::from_le_bytes(number);
            let output = outputs.get_mut(usize::from(index));
            let Some(output) = output.filter(|output| output.may_open(number)) else {
                return Err(aide::not_listed());
            };
            answer(socket, &self.open(output, number))?;
        }
        Ok(())
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
