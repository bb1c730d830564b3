//! What is written of every fixture, against Suricata's own list of EVE's members and against our schema.

mod support;
#[path = "support/suricata.rs"]
mod suricata;

use std::collections::BTreeSet;

use serde_json::Value;
use support::program::{fixture, run, stdout};

/// The lines of one capture, or of a folder of them.
fn lines(path: &str) -> Vec<Value> {
    let output = run(&["read", "--quiet", "--format", "eve", &fixture(path)]);
    stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn flows(path: &str) -> Vec<Value> {
    let mut lines = lines(path);
    lines.retain(|line| line["event_type"] == "flow");
    lines
}

#[test]
fn every_line_of_every_fixture_has_suricatas_members_and_types() {
    let fields = suricata::fields();
    let ours = serde_json::from_str(&stdout(&run(&["schema"]))).unwrap();
    let ours = jsonschema::draft202012::new(&ours).unwrap();
    let (mut seen, mut strange, mut count) = (BTreeSet::new(), BTreeSet::new(), 0_u32);
    for case in support::cases() {
        for line in lines(&case.name) {
            strange.extend(suricata::strange(&line, &fields));
            seen.extend(suricata::members(&line));
            count += 1;
            assert!(ours.is_valid(&line), "{}: {line}", case.name);
            // The one member that Suricata's schema requires of an object of ours.
            assert!(line.get("dns").is_none_or(|dns| dns["version"] == 3), "{line}");
        }
    }
    assert!(strange.is_empty(), "{strange:?}");
    println!("{} of Suricata's {} members in {count} lines", seen.len(), fields.len());
    for object in
        ["dns", "dns.grouped", "http", "quic", "rdp", "sip", "smtp", "ssh.client.hassh", "tls.ja3"]
    {
        assert!(seen.iter().any(|(path, _)| path == object), "no fixture has {object}");
    }
}

#[test]
fn dns_has_the_form_that_suricata_8_writes() {
    for line in flows("dns-dnsmasq") {
        let dns = &line["dns"];
        assert_eq!((&dns["version"], &dns["type"]), (&3.into(), &"response".into()), "{line}");
        assert_eq!(dns["queries"][0]["rrname"], dns["rrname"], "{line}");
        assert_eq!(dns["queries"][0]["rrtype"], dns["rrtype"], "{line}");
    }
    let asked = flows("dns-types");
    let types: Vec<&str> =
        asked.iter().map(|line| line["dns"]["rrtype"].as_str().unwrap()).collect();
    assert_eq!(types, ["CAA", "HTTPS", "OPENPGPKEY", "TLSA", "URI", "ZONEMD"]);
    assert!(asked.iter().all(|line| line["dns"]["type"] == "request"));
}

#[test]
fn rdp_has_suricatas_members_and_names_without_their_padding() {
    let line = &flows("rdp-cookie")[0];
    assert_eq!(line["rdp"], serde_json::json!({"cookie": "HALL-PC"}));
    assert_eq!(line["portstory"]["rdp"]["protocol"], "rdp");
    assert!(!line.to_string().contains("HALL-PC "), "{line}");
}

/// SSH's banners belong to the ends whatever tells which is which, and HASSH with them.
#[test]
fn ssh_is_told_by_the_roles_of_the_flow() {
    let whole = &flows("ssh-roles/handshake.pcap")[0];
    assert_eq!(whole["portstory"]["roles"]["basis"], "handshake");
    let alone = &flows("ssh-roles/server-only.pcap")[0];
    assert_eq!(alone["ssh"]["server"]["software_version"], "OpenSSH_9.6");
    assert_eq!(alone["ssh"]["client"], Value::Null);
    let middle = flows("ssh-roles/without-handshake.pcap");
    assert_eq!(middle.len(), 5);
    assert!(middle.iter().all(|line| line["portstory"]["visibility"]["handshake"] == false));
    for line in middle.iter().chain([whole]) {
        let [client, server] = [&line["ssh"]["client"], &line["ssh"]["server"]];
        assert_eq!(line["dest_port"], 3243, "{line}");
        assert_eq!(client["software_version"], "PuTTY_Release_0.62", "{line}");
        assert_eq!(server["software_version"], "OpenSSH_9.6", "{line}");
        for end in [client, server] {
            assert_eq!(end["hassh"]["hash"], "3b170adc1f55e8746aa1bc8d32e38f6b", "{line}");
        }
    }
}

/// Client and server in different protocols: the server's is the flow's, and nothing of either is lost.
#[test]
fn a_server_that_speaks_otherwise_names_the_flow() {
    for (capture, spoken, tried, told) in [
        (
            "http-to-ssh",
            "ssh",
            "http",
            vec![("/ssh/server/software_version", "OpenSSH_9.6"), ("/http/url", "/")],
        ),
        (
            "tls-to-http",
            "http",
            "tls",
            vec![("/tls/sni", "timelot.example"), ("/http/protocol", "HTTP/1.1")],
        ),
        ("banner-first", "ssh", "smtp", vec![("/ssh/server/software_version", "OpenSSH_9.6")]),
        ("snmp-to-dns", "dns", "snmp", vec![("/dns/rrname", "timelot.example")]),
    ] {
        let path = format!("answered-otherwise/{capture}.pcap");
        let line = &flows(&path)[0];
        assert_eq!(
            (&line["app_proto"], &line["app_proto_ts"]),
            (&spoken.into(), &tried.into()),
            "{line}"
        );
        // Suricata writes a side's only where it differs.
        assert_eq!(line["app_proto_tc"], Value::Null, "{line}");
        let story = &line["portstory"];
        assert_eq!(
            (&story["status"], &story["protocols"]),
            (&"identified".into(), &serde_json::json!([spoken]))
        );
        for (member, value) in told {
            assert_eq!(line.pointer(member), Some(&value.into()), "{member} of {line}");
        }
        for rule in [spoken, tried] {
            let evidence = story["evidence"].as_array().unwrap();
            assert!(evidence.iter().any(|piece| piece["rule"] == rule), "{rule} in {line}");
        }
        let words = format!("; client tried {tried} (");
        assert!(story["summary"].as_str().unwrap().contains(&words), "{line}");
        let texts = [
            stdout(&run(&["read", &fixture(&path)])),
            stdout(&run(&["why", &fixture(&path)])),
            stdout(&run(&["report", "--format", "md", &fixture(&path)])),
        ];
        for text in texts {
            let plain = text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(plain.contains(&format!("client tried {tried}")), "{text}");
        }
    }
}

/// As Suricata has it: what a change of protocol was agreed to lead to, where the flow is not that.
#[test]
fn what_was_agreed_on_and_did_not_follow_is_told() {
    for (capture, spoken) in [("smtp", "smtp"), ("rdp", "rdp")] {
        let line = &flows(&format!("agreed-on-tls/{capture}.pcap"))[0];
        assert_eq!(line["app_proto"], spoken, "{line}");
        assert_eq!(line["app_proto_expected"], "tls", "{line}");
        let summary = line["portstory"]["summary"].as_str().unwrap();
        assert!(summary.ends_with("; agreed to go on in tls, which was not seen"), "{line}");
    }
    let kept = &flows("agreed-on-tls/rdp-tls.pcap")[0];
    assert_eq!(kept["portstory"]["protocols"], serde_json::json!(["rdp", "tls"]));
    assert_eq!(kept["app_proto_expected"], Value::Null, "{kept}");
    for case in ["ftp-vsftpd", "imap-dovecot", "pop3-dovecot", "ldap-slapd", "mariadb"] {
        assert!(flows(case).iter().all(|line| line["app_proto_expected"].is_null()), "{case}");
    }
}

#[test]
fn clients_of_one_protocol_say_nothing_of_what_they_tried() {
    for case in ["ssh-openssh", "http-nginx-curl", "dns-dnsmasq", "tls-openssl"] {
        assert!(flows(case).iter().all(|line| line["app_proto_ts"].is_null()), "{case}");
    }
}
