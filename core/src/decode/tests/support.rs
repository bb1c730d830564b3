//! What the tests of link types and tunnels share: frames around one datagram, and what must hold of
//! every frame that leads to it.

use crate::config::Config;
use crate::decode::peek::Peek;
use crate::decode::reassembly::Reassembly;
use crate::decode::{Body, Decoded, decode};
use crate::frame::{Frame, FrameRef, LinkType};
use crate::watch::Watch;

/// No stops.
pub(in crate::decode) const NOTHING: [&str; 0] = [];

/// Source port, destination port, payload.
pub(in crate::decode) type Found = (u16, u16, Vec<u8>);

/// An IPv4 packet: header, then `payload`.
pub(in crate::decode) fn ipv4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let total = u16::try_from(20 + payload.len()).unwrap().to_be_bytes();
    let mut packet = vec![
        0x45, 0, total[0], total[1], 0, 7, 0x40, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
    ];
    packet.extend(payload);
    packet
}

/// An IPv6 packet.
pub(in crate::decode) fn ipv6(next: u8, payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(payload.len()).unwrap().to_be_bytes();
    let mut packet = vec![0x60, 0, 0, 0, len[0], len[1], next, 64];
    packet.extend([[0xfd; 16], [0xfe; 16]].concat());
    packet.extend(payload);
    packet
}

pub(in crate::decode) fn udp(src: u16, dst: u16, payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(8 + payload.len()).unwrap();
    let mut datagram: Vec<u8> = [src, dst, len, 0].into_iter().flat_map(u16::to_be_bytes).collect();
    datagram.extend(payload);
    datagram
}

pub(in crate::decode) fn tcp(src: u16, dst: u16, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut segment: Vec<u8> = [src, dst].into_iter().flat_map(u16::to_be_bytes).collect();
    segment.extend([0, 0, 0, 9, 0, 0, 0, 3, 0x50, flags, 1, 0, 0, 0, 0, 0]);
    segment.extend(payload);
    segment
}

pub(in crate::decode) fn ethernet(ethertype: u16, payload: &[u8]) -> Vec<u8> {
    [&[2; 12], &ethertype.to_be_bytes()[..], payload].concat()
}

/// LLC with SNAP.
pub(in crate::decode) fn snap(ethertype: u16, payload: &[u8]) -> Vec<u8> {
    [&[0xaa, 0xaa, 3, 0, 0, 0], &ethertype.to_be_bytes()[..], payload].concat()
}

/// An 802.11 data frame around the datagram over IPv4.
pub(in crate::decode) fn wifi() -> Vec<u8> {
    [&[8, 1, 0, 0], &[2; 18][..], &[0x10, 0], &snap(0x0800, &v4())].concat()
}

/// A datagram from port 40000 to `port`, over IPv4.
pub(in crate::decode) fn udp4(port: u16, payload: &[u8]) -> Vec<u8> {
    ipv4(17, &udp(40_000, port, payload))
}

/// The datagram that is looked for, over IPv4.
pub(in crate::decode) fn v4() -> Vec<u8> {
    ipv4(17, &udp(5000, 3243, b"hello"))
}

/// The datagram that is looked for, over IPv6.
pub(in crate::decode) fn v6() -> Vec<u8> {
    ipv6(17, &udp(5000, 3243, b"hello"))
}

pub(in crate::decode) fn frame(link: u16, bytes: &[u8]) -> Frame<'_> {
    let wire_len = u32::try_from(bytes.len()).unwrap();
    Frame { at: FrameRef::default(), link: LinkType(link), wire_len, bytes }
}

