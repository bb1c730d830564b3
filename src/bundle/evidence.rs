//! The packets that verdicts rest on, and nothing else of a capture.
//!
//! These are the packets of flows in range with the ICMP errors about them, the headers of sessions
//! beside them (ICA, CGP, H.225, SIP), and fragments. When the capture began and ended is told by two
//! frames without bytes: a verdict may rest on that too.

use std::collections::BTreeMap;

use portstory_core::config::BundleLimits;
use portstory_core::internal::decode::{Found, PacketDecoder};
use portstory_core::internal::wire;
use portstory_core::{Config, FlowEvent, Frame, FrameRef, LinkType, SourceId, Timestamp};

/// Picks out evidence.
#[derive(Debug)]
pub(crate) struct EvidenceFilter {
    config: Config,
    decoder: PacketDecoder,
    limits: BundleLimits,
    comments: BTreeMap<(SourceId, u64), String>,
}

impl EvidenceFilter {
    /// One for a run with these settings.
    pub(crate) fn new(config: Config, limits: BundleLimits) -> Self {
        let decoder = PacketDecoder::new(&config.watch);
        Self { config, decoder, limits, comments: BTreeMap::new() }
    }

    /// The flow's first packet gets a comment: its verdict.
    pub(crate) fn note(&mut self, flow: &FlowEvent) {
        let verdict = &flow.verdict;
        let name = verdict.protocol().unwrap_or("not recognised");
        let comment = format!(
            "portstory: flow {}: {} ({}, {}, {} confidence)",
            flow.flow_id,
            verdict.label.name(),
            name,
            verdict.status.name(),
            verdict.confidence.name()
        );
        self.comments.insert((flow.first_frame.source, flow.first_frame.number), comment);
    }

    /// The comment on a frame.
    pub(crate) fn comment(&self, frame: FrameRef) -> Option<&str> {
        self.comments.get(&(frame.source, frame.number)).map(String::as_str)
    }

    /// What is to be kept of a frame.
    pub(crate) fn keep<'a>(&self, frame: &Frame<'a>) -> Option<Frame<'a>> {
        if !self.decoder.is_candidate(frame) {
            return None;
        }
        let (mut whole, mut headers) = (false, false);
        PacketDecoder::decode_alone(frame, &self.config, &mut |found| match found {
            Found::Watched(..) | Found::Fragment(_) => whole = true,
            Found::Companion(..) => headers = true,
            Found::Anomaly(..) => {}
        });
        match (whole, headers) {
            (true, _) => Some(*frame),
            (false, true) => {
                let bytes = wire::prefix(frame.bytes, self.limits.companion_bytes_max);
                let wire_len = frame.wire_len.max(wire::len32(frame.bytes.len()));
                Some(Frame { bytes, wire_len, ..*frame })
            }
            (false, false) => None,
        }
    }
}

/// A frame of which nothing was captured: it tells that a capture was running.
pub(crate) fn marker(time: Timestamp) -> Frame<'static> {
    const ETHERNET: LinkType = LinkType(1);
    const SHORTEST: u32 = 60;
    let at = FrameRef { time, source: SourceId(0), number: 0 };
    Frame { at, link: ETHERNET, wire_len: SHORTEST, bytes: &[] }
}
