//! Which packets make a flow, and which are counted: copies, datagrams that look alike, handshakes in any order.

mod support;

use portstory_core::{
    Config, Event, FlowEvent, FrameRef, LinkType, SourceId, Status, Timestamp, Verdict,
};
use portstory_testkit::packets;
use support::OwnedFrame;

/// The flows of each of a fixture's captures.
fn flows(case: &str) -> Vec<FlowEvent> {
    let case = support::cases().into_iter().find(|other| other.name == case).unwrap();
    let events = case
        .captures
        .into_iter()
        .flat_map(|capture| support::classify(&support::frames(&[capture]), &Config::default()));
    let flows = events.filter_map(|event| match event {
        Event::Flow(flow) => Some(*flow),
        Event::Verdict(_) | Event::Endpoint(_) | Event::Anomaly(_) => None,
    });
    flows.collect()
}

/// Packets and copies of each flow of a fixture, by the client's port.
fn counted(case: &str) -> Vec<(u16, [u64; 2], u64)> {
    let flows = flows(case).into_iter();
    let mut counted: Vec<_> = flows
        .map(|flow| {
            let packets = [flow.to_server.packets, flow.to_client.packets];
            (flow.client.port, packets, flow.verdict.visibility.duplicates)
        })
        .collect();
    counted.sort_unstable();
    counted
}

#[test]
fn copies_count_once() {
    // By TCP's numbers, and its bare acknowledgments by the company they are in.
    assert_eq!(counted("span-duplicates"), [(50_443, [12, 12], 24)]);
    // By the way they came. The same answer is sent five times, and counts five times.
    let expected = [(40_001, [5, 5], 10), (40_002, [5, 5], 10), (40_003, [6, 3], 9)];
    assert_eq!(counted("copies"), expected);
}

#[test]
fn what_is_sent_counts_however_alike_it_is() {
    let expected = [(51_820, [40, 0], 0), (51_820, [40, 0], 0), (51_821, [20, 20], 0)];
    assert_eq!(counted("equal-datagrams"), expected);
}

/// Whoever knows how copies are told from others must not be able to pass datagrams off as copies, which nobody
/// looks at: here by words that make a digest forget what stood before them, if its key is none.
#[test]
fn datagrams_made_to_look_like_copies_count() {
    for chosen in [0x1319_8a2e_0370_7345_u64, 0xf03c_262b_8132_db0b] {
        let frames: Vec<OwnedFrame> =
            (1..=20_u8).map(|number| made_alike(number, chosen)).collect();
        let config = Config { hash_seed: 0x7fa1_0c95_33e2_b6d4, ..Config::default() };
        let events = support::classify(&frames, &config);
        let flow = events.iter().find_map(|event| match event {
            Event::Flow(flow) => Some(flow),
            Event::Verdict(_) | Event::Endpoint(_) | Event::Anomaly(_) => None,
        });
        let flow = flow.unwrap();
        assert_eq!((flow.to_server.packets, flow.verdict.visibility.duplicates), (20, 0));
    }
}

/// A datagram whose identification and first bytes are its own, and the rest that of all.
fn made_alike(number: u8, chosen: u64) -> OwnedFrame {
    // Behind the UDP header the second step of 16 bytes begins with the chosen word.
    let payload = [&[number; 8][..], &chosen.to_le_bytes(), &[b'z'; 24]].concat();
    let mut bytes = packets::udp(([10, 0, 0, 5], 40_000), ([10, 0, 0, 9], 3243), &payload);
    bytes[4..6].copy_from_slice(&[number; 2]);
    let nanos = 1_700_000_000_000_000_000 + i64::from(number) * 100_000;
    OwnedFrame {
        at: FrameRef {
            time: Timestamp::from_nanos(nanos),
            source: SourceId(0),
            number: number.into(),
        },
        link: LinkType(101),
        wire_len: u32::try_from(bytes.len()).unwrap(),
        bytes,
    }
}

