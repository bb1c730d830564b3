//! What circumstance says of Framehawk: sessions beside the flow, other users of the server, the
//! shape over time, and how random the payload looks. None of it reads payload.

use super::{Shown, server_side, shown};
use crate::event::Status;
use crate::flow::SideFacts;
use crate::flow::correlation::Companion;
use crate::judge::FlowContext;
use crate::judge::roles::is_group;

/// A shape shows itself only over time, in seconds.
const SHAPE_SECONDS_MIN: u64 = 60;

/// Packets with payload of both sides from which on it shows what shape a flow has, if not how long it
/// will last; with fewer, nothing can be said.
const SHAPE_PACKETS_MIN: u64 = 20;

/// Full packets in a row that one screen's pictures would hardly send without a smaller one.
const FULL_PACKETS_MIN: u64 = 8;

/// Bytes of a sample from which on it says something.
const SAMPLE_BYTES_MIN: u32 = 128;

/// The Citrix session that this flow may belong to. Every session is good for one flow: behind a
/// gateway all of them are between one pair of hosts, and they are given out in the order in which
/// the flows began.
pub(in crate::judge) fn companion_of<'a>(case: &'a FlowContext<'_>) -> Option<&'a Companion> {
    let (client, server) = (case.client_socket(), case.server_socket());
    let at = case.record.first.time;
    let sessions = case.ledgers.companions(client.addr, server.addr, at, case.as_of, &case.gaps);
    let mut sessions = sessions
        .filter(|session| session.kind.is_citrix() && session.server == server.addr)
        .peekable();
    // Mostly there is none, and nothing to count.
    sessions.peek()?;
    let mine = (case.record.first, server, client);
    let before = case
        .ledgers
        .talks(server.addr, at, case.as_of, &case.gaps)
        .filter(|(own, peer, talk)| peer.addr == client.addr && (talk.first, *own, *peer) < mine);
    sessions.nth(before.count())
}

pub(super) fn companion(case: &FlowContext<'_>, _: Status) -> Option<Shown> {
    let session = companion_of(case)?;
    let frame = session.confirmed?;
    let fact = format!("{} session between the same hosts, started before", session.kind.name());
    case.may_be_framehawk().then(|| Shown { fact, frame, side: server_side(case) })
}

pub(super) fn citrix_elsewhere(case: &FlowContext<'_>, _: Status) -> Option<Shown> {
    let session = case.ledgers.citrix_elsewhere(case.record.first.time, case.as_of)?;
    let frame = session.confirmed;
    let fact = format!("{} answers on {}", session.server, session.kind.name());
    case.may_be_framehawk().then(|| Shown { fact, frame, side: server_side(case) })
}

pub(super) fn call_signalling(case: &FlowContext<'_>, _: Status) -> Option<Shown> {
    let (one, other) = (case.client_socket().addr, case.server_socket().addr);
    let session = case
        .ledgers
        .companions(one, other, case.record.first.time, case.as_of, &case.gaps)
        .find(|session| !session.kind.is_citrix())?;
    let fact = format!("{} between the same hosts", session.kind.name());
    case.may_be_framehawk().then(|| Shown { fact, frame: session.first, side: server_side(case) })
}

/// Other conversations of the server in the range, where the ports are used from the lowest up.
pub(super) fn siblings(case: &FlowContext<'_>, _: Status) -> Option<Shown> {
    if !case.may_be_framehawk() {
        return None;
    }
    let (own, lowest) = (case.server_socket(), *case.config.watch.framehawk.start());
    let talks = case.ledgers.talks(own.addr, case.record.first.time, case.as_of, &case.gaps);
    let others: Vec<_> = talks
        .filter(|(socket, ..)| socket.port != own.port)
        .filter(|(.., talk)| talk.first.time <= case.record.last)
        .filter_map(|(socket, _, talk)| {
            let answered = talk.answered.filter(|answered| answered.time <= case.as_of)?;
            Some((socket.port, answered))
        })
        .collect();
    let (_, lowest_answer) = match others.first() {
        Some(first) if first.0 == lowest || own.port == lowest => first,
        Some(_) | None => return None,
    };
    let fact = format!(
        "{} other conversations on UDP ports of the range of {}, the lowest is {lowest}",
        others.len(),
        own.addr
    );
    Some(Shown { fact, frame: *lowest_answer, side: server_side(case) })
}

pub(super) fn remoting_shape(case: &FlowContext<'_>, _: Status) -> Option<Shown> {
    (case.may_be_framehawk() && has_remoting_shape(case))
        .then(|| shown(case, server_side(case), shape_in_words(case)))
}

