//! Finds the processes behind flows, from a map of sockets and processes that it keeps.
//!
//! A question takes one look into the kernel's index of sockets ([`spaces`](super::spaces)), which
//! tells the socket, and one into the map of who holds which ([`processes`](super::processes)). Where
//! the map lacks it, the likeliest processes are read again, then all that changed, then all that have
//! sockets, and once in a while all; then it is known that the holder cannot be seen.
//!
//! What goes quickly is kept in sight beforehand: who listens on the watched ports, in any namespace,
//! is the answer for flows there for a moment after it has gone, and while there are questions for ends that opened their connections
//! themselves, connections to the watched ports are looked at every [`SAMPLE_EVERY`]. The kernel can tell
//! of sockets as they are destroyed (`SKNLGRP_INET_TCP_DESTROY`, with `CAP_NET_ADMIN`), but then tells
//! their ends and their user only: the inode is 0 by then and the descriptor closed, so that it would
//! name no process.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::diag::Entry;
use super::particulars;
use super::processes::{Processes, Sweep};
use super::spaces::{Space, Spaces};
use crate::clock::now;
use crate::host::budget::Budget;
use crate::host::{Holder, Question, shortened, waits_for};
use crate::sandbox::User;
use portstory_core::event::{Process, ProcessMissing};
use portstory_core::{Transport, Watch};

/// Steps of work between two looks at whether somebody asks.
const STEPS_MAX: usize = 24;

/// Sockets whose holder is looked for at a time.
const SOUGHT_MAX: usize = 4096;

/// How long a holder is looked for.
const SOUGHT_AGE_MAX: Duration = Duration::from_secs(10);

/// Between two looks at who listens, and for new processes, whoever asks. At the addresses looks
/// whoever asks for them.
const TICK_EVERY: Duration = Duration::from_secs(1);

/// Between two sweeps that only see what has changed, whoever asks: at least so long, and so many times
/// what one took.
const SWEEP_EVERY: Duration = Duration::from_secs(3);
const SWEEP_EVERY_MAX: Duration = Duration::from_secs(30);
const IDLE_SWEEP_COST: u32 = 500;

/// Between two sweeps because somebody is looked for: at least so long, and so many times what one
/// took.
const SWEEP_PAUSE_MIN: Duration = Duration::from_millis(50);
const SWEEP_COST: u32 = 60;

/// Between two sweeps that read the descriptors of all processes.
const DEEP_EVERY: Duration = Duration::from_secs(10);

/// Between two looks for new processes because somebody is looked for.
const FRESH_EVERY: Duration = Duration::from_millis(10);

/// Between two looks at the connections to watched ports, so that those of 100 ms are seen.
const SAMPLE_EVERY: Duration = Duration::from_millis(80);
const SAMPLE_COST: u32 = 100;

/// How long after a question such connections are looked at, and how long at the start.
const SAMPLE_FOR: Duration = Duration::from_secs(60);
const SAMPLE_FIRST: Duration = Duration::from_secs(5);

/// Watched ports that are looked at so.
const SAMPLED_PORTS_MAX: usize = 8;

/// Connections, and listeners, that are remembered, and for how long after they were last seen.
const REMEMBERED_MAX: usize = 1 << 14;
const REMEMBERED_FOR: Duration = Duration::from_secs(10);

/// How long a listener whose holder was not found is not looked for again.
const UNSEEN_FOR: Duration = Duration::from_secs(30);

/// How long what was read of a process holds: it may execute another program.
const PARTICULARS_FOR: Duration = Duration::from_secs(1);

/// Processes whose particulars are kept.
const PARTICULARS_MAX: usize = 1024;

/// The map, and who is looked for.
#[derive(Debug)]
pub(crate) struct Finder {
    watch: Watch,
    /// Whether only who listens is looked for.
    listeners_only: bool,
    processes: Processes,
    spaces: Spaces,
    /// By the socket's inode.
    sought: BTreeMap<u64, Sought>,
    /// Sockets whose holder was not found among all processes.
    unseen: BTreeMap<u64, Instant>,
    answers: Vec<(u64, Holder)>,
    particulars: BTreeMap<u32, Particulars>,
    /// Names of accounts that were looked up since the last tick.
    users: BTreeMap<u32, String>,
    connections: BTreeMap<(SocketAddr, SocketAddr), Connection>,
    /// By namespace, transport and place.
    listeners: BTreeMap<(u64, Transport, SocketAddr), (Instant, Arc<Process>)>,
    sampled_until: Instant,
    sample_due: Instant,
    tick_due: Instant,
    fresh_due: Instant,
    sweep_due: Instant,
    /// Processor time when the last one began.
    sweep_began: Duration,
    pause_due: Instant,
    deep_due: Instant,
    sweeps_seen: u64,
}

