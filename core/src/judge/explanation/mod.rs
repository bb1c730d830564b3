//! Why a flow has its label and not another one: every rule with what it saw, and what a rule that
//! saw nothing would have changed.

use super::rules::{self, Opinion, RULES, Rule, framehawk};
use super::{FlowContext, detectors_asked, status};
use crate::config::Config;
use crate::event::{Evidence, FlowEvent, Label, Status};
use crate::flow::{Correlation, Ended};
use crate::net::Transport;

mod reasons;

pub(crate) use reasons::Reason;

/// All that can be said about one verdict.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The flow and its verdict.
    pub flow: FlowEvent,
    /// The sum for each label, in [`Label::ALL`]'s order; nothing where it was not in the race.
    pub sums: [Option<f64>; 3],
    /// The rules that saw something.
    pub fired: Vec<Evidence>,
    /// Ids of those that did not count, because a stronger one of their group did.
    pub outdone: Vec<&'static str>,
    /// The rules that saw nothing and would have changed the label, with the label that would have
    /// been.
    pub missing: Vec<(&'static Rule, Label)>,
    /// What made each of its notables.
    pub notables: Vec<Reason>,
    /// Why it is not Framehawk, or what that rests on: one condition a line, and whether it holds.
    pub framehawk: Vec<(bool, String)>,
    /// Detectors that were asked and found nothing.
    pub excluded: usize,
}

/// Accounts for the verdict on a flow that has ended.
pub(crate) fn account(ended: &Ended, ledgers: &Correlation, config: &Config) -> Explanation {
    let case = FlowContext::new(ended, ledgers, config);
    let status = status::status(&case);
    let opinion = rules::weigh(&case, status);
    let counted = |rule: &Rule| opinion.evidence.iter().any(|piece| piece.rule == rule.id);
    let outdone = RULES
        .iter()
        .filter(|rule| opinion.fired.contains(&rule.id) && !counted(rule))
        .map(|rule| rule.id);
    let sums = Label::ALL.map(|label| {
        rules::in_race(&case, status, label).then(|| rules::sum(&opinion.evidence, label))
    });
    let flow = super::judged(ended, ledgers, config);
    let notables = flow.verdict.notables.iter();
    Explanation {
        notables: notables.map(|&notable| reasons::reason(&case, notable)).collect(),
        outdone: outdone.collect(),
        sums,
        missing: missing(&opinion, sums),
        framehawk: conditions(&case, status),
        excluded: detectors_asked(&case).saturating_sub(case.record.recognised().count()),
        fired: opinion.evidence,
        flow,
    }
}

/// Rules that saw nothing, each of which alone would have made another label win.
fn missing(opinion: &Opinion, sums: [Option<f64>; 3]) -> Vec<(&'static Rule, Label)> {
    let unfired = RULES.iter().filter(|rule| !opinion.fired.contains(&rule.id));
    unfired.filter_map(|rule| Some((rule, label_with(rule, opinion, sums)?))).collect()
}

/// The label that a rule would have brought about, if it is another one. A stronger rule of its group
/// keeps it from counting, a weaker one gives way.
fn label_with(rule: &Rule, opinion: &Opinion, sums: [Option<f64>; 3]) -> Option<Label> {
    let group = |id: &str| RULES.iter().find(|other| other.id == id).map(|other| other.group);
    let before = opinion.evidence.iter().find(|piece| group(piece.rule) == Some(rule.group));
    if before.is_some_and(|before| before.weight.abs() >= rule.weight.abs()) {
        return None;
    }
    let sum_with = |label: Label, sum: f64| {
        let gone = before.filter(|piece| piece.speaks_for == label).map_or(0.0, |p| p.weight);
        let come = if rule.speaks_for == label { rule.weight } else { 0.0 };
        sum - f64::from(gone) + f64::from(come)
    };
    let race = Label::ALL.into_iter().zip(sums).filter_map(|(label, sum)| Some((label, sum?)));
    let best = race.map(|(label, sum)| (sum_with(label, sum), label)).max_by(
        |(one, own), (other, theirs)| {
            // Of equals the label that the flow has stays.
            let stays = |label: &Label| *label == opinion.label;
            one.total_cmp(other).then(stays(own).cmp(&stays(theirs)))
        },
    );
    best.map(|(_, label)| label).filter(|label| *label != opinion.label)
}

/// What Framehawk needs, and whether it is there.
fn conditions(case: &FlowContext<'_>, status: Status) -> Vec<(bool, String)> {
    let range = &case.config.watch.framehawk;
    let server = case.server_socket();
    let name = case.protocol().map_or("nothing", |found| found.detector.id);
    let mut all = vec![
        (case.key.transport == Transport::Udp, format!("UDP: it is {}", case.key.transport.name())),
        (
            range.contains(&server.port),
            format!(
                "the service's port in {}-{}: it is {}",
                range.start(),
                range.end(),
                server.port
            ),
        ),
        (
            rules::is_conversation(status),
            format!("a conversation without another explanation: it is {}", status.name()),
        ),
        (case.protocol().is_none(), format!("no protocol recognised: {name} was")),
    ];
    all.extend(framehawk::conditions(case));
    all
}
