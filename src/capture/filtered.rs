//! A source behind a filter.

use super::bpf::Bpf;
use super::{CaptureError, FrameSource, Notice, Polled, Sink, SourceInfo};

/// Files of which only those frames are seen that a filter lets through, if there is one.
pub(crate) struct Filtered<'a> {
    pub(crate) source: &'a mut dyn FrameSource,
    pub(crate) bpf: Option<&'a mut Bpf>,
}

impl FrameSource for Filtered<'_> {
    fn poll(&mut self, budget: usize, sink: &mut Sink<'_>) -> Result<Polled, CaptureError> {
        let Some(bpf) = &mut self.bpf else { return self.source.poll(budget, sink) };
        self.source.poll(budget, &mut |frame| {
            if bpf.lets_through(frame) {
                sink(frame);
            }
        })
    }

    fn sources(&self) -> &[SourceInfo] {
        self.source.sources()
    }

    fn take_notices(&mut self) -> Vec<Notice> {
        self.source.take_notices()
    }
}
