//! The table for people.

use portstory::internal::output::{Look, RunSummary, Text};
use portstory_core::event::{Concern, Concerns};
use portstory_core::{Event, FlowEvent, Label, Layer, Notable, Status};

use crate::samples::{
    anomaly, at, dtls, endpoint, every_kind, limited, refused, socket, unknown, written,
    written_with,
};

fn flow(flow: FlowEvent) -> Event {
    Event::Flow(Box::new(flow))
}

fn text(width: usize, events: &[Event], live: bool) -> String {
    written(&mut Text::new(Look { width, colour: false }), events, live)
}

fn ipv6() -> FlowEvent {
    FlowEvent {
        client: socket("[2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff]:50123"),
        server: socket("[2001:db8:1111:2222:3333:4444:5555:6666]:3243"),
        ..dtls()
    }
}

fn assert_fits(text: &str, width: usize) {
    for line in text.lines() {
        let is_filter = line.contains(".port==");
        assert!(is_filter || line.chars().count() <= width, "{} columns: {line}", line.len());
    }
}

#[test]
fn a_run_reads_like_this() {
    let mut events = vec![flow(unknown()), flow(dtls())];
    events.extend((0..5000).map(|number| flow(refused(number))));
    events.push(Event::Endpoint(Box::new(endpoint())));
    events.push(Event::Anomaly(anomaly(Layer::Network)));
    let got = text(120, &events, false);
    let expected = include_str!("../data/text.txt");
    assert_eq!(got, expected, "\n{got}");
}

#[test]
fn ipv6_live_in_110_columns_reads_like_this() {
    let mut next_day = unknown();
    next_day.start = at(86_400_000);
    let mut events = vec![flow(ipv6()), flow(unknown())];
    events.extend((0..500).map(|number| flow(refused(number))));
    events.push(flow(next_day));
    let got = text(110, &events, true);
    let expected = include_str!("../data/text-live.txt");
    assert_eq!(got, expected, "\n{got}");
}

#[test]
fn lines_fit_the_terminal() {
    let mut events = vec![flow(ipv6()), flow(unknown()), flow(dtls())];
    events.extend(every_kind());
    for width in [80, 100, 120, 200] {
        for live in [false, true] {
            assert_fits(&text(width, &events, live), width);
        }
    }
}

/// The first lines of the rows.
fn rows(text: &str) -> Vec<&str> {
    let table = text.lines().take_while(|line| !line.is_empty());
    table.filter(|line| line.starts_with(|c: char| c.is_ascii_digit())).collect()
}

#[test]
fn columns_are_aligned_also_for_ipv6() {
    for width in [100, 120] {
        let got = text(width, &[flow(ipv6()), flow(unknown()), flow(dtls())], false);
        let heading = got.lines().next().unwrap();
        let column = |name: &str| heading.find(name).unwrap();
        let rows = rows(&got);
        assert_eq!(rows.len(), 3);
        for (number, row) in (1..).zip(rows) {
            assert!(row.starts_with(&format!("{number}  13:00:0")), "{got}");
            assert!(
                Label::ALL.iter().any(|label| row[column("LABEL")..].starts_with(label.name()))
            );
            assert!(["10.0", "192.", "[200"].contains(&&row[column("CLIENT")..][..4]), "{got}");
            assert_eq!(row[column("SENT")..].trim_end(), "9 pkt 2.2 kB", "{got}");
        }
        assert!(got.contains("[2001:db8:1111:2222:3333:4444:5555:6666]:3243/udp"));
    }
}

#[test]
fn a_wide_terminal_has_the_reason_in_the_row() {
    let got = text(200, &[flow(dtls())], false);
    assert!(got.lines().next().unwrap().ends_with("WHY"));
    assert!(got.lines().nth(1).unwrap().ends_with("both sides; notable: unexpected_service"));
}

#[test]
fn flows_that_look_alike_are_counted_not_listed() {
    let scan: Vec<_> = (0..5000).map(|number| flow(refused(number))).collect();
    let got = text(120, &scan, false);
    assert!(got.contains("x 4,999 more like this from 203.0.113.9: 9,998 pkt 599 kB"), "{got}");
    assert!(got.lines().count() < 15, "{got}");

    // Many clients of one service.
    let clients = (0..50).map(|client| FlowEvent {
        client: socket(&format!("10.1.0.{client}:50000")),
        flow_id: client,
        start: at(i64::try_from(client).unwrap()),
        ..dtls()
    });
    let got = text(120, &clients.map(flow).collect::<Vec<_>>(), false);
    assert!(got.contains("x 47 more like this to 10.0.0.9:3243/udp"), "{got}");

    // Live, where rows are out before the others come.
    let got = text(120, &scan, true);
    assert!(got.contains("x 4,999 more other (refused) from 203.0.113.9"), "{got}");
}

