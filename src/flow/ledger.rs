//! What several flows have in common.
//!
//! Every fact carries its time, so that a flow is judged by what was known when it ended, whether the
//! rest of the capture has been read by then or not; and every ledger merges with another piece's
//! (invariant 8).

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use crate::config::{CITRIX_ELSEWHERE_MAX, CITRIX_HOURS_MAX, Config, Limits, TALKS_LOOKED_AT_MAX};
use crate::event::Socket;
use crate::flow::key::FlowKey;
use crate::flow::recent::{Lists, Noted, Recent};
use crate::flow::record::{Seen, SeenBody};
use crate::frame::FrameRef;
use crate::identify::{Side, Transport};
use crate::time::Timestamp;

/// All ledgers.
#[derive(Clone, Debug, Default)]
pub struct Ledgers {
    /// Time of the first and the last frame, in range or not.
    pub span: Option<(Timestamp, Timestamp)>,
    /// Who talks to a watched socket.
    peers: BTreeMap<(Transport, Socket), Peers>,
    /// Which watched sockets a host talks to.
    targets: BTreeMap<IpAddr, Peers>,
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
}

/// Frames that the capture says it lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drops {
    /// How many.
    pub frames: u64,
    /// Not before this.
    pub since: Timestamp,
    /// Not after this.
    pub until: Timestamp,
}

impl Drops {
    fn join(self, other: Self) -> Self {
        Self {
            frames: self.frames.saturating_add(other.frames),
            since: self.since.min(other.since),
            until: self.until.max(other.until),
        }
    }
}

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

/// A conversation with an in-range UDP socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Talk {
    /// Its first packet.
    pub first: FrameRef,
    /// Its last packet so far.
    pub last: Timestamp,
    /// The first packet by which the in-range socket took part with payload.
    pub answered: Option<FrameRef>,
}

/// Conversations of one pair of sockets that are kept, one after the other.
const TALKS_MAX: usize = 8;

/// The first peers of something, with the time of each one's first packet.
#[derive(Clone, Debug, Default)]
pub struct Peers {
    first_seen: BTreeMap<Socket, Timestamp>,
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

/// What runs on a companion port. The port says so, the server's payload confirms that something does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CompanionKind {
    /// ICA, port 1494 of TCP, or of UDP with EDT.
    Ica,
    /// CGP (session reliability), port 2598 of TCP, or of UDP with EDT.
    Cgp,
    /// H.225 call signalling, TCP 1720.
    H225,
    /// SIP, port 5060.
    Sip,
}

impl CompanionKind {
    /// The companion that this port stands for.
    pub fn of(transport: Transport, port: u16) -> Option<Self> {
        let row = COMPANION_PORTS.iter().find(|row| (row.0, row.1) == (transport, port));
        row.map(|row| row.2)
    }

    /// Whether it is a Citrix session, rather than call signalling.
    pub const fn is_citrix(self) -> bool {
        match self {
            Self::Ica | Self::Cgp => true,
            Self::H225 | Self::Sip => false,
        }
    }

    /// Its name, for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ica => "ICA (port 1494)",
            Self::Cgp => "CGP (port 2598)",
            Self::H225 => "H.225 call signalling (TCP 1720)",
            Self::Sip => "SIP (port 5060)",
        }
    }
}

/// All companion ports.
pub static COMPANION_PORTS: &[(Transport, u16, CompanionKind)] = &[
    (Transport::Tcp, 1494, CompanionKind::Ica),
    (Transport::Udp, 1494, CompanionKind::Ica),
    (Transport::Tcp, 2598, CompanionKind::Cgp),
    (Transport::Udp, 2598, CompanionKind::Cgp),
    (Transport::Tcp, 1720, CompanionKind::H225),
    (Transport::Tcp, 5060, CompanionKind::Sip),
    (Transport::Udp, 5060, CompanionKind::Sip),
];

/// A companion session without a packet for so long has ended.
const COMPANION_IDLE_MAX: Duration = Duration::from_secs(3600);

impl Ledgers {
    /// A frame was captured.
    pub fn tick(&mut self, time: Timestamp) {
        self.span =
            Some(self.span.map_or((time, time), |(first, last)| (first.min(time), last.max(time))));
    }

