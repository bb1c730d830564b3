//! The end of a run: what was seen, how well, and what to do next.

use std::collections::BTreeMap;

use crate::escape;
use crate::human::{Clock, bytes, count, counted, push_padded, service, span, watched, wrap};
use crate::output::{Context, Look, RunSummary, process, push_line, wireshark};
use portstory_core::event::Concern;
use portstory_core::internal::judge::ranking;
use portstory_core::internal::judge::ranking::FlowRank;
use portstory_core::{EndpointEvent, FlowEvent, Label, Socket, Transport};

/// The columns of the words at the left.
const WORD_COLUMNS: usize = 11;

/// Names of skipped files that are told; of the others the number.
const SKIPPED_SHOWN_MAX: usize = 5;

/// Services with flows that were seen from their middle, of which a lead is kept; of any more, all their
/// flows are leads.
const RESTS_MAX: usize = 4096;

/// The flow that a person should look at first.
#[derive(Debug)]
pub(super) struct Lead {
    rank: FlowRank,
    what: &'static str,
    server: String,
    frame: String,
    filter: String,
}

impl Lead {
    /// The flow's id.
    pub(super) const fn flow_id(&self) -> u64 {
        self.rank.flow_id()
    }

    fn new(rank: FlowRank, worst: Concern, flow: &FlowEvent, context: &Context<'_>) -> Self {
        Self {
            rank,
            what: worst.title(),
            server: service(flow.server, flow.transport),
            frame: context.frame_name(flow.first_frame),
            filter: wireshark::ends_filter(flow),
        }
    }
}

/// The best lead so far, and others that may turn out better.
#[derive(Debug, Default)]
pub(super) struct Leads {
    best: Option<Lead>,
    /// By service, flows of which only the rest was seen: whether they are to be looked at is known when
    /// their services are.
    rests: BTreeMap<(Transport, Socket), Lead>,
}

impl Leads {
    /// The best of all.
    pub(super) fn best(&self) -> Option<&Lead> {
        self.best.as_ref()
    }

    /// Takes the flow where it is a better lead than the one at hand.
    pub(super) fn consider(&mut self, flow: &FlowEvent, context: &Context<'_>) {
        let rank = FlowRank::of(flow);
        let Some(worst) = rank.concerns().worst() else { return };
        let key = (flow.transport, flow.server);
        let is_rest = worst == Concern::Unclear && ranking::is_unclear_rest(flow, rank.concerns());
        let known = if is_rest { self.rests.get(&key) } else { self.best.as_ref() };
        if known.is_some_and(|known| rank >= known.rank) {
            return;
        }
        let lead = Lead::new(rank, worst, flow, context);
        if is_rest && (known.is_some() || self.rests.len() < RESTS_MAX) {
            self.rests.insert(key, lead);
        } else {
            self.take(lead);
        }
    }

    /// Takes what was seen of the service's flows, if that is a reason to look at it.
    pub(super) fn settle(&mut self, endpoint: &EndpointEvent) {
        let rest = self.rests.remove(&(endpoint.transport, endpoint.socket));
        if endpoint.concerns.contains(Concern::Unclear) {
            rest.into_iter().for_each(|lead| self.take(lead));
        }
    }

    fn take(&mut self, lead: Lead) {
        if self.best.as_ref().is_none_or(|best| lead.rank < best.rank) {
            self.best = Some(lead);
        }
    }
}

