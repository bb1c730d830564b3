//! The one line that a person reads first.

use std::fmt::Write as _;

use crate::event::{Label, RoleBasis, Status};
use crate::identify::DetailKey;
use crate::judge::Case;
use crate::judge::rules::Opinion;

/// Details worth a place in the line, in this order, with the word before them.
const TOLD: &[(DetailKey, &str)] = &[
    (DetailKey::TlsSni, "SNI "),
    (DetailKey::DtlsSni, "SNI "),
    (DetailKey::QuicSni, "SNI "),
    (DetailKey::SshServerSoftware, "server "),
    (DetailKey::SshClientSoftware, "client "),
    (DetailKey::HttpHost, "host "),
    (DetailKey::HttpServer, "server "),
    (DetailKey::HttpStatus, "status "),
    (DetailKey::DnsName, "name "),
    (DetailKey::MysqlVersion, "version "),
];

/// A flow in one line.
pub(super) fn flow(case: &Case<'_>, status: Status, opinion: &Opinion) -> String {
    let (client, server) = (case.client_socket(), case.server_socket());
    match status {
        Status::Identified => recognised(case),
        Status::Attempted => format!("{}; only the client spoke it", recognised(case)),
        Status::ClientPort => {
            let sure = match case.roles.basis {
                RoleBasis::Handshake | RoleBasis::Protocol => "is",
                RoleBasis::FanIn => "is most likely",
                RoleBasis::WatchedPort | RoleBasis::FirstSeen => "may be",
            };
            let what =
                case.protocol().map_or(String::new(), |_| format!(" ({})", recognised(case)));
            format!(
                "port {} {sure} the client's own; the service is {} port {}{what}",
                client.port, server.addr, server.port
            )
        }
        Status::Refused | Status::Unanswered | Status::Scan | Status::NoPayload => {
            let fact = opinion.evidence.first().map(|piece| piece.fact.clone());
            fact.unwrap_or_else(|| status.name().to_owned())
        }
        Status::Unidentified | Status::Insufficient => conversation(case, status, opinion),
    }
}

fn recognised(case: &Case<'_>) -> String {
    let mut line = case.protocol().map(|found| found.finding.fact.clone()).unwrap_or_default();
    if let Some(known) = case.known() {
        let known = format!("{}, as the site names it", known.name);
        line = if line.is_empty() { known } else { format!("{known}: {line}") };
    }
    if case.edt_companion().is_some() {
        line.push_str(", beside a Citrix session: EDT");
    }
    let details = || case.record.recognised().flat_map(|found| &found.finding.details);
    for (key, word) in TOLD {
        if let Some(detail) = details().find(|detail| detail.key == *key) {
            // The fact may have said so already.
            if !line.contains(&*detail.value) {
                let _ = write!(line, ", {word}{}", detail.value);
            }
        }
    }
    line
}

fn conversation(case: &Case<'_>, status: Status, opinion: &Opinion) -> String {
    let heads = case.visibility();
    let seen = format!(
        "none of {} protocols in the first {} octets up and {} down",
        super::detectors_asked(case),
        heads.head_to_server,
        heads.head_to_client,
    );
    let enough = if status == Status::Insufficient { "too little to tell: " } else { "" };
    match opinion.label {
        Label::CitrixFramehawk => {
            let reasons: Vec<&str> = opinion
                .evidence
                .iter()
                .filter(|piece| piece.speaks_for == Label::CitrixFramehawk && piece.weight > 0.0)
                .map(|piece| piece.rule)
                .collect();
            format!("consistent with Framehawk by {}; {seen}", reasons.join(", "))
        }
        Label::TimelotUnknown | Label::Other => format!("{enough}{seen}"),
    }
}
