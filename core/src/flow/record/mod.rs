//! The facts about one flow.
//!
//! A record is a fold over the flow's packets in order of capture, and a fold that can be cut: two
//! records of consecutive pieces make the record of the whole ([`FlowRecord::absorb`], invariant 8).
//! What depends on what came before (copies, the head) is therefore redone at the seam from what
//! [`crate::flow::partial`] keeps; everything else is a sum, an extreme or a first.

use std::time::Duration;

use crate::config::Config;
use crate::decode::packet::{Body, IcmpError, Path, Payload, TcpInfo, Unreachable};
use crate::flow::copies::Recent;
use crate::flow::packet::FlowPacket;
use crate::frame::FrameRef;
use crate::identify::Detail;
use crate::identify::identifier::{Identifier, Recognised};
use crate::identify::stream_head::{Head, Offer};
use crate::net::{Side, Transport};
use crate::time::Timestamp;
use crate::wire;

mod side;
mod timing;

pub(crate) use side::SideFacts;
pub use side::{LARGE_PAYLOAD_BYTES_MIN, SMALL_PAYLOAD_BYTES_MAX};
pub(crate) use timing::Pace;

/// An ICMP error about the flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The packet that said so.
    pub at: FrameRef,
    /// The side whose packet was quoted.
    pub quoted: Side,
    /// What it said.
    pub error: IcmpError,
}

/// Everything that is kept of a flow.
#[derive(Clone, Debug)]
pub struct FlowRecord {
    /// The first packet.
    pub first: FrameRef,
    /// VLANs and tunnels of the first packet, if there are any.
    path: Option<Box<Path>>,
    /// Who sent the first packet.
    pub first_sender: Side,
    /// Time of the last packet.
    pub last: Timestamp,
    /// By [`Side::index`].
    pub sides: [SideFacts; 2],
    /// Copies of packets, which count nowhere else.
    pub duplicates: u64,
    /// The first ICMP error that says something about the other end.
    pub refusal: Option<Box<Refusal>>,
    /// The pace of the payload.
    pub pace: Pace,
    /// Payload lengths of the first packets that have any, negative where side B sent them.
    pub message_sizes: Vec<i32>,
    /// The last packets, to know copies by.
    recent: Recent,
    /// What the payload speaks, as long as there is something to ask.
    pub identifier: Identifier,
    /// The first bytes; dropped once the identifier is settled on something.
    head: Option<Box<Head>>,
    /// Bytes that were shown to the detectors, by side.
    pub head_bytes: [u32; 2],
}

impl FlowRecord {
    /// A flow's record before its first packet `seen`, which is then to be observed.
    pub fn new(seen: &FlowPacket<'_>, config: &Config) -> Self {
        Self {
            first: seen.packet.at,
            path: (*seen.packet.path != Path::default()).then(|| Box::new(*seen.packet.path)),
            first_sender: seen.side,
            last: seen.packet.at.time,
            sides: Default::default(),
            duplicates: 0,
            refusal: None,
            pace: Pace::default(),
            message_sizes: Vec::new(),
            recent: Recent::default(),
            identifier: Identifier::new(seen.packet.transport, config),
            head: Some(Box::default()),
            head_bytes: [0; 2],
        }
    }

    /// Folds in a packet.
    pub fn observe(&mut self, seen: &FlowPacket<'_>, config: &Config) {
        self.last = self.last.max(seen.packet.at.time);
        if self.is_copy(seen, config) {
            return self.note_copy(seen);
        }
        self.count(seen, config);
        self.show_to_detectors(seen, config);
    }

    /// Counts a copy.
    pub fn note_copy(&mut self, seen: &FlowPacket<'_>) {
        self.last = self.last.max(seen.packet.at.time);
        self.duplicates = self.duplicates.saturating_add(1);
    }

    /// Takes over what another record of the same packets knows of the last ones.
    pub fn take_recent(&mut self, other: Self) {
        self.recent = other.recent;
    }

    /// Whether the packet is a copy of one of the last, and remembers it.
    pub fn is_copy(&mut self, seen: &FlowPacket<'_>, config: &Config) -> bool {
        self.recent.is_copy(seen.print, seen.side, seen.packet.at.time, config)
    }

