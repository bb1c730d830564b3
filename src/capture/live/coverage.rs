//! What a filter covers: asked of libpcap's own interpreter, with a packet for everything that may
//! hide a watched flow.
//!
//! So it holds for every filter, also one that the user wrote, and for each link type on which a packet
//! can be made here. A packet counts as let through if it is so in both directions.

use std::net::IpAddr;

use pcap::BpfProgram;

use super::probes::{self, Ends};
use portstory_core::internal::watch::COMPANION_PORTS;
use portstory_core::{LinkType, Transport, Watch};

/// Where a user's expression names addresses: the probes are sent between them, or they would say
/// nothing but that these are not theirs.
pub(super) fn ends_in(expression: &str) -> Ends {
    let mut ends = Ends::default();
    let words = expression.split(|letter: char| letter.is_whitespace() || "()![]".contains(letter));
    let addresses = words.filter_map(|word| word.split('/').next()?.parse::<IpAddr>().ok());
    let (mut v4, mut v6) = (ends.v4.iter_mut(), ends.v6.iter_mut());
    for address in addresses {
        match address {
            IpAddr::V4(address) => v4.next().into_iter().for_each(|place| *place = address),
            IpAddr::V6(address) => v6.next().into_iter().for_each(|place| *place = address),
        }
    }
    ends
}

/// What of that which is watched may matter, one phrase each, and whether `program`, compiled for `link`,
/// lets it through.
pub(super) fn coverage(
    program: &BpfProgram,
    link: LinkType,
    watch: &Watch,
    ends: Ends,
) -> Vec<(&'static str, bool)> {
    if let Some(probe) = Probe::new(program, link, watch, ends) {
        return probe.rows();
    }
    let phrase = if probes::knows(link) {
        "watched packets between the addresses that it names, if any: it may pass none"
    } else {
        "coverage unknown: it cannot be checked for this link type"
    };
    vec![(phrase, false)]
}

/// A filter that lets some plain packet on a watched port through.
struct Probe<'a> {
    program: &'a BpfProgram,
    link: LinkType,
    ends: Ends,
    /// Whether each direction is let through.
    directions: [bool; 2],
    /// The plain packets: what they are and whether they are let through.
    plain: Vec<(&'static str, Vec<Inner>, bool)>,
}

/// A TCP or UDP packet.
#[derive(Clone, Copy)]
struct Inner {
    v6: bool,
    transport: Transport,
    port: u16,
}

