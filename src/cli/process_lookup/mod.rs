//! Which process of this machine is behind a flow that is captured live.
//!
//! The question is put to a [`helper`] as soon as a flow is new, so that the answer holds after the
//! process has ended. No frame ever waits for it: questions are sent and answers picked up between two
//! batches of frames. Only before the first frame ([`FIRST_MAX`]) and behind the last ([`SETTLED_MAX`])
//! it is waited for, for a moment. An event whose flow is still asked for is held back for a moment
//! ([`HELD_MAX`]), so that most carry their process from the first; an answer that comes later is kept
//! until the flow's own event takes it along.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd as _, OwnedFd};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};

mod findings;
mod helper;
mod line;
mod message;

pub(super) use helper::{TellOwners, start as start_helper};
use line::Line;
use message::{Listener, Owner, PROCESSES_MAX, Reply, Request};

use super::helper_process::Sandboxing;
use super::log;
use crate::capture::live::interfaces;
use crate::clock::now;
use crate::engine::{Observer, Reading};
use crate::host::{self, Question};
use crate::output::ProcessLookups;
use portstory_core::config::PROCESS_LOOKUP_CPU_PERCENT;
use portstory_core::event::{Concern, NewFlow, Process, ProcessMissing};
use portstory_core::internal::judge::ranking;
use portstory_core::{Event, Socket, Transport, Watch};

/// Questions that are open at a time; flows beyond go unasked.
const OPEN_MAX: usize = 4096;

/// How long an event waits for the answer for its flow. Nobody who watches notices so little.
const HELD_MAX: Duration = Duration::from_millis(200);

/// Events that are held back at a time.
const HELD_EVENTS_MAX: usize = 4096;

/// At the end, open questions are waited for as long as this in all.
const SETTLED_MAX: Duration = Duration::from_millis(200);

/// Before the capture begins, the first look at who listens is waited for as long as this.
const FIRST_MAX: Duration = Duration::from_millis(500);

/// Between two looks at who listens on the watched ports.
const LISTENERS_EVERY: Duration = Duration::from_secs(5);

/// How long a listener is the answer for other flows to its end without being asked for again.
const LISTENER_VALID: Duration = Duration::from_secs(1);

/// Services kept for the findings at the end.
const SERVICES_MAX: usize = 1024;

/// Who holds an end, or why that is not known.
type Found = Result<Arc<Process>, ProcessMissing>;

/// A socket that listens, and who holds it, where that could be seen.
type Listening = (Transport, SocketAddr, Option<Arc<Process>>);

/// How processes are looked for.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Looking {
    /// Which processes of this machine to look up
    #[arg(long, value_enum, default_value_t, value_name = "WHICH")]
    processes: Scope,

    /// Limit process lookups to this percentage of one core, not counting the initial scan; lookups
    /// that do not fit are reported
    #[arg(long, value_name = "PERCENT", default_value_t = PROCESS_LOOKUP_CPU_PERCENT, value_parser = clap::value_parser!(u32).range(1..=100))]
    processes_cpu: u32,
}

impl Looking {
    /// Starts to look, while there are rights. Without the helper flows are labelled all the same.
    pub(super) fn start(
        &self,
        watch: &Watch,
        sandboxing: &Sandboxing,
    ) -> Option<Rc<RefCell<ProcessLookup>>> {
        if self.processes == Scope::Off {
            return None;
        }
        let started = ProcessLookup::start(watch, self, sandboxing)
            .inspect_err(|error| tracing::warn!("process lookup is unavailable: {error}"));
        started.ok().map(|owners| Rc::new(RefCell::new(owners)))
    }
}

/// Which processes are looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Scope {
    /// None
    Off,
    /// Those that listen on a watched port
    Listeners,
    /// Those at either end of a flow
    #[default]
    All,
}