/// A minute tells, and so do many packets: then all but the duration must fit.
pub(super) fn no_remoting_shape(case: &FlowContext<'_>, status: Status) -> Option<Shown> {
    let packets = case.client().payload_packets.saturating_add(case.server().payload_packets);
    let told = case.may_be_framehawk()
        && super::is_conversation(status)
        && (case.seconds() >= SHAPE_SECONDS_MIN || packets >= SHAPE_PACKETS_MIN)
        && shape_conditions(case).into_iter().skip(1).any(|(holds, _)| !holds);
    told.then(|| {
        let fact = format!("no display-remoting shape: {}", shape_in_words(case));
        shown(case, server_side(case), fact)
    })
}

/// What goes up is not much less than what comes down: a call, a game, or an upload.
pub(super) fn not_server_heavy(case: &FlowContext<'_>, status: Status) -> Option<Shown> {
    let (client, server) = (case.client(), case.server());
    let packets = client.payload_packets.saturating_add(server.payload_packets);
    let told = case.may_be_framehawk()
        && super::is_conversation(status)
        && packets >= SHAPE_PACKETS_MIN
        && server.payload_bytes < client.payload_bytes.saturating_mul(2);
    told.then(|| {
        let fact = format!(
            "{} bytes from server and {} from client",
            server.payload_bytes, client.payload_bytes
        );
        shown(case, server_side(case), fact)
    })
}

pub(super) fn too_few_packets(case: &FlowContext<'_>, status: Status) -> Option<Shown> {
    let packets = case.client().payload_packets.saturating_add(case.server().payload_packets);
    let told =
        case.may_be_framehawk() && super::is_conversation(status) && packets < SHAPE_PACKETS_MIN;
    told.then(|| shown(case, server_side(case), format!("only {packets} packets with payload")))
}

/// One direction only, or to a group: display remoting has input.
pub(super) fn one_way(case: &FlowContext<'_>, status: Status) -> Option<Shown> {
    if !case.may_be_framehawk() || !super::is_conversation(status) {
        return None;
    }
    let ends = [case.client_socket().addr, case.server_socket().addr];
    let sides = [case.client(), case.server()];
    let fact = if let Some(group) = ends.into_iter().find(|&addr| is_group(addr)) {
        format!("sent to the group {group}")
    } else if sides.iter().any(|side| side.payload_packets == 0) {
        "payload in one direction only".to_owned()
    } else {
        return None;
    };
    Some(shown(case, case.record.first_sender, fact))
}

pub(super) fn random_payload(case: &FlowContext<'_>, status: Status) -> Option<Shown> {
    let told = case.may_be_framehawk()
        && super::is_conversation(status)
        && case.record.sides.iter().all(looks_random);
    told.then(|| {
        let fact =
            "half of the sampled bits are set in both directions, and little is text".to_owned();
        shown(case, server_side(case), fact)
    })
}

pub(super) fn text_payload(case: &FlowContext<'_>, _: Status) -> Option<Shown> {
    let enough = |side: &SideFacts| side.sample.bytes >= SAMPLE_BYTES_MIN;
    let side = server_side(case);
    let facts = case.record.side(side);
    (case.may_be_framehawk() && enough(facts) && is_text(facts))
        .then(|| shown(case, side, "the server's payload is text".to_owned()))
}

pub(super) fn before_release(case: &FlowContext<'_>, _: Status) -> Option<Shown> {
    (case.may_be_framehawk() && case.record.first.time.seconds() < RELEASED)
        .then(|| shown(case, case.record.first_sender, "captured before June 2015".to_owned()))
}

pub(super) fn after_end_of_support(case: &FlowContext<'_>, _: Status) -> Option<Shown> {
    (case.may_be_framehawk() && case.record.first.time.seconds() >= UNSUPPORTED).then(|| {
        let fact = "captured after March 2019, when Framehawk's support ended".to_owned();
        shown(case, case.record.first_sender, fact)
    })
}

/// 2015-06-01 and 2019-03-01, in seconds since the epoch.
const RELEASED: i64 = 1_433_116_800;
const UNSUPPORTED: i64 = 1_551_398_400;

/// Half of the bits set, within what a fair coin does (facts, section 7: popcount, because entropy
/// says nothing of short packets), and hardly any text.
pub fn looks_random(side: &SideFacts) -> bool {
    let (bytes, ones, text) =
        (u64::from(side.sample.bytes), u64::from(side.sample.ones), u64::from(side.sample.text));
    let per_mille = ones.saturating_mul(125).checked_div(bytes).unwrap_or_default();
    side.sample.bytes >= SAMPLE_BYTES_MIN
        && (470..=530).contains(&per_mille)
        // Of random bytes 98 of 256 are text.
        && text.saturating_mul(2) < bytes
}

/// Nine of ten bytes are text.
pub fn is_text(side: &SideFacts) -> bool {
    let (bytes, text) = (u64::from(side.sample.bytes), u64::from(side.sample.text));
    bytes >= 2 && text.saturating_mul(10) >= bytes.saturating_mul(9)
}

