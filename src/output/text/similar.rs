//! Flows that look alike: a few are shown, the rest is counted, so that a scan of thousands does not
//! bury the one conversation that matters.
//!
//! Alike are flows with the same label, status, protocols, notables and transport that go to the
//! same service, or that come from the same address.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;

use super::protocol;
use crate::human::{Clock, bytes, count, service};
use portstory_core::{FlowEvent, Label, Notable, Socket, Status, Timestamp, Transport};

/// Kinds of flows told apart; beyond that every flow has its row.
const KINDS_MAX: usize = 8192;

/// How many flows of one kind are shown. Of those in which nothing was said one is as good as all.
const fn shown_max(status: Status) -> u64 {
    match status {
        Status::Identified | Status::Attempted | Status::Unidentified | Status::ClientPort => 3,
        Status::Refused
        | Status::Unanswered
        | Status::Scan
        | Status::NoPayload
        | Status::Insufficient => 1,
    }
}

/// Counts flows by kind.
#[derive(Debug, Default)]
pub(super) struct Similar {
    kinds: BTreeMap<SimilarKey, Count>,
    rows: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct SimilarKey {
    common: Common,
    label: Label,
    status: Status,
    transport: Transport,
    protocols: Vec<Cow<'static, str>>,
    tried: Option<&'static str>,
    notables: Vec<Notable>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Common {
    Server(Socket),
    Client(IpAddr),
}

#[derive(Debug, Default)]
struct Count {
    shown: u64,
    /// The row that was shown last.
    row: usize,
    more: u64,
    packets: u64,
    bytes: u64,
    last: Timestamp,
}

impl Similar {
    /// The number of the flow's row; none where enough of its kind have one.
    pub(super) fn admit(&mut self, flow: &FlowEvent) -> Option<usize> {
        let kinds = [Common::Server(flow.server), Common::Client(flow.client.addr)]
            .map(|common| SimilarKey::new(common, flow));
        let shown_max = shown_max(flow.verdict.status);
        for kind in &kinds {
            if let Some(known) = self.kinds.get_mut(kind)
                && known.shown >= shown_max
            {
                known.add(flow);
                return None;
            }
        }
        let row = self.rows;
        self.rows += 1;
        for kind in kinds {
            if self.kinds.len() < KINDS_MAX || self.kinds.contains_key(&kind) {
                let known = self.kinds.entry(kind).or_default();
                known.shown += 1;
                known.row = row;
            }
        }
        Some(row)
    }

    /// What is to be said behind a row of the flows that it stands for.
    pub(super) fn behind(&self, row: usize) -> impl Iterator<Item = String> {
        self.kinds.iter().filter(move |(_, known)| known.row == row && known.more > 0).map(
            |(kind, known)| format!("x {} more like this {}", count(known.more), kind.ends(known)),
        )
    }

    /// The same of all rows.
    pub(super) fn all(&self) -> impl Iterator<Item = String> {
        self.kinds.iter().filter(|(_, known)| known.more > 0).map(|(kind, known)| {
            format!(
                "x {} more {} {} {}",
                count(known.more),
                kind.label.name(),
                protocol(&kind.protocols, kind.status),
                kind.ends(known)
            )
        })
    }
}

impl SimilarKey {
    fn new(common: Common, flow: &FlowEvent) -> Self {
        Self {
            common,
            label: flow.verdict.label,
            status: flow.verdict.status,
            transport: flow.transport,
            protocols: flow.verdict.protocols.clone(),
            tried: flow.verdict.tried,
            notables: flow.verdict.notables.clone(),
        }
    }

    fn ends(&self, known: &Count) -> String {
        let ends = match self.common {
            Common::Server(server) => format!("to {}", service(server, self.transport)),
            Common::Client(addr) => format!("from {addr}"),
        };
        format!(
            "{ends}: {} pkt {}, until {} UTC",
            count(known.packets),
            bytes(known.bytes),
            Clock(known.last)
        )
    }
}

impl Count {
    fn add(&mut self, flow: &FlowEvent) {
        self.last = if self.more == 0 { flow.end } else { self.last.max(flow.end) };
        self.more += 1;
        for volume in [flow.to_server, flow.to_client] {
            self.packets = self.packets.saturating_add(volume.packets);
            self.bytes = self.bytes.saturating_add(volume.bytes);
        }
    }
}