/// A socket whose holder is looked for.
#[derive(Debug)]
struct Sought {
    /// The flows that it is looked for; none where it is only to be known.
    flows: Vec<Question>,
    /// The namespace that it is in.
    space: u64,
    entry: Entry,
    since: Instant,
    /// After so many sweeps it is settled whether it is found.
    sweeps: u64,
    is_deep: bool,
}

#[derive(Debug)]
struct Particulars {
    inode: Option<u64>,
    at: Instant,
    process: Arc<Process>,
}

/// A connection that was seen although nobody had asked.
#[derive(Debug)]
struct Connection {
    at: Instant,
    inode: u64,
    process: Option<Arc<Process>>,
}

impl Finder {
    /// One with an empty map.
    ///
    /// # Errors
    ///
    /// The system's, where there is no /proc.
    pub(crate) fn new(watch: Watch, listeners_only: bool) -> io::Result<Self> {
        let at = now();
        let mut finder = Self {
            watch,
            listeners_only,
            processes: Processes::new()?,
            spaces: Spaces::new()?,
            sought: BTreeMap::new(),
            unseen: BTreeMap::new(),
            answers: Vec::new(),
            particulars: BTreeMap::new(),
            users: BTreeMap::new(),
            connections: BTreeMap::new(),
            listeners: BTreeMap::new(),
            sampled_until: if listeners_only { at } else { at + SAMPLE_FIRST },
            sample_due: at,
            tick_due: at,
            fresh_due: at,
            sweep_due: at + SWEEP_EVERY,
            sweep_began: Duration::ZERO,
            pause_due: at,
            deep_due: at + DEEP_EVERY,
            sweeps_seen: 0,
        };
        finder.processes.look_for_fresh();
        finder.processes.begin_sweep(Sweep::All);
        Ok(finder)
    }

    /// Whether everything was looked at once.
    pub(crate) fn is_ready(&self) -> bool {
        self.processes.sweeps_done > 0
    }

    /// The answers since this was last called, by flow.
    pub(crate) fn take_answers(&mut self) -> Vec<(u64, Holder)> {
        std::mem::take(&mut self.answers)
    }

    /// All addresses of this machine, where they are others than they were when this was last called.
    pub(crate) fn take_addresses(
        &mut self,
    ) -> Option<std::collections::BTreeSet<std::net::IpAddr>> {
        self.spaces.take_addresses()
    }

    /// Who listens on the watched ports in the own network namespace.
    pub(crate) fn listeners(&mut self) -> Vec<(Transport, SocketAddr, Option<Arc<Process>>)> {
        let waiting = watched_listeners(&self.watch, self.spaces.own());
        let mut found = Vec::new();
        for (_, entry) in waiting {
            let process = self.process_of(entry.inode);
            found.push((entry.transport, entry.local, process));
        }
        found
    }

    /// Takes a question; the answer may be there at once.
    pub(crate) fn ask(&mut self, question: Question) {
        let Question { transport, own, other, .. } = question;
        let seen = self.connections.get(&(own, other)).and_then(|seen| seen.process.clone());
        if let Some(process) = seen.filter(|_| transport == Transport::Tcp) {
            self.sampled_until = now() + SAMPLE_FOR;
            self.answer(&question, process, false);
            return;
        }
        let mut found = None;
        for (inode, space) in self.spaces.of_address(own.ip()) {
            let waiting = space.waiting_at(transport, own);
            let entry = match *waiting {
                [one] => Some(one),
                // Of several that share a port the kernel says which it gave the connection.
                _ => space.find(transport, own, other).or(waiting.first().copied()),
            };
            found = entry.map(|entry| (inode, entry));
            if entry.is_some_and(|entry| entry.inode != 0) {
                break;
            }
        }
        let is_client = found.is_none_or(|(_, entry)| !entry.waits)
            && transport == Transport::Tcp
            && !self.watch.covers(transport, own.port());
        if is_client && !self.listeners_only {
            self.sampled_until = now() + SAMPLE_FOR;
        }
        match found.filter(|(_, entry)| entry.inode != 0) {
            Some((space, entry)) => match self.process_of(entry.inode) {
                Some(process) => self.answer(&question, process, entry.waits),
                None => self.seek(space, entry, Some(question)),
            },
            None => self.ask_memory(question),
        }
    }

