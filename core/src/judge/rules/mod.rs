//! The table of what speaks for which label.
//!
//! Each row looks at a [`FlowContext`] and may add evidence. Rows of one group tell the same thing in
//! different ways: only the strongest of them counts. The label with the highest sum wins; a label
//! that cannot apply (TCP is never Framehawk) is not in the race.
//!
//! The rows stand in `table`; what they look at is in `status`, `framehawk`, `site` and `visibility`. Rows
//! of no weight change no label: they say what could not be seen.

use crate::event::{Evidence, Label, Status};
use crate::frame::FrameRef;
use crate::identify::Strength;
use crate::judge::FlowContext;
use crate::net::Side;

pub(super) mod framehawk;
mod site;
mod status;
mod table;
mod visibility;

pub(super) use status::pace;
pub use table::RULES;

/// What the evidence amounts to.
#[derive(Clone, Debug)]
pub(crate) struct Opinion {
    /// The label with the highest sum.
    pub label: Label,
    /// The second, where it was in the race.
    pub runner_up: Option<Label>,
    /// What was found, strongest first.
    pub evidence: Vec<Evidence>,
    /// Ids of the rules that fired.
    pub fired: Vec<&'static str>,
}

/// One row.
#[derive(Debug)]
pub struct Rule {
    /// Its name in evidence.
    pub id: &'static str,
    /// What it looks at.
    pub observes: &'static str,
    /// The label that it speaks for, or against where the weight is negative.
    pub speaks_for: Label,
    /// Log-odds.
    pub weight: f32,
    /// Rows of one group do not add up.
    pub group: &'static str,
    /// What it rests on.
    pub source: &'static str,
    /// How it can mislead.
    pub misleads: &'static str,
    test: fn(&FlowContext<'_>, Status) -> Option<Shown>,
}

/// What a rule saw, and the packet that shows it.
#[derive(Debug)]
struct Shown {
    fact: String,
    frame: FrameRef,
    side: Side,
}

/// How much a recognised protocol speaks for "other".
pub(crate) const fn weight_of(strength: Strength) -> f32 {
    match strength {
        Strength::Doubtful => 2.0,
        Strength::Shape => 4.0,
        Strength::OneSided => 6.0,
        Strength::BothSides => 9.0,
        Strength::Signature => 9.0,
    }
}

/// Weighs all rules.
pub(crate) fn weigh(case: &FlowContext<'_>, status: Status) -> Opinion {
    let mut evidence: Vec<Evidence> = super::recognition(case).collect();
    let seen = RULES.iter().filter_map(|rule| Some((rule, (rule.test)(case, status)?)));
    let mut seen: Vec<(&Rule, Shown)> = seen.collect();
    // Stable: of equals of a group the first of the table counts.
    seen.sort_by(|(one, _), (other, _)| other.weight.abs().total_cmp(&one.weight.abs()));
    let fired = seen.iter().map(|(rule, _)| rule.id).collect();
    let mut groups: Vec<&str> = Vec::with_capacity(seen.len());
    for (rule, shown) in seen {
        if groups.contains(&rule.group) {
            continue;
        }
        groups.push(rule.group);
        evidence.push(Evidence {
            rule: rule.id,
            fact: shown.fact,
            speaks_for: rule.speaks_for,
            weight: rule.weight,
            direction: case.direction(shown.side),
            frame: shown.frame,
            offset: 0,
            bytes: Vec::new(),
        });
    }
    evidence.sort_by(|one, other| other.weight.abs().total_cmp(&one.weight.abs()));
    let (label, runner_up) = ranking(case, status, &evidence);
    Opinion { label, runner_up, evidence, fired }
}

fn ranking(
    case: &FlowContext<'_>,
    status: Status,
    evidence: &[Evidence],
) -> (Label, Option<Label>) {
    // Stable: of equal sums the plainer label comes first, and Framehawk is the boldest.
    let mut labels = [Label::TimelotUnknown, Label::Other, Label::CitrixFramehawk];
    labels.sort_by(|one, other| sum(evidence, *other).total_cmp(&sum(evidence, *one)));
    let mut race = labels.into_iter().filter(|label| in_race(case, status, *label));
    let label = race.next().unwrap_or(Label::Other);
    (label, race.next())
}

/// What speaks for a label, and against it. The order of evidence must not matter: it does not, as a few
/// single-precision weights between 0.1 and 10 add up in double precision without rounding.
pub(super) fn sum(evidence: &[Evidence], label: Label) -> f64 {
    let own = evidence.iter().filter(|piece| piece.speaks_for == label);
    own.map(|piece| f64::from(piece.weight)).sum()
}

/// Whether a flow can have this label at all. For Framehawk bare possibility is not enough:
/// something must speak for it.
pub(super) fn in_race(case: &FlowContext<'_>, status: Status, label: Label) -> bool {
    let open = is_conversation(status) && case.protocol().is_none();
    match label {
        Label::Other => true,
        Label::TimelotUnknown => case.is_on_named_port() && open,
        Label::CitrixFramehawk => case.may_be_framehawk() && open,
    }
}

/// Whether there was something to recognise, and it was not.
pub(super) fn is_conversation(status: Status) -> bool {
    match status {
        Status::Unidentified | Status::Insufficient => true,
        Status::Identified
        | Status::Attempted
        | Status::ClientPort
        | Status::Refused
        | Status::Unanswered
        | Status::Scan
        | Status::NoPayload => false,
    }
}

fn server_side(case: &FlowContext<'_>) -> Side {
    case.roles.client.other()
}

/// What a rule saw, shown by the first packet with payload of a side.
fn shown(case: &FlowContext<'_>, side: Side, fact: String) -> Shown {
    let has_payload = case.record.side(side).first_payload().is_some();
    let side = if has_payload { side } else { case.record.first_sender };
    Shown { fact, frame: case.shown_by(side).0, side }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_names_of_their_own_and_say_what_they_rest_on() {
        for (at, rule) in RULES.iter().enumerate() {
            assert!(RULES[..at].iter().all(|other| other.id != rule.id), "{} twice", rule.id);
            for text in [rule.observes, rule.source, rule.misleads, rule.group] {
                assert!(!text.is_empty(), "{}", rule.id);
            }
        }
    }

    #[test]
    fn the_order_of_evidence_changes_no_sum() {
        let piece = |rule: &Rule| Evidence {
            rule: rule.id,
            fact: String::new(),
            speaks_for: rule.speaks_for,
            weight: rule.weight,
            direction: crate::event::Direction::ToServer,
            frame: FrameRef::default(),
            offset: 0,
            bytes: Vec::new(),
        };
        let mut evidence: Vec<Evidence> = RULES.iter().map(piece).collect();
        let sums = |evidence: &[Evidence]| Label::ALL.map(|label| sum(evidence, label).to_bits());
        let expected = sums(&evidence);
        for _ in 0..evidence.len() {
            evidence.rotate_left(7);
            evidence.reverse();
            assert_eq!(sums(&evidence), expected);
        }
    }
}
