//! The process that looks into other processes when this one no longer can.
//!
//! It is an [helper process](crate::cli::helper_process). A request has a fixed length and asks one of two things: of which process a
//! socket is, and who listens on the watched ports, which were settled by the command line. Anything
//! else ends the helper, and so does the end of the process that asks. How it looks is
//! [`crate::host::Finder`]'s; here is what it may take: questions are only read while there is processor
//! time left to it ([`Budget`]), and answers that nobody takes stop it.

use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::message::{
    Listener, Owner, PROCESSES_MAX, REPLY_BYTES_MAX, REQUEST_BYTES, Reply, Request,
};
use super::{Scope, line};
use crate::cli::helper_process::{self, HelperProcess, Inside, Sandboxing};
use crate::cli::{Outcome, Ports};
use crate::host::{Budget, Finder, Holder};
use crate::sandbox::Task;
use portstory_core::Watch;
use portstory_core::config::PROCESS_LOOKUP_CPU_PERCENT;
use portstory_core::event::Process;

/// The hidden command's name.
const COMMAND: &str = "__tell-owners";

/// Listeners told in one reply.
const LISTENERS_MAX: usize = 256;

/// Bytes of requests that are read at a time.
const READ_BYTES_MAX: usize = 64 * REQUEST_BYTES;

/// Starts the helper, which may take so many percent of a core.
pub(in crate::cli) fn start(
    watch: &Watch,
    scope: Scope,
    percent: u32,
    sandboxing: &Sandboxing,
) -> io::Result<HelperProcess> {
    let arguments = |command: &mut Command| {
        for port in &watch.ports {
            command.arg("--port").arg(port.to_string());
        }
        let (low, high) = (watch.framehawk.start(), watch.framehawk.end());
        command.arg("--framehawk-range").arg(format!("{low}-{high}"));
        command.arg("--percent").arg(percent.to_string());
        if scope == Scope::Listeners {
            command.arg("--listeners-only");
        }
    };
    HelperProcess::start(COMMAND, Duration::from_secs(1), sandboxing, arguments, |_| Ok(()))
}

/// The helper's side.
#[derive(Debug, Args)]
pub(in crate::cli) struct TellOwners {
    #[command(flatten)]
    ports: Ports,

    #[arg(long)]
    listeners_only: bool,

    #[arg(long, default_value_t = PROCESS_LOOKUP_CPU_PERCENT)]
    percent: u32,

    #[command(flatten)]
    inside: Inside,
}

impl TellOwners {
    pub(in crate::cli) fn run(&self) -> Outcome {
        helper_process::serving("the process that looks for processes", |socket| {
            self.serve(&socket)
        })
    }

    fn serve(&self, socket: &UnixStream) -> io::Result<()> {
        let finder = Finder::new(self.ports.watch(None), self.listeners_only)?;
        // What is said of the rights fits into the socket.
        socket.set_nonblocking(true)?;
        self.inside.enter(socket, Task::Look, self.inside.account())?;
        let mut server = Server {
            socket,
            finder,
            budget: Budget::new(self.percent),
            arrived: Vec::new(),
            leaving: Vec::new(),
            wants_listeners: false,
            numbers: Numbers::default(),
        };
        while server.turn()? {}
        Ok(())
    }
}

struct Server<'a> {
    socket: &'a UnixStream,
    finder: Finder,
    budget: Budget,
    /// A request that has come in part.
    arrived: Vec<u8>,
    /// Replies that the socket did not take yet.
    leaving: Vec<u8>,
    wants_listeners: bool,
    numbers: Numbers,
}

/// The processes that were told, each with its number.
#[derive(Default)]
struct Numbers {
    by_pid: BTreeMap<u32, (u32, Arc<Process>)>,
    next: u32,
}

impl Numbers {
    /// The process's number; tells it first where it was not.
    fn tell(&mut self, process: &Arc<Process>, replies: &mut Vec<Reply>) -> u32 {
        if let Some((number, known)) = self.by_pid.get(&process.pid)
            && (Arc::ptr_eq(known, process) || known == process)
        {
            return *number;
        }
        let number = self.next;
        self.next = self.next.wrapping_add(1).checked_rem(PROCESSES_MAX).unwrap_or(0);
        // Whoever had it before needs another one.
        self.by_pid.retain(|_, (of, _)| *of != number);
        self.by_pid.insert(process.pid, (number, Arc::clone(process)));
        replies.push(Reply::Process { number, process: Process::clone(process) });
        number
    }
}

