//! One stream of packets: frames go in, packets of watched ports and of companions come out.
//!
//! A [`PacketDecoder`] wires the fast no, the decoder and the reassembly of fragments. What a packet's
//! ports stand for is looked up here, once, and goes with it. A frame with a fragment may have to wait:
//! whether its packet is in range turns out with a later one ([`PacketDecoder::resolved`]).

use super::fragment::Fragment;
use super::peek::Peek;
use super::reassembly::Reassembly;
use super::{DecodeAnomaly, Decoded, Packet, decode};
use crate::config::Config;
use crate::frame::{Frame, FrameRef};
use crate::watch::{CompanionKind, Watch};

/// What is of interest in a frame.
#[derive(Debug)]
pub enum Found<'a> {
    /// A packet of a flow in range, or an ICMP error about one: whether its source and its destination
    /// are watched, of which one is.
    Watched(&'a Packet<'a>, [bool; 2]),
    /// A packet of a session beside one: which companion its source and its destination stand for.
    Companion(&'a Packet<'a>, [Option<CompanionKind>; 2]),
    /// A piece of an IP packet, whose ports nobody knows yet. Only [`PacketDecoder::decode_alone`] hands
    /// it on.
    Fragment(&'a Fragment<'a>),
    /// Decoding stopped here.
    Anomaly(FrameRef, DecodeAnomaly),
}

/// What a frame turned out to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameOutcome {
    /// It holds a packet of a flow in range, or an ICMP error about one.
    pub watched: bool,
    /// It holds a fragment of a packet that is not complete yet: whether that is in range will turn
    /// out with a later frame.
    pub waits: bool,
    /// Of frames that waited something turned out: see [`PacketDecoder::resolved`].
    pub resolved: bool,
}

/// Takes what was found.
pub(crate) type Sink<'a> = dyn FnMut(Found<'_>) + 'a;

/// Turns frames into packets of watched ports and of companions.
#[derive(Debug)]
pub struct PacketDecoder {
    peek: Peek,
    reassembly: Reassembly,
    /// What the last frame said of frames that waited.
    resolved: Vec<(FrameRef, bool)>,
}

impl PacketDecoder {
    /// One for these ports. The settings that it is given later must watch the same.
    pub fn new(watch: &Watch) -> Self {
        let (peek, reassembly) = (Peek::new(watch), Reassembly::default());
        Self { peek, reassembly, resolved: Vec::new() }
    }

    /// False if nothing is to be found in the frame, which holds for nearly all: then it need not be
    /// decoded.
    #[inline]
    pub fn is_candidate(&self, frame: &Frame<'_>) -> bool {
        self.peek.is_candidate(frame)
    }

    /// Hands on what is found in a frame, and in packets that its fragment completes, or brings to an
    /// end incomplete.
    pub fn decode(
        &mut self,
        frame: &Frame<'_>,
        config: &Config,
        sink: &mut Sink<'_>,
    ) -> FrameOutcome {
        self.resolved.clear();
        let (mut watched, mut fragments) = (false, Vec::new());
        decode(frame, &config.limits, &mut |decoded| match decoded {
            Decoded::Fragment(fragment) => fragments.push(fragment.into_owned()),
            other @ (Decoded::Packet(_) | Decoded::Anomaly(..)) => {
                watched |= hand_on(other, &config.watch, sink);
            }
        });
        if fragments.is_empty() {
            return FrameOutcome { watched, ..FrameOutcome::default() };
        }
        let mut waiting = Vec::new();
        for fragment in fragments {
            waiting.append(&mut self.add(fragment, config, sink));
        }
        self.resolve(frame.at, watched, waiting)
    }

    /// Hands on what is found in this frame alone: a fragment as it is. Says whether there is a packet
    /// in range.
    pub fn decode_alone(frame: &Frame<'_>, config: &Config, sink: &mut Sink<'_>) -> bool {
        let mut watched = false;
        decode(frame, &config.limits, &mut |decoded| {
            watched |= hand_on(decoded, &config.watch, sink);
        });
        watched
    }

