//! Who is the client.
//!
//! The SYN decides, then what the protocol's messages tell, then how many peers an endpoint has. Where
//! nothing of that is to be had the roles are a guess, and a guess must not make the label: of two ends
//! one of which is on a watched port, that one is the service, unless the other port is registered for what
//! was recognised over TCP, or one that no client has. Nothing else decides by a port's number: old Windows
//! clients use 1025 to 5000, and NAT rewrites to any. Only of two watched ports it is asked who serves a
//! Citrix session, who sends more, and who was seen first. The verdict says which it was.

use std::net::IpAddr;

use crate::config::Config;
use crate::event::RoleBasis;
use crate::flow::correlation::{FanIn, Gaps};
use crate::flow::{Correlation, FlowKey, FlowRecord};
use crate::net::{Side, Transport};
use crate::registry;
use crate::time::Timestamp;

/// Who is the client, and how that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Roles {
    /// The client's side.
    pub client: Side,
    /// What that rests on.
    pub basis: RoleBasis,
}

/// Peers that an endpoint must have before their number says something.
const PEERS_MIN: usize = 4;

/// Packets with payload from which on it says something who sends more.
const PACKETS_MIN: u64 = 8;

/// Below this no system chooses a client's port, not even for those that want a reserved one
/// (rresvport(3)).
const CLIENT_MIN: u16 = 512;

/// From here on systems choose clients' ports: Linux 32768 to 60999 (ip(7)), others 49152 to 65535 (RFC
/// 6335 section 6).
const EPHEMERAL_MIN: u16 = 32_768;

/// FTP's data port.
const FTP_DATA: u16 = 20;

/// Decides by what was known until `as_of`.
pub(crate) fn decide(
    key: &FlowKey,
    record: &FlowRecord,
    ledgers: &Correlation,
    gaps: &Gaps,
    as_of: Timestamp,
    config: &Config,
) -> Roles {
    let roles = |basis| move |client| Roles { client, basis };
    // Nobody sends from a group's address: it asks nothing.
    let may_ask = |side: &Side| !is_group(key.socket(*side).addr);
    let protocol = || record.recognised().find_map(|found| found.finding.client.filter(may_ask));
    by_handshake(record)
        .map(roles(RoleBasis::Handshake))
        .or_else(|| protocol().map(roles(RoleBasis::Protocol)))
        .or_else(|| by_fan_in(key, ledgers, gaps, as_of, config).map(roles(RoleBasis::FanIn)))
        .or_else(|| by_ports(key, record, config))
        .or_else(|| by_session(key, record, ledgers, gaps, as_of).map(roles(RoleBasis::Companion)))
        .or_else(|| by_volume(record).map(roles(RoleBasis::Volume)))
        .unwrap_or_else(|| roles(RoleBasis::FirstSeen)(record.first_sender))
}

/// Whether packets to this address are for whoever listens.
pub(super) fn is_group(addr: IpAddr) -> bool {
    match addr {
        IpAddr::V4(addr) => addr.is_multicast() || addr.is_broadcast(),
        IpAddr::V6(addr) => addr.is_multicast(),
    }
}

fn by_handshake(record: &FlowRecord) -> Option<Side> {
    // Where both ends opened it, who did so first.
    let opened = |side: Side| Some((record.side(side).opened()?.0, side));
    let first = Side::BOTH.into_iter().filter_map(opened).min().map(|(_, side)| side);
    let accepted = |side: Side| record.side(side).accepted().is_some();
    match (first, Side::BOTH.map(accepted)) {
        // A client accepts nothing: the other's SYN came before the capture did.
        (Some(side), _) if accepted(side) && record.side(side.other()).opened().is_none() => None,
        (Some(side), _) => Some(side),
        (None, [false, true]) => Some(Side::A),
        (None, [true, false]) => Some(Side::B),
        (None, [true, true] | [false, false]) => None,
    }
}

