//! One flow as lines of a table, and the columns that they share.
//!
//! Three layouts: all of a flow in one line; the two ends below each other, each with what it sent,
//! which takes the longest IPv6 addresses in 100 columns; or a paragraph, where not even that fits.

use std::io;

use super::super::human::{bytes, count, push_padded, width, wrap};
use super::super::{Look, escape};
use super::{coloured, end, process_name, protocol, service};
use crate::event::{FlowEvent, Label, Socket, Volume};
use crate::identify::Transport;
use crate::judge::ranking::FlowRank;
use crate::time::Timestamp;

/// The blank columns between two columns of the table.
const GAP: usize = 2;

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
    /// How soon it is to be looked at.
    pub(super) rank: FlowRank,
    label: Label,
    protocol: String,
    client: String,
    server: String,
    sent: String,
    back: String,
    confidence: &'static str,
    reason: String,
}

impl Row {
    pub(super) fn new(flow: &FlowEvent, id: usize) -> Self {
        let verdict = &flow.verdict;
        let mut reason = escape::terminal(&verdict.summary).into_owned();
        if !verdict.notables.is_empty() {
            let names: Vec<_> = verdict.notables.iter().map(|notable| notable.name()).collect();
            reason.push_str("; notable: ");
            reason.push_str(&names.join(", "));
        }
        if let Some(process) = &flow.process {
            reason.push_str(&format!("; here: {}", process_name(process)));
        }
        Self {
            order: (flow.start, flow.flow_id),
            id,
            service: (flow.transport, flow.server),
            rank: FlowRank::of(flow),
            label: verdict.label,
            protocol: protocol(&verdict.protocols, verdict.status),
            client: end(flow.client),
            server: service(flow.server, flow.transport),
            sent: volume(flow.to_server),
            back: volume(flow.to_client),
            confidence: verdict.confidence.name(),
            reason,
        }
    }

    /// The cells, a list of lines each, without the reason.
    fn cells(&self, kind: Kind) -> Vec<Vec<String>> {
        let (label, protocol) = (self.label.name().to_owned(), self.protocol.clone());
        let (sent, back) = (self.sent.clone(), self.back.clone());
        let confidence = vec![self.confidence.to_owned()];
        match kind {
            Kind::Line => {
                let ends = vec![format!("{} -> {}", self.client, self.server)];
                vec![vec![label], vec![protocol], ends, vec![sent], vec![back], confidence]
            }
            Kind::Stacked => {
                let ends = vec![self.client.clone(), format!("-> {}", self.server)];
                vec![vec![label, protocol], ends, vec![sent, back], confidence]
            }
        }
    }
}

fn volume(volume: Volume) -> String {
    format!("{} pkt {}", count(volume.packets), bytes(volume.bytes))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Line,
    Stacked,
}

impl Kind {
    const fn headings(self) -> &'static [&'static str] {
        match self {
            Self::Line => {
                &["LABEL", "PROTOCOL", "CLIENT -> SERVER", "TO SERVER", "TO CLIENT", "CONFIDENCE"]
            }
            Self::Stacked => &["LABEL, PROTOCOL", "CLIENT -> SERVER", "SENT", "CONFIDENCE"],
        }
    }

    /// Widths for rows that are not known yet: common ones, not the longest.
    fn fixed_columns(self, ends: usize) -> Vec<usize> {
        match self {
            Self::Line => vec![16, 15, ends, 13, 13, 10],
            Self::Stacked => vec![16, ends, 13, 10],
        }
    }
}

/// The columns of a table.
#[derive(Debug)]
struct Layout {
    kind: Kind,
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
}

impl Layouts {
    /// For rows that are all known.
    pub(super) fn fitting(look: Look, rows: &[Row]) -> Self {
        let natural = [Kind::Line, Kind::Stacked].map(|kind| {
            let mut columns: Vec<_> = kind.headings().iter().map(|name| width(name)).collect();
            for row in rows {
                for (cell, columns) in row.cells(kind).iter().zip(&mut columns) {
                    let widest = cell.iter().map(|line| width(line)).max().unwrap_or_default();
                    *columns = widest.max(*columns);
                }
            }
            Layout { kind, columns }
        });
        let best = natural.into_iter().find(|layout| layout.width() <= look.width);
        Self { look, layouts: best.into_iter().collect() }
    }

    /// For rows that are still to come.
    pub(super) fn fixed(look: Look) -> Self {
        // Two of the longest IPv4 ends side by side, common ones; the longest IPv6 end, IPv4 ends.
        let mut layouts: Vec<_> =
            [(Kind::Line, 50), (Kind::Line, 42), (Kind::Stacked, 54), (Kind::Stacked, 28)]
                .into_iter()
                .map(|(kind, ends)| Layout { kind, columns: kind.fixed_columns(ends) })
                .filter(|layout| layout.width() <= look.width)
                .collect();
        // Rows of one kind stand in the same columns.
        layouts.dedup_by_key(|layout| layout.kind);
        Self { look, layouts }
    }

    pub(super) fn write_header(&self, out: &mut dyn io::Write) -> io::Result<()> {
        let Some(layout) = self.layouts.first() else {
            return Ok(());
        };
        let mut line = String::new();
        for (name, &columns) in layout.kind.headings().iter().zip(&layout.columns) {
            push_padded(&mut line, name, columns + GAP);
        }
        if self.reason_columns(layout).is_some() {
            line.push_str("WHY");
        }
        writeln!(out, "{}", line.trim_end())
    }

    pub(super) fn write(&self, out: &mut dyn io::Write, row: &Row) -> io::Result<()> {
        for layout in &self.layouts {
            let cells = row.cells(layout.kind);
            if layout.holds(&cells) {
                return self.write_in(out, layout, row, cells);
            }
        }
        self.write_paragraph(out, row)
    }

    /// A line or two that belong to the row above.
    pub(super) fn write_note(&self, out: &mut dyn io::Write, text: &str) -> io::Result<()> {
        for line in wrap(text, self.look.width - GAP) {
            writeln!(out, "  {line}")?;
        }
        Ok(())
    }

    fn reason_columns(&self, layout: &Layout) -> Option<usize> {
        let rest = self.look.width.checked_sub(layout.width() + GAP)?;
        (rest >= REASON_COLUMNS_MIN).then_some(rest)
    }

    fn write_in(
        &self,
        out: &mut dyn io::Write,
        layout: &Layout,
        row: &Row,
        mut cells: Vec<Vec<String>>,
    ) -> io::Result<()> {
        let reason_columns = self.reason_columns(layout);
        if let Some(columns) = reason_columns {
            cells.push(wrap(&row.reason, columns));
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
                if nth == 0 && at == 0 {
                    line = coloured(
                        row.label,
                        line.get(start..).unwrap_or_default(),
                        self.look.colour,
                    );
                }
            }
            writeln!(out, "{}", line.trim_end())?;
        }
        if reason_columns.is_none() {
            self.write_note(out, &row.reason)?;
        }
        Ok(())
    }

    fn write_paragraph(&self, out: &mut dyn io::Write, row: &Row) -> io::Result<()> {
        let label = coloured(row.label, row.label.name(), self.look.colour);
        writeln!(out, "{label}  {}  confidence {}", row.protocol, row.confidence)?;
        self.write_note(out, &format!("{}  {}", row.client, row.sent))?;
        self.write_note(out, &format!("-> {}  {}", row.server, row.back))?;
        self.write_note(out, &row.reason)
    }
}
