//! The report as Markdown, for a ticket: the same without the plots.

use std::fmt::Write as _;

use super::answer::{agreement, between, detail_name, meaning, place, sentence};
use super::{Card, Report};
use crate::escape::{self, markdown as plain};
use crate::human::{bytes, count, counted, peers, service};
use crate::output::{Context, process, wireshark};
use portstory_core::Label;

/// The whole text.
pub(crate) fn markdown(report: &Report) -> String {
    let context = Context { sources: &report.sources, live: false };
    let mut text = format!("# {}\n\n{}\n\n", plain(&report.answer()), plain(&report.basis()));
    for (label, flows) in Label::ALL.into_iter().zip(report.summary.flows_by_label) {
        let _ = writeln!(text, "- {}: {}", label.name(), counted(flows, "flow"));
    }
    attention(report, &mut text);
    contents(report, &mut text);
    text.push_str("\n## Verdicts\n");
    for one in &report.cards {
        card(one, &context, &mut text);
    }
    kinds(report, &mut text);
    if let Some(left_out) = report.left_out() {
        let _ = writeln!(text, "\n{}", plain(&left_out));
    }
    endpoints(report, &mut text);
    pairs(report, &mut text);
    text.push_str("\n## Capture quality\n\n");
    for (good, line) in report.quality_lines() {
        let _ = writeln!(text, "- {} {}", if good { "ok:" } else { "**not:**" }, plain(&line));
    }
    text.push_str("\n## About the port\n");
    for (_, about) in &report.about.ports {
        fenced(&mut text, about);
    }
    next(report, &mut text);
    about(report, &mut text);
    text
}

/// The services to look at first, a line each.
fn attention(report: &Report, text: &mut String) {
    if report.attention.is_empty() {
        return;
    }
    let pressing = report.services.pressing > 0;
    let heading = if pressing { "Needs attention" } else { "First services" };
    let _ = writeln!(text, "\n## {heading}\n");
    for (number, row) in (1..).zip(&report.attention) {
        let one = &row.endpoint;
        let _ = writeln!(
            text,
            "{number}. **{}** {}: {}; {}",
            plain(&row.places()),
            one.label.name(),
            plain(&row.why()),
            plain(&row.extent())
        );
    }
    if report.services.unnamed > 0 {
        let more = counted(report.services.unnamed, "more service");
        let _ = writeln!(text, "\nAnd {more}: see Verdicts and Endpoints.");
    }
}

/// What follows, where that is long.
fn contents(report: &Report, text: &mut String) {
    if !report.is_long() {
        return;
    }
    text.push_str("\n## Contents\n\n");
    for (number, card) in (1..).zip(&report.cards) {
        let flows = counted(card.flows, "flow");
        let _ = writeln!(text, "{number}. {} ({flows})", plain(&card.title()));
    }
    text.push_str(
        "\nThen: Endpoints, Conversations, Capture quality, About the port, \
         Next steps, About this report.\n",
    );
}

/// The kinds of flows that have no card of their own.
fn kinds(report: &Report, text: &mut String) {
    if report.kinds.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n### {}\n", report.more_kinds());
    text.push_str("| kind | label | flows | bytes |\n|---|---|--:|--:|\n");
    for card in &report.kinds {
        let label = card.flow.verdict.label.name();
        row(text, [&plain(&card.title()), label, &count(card.flows), &bytes(card.bytes)]);
    }
}

fn endpoints(report: &Report, text: &mut String) {
    text.push_str(
        "\n## Endpoints\n\n| service | label | protocols | flows | from | bytes | seen \
                   (UTC) |\n|---|---|---|--:|---|--:|---|\n",
    );
    for one in &report.endpoints {
        let (place, seen) =
            (service(one.socket, one.transport), between(one.first_seen, one.last_seen));
        let (place, agreed) = (plain(&place), plain(&agreement(one)));
        let (flows, from, bytes) = (count(one.flows), peers(one), bytes(one.bytes));
        row(text, [&place, one.label.name(), &agreed, &flows, &from, &bytes, &seen]);
    }
    if report.endpoints_left_out > 0 {
        let _ =
            writeln!(text, "\n{} not shown.", counted(report.endpoints_left_out, "more endpoint"));
    }
}

