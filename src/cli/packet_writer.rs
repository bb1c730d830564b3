//! The packets that `-w` saves: in which format, in which file, and when.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use super::exit::lost;
use super::log;
use super::output_file::{OutputFile, Rotating, told, unpacked_name};
use super::pending_frames::PendingFrames;
use crate::capture::{FileFormat, SourceInfo};
use crate::engine::{Observer, Outcome, Reading, Seen};
use crate::output::{Context, PacketFormat, PacketWriter};
use portstory_core::{Config, Frame, FrameRef};

/// Saves frames of watched flows.
pub(super) struct PacketOutput {
    path: PathBuf,
    stage: Stage,
    waiting: PendingFrames,
    outcome: Outcome,
    live: bool,
}

enum Stage {
    /// The file is open, and what comes in is not known yet.
    Opened(OutputFile),
    Writing(PacketWriter<OutputFile>),
    /// Writing failed, which was told.
    Over,
}

impl PacketOutput {
    /// Opens the file; `-` is standard output.
    ///
    /// # Errors
    ///
    /// Where it can't be opened.
    pub(super) fn open(
        path: &Path,
        rotating: &Rotating,
        index: u8,
        (config, live): (&Config, bool),
    ) -> io::Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            stage: Stage::Opened(OutputFile::open(path, rotating, index)?),
            waiting: PendingFrames::new(config.timeouts.fragments),
            outcome: Outcome::Done,
            live,
        })
    }

    /// The file.
    pub(super) fn output_file(&mut self) -> Option<&mut OutputFile> {
        match &mut self.stage {
            Stage::Opened(output_file) => Some(output_file),
            Stage::Writing(writer) => Some(writer.get_mut()),
            Stage::Over => None,
        }
    }

    /// There is something to read: what the file held before goes.
    fn open_writer(&mut self, sources: &[SourceInfo]) -> io::Result<()> {
        self.stage = match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Opened(mut output_file) => {
                output_file.begin()?;
                Stage::Writing(PacketWriter::new(output_file, format_for(&self.path, sources)))
            }
            stage @ (Stage::Writing(_) | Stage::Over) => stage,
        };
        Ok(())
    }

    /// Rotates by time and on request, and lets nothing wait for more than a second.
    fn look_after(&mut self) -> io::Result<()> {
        let Stage::Writing(writer) = &mut self.stage else { return Ok(()) };
        if writer.get_mut().is_asked_for_or_due() {
            self.outcome = self.outcome.max(turn(writer)?);
        } else if writer.get_mut().wants_flush() {
            writer.flush()?;
            writer.get_mut().commit()?;
        }
        Ok(())
    }

    /// The packets are lost, the verdicts need not be.
    fn give_up(&mut self, error: &io::Error) {
        log::say(&format!("writing packets failed: {error}; continuing without them"));
        (self.stage, self.outcome) = (Stage::Over, Outcome::BrokeOff);
    }

    /// Saves what is left, and completes the file.
    fn complete(&mut self, resolved: &[(FrameRef, bool)], context: &Context<'_>) -> io::Result<()> {
        let Stage::Writing(mut writer) = std::mem::replace(&mut self.stage, Stage::Over) else {
            return Ok(());
        };
        let outcome = &mut self.outcome;
        let write = &mut |frame: &Frame<'_>| save(&mut writer, frame, context, outcome);
        self.waiting.finish(resolved, write)?;
        writer.finish()?.commit()
    }
}

impl Observer for PacketOutput {
    fn watches(&self) -> bool {
        true
    }

    fn begin(&mut self, reading: &mut Reading<'_>) {
        if let Err(error) = self.open_writer(reading.source.sources()) {
            self.give_up(&error);
        }
    }

    fn frame(&mut self, frame: &Frame<'_>, seen: &Seen<'_>) {
        let Stage::Writing(writer) = &mut self.stage else { return };
        let context = Context { sources: seen.sources, live: self.live };
        let outcome = &mut self.outcome;
        let write = &mut |frame: &Frame<'_>| save(writer, frame, &context, outcome);
        if let Err(error) = self.waiting.take(frame, seen.outcome, seen.resolved, write) {
            self.give_up(&error);
        }
    }

    fn batch(&mut self, reading: &mut Reading<'_>) {
        if !reading.is_end
            && let Err(error) = self.look_after()
        {
            self.give_up(&error);
        }
        reading.raise(self.outcome);
    }

    fn finish(&mut self, reading: &mut Reading<'_>) {
        let context = Context { sources: reading.source.sources(), live: self.live };
        if let Err(error) = self.complete(reading.classifier.resolved(), &context) {
            self.outcome = lost("writing packets", &error);
        }
        reading.raise(self.outcome);
    }
}

/// Saves a frame, in the next file where it is time for one.
fn save(
    writer: &mut PacketWriter<OutputFile>,
    frame: &Frame<'_>,
    context: &Context<'_>,
    outcome: &mut Outcome,
) -> io::Result<()> {
    if writer.get_mut().is_due() {
        *outcome = turn(writer)?.max(*outcome);
    }
    writer.write(frame, context)?;
    if writer.get_mut().is_much() {
        writer.flush()?;
        writer.get_mut().commit()?;
    }
    Ok(())
}

/// Completes a file of packets and goes on in the next. Where that can't be had, in this one.
fn turn(writer: &mut PacketWriter<OutputFile>) -> io::Result<Outcome> {
    writer.complete()?;
    writer.get_mut().commit()?;
    let next = writer.get_mut().next_file();
    if next.is_ok() && writer.get_mut().is_fresh() {
        writer.restart();
    }
    Ok(told(next))
}

/// What the file's name asks for; where it asks for nothing, what came in: pcap if all of it is, with
/// one link type, which is all that such a file can hold.
fn format_for(path: &Path, sources: &[SourceInfo]) -> PacketFormat {
    let path = unpacked_name(path);
    let extension = path.extension().map(OsStr::to_ascii_lowercase);
    match extension.as_deref().and_then(OsStr::to_str) {
        Some("pcap") => return PacketFormat::Pcap,
        Some("pcapng") => return PacketFormat::Pcapng,
        Some(_) | None => {}
    }
    let first = sources.first().and_then(|source| source.format);
    let is_pcap = matches!(first, Some(FileFormat::Pcap(_)));
    if is_pcap && sources.iter().all(|source| source.format == first) {
        PacketFormat::Pcap
    } else {
        PacketFormat::Pcapng
    }
}