/// The replies in a stream that comes in these parts, each in words, or that it is refused; for
/// `fuzz/`, as who takes over the helper may say anything.
pub(super) fn replies_in(parts: &[&[u8]]) -> Result<Vec<String>, String> {
    let mut arrived = line::Arrived::default();
    let mut replies = Vec::new();
    for part in parts {
        arrived.add(part);
        let taken = arrived.take().map_err(|error| error.to_string())?;
        replies.extend(taken.iter().map(|reply| format!("{reply:?}")));
    }
    Ok(replies)
}

/// What is known of the processes behind running flows.
#[derive(Debug)]
pub(super) struct ProcessLookup {
    /// None once it failed.
    line: Option<Line>,
    /// The line's socket once more, for the source to wake by: made before copies are forbidden.
    wakes: Option<OwnedFd>,
    scope: Scope,
    watch: Watch,
    /// Addresses of this machine.
    own: BTreeSet<IpAddr>,
    /// Processes by the numbers that the helper gave them.
    processes: BTreeMap<u32, Arc<Process>>,
    /// Flows that are asked for.
    open: BTreeMap<u64, Open>,
    /// Answers, kept until the flow's own event.
    flows: BTreeMap<u64, Found>,
    /// Events in order, since when they wait.
    held: VecDeque<(Instant, Event)>,
    /// Who listened lately, and when that was told.
    lately: BTreeMap<(Transport, Socket), (Instant, Arc<Process>)>,
    /// Who listened when that was last asked.
    listeners: Vec<Listening>,
    listeners_due: Instant,
    /// Whether the answer to that is still to come.
    awaits_listeners: bool,
    /// Ends here that had traffic, and the best that was found of who holds them.
    services: BTreeMap<(Transport, Socket), Found>,
    /// Ends here that answered although nobody was found to listen.
    unowned: BTreeSet<(Transport, Socket)>,
    counts: ProcessLookups,
}

/// A question that was put.
#[derive(Debug)]
struct Open {
    transport: Transport,
    own: Socket,
    /// The other end, where that is here too and is asked for next.
    next: Option<(Socket, Socket)>,
    /// Why the end that was asked for first has no process.
    missing: Option<ProcessMissing>,
}

impl ProcessLookup {
    /// Starts the helper, while there are rights.
    fn start(watch: &Watch, wanted: &Looking, sandboxing: &Sandboxing) -> io::Result<Self> {
        let scope = wanted.processes;
        let line = Line::new(start_helper(watch, scope, wanted.processes_cpu, sandboxing)?)?;
        let list = interfaces::list().unwrap_or_default();
        let mut owners = Self {
            wakes: Some(line.socket().as_fd().try_clone_to_owned()?),
            line: Some(line),
            scope,
            watch: watch.clone(),
            own: list.iter().flat_map(|it| &it.addresses).map(|one| one.addr).collect(),
            processes: BTreeMap::new(),
            open: BTreeMap::new(),
            flows: BTreeMap::new(),
            held: VecDeque::new(),
            lately: BTreeMap::new(),
            listeners: Vec::new(),
            listeners_due: now(),
            awaits_listeners: false,
            services: BTreeMap::new(),
            unowned: BTreeSet::new(),
            counts: ProcessLookups::default(),
        };
        // Nothing is captured yet, and whoever listens may be gone after one packet.
        owners.look(Vec::new());
        owners.wait(FIRST_MAX);
        Ok(owners)
    }

    /// Becomes readable when there are answers; can be had once.
    pub(super) fn take_wakes(&mut self) -> Option<OwnedFd> {
        self.wakes.take()
    }

    /// Whether answers can still come.
    pub(super) fn is_alive(&self) -> bool {
        self.line.is_some()
    }

    /// Puts the questions for flows that are new, and picks up what has been answered.
    pub(super) fn look(&mut self, flows: Vec<NewFlow>) {
        for flow in flows {
            self.look_for(&flow);
        }
        self.look_around();
        self.exchange();
    }

    /// Asks who listens on the watched ports, now and then.
    fn look_around(&mut self) {
        let Some(line) = self.line.as_mut().filter(|_| now() >= self.listeners_due) else { return };
        self.listeners_due = now() + LISTENERS_EVERY;
        self.awaits_listeners |= line.queue(&Request::Listeners);
    }

