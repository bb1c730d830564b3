//! What a shared bundle still holds, by kind: to be read before it is written, and kept in it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::plans::{Plan, Plans, Treatment};
use super::{Addresses, Strength};
use crate::human::{count, counted};

/// Flows named one by one.
const NAMED_MAX: usize = 20;

/// What was shared, as the bundle's settings tell it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sharing {
    /// `min` or `full`.
    pub strength: String,
    /// Flows in the bundle.
    pub flows: u64,
    /// Flows of which bytes of payload stay.
    pub flows_keeping_payload: u64,
    /// These bytes.
    pub payload_bytes_kept: u64,
    /// Flows whose payload was replaced, but for these bytes.
    pub flows_replaced: u64,
    /// Bytes of payload that were replaced.
    pub payload_bytes_replaced: u64,
    /// Flows whose payload was left out.
    pub flows_without_payload: u64,
    /// Flows that could not be shared.
    pub flows_left_out: u64,
    /// Flows that were not to be shared.
    pub flows_excluded: u64,
    /// Addresses that were replaced.
    pub addresses_replaced: u64,
    /// Names that were replaced.
    pub names_replaced: u64,
    /// Flows whose verdict is another one than before.
    pub verdicts_changed: u64,
}

/// The same with what a person wants to know before it is written.
#[derive(Debug, Default)]
pub(crate) struct Inventory {
    /// The sums.
    pub sharing: Sharing,
    /// Bytes that stay, and flows, by protocol.
    by_protocol: BTreeMap<String, (u64, u64)>,
    packets: u64,
    beside: u64,
    without: Vec<String>,
    left_out: Vec<String>,
    changed: Vec<String>,
}

impl Inventory {
    /// Of frames that were made as the plans say.
    pub(crate) fn of(plans: &Plans, addresses: &Addresses) -> Self {
        let (strength, names_replaced) = match plans.strength {
            Strength::Min => ("min", whole(plans.names.len())),
            Strength::Full => ("full", 0),
        };
        let mut made = Self {
            sharing: Sharing {
                strength: strength.to_owned(),
                addresses_replaced: whole(addresses.count()),
                names_replaced,
                ..Sharing::default()
            },
            beside: plans.beside,
            ..Self::default()
        };
        for plan in plans.each() {
            made.add(plan);
        }
        made
    }

    fn add(&mut self, plan: &Plan) {
        let sharing = &mut self.sharing;
        let one = |sum: &mut u64| *sum = sum.saturating_add(1);
        let named = format!("flow {} ({})", plan.flow_id, plan.row.verdict());
        match &plan.treatment {
            Treatment::Excluded => return one(&mut sharing.flows_excluded),
            Treatment::LeftOut(why) => {
                one(&mut sharing.flows_left_out);
                return self.left_out.push(format!("{named}: {why}"));
            }
            Treatment::Without(why) => {
                if plan.payload > 0 {
                    one(&mut sharing.flows_without_payload);
                    self.without.push(format!("{named}: {why}"));
                }
            }
            Treatment::Disguised { .. } | Treatment::Whole(_) => {
                if plan.payload > 0 {
                    one(&mut sharing.flows_replaced);
                }
            }
        }
        one(&mut sharing.flows);
        self.packets = self.packets.saturating_add(u64::from(plan.packets));
        let replaced = plan.payload.saturating_sub(plan.stayed);
        sharing.payload_bytes_replaced = sharing.payload_bytes_replaced.saturating_add(replaced);
        if plan.stayed > 0 {
            one(&mut sharing.flows_keeping_payload);
            sharing.payload_bytes_kept = sharing.payload_bytes_kept.saturating_add(plan.stayed);
            let protocols = match plan.row.protocols.as_slice() {
                [] => "unidentified".to_owned(),
                names => names.join("+"),
            };
            let (flows, bytes) = self.by_protocol.entry(protocols).or_default();
            (*flows, *bytes) = (flows.saturating_add(1), bytes.saturating_add(plan.stayed));
        }
        if plan.has_changed() {
            one(&mut sharing.verdicts_changed);
            if let Some(became) = &plan.became {
                let (was, is) = (&plan.row.confidence, &became.confidence);
                let named = format!("{named}, {was}: now {}, {is}", became.verdict());
                self.changed.push(named);
            }
        }
    }

    /// What stays and what does not, a line each.
    pub(crate) fn lines(&self) -> Vec<String> {
        let Sharing { flows, flows_replaced, flows_keeping_payload, .. } = self.sharing;
        let sharing = &self.sharing;
        let mut lines = vec![format!(
            "stays: ports, flags, numbers, sizes and times of {} in {}",
            counted(self.packets, "packet"),
            counted(flows, "flow")
        )];
        if self.beside > 0 {
            lines.push(format!(
                "stays: the same of {} of Citrix and call sessions beside them",
                counted(self.beside, "packet")
            ));
        }
        if flows_keeping_payload > 0 {
            let by_protocol = self.by_protocol.iter();
            let kinds = by_protocol.map(|(name, (flows, bytes))| {
                format!("{name} {}: {} B", count(*flows), count(*bytes))
            });
            let what = match sharing.strength.as_str() {
                "full" => "payload that detectors read",
                _ => "protocol bytes that the verdict rests on",
            };
            lines.push(format!(
                "stays: {what}, {} in {} ({})",
                counted(sharing.payload_bytes_kept, "byte"),
                counted(flows_keeping_payload, "flow"),
                kinds.collect::<Vec<_>>().join(", ")
            ));
        }
        lines.push(format!(
            "replaced: {} (what they have in common stays, and the first byte of IPv4 or two of IPv6)",
            counted(sharing.addresses_replaced, "address")
        ));
        if sharing.strength != "full" {
            lines.push(format!("replaced: {}", counted(sharing.names_replaced, "name")));
        }
        lines.push(format!(
            "replaced: {} of payload in {}",
            counted(sharing.payload_bytes_replaced, "byte"),
            counted(flows_replaced, "flow")
        ));
        name_some(&mut lines, "without payload", &self.without);
        name_some(&mut lines, "left out, as it cannot be shared", &self.left_out);
        if sharing.flows_excluded > 0 {
            lines.push(format!(
                "left out by --exclude: {}",
                counted(sharing.flows_excluded, "flow")
            ));
        }
        name_some(&mut lines, "verdict changed", &self.changed);
        lines
    }
}

fn name_some(lines: &mut Vec<String>, what: &str, flows: &[String]) {
    if flows.is_empty() {
        return;
    }
    lines.push(format!("{what}: {}", counted(whole(flows.len()), "flow")));
    lines.extend(flows.iter().take(NAMED_MAX).map(|flow| format!("  {flow}")));
    if let Some(more) = flows.len().checked_sub(NAMED_MAX).filter(|more| *more > 0) {
        lines.push(format!("  and {more} more"));
    }
}

fn whole(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
