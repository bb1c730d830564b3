//! Golden files: what every fixture is named, and the scoreboard of all of them.
//!
//! `PORTSTORY_BLESS=1 cargo test --test fixtures` writes the files anew.

mod support;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use portstory_core::DetailKey::*;
use portstory_core::internal::decode::{Found, PacketDecoder};
use portstory_core::{Config, DETECTORS, DetailKey, Event, FlowEvent, FrameRef, Socket};
use serde::Serialize;
use support::Case;

/// What a golden file holds of a flow: nothing that a change of weights or wording would touch.
#[derive(Serialize)]
struct Expected<'a> {
    proto: &'a str,
    client: String,
    server: String,
    label: &'a str,
    status: &'a str,
    protocols: &'a [Cow<'static, str>],
    confidence: &'a str,
    rules: Vec<&'a str>,
}

impl<'a> Expected<'a> {
    fn of(flow: &'a FlowEvent) -> Self {
        let mut rules: Vec<_> = flow.verdict.evidence.iter().map(|piece| piece.rule).collect();
        rules.sort_unstable();
        Self {
            proto: flow.transport.name(),
            client: format!("{} {}", flow.client.addr, flow.client.port),
            server: format!("{} {}", flow.server.addr, flow.server.port),
            label: flow.verdict.label.name(),
            status: flow.verdict.status.name(),
            protocols: &flow.verdict.protocols,
            confidence: flow.verdict.confidence.name(),
            rules,
        }
    }
}

/// One file of a case: most cases have one capture, or several that belong together; where each
/// capture stands for itself it is classified alone.
fn runs(case: &Case) -> Vec<Vec<PathBuf>> {
    if case.name == "rotated" {
        vec![case.captures.clone()]
    } else {
        case.captures.iter().map(|capture| vec![capture.clone()]).collect()
    }
}

fn flows(case: &Case) -> Vec<FlowEvent> {
    let events = runs(case)
        .iter()
        .flat_map(|captures| support::classify(&support::frames(captures), &Config::default()))
        .collect::<Vec<_>>();
    events
        .into_iter()
        .filter_map(|event| match event {
            Event::Flow(flow) => Some(*flow),
            Event::Endpoint(_) | Event::Verdict(_) | Event::Anomaly(_) => None,
        })
        .collect()
}

