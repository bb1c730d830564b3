use std::time::Duration;

use super::support::{Found, NOTHING, ethernet, found_in, frame, ipv4, ipv6, opens, tcp, udp, v4};
use crate::config::Config;
use crate::decode::reassembly::Reassembly;
use crate::decode::*;
use crate::time::Timestamp;

/// A datagram that is cut up in these tests.
fn datagram() -> Vec<u8> {
    udp(5000, 3243, b"a payload of forty octets, and no less..")
}

/// A fragment: identification, offset in bytes, whether there are more, bytes.
fn piece4(id: u8, offset: usize, more: bool, bytes: &[u8]) -> Vec<u8> {
    let mut packet = ipv4(17, bytes);
    packet[5] = id;
    let field = u16::try_from(offset / 8).unwrap() | if more { 0x2000 } else { 0 };
    packet[6..8].copy_from_slice(&field.to_be_bytes());
    packet
}

fn piece6(id: u8, next: u8, offset: usize, more: bool, bytes: &[u8]) -> Vec<u8> {
    let field = u16::try_from(offset).unwrap() | u16::from(more);
    let [a, b] = field.to_be_bytes();
    ipv6(44, &[&[next, 0, a, b, 0, 0, 0, id], bytes].concat())
}

/// `datagram` cut behind these bytes.
fn cut_up(datagram: &[u8], id: u8, cuts: &[usize]) -> Vec<Vec<u8>> {
    let mut ends = cuts.to_vec();
    ends.push(datagram.len());
    let mut start = 0;
    ends.iter()
        .map(|&end| {
            let piece = piece4(id, start, end < datagram.len(), &datagram[start..end]);
            start = end;
            piece
        })
        .collect()
}

fn found(packets: &[Vec<u8>]) -> (Vec<Found>, Vec<&'static str>) {
    let frames: Vec<_> = packets.iter().map(|packet| frame(101, packet)).collect();
    found_in(&frames)
}

fn whole() -> (Vec<Found>, Vec<&'static str>) {
    (vec![(5000, 3243, datagram()[8..].to_vec())], vec![])
}

#[test]
fn fragments_make_a_packet_in_any_order() {
    let pieces = cut_up(&datagram(), 1, &[8, 24, 40]);
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2], [3, 0, 1, 2]] {
        let shuffled: Vec<_> = order.iter().map(|&at| pieces[at].clone()).collect();
        assert_eq!(found(&shuffled), whole(), "{order:?}");
    }
}

#[test]
fn ipv6_fragments_make_a_packet() {
    let datagram = datagram();
    let pieces = [
        piece6(1, 17, 24, false, &datagram[24..]),
        // Only the first one's next header counts (RFC 8200 section 4.5).
        piece6(1, 17, 0, true, &datagram[..24]),
    ];
    assert_eq!(found(&pieces), whole());
    // Destination options behind the Fragment header.
    let with_options = [&[17, 0, 1, 4, 0, 0, 0, 0], &datagram[..]].concat();
    let pieces = [
        piece6(1, 60, 0, true, &with_options[..16]),
        piece6(1, 60, 16, false, &with_options[16..]),
    ];
    assert_eq!(found(&pieces), whole());
    // A Fragment header around a whole packet (RFC 6946).
    assert_eq!(found(&[piece6(1, 17, 0, false, &datagram)]), whole());
}

#[test]
fn interleaved_packets_stay_apart() {
    let (one, other) = (cut_up(&datagram(), 1, &[16]), cut_up(&datagram(), 2, &[24]));
    let mixed = [&one[0], &other[1], &one[1], &other[0]].map(Clone::clone);
    let (packets, stops) = found(&mixed);
    assert_eq!((packets.len(), stops.len()), (2, 0));
    assert!(packets.iter().all(|packet| *packet == whole().0[0]));
}

#[test]
fn a_first_fragment_names_the_ports_when_the_rest_never_comes() {
    let pieces = cut_up(&datagram(), 1, &[24, 40]);
    let (packets, stops) = found(&[pieces[2].clone(), pieces[0].clone()]);
    assert_eq!(packets, [(5000, 3243, datagram()[8..24].to_vec())]);
    assert_eq!(stops, ["fragments_missing"]);
    // Without the first one nothing can be said.
    assert_eq!(found(&pieces[1..]), (vec![], vec!["fragments_missing"]));
}

#[test]
fn an_incomplete_packet_keeps_its_length_on_the_wire() {
    let config = Config::default();
    let pieces = cut_up(&datagram(), 1, &[24]);
    let mut reassembly = Reassembly::default();
    let mut lens = None;
    let mut note = |decoded: Decoded<'_>, _: &[FrameRef]| {
        if let Decoded::Packet(packet) = decoded
            && let Body::Udp(_, payload) = packet.body
        {
            lens = Some((packet.wire_len, payload.wire_len, payload.bytes.len()));
        }
    };
    decode(&frame(101, &pieces[0]), &config.limits, &mut |decoded| {
        if let Decoded::Fragment(fragment) = decoded {
            reassembly.add(fragment, &config, &mut note);
        }
    });
    reassembly.finish(&mut note);
    assert_eq!(lens, Some((68, 40, 16)));
}

#[test]
fn what_was_seen_first_stays() {
    let datagram = datagram();
    let mut forged = datagram.clone();
    forged[20] = b'X';
    let pieces = [
        piece4(1, 0, true, &datagram[..24]),
        piece4(1, 16, true, &forged[16..32]),
        piece4(1, 16, false, &datagram[16..]),
    ];
    assert_eq!(found(&pieces), (whole().0, vec!["fragment_overlap"]));
    // The same bytes twice are no contradiction.
    let pieces = [
        piece4(1, 0, true, &datagram[..24]),
        piece4(1, 0, true, &datagram[..24]),
        piece4(1, 8, false, &datagram[8..]),
    ];
    assert_eq!(found(&pieces), whole());
    // Two ends: the first one stays, and what is behind it is left out.
    let pieces = [
        piece4(1, 40, false, &datagram[40..]),
        piece4(1, 40, true, &[&datagram[40..], &[7; 8]].concat()),
        piece4(1, 0, true, &datagram[..40]),
    ];
    assert_eq!(found(&pieces), whole());
}

