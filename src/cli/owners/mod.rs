//! Which process of this machine is behind a flow that is captured live.
//!
//! The question is put to a [`helper`] as soon as a flow is new, so that the answer holds after the
//! process has ended. What was found is kept until the flow's own event takes it along. Looking takes
//! a few milliseconds while frames wait in the ring, so that a flood of flows goes unasked.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

mod helper;

pub(super) use helper::TellOwners;
use helper::{Helper, Listener};

use crate::capture::live::interfaces;
use crate::config::Watch;
use crate::event::{Event, NewFlow, Process, Socket};
use crate::host;
use crate::identify::Transport;

/// Questions in a second, at most: of 10 ms each they take a tenth of the time.
const QUESTIONS_PER_SECOND: u32 = 10;

/// Between two looks at who waits on the watched ports.
const LISTENERS_EVERY: Duration = Duration::from_secs(5);

/// Services kept for the findings at the end.
const SERVICES_MAX: usize = 1024;

/// What is known of the processes behind running flows.
#[derive(Debug)]
pub(super) struct Owners {
    /// None once it failed.
    helper: Option<Helper>,
    watch: Watch,
    /// Addresses of this machine.
    own: BTreeSet<IpAddr>,
    flows: BTreeMap<u64, Arc<Process>>,
    /// Who waited lately: a process may answer one packet and be gone before that packet is seen here.
    listeners: Vec<Listener>,
    listeners_due: Instant,
    /// Ends here that had traffic, and whether somebody was found to hold them.
    services: BTreeMap<(Transport, Socket), bool>,
    left: u32,
    refill_at: Instant,
}

impl Owners {
    /// Starts the helper, while there are rights.
    pub(super) fn start(watch: &Watch) -> io::Result<Self> {
        let list = interfaces::list().unwrap_or_default();
        let mut owners = Self {
            helper: Some(Helper::start(watch)?),
            watch: watch.clone(),
            own: list.into_iter().flat_map(|interface| interface.addresses).collect(),
            flows: BTreeMap::new(),
            listeners: Vec::new(),
            listeners_due: now(),
            services: BTreeMap::new(),
            left: QUESTIONS_PER_SECOND,
            refill_at: now(),
        };
        owners.look_around();
        Ok(owners)
    }

    /// Asks who waits on the watched ports, now and then.
    pub(super) fn look_around(&mut self) {
        if now() < self.listeners_due {
            return;
        }
        self.listeners_due = now() + LISTENERS_EVERY;
        if let Some(found) = self.helper.as_ref().and_then(|helper| helper.listeners().ok()) {
            self.listeners = found;
        }
    }

    /// Who waited there when it was last asked.
    fn waited(&self, transport: Transport, own: SocketAddr) -> Option<Process> {
        let at = |(of, local, _): &&Listener| {
            *of == transport && local.port() == own.port() && host::waits_for(*local, own)
        };
        self.listeners.iter().find(at).and_then(|(_, _, process)| process.clone())
    }

    /// Asks for the process behind a flow that is new.
    pub(super) fn look(&mut self, flow: &NewFlow) {
        let [a, b] = flow.ends;
        let covers = |watch: &Watch, end: Socket| watch.covers(flow.transport, end.port);
        // On the loopback both ends are here: then the service counts.
        let mut ends = [(a, b), (b, a)];
        if covers(&self.watch, b) && !covers(&self.watch, a) {
            ends.reverse();
        }
        for (own, other) in ends {
            let is_here = self.own.contains(&own.addr) || own.addr.is_loopback();
            if !is_here || !self.may_ask() {
                continue;
            }
            let process = self.ask(flow.transport, own, other);
            let process = process.or_else(|| self.waited(flow.transport, address(own)));
            if covers(&self.watch, own) && self.helper.is_some() {
                self.note(flow.transport, own, process.is_some());
            }
            if let Some(process) = process {
                self.flows.insert(flow.flow_id, Arc::new(process));
                return;
            }
        }
    }

    fn ask(&mut self, transport: Transport, own: Socket, other: Socket) -> Option<Process> {
        match self.helper.as_ref()?.owner(transport, address(own), address(other)) {
            Ok(process) => process,
            Err(error) => {
                tracing::warn!("the processes behind flows stay unknown from now on: {error}");
                self.helper = None;
                None
            }
        }
    }

    fn note(&mut self, transport: Transport, own: Socket, found: bool) {
        let key = (transport, own);
        if self.services.len() < SERVICES_MAX || self.services.contains_key(&key) {
            *self.services.entry(key).or_default() |= found;
        }
    }

    fn may_ask(&mut self) -> bool {
        if now() >= self.refill_at {
            self.refill_at = now() + Duration::from_secs(1);
            self.left = QUESTIONS_PER_SECOND;
        }
        let may = self.left > 0;
        self.left = self.left.saturating_sub(1);
        may
    }

    /// Adds the process to what is said of its flow.
    pub(super) fn join(&mut self, event: &mut Event) {
        match event {
            Event::Flow(flow) => flow.process = self.flows.remove(&flow.flow_id),
            Event::Verdict(verdict) => {
                verdict.process = self.flows.get(&verdict.flow_id).map(Arc::clone);
            }
            Event::Endpoint(_) | Event::Anomaly(_) => {}
        }
    }

    /// Who is behind a flow that is running, as far as that is known.
    pub(super) fn process(&self, flow_id: u64) -> Option<Arc<Process>> {
        self.flows.get(&flow_id).map(Arc::clone)
    }

    /// What does not fit together at the end: traffic that nobody here waits for, and who waits
    /// without any.
    pub(super) fn findings(&self) -> Vec<String> {
        let mut findings = Vec::new();
        for ((transport, socket), found) in &self.services {
            if !found {
                findings.push(format!(
                    "traffic to {} on this machine, where no process was seen to listen",
                    name(*transport, address(*socket))
                ));
            }
        }
        let listeners = self.helper.as_ref().and_then(|helper| helper.listeners().ok());
        for (transport, local, process) in listeners.into_iter().flatten() {
            let had_traffic = self.services.keys().any(|(of, socket)| {
                *of == transport
                    && socket.port == local.port()
                    && (local.ip().is_unspecified() || local.ip() == socket.addr)
            });
            if !had_traffic {
                let holder = process
                    .map_or("a process that cannot be seen".to_owned(), |process| {
                        format!("{} (PID {})", process.name, process.pid)
                    });
                findings.push(format!(
                    "{holder} listens on {} and had no traffic in this capture",
                    name(transport, local)
                ));
            }
        }
        findings
    }
}

fn address(socket: Socket) -> SocketAddr {
    SocketAddr::new(socket.addr, socket.port)
}

fn name(transport: Transport, address: SocketAddr) -> String {
    format!("{address}/{}", transport.name().to_lowercase())
}

#[expect(clippy::disallowed_methods, reason = "questions are counted by the machine's clock")]
fn now() -> Instant {
    Instant::now()
}
