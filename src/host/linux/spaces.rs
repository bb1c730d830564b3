//! The network namespaces of this machine (network_namespaces(7)), as far as they can be looked into.
//!
//! One is asked by [`Diag`], through sockets that are opened inside. To enter another takes
//! `CAP_SYS_ADMIN`, which is given up after [`Spaces::new`] has entered all that there are. One that
//! comes later, or cannot be entered, is read through a process inside, by the tables that /proc has of
//! its network, which take no rights: that costs more with every socket. One that cannot be read either
//! is left out: its addresses are not known, so that no flow is there. A namespace is let go of when the
//! last process in it has ended: as long as it is held it cannot disappear.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd as _, OwnedFd};
use std::time::{Duration, Instant};

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::diag::{Diag, Entry};
use super::netlink::{self, Netlink};
use super::{namespace_of as inode, numbered, read_tables};
use crate::clock::now;
use crate::host::waits_for;
use portstory_core::Transport;

/// Namespaces that are held at a time: each takes two descriptors, of which a process may mostly have
/// 1,024.
const SPACES_MAX: usize = 480;

/// Processes inside that are tried when a table is read: the first may just have ended.
const MEMBERS_TRIED_MAX: usize = 3;

/// Bytes of a table of addresses that are read.
const TABLE_BYTES_MAX: u64 = 1 << 20;

/// How old the list of sockets that wait may be when somebody asks.
const LIST_AGE_MAX: Duration = Duration::from_millis(100);

/// Of tables that are read, which costs more with every socket: so many times what reading took.
const TABLES_COST: u32 = 100;

/// A namespace.
#[derive(Debug)]
pub(super) struct Space {
    source: Source,
    /// Tells the addresses.
    routes: Option<Netlink>,
    addresses: BTreeSet<IpAddr>,
    /// Processes inside.
    members: BTreeSet<u32>,
    /// Sockets that wait; of tables all.
    list: Vec<Entry>,
    list_due: Instant,
}

#[derive(Debug)]
enum Source {
    Diag(Diag),
    /// The tables, read through one of the processes inside.
    Tables,
}

/// All of them, by the inode that stands for each.
#[derive(Debug)]
pub(super) struct Spaces {
    own: u64,
    by_inode: BTreeMap<u64, Space>,
    of_process: BTreeMap<u32, u64>,
    /// The way back from another one, as long as others are entered.
    home: Option<OwnedFd>,
    /// Whether addresses came or went since that was last asked.
    changed: bool,
}

impl Spaces {
    /// All that there are, that of this process first.
    pub(super) fn new() -> io::Result<Self> {
        let own = inode("self")
            .ok_or_else(|| io::Error::other("/proc is not there: mount it, or run on the host"))?;
        let source = Diag::open().map_or(Source::Tables, Source::Diag);
        let mut space = Space::new(source, Netlink::open(None).ok());
        space.members.insert(std::process::id());
        let mut spaces = Self {
            own,
            by_inode: BTreeMap::from([(own, space)]),
            of_process: BTreeMap::from([(std::process::id(), own)]),
            home: open("self").ok(),
            changed: true,
        };
        numbered("/proc")?.into_iter().for_each(|pid| spaces.join(pid));
        // From now on there may be no right to, and the sandbox ends whoever tries.
        spaces.home = None;
        Ok(spaces)
    }

    /// A process is new: where is it?
    pub(super) fn join(&mut self, pid: u32) {
        // Not every process says where it is.
        let found = inode(&pid.to_string());
        if found.is_some() && self.of_process.get(&pid).copied() == found {
            return;
        }
        self.leave(pid);
        let Some(inode) = found else { return };
        if let Some(space) = self.by_inode.get_mut(&inode) {
            space.members.insert(pid);
            self.of_process.insert(pid, inode);
        } else if self.by_inode.len() < SPACES_MAX {
            let entered = self.enter(pid).ok();
            let Some(space) = entered.or_else(|| Space::through(pid)) else { return };
            self.by_inode.insert(inode, space);
            self.of_process.insert(pid, inode);
            self.changed = true;
        }
    }