#[test]
fn every_fixture_is_named_as_expected() {
    let bless = std::env::var_os("PORTSTORY_BLESS").is_some();
    let mut wrong = Vec::new();
    for case in support::cases() {
        let flows = flows(&case);
        assert!(!flows.is_empty(), "{}: no flow in range", case.name);
        let lines: String = flows
            .iter()
            .map(|flow| serde_json::to_string(&Expected::of(flow)).unwrap() + "\n")
            .collect();
        let golden = case.dir.join("expected.jsonl");
        if bless {
            fs::write(&golden, &lines).unwrap();
        } else if fs::read_to_string(&golden).unwrap_or_default() != lines {
            wrong.push(format!("{}: now\n{lines}", golden.display()));
        }
        print_row(&case, &flows);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Detectors that no fixture shows. A fixture for one of them fails the next test until its row here is gone;
/// no row is to be added.
const UNNAMED: &[&str] = &[];

#[test]
fn every_detector_is_named_by_a_fixture() {
    let flows: Vec<FlowEvent> = support::cases().iter().flat_map(flows).collect();
    let named: BTreeSet<&str> =
        flows.iter().flat_map(|flow| &flow.verdict.protocols).map(|name| &**name).collect();
    let ids = DETECTORS.iter().map(|row| row.id);
    let unnamed: Vec<&str> = ids.filter(|id| !named.contains(id)).collect();
    assert_eq!(unnamed, UNNAMED, "{} of {}", unnamed.len(), DETECTORS.len());
}

/// What recordings of real programs tell beside the name. tshark 4.0 says the same of all but JA4, which
/// it does not know, and the certificate's text, which is openssl's.
const TOLD: &[(&str, DetailKey, &str)] = &[
    ("tls-openssl", TlsSni, "timelot.example"),
    ("tls-openssl", TlsVersion, "TLS 1.3"),
    ("tls-openssl", TlsAlpn, "http/1.1"),
    ("tls-openssl", TlsJa3Hash, "9dffdb8b608a430b774a2ff7d36c1a0c"),
    ("tls-openssl", TlsJa3sHash, "15af977ce25de452b96affa2addb1036"),
    ("tls-openssl", TlsJa4, "t13d0411h1_16476d049b0b_78f1d400d464"),
    ("tls12-openssl", TlsVersion, "TLS 1.2"),
    ("tls12-openssl", TlsJa3Hash, "22558766122974704364c9c75c5cce0a"),
    ("tls12-openssl", TlsJa3sHash, "e195432758194ce2d482396b82e0d48e"),
    ("tls12-openssl", TlsSubject, "CN=timelot.example"),
    ("tls12-openssl", TlsSerial, "03:F2:47:A5:F1:0E:6E:FD:DB:78:B8:0C:62:56:5F:05:50:EB:87:91"),
    ("tls12-openssl", TlsNotBefore, "2026-11-22T15:53:10"),
    ("quic-aioquic", QuicVersion, "1"),
    ("quic-aioquic", QuicSni, "timelot.example"),
    ("quic-aioquic", QuicAlpn, "h3"),
    ("quic-aioquic", QuicJa3Hash, "121f6e4f22ee3205214b0676ed64b9e2"),
    ("quic-aioquic", QuicJa3sHash, "15af977ce25de452b96affa2addb1036"),
    ("quic-aioquic", QuicJa4, "q13d0307h3_55b375c5d22e_1cecd519fee8"),
    ("quic-long-hello", QuicVersion, "2"),
    ("quic-long-hello", QuicSni, "timelot.example"),
    ("quic-long-hello", QuicJa3Hash, "121f6e4f22ee3205214b0676ed64b9e2"),
    ("quic-long-hello", QuicJa3sHash, "15af977ce25de452b96affa2addb1036"),
    ("dtls-openssl", DtlsSni, "timelot.example"),
    ("dtls-openssl", DtlsVersion, "DTLS 1.2"),
    ("dtls-openssl", DtlsJa3Hash, "248a2544f4221c0f02f877e42fe67853"),
    ("ssh-openssh", SshServerSoftware, "OpenSSH_9.2p1"),
    ("ssh-openssh", SshClientHasshHash, "472b5de333ad665af5cbf10ff892c4df"),
    ("ssh-openssh", SshServerHasshHash, "425d29fe50d8e4f5e37efb6e24bcf660"),
    ("dns-dnsmasq", DnsName, "timelot.example"),
    ("dns-dnsmasq", DnsA, "10.43.0.1"),
    ("dns-dnsmasq", DnsRcode, "NOERROR"),
];

#[test]
fn recordings_tell_names_and_versions() {
    let mut wrong = Vec::new();
    for case in support::cases() {
        let rows: Vec<_> = TOLD.iter().filter(|(name, ..)| *name == case.name).collect();
        if rows.is_empty() {
            continue;
        }
        let flows = flows(&case);
        let details: Vec<_> = flows.iter().flat_map(|flow| &flow.verdict.details).collect();
        for (name, key, expected) in rows {
            let found: Vec<_> = details.iter().filter(|one| one.key == *key).collect();
            // Of several flows the first is meant.
            if found.first().is_none_or(|first| &*first.value != *expected) {
                wrong.push(format!("{name} {key:?}: {found:?}, not {expected}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let cases = support::cases();
    let all_there =
        |(name, ..): &(&str, DetailKey, &str)| cases.iter().any(|case| case.name == *name);
    assert!(TOLD.iter().all(all_there));
}

/// A row of the scoreboard: `cargo test --test fixtures -- --nocapture` shows them all.
fn print_row(case: &Case, flows: &[FlowEvent]) {
    let mut verdicts: Vec<String> = flows
        .iter()
        .map(|flow| {
            let verdict = &flow.verdict;
            let name =
                if verdict.protocols.is_empty() { "-".into() } else { verdict.protocols.join("+") };
            format!(
                "{} {} {name} {}",
                verdict.label.name(),
                verdict.status.name(),
                verdict.confidence.name()
            )
        })
        .collect();
    verdicts.sort_unstable();
    let all = verdicts.len();
    verdicts.dedup();
    println!("{:24} {all:3} flows: {}", case.name, verdicts.join("; "));
}

#[test]
fn every_case_tells_where_it_comes_from() {
    for case in support::cases() {
        let readme = fs::read_to_string(case.dir.join("README.md")).unwrap_or_default();
        assert!(readme.len() > 100, "{}: no README.md", case.name);
        let told = readme.contains("ynthetic") || readme.contains("ecorded");
        assert!(told, "{}: recorded or synthetic?", case.name);
    }
}

/// Rules whose packet is one of another flow: of a companion session, of a sibling.
const BESIDE: &[&str] =
    &["companion_session", "citrix_elsewhere", "call_signalling", "siblings", "edt_companion"];

/// Every piece of evidence names a packet that is there, that belongs to the flow or to what is
/// beside it, and its bytes stand where it says.
#[test]
fn evidence_can_be_looked_up() {
    let (mut quoted, mut beside) = (0, 0);
    for case in support::cases() {
        for captures in runs(&case) {
            let frames = support::frames(&captures);
            let packets = packets(&frames);
            for event in support::classify(&frames, &Config::default()) {
                let Event::Flow(flow) = event else { continue };
                assert!(
                    !flow.verdict.evidence.is_empty(),
                    "{}: a verdict without evidence",
                    case.name
                );
                for piece in &flow.verdict.evidence {
                    let named = frames.iter().any(|frame| frame.at == piece.frame);
                    assert!(named, "{}: {piece:?} names no frame", case.name);
                    let told = packets.get(&piece.frame).map(Vec::as_slice).unwrap_or_default();
                    let own = [flow.client, flow.server];
                    let is_beside = BESIDE.contains(&piece.rule);
                    assert!(
                        is_beside
                            || told
                                .iter()
                                .any(|(pair, _)| own.iter().all(|end| pair.contains(end))),
                        "{}: {piece:?} is of another flow",
                        case.name
                    );
                    // What is beside a flow has at least its server's address.
                    let touches =
                        |pair: &[Socket; 2]| pair.iter().any(|end| end.addr == flow.server.addr);
                    assert!(
                        piece.rule == "citrix_elsewhere"
                            || told.iter().any(|(pair, _)| touches(pair)),
                        "{}: {piece:?} has nothing to do with the flow",
                        case.name
                    );
                    beside += usize::from(is_beside);
                    if !piece.bytes.is_empty() {
                        let at = piece.offset as usize;
                        let shows = |payload: &Vec<u8>| {
                            payload.get(at..at + piece.bytes.len()) == Some(&*piece.bytes)
                        };
                        let shown = told.iter().any(|(_, payload)| shows(payload));
                        assert!(shown, "{}: {piece:?}", case.name);
                        quoted += 1;
                    }
                }
            }
        }
    }
    support::counts::hold("quotations looked up", quoted);
    support::counts::hold("pieces of evidence from beside a flow", beside);
}

/// The two ends of a packet, and its payload.
type Told = ([Socket; 2], Vec<u8>);

/// The ends and the payload of each frame's packets of watched ports and of companions, of a tunnel and
/// of what is in it; of one in fragments, with the frame that completed it, as Wireshark has it too; of
/// an ICMP error the ends that it quotes.
fn packets(frames: &[support::OwnedFrame]) -> BTreeMap<FrameRef, Vec<Told>> {
    let config = Config::default();
    let mut packets: BTreeMap<FrameRef, Vec<Told>> = BTreeMap::new();
    let mut decoder = PacketDecoder::new(&config.watch);
    let mut note = |found: Found<'_>| {
        if let Found::Watched(packet, _) | Found::Companion(packet, _) = found {
            let payload = packet.body.payload().map_or(&[][..], |payload| payload.bytes).to_vec();
            packets.entry(packet.at).or_default().push(([packet.src, packet.dst], payload));
        }
    };
    for frame in frames {
        decoder.decode(&frame.frame(), &config, &mut note);
    }
    decoder.finish(&config, &mut note);
    packets
}
