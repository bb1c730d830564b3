//! One flow as lines of a table, and the columns that they share.
//!
//! Four layouts: all of a flow in one line; one line without what may be left out of it; the two ends
//! below each other, each with what it sent, which takes the longest IPv6 addresses in 104 columns; or a
//! paragraph, where not even that fits. Where the confidence has no column, the reason begins with it.

use super::{coloured, protocol};
use crate::escape;
use crate::human::{Clock, bytes, count, push_padded, service, width, wrap};
use crate::output::{Look, process, push_line};
use portstory_core::event::Volume;
use portstory_core::internal::judge::ranking::FlowRank;
use portstory_core::{FlowEvent, Label, Socket, Timestamp, Transport, Verdict, VerdictEvent};

/// The blank columns between two columns of the table.
const GAP: usize = 2;

/// The place of the label among the columns.
const LABEL_COLUMN: usize = 2;

/// The reason gets a column of its own where that is at least so wide, else lines of its own.
const REASON_COLUMNS_MIN: usize = 40;

/// What is said of one flow.
#[derive(Debug)]
pub(super) struct Row {
    /// What rows are sorted by.
    pub(super) order: (Timestamp, u64),
    /// Its name among the rows.
    pub(super) id: usize,
    /// The service that it is about.
    pub(super) service: (Transport, Socket),
    /// How soon it is to be looked at; nothing is known of that while it runs.
    pub(super) rank: Option<FlowRank>,
    /// The flow's own name.
    pub(super) flow_id: u64,
    /// When the flow started.
    pub(super) start: Timestamp,
    label: Label,
    protocol: String,
    client: String,
    server: String,
    sent: Volume,
    back: Volume,
    confidence: &'static str,
    reason: String,
}

impl Row {
    pub(super) fn new(flow: &FlowEvent, id: usize, live: bool) -> Self {
        let here = process::at_this_end(flow.process.as_deref(), flow.process_missing.as_ref());
        Self { id, rank: Some(FlowRank::of(flow)), ..Self::of(flow, live, here) }
    }

    /// A row of a flow that is still running.
    pub(super) fn running(VerdictEvent { flow, previous, .. }: &VerdictEvent) -> Self {
        let row = Self::of(flow, true, flow.process.as_deref().map(process::short));
        let previous = previous.filter(|&label| label != row.label);
        let was = previous.map_or(String::new(), |label| format!(", was {}", label.name()));
        Self { reason: format!("still running{was}; {}", row.reason), ..row }
    }

    fn of(flow: &FlowEvent, live: bool, here: Option<String>) -> Self {
        let verdict = &flow.verdict;
        let older = verdict.is_older_than_capture(flow.transport).then(|| older(live));
        Self {
            order: (flow.start, flow.flow_id),
            id: 0,
            service: (flow.transport, flow.server),
            rank: None,
            flow_id: flow.flow_id,
            start: flow.start,
            label: verdict.label,
            protocol: protocol(&verdict.protocols, verdict.status),
            client: flow.client.to_string(),
            server: service(flow.server, flow.transport),
            sent: flow.to_server,
            back: flow.to_client,
            confidence: verdict.confidence.name(),
            reason: reason(verdict, older, here),
        }
    }

    /// The cells, a list of lines each, without the reason.
    fn cells(&self, kind: RowLayout, number: &str, days: bool) -> Vec<Vec<String>> {
        let (label, protocol) = (self.label.name().to_owned(), self.protocol.clone());
        let (client, server) = (&self.client, &self.server);
        let volumes = |show: fn(Volume) -> String| [show(self.sent), show(self.back)];
        let clock = Clock(self.start);
        let number = vec![number.to_owned()];
        match kind {
            RowLayout::Line | RowLayout::Short => {
                let start = if days { clock.to_string() } else { clock.time() };
                let ends = format!("{client} -> {server}");
                let [sent, back] =
                    volumes(if kind == RowLayout::Line { volume } else { volume_bytes });
                let texts = [start, label, protocol, ends, sent, back];
                let rest = texts.into_iter().map(|text| vec![text]);
                let confidence =
                    (kind == RowLayout::Line).then(|| vec![self.confidence.to_owned()]);
                std::iter::once(number).chain(rest).chain(confidence).collect()
            }
            RowLayout::Stacked => {
                let day = days.then(|| clock.day());
                let start = day.into_iter().chain([clock.time()]).collect();
                let ends = vec![client.clone(), format!("-> {server}")];
                vec![number, start, vec![label, protocol], ends, volumes(volume).into()]
            }
        }
    }

