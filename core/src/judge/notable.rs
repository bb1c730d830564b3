//! What a responder would not want to miss, whatever the label is. Notables never change a label.

use std::time::Duration;

use crate::event::{Notable, RoleBasis, Status};
use crate::frame::FrameRef;
use crate::judge::FlowContext;
use crate::judge::rules::{self, framehawk};
use crate::judge::shell;
use crate::net::{Side, Transport};
use crate::registry;
use crate::wire::be32;

/// Bytes that must have been sampled before they can look like text.
const SAMPLE_BYTES_MIN: u32 = 128;

/// Messages from which on it says something how they begin.
const MESSAGES_MIN: u32 = 4;

/// Bytes to the server from which on an upload is worth telling.
const UPLOAD_BYTES_MIN: u64 = 1 << 20;

/// The shortest time between two connections that say something by coming steadily.
const PERIOD_MIN: Duration = Duration::from_secs(1);

/// The notables of a flow.
pub(super) fn notables(case: &FlowContext<'_>, status: Status) -> Vec<Notable> {
    let mut notables = Vec::new();
    if status == Status::Identified && is_unexpected(case) {
        notables.push(Notable::UnexpectedService);
    }
    if status == Status::Unidentified && looks_random(case) {
        notables.push(Notable::EncryptedFromFirstByte);
    }
    if status == Status::Unidentified && is_shell(case) {
        notables.push(Notable::TextShell);
    }
    if case.record.sides.iter().any(|side| side.program().is_some()) {
        notables.push(Notable::ExecutableTransfer);
    }
    if is_reversed(case) {
        notables.push(Notable::InconsistentHandshake);
    }
    if case.record.pace.period().is_some() || connects_steadily(case, status) {
        notables.push(Notable::Periodic);
    }
    let (up, down) = (case.client().payload_bytes, case.server().payload_bytes);
    if up >= UPLOAD_BYTES_MIN && up / 4 >= down {
        notables.push(Notable::UploadHeavy);
    }
    notables
}

/// Whether this is one of many connections from one host that come at a steady pace: a health check, or
/// a beacon that opens a connection for every message. A transfer in pieces, one connection after the
/// other, is neither.
fn connects_steadily(case: &FlowContext<'_>, status: Status) -> bool {
    match status {
        Status::NoPayload => rules::pace(case).is_some(),
        Status::Identified | Status::Unidentified | Status::Insufficient => {
            rules::pace(case).is_some_and(|(_, period)| period >= PERIOD_MIN)
        }
        Status::Attempted
        | Status::ClientPort
        | Status::Refused
        | Status::Unanswered
        | Status::Scan => false,
    }
}

/// Whether what was recognised is on a port that is watched for itself, and that neither the site nor
/// the registry gives it.
fn is_unexpected(case: &FlowContext<'_>) -> bool {
    let port = case.server_socket().port;
    let mut protocols = case.protocols().map(|found| found.detector.id);
    case.is_on_named_port()
        && case.known().is_none()
        && !protocols.any(|protocol| registry::is_registered(protocol, port))
}

/// Whether the side that opened the TCP connection plays the protocol's server: a service that calls
/// its clients, as a reversed tunnel does.
fn is_reversed(case: &FlowContext<'_>) -> bool {
    let plays_client = case.protocol().and_then(|found| found.finding.client);
    case.roles.basis == RoleBasis::Handshake
        && plays_client.is_some_and(|client| client != case.roles.client)
}

/// Half of the bits set and hardly any text, on both sides, and nothing in common in how messages begin: a
/// random body behind a type and a length is not encrypted from the first byte.
fn looks_random(case: &FlowContext<'_>) -> bool {
    case.record.sides.iter().all(framehawk::looks_random)
        && Openings::of(case).is_some_and(|openings| openings.are_random())
}

/// How the messages of a flow begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Openings {
    /// Messages.
    pub(super) count: u32,
    /// Bits of their first four bytes that all of them share.
    pub(super) shared: u32,
}

impl Openings {
    /// A UDP datagram is a message; over TCP one begins where the other side spoke before.
    pub(super) fn of(case: &FlowContext<'_>) -> Option<Self> {
        let is_message = |side: Side, at: FrameRef, before: Option<FrameRef>| {
            case.key.transport == Transport::Udp
                || before.is_none_or(|before| {
                    let mut theirs = case.record.head_pieces(side.other());
                    theirs.any(|(_, their)| before < their && their < at)
                })
        };
        let (mut count, mut ones, mut zeros) = (0_u32, u32::MAX, u32::MAX);
        for side in Side::BOTH {
            let mut before = None;
            for (bytes, at) in case.record.head_pieces(side) {
                if let Some(first) = be32(bytes, 0).filter(|_| is_message(side, at, before)) {
                    count = count.saturating_add(1);
                    ones &= first;
                    zeros &= !first;
                }
                before = Some(at);
            }
        }
        let shared = ones.count_ones().saturating_add(zeros.count_ones());
        (count > 0).then_some(Self { count, shared })
    }

    /// Of 32 random bits each is the same in n messages with a chance of 2 to 1 - n: so many are expected,
    /// and four more are let pass. A byte that is a type, or the upper one of a length, is above that.
    fn are_random(self) -> bool {
        let by_chance = 32_u32.checked_shr(self.count.saturating_sub(1)).unwrap_or_default();
        self.count >= MESSAGES_MIN && self.shared <= by_chance.saturating_add(4)
    }
}

/// Nearly all text on both sides, and the marks of a shell.
fn is_shell(case: &FlowContext<'_>) -> bool {
    looks_like_text(case) && shell::mark(case.record).is_some()
}

/// Nearly all text on both sides; a command may be short, its output is not.
fn looks_like_text(case: &FlowContext<'_>) -> bool {
    let sides = &case.record.sides;
    let bytes: u32 = sides.iter().map(|side| side.sample.bytes).fold(0, u32::saturating_add);
    bytes >= SAMPLE_BYTES_MIN && sides.iter().all(framehawk::is_text)
}
