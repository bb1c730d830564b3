//! Which packets are copies: what a capture shows more than once of what was sent once.
//!
//! A mirror of two ports shows each frame twice, a capture on `any` once an interface, taps before and behind a
//! router once each. Hosts send equal datagrams, too: nothing but their times may differ where there is no
//! identification, as in IPv6 and in IPv4 that is not to be cut up (RFC 6864 section 4.1). So two packets
//! of one direction are copies if
//!
//! 1. all bytes that were captured of them are equal from the header of TCP, UDP or ICMP on, and so are their
//!    lengths and identifications (time to live, VLAN tags, tunnels and addresses of the link change on the way);
//! 2. they follow within [`Timeouts::duplicate`](crate::config::Timeouts::duplicate), and with at most
//!    [`Limits::duplicate_window_packets`](crate::config::Limits::duplicate_window_packets) of the flow between;
//! 3. something tells them from a packet that was sent again. One of these:
//!    - an identification that is not 0, or TCP's sequence numbers where a segment takes any up (data, SYN,
//!      FIN): no host sends these again so soon;
//!    - the way, which differs: another link, other tags or tunnels, another time to live. As often as it was
//!      seen on one way its equal on another is a copy. Which file it was in says nothing: files that were
//!      merged give what they give apart;
//!    - the company: the second one follows the first at once, and within the window a packet that this
//!      rule need not be asked of was there twice as well, or one of the other direction was. That is a mirror.
//!
//! What none of these holds of was sent twice, and counts twice. Whoever sends the same datagram over and
//! over in IPv6 is not taken for a mirror; the first datagram of such a mirror counts twice.

use crate::config::Config;
use crate::decode::packet::{Body, Packet};
use crate::net::Side;
use crate::time::Timestamp;
use crate::wire;

/// What is kept of a packet to know copies by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Print {
    /// Its bytes, identification, length and direction, as a number.
    content: u64,
    /// The way it took, as a number.
    way: u32,
    /// Whether it says by itself that no other packet is equal.
    is_unique: bool,
}

impl Print {
    /// Of a packet that nobody asks about.
    pub(super) const NONE: Self = Self { content: 0, way: 0, is_unique: false };

    /// That of a packet that `side` sent. Only those of one key can be compared.
    pub(super) fn of(packet: &Packet<'_>, side: Side, key: u64) -> Self {
        let wire_len = match packet.body {
            Body::Tcp(_, payload) | Body::Udp(_, payload) => wire::len32(payload.wire_len),
            Body::Icmp(_) => 0,
        };
        let side = u64::from(side == Side::B);
        let outside = u64::from(wire_len) << 17 | u64::from(packet.ip_id) << 1 | side;
        Self {
            content: wire::digest(key, outside, packet.segment),
            way: way(packet),
            is_unique: packet.ip_id != 0 || takes_numbers(packet),
        }
    }
}

/// Whether a segment takes up sequence numbers (RFC 9293 section 3.4).
const fn takes_numbers(packet: &Packet<'_>) -> bool {
    match packet.body {
        Body::Tcp(info, payload) => info.flags.syn() || info.flags.fin() || payload.wire_len > 0,
        Body::Udp(..) | Body::Icmp(_) => false,
    }
}

/// Link, tags, tunnels and time to live.
fn way(packet: &Packet<'_>) -> u32 {
    let mut number = packet.link ^ u64::from(packet.ttl);
    if !packet.path.is_plain() {
        for vlan in packet.path.vlans() {
            number = wire::digest(0, number, &vlan.to_be_bytes());
        }
        for tunnel in packet.path.tunnels() {
            number = wire::digest(0, number, tunnel.kind.as_bytes());
        }
    }
    // The lower half of a digest tells as much as half of it can.
    u32::try_from(number & u64::from(u32::MAX)).unwrap_or_default()
}

/// The last packets of a flow, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Recent(Vec<Kept>);

#[derive(Clone, Copy, Debug)]
struct Kept {
    time: Timestamp,
    print: Print,
    side: Side,
    /// Whether the bytes of one before it were the same.
    again: bool,
}

/// Packets before one that can have a say in whether it is a copy: those in its window, and those in theirs.
pub(super) fn reach(config: &Config) -> usize {
    config.limits.duplicate_window_packets.saturating_mul(2)
}

impl Recent {
    /// Whether the packet that `side` sent at this time is a copy of one of the last, and remembers it.
    pub(super) fn is_copy(
        &mut self,
        print: Print,
        side: Side,
        time: Timestamp,
        config: &Config,
    ) -> bool {
        let is_equal = |kept: &&Kept| {
            kept.print.content == print.content
                && time.since(kept.time) <= config.timeouts.duplicate
        };
        let again = self.0.iter().any(|kept| is_equal(&kept));
        let copy = again && {
            let by = |way: u32| {
                self.0.iter().filter(is_equal).filter(|kept| kept.print.way == way).count()
            };
            let others = self.0.iter().filter(is_equal).map(|kept| kept.print.way);
            // Sent twice and seen twice on two ways each: the second on one way is the second's copy.
            let came_otherwise = others.map(by).max() > Some(by(print.way));
            print.is_unique || came_otherwise || self.is_mirrored(print, side)
        };
        if self.0.len() >= config.limits.duplicate_window_packets {
            self.0.remove(0);
        }
        // Of many flows there is but one packet.
        self.0.reserve_exact(usize::from(self.0.is_empty()));
        self.0.push(Kept { time, print, side, again });
        copy
    }

    /// Whether what follows its equal at once is in the company of others that were there twice.
    fn is_mirrored(&self, print: Print, side: Side) -> bool {
        self.0.last().is_some_and(|last| last.print.content == print.content)
            && self.0.iter().any(|kept| kept.again && (kept.print.is_unique || kept.side != side))
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.0.capacity() * size_of::<Kept>()
    }
}