#[test]
fn copies_of_fragments_make_no_second_packet() {
    let pieces = cut_up(&datagram(), 1, &[24]);
    let doubled: Vec<_> = pieces.iter().flat_map(|piece| [piece.clone(), piece.clone()]).collect();
    assert_eq!(found(&doubled), whole());
}

#[test]
fn an_identification_may_be_used_again() {
    let pieces = cut_up(&datagram(), 1, &[24]);
    let mut frames: Vec<_> = pieces.iter().map(|piece| frame(101, piece)).collect();
    let mut again = frames.clone();
    again.iter_mut().for_each(|frame| frame.at.time = Timestamp::from_parts(1, 0));
    frames.extend(again);
    assert_eq!(found_in(&frames).0.len(), 2);
}

#[test]
fn fragments_are_held_for_a_limited_time() {
    let pieces = cut_up(&datagram(), 1, &[24]);
    let mut frames: Vec<_> = pieces.iter().map(|piece| frame(101, piece)).collect();
    frames[1].at.time = Timestamp::from_parts(30, 0);
    assert_eq!(found_in(&frames), whole());
    frames[1].at.time = Timestamp::from_parts(31, 0);
    let (packets, stops) = found_in(&frames);
    assert_eq!(packets, [(5000, 3243, datagram()[8..24].to_vec())]);
    assert_eq!(stops, ["fragments_missing", "fragments_missing"]);
}

#[test]
fn memory_is_bounded() {
    let mut config = Config::default();
    config.limits.fragments_datagrams_max = 4;
    config.limits.fragments_bytes_max = 1000;
    config.timeouts.fragments = Duration::from_secs(3600);
    let mut reassembly = Reassembly::default();
    let (mut given_up, mut named) = (0, 0);
    for id in 0..200 {
        let piece = piece4(id, 0, true, &udp(5000, 3243, &[id; 312]));
        decode(&frame(101, &piece), &config.limits, &mut |decoded| {
            let Decoded::Fragment(fragment) = decoded else { return };
            reassembly.add(fragment, &config, &mut |decoded, _| match decoded {
                Decoded::Packet(_) => named += 1,
                Decoded::Anomaly(..) => given_up += 1,
                Decoded::Fragment(_) => {}
            });
        });
    }
    assert_eq!((given_up, named), (198, 198));
}

#[test]
fn malformed_fragments_are_named() {
    let first = piece4(1, 0, true, &datagram()[..20]);
    let ports = (5000, 3243, datagram()[8..20].to_vec());
    assert_eq!(found(&[first]), (vec![ports], vec!["fragment_length_invalid"]));
    assert_eq!(found(&[piece4(1, 0, true, &[0; 12])]).1, ["fragment_length_invalid"]);
    assert_eq!(found(&[piece4(1, 8, true, &[])]).1, ["fragment_length_invalid"]);
    assert_eq!(found(&[piece4(1, 65_528, false, &[0; 40])]).1, ["fragment_too_long"]);
}

#[test]
fn tunnels_are_opened_behind_fragments_and_fragments_in_tunnels() {
    // VXLAN whose outer packet came in two pieces, and whose inner one is a piece again.
    let inner = cut_up(&datagram(), 9, &[24]);
    let outer = |inside: &[u8], id: u8| {
        let frame = ethernet(0x0800, inside);
        let vxlan = udp(40_000, 4789, &[&[8, 0, 0, 0, 0, 0, 42, 0], &frame[..]].concat());
        cut_up(&vxlan, id, &[16, 48])
    };
    let pieces = [outer(&inner[0], 1), outer(&inner[1], 2)].concat();
    let (packets, stops) = found(&pieces);
    assert_eq!(packets.last(), whole().0.last());
    assert_eq!((packets.len(), stops), (3, vec![]));
}

#[test]
fn a_tcp_header_may_come_in_pieces() {
    let segment = tcp(5000, 3243, 0x18, b"hello");
    let mut pieces = cut_up(&segment, 1, &[8, 16]);
    pieces.iter_mut().for_each(|piece| piece[9] = 6);
    assert_eq!(found(&pieces), (vec![(5000, 3243, b"hello".to_vec())], vec![]));
}

#[test]
fn fragments_that_the_snap_length_cut_leave_a_hole() {
    let pieces = cut_up(&datagram(), 1, &[24]);
    let first = Frame { bytes: &pieces[0][..36], ..frame(101, &pieces[0]) };
    let (packets, stops) = found_in(&[first, frame(101, &pieces[1])]);
    assert_eq!(packets, [(5000, 3243, datagram()[8..16].to_vec())]);
    assert_eq!(stops, NOTHING);
}

#[test]
fn a_fragment_cut_or_changed_anywhere_does_no_harm() {
    let datagram = v4()[20..].to_vec();
    for packet in [piece4(1, 0, false, &datagram), piece6(1, 17, 0, false, &datagram)] {
        opens(101, &packet);
    }
    let pieces = cut_up(&datagram, 1, &[8]);
    for at in 0..pieces[0].len() {
        for byte in 0..=255 {
            let mut changed = pieces.clone();
            changed[0][at] = byte;
            found(&changed);
        }
        found(&[pieces[0][..at].to_vec(), pieces[1].clone()]);
    }
}