    /// Opens what is needed of another namespace, from inside.
    fn enter(&self, pid: u32) -> io::Result<Space> {
        let home = self.home.as_ref().ok_or(io::ErrorKind::Unsupported)?;
        let there = open(&pid.to_string())?;
        let network = Some(LinkNameSpaceType::Network);
        move_into_link_name_space(there.as_fd(), network)?;
        let opened = Diag::open();
        let routes = Netlink::open(None);
        // This cannot fail where the other has not; if it did, all answers would be another's.
        move_into_link_name_space(home.as_fd(), network)?;
        Ok(Space::new(opened.map_or(Source::Tables, Source::Diag), Some(routes?)))
    }

    fn leave(&mut self, pid: u32) {
        let Some(inode) = self.of_process.remove(&pid) else { return };
        let Some(space) = self.by_inode.get_mut(&inode) else { return };
        space.members.remove(&pid);
        if space.members.is_empty() && inode != self.own {
            self.by_inode.remove(&inode);
            self.changed = true;
        }
    }

    /// Lets go of processes that have ended.
    pub(super) fn retain(&mut self, lives: impl Fn(u32) -> bool) {
        let own = std::process::id();
        let gone = self.of_process.keys().copied();
        let gone: Vec<u32> = gone.filter(|&pid| pid != own && !lives(pid)).collect();
        gone.into_iter().for_each(|pid| self.leave(pid));
    }

    /// All addresses of this machine, where they are others than they were when this was last called.
    pub(super) fn take_addresses(&mut self) -> Option<BTreeSet<IpAddr>> {
        for space in self.by_inode.values_mut() {
            self.changed |= space.renew_addresses();
        }
        std::mem::take(&mut self.changed)
            .then(|| self.by_inode.values().flat_map(|space| &space.addresses).copied().collect())
    }

    /// The namespaces that a flow with this end may be in, each with its inode: those that have the
    /// address, the own one first; the own one where none has. Every namespace has a loopback: what is
    /// seen there is the own one's.
    pub(super) fn of_address(&mut self, address: IpAddr) -> Vec<(u64, &mut Space)> {
        let own = self.own;
        let nobody_has = !self.by_inode.values().any(|space| space.addresses.contains(&address));
        let only_own = nobody_has || address.is_loopback();
        let may_be_in = |inode: u64, space: &Space| {
            if only_own { inode == own } else { space.addresses.contains(&address) }
        };
        let mut found: Vec<(u64, &mut Space)> =
            self.all().filter(|(inode, space)| may_be_in(*inode, space)).collect();
        found.sort_by_key(|(inode, _)| *inode != own);
        found
    }

    /// The own one.
    pub(super) fn own(&mut self) -> Option<(u64, &mut Space)> {
        self.by_inode.get_mut(&self.own).map(|space| (self.own, space))
    }

    /// Every one, with its inode.
    pub(super) fn all(&mut self) -> impl Iterator<Item = (u64, &mut Space)> {
        self.by_inode.iter_mut().map(|(&inode, space)| (inode, space))
    }
}

impl Space {
    fn new(source: Source, routes: Option<Netlink>) -> Self {
        let mut space = Self {
            source,
            routes,
            addresses: BTreeSet::new(),
            members: BTreeSet::new(),
            list: Vec::new(),
            list_due: now(),
        };
        space.renew_addresses();
        space
    }

    /// One that is read through this process, as it cannot be entered; none where it cannot be read.
    /// A new one has no addresses at first, not even that of its loopback.
    fn through(pid: u32) -> Option<Self> {
        let addresses = addresses(pid)?;
        let members = BTreeSet::from([pid]);
        Some(Self { addresses, members, ..Self::new(Source::Tables, None) })
    }

    /// Reads the addresses again: a container mostly gets its own after its first process. Whether they
    /// are others than before.
    fn renew_addresses(&mut self) -> bool {
        let read = match &mut self.routes {
            Some(routes) => netlink::addresses(routes).ok(),
            None => self.members.iter().take(MEMBERS_TRIED_MAX).find_map(|&pid| addresses(pid)),
        };
        let Some(read) = read.filter(|read| *read != self.addresses) else { return false };
        self.addresses = read;
        true
    }

