//! Which process holds which socket: a map that is kept, and brought up to date a little at a time.
//!
//! What a process holds is read from `/proc/PID/fd`, which is dear. So a sweep asks of each process
//! only whether it is the one that it was and how many descriptors it has, which one look at the
//! folder tells (its inode, and since Linux 6.2 its size), and reads the descriptors of those that
//! are new or changed. Descriptors that were exchanged for others without a change in their number
//! are found because processes with sockets are always read again when somebody is looked for.
//!
//! All work comes in steps of well under a millisecond, so that the caller can stop in between.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags, RawDir, openat, readlinkat_raw, statat};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::clock::now;

/// Looks at a process after the first one, a sweep each, in which it is also asked where it is.
const YOUNG_LOOKS: u8 = 3;

/// Bytes of directory entries that are read in one step: about 80 descriptors.
const ENTRIES_BYTES: usize = 2048;

/// Processes that a sweep looks at in one step.
const STEP_PROCESSES: usize = 32;

/// Numbers of new processes that are tried one by one: beyond, a sweep finds them.
const FRESH_MAX: u32 = 256;

/// Processes that were the answer lately, which are read again first.
const HOT_MAX: usize = 8;

/// A hot process is read again at most so often, and at most for a hundredth of the time.
const HOT_EVERY: Duration = Duration::from_millis(60);
const HOT_COST: u32 = 100;
const HOT_EVERY_MAX: Duration = Duration::from_secs(1);

/// All processes, and the sockets of those that may be looked into.
#[derive(Debug)]
pub(super) struct Processes {
    proc: OwnedFd,
    known: BTreeMap<u32, Known>,
    holders: HashMap<u64, u32>,
    /// Processes that a sweep has still to look at.
    to_look: VecDeque<u32>,
    /// Processes that are read, the first of them now.
    to_read: VecDeque<u32>,
    reading: Option<Reading>,
    hot: VecDeque<Hot>,
    /// The number of the process that was started last, when that was last asked.
    last_pid: Option<u32>,
    sweep: Option<Sweep>,
    /// Sweeps that came to their end.
    pub(super) sweeps_done: u64,
    /// New processes, and again those that still are young, for whoever wants to know where they are.
    pub(super) fresh: Vec<u32>,
    /// Sockets that were found to be held since this was last emptied.
    pub(super) found: Vec<(u64, u32)>,
}

#[derive(Debug)]
struct Known {
    /// The inode of its folder of descriptors: another one is another process.
    inode: u64,
    /// Descriptors, as that folder's size tells; 0 before Linux 6.2.
    descriptors: i64,
    sockets: Vec<u64>,
    /// Whether its descriptors may be read.
    readable: bool,
    /// How often it was looked at since it was new, as far as that matters.
    looks: u8,
}

impl Known {
    /// A process that is to run in a network namespace of its own mostly goes there at its very start,
    /// which may be after the first look at it.
    const fn is_young(&self) -> bool {
        self.looks < YOUNG_LOOKS
    }
}

#[derive(Debug)]
struct Reading {
    pid: u32,
    folder: OwnedFd,
    sockets: Vec<u64>,
    since: Instant,
}

