//! What the classifier says: plain data for the outputs to write.

use std::sync::Arc;

use crate::decode::CARRIES_NO_IP;
use crate::flow::EndReason;
use crate::frame::FrameRef;
use crate::identify::{Detail, Strength};
use crate::net::{Layer, Socket, Transport, TunnelId};
use crate::time::Timestamp;

mod concern;
mod process;

pub use concern::{Concern, Concerns};
pub use process::{Parent, Process, ProcessMissing};

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

/// Which way a packet of a flow went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// From client to server.
    ToServer,
    /// From server to client.
    ToClient,
}

impl Direction {
    /// EVE's word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ToServer => "toserver",
            Self::ToClient => "toclient",
        }
    }
}

/// What the decision who is client and who is server rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RoleBasis {
    /// The TCP handshake: the client sent the SYN. Sure.
    Handshake,
    /// The protocol's messages name the client. Sure.
    Protocol,
    /// One end talks to many peers from one port: that end is the server. Likely.
    FanIn,
    /// Only one of the ports is watched, and the other end sent first or nothing else is known. A guess.
    WatchedPort,
    /// Whoever was seen first is called the client. A guess.
    FirstSeen,
}

impl RoleBasis {
    /// The word used in EVE.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Handshake => "handshake",
            Self::Protocol => "protocol",
            Self::FanIn => "fan_in",
            Self::WatchedPort => "watched_port",
            Self::FirstSeen => "first_seen",
        }
    }

    /// Whether the roles are proven rather than guessed.
    pub const fn is_sure(self) -> bool {
        match self {
            Self::Handshake | Self::Protocol => true,
            Self::FanIn | Self::WatchedPort | Self::FirstSeen => false,
        }
    }
}

/// What one direction of a flow amounts to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Volume {
    /// Packets, copies not counted.
    pub packets: u64,
    /// Their bytes on the wire, headers included.
    pub bytes: u64,
    /// Bytes of payload.
    pub payload_bytes: u64,
}

/// EVE's `flow.state`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowState {
    /// Packets of one direction only.
    New,
    /// Both directions were seen.
    Established,
    /// TCP was closed or reset.
    Closed,
}

impl FlowState {
    /// EVE's word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Established => "established",
            Self::Closed => "closed",
        }
    }
}

/// One flow and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct FlowEvent {
    /// A stable hash of the 5-tuple, network and start, at most 53 bits (exact in a JSON number).
    pub flow_id: u64,
    /// TCP or UDP.
    pub transport: Transport,
    /// The client, as far as that is known: see `roles`.
    pub client: Socket,
    /// The server.
    pub server: Socket,
    /// What that decision rests on.
    pub roles: RoleBasis,
    /// VLAN ids of the flow's first packet, outermost first.
    pub vlans: Vec<u16>,
    /// Tunnels of the flow's first packet, outermost first.
    pub tunnels: Vec<TunnelId>,
    /// Client to server.
    pub to_server: Volume,
    /// Server to client.
    pub to_client: Volume,
    /// Time of the first packet.
    pub start: Timestamp,
    /// Time of the last packet.
    pub end: Timestamp,
    /// How far the conversation got.
    pub state: FlowState,
    /// Why the event is told now.
    pub reason: EndReason,
    /// The flow's first frame.
    pub first_frame: FrameRef,
    /// The conditions of the display-remoting shape: whether each holds, and what was seen. Empty where
    /// too few packets have payload to tell.
    pub shape: Vec<(bool, String)>,
    /// What it is.
    pub verdict: Verdict,
    /// The process at the end that is this machine, as it was when the flow was first seen: a live
    /// edge puts it here, the core leaves it empty.
    pub process: Option<Arc<Process>>,
    /// Why there is none, where that end is this machine.
    pub process_missing: Option<ProcessMissing>,
}

impl FlowEvent {
    /// Both ends, the lower one first, as they are in its key.
    pub fn ends(&self) -> [Socket; 2] {
        [self.client.min(self.server), self.client.max(self.server)]
    }
}

/// A flow that was seen for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewFlow {
    /// As in [`FlowEvent`].
    pub flow_id: u64,
    /// TCP or UDP.
    pub transport: Transport,
    /// Both ends, the lower first.
    pub ends: [Socket; 2],
}