fn card(card: &Card, context: &Context<'_>, text: &mut String) {
    let (flow, verdict) = (&card.flow, &card.flow.verdict);
    let _ = writeln!(
        text,
        "\n### {}: {} ({} confidence)\n\nFrom {} to {}, {} UTC; {} of this kind, {}\n\n{}\n",
        plain(&card.title()),
        verdict.label.name(),
        verdict.confidence.name(),
        plain(&service(flow.client, flow.transport)),
        plain(&service(flow.server, flow.transport)),
        between(flow.start, flow.end),
        counted(card.flows, "flow"),
        bytes(card.bytes),
        plain(&sentence(verdict))
    );
    for notable in &verdict.notables {
        let _ = writeln!(text, "- notable: **{}**: {}", notable.name(), meaning(*notable));
    }
    let here = process::at_this_end(flow.process.as_deref(), flow.process_missing.as_ref());
    if let Some(here) = here {
        let _ = writeln!(text, "- process: {}", plain(&here));
    }
    for piece in &verdict.evidence {
        let _ = writeln!(
            text,
            "- {:+.1} for {} by `{}`: {} ({})",
            piece.weight,
            piece.speaks_for.name(),
            piece.rule,
            plain(&piece.fact),
            plain(&context.frame_name(piece.frame))
        );
    }
    let runner_up = verdict.runner_up.map_or("none was possible", Label::name);
    let _ = writeln!(text, "- runner-up: {runner_up}");
    for detail in &verdict.details {
        let _ = writeln!(text, "- {}: {}", detail_name(detail.key), plain(&detail.value));
    }
    let _ = writeln!(text, "- in Wireshark: `{}`", wireshark::flow_filter(flow));
    places(card, text);
    let Some(unidentified) = &verdict.unidentified else { return };
    for (title, bytes) in [
        ("First bytes to the server", &unidentified.first_to_server),
        ("First bytes to the client", &unidentified.first_to_client),
    ] {
        if !bytes.is_empty() {
            let _ = write!(text, "\n{title}:\n");
            fenced(text, &hexdump(bytes));
        }
    }
    if !unidentified.message_sizes.is_empty() {
        let sizes: Vec<String> =
            unidentified.message_sizes.iter().map(|size| format!("{size:+}")).collect();
        let _ = writeln!(text, "\nSizes of the first messages: `{}`", sizes.join(" "));
    }
    if let Some(period) = unidentified.period_ms {
        let _ = writeln!(text, "\nMessages come every {} ms.", count(period));
    }
    for (holds, what) in &flow.shape {
        let _ = writeln!(text, "- {} {what}", if *holds { "yes:" } else { "no:" });
    }
}

/// Where the flows of several services go, and what each is.
fn places(card: &Card, text: &mut String) {
    if card.places_all < 2 {
        return;
    }
    text.push_str("\n| service | flows | bytes |\n|---|--:|--:|\n");
    for one in &card.places {
        row(text, [&plain(&place(one)), &count(one.flows), &bytes(one.bytes)]);
    }
    if card.places_unnamed() > 0 {
        let _ = writeln!(text, "\nAnd {}.", counted(card.places_unnamed(), "more service"));
    }
}

fn pairs(report: &Report, text: &mut String) {
    text.push_str(
        "\n## Conversations\n\n| client | service | label | flows | bytes \
                   |\n|---|---|---|--:|--:|\n",
    );
    for pair in &report.pairs {
        let client = plain(&pair.client.to_string());
        let server = plain(&service(pair.server, pair.transport));
        row(text, [&client, &server, pair.label.name(), &count(pair.flows), &bytes(pair.bytes)]);
    }
    if report.pairs_left_out > 0 {
        let _ = writeln!(text, "\n{} not shown.", counted(report.pairs_left_out, "more pair"));
    }
}

fn next(report: &Report, text: &mut String) {
    text.push_str("\n## Next steps\n");
    for part in report.next_steps() {
        let _ = write!(text, "\n### {}\n", part.title);
        for (what, command) in &part.steps {
            let _ =
                writeln!(text, "\n{}{}", plain(what), if command.is_some() { ":" } else { "." });
            if let Some(command) = command {
                fenced(text, command);
            }
        }
    }
}

fn about(report: &Report, text: &mut String) {
    let version = env!("CARGO_PKG_VERSION");
    let _ = write!(text, "\n## About this report\n\nMade by portstory {version}:\n");
    fenced(text, &escape::terminal(&report.about.command));
    text.push_str("\n| file | length | SHA-256 |\n|---|--:|---|\n");
    for input in &report.about.inputs {
        let hash = match &input.sha256 {
            Ok(hash) => hash.clone(),
            Err(why) => plain(why),
        };
        row(text, [&plain(&input.name), &bytes(input.bytes), &hash]);
    }
}

fn row<const N: usize>(text: &mut String, cells: [&str; N]) {
    let _ = writeln!(text, "| {} |", cells.join(" | "));
}

/// A block that is shown as it is: indented, which no run of backticks in it can end. Several lines
/// stay several; in each, what would act on the display is shown by its number.
fn fenced(text: &mut String, block: &str) {
    text.push('\n');
    for line in block.lines() {
        let _ = writeln!(text, "    {}", escape::terminal(line));
    }
}

/// Bytes with their offset and as text, eight in a row so that a telephone shows them.
pub(super) fn hexdump(bytes: &[u8]) -> String {
    let mut text = String::new();
    for (row, chunk) in bytes.chunks(8).enumerate() {
        let hex: String = chunk.iter().map(|byte| format!("{byte:02x} ")).collect();
        let ascii: String = chunk
            .iter()
            .map(
                |&byte| {
                    if byte.is_ascii_graphic() || byte == b' ' { char::from(byte) } else { '.' }
                },
            )
            .collect();
        let _ = writeln!(text, "{:04x}  {hex:<24} {ascii}", row.saturating_mul(8));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_dumped_with_offset_and_text() {
        let dump = hexdump(b"GET / \x1b[0m\xff");
        assert_eq!(
            dump,
            "0000  47 45 54 20 2f 20 1b 5b  GET / .[\n0008  30 6d ff                 0m.\n"
        );
    }
}