    /// The socket is gone, if there was one.
    fn ask_memory(&mut self, question: Question) {
        let Question { flow, transport, own, other } = question;
        // Its holder may be read in a moment.
        if let Some(seen) = self.connections.get(&(own, other))
            && let Some(sought) = self.sought.get_mut(&seen.inode)
        {
            sought.flows.push(question);
            return;
        }
        let places = self.spaces.of_address(own.ip());
        let spaces: Vec<u64> = places.into_iter().map(|(inode, _)| inode).collect();
        let listened = self.listeners.iter().find(|((space, of, local), _)| {
            spaces.contains(space)
                && *of == transport
                && local.port() == own.port()
                && waits_for(*local, own)
        });
        if let Some((_, (_, process))) = listened {
            let process = process.clone();
            self.answer(&question, process, false);
            return;
        }
        let missing = if self.watch.covers(transport, own.port()) {
            ProcessMissing::Nobody
        } else {
            ProcessMissing::Gone
        };
        self.answers.push((flow, Holder::Missing(missing)));
    }

    fn answer(&mut self, question: &Question, process: Arc<Process>, listens: bool) {
        let holder = Holder::Process { process, listens };
        self.answers.push((question.flow, holder));
    }

    fn seek(&mut self, space: u64, entry: Entry, question: Option<Question>) {
        if self.unseen.contains_key(&entry.inode) {
            if let Some(question) = question {
                let holder = self.not_visible(&entry);
                self.answers.push((question.flow, holder));
            }
            return;
        }
        if let Some(sought) = self.sought.get_mut(&entry.inode) {
            if sought.flows.is_empty() && question.is_some() {
                // From now on a sweep is due for it.
                sought.sweeps = sweeps_until_settled(&self.processes);
            }
            sought.flows.extend(question);
            return;
        }
        if self.sought.len() >= SOUGHT_MAX {
            self.answers.extend(
                question
                    .map(|question| (question.flow, Holder::Missing(ProcessMissing::Unanswered))),
            );
            return;
        }
        let sought = Sought {
            flows: question.into_iter().collect(),
            space,
            entry,
            since: now(),
            sweeps: sweeps_until_settled(&self.processes),
            is_deep: false,
        };
        self.sought.insert(entry.inode, sought);
    }

    /// Does some of what is to be done; returns how long there is nothing more to do, unless
    /// somebody asks.
    pub(crate) fn work(&mut self, budget: &mut Budget) -> Duration {
        for _ in 0..STEPS_MAX {
            if !budget.allows() {
                return budget.pause().unwrap_or(TICK_EVERY);
            }
            let at = now();
            if at >= self.tick_due {
                self.tick_due = at + TICK_EVERY;
                self.tick(at);
            }
            // Whoever asks comes first: the rest waits where there is little left.
            if !budget.has_plenty() {
                self.sample_due = self.sample_due.max(at + SAMPLE_EVERY);
                self.sweep_due = self.sweep_due.max(at + TICK_EVERY);
            }
            if at >= self.sample_due && at < self.sampled_until {
                self.sample(at);
            }
            self.schedule(at, budget.used());
            let has_more = self.processes.step();
            self.collect(budget.used());
            if !has_more {
                return self.next_due().saturating_duration_since(now());
            }
        }
        Duration::ZERO
    }

    /// Once in a while, whoever asks.
    fn tick(&mut self, at: Instant) {
        self.processes.look_for_fresh();
        for (space, entry) in watched_listeners(&self.watch, self.spaces.all()) {
            match self.process_of(entry.inode) {
                Some(process) if self.listeners.len() < REMEMBERED_MAX => {
                    self.listeners.insert((space, entry.transport, entry.local), (at, process));
                }
                Some(_) => {}
                None => self.seek(space, entry, None),
            }
        }
        self.listeners.retain(|_, (seen, _)| at.saturating_duration_since(*seen) < REMEMBERED_FOR);
        self.connections.retain(|_, one| at.saturating_duration_since(one.at) < REMEMBERED_FOR);
        self.unseen.retain(|_, since| at.saturating_duration_since(*since) < UNSEEN_FOR);
        let fresh = |one: &Particulars| at.saturating_duration_since(one.at) < REMEMBERED_FOR;
        self.particulars.retain(|_, one| fresh(one));
        self.users.clear();
        self.settle();
    }

