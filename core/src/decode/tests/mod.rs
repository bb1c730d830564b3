//! What several layers have to do with, and what the tests of link types and tunnels share.

mod reassembly;
pub(super) mod support;

use std::net::IpAddr;

use super::packet::Unreachable;
use super::peek::Peek;
use super::*;
use crate::net::Transport;
use crate::watch::Watch;
use support::{NOTHING, ethernet, found, frame, ipv4, ipv6, opens, path, stops, tcp, udp, v4, v6};

#[test]
fn vlan_tags_are_told() {
    let once = ethernet(0x8100, &[&[0x20, 5, 0x08, 0x00], &v4()[..]].concat());
    opens(1, &once);
    assert_eq!(path(1, &once), (vec![5], vec![]));
    let twice = ethernet(0x88a8, &[&[0, 5, 0x81, 0, 0, 6, 0x86, 0xdd], &v6()[..]].concat());
    opens(1, &twice);
    assert_eq!(path(1, &twice), (vec![5, 6], vec![]));
}

#[test]
fn padding_is_no_payload() {
    let mut bytes = ethernet(0x0800, &ipv4(17, &udp(5000, 3243, b"hi")));
    bytes.resize(60, 0);
    assert_eq!(found(&frame(1, &bytes)).0, [(5000, 3243, b"hi".to_vec())]);
}

#[test]
fn a_total_length_of_zero_means_as_much_as_there_is() {
    let mut packet = ipv4(6, &tcp(5000, 3243, 0x18, &[7; 3000]));
    packet[2..4].fill(0);
    let (packets, stops) = found(&frame(1, &ethernet(0x0800, &packet)));
    assert_eq!((packets[0].2.len(), stops.len()), (3000, 0));
}

#[test]
fn extension_headers_are_passed() {
    // Hop-by-hop options, then destination options, then UDP.
    let options = [[60, 0, 1, 4, 0, 0, 0, 0], [17, 0, 1, 4, 0, 0, 0, 0]].concat();
    let packet = ipv6(0, &[options, udp(5000, 3243, b"x")].concat());
    assert_eq!(found(&frame(229, &packet)).0, [(5000, 3243, b"x".to_vec())]);
}

#[test]
fn icmp_errors_tell_the_flow_that_they_quote() {
    let quoted = ipv4(17, &udp(40000, 3243, b"probe"));
    let unreachable = [&[3, 3, 0, 0, 0, 0, 0, 0], &quoted[..28]].concat();
    let v4 = ipv4(1, &unreachable);
    let quoted = ipv6(17, &udp(40000, 3243, b"probe"));
    let v6 = ipv6(58, &[&[1, 4, 0, 0, 0, 0, 0, 0], &quoted[..48]].concat());
    for (link, bytes) in [(228, v4), (229, v6)] {
        let mut errors = Vec::new();
        decode(&frame(link, &bytes), &Limits::default(), &mut |decoded| {
            if let Decoded::Packet(Packet {
                transport, src, dst, body: Body::Icmp(error), ..
            }) = decoded
            {
                errors.push((transport, src.port, dst.port, error.kind));
            }
        });
        assert_eq!(errors, [(Transport::Udp, 40000, 3243, Unreachable::Port)]);
    }
    // An echo request quotes nothing.
    assert_eq!(found(&frame(228, &ipv4(1, &[8, 0, 0, 0, 0, 1, 0, 1]))), (vec![], vec![]));
}

#[test]
fn what_stops_decoding_is_named_with_its_place() {
    assert_eq!(stops(1, &[0; 13]), ["ethernet.header_too_short"]);
    assert_eq!(stops(228, &[0x45, 0, 0]), ["ipv4.header_malformed"]);
    assert_eq!(stops(228, &[0x95; 40]), ["ip.version_unknown"]);
    assert_eq!(stops(228, &ipv4(6, &[0; 8])), ["tcp.header_too_short"]);
    assert_eq!(stops(228, &ipv4(17, &udp(1, 3243, b"")[..6])), ["udp.header_too_short"]);
    let tags = [0, 5, 0x81, 0].repeat(40);
    assert_eq!(stops(1, &ethernet(0x8100, &tags)), ["too_many_layers"]);
    let mut offset = None;
    decode(&frame(1, &ethernet(0x0800, &[0x45])), &Limits::default(), &mut |decoded| {
        if let Decoded::Anomaly(_, stop) = decoded {
            offset = Some((stop.layer, stop.offset));
        }
    });
    assert_eq!(offset, Some((Layer::Network, 14)));
}

#[test]
fn what_the_snap_length_cut_is_no_anomaly() {
    let bytes = ethernet(0x0800, &ipv4(17, &udp(5000, 3243, b"a longer payload")));
    let wire_len = u32::try_from(bytes.len()).unwrap();
    for len in 0..bytes.len() {
        let cut = Frame { bytes: &bytes[..len], wire_len, ..frame(1, &[]) };
        let (packets, stops) = found(&cut);
        assert_eq!(stops, NOTHING, "cut to {len}");
        assert_eq!(packets.len(), usize::from(len >= 14 + 20 + 8), "cut to {len}");
    }
}

#[test]
fn a_cut_payload_keeps_its_length_on_the_wire() {
    let bytes = ethernet(0x0800, &ipv4(6, &tcp(5000, 3243, 0x18, &[1; 500])));
    let cut = Frame { bytes: &bytes[..96], wire_len: 554, ..frame(1, &[]) };
    let mut lens = None;
    decode(&cut, &Limits::default(), &mut |decoded| {
        if let Decoded::Packet(Packet { body: Body::Tcp(_, payload), src, .. }) = decoded {
            lens = Some((src.addr, payload.bytes.len(), payload.wire_len));
        }
    });
    assert_eq!(lens, Some((IpAddr::from([10, 0, 0, 1]), 42, 500)));
}

#[test]
fn peek_says_no_to_what_is_plainly_elsewhere() {
    let peek = Peek::new(&Watch::default());
    let candidate = |bytes: &[u8]| peek.is_candidate(&frame(1, bytes));
    assert!(!candidate(&ethernet(0x0800, &ipv4(6, &tcp(50000, 443, 0x18, b"x")))));
    assert!(!candidate(&ethernet(0x86dd, &ipv6(17, &udp(50000, 53, b"x")))));
    assert!(!candidate(&ethernet(0x0806, &[0; 46])));
    // A companion's port, the range on UDP only, and whatever is not plain.
    assert!(candidate(&ethernet(0x0800, &ipv4(6, &tcp(50000, 1494, 0x18, b"x")))));
    assert!(candidate(&ethernet(0x0800, &ipv4(17, &udp(3300, 53, b"x")))));
    assert!(!candidate(&ethernet(0x0800, &ipv4(6, &tcp(3300, 53, 0x18, b"x")))));
    assert!(candidate(&ethernet(0x0800, &ipv4(1, &[3; 8]))));
    let mut fragment = ipv4(17, &udp(50000, 53, b"x"));
    fragment[6] = 0x20;
    assert!(candidate(&ethernet(0x0800, &fragment)));
}