pub(super) fn write(
    out: &mut Vec<u8>,
    look: Look,
    summary: &RunSummary,
    context: &Context<'_>,
    attention: &[String],
    lead: Option<&Lead>,
) {
    let mut say = |word: &str, text: &str| item(out, look, word, text);
    say("SUMMARY", "");
    for (line, word) in
        attention.iter().zip(std::iter::once("Attention").chain(std::iter::repeat("")))
    {
        say(word, line);
    }
    if summary.flows() == 0 {
        say("Result", &nothing_found(summary));
    } else {
        say("Flows", &flows(summary));
        say("Watched", &watched(&summary.watch));
    }
    say("Read", &read(summary, context));
    say("Dropped", &dropped(context));
    for anomaly in &summary.anomalies {
        if let Some(what) = anomaly.first.unopened() {
            let (frames, first) =
                (counted(anomaly.count, "frame"), context.frame_name(anomaly.first.frame));
            say("Not opened", &format!("{frames} of {what}, whatever is inside; first {first}"));
            continue;
        }
        if let Some(link) = anomaly.first.link_without_ip() {
            let frames = counted(anomaly.count, "frame");
            let first = context.frame_name(anomaly.first.frame);
            say(
                "No IP",
                &format!("{frames} of link type {link}, which carries no IP; first {first}"),
            );
            continue;
        }
        let text = format!(
            "{} in {}, {} layer; first in {} at byte {}",
            anomaly.first.name(),
            counted(anomaly.count, "frame"),
            anomaly.first.layer.name(),
            context.frame_name(anomaly.first.frame),
            anomaly.first.offset
        );
        say("Anomaly", &text);
    }
    if !summary.skipped.is_empty() {
        say("Skipped", &skipped(&summary.skipped));
    }
    for notice in summary.limit_notices() {
        say("Limit", &notice);
    }
    if let Some(lookups) = &summary.processes {
        say("Processes", &process::lookups(lookups));
    }
    for notice in &summary.notices {
        say("Notice", &escape::terminal(notice));
    }
    let mut next = "Next";
    if let Some(unkept) = &summary.unkept {
        say(next, &format!("record again with whole frames: {}. For example", unkept.reason()));
        push_line(out, &format!("{:WORD_COLUMNS$}{}", "", unkept.command()));
        next = "";
    }
    if let Some(lead) = lead {
        item(
            out,
            look,
            next,
            &format!("start with {} ({}): {}. In Wireshark:", lead.server, lead.what, lead.frame),
        );
        // Unbroken, so that it can be copied.
        push_line(out, &format!("{:WORD_COLUMNS$}{}", "", lead.filter));
    }
}

/// A word and what is to be said of it, wrapped beside it.
fn item(out: &mut Vec<u8>, look: Look, word: &str, text: &str) {
    let mut word = word;
    for part in wrap(text, look.width - WORD_COLUMNS) {
        let mut line = String::new();
        push_padded(&mut line, word, WORD_COLUMNS);
        line.push_str(&part);
        push_line(out, line.trim_end());
        word = "";
    }
}

fn nothing_found(summary: &RunSummary) -> String {
    let watched = watched(&summary.watch);
    if summary.frames == 0 {
        return format!("the capture contains no frames. Watched: {watched}");
    }
    format!(
        "no flow in range: none of {} belongs to a flow on {watched}",
        counted(summary.frames, "frame")
    )
}

fn flows(summary: &RunSummary) -> String {
    let labels: Vec<_> = Label::ALL
        .iter()
        .zip(summary.flows_by_label)
        .map(|(label, flows)| format!("{} {}", count(flows), label.name()))
        .collect();
    format!("{}: {}", count(summary.flows()), labels.join(", "))
}

fn read(summary: &RunSummary, context: &Context<'_>) -> String {
    let mut text = format!(
        "{}, {}, {} of them in range",
        counted(summary.frames, "frame"),
        bytes(summary.bytes),
        count(summary.frames_in_range)
    );
    if let (Some(first), Some(last)) = (summary.first, summary.last) {
        text.push_str(&format!(
            "; {} from {} to {} UTC",
            span(summary.elapsed()),
            Clock(first),
            Clock(last)
        ));
    }
    match context.sources {
        [] => {}
        [one] => text.push_str(&format!("; {}", escape::terminal(&one.name))),
        many => {
            let noun = if context.live { "interfaces" } else { "files" };
            text.push_str(&format!("; {} {noun}", many.len()));
        }
    }
    text
}

fn dropped(context: &Context<'_>) -> String {
    let losses: Vec<_> = context
        .sources
        .iter()
        .filter(|source| source.dropped > 0 || source.dropped_by_interface > 0)
        .map(|source| {
            format!(
                "{} by the kernel and {} by the interface on {}",
                count(source.dropped),
                count(source.dropped_by_interface),
                escape::terminal(&source.name)
            )
        })
        .collect();
    if losses.is_empty() {
        let who = if context.live {
            "kernel and interface report none"
        } else {
            "none reported by the capture"
        };
        return who.to_owned();
    }
    format!("{}. These losses can change the result", losses.join("; "))
}

fn skipped(names: &[String]) -> String {
    let shown: Vec<_> =
        names.iter().take(SKIPPED_SHOWN_MAX).map(|name| escape::terminal(name)).collect();
    let others = names.len().saturating_sub(shown.len());
    let more = if others > 0 { format!(" and {others} more") } else { String::new() };
    let shown = shown.join(", ");
    match names.len() {
        1 => format!("1 file is not a capture: {shown}"),
        files => format!("{files} files are not captures: {shown}{more}"),
    }
}
