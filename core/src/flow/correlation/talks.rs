//! Conversations with in-range UDP sockets.

use std::time::Duration;

use super::earliest;
use super::recent::List;
use crate::config::Config;
use crate::decode::Body;
use crate::flow::packet::FlowPacket;
use crate::frame::FrameRef;
use crate::net::Side;
use crate::time::Timestamp;

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
pub(super) const TALKS_MAX: usize = 8;

/// A packet of such a conversation was seen, in which `own` is the in-range socket.
pub(super) fn observe_talk(
    talks: &mut List<Talk>,
    seen: &FlowPacket<'_>,
    own: Side,
    config: &Config,
) {
    let Body::Udp(_, payload) = seen.packet.body else { return };
    let answers = seen.side == own && payload.wire_len > 0;
    let answered = answers.then_some(seen.packet.at);
    let idle_max = config.timeouts.udp;
    let goes_on = |talk: &&mut Talk| seen.packet.at.time.since(talk.last) <= idle_max;
    let full = talks.items.len() >= TALKS_MAX;
    if let Some(talk) = talks.items.last_mut().filter(goes_on) {
        talk.last = talk.last.max(seen.packet.at.time);
        talk.answered = talk.answered.or(answered);
    } else if full {
        talks.lose(seen.packet.at.time);
    } else {
        // Hardly any pair has a second one.
        talks.items.reserve_exact(1);
        talks.items.push(Talk { first: seen.packet.at, last: seen.packet.at.time, answered });
    }
}

/// Adds another piece's conversations of the same pair of sockets.
pub(super) fn merge_talks(own: &mut Vec<Talk>, others: Vec<Talk>, idle_max: Duration) {
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
    *own = merged;
}
