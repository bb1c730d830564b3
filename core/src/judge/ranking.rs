//! What a responder looks at first: one order for the table, the report, the summary and the next step.
//!
//! A [`Concern`] is a reason to look, and there is one list of them, from the worst down. It comes
//! before any number: a shell in one flow of a thousand stands above the thousand. Only of flows or
//! services with the same concerns those come first that say more. Nothing here is a judgement: a
//! concern attributes a port no more than a label does, and never says malicious. Pure functions of
//! verdicts; payload is not read here, and no label depends on it.

use std::cmp::Reverse;

use crate::event::{
    Concern, Concerns, Confidence, EndpointEvent, FlowEvent, Label, Notable, ProcessMissing,
    RoleBasis, Said, Status, Verdict,
};

use crate::net::{Socket, Transport};
use crate::time::Timestamp;

/// Protocols that say no more than that what is inside is encrypted.
const OPAQUE: &[&str] = &["tls", "dtls", "quic"];

/// A side that sends so many times what it gets is the one that answers.
const ANSWERS_TIMES: u64 = 2;

/// The reasons to look at a flow.
pub fn concerns(flow: &FlowEvent) -> Concerns {
    let verdict = &flow.verdict;
    let has = |notable: Notable| verdict.notables.contains(&notable);
    let shell = has(Notable::TextShell);
    let reversed = has(Notable::InconsistentHandshake) || (shell && is_answered_by_client(flow));
    let unidentified = verdict.status == Status::Unidentified;
    let framehawk = verdict.label == Label::CitrixFramehawk;
    let excluded = unidentified && !framehawk && verdict.confidence == Confidence::High;
    let table = [
        (Concern::ExecutableTransfer, has(Notable::ExecutableTransfer)),
        (Concern::Shell, shell),
        (Concern::ReversedConnection, reversed),
        (Concern::Beacon, has(Notable::Periodic) && is_opaque(verdict)),
        (Concern::Unidentified, excluded),
        (Concern::ListenerWithoutOwner, is_answered_by_nobody(flow)),
        (Concern::Unclear, unidentified && !framehawk && !excluded),
        (Concern::Framehawk, framehawk),
        (
            Concern::TooShort,
            verdict.label == Label::TimelotUnknown && verdict.status == Status::Insufficient,
        ),
        (Concern::UnexpectedService, has(Notable::UnexpectedService)),
        (Concern::UploadHeavy, has(Notable::UploadHeavy)),
    ];
    table.into_iter().filter(|&(_, holds)| holds).map(|(concern, _)| concern).collect()
}

/// Whether of a flow with these concerns only the rest was seen, which nothing identifies: what its service
/// speaks in others says more.
pub fn is_unclear_rest(flow: &FlowEvent, own: Concerns) -> bool {
    own.contains(Concern::Unclear) && flow.verdict.is_older_than_capture(flow.transport)
}

/// The reasons to look at a flow whose service has these: that nothing identifies the rest of it is none
/// where it is none for the service.
pub fn concerns_at(flow: &FlowEvent, service: Concerns) -> Concerns {
    let own = concerns(flow);
    let is_settled = is_unclear_rest(flow, own) && !service.contains(Concern::Unclear);
    if is_settled { own.without(Concern::Unclear) } else { own }
}

/// Whether it is not known what is said: what nothing recognised, and what only its encryption names.
fn is_opaque(verdict: &Verdict) -> bool {
    match verdict.status {
        Status::Unidentified | Status::Insufficient => true,
        Status::Identified | Status::Attempted => {
            verdict.protocol().is_some_and(|protocol| OPAQUE.contains(&protocol))
        }
        Status::ClientPort
        | Status::Refused
        | Status::Unanswered
        | Status::Scan
        | Status::NoPayload => false,
    }
}

/// Whether the end that opened the connection sends the answers: commands are short and what they
/// print is not. A terminal that echoes sends at least what it was sent, so that no shell that was
/// called looks like this.
fn is_answered_by_client(flow: &FlowEvent) -> bool {
    let (commands, answers) = (flow.to_client.payload_bytes, flow.to_server.payload_bytes);
    flow.roles == RoleBasis::Handshake && answers >= commands.saturating_mul(ANSWERS_TIMES)
}

/// Whether this machine answered although no process was seen to listen. What is only tried is nobody's
/// as a rule, and a client's socket goes with its connection.
fn is_answered_by_nobody(flow: &FlowEvent) -> bool {
    flow.process_missing == Some(ProcessMissing::Nobody)
        && flow.verdict.status != Status::ClientPort
        && flow.to_server.payload_bytes > 0
        && flow.to_client.payload_bytes > 0
}

/// Where a flow stands: the lower, the sooner it is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FlowRank {
    concerns: Reverse<Concerns>,
    said: Said,
    start: Timestamp,
    flow_id: u64,
}

impl FlowRank {
    /// The place of a flow: by its concerns, by whether something was said, then by its start.
    pub fn of(flow: &FlowEvent) -> Self {
        Self {
            concerns: Reverse(concerns(flow)),
            said: flow.verdict.status.said(),
            start: flow.start,
            flow_id: flow.flow_id,
        }
    }

    /// What it rests on.
    pub const fn concerns(&self) -> Concerns {
        self.concerns.0
    }

    /// Whose place it is.
    pub const fn flow_id(&self) -> u64 {
        self.flow_id
    }
}

/// Where a service stands: the lower, the sooner it is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EndpointRank {
    concerns: Reverse<Concerns>,
    said: Said,
    flows: Reverse<u64>,
    socket: Socket,
    transport: Transport,
}

impl EndpointRank {
    /// The place of a service: by the concerns of its flows together, by whether something was said,
    /// then by the number of flows.
    pub fn of(endpoint: &EndpointEvent) -> Self {
        let said = endpoint.statuses().map(|(status, _)| status.said());
        Self {
            concerns: Reverse(endpoint.concerns),
            said: said.min().unwrap_or(Said::Nothing),
            flows: Reverse(endpoint.flows),
            socket: endpoint.socket,
            transport: endpoint.transport,
        }
    }
}

/// Whether it is a service at all: something that took part, rather than a socket that was only tried,
/// of which a scan brings thousands.
pub fn took_part(endpoint: &EndpointEvent) -> bool {
    let tried = |status: Status| match status {
        Status::Refused | Status::Unanswered | Status::Scan => true,
        Status::Identified
        | Status::Attempted
        | Status::Unidentified
        | Status::ClientPort
        | Status::NoPayload
        | Status::Insufficient => false,
    };
    let only_tried = endpoint.statuses().all(|(status, _)| tried(status));
    !only_tried || endpoint.concerns.need_attention()
}
