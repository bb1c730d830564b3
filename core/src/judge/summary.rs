//! The one line that a person reads first.

use crate::event::{Label, RoleBasis, Status, Visibility};
use crate::identify::identifier::Recognised;
use crate::identify::{DetailKey, Headline};
use crate::judge::FlowContext;
use crate::judge::rules::Opinion;

/// Details worth a place in the line, in this order, with the word before them. Detectors' own follow.
const TOLD: &[(DetailKey, &str)] = &[
    (DetailKey::TlsSni, "SNI "),
    (DetailKey::TlsAlpn, "offers "),
    (DetailKey::TlsSubject, "certificate "),
    (DetailKey::TlsJa4, "JA4 "),
    (DetailKey::DtlsSni, "SNI "),
    (DetailKey::DtlsJa4, "JA4 "),
    (DetailKey::QuicSni, "SNI "),
    (DetailKey::QuicAlpn, "offers "),
    (DetailKey::QuicJa4, "JA4 "),
    (DetailKey::SshServerSoftware, "server "),
    (DetailKey::SshClientSoftware, "client "),
    (DetailKey::SshClientHasshHash, "HASSH "),
    (DetailKey::HttpHost, "host "),
    (DetailKey::HttpServer, "server "),
    (DetailKey::HttpUserAgent, "client "),
    (DetailKey::HttpStatus, "status "),
    (DetailKey::DnsName, "name "),
    (DetailKey::DnsRcode, "answer "),
    (DetailKey::DnsA, ""),
    (DetailKey::DnsAaaa, ""),
    (DetailKey::RdpCookie, "cookie "),
];

/// Bytes that they mostly take.
const TOLD_BYTES: usize = 128;

/// A flow in one line.
pub(super) fn flow(case: &FlowContext<'_>, status: Status, opinion: &Opinion) -> String {
    let (client, server) = (case.client_socket(), case.server_socket());
    match status {
        Status::Identified => recognised(case),
        Status::Attempted => recognised(case) + "; seen from the client only",
        Status::ClientPort => {
            let sure = match case.roles.basis {
                RoleBasis::Handshake | RoleBasis::Protocol => "is",
                RoleBasis::FanIn | RoleBasis::ServicePort => "is most likely",
                RoleBasis::EphemeralPort
                | RoleBasis::WatchedPort
                | RoleBasis::Companion
                | RoleBasis::Volume
                | RoleBasis::FirstSeen => "may be",
            };
            let what =
                case.protocol().map_or(String::new(), |_| format!(" ({})", recognised(case)));
            format!(
                "port {} {sure} the client's ephemeral port; the service is {} port {}{what}",
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

fn recognised(case: &FlowContext<'_>) -> String {
    let mut line = case.protocol().map(headline).unwrap_or_default();
    if let Some(known) = case.known() {
        let known = format!("{} (from --known)", known.name);
        line = if line.is_empty() { known } else { format!("{known}: {line}") };
    }
    if case.edt_companion().is_some() {
        line.push_str(", beside a Citrix session: EDT");
    }
    line.reserve(TOLD_BYTES);
    let client = case.roles.client;
    let details = || case.protocols().flat_map(|found| found.finding.details(client));
    let own = case.protocols().flat_map(|found| found.detector.own_details());
    let own = own.filter_map(|key| {
        let DetailKey::Own(own) = key else { return None };
        Some((*key, own.summary?))
    });
    for (key, word) in TOLD.iter().copied().chain(own) {
        if let Some(detail) = details().find(|detail| detail.key == key) {
            // The fact may have said so already.
            if !line.contains(&*detail.value) {
                line.extend([", ", word, &detail.value]);
            }
        }
    }
    if let Some(expected) = case.expected() {
        line.extend(["; agreed to go on in ", expected, ", which was not seen"]);
    }
    if let Some(tried) = case.tried() {
        line.extend(["; client tried ", tried.detector.id, " (", &headline(tried), ")"]);
    }
    line
}

/// `TLS 1.3 to example.org` where a hello told that, else the evidence's own sentence.
fn headline(found: &Recognised) -> String {
    let finding = &found.finding;
    let told = |key| finding.details.iter().find(|one| one.key == key).map(|one| &*one.value);
    let headline = found.detector.headline().and_then(|Headline { word, version, name }| {
        Some([word, told(version)?, " to ", told(name)?].concat())
    });
    headline.unwrap_or_else(|| finding.fact.clone())
}

/// What a capture leaves to say that cut all payload off.
fn not_kept(heads: Visibility) -> String {
    let kept = match heads.head_to_server.max(heads.head_to_client) {
        0 => "no payload".to_owned(),
        bytes => format!("only {bytes} bytes of payload"),
    };
    let snap =
        heads.snap_bytes.map_or(String::new(), |bytes| format!(" ({bytes} bytes of each frame)"));
    format!("the capture kept {kept}{snap}: record again with tcpdump -s 0")
}

fn conversation(case: &FlowContext<'_>, status: Status, opinion: &Opinion) -> String {
    let heads = case.visibility();
    let short = status == Status::Insufficient;
    let kept_too_little = short && heads.kept_too_little();
    let no_protocol = || {
        format!(
            "no known protocol in the first {} bytes from client and {} from server ({} tried)",
            heads.head_to_server,
            heads.head_to_client,
            super::detectors_asked(case),
        )
    };
    let seen = if kept_too_little { not_kept(heads) } else { no_protocol() };
    let enough = if short && !kept_too_little { "too little payload: " } else { "" };
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
