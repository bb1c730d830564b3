//! What becomes of every flow, and what came of that.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::disguise::{Disguise, put_name};
use super::plan::{may_tell, names};
use super::whole::Whole;
use super::{Addresses, Exclude, Secret, Strength};
use crate::bundle::Row;
use portstory_core::{Detail, DetailKey, FlowEvent, FlowKey, Socket, Status, Transport};

/// What becomes of a flow.
#[derive(Clone, Debug)]
pub(super) enum Treatment {
    /// Its payload is replaced, but for what the disguise says. With `told` what it tells beside the
    /// protocol's name is the original's, but for names.
    Disguised { disguise: Disguise, told: bool },
    /// Its payload stays as far as detectors read it.
    Whole(Whole),
    /// None of its payload is passed on, because of this.
    Without(&'static str),
    /// It is left out, because of this.
    LeftOut(&'static str),
    /// It is left out, as was asked for.
    Excluded,
}

/// One flow.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// Its packets, copies with them.
    pub(super) packets: u32,
    pub(super) treatment: Treatment,
    /// Its verdict; addresses are not in it.
    pub(super) row: Row,
    /// What the verdict of the frames made anew is, once they were judged.
    pub(super) became: Option<Row>,
    pub(super) flow_id: u64,
    /// Bytes of payload that were captured.
    pub(super) payload: u64,
    /// Those that were passed on.
    pub(super) stayed: u64,
    /// A frame that was made of it would be read as something else, too.
    pub(super) misread: bool,
    ends: [Socket; 2],
    transport: Transport,
}

impl Plan {
    pub(super) fn new(flow: &FlowEvent, packets: u32, treatment: Treatment) -> Self {
        Self {
            packets,
            treatment,
            row: Row::of(flow).without_addresses(),
            became: None,
            flow_id: flow.flow_id,
            payload: 0,
            stayed: 0,
            misread: false,
            ends: flow.ends(),
            transport: flow.transport,
        }
    }

    /// Whether packets of it are passed on.
    pub(super) const fn is_shared(&self) -> bool {
        match self.treatment {
            Treatment::Disguised { .. } | Treatment::Whole(_) | Treatment::Without(_) => true,
            Treatment::LeftOut(_) | Treatment::Excluded => false,
        }
    }

    /// Its ends in what was made of it, the lower one first.
    fn replaced_ends(&self, addresses: &mut Addresses) -> [Socket; 2] {
        let mut ends = self.ends.map(|end| Socket { addr: addresses.replaced(end.addr), ..end });
        ends.sort_unstable();
        ends
    }

    /// Whether the verdict is another one than it was: of what, not of how it is known.
    pub(super) fn has_changed(&self) -> bool {
        self.became.as_ref().is_some_and(|became| !is_same(&self.row, became, true))
    }

    /// The next stronger treatment, where there is one.
    fn go_further(&mut self, why: &'static str) -> bool {
        let next = match &mut self.treatment {
            Treatment::Whole(whole) if !whole.generous => {
                whole.generous = true;
                return true;
            }
            Treatment::Disguised { .. } | Treatment::Whole(_) => Treatment::Without(why),
            Treatment::Without(_) => Treatment::LeftOut(why),
            Treatment::LeftOut(_) | Treatment::Excluded => return false,
        };
        self.treatment = next;
        true
    }
}

/// The plans of all flows.
#[derive(Clone, Debug, Default)]
pub struct Plans {
    pub(super) strength: Strength,
    pub(super) exclude: Vec<Exclude>,
    /// Of each key in the order in which they ran.
    pub(super) flows: BTreeMap<FlowKey, Vec<Plan>>,
    /// Names that messages told, in lower case.
    pub(super) names: BTreeSet<Box<str>>,
    /// Packets of sessions beside the flows.
    pub(super) beside: u64,
    /// By their ids in the frames that were made: the flow's key and its place there.
    shared: BTreeMap<u64, (FlowKey, usize)>,
}

const ANOTHER_VERDICT: &str = "among the other flows the verdict was another one";
const ANOTHER_FLOW: &str = "what was made of it is not one flow";
const MISREAD: &str = "it would be read as a tunnel";

impl Plans {
    pub(super) fn new(strength: Strength) -> Self {
        Self { strength, ..Self::default() }
    }

    pub(super) fn add(&mut self, key: FlowKey, plan: Plan, details: &[Detail]) {
        self.names.extend(names(details));
        self.flows.entry(key).or_default().push(plan);
    }

    /// The addresses of all flows.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.flows.keys().flat_map(|key| [key.a.addr, key.b.addr])
    }

    /// A file's name without its folder, and without the addresses and names that are replaced.
    pub fn file_name(
        &self,
        path: &std::path::Path,
        secret: &Secret,
        addresses: &mut Addresses,
    ) -> String {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        let name = addresses.replace_in(&name);
        let mut made = name.clone().into_bytes();
        for known in self.names.iter().filter(|known| known.len() >= 3) {
            put_name(secret, known.as_bytes(), name.as_bytes(), &mut made);
        }
        String::from_utf8_lossy(&made).into_owned()
    }

