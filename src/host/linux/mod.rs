//! Linux: /proc (proc(5)), in every network namespace that some process lives in.
//!
//! This file lists all sockets once, for `who`. [`Finder`] keeps a map, for live captures.
//!
//! A namespace's tables are read through one process inside it, so sockets of containers are found
//! as well. A socket's holders are found by its inode among the descriptors of all processes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt as _;

use procfs::ProcError;
use procfs::net::{TcpState, UdpState};
use procfs::process::{self, FDTarget};

use super::{HostSocket, Inventory, State, Unseen, Wanted, canonical};
use portstory_core::Transport;

mod diag;
mod finder;
mod netlink;
mod particulars;
mod processes;
mod spaces;

pub(crate) use finder::Finder;
use particulars::look_at;

/// A line of a table.
struct Row {
    socket: HostSocket,
    /// 0 where no process holds it any more, as in TIME-WAIT.
    inode: u64,
}

pub(super) fn sockets(wanted: &Wanted<'_>) -> io::Result<Inventory> {
    let mut unseen = Vec::new();
    let own = namespace_of("self")
        .ok_or_else(|| io::Error::other("/proc is not there: mount it, or run on the host"))?;
    let pids: Vec<u32> = numbered("/proc")?;
    let (namespaces, hidden) = namespaces(own, &pids);
    let mut rows = Vec::new();
    for (&inode, reader) in &namespaces {
        let name = (inode != own).then(|| namespace_name(inode));
        match read_tables(reader.iter().copied(), name.as_ref(), wanted) {
            Ok(found) => rows.extend(found),
            Err(error) if inode == own => return Err(io::Error::other(error.to_string())),
            Err(_) => {}
        }
    }
    let inodes: BTreeSet<u64> = rows.iter().map(|row| row.inode).filter(|&it| it != 0).collect();
    let holders = if inodes.is_empty() { BTreeMap::new() } else { holders(&inodes, &pids) };
    for row in &mut rows {
        let pids = holders.get(&row.inode).into_iter().flatten();
        row.socket.processes = pids.filter_map(|&pid| look_at(pid)).collect();
    }
    let ownerless =
        rows.iter().filter(|row| row.inode != 0 && row.socket.processes.is_empty()).count();
    tell_unseen(ownerless, hidden, &mut unseen);
    Ok(Inventory { sockets: rows.into_iter().map(|row| row.socket).collect(), unseen })
}

fn tell_unseen(ownerless: usize, hidden: usize, unseen: &mut Vec<Unseen>) {
    let is_root = rustix::process::geteuid().is_root();
    if ownerless > 0 && is_root {
        unseen.push(Unseen {
            what: format!(
                "the processes of {ownerless} of these sockets: the kernel's own (WireGuard, VXLAN, NFS), or \
                 held outside this PID namespace"
            ),
            command: "sudo ss -tuanpe, on the host and not in a container".to_owned(),
        });
    } else if ownerless > 0 {
        unseen.push(Unseen {
            what: format!("the processes of {ownerless} of these sockets: they are other users'"),
            command: "sudo portstory who".to_owned(),
        });
    }
    if hidden > 0 && !is_root {
        unseen.push(Unseen {
            what: format!(
                "in which network namespace {hidden} processes of other users are: sockets of \
                 containers may be missing"
            ),
            command: "sudo portstory who".to_owned(),
        });
    }
}

/// The entries of a folder that are numbers.
fn numbered(folder: &str) -> io::Result<Vec<u32>> {
    let names = fs::read_dir(folder)?.flatten().map(|entry| entry.file_name());
    Ok(names.filter_map(|name| name.to_str()?.parse().ok()).collect())
}

/// The inode that stands for a process's network namespace (namespaces(7)).
fn namespace_of(pid: &str) -> Option<u64> {
    fs::metadata(format!("/proc/{pid}/ns/net")).ok().map(|metadata| metadata.ino())
}

/// Every network namespace with processes inside it, and how many processes would not say where they
/// are.
fn namespaces(own: u64, pids: &[u32]) -> (BTreeMap<u64, Vec<u32>>, usize) {
    let mut namespaces = BTreeMap::from([(own, vec![std::process::id()])]);
    let mut hidden = 0_usize;
    for &pid in pids {
        match namespace_of(&pid.to_string()) {
            Some(inode) => {
                let inside: &mut Vec<u32> = namespaces.entry(inode).or_default();
                // A few, for the case that the first ends while it is read through.
                if inside.len() < 3 {
                    inside.push(pid);
                }
            }
            None => hidden = hidden.saturating_add(1),
        }
    }
    (namespaces, hidden)
}

/// The name that `ip netns` gave it, or its number.
fn namespace_name(inode: u64) -> String {
    let named = fs::read_dir("/run/netns").ok().and_then(|folder| {
        let is_it = |entry: &fs::DirEntry| {
            fs::metadata(entry.path()).is_ok_and(|metadata| metadata.ino() == inode)
        };
        folder.flatten().find(is_it)
    });
    named.map_or_else(
        || format!("net:[{inode}]"),
        |entry| entry.file_name().to_string_lossy().into_owned(),
    )
}

