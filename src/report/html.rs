//! The report as one HTML page that needs nothing else: no script, no font, no picture from anywhere.
//!
//! Its policy forbids all of that, so that even a fault in escaping could load and run nothing. What
//! strangers wrote goes through [`shown`], and maud escapes every value for HTML.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::answer::{agreement, between, service};
use super::{Report, plot};
use crate::event::Label;
use crate::output::human::{bytes, count, counted};
use crate::output::{Context, escape};

mod card;

const STYLE: &str = include_str!("html/style.css");

/// Nothing may be loaded from anywhere, and no script may run (CSP Level 3).
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/// The whole page.
pub fn html(report: &Report) -> String {
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
                    (endpoints(report))
                    (cards(report, &context))
                    (timeline(report))
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

fn opening(report: &Report) -> Markup {
    let sums = Label::ALL.into_iter().zip(report.summary.flows_by_label);
    html! {
        header {
            p.kicker { "portstory: what is really on the port?" }
            h1 { (shown(&report.answer())) }
            p.soft { (report.basis()) }
            ul.sums {
                @for (label, flows) in sums {
                    li class=(label.name()) { b { (count(flows)) } span.label { (label.name()) } }
                }
            }
        }
    }
}

fn endpoints(report: &Report) -> Markup {
    html! {
        h2 { "Endpoints" }
        p.small.soft { "Each service address over the whole capture, the most pressing first." }
        table.stack {
            thead { tr {
                th { "Service" } th { "Label" } th { "Its flows agree on" } th.n { "Flows" }
                th.n { "Peers" } th.n { "Octets" } th { "Seen (UTC)" }
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
                        td.n data-name="peers" {
                            @if one.peers_at_least { "at least " } (count(one.peers))
                        }
                        td.n data-name="octets" { (bytes(one.bytes)) }
                        td.whole { (between(one.first_seen, one.last_seen)) }
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
    }
}

fn cards(report: &Report, context: &Context<'_>) -> Markup {
    html! {
        h2 { "Verdicts" }
        p.small.soft {
            "One card for each kind of flow at a service, with the flow that tells most. "
            "Weights are log-odds by judgement, for comparison within one verdict only."
        }
        @for one in &report.cards { (card::card(one, context)) }
        @if let Some(text) = report.left_out() { p.small { (text) } }
    }
}

fn timeline(report: &Report) -> Markup {
    let until = report.summary.last.unwrap_or_default();
    let plots = Label::ALL
        .into_iter()
        .filter_map(|label| Some((label, plot::timeline(&report.timeline, label, until)?)));
    html! {
        h2 { "Over time" }
        p.small.soft { "Flows by the time at which they began (UTC), in spans of " (span_length(report)) "." }
        div.plots {
            @for (label, svg) in plots {
                figure class=(label.name()) {
                    figcaption { span.label { (label.name()) } }
                    div role="img" aria-label={ "Flows over time labelled " (label.name()) } {
                        (PreEscaped(svg))
                    }
                }
            }
        }
    }
}

fn span_length(report: &Report) -> String {
    let seconds = report.timeline.seconds();
    if seconds < 120.0 { format!("{seconds:.1} s") } else { format!("{:.0} min", seconds / 60.0) }
}

fn pairs(report: &Report) -> Markup {
    html! {
        h2 { "Who talks to whom" }
        table.stack {
            thead { tr {
                th { "Client" } th { "Service" } th { "Label" } th.n { "Flows" } th.n { "Octets" }
            } }
            tbody {
                @for pair in &report.pairs {
                    tr class=(pair.label.name()) {
                        td.mono.addr { (pair.client) }
                        td.mono.addr data-name="to" { (service(pair.server, pair.transport)) }
                        td { span.label { (pair.label.name()) } }
                        td.n data-name="flows" { (count(pair.flows)) }
                        td.n data-name="octets" { (bytes(pair.bytes)) }
                    }
                }
            }
        }
        @if report.pairs_left_out > 0 {
            p.small.soft {
                (counted(report.pairs_left_out, "more pair")) " with fewer octets not shown. All flows: "
                code { "portstory read --format csv FILES" } "."
            }
        }
    }
}

fn quality(report: &Report) -> Markup {
    html! {
        h2 { "How well it was seen" }
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
    html! {
        h2 { "What is known of the port" }
        @for (port, text) in &report.about.ports {
            h4 { "Port " (port) }
            pre { (text) }
        }
    }
}

fn next(report: &Report) -> Markup {
    html! {
        h2 { "Next steps" }
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
    html! {
        h2 { "About this report" }
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
    }
}
