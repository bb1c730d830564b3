//! The one loop: frames of a source go to the classifier, and what comes of them to observers.
//!
//! [`drive`] labels the flows of a source, [`replay`] only shows its frames. Nothing else polls a
//! [`FrameSource`]. What is written, drawn or kept of a reading is an [`Observer`]'s business: commands
//! put source, settings and observers together. Nothing is printed or opened here, and no signal is
//! known: sources end by themselves where the program is to end, and observers may end a [`Reading`].

use crate::capture::{CaptureError, CaptureErrorKind, FrameSource, Notice, SourceInfo};
use crate::output::RunSummary;
use portstory_core::internal::flow::correlation::Drops;
use portstory_core::{
    Classifier, Config, Event, FlowKey, FlowPacket, Frame, FrameOutcome, FrameRef,
};

mod reading;
#[cfg(test)]
mod tests;

pub(crate) use reading::Reading;

/// Is shown a reading, in the order in which it came about.
///
/// Of a batch of frames: each frame's packets, events and outcome where somebody [watches], then what
/// the source has to say, then the batch. Of several observers each is shown a thing before the next is.
///
/// [watches]: Observer::watches
pub trait Observer {
    /// Whether it is to be shown frames, packets and events one by one, and not only batch by batch.
    /// Frames that nobody watches cost nothing beyond the classifier.
    fn watches(&self) -> bool {
        false
    }

    /// The source is sound, and no frame was read.
    fn begin(&mut self, _: &mut Reading<'_>) {}

    /// A packet of a flow in range, where it watches.
    fn packet(&mut self, _: &FlowKey, _: &FlowPacket<'_>) {}

    /// The same at the end of the capture, of a packet that stayed incomplete.
    fn leftover(&mut self, _: &FlowKey, _: &FlowPacket<'_>) {}

    /// Something came of a frame, and no further one was read, where it watches: a 5-tuple that begins
    /// anew is another flow. The batch has it again.
    fn event(&mut self, _: &mut Event) {}

    /// A frame was taken in, where it watches.
    fn frame(&mut self, _: &Frame<'_>, _: &Seen<'_>) {}

    /// The source has something to say that ends nothing. The summary has it.
    fn notice(&mut self, _: &Notice) {}

    /// The source lost frames, anybody's.
    fn dropped(&mut self, _: &mut Reading<'_>, _: Drops) {}

    /// The source is at fault; it may go on behind it. The summary has it, and so has the outcome.
    fn error(&mut self, _: &CaptureError) {}

    /// A batch of frames was taken in, or the capture is over: its events are to be told. An observer
    /// may hold them back from those behind it. What ends with the capture comes in several batches,
    /// of which the last one has `Reading::is_end`.
    fn batch(&mut self, _: &mut Reading<'_>) {}

    /// All events were told, and the summary is complete.
    fn finish(&mut self, _: &mut Reading<'_>) {}
}

/// Has verdicts allow for what the source lost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoteDrops;

impl Observer for NoteDrops {
    fn dropped(&mut self, reading: &mut Reading<'_>, drops: Drops) {
        reading.classifier.note_drops(drops);
    }
}

/// The same of what is known from the first packet on.
#[cfg(feature = "bundle")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct KnownDrops(pub(crate) Option<Drops>);

#[cfg(feature = "bundle")]
impl Observer for KnownDrops {
    fn begin(&mut self, reading: &mut Reading<'_>) {
        self.0.into_iter().for_each(|drops| reading.classifier.note_drops(drops));
    }
}

/// What is known of a frame that was taken in.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// What it turned out to be; nothing where frames are only shown.
    pub outcome: FrameOutcome,
    /// What it said of earlier frames that waited: see [`Classifier::resolved`].
    pub resolved: &'a [(FrameRef, bool)],
    /// The sources, whose names are up to date.
    pub sources: &'a [SourceInfo],
}

/// How a reading ended, and with it a command. Of two the later one counts: that something is missing is
/// told before what was found, which stands in the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// All was read and written; for a reader that has gone away, too.
    #[default]
    Done,
    /// The same, and something was found that was looked for.
    Met,
    /// The capture or an output failed part-way, or the reading was abandoned. What was read was reported.
    BrokeOff,
    /// Wrong use, or nothing to read that is a capture.
    Usage,
}

impl From<CaptureErrorKind> for Outcome {
    fn from(kind: CaptureErrorKind) -> Self {
        match kind {
            CaptureErrorKind::BrokeOff => Self::BrokeOff,
            CaptureErrorKind::NotACapture | CaptureErrorKind::CannotOpen => Self::Usage,
        }
    }
}

/// A reading that is over.
#[derive(Debug)]
pub(crate) struct Driven {
    /// What it amounts to.
    pub summary: RunSummary,
    /// How it ended.
    pub outcome: Outcome,
    /// What was made of the frames.
    pub classifier: Classifier,
}

/// Labels the flows of a source, to its end or until an observer ends it.
pub(crate) fn drive(
    source: &mut dyn FrameSource,
    config: Config,
    observers: &mut [&mut dyn Observer],
) -> Driven {
    Reading::new(source, config, true).run(observers)
}

/// Shows the frames of a source to observers, and labels nothing.
pub(crate) fn replay(source: &mut dyn FrameSource, observers: &mut [&mut dyn Observer]) -> Driven {
    Reading::new(source, Config::default(), false).run(observers)
}
