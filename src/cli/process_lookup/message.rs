//! What the capture and its helper say to each other.
//!
//! A request has a fixed length: what is asked, the flow that it is asked for, and two addresses with
//! their ports. A reply is a length of four bytes and JSON. Replies come in any order, and late: each
//! names its flow.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use crate::host::Question;
use portstory_core::Transport;
use portstory_core::event::{Process, ProcessMissing};

/// What is asked, the flow, and two times 16 bytes of address and two of port.
pub(super) const REQUEST_BYTES: usize = 45;

/// Bytes of a reply at most; what is longer is not sent.
pub(super) const REPLY_BYTES_MAX: usize = 1 << 20;

/// Processes that have a number at a time. A number that was given away again means another process.
pub(super) const PROCESSES_MAX: u32 = 4096;

/// Who listens on the watched ports? Neither flow nor addresses mean anything. The other questions
/// are the numbers of the transports.
const LISTENERS: u8 = 0;

/// A question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// Who listens on the watched ports, and what has looking cost so far?
    Listeners,
    /// Which process holds this end?
    Owner(Question),
}

/// What comes back.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Reply {
    /// A process, by a number of its own from now on.
    Process {
        /// Less than [`PROCESSES_MAX`].
        number: u32,
        /// Which one.
        process: Process,
    },
    /// Which process holds an end.
    Owner {
        /// The question's.
        flow: u64,
        /// Who it is.
        owner: Owner,
    },
    /// Who listens on the watched ports.
    Listeners(Vec<Listener>),
    /// The addresses of this machine, in every network namespace that can be looked into.
    Addresses(BTreeSet<IpAddr>),
    /// What looking has cost so far.
    Cost {
        /// Milliseconds of processor time.
        cpu_ms: u64,
        /// Milliseconds in which there was more to look at than the budget allowed.
        over_budget_ms: u64,
    },
}

/// Who holds an end.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Owner {
    /// A process that was told before.
    Process {
        /// Its number.
        number: u32,
        /// Whether it listens there, so that it is the answer for other flows to this end, too.
        listens: bool,
    },
    /// None that can be named.
    Missing(ProcessMissing),
}

/// A socket that waits, and who holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Listener {
    /// TCP or UDP.
    pub(super) transport: Transport,
    /// Where it waits.
    pub(super) local: SocketAddr,
    /// By its number; nobody that could be seen, where there is none.
    pub(super) process: Option<u32>,
}

impl Request {
    pub(super) fn bytes(&self) -> [u8; REQUEST_BYTES] {
        let mut bytes = [0; REQUEST_BYTES];
        let Self::Owner(question) = self else { return bytes };
        let fields = [question.transport.number()]
            .into_iter()
            .chain(question.flow.to_le_bytes())
            .chain(end_bytes(question.own))
            .chain(end_bytes(question.other));
        for (byte, field) in bytes.iter_mut().zip(fields) {
            *byte = field;
        }
        bytes
    }

    /// Nothing where it is not on the list.
    pub(super) fn read(bytes: &[u8; REQUEST_BYTES]) -> Option<Self> {
        let (&kind, rest) = bytes.split_first()?;
        if kind == LISTENERS {
            return Some(Self::Listeners);
        }
        let (flow, ends) = rest.split_first_chunk()?;
        let (own, other) = ends.split_at_checked(18)?;
        Some(Self::Owner(Question {
            flow: u64::from_le_bytes(*flow),
            transport: transport(kind)?,
            own: end(own)?,
            other: end(other)?,
        }))
    }
}

fn end_bytes(end: SocketAddr) -> impl Iterator<Item = u8> {
    let ip = match end.ip() {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    };
    ip.octets().into_iter().chain(end.port().to_be_bytes())
}

fn end(bytes: &[u8]) -> Option<SocketAddr> {
    let (ip, port) = bytes.split_first_chunk::<16>()?;
    let ip = IpAddr::from(*ip).to_canonical();
    Some(SocketAddr::new(ip, u16::from_be_bytes(*port.first_chunk()?)))
}

fn transport(number: u8) -> Option<Transport> {
    [Transport::Tcp, Transport::Udp].into_iter().find(|transport| transport.number() == number)
}

impl Reply {
    /// Its length and itself; nothing where it is too long.
    pub(super) fn bytes(&self) -> Option<Vec<u8>> {
        let mut bytes = vec![0; 4];
        serde_json::to_writer(&mut bytes, self).ok()?;
        let len = bytes.len().checked_sub(4).filter(|&len| len <= REPLY_BYTES_MAX)?;
        let len = u32::try_from(len).ok()?.to_le_bytes();
        bytes.iter_mut().zip(len).for_each(|(byte, len)| *byte = len);
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question() -> Question {
        Question {
            flow: 0x1f_0123_4567_89ab,
            transport: Transport::Tcp,
            own: "10.0.0.9:3243".parse().unwrap(),
            other: "[2001:db8::5]:50123".parse().unwrap(),
        }
    }

    #[test]
    fn a_request_comes_back_as_it_was() {
        for request in [Request::Listeners, Request::Owner(question())] {
            assert_eq!(Request::read(&request.bytes()), Some(request));
        }
    }

    #[test]
    fn what_is_not_on_the_list_is_refused() {
        for kind in (1..=255).filter(|kind| ![6, 17].contains(kind)) {
            let mut bytes = Request::Owner(question()).bytes();
            bytes[0] = kind;
            assert_eq!(Request::read(&bytes), None, "{kind}");
        }
    }

    #[test]
    fn a_reply_that_is_too_long_is_not_sent() {
        let process = Process { name: "x".repeat(REPLY_BYTES_MAX), ..Process::default() };
        assert_eq!(Reply::Process { number: 1, process }.bytes(), None);
        let reply = Reply::Cost { cpu_ms: 0, over_budget_ms: 0 }.bytes().unwrap();
        assert_eq!(usize::from(reply[0]), reply.len() - 4);
    }
}
