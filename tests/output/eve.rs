//! EVE: against our own schema, and against Suricata's names and types.

use std::collections::BTreeSet;

use portstory::internal::output::{Eve, RunSummary, schema};
use portstory_core::internal::identify::detail_keys;
use portstory_core::{DetailKey, Event};
use serde_json::Value;

use crate::samples::{anomaly, dtls, every_kind, limited, owner, unknown, written, written_with};
use crate::suricata;

fn lines(events: &[Event], live: bool) -> Vec<Value> {
    let text = written(&mut Eve, events, live);
    assert!(text.ends_with('\n'));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What the schema says in words of a detector's own details: an object of the protocol's with texts.
fn add_own_details(schema: &mut Value) {
    for key in detail_keys().filter(|key| matches!(key, DetailKey::Own(_))) {
        let words: Vec<_> = key.eve_path().split('.').collect();
        let ["portstory", protocol, name] = words[..] else { panic!("{words:?}") };
        let empty = serde_json::json!({ "type": "object", "properties": {} });
        let told = &mut schema["$defs"]["flow_story"]["properties"];
        let object = told.as_object_mut().unwrap().entry(protocol).or_insert(empty);
        object["properties"][name] = serde_json::json!({ "$ref": "#/$defs/text_member" });
    }
}

/// The schema with every object closed, so that a member it does not name is an error.
fn closed_schema() -> Value {
    fn close(value: &mut Value) {
        match value {
            Value::Object(members) => {
                members.values_mut().for_each(close);
                if members.contains_key("properties") {
                    members.insert("additionalProperties".to_owned(), Value::Bool(false));
                }
            }
            Value::Array(items) => items.iter_mut().for_each(close),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let mut schema = serde_json::from_str(schema::SCHEMA).unwrap();
    add_own_details(&mut schema);
    close(&mut schema);
    schema
}

#[test]
fn the_schema_is_one() {
    jsonschema::meta::validate(&serde_json::from_str(schema::SCHEMA).unwrap()).unwrap();
}

#[test]
fn every_line_fits_the_schema() {
    let validator = jsonschema::draft202012::new(&closed_schema()).unwrap();
    for live in [false, true] {
        for line in lines(&every_kind(), live) {
            // Errors of `oneOf` do not say much: ask the branch that is meant.
            let kind = line["event_type"].as_str().unwrap();
            let mut branch = closed_schema();
            branch["oneOf"] = serde_json::json!([{ "$ref": format!("#/$defs/{kind}_event") }]);
            let branch = jsonschema::draft202012::new(&branch).unwrap();
            let errors: Vec<_> =
                branch.iter_errors(&line).map(|error| format!("{error} {error:?}")).collect();
            assert!(errors.is_empty(), "{line}\n{errors:#?}");
            assert!(validator.is_valid(&line), "more than one branch: {line}");
        }
    }
}

#[test]
fn limits_that_were_reached_fit_the_schema_and_say_what_was_left_out() {
    let line = written_with(&mut Eve, &[], false, &limited());
    let line: Value = serde_json::from_str(&line).unwrap();
    let validator = jsonschema::draft202012::new(&closed_schema()).unwrap();
    assert!(validator.is_valid(&line), "{line}");
    let limits = line["portstory"]["limits"].as_array().unwrap();
    let told: Vec<_> = limits.iter().map(|one| (&one["limit"], &one["not_kept"])).collect();
    let names =
        ["endpoints", "context", "flows", "fragments", "anomalies", "notices"].map(Value::from);
    let counts = [1234, 2, 3, 1, 5, 7].map(Value::from);
    assert_eq!(told, names.iter().zip(&counts).collect::<Vec<_>>());
    assert!(limits.iter().take(4).all(|one| one["flag"] == "--memory-max"));
}

#[test]
fn the_schema_names_nothing_that_is_never_written() {
    fn names(value: &Value, found: &mut BTreeSet<String>) {
        if let Value::Object(members) = value {
            if let Some(Value::Object(properties)) = members.get("properties") {
                found.extend(properties.keys().cloned());
            }
            members.values().for_each(|member| names(member, found));
        }
        if let Value::Array(items) = value {
            items.iter().for_each(|item| names(item, found));
        }
    }
    let mut named = BTreeSet::new();
    names(&serde_json::from_str(schema::SCHEMA).unwrap(), &mut named);
    let mut all: String = [false, true].map(|live| written(&mut Eve, &every_kind(), live)).concat();
    all.push_str(&written_with(&mut Eve, &[], false, &limited()));
    named.retain(|name| !all.contains(&format!("\"{name}\":")));
    assert!(named.is_empty(), "{named:?}");
}

#[test]
fn shared_fields_have_suricatas_names_and_types() {
    let fields = suricata::fields();
    let all = [false, true].into_iter().flat_map(|live| lines(&every_kind(), live));
    let (mut seen, mut strange) = (BTreeSet::new(), BTreeSet::new());
    for line in all {
        strange.extend(suricata::strange(&line, &fields));
        seen.extend(suricata::members(&line).into_iter().map(|(path, _)| path));
    }
    assert!(strange.is_empty(), "{strange:?}");
    // What our own schema has outside of `portstory` is Suricata's, and written.
    let schema: Value = serde_json::from_str(schema::SCHEMA).unwrap();
    for event in ["flow", "verdict", "endpoint", "anomaly", "stats"] {
        let members = schema["$defs"][format!("{event}_event")]["properties"].as_object().unwrap();
        for name in members.keys().filter(|name| *name != "portstory") {
            assert!(fields.contains_key(name), "{name} of {event} is no member of Suricata's");
            assert!(seen.contains(name), "{name} of {event} is never written");
        }
    }
}

#[test]
fn a_flow_is_written_as_designed() {
    let text = written(&mut Eve, &[Event::Flow(Box::new(dtls()))], false);
    let expected = concat!(
        r#"{"timestamp":"2026-11-22T13:00:05.000000+0000","flow_id":4711,"event_type":"flow","#,
        r#""src_ip":"10.0.0.5","src_port":50123,"dest_ip":"10.0.0.9","dest_port":3243,"#,
        r#""proto":"UDP","app_proto":"dtls","community_id":"1:XX","#,
        r#""flow":{"pkts_toserver":9,"pkts_toclient":7,"bytes_toserver":2210,"#,
        r#""bytes_toclient":5120,"start":"2026-11-22T13:00:00.000000+0000","#,
        r#""end":"2026-11-22T13:00:05.000000+0000","age":5,"state":"established","#,
        r#""reason":"timeout"},"portstory":{"label":"other","status":"identified","#,
        r#""protocol":"dtls","protocols":["dtls"],"confidence":"high","#,
        r#""summary":"DTLS 1.2 handshake, both sides","registered_name":"timelot","#,
        r#""notable":["unexpected_service"],"runner_up":"citrix-framehawk","#,
        r#""roles":{"basis":"protocol","sure":true},"#,
        r#""visibility":{"handshake":true,"directions":2,"head_toserver":512,"#,
        r#""head_toclient":1024,"lost":false,"truncated":false,"duplicates":0},"#,
        r#""first_packet":{"pcap_filename":"a.pcap","pcap_cnt":3},"#,
        r#""dtls":{"sni":"gw.example.org"},"#,
        r#""evidence":[{"rule":"dtls","fact":"DTLS ClientHello","speaks_for":"other","#,
        r#""weight":6.0,"direction":"toserver","pcap_filename":"a.pcap","pcap_cnt":3,"#,
        r#""offset":0,"bytes":"16feff0000"}]}}"#,
    );
    let line = text.lines().next().unwrap();
    let id = serde_json::from_str::<Value>(line).unwrap()["community_id"].clone();
    assert_eq!(line, expected.replace("1:XX", id.as_str().unwrap()));
}

#[test]
fn the_process_of_this_machines_end_goes_with_the_flow() {
    let flow = portstory_core::event::FlowEvent { process: Some(owner().into()), ..dtls() };
    let line = &lines(&[Event::Flow(Box::new(flow))], true)[0];
    let process = &line["portstory"]["process"];
    assert_eq!(process["pid"], 4242);
    assert_eq!(process["command_line"], serde_json::json!(["x", "=1+1"]));
    assert_eq!(process["started"], "2026-11-22T13:00:00.000000+0000");
    assert_eq!(process["executable"], "/opt/\u{202e}x");
    assert_eq!(process["executable_deleted"], true);
    assert_eq!(process["name_mismatch"], true);
    assert_eq!(process["parent"], serde_json::json!({"pid": 17, "name": "=sh\u{1b}[2J"}));
    assert!(lines(&[Event::Flow(Box::new(dtls()))], true)[0]["portstory"]["process"].is_null());
}

#[test]
fn nothing_recognised_is_null_and_has_no_app_proto() {
    let line = &lines(&[Event::Flow(Box::new(unknown()))], false)[0];
    assert_eq!(line["portstory"]["protocol"], Value::Null);
    assert!(line["portstory"].as_object().unwrap().contains_key("protocol"));
    assert!(line.get("app_proto").is_none());
    assert_eq!(
        line["portstory"]["unidentified"],
        serde_json::json!({"first_toserver": "dead", "first_toclient": "beef00",
            "message_sizes": [48, -112, 48], "period_ms": 60_000})
    );
}

#[test]
fn live_evidence_has_its_time_and_no_number() {
    let line = &lines(&[Event::Flow(Box::new(dtls()))], true)[0];
    let evidence = line["portstory"]["evidence"][0].as_object().unwrap();
    assert_eq!(evidence["timestamp"], "2026-11-22T13:00:00.000000+0000");
    assert_eq!(evidence["in_iface"], "a.pcap");
    assert!(!evidence.contains_key("pcap_cnt") && !evidence.contains_key("pcap_filename"));
}

#[test]
fn an_anomaly_has_suricatas_shape() {
    let event = Event::Anomaly(anomaly(portstory_core::Layer::Network));
    assert_eq!(
        written(&mut Eve, &[event], false).lines().next().unwrap(),
        r#"{"timestamp":"2026-11-22T13:00:00.000000+0000","pcap_filename":"a.pcap","pcap_cnt":77,"event_type":"anomaly","anomaly":{"type":"decode","event":"ipv4.header_too_short","layer":"network"},"portstory":{"offset":14,"count":12}}"#
    );
}

#[test]
fn the_run_ends_in_its_statistics() {
    let events = [Event::Flow(Box::new(dtls())), Event::Flow(Box::new(unknown()))];
    let line = lines(&events, false).pop().unwrap();
    assert_eq!(line["event_type"], "stats");
    assert_eq!(line["timestamp"], "2026-11-22T15:13:00.000000+0000");
    assert_eq!(line["stats"]["uptime"], 7980);
    assert_eq!(line["stats"]["flow"], serde_json::json!({"total": 2, "tcp": 1, "udp": 1}));
    assert_eq!(line["portstory"]["by_label"]["timelot-unknown"], 1);
    assert_eq!(line["portstory"]["by_status"]["identified"], 1);
    assert_eq!(line["portstory"]["sources"][0]["name"], "a.pcap");

    let empty = written_with(&mut Eve, &[], false, &RunSummary::default());
    assert_eq!(
        serde_json::from_str::<Value>(&empty).unwrap()["portstory"]["last_frame"],
        Value::Null
    );
}
