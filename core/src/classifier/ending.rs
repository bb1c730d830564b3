//! What becomes of flows that have ended, and of the capture when it is over.

use super::shared::SharedFacts;
use crate::config::Config;
use crate::event::Event;
use crate::flow::{Correlation, EndReason, Ended};
use crate::judge::explanation::{self, Explanation};
use crate::judge::{self, endpoint::Endpoints};
use crate::shortfall::Shortfalls;

/// Sums over everything that was ingested.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Frames.
    pub frames: u64,
    /// Their bytes on the wire.
    pub bytes: u64,
    /// Frames with a packet of a flow in range.
    pub frames_watched: u64,
    /// What limits left out; known when the capture is over, zero until then.
    pub shortfalls: Shortfalls,
}

/// What is made of the verdicts.
#[derive(Debug, Default)]
pub(super) struct Sums {
    endpoints: Endpoints,
    pub(super) accounts: Vec<Explanation>,
    pub(super) shortfalls: Shortfalls,
}

impl Sums {
    /// Judges a flow that has ended, and hands out its event.
    pub(super) fn hand_out(
        &mut self,
        mut over: Ended,
        ledgers: &Correlation,
        config: &Config,
        out: &mut Vec<Event>,
    ) {
        over.record.conclude(over.key.transport, config);
        let is_this = |id| id == judge::flow_id(&over.key, over.record.first.time);
        if config.account_for.is_some_and(is_this) {
            self.accounts.push(explanation::account(&over, ledgers, config));
        }
        let flow = judge::judge(&mut over, ledgers, config);
        let is_watched = config.watch.covers(flow.transport, flow.server.port);
        self.endpoints.add(&flow, is_watched, ledgers, &config.limits);
        let note = |count: &mut u64, holds: bool| *count = count.saturating_add(u64::from(holds));
        note(&mut self.shortfalls.context, flow.verdict.visibility.context_cut);
        note(&mut self.shortfalls.flows, flow.reason == EndReason::Forced);
        out.push(Event::Flow(Box::new(flow)));
    }

    /// The capture is over and all flows are judged: tells of the endpoints, then of what stopped the
    /// decoder. Returns what limits left out.
    pub(super) fn finish(&mut self, mut shared: SharedFacts, out: &mut Vec<Event>) -> Shortfalls {
        // Endpoints are told in the room that this leaves.
        shared.ledgers.close();
        let (endpoints, left_out) = std::mem::take(&mut self.endpoints).finish(&shared.ledgers);
        out.extend(endpoints.into_iter().map(|event| Event::Endpoint(Box::new(event))));
        let (anomalies, anomalies_left_out) = shared.into_anomalies();
        out.extend(anomalies.map(Event::Anomaly));
        let shortfalls = std::mem::take(&mut self.shortfalls);
        Shortfalls { endpoints: left_out, anomalies: anomalies_left_out, ..shortfalls }
    }
}