/// The rows of one of these processes: of the first that is still there.
fn read_tables(
    readers: impl IntoIterator<Item = u32>,
    namespace: Option<&String>,
    wanted: &Wanted<'_>,
) -> Result<Vec<Row>, ProcError> {
    let mut rows = Ok(Vec::new());
    for pid in readers {
        rows = read_through(pid, namespace, wanted);
        if rows.is_ok() {
            break;
        }
    }
    rows
}

fn read_through(
    pid: u32,
    namespace: Option<&String>,
    wanted: &Wanted<'_>,
) -> Result<Vec<Row>, ProcError> {
    let mut rows = Vec::new();
    let process = process::Process::new(i32::try_from(pid).unwrap_or(i32::MAX))?;
    let mut keep = |transport, local, remote: SocketAddr, state, inode| {
        let (local, remote) = (canonical(local), canonical(remote));
        let remote = (remote.port() != 0).then_some(remote);
        if wanted(transport, local, remote) {
            let namespace = namespace.cloned();
            let (processes, notes) = (Vec::new(), Vec::new());
            let socket =
                HostSocket { transport, local, remote, state, namespace, processes, notes };
            rows.push(Row { socket, inode });
        }
    };
    let tcp = process.tcp()?.into_iter().chain(without_ipv6(process.tcp6())?);
    for entry in tcp {
        let state = tcp_state(&entry.state);
        keep(Transport::Tcp, entry.local_address, entry.remote_address, state, entry.inode);
    }
    let udp = process.udp()?.into_iter().chain(without_ipv6(process.udp6())?);
    for entry in udp {
        let state = match entry.state {
            UdpState::Established => State::Established,
            UdpState::Close => State::Unconnected,
        };
        keep(Transport::Udp, entry.local_address, entry.remote_address, state, entry.inode);
    }
    Ok(rows)
}

/// A kernel without IPv6 has no such table.
fn without_ipv6<T>(table: Result<Vec<T>, ProcError>) -> Result<Vec<T>, ProcError> {
    match table {
        Err(ProcError::NotFound(_)) => Ok(Vec::new()),
        other => other,
    }
}

const fn tcp_state(state: &TcpState) -> State {
    match state {
        TcpState::Established => State::Established,
        TcpState::Listen => State::Listen,
        TcpState::SynSent => State::Opening("SYN-SENT"),
        TcpState::SynRecv | TcpState::NewSynRecv => State::Opening("SYN-RECV"),
        TcpState::FinWait1 => State::Closing("FIN-WAIT-1"),
        TcpState::FinWait2 => State::Closing("FIN-WAIT-2"),
        TcpState::TimeWait => State::Closing("TIME-WAIT"),
        TcpState::Close => State::Closing("CLOSE"),
        TcpState::CloseWait => State::Closing("CLOSE-WAIT"),
        TcpState::LastAck => State::Closing("LAST-ACK"),
        TcpState::Closing => State::Closing("CLOSING"),
    }
}

/// Who holds which of these sockets. Processes that may not be looked into are left out.
fn holders(inodes: &BTreeSet<u64>, pids: &[u32]) -> BTreeMap<u64, BTreeSet<u32>> {
    let mut holders: BTreeMap<u64, BTreeSet<u32>> = BTreeMap::new();
    for &pid in pids {
        let process = process::Process::new(i32::try_from(pid).unwrap_or(i32::MAX));
        let Ok(files) = process.and_then(|process| process.fd()) else { continue };
        for file in files.flatten() {
            if let FDTarget::Socket(inode) = file.target
                && inodes.contains(&inode)
            {
                holders.entry(inode).or_default().insert(pid);
            }
        }
    }
    holders
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream, UdpSocket};

    use super::*;

    #[test]
    fn sockets_of_this_process_are_found_with_its_particulars() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let client = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let datagrams = UdpSocket::bind(("::1", port)).ok();
        let found = sockets(&|_, local, remote| {
            local.port() == port || remote.is_some_and(|remote| remote.port() == port)
        })
        .unwrap();
        let states: Vec<_> = found.sockets.iter().map(|socket| socket.state).collect();
        assert!(states.contains(&State::Listen), "{found:#?}");
        // The client's end, and the server's, which waits to be accepted and is nobody's yet.
        let connected = states.iter().filter(|&&state| state == State::Established).count();
        assert_eq!(connected, 2, "{found:#?}");
        if datagrams.is_some() {
            assert!(states.contains(&State::Unconnected), "{found:#?}");
        }
        let local = client.local_addr().unwrap();
        let of_client = found.sockets.iter().find(|socket| socket.local == local).unwrap();
        let [process] = &*of_client.processes else { panic!("{of_client:#?}") };
        assert_eq!(process.pid, std::process::id());
        assert_eq!(process.command_line, std::env::args().collect::<Vec<_>>());
        assert!(process.started.is_some() && process.user.is_some(), "{process:#?}");
        assert_eq!(of_client.namespace, None);
    }
}
