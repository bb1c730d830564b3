//! How sure a label is: what speaks for it, capped by what could be seen.

use crate::event::{Confidence, Label, RoleBasis, Status};
use crate::identify::Strength;
use crate::judge::FlowContext;
use crate::judge::rules::Opinion;
use crate::net::Transport;

/// Bytes that both directions must have shown the detectors before their silence says something.
const TELLING_HEAD_BYTES: u32 = 64;

/// Packets with payload each way after which nothing more is to be expected of an unknown protocol.
const TELLING_PACKETS: u64 = 8;

/// The confidence of a verdict.
pub(crate) fn confidence(case: &FlowContext<'_>, status: Status, opinion: &Opinion) -> Confidence {
    match opinion.label {
        Label::CitrixFramehawk => framehawk(case, opinion),
        // Where the watched port was only taken for the service's, it may be the client's own.
        Label::TimelotUnknown if case.roles.basis == RoleBasis::WatchedPort => Confidence::Low,
        Label::TimelotUnknown => exclusion(case, status),
        // Off the named port there is not even a registered name's worth of a guess.
        Label::Other => other(case, status),
    }
}

/// Circumstance only: at most low without a companion, at most medium without the site's word that
/// Framehawk is in use, since nothing in packets makes it sure; low, where what would have excluded
/// other protocols could not be seen.
fn framehawk(case: &FlowContext<'_>, opinion: &Opinion) -> Confidence {
    let fired = |id| opinion.fired.contains(&id);
    let visibility = case.visibility();
    if visibility.truncated || visibility.directions < 2 {
        return Confidence::Low;
    }
    match (fired("companion_session") && fired("remoting_shape"), fired("site_with_framehawk")) {
        (true, true) if case.drops().is_none() => Confidence::High,
        (true, true | false) => Confidence::Medium,
        (false, true | false) => Confidence::Low,
    }
}

/// How sure we are that enough was seen to exclude everything else.
fn exclusion(case: &FlowContext<'_>, status: Status) -> Confidence {
    let visibility = case.visibility();
    let heads = visibility.head_to_server.min(visibility.head_to_client);
    let packets = case.client().payload_packets.min(case.server().payload_packets);
    let whole = !visibility.lost && !visibility.truncated && visibility.directions == 2;
    if status == Status::Insufficient || heads < TELLING_HEAD_BYTES || !whole {
        Confidence::Low
    } else if packets >= TELLING_PACKETS && visibility.handshake && case.drops().is_none() {
        Confidence::High
    } else {
        Confidence::Medium
    }
}

fn other(case: &FlowContext<'_>, status: Status) -> Confidence {
    match status {
        Status::Identified | Status::Attempted => recognised(case),
        Status::ClientPort => match case.roles.basis {
            RoleBasis::Handshake | RoleBasis::Protocol => Confidence::High,
            RoleBasis::FanIn | RoleBasis::ServicePort => Confidence::Medium,
            RoleBasis::EphemeralPort
            | RoleBasis::WatchedPort
            | RoleBasis::Companion
            | RoleBasis::Volume
            | RoleBasis::FirstSeen => Confidence::Low,
        },
        Status::Refused | Status::Scan => Confidence::High,
        Status::NoPayload => Confidence::Medium,
        // The answer may have gone another way than past this capture.
        Status::Unanswered => Confidence::Medium,
        Status::Unidentified | Status::Insufficient => {
            exclusion(case, status).min(Confidence::Medium)
        }
    }
}

fn recognised(case: &FlowContext<'_>) -> Confidence {
    // Without a protocol it is the site's word for it, and something else may have taken the port.
    let Some(found) = case.protocol() else { return Confidence::Medium };
    let both = found.finding.spoken_by == [true; 2];
    match found.finding.strength {
        Strength::Signature | Strength::BothSides => Confidence::High,
        Strength::OneSided => Confidence::Medium,
        Strength::Doubtful => Confidence::Low,
        Strength::Shape if both => Confidence::Medium,
        // A handshake that was seen and had nothing to show makes a mere shape weaker.
        Strength::Shape => match case.key.transport {
            Transport::Tcp => Confidence::Low,
            Transport::Udp => Confidence::Medium,
        },
    }
}
