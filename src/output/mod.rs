//! Writers of events: one file a format, one row each in [`FORMATS`].
//!
//! A writer gets the events one at a time, in the order in which they are to be told, and the
//! [`RunSummary`] at the end. It opens nothing, asks no clock and keeps a bounded amount: where the
//! bytes go is the caller's business. Faults of the output come back as they are. A reader that
//! has gone away is an [`io::ErrorKind::BrokenPipe`], which the caller may take for success.
//!
//! What strangers wrote is escaped here and nowhere else (invariant 6): see [`escape`].

use clap::builder::PossibleValue;

use crate::capture::SourceInfo;
use crate::{escape, human};
use portstory_core::{Event, FrameRef, SourceId};

mod community_id;
mod csv;
mod eve;
#[cfg(feature = "live")]
pub(crate) mod host;
mod json;
pub(crate) mod packets;
pub(crate) mod process;
pub mod schema;
mod summary;
mod text;
pub(crate) mod wireshark;

pub use csv::{COLUMNS as CSV_COLUMNS, Csv};
pub use eve::Eve;
pub use packets::{PacketFormat, PacketWriter};
pub use summary::{ProcessLookups, RunSummary};
pub use text::Text;

/// All formats, the default first.
pub static FORMATS: &[FormatRow] = &[
    FormatRow {
        name: "text",
        about: "A table for people",
        make: |look| Box::new(Text::new(look)),
        starts_each_file: false,
    },
    FormatRow {
        name: "eve",
        about: "Suricata's EVE JSON, one object per line",
        make: |_| Box::new(Eve),
        starts_each_file: false,
    },
    FormatRow {
        name: "csv",
        about: "One row per flow",
        make: |_| Box::new(Csv::default()),
        starts_each_file: true,
    },
];

/// One way to write events down: in memory, where nothing fails; who asks hands it on.
pub trait EventWriter {
    /// Appends one event, or keeps what it needs of it for the end.
    fn event(&mut self, out: &mut Vec<u8>, event: &Event, context: &Context<'_>);

    /// From now on there are so many columns. Only what is laid out for them cares, and begins anew
    /// with its headings.
    fn resize(&mut self, _: &mut Vec<u8>, _: usize) {}

    /// Appends what was kept, and the summary. Called once, after the last event.
    fn finish(&mut self, out: &mut Vec<u8>, summary: &RunSummary, context: &Context<'_>);
}

fn push_line(out: &mut Vec<u8>, line: &str) {
    out.extend_from_slice(line.as_bytes());
    out.push(b'\n');
}

/// A format that can be asked for by name.
#[derive(Clone, Copy, Debug)]
pub struct FormatRow {
    /// The word for `--format`.
    pub name: &'static str,
    /// What `--help` says of it.
    pub about: &'static str,
    /// Makes a writer.
    pub make: fn(Look) -> Box<dyn EventWriter>,
    /// Whether a file that continues another needs a writer of its own, for a line of titles.
    pub starts_each_file: bool,
}

impl FormatRow {
    /// Whether it is the table for people.
    pub fn is_text(&self) -> bool {
        self.name == "text"
    }
}

impl clap::ValueEnum for FormatRow {
    fn value_variants<'a>() -> &'a [Self] {
        FORMATS
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name).help(self.about))
    }
}

/// How output for people is to look. The other formats look the same everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Columns of the terminal; what is less than 60 is taken for 60.
    pub width: usize,
    /// Whether labels are coloured.
    pub colour: bool,
}

impl Default for Look {
    /// For a file or a pipe.
    fn default() -> Self {
        Self { width: 120, colour: false }
    }
}

/// What writers must know beside the events.
#[derive(Clone, Copy, Debug, Default)]
pub struct Context<'a> {
    /// The sources by [`SourceId`], as known so far.
    pub sources: &'a [SourceInfo],
    /// Whether the sources are interfaces: then frames are named by their time, and rows are written
    /// as they come.
    pub live: bool,
}

impl<'a> Context<'a> {
    /// The name of a source; empty where it is not known.
    pub fn source_name(&self, source: SourceId) -> &'a str {
        usize::try_from(source.0)
            .ok()
            .and_then(|index| self.sources.get(index))
            .map_or("", |source| source.name.as_str())
    }

    /// Names a frame for a person: `packet 12 of a.pcap`, or its time and interface.
    pub(crate) fn frame_name(&self, frame: FrameRef) -> String {
        let source = escape::terminal(self.source_name(frame.source));
        if self.live {
            return format!("the packet at {} on {source}", human::Clock(frame.time));
        }
        format!("packet {} of {source}", frame.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_has_its_own_name_and_ends_an_empty_run_well() {
        for (at, row) in FORMATS.iter().enumerate() {
            assert!(FORMATS[..at].iter().all(|other| other.name != row.name));
            let mut out = Vec::new();
            (row.make)(Look::default()).finish(
                &mut out,
                &RunSummary::default(),
                &Context::default(),
            );
            assert!(out.ends_with(b"\n"), "{}", row.name);
        }
    }

    #[test]
    fn an_unknown_source_has_no_name() {
        assert_eq!(Context::default().source_name(SourceId(7)), "");
    }
}
