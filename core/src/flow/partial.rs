//! Flows of a piece of a capture, kept so that pieces can be put together again.
//!
//! A piece does not know what came before it. So of each flow the first packets are kept as they were
//! seen, since only what came before can tell whether they are copies; and of the rest everything
//! that the detectors could ask for. Putting together replays both on the record of the pieces
//! before: the result is, by construction, the record that the whole capture would have given
//! (invariant 8).

use std::collections::BTreeMap;

use crate::config::{Config, Limits};
use crate::decode::fragment::Fragment;
use crate::decode::packet::{IcmpError, Path, Payload, TcpInfo};
use crate::flow::key::FlowKey;
use crate::flow::record::{FlowPacket, FlowPacketBody, FlowRecord};
use crate::frame::FrameRef;
use crate::net::{Side, Transport};
use crate::wire;

/// A run of packets on one 5-tuple within a piece: at most a flow, maybe only a part of one.
#[derive(Clone, Debug)]
pub struct PartialFlow {
    place: Place,
    lead: Vec<Kept>,
    rest: Option<FlowRecord>,
    log: Vec<Kept>,
    offered: [Offered; 2],
    /// A record of all packets, which only tells where the next flow starts.
    whole: FlowRecord,
}

/// Where in a piece something stands, as far as fragments tell: the packet that they make up is put in
/// between.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Fragments before it.
    fragments: usize,
    /// Whether it is what the next fragment completes.
    completed: bool,
}

impl Place {
    /// Behind everything.
    pub const END: Self = Self { fragments: usize::MAX, completed: true };

    /// Behind a fragment of the piece, and before the packets that follow.
    pub const fn behind_fragment(index: usize) -> Self {
        Self { fragments: index, completed: true }
    }
}

/// A packet that outlives its frame.
#[derive(Clone, Debug)]
struct Kept {
    at: FrameRef,
    side: Side,
    path: Path,
    wire_len: u32,
    signature: u64,
    body: KeptBody,
}

#[derive(Clone, Debug)]
enum KeptBody {
    Tcp(TcpInfo, Vec<u8>, usize),
    Udp(Vec<u8>, usize),
    Icmp(IcmpError),
}

#[derive(Clone, Copy, Debug, Default)]
struct Offered {
    packets: u16,
    bytes: u32,
    opened: bool,
}

/// The flows of a piece, by 5-tuple.
#[derive(Debug, Default)]
pub struct Piece {
    /// Runs of packets in order of capture; flows are told apart when pieces are put together, so a
    /// flow may be several runs here.
    flows: BTreeMap<FlowKey, Vec<PartialFlow>>,
    /// Fragments in order of capture: what they make up is only known when pieces are put together. No
    /// run goes on past one, so that the packet can be put in its place.
    fragments: Vec<Fragment<'static>>,
    place: Place,
}

impl Piece {
    /// Takes in a packet.
    pub fn observe(&mut self, key: &FlowKey, seen: &FlowPacket<'_>, config: &Config) {
        let runs = self.flows.entry(*key).or_default();
        let transport = key.transport;
        // Where in doubt a new run starts: whether it is a new flow is decided when all is known.
        let here = runs.last_mut().filter(|run| run.place == self.place);
        match here.filter(|run| run.surely_continues_with(transport, seen, config)) {
            Some(run) => run.observe(transport, seen, config),
            None => runs.push(PartialFlow::new(self.place, transport, seen, config)),
        }
    }

    /// Keeps a fragment; says whether there was room.
    pub fn keep(&mut self, fragment: Fragment<'static>, limits: &Limits) -> bool {
        let room = self.fragments.len() < limits.piece_fragments_max;
        if room {
            self.fragments.push(fragment);
            self.place.fragments = self.fragments.len();
        }
        room
    }

    /// The fragments, in order of capture.
    pub fn take_fragments(&mut self) -> Vec<Fragment<'static>> {
        std::mem::take(&mut self.fragments)
    }

    /// The runs of each 5-tuple.
    pub fn into_flows(self) -> impl Iterator<Item = (FlowKey, Vec<PartialFlow>)> {
        self.flows.into_iter()
    }
}

impl PartialFlow {
    /// A run of one packet, which came in fragments.
    pub fn of_one(transport: Transport, seen: &FlowPacket<'_>, config: &Config) -> Self {
        Self::new(Place::default(), transport, seen, config)
    }

