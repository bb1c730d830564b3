//! How far a flow let itself be understood: the first of these that holds.

use crate::decode::packet::Unreachable;
use crate::event::Status;
use crate::identify::Strength;
use crate::identify::identifier::Recognised;
use crate::judge::FlowContext;
use crate::net::Transport;

/// Distinct watched sockets that one host tried before it counts as scanning.
pub(crate) const SCAN_TARGETS_MIN: usize = 10;

/// Packets with payload below which a conversation that nothing recognised is too short to judge.
const TELLING_PACKETS_MIN: u64 = 4;

/// Packets after which a direction that was never seen was rather missed than silent.
const ONE_WAY_PACKETS_MIN: u64 = 20;

/// The status of a flow.
pub(crate) fn status(case: &FlowContext<'_>) -> Status {
    let (client, server) = (case.client(), case.server());
    if !case.is_watched(case.server_socket().port) {
        return Status::ClientPort;
    }
    if let Some(status) = recognised(case) {
        return status;
    }
    let silent = client.payload_packets == 0 && server.payload_packets == 0;
    let no_answer = server.payload_packets == 0 && server.accepted().is_none();
    let scanning = || {
        let client = case.client_socket().addr;
        case.ledgers.has_targets(client, SCAN_TARGETS_MIN, case.as_of, &case.gaps)
    };
    if no_answer && (is_reset(case) || is_unreachable(case)) {
        return if scanning() { Status::Scan } else { Status::Refused };
    }
    if server.packets == 0 && !is_one_way_capture(case) {
        return if scanning() { Status::Scan } else { Status::Unanswered };
    }
    if silent {
        return if scanning() { Status::Scan } else { Status::NoPayload };
    }
    if case.known().is_some() {
        return Status::Identified;
    }
    // What nobody captured, nobody can tell.
    if case.record.head_bytes == [0; 2] || case.visibility().kept_too_little() {
        return Status::Insufficient;
    }
    let payload_packets = client.payload_packets.saturating_add(server.payload_packets);
    if server.payload_packets == 0 || payload_packets < TELLING_PACKETS_MIN {
        return Status::Insufficient;
    }
    Status::Unidentified
}

fn recognised(case: &FlowContext<'_>) -> Option<Status> {
    let Recognised { detector, finding, .. } = case.protocol()?;
    let [client, server] =
        [case.roles.client, case.roles.client.other()].map(|side| *side.of(&finding.spoken_by));
    // Protocols without roles (RTP) are spoken by whoever sends; what only the client of a protocol
    // with roles sent is an attempt, unless the server's side of the wire was not captured.
    let needs_answer = finding.client.is_some() || case.key.transport == Transport::Tcp;
    let attempted = client && !server && needs_answer && !is_one_way_capture(case);
    debug_assert!(
        client || server || finding.strength == Strength::Shape,
        "neither side spoke {}",
        detector.id
    );
    Some(if attempted { Status::Attempted } else { Status::Identified })
}

fn is_reset(case: &FlowContext<'_>) -> bool {
    case.server().reset().is_some()
}

fn is_unreachable(case: &FlowContext<'_>) -> bool {
    case.record.refusal.as_ref().is_some_and(|refusal| {
        let telling = match refusal.error.kind {
            Unreachable::Port | Unreachable::Prohibited | Unreachable::Host => true,
            Unreachable::Transit => false,
        };
        telling && refusal.quoted == case.roles.client
    })
}

/// Whether the server must have answered, and only this capture did not see it.
fn is_one_way_capture(case: &FlowContext<'_>) -> bool {
    let (client, server) = (case.client(), case.server());
    if server.packets > 0 {
        return false;
    }
    match case.key.transport {
        // TCP sends payload only on a connection that was accepted.
        Transport::Tcp => client.payload_packets > 0,
        Transport::Udp => client.payload_packets >= ONE_WAY_PACKETS_MIN,
    }
}
