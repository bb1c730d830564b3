//! Sessions on companion ports, which Framehawk would run beside.

use std::net::IpAddr;
use std::time::Duration;

use super::earliest;
use crate::decode::Body;
use crate::flow::packet::FlowPacket;
use crate::frame::FrameRef;
use crate::net::Side;
use crate::time::Timestamp;
use crate::watch::CompanionKind;

/// That there is Citrix in the capture, at some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CitrixSeen {
    /// A packet of the server in a session that is confirmed.
    pub confirmed: FrameRef,
    /// The host that has the companion port.
    pub server: IpAddr,
    /// What it is.
    pub kind: CompanionKind,
}

impl CitrixSeen {
    /// What a packet of the server's shows, if it is Citrix that it serves.
    pub(super) fn by(seen: &FlowPacket<'_>, server: IpAddr, kind: CompanionKind) -> Option<Self> {
        kind.is_citrix().then_some(Self { confirmed: seen.packet.at, server, kind })
    }
}

/// A session on a companion port between two hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Companion {
    /// What it is.
    pub kind: CompanionKind,
    /// The host that has the companion port.
    pub server: IpAddr,
    /// The other end's port, which tells sessions apart.
    pub client_port: u16,
    /// Its first packet.
    pub first: FrameRef,
    /// Its last packet so far.
    pub last: Timestamp,
    /// The first packet by which the server took part with payload.
    pub confirmed: Option<FrameRef>,
    /// When it was closed.
    pub ended: Option<Timestamp>,
    /// The hour in which the server was last noted to take part.
    noted: Option<i64>,
}

/// A companion session without a packet for so long has ended.
pub(super) const COMPANION_IDLE_MAX: Duration = Duration::from_secs(3600);

impl Companion {
    /// One whose first packet this is.
    pub(super) fn new(
        kind: CompanionKind,
        server: IpAddr,
        client_port: u16,
        first: FrameRef,
    ) -> Self {
        let last = first.time;
        Self { kind, server, client_port, first, last, confirmed: None, ended: None, noted: None }
    }

    /// Takes in a packet; says so where it shows a Citrix session, once an hour.
    pub(super) fn observe(&mut self, seen: &FlowPacket<'_>, server: Side) -> Option<CitrixSeen> {
        self.last = self.last.max(seen.packet.at.time);
        if let Body::Tcp(info, _) = seen.packet.body
            && (info.flags.fin() || info.flags.rst())
        {
            self.ended.get_or_insert(seen.packet.at.time);
        }
        let now = Some(hour(seen.packet.at.time));
        if self.noted == now || !is_answer(seen, server) {
            return None;
        }
        self.noted = now;
        self.confirmed.get_or_insert(seen.packet.at);
        CitrixSeen::by(seen, self.server, self.kind)
    }

    /// Whether it was confirmed and going on at `at`, as known until `as_of`.
    pub(super) fn is_alive(&self, at: Timestamp, as_of: Timestamp) -> bool {
        let confirmed = self.confirmed.is_some_and(|confirmed| confirmed.time <= as_of);
        let over = self.ended.is_some_and(|ended| ended < at);
        confirmed && !over && self.first.time <= at && at.since(self.last) <= COMPANION_IDLE_MAX
    }

    fn is_same_session(&self, other: &Self) -> bool {
        let (early, late) = if self.first <= other.first { (self, other) } else { (other, self) };
        self.kind == other.kind
            && self.server == other.server
            && self.client_port == other.client_port
            && late.first.time.since(early.last) <= COMPANION_IDLE_MAX
    }
}

/// Adds another piece's sessions of the same pair of hosts.
pub(super) fn merge_sessions(own: &mut Vec<Companion>, others: Vec<Companion>) {
    own.extend(others);
    own.sort_by_key(|session| session.first);
    let mut merged: Vec<Companion> = Vec::new();
    for session in own.drain(..) {
        match merged.iter_mut().rfind(|before| before.is_same_session(&session)) {
            Some(before) => {
                before.last = before.last.max(session.last);
                before.confirmed = earliest(before.confirmed, session.confirmed);
                before.ended = earliest(before.ended, session.ended);
            }
            None => merged.push(session),
        }
    }
    *own = merged;
}

/// Whether this side takes part with payload.
pub(super) fn is_answer(seen: &FlowPacket<'_>, side: Side) -> bool {
    let payload = seen.packet.body.payload();
    seen.side == side && payload.is_some_and(|payload| payload.wire_len > 0)
}

/// Hours since the epoch.
pub(super) const fn hour(time: Timestamp) -> i64 {
    time.seconds().div_euclid(3600)
}
