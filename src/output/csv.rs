//! One row a flow, for spreadsheets (RFC 4180: CRLF, quotes doubled). Endpoints, anomalies and the
//! summary are left to the other formats.
//!
//! Times are UTC as in EVE, sizes are bytes on the wire, lists are set apart by blanks. Fields that
//! strangers wrote are escaped and cannot start like a formula: [`escape::csv_field`].

use std::fmt::Write as _;
use std::io;

use super::community_id::community_id;
use super::json::Time;
use super::{Context, EventWriter, RunSummary};
use crate::escape;
use portstory_core::event::{Event, FlowEvent, ProcessMissing};

/// The columns, and what they hold.
pub const COLUMNS: &[(&str, &str)] = &[
    ("start", "time of the first packet"),
    ("end", "time of the last packet"),
    ("label", "timelot-unknown, citrix-framehawk or other"),
    ("status", "how far it was understood"),
    ("protocol", "the most specific protocol recognised; empty where none was"),
    ("protocols", "all that were recognised, outermost first"),
    ("confidence", "low, medium or high"),
    ("proto", "TCP or UDP"),
    ("client_ip", "address of the client"),
    ("client_port", "port of the client"),
    ("server_ip", "address of the server"),
    ("server_port", "port of the server"),
    ("roles", "what the decision who is the client rests on"),
    ("packets_to_server", "packets from the client"),
    ("bytes_to_server", "bytes from the client"),
    ("packets_to_client", "packets from the server"),
    ("bytes_to_client", "bytes from the server"),
    ("notable", "what must not be missed"),
    ("summary", "one line for a person"),
    ("runner_up", "the label that came second, where another one was possible"),
    ("flow_id", "as in EVE"),
    ("community_id", "Community ID version 1, seed 0"),
    ("source", "capture file or interface of the first packet"),
    ("packet", "number of the first packet in its source, from 1"),
    ("process", "live: short name of the process at the end that is this machine"),
    ("process_pid", "its number"),
    ("process_executable", "path of its program"),
    ("process_executable_deleted", "true where that file was deleted since"),
    ("process_name_mismatch", "true where its name is not the executable's"),
    ("process_user", "the account that it acts as; of one that is not visible, the socket's"),
    ("process_parent", "short name of its parent"),
    ("process_parent_pid", "the parent's number"),
    ("process_missing", "why no process is named: as in EVE"),
];

/// The CSV writer.
#[derive(Debug, Default)]
pub struct Csv {
    has_header: bool,
    /// The row that is being made; kept for its room.
    row: String,
}

impl Csv {
    /// A writer.
    pub fn new() -> Self {
        Self::default()
    }

    fn header(&mut self, out: &mut dyn io::Write) -> io::Result<()> {
        if self.has_header {
            return Ok(());
        }
        self.has_header = true;
        let names: Vec<_> = COLUMNS.iter().map(|&(name, _)| name).collect();
        write!(out, "{}\r\n", names.join(","))
    }

    fn flow(
        &mut self,
        out: &mut dyn io::Write,
        flow: &FlowEvent,
        context: &Context<'_>,
    ) -> io::Result<()> {
        let verdict = &flow.verdict;
        let notables: Vec<_> = verdict.notables.iter().map(|notable| notable.name()).collect();
        let row = &mut self.row;
        row.clear();
        // Writing to a String cannot fail. What is written without `csv_field` is made of digits,
        // and of letters that are ours.
        let _ = write!(
            row,
            "{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}",
            Time(flow.start),
            Time(flow.end),
            verdict.label.name(),
            verdict.status.name(),
            escape::csv_field(verdict.protocols.last().copied().unwrap_or_default()),
            escape::csv_field(&verdict.protocols.join(" ")),
            verdict.confidence.name(),
            flow.transport.name(),
            flow.client.addr,
            flow.client.port,
            flow.server.addr,
            flow.server.port,
            flow.roles.name(),
            flow.to_server.packets,
            flow.to_server.bytes,
            flow.to_client.packets,
            flow.to_client.bytes,
            notables.join(" "),
            escape::csv_field(&verdict.summary),
            verdict.runner_up.map(|label| label.name()).unwrap_or_default(),
            flow.flow_id,
            community_id(flow.transport, flow.client, flow.server),
            escape::csv_field(context.source_name(flow.first_frame.source)),
            flow.first_frame.number,
        );
        process(row, flow);
        row.push_str("\r\n");
        out.write_all(row.as_bytes())
    }
}

/// The columns of the process.
fn process(row: &mut String, flow: &FlowEvent) {
    let known = flow.process.as_deref();
    let text = |value: Option<&str>| escape::csv_field(value.unwrap_or_default()).into_owned();
    let number = |value: Option<u32>| value.map_or(String::new(), |value| value.to_string());
    let holds = |value: Option<bool>| value.map_or(String::new(), |value| value.to_string());
    let parent = known.and_then(|known| known.parent.as_ref());
    let missing = flow.process_missing.as_ref();
    let user = known.and_then(|known| known.user.as_deref());
    let user = user.or_else(|| missing.and_then(ProcessMissing::socket_user));
    let _ = write!(
        row,
        ",{},{},{},{},{},{},{},{},{}",
        text(known.map(|known| &*known.name)),
        number(known.map(|known| known.pid)),
        text(known.and_then(|known| known.executable.as_deref())),
        holds(known.map(|known| known.executable_deleted)),
        holds(known.map(|known| known.name_mismatch)),
        text(user),
        text(parent.map(|parent| &*parent.name)),
        number(parent.map(|parent| parent.pid)),
        missing.map(ProcessMissing::name).unwrap_or_default(),
    );
}

impl EventWriter for Csv {
    fn event(
        &mut self,
        out: &mut dyn io::Write,
        event: &Event,
        context: &Context<'_>,
    ) -> io::Result<()> {
        match event {
            Event::Flow(flow) => {
                self.header(out)?;
                self.flow(out, flow, context)
            }
            Event::Endpoint(_) | Event::Verdict(_) | Event::Anomaly(_) => Ok(()),
        }
    }

    fn finish(
        &mut self,
        out: &mut dyn io::Write,
        _summary: &RunSummary,
        _context: &Context<'_>,
    ) -> io::Result<()> {
        self.header(out)
    }
}
