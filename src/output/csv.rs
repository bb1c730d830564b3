//! One row per flow, for spreadsheets (RFC 4180: CRLF, quotes doubled). Endpoints, anomalies and the
//! summary are left to the other formats.
//!
//! Times are UTC as in EVE, sizes are bytes on the wire, lists are separated by blanks. Fields that
//! strangers wrote are escaped and cannot start like a formula: [`escape::csv_field`].

use std::fmt::Display;
use std::io::Write as _;

use super::community_id::community_id;
use super::json::Time;
use super::{Context, EventWriter, RunSummary};
use crate::escape;
use portstory_core::event::{Parent, Process, ProcessMissing};
use portstory_core::{Event, FlowEvent};

/// A column of the table.
pub struct Column {
    /// Its name, in the first line.
    pub name: &'static str,
    /// What it holds.
    pub about: &'static str,
    write: fn(&mut Vec<u8>, &Row<'_>),
}

/// What a row is made of.
struct Row<'a> {
    flow: &'a FlowEvent,
    context: &'a Context<'a>,
}

impl<'a> Row<'a> {
    fn process(&self) -> Option<&'a Process> {
        self.flow.process.as_deref()
    }

    fn parent(&self) -> Option<&'a Parent> {
        self.process()?.parent.as_ref()
    }

    fn process_missing(&self) -> Option<&'a ProcessMissing> {
        self.flow.process_missing.as_ref()
    }

    fn process_user(&self) -> Option<&'a str> {
        let of_process = self.process().and_then(|known| known.user.as_deref());
        of_process.or_else(|| self.process_missing().and_then(ProcessMissing::socket_user))
    }
}

/// The columns, in their order.
pub const COLUMNS: &[Column] = &[
    column("start", "time of the first packet", |cell, row| put(cell, Time(row.flow.start))),
    column("end", "time of the last packet", |cell, row| put(cell, Time(row.flow.end))),
    column("label", "timelot-unknown, citrix-framehawk or other", |cell, row| {
        put(cell, row.flow.verdict.label.name());
    }),
    column("status", "how far it was understood", |cell, row| {
        put(cell, row.flow.verdict.status.name());
    }),
    column(
        "protocol",
        "the most specific protocol recognised; empty if there is none",
        |cell, row| {
            text(cell, row.flow.verdict.protocol());
        },
    ),
    column("protocols", "all that were recognised, outermost first", |cell, row| {
        text(cell, Some(&row.flow.verdict.protocols.join(" ")));
    }),
    column("confidence", "low, medium or high", |cell, row| {
        put(cell, row.flow.verdict.confidence.name());
    }),
    column("proto", "TCP or UDP", |cell, row| put(cell, row.flow.transport.name())),
    column("client_ip", "address of the client", |cell, row| put(cell, row.flow.client.addr)),
    column("client_port", "port of the client", |cell, row| put(cell, row.flow.client.port)),
    column("server_ip", "address of the server", |cell, row| put(cell, row.flow.server.addr)),
    column("server_port", "port of the server", |cell, row| put(cell, row.flow.server.port)),
    column("roles", "what the decision who is the client rests on", |cell, row| {
        put(cell, row.flow.roles.name());
    }),
    column("packets_to_server", "packets from the client", |cell, row| {
        put(cell, row.flow.to_server.packets);
    }),
    column("bytes_to_server", "bytes from the client", |cell, row| {
        put(cell, row.flow.to_server.bytes);
    }),
    column("packets_to_client", "packets from the server", |cell, row| {
        put(cell, row.flow.to_client.packets);
    }),
    column("bytes_to_client", "bytes from the server", |cell, row| {
        put(cell, row.flow.to_client.bytes);
    }),
    column("notable", "what must not be missed", |cell, row| {
        let names: Vec<_> = row.flow.verdict.notables.iter().map(|one| one.name()).collect();
        put(cell, names.join(" "));
    }),
    column("summary", "one line for a person", |cell, row| {
        text(cell, Some(&row.flow.verdict.summary));
    }),
    column("runner_up", "the label that came second, if another one was possible", |cell, row| {
        put_some(cell, row.flow.verdict.runner_up.map(|label| label.name()));
    }),
    column("flow_id", "as in EVE", |cell, row| put(cell, row.flow.flow_id)),
    column("community_id", "Community ID version 1, seed 0", |cell, row| {
        put(cell, community_id(row.flow.transport, row.flow.client, row.flow.server));
    }),
    column("source", "capture file or interface of the first packet", |cell, row| {
        text(cell, Some(row.context.source_name(row.flow.first_frame.source)));
    }),
    column("packet", "number of the first packet in its source, from 1", |cell, row| {
        put(cell, row.flow.first_frame.number);
    }),
    column("process", "live: short name of the local process of the flow", |cell, row| {
        text(cell, row.process().map(|known| &*known.name));
    }),
    column("process_pid", "its process id", |cell, row| {
        put_some(cell, row.process().map(|known| known.pid));
    }),
    column("process_executable", "path of its program", |cell, row| {
        text(cell, row.process().and_then(|known| known.executable.as_deref()));
    }),
    column("process_executable_deleted", "true if that file was deleted since", |cell, row| {
        put_some(cell, row.process().map(|known| known.executable_deleted));
    }),
    column("process_name_mismatch", "true if its name is not the executable's", |cell, row| {
        put_some(cell, row.process().map(|known| known.name_mismatch));
    }),
    column(
        "process_user",
        "the account that it acts as; if the process is not visible, the socket's",
        |cell, row| text(cell, row.process_user()),
    ),
    column("process_parent", "short name of its parent", |cell, row| {
        text(cell, row.parent().map(|parent| &*parent.name));
    }),
    column("process_parent_pid", "the parent's process id", |cell, row| {
        put_some(cell, row.parent().map(|parent| parent.pid));
    }),
    column("process_missing", "why no process is named: as in EVE", |cell, row| {
        put_some(cell, row.process_missing().map(ProcessMissing::name));
    }),
];

const fn column(
    name: &'static str,
    about: &'static str,
    write: fn(&mut Vec<u8>, &Row<'_>),
) -> Column {
    Column { name, about, write }
}

/// Writes what is made of digits, and of letters that are ours. Writing to a String cannot fail.
fn put(cell: &mut Vec<u8>, value: impl Display) {
    let _ = write!(cell, "{value}");
}

fn put_some(cell: &mut Vec<u8>, value: Option<impl Display>) {
    value.into_iter().for_each(|value| put(cell, value));
}

/// Writes what may come from strangers.
fn text(cell: &mut Vec<u8>, value: Option<&str>) {
    put(cell, escape::csv_field(value.unwrap_or_default()));
}

/// The CSV writer.
#[derive(Debug, Default)]
pub struct Csv {
    has_header: bool,
}

impl Csv {
    fn header(&mut self, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.has_header, true) {
            let names: Vec<_> = COLUMNS.iter().map(|column| column.name).collect();
            put(out, names.join(",") + "\r\n");
        }
    }
}

impl EventWriter for Csv {
    fn event(&mut self, out: &mut Vec<u8>, event: &Event, context: &Context<'_>) {
        match event {
            Event::Flow(flow) => {
                self.header(out);
                let row = Row { flow, context };
                for (at, column) in COLUMNS.iter().enumerate() {
                    put(out, if at > 0 { "," } else { "" });
                    (column.write)(out, &row);
                }
                put(out, "\r\n");
            }
            Event::Endpoint(_) | Event::Verdict(_) | Event::Anomaly(_) => {}
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>, _: &RunSummary, _: &Context<'_>) {
        self.header(out);
    }
}
