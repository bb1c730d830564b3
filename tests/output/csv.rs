//! CSV.

use portstory::internal::output::{CSV_COLUMNS, Csv};
use portstory_core::Event;

use crate::samples::{dtls, every_kind, unknown, written};

#[test]
fn one_row_a_flow_under_a_header() {
    let events = [Event::Flow(Box::new(dtls())), Event::Flow(Box::new(unknown()))];
    let text = written(&mut Csv::default(), &events, false);
    let rows: Vec<_> = text.split_terminator("\r\n").collect();
    assert_eq!(rows.len(), 3);
    let names: Vec<_> = CSV_COLUMNS.iter().map(|column| column.name).collect();
    assert_eq!(rows[0], names.join(","));
    assert!(rows[1].starts_with(
        "2026-11-22T13:00:00.000000+0000,2026-11-22T13:00:05.000000+0000,other,identified,dtls,\
         dtls,high,UDP,10.0.0.5,50123,10.0.0.9,3243,protocol,9,2210,7,5120,unexpected_service,\
         \"DTLS 1.2 handshake, both sides\",citrix-framehawk,4711,1:"
    ));
    assert!(rows[1].ends_with(",a.pcap,3,,,,,,,,,"));
    assert_eq!(rows[2].matches(',').count(), names.len() - 1);
}

#[test]
fn a_run_without_flows_has_its_header() {
    let text = written(&mut Csv::default(), &[], false);
    assert!(text.starts_with("start,end,label,") && text.ends_with("process_missing\r\n"));
}

#[test]
fn the_process_of_this_machines_end_has_columns_of_its_own() {
    let mut owned = dtls();
    owned.process = Some(crate::samples::owner().into());
    let mut hidden = dtls();
    let user = Some("root".to_owned());
    hidden.process_missing = Some(portstory_core::event::ProcessMissing::NotVisible { user });
    let events = [Event::Flow(Box::new(owned)), Event::Flow(Box::new(hidden))];
    let text = written(&mut Csv::default(), &events, true);
    let rows: Vec<_> = text.split_terminator("\r\n").collect();
    let process = ",evil\\u{202e}\\x1b[2J,4242,/opt/\\u{202e}x,true,true,root,'=sh\\x1b[2J,17,";
    assert!(rows[1].ends_with(process), "{}", rows[1]);
    assert!(rows[2].ends_with(",,,,,,root,,,not_visible"), "{}", rows[2]);
}

#[test]
fn what_strangers_wrote_neither_breaks_rows_nor_runs() {
    let mut flow = dtls();
    flow.verdict.summary = "=cmd|' /C calc'!A0,\"\r\n\x1b[2J".to_owned();
    let text = written(&mut Csv::default(), &[Event::Flow(Box::new(flow))], false);
    assert!(text.contains(",\"'=cmd|' /C calc'!A0,\"\"\\r\\n\\x1b[2J\","), "{text}");
    for row in written(&mut Csv::default(), &every_kind(), false).split_terminator("\r\n") {
        assert!(!row.contains(|c: char| c.is_control() || c == '\u{202e}'), "{row:?}");
    }
}