    /// Why, led by how sure where that has no column.
    fn reason(&self, kind: RowLayout) -> String {
        match kind {
            RowLayout::Line => self.reason.clone(),
            RowLayout::Short | RowLayout::Stacked => {
                format!("{} confidence: {}", self.confidence, self.reason)
            }
        }
    }
}

/// Why, what is notable, and who it is here.
fn reason(verdict: &Verdict, older: Option<&str>, here: Option<String>) -> String {
    let mut reason = escape::terminal(&verdict.summary).into_owned();
    if !verdict.notables.is_empty() {
        let names: Vec<_> = verdict.notables.iter().map(|notable| notable.name()).collect();
        reason.push_str("; notable: ");
        reason.push_str(&names.join(", "));
    }
    if let Some(older) = older {
        reason.push_str("; ");
        reason.push_str(older);
    }
    if let Some(here) = here {
        reason.push_str(&format!("; here: {}", escape::terminal(&here)));
    }
    reason
}

/// What is said of a session whose beginning was missed, and what can be done.
const fn older(live: bool) -> &'static str {
    if live {
        "older than the capture, so its handshake was missed: reconnect it, or wait for its next \
         handshake"
    } else {
        "older than the capture, so its handshake was missed: capture it again from its handshake"
    }
}

fn volume(volume: Volume) -> String {
    format!("{} pkt {}", count(volume.packets), bytes(volume.bytes))
}

fn volume_bytes(volume: Volume) -> String {
    bytes(volume.bytes)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RowLayout {
    /// Everything.
    Line,
    /// Without the numbers of packets, and without a column for the confidence.
    Short,
    /// Two lines.
    Stacked,
}

/// The heading of the column of starts. Times are UTC everywhere; here somebody may compare them with
/// the clock on the wall.
const START: &str = "START UTC";

impl RowLayout {
    const ALL: [Self; 3] = [Self::Line, Self::Short, Self::Stacked];

    const fn headings(self) -> &'static [&'static str] {
        match self {
            Self::Line => &[
                "#",
                START,
                "LABEL",
                "PROTOCOL",
                "CLIENT -> SERVER",
                "TO SERVER",
                "TO CLIENT",
                "CONFIDENCE",
            ],
            Self::Short => {
                &["#", START, "LABEL", "PROTOCOL", "CLIENT -> SERVER", "TO SERVER", "TO CLIENT"]
            }
            Self::Stacked => &["#", START, "LABEL, PROTOCOL", "CLIENT -> SERVER", "SENT"],
        }
    }

    /// Widths for rows that are not known yet: common ones, not the longest.
    fn fixed_columns(self, ends: usize) -> Vec<usize> {
        match self {
            Self::Line => vec![4, 9, 16, 15, ends, 13, 13, 10],
            Self::Short => vec![4, 9, 16, 15, ends, 9, 9],
            Self::Stacked => vec![4, 9, 16, ends, 13],
        }
    }
}

/// The columns of a table.
#[derive(Debug)]
struct Layout {
    kind: RowLayout,
    columns: Vec<usize>,
}

impl Layout {
    fn width(&self) -> usize {
        self.columns.iter().sum::<usize>() + GAP * self.columns.len().saturating_sub(1)
    }

    fn holds(&self, cells: &[Vec<String>]) -> bool {
        cells
            .iter()
            .zip(&self.columns)
            .all(|(cell, &columns)| cell.iter().all(|line| width(line) <= columns))
    }
}

/// The layouts that rows may have, the best first. A row that fits none becomes a paragraph.
#[derive(Debug)]
pub(super) struct Layouts {
    look: Look,
    layouts: Vec<Layout>,
    /// Whether starts are shown with their day.
    days: bool,
}

impl Layouts {
    /// For rows that are all known, of a capture of several days or not.
    pub(super) fn fitting(look: Look, rows: &[Row], days: bool) -> Self {
        let natural = RowLayout::ALL.map(|kind| {
            let mut columns: Vec<_> = kind.headings().iter().map(|name| width(name)).collect();
            for (number, row) in (1..).zip(rows) {
                for (cell, columns) in
                    row.cells(kind, &count(number), days).iter().zip(&mut columns)
                {
                    let widest = cell.iter().map(|line| width(line)).max().unwrap_or_default();
                    *columns = widest.max(*columns);
                }
            }
            Layout { kind, columns }
        });
        let best = natural.into_iter().find(|layout| layout.width() <= look.width);
        Self { look, layouts: best.into_iter().collect(), days }
    }

