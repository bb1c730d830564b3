//! The service endpoints, worst first: an incident is about an endpoint, not about one flow.

use super::coloured;
use crate::escape;
use crate::human::{Clock, bytes, count, counted, peers, service, wrap};
use crate::output::{Look, process, push_line};
use portstory_core::internal::judge::ranking;
use portstory_core::internal::judge::ranking::EndpointRank;
use portstory_core::{EndpointEvent, Label};

/// Endpoints that are kept to choose from.
const KEPT_MAX: usize = 1024;

/// Endpoints that are shown; of the others the number is told.
const SHOWN_MAX: usize = 20;

/// Of those that need attention, so many are named in the summary, which stays on one screen.
const NAMED_MAX: usize = 8;

/// Keeps the worst endpoints.
#[derive(Debug, Default)]
pub(super) struct Endpoints {
    kept: Vec<EndpointEvent>,
    /// Those that were not kept or are not shown, by label in [`Label::ALL`]'s order.
    others: [u64; 3],
    /// Those that never took part: tried, and silent or closed. A scan brings thousands.
    silent: u64,
    /// Those that did.
    total: u64,
    /// Those that need attention.
    pressing: u64,
}

impl Endpoints {
    pub(super) fn keep(&mut self, endpoint: &EndpointEvent) {
        if !ranking::took_part(endpoint) {
            self.silent += 1;
            return;
        }
        self.total += 1;
        self.pressing += u64::from(endpoint.concerns.need_attention());
        self.kept.push(endpoint.clone());
        if self.kept.len() >= 2 * KEPT_MAX {
            self.sort();
            self.leave(KEPT_MAX);
        }
    }

    /// The worst first.
    pub(super) fn sort(&mut self) {
        self.kept.sort_by_key(EndpointRank::of);
    }

    /// Those that need attention and are listed, the worst first once they are sorted.
    pub(super) fn pressing(&self) -> impl Iterator<Item = &EndpointEvent> {
        let listed = self.kept.iter().take(SHOWN_MAX);
        listed.filter(|endpoint| endpoint.concerns.need_attention())
    }

    /// How many services need attention, and the worst of them, a line each; nothing where there is no
    /// service at all.
    pub(super) fn attention(&self) -> Vec<String> {
        let services = counted(self.total, "service");
        if self.total == 0 {
            return Vec::new();
        }
        if self.pressing == 0 {
            return vec![format!(
                "none of {services}: no shell, executable, reversed connection, beacon or unidentified \
                 service was seen"
            )];
        }
        let order = if self.pressing > 1 { ", the worst first" } else { "" };
        let mut lines = vec![format!("{} of {services}{order}:", count(self.pressing))];
        let named = self.kept.iter().filter(|endpoint| endpoint.concerns.need_attention());
        lines.extend(named.take(NAMED_MAX).map(|endpoint| {
            let place = service(endpoint.socket, endpoint.transport);
            let flows = counted(endpoint.flows, "flow");
            format!("{place}  {}; {flows} from {}", endpoint.concerns.titles(), peers(endpoint))
        }));
        let named = u64::try_from(NAMED_MAX).unwrap_or(u64::MAX);
        let more = self.pressing.saturating_sub(named);
        if more > 0 {
            lines.push(format!("and {} more: see ENDPOINTS above, or --format eve", count(more)));
        }
        lines
    }

    /// Once they are sorted.
    pub(super) fn write(&mut self, out: &mut Vec<u8>, look: Look) {
        self.leave(SHOWN_MAX);
        if self.kept.is_empty() && self.silent == 0 {
            return;
        }
        push_line(out, "ENDPOINTS, worst first");
        for endpoint in &self.kept {
            write_one(out, look, endpoint);
        }
        self.write_others(out);
        if self.silent > 0 {
            let tried = counted(self.silent, "endpoint");
            push_line(out, &format!("connection attempts only: {tried}"));
        }
        push_line(out, "");
    }

    /// Leaves so many.
    fn leave(&mut self, max: usize) {
        for endpoint in self.kept.drain(max.min(self.kept.len())..) {
            let at = Label::ALL.iter().position(|&label| label == endpoint.label);
            if let Some(others) = at.and_then(|at| self.others.get_mut(at)) {
                *others += 1;
            }
        }
    }

    fn write_others(&self, out: &mut Vec<u8>) {
        let total = self.others.iter().sum();
        if total == 0 {
            return;
        }
        let by_label: Vec<_> = Label::ALL
            .iter()
            .zip(self.others)
            .filter(|&(_, number)| number > 0)
            .map(|(label, number)| format!("{} {}", count(number), label.name()))
            .collect();
        let total = counted(total, "more endpoint");
        push_line(out, &format!("and {total} ({}): see --format eve", by_label.join(", ")));
    }
}

fn write_one(out: &mut Vec<u8>, look: Look, endpoint: &EndpointEvent) {
    let label = coloured(endpoint.label, &format!("{:16}", endpoint.label.name()), look.colour);
    push_line(out, &format!("{label}  {}", service(endpoint.socket, endpoint.transport)));

    let statuses: Vec<_> = endpoint
        .statuses()
        .map(|(status, flows)| format!("{} {}", count(flows), status.name()))
        .collect();
    let mut lines = vec![
        if endpoint.concerns.need_attention() { endpoint.concerns.titles() } else { String::new() },
        format!(
            "{} from {}, {}: {}",
            counted(endpoint.flows, "flow"),
            peers(endpoint),
            bytes(endpoint.bytes),
            statuses.join(", ")
        ),
        format!("since {}, until {} UTC", Clock(endpoint.first_seen), Clock(endpoint.last_seen)),
    ];
    if !endpoint.protocols.is_empty() {
        let protocols: Vec<_> = endpoint
            .protocols
            .iter()
            .map(|(protocol, flows)| format!("{protocol} in {}", counted(*flows, "flow")))
            .collect();
        lines.push(format!("speaks {}", escape::terminal(&protocols.join(", "))));
    }
    if !endpoint.notables.is_empty() {
        let names: Vec<_> = endpoint.notables.iter().map(|notable| notable.name()).collect();
        lines.push(format!("notable: {}", names.join(", ")));
    }
    let process =
        process::at_this_end(endpoint.process.as_deref(), endpoint.process_missing.as_ref());
    lines.extend(process.map(|process| format!("here: {}", escape::terminal(&process))));
    for line in lines.iter().filter(|line| !line.is_empty()) {
        for part in wrap(line, look.width - 2) {
            push_line(out, &format!("  {part}"));
        }
    }
}