    /// Where it stands.
    pub const fn place(&self) -> Place {
        self.place
    }

    fn new(place: Place, transport: Transport, seen: &FlowPacket<'_>, config: &Config) -> Self {
        let mut run = Self {
            place,
            lead: Vec::new(),
            rest: None,
            log: Vec::new(),
            offered: Default::default(),
            whole: FlowRecord::new(transport, seen, config),
        };
        run.observe(transport, seen, config);
        run
    }

    /// The first packet of the run.
    pub fn starts_with<R>(&self, look: impl FnOnce(&FlowPacket<'_>) -> R) -> Option<R> {
        self.lead.first().map(|kept| look(&kept.seen()))
    }

    fn surely_continues_with(
        &self,
        transport: Transport,
        seen: &FlowPacket<'_>,
        config: &Config,
    ) -> bool {
        let idle = seen.at.time.since(self.whole.last);
        let shortest = match transport {
            Transport::Tcp => config.timeouts.tcp_closed.min(config.timeouts.tcp),
            Transport::Udp => config.timeouts.udp,
        };
        idle <= shortest && self.whole.continues_with(transport, seen, config)
    }

    fn observe(&mut self, transport: Transport, seen: &FlowPacket<'_>, config: &Config) {
        let copy = self.whole.is_copy(seen, config);
        self.whole.count(seen, config);
        if self.lead.len() < config.limits.duplicate_window_packets {
            self.lead.push(Kept::of(seen));
            return;
        }
        let rest = self.rest.get_or_insert_with(|| FlowRecord::new(transport, seen, config));
        if copy {
            rest.note_copy(seen);
            return;
        }
        rest.count(seen, config);
        self.log(seen, config);
    }

    /// Keeps what the detectors could ask for: as much as a head takes from the start.
    fn log(&mut self, seen: &FlowPacket<'_>, config: &Config) {
        let offered = seen.side.of_mut(&mut self.offered);
        let (len, syn) = match seen.body {
            FlowPacketBody::Icmp(_) => return,
            FlowPacketBody::Udp(payload) => (payload.wire_len, false),
            FlowPacketBody::Tcp(info, payload) => (payload.wire_len, info.flags.syn()),
        };
        let opens = syn && !offered.opened;
        let spent = offered.packets >= config.limits.head_packets_max
            || offered.bytes >= config.limits.head_offered_bytes_max;
        if opens || (len > 0 && !spent) {
            offered.opened |= syn;
            offered.packets = offered.packets.saturating_add(u16::from(len > 0));
            offered.bytes = offered.bytes.saturating_add(wire::len32(len));
            self.log.push(Kept::of(seen));
        }
    }

    /// Adds this run to the record of what came before it on the same flow.
    pub fn add_to(self, record: &mut FlowRecord, config: &Config) {
        for kept in &self.lead {
            record.observe(&kept.seen(), config);
        }
        let Some(mut rest) = self.rest else { return };
        rest.take_recent(self.whole);
        record.absorb(rest, config);
        for kept in &self.log {
            record.show_to_detectors(&kept.seen(), config);
        }
    }
}

impl Kept {
    fn of(seen: &FlowPacket<'_>) -> Self {
        let FlowPacket { at, side, path, wire_len, signature, body } = *seen;
        let body = match body {
            FlowPacketBody::Tcp(info, payload) => {
                KeptBody::Tcp(info, payload.bytes.to_vec(), payload.wire_len)
            }
            FlowPacketBody::Udp(payload) => KeptBody::Udp(payload.bytes.to_vec(), payload.wire_len),
            FlowPacketBody::Icmp(error) => KeptBody::Icmp(error),
        };
        Self { at, side, path: *path, wire_len, signature, body }
    }

    fn seen(&self) -> FlowPacket<'_> {
        let body = match &self.body {
            KeptBody::Tcp(info, bytes, wire_len) => {
                FlowPacketBody::Tcp(*info, Payload { bytes, wire_len: *wire_len })
            }
            KeptBody::Udp(bytes, wire_len) => {
                FlowPacketBody::Udp(Payload { bytes, wire_len: *wire_len })
            }
            KeptBody::Icmp(error) => FlowPacketBody::Icmp(*error),
        };
        FlowPacket {
            at: self.at,
            side: self.side,
            path: &self.path,
            wire_len: self.wire_len,
            signature: self.signature,
            body,
        }
    }
}
