//! A table for a tired person: what was found, which endpoints matter, what to do next.
//!
//! Flows are printed at the end, so that the columns fit: first one of each service that needs
//! attention, the worst first, then all others by their start. Of flows that look alike a few are shown
//! and the rest is counted ([`similar`]). Where that makes more than [`ROWS_MAX`] rows, and always on a
//! live capture, rows are printed as they come, in columns of fixed width, with a line where another
//! day begins. Each row has a number, by which `portstory why` knows it: the same for the same input.
//! Then come the endpoints, worst first, and the summary, which names the worst of them once more: so
//! they stand on the first screen of a file and on the last one of a terminal. Anomalies stand in the summary, which the caller counts.
//!
//! Nothing is told by colour only, and no line is longer than the width that was asked for, but for
//! a name without a blank.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::{Context, EventWriter, Look, RunSummary, push_line};
use crate::escape;
use crate::human::{Clock, count};
use portstory_core::event::Concern;
use portstory_core::internal::judge::ranking::FlowRank;
use portstory_core::{EndpointEvent, Event, FlowEvent, Label, Status, VerdictEvent};

mod endpoints;
mod footer;
mod row;
mod similar;

use endpoints::Endpoints;
use footer::{Lead, Leads};
use row::{Layouts, Row};
use similar::Similar;

/// Rows kept for the end, at some 600 bytes each: so many that of a folder of captures the worst can
/// still come first.
const ROWS_MAX: usize = 4096;

/// Rows that come first, before all others in the order of time.
const FOREMOST_MAX: usize = 20;

/// Columns that lines are laid out for at least.
const WIDTH_MIN: usize = 60;

/// The writer for people.
#[derive(Debug, Default)]
pub struct Text {
    look: Look,
    rows: Vec<Row>,
    /// The columns, once rows are printed as they come.
    streaming: Option<Layouts>,
    /// The day of the last of these.
    day: String,
    /// Rows that were printed.
    printed: u64,
    /// Their flows, in the order of their numbers, where somebody asks for them.
    index: Option<Vec<u64>>,
    similar: Similar,
    endpoints: Endpoints,
    leads: Leads,
}

impl Text {
    /// A writer that looks like that.
    pub fn new(look: Look) -> Self {
        Self { look: Look { width: look.width.max(WIDTH_MIN), ..look }, ..Self::default() }
    }

    /// A writer that also keeps which flow has which number.
    pub fn indexed(look: Look) -> Self {
        Self { index: Some(Vec::new()), ..Self::new(look) }
    }

    /// The ids of the flows that have a row, in the order of their numbers from 1 on; complete once
    /// all was written. Empty unless it was made to keep them.
    pub fn index(&self) -> &[u64] {
        self.index.as_deref().unwrap_or_default()
    }

    /// The id of the flow that the summary says to look at first; known once all was written.
    pub fn lead(&self) -> Option<u64> {
        self.leads.best().map(Lead::flow_id)
    }

    fn flow(&mut self, out: &mut Vec<u8>, flow: &FlowEvent, context: &Context<'_>) {
        self.leads.consider(flow, context);
        let Some(id) = self.similar.admit(flow) else { return };
        let row = Row::new(flow, id, context.live);
        if context.live {
            self.start_streaming(out);
        }
        if self.streaming.is_some() {
            return self.stream(out, &row);
        }
        self.rows.push(row);
        if self.rows.len() > ROWS_MAX {
            self.start_streaming(out);
        }
    }

    /// A row without a number, told at once: the flow is still running.
    fn verdict(&mut self, out: &mut Vec<u8>, event: &VerdictEvent) {
        self.start_streaming(out);
        let row = Row::running(event);
        self.stream_as(out, "now", &row);
    }

    fn start_streaming(&mut self, out: &mut Vec<u8>) {
        if self.streaming.is_some() {
            return;
        }
        let layouts = Layouts::fixed(self.look);
        layouts.write_header(out);
        self.streaming = Some(layouts);
        self.rows.sort_by_key(|row| row.order);
        std::mem::take(&mut self.rows).iter().for_each(|row| self.stream(out, row));
    }

    /// Writes a row as it comes.
    fn stream(&mut self, out: &mut Vec<u8>, row: &Row) {
        let number = self.number(row);
        self.stream_as(out, &number, row);
    }

    fn stream_as(&mut self, out: &mut Vec<u8>, number: &str, row: &Row) {
        let day = Clock(row.start).day();
        if self.day != day {
            push_line(out, &day);
            self.day = day;
        }
        if let Some(layouts) = &self.streaming {
            layouts.write(out, number, row);
        }
    }

    /// The number of a row that is printed now.
    fn number(&mut self, row: &Row) -> String {
        self.printed = self.printed.saturating_add(1);
        self.index.iter_mut().for_each(|index| index.push(row.flow_id));
        count(self.printed)
    }

