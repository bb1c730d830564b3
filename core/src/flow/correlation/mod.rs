//! What several flows have in common.
//!
//! Every fact carries its time, so that a flow is judged by what was known when it ended, whether the
//! rest of the capture has been read by then or not; and every ledger merges with another piece's
//! (invariant 8).
//!
//! Every ledger is bounded: it keeps the first so many of what it notes, by when each was first seen and
//! then by key (`Firsts`), so that frames of equal time, and pieces, may come in any order. Whoever asks
//! for what was not kept is told so by [`Gaps`], but for peers of a service and targets of a host that
//! are beyond the first of their own group ([`Limits::endpoint_peers_max`]): more memory would not keep
//! them. A piece cannot know what will be first in the whole, so
//! its ledgers are as large as they must be ([`Limits::of_a_piece`]) and are cut when all are joined
//! ([`Correlation::cut`]).

use std::cell::Cell;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use serde::{Deserialize, Serialize};

use crate::config::{CITRIX_HOURS_MAX, Config, Limits};
use crate::flow::firsts::Firsts;
use crate::flow::key::FlowKey;
use crate::flow::packet::FlowPacket;
use crate::net::{Side, Socket, Transport};
use crate::time::Timestamp;
use crate::watch::CompanionKind;

mod groups;
mod questions;
mod recent;
mod sessions;
mod talks;

use groups::{FullGroup, Group, cut_groups, note_in_group};
pub(crate) use questions::FanIn;
use recent::{List, Lists, Noted, Recent};
use sessions::{COMPANION_IDLE_MAX, hour, is_answer, merge_sessions};
pub(crate) use sessions::{CitrixSeen, Companion};
pub(crate) use talks::Talk;
use talks::{TALKS_MAX, merge_talks, observe_talk};

/// All ledgers.
#[derive(Clone, Debug, Default)]
pub struct Correlation {
    /// Time of the first and the last frame, in range or not.
    pub span: Option<(Timestamp, Timestamp)>,
    /// The watched sockets.
    services: Firsts<(Transport, Socket), ()>,
    /// Who talks to a watched socket.
    peers: Firsts<(Transport, Socket, Socket), ()>,
    /// Which watched sockets a host talks to. A host stands as its lowest socket ([`lowest_of`]), as
    /// sockets are compared faster than addresses.
    targets: Firsts<(Socket, Socket), ()>,
    /// Sessions that Framehawk would run beside, by pair of hosts.
    companions: Lists<(IpAddr, IpAddr), Companion>,
    /// What the capture lost, and when.
    drops: Option<Drops>,
    /// Citrix sessions between whatever hosts: of each hour since the epoch the first packet of a server
    /// that takes part in one.
    citrix: BTreeMap<i64, CitrixSeen>,
    /// Conversations with in-range UDP sockets, by that socket and its peer.
    talks: Lists<(Socket, Socket), Talk>,
    /// Where the flows that had packets of late are noted.
    recent: Recent,
    /// The service, and the host, that last had all the peers, or targets, that are kept of one.
    full_service: Option<FullService>,
    full_host: Option<FullGroup<(Socket, Socket)>>,
    /// What the peers of the service that had them all came to when that was last asked.
    full_fan_in: Cell<Option<(FullService, FanIn)>>,
}

/// A watched socket that has as many peers as are kept of one.
type FullService = FullGroup<(Transport, Socket, Socket)>;

/// Frames that the capture says it lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drops {
    /// How many.
    pub frames: u64,
    /// Not before this.
    pub since: Timestamp,
    /// Not after this.
    pub until: Timestamp,
}

impl Drops {
    /// Both.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        Self {
            frames: self.frames.saturating_add(other.frames),
            since: self.since.min(other.since),
            until: self.until.max(other.until),
        }
    }
}

/// Watched sockets kept of one host: from ten on it counts as scanning, and no more is asked.
const HOST_TARGETS_MAX: usize = 16;

/// Notes whether what was asked for may be more than what was kept.
#[derive(Debug, Default)]
pub struct Gaps(Cell<bool>);

impl Gaps {
    /// Whether it was so once.
    pub fn any(&self) -> bool {
        self.0.get()
    }

    fn note(&self, gap: bool) {
        self.0.set(self.0.get() || gap);
    }
}

impl Correlation {
    /// A frame was captured.
    pub fn tick(&mut self, time: Timestamp) {
        self.span =
            Some(self.span.map_or((time, time), |(first, last)| (first.min(time), last.max(time))));
    }