    /// Sees connections to watched ports before anybody asks for them, in the own network namespace.
    fn sample(&mut self, at: Instant) {
        let ports: Vec<u16> = self.watch.ports.iter().take(SAMPLED_PORTS_MAX).copied().collect();
        let mut found = Vec::new();
        if let Some((inode, space)) = self.spaces.own() {
            for &port in &ports {
                found.extend(space.clients(port).into_iter().map(|entry| (inode, entry)));
            }
        }
        for (space, entry) in found {
            let Some(remote) = entry.remote.filter(|_| entry.inode != 0) else { continue };
            let ends = (entry.local, remote);
            let is_known = self.connections.get(&ends).is_some_and(|one| one.inode == entry.inode);
            if is_known || self.connections.len() >= REMEMBERED_MAX {
                continue;
            }
            let process = self.process_of(entry.inode);
            if process.is_none() {
                self.seek(space, entry, None);
            }
            self.connections.insert(ends, Connection { at, inode: entry.inode, process });
        }
        let pause = at.elapsed().saturating_mul(SAMPLE_COST).clamp(SAMPLE_EVERY, TICK_EVERY);
        self.sample_due = now() + pause;
    }

    /// Decides what is read next.
    fn schedule(&mut self, at: Instant, used: Duration) {
        if !self.sought.is_empty() {
            self.processes.read_hot();
            if at >= self.fresh_due {
                self.fresh_due = at + FRESH_EVERY;
                self.processes.look_for_fresh();
            }
        }
        if self.processes.is_sweeping() {
            return;
        }
        let wanted = self.sought.values().filter(|one| !one.flows.is_empty());
        let sweep = match wanted.map(|one| one.is_deep).max() {
            Some(is_deep) if at >= self.pause_due => {
                if is_deep {
                    Sweep::All
                } else {
                    Sweep::WithSockets
                }
            }
            Some(_) | None if at >= self.sweep_due => {
                // Also who only is to be known is looked for then.
                if self.sought.is_empty() { Sweep::Changed } else { Sweep::WithSockets }
            }
            Some(_) | None => return,
        };
        self.processes.begin_sweep(sweep);
        self.sweep_began = used;
        self.sweep_due = at + SWEEP_EVERY;
    }

    /// Takes what was read.
    fn collect(&mut self, used: Duration) {
        for pid in std::mem::take(&mut self.processes.fresh) {
            self.spaces.join(pid);
        }
        for (socket, pid) in std::mem::take(&mut self.processes.found) {
            let Some(sought) = self.sought.remove(&socket) else { continue };
            self.processes.note_hot(pid);
            match self.particulars(pid) {
                Some(process) => self.found(&sought, &process),
                // It has ended meanwhile, and its socket may live on in another.
                None => {
                    self.sought.insert(socket, sought);
                }
            }
        }
        if self.processes.sweeps_done != self.sweeps_seen {
            self.sweeps_seen = self.processes.sweeps_done;
            let took = used.saturating_sub(self.sweep_began);
            let idle = took.saturating_mul(IDLE_SWEEP_COST).clamp(SWEEP_EVERY, SWEEP_EVERY_MAX);
            self.sweep_due = now() + idle;
            self.pause_due = now() + took.saturating_mul(SWEEP_COST).max(SWEEP_PAUSE_MIN);
            let processes = &self.processes;
            self.spaces.retain(|pid| processes.is_known(pid));
            self.settle();
        }
    }

    fn found(&mut self, sought: &Sought, process: &Arc<Process>) {
        let entry = sought.entry;
        if let Some(remote) = entry.remote
            && let Some(connection) = self.connections.get_mut(&(entry.local, remote))
        {
            connection.process = Some(Arc::clone(process));
        }
        if entry.waits && self.watch.covers(entry.transport, entry.local.port()) {
            let key = (sought.space, entry.transport, entry.local);
            self.listeners.insert(key, (now(), Arc::clone(process)));
        }
        for question in &sought.flows {
            self.answer(question, Arc::clone(process), entry.waits);
        }
    }

