//! The default filter, run over hand-made packets by libpcap's own interpreter.

use std::collections::BTreeSet;

use pcap::{BpfProgram, Linktype};

use super::*;
use crate::capture::live::linktype::link_type;

const ETHERNET: i32 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;

/// What stands before an IP header, by EtherType.
type Header = fn(u16) -> Vec<u8>;

/// `DLT_` numbers of this platform for the link types that are decoded, and how each writes the
/// protocol number before an IP header.
const LINKS: [(&str, i32, Header); 8] = [
    ("Ethernet", ETHERNET, ethernet),
    ("NULL", 0, |kind| if kind == 0x0800 { 2_u32 } else { 10 }.to_ne_bytes().to_vec()),
    ("LOOP", 108, |kind| if kind == 0x0800 { 2_u32 } else { 10 }.to_be_bytes().to_vec()),
    ("PPP", 9, |kind| vec![0xff, 3, 0, if kind == 0x0800 { 0x21 } else { 0x57 }]),
    ("raw IP", 12, |_| Vec::new()),
    ("cooked", 113, |kind| [&[0; 14][..], &kind.to_be_bytes()].concat()),
    ("cooked v2", 276, |kind| [&kind.to_be_bytes()[..], &[0; 18]].concat()),
    ("802.11", 105, |kind| {
        let data = [8, 1, 0, 0];
        [&data[..], &[0; 20], &[0xaa, 0xaa, 3, 0, 0, 0], &kind.to_be_bytes()].concat()
    }),
];

fn program(dlt: i32, watch: &Watch) -> BpfProgram {
    let handle = Capture::dead(Linktype(dlt)).unwrap();
    let filter = default_filter(watch, link_type(Linktype(dlt)));
    handle.compile(&filter.expression, true).expect(&filter.expression)
}

fn ethernet(kind: u16) -> Vec<u8> {
    [&[2; 12][..], &kind.to_be_bytes()].concat()
}

/// Ethernet with VLAN tags, outermost first.
fn tagged(tags: &[u16], packet: &[u8]) -> Vec<u8> {
    let mut frame = vec![2; 12];
    for tag in tags {
        frame.extend(tag.to_be_bytes());
        frame.extend([0, 5]);
    }
    frame.extend(if packet[0] >> 4 == 4 { [8, 0] } else { [0x86, 0xdd] });
    [frame, packet.to_vec()].concat()
}

fn plain(packet: &[u8]) -> Vec<u8> {
    tagged(&[], packet)
}

fn ports_of(from: u16, to: u16) -> Vec<u8> {
    [&from.to_be_bytes()[..], &to.to_be_bytes(), &[0; 16]].concat()
}