    fn write_rows(&mut self, out: &mut Vec<u8>, summary: &RunSummary) {
        if self.rows.is_empty() {
            return;
        }
        self.rows.sort_by_key(|row| row.order);
        let rows = std::mem::take(&mut self.rows);
        // Numbers are as wide as the largest, so in whatever order.
        let layouts = Layouts::fitting(self.look, &rows, spans_days(&rows, summary));
        layouts.write_header(out);
        let foremost = self.foremost(&rows);
        for row in foremost.iter().filter_map(|&at| rows.get(at)) {
            self.write_row(out, &layouts, row);
        }
        let others = || (0..rows.len()).zip(&rows).filter(|(at, _)| !foremost.contains(at));
        if !foremost.is_empty() && others().next().is_some() {
            push_line(out, "\nOTHERS, in order of time");
        }
        for (_, row) in others() {
            self.write_row(out, &layouts, row);
        }
        push_line(out, "");
    }

    fn write_row(&mut self, out: &mut Vec<u8>, layouts: &Layouts, row: &Row) {
        let number = self.number(row);
        layouts.write(out, &number, row);
        self.similar.behind(row.id).for_each(|more| layouts.write_note(out, &more));
    }

    /// The rows that come first: of each service that needs attention the first flow of each kind that
    /// does, in the order of the services.
    fn foremost(&self, rows: &[Row]) -> Vec<usize> {
        let mut worst: BTreeMap<_, BTreeMap<Concern, (&FlowRank, usize)>> = BTreeMap::new();
        for (at, row) in rows.iter().enumerate() {
            let Some(rank) = &row.rank else { continue };
            let concern = rank.concerns().worst().filter(|worst| worst.needs_attention());
            let Some(concern) = concern else { continue };
            let kinds = worst.entry(row.service).or_default();
            let place = kinds.entry(concern).or_insert((rank, at));
            *place = (*place).min((rank, at));
        }
        let of_service = |endpoint: &EndpointEvent| {
            let kinds = worst.get(&(endpoint.transport, endpoint.socket))?;
            let concerns = endpoint.concerns;
            Some(kinds.iter().filter(move |(concern, _)| concerns.contains(**concern)))
        };
        let kinds = self.endpoints.pressing().filter_map(of_service).flatten();
        kinds.map(|(_, &(_, at))| at).take(FOREMOST_MAX).collect()
    }

    /// Behind rows that were printed before it was known how many more would come.
    fn write_unlisted(&self, out: &mut Vec<u8>) {
        let Some(layouts) = &self.streaming else { return };
        push_line(out, "");
        let mut unlisted = self.similar.all().peekable();
        if unlisted.peek().is_some() {
            push_line(out, "NOT LISTED, as they are similar to flows above");
            unlisted.for_each(|more| layouts.write_note(out, &more));
            push_line(out, "");
        }
    }
}

impl EventWriter for Text {
    fn resize(&mut self, out: &mut Vec<u8>, width: usize) {
        self.look.width = width.max(WIDTH_MIN);
        if self.streaming.is_some() {
            let layouts = Layouts::fixed(self.look);
            layouts.write_header(out);
            self.streaming = Some(layouts);
        }
    }

    fn event(&mut self, out: &mut Vec<u8>, event: &Event, context: &Context<'_>) {
        match event {
            Event::Flow(flow) => self.flow(out, flow, context),
            Event::Verdict(verdict) => self.verdict(out, verdict),
            Event::Endpoint(endpoint) => {
                self.leads.settle(endpoint);
                self.endpoints.keep(endpoint);
            }
            Event::Anomaly(_) => {}
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>, summary: &RunSummary, context: &Context<'_>) {
        self.endpoints.sort();
        self.write_rows(out, summary);
        self.write_unlisted(out);
        let attention = self.endpoints.attention();
        self.endpoints.write(out, self.look);
        footer::write(out, self.look, summary, context, &attention, self.leads.best());
    }
}

/// Whether a time of the day alone would not say when.
fn spans_days(rows: &[Row], summary: &RunSummary) -> bool {
    let times = rows.iter().map(|row| row.start).chain(summary.first).chain(summary.last);
    let mut days = times.map(|time| Clock(time).day());
    let first = days.next();
    days.any(|day| Some(day) != first)
}

/// What a flow speaks, in a word; what is not a protocol stands in brackets.
fn protocol(protocols: &[Cow<'_, str>], status: Status) -> String {
    if protocols.is_empty() {
        return format!("({})", status.name());
    }
    // What the site names itself is among them.
    let chain = escape::terminal(&protocols.join("/")).into_owned();
    if status == Status::Identified { chain } else { format!("{chain} ({})", status.name()) }
}

/// The label in its colour. `text` is the label, padded or not.
fn coloured(label: Label, text: &str, colour: bool) -> String {
    if !colour {
        return text.to_owned();
    }
    // Select Graphic Rendition (ECMA-48 section 8.3.117): bold yellow, bold magenta, green.
    let code = match label {
        Label::TimelotUnknown => "1;33",
        Label::CitrixFramehawk => "1;35",
        Label::Other => "32",
    };
    format!("\x1b[{code}m{text}\x1b[0m")
}