#[derive(Debug)]
struct Hot {
    pid: u32,
    due: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sweep {
    /// What is new or changed.
    Changed,
    /// And whatever has sockets.
    WithSockets,
    /// Everything.
    All,
}

impl Processes {
    pub(super) fn new() -> std::io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self {
            proc: openat(CWD, c"/proc", flags, Mode::empty())?,
            known: BTreeMap::new(),
            holders: HashMap::new(),
            to_look: VecDeque::new(),
            to_read: VecDeque::new(),
            reading: None,
            hot: VecDeque::new(),
            last_pid: None,
            sweep: None,
            sweeps_done: 0,
            fresh: Vec::new(),
            found: Vec::new(),
        })
    }

    /// Who holds this socket, as far as is known, and still is the process that it was.
    pub(super) fn holder(&mut self, socket: u64) -> Option<u32> {
        let pid = *self.holders.get(&socket)?;
        let inode = self.known.get(&pid)?.inode;
        if self.look_at(pid).is_some_and(|now| now.inode == inode) {
            return Some(pid);
        }
        self.forget(pid);
        None
    }

    /// The inode of a process's folder of descriptors: it tells one from another with the same number.
    pub(super) fn inode(&self, pid: u32) -> Option<u64> {
        self.known.get(&pid).map(|known| known.inode)
    }

    pub(super) fn is_known(&self, pid: u32) -> bool {
        self.known.contains_key(&pid)
    }

    /// This process was the answer: it may be again.
    pub(super) fn note_hot(&mut self, pid: u32) {
        if self.hot.iter().any(|hot| hot.pid == pid) {
            return;
        }
        if self.hot.len() >= HOT_MAX {
            self.hot.pop_front();
        }
        self.hot.push_back(Hot { pid, due: now() });
    }

    /// Has the processes read that were the answer lately, where that is due.
    pub(super) fn read_hot(&mut self) {
        let at = now();
        for hot in &self.hot {
            if hot.due <= at && !self.to_read.contains(&hot.pid) {
                self.to_read.push_front(hot.pid);
            }
        }
        for hot in &mut self.hot {
            if hot.due <= at {
                hot.due = at + HOT_EVERY;
            }
        }
    }

    /// When the next hot process is due.
    pub(super) fn hot_due(&self) -> Option<Instant> {
        self.hot.iter().map(|hot| hot.due).min()
    }

    /// Has those processes looked at that were started since this was last called: their numbers
    /// follow on each other.
    pub(super) fn look_for_fresh(&mut self) {
        let Some(last) = last_pid() else { return };
        let before = self.last_pid.replace(last).unwrap_or(last);
        if last > before && last.saturating_sub(before) <= FRESH_MAX {
            // Before the rest of a sweep.
            let started = (before..=last).skip(1).filter(|&number| is_process(number));
            started.for_each(|pid| self.to_look.push_front(pid));
        }
    }

    pub(super) fn is_sweeping(&self) -> bool {
        self.sweep.is_some()
    }

    /// Begins to look at all processes.
    pub(super) fn begin_sweep(&mut self, sweep: Sweep) {
        let Ok(folder) = Dir::read_from(&self.proc) else { return };
        let number = |name: &std::ffi::CStr| name.to_str().ok()?.parse::<u32>().ok();
        let pids: Vec<u32> =
            folder.flatten().filter_map(|entry| number(entry.file_name())).collect();
        let gone: Vec<u32> =
            self.known.keys().copied().filter(|pid| pids.binary_search(pid).is_err()).collect();
        // They are listed in order; a thread that was taken for a process is not among them.
        gone.into_iter().for_each(|pid| self.forget(pid));
        self.to_look.extend(pids);
        self.sweep = Some(sweep);
    }

    /// Does a little of what is to be done. Whether there is more.
    pub(super) fn step(&mut self) -> bool {
        if self.reading.is_some() {
            self.read_on();
        } else if let Some(pid) = self.to_read.pop_front() {
            self.begin_reading(pid);
        } else if !self.to_look.is_empty() {
            for _ in 0..STEP_PROCESSES {
                let Some(pid) = self.to_look.pop_front() else { break };
                self.look(pid);
            }
        } else if self.sweep.take().is_some() {
            self.sweeps_done = self.sweeps_done.saturating_add(1);
        }
        self.reading.is_some()
            || !self.to_read.is_empty()
            || !self.to_look.is_empty()
            || self.sweep.is_some()
    }

    fn look(&mut self, pid: u32) {
        let Some(now) = self.look_at(pid) else {
            self.forget(pid);
            return;
        };
        let sweep = self.sweep.unwrap_or(Sweep::Changed);
        let (is_new, wants_reading) = match self.known.get(&pid) {
            Some(known) if known.inode == now.inode => {
                let changed = known.descriptors != now.descriptors;
                let again = match sweep {
                    Sweep::Changed => false,
                    Sweep::WithSockets => !known.sockets.is_empty() || known.descriptors == 0,
                    Sweep::All => true,
                };
                (false, known.readable && (changed || again))
            }
            Some(_) | None => (true, true),
        };
        if is_new {
            self.forget(pid);
            self.known.insert(pid, now);
            self.fresh.push(pid);
        } else if let Some(known) = self.known.get_mut(&pid).filter(|known| known.is_young()) {
            known.looks = known.looks.saturating_add(1);
            self.fresh.push(pid);
        }
        if wants_reading {
            self.to_read.push_back(pid);
        }
    }

    /// What one look at its folder tells.
    fn look_at(&self, pid: u32) -> Option<Known> {
        let stat = statat(&self.proc, format!("{pid}/fd"), AtFlags::empty()).ok()?;
        Some(Known {
            inode: stat.st_ino,
            descriptors: stat.st_size,
            sockets: Vec::new(),
            readable: true,
            looks: 0,
        })
    }

    fn begin_reading(&mut self, pid: u32) {
        let Some(now_known) = self.look_at(pid) else {
            self.forget(pid);
            return;
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = openat(&self.proc, format!("{pid}/fd"), flags, Mode::empty());
        let known = self.known.entry(pid).or_insert_with(|| Known { ..now_known });
        known.descriptors = now_known.descriptors;
        match folder {
            Ok(folder) => {
                self.reading = Some(Reading { pid, folder, sockets: Vec::new(), since: now() });
            }
            Err(_) => known.readable = false,
        }
    }

    fn read_on(&mut self) {
        let Some(reading) = &mut self.reading else { return };
        let mut buffer = [MaybeUninit::uninit(); ENTRIES_BYTES];
        let mut entries = RawDir::new(reading.folder.as_fd(), &mut buffer);
        let mut is_end = true;
        while let Some(Ok(entry)) = entries.next() {
            is_end = false;
            if let Some(socket) = socket_at(&reading.folder, entry.file_name()) {
                reading.sockets.push(socket);
            }
            if entries.is_buffer_empty() {
                break;
            }
        }
        if is_end {
            self.end_reading();
        }
    }

    fn end_reading(&mut self) {
        let Some(Reading { pid, mut sockets, since, .. }) = self.reading.take() else { return };
        if let Some(hot) = self.hot.iter_mut().find(|hot| hot.pid == pid) {
            hot.due =
                now() + since.elapsed().saturating_mul(HOT_COST).clamp(HOT_EVERY, HOT_EVERY_MAX);
        }
        let Some(known) = self.known.get_mut(&pid) else { return };
        sockets.sort_unstable();
        for gone in known.sockets.iter().filter(|one| sockets.binary_search(one).is_err()) {
            if self.holders.get(gone) == Some(&pid) {
                self.holders.remove(gone);
            }
        }
        for &socket in &sockets {
            // Of several that share it the lowest number, which is mostly the one that opened it.
            let holder = self.holders.entry(socket).or_insert(pid);
            *holder = pid.min(*holder);
            self.found.push((socket, pid));
        }
        known.sockets = sockets;
    }

    fn forget(&mut self, pid: u32) {
        let Some(known) = self.known.remove(&pid) else { return };
        for socket in known.sockets {
            if self.holders.get(&socket) == Some(&pid) {
                self.holders.remove(&socket);
            }
        }
        self.hot.retain(|hot| hot.pid != pid);
    }
}

