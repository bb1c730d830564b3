//! The report as one HTML page that needs nothing else: no script, no font, no picture from anywhere.
//!
//! Its policy forbids all of that, so that even a fault in escaping could load and run nothing. What
//! strangers wrote goes through [`shown`], and maud escapes every value for HTML.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::answer::{agreement, between};
use super::{Report, plot};
use crate::escape;
use crate::human::{self, bytes, capital, count, counted, peers, service};
use crate::output::Context;
use portstory_core::Label;

mod card;

const STYLE: &str = include_str!("style.css");

/// Nothing may be loaded from anywhere, and no script may run (CSP Level 3).
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/// How every page begins: nothing stands before its policy.
#[cfg(feature = "bundle")]
pub(crate) fn head() -> String {
    format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">"
    )
}

/// The whole page.
pub(crate) fn html(report: &Report) -> String {
    let context = Context { sources: &report.sources, live: false };
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                title { "portstory: " (shown(&title(report))) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (opening(report))
                main {
                    (cards(report, &context))
                    (endpoints(report))
                    (pairs(report))
                    (quality(report))
                    (ports(report))
                    (next(report))
                    (about(report))
                }
                footer {
                    p {
                        "A label attributes a port; it never says safe or malicious. Confidence is a word, \
                         not a probability. Nothing was sent to anyone to make this report."
                    }
                }
            }
        }
    };
    page.into_string()
}

/// What strangers wrote, with what would act on the display shown by its number.
fn shown(text: &str) -> String {
    escape::terminal(text).into_owned()
}

fn title(report: &Report) -> String {
    report.subject().map_or_else(
        || "nothing seen".to_owned(),
        |(server, _, transport)| service(server, transport),
    )
}

/// What the first screen answers: how many need attention, when, and which.
fn opening(report: &Report) -> Markup {
    html! {
        header {
            p.kicker { "portstory: what is really on the port?" }
            h1 { (shown(&report.answer())) }
            p.soft.basis { (report.basis()) }
            (timeline(report))
            (attention(report))
            (contents(report))
        }
    }
}

fn timeline(report: &Report) -> Markup {
    let until = report.summary.last.unwrap_or_default();
    let Some(svg) = plot::timeline(&report.timeline, until) else { return html! {} };
    let [start, middle, end] = plot::timeline_ends(&report.timeline, until);
    let sums = Label::ALL.into_iter().zip(report.summary.flows_by_label);
    html! {
        figure.timeline {
            ul.lanes {
                @for (label, flows) in sums {
                    li class=(label.name()) { b { (count(flows)) } " " span.label { (label.name()) } }
                }
            }
            div.lines role="img" aria-label="Flows of each label over time" { (PreEscaped(svg)) }
            p.times.small.soft { span { (start) } span.middle { (middle) } span { (end) " UTC" } }
            figcaption {
                "Flows over time, by their start, in intervals of " (span_length(report))
                ", each label to its own scale."
            }
        }
    }
}

/// The services to look at first, a row each.
fn attention(report: &Report) -> Markup {
    html! {
        @if !report.attention.is_empty() {
            ol.attention {
                @for row in &report.attention {
                    li class=(row.endpoint.label.name()) {
                        p.where {
                            @match row.cards.first() {
                                Some(card) => a.mono href={ "#card-" (card) } { (row.places()) },
                                None => span.mono { (row.places()) },
                            }
                            " " span.label { (row.endpoint.label.name()) }
                        }
                        p.why { (shown(&capital(&row.why()))) }
                        p.small.soft { (row.extent()) }
                    }
                }
            }
        }
        @if report.services.unnamed > 0 {
            p.small.soft {
                (counted(report.services.unnamed, "more service")) " that need attention: see "
                a href="#verdicts" { "Verdicts" } "."
            }
        }
    }
}

/// Links to all that follows, where that is long.
fn contents(report: &Report) -> Markup {
    if !report.is_long() {
        return html! {};
    }
    html! {
        nav {
            h2 { "Contents" }
            ol {
                @for (number, card) in (1..).zip(&report.cards) {
                    li class=(card.flow.verdict.label.name()) {
                        a href={ "#card-" (number) } { (shown(&card.title())) }
                        span.small.soft { ", " (counted(card.flows, "flow")) }
                    }
                }
                @if !report.kinds.is_empty() { li { a href="#more" { (report.more_kinds()) } } }
            }
            p.small {
                @for (at, (id, title)) in SECTIONS.iter().enumerate() {
                    @if at > 0 { " \u{b7} " }
                    a href={ "#" (id) } { (title) }
                }
            }
        }
    }
}

/// What stands behind the verdicts: its name in links, and its heading.
const SECTIONS: &[(&str, &str)] = &[
    ("endpoints", "Endpoints"),
    ("pairs", "Conversations"),
    ("quality", "Capture quality"),
    ("ports", "About the port"),
    ("next", "Next steps"),
    ("about", "About this report"),
];

/// The heading of one of them.
fn title_of(id: &str) -> &'static str {
    SECTIONS.iter().find(|(section, _)| *section == id).map_or("", |(_, title)| title)
}

/// A part that is folded away, but for a short report's and on paper.
fn folded(report: &Report, id: &str, inside: &Markup) -> Markup {
    html! {
        details.part id=(id) open[!report.is_long()] {
            summary { h2 { (title_of(id)) } }
            (inside)
        }
    }
}

