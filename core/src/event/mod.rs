//! What the classifier says: plain data for the outputs to write.

use std::borrow::Cow;
use std::sync::Arc;

use crate::decode::{CARRIES_NO_IP, Unopened};
use crate::frame::FrameRef;
use crate::net::{Layer, Socket, Transport};
use crate::time::Timestamp;

mod concern;
mod flow;
mod process;
mod verdict;

pub use concern::{Concern, Concerns};
pub use flow::{Direction, FlowEvent, FlowState, NewFlow, RoleBasis, VerdictEvent, Volume};
pub use process::{Parent, Process, ProcessMissing};
pub(crate) use verdict::BEGAN_BEFORE;
pub use verdict::{
    Confidence, Evidence, Label, Notable, Said, Status, Unidentified, Verdict, Visibility,
};

/// One thing that the classifier has to say.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A flow in range has ended, or the capture has.
    Flow(Box<FlowEvent>),
    /// A flow that is still running has its first label, another one than it had, or something new
    /// that is notable.
    Verdict(Box<VerdictEvent>),
    /// All that is known of one service address at the end.
    Endpoint(Box<EndpointEvent>),
    /// Something stopped the decoder.
    Anomaly(AnomalyEvent),
}

/// One service address over the whole capture.
#[derive(Clone, Debug, PartialEq)]
pub struct EndpointEvent {
    /// Address and port.
    pub socket: Socket,
    /// TCP or UDP.
    pub transport: Transport,
    /// Time of its first packet.
    pub first_seen: Timestamp,
    /// Time of its last packet.
    pub last_seen: Timestamp,
    /// Distinct sockets that talked to it: an address and a port each.
    pub peers: u64,
    /// Whether there were more than could be counted.
    pub peers_at_least: bool,
    /// Distinct addresses that talked to it.
    pub peer_addresses: u64,
    /// Whether there were more than could be counted.
    pub peer_addresses_at_least: bool,
    /// Flows to it.
    pub flows: u64,
    /// Flows by label, in [`Label::ALL`]'s order.
    pub by_label: [u64; 3],
    /// Flows by status, in [`Status::ALL`]'s order.
    pub by_status: [u64; 9],
    /// Protocols that were recognised, with the number of flows, most first.
    pub protocols: Vec<(Cow<'static, str>, u64)>,
    /// Bytes to and from it.
    pub bytes: u64,
    /// The label that most of its telling flows have: refused, scanned and empty ones count only
    /// where there is nothing else.
    pub label: Label,
    /// One line for a person.
    pub summary: String,
    /// What its flows have to note.
    pub notables: Vec<Notable>,
    /// Why it is to be looked at: the concerns of all its flows.
    pub concerns: Concerns,
    /// The process that holds it where it is this machine's, as with a flow: a live edge puts it here.
    pub process: Option<Arc<Process>>,
    /// Why there is none, where it is this machine's.
    pub process_missing: Option<ProcessMissing>,
}

impl EndpointEvent {
    /// The statuses that occur, with their numbers of flows.
    pub fn statuses(&self) -> impl Iterator<Item = (Status, u64)> {
        Status::ALL.into_iter().zip(self.by_status).filter(|&(_, flows)| flows > 0)
    }
}

/// A kind of thing that stopped the decoder, with its first instance and how often it was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnomalyEvent {
    /// Short name, such as `ipv4.header_too_short`; see [`AnomalyEvent::name`].
    pub event: &'static str,
    /// Which one, where it is one of several that go by a number.
    pub number: Option<u16>,
    /// The layer that could not be decoded.
    pub layer: Layer,
    /// Offset in the frame, in bytes, of the first instance.
    pub offset: u32,
    /// The first frame.
    pub frame: FrameRef,
    /// How many frames.
    pub count: u64,
}

impl AnomalyEvent {
    /// The name of its kind: `ipv4.header_too_short`, `not_opened.ip_protocol_50_esp`.
    pub fn name(&self) -> Cow<'static, str> {
        match Unopened::of(self.event, self.number) {
            Some(unopened) => unopened.name().into(),
            None => self.event.into(),
        }
    }

    /// What was not opened, for people, where that is all there is to tell: `IP protocol 50 (ESP)`. Nothing is
    /// wrong with it.
    pub fn unopened(&self) -> Option<String> {
        Some(Unopened::of(self.event, self.number)?.title())
    }

    /// The link type's number and name where the frames carry no IP, and nothing is wrong with them.
    pub fn link_without_ip(&self) -> Option<&'static str> {
        self.event.strip_prefix(CARRIES_NO_IP)
    }
}
