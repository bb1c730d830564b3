//! The packets of a running flow, as far as detectors may read them.

use portstory_core::internal::flow::{FlowRecord, KeptPacket};
use portstory_core::internal::judge;
use portstory_core::{Body, Config, Detail, FlowPacket, Side, Strength, Transport};

/// Bytes of payload held of each direction: a head takes in less, repeated ones aside.
const SIDE_BYTES_MAX: usize = 16 << 10;

/// Packets with payload held of each direction.
const SIDE_PACKETS_MAX: usize = 96;

/// What was seen of a flow so far.
#[derive(Debug, Default)]
pub(super) struct Trail {
    /// Packets, also those that are not held.
    pub(super) packets: u32,
    pub(super) held: Vec<Held>,
    /// Whether there was no room to hold what should be.
    pub(super) gave_up: bool,
    spent: [(usize, usize); 2],
    /// The frame of the last packet, and how many of the flow's packets came before it.
    last_frame: u64,
    before_last_frame: u32,
}

/// A packet with payload, or one that opens a connection.
#[derive(Debug)]
pub(super) struct Held {
    /// Its place among the flow's packets, from 0.
    pub(super) number: u32,
    frame: u64,
    pub(super) packet: KeptPacket,
}

/// What a flow's payload amounts to: what a verdict takes from it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Portrait {
    /// The protocols, outermost first.
    pub(super) chain: Vec<Spoken>,
    /// Whether an executable file was transferred.
    pub(super) executable: bool,
    /// Whether each side looks random, or like text.
    pub(super) looks: [(bool, bool); 2],
    pub(super) details: Vec<Detail>,
}

/// A protocol as it was recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spoken {
    pub(super) protocol: &'static str,
    strength: Strength,
    by: [bool; 2],
    client: Option<Side>,
}

impl Trail {
    /// A packet of the flow, in this frame. Returns the bytes that are held of it.
    pub(super) fn add(&mut self, seen: &FlowPacket<'_>, frame: u64, may_hold: bool) -> usize {
        let number = self.packets;
        if frame != self.last_frame {
            (self.last_frame, self.before_last_frame) = (frame, number);
        }
        self.packets = number.saturating_add(1);
        let (opens, payload) = match seen.packet.body {
            Body::Tcp(info, payload) => (info.flags.syn(), payload),
            Body::Udp(_, payload) => (false, payload),
            Body::Icmp(_) => return 0,
        };
        let (packets, bytes) = seen.side.of_mut(&mut self.spent);
        if (payload.wire_len == 0 && !opens)
            || *packets >= SIDE_PACKETS_MAX
            || *bytes >= SIDE_BYTES_MAX
        {
            return 0;
        }
        if !may_hold {
            self.gave_up = true;
            return 0;
        }
        *packets = packets.saturating_add(1);
        *bytes = bytes.saturating_add(payload.bytes.len());
        self.held.push(Held { number, frame, packet: KeptPacket::of(seen) });
        payload.bytes.len()
    }

    /// Takes away the packets of this frame, if there are any: they are of the next flow.
    pub(super) fn split(&mut self, frame: u64) -> Option<Self> {
        if self.last_frame != frame {
            return None;
        }
        let first = self.before_last_frame;
        let from = self.held.iter().position(|held| held.frame == frame);
        let mut held = self.held.split_off(from.unwrap_or(self.held.len()));
        for one in &mut held {
            one.number = one.number.saturating_sub(first);
        }
        let mut next = Self { held, last_frame: frame, ..Self::default() };
        next.packets = self.packets.saturating_sub(first);
        for held in &next.held {
            let (packets, bytes) = held.packet.side().of_mut(&mut next.spent);
            (*packets, *bytes) =
                (packets.saturating_add(1), bytes.saturating_add(held.packet.payload().len()));
        }
        self.packets = first;
        Some(next)
    }

    /// Packets up to the last that is held.
    pub(super) fn head_packets(&self) -> u32 {
        self.held.last().map_or(0, |held| held.number.saturating_add(1))
    }

    /// Bytes held.
    pub(super) fn bytes(&self) -> usize {
        self.held.iter().map(|held| held.packet.payload().len()).fold(0, usize::saturating_add)
    }

    /// What the flow would amount to with these payloads in place of its own.
    pub(super) fn portrait(
        &self,
        transport: Transport,
        payloads: &[Vec<u8>],
        config: &Config,
    ) -> Portrait {
        let mut record: Option<FlowRecord> = None;
        for (held, bytes) in self.held.iter().zip(payloads) {
            held.packet.lend_with(bytes, |seen| {
                record.get_or_insert_with(|| FlowRecord::new(seen, config)).observe(seen, config);
            });
        }
        let Some(mut record) = record else {
            return Portrait::default();
        };
        record.conclude(transport, config);
        let spoken = record.recognised().map(|found| Spoken {
            protocol: found.detector.id,
            strength: found.finding.strength,
            by: found.finding.spoken_by,
            client: found.finding.client,
        });
        let chain = spoken.collect();
        let look = |side| {
            let facts = record.side(side);
            (judge::looks_random(facts), judge::is_text(facts))
        };
        Portrait {
            chain,
            executable: record.sides.iter().any(|side| side.program().is_some()),
            looks: Side::BOTH.map(look),
            // Either side's names are in them, whoever is the client.
            details: record.take_details(Side::A),
        }
    }
}