/// What a running flow is, as far as can be told by now. Its [`FlowEvent`] has the last word.
#[derive(Clone, Debug, PartialEq)]
pub struct VerdictEvent {
    /// When this could be told.
    pub time: Timestamp,
    /// As in [`FlowEvent`].
    pub flow_id: u64,
    /// TCP or UDP.
    pub transport: Transport,
    /// The client, as far as that is known.
    pub client: Socket,
    /// The server.
    pub server: Socket,
    /// Client to server, by now.
    pub to_server: Volume,
    /// Server to client, by now.
    pub to_client: Volume,
    /// Time of the first packet.
    pub start: Timestamp,
    /// The label that was told before, if one was: where it is the same as now, something new is
    /// notable.
    pub previous: Option<Label>,
    /// What it is.
    pub verdict: Verdict,
    /// The process at the end that is this machine, as it was when the flow was first seen: a live
    /// edge puts it here, the core leaves it empty.
    pub process: Option<Arc<Process>>,
    /// Why there is none, where that end is this machine.
    pub process_missing: Option<ProcessMissing>,
}

impl VerdictEvent {
    /// What is told at `time` of a flow that is running.
    pub fn of(flow: FlowEvent, time: Timestamp, previous: Option<Label>) -> Self {
        let FlowEvent { flow_id, transport, client, server, to_server, to_client, start, .. } =
            flow;
        let FlowEvent { verdict, process, process_missing, .. } = flow;
        Self {
            time,
            flow_id,
            transport,
            client,
            server,
            to_server,
            to_client,
            start,
            previous,
            verdict,
            process,
            process_missing,
        }
    }
}

/// The three labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Label {
    /// A conversation with a service on 3243 that nothing identifies.
    TimelotUnknown,
    /// Circumstances speak for Citrix Framehawk.
    CitrixFramehawk,
    /// Anything else.
    Other,
}

impl Label {
    /// All labels.
    pub const ALL: [Self; 3] = [Self::TimelotUnknown, Self::CitrixFramehawk, Self::Other];

    /// The word used everywhere outside.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TimelotUnknown => "timelot-unknown",
            Self::CitrixFramehawk => "citrix-framehawk",
            Self::Other => "other",
        }
    }
}

/// How far a flow let itself be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// The service's protocol was recognised.
    Identified,
    /// Only the client spoke the recognised protocol.
    Attempted,
    /// A conversation that nothing recognised.
    Unidentified,
    /// The watched port is only the client's own.
    ClientPort,
    /// RST or ICMP unreachable.
    Refused,
    /// Nobody answered.
    Unanswered,
    /// One of many tries from one source.
    Scan,
    /// A handshake, and no payload.
    NoPayload,
    /// Too little was seen to say anything.
    Insufficient,
}

impl Status {
    /// All statuses.
    pub const ALL: [Self; 9] = [
        Self::Identified,
        Self::Attempted,
        Self::Unidentified,
        Self::ClientPort,
        Self::Refused,
        Self::Unanswered,
        Self::Scan,
        Self::NoPayload,
        Self::Insufficient,
    ];

    /// The word used everywhere outside.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Identified => "identified",
            Self::Attempted => "attempted",
            Self::Unidentified => "unidentified",
            Self::ClientPort => "client_port",
            Self::Refused => "refused",
            Self::Unanswered => "unanswered",
            Self::Scan => "scan",
            Self::NoPayload => "no_payload",
            Self::Insufficient => "insufficient",
        }
    }

    /// How much was said in a flow of this status.
    pub const fn said(self) -> Said {
        match self {
            Self::Identified | Self::Unidentified | Self::ClientPort => Said::Something,
            Self::Attempted | Self::Insufficient => Said::OnlyByTheClient,
            Self::Refused | Self::Unanswered | Self::Scan | Self::NoPayload => Said::Nothing,
        }
    }
}

/// How much was said in a flow, the most first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Said {
    /// Enough to tell what the endpoint is.
    Something,
    /// Only what the client tried, or too little.
    OnlyByTheClient,
    /// Nothing: it was only tried.
    Nothing,
}

/// How sure a label is. No probabilities: nothing public exists to calibrate them on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Confidence {
    /// A lead.
    Low,
    /// Likely.
    Medium,
    /// Sure, as far as packets can tell.
    High,
}

impl Confidence {
    /// The word used everywhere outside.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// What a responder would not want to miss, whatever the label is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Notable {
    /// A well-known service on a port that is not its own.
    UnexpectedService,
    /// Payload looks random from the first byte on, without any handshake that is known.
    EncryptedFromFirstByte,
    /// Text both ways, as a shell would give.
    TextShell,
    /// An executable file went by.
    ExecutableTransfer,
    /// Packets or connections at a steady pace.
    Periodic,
    /// Much more to the server than back.
    UploadHeavy,
    /// The handshake does not fit its own protocol.
    InconsistentHandshake,
}

