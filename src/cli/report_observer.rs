//! The page that a run writes at its end, beside what it writes meanwhile.

use std::io::{self, Write as _};
use std::path::Path;

use super::exit::lost;
use super::output_file::{OutputFile, Rotating, cannot_write};
use super::report::{ReportFormat, page};
use crate::engine::{Observer, Outcome, Reading};
use crate::report::Recorder;
use portstory_core::config::ReportLimits;
use portstory_core::{Event, FlowKey, FlowPacket};

/// Keeps what the page needs, which is bounded.
struct ReportOutput {
    recorder: Recorder,
    output_file: OutputFile,
    format: ReportFormat,
}

/// Opens the file; `-` is standard output.
pub(super) fn open(path: &Path) -> Result<Box<dyn Observer>, Outcome> {
    let opened = OutputFile::open(path, &Rotating::default(), 0);
    Ok(Box::new(ReportOutput {
        recorder: Recorder::new(ReportLimits::default()),
        output_file: opened.map_err(|error| cannot_write(path, &error))?,
        format: ReportFormat::by_name(path),
    }))
}

impl ReportOutput {
    fn write(&mut self, reading: &Reading<'_>) -> io::Result<()> {
        let recorder =
            std::mem::replace(&mut self.recorder, Recorder::new(ReportLimits::default()));
        let page = page(recorder, &reading.summary, reading.source.sources());
        self.output_file.begin()?;
        self.output_file.write_all(self.format.write(&page).as_bytes())?;
        self.output_file.commit()
    }
}

impl Observer for ReportOutput {
    fn watches(&self) -> bool {
        true
    }

    fn packet(&mut self, key: &FlowKey, packet: &FlowPacket<'_>) {
        self.recorder.packet(key, packet);
    }

    fn event(&mut self, event: &mut Event) {
        self.recorder.event(event);
    }

    fn batch(&mut self, reading: &mut Reading<'_>) {
        self.recorder.batch(reading);
    }

    fn finish(&mut self, reading: &mut Reading<'_>) {
        if let Err(error) = self.write(reading) {
            lost("writing the report", &error);
            reading.raise(Outcome::BrokeOff);
        }
    }
}
