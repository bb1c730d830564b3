//! Sees the packets and verdicts of a capture, and plans what becomes of each flow.

use std::collections::BTreeMap;

use super::plan::Planner;
use super::plans::{Plan, Plans, Treatment};
use super::trail::Trail;
use super::whole::Whole;
use super::{Exclude, Secret, Strength};
use crate::engine::{Observer, Seen};
use portstory_core::config::BundleLimits;
use portstory_core::internal::judge;
use portstory_core::{Config, Event, FlowEvent, FlowKey, FlowPacket, Frame};

/// Plans as flows end.
#[derive(Debug)]
pub struct Study {
    strength: Strength,
    exclude: Vec<Exclude>,
    /// Whether each of these meant anything.
    meant: Vec<bool>,
    planner: Planner,
    limits: BundleLimits,
    trails: BTreeMap<FlowKey, Trail>,
    /// Bytes held in all trails.
    held: usize,
    /// Which frame the packets are in.
    frame: u64,
    plans: Plans,
}

impl Study {
    /// One for a run with these settings.
    pub fn new(
        config: &Config,
        secret: &Secret,
        strength: Strength,
        exclude: &[Exclude],
        limits: BundleLimits,
    ) -> Self {
        Self {
            strength,
            exclude: exclude.to_vec(),
            meant: vec![false; exclude.len()],
            planner: Planner::new(secret, config, limits),
            limits,
            trails: BTreeMap::new(),
            held: 0,
            frame: 1,
            plans: Plans::new(strength),
        }
    }

    /// A flow has ended.
    fn flow(&mut self, flow: &FlowEvent) {
        let Some((key, trail)) = self.take_trail(flow) else { return };
        let excluded = self.exclude.iter().zip(&mut self.meant).fold(false, |any, (one, meant)| {
            let means = one.means(flow);
            *meant |= means;
            any || means
        });
        let treatment = if excluded {
            Treatment::Excluded
        } else if self.strength == Strength::Full {
            Treatment::Whole(Whole::of(flow))
        } else if trail.gave_up {
            Treatment::Without("too many flows ran at one time to look at all of them")
        } else {
            self.planner.plan(flow, &trail)
        };
        let plan = Plan::new(flow, trail.packets, treatment);
        self.plans.add(key, plan, &flow.verdict.details);
    }

    /// The plans, and what was to be excluded and is not there.
    pub fn finish(self) -> (Plans, Vec<Exclude>) {
        let strays = self.exclude.iter().zip(&self.meant).filter(|(_, meant)| !**meant);
        let strays = strays.map(|(one, _)| *one).collect();
        let mut plans = self.plans;
        plans.exclude = self.exclude;
        (plans, strays)
    }

    /// Takes the trail of a flow that has ended. Packets of this very frame are the next flow's.
    fn take_trail(&mut self, flow: &FlowEvent) -> Option<(FlowKey, Trail)> {
        let key = *judge::kept_of(&self.trails, flow).next()?.0;
        let mut trail = self.trails.remove(&key)?;
        if let Some(next) = trail.split(self.frame) {
            self.trails.insert(key, next);
        }
        self.held = self.held.saturating_sub(trail.bytes());
        Some((key, trail))
    }
}

impl Observer for Study {
    fn watches(&self) -> bool {
        true
    }

    fn packet(&mut self, key: &FlowKey, packet: &FlowPacket<'_>) {
        // Payload that stays is not looked at.
        let may_hold =
            self.strength == Strength::Min && self.held < self.limits.share_held_bytes_max;
        let trail = self.trails.entry(*key).or_default();
        self.held = self.held.saturating_add(trail.add(packet, self.frame, may_hold));
    }

    /// It is in no frame of a flow that comes behind: there is none.
    fn leftover(&mut self, key: &FlowKey, packet: &FlowPacket<'_>) {
        self.packet(key, packet);
        self.frame = self.frame.saturating_add(1);
    }

    fn event(&mut self, event: &mut Event) {
        match event {
            Event::Flow(flow) => self.flow(flow),
            Event::Verdict(_) | Event::Endpoint(_) | Event::Anomaly(_) => {}
        }
    }

    /// The packets that follow are in another one.
    fn frame(&mut self, _: &Frame<'_>, _: &Seen<'_>) {
        self.frame = self.frame.saturating_add(1);
    }
}