/// An endpoint that talks to many peers from one port is a server, unless all its peers share a few
/// ports: then they are the services, and it is a client that keeps its port.
fn by_fan_in(
    key: &FlowKey,
    ledgers: &Correlation,
    gaps: &Gaps,
    as_of: Timestamp,
    config: &Config,
) -> Option<Side> {
    let opinion = |side: Side| {
        let socket = key.socket(side);
        if !config.watch.covers(key.transport, socket.port) {
            return None;
        }
        let FanIn { peers, hosts, ports } = ledgers.fan_in(key.transport, socket, as_of, gaps);
        if peers < PEERS_MIN {
            return None;
        }
        if ports >= hosts && ports.saturating_mul(2) > peers {
            Some(side.other())
        } else if ports.saturating_mul(2) <= hosts {
            Some(side)
        } else {
            None
        }
    };
    let [a, b] = Side::BOTH.map(opinion);
    match (a, b) {
        (Some(client), None) | (None, Some(client)) => Some(client),
        (Some(one), Some(other)) if one == other => Some(one),
        (Some(_) | None, Some(_) | None) => None,
    }
}

/// Decides by the ports, unless both are watched and alike.
fn by_ports(key: &FlowKey, record: &FlowRecord, config: &Config) -> Option<Roles> {
    let is_service = |side| is_service_port(key, record, side);
    let one = |holds: [bool; 2]| match holds {
        [true, false] => Some(Side::A),
        [false, true] => Some(Side::B),
        [true, true] | [false, false] => None,
    };
    if let Some(server) = one(Side::BOTH.map(is_service)) {
        return Some(Roles { client: server.other(), basis: RoleBasis::ServicePort });
    }
    let watched = Side::BOTH.map(|side| config.watch.covers(key.transport, key.socket(side).port));
    let given = Side::BOTH.map(|side| key.socket(side).port >= EPHEMERAL_MIN);
    match (one(watched), one(given)) {
        (Some(server), Some(client)) if server != client => {
            Some(Roles { client, basis: RoleBasis::EphemeralPort })
        }
        (Some(server), _) => Some(Roles { client: server.other(), basis: RoleBasis::WatchedPort }),
        (None, Some(client)) => Some(Roles { client, basis: RoleBasis::EphemeralPort }),
        (None, None) => None,
    }
}

/// Whether a side's port is that of a TCP service: of what was recognised, or, where a connection is older
/// than the capture and there was nothing to recognise, one that no system gives to a client. FTP's data
/// port is of the side that connects (RFC 959 section 3.2). Over UDP a port says nothing: clients of IKE,
/// L2TP, mDNS, IAX and others send from their service's own.
fn is_service_port(key: &FlowKey, record: &FlowRecord, side: Side) -> bool {
    if key.transport == Transport::Udp {
        return false;
    }
    let port = key.socket(side).port;
    let mut recognised = record.recognised().peekable();
    if recognised.peek().is_some() {
        return recognised.any(|found| registry::is_registered(found.detector.id, port));
    }
    port > 0 && port < CLIENT_MIN && port != FTP_DATA
}

/// Whoever serves a Citrix session between the two hosts serves what runs beside it.
fn by_session(
    key: &FlowKey,
    record: &FlowRecord,
    ledgers: &Correlation,
    gaps: &Gaps,
    as_of: Timestamp,
) -> Option<Side> {
    if key.transport != Transport::Udp {
        return None;
    }
    let [a, b] = Side::BOTH.map(|side| key.socket(side).addr);
    let mut sessions = ledgers.companions(a, b, record.first.time, as_of, gaps);
    let server = sessions.find(|session| session.kind.is_citrix())?.server;
    (a != b).then_some(if server == a { Side::B } else { Side::A })
}

/// Whoever sends three times as much is taken for the server: answers are larger than questions.
fn by_volume(record: &FlowRecord) -> Option<Side> {
    let [a, b] = Side::BOTH.map(|side| record.side(side));
    if a.payload_packets.saturating_add(b.payload_packets) < PACKETS_MIN {
        return None;
    }
    if a.payload_bytes >= b.payload_bytes.saturating_mul(3) {
        Some(Side::B)
    } else if b.payload_bytes >= a.payload_bytes.saturating_mul(3) {
        Some(Side::A)
    } else {
        None
    }
}