/// What is found in frames, in order: packets, and stops by name.
pub(in crate::decode) fn found_in(frames: &[Frame<'_>]) -> (Vec<Found>, Vec<&'static str>) {
    let config = Config::default();
    let (mut packets, mut stops) = (Vec::new(), Vec::new());
    let mut note = |decoded: Decoded<'_>| match decoded {
        Decoded::Anomaly(_, stop) => stops.push(stop.event),
        Decoded::Fragment(_) => unreachable!("fragments are put together here"),
        Decoded::Packet(packet) => {
            let payload = match packet.body {
                Body::Tcp(_, payload) | Body::Udp(_, payload) => payload.bytes.to_vec(),
                Body::Icmp(_) => Vec::new(),
            };
            packets.push((packet.src.port, packet.dst.port, payload));
        }
    };
    let mut reassembly = Reassembly::default();
    for frame in frames {
        decode(frame, &config.limits, &mut |decoded| match decoded {
            Decoded::Fragment(fragment) => {
                reassembly.add(fragment, &config, &mut |decoded, _| note(decoded));
            }
            other @ (Decoded::Packet(_) | Decoded::Anomaly(..)) => note(other),
        });
    }
    reassembly.finish(&mut |decoded, _| note(decoded));
    (packets, stops)
}

pub(in crate::decode) fn found(frame: &Frame<'_>) -> (Vec<Found>, Vec<&'static str>) {
    found_in(&[*frame])
}

/// What stops the decoder in a frame.
pub(in crate::decode) fn stops(link: u16, bytes: &[u8]) -> Vec<&'static str> {
    found(&frame(link, bytes)).1
}

/// VLANs and tunnels around the last packet in a frame.
pub(in crate::decode) fn path(
    link: u16,
    bytes: &[u8],
) -> (Vec<u16>, Vec<(&'static str, Option<u32>)>) {
    let mut path = Default::default();
    decode(&frame(link, bytes), &Config::default().limits, &mut |decoded| {
        if let Decoded::Packet(packet) = decoded {
            let tunnels = packet.path.tunnels().map(|tunnel| (tunnel.kind, tunnel.id));
            path = (packet.path.vlans().collect(), tunnels.collect());
        }
    });
    path
}

/// The frame leads to the datagram; cut at any length it leads to a part of it or to nothing, and is
/// no anomaly; as if that were all that was sent, and with any byte changed, nothing wrong is found.
pub(in crate::decode) fn opens(link: u16, bytes: &[u8]) {
    let peek = Peek::new(&Watch::default());
    let whole = frame(link, bytes);
    let (packets, stops) = found(&whole);
    assert_eq!(packets.last(), Some(&(5000, 3243, b"hello".to_vec())), "{packets:?} {stops:?}");
    assert_eq!(stops, NOTHING);
    assert!(peek.is_candidate(&whole), "peek says no");
    for len in 0..bytes.len() {
        let cut = Frame { bytes: &bytes[..len], ..whole };
        let (packets, stops) = found(&cut);
        assert_eq!(stops, NOTHING, "cut to {len}");
        no_other(&packets, &format!("cut to {len}"));
        no_other(&found(&frame(link, &bytes[..len])).0, &format!("only {len} sent"));
    }
    let mut changed = bytes.to_vec();
    for at in 0..bytes.len() {
        for byte in [0, 0xff, bytes[at] ^ 1, bytes[at] ^ 0x80] {
            changed[at] = byte;
            let changed = frame(link, &changed);
            let watched =
                found(&changed).0.iter().any(|(src, dst, _)| *src == 3243 || *dst == 3243);
            assert!(!watched || peek.is_candidate(&changed), "peek, byte {at}");
        }
        changed[at] = bytes[at];
    }
}

/// Of what goes to port 3243, all is a beginning of the datagram.
fn no_other(packets: &[Found], case: &str) {
    for (src, dst, payload) in packets {
        if *dst == 3243 {
            assert!(*src == 5000 && b"hello".starts_with(payload), "{case}: {packets:?}");
        }
    }
}

/// A datagram to this port is only a datagram: nothing is found in it and nothing is wrong with it.
pub(in crate::decode) fn leaves_alone(port: u16, payload: &[u8]) {
    let bytes = udp4(port, payload);
    let expected = (vec![(40_000, port, payload.to_vec())], vec![]);
    assert_eq!(found(&frame(228, &bytes)), expected);
    assert!(Peek::new(&Watch::default()).is_candidate(&frame(228, &bytes)));
}
