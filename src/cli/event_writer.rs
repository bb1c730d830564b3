//! Where the events of a run go: in which format, to which file, and when.

use std::io::{self, BufWriter, Write};

use super::exit::output_exit;
use super::output_file::{OutputFile, cannot_write, told};
use super::progress::Screen;
use super::{Writing, shutdown, terminal};
use crate::engine::{Observer, Outcome, Reading};
use crate::output::{Context, EventWriter, FormatRow, Look};

/// Writes events.
pub(super) struct EventOutput {
    row: FormatRow,
    look: Look,
    format: Box<dyn EventWriter>,
    out: Out,
    /// What the format has made of an event; kept for its room.
    text: Vec<u8>,
    live: bool,
}

/// Bytes of a run's output that are handed to the system at once.
const STDOUT_BYTES: usize = 1 << 16;

/// Where the events go.
enum Out {
    Stdout(BufWriter<shutdown::Stdout>),
    File(OutputFile),
    /// Nothing more can be written, which was told.
    Lost,
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stdout(stdout) => stdout.write(bytes),
            Self::File(output_file) => output_file.write(bytes),
            Self::Lost => Ok(bytes.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout(stdout) => stdout.flush(),
            Self::File(output_file) => output_file.commit(),
            Self::Lost => Ok(()),
        }
    }
}

impl EventOutput {
    /// Opens the output, whose number among the files this is where it is one.
    pub(super) fn open(writing: &Writing, index: u8, live: bool) -> Result<Self, Outcome> {
        let (row, look) = (writing.format, terminal::look(writing));
        let out = match super::named(writing.output.as_ref()) {
            Some(path) => {
                let opened = OutputFile::open(path, &writing.rotating, index);
                Out::File(opened.map_err(|error| cannot_write(path, &error))?)
            }
            None => Out::Stdout(BufWriter::with_capacity(STDOUT_BYTES, shutdown::Stdout)),
        };
        Ok(Self { row, look, format: (row.make)(look), out, text: Vec::new(), live })
    }

    /// The file.
    pub(super) const fn output_file(&mut self) -> Option<&mut OutputFile> {
        match &mut self.out {
            Out::File(output_file) => Some(output_file),
            Out::Stdout(_) | Out::Lost => None,
        }
    }

    /// Has the format make something, and writes that.
    fn put(&mut self, make: impl FnOnce(&mut dyn EventWriter, &mut Vec<u8>)) -> io::Result<()> {
        self.text.clear();
        make(self.format.as_mut(), &mut self.text);
        self.out.write_all(&self.text)
    }

    fn record_ended(&mut self) -> io::Result<Outcome> {
        let Out::File(output_file) = &mut self.out else { return Ok(Outcome::Done) };
        output_file.record_ended()?;
        let is_due = output_file.is_due();
        Ok(if is_due { self.next_file() } else { Outcome::Done })
    }

    fn look_after(&mut self) -> Outcome {
        match &self.out {
            Out::File(output_file) if output_file.is_asked_for_or_due() => self.next_file(),
            Out::File(_) | Out::Stdout(_) | Out::Lost => Outcome::Done,
        }
    }

    fn next_file(&mut self) -> Outcome {
        let Out::File(output_file) = &mut self.out else { return Outcome::Done };
        let next = output_file.next_file();
        if next.is_ok() && output_file.is_fresh() && self.row.starts_each_file {
            self.format = (self.row.make)(self.look);
        }
        told(next)
    }
}

/// Writes events above what moves on a terminal.
pub(super) struct Written<'a> {
    pub(super) output: EventOutput,
    pub(super) screen: &'a Screen,
}

impl Written<'_> {
    fn write(&mut self, reading: &mut Reading<'_>) -> io::Result<()> {
        let Self { output, screen } = self;
        let rows: Vec<_> = reading.events.iter().filter(|event| !screen.shows(event)).collect();
        if rows.is_empty() {
            return Ok(());
        }
        let context = Context { sources: reading.source.sources(), live: output.live };
        let mut outcome = Outcome::Done;
        let mut write = || {
            for event in &rows {
                output.put(|format, text| format.event(text, event, &context))?;
                outcome = outcome.max(output.record_ended()?);
            }
            if output.live { output.out.flush() } else { Ok(()) }
        };
        let mut written = Ok(());
        screen.aside(&mut || written = write());
        reading.raise(outcome);
        written
    }

    /// Rotates by time and on request, writes what is to be told, and lets nobody wait who watches.
    fn write_batch(&mut self, reading: &mut Reading<'_>) -> io::Result<()> {
        if reading.is_end {
            self.screen.end();
        } else {
            reading.raise(self.output.look_after());
        }
        self.write(reading)?;
        let output = &mut self.output;
        if let Some(columns) = self.screen.resized() {
            output.put(|format, text| format.resize(text, columns))?;
            output.out.flush()?;
        }
        if reading.is_idle { output.out.flush() } else { Ok(()) }
    }

    fn write_end(&mut self, reading: &Reading<'_>) -> io::Result<()> {
        let output = &mut self.output;
        let context = Context { sources: reading.source.sources(), live: output.live };
        output.put(|format, text| format.finish(text, &reading.summary, &context))?;
        output.out.flush()
    }

    /// What takes nothing more ends the reading. The other outputs are completed all the same.
    fn check(&mut self, written: io::Result<()>, reading: &mut Reading<'_>) {
        if written.is_ok() {
            return;
        }
        if let Out::Stdout(buffered) = std::mem::replace(&mut self.output.out, Out::Lost) {
            // Dropped it would try once more.
            let _ = buffered.into_parts();
        }
        if output_exit(written) != Outcome::Done {
            reading.raise(Outcome::BrokeOff);
        }
        reading.end();
    }
}

impl Observer for Written<'_> {
    fn begin(&mut self, reading: &mut Reading<'_>) {
        let begun = self.output.output_file().map_or(Ok(()), OutputFile::begin);
        self.check(begun, reading);
    }

    fn batch(&mut self, reading: &mut Reading<'_>) {
        let written = self.write_batch(reading);
        self.check(written, reading);
    }

    fn finish(&mut self, reading: &mut Reading<'_>) {
        let written = self.write_end(reading);
        self.check(written, reading);
    }
}
