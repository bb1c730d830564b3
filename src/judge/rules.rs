//! The table of what speaks for which label.
//!
//! Each row looks at a [`Case`] and may add evidence. Rows of one group tell the same thing in
//! different ways: only the strongest of them counts. The label with the highest sum wins; a label
//! that cannot apply (TCP is never Framehawk) is not in the race.

use crate::decode::packet::Unreachable;
use crate::event::{Evidence, Label, Status};
use crate::frame::FrameRef;
use crate::identify::{Side, Strength};
use crate::judge::Case;
use crate::registry;

/// What the evidence amounts to.
#[derive(Clone, Debug)]
pub struct Opinion {
    /// The label with the highest sum.
    pub label: Label,
    /// The second, where it was in the race.
    pub runner_up: Option<Label>,
    /// What was found, strongest first.
    pub evidence: Vec<Evidence>,
    /// Ids of the rules that fired.
    pub fired: Vec<&'static str>,
}

/// One row.
#[derive(Debug)]
pub struct Rule {
    /// Its name in evidence.
    pub id: &'static str,
    /// What it looks at.
    pub observes: &'static str,
    /// The label that it speaks for, or against where the weight is negative.
    pub speaks_for: Label,
    /// Log-odds.
    pub weight: f32,
    /// Rows of one group do not add up.
    pub group: &'static str,
    /// What it rests on.
    pub source: &'static str,
    /// How it can mislead.
    pub misleads: &'static str,
    test: fn(&Case<'_>, Status) -> Option<Shown>,
}

/// What a rule saw, and the packet that shows it.
struct Shown {
    fact: String,
    frame: FrameRef,
    side: Side,
}

/// How much a recognised protocol speaks for "other".
pub const fn weight_of(strength: Strength) -> f32 {
    match strength {
        Strength::Shape => 4.0,
        Strength::OneSided => 6.0,
        Strength::BothSides => 9.0,
        Strength::Signature => 9.0,
    }
}

/// All rules.
pub static RULES: &[Rule] = &[
    Rule {
        id: "client_port",
        observes: "the watched port is the client's own",
        speaks_for: Label::Other,
        weight: 8.0,
        group: "status",
        source: "TCP handshake, protocol roles, fan-in",
        misleads: "where the roles are a guess, so is this; the verdict's `roles` says which",
        test: |case, status| status_is(case, status, Status::ClientPort),
    },
    Rule {
        id: "refused",
        observes: "RST or ICMP unreachable instead of an answer",
        speaks_for: Label::Other,
        weight: 8.0,
        group: "status",
        source: "RFC 9293 section 3.5.2, RFC 792, RFC 4443",
        misleads: "firewalls refuse in the name of others",
        test: refused,
    },
    Rule {
        id: "unanswered",
        observes: "nobody answered",
        speaks_for: Label::Other,
        weight: 8.0,
        group: "status",
        source: "the capture",
        misleads: "the answer may have taken another way than past this capture",
        test: |case, status| status_is(case, status, Status::Unanswered),
    },
    Rule {
        id: "scan",
        observes: "one of many tries of one host",
        speaks_for: Label::Other,
        weight: 8.0,
        group: "status",
        source: "ten or more watched sockets tried by one host",
        misleads: "a monitoring system looks the same",
        test: |case, status| status_is(case, status, Status::Scan),
    },
    Rule {
        id: "no_payload",
        observes: "a handshake and nothing said",
        speaks_for: Label::Other,
        weight: 8.0,
        group: "status",
        source: "the capture",
        misleads: "health checks of a real service look so",
        test: |case, status| status_is(case, status, Status::NoPayload),
    },
    Rule {
        id: "registered_port",
        observes: "a conversation on the port that is registered as timelot",
        speaks_for: Label::TimelotUnknown,
        weight: 2.0,
        group: "port",
        source: "IANA service name registry",
        misleads: "a registration says nothing about what really runs there",
        test: |case, status| {
            (case.is_on_named_port() && is_conversation(status)).then(|| {
                let name = registry::name(case.service_port()).unwrap_or("not registered");
                shown(
                    case,
                    server_side(case),
                    format!("service port {} ({name}), nothing recognised", case.service_port()),
                )
            })
        },
    },
    Rule {
        id: "range_port",
        observes: "UDP in Framehawk's default range, but not on 3243",
        speaks_for: Label::Other,
        weight: 2.0,
        group: "port",
        source: "IANA service name registry",
        misleads: "Framehawk itself used these ports",
        test: |case, status| {
            (!case.is_on_named_port() && is_conversation(status)).then(|| {
                let name = registry::name(case.service_port()).unwrap_or("nothing");
                let port = case.service_port();
                shown(
                    case,
                    server_side(case),
                    format!("port {port} is registered for {name}; nothing recognised"),
                )
            })
        },
    },
    Rule {
        id: "companion_session",
        observes: "a Citrix session between the same two hosts, started before and still alive",
        speaks_for: Label::CitrixFramehawk,
        weight: 4.0,
        group: "environment",
        source: "Framehawk is a virtual channel of an ICA session (CTX205257)",
        misleads: "any other UDP service between the two hosts has the same companion",
        test: companion,
    },
    Rule {
        id: "siblings",
        observes: "other in-range UDP sockets in use on the same server, from the lowest port up",
        speaks_for: Label::CitrixFramehawk,
        weight: 2.0,
        group: "siblings",
        source: "a VDA takes the lowest free port first (Framehawk policy settings)",
        misleads: "Polycom's media ports start at 3230 and come in runs, too",
        test: siblings,
    },
    Rule {
        id: "citrix_elsewhere",
        observes: "Citrix sessions between other hosts of the capture",
        speaks_for: Label::CitrixFramehawk,
        weight: 1.0,
        group: "environment",
        source: "ports 1494 and 2598 with the server taking part",
        misleads: "many networks have Citrix somewhere",
        test: |case, _| {
            let session = case.ledgers.citrix_elsewhere(case.as_of)?;
            let frame = session.confirmed?;
            let fact = format!("{} answers on {}", session.server, session.kind.name());
            case.may_be_framehawk().then(|| Shown { fact, frame, side: server_side(case) })
        },
    },
    Rule {
        id: "remoting_shape",
        observes: "large packets down, small ones up in nearly every second, for a minute and longer",
        speaks_for: Label::CitrixFramehawk,
        weight: 2.5,
        group: "shape",
        source: "literature on remote display traffic; not measured on Framehawk",
        misleads: "a remote desktop of any maker inside a VPN has this shape",
        test: |case, _| {
            (case.may_be_framehawk() && has_remoting_shape(case))
                .then(|| shown(case, server_side(case), shape_in_words(case)))
        },
    },
    Rule {
        id: "not_remoting_shape",
        observes: "long enough to tell, and not the shape of display remoting",
        speaks_for: Label::CitrixFramehawk,
        weight: -4.0,
        group: "shape",
        source: "the same",
        misleads: "an idle or minimised session sends little",
        test: |case, status| {
            let told = case.may_be_framehawk()
                && is_conversation(status)
                && case.seconds() >= SHAPE_SECONDS_MIN;
            (told && !has_remoting_shape(case)).then(|| {
                shown(
                    case,
                    server_side(case),
                    format!("no display-remoting shape: {}", shape_in_words(case)),
                )
            })
        },
    },
    Rule {
        id: "call_signalling",
        observes: "H.225 or SIP between the same two hosts",
        speaks_for: Label::CitrixFramehawk,
        weight: -3.0,
        group: "call",
        source: "Polycom HDX administrator's guide: media ports start at 3230",
        misleads: "telephones and Citrix live on the same desks",
        test: |case, _| {
            let (one, other) = (case.client_socket().addr, case.server_socket().addr);
            let session = case
                .ledgers
                .companions(one, other, case.record.first.time, case.as_of)
                .find(|session| !session.kind.is_citrix())?;
            let fact = format!("{} between the same hosts", session.kind.name());
            case.may_be_framehawk().then(|| Shown {
                fact,
                frame: session.first,
                side: server_side(case),
            })
        },
    },
    Rule {
        id: "before_release",
        observes: "the capture is older than Framehawk",
        speaks_for: Label::CitrixFramehawk,
        weight: -6.0,
        group: "date",
        source: "shipped with XenApp and XenDesktop 7.6 FP2, June 2015",
        misleads: "a clock that was never set",
        test: |case, _| {
            (case.may_be_framehawk() && case.record.first.time.seconds() < RELEASED).then(|| {
                shown(case, case.record.first_sender, "captured before June 2015".to_owned())
            })
        },
    },
    Rule {
        id: "after_end_of_support",
        observes: "the capture is younger than the last release with Framehawk",
        speaks_for: Label::CitrixFramehawk,
        weight: -1.0,
        group: "date",
        source: "no longer supported as of Citrix Virtual Apps and Desktops 7 1903",
        misleads: "7.15 LTSR had Framehawk and stayed in use for years",
        test: |case, _| {
            (case.may_be_framehawk() && case.record.first.time.seconds() >= UNSUPPORTED).then(
                || {
                    let fact =
                        "captured after March 2019, when Framehawk's support ended".to_owned();
                    shown(case, case.record.first_sender, fact)
                },
            )
        },
    },
];

/// 2015-06-01 and 2019-03-01, in seconds since the epoch.
const RELEASED: i64 = 1_433_116_800;
const UNSUPPORTED: i64 = 1_551_398_400;

/// A shape shows itself only over time, in seconds.
const SHAPE_SECONDS_MIN: u64 = 60;

/// Weighs all rules.
pub fn weigh(case: &Case<'_>, status: Status) -> Opinion {
    let mut evidence: Vec<Evidence> = super::recognition(case).collect();
    let mut fired = Vec::new();
    let mut groups: Vec<(&str, f32)> = Vec::new();
    for rule in RULES {
        let Some(shown) = (rule.test)(case, status) else { continue };
        fired.push(rule.id);
        let counted = groups
            .iter()
            .any(|&(group, weight)| group == rule.group && weight.abs() >= rule.weight.abs());
        if counted {
            continue;
        }
        groups.push((rule.group, rule.weight));
        evidence.push(Evidence {
            rule: rule.id,
            fact: shown.fact,
            speaks_for: rule.speaks_for,
            weight: rule.weight,
            direction: case.direction(shown.side),
            frame: shown.frame,
            offset: 0,
            bytes: Vec::new(),
        });
    }
    evidence.sort_by(|one, other| other.weight.abs().total_cmp(&one.weight.abs()));
    let (label, runner_up) = ranking(case, status, &evidence);
    Opinion { label, runner_up, evidence, fired }
}

fn ranking(case: &Case<'_>, status: Status, evidence: &[Evidence]) -> (Label, Option<Label>) {
    let sum = |label: Label| -> f32 {
        evidence.iter().filter(|piece| piece.speaks_for == label).map(|piece| piece.weight).sum()
    };
    let open = is_conversation(status) && case.protocol().is_none();
    let in_race = |label: &Label| match label {
        Label::Other => true,
        Label::TimelotUnknown => case.is_on_named_port() && open,
        // Bare possibility is not enough: something must speak for it.
        Label::CitrixFramehawk => case.may_be_framehawk() && open,
    };
    let mut race: Vec<Label> = Label::ALL.into_iter().filter(in_race).collect();
    // Stable: of equal sums the plainer label comes first.
    race.sort_by(|one, other| sum(*other).total_cmp(&sum(*one)));
    let mut race = race.into_iter();
    let label = race.next().unwrap_or(Label::Other);
    (label, race.next())
}

/// Whether there was something to recognise, and it was not.
pub(super) fn is_conversation(status: Status) -> bool {
    match status {
        Status::Unidentified | Status::Insufficient => true,
        Status::Identified
        | Status::Attempted
        | Status::ClientPort
        | Status::Refused
        | Status::Unanswered
        | Status::Scan
        | Status::NoPayload => false,
    }
}

fn status_is(case: &Case<'_>, status: Status, wanted: Status) -> Option<Shown> {
    let (client, server) = (case.client_socket(), case.server_socket());
    let fact = match status {
        Status::ClientPort => {
            format!("port {} is the client's own; the service is {}", client.port, server.port)
        }
        Status::Scan => format!("{} tried ten or more watched sockets", client.addr),
        Status::NoPayload => "a handshake, and no payload either way".to_owned(),
        Status::Unanswered => format!("no packet from {} port {}", server.addr, server.port),
        Status::Identified
        | Status::Attempted
        | Status::Unidentified
        | Status::Refused
        | Status::Insufficient => return None,
    };
    (status == wanted).then(|| shown(case, case.record.first_sender, fact))
}

fn refused(case: &Case<'_>, status: Status) -> Option<Shown> {
    if status != Status::Refused {
        return None;
    }
    let side = server_side(case);
    if let Some(frame) = case.server().reset {
        return Some(Shown { fact: "RST instead of an answer".to_owned(), frame, side });
    }
    let refusal = case.record.refusal?;
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

fn companion(case: &Case<'_>, _: Status) -> Option<Shown> {
    let (one, other) = (case.client_socket().addr, case.server_socket().addr);
    let session = case
        .ledgers
        .companions(one, other, case.record.first.time, case.as_of)
        .find(|session| session.kind.is_citrix() && session.server == other)?;
    let frame = session.confirmed?;
    let fact = format!("{} session between the same hosts, started before", session.kind.name());
    case.may_be_framehawk().then(|| Shown { fact, frame, side: server_side(case) })
}

fn siblings(case: &Case<'_>, _: Status) -> Option<Shown> {
    if !case.may_be_framehawk() {
        return None;
    }
    let own = case.server_socket();
    let lower: Vec<u16> = case
        .ledgers
        .udp_sockets(own.addr, case.as_of)
        .filter(|port| *port < own.port && case.config.watch.framehawk.contains(port))
        .collect();
    let higher = case
        .ledgers
        .udp_sockets(own.addr, case.as_of)
        .filter(|port| *port > own.port && case.config.watch.framehawk.contains(port))
        .count();
    let lowest = *case.config.watch.framehawk.start();
    let from_lowest = lower.first() == Some(&lowest) || (own.port == lowest && higher > 0);
    from_lowest.then(|| {
        let fact = format!(
            "{} other UDP sockets of the range on {}, from port {lowest} up",
            lower.len().saturating_add(higher),
            own.addr
        );
        shown(case, server_side(case), fact)
    })
}

/// Whether the flow has the shape of display remoting (facts, section 7): thresholds from the
/// literature on remote display traffic, not calibrated on Framehawk.
fn has_remoting_shape(case: &Case<'_>) -> bool {
    let (client, server, seconds) = (case.client(), case.server(), case.seconds());
    let at_least = |part: u64, percent: u64, whole: u64| {
        part.saturating_mul(100) >= whole.saturating_mul(percent) && whole > 0
    };
    seconds >= SHAPE_SECONDS_MIN
        && server.payload_bytes >= client.payload_bytes.saturating_mul(3)
        && at_least(server.payload_large, 40, server.payload_packets)
        && at_least(client.payload_small, 80, client.payload_packets)
        && at_least(u64::from(client.seconds.count), 80, seconds)
        && client.seconds.longest_pause <= 10
}

fn shape_in_words(case: &Case<'_>) -> String {
    let (client, server) = (case.client(), case.server());
    let percent =
        |part: u64, whole: u64| part.saturating_mul(100).checked_div(whole).unwrap_or_default();
    format!(
        "{} s, {} octets down and {} up, {} % of the packets down are large, {} % of those up small, client active in {} s",
        case.seconds(),
        server.payload_bytes,
        client.payload_bytes,
        percent(server.payload_large, server.payload_packets),
        percent(client.payload_small, client.payload_packets),
        client.seconds.count,
    )
}

fn server_side(case: &Case<'_>) -> Side {
    case.roles.client.other()
}

/// What a rule saw, shown by the first packet with payload of a side.
fn shown(case: &Case<'_>, side: Side, fact: String) -> Shown {
    let has_payload = case.record.side(side).first_payload.is_some();
    let side = if has_payload { side } else { case.record.first_sender };
    Shown { fact, frame: case.shown_by(side).0, side }
}
