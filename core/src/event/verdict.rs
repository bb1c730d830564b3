//! What a flow is, how sure that is, and why.

use super::Direction;
use std::borrow::Cow;

use crate::frame::FrameRef;
use crate::identify::{Detail, Strength};
use crate::net::Transport;

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
    pub protocols: Vec<Cow<'static, str>>,
    /// What the client spoke, where the server answered in another protocol: in the last of them.
    pub tried: Option<&'static str>,
    /// What both ends agreed to go on in, as by STARTTLS, where that was not seen.
    pub expected: Option<&'static str>,
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
    /// The innermost protocol.
    pub fn protocol(&self) -> Option<&str> {
        self.protocols.last().map(|name| &**name)
    }
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
    /// Bytes that were captured of the first frame that it cut; not told of frames in tunnels.
    pub snap_bytes: Option<u32>,
    /// Copies of packets, which were not counted.
    pub duplicates: u64,
    /// The verdict asked what other flows of these hosts are, and not all of them were kept: a limit was
    /// reached. With more memory it could be another one.
    pub context_cut: bool,
}

/// Bytes of payload below which a cut head excludes nothing: most protocols' own headers are longer.
const CUT_HEAD_BYTES_MIN: u32 = 16;

impl Visibility {
    /// Whether the snap length left too little of the payload, or nothing, to tell what it was.
    pub const fn kept_too_little(&self) -> bool {
        self.truncated
            && self.head_to_server < CUT_HEAD_BYTES_MIN
            && self.head_to_client < CUT_HEAD_BYTES_MIN
    }
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