#[test]
fn one_connection_is_one_flow_in_whatever_order_it_was_captured() {
    let expected = [
        (41_001, [5, 3], 0),
        (41_002, [5, 3], 0),
        (41_003, [5, 4], 0),
        (41_004, [5, 5], 0),
        (41_005, [7, 3], 0),
        (41_006, [1, 1], 0),
        (41_007, [5, 3], 0),
        (41_007, [5, 3], 0),
    ];
    assert_eq!(counted("handshake-order"), expected);
    for flow in flows("handshake-order") {
        let Verdict { status, protocols, visibility, .. } = &flow.verdict;
        assert_eq!(flow.server.port, 3243);
        if flow.client.port == 41_006 {
            assert_eq!(*status, Status::Refused);
        } else {
            assert_eq!((*status, &**protocols), (Status::Identified, &["ssh".into()][..]));
            assert!(visibility.handshake, "{}", flow.client);
        }
    }
}

#[test]
fn a_mirror_whose_keys_name_direction_or_port_shows_one_connection() {
    assert_eq!(counted("gre-mirror-keys"), [(50_022, [4, 2], 0), (50_022, [4, 2], 0)]);
    assert!(flows("gre-mirror-keys").iter().all(|flow| flow.verdict.visibility.handshake));
}

#[test]
fn what_is_not_opened_is_counted_by_number_and_name() {
    let case = support::cases().into_iter().find(|case| case.name == "tunnel-unopened").unwrap();
    let events = support::classify(&support::frames(&case.captures), &Config::default());
    let mut told: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::Anomaly(one) => Some((one.name().into_owned(), one.unopened()?, one.count)),
            Event::Flow(_) | Event::Verdict(_) | Event::Endpoint(_) => None,
        })
        .collect();
    told.sort_unstable();
    let expected = [
        ("not_opened.ethertype_0x8137_ipx", "EtherType 0x8137 (IPX)", 1),
        ("not_opened.ethertype_0x88e5_macsec_encrypted", "EtherType 0x88e5 (MACsec, encrypted)", 1),
        ("not_opened.ethertype_0xbeef", "EtherType 0xbeef", 2),
        ("not_opened.ip_protocol_253", "IP protocol 253", 1),
        ("not_opened.ip_protocol_50_esp", "IP protocol 50 (ESP)", 1),
        ("not_opened.udp_port_1194_openvpn", "UDP port 1194 (OpenVPN)", 1),
        ("not_opened.udp_port_4500_ipsec_nat_traversal", "UDP port 4500 (IPsec NAT traversal)", 1),
    ];
    assert_eq!(told, expected.map(|(name, title, count)| (name.into(), title.into(), count)));
}

/// Strangers may send every EtherType there is: what is wrong with a packet is told all the same, and the rest is
/// counted.
#[test]
fn numbers_nobody_uses_hide_nothing() {
    let frame = |number: u16, ethertype: u16, inside: &[u8]| {
        let nanos = 1_700_000_000_000_000_000 + i64::from(number);
        let bytes = [&[2; 12][..], &ethertype.to_be_bytes(), inside].concat();
        OwnedFrame {
            at: FrameRef {
                time: Timestamp::from_nanos(nanos),
                source: SourceId(0),
                number: number.into(),
            },
            link: LinkType(1),
            wire_len: u32::try_from(bytes.len()).unwrap(),
            bytes,
        }
    };
    let mut frames: Vec<OwnedFrame> =
        (0..1000).map(|number| frame(number, 0xa100 + number, &[0; 46])).collect();
    frames.push(frame(1000, 0x0800, &[0x45]));
    let (events, left_out) = support::classify_counting(&frames, &Config::default());
    let told: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::Anomaly(anomaly) => Some(anomaly.name()),
            Event::Flow(_) | Event::Verdict(_) | Event::Endpoint(_) => None,
        })
        .collect();
    let unopened = told.iter().filter(|name| name.starts_with("not_opened.ethertype_0xa1")).count();
    assert_eq!((told.len(), unopened, left_out.anomalies), (65, 64, 936), "{told:?}");
    assert!(told.iter().any(|name| name.starts_with("ipv4.")), "{told:?}");
}
