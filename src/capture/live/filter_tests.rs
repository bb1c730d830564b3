//! The default filter, run over hand-made packets by libpcap's own interpreter.

use std::collections::BTreeSet;
use std::path::Path;

use pcap::{BpfProgram, Linktype};

use super::*;
use crate::capture::live::linktype::link_type;
use crate::capture::{FrameSource, Polled, file};

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

/// Rows of the default filter's coverage: what is covered everywhere, and what on Ethernet alone.
const EVERYWHERE: [&str; 9] = [
    "TCP on the watched ports over IPv4",
    "UDP on the watched ports over IPv4",
    "TCP on the watched ports over IPv6",
    "UDP on the watched ports over IPv6",
    "later fragments of IPv4 packets, which have no ports",
    "ICMP errors, which quote what they refuse",
    "sessions that speak for or against Framehawk (ICA 1494, CGP 2598, H.225 1720, SIP 5060)",
    "IPv6 packets with extension headers, fragments among them",
    "ICMPv6 errors, which quote what they refuse",
];

#[test]
fn coverage_is_told_for_each_link_type() {
    for (name, dlt, _) in LINKS {
        let link = link_type(Linktype(dlt));
        let Filter { covers, misses, .. } = default_filter(&Watch::default(), link);
        for phrase in EVERYWHERE {
            assert!(covers.contains(&phrase), "{name}: {phrase}");
        }
        assert!(misses.contains(&"traffic inside IP in IP, GRE, VXLAN, Geneve or GTP-U"), "{name}");
        let says = |list: &[&str], words: &str| list.iter().any(|phrase| phrase.contains(words));
        let has_vlan = super::has_vlan(link);
        assert_eq!(says(&covers, "one VLAN tag"), has_vlan, "{name}");
        assert_eq!(says(&covers, "two VLAN tags"), has_vlan, "{name}");
        assert!(!says(&covers, "three or more"), "{name}");
        assert_eq!(says(&misses, "PPPoE or MPLS"), says(&misses, "three or more"), "{name}");
    }
}

#[test]
fn coverage_of_a_filter_of_ones_own_is_told_too() {
    let own = |expression| own_filter(expression, &Watch::default(), LinkType(1));
    let tcp = own("tcp port 3243");
    assert_eq!(
        tcp.covers,
        EVERYWHERE[..1].iter().chain(&EVERYWHERE[2..3]).copied().collect::<Vec<_>>()
    );
    assert!(tcp.misses.contains(&EVERYWHERE[4]));
    let hosts = own("host 198.51.100.7 and (tcp port 3243 or udp port 3243)");
    assert_eq!(hosts.covers, EVERYWHERE[..1], "the Framehawk range is not asked for");
    let net = own("net 198.51.100.0/24 or vlan");
    assert!(net.covers.contains(&"the same behind one VLAN tag"));
    assert!(net.covers.contains(&EVERYWHERE[4]), "all that this network says");
    let one_way = own("dst port 3243");
    assert!(one_way.covers.contains(&EVERYWHERE[0]));
    assert!(one_way.misses.contains(&"the other direction of the same flows"));
    let nothing = own("host server.example.invalid or tcp port 22");
    assert!(nothing.covers.is_empty());
    let other = own("tcp port 22");
    assert!(other.covers.is_empty() && other.misses[0].contains("it may pass none"));
    assert_eq!(own("").misses, [""; 0], "everything");
    let unknown = default_filter(&Watch::default(), LinkType(129));
    assert!(unknown.covers.is_empty() && unknown.misses[0].contains("coverage unknown"));
}

/// What is told, held against the frames of the fixtures.
#[test]
fn what_is_told_holds_for_the_fixtures() {
    let frames = |path: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(path);
        let mut source = file::open(&[path], file::Options::default()).unwrap();
        let mut frames = Vec::new();
        while let Ok(Polled::Frames(_)) = source.poll(1000, &mut |frame| {
            frames.push((frame.link, frame.bytes.to_vec()));
        }) {}
        // Address resolution is nothing that anybody asks for.
        frames.retain(|(_, bytes)| bytes.get(12..14) != Some(&[8, 6]));
        frames
    };
    let passing = |path: &str| {
        let frames = frames(path);
        let expression = default_filter(&Watch::default(), frames[0].0).expression;
        let dead = Capture::dead(dlt(frames[0].0)).unwrap();
        let program = dead.compile(&expression, true).unwrap();
        (frames.iter().filter(|(_, bytes)| program.filter(bytes)).count(), frames.len())
    };
    // With how many frames are address resolution that was not left out above.
    for (covered, others) in [
        ("ssh-openssh/capture.pcap", 0),
        ("ssh-sll/capture.pcap", 2),
        ("ssh-sll2/capture.pcap", 2),
        ("link-cooked/plain.pcap", 0),
        ("link-cooked/version2.pcap", 0),
        ("link-none/plain.pcap", 0),
        ("link-none/loop.pcap", 0),
        ("link-ppp/plain.pcap", 0),
        ("link-wifi/plain.pcap", 0),
        ("link-wifi-radio/plain.pcap", 0),
        ("vlan/capture.pcap", 0),
        ("tunnel-vlan/plain.pcap", 0),
        ("tunnel-vlan/provider.pcap", 0),
        ("tunnel-vlan/older.pcap", 0),
        ("fragments-ipv4/order.pcap", 0),
        ("fragments-ipv6/order.pcap", 0),
        ("udp-refused/capture.pcap", 0),
        ("udp6-refused/capture.pcap", 1),
        ("framehawk-ica/capture.pcap", 0),
    ] {
        let (passed, all) = passing(covered);
        assert_eq!(passed + others, all, "{covered}");
    }
    for missed in [
        "vxlan-tls/capture.pcap",
        "tunnel-gre/plain.pcap",
        "tunnel-geneve/plain.pcap",
        "tunnel-gtp/plain.pcap",
        "tunnel-ip-in-ip/plain.pcap",
        "tunnel-pppoe/plain.pcap",
        "tunnel-mpls/plain.pcap",
        "tunnel-vlan/nested.pcap",
        "link-cooked/nested.pcap",
        "link-none/nested.pcap",
        "link-ppp/nested.pcap",
    ] {
        assert_eq!(passing(missed).0, 0, "{missed}: no longer true");
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
            use portstory_core::Transport;
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
    let wanted = KernelFilter::Expression("tcp prot 3243".to_owned(), Watch::default());
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