#[test]
fn what_is_notable_is_not_folded_away() {
    let mut events: Vec<_> = (0..100).map(|number| flow(refused(number))).collect();
    let mut odd = refused(100);
    odd.verdict.notables = vec![Notable::Periodic];
    odd.server = socket("10.9.9.9:3243");
    events.push(flow(odd));
    assert!(text(120, &events, false).contains("10.9.9.9:3243/tcp"));
}

#[test]
fn more_rows_than_are_kept_are_all_printed() {
    let all: Vec<_> = (0..5000u16)
        .map(|number| {
            let mut flow = refused(number);
            flow.client = socket(&format!("172.16.{}.{}:50000", number / 256, number % 256));
            Event::Flow(Box::new(flow))
        })
        .collect();
    let got = text(120, &all, false);
    let numbers = rows(&got).into_iter().filter_map(|row| row.split("  ").next());
    let numbers: Vec<String> = numbers.map(|number| number.replace(',', "")).collect();
    // The day stands above the first.
    assert_eq!(numbers[0], "2026-11-22");
    assert!(
        numbers[1..]
            .iter()
            .eq((1..=5000).map(|number| number.to_string()).collect::<Vec<_>>().iter())
    );
    assert_fits(&got, 120);
}

#[test]
fn flows_are_sorted_by_their_start() {
    let got = text(120, &[flow(unknown()), flow(dtls())], false);
    assert!(got.find("10.0.0.9").unwrap() < got.find("192.168.10.7").unwrap());
}

#[test]
fn a_start_has_its_day_where_the_capture_has_several() {
    let mut summary =
        RunSummary { first: Some(at(0)), last: Some(at(7_980_000)), ..RunSummary::default() };
    let mut table = |last: i64, width: usize| {
        summary.last = Some(at(last));
        let look = Look { width, colour: false };
        written_with(&mut Text::new(look), &[flow(unknown())], false, &summary)
    };
    assert!(table(7_980_000, 200).contains("\n1  13:00:02   timelot-unknown "));
    assert!(table(86_400_000, 200).contains("\n1  2026-11-22 13:00:02  timelot-unknown "));
    let narrow = table(86_400_000, 80);
    assert!(
        narrow.contains("\n1  2026-11-22  timelot-unknown ") && narrow.contains("\n   13:00:02 ")
    );
}

#[test]
fn the_index_says_which_flow_has_which_number() {
    let mut flows = vec![unknown(), dtls()];
    flows.extend((0..50).map(refused));
    let mut table = Text::indexed(Look::default());
    let events: Vec<_> = flows.into_iter().map(flow).collect();
    let got = written(&mut table, &events, false);
    assert_eq!(rows(&got).len(), table.index().len());
    for (row, id) in rows(&got).into_iter().zip(table.index()) {
        let client = match id {
            4711 => "10.0.0.5:50123",
            4712 => "192.168.10.20:49822",
            _ => "203.0.113.9:40000",
        };
        assert!(row.contains(client), "{id}: {row}");
    }
}

#[test]
fn the_worst_endpoints_come_first() {
    let one = |concern: Option<Concern>, port: u16, status: Status| {
        let mut one = endpoint();
        one.socket.port = port;
        one.label = Label::Other;
        one.flows = u64::from(port);
        one.concerns = concern.into_iter().collect();
        one.by_status = Status::ALL.map(|other| u64::from(other == status));
        Event::Endpoint(Box::new(one))
    };
    // The more flows, the lower they stand here.
    let mut events = vec![
        one(None, 14, Status::NoPayload),
        one(None, 13, Status::Attempted),
        one(None, 12, Status::Identified),
    ];
    let concerns = Concern::ALL.into_iter().zip(1..);
    events.extend(concerns.map(|(concern, port)| one(Some(concern), port, Status::Unidentified)));
    let got = text(120, &events, false);
    let places: Vec<_> = (1..=14)
        .map(|port| got.find(&format!("other             192.168.10.7:{port}/tcp")).unwrap())
        .collect();
    assert!(places.is_sorted(), "{got}");

    let one = |_, port, status| one(None, port, status);
    events.extend((0..3000).map(|port| one(Label::Other, 1000 + port, Status::NoPayload)));
    events.extend((0..50).map(|port| one(Label::Other, 5000 + port, Status::Refused)));
    let got = text(120, &events, false);
    assert!(got.contains("connection attempts only: 50 endpoints"), "{got}");
    assert!(got.contains("and 2,994 more endpoints (2,994 other): see --format eve"), "{got}");
}