impl Server<'_> {
    /// Works, replies, waits and reads. Whether the other side is still there.
    fn turn(&mut self) -> io::Result<bool> {
        let idle = self.finder.work(&mut self.budget);
        self.reply();
        self.send()?;
        let (allows, idle) = rest(&mut self.budget, idle);
        let reads = allows && self.leaving.len() < REPLY_BYTES_MAX;
        let mut events = PollFlags::empty();
        events.set(PollFlags::IN, reads);
        events.set(PollFlags::OUT, !self.leaving.is_empty());
        let mut waiting = [PollFd::new(self.socket, events)];
        // A failure is a signal, or a lack of memory that may be over the next time.
        let _ = poll(&mut waiting, Timespec::try_from(idle).ok().as_ref());
        let [waited] = waiting;
        let returned = waited.revents();
        if returned.contains(PollFlags::IN) {
            return self.read();
        }
        Ok(!returned.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL))
    }

    /// Takes requests; not more than one read gives, so that work and questions take turns.
    fn read(&mut self) -> io::Result<bool> {
        let mut buffer = [0; READ_BYTES_MAX];
        match (&mut &*self.socket).read(&mut buffer) {
            Ok(0) => return Ok(false),
            Ok(len) => self.arrived.extend(buffer.iter().take(len)),
            Err(error) if is_passing(&error) => return Ok(true),
            Err(error) => return Err(error),
        }
        let arrived = std::mem::take(&mut self.arrived);
        let mut rest = &*arrived;
        while let Some((request, behind)) = rest.split_first_chunk::<REQUEST_BYTES>() {
            match Request::read(request).ok_or_else(helper_process::not_listed)? {
                Request::Listeners => self.wants_listeners = true,
                Request::Owner(question) => self.finder.ask(question),
            }
            rest = behind;
        }
        self.arrived = rest.to_vec();
        Ok(true)
    }

    fn reply(&mut self) {
        let mut replies: Vec<Reply> = Vec::new();
        for (flow, holder) in self.finder.take_answers() {
            let owner = match holder {
                Holder::Process { process, listens } => {
                    let number = self.numbers.tell(&process, &mut replies);
                    Owner::Process { number, listens }
                }
                Holder::Missing(missing) => Owner::Missing(missing),
            };
            replies.push(Reply::Owner { flow, owner });
        }
        if self.wants_listeners && self.finder.is_ready() {
            self.wants_listeners = false;
            replies.extend(self.finder.take_addresses().map(Reply::Addresses));
            let mut listeners = Vec::new();
            for (transport, local, process) in
                self.finder.listeners().into_iter().take(LISTENERS_MAX)
            {
                let number = process.map(|process| self.numbers.tell(&process, &mut replies));
                listeners.push(Listener { transport, local, process: number });
            }
            replies.push(Reply::Listeners(listeners));
            replies.push(self.cost());
        }
        // What is too long is as if it were not there.
        replies.iter().filter_map(Reply::bytes).for_each(|bytes| self.leaving.extend(bytes));
    }

    fn cost(&self) -> Reply {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Reply::Cost {
            cpu_ms: millis(self.budget.used()),
            over_budget_ms: millis(self.budget.over()),
        }
    }

    fn send(&mut self) -> io::Result<()> {
        match line::send(self.socket, &mut self.leaving) {
            // Who asked has gone, which the next turn sees.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => self.leaving.clear(),
            sent => sent?,
        }
        Ok(())
    }
}

/// Whether there is processor time for questions, and how long to wait where nothing comes: where there
/// is none, until there is some again, as questions wait meanwhile.
fn rest(budget: &mut Budget, idle: Duration) -> (bool, Duration) {
    let allows = budget.allows();
    let pause = budget.pause().filter(|_| !allows);
    (allows, pause.map_or(idle, |pause| idle.min(pause)))
}

fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_wait_for_the_budget_and_not_for_what_is_due_next() {
        let idle = Duration::from_secs(3600);
        let mut budget = Budget::new(5);
        assert_eq!(rest(&mut budget, idle), (true, idle));
        // What there is at the start is used up.
        while budget.allows() {}
        let (allows, wait) = rest(&mut budget, idle);
        assert!(allows || wait < Duration::from_secs(60), "{wait:?}");
    }

    #[test]
    fn a_process_is_told_once_and_again_when_it_changes_or_its_number_goes_to_another() {
        let mut numbers = Numbers::default();
        let mut told = Vec::new();
        let process = |pid, name: &str| {
            Arc::new(Process { pid, name: name.to_owned(), ..Process::default() })
        };
        assert_eq!(numbers.tell(&process(7, "a"), &mut told), 0);
        assert_eq!(numbers.tell(&process(7, "a"), &mut told), 0);
        assert_eq!(told.len(), 1);
        assert_eq!(numbers.tell(&process(7, "b"), &mut told), 1);
        for pid in 8..8 + PROCESSES_MAX {
            numbers.tell(&process(pid, "c"), &mut told);
        }
        assert!(numbers.by_pid.len() <= usize::try_from(PROCESSES_MAX).unwrap());
        let before = told.len();
        numbers.tell(&process(7, "b"), &mut told);
        assert_eq!(told.len(), before + 1);
    }
}
