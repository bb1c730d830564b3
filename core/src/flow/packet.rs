//! A packet as its flow sees it, and one that outlives its frame.

use crate::decode::packet::{Body, Packet, Path};
use crate::flow::hash::stable_hash;
use crate::net::Side;
use crate::wire;

/// A packet as its flow sees it.
#[derive(Clone, Copy, Debug)]
pub struct FlowPacket<'a> {
    /// The decoder's packet.
    pub packet: &'a Packet<'a>,
    /// Who sent it; of an ICMP error, who sent the packet that it quotes.
    pub side: Side,
    /// Equal for copies of one packet, and hardly ever for different ones.
    pub signature: u64,
}

impl<'a> FlowPacket<'a> {
    /// A packet that `side` sent.
    pub fn new(packet: &'a Packet<'a>, side: Side) -> Self {
        Self { packet, side, signature: signature(packet, side) }
    }

    /// The same, where nobody asks whether it is a copy.
    pub const fn unsigned(packet: &'a Packet<'a>, side: Side) -> Self {
        Self { packet, side, signature: 0 }
    }

    /// The segment that opens a connection, if this is one: its initial sequence number.
    pub const fn opens(&self) -> Option<u32> {
        match self.packet.body {
            Body::Tcp(info, _) if info.flags.opens() => Some(info.seq),
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
    signature: u64,
}

impl KeptPacket {
    /// Keeps a packet.
    pub fn of(seen: &FlowPacket<'_>) -> Self {
        let FlowPacket { packet, side, signature } = *seen;
        let payload = packet.body.payload().map_or(&[][..], |payload| payload.bytes).to_vec();
        let body = packet.body.with_payload(&[]);
        let Packet { at, path, transport, src, dst, ip_id, wire_len, .. } = *packet;
        let bare = Packet { at, path: &Path::PLAIN, transport, src, dst, ip_id, wire_len, body };
        Self { packet: bare, path: *path, payload, side, signature }
    }

    /// Lends it to `look`, as it was seen.
    pub fn lend<R>(&self, look: impl FnOnce(&FlowPacket<'_>) -> R) -> R {
        self.lend_with(&self.payload, look)
    }

    /// The same, with other bytes in place of those that were captured of its payload.
    pub fn lend_with<R>(&self, payload: &[u8], look: impl FnOnce(&FlowPacket<'_>) -> R) -> R {
        let body = self.packet.body.with_payload(payload);
        let packet = Packet { path: &self.path, body, ..self.packet };
        look(&FlowPacket { packet: &packet, side: self.side, signature: self.signature })
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

/// Equal for copies of one packet. The fields that a router changes (time to live) are left out.
fn signature(packet: &Packet<'_>, side: Side) -> u64 {
    let (header, payload) = match &packet.body {
        Body::Tcp(info, payload) => (
            [
                u64::from(info.seq) << 32 | u64::from(info.ack),
                u64::from(info.checksum) << 32
                    | u64::from(info.window) << 8
                    | u64::from(info.flags.0),
            ],
            Some(payload),
        ),
        Body::Udp(checksum, payload) => ([0, u64::from(*checksum)], Some(payload)),
        Body::Icmp(error) => ([u64::from(error.icmp_type), u64::from(error.code)], None),
    };
    let len = payload.map_or(0, |payload| u64::from(wire::len32(payload.wire_len)));
    let first = payload.and_then(|payload| wire::be64(payload.bytes, 0)).unwrap_or_default();
    let [one, two] = header;
    let side = u64::from(u32::from(side == Side::B));
    stable_hash(&[side << 16 | u64::from(packet.ip_id), one, two, len, first])
}