    pub(super) fn each(&self) -> impl Iterator<Item = &Plan> {
        self.flows.values().flatten()
    }

    /// What the frames that were made are judged to be. Whether something has to be made otherwise: then
    /// frames are to be made again.
    pub fn settle(&mut self, found: &[FlowEvent], addresses: &mut Addresses) -> bool {
        self.compare(found, addresses);
        let mut again = false;
        for plan in self.flows.values_mut().flatten().filter(|plan| plan.is_shared()) {
            let further = match &plan.became {
                _ if plan.misread => plan.go_further(MISREAD),
                None => plan.go_further(ANOTHER_FLOW),
                Some(became) => {
                    let alike =
                        is_same(&plan.row, became, false) || !rests_on_payload(&plan.row, became);
                    let done = matches!(plan.treatment, Treatment::Without(_)) || plan.payload == 0;
                    !alike && !done && plan.go_further(ANOTHER_VERDICT)
                }
            };
            again |= further;
        }
        again
    }

    /// Finds each flow among those that were made.
    fn compare(&mut self, found: &[FlowEvent], addresses: &mut Addresses) {
        let mut by_ends: BTreeMap<_, Vec<(&FlowEvent, Row)>> = BTreeMap::new();
        for flow in found {
            let row = Row::of(flow).without_addresses();
            by_ends.entry((flow.transport, flow.ends(), row.start)).or_default().push((flow, row));
        }
        self.shared.clear();
        for (key, plans) in &mut self.flows {
            for (place, plan) in plans.iter_mut().enumerate() {
                plan.became = None;
                if !plan.is_shared() {
                    continue;
                }
                let ends = plan.replaced_ends(addresses);
                let flows = by_ends.get_mut(&(plan.transport, ends, plan.row.start));
                let Some(flows) = flows else { continue };
                // Equal 5-tuples in several networks began at one time: any of them that looks the same.
                let same = flows.iter().position(|(_, row)| is_same(row, &plan.row, true));
                let at = same.or_else(|| flows.len().checked_sub(1));
                if let Some((flow, row)) = at.map(|at| flows.swap_remove(at)) {
                    self.shared.insert(flow.flow_id, (*key, place));
                    plan.became = Some(row);
                }
            }
        }
        // Flows that are in nothing of the original: whoever has their ends made them.
        let strays: BTreeSet<_> = by_ends
            .iter()
            .filter(|(_, flows)| !flows.is_empty())
            .map(|((transport, ends, _), _)| (*transport, *ends))
            .collect();
        if strays.is_empty() {
            return;
        }
        for plan in self.flows.values_mut().flatten().filter(|plan| plan.is_shared()) {
            if strays.contains(&(plan.transport, plan.replaced_ends(addresses))) {
                plan.became = None;
            }
        }
    }

    /// What is told of a flow that is judged by the frames that were made: what it cannot know is
    /// taken out, and what became of its payload is put in.
    pub fn amend(&self, flow: &mut FlowEvent) {
        let plan = self.shared.get(&flow.flow_id);
        let plan = plan.and_then(|(key, place)| self.flows.get(key)?.get(*place));
        let Some(plan) = plan else { return };
        let verdict = &mut flow.verdict;
        let was = format!("{}, {} confidence", plan.row.verdict(), plan.row.confidence);
        let mut told = match &plan.treatment {
            Treatment::Disguised { told, .. } => {
                verdict.details.retain(|detail| may_tell(detail, *told));
                if plan.payload == 0 {
                    return;
                }
                format!("replaced, but for {} of {} bytes", plan.stayed, plan.payload)
            }
            Treatment::Without(why) => {
                verdict.details.clear();
                verdict.summary = format!(
                    "payload left out for sharing ({why}); with it: {was}; without: {}",
                    verdict.summary
                );
                format!("left out: {why}; with it the verdict was {was}")
            }
            Treatment::Whole(_) | Treatment::LeftOut(_) | Treatment::Excluded => return,
        };
        if plan.has_changed() && matches!(plan.treatment, Treatment::Disguised { .. }) {
            told.push_str(&format!("; with it the verdict was {was}"));
            verdict.summary =
                format!("{}; before payload was replaced for sharing: {was}", verdict.summary);
        }
        verdict.details.push(Detail::new(DetailKey::SharedPayload, told));
    }
}

/// Whether two verdicts are the same, with or without their confidence.
fn is_same(one: &Row, other: &Row, confidence: bool) -> bool {
    let Row { label, status, protocols, notable, .. } = one;
    (label, status, protocols, notable)
        == (&other.label, &other.status, &other.protocols, &other.notable)
        && (!confidence || one.confidence == other.confidence)
}

/// Whether payload can be why two verdicts differ.
fn rests_on_payload(one: &Row, other: &Row) -> bool {
    let by_payload =
        [Status::Identified, Status::Attempted, Status::Unidentified, Status::Insufficient];
    [one, other].iter().any(|row| by_payload.iter().any(|status| status.name() == row.status))
}