    /// Gives up on those that should have been found: after a sweep, or by their age.
    fn settle(&mut self) {
        let at = now();
        let done = self.processes.sweeps_done;
        let is_over = |one: &Sought| {
            done >= one.sweeps || at.saturating_duration_since(one.since) > SOUGHT_AGE_MAX
        };
        if !self.sought.values().any(is_over) {
            return;
        }
        // One sweep through all descriptors is for all that are looked for.
        let may_deepen = at >= self.deep_due;
        let over: Vec<u64> =
            self.sought.iter().filter(|(_, one)| is_over(one)).map(|(&inode, _)| inode).collect();
        for inode in over {
            let Some(mut sought) = self.sought.remove(&inode) else { continue };
            let is_swept = done >= sought.sweeps;
            // A process may have closed one descriptor and opened another, which does not show.
            if is_swept && !sought.is_deep && !sought.flows.is_empty() && may_deepen {
                self.deep_due = at + DEEP_EVERY;
                sought.is_deep = true;
                sought.sweeps = sweeps_until_settled(&self.processes);
                self.sought.insert(inode, sought);
                continue;
            }
            if is_swept && sought.entry.waits && self.unseen.len() < SOUGHT_MAX {
                self.unseen.insert(inode, at);
            }
            for question in sought.flows {
                let holder = if !is_swept {
                    Holder::Missing(ProcessMissing::Unanswered)
                } else if self.is_there(&question, inode) {
                    self.not_visible(&sought.entry)
                } else {
                    Holder::Missing(ProcessMissing::Gone)
                };
                self.answers.push((question.flow, holder));
            }
        }
    }

    fn is_there(&mut self, question: &Question, inode: u64) -> bool {
        let Question { transport, own, other, .. } = *question;
        self.spaces.of_address(own.ip()).into_iter().any(|(_, space)| {
            space.find(transport, own, other).is_some_and(|entry| entry.inode == inode)
                || space.waiting_at(transport, own).iter().any(|entry| entry.inode == inode)
        })
    }

    /// The socket is there, and its holder cannot be seen.
    fn not_visible(&mut self, entry: &Entry) -> Holder {
        let users = &mut self.users;
        let name = |uid| users.entry(uid).or_insert_with(|| User::name_of(uid)).clone();
        Holder::Missing(ProcessMissing::NotVisible { user: entry.uid.map(name) })
    }

    fn process_of(&mut self, socket: u64) -> Option<Arc<Process>> {
        let pid = self.processes.holder(socket)?;
        self.particulars(pid)
    }

    fn particulars(&mut self, pid: u32) -> Option<Arc<Process>> {
        let inode = self.processes.inode(pid);
        if let Some(known) = self.particulars.get(&pid)
            && known.inode == inode
            && known.at.elapsed() < PARTICULARS_FOR
        {
            return Some(Arc::clone(&known.process));
        }
        let read = shortened(particulars::look_at(pid)?);
        // The same as before is the same object: it is told once.
        let process = match self.particulars.get(&pid) {
            Some(known) if *known.process == read => Arc::clone(&known.process),
            Some(_) | None => Arc::new(read),
        };
        if self.particulars.len() < PARTICULARS_MAX || self.particulars.contains_key(&pid) {
            let known = Particulars { inode, at: now(), process: Arc::clone(&process) };
            self.particulars.insert(pid, known);
        }
        Some(process)
    }

    /// When there is something to do next.
    fn next_due(&self) -> Instant {
        let mut due = self.tick_due.min(self.sweep_due);
        if now() < self.sampled_until {
            due = due.min(self.sample_due);
        }
        if !self.sought.is_empty() {
            due = due.min(self.fresh_due);
            due = self.processes.hot_due().map_or(due, |hot| due.min(hot));
        }
        if self.sought.values().any(|one| !one.flows.is_empty()) {
            due = due.min(self.pause_due);
        }
        due
    }
}

/// Who listens on the watched ports in these namespaces, each with the namespace.
fn watched_listeners<'a>(
    watch: &Watch,
    spaces: impl IntoIterator<Item = (u64, &'a mut Space)>,
) -> Vec<(u64, Entry)> {
    let mut found = Vec::new();
    for (inode, space) in spaces {
        let covers = |entry: &&Entry| watch.covers(entry.transport, entry.local.port());
        found.extend(space.waiting().filter(covers).map(|&entry| (inode, entry)));
    }
    found
}

