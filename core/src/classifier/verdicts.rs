//! Labels of flows that are still running, told once and again only when they change for good or when
//! something new is notable about them.
//!
//! A flow is looked at when it has a packet, at most once a second and less often as it grows older,
//! and when something was recognised in it. A packet that comes too early for a look is made up for
//! when that is due ([`Verdicts::catch_up`]), so that a flow which speaks once in half a minute does not
//! wait for its next word to be told.
//! A label is told once two looks in a row agree on it, so that nothing flaps while a flow goes from
//! too little to enough; a protocol that both sides proved is told at once. The same holds for a
//! notable. What cannot be told yet (a scan, a refusal, a handshake without payload) is left to the
//! flow's own event.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::config::Config;
use crate::event::{
    Concerns, Event, FlowEvent, Label, NewFlow, Notable, Said, Status, Verdict, VerdictEvent,
};
use crate::flow::{Correlation, Ended, FlowKey, FlowRecord, FlowTable};
use crate::identify::Strength;
use crate::judge;
use crate::judge::ranking::{self, FlowRank};
use crate::time::Timestamp;

/// Between two looks at a flow at least so long.
const LOOK_EVERY_MIN: Duration = Duration::from_secs(1);

/// And at most so long, while it has packets.
const LOOK_EVERY_MAX: Duration = Duration::from_secs(5);

/// Looks that are made up for at a time, once a second: of a flood the others wait, and each costs some
/// microseconds.
const LOOKS_AT_ONCE_MAX: usize = 1024;

/// Looks that wait. In a flood of more, flows are looked at when they have a packet.
const DUE_MAX: usize = 1 << 14;

/// New flows kept until they are asked for: as many as a batch of frames can have.
const FRESH_MAX: usize = 4096;

/// The flows that are running, for somebody who watches them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Running {
    /// When that is.
    pub as_of: Timestamp,
    /// The foremost of them, the worst first: each as its event would be if the capture ended now, and
    /// whether its label was told by now.
    pub flows: Vec<(FlowEvent, bool)>,
    /// All of them.
    pub total: usize,
    /// Those of which no label was told yet.
    pub undecided: usize,
    /// Those that are older than the capture and that nothing identifies.
    pub older: usize,
}

/// What was told of the running flows.
#[derive(Debug, Default)]
pub(super) struct Verdicts {
    flows: BTreeMap<FlowKey, LookState>,
    /// Looks that are to be made up for, [`DUE_MAX`] at most. Each flow is here once at most.
    due: BTreeSet<(Timestamp, FlowKey)>,
    /// Not asked for yet.
    fresh: Vec<NewFlow>,
}