/// The socket that a descriptor is: its link reads `socket:[INODE]` (proc_pid_fd(5)).
fn socket_at(folder: &OwnedFd, name: &std::ffi::CStr) -> Option<u64> {
    let mut buffer = [0_u8; 40];
    let (link, _) = readlinkat_raw(folder, name, &mut buffer)
        .ok()
        .map(|len| buffer.split_at_checked(len))??;
    let digits = link.strip_prefix(b"socket:[")?.strip_suffix(b"]")?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Whether it is a process's number: threads have theirs from the same row, and a folder in /proc too.
fn is_process(number: u32) -> bool {
    let pid = i32::try_from(number).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| pidfd_open(pid, PidfdFlags::empty()).is_ok())
}

/// The last field of /proc/loadavg (proc_loadavg(5)).
fn last_pid() -> Option<u32> {
    let text = std::fs::read_to_string("/proc/loadavg").ok()?;
    text.split_whitespace().last()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::process::{Command, Stdio};

    use super::*;

    fn sweep(processes: &mut Processes, sweep: Sweep) {
        processes.begin_sweep(sweep);
        while processes.step() {}
    }

    fn inode(socket: &TcpListener) -> u64 {
        rustix::fs::fstat(socket).unwrap().st_ino
    }

    #[test]
    fn sockets_are_found_when_they_come_and_forgotten_when_they_go() {
        let mut processes = Processes::new().unwrap();
        sweep(&mut processes, Sweep::Changed);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let socket = inode(&listener);
        assert_eq!(processes.holder(socket), None);
        // Other tests open and close descriptors, too: the number may be what it was.
        sweep(&mut processes, Sweep::WithSockets);
        assert_eq!(processes.holder(socket), Some(std::process::id()));
        drop(listener);
        sweep(&mut processes, Sweep::WithSockets);
        assert_eq!(processes.holder(socket), None);
        assert_eq!(processes.sweeps_done, 3);
    }

    #[test]
    fn a_process_that_starts_and_ends_is_seen_without_a_look_at_all() {
        let mut processes = Processes::new().unwrap();
        processes.look_for_fresh();
        let mut child = Command::new("sleep").arg("60").stdin(Stdio::null()).spawn().unwrap();
        let pid = child.id();
        let seen = (0..100).any(|_| {
            processes.look_for_fresh();
            while processes.step() {}
            std::thread::sleep(Duration::from_millis(5));
            processes.is_known(pid)
        });
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(seen, "{pid}");
        sweep(&mut processes, Sweep::Changed);
        assert!(!processes.is_known(pid));
    }

    #[test]
    fn a_thread_is_no_process() {
        let (sender, receiver) = std::sync::mpsc::channel::<()>();
        let alive = std::thread::spawn(move || receiver.recv());
        let number = std::fs::read_dir("/proc/self/task").unwrap().flatten();
        let numbers: Vec<u32> = number
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter(|&number| number != std::process::id())
            .collect();
        assert!(is_process(std::process::id()) && !numbers.is_empty());
        assert!(numbers.into_iter().all(|number| !is_process(number)));
        drop(sender);
        let _ = alive.join();
    }

    #[test]
    fn a_hot_process_is_read_again_although_nothing_seems_changed() {
        let mut processes = Processes::new().unwrap();
        sweep(&mut processes, Sweep::Changed);
        processes.note_hot(std::process::id());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        processes.read_hot();
        while processes.step() {}
        assert_eq!(processes.holder(inode(&listener)), Some(std::process::id()));
        assert!(processes.hot_due().unwrap() > now());
    }
}
