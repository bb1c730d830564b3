//! The capture's end of the line to its helper: nothing here ever waits.
//!
//! Requests go into a queue of bounded length and from there into the socket, as far as it takes
//! them; replies are read as far as they have come.

use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;

use serde_json::from_slice;

use super::message::{REPLY_BYTES_MAX, REQUEST_BYTES, Reply, Request};
use crate::cli::helper_process::HelperProcess;
use portstory_core::internal::wire::prefix;

/// Requests that wait for room in the socket: as many as a batch of frames can have flows.
const QUEUED_MAX: usize = 4096;

/// Bytes that are read at one go; what is more waits for the next.
const READ_BYTES_MAX: usize = 1 << 20;

/// Requests on their way out, replies on their way in.
#[derive(Debug)]
pub(super) struct Line {
    helper: HelperProcess,
    queued: Vec<u8>,
    arrived: Arrived,
}

impl Line {
    pub(super) fn new(helper: HelperProcess) -> io::Result<Self> {
        helper.socket.set_nonblocking(true)?;
        Ok(Self { helper, queued: Vec::new(), arrived: Arrived::default() })
    }

    /// The socket, to wait for replies on.
    pub(super) fn socket(&self) -> &UnixStream {
        &self.helper.socket
    }

    /// Takes a request for sending; not where too many wait.
    pub(super) fn queue(&mut self, request: &Request) -> bool {
        let has_room = self.queued.len() < QUEUED_MAX.saturating_mul(REQUEST_BYTES);
        if has_room {
            self.queued.extend(request.bytes());
        }
        has_room
    }

    /// Sends what the socket takes.
    pub(super) fn send(&mut self) -> io::Result<()> {
        send(&self.helper.socket, &mut self.queued)
    }

    /// The replies that have come.
    ///
    /// # Errors
    ///
    /// The helper has ended, or says what cannot be.
    pub(super) fn receive(&mut self) -> io::Result<Vec<Reply>> {
        let mut buffer = vec![0; 1 << 16];
        let mut read = 0_usize;
        let mut ended = false;
        while read < READ_BYTES_MAX {
            match (&self.helper.socket).read(&mut buffer) {
                Ok(0) => {
                    ended = true;
                    break;
                }
                Ok(len) => {
                    self.arrived.add(prefix(&buffer, len));
                    read = read.saturating_add(len);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let replies = self.arrived.take()?;
        if ended && replies.is_empty() {
            return Err(io::Error::other("the process that looks for processes has ended"));
        }
        Ok(replies)
    }
}

/// Sends of these bytes what the socket takes.
pub(super) fn send(mut socket: &UnixStream, bytes: &mut Vec<u8>) -> io::Result<()> {
    while !bytes.is_empty() {
        match socket.write(bytes) {
            Ok(sent) => {
                bytes.drain(..sent);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// What has come of the stream of replies, cut wherever the socket cut it.
#[derive(Debug, Default)]
pub(super) struct Arrived(Vec<u8>);

impl Arrived {
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// The replies that are whole.
    ///
    /// # Errors
    ///
    /// What came cannot be from this program.
    pub(super) fn take(&mut self) -> io::Result<Vec<Reply>> {
        let mut replies = Vec::new();
        let mut rest = &*self.0;
        while let Some((len, behind)) = rest.split_first_chunk() {
            let len = usize::try_from(u32::from_le_bytes(*len)).unwrap_or(usize::MAX);
            if len > REPLY_BYTES_MAX {
                return Err(io::Error::other("a reply that is too long"));
            }
            let Some((reply, behind)) = behind.split_at_checked(len) else { break };
            replies.push(from_slice(reply)?);
            rest = behind;
        }
        let left = rest.len();
        self.0.drain(..self.0.len().saturating_sub(left));
        Ok(replies)
    }
}