#[derive(Debug)]
struct LookState {
    next_look: Timestamp,
    /// Where it stands among those that are due.
    due: Option<Timestamp>,
    /// What was recognised last by the last look: two, as the sides may differ.
    recognised: [Option<(&'static str, Strength)>; 2],
    /// What the last look saw that could be told.
    seen: Option<(Label, Notables)>,
    /// What was told.
    told: Option<(Label, Notables)>,
    /// What the last look found to look at.
    concerns: Concerns,
    /// Whether it is older than the capture, and unidentified.
    is_older: bool,
}

/// A set of notables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Notables(u16);

impl Notables {
    fn of(verdict: &Verdict) -> Self {
        let has = |notable: &Notable| verdict.notables.contains(notable);
        let bits = (0..).zip(Notable::ALL).filter(|(_, notable)| has(notable));
        Self(bits.fold(0, |all, (bit, _)| all | 1 << bit))
    }

    const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    const fn are_among(self, others: Self) -> bool {
        self.0 & !others.0 == 0
    }
}

impl Verdicts {
    /// Looks at a flow that just had a packet.
    pub(super) fn look(
        &mut self,
        key: FlowKey,
        record: &FlowRecord,
        now: Timestamp,
        ledgers: &Correlation,
        config: &Config,
    ) -> Option<Event> {
        let full = self.flows.len() >= config.limits.flows_max;
        if full && !self.flows.contains_key(&key) {
            return None;
        }
        let Self { flows, due, fresh } = self;
        let told = flows.entry(key).or_insert_with(|| {
            if fresh.len() < FRESH_MAX {
                let flow_id = judge::flow_id(&key, record.first.time);
                let ends = [key.a, key.b];
                fresh.push(NewFlow { flow_id, transport: key.transport, ends });
            }
            LookState::new(now)
        });
        let mut found = record.recognised().map(|one| (one.detector.id, one.finding.strength));
        let recognised = [found.next_back(), found.next_back()];
        if now < told.next_look && recognised == told.recognised {
            told.look_later(key, due);
            return None;
        }
        told.recognised = recognised;
        let event = told.look(key, record, now, ledgers, config);
        if told.is_unsettled() {
            told.look_later(key, due);
        }
        event
    }

    /// Looks at flows whose last look came before their last packet, or left something open.
    pub(super) fn catch_up(
        &mut self,
        table: &FlowTable,
        now: Timestamp,
        ledgers: &Correlation,
        config: &Config,
        out: &mut Vec<Event>,
    ) {
        let Self { flows, due, .. } = self;
        for _ in 0..LOOKS_AT_ONCE_MAX {
            let Some(&(time, key)) = due.first().filter(|&&(time, _)| time <= now) else { return };
            due.remove(&(time, key));
            let (Some(told), Some(record)) = (flows.get_mut(&key), table.running(&key)) else {
                continue;
            };
            told.due = None;
            // It had a look since, and maybe packets since that.
            if told.next_look <= now {
                out.extend(told.look(key, record, now, ledgers, config));
                if !told.is_unsettled() {
                    continue;
                }
            }
            told.look_later(key, due);
        }
    }

    /// The flows that are new since this was last asked, but for those of a flood.
    pub(super) fn take_fresh(&mut self) -> Vec<NewFlow> {
        std::mem::take(&mut self.fresh)
    }

    /// The flow has ended: its own event says the rest.
    pub(super) fn forget(&mut self, over: &Ended) {
        let told = self.flows.remove(&over.key);
        if let Some(due) = told.and_then(|told| told.due) {
            self.due.remove(&(due, over.key));
        }
    }

    /// The worst of the flows that are running, `max` at most. All are looked through, and only these
    /// are judged.
    pub(super) fn running(
        &self,
        max: usize,
        table: &FlowTable,
        now: Timestamp,
        ledgers: &Correlation,
        config: &Config,
    ) -> Running {
        let mut running = Running { as_of: now, total: table.len(), ..Running::default() };
        let mut worst = BTreeSet::new();
        let mut decided: usize = 0;
        for (key, told) in &self.flows {
            decided = decided.saturating_add(usize::from(told.told.is_some()));
            running.older = running.older.saturating_add(usize::from(told.is_older));
            worst.insert((Reverse(told.concerns), told.told.is_none(), key));
            if worst.len() > max {
                worst.pop_last();
            }
        }
        running.undecided = running.total.saturating_sub(decided);
        for (_, is_undecided, key) in worst {
            let Some(record) = table.running(key) else { continue };
            let flow = judge::judge_running(*key, record, now, ledgers, config);
            running.flows.push((flow, !is_undecided));
        }
        running.flows.sort_by_cached_key(|(flow, _)| FlowRank::of(flow));
        running
    }
}

impl LookState {
    fn new(now: Timestamp) -> Self {
        Self {
            next_look: now,
            due: None,
            recognised: [None; 2],
            seen: None,
            told: None,
            concerns: Concerns::default(),
            is_older: false,
        }
    }

    fn look(
        &mut self,
        key: FlowKey,
        record: &FlowRecord,
        now: Timestamp,
        ledgers: &Correlation,
        config: &Config,
    ) -> Option<Event> {
        let age = now.since(record.first.time);
        let pause = age.checked_div(4).unwrap_or_default().clamp(LOOK_EVERY_MIN, LOOK_EVERY_MAX);
        self.next_look = now.plus(pause);
        let flow = judge::judge_running(key, record, now, ledgers, config);
        self.concerns = ranking::concerns(&flow);
        self.is_older = flow.verdict.is_older_than_capture(flow.transport);
        self.tell(flow, now)
    }

    fn look_later(&mut self, key: FlowKey, due: &mut BTreeSet<(Timestamp, FlowKey)>) {
        if self.due.is_none() && due.len() < DUE_MAX {
            self.due = Some(self.next_look);
            due.insert((self.next_look, key));
        }
    }

    fn tell(&mut self, flow: FlowEvent, now: Timestamp) -> Option<Event> {
        if flow.verdict.status.said() != Said::Something {
            return None;
        }
        let (label, notables) = (flow.verdict.label, Notables::of(&flow.verdict));
        let before = self.seen.replace((label, notables)).filter(|&(seen, _)| seen == label);
        let agreed = match before {
            _ if is_proven(&flow.verdict) => notables,
            Some((_, before)) => notables.and(before),
            None => return None,
        };
        let known = self.told.filter(|&(told, _)| told == label).map(|(_, known)| known);
        if known.is_some_and(|known| agreed.are_among(known)) {
            return None;
        }
        let previous = self.told.map(|(label, _)| label);
        self.told = Some((label, known.unwrap_or_default().or(notables)));
        Some(Event::Verdict(Box::new(VerdictEvent { time: now, previous, flow })))
    }

    /// Whether the last look saw what was not told, and another one is needed to be sure.
    fn is_unsettled(&self) -> bool {
        self.seen.is_some_and(|(label, notables)| match self.told {
            Some((told, known)) => told != label || !notables.are_among(known),
            None => true,
        })
    }
}

fn is_proven(verdict: &Verdict) -> bool {
    verdict.status == Status::Identified
        && verdict.strength.is_some_and(|strength| strength >= Strength::BothSides)
}