fn ip4(protocol: u8, fragment: u16, payload: &[u8]) -> Vec<u8> {
    let total = u16::try_from(20 + payload.len()).unwrap().to_be_bytes();
    let mut packet = vec![0x45, 0, total[0], total[1], 0, 1];
    packet.extend(fragment.to_be_bytes());
    packet.extend([64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    [packet, payload.to_vec()].concat()
}

fn ip6(next: u8, payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(payload.len()).unwrap().to_be_bytes();
    [&[0x60, 0, 0, 0, len[0], len[1], next, 64][..], &[0xfd; 32], payload].concat()
}

#[test]
fn is_what_tcpdump_would_be_asked_for_and_more() {
    let filter = default_filter(&Watch::default(), LinkType(1));
    for part in ["tcp port 3243 or ", "udp portrange 3224-3324 or ", "tcp port 1494 or "] {
        assert!(filter.expression.contains(part), "{}", filter.expression);
    }
    assert!(!filter.covers.is_empty() && !filter.misses.is_empty());
}

#[test]
fn every_link_type_gets_what_is_watched_and_not_what_is_not() {
    for (name, dlt, header) in LINKS {
        let program = program(dlt, &Watch::default());
        for (protocol, from, to, wanted) in [
            (TCP, 3243, 50_000, true),
            (TCP, 50_000, 3243, true),
            (UDP, 50_000, 3243, true),
            (UDP, 3224, 50_000, true),
            (UDP, 50_000, 3324, true),
            (TCP, 50_000, 3224, false),
            (TCP, 50_000, 3242, false),
            (UDP, 50_000, 3223, false),
            (UDP, 3325, 50_000, false),
            (132, 50_000, 3243, false),
        ] {
            let v4 = [header(0x0800), ip4(protocol, 0x4000, &ports_of(from, to))].concat();
            let v6 = [header(0x86dd), ip6(protocol, &ports_of(from, to))].concat();
            assert_eq!(program.filter(&v4), wanted, "{name} IPv4 {protocol} {from} {to}");
            // NULL writes AF_INET6, which every system numbers differently.
            if dlt != 0 && dlt != 108 {
                assert_eq!(program.filter(&v6), wanted, "{name} IPv6 {protocol} {from} {to}");
            }
        }
    }
}

#[test]
fn vlan_tags_are_looked_behind_twice_and_no_more() {
    let program = program(ETHERNET, &Watch::default());
    for tags in [&[0x8100][..], &[0x88a8], &[0x88a8, 0x8100], &[0x8100, 0x8100]] {
        for wanted in [
            ip4(TCP, 0, &ports_of(50_000, 3243)),
            ip4(UDP, 0, &ports_of(3300, 50_000)),
            ip6(TCP, &ports_of(3243, 50_000)),
            ip4(1, 0, &[3, 3, 0, 0, 0, 0, 0, 0]),
            ip4(UDP, 185, &[0; 16]),
            ip6(58, &[1, 4, 0, 0, 0, 0, 0, 0]),
        ] {
            assert!(program.filter(&tagged(tags, &wanted)), "{tags:x?} {wanted:x?}");
        }
        for other in [
            ip4(TCP, 0, &ports_of(50_000, 443)),
            ip4(UDP, 0, &ports_of(53, 50_000)),
            ip6(TCP, &ports_of(22, 50_000)),
            ip4(1, 0, &[8, 0, 0, 0, 0, 0, 0, 0]),
        ] {
            assert!(!program.filter(&tagged(tags, &other)), "{tags:x?} {other:x?}");
        }
    }
    let three = tagged(&[0x88a8, 0x8100, 0x8100], &ip4(TCP, 0, &ports_of(1, 3243)));
    assert!(!program.filter(&three), "no longer true: say so in `misses`");
}

#[test]
fn errors_that_quote_and_fragments_get_through() {
    let program = program(ETHERNET, &Watch::default());
    for kind in [3, 4, 5, 11, 12] {
        assert!(program.filter(&plain(&ip4(1, 0, &[kind; 8]))), "ICMP {kind}");
    }
    for kind in [0, 8, 9, 13] {
        assert!(!program.filter(&plain(&ip4(1, 0, &[kind; 8]))), "ICMP {kind}");
    }
    for (kind, wanted) in [(1, true), (4, true), (127, true), (128, false), (135, false)] {
        assert_eq!(program.filter(&plain(&ip6(58, &[kind; 8]))), wanted, "ICMPv6 {kind}");
    }
    let first = ip4(UDP, 0x2000, &ports_of(50_000, 3243));
    let first_of_other = ip4(UDP, 0x2000, &ports_of(50_000, 53));
    let later = ip4(UDP, 185, &[0; 16]);
    assert!(program.filter(&plain(&first)));
    assert!(!program.filter(&plain(&first_of_other)));
    assert!(program.filter(&plain(&later)));
    for next in [0, 43, 44, 51, 60] {
        let behind = [&[UDP, 0, 0, 0, 0, 0, 0, 0][..], &ports_of(50_000, 3243)].concat();
        assert!(program.filter(&plain(&ip6(next, &behind))), "IPv6 {next}");
    }
    assert!(!program.filter(&plain(&ip6(59, &[]))), "no next header");
    assert!(!program.filter(&[ethernet(0x0806), vec![0; 28]].concat()), "ARP");
}

#[test]
fn what_is_said_to_be_missed_is_missed() {
    let program = program(ETHERNET, &Watch::default());
    let inner = ip4(TCP, 0, &ports_of(50_000, 3243));
    let ipip = ip4(4, 0, &inner);
    let vxlan = ip4(UDP, 0, &[&ports_of(50_000, 4789)[..], &plain(&inner)].concat());
    let pppoe = [ethernet(0x8864), vec![0x11, 0, 0, 1, 0, 42, 0, 0x21], inner.clone()].concat();
    let mpls = [ethernet(0x8847), vec![0, 1, 1, 64], inner].concat();
    for missed in [plain(&ipip), plain(&vxlan), pppoe, mpls] {
        assert!(!program.filter(&missed), "no longer true: say so in `misses`");
    }
}

#[test]
fn any_choice_of_ports_compiles() {
    let every_third: BTreeSet<u16> = (1..=60_000).step_by(3).collect();
    #[expect(clippy::reversed_empty_ranges, reason = "a range of nothing")]
    for (ports, framehawk) in [
        (BTreeSet::new(), 9..=8),
        (BTreeSet::from([0, 65_535]), 0..=65_535),
        (BTreeSet::from([8443, 8444, 9000]), 3224..=3224),
        ((1..=64).map(|port| port * 100).collect(), 3224..=3324),
        (every_third, 3224..=3324),
    ] {
        let watch = Watch { ports, framehawk };
        for (_, dlt, _) in LINKS {
            let instructions = program(dlt, &watch).get_instructions().len();
            assert!(instructions < 4096, "the kernel takes no more: {instructions}");
        }
        let program = program(ETHERNET, &watch);
        for port in (0..=65_535).step_by(97).chain([3243, 8444, 65_535]) {
            let udp = plain(&ip4(UDP, 0, &ports_of(port, port)));
            let tcp = plain(&ip4(TCP, 0, &ports_of(port, port)));
            use crate::identify::Transport;
            assert!(program.filter(&udp) || !watch.covers(Transport::Udp, port), "UDP {port}");
            assert!(program.filter(&tcp) || !watch.covers(Transport::Tcp, port), "TCP {port}");
        }
    }
}

#[test]
fn neighbouring_ports_become_ranges() {
    let of = |list: &[RangeInclusive<u16>]| ranges(list.iter().cloned());
    assert_eq!(of(&[3243..=3243, 3224..=3324]), [3224..=3324]);
    assert_eq!(of(&[5..=5, 3..=3, 4..=4, 9..=9]), [3..=5, 9..=9]);
    assert_eq!(of(&[65_535..=65_535, 0..=65_535]), [0..=65_535]);
}

#[test]
fn a_filter_that_is_wrong_is_told_with_what_to_do() {
    let mut handle = Capture::dead(Linktype(ETHERNET)).unwrap();
    let wanted = KernelFilter::Expression("tcp prot 3243".to_owned());
    let message = install(&mut handle, LinkType(1), &wanted).unwrap_err();
    assert!(message.contains("\"tcp prot 3243\" does not work"), "{message}");
    assert!(message.contains("man pcap-filter"), "{message}");
}

#[test]
fn where_nothing_can_be_filtered_everything_comes_through() {
    const USB_LINUX: i32 = 189;
    let mut handle = Capture::dead(Linktype(USB_LINUX)).unwrap();
    let (filter, notice) = install(&mut handle, LinkType(189), &KernelFilter::default()).unwrap();
    assert_eq!(filter.expression, "");
    assert!(notice.is_some_and(|notice| notice.contains("every frame")));
}