/// Whether the flow has the shape of display remoting.
fn has_remoting_shape(case: &FlowContext<'_>) -> bool {
    // Most flows are short, and the conditions are also told in words.
    case.seconds() >= SHAPE_SECONDS_MIN
        && shape_conditions(case).into_iter().all(|(holds, _)| holds)
}

/// The shape of display remoting. What is looked at comes from the literature on remote display
/// traffic; the thresholds do not. Those that were proposed from it (40 % large down, the client active
/// in 80 % of the seconds) missed a third of the generated sessions and were loosened until these
/// passed (`fixtures/make/sessions.py`, seed 1). Nothing here was measured on Framehawk. Each condition
/// comes with what was seen, the duration first.
fn shape_conditions(case: &FlowContext<'_>) -> [(bool, String); 7] {
    let (client, server, seconds) = (case.client(), case.server(), case.seconds());
    let (down, up) = (server.payload_bytes, client.payload_bytes);
    let large = percent(server.payload_large, server.payload_packets);
    let small = percent(client.payload_small, client.payload_packets);
    let active = percent(u64::from(client.seconds.count), seconds);
    let pause = client.seconds.longest_pause;
    [
        (seconds >= SHAPE_SECONDS_MIN, format!("at least {SHAPE_SECONDS_MIN} s long: {seconds} s")),
        (
            down >= up.saturating_mul(3),
            format!("three times as much from server as from client: {down} and {up} bytes"),
        ),
        (large >= 15, format!("at least 15 % of the packets from server are large: {large} %")),
        (small >= 80, format!("at least 80 % of the packets from client are small: {small} %")),
        (active >= 60, format!("the client sends in at least 60 % of the seconds: {active} %")),
        (pause <= 10, format!("and never pauses for more than 10 s: {pause} s")),
        (
            !is_bulk(case),
            format!(
                "uneven, as screen updates are, and not steady, as a file transfer is: {large} % large"
            ),
        ),
    ]
}

/// The conditions of the shape with what was seen of each, where enough packets tell; of any flow, for
/// a person to compare.
pub(in crate::judge) fn shape_seen(case: &FlowContext<'_>) -> Vec<(bool, String)> {
    let packets = case.client().payload_packets.saturating_add(case.server().payload_packets);
    if packets < SHAPE_PACKETS_MIN { Vec::new() } else { shape_conditions(case).into() }
}

/// What Framehawk's circumstances need, and whether it is there.
pub(in crate::judge) fn conditions(case: &FlowContext<'_>) -> Vec<(bool, String)> {
    let status = Status::Unidentified;
    let mut all: Vec<_> = shape_conditions(case).into();
    let companions = case.ledgers.companions(
        case.client_socket().addr,
        case.server_socket().addr,
        case.record.first.time,
        case.as_of,
        &case.gaps,
    );
    let sessions = companions.filter(|session| session.kind.is_citrix()).count();
    all.push((
        companion(case, status).is_some(),
        format!(
            "a Citrix session between the two hosts that no other flow claims, started before: {sessions} seen"
        ),
    ));
    all.push((
        siblings(case, status).is_some(),
        "other conversations on the server's ports of the range, from the lowest up".to_owned(),
    ));
    all
}

/// Whether the server sends one large thing rather than many pictures: a picture's last piece is
/// seldom full, and there is not always one to send; a transfer's packets are nearly all full, and
/// come evenly. Of a short one all are full but the last.
fn is_bulk(case: &FlowContext<'_>) -> bool {
    let (server, seconds) = (case.server(), case.seconds().saturating_add(1));
    let large = percent(server.payload_large, server.payload_packets);
    let uneven = server.seconds.unevenness(server.payload_bytes, seconds);
    let all_but_last = server.payload_large >= FULL_PACKETS_MIN
        && server.payload_packets.saturating_sub(server.payload_large) <= 1;
    all_but_last || large >= 97 || (large >= 93 && uneven < 70)
}

fn shape_in_words(case: &FlowContext<'_>) -> String {
    let (client, server) = (case.client(), case.server());
    format!(
        "{} s, {} bytes from server and {} from client, {} % of the packets from server are large, {} % of those from client small, client active in {} s{}",
        case.seconds(),
        server.payload_bytes,
        client.payload_bytes,
        percent(server.payload_large, server.payload_packets),
        percent(client.payload_small, client.payload_packets),
        client.seconds.count,
        if is_bulk(case) { ", as steady as a file transfer" } else { "" },
    )
}

/// Hundredths of the whole, rounded down.
pub(in crate::judge) fn percent(part: u64, whole: u64) -> u64 {
    part.saturating_mul(100).checked_div(whole).unwrap_or_default()
}