    /// For rows that are still to come. Their days stand between them.
    pub(super) fn fixed(look: Look) -> Self {
        // Two of the longest IPv4 ends side by side, common ones; the longest IPv6 end, IPv4 ends.
        let ends = |kind| match kind {
            RowLayout::Line | RowLayout::Short => [50, 42],
            RowLayout::Stacked => [54, 28],
        };
        let mut layouts: Vec<_> = RowLayout::ALL
            .into_iter()
            .flat_map(|kind| ends(kind).map(|ends| (kind, ends)))
            .map(|(kind, ends)| Layout { kind, columns: kind.fixed_columns(ends) })
            .filter(|layout| layout.width() <= look.width)
            .collect();
        // Rows of one kind stand in the same columns, and a second one-line kind would only mix them.
        layouts.dedup_by_key(|layout| layout.kind == RowLayout::Stacked);
        Self { look, layouts, days: false }
    }

    pub(super) fn write_header(&self, out: &mut Vec<u8>) {
        let Some(layout) = self.layouts.first() else { return };
        let mut line = String::new();
        for (name, &columns) in layout.kind.headings().iter().zip(&layout.columns) {
            push_padded(&mut line, name, columns + GAP);
        }
        if self.reason_columns(layout).is_some() {
            line.push_str("WHY");
        }
        push_line(out, line.trim_end());
    }

    pub(super) fn write(&self, out: &mut Vec<u8>, number: &str, row: &Row) {
        for layout in &self.layouts {
            let cells = row.cells(layout.kind, number, self.days);
            if layout.holds(&cells) {
                return self.write_in(out, layout, row, cells);
            }
        }
        self.write_paragraph(out, number, row);
    }

    /// A line or two that belong to the row above.
    pub(super) fn write_note(&self, out: &mut Vec<u8>, text: &str) {
        for line in wrap(text, self.look.width - GAP) {
            push_line(out, &format!("  {line}"));
        }
    }

    fn reason_columns(&self, layout: &Layout) -> Option<usize> {
        let rest = self.look.width.checked_sub(layout.width() + GAP)?;
        (rest >= REASON_COLUMNS_MIN).then_some(rest)
    }

    fn write_in(&self, out: &mut Vec<u8>, layout: &Layout, row: &Row, mut cells: Vec<Vec<String>>) {
        let reason_columns = self.reason_columns(layout);
        if let Some(columns) = reason_columns {
            cells.push(wrap(&row.reason(layout.kind), columns));
        }
        let height = cells.iter().map(Vec::len).max().unwrap_or_default();
        for at in 0..height {
            let mut line = String::new();
            // The last column needs no padding: it has no width here where it is the reason's.
            let widths = layout.columns.iter().copied().chain(Some(0));
            for (nth, (cell, columns)) in cells.iter().zip(widths).enumerate() {
                let text = cell.get(at).map_or("", String::as_str);
                let start = line.len();
                push_padded(&mut line, text, columns + GAP);
                if nth == LABEL_COLUMN && at == 0 && self.look.colour {
                    let label = line.split_off(start);
                    line.push_str(&coloured(row.label, &label, true));
                }
            }
            push_line(out, line.trim_end());
        }
        if reason_columns.is_none() {
            self.write_note(out, &row.reason(layout.kind));
        }
    }

    fn write_paragraph(&self, out: &mut Vec<u8>, number: &str, row: &Row) {
        let label = coloured(row.label, row.label.name(), self.look.colour);
        let clock = Clock(row.start);
        let start = if self.days { clock.to_string() } else { clock.time() };
        let confidence = row.confidence;
        push_line(out, &format!("{number}  {start}  {label}  {}", row.protocol));
        self.write_note(out, &format!("{}  {}", row.client, volume(row.sent)));
        self.write_note(out, &format!("-> {}  {}", row.server, volume(row.back)));
        self.write_note(out, &format!("confidence {confidence}"));
        self.write_note(out, &row.reason);
    }
}