    fn look_for(&mut self, flow: &NewFlow) {
        let [a, b] = flow.ends;
        let covers = |end: Socket| self.watch.covers(flow.transport, end.port);
        // On the loopback both ends are here: then the service counts.
        let mut ends = [(a, b), (b, a)];
        if covers(b) && !covers(a) {
            ends.reverse();
        }
        let is_here = |&(own, _): &(Socket, Socket)| {
            (self.own.contains(&own.addr) || own.addr.is_loopback())
                && (self.scope == Scope::All || covers(own))
        };
        let mut ends = ends.into_iter().filter(is_here);
        let Some((own, other)) = ends.next() else { return };
        let next = ends.next();
        if let Some((told, process)) = self.lately.get(&(flow.transport, own))
            && told.elapsed() < LISTENER_VALID
        {
            let process = Arc::clone(process);
            self.counts.asked = self.counts.asked.saturating_add(1);
            self.note(flow.transport, own, &Ok(Arc::clone(&process)));
            self.answered(flow.flow_id, Ok(process));
            return;
        }
        let open = Open { transport: flow.transport, own, next, missing: None };
        let has_room = self.open.len() < OPEN_MAX;
        if has_room && self.put(flow.flow_id, &open, other) {
            self.counts.asked = self.counts.asked.saturating_add(1);
            self.open.insert(flow.flow_id, open);
        } else {
            self.counts.not_asked = self.counts.not_asked.saturating_add(1);
            self.flows.insert(flow.flow_id, Err(ProcessMissing::NotAsked));
        }
    }

    fn put(&mut self, flow: u64, open: &Open, other: Socket) -> bool {
        let (own, other) = (address(open.own), address(other));
        let question = Question { flow, transport: open.transport, own, other };
        self.line.as_mut().is_some_and(|line| line.queue(&Request::Owner(question)))
    }

    fn exchange(&mut self) {
        let Some(line) = &mut self.line else { return };
        match line.send().and_then(|()| line.receive()) {
            Ok(replies) => replies.into_iter().for_each(|reply| self.take(reply)),
            Err(error) => {
                tracing::warn!("process lookup is unavailable from now on: {error}");
                self.line = None;
                self.awaits_listeners = false;
                for (flow, _) in std::mem::take(&mut self.open) {
                    self.counts.unanswered = self.counts.unanswered.saturating_add(1);
                    self.flows.insert(flow, Err(ProcessMissing::Unanswered));
                }
            }
        }
    }

    fn take(&mut self, reply: Reply) {
        match reply {
            Reply::Process { number, process } if number < PROCESSES_MAX => {
                self.processes.insert(number, Arc::new(process));
            }
            Reply::Process { .. } => {}
            Reply::Owner { flow, owner } => self.take_owner(flow, owner),
            Reply::Listeners(listeners) => {
                let known = |one: Listener| {
                    let process = one.process.and_then(|number| self.processes.get(&number));
                    (one.transport, one.local, process.map(Arc::clone))
                };
                self.listeners = listeners.into_iter().map(known).collect();
                self.awaits_listeners = false;
            }
            Reply::Addresses(addresses) => self.own.extend(addresses),
            Reply::Cost { cpu_ms, over_budget_ms } => {
                self.counts.cpu_ms = cpu_ms;
                self.counts.over_budget_ms = over_budget_ms;
            }
        }
    }

    fn take_owner(&mut self, flow: u64, owner: Owner) {
        // Not asked for any more: the flow has ended, and was counted.
        let Some(open) = self.open.remove(&flow) else { return };
        let found = match owner {
            Owner::Process { number, listens } => match self.processes.get(&number) {
                Some(process) => {
                    let process = Arc::clone(process);
                    if listens {
                        self.note_listener(open.transport, open.own, &process);
                    }
                    Ok(process)
                }
                None => Err(ProcessMissing::Unanswered),
            },
            // It may have listened, answered one packet and gone.
            Owner::Missing(missing) => self.listened(open.transport, open.own).ok_or(missing),
        };
        if let (Err(missing), Some((own, other))) = (&found, open.next) {
            self.note(open.transport, open.own, &Err(missing.clone()));
            let missing = Some(missing.clone());
            let next = Open { transport: open.transport, own, next: None, missing };
            if self.put(flow, &next, other) {
                self.open.insert(flow, next);
                return;
            }
        }
        self.note(open.transport, open.own, &found);
        // Of two ends the one of which more is known; the service's, where that is the same.
        let found = found.map_err(|missing| match open.missing {
            Some(first) => first.min(missing),
            None => missing,
        });
        self.answered(flow, found);
    }