/// The sweep that is going on may have passed the holder already.
fn sweeps_until_settled(processes: &Processes) -> u64 {
    let more = if processes.is_sweeping() { 2 } else { 1 };
    processes.sweeps_done.saturating_add(more)
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream, UdpSocket};
    use std::process::{Command, Stdio};

    use super::*;

    fn finder(port: u16) -> Finder {
        let watch = Watch { ports: [port].into(), ..Watch::default() };
        let mut finder = Finder::new(watch, false).unwrap();
        while !finder.is_ready() {
            finder.work(&mut plenty());
        }
        finder
    }

    fn plenty() -> Budget {
        // What there is at the start suffices for each call.
        Budget::new(10)
    }

    fn ask(
        finder: &mut Finder,
        transport: Transport,
        own: SocketAddr,
        other: SocketAddr,
    ) -> Holder {
        finder.ask(Question { flow: 7, transport, own, other });
        let until = now() + Duration::from_secs(20);
        loop {
            if let Some((flow, holder)) = finder.take_answers().pop() {
                assert_eq!(flow, 7);
                return holder;
            }
            assert!(now() < until, "no answer");
            std::thread::sleep(finder.work(&mut plenty()).min(Duration::from_millis(5)));
        }
    }

    fn pid(holder: Holder) -> (u32, bool) {
        match holder {
            Holder::Process { process, listens } => (process.pid, listens),
            Holder::Missing(missing) => panic!("{missing:?}"),
        }
    }

    #[test]
    fn both_ends_of_a_connection_are_this_process() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let mut finder = finder(at.port());
        let client = TcpStream::connect(at).unwrap();
        let from = client.local_addr().unwrap();
        let this = std::process::id();
        assert_eq!(pid(ask(&mut finder, Transport::Tcp, at, from)), (this, true));
        assert_eq!(pid(ask(&mut finder, Transport::Tcp, from, at)), (this, false));
        let listeners = finder.listeners();
        let holder = listeners.iter().find(|(_, local, _)| *local == at).unwrap().2.as_ref();
        assert_eq!(holder.unwrap().pid, this);
    }

    #[test]
    fn a_listener_is_the_answer_for_a_moment_after_it_has_gone() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let at = socket.local_addr().unwrap();
        let stranger = "127.0.0.1:9".parse().unwrap();
        let mut finder = finder(at.port());
        assert_eq!(pid(ask(&mut finder, Transport::Udp, at, stranger)).0, std::process::id());
        drop(socket);
        std::thread::sleep(2 * SAMPLE_EVERY);
        assert_eq!(pid(ask(&mut finder, Transport::Udp, at, stranger)).0, std::process::id());
    }

    #[test]
    fn where_nobody_listens_there_is_nobody() {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = socket.local_addr().unwrap();
        drop(socket);
        let stranger = "127.0.0.1:9".parse().unwrap();
        let mut finder = finder(at.port());
        let holder = ask(&mut finder, Transport::Tcp, at, stranger);
        assert_eq!(holder, Holder::Missing(ProcessMissing::Nobody));
        // The other end's socket is gone, as far as it was here.
        let holder = ask(&mut finder, Transport::Tcp, stranger, at);
        assert_eq!(holder, Holder::Missing(ProcessMissing::Gone));
    }

    #[test]
    fn a_connection_of_a_process_that_is_new_is_found_and_remembered() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let mut finder = finder(at.port());
        let script = format!("exec 3<>/dev/tcp/127.0.0.1/{}; read line <&3", at.port());
        let child = Command::new("bash").args(["-c", &script]).stdin(Stdio::null()).spawn();
        let mut child = child.unwrap();
        let (server, from) = listener.accept().unwrap();
        let holder = ask(&mut finder, Transport::Tcp, from, at);
        assert_eq!(pid(holder), (child.id(), false));
        // Asked for again it is seen without being asked for, and known after it has ended.
        while finder.connections.get(&(from, at)).is_none_or(|one| one.process.is_none()) {
            std::thread::sleep(finder.work(&mut plenty()).min(Duration::from_millis(5)));
        }
        drop(server);
        child.wait().unwrap();
        let holder = ask(&mut finder, Transport::Tcp, from, at);
        assert_eq!(pid(holder), (child.id(), false));
    }

    #[test]
    fn all_that_are_looked_for_at_a_time_get_the_same_look_at_everything() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let mut finder = finder(at.port());
        let of = Question { flow: 7, transport: Transport::Tcp, own: at, other: at };
        let (waits, uid, remote) = (true, None, None);
        for inode in 1..=3 {
            let entry = Entry { transport: Transport::Tcp, local: at, remote, waits, uid, inode };
            finder.seek(0, entry, Some(of));
        }
        finder.deep_due = now();
        finder.processes.sweeps_done += 2;
        finder.settle();
        let deep: Vec<bool> = finder.sought.values().map(|one| one.is_deep).collect();
        assert_eq!(deep, [true; 3]);
        // Once: then it is settled.
        finder.processes.sweeps_done += 2;
        finder.settle();
        assert!(finder.sought.is_empty());
        assert_eq!(finder.take_answers().len(), 3);
    }
}