    /// Takes in a fragment, as [`PacketDecoder::decode`] does. Returns the frames that wait for more.
    pub(crate) fn add(
        &mut self,
        fragment: Fragment<'_>,
        config: &Config,
        sink: &mut Sink<'_>,
    ) -> Vec<FrameRef> {
        let Self { reassembly, resolved, .. } = self;
        reassembly.add(fragment, config, &mut |decoded, frames| {
            hand_on_of(decoded, frames, &config.watch, resolved, sink);
        })
    }

    /// The capture is over: hands on what is found in packets that stayed incomplete.
    pub fn finish(&mut self, config: &Config, sink: &mut Sink<'_>) {
        let Self { reassembly, resolved, .. } = self;
        resolved.clear();
        reassembly.finish(&mut |decoded, frames| {
            hand_on_of(decoded, frames, &config.watch, resolved, sink);
        });
        each_once(resolved);
    }

    /// What the last frame, or the end of the capture, said of earlier frames that waited: whether they
    /// hold a part of a packet in range. In the order of the frames, each once.
    pub fn resolved(&self) -> &[(FrameRef, bool)] {
        &self.resolved
    }

    /// How many packets in fragments were given up for lack of room.
    pub const fn crowded_out(&self) -> u64 {
        self.reassembly.crowded_out()
    }

    /// Sorts out what fragments of the frame `at` told: what they told of itself is its outcome, what
    /// they told of earlier frames stays in `resolved`. Of a frame that is among those `waiting` for
    /// more, only that it is in range is for sure.
    fn resolve(&mut self, at: FrameRef, watched: bool, mut waiting: Vec<FrameRef>) -> FrameOutcome {
        let resolved = &mut self.resolved;
        waiting.sort_unstable();
        let waits = |at: &FrameRef| waiting.binary_search(at).is_ok();
        resolved.retain(|(at, watched)| *watched || !waits(at));
        let watched = watched || resolved.contains(&(at, true));
        resolved.retain(|&(earlier, _)| earlier != at);
        each_once(resolved);
        FrameOutcome { watched, waits: waits(&at), resolved: !resolved.is_empty() }
    }
}

impl<'a> Found<'a> {
    /// What a packet is to those who watch these ports; none if nobody asks for it.
    fn of(packet: &'a Packet<'a>, watch: &Watch) -> Option<Self> {
        let ports = [packet.src.port, packet.dst.port];
        let watched = ports.map(|port| watch.covers(packet.transport, port));
        if watched != [false; 2] {
            return Some(Self::Watched(packet, watched));
        }
        let companions = ports.map(|port| CompanionKind::of(packet.transport, port));
        (companions != [None; 2]).then_some(Self::Companion(packet, companions))
    }
}

/// Hands on what is of interest; says whether that is a packet in range.
fn hand_on(decoded: Decoded<'_>, watch: &Watch, sink: &mut Sink<'_>) -> bool {
    match decoded {
        Decoded::Packet(packet) => {
            let Some(found) = Found::of(&packet, watch) else { return false };
            let is_watched = matches!(found, Found::Watched(..));
            sink(found);
            return is_watched;
        }
        Decoded::Fragment(fragment) => sink(Found::Fragment(&fragment)),
        Decoded::Anomaly(at, stop) => sink(Found::Anomaly(at, stop)),
    }
    false
}

/// The same of what came out of fragments, for whose frames it is noted whether they are in range.
fn hand_on_of(
    decoded: Decoded<'_>,
    frames: &[FrameRef],
    watch: &Watch,
    resolved: &mut Vec<(FrameRef, bool)>,
    sink: &mut Sink<'_>,
) {
    let watched = hand_on(decoded, watch, sink);
    resolved.extend(frames.iter().map(|&at| (at, watched)));
}

/// Leaves each frame once, in range if it was so once.
fn each_once(resolved: &mut Vec<(FrameRef, bool)>) {
    resolved.sort_unstable();
    resolved.dedup_by(|later, kept| {
        let same = later.0 == kept.0;
        kept.1 |= same && later.1;
        same
    });
}