#[test]
fn what_needs_attention_leads_the_rows_and_is_named_in_the_summary() {
    let mut shell = unknown();
    shell.flow_id = 1;
    shell.start = at(60_000);
    shell.server = socket("10.7.7.7:3243");
    shell.verdict.notables = vec![Notable::TextShell];
    let service = |flow: &FlowEvent, concern: Concern| {
        let mut one = endpoint();
        one.socket = flow.server;
        one.concerns = Concerns::from_iter([concern]);
        Event::Endpoint(Box::new(one))
    };
    let mut events = vec![flow(dtls()), flow(unknown()), flow(shell.clone())];
    events.push(service(&unknown(), Concern::Beacon));
    events.push(service(&shell, Concern::Shell));
    for count in 0..3 {
        let mut ordinary = endpoint();
        ordinary.socket.port = 1000 + count;
        ordinary.concerns = Concerns::from_iter([Concern::UnexpectedService]);
        events.push(Event::Endpoint(Box::new(ordinary)));
    }
    for width in [80, 120] {
        let got = text(width, &events, false);
        let at = |part: &str| got.find(part).unwrap_or_else(|| panic!("{part}\n{got}"));
        let rows =
            ["10.7.7.7:3243/tcp", "192.168.10.7:3243/tcp", "OTHERS, in order", "10.0.0.9:3243/udp"];
        assert!(rows.map(at).is_sorted(), "{got}");
        let summary = &got[at("\nSUMMARY")..];
        assert!(summary.contains("Attention  2 of 5 services, the worst first:"), "{got}");
        let named = ["10.7.7.7:3243/tcp  text shell;", "192.168.10.7:3243/tcp  possible beacon;"];
        assert!(named.map(|part| summary.find(part).unwrap()).is_sorted(), "{got}");
        assert!(summary.contains("start with 10.7.7.7:3243/tcp (text shell)"), "{got}");
    }
}

#[test]
fn a_run_that_found_nothing_says_what_was_watched() {
    let summary = RunSummary { frames: 1234, bytes: 99_000, ..RunSummary::default() };
    let plain = |summary| written_with(&mut Text::new(Look::default()), &[], false, summary);
    let got = plain(&summary);
    assert!(
        got.contains(
            "no flow in range: none of 1,234 frames belongs to a flow on TCP and UDP 3243, and \
             UDP 3224-3324"
        ),
        "{got}"
    );
    assert!(plain(&RunSummary::default()).contains("the capture contains no frames"));
}

#[test]
fn limits_that_were_reached_are_told_with_what_makes_room() {
    let look = Look { width: 1000, colour: false };
    let got = written_with(&mut Text::new(look), &[], false, &limited());
    for line in [
        "Limit      1,234 flows of services first seen after the table of services was full",
        "Limit      2 flows judged without all other flows of their hosts",
        "Limit      3 flows ended early (reason forced)",
        "Limit      1 packet in fragments given up early",
        "Limit      5 frames with kinds of anomaly that are not told\n",
        "Limit      7 notices beyond the first 256",
    ] {
        assert!(got.contains(&format!("\n{line}")), "{line}\n{got}");
    }
    assert_eq!(got.matches("; a larger --memory-max makes room\n").count(), 4);
}

#[test]
fn losses_skipped_files_and_notices_are_told() {
    let mut text = Vec::new();
    let sources = [portstory::internal::capture::SourceInfo {
        name: "eth\x1b0".to_owned(),
        dropped: 12,
        dropped_by_interface: 3,
        ..Default::default()
    }];
    let context = portstory::internal::output::Context { sources: &sources, live: true };
    let summary = RunSummary {
        skipped: (0..7).map(|number| format!("notes{number}.txt")).collect(),
        notices: vec!["the snap length of 96 bytes cut most packets".to_owned()],
        ..RunSummary::default()
    };
    portstory::internal::output::EventWriter::finish(
        &mut Text::new(Look::default()),
        &mut text,
        &summary,
        &context,
    );
    let text = String::from_utf8(text).unwrap();
    for part in [
        "12 by the kernel and 3 by the interface on eth\\x1b0",
        "7 files are not captures: notes0.txt, notes1.txt, notes2.txt, notes3.txt, notes4.txt \
         and 2 more",
        "Notice     the snap length of 96 bytes",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

#[test]
fn colour_is_only_added() {
    let events = every_kind();
    let plain = text(120, &events, false);
    let mut coloured = written(&mut Text::new(Look { width: 120, colour: true }), &events, false);
    assert!(coloured.contains("\x1b[1;33mtimelot-unknown"));
    for code in ["\x1b[1;33m", "\x1b[1;35m", "\x1b[32m", "\x1b[0m"] {
        coloured = coloured.replace(code, "");
    }
    assert_eq!(coloured, plain);
}

#[test]
fn nothing_that_strangers_wrote_reaches_the_terminal_as_it_is() {
    for live in [false, true] {
        let got = text(120, &every_kind(), live);
        assert!(!got.contains(|c: char| (c.is_control() && c != '\n') || c == '\u{202e}'));
        assert!(got.contains("\\u{202e}"));
    }
}

#[test]
fn the_process_of_this_machines_end_stands_in_the_row() {
    let owned = FlowEvent { process: Some(crate::samples::owner().into()), ..dtls() };
    let got = text(500, &[flow(owned)], true);
    let said = "here: evil\\u{202e}\\x1b[2J[4242] of root in docker 0123456789ab, executable \
                /opt/\\u{202e}x (deleted), which is not its name (calls itself x), parent =sh\\x1b[2J[17]";
    assert!(got.contains(said), "{got}");
    assert!(!got.contains('\x1b'), "{got}");
}
