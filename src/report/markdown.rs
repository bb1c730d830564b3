//! The report as Markdown, for a ticket: the same without the plots.

use std::fmt::Write as _;

use super::answer::{agreement, between, detail_name, heading, meaning, sentence, service};
use super::{Card, Report};
use crate::event::Label;
use crate::output::escape::{self, markdown as plain};
use crate::output::human::{bytes, count, counted};
use crate::output::{Context, wireshark};

/// The whole text.
pub fn markdown(report: &Report) -> String {
    let context = Context { sources: &report.sources, live: false };
    let mut text = format!("# {}\n\n{}\n\n", plain(&report.answer()), plain(&report.basis()));
    for (label, flows) in Label::ALL.into_iter().zip(report.summary.flows_by_label) {
        let _ = writeln!(text, "- {}: {}", label.name(), counted(flows, "flow"));
    }
    endpoints(report, &mut text);
    text.push_str("\n## Verdicts\n");
    for one in &report.cards {
        card(one, &context, &mut text);
    }
    if let Some(left_out) = report.left_out() {
        let _ = writeln!(text, "\n{}", plain(&left_out));
    }
    pairs(report, &mut text);
    text.push_str("\n## How well it was seen\n\n");
    for (good, line) in report.quality_lines() {
        let _ = writeln!(text, "- {} {}", if good { "ok:" } else { "**not:**" }, plain(&line));
    }
    text.push_str("\n## What is known of the port\n");
    for (_, about) in &report.about.ports {
        fenced(&mut text, about);
    }
    next(report, &mut text);
    about(report, &mut text);
    text
}

fn endpoints(report: &Report, text: &mut String) {
    text.push_str("\n## Endpoints\n\n| service | label | its flows agree on | flows | peers | octets | seen (UTC) |\n|---|---|---|--:|--:|--:|---|\n");
    for one in &report.endpoints {
        let at_least = if one.peers_at_least { "at least " } else { "" };
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {at_least}{} | {} | {} |",
            plain(&service(one.socket, one.transport)),
            one.label.name(),
            plain(&agreement(one)),
            count(one.flows),
            count(one.peers),
            bytes(one.bytes),
            between(one.first_seen, one.last_seen)
        );
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
        "\n### {} on {}: {} ({} confidence)\n\nFrom {}, {} UTC; {} of this kind, {}\n\n{}\n",
        plain(&heading(verdict)),
        plain(&service(flow.server, flow.transport)),
        verdict.label.name(),
        verdict.confidence.name(),
        plain(&service(flow.client, flow.transport)),
        between(flow.start, flow.end),
        counted(card.flows, "flow"),
        bytes(card.bytes),
        plain(&sentence(verdict))
    );
    for notable in &verdict.notables {
        let _ = writeln!(text, "- notable: **{}**: {}", notable.name(), meaning(*notable));
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
    let Some(unidentified) = &verdict.unidentified else { return };
    for (title, octets) in [
        ("First octets to the server", &unidentified.first_to_server),
        ("First octets back", &unidentified.first_to_client),
    ] {
        if !octets.is_empty() {
            let _ = write!(text, "\n{title}:\n");
            fenced(text, &hexdump(octets));
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

fn pairs(report: &Report, text: &mut String) {
    text.push_str("\n## Who talks to whom\n\n| client | service | label | flows | octets |\n|---|---|---|--:|--:|\n");
    for pair in &report.pairs {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} |",
            plain(&pair.client.to_string()),
            plain(&service(pair.server, pair.transport)),
            pair.label.name(),
            count(pair.flows),
            bytes(pair.bytes)
        );
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
        let _ = writeln!(text, "| {} | {} | {hash} |", plain(&input.name), bytes(input.bytes));
    }
}

/// A block that is shown as it is: indented, which no run of backticks in it can end. Several lines
/// stay several; in each, what would act on the display is shown by its number.
fn fenced(text: &mut String, block: &str) {
    text.push('\n');
    for line in block.lines() {
        let _ = writeln!(text, "    {}", escape::terminal(line));
    }
}

/// Octets with their offset and as text, eight in a row so that a telephone shows them.
pub(super) fn hexdump(octets: &[u8]) -> String {
    let mut text = String::new();
    for (row, chunk) in octets.chunks(8).enumerate() {
        let hex: String = chunk.iter().map(|octet| format!("{octet:02x} ")).collect();
        let ascii: String =
            chunk
                .iter()
                .map(|&octet| {
                    if octet.is_ascii_graphic() || octet == b' ' { char::from(octet) } else { '.' }
                })
                .collect();
        let _ = writeln!(text, "{:04x}  {hex:<24} {ascii}", row.saturating_mul(8));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_are_dumped_with_offset_and_text() {
        let dump = hexdump(b"GET / \x1b[0m\xff");
        assert_eq!(
            dump,
            "0000  47 45 54 20 2f 20 1b 5b  GET / .[\n0008  30 6d ff                 0m.\n"
        );
    }
}
