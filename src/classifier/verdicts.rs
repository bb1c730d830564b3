//! Labels of flows that are still running, told once and again only when they change for good.
//!
//! A flow is looked at when it has a packet, at most once a second and less often as it grows older,
//! and when something was recognised in it.
//! A label is told once two looks in a row agree on it, so that nothing flaps while a flow goes from
//! too little to enough; a protocol that both sides proved is told at once. What cannot be told yet
//! (a scan, a refusal, a handshake without payload) is left to the flow's own event.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::config::Config;
use crate::event::{Event, Label, NewFlow, Status, VerdictEvent};
use crate::flow::{Ended, FlowKey, FlowRecord, Ledgers};
use crate::identify::Strength;
use crate::judge;
use crate::time::Timestamp;

/// Between two looks at a flow at least so long.
const LOOK_EVERY_MIN: Duration = Duration::from_secs(1);

/// And at most so long, while it has packets.
const LOOK_EVERY_MAX: Duration = Duration::from_secs(5);

/// New flows kept until they are asked for. More could not be looked up in time anyway.
const FRESH_MAX: usize = 256;

/// What was told of the running flows.
#[derive(Debug, Default)]
pub(super) struct Verdicts {
    flows: BTreeMap<FlowKey, Told>,
    /// Not asked for yet.
    fresh: Vec<NewFlow>,
}

#[derive(Debug)]
struct Told {
    next_look: Timestamp,
    /// What was recognised by the last look.
    recognised: Option<(&'static str, Strength)>,
    /// What the last look saw.
    seen: Option<Label>,
    /// What was told.
    label: Option<Label>,
}

impl Verdicts {
    /// Looks at a flow that just had a packet.
    pub(super) fn look(
        &mut self,
        key: FlowKey,
        record: &FlowRecord,
        now: Timestamp,
        ledgers: &Ledgers,
        config: &Config,
    ) -> Option<Event> {
        let full = self.flows.len() >= config.limits.flows_max;
        if full && !self.flows.contains_key(&key) {
            return None;
        }
        let told = self.flows.entry(key).or_insert_with(|| {
            if self.fresh.len() < FRESH_MAX {
                let flow_id = judge::flow_id(&key, record.first.time);
                let ends = [key.a, key.b];
                self.fresh.push(NewFlow { flow_id, transport: key.transport, ends });
            }
            Told { next_look: now, recognised: None, seen: None, label: None }
        });
        let finding = record.recognised().last().map(|found| &found.finding);
        let recognised = finding.map(|finding| (finding.protocol, finding.strength));
        if now < told.next_look && recognised == told.recognised {
            return None;
        }
        told.recognised = recognised;
        let age = now.since(record.first.time);
        let pause = age.checked_div(4).unwrap_or_default().clamp(LOOK_EVERY_MIN, LOOK_EVERY_MAX);
        told.next_look = now.plus(pause);
        let event = judge::judge_running(key, record, now, ledgers, config);
        told.tell(event)
    }

    /// The flows that are new since this was last asked, but for those of a flood.
    pub(super) fn take_fresh(&mut self) -> Vec<NewFlow> {
        std::mem::take(&mut self.fresh)
    }

    /// The flow has ended: its own event says the rest.
    pub(super) fn forget(&mut self, over: &Ended) {
        self.flows.remove(&over.key);
    }
}

impl Told {
    fn tell(&mut self, event: VerdictEvent) -> Option<Event> {
        let label = event.verdict.label;
        if !is_telling(&event) {
            return None;
        }
        let confirmed = self.seen.replace(label) == Some(label) || is_proven(&event);
        if self.label == Some(label) || !confirmed {
            return None;
        }
        let previous = self.label.replace(label);
        Some(Event::Verdict(Box::new(VerdictEvent { previous, ..event })))
    }
}

fn is_telling(event: &VerdictEvent) -> bool {
    match event.verdict.status {
        Status::Identified | Status::Unidentified | Status::ClientPort => true,
        Status::Attempted
        | Status::Refused
        | Status::Unanswered
        | Status::Scan
        | Status::NoPayload
        | Status::Insufficient => false,
    }
}

fn is_proven(event: &VerdictEvent) -> bool {
    event.verdict.status == Status::Identified
        && event.verdict.strength.is_some_and(|strength| strength >= Strength::BothSides)
}
