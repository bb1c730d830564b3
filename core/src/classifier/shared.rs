//! What is known beside the flows: the ledgers of what several have in common, and what stopped the
//! decoder.

use crate::config::{Config, Limits};
use crate::decode::{DecodeAnomaly, Found};
use crate::event::AnomalyEvent;
use crate::flow::firsts::{Firsts, Noted};
use crate::flow::{Correlation, FlowKey, FlowPacket};
use crate::frame::FrameRef;
use crate::wire;

/// What stopped the decoder, by name and number.
type Stops = Firsts<(&'static str, Option<u16>), AnomalyEvent>;

/// What is known beside the flows.
#[derive(Clone, Debug, Default)]
pub(super) struct SharedFacts {
    pub(super) ledgers: Correlation,
    /// Of these there are as many as have a name here.
    anomalies: Stops,
    /// Those that go by a number, of which strangers can send as many as there are: they must not take the
    /// others' room.
    unopened: Stops,
    /// Frames with kinds that found no room.
    anomalies_left_out: u64,
}

impl SharedFacts {
    /// Notes what was found in a frame. A packet of a flow in range is returned, with its flow's key: it
    /// is to be folded into that, too.
    pub(super) fn note<'a>(
        &mut self,
        found: Found<'a>,
        config: &Config,
    ) -> Option<(FlowKey, FlowPacket<'a>)> {
        match found {
            Found::Watched(packet, watched) => {
                let (key, side) = FlowKey::of(packet, config.vlan_in_key);
                let seen = FlowPacket::new(packet, side, config.hash_seed);
                self.ledgers.observe_flow(&key, &seen, watched, config);
                return Some((key, seen));
            }
            Found::Companion(packet, kinds) => {
                let (key, side) = FlowKey::of(packet, config.vlan_in_key);
                let seen = FlowPacket::unsigned(packet, side);
                self.ledgers.observe_companion(&key, &seen, kinds, &config.limits);
            }
            Found::Anomaly(at, stop) => self.anomaly(at, &stop, config),
            // It says nothing before its packet is complete.
            Found::Fragment(_) => {}
        }
        None
    }

    /// Something stopped the decoder.
    pub(super) fn anomaly(&mut self, at: FrameRef, stop: &DecodeAnomaly, config: &Config) {
        let (stops, max) = match stop.number {
            None => (&mut self.anomalies, config.limits.anomaly_kinds_max),
            Some(_) => (&mut self.unopened, config.limits.unopened_kinds_max),
        };
        let noted = stops.note((stop.event, stop.number), at.time, max, || AnomalyEvent {
            event: stop.event,
            number: stop.number,
            layer: stop.layer,
            offset: wire::len32(stop.offset),
            frame: at,
            count: 0,
        });
        let left_out = match noted {
            Some(Noted { value, gone }) => {
                value.count = value.count.saturating_add(1);
                // What is wrong with a packet in fragments is found later than in which frame it was.
                if at < value.frame {
                    (value.frame, value.layer, value.offset) =
                        (at, stop.layer, wire::len32(stop.offset));
                }
                gone.map_or(0, |gone| gone.count)
            }
            None => 1,
        };
        self.anomalies_left_out = self.anomalies_left_out.saturating_add(left_out);
    }

    /// Adds those of another piece.
    pub(super) fn merge(&mut self, other: Self, config: &Config) {
        self.ledgers.merge(other.ledgers, config);
        let both = |known: &mut AnomalyEvent, other: AnomalyEvent| {
            let count = known.count.saturating_add(other.count);
            let first = if other.frame < known.frame { other } else { *known };
            *known = AnomalyEvent { count, ..first };
        };
        self.anomalies.join(other.anomalies, both);
        self.unopened.join(other.unopened, both);
    }

    /// All pieces are here: keeps what the whole would have kept.
    pub(super) fn cut(&mut self, limits: &Limits) {
        self.ledgers.cut(limits);
        let left_out = &mut self.anomalies_left_out;
        let mut gone = |gone: AnomalyEvent| *left_out = left_out.saturating_add(gone.count);
        self.anomalies.cut_to(limits.anomaly_kinds_max, &mut gone);
        self.unopened.cut_to(limits.unopened_kinds_max, &mut gone);
    }

    /// The capture is over: what stopped the decoder, in the order of names and numbers, and in how many frames
    /// something did that found no room.
    pub(super) fn into_anomalies(self) -> (impl Iterator<Item = AnomalyEvent>, u64) {
        let mut all: Vec<_> =
            self.anomalies.into_values().chain(self.unopened.into_values()).collect();
        all.sort_unstable_by_key(|(name, _)| *name);
        (all.into_iter().map(|(_, anomaly)| anomaly), self.anomalies_left_out)
    }
}