    fn note_listener(&mut self, transport: Transport, own: Socket, process: &Arc<Process>) {
        if self.lately.len() >= SERVICES_MAX {
            self.lately.retain(|_, (told, _)| told.elapsed() < LISTENER_VALID);
        }
        if self.lately.len() < SERVICES_MAX {
            self.lately.insert((transport, own), (now(), Arc::clone(process)));
        }
    }

    /// Who listened there when that was last asked.
    fn listened(&self, transport: Transport, own: Socket) -> Option<Arc<Process>> {
        let own = address(own);
        let is_it = |(of, local, _): &&Listening| {
            *of == transport && local.port() == own.port() && host::waits_for(*local, own)
        };
        self.listeners.iter().find(is_it).and_then(|(_, _, process)| process.clone())
    }

    fn answered(&mut self, flow: u64, found: Found) {
        let count = match &found {
            Ok(_) => &mut self.counts.with_process,
            Err(ProcessMissing::Nobody) => &mut self.counts.nobody,
            Err(ProcessMissing::NotVisible { .. }) => &mut self.counts.not_visible,
            Err(ProcessMissing::Gone) => &mut self.counts.gone,
            Err(ProcessMissing::Unanswered) => &mut self.counts.unanswered,
            Err(ProcessMissing::NotAsked) => &mut self.counts.not_asked,
        };
        *count = count.saturating_add(1);
        self.flows.insert(flow, found);
    }

    /// Keeps the best that is known of who holds a watched end.
    fn note(&mut self, transport: Transport, own: Socket, found: &Found) {
        if !self.watch.covers(transport, own.port) {
            return;
        }
        let key = (transport, own);
        let has_room = self.services.len() < SERVICES_MAX;
        match self.services.get_mut(&key) {
            Some(known) => {
                let is_better = match (&*known, found) {
                    (Err(_), Ok(_)) => true,
                    // The less was known, the higher.
                    (Err(known), Err(found)) => found < known,
                    (Ok(_), _) => false,
                };
                if is_better {
                    *known = found.clone();
                }
            }
            None if has_room => {
                self.services.insert(key, found.clone());
            }
            None => {}
        }
    }

    /// Takes events, and gives back those that need not wait for an answer, with their processes, in
    /// order; at the end all of them.
    pub(super) fn admit(&mut self, events: Vec<Event>, is_end: bool) -> Vec<Event> {
        let at = now();
        self.held.extend(events.into_iter().map(|event| (at, event)));
        let mut ready = Vec::new();
        while let Some((since, event)) = self.held.front() {
            let waits = flow_of(event).is_some_and(|flow| self.open.contains_key(&flow))
                && at.saturating_duration_since(*since) < HELD_MAX
                && self.held.len() < HELD_EVENTS_MAX;
            if waits && !is_end {
                break;
            }
            if let Some((_, mut event)) = self.held.pop_front() {
                self.join(&mut event);
                ready.push(event);
            }
        }
        ready
    }

