//! What the status alone says: nothing was refused, answered or said that could be judged.

use std::time::Duration;

use super::{Shown, server_side, shown};
use crate::decode::packet::Unreachable;
use crate::event::Status;
use crate::judge::FlowContext;

pub(super) fn is(case: &FlowContext<'_>, status: Status, wanted: Status) -> Option<Shown> {
    if status != wanted {
        return None;
    }
    let (client, server) = (case.client_socket(), case.server_socket());
    let fact = match status {
        Status::ClientPort => {
            format!(
                "port {} is the client's ephemeral port and the service is {}, by {}",
                client.port,
                server.port,
                case.roles.basis.reason()
            )
        }
        Status::Scan => format!("{} tried ten or more watched sockets", client.addr),
        Status::NoPayload => no_payload(case),
        Status::Unanswered => format!("no packet from {} port {}", server.addr, server.port),
        Status::Identified
        | Status::Attempted
        | Status::Unidentified
        | Status::Refused
        | Status::Insufficient => return None,
    };
    Some(shown(case, case.record.first_sender, fact))
}

/// Connections without payload, and whether they come at a steady pace, as a health check's do.
fn no_payload(case: &FlowContext<'_>) -> String {
    let said = "a handshake, and no payload either way".to_owned();
    match pace(case) {
        Some((count, period)) => {
            let seconds = period.as_secs_f64();
            format!("{said}; one of {count} from this host, every {seconds:.1} s")
        }
        None => said,
    }
}

/// How many connections this client made to this service and how far apart, where that is steady:
/// at least five pauses, the longest not twice the shortest.
pub(in crate::judge) fn pace(case: &FlowContext<'_>) -> Option<(usize, Duration)> {
    let (client, server) = (case.client_socket(), case.server_socket());
    let FlowContext { ledgers, gaps, as_of, .. } = case;
    let times = ledgers.connections(case.key.transport, server, client.addr, *as_of, gaps);
    let pauses: Vec<Duration> =
        times.iter().zip(times.iter().skip(1)).map(|(one, next)| next.since(*one)).collect();
    let (shortest, longest) = (pauses.iter().min()?, pauses.iter().max()?);
    let steady = pauses.len() >= 5 && *longest < shortest.saturating_mul(2);
    let sum = pauses.iter().copied().fold(Duration::ZERO, Duration::saturating_add);
    let mean = sum.checked_div(u32::try_from(pauses.len()).ok()?)?;
    steady.then_some((times.len(), mean))
}

pub(super) fn refused(case: &FlowContext<'_>, status: Status) -> Option<Shown> {
    if status != Status::Refused {
        return None;
    }
    let side = server_side(case);
    if let Some(frame) = case.server().reset() {
        return Some(Shown { fact: "RST instead of an answer".to_owned(), frame, side });
    }
    let refusal = case.record.refusal.as_ref()?;
    let (version, what) = (
        if refusal.error.v6 { "ICMPv6" } else { "ICMP" },
        match refusal.error.kind {
            Unreachable::Port => "port unreachable",
            Unreachable::Prohibited => "administratively prohibited",
            Unreachable::Host => "host or network unreachable",
            Unreachable::Transit => "lost on the way",
        },
    );
    let fact = format!("{version} {what} from {}", refusal.error.by);
    Some(Shown { fact, frame: refusal.at, side })
}