    /// Folds a packet into everything but the head. It is not a copy.
    pub fn count(&mut self, seen: &FlowPacket<'_>, config: &Config) {
        self.last = self.last.max(seen.packet.at.time);
        let facts = seen.side.of_mut(&mut self.sides);
        let payload = match seen.packet.body {
            Body::Icmp(error) => {
                if error.kind != Unreachable::Transit {
                    let refusal = Refusal { at: seen.packet.at, quoted: seen.side, error };
                    self.refusal.get_or_insert_with(|| Box::new(refusal));
                }
                return;
            }
            Body::Tcp(info, payload) => {
                facts.segment(seen.packet.at, &info, payload.wire_len);
                payload
            }
            Body::Udp(_, payload) => payload,
        };
        facts.packet(seen, &payload);
        if payload.wire_len > 0 {
            self.pace.add(seen.packet.at.time);
            if self.message_sizes.len() < config.limits.message_sizes_max {
                let len = i32::try_from(payload.wire_len).unwrap_or(i32::MAX);
                self.message_sizes.push(if seen.side == Side::A {
                    len
                } else {
                    len.saturating_neg()
                });
            }
        }
    }

    /// Offers a packet's payload to the detectors, while they ask for more.
    pub fn show_to_detectors(&mut self, seen: &FlowPacket<'_>, config: &Config) {
        let Some(head) = &mut self.head else { return };
        if self.identifier.is_settled() {
            return;
        }
        let (transport, seq, payload) = match seen.packet.body {
            Body::Icmp(_) => return,
            Body::Udp(_, payload) => (Transport::Udp, 0, payload),
            Body::Tcp(info, payload) => {
                let syn = info.flags.syn();
                if syn {
                    head.opened(seen.side, info.seq);
                }
                if is_padding(&info, &payload) {
                    return;
                }
                (Transport::Tcp, info.seq.wrapping_add(u32::from(syn)), payload)
            }
        };
        let Payload { bytes, wire_len } = payload;
        let offer = Offer { at: seen.packet.at, side: seen.side, seq, bytes, wire_len };
        if !head.side_is_closed(seen.side) && !self.identifier.is_proven() {
            seen.side.of_mut(&mut self.sides).sample.add(bytes);
        }
        if head.offer(transport, &offer, &config.limits) {
            self.identifier.ask(transport, head, Some(&offer), false, config);
            if self.identifier.wants_whole() == Some(seen.side) {
                head.keep_whole(&offer, &config.limits);
            }
            self.note_head();
        }
    }

    /// Nothing will be added: asks the detectors for their last word.
    pub fn conclude(&mut self, transport: Transport, config: &Config) {
        if let Some(head) = &self.head {
            self.identifier.ask(transport, head, None, true, config);
            self.note_head();
        }
    }

    /// Adds what was counted of the packets that follow, but for their payload: that is to be shown
    /// to the detectors again.
    pub fn absorb(&mut self, later: Self, config: &Config) {
        self.last = self.last.max(later.last);
        for (facts, later) in self.sides.iter_mut().zip(later.sides) {
            facts.absorb(later);
        }
        self.duplicates = self.duplicates.saturating_add(later.duplicates);
        self.refusal = self.refusal.take().or(later.refusal);
        let room = config.limits.message_sizes_max.saturating_sub(self.message_sizes.len());
        self.message_sizes.extend(later.message_sizes.into_iter().take(room));
        self.pace.absorb(later.pace);
        self.recent = later.recent;
    }

    /// What was recognised, outermost first, and then what the other side speaks beside it.
    pub fn recognised(&self) -> impl DoubleEndedIterator<Item = &Recognised> {
        self.identifier.all()
    }

    /// What the payload told beside the protocols' names, the client being this side where the messages
    /// don't tell; it is gone from here.
    pub fn take_details(&mut self, client: Side) -> Vec<Detail> {
        self.identifier.take_details(client)
    }

    /// VLANs and tunnels of the first packet.
    pub fn path(&self) -> Path {
        self.path.as_deref().copied().unwrap_or_default()
    }

    /// Facts about one side.
    pub const fn side(&self, side: Side) -> &SideFacts {
        side.of(&self.sides)
    }

    /// The first bytes that one side sent, if they are still held.
    pub fn first_bytes(&self, side: Side, max: usize) -> &[u8] {
        self.head.as_ref().map(|head| head.first(side, max)).unwrap_or_default()
    }

    /// What one side sent first, a packet at a time in order, with the packet; as far as it is still held.
    pub fn head_pieces(&self, side: Side) -> impl Iterator<Item = (&[u8], FrameRef)> {
        self.head.iter().flat_map(move |head| head.pieces(side))
    }