fn endpoints(report: &Report) -> Markup {
    let table = html! {
        p.small.soft { "Each service address over the whole capture, the worst first." }
        table.stack {
            thead { tr {
                th { "Service" } th { "Label" } th { "Protocols" } th.n { "Flows" }
                th { "From" } th.n { "Bytes" } th { "Seen (UTC)" }
            } }
            tbody {
                @for one in &report.endpoints {
                    tr class=(one.label.name()) {
                        td.mono.addr { (service(one.socket, one.transport)) }
                        td { span.label { (one.label.name()) } }
                        td {
                            (shown(&agreement(one)))
                            @if !one.notables.is_empty() {
                                @let names: Vec<_> = one.notables.iter().map(|n| n.name()).collect();
                                "; notable: " (names.join(", "))
                            }
                        }
                        td.n data-name="flows" { (count(one.flows)) }
                        td.from data-name="from" { (peers(one)) }
                        td.n data-name="bytes" { (bytes(one.bytes)) }
                        td.seen { (between(one.first_seen, one.last_seen)) }
                    }
                }
            }
        }
        @if report.endpoints_left_out > 0 {
            p.small.soft {
                (counted(report.endpoints_left_out, "more endpoint"))
                " not shown. All of them: " code { "portstory read FILES" } ", at its end."
            }
        }
    };
    folded(report, "endpoints", &table)
}

fn cards(report: &Report, context: &Context<'_>) -> Markup {
    html! {
        h2 #verdicts { "Verdicts" }
        p.small.soft {
            "One card for each kind of flow, the worst first, with the flow that tells most. "
            "Weights are log-odds by judgement, for comparison within one verdict only."
        }
        @for (number, one) in (1..).zip(&report.cards) {
            (card::card(one, number, one.is_pressing() || !report.is_long(), context))
        }
        @if !report.kinds.is_empty() { (more_kinds(report)) }
    }
}

/// The kinds of flows that have no card of their own share this one.
fn more_kinds(report: &Report) -> Markup {
    html! {
        details.card #more {
            summary { h3 { (report.more_kinds()) } }
            table.stack {
                thead { tr { th { "Kind" } th { "Label" } th.n { "Flows" } th.n { "Bytes" } } }
                tbody {
                    @for kind in &report.kinds {
                        tr class=(kind.flow.verdict.label.name()) {
                            td { (shown(&kind.title())) }
                            td { span.label { (kind.flow.verdict.label.name()) } }
                            td.n data-name="flows" { (count(kind.flows)) }
                            td.n data-name="bytes" { (bytes(kind.bytes)) }
                        }
                    }
                }
            }
            @if let Some(text) = report.left_out() { p.small { (text) } }
        }
    }
}

fn span_length(report: &Report) -> String {
    let seconds = report.timeline.seconds();
    if seconds < 2.0 {
        return format!("{seconds:.1} s");
    }
    human::span(std::time::Duration::try_from_secs_f64(seconds).unwrap_or_default())
}

fn pairs(report: &Report) -> Markup {
    let inside = html! {
        table.stack {
            thead { tr {
                th { "Client" } th { "Service" } th { "Label" } th.n { "Flows" } th.n { "Bytes" }
            } }
            tbody {
                @for pair in &report.pairs {
                    tr class=(pair.label.name()) {
                        td.mono.addr { (pair.client) }
                        td.mono.addr data-name="to" { (service(pair.server, pair.transport)) }
                        td { span.label { (pair.label.name()) } }
                        td.n data-name="flows" { (count(pair.flows)) }
                        td.n data-name="bytes" { (bytes(pair.bytes)) }
                    }
                }
            }
        }
        @if report.pairs_left_out > 0 {
            p.small.soft {
                (counted(report.pairs_left_out, "more pair")) " with fewer bytes not shown. All flows: "
                code { "portstory read --format csv FILES" } "."
            }
        }
    };
    folded(report, "pairs", &inside)
}

fn quality(report: &Report) -> Markup {
    html! {
        h2 #quality { (title_of("quality")) }
        ul.marks {
            @for (good, text) in report.quality_lines() { (mark(good, &text)) }
        }
    }
}

/// A line with a sign that does not rest on colour alone.
fn mark(good: bool, text: &str) -> Markup {
    html! {
        li class=(if good { "yes" } else { "no" }) {
            b { (if good { "\u{2713}" } else { "\u{2717}" }) } (shown(text))
        }
    }
}

fn ports(report: &Report) -> Markup {
    let inside = html! {
        @for (port, text) in &report.about.ports {
            h4 { "Port " (port) }
            pre { (text) }
        }
    };
    folded(report, "ports", &inside)
}

fn next(report: &Report) -> Markup {
    html! {
        h2 #next { (title_of("next")) }
        div.steps {
            @for part in report.next_steps() {
                section {
                    h3 { (part.title) }
                    @for (what, command) in &part.steps {
                        p { (what) @if command.is_some() { ":" } @else { "." } }
                        @if let Some(command) = command { pre { (command) } }
                    }
                }
            }
        }
    }
}

fn about(report: &Report) -> Markup {
    let inside = html! {
        h4 { "Made by" }
        p { "portstory " (env!("CARGO_PKG_VERSION")) }
        pre { (shown(&report.about.command)) }
        h4 { "Captures" }
        table.stack {
            thead { tr { th { "File" } th.n { "Length" } th { "SHA-256" } } }
            tbody {
                @for input in &report.about.inputs {
                    tr {
                        td.mono.any { (shown(&input.name)) }
                        td.n { (bytes(input.bytes)) }
                        td.mono.any {
                            @match &input.sha256 { Ok(hash) => (hash), Err(why) => (shown(why)) }
                        }
                    }
                }
            }
        }
    };
    folded(report, "about", &inside)
}