    /// The sockets that wait, as of a moment ago.
    pub(super) fn waiting(&mut self) -> impl Iterator<Item = &Entry> {
        self.refresh();
        self.list.iter().filter(|entry| entry.waits)
    }

    /// The sockets that take what is sent to this end: mostly none or one.
    pub(super) fn waiting_at(&mut self, transport: Transport, own: SocketAddr) -> Vec<Entry> {
        let takes = |entry: &&Entry| {
            entry.transport == transport
                && entry.local.port() == own.port()
                && waits_for(entry.local, own)
        };
        let mut found: Vec<Entry> = self.waiting().filter(takes).copied().collect();
        // Bound to this address before bound to any.
        found.sort_by_key(|entry| entry.local.ip().is_unspecified());
        found
    }

    /// The socket with these ends, or else one that waits there.
    pub(super) fn find(
        &mut self,
        transport: Transport,
        own: SocketAddr,
        other: SocketAddr,
    ) -> Option<Entry> {
        match &mut self.source {
            // One that cannot be asked any more has no socket.
            Source::Diag(diag) => diag.find(transport, own, other).ok().flatten(),
            Source::Tables => {
                self.refresh();
                let is_it = |entry: &&Entry| {
                    entry.transport == transport
                        && entry.local == own
                        && entry.remote == Some(other)
                };
                self.list.iter().find(is_it).copied()
            }
        }
    }

    /// The TCP connections that were opened from here to this port, where that can be asked cheaply.
    pub(super) fn clients(&mut self, port: u16) -> Vec<Entry> {
        match &mut self.source {
            Source::Diag(diag) => diag.clients(port).unwrap_or_default(),
            Source::Tables => Vec::new(),
        }
    }

    fn refresh(&mut self) {
        let at = now();
        if at < self.list_due {
            return;
        }
        self.list = match &mut self.source {
            Source::Diag(diag) => diag.waiting().unwrap_or_default(),
            Source::Tables => tables(&self.members),
        };
        let wait = match &self.source {
            Source::Diag(_) => LIST_AGE_MAX,
            Source::Tables => at.elapsed().saturating_mul(TABLES_COST).max(LIST_AGE_MAX),
        };
        self.list_due = at + wait;
    }
}

/// The tables of one of these processes.
fn tables(pids: &BTreeSet<u32>) -> Vec<Entry> {
    let tried = pids.iter().copied().take(MEMBERS_TRIED_MAX);
    let rows = read_tables(tried, None, &|_, _, _| true).unwrap_or_default();
    rows.into_iter()
        .map(|row| Entry {
            transport: row.socket.transport,
            local: row.socket.local,
            remote: row.socket.remote,
            waits: row.socket.state.is_waiting(),
            uid: None,
            inode: row.inode,
        })
        .collect()
}

/// The addresses of a process's network namespace, by /proc; none where it has ended.
fn addresses(pid: u32) -> Option<BTreeSet<IpAddr>> {
    let trie = bounded(&format!("/proc/{pid}/net/fib_trie")).ok()?;
    let mut found: BTreeSet<IpAddr> = of_trie(&trie).map(IpAddr::V4).collect();
    // A kernel without IPv6 has no such table.
    let table = bounded(&format!("/proc/{pid}/net/if_inet6")).unwrap_or_default();
    found.extend(of_table(&table).map(IpAddr::V6));
    Some(found)
}

/// A container's are short; a router's need not be.
fn bounded(path: &str) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(TABLE_BYTES_MAX).read_to_string(&mut text)?;
    Ok(text)
}

/// `fib_trie`: an address, and below it what routes there are to it. Those to itself are local.
///
/// ```text
///   |-- 10.0.0.9
///      /32 host LOCAL
/// ```
fn of_trie(text: &str) -> impl Iterator<Item = Ipv4Addr> {
    let mut last = None;
    text.lines().filter_map(move |line| {
        let line = line.trim();
        if let Some(address) = line.strip_prefix("|-- ") {
            last = address.parse().ok();
        }
        last.filter(|_| line == "/32 host LOCAL")
    })
}

