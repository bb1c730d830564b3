//! What could not be seen. It speaks for no label, and caps what may be said ([`super::super::confidence`]).

use std::time::Duration;

use super::{Shown, shown};
use crate::event::Status;
use crate::judge::FlowContext;
use crate::net::{Side, Transport};

/// A flow whose first packet comes so long after the capture began was hardly running before: busy
/// conversations do not pause for so long.
const SETTLING_TIME: Duration = Duration::from_secs(5);

pub(super) fn packets_lost(case: &FlowContext<'_>, _: Status) -> Option<Shown> {
    let missing = |side: &Side| {
        case.record.side(*side).span().is_some_and(|span| span.missing_at_least() > 0)
    };
    let side = Side::BOTH.into_iter().find(missing)?;
    let bytes = case.record.side(side).span()?.missing_at_least();
    Some(shown(
        case,
        side,
        format!("at least {bytes} bytes from this side are missing from the capture"),
    ))
}

pub(super) fn capture_lost(case: &FlowContext<'_>, _: Status) -> Option<Shown> {
    let drops = case.drops()?;
    let fact =
        format!("the capture dropped {} frames, which may include some of this flow", drops.frames);
    Some(shown(case, case.record.first_sender, fact))
}

pub(super) fn payload_cut(case: &FlowContext<'_>, _: Status) -> Option<Shown> {
    let side = Side::BOTH.into_iter().find(|side| case.record.side(*side).cut().is_some())?;
    let frame = case.record.side(side).cut()?;
    let snap = case.record.side(side).snap_bytes();
    let of = snap.map_or(String::new(), |bytes| format!(" of {bytes} bytes"));
    Some(Shown { fact: format!("the snap length{of} cut this packet's payload"), frame, side })
}

/// TCP shows by its missing handshake that it was running before; UDP by being there at once.
pub(super) fn began_before(case: &FlowContext<'_>, status: Status) -> Option<Shown> {
    let talks = case.record.sides.iter().any(|side| side.payload_packets > 0);
    let running = match case.key.transport {
        Transport::Tcp => talks && case.client().opened().is_none(),
        Transport::Udp => {
            let began = case.ledgers.span.map(|(first, _)| case.record.first.time.since(first));
            super::is_conversation(status) && began.is_some_and(|began| began < SETTLING_TIME)
        }
    };
    let fact = match case.key.transport {
        Transport::Tcp => "its beginning is not in the capture",
        Transport::Udp => "it may have begun before the capture did",
    };
    running.then(|| shown(case, case.record.first_sender, fact.to_owned()))
}

pub(super) fn one_direction(case: &FlowContext<'_>, status: Status) -> Option<Shown> {
    let silent = case.record.sides.iter().any(|side| side.packets == 0);
    let told = match status {
        Status::Identified | Status::Unidentified | Status::Insufficient => silent,
        Status::Attempted
        | Status::ClientPort
        | Status::Refused
        | Status::Unanswered
        | Status::Scan
        | Status::NoPayload => false,
    };
    told.then(|| {
        shown(case, case.record.first_sender, "the other direction was not captured".to_owned())
    })
}