    /// A packet of a flow in range was seen.
    pub fn observe_flow(&mut self, key: &FlowKey, seen: &Seen<'_>, config: &Config) {
        let known = self.recent.get(key).filter(|noted| seen.at.time >= noted.since);
        let places = match known {
            Some(noted) => noted.places,
            None => {
                let places = self.note_flow(key, seen.at.time, config);
                self.recent.put(Noted { key: *key, since: seen.at.time, places });
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
    fn note_flow(&mut self, key: &FlowKey, time: Timestamp, config: &Config) -> [Option<usize>; 2] {
        let max = config.limits.endpoints_max;
        Side::BOTH.map(|side| {
            let (own, peer) = (key.socket(side), key.socket(side.other()));
            if config.watch.covers(key.transport, own.port) {
                if let Some(peers) = bounded(&mut self.peers, (key.transport, own), max) {
                    peers.note(peer, time, &config.limits);
                }
                if let Some(targets) = bounded(&mut self.targets, peer.addr, max) {
                    targets.note(own, time, &config.limits);
                }
            }
            let talks =
                key.transport == Transport::Udp && config.watch.framehawk.contains(&own.port);
            if talks { self.talks.place((own, peer), max) } else { None }
        })
    }

    /// A packet of a companion session was seen.
    pub fn observe_companion(&mut self, key: &FlowKey, seen: &Seen<'_>, limits: &Limits) {
        let companion = |side: &Side| CompanionKind::of(key.transport, key.socket(*side).port);
        let Some((side, kind)) =
            Side::BOTH.into_iter().find_map(|side| Some((side, companion(&side)?)))
        else {
            return;
        };
        let known = self.recent.get(key).map_or([None; 2], |noted| noted.places);
        if let [Some(list), Some(place)] = known
            && let Some(session) = self.companions.at(list).and_then(|all| all.get_mut(place))
            && seen.at.time.since(session.last) <= COMPANION_IDLE_MAX
        {
            let news = session.observe(seen, side);
            return self.note_citrix(news);
        }
        let (server, client) = (key.socket(side), key.socket(side.other()));
        let pair = ordered(server.addr, client.addr);
        let Some(list) = self.companions.place(pair, limits.companion_pairs_max) else { return };
        let Some(sessions) = self.companions.at(list) else { return };
        let known = sessions.iter().rposition(|session| {
            session.kind == kind
                && session.server == server.addr
                && session.client_port == client.port
                && seen.at.time.since(session.last) <= COMPANION_IDLE_MAX
        });
        let place = match known {
            Some(place) => place,
            None if sessions.len() >= limits.companion_sessions_max => return,
            None => {
                sessions.push(Companion::new(kind, server.addr, client.port, seen.at));
                sessions.len().saturating_sub(1)
            }
        };
        let Some(session) = sessions.get_mut(place) else { return };
        let news = session.observe(seen, side);
        self.note_citrix(news);
        let places = [Some(list), Some(place)];
        self.recent.put(Noted { key: *key, since: seen.at.time, places });
    }

    /// Distinct peers of a watched socket until `as_of`, in order; at most so many as are kept.
    pub fn peers(&self, transport: Transport, socket: Socket, as_of: Timestamp) -> Vec<Socket> {
        self.peers
            .get(&(transport, socket))
            .map(|peers| peers.until(as_of).collect())
            .unwrap_or_default()
    }

    /// When each of the peers of a watched socket that have this address was first seen, in order.
    pub fn connections(
        &self,
        transport: Transport,
        socket: Socket,
        peer: IpAddr,
        as_of: Timestamp,
    ) -> Vec<Timestamp> {
        let all = self.peers.get(&(transport, socket)).into_iter().flat_map(|p| &p.first_seen);
        let own = all.filter(|(socket, first)| socket.addr == peer && **first <= as_of);
        let mut times: Vec<Timestamp> = own.map(|(_, first)| *first).collect();
        times.sort_unstable();
        times
    }

    /// Distinct watched sockets that a host talked to until `as_of`.
    pub fn targets(&self, host: IpAddr, as_of: Timestamp) -> usize {
        self.targets.get(&host).map_or(0, |targets| targets.until(as_of).count())
    }

    /// Conversations of in-range UDP sockets of `host` that were going on at `at`, as known until
    /// `as_of`: the socket, its peer, and when they began. Of a host that has very many, those of the
    /// lowest ports ([`TALKS_LOOKED_AT_MAX`]).
    pub fn talks(
        &self,
        host: IpAddr,
        at: Timestamp,
        as_of: Timestamp,
    ) -> impl Iterator<Item = (Socket, Socket, &Talk)> {
        let lowest = |port: u16| Socket { addr: host, port };
        let from = (lowest(0), Socket { addr: IpAddr::V4(Ipv4Addr::UNSPECIFIED), port: 0 });
        self.talks
            .from(from)
            .take_while(move |((own, _), _)| own.addr == host)
            .take(TALKS_LOOKED_AT_MAX)
            .flat_map(|((own, peer), talks)| talks.iter().map(move |talk| (*own, *peer, talk)))
            .filter(move |(.., talk)| talk.first.time <= as_of && talk.last >= at)
    }

    /// Companion sessions between two hosts that were confirmed and alive at `at`, as known until
    /// `as_of`.
    pub fn companions(
        &self,
        one: IpAddr,
        other: IpAddr,
        at: Timestamp,
        as_of: Timestamp,
    ) -> impl Iterator<Item = &Companion> {
        let sessions = self.companions.get(&ordered(one, other));
        sessions.iter().filter(move |session| session.is_alive(at, as_of))
    }

    /// Whether a Citrix session was going on between whatever hosts at most [`CITRIX_ELSEWHERE_MAX`]
    /// before `from`, or since, as known until `as_of`: the first one.
    pub fn citrix_elsewhere(&self, from: Timestamp, as_of: Timestamp) -> Option<&CitrixSeen> {
        let seen = self.citrix.range(..=hour(as_of)).map(|(_, seen)| seen);
        // From the last hour down, so that a capture of months is not gone through.
        let near = |seen: &&CitrixSeen| from.since(seen.confirmed.time) <= CITRIX_ELSEWHERE_MAX;
        seen.rev().take_while(near).filter(|seen| seen.confirmed.time <= as_of).last()
    }

    /// Frames were lost.
    pub fn note_drops(&mut self, drops: Drops) {
        self.drops = Some(self.drops.map_or(drops, |before| before.join(drops)));
    }

    /// What was lost, where some of it may have been lost between these times.
    pub fn drops(&self, from: Timestamp, to: Timestamp) -> Option<Drops> {
        self.drops.filter(|drops| drops.since <= to && from <= drops.until)
    }

    fn note_citrix(&mut self, seen: Option<CitrixSeen>) {
        let Some(seen) = seen else { return };
        let first = self.citrix.entry(hour(seen.confirmed.time)).or_insert(seen);
        *first = (*first).min(seen);
        while self.citrix.len() > CITRIX_HOURS_MAX {
            self.citrix.pop_first();
        }
    }

    /// Adds another piece's ledgers. Pieces may come in any order.
    pub fn merge(&mut self, other: Self, config: &Config) {
        let limits = &config.limits;
        if let Some((first, last)) = other.span {
            self.tick(first);
            self.tick(last);
        }
        other.citrix.into_values().for_each(|seen| self.note_citrix(Some(seen)));
        other.drops.into_iter().for_each(|drops| self.note_drops(drops));
        for (socket, peers) in other.peers {
            if let Some(own) = bounded(&mut self.peers, socket, limits.endpoints_max) {
                own.merge(peers, limits);
            }
        }
        for (host, targets) in other.targets {
            if let Some(own) = bounded(&mut self.targets, host, limits.endpoints_max) {
                own.merge(targets, limits);
            }
        }
        self.recent = Recent::default();
        for (pair, sessions) in other.companions.into_lists() {
            let place = self.companions.place(pair, limits.companion_pairs_max);
            if let Some(own) = place.and_then(|place| self.companions.at(place)) {
                merge_sessions(own, sessions, limits.companion_sessions_max);
            }
        }
        for (ends, talks) in other.talks.into_lists() {
            let place = self.talks.place(ends, limits.endpoints_max);
            if let Some(own) = place.and_then(|place| self.talks.at(place)) {
                merge_talks(own, talks, config.timeouts.udp);
            }
        }
    }
}

fn observe_talk(talks: &mut Vec<Talk>, seen: &Seen<'_>, own: Side, config: &Config) {
    let SeenBody::Udp(payload) = seen.body else { return };
    let answers = seen.side == own && payload.wire_len > 0;
    let answered = answers.then_some(seen.at);
    let idle_max = config.timeouts.udp;
    let goes_on = |talk: &&mut Talk| seen.at.time.since(talk.last) <= idle_max;
    if let Some(talk) = talks.last_mut().filter(goes_on) {
        talk.last = talk.last.max(seen.at.time);
        talk.answered = talk.answered.or(answered);
    } else if talks.len() < TALKS_MAX {
        // Hardly any pair has a second one.
        talks.reserve_exact(1);
        talks.push(Talk { first: seen.at, last: seen.at.time, answered });
    }
}

fn merge_talks(own: &mut Vec<Talk>, others: Vec<Talk>, idle_max: Duration) {
    own.extend(others);
    own.sort_by_key(|talk| talk.first);
    let mut merged: Vec<Talk> = Vec::new();
    for talk in own.drain(..) {
        match merged.last_mut() {
            Some(before) if talk.first.time.since(before.last) <= idle_max => {
                before.last = before.last.max(talk.last);
                before.answered = earliest(before.answered, talk.answered);
            }
            Some(_) | None => merged.push(talk),
        }
    }
    merged.truncate(TALKS_MAX);
    *own = merged;
}

impl Peers {
    fn note(&mut self, peer: Socket, time: Timestamp, limits: &Limits) {
        if let Some(first) = self.first_seen.get_mut(&peer) {
            *first = (*first).min(time);
        } else if self.first_seen.len() < limits.endpoint_peers_max {
            self.first_seen.insert(peer, time);
        }
    }

    fn merge(&mut self, other: Self, limits: &Limits) {
        for (peer, time) in other.first_seen {
            let first = self.first_seen.entry(peer).or_insert(time);
            *first = (*first).min(time);
        }
        // Those that were first are the ones that the whole capture would have kept.
        while self.first_seen.len() > limits.endpoint_peers_max {
            let last = self.first_seen.iter().map(|(peer, time)| (*time, *peer)).max();
            last.map(|(_, peer)| self.first_seen.remove(&peer));
        }
    }

    fn until(&self, as_of: Timestamp) -> impl Iterator<Item = Socket> {
        self.first_seen.iter().filter(move |(_, first)| **first <= as_of).map(|(peer, _)| *peer)
    }
}

impl Companion {
    fn new(kind: CompanionKind, server: IpAddr, client_port: u16, first: FrameRef) -> Self {
        let last = first.time;
        Self { kind, server, client_port, first, last, confirmed: None, ended: None, noted: None }
    }

    /// Takes in a packet; says so where it shows a Citrix session, once an hour.
    fn observe(&mut self, seen: &Seen<'_>, server: Side) -> Option<CitrixSeen> {
        self.last = self.last.max(seen.at.time);
        let payload = match seen.body {
            SeenBody::Icmp(_) => return None,
            SeenBody::Udp(payload) => payload,
            SeenBody::Tcp(info, payload) => {
                if info.flags.fin() || info.flags.rst() {
                    self.ended.get_or_insert(seen.at.time);
                }
                payload
            }
        };
        let now = Some(hour(seen.at.time));
        if seen.side != server || payload.wire_len == 0 || self.noted == now {
            return None;
        }
        self.noted = now;
        self.confirmed.get_or_insert(seen.at);
        let Self { server, kind, .. } = *self;
        kind.is_citrix().then_some(CitrixSeen { confirmed: seen.at, server, kind })
    }

    fn is_alive(&self, at: Timestamp, as_of: Timestamp) -> bool {
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

fn merge_sessions(own: &mut Vec<Companion>, others: Vec<Companion>, max: usize) {
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
    merged.truncate(max);
    *own = merged;
}

/// Hours since the epoch.
const fn hour(time: Timestamp) -> i64 {
    time.seconds().div_euclid(3600)
}

fn earliest<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    one.into_iter().chain(other).min()
}

fn ordered(one: IpAddr, other: IpAddr) -> (IpAddr, IpAddr) {
    if one <= other { (one, other) } else { (other, one) }
}

/// The entry for `key`, made if there is room.
fn bounded<K: Ord, V: Default>(map: &mut BTreeMap<K, V>, key: K, max: usize) -> Option<&mut V> {
    if map.len() >= max && !map.contains_key(&key) {
        return None;
    }
    Some(map.entry(key).or_default())
}