/// `if_inet6`: an address a line, 32 hexadecimal digits first.
fn of_table(text: &str) -> impl Iterator<Item = Ipv6Addr> {
    let address = |line: &str| u128::from_str_radix(line.split_whitespace().next()?, 16).ok();
    text.lines().filter_map(address).map(Ipv6Addr::from)
}

fn open(process: &str) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    Ok(openat(CWD, format!("/proc/{process}/ns/net"), flags, Mode::empty())?)
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::process::{Child, Command, Stdio};

    use super::*;

    /// A shell in a network namespace of its own, which does a line whenever it is told to.
    struct Shell(Child);

    impl Shell {
        fn start(script: &str) -> Option<Self> {
            if !rustix::process::geteuid().is_root() {
                eprintln!("SKIPPED: network namespaces need root");
                return None;
            }
            let child = Command::new("unshare")
                .args(["-n", "sh", "-c", script])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn();
            Some(Self(child.unwrap()))
        }

        fn says(&mut self) -> String {
            let mut line = String::new();
            BufReader::new(self.0.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
            line
        }
    }

    impl Drop for Shell {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    #[test]
    fn addresses_are_read_from_the_tables() {
        let trie = "Main:\n  +-- 0.0.0.0/0 2 0 2\n     |-- 10.0.0.0\n        /24 link UNICAST\n\
                    Local:\n  +-- 0.0.0.0/0 2 0 2\n     |-- 10.0.0.9\n        /32 host LOCAL\n     \
                    |-- 10.0.0.255\n        /32 link BROADCAST\n     |-- x\n        /32 host LOCAL\n";
        assert_eq!(of_trie(trie).collect::<Vec<_>>(), [Ipv4Addr::new(10, 0, 0, 9)]);
        let table = "00000000000000000000000000000001 01 80 10 80       lo\nxyz 01\n\n";
        assert_eq!(of_table(table).collect::<Vec<_>>(), [Ipv6Addr::LOCALHOST]);
        let own = addresses(std::process::id()).unwrap();
        assert!(own.contains(&IpAddr::from([127, 0, 0, 1])), "{own:?}");
    }

    #[test]
    fn one_that_comes_later_is_read_through_a_process_inside() {
        let script = "ip link set lo up; ip addr add 198.51.100.8/32 dev lo; echo up; read end";
        let mut spaces = Spaces::new().unwrap();
        let Some(mut shell) = Shell::start(script) else { return };
        assert_eq!(shell.says(), "up\n");
        let pid = shell.0.id();
        spaces.join(pid);
        let address = IpAddr::from([198, 51, 100, 8]);
        assert!(spaces.take_addresses().unwrap().contains(&address));
        let found = spaces.of_address(address).into_iter().next().unwrap();
        assert_eq!(Some(found.0), inode(&pid.to_string()));
        assert!(matches!(found.1.source, Source::Tables));
    }

    #[test]
    fn an_address_that_comes_later_is_seen_in_every_namespace() {
        let script = "echo up; read go; ip addr add 198.51.100.7/32 dev lo && echo more; read end";
        let Some(mut shell) = Shell::start(script) else { return };
        assert_eq!(shell.says(), "up\n");
        let (mut spaces, pid) = (Spaces::new().unwrap(), shell.0.id());
        spaces.join(pid);
        let Some(&inode) = spaces.of_process.get(&pid) else {
            eprintln!("SKIPPED: no other network namespace can be entered here");
            return;
        };
        let address = IpAddr::from([198, 51, 100, 7]);
        assert!(!spaces.take_addresses().unwrap().contains(&address));
        shell.0.stdin.as_mut().unwrap().write_all(b"go\n").unwrap();
        assert_eq!(shell.says(), "more\n");
        assert!(spaces.take_addresses().unwrap().contains(&address));
        let places = spaces.of_address(address).into_iter().map(|(inode, _)| inode);
        assert_eq!(places.collect::<Vec<_>>(), [inode]);
        // Both have a loopback: only the own one's is meant.
        let places = spaces.of_address(IpAddr::from([127, 0, 0, 1])).into_iter();
        assert_eq!(places.map(|(inode, _)| inode).collect::<Vec<_>>(), [spaces.own]);
        spaces.retain(|_| false);
        assert!(!spaces.take_addresses().unwrap().contains(&address));
    }
}
