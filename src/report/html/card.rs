//! One verdict with what it rests on.

use maud::{Markup, PreEscaped, html};

use super::{mark, shown};
use crate::human::{bytes, count, counted, service, span};
use crate::output::{Context, process};
use crate::report::answer::{between, detail_name, meaning, place, sentence};
use crate::report::{Card, markdown::hexdump, plot};
use portstory_core::event::Unidentified;
use portstory_core::{Evidence, FlowEvent, Side, Status};

/// One card. Those that need no attention are folded, but on paper.
pub(super) fn card(card: &Card, number: usize, open: bool, context: &Context<'_>) -> Markup {
    let (flow, verdict) = (&card.flow, &card.flow.verdict);
    html! {
        details class={ "card " (verdict.label.name()) } id={ "card-" (number) } open[open] {
            summary {
                h3 { (shown(&card.title())) }
                span.label { (verdict.label.name()) }
                span.small.soft { (verdict.confidence.name()) " confidence, " (counted(card.flows, "flow")) }
            }
            p.path.mono { (service(flow.client, flow.transport)) " \u{2192} " (service(flow.server, flow.transport)) }
            p { (shown(&sentence(verdict))) }
            p.small.soft { (volume(flow)) (like(card)) }
            @for notable in &verdict.notables {
                p.small { b { (notable.name()) } ": " (meaning(*notable)) "." }
            }
            @if let Some(here) = here(flow) { p.small { b { "Process" } ": " (shown(&here)) "." } }
            (evidence(&verdict.evidence, flow, context))
            @if !verdict.details.is_empty() {
                h4 { "Protocol metadata" }
                table { tbody {
                    @for detail in &verdict.details {
                        tr { td.soft { (detail_name(detail.key)) } td.mono.any { (shown(&detail.value)) } }
                    }
                } }
            }
            @if let Some(unidentified) = &verdict.unidentified { (unknown(unidentified)) }
            (plots(card))
            (shape(flow))
            @if card.places_all > 1 {
                (places(card))
            }
        }
    }
}

/// Where the flows of several services go, and what each is.
fn places(card: &Card) -> Markup {
    html! {
        h4 { "Services" }
        table.stack {
            thead { tr { th { "Service" } th.n { "Flows" } th.n { "Bytes" } } }
            tbody {
                @for one in &card.places {
                    tr {
                        td.mono.addr { (place(one)) }
                        td.n data-name="flows" { (count(one.flows)) }
                        td.n data-name="bytes" { (bytes(one.bytes)) }
                    }
                }
            }
        }
        @if card.places_unnamed() > 0 {
            p.small.soft { "And " (counted(card.places_unnamed(), "more service")) "." }
        }
    }
}

fn here(flow: &FlowEvent) -> Option<String> {
    process::at_this_end(flow.process.as_deref(), flow.process_missing.as_ref())
}

fn volume(flow: &FlowEvent) -> String {
    format!(
        "{} UTC ({}); {} with {} to the server, {} with {} to the client.",
        between(flow.start, flow.end),
        span(flow.end.since(flow.start)),
        counted(flow.to_server.packets, "packet"),
        bytes(flow.to_server.bytes),
        counted(flow.to_client.packets, "packet"),
        bytes(flow.to_client.bytes),
    )
}

fn like(card: &Card) -> String {
    if card.flows < 2 {
        return String::new();
    }
    format!(" One of {} of this kind, {} together.", counted(card.flows, "flow"), bytes(card.bytes))
}

fn evidence(pieces: &[Evidence], flow: &FlowEvent, context: &Context<'_>) -> Markup {
    let runner_up = flow.verdict.runner_up;
    html! {
        h4 { "Evidence" }
        table.stack {
            thead { tr { th { "Observation" } th { "Rule" } th { "For" } th.n { "Weight" } th { "Shown by" } } }
            tbody {
                @for piece in pieces {
                    tr {
                        td { (shown(&piece.fact)) }
                        td.mono.whole { (piece.rule) }
                        td.whole data-name="for" { (piece.speaks_for.name()) }
                        td.n data-name="weight" { (format!("{:+.1}", piece.weight)) }
                        td.any {
                            (context.frame_name(piece.frame))
                            @if !piece.bytes.is_empty() {
                                ", byte " (count(u64::from(piece.offset))) ": " code { (spaced(&piece.bytes)) }
                            }
                        }
                    }
                }
            }
        }
        p.small.soft {
            @match runner_up {
                Some(label) => { "Runner-up: " (label.name()) "." },
                None => "No other label was possible.",
            }
        }
    }
}

fn spaced(bytes: &[u8]) -> String {
    let bytes: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    bytes.join(" ")
}

fn unknown(unidentified: &Unidentified) -> Markup {
    let ways = [
        ("First bytes to the server", &unidentified.first_to_server),
        ("First bytes to the client", &unidentified.first_to_client),
    ];
    html! {
        div.dumps {
            @for (title, bytes) in ways {
                @if !bytes.is_empty() {
                    div { h4 { (title) } pre.dump { (hexdump(bytes)) } }
                }
            }
        }
        @if !unidentified.message_sizes.is_empty() {
            h4 { "Sizes of the first messages (+ to the server, \u{2212} to the client)" }
            p.mono {
                @for size in &unidentified.message_sizes { (format!("{size:+} ")) }
            }
        }
        @if let Some(period) = unidentified.period_ms {
            p.small { "Messages come every " (count(period)) " ms." }
        }
    }
}

fn plots(card: &Card) -> Markup {
    let flow = &card.flow;
    let Some(trace) = card.trace.as_ref().filter(|_| speaks(flow)) else { return html! {} };
    let client = if flow.client <= flow.server { Side::A } else { Side::B };
    let step = trace.step();
    html! {
        div.plots {
            @if let Some(svg) = plot::sizes(trace, client) {
                figure {
                    div role="img" aria-label="Payload sizes over time" { (PreEscaped(svg)) }
                    figcaption {
                        "Bytes of payload in each packet"
                        @if step > 1 { " (one in " (step) ")" }
                        ", " span.key-up { "to the server above" } ", " span.key-down { "to the client below" }
                        ". Shaded: where display remoting has most of its packets."
                    }
                }
            }
            @if let Some(svg) = plot::pace(trace, client) {
                figure {
                    div role="img" aria-label="Bytes per second over time" { (PreEscaped(svg)) }
                    figcaption {
                        "Throughput: bytes of payload per second, "
                        span.key-up { "to the server above" } ", "
                        span.key-down { "to the client below" } "."
                    }
                }
            }
        }
    }
}

fn speaks(flow: &FlowEvent) -> bool {
    flow.to_server.payload_bytes > 0 || flow.to_client.payload_bytes > 0
}

/// Only a question where nothing else was recognised.
fn shape(flow: &FlowEvent) -> Markup {
    if flow.verdict.status != Status::Unidentified || flow.shape.is_empty() {
        return html! {};
    }
    html! {
        h4 { "Compared with display remoting" }
        ul.marks { @for (holds, what) in &flow.shape { (mark(*holds, what)) } }
    }
}
