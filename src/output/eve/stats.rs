//! The last line of a run: Suricata's `stats` event.

use super::put_counts;
use crate::output::json::{Object, Word};
use crate::output::{Context, ProcessLookups, RunSummary, schema};

pub(super) fn put(line: &mut Object<'_>, summary: &RunSummary, context: &Context<'_>) {
    line.put("timestamp", summary.last.unwrap_or_default());
    line.put("event_type", Word("stats"));
    line.object("stats", |stats| put_counters(stats, summary, context));
    line.object("portstory", |story| put_story(story, summary, context));
}

/// Suricata's counters that have a meaning here.
fn put_counters(stats: &mut Object<'_>, summary: &RunSummary, context: &Context<'_>) {
    let dropped: u64 = context.sources.iter().map(|source| source.dropped).sum();
    let by_interface: u64 = context.sources.iter().map(|source| source.dropped_by_interface).sum();
    stats.put("uptime", summary.elapsed().as_secs());
    stats.object("capture", |capture| {
        // Suricata's count includes what was dropped.
        capture.put("kernel_packets", summary.frames.saturating_add(dropped));
        capture.put("kernel_drops", dropped);
        capture.put("kernel_ifdrops", by_interface);
    });
    stats.object("decoder", |decoder| {
        decoder.put("pkts", summary.frames);
        decoder.put("bytes", summary.bytes);
        decoder.put("invalid", summary.anomalous_frames());
    });
    stats.object("flow", |flow| {
        flow.put("total", summary.flows());
        flow.put("tcp", summary.flows_tcp);
        flow.put("udp", summary.flows_udp);
    });
}

fn put_story(story: &mut Object<'_>, summary: &RunSummary, context: &Context<'_>) {
    story.put("version", Word(env!("CARGO_PKG_VERSION")));
    story.put("schema", Word(schema::VERSION));
    story.put("first_frame", summary.first);
    story.put("last_frame", summary.last);
    story.put("frames_in_range", summary.frames_in_range);
    story.put("frames_without_ip", summary.frames_without_ip());
    put_counts(story, &summary.flows_by_label, &summary.flows_by_status);
    story.objects("anomalies", &summary.anomalies, |object, anomaly| {
        object.put("event", &*anomaly.first.name());
        object.put("layer", Word(anomaly.first.layer.name()));
        object.put("count", anomaly.count);
    });
    story.objects("sources", context.sources, |object, source| {
        object.put("name", &*source.name);
        object.put("frames", source.frames);
        object.put("dropped", source.dropped);
        object.put("dropped_by_interface", source.dropped_by_interface);
    });
    story.list("skipped", summary.skipped.iter().map(String::as_str));
    story.list("notices", summary.notices.iter().map(String::as_str));
    story.objects("limits", summary.limits(), |object, reached| {
        object.put("limit", Word(reached.limit));
        object.put("not_kept", reached.not_kept);
        object.put("unit", Word(reached.unit));
        object.put_some("flag", reached.flag.map(Word));
    });
    if let Some(lookups) = &summary.processes {
        story.object("processes", |object| put_lookups(object, lookups));
    }
}

fn put_lookups(object: &mut Object<'_>, lookups: &ProcessLookups) {
    object.put("asked", lookups.asked);
    object.put("with_process", lookups.with_process);
    object.put("nobody", lookups.nobody);
    object.put("not_visible", lookups.not_visible);
    object.put("gone", lookups.gone);
    object.put("unanswered", lookups.unanswered);
    object.put("not_asked", lookups.not_asked);
    object.put("cpu_ms", lookups.cpu_ms);
    object.put("over_budget_ms", lookups.over_budget_ms);
}
