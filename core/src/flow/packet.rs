//! A packet as its flow sees it, and one that outlives its frame.

use crate::decode::packet::{Body, Packet, Path};
use crate::flow::copies::Print;
use crate::net::Side;

/// A packet as its flow sees it.
#[derive(Clone, Copy, Debug)]
pub struct FlowPacket<'a> {
    /// The decoder's packet.
    pub packet: &'a Packet<'a>,
    /// Who sent it; of an ICMP error, who sent the packet that it quotes.
    pub side: Side,
    /// By what copies of it are known.
    pub print: Print,
}

impl<'a> FlowPacket<'a> {
    /// A packet that `side` sent. Strangers must not know `key`, by which copies are told from others; what is
    /// put together has one key.
    pub fn new(packet: &'a Packet<'a>, side: Side, key: u64) -> Self {
        Self { packet, side, print: Print::of(packet, side, key) }
    }

    /// The same, where nobody asks whether it is a copy.
    pub const fn unsigned(packet: &'a Packet<'a>, side: Side) -> Self {
        Self { packet, side, print: Print::NONE }
    }

    /// The segment that opens a connection, if this is one: its initial sequence number.
    pub const fn opens(&self) -> Option<u32> {
        match self.packet.body {
            Body::Tcp(info, _) if info.flags.opens() => Some(info.seq),
            Body::Tcp(..) | Body::Udp(..) | Body::Icmp(_) => None,
        }
    }

    /// The segment that accepts a connection, if this is one: the initial sequence number that it accepts.
    pub const fn accepts(&self) -> Option<u32> {
        match self.packet.body {
            Body::Tcp(info, _) if info.flags.syn() && info.flags.ack() => {
                Some(info.ack.wrapping_sub(1))
            }
            Body::Tcp(..) | Body::Udp(..) | Body::Icmp(_) => None,
        }
    }

    /// What is said of source and destination, by side.
    pub fn by_side<T>(&self, [src, dst]: [T; 2]) -> [T; 2] {
        match self.side {
            Side::A => [src, dst],
            Side::B => [dst, src],
        }
    }
}

/// A packet that outlives its frame.
#[derive(Clone, Debug)]
pub struct KeptPacket {
    /// All but what it would have to borrow.
    packet: Packet<'static>,
    path: Path,
    payload: Vec<u8>,
    side: Side,
    print: Print,
}

impl KeptPacket {
    /// Keeps a packet.
    pub fn of(seen: &FlowPacket<'_>) -> Self {
        let FlowPacket { packet, side, print } = *seen;
        let payload = packet.body.payload().map_or(&[][..], |payload| payload.bytes).to_vec();
        let body = packet.body.with_payload(&[]);
        let Packet { at, path, transport, src, dst, ip_id, ttl, link, wire_len, .. } = *packet;
        let (plain, segment) = (&Path::PLAIN, &[]);
        let bare = Packet {
            at,
            path: plain,
            transport,
            src,
            dst,
            ip_id,
            ttl,
            link,
            wire_len,
            segment,
            body,
        };
        Self { packet: bare, path: *path, payload, side, print }
    }

    /// Lends it to `look`, as it was seen.
    pub fn lend<R>(&self, look: impl FnOnce(&FlowPacket<'_>) -> R) -> R {
        self.lend_with(&self.payload, look)
    }

    /// The same, with other bytes in place of those that were captured of its payload.
    pub fn lend_with<R>(&self, payload: &[u8], look: impl FnOnce(&FlowPacket<'_>) -> R) -> R {
        let body = self.packet.body.with_payload(payload);
        let packet = Packet { path: &self.path, body, ..self.packet };
        look(&FlowPacket { packet: &packet, side: self.side, print: self.print })
    }

    /// What was captured of its payload.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Who sent it.
    pub const fn side(&self) -> Side {
        self.side
    }

    /// TCP: the number of its first byte.
    pub const fn seq(&self) -> Option<u32> {
        match self.packet.body {
            Body::Tcp(info, _) => Some(info.seq),
            Body::Udp(..) | Body::Icmp(_) => None,
        }
    }
}