impl<'a> Probe<'a> {
    fn new(program: &'a BpfProgram, link: LinkType, watch: &Watch, ends: Ends) -> Option<Self> {
        let mut probe = Self { program, link, ends, directions: [true; 2], plain: Vec::new() };
        let plain: Vec<(&'static str, Vec<Inner>)> = plain(watch)
            .into_iter()
            .filter(|(_, packets)| packets.iter().all(|one| probes::carries(link, one.v6)))
            .collect();
        let inners = || plain.iter().flat_map(|(_, packets)| packets.iter().copied());
        // The first that passes at all says which directions the filter is about.
        probe.directions =
            inners().map(|inner| probe.ways(inner)).find(|ways| ways.contains(&true))?;
        probe.plain = plain
            .into_iter()
            .map(|(phrase, packets)| {
                let passes = packets.iter().all(|&one| probe.lets(|from| probe.packet(one, from)));
                (phrase, packets, passes)
            })
            .collect();
        Some(probe)
    }

    /// Whether a plain packet passes there and back.
    fn ways(&self, inner: Inner) -> [bool; 2] {
        [false, true].map(|back| self.passes(&[], &self.packet(inner, back)))
    }

    fn rows(&self) -> Vec<(&'static str, bool)> {
        let mut rows: Vec<_> =
            self.plain.iter().map(|&(phrase, _, passes)| (phrase, passes)).collect();
        if !self.directions.iter().all(|&passes| passes) {
            rows.push(("the other direction of the same flows", false));
        }
        if probes::has_ethertype(self.link) {
            let one = self.behind(&[0x8100]) && self.behind(&[0x88a8]);
            let phrase = if one {
                "the same behind one VLAN tag"
            } else {
                "the same behind one VLAN tag, unless the system strips it, as Linux does"
            };
            rows.extend([
                (phrase, one),
                ("the same behind two VLAN tags", self.behind(&[0x88a8, 0x8100])),
                ("the same behind three or more VLAN tags", self.behind(&[0x88a8, 0x8100, 0x8100])),
                ("traffic inside PPPoE or MPLS", self.labelled()),
            ]);
        }
        if probes::carries(self.link, false) {
            rows.extend(self.rows_v4());
        }
        if probes::carries(self.link, true) {
            rows.extend([
                ("IPv6 packets with extension headers, fragments among them", self.extended()),
                ("ICMPv6 errors, which quote what they refuse", self.refusals(true)),
            ]);
        }
        rows
    }

    fn rows_v4(&self) -> Vec<(&'static str, bool)> {
        let companions = COMPANION_PORTS.iter().all(|row| self.port(row.0, row.1));
        vec![
            ("later fragments of IPv4 packets, which have no ports", self.fragments()),
            ("ICMP errors, which quote what they refuse", self.refusals(false)),
            ("traffic inside IP in IP, GRE, VXLAN, Geneve or GTP-U", self.tunnelled()),
            (
                "sessions that speak for or against Framehawk (ICA 1494, CGP 2598, H.225 1720, SIP 5060)",
                companions,
            ),
            (
                "a Citrix gateway's sessions beside a Framehawk flow (TLS on TCP and UDP 443)",
                self.port(Transport::Tcp, 443) && self.port(Transport::Udp, 443),
            ),
        ]
    }

    fn port(&self, transport: Transport, port: u16) -> bool {
        self.lets(|back| self.packet(Inner { v6: false, transport, port }, back))
    }

    /// Whether everything plain that passes does so behind these tags, too.
    fn behind(&self, tags: &[u16]) -> bool {
        self.inside(|packet| self.passes(tags, packet))
    }

    fn labelled(&self) -> bool {
        self.inside(|packet| {
            let behind = |ethertype: u16, header: &[u8]| {
                probes::frame_of(self.link, ethertype, &[header, packet].concat())
            };
            let protocol = if probes::is_v6(packet) { 0x57 } else { 0x21 };
            let frames = [
                behind(0x8864, &[0x11, 0, 0, 1, 0, 42, 0, protocol]),
                behind(0x8847, &[0, 1, 1, 64]),
            ];
            frames.iter().flatten().all(|frame| self.program.filter(frame))
        })
    }

    fn tunnelled(&self) -> bool {
        let outer = |back, protocol, payload: &[u8]| self.ends.ip4(back, protocol, 0, payload);
        self.each_way(|back| {
            self.inside(|packet| {
                let v6 = probes::is_v6(packet);
                let ethertype = if v6 { [0x86, 0xdd] } else { [8, 0] };
                let ethernet = [&[2; 12][..], &ethertype, packet].concat();
                let gre = [&[0, 0], &ethertype[..], packet].concat();
                let over_udp = |port, header: &[u8], inside: &[u8]| {
                    let payload = [header, inside].concat();
                    outer(back, 17, &probes::ports(50_000, port, &payload))
                };
                let packets = [
                    outer(back, if v6 { 41 } else { 4 }, packet),
                    outer(back, 47, &gre),
                    over_udp(4789, &[8, 0, 0, 0, 0, 0, 43, 0], &ethernet),
                    over_udp(6081, &[0, 0, 0x65, 0x58, 0, 0, 43, 0], &ethernet),
                    over_udp(2152, &[0x30, 0xff, 0, 0, 0, 0, 0, 43], packet),
                ];
                packets.iter().all(|packet| self.passes(&[], packet))
            })
        })
    }

    fn fragments(&self) -> bool {
        self.each_way(|back| {
            [6, 17]
                .iter()
                .all(|&protocol| self.passes(&[], &self.ends.ip4(back, protocol, 185, &[0; 16])))
        })
    }

    fn extended(&self) -> bool {
        /// Hop-by-hop options, routing, fragment, destination options: RFC 8200 section 4.1.
        const HEADERS: [u8; 4] = [0, 43, 44, 60];
        let behind = [&[17, 0, 0, 0, 0, 0, 0, 0][..], &probes::ports(50_000, 3243, &[])].concat();
        self.each_way(|back| {
            HEADERS.iter().all(|&next| self.passes(&[], &self.ends.ip6(back, next, &behind)))
        })
    }

    /// Port unreachable and time exceeded (RFC 792; RFC 4443 sections 3.1 and 3.3), from whoever refuses.
    fn refusals(&self, v6: bool) -> bool {
        let (protocol, kinds, code) = if v6 { (58, [1, 3], 4) } else { (1, [3, 11], 3) };
        let refused = Inner { v6, transport: Transport::Udp, port: 3243 };
        self.each_way(|back| {
            let quoted = self.packet(refused, !back);
            kinds.iter().all(|&kind| {
                let error = [&[kind, code, 0, 0, 0, 0, 0, 0], &quoted[..]].concat();
                self.passes(&[], &self.ends.ip(v6, back, protocol, 0, &error))
            })
        })
    }

    /// Whether it holds for every plain packet that passes by itself.
    fn inside(&self, holds: impl Fn(&[u8]) -> bool) -> bool {
        let passing = self.plain.iter().filter(|(.., passes)| *passes);
        passing
            .flat_map(|(_, packets, _)| packets)
            .all(|&inner| self.each_way(|back| holds(&self.packet(inner, back))))
    }

    fn lets(&self, packet: impl Fn(bool) -> Vec<u8>) -> bool {
        self.each_way(|back| self.passes(&[], &packet(back)))
    }

    /// Whether it holds in each direction that the filter is about.
    fn each_way(&self, holds: impl Fn(bool) -> bool) -> bool {
        [false, true].into_iter().zip(self.directions).all(|(back, about)| !about || holds(back))
    }

    fn passes(&self, tags: &[u16], packet: &[u8]) -> bool {
        let frame = probes::tagged(self.link, tags, packet);
        frame.is_some_and(|frame| self.program.filter(&frame))
    }

    fn packet(&self, inner: Inner, back: bool) -> Vec<u8> {
        let (from, to) = if back { (inner.port, 50_000) } else { (50_000, inner.port) };
        let payload = probes::ports(from, to, &[0; 12]);
        let protocol = match inner.transport {
            Transport::Tcp => 6,
            Transport::Udp => 17,
        };
        self.ends.ip(inner.v6, back, protocol, 0x4000, &payload)
    }
}

/// What everybody would ask for: the lowest and the highest port of each kind.
fn plain(watch: &Watch) -> Vec<(&'static str, Vec<Inner>)> {
    let named = [watch.ports.first(), watch.ports.last()].into_iter().flatten().copied();
    let named: Vec<u16> = named.collect();
    let mut udp = named.clone();
    if !watch.framehawk.is_empty() {
        udp.extend([*watch.framehawk.start(), *watch.framehawk.end()]);
    }
    let row = |phrase, v6, transport, ports: &[u16]| {
        let inner = |&port| Inner { v6, transport, port };
        (phrase, ports.iter().map(inner).collect::<Vec<_>>())
    };
    let rows = vec![
        row("TCP on the watched ports over IPv4", false, Transport::Tcp, &named),
        row("UDP on the watched ports over IPv4", false, Transport::Udp, &udp),
        row("TCP on the watched ports over IPv6", true, Transport::Tcp, &named),
        row("UDP on the watched ports over IPv6", true, Transport::Udp, &udp),
    ];
    rows.into_iter().filter(|(_, packets)| !packets.is_empty()).collect()
}