    /// A packet of a flow in range was seen, whose source or destination is `watched`, or both.
    pub fn observe_flow(
        &mut self,
        key: &FlowKey,
        seen: &FlowPacket<'_>,
        watched: [bool; 2],
        config: &Config,
    ) {
        let gone = self.lists_gone();
        let known = self.recent.get(key);
        let known = known.filter(|noted| seen.packet.at.time >= noted.since && noted.gone == gone);
        let places = match known {
            Some(noted) => noted.places,
            None => {
                let watched = seen.by_side(watched);
                let places = self.note_flow(key, watched, seen.packet.at.time, config);
                self.remember(key, seen, places);
                places
            }
        };
        for (side, place) in Side::BOTH.into_iter().zip(places) {
            if let Some(talks) = place.and_then(|place| self.talks.at(place)) {
                observe_talk(talks, seen, side, config);
            }
        }
    }

    /// Notes who talks to whom; says where the conversations of each side's socket stand. Nothing of
    /// it changes with later packets of the same flow.
    fn note_flow(
        &mut self,
        key: &FlowKey,
        watched: [bool; 2],
        time: Timestamp,
        config: &Config,
    ) -> [Option<usize>; 2] {
        let before = self.talks.gone();
        let places = Side::BOTH.map(|side| {
            let (own, peer) = (key.socket(side), key.socket(side.other()));
            if *side.of(&watched) {
                self.note_peer((key.transport, own), peer, time, &config.limits);
            }
            let talks =
                key.transport == Transport::Udp && config.watch.framehawk.contains(&own.port);
            if talks { self.talks.place((own, peer), time, config.limits.talks_max) } else { None }
        });
        if self.talks.gone() == before {
            return places;
        }
        // The second may have taken the place of the first.
        Side::BOTH.map(|side| self.talks.find(&(key.socket(side), key.socket(side.other()))))
    }

    /// Notes that a watched socket and another one talk.
    fn note_peer(
        &mut self,
        service: (Transport, Socket),
        peer: Socket,
        time: Timestamp,
        limits: &Limits,
    ) {
        let (transport, own) = service;
        self.services.note(service, time, limits.endpoints_max, || ());
        let key = (transport, own, peer);
        let group = Group {
            from: (transport, own, LOWEST),
            has: |one: &(Transport, Socket, Socket)| (one.0, one.1) == service,
            max: limits.endpoint_peers_max,
            all_max: limits.peers_max,
        };
        note_in_group(&mut self.peers, key, time, &group, &mut self.full_service);
        let host = lowest_of(peer.addr);
        let key = (host, own);
        let group = Group {
            from: (host, LOWEST),
            has: |one: &(Socket, Socket)| one.0 == host,
            max: HOST_TARGETS_MAX,
            all_max: limits.peers_max,
        };
        note_in_group(&mut self.targets, key, time, &group, &mut self.full_host);
    }

    /// A packet of a companion session was seen: `kinds` of source and destination.
    pub fn observe_companion(
        &mut self,
        key: &FlowKey,
        seen: &FlowPacket<'_>,
        kinds: [Option<CompanionKind>; 2],
        limits: &Limits,
    ) {
        let by_side = Side::BOTH.into_iter().zip(seen.by_side(kinds));
        let Some((side, kind)) = by_side.into_iter().find_map(|(side, kind)| Some((side, kind?)))
        else {
            return;
        };
        let news = self.note_companion(key, (side, kind), seen, limits);
        self.note_citrix(news);
    }

    /// Says so where the packet shows a Citrix session, whether that is kept or not.
    fn note_companion(
        &mut self,
        key: &FlowKey,
        (side, kind): (Side, CompanionKind),
        seen: &FlowPacket<'_>,
        limits: &Limits,
    ) -> Option<CitrixSeen> {
        let gone = self.lists_gone();
        let known = self.recent.get(key).filter(|noted| noted.gone == gone);
        if let Some([Some(list), Some(place)]) = known.map(|noted| noted.places)
            && let Some(sessions) = self.companions.at(list)
            && let Some(session) = sessions.items.get_mut(place)
            && seen.packet.at.time.since(session.last) <= COMPANION_IDLE_MAX
        {
            return session.observe(seen, side);
        }
        let (server, client) = (key.socket(side), key.socket(side.other()));
        let unkept = CitrixSeen::by(seen, server.addr, kind).filter(|_| is_answer(seen, side));
        let pair = ordered(server.addr, client.addr);
        let list = self.companions.place(pair, seen.packet.at.time, limits.companion_pairs_max);
        let Some((list, sessions)) = list.and_then(|at| Some((at, self.companions.at(at)?))) else {
            return unkept;
        };
        let known = sessions.items.iter().rposition(|session| {
            session.kind == kind
                && session.server == server.addr
                && session.client_port == client.port
                && seen.packet.at.time.since(session.last) <= COMPANION_IDLE_MAX
        });
        let place = match known {
            Some(place) => place,
            None if sessions.items.len() >= limits.companion_sessions_max => {
                sessions.lose(seen.packet.at.time);
                return unkept;
            }
            None => {
                let session = Companion::new(kind, server.addr, client.port, seen.packet.at);
                sessions.items.push(session);
                sessions.items.len().saturating_sub(1)
            }
        };
        let news = sessions.items.get_mut(place)?.observe(seen, side);
        self.remember(key, seen, [Some(list), Some(place)]);
        news
    }

