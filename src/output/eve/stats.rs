//! The last line of a run: Suricata's `stats` event.

use serde::Serialize;

use crate::output::json::{Counts, Time};
use crate::output::schema;
use crate::output::{Context, ProcessLookups, RunSummary};
use portstory_core::event::{Label, Status};
use portstory_core::shortfall::Shortfall;

#[derive(Serialize)]
pub(super) struct StatsLine<'a> {
    timestamp: Time,
    event_type: &'static str,
    stats: Stats,
    portstory: StatsStory<'a>,
}

/// Suricata's counters that have a meaning here.
#[derive(Serialize)]
struct Stats {
    uptime: u64,
    capture: Capture,
    decoder: Decoder,
    flow: Flow,
}

#[derive(Serialize)]
struct Capture {
    kernel_packets: u64,
    kernel_drops: u64,
    kernel_ifdrops: u64,
}

#[derive(Serialize)]
struct Decoder {
    pkts: u64,
    bytes: u64,
    invalid: u64,
}

#[derive(Serialize)]
struct Flow {
    total: u64,
    tcp: u64,
    udp: u64,
}

#[derive(Serialize)]
struct StatsStory<'a> {
    version: &'static str,
    schema: &'static str,
    first_frame: Option<Time>,
    last_frame: Option<Time>,
    frames_in_range: u64,
    frames_without_ip: u64,
    by_label: Counts<'a, 3>,
    by_status: Counts<'a, 9>,
    anomalies: Vec<Anomaly>,
    sources: Vec<Source<'a>>,
    skipped: &'a [String],
    notices: &'a [String],
    limits: Vec<LimitReached>,
    #[serde(skip_serializing_if = "Option::is_none")]
    processes: Option<&'a ProcessLookups>,
}

/// What a limit left out.
#[derive(Serialize)]
struct LimitReached {
    limit: &'static str,
    not_kept: u64,
    unit: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    flag: Option<&'static str>,
}

#[derive(Serialize)]
struct Anomaly {
    event: &'static str,
    layer: &'static str,
    count: u64,
}

#[derive(Serialize)]
struct Source<'a> {
    name: &'a str,
    frames: u64,
    dropped: u64,
    dropped_by_interface: u64,
}

impl<'a> StatsLine<'a> {
    pub(super) fn new(summary: &'a RunSummary, context: &Context<'a>) -> Self {
        let dropped: u64 = context.sources.iter().map(|source| source.dropped).sum();
        Self {
            timestamp: Time(summary.last.unwrap_or_default()),
            event_type: "stats",
            stats: Stats {
                uptime: summary.elapsed().as_secs(),
                capture: Capture {
                    // Suricata's count includes what was dropped.
                    kernel_packets: summary.frames.saturating_add(dropped),
                    kernel_drops: dropped,
                    kernel_ifdrops: context
                        .sources
                        .iter()
                        .map(|source| source.dropped_by_interface)
                        .sum(),
                },
                decoder: Decoder {
                    pkts: summary.frames,
                    bytes: summary.bytes,
                    invalid: summary.anomalous_frames(),
                },
                flow: Flow {
                    total: summary.flows(),
                    tcp: summary.flows_tcp,
                    udp: summary.flows_udp,
                },
            },
            portstory: StatsStory::new(summary, context),
        }
    }
}

impl<'a> StatsStory<'a> {
    fn new(summary: &'a RunSummary, context: &Context<'a>) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            schema: schema::VERSION,
            first_frame: summary.first.map(Time),
            last_frame: summary.last.map(Time),
            frames_in_range: summary.frames_in_range,
            frames_without_ip: summary.frames_without_ip(),
            by_label: Counts(Label::ALL.map(Label::name), &summary.flows_by_label),
            by_status: Counts(Status::ALL.map(Status::name), &summary.flows_by_status),
            anomalies: summary
                .anomalies
                .iter()
                .map(|anomaly| Anomaly {
                    event: anomaly.first.event,
                    layer: anomaly.first.layer.name(),
                    count: anomaly.count,
                })
                .collect(),
            sources: context
                .sources
                .iter()
                .map(|source| Source {
                    name: &source.name,
                    frames: source.frames,
                    dropped: source.dropped,
                    dropped_by_interface: source.dropped_by_interface,
                })
                .collect(),
            skipped: &summary.skipped,
            notices: &summary.notices,
            limits: summary
                .limits()
                .map(|Shortfall { limit, not_kept, unit, flag, .. }| LimitReached {
                    limit,
                    not_kept,
                    unit,
                    flag,
                })
                .collect(),
            processes: summary.processes.as_ref(),
        }
    }
}
