//! The service endpoints, worst first: an incident is about an endpoint, not about one flow.

use std::cmp::Reverse;
use std::io;

use super::super::Look;
use super::super::human::{Clock, bytes, count, counted, wrap};
use super::{coloured, service};
use crate::event::{EndpointEvent, Label, Socket, Status};

/// Endpoints that are kept to choose from.
const KEPT_MAX: usize = 1024;

/// Endpoints that are shown; of the others the number is told.
const SHOWN_MAX: usize = 20;

/// Keeps the worst endpoints.
#[derive(Debug, Default)]
pub(super) struct Endpoints {
    kept: Vec<EndpointEvent>,
    /// Those that were not kept or are not shown, by label in [`Label::ALL`]'s order.
    others: [u64; 3],
    /// Those that never took part: tried, and silent or closed. A scan brings thousands.
    silent: u64,
}

impl Endpoints {
    pub(super) fn keep(&mut self, endpoint: &EndpointEvent) {
        if with_status(endpoint).all(|(status, _)| is_silence(status)) {
            self.silent += 1;
            return;
        }
        self.kept.push(endpoint.clone());
        if self.kept.len() >= 2 * KEPT_MAX {
            self.leave(KEPT_MAX);
        }
    }

    pub(super) fn write(&mut self, out: &mut dyn io::Write, look: Look) -> io::Result<()> {
        self.leave(SHOWN_MAX);
        if self.kept.is_empty() && self.silent == 0 {
            return Ok(());
        }
        writeln!(out, "ENDPOINTS, worst first")?;
        for endpoint in &self.kept {
            write_one(out, look, endpoint)?;
        }
        self.write_others(out)?;
        if self.silent > 0 {
            let tried = counted(self.silent, "endpoint");
            writeln!(out, "only tried, without a conversation: {tried}")?;
        }
        writeln!(out)
    }

    /// Sorts, and leaves so many.
    fn leave(&mut self, max: usize) {
        self.kept.sort_by_key(order);
        for endpoint in self.kept.drain(max.min(self.kept.len())..) {
            let at = Label::ALL.iter().position(|&label| label == endpoint.label);
            if let Some(others) = at.and_then(|at| self.others.get_mut(at)) {
                *others += 1;
            }
        }
    }

    fn write_others(&self, out: &mut dyn io::Write) -> io::Result<()> {
        let total = self.others.iter().sum();
        if total == 0 {
            return Ok(());
        }
        let by_label: Vec<_> = Label::ALL
            .iter()
            .zip(self.others)
            .filter(|&(_, number)| number > 0)
            .map(|(label, number)| format!("{} {}", count(number), label.name()))
            .collect();
        writeln!(
            out,
            "and {} ({}): see --format eve",
            counted(total, "more endpoint"),
            by_label.join(", ")
        )
    }
}

/// What endpoints are sorted by: how bad, then how many flows.
fn order(endpoint: &EndpointEvent) -> (u8, Reverse<u64>, Socket, crate::identify::Transport) {
    (badness(endpoint), Reverse(endpoint.flows), endpoint.socket, endpoint.transport)
}

/// 0 is worst: nobody knows what it is.
fn badness(endpoint: &EndpointEvent) -> u8 {
    let has = |status: Status| with_status(endpoint).any(|(one, _)| one == status);
    match endpoint.label {
        Label::TimelotUnknown => 0,
        Label::CitrixFramehawk => 1,
        Label::Other if has(Status::Unidentified) => 1,
        Label::Other if !endpoint.notables.is_empty() => 2,
        Label::Other if has(Status::Attempted) => 3,
        Label::Other if has(Status::Identified) => 4,
        Label::Other => 5,
    }
}

/// The statuses that occur, with their numbers of flows.
fn with_status(endpoint: &EndpointEvent) -> impl Iterator<Item = (Status, u64)> {
    Status::ALL.into_iter().zip(endpoint.by_status).filter(|&(_, flows)| flows > 0)
}

/// Whether a flow of this status shows that somebody tried, and nothing else.
const fn is_silence(status: Status) -> bool {
    match status {
        Status::Refused | Status::Unanswered | Status::Scan => true,
        Status::Identified
        | Status::Attempted
        | Status::Unidentified
        | Status::ClientPort
        | Status::NoPayload
        | Status::Insufficient => false,
    }
}

fn write_one(out: &mut dyn io::Write, look: Look, endpoint: &EndpointEvent) -> io::Result<()> {
    let label = coloured(endpoint.label, &format!("{:16}", endpoint.label.name()), look.colour);
    writeln!(out, "{label}  {}", service(endpoint.socket, endpoint.transport))?;

    let statuses: Vec<_> = with_status(endpoint)
        .map(|(status, flows)| format!("{} {}", count(flows), status.name()))
        .collect();
    let at_least = if endpoint.peers_at_least { "at least " } else { "" };
    let mut lines = vec![
        format!(
            "{} from {at_least}{}, {}: {}",
            counted(endpoint.flows, "flow"),
            counted(endpoint.peers, "peer"),
            bytes(endpoint.bytes),
            statuses.join(", ")
        ),
        format!("since {}, until {} UTC", Clock(endpoint.first_seen), Clock(endpoint.last_seen)),
    ];
    if !endpoint.protocols.is_empty() {
        let protocols: Vec<_> = endpoint
            .protocols
            .iter()
            .map(|&(protocol, flows)| format!("{protocol} in {}", counted(flows, "flow")))
            .collect();
        lines.push(format!("speaks {}", protocols.join(", ")));
    }
    if !endpoint.notables.is_empty() {
        let names: Vec<_> = endpoint.notables.iter().map(|notable| notable.name()).collect();
        lines.push(format!("notable: {}", names.join(", ")));
    }
    for line in lines.iter().filter(|line| !line.is_empty()) {
        for part in wrap(line, look.width - 2) {
            writeln!(out, "  {part}")?;
        }
    }
    Ok(())
}