    fn remember(&mut self, key: &FlowKey, seen: &FlowPacket<'_>, places: [Option<usize>; 2]) {
        let gone = self.lists_gone();
        self.recent.put(Noted { key: *key, since: seen.packet.at.time, places, gone });
    }

    /// Changes when a list has to go.
    const fn lists_gone(&self) -> u64 {
        self.talks.gone().wrapping_add(self.companions.gone())
    }

    /// Frames were lost.
    pub fn note_drops(&mut self, drops: Drops) {
        self.drops = Some(self.drops.map_or(drops, |before| before.join(drops)));
    }

    fn note_citrix(&mut self, seen: Option<CitrixSeen>) {
        let Some(seen) = seen else { return };
        let first = self.citrix.entry(hour(seen.confirmed.time)).or_insert(seen);
        *first = (*first).min(seen);
        while self.citrix.len() > CITRIX_HOURS_MAX {
            self.citrix.pop_first();
        }
    }

    /// Adds another piece's ledgers, and keeps all of both. Pieces may come in any order.
    pub fn merge(&mut self, other: Self, config: &Config) {
        if let Some((first, last)) = other.span {
            self.tick(first);
            self.tick(last);
        }
        other.citrix.into_values().for_each(|seen| self.note_citrix(Some(seen)));
        other.drops.into_iter().for_each(|drops| self.note_drops(drops));
        self.services.join(other.services, |_, ()| {});
        self.peers.join(other.peers, |_, ()| {});
        self.targets.join(other.targets, |_, ()| {});
        self.recent = Recent::default();
        self.companions.join(other.companions, merge_sessions);
        let idle_max = config.timeouts.udp;
        self.talks.join(other.talks, |own, others| merge_talks(own, others, idle_max));
    }

    /// All flows were judged: what is left says which services are kept.
    pub fn close(&mut self) {
        let (span, services) = (self.span, std::mem::take(&mut self.services));
        *self = Self { span, services, ..Self::default() };
    }

    /// All pieces are here: keeps what the ledgers of the whole would have kept.
    pub fn cut(&mut self, limits: &Limits) {
        self.services.cut_to(limits.endpoints_max, &mut |()| {});
        let of_service = |key: &(Transport, Socket, Socket)| (key.0, key.1);
        cut_groups(&mut self.peers, limits.endpoint_peers_max, of_service);
        self.peers.cut_to(limits.peers_max, &mut |()| {});
        cut_groups(&mut self.targets, HOST_TARGETS_MAX, |key| key.0);
        self.targets.cut_to(limits.peers_max, &mut |()| {});
        self.companions.cut_to(limits.companion_pairs_max, |sessions| {
            cut_list(sessions, limits.companion_sessions_max, |session| session.first.time);
        });
        self.talks.cut_to(limits.talks_max, |talks| {
            cut_list(talks, TALKS_MAX, |talk| talk.first.time);
        });
    }
}

fn cut_list<T>(list: &mut List<T>, max: usize, first: fn(&T) -> Timestamp) {
    let lost = list.items.get(max).map(first);
    lost.into_iter().for_each(|lost| list.lose(lost));
    list.items.truncate(max);
}

/// The lowest socket there is.
const LOWEST: Socket = lowest_of(IpAddr::V4(Ipv4Addr::UNSPECIFIED));

const fn lowest_of(addr: IpAddr) -> Socket {
    Socket { addr, port: 0 }
}

fn earliest<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    one.into_iter().chain(other).min()
}

fn ordered(one: IpAddr, other: IpAddr) -> (IpAddr, IpAddr) {
    if one <= other { (one, other) } else { (other, one) }
}
