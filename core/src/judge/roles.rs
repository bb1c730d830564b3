//! Who is the client.
//!
//! Never decided by a port lying in some range: old Windows clients use 1025 to 5000, and NAT rewrites
//! to any. The SYN decides, then what the protocol's messages tell, then how many peers an endpoint
//! has, else who was seen first; and the verdict says which it was.

use std::time::Duration;

use crate::config::Config;
use crate::event::RoleBasis;
use crate::flow::correlation::{FanIn, Gaps};
use crate::flow::{Correlation, FlowKey, FlowRecord};
use crate::net::Side;
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

/// A flow whose first packet comes so long after the capture began was hardly running before: busy
/// conversations do not pause for so long.
pub(super) const SETTLING_TIME: Duration = Duration::from_secs(5);

/// Decides by what was known until `as_of`.
pub(crate) fn decide(
    key: &FlowKey,
    record: &FlowRecord,
    ledgers: &Correlation,
    gaps: &Gaps,
    as_of: Timestamp,
    config: &Config,
) -> Roles {
    if let Some(client) = by_handshake(record) {
        return Roles { client, basis: RoleBasis::Handshake };
    }
    if let Some(client) = record.recognised().find_map(|found| found.finding.client) {
        return Roles { client, basis: RoleBasis::Protocol };
    }
    if let Some(client) = by_fan_in(key, ledgers, gaps, as_of, config) {
        return Roles { client, basis: RoleBasis::FanIn };
    }
    let began = ledgers.span.map_or(Duration::ZERO, |(first, _)| record.first.time.since(first));
    let [a, b] = Side::BOTH.map(|side| config.watch.covers(key.transport, key.socket(side).port));
    match (a, b) {
        // A capture that starts in the middle shows either side first: then the watched port is taken
        // for the service's.
        (true, false) if began < SETTLING_TIME => {
            Roles { client: Side::B, basis: RoleBasis::WatchedPort }
        }
        (false, true) if began < SETTLING_TIME => {
            Roles { client: Side::A, basis: RoleBasis::WatchedPort }
        }
        (true | false, true | false) => {
            Roles { client: record.first_sender, basis: RoleBasis::FirstSeen }
        }
    }
}

fn by_handshake(record: &FlowRecord) -> Option<Side> {
    // Where both ends opened it, who did so first.
    let opened = |side: Side| Some((record.side(side).opened()?.0, side));
    let first = Side::BOTH.into_iter().filter_map(opened).min();
    first.map(|(_, side)| side).or_else(|| {
        Side::BOTH.into_iter().find(|side| record.side(side.other()).accepted().is_some())
    })
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