    /// Whether TCP said that it is over: a reset, or both sides finished.
    pub fn is_closed(&self) -> bool {
        self.sides.iter().any(|side| side.reset().is_some())
            || self.sides.iter().all(|side| side.finished().is_some())
    }

    /// How long this flow may be idle before it has ended.
    pub fn idle_max(&self, transport: Transport, config: &Config) -> Duration {
        match transport {
            Transport::Udp => config.timeouts.udp,
            Transport::Tcp if self.is_closed() => config.timeouts.tcp_closed,
            Transport::Tcp => config.timeouts.tcp,
        }
    }

    /// Whether a packet is of this flow, rather than the first of a new one on the same 5-tuple.
    pub fn continues_with(&self, seen: &FlowPacket<'_>, config: &Config) -> bool {
        let idle_max = self.idle_max(seen.packet.transport, config);
        if seen.packet.at.time.since(self.last) > idle_max {
            return false;
        }
        let [own, other] = [seen.side, seen.side.other()].map(|side| self.side(side));
        if let Some(isn) = seen.opens() {
            return self.is_opened_by(seen.side, isn, seen.packet.at.time, config);
        }
        // What closed does not open again: then the answer to a SYN that comes later is the first of a new flow.
        let Some(isn) = seen.accepts().filter(|_| self.is_closed()) else { return true };
        other.opened().is_some_and(|(_, opened)| opened == isn) || own.answered() == Some(isn)
    }

    /// Whether a SYN of this number is one of this flow. A capture of several queues or interfaces may show
    /// it behind what it brought about, so the numbers decide, and where there are none yet, the time.
    fn is_opened_by(&self, side: Side, isn: u32, time: Timestamp, config: &Config) -> bool {
        let [own, other] = [side, side.other()].map(|side| self.side(side));
        let opened = own.opened().map(|(_, opened)| opened);
        if opened == Some(isn) || other.answered() == Some(isn) {
            return true;
        }
        if opened.is_none() && own.began_behind(isn) {
            return true;
        }
        let silent = self.sides.iter().all(|side| side.payload_packets == 0);
        if !silent || self.is_closed() || time.since(self.last) > config.timeouts.tcp_opening {
            return false;
        }
        match opened {
            // Asked for again with another number, by hosts that take a new one each time.
            Some(_) => other.packets == 0,
            // RFC 9293 section 3.5: both ends opened it at the same time; or the one that was asked
            // answers by asking (the split handshake).
            None => other.opened().is_some() && other.accepted().or(own.accepted()).is_none(),
        }
    }

    /// Whether a segment that opens or accepts a connection is one of this flow, whatever came before it.
    /// No other segment is in doubt.
    pub fn surely_opened_by(&self, seen: &FlowPacket<'_>) -> bool {
        let has_opened = |side: Side, isn: Option<u32>| {
            isn.is_none_or(|isn| self.side(side).opened().is_some_and(|(_, opened)| opened == isn))
        };
        has_opened(seen.side, seen.opens()) && has_opened(seen.side.other(), seen.accepts())
    }

    /// Bytes of memory behind this record, itself not counted.
    pub fn heap_bytes(&self) -> usize {
        let head = self.head.as_ref().map_or(0, |head| size_of::<Head>() + head.heap_bytes());
        head + self.identifier.heap_bytes()
            + self.sides.iter().map(SideFacts::heap_bytes).sum::<usize>()
            + self.path.as_ref().map_or(0, |_| size_of::<Path>())
            + self.refusal.as_ref().map_or(0, |_| size_of::<Refusal>())
            + self.message_sizes.capacity() * size_of::<i32>()
            + self.recent.heap_bytes()
    }

    fn note_head(&mut self) {
        let Some(head) = &self.head else { return };
        for side in Side::BOTH {
            *side.of_mut(&mut self.head_bytes) = wire::len32(head.len(side));
        }
        // Once something was recognised for good its first bytes are of no more use.
        if self.identifier.is_settled() && self.identifier.all().next().is_some() {
            self.head = None;
        }
    }
}

/// Whether what looks like payload is what a short Ethernet frame was filled up with: some drivers
/// count that into the IP length of a bare acknowledgement.
fn is_padding(info: &TcpInfo, payload: &Payload<'_>) -> bool {
    /// 60 bytes of Ethernet less its header and the smallest IPv4 and TCP headers.
    const FILL_BYTES_MAX: usize = 6;
    let short = (1..=FILL_BYTES_MAX).contains(&payload.wire_len);
    short && !info.flags.psh() && payload.bytes.iter().all(|byte| *byte == 0)
}
