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
use crate::decode::packet::Body;
use crate::flow::copies;
use crate::flow::key::FlowKey;
use crate::flow::packet::{FlowPacket, KeptPacket};
use crate::flow::record::FlowRecord;
use crate::net::Transport;
use crate::wire;

/// A run of packets on one 5-tuple within a piece: at most a flow, maybe only a part of one.
#[derive(Clone, Debug)]
pub(crate) struct PartialFlow {
    place: Place,
    lead: Vec<KeptPacket>,
    rest: Option<FlowRecord>,
    log: Vec<KeptPacket>,
    offered: [Offered; 2],
    /// A record of all packets, which only tells where the next flow starts.
    whole: FlowRecord,
}

/// Where in a piece something stands, as far as fragments tell: the packet that they make up is put in
/// between.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// Fragments before it.
    fragments: usize,
    /// Whether it is what the next fragment completes.
    completed: bool,
}

impl Place {
    /// Behind everything.
    pub(crate) const END: Self = Self { fragments: usize::MAX, completed: true };

    /// Behind a fragment of the piece, and before the packets that follow.
    pub(crate) const fn behind_fragment(index: usize) -> Self {
        Self { fragments: index, completed: true }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Offered {
    packets: u16,
    bytes: u32,
    opened: bool,
}

/// The flows of a piece, by 5-tuple.
#[derive(Debug, Default)]
pub(crate) struct Piece {
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
    pub(crate) fn observe(&mut self, key: &FlowKey, seen: &FlowPacket<'_>, config: &Config) {
        let runs = self.flows.entry(*key).or_default();
        // Where in doubt a new run starts: whether it is a new flow is decided when all is known.
        let here = runs.last_mut().filter(|run| run.place == self.place);
        match here.filter(|run| run.surely_continues_with(seen, config)) {
            Some(run) => run.observe(seen, config),
            None => runs.push(PartialFlow::new(self.place, seen, config)),
        }
    }

    /// Keeps a fragment; says whether there was room.
    pub(crate) fn keep(&mut self, fragment: &Fragment<'_>, limits: &Limits) -> bool {
        let room = self.fragments.len() < limits.piece_fragments_max;
        if room {
            self.fragments.push(fragment.clone().into_owned());
            self.place.fragments = self.fragments.len();
        }
        room
    }

    /// The fragments, in order of capture.
    pub(crate) fn take_fragments(&mut self) -> Vec<Fragment<'static>> {
        std::mem::take(&mut self.fragments)
    }

    /// The runs of each 5-tuple.
    pub(crate) fn into_flows(self) -> impl Iterator<Item = (FlowKey, Vec<PartialFlow>)> {
        self.flows.into_iter()
    }
}

impl PartialFlow {
    /// A run of one packet, which came in fragments.
    pub(crate) fn of_one(seen: &FlowPacket<'_>, config: &Config) -> Self {
        Self::new(Place::default(), seen, config)
    }

    /// Where it stands.
    pub(crate) const fn place(&self) -> Place {
        self.place
    }

    fn new(place: Place, seen: &FlowPacket<'_>, config: &Config) -> Self {
        let mut run = Self {
            place,
            lead: Vec::new(),
            rest: None,
            log: Vec::new(),
            offered: Default::default(),
            whole: FlowRecord::new(seen, config),
        };
        run.observe(seen, config);
        run
    }

    /// The first packet of the run.
    pub(crate) fn starts_with<R>(&self, look: impl FnOnce(&FlowPacket<'_>) -> R) -> Option<R> {
        self.lead.first().map(|kept| kept.lend(look))
    }

    fn surely_continues_with(&self, seen: &FlowPacket<'_>, config: &Config) -> bool {
        let idle = seen.packet.at.time.since(self.whole.last);
        let shortest = match seen.packet.transport {
            Transport::Tcp => config.timeouts.tcp_closed.min(config.timeouts.tcp),
            Transport::Udp => config.timeouts.udp,
        };
        idle <= shortest
            && self.whole.surely_opened_by(seen)
            && self.whole.continues_with(seen, config)
    }

    fn observe(&mut self, seen: &FlowPacket<'_>, config: &Config) {
        let copy = self.whole.is_copy(seen, config);
        self.whole.count(seen, config);
        if self.lead.len() < copies::reach(config) {
            self.lead.push(KeptPacket::of(seen));
            return;
        }
        let rest = self.rest.get_or_insert_with(|| FlowRecord::new(seen, config));
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
        let (len, syn) = match seen.packet.body {
            Body::Icmp(_) => return,
            Body::Udp(_, payload) => (payload.wire_len, false),
            Body::Tcp(info, payload) => (payload.wire_len, info.flags.syn()),
        };
        let opens = syn && !offered.opened;
        let spent = offered.packets >= config.limits.head_packets_max
            || offered.bytes >= config.limits.head_offered_bytes_max;
        if opens || (len > 0 && !spent) {
            offered.opened |= syn;
            offered.packets = offered.packets.saturating_add(u16::from(len > 0));
            offered.bytes = offered.bytes.saturating_add(wire::len32(len));
            self.log.push(KeptPacket::of(seen));
        }
    }

    /// Adds this run to the record of what came before it on the same flow.
    pub(crate) fn add_to(self, record: &mut FlowRecord, config: &Config) {
        for kept in &self.lead {
            kept.lend(|seen| record.observe(seen, config));
        }
        let Some(mut rest) = self.rest else { return };
        rest.take_recent(self.whole);
        record.absorb(rest, config);
        for kept in &self.log {
            kept.lend(|seen| record.show_to_detectors(seen, config));
        }
    }
}
