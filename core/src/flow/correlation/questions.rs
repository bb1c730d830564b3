//! What a flow is judged by: what the ledgers knew of its hosts at some time.

use std::net::IpAddr;

use super::sessions::{CitrixSeen, Companion, hour};
use super::talks::Talk;
use super::{Correlation, Drops, Gaps, LOWEST, lowest_of, ordered};
use crate::config::{CITRIX_ELSEWHERE_MAX, TALKS_LOOKED_AT_MAX};
use crate::net::{Socket, Transport};
use crate::time::Timestamp;

/// The peers of a watched socket, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FanIn {
    /// Sockets.
    pub peers: usize,
    /// Their addresses.
    pub hosts: usize,
    /// Their ports.
    pub ports: usize,
}

impl FanIn {
    /// Of peers in order.
    fn of(peers: impl Iterator<Item = Socket>) -> Self {
        let (mut all, mut host, mut ports) = (Self::default(), None, Vec::new());
        // Nothing is kept of them but ports, of equal ones in a row the first.
        for peer in peers {
            all.peers = all.peers.saturating_add(1);
            let is_another = host.replace(peer.addr) != Some(peer.addr);
            all.hosts = all.hosts.saturating_add(usize::from(is_another));
            if ports.last() != Some(&peer.port) {
                ports.push(peer.port);
            }
        }
        ports.sort_unstable();
        ports.dedup();
        Self { ports: ports.len(), ..all }
    }
}

impl Correlation {
    /// Whether a watched socket is among those that are kept.
    pub fn has_service(&self, transport: Transport, socket: Socket) -> bool {
        self.services.has(&(transport, socket))
    }

    /// The peers of a watched socket until `as_of`, of those that are kept. Of the service in a flood, which
    /// has as many as are kept of one, they are counted once.
    pub(crate) fn fan_in(
        &self,
        transport: Transport,
        socket: Socket,
        as_of: Timestamp,
        gaps: &Gaps,
    ) -> FanIn {
        let full = self.full_service.filter(|full| {
            full.from == (transport, socket, LOWEST)
                && full.changes == self.peers.changes()
                && full.last.0 <= as_of
        });
        let known = self.full_fan_in.get().filter(|(of, _)| full.as_ref() == Some(of));
        gaps.note(self.peers.is_cut(as_of));
        let peers = self.peers_of(transport, socket, LOWEST);
        let peers = peers.filter(|(_, first)| *first <= as_of).map(|(peer, _)| peer);
        let fan_in = known.map_or_else(|| FanIn::of(peers), |(_, known)| known);
        if let Some(full) = full {
            self.full_fan_in.set(Some((full, fan_in)));
        }
        fan_in
    }

    /// When each of the peers of a watched socket that have this address was first seen, in order; only
    /// of those that are kept.
    pub fn connections(
        &self,
        transport: Transport,
        socket: Socket,
        peer: IpAddr,
        as_of: Timestamp,
        gaps: &Gaps,
    ) -> Vec<Timestamp> {
        gaps.note(self.peers.is_cut(as_of));
        let from = self.peers_of(transport, socket, lowest_of(peer));
        let own = from.take_while(|(socket, _)| socket.addr == peer);
        let own = own.filter(|(_, first)| *first <= as_of);
        let mut times: Vec<Timestamp> = own.map(|(_, first)| first).collect();
        times.sort_unstable();
        times
    }

    fn peers_of(
        &self,
        transport: Transport,
        socket: Socket,
        from: Socket,
    ) -> impl Iterator<Item = (Socket, Timestamp)> {
        self.peers
            .from((transport, socket, from)..)
            .take_while(move |(key, ..)| (key.0, key.1) == (transport, socket))
            .map(|(key, first, _)| (key.2, first))
    }

    /// Whether a host talked to at least `min` distinct watched sockets until `as_of`; `min` is at most
    /// 16.
    pub fn has_targets(&self, host: IpAddr, min: usize, as_of: Timestamp, gaps: &Gaps) -> bool {
        let host = lowest_of(host);
        let all = self.targets.from((host, LOWEST)..);
        let own = all.take_while(|(key, ..)| key.0 == host);
        let enough = own.filter(|(_, first, _)| *first <= as_of).count() >= min;
        gaps.note(!enough && self.targets.is_cut(as_of));
        enough
    }

    /// Conversations of in-range UDP sockets of `host` that were going on at `at`, as known until
    /// `as_of`: the socket, its peer, and when they began. Of a host that has very many, those of the
    /// lowest ports ([`TALKS_LOOKED_AT_MAX`]).
    pub fn talks<'a>(
        &'a self,
        host: IpAddr,
        at: Timestamp,
        as_of: Timestamp,
        gaps: &'a Gaps,
    ) -> impl Iterator<Item = (Socket, Socket, &'a Talk)> {
        gaps.note(self.talks.is_cut(as_of));
        let mut looked_at = 0_usize;
        self.talks
            .from((lowest_of(host), LOWEST))
            .take_while(move |((own, _), _)| own.addr == host)
            .take_while(move |_| {
                looked_at = looked_at.saturating_add(1);
                gaps.note(looked_at > TALKS_LOOKED_AT_MAX);
                looked_at <= TALKS_LOOKED_AT_MAX
            })
            .inspect(move |(_, talks)| gaps.note(!talks.is_whole(as_of)))
            .flat_map(|((own, peer), talks)| talks.items.iter().map(|talk| (*own, *peer, talk)))
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
        gaps: &Gaps,
    ) -> impl Iterator<Item = &Companion> {
        let sessions = self.companions.get(&ordered(one, other));
        gaps.note(match sessions {
            Some(sessions) => !sessions.is_whole(as_of),
            None => self.companions.is_cut(as_of),
        });
        let sessions = sessions.into_iter().flat_map(|sessions| &sessions.items);
        sessions.filter(move |session| session.is_alive(at, as_of))
    }

    /// Whether a Citrix session was going on between whatever hosts at most [`CITRIX_ELSEWHERE_MAX`]
    /// before `from`, or since, as known until `as_of`: the first one. What is known is the first packet
    /// of each hour, so that the reach is up to an hour less than that behind the last one.
    pub fn citrix_elsewhere(&self, from: Timestamp, as_of: Timestamp) -> Option<&CitrixSeen> {
        let seen = self.citrix.range(..=hour(as_of)).map(|(_, seen)| seen);
        // From the last hour down, so that a capture of months is not gone through.
        let near = |seen: &&CitrixSeen| from.since(seen.confirmed.time) <= CITRIX_ELSEWHERE_MAX;
        seen.rev().take_while(near).filter(|seen| seen.confirmed.time <= as_of).last()
    }

    /// What was lost, where some of it may have been lost between these times.
    pub fn drops(&self, from: Timestamp, to: Timestamp) -> Option<Drops> {
        self.drops.filter(|drops| drops.since <= to && from <= drops.until)
    }
}