impl Notable {
    /// All notables.
    pub const ALL: [Self; 7] = [
        Self::UnexpectedService,
        Self::EncryptedFromFirstByte,
        Self::TextShell,
        Self::ExecutableTransfer,
        Self::Periodic,
        Self::UploadHeavy,
        Self::InconsistentHandshake,
    ];

    /// The word used everywhere outside.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UnexpectedService => "unexpected_service",
            Self::EncryptedFromFirstByte => "encrypted_from_first_byte",
            Self::TextShell => "text_shell",
            Self::ExecutableTransfer => "executable_transfer",
            Self::Periodic => "periodic",
            Self::UploadHeavy => "upload_heavy",
            Self::InconsistentHandshake => "inconsistent_handshake",
        }
    }
}

/// What a flow is, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// One of the three.
    pub label: Label,
    /// How far it was understood.
    pub status: Status,
    /// How sure the label is.
    pub confidence: Confidence,
    /// What was recognised, outermost first; empty where nothing was.
    pub protocols: Vec<&'static str>,
    /// What the recognition of the last of them proves.
    pub strength: Option<Strength>,
    /// One line for a person.
    pub summary: String,
    /// IANA's name of the watched port: what port tables print.
    pub registered_name: Option<&'static str>,
    /// What must not be missed.
    pub notables: Vec<Notable>,
    /// The label that came second, where another one was possible.
    pub runner_up: Option<Label>,
    /// How well the flow could be seen.
    pub visibility: Visibility,
    /// Why, strongest first.
    pub evidence: Vec<Evidence>,
    /// Names and versions that the payload told.
    pub details: Vec<Detail>,
    /// For the unidentified: what a person needs to go on.
    pub unidentified: Option<Unidentified>,
}

impl Verdict {
    /// Whether it is of a TCP session that was running before the capture began, and nothing
    /// identifies it: what would have, was probably said at its start.
    pub fn is_older_than_capture(&self, transport: Transport) -> bool {
        let unidentified = matches!(self.status, Status::Unidentified | Status::Insufficient);
        transport == Transport::Tcp
            && unidentified
            && self.evidence.iter().any(|piece| piece.rule == BEGAN_BEFORE)
    }
}

/// The rule that says that a flow was running, or may have been, when the capture began.
pub(crate) const BEGAN_BEFORE: &str = "began_before_capture";

/// How well a flow could be seen. Poor visibility caps the confidence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Visibility {
    /// TCP: the handshake was captured. UDP: the flow began after the capture did, by more than a
    /// UDP timeout.
    pub handshake: bool,
    /// 1 or 2.
    pub directions: u8,
    /// Bytes of payload that the detectors were shown, client to server.
    pub head_to_server: u32,
    /// The same, server to client.
    pub head_to_client: u32,
    /// Bytes are missing that were on the wire: packets were lost on the way into the capture.
    pub lost: bool,
    /// The snap length cut packets of this flow.
    pub truncated: bool,
    /// Copies of packets, which were not counted.
    pub duplicates: u64,
    /// The verdict asked what other flows of these hosts are, and not all of them were kept: a limit was
    /// reached. With more memory it could be another one.
    pub context_cut: bool,
}

/// One reason for a verdict.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// The rule's or the detector's id.
    pub rule: &'static str,
    /// What was seen, in a sentence, with its values.
    pub fact: String,
    /// The label that it speaks for.
    pub speaks_for: Label,
    /// How much: log-odds, uncalibrated, for comparison within one verdict only.
    pub weight: f32,
    /// Which way the packet that shows it went.
    pub direction: Direction,
    /// The packet that shows it.
    pub frame: FrameRef,
    /// Where in that packet's payload, in bytes.
    pub offset: u32,
    /// The first bytes there, at most 16; empty where the fact is not in the payload.
    pub bytes: Vec<u8>,
}

/// What a person needs to go on with an unidentified flow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unidentified {
    /// First bytes of payload, client to server, at most 64.
    pub first_to_server: Vec<u8>,
    /// First bytes of payload, server to client, at most 64.
    pub first_to_client: Vec<u8>,
    /// Payload lengths of the first messages in order of capture, positive to the server, negative
    /// to the client.
    pub message_sizes: Vec<i32>,
    /// The time from one message to the next where that is steady, in milliseconds.
    pub period_ms: Option<u64>,
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
    pub protocols: Vec<(&'static str, u64)>,
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
    /// Short name, such as `ipv4.header_too_short`.
    pub event: &'static str,
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
    /// The link type's number and name where the frames carry no IP, and nothing is wrong with them.
    pub fn link_without_ip(&self) -> Option<&'static str> {
        self.event.strip_prefix(CARRIES_NO_IP)
    }
}
