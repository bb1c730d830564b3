//! Sockets and processes of this machine.
//!
//! An edge: it asks the operating system, and remembers nothing but what [`Finder`] keeps to answer
//! many questions cheaply. One module a platform: `linux`
//! reads /proc, in every network namespace that it may look into; `macos.rs` stands
//! on `portable.rs`, which asks the same of two crates. What cannot be seen for want of rights comes
//! back as [`Unseen`], with the command that would show it: a list that is cut says so.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

pub(crate) use portstory_core::event::{Process, ProcessMissing};
pub(crate) use portstory_core::{Transport, Watch};

mod budget;
#[cfg(target_os = "linux")]
mod cgroup;
#[cfg(not(target_os = "linux"))]
mod finder;
pub(crate) mod health;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(not(target_os = "linux"))]
mod portable;

#[cfg(target_os = "linux")]
use linux as platform;
#[cfg(target_os = "macos")]
use macos as platform;
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
use portable as platform;

pub(crate) use budget::Budget;
#[cfg(not(target_os = "linux"))]
pub use finder::Finder;
#[cfg(target_os = "linux")]
pub(crate) use linux::Finder;

/// Bytes of a command line that are told with a flow: some are longer than all else that is said of it.
const COMMAND_LINE_BYTES_MAX: usize = 1024;

/// Which process holds this end of a flow?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Question {
    /// The flow, by its id.
    pub flow: u64,
    /// TCP or UDP.
    pub transport: Transport,
    /// The end that is asked for.
    pub own: SocketAddr,
    /// The other one.
    pub other: SocketAddr,
}

/// Who holds an end of a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    /// A process.
    Process {
        /// Which one.
        process: Arc<Process>,
        /// Whether it listens there, so that it is the answer for other flows to this end, too.
        listens: bool,
    },
    /// None that can be named.
    Missing(ProcessMissing),
}

/// What was found, and what was not for want of rights.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Inventory {
    /// Sockets, listeners first.
    pub sockets: Vec<HostSocket>,
    /// What could not be looked at.
    pub unseen: Vec<Unseen>,
}

/// A socket and the processes that hold it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostSocket {
    /// TCP or UDP.
    pub transport: Transport,
    /// Its own end. IPv4 inside IPv6 (RFC 4291 section 2.5.5.2) is given as IPv4.
    pub local: SocketAddr,
    /// The other end of a connected one.
    pub remote: Option<SocketAddr>,
    /// How far it is.
    pub state: State,
    /// The network namespace, where that is not this process's own: its name, or its number.
    pub namespace: Option<String>,
    /// Who holds it, by PID; empty where there is nobody or where that cannot be seen.
    pub processes: Vec<Process>,
    /// What the system does with it by itself, such as a port that Windows forwards.
    pub notes: Vec<String>,
}

/// The state of a socket: TCP's own (RFC 9293 section 3.3.2), and UDP's two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    /// TCP: waits for connections.
    Listen,
    /// UDP: takes datagrams from anybody.
    Unconnected,
    /// TCP: open. UDP: bound to one peer.
    Established,
    /// TCP: on the way up.
    Opening(&'static str),
    /// TCP: on the way down.
    Closing(&'static str),
}

impl State {
    /// The word that `ss` and `netstat` use.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Listen => "LISTEN",
            Self::Unconnected => "UNCONN",
            Self::Established => "ESTAB",
            Self::Opening(name) | Self::Closing(name) => name,
        }
    }

    /// Whether it waits for whoever comes.
    pub(crate) const fn is_waiting(self) -> bool {
        match self {
            Self::Listen | Self::Unconnected => true,
            Self::Established | Self::Opening(_) | Self::Closing(_) => false,
        }
    }
}

/// Something that could not be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unseen {
    /// What is missing, and why.
    pub what: String,
    /// The command that would show it.
    pub command: String,
}

/// The sockets that have a watched port at either end, with their processes.
///
/// # Errors
///
/// The system's, where it has no list of sockets to give.
pub(crate) fn sockets(watch: &Watch) -> io::Result<Inventory> {
    let mut found = platform::sockets(&|transport, local, remote| {
        watch.covers(transport, local.port())
            || remote.is_some_and(|remote| watch.covers(transport, remote.port()))
    })?;
    found.sockets.sort_by_key(|socket| {
        (socket.state, socket.local.port(), socket.transport.name(), socket.local, socket.remote)
    });
    Ok(found)
}

/// The process that holds this end of a flow: the one with the connected socket, else the one that
/// waits at that address. An address inside another network namespace is looked for among connected
/// sockets only.
///
/// # Errors
///
/// The system's, where it has no list of sockets to give.
#[cfg(not(target_os = "linux"))]
fn owner(transport: Transport, own: SocketAddr, other: SocketAddr) -> io::Result<Option<Process>> {
    let is_it = |of: Transport, local: SocketAddr, remote: Option<SocketAddr>| {
        of == transport
            && local.port() == own.port()
            && match remote {
                Some(remote) => remote == other && local.ip() == own.ip(),
                None => waits_for(local, own),
            }
    };
    let found = platform::sockets(&is_it)?.sockets.into_iter();
    // Connected, then bound to this address, then to any.
    let rank = |socket: &HostSocket| {
        (socket.remote.is_none(), socket.local.ip().is_unspecified(), socket.namespace.is_some())
    };
    let held = found.filter(|socket| {
        !socket.processes.is_empty() && (socket.remote.is_some() || socket.namespace.is_none())
    });
    let best = held.min_by_key(rank);
    Ok(best.and_then(|socket| socket.processes.into_iter().next()))
}

/// Whether a socket that is bound there takes what is sent to this address. One that is bound to any
/// IPv6 address takes IPv4, too, unless it was asked not to, which cannot be seen.
pub(crate) fn waits_for(local: SocketAddr, own: SocketAddr) -> bool {
    local.ip() == own.ip() || (local.ip().is_unspecified() && (local.is_ipv6() || own.is_ipv4()))
}

/// The process with no more of its command line than a flow carries, cut between two words.
fn shortened(mut process: Process) -> Process {
    let mut bytes = 0_usize;
    process.command_line.retain(|word| {
        bytes = bytes.saturating_add(word.len());
        bytes <= COMMAND_LINE_BYTES_MAX
    });
    process
}

/// Says of a socket, by transport, its own end and the other, whether it is wanted.
type Wanted<'a> = dyn Fn(Transport, SocketAddr, Option<SocketAddr>) -> bool + 'a;

/// With IPv4 inside IPv6 as IPv4.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_command_lines_are_cut_between_words() {
        let command_line = vec!["x".repeat(1000), "y".repeat(24), "z".to_owned()];
        let process = shortened(Process { command_line, ..Process::default() });
        assert_eq!(process.command_line.len(), 2);
    }
}
