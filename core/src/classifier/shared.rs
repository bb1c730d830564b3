//! What is known beside the flows: the ledgers of what several have in common, and what stopped the
//! decoder.

use crate::config::{Config, Limits};
use crate::decode::{DecodeAnomaly, Found};
use crate::event::AnomalyEvent;
use crate::flow::firsts::{Firsts, Noted};
use crate::flow::{Correlation, FlowKey, FlowPacket};
use crate::frame::FrameRef;
use crate::wire;

/// What is known beside the flows.
#[derive(Clone, Debug, Default)]
pub(super) struct SharedFacts {
    pub(super) ledgers: Correlation,
    /// By name and number.
    anomalies: Firsts<(&'static str, Option<u16>), AnomalyEvent>,
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
        let max = config.limits.anomaly_kinds_max;
        let noted = self.anomalies.note((stop.event, stop.number), at.time, max, || AnomalyEvent {
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
        self.anomalies.join(other.anomalies, |known, other| {
            let count = known.count.saturating_add(other.count);
            let first = if other.frame < known.frame { other } else { *known };
            *known = AnomalyEvent { count, ..first };
        });
    }

    /// All pieces are here: keeps what the whole would have kept.
    pub(super) fn cut(&mut self, limits: &Limits) {
        self.ledgers.cut(limits);
        let left_out = &mut self.anomalies_left_out;
        self.anomalies.cut_to(limits.anomaly_kinds_max, &mut |gone| {
            *left_out = left_out.saturating_add(gone.count);
        });
    }

    /// The capture is over: what stopped the decoder, by time, and in how many frames something did that
    /// found no room.
    pub(super) fn into_anomalies(self) -> (impl Iterator<Item = AnomalyEvent>, u64) {
        (self.anomalies.into_values().map(|(_, anomaly)| anomaly), self.anomalies_left_out)
    }
}
