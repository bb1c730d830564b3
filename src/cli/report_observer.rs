//! The page that a run writes at its end, beside what it writes meanwhile.

use std::io::{self, Write as _};
use std::path::Path;

use super::output_file::{OutputFile, Rotating};
use super::report::{ReportFormat, about, with_ports};
use crate::capture::SourceInfo;
use crate::output::RunSummary;
use crate::report::Recorder;
use portstory_core::config::ReportLimits;
use portstory_core::event::Event;
use portstory_core::flow::{FlowKey, FlowPacket};

/// Keeps what the page needs, which is bounded.
pub(super) struct ReportObserver {
    recorder: Recorder,
    output_file: OutputFile,
    format: ReportFormat,
}

impl ReportObserver {
    /// Opens the file; `-` is standard output.
    ///
    /// # Errors
    ///
    /// Where it can't be opened.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self {
            recorder: Recorder::new(ReportLimits::default()),
            output_file: if path == Path::new("-") {
                OutputFile::of_stdout()?
            } else {
                OutputFile::open(path, &Rotating::default(), 0)?
            },
            format: ReportFormat::by_name(path),
        })
    }

    /// A packet of a flow in range was seen.
    pub(super) fn packet(&mut self, key: &FlowKey, seen: &FlowPacket<'_>) {
        self.recorder.packet(key, seen);
    }

    /// Something came of it, which [`ReportObserver::event`] tells of when it is written.
    pub(super) fn ended(&mut self, event: &Event) {
        self.recorder.ended(event);
    }

    /// Something came of it.
    pub(super) fn event(&mut self, event: &Event) {
        self.recorder.event(event);
    }

    /// Writes the page.
    ///
    /// # Errors
    ///
    /// The file's own.
    pub(super) fn finish(mut self, summary: &RunSummary, sources: &[SourceInfo]) -> io::Result<()> {
        let page = with_ports(self.recorder.finish(about(sources), summary, sources));
        self.output_file.begin()?;
        self.output_file.write_all(self.format.write(&page).as_bytes())?;
        self.output_file.commit()
    }
}