    /// Adds the process to what is said of its flow.
    fn join(&mut self, event: &mut Event) {
        match event {
            Event::Flow(flow) => {
                let found = self.flows.remove(&flow.flow_id);
                let is_late = self.open.remove(&flow.flow_id).is_some();
                if is_late {
                    self.counts.unanswered = self.counts.unanswered.saturating_add(1);
                }
                let unanswered = is_late.then_some(Err(ProcessMissing::Unanswered));
                (flow.process, flow.process_missing) = parts(found.or(unanswered));
                let is_unowned = ranking::concerns(flow).contains(Concern::ListenerWithoutOwner);
                if is_unowned && self.unowned.len() < SERVICES_MAX {
                    self.unowned.insert((flow.transport, flow.server));
                }
            }
            Event::Verdict(verdict) => {
                let flow = &mut verdict.flow;
                let found = self.flows.get(&flow.flow_id).cloned();
                (flow.process, flow.process_missing) = parts(found);
            }
            Event::Endpoint(endpoint) => {
                let key = (endpoint.transport, endpoint.socket);
                (endpoint.process, endpoint.process_missing) =
                    parts(self.services.get(&key).cloned());
                if self.unowned.contains(&key) {
                    endpoint.concerns.insert(Concern::ListenerWithoutOwner);
                }
            }
            Event::Anomaly(_) => {}
        }
    }

    /// Who is behind a flow that is running, as far as that is known.
    pub(super) fn process(&self, flow_id: u64) -> Option<Arc<Process>> {
        self.flows.get(&flow_id).and_then(|found| found.as_ref().ok()).map(Arc::clone)
    }

    /// At the end: waits a moment for what is still open.
    pub(super) fn settle(&mut self) {
        self.listeners_due = now();
        self.look(Vec::new());
        self.wait(SETTLED_MAX);
    }

    fn wait(&mut self, most: Duration) {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let until = now() + most;
        while !self.open.is_empty() || self.awaits_listeners {
            let left = until.saturating_duration_since(now());
            let Some(line) = self.line.as_ref().filter(|_| !left.is_zero()) else { break };
            let mut waiting = [PollFd::new(line.socket(), PollFlags::IN)];
            // A failure is a signal: the time goes on.
            let _ = poll(&mut waiting, Timespec::try_from(left).ok().as_ref());
            self.exchange();
        }
    }

    /// How far looking for processes has come, as more of a sentence.
    pub(super) fn progress(&self) -> String {
        format!(
            "; processes found for {} of {} flows, {} lookups open",
            self.counts.with_process,
            self.counts.asked.saturating_add(self.counts.not_asked),
            self.open.len()
        )
    }
}

/// Holds events back until it is known who is behind their flows.
pub(super) struct Lookups {
    pub(super) owners: Rc<RefCell<ProcessLookup>>,
    /// Whether the findings are said here: what is written has no place for them.
    pub(super) says: bool,
}

impl Observer for Lookups {
    fn begin(&mut self, reading: &mut Reading<'_>) {
        reading.source.wake_also(self.owners.borrow_mut().take_wakes());
    }

    /// Flows that are new are asked after at once: their processes may not last.
    fn batch(&mut self, reading: &mut Reading<'_>) {
        let mut owners = self.owners.borrow_mut();
        let was_alive = owners.is_alive();
        if was_alive || reading.is_end {
            owners.look(reading.classifier.take_new_flows());
        }
        if reading.is_end {
            owners.settle();
        } else if was_alive && !owners.is_alive() {
            // What has ended would be a reason to wake for ever.
            reading.source.wake_also(None);
        }
        reading.events = owners.admit(std::mem::take(&mut reading.events), reading.is_end);
    }

    fn finish(&mut self, reading: &mut Reading<'_>) {
        let owners = self.owners.borrow();
        reading.summary.processes = Some(owners.counts.clone());
        for finding in owners.findings() {
            if self.says {
                log::say(&finding);
            }
            reading.summary.note(finding);
        }
    }
}

fn flow_of(event: &Event) -> Option<u64> {
    match event {
        Event::Flow(flow) => Some(flow.flow_id),
        Event::Verdict(verdict) => Some(verdict.flow.flow_id),
        Event::Endpoint(_) | Event::Anomaly(_) => None,
    }
}

fn parts(found: Option<Found>) -> (Option<Arc<Process>>, Option<ProcessMissing>) {
    match found {
        Some(Ok(process)) => (Some(process), None),
        Some(Err(missing)) => (None, Some(missing)),
        None => (None, None),
    }
}

fn address(socket: Socket) -> SocketAddr {
    SocketAddr::new(socket.addr, socket.port)
}
