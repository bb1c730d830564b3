use std::net::IpAddr;

use super::packet::Unreachable;
use super::peek::Peek;
use super::*;
use crate::config::Watch;
use crate::frame::{FrameRef, LinkType};
use crate::identify::Transport;

/// An IPv4 packet: header, then `payload`.
fn ipv4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let total = u16::try_from(20 + payload.len()).unwrap().to_be_bytes();
    let mut packet = vec![
        0x45, 0, total[0], total[1], 0, 7, 0x40, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
    ];
    packet.extend(payload);
    packet
}

/// An IPv6 packet.
fn ipv6(next: u8, payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(payload.len()).unwrap().to_be_bytes();
    let mut packet = vec![0x60, 0, 0, 0, len[0], len[1], next, 64];
    packet.extend([[0xfd; 16], [0xfe; 16]].concat());
    packet.extend(payload);
    packet
}

fn udp(src: u16, dst: u16, payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(8 + payload.len()).unwrap();
    let mut datagram: Vec<u8> = [src, dst, len, 0].into_iter().flat_map(u16::to_be_bytes).collect();
    datagram.extend(payload);
    datagram
}

fn tcp(src: u16, dst: u16, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut segment: Vec<u8> = [src, dst].into_iter().flat_map(u16::to_be_bytes).collect();
    segment.extend([0, 0, 0, 9, 0, 0, 0, 3, 0x50, flags, 1, 0, 0, 0, 0, 0]);
    segment.extend(payload);
    segment
}

fn ethernet(ethertype: u16, payload: &[u8]) -> Vec<u8> {
    [&[2; 12], &ethertype.to_be_bytes()[..], payload].concat()
}

fn frame(link: u16, bytes: &[u8]) -> Frame<'_> {
    let wire_len = u32::try_from(bytes.len()).unwrap();
    Frame { at: FrameRef::default(), link: LinkType(link), wire_len, bytes }
}

/// Source port, destination port, payload.
type Found = (u16, u16, Vec<u8>);

/// What the decoder finds: packets as (source port, destination port, payload), stops by name.
fn found(frame: &Frame<'_>) -> (Vec<Found>, Vec<&'static str>) {
    let (mut packets, mut stops) = (Vec::new(), Vec::new());
    decode(frame, &Limits::default(), &mut |decoded| match decoded {
        Decoded::Stop(stop) => stops.push(stop.event),
        Decoded::Packet(packet) => {
            let payload = match packet.body {
                Body::Tcp(_, payload) | Body::Udp(_, payload) => payload.bytes.to_vec(),
                Body::Icmp(_) => Vec::new(),
            };
            packets.push((packet.src.port, packet.dst.port, payload));
        }
    });
    (packets, stops)
}

#[test]
fn every_link_type_leads_to_the_datagram() {
    let v4 = ipv4(17, &udp(5000, 3243, b"hello"));
    let v6 = ipv6(17, &udp(5000, 3243, b"hello"));
    let sll = |arphrd: u16, ethertype: u16, packet: &[u8]| {
        [&[0, 0], &arphrd.to_be_bytes()[..], &[0, 6], &[2; 8], &ethertype.to_be_bytes(), packet]
            .concat()
    };
    let sll2 = |ethertype: u16, packet: &[u8]| {
        [&ethertype.to_be_bytes()[..], &[0, 0, 0, 0, 0, 2, 0, 1, 0, 6], &[2; 8], packet].concat()
    };
    let cases: [(u16, Vec<u8>); 14] = [
        (1, ethernet(0x0800, &v4)),
        (1, ethernet(0x86dd, &v6)),
        (1, ethernet(0x8100, &[&[0, 5, 0x08, 0x00], &v4[..]].concat())),
        (1, ethernet(0x88a8, &[&[0, 5, 0x81, 0x00, 0, 6, 0x86, 0xdd], &v6[..]].concat())),
        (113, sll(1, 0x0800, &v4)),
        (276, sll2(0x86dd, &v6)),
        (0, [&[2, 0, 0, 0], &v4[..]].concat()),
        (0, [&[0, 0, 0, 30], &v6[..]].concat()),
        (108, [&[0, 0, 0, 2], &v4[..]].concat()),
        (101, v4.clone()),
        (101, v6.clone()),
        (228, v4.clone()),
        (229, v6.clone()),
        (12, v4.clone()),
    ];
    for (link, bytes) in cases {
        let expected = (vec![(5000, 3243, b"hello".to_vec())], vec![]);
        assert_eq!(found(&frame(link, &bytes)), expected, "link type {link}");
        assert!(Peek::new(&Watch::default()).is_candidate(&frame(link, &bytes)));
    }
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
    let stop = |link: u16, bytes: &[u8]| found(&frame(link, bytes)).1;
    assert_eq!(stop(1, &[0; 13]), ["ethernet.header_too_short"]);
    assert_eq!(stop(228, &[0x45, 0, 0]), ["ipv4.header_malformed"]);
    assert_eq!(stop(228, &[0x95; 40]), ["ip.version_unknown"]);
    assert_eq!(stop(228, &ipv4(6, &[0; 8])), ["tcp.header_too_short"]);
    assert_eq!(stop(228, &ipv4(17, &udp(1, 3243, b"")[..6])), ["udp.header_too_short"]);
    assert_eq!(stop(147, &[0; 60]), ["link_type_not_supported"]);
    let tags = [0, 5, 0x81, 0].repeat(40);
    assert_eq!(stop(1, &ethernet(0x8100, &tags)), ["too_many_layers"]);
    let mut offset = None;
    decode(&frame(1, &ethernet(0x0800, &[0x45])), &Limits::default(), &mut |decoded| {
        if let Decoded::Stop(stop) = decoded {
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
        assert!(stops.is_empty(), "cut to {len}: {stops:?}");
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
