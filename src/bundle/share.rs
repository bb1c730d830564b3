//! A capture for strangers: the packets that verdicts rest on, made anew from what was decoded, with
//! addresses replaced and payload left out.
//!
//! Nothing of the original frames is passed on as it was: link headers, VLAN tags, options and fragments
//! are gone, whatever tunnel kept networks apart is a VXLAN with a number of its own, and what is left is IP, TCP, UDP or an ICMP error with their lengths, flags,
//! numbers and times. Payload stays as far as detectors read it; the rest is zeros, but for its first
//! octets, which are a keyed hash, so that copies of a packet still are copies and others are not.
//!
//! Addresses keep what they have in common, as Crypto-PAn does it (Xu, Fan, Ammar, Moon, "Prefix-
//! preserving IP address anonymization", 2002): a bit is flipped or not by a keyed function of the bits
//! before it. That function is `SipHash` here. The first octet of an IPv4 address and the first two of an
//! IPv6 address stay, so that private addresses are seen to be private; groups and broadcast stay too.
//! Whoever knows some addresses and their replacements learns of others how much they have in common.

use std::collections::BTreeMap;
use std::hash::Hasher as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use siphasher::sip::SipHasher13;

use crate::config::Config;
use crate::decode::fragment::Reassembly;
use crate::decode::packet::Network;
use crate::decode::peek::Peek;
use crate::decode::{self, Body, Decoded, Packet, Payload};
use crate::event::{FlowEvent, Socket, Status};
use crate::flow::ledger::CompanionKind;
use crate::frame::{Frame, LinkType};
use crate::identify::Transport;
use crate::time::Timestamp;
use crate::wire;

mod craft;

use craft::{icmp, segment, tcp_header, tunnel, udp_header};

/// Raw IP.
const LINKTYPE_RAW: LinkType = LinkType(101);

/// How much of each flow the detectors read: what its payload is cut to.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    flows: BTreeMap<Ends, Vec<Reading>>,
}

type Ends = (Transport, Socket, Socket);

#[derive(Clone, Debug)]
struct Reading {
    start: Timestamp,
    client: Socket,
    /// Octets read of each direction, and whether the verdict rests on how all of the head looks.
    octets: [u64; 2],
    unnamed: bool,
    /// Packets and octets passed on so far.
    spent: [(u64, u64); 2],
}

impl Seen {
    /// A flow was judged.
    pub fn note(&mut self, flow: &FlowEvent) {
        let (client, server) = (flow.client, flow.server);
        let ends = (flow.transport, client.min(server), client.max(server));
        let seen = flow.verdict.visibility;
        let named = match flow.verdict.status {
            Status::Identified | Status::Attempted => true,
            Status::Unidentified
            | Status::ClientPort
            | Status::Refused
            | Status::Unanswered
            | Status::Scan
            | Status::NoPayload
            | Status::Insufficient => false,
        };
        self.flows.entry(ends).or_default().push(Reading {
            start: flow.start,
            client,
            octets: [u64::from(seen.head_to_server), u64::from(seen.head_to_client)],
            unnamed: !named,
            spent: Default::default(),
        });
    }

    /// Whether the payload of this packet is to stay.
    fn takes(&mut self, packet: &Packet<'_>, len: usize, config: &Config, generous: bool) -> bool {
        let (one, other) = (packet.src.min(packet.dst), packet.src.max(packet.dst));
        let Some(flows) = self.flows.get_mut(&(packet.transport, one, other)) else { return false };
        // The last that had begun by then; equal 5-tuples in several networks count together.
        let begun = flows.iter_mut().filter(|flow| flow.start <= packet.at.time);
        let Some(flow) = begun.max_by_key(|flow| flow.start) else { return false };
        let way = usize::from(packet.src != flow.client);
        let (Some(spent), Some(&octets)) = (flow.spent.get_mut(way), flow.octets.get(way)) else {
            return false;
        };
        let (packets, bytes) = *spent;
        let len = u64::try_from(len).unwrap_or(u64::MAX);
        *spent = (packets.saturating_add(1), bytes.saturating_add(len));
        // A head takes in so many packets and octets at most. Copies of packets count here, there not.
        let packets_max = u64::from(config.limits.head_packets_max).saturating_mul(2);
        let in_head = packets < packets_max
            && bytes < u64::from(config.limits.head_offered_bytes_max).saturating_mul(2);
        // Of datagrams only the first octets are kept in a head: its length says little of them.
        let all = generous || flow.unnamed || packet.transport == Transport::Udp;
        in_head && (all || bytes < octets)
    }
}

/// Makes frames anew.
#[derive(Debug)]
pub struct Sharer {
    config: Config,
    peek: Peek,
    key: [u64; 2],
    seen: Seen,
    /// Whether all payload that a head can hold stays.
    generous: bool,
    reassembly: Reassembly,
    /// Networks that equal addresses are told apart by, by number.
    networks: BTreeMap<Network, u32>,
}

impl Sharer {
    /// One with a key of its own.
    pub fn new(config: Config, key: [u64; 2], seen: Seen, generous: bool) -> Self {
        let peek = Peek::new(&config.watch);
        Self {
            config,
            peek,
            key,
            seen,
            generous,
            reassembly: Reassembly::default(),
            networks: BTreeMap::new(),
        }
    }

    /// Hands on what becomes of a frame.
    pub fn frame(&mut self, frame: &Frame<'_>, out: &mut dyn FnMut(&Frame<'_>)) {
        if !self.peek.is_candidate(frame) {
            return;
        }
        let mut fragments = Vec::new();
        let (mut maker, reassembly) = self.parts();
        decode::decode(frame, &maker.config.limits, &mut |decoded| match decoded {
            Decoded::Packet(packet) => maker.packet(&packet, out),
            Decoded::Fragment(fragment) => fragments.push(fragment.into_owned()),
            Decoded::Stop(..) => {}
        });
        let config = maker.config;
        for fragment in fragments {
            reassembly.add(fragment, config, &mut |decoded, _| maker.decoded(&decoded, out));
        }
    }

    /// The capture is over: what stayed incomplete is handed on.
    pub fn finish(&mut self, out: &mut dyn FnMut(&Frame<'_>)) {
        let (mut maker, reassembly) = self.parts();
        reassembly.finish(&mut |decoded, _| maker.decoded(&decoded, out));
    }

    fn parts(&mut self) -> (Maker<'_>, &mut Reassembly) {
        let Self { config, key, seen, generous, reassembly, networks, .. } = self;
        (Maker { config, key: *key, seen, generous: *generous, networks }, reassembly)
    }
}

struct Maker<'a> {
    config: &'a Config,
    key: [u64; 2],
    seen: &'a mut Seen,
    generous: bool,
    networks: &'a mut BTreeMap<Network, u32>,
}

impl Maker<'_> {
    fn decoded(&mut self, decoded: &Decoded<'_>, out: &mut dyn FnMut(&Frame<'_>)) {
        match decoded {
            Decoded::Packet(packet) => self.packet(packet, out),
            Decoded::Fragment(_) | Decoded::Stop(..) => {}
        }
    }

    fn packet(&mut self, packet: &Packet<'_>, out: &mut dyn FnMut(&Frame<'_>)) {
        let ports = [packet.src.port, packet.dst.port];
        let watched = ports.iter().any(|&port| self.config.watch.covers(packet.transport, port));
        let beside = ports.iter().any(|&p| CompanionKind::of(packet.transport, p).is_some());
        if !watched && !beside {
            return;
        }
        let (src, dst) = (self.replaced(packet.src.addr), self.replaced(packet.dst.addr));
        let mut bytes = match packet.body {
            Body::Tcp(info, payload) => {
                let header = tcp_header(packet, info);
                let cut = self.payload(packet, payload, watched);
                segment(packet, (src, dst), &header, 16, &cut, payload.wire_len)
            }
            Body::Udp(checksum, payload) => {
                let header = udp_header(packet, payload.wire_len);
                let cut = self.payload(packet, payload, watched);
                // 0 says that there is no checksum.
                let at = if checksum == 0 { usize::MAX } else { 6 };
                segment(packet, (src, dst), &header, at, &cut, payload.wire_len)
            }
            Body::Icmp(error) => icmp(packet, (src, dst), self.replaced(error.by), error),
        };
        // What the original had in headers that are gone is behind the packet, as padding is.
        let wire_len = wire::index(packet.wire_len);
        if !is_cut(packet) && bytes.len() < wire_len {
            bytes.resize(wire_len, 0);
        }
        let mut wire_len = packet.wire_len.max(wire::len32(bytes.len()));
        if let Some(number) = self.network(packet) {
            let around = tunnel(number, wire::index(wire_len), src.is_ipv6());
            wire_len = wire_len.saturating_add(wire::len32(around.len()));
            bytes.splice(0..0, around);
        }
        out(&Frame { at: packet.at, link: LINKTYPE_RAW, wire_len, bytes: &bytes });
    }

    /// A number for the network that a packet was in, where it was in a tunnel or VLAN that separates
    /// networks.
    fn network(&mut self, packet: &Packet<'_>) -> Option<u32> {
        let network = packet.path.network(self.config.vlan_in_key);
        if network == Network::default() {
            return None;
        }
        let next = wire::len32(self.networks.len()).saturating_add(1);
        Some(*self.networks.entry(network).or_insert(next))
    }

    /// The payload as it is passed on, as long as it was captured.
    fn payload(&mut self, packet: &Packet<'_>, payload: Payload<'_>, watched: bool) -> Vec<u8> {
        let len = payload.wire_len;
        if watched && len > 0 && self.seen.takes(packet, len, self.config, self.generous) {
            let mut octets = payload.bytes.to_vec();
            self.replace_written(&mut octets, [packet.src.addr, packet.dst.addr]);
            return octets;
        }
        let mut hasher = SipHasher13::new_with_keys(self.key[0], self.key[1]);
        hasher.write(payload.bytes);
        let mut octets = hasher.finish().to_le_bytes().to_vec();
        octets.resize(payload.bytes.len(), 0);
        octets
    }

    fn replaced(&self, addr: IpAddr) -> IpAddr {
        replaced(addr, self.key)
    }

    /// Replaces addresses in payload: written out, whatever they are, by as many other digits; as four or
    /// sixteen octets where they are those of the flow's own ends: of all others some would be found in
    /// random payload.
    fn replace_written(&self, octets: &mut [u8], ends: [IpAddr; 2]) {
        let mut at = 0;
        while at < octets.len() {
            let rest = wire::rest(octets, at);
            let is_part = |octet: &u8| octet.is_ascii_hexdigit() || matches!(octet, b'.' | b':');
            let run = rest.iter().position(|octet| !is_part(octet)).unwrap_or(rest.len());
            let text = str::from_utf8(wire::prefix(rest, run)).unwrap_or_default();
            if let Some((from, len)) = written(text) {
                let place = at.saturating_add(from);
                self.scramble(octets.get_mut(place..place.saturating_add(len)).unwrap_or_default());
            }
            at = at.saturating_add(run).saturating_add(1);
        }
        for end in ends {
            let (old, new) = (craft::octets(end), craft::octets(self.replaced(end)));
            for at in 0..octets.len() {
                let place = octets.get_mut(at..at.saturating_add(old.len()));
                if let Some(place) = place.filter(|place| **place == *old) {
                    place.copy_from_slice(&new);
                }
            }
        }
    }

    /// Other digits, the same wherever the same are.
    fn scramble(&self, text: &mut [u8]) {
        let mut hasher = SipHasher13::new_with_keys(self.key[0], self.key[1]);
        hasher.write(text);
        let mut state = hasher.finish();
        for octet in text.iter_mut().filter(|octet| octet.is_ascii_hexdigit()) {
            *octet = b'1'.saturating_add(u8::try_from(state % 9).unwrap_or_default());
            state = state.rotate_right(7) ^ state.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
    }
}

/// Where in a run of digits, dots and colons an address is written: its start and length. A port may
/// stand behind an IPv4 address, a dot or colon around either.
fn written(run: &str) -> Option<(usize, usize)> {
    let trimmed = run.trim_start_matches(['.', ':']);
    let from = run.len().saturating_sub(trimmed.len());
    let v4 = trimmed.split(':').next().unwrap_or_default().trim_end_matches('.');
    if v4.parse::<Ipv4Addr>().is_ok() {
        return Some((from, v4.len()));
    }
    let whole = run.trim_end_matches('.');
    // Shorter ones are in random payload, and name no host but one's own.
    (whole.len() >= 7 && whole.parse::<Ipv6Addr>().is_ok()).then_some((0, whole.len()))
}

/// Another address, of which every prefix depends on the same prefix of the old one only.
fn replaced(addr: IpAddr, key: [u64; 2]) -> IpAddr {
    let flip = |version: u8, at: u32, before: u128| {
        let mut hasher = SipHasher13::new_with_keys(key[0], key[1]);
        hasher.write_u8(version);
        hasher.write_u32(at);
        hasher.write_u128(before);
        u128::from(hasher.finish() & 1)
    };
    let mapped = |bits: u128, width: u32, kept: u32, version: u8| {
        (kept..width).fold(bits, |made, at| {
            let place = width.saturating_sub(1).saturating_sub(at);
            let before = bits.checked_shr(place.saturating_add(1)).unwrap_or_default();
            made ^ flip(version, at, before).checked_shl(place).unwrap_or_default()
        })
    };
    match addr {
        IpAddr::V4(v4) if v4.is_multicast() || v4.is_broadcast() || v4.is_unspecified() => addr,
        IpAddr::V6(v6) if v6.is_multicast() || v6.is_unspecified() => addr,
        IpAddr::V4(v4) => {
            let bits = mapped(u128::from(v4.to_bits()), 32, 8, 4);
            IpAddr::V4(Ipv4Addr::from_bits(u32::try_from(bits).unwrap_or_default()))
        }
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(mapped(v6.to_bits(), 128, 16, 6))),
    }
}

fn is_cut(packet: &Packet<'_>) -> bool {
    match packet.body {
        Body::Tcp(_, payload) | Body::Udp(_, payload) => payload.bytes.len() < payload.wire_len,
        Body::Icmp(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u64; 2] = [1, 2];

    fn common(one: IpAddr, other: IpAddr) -> u32 {
        let bits = |addr| {
            craft::octets(addr).iter().fold(0u128, |bits, &octet| bits << 8 | u128::from(octet))
        };
        (bits(one) ^ bits(other)).leading_zeros()
    }

    #[test]
    fn addresses_keep_what_they_have_in_common() {
        let names = [
            "10.1.2.3",
            "10.1.2.4",
            "10.1.99.4",
            "10.200.0.1",
            "192.168.1.1",
            "2001:db8::1",
            "2001:db8::2",
            "2001:db8:1::1",
        ];
        let addresses: Vec<IpAddr> = names.iter().map(|name| name.parse().unwrap()).collect();
        for &one in &addresses {
            for &other in &addresses {
                let made = (replaced(one, KEY), replaced(other, KEY));
                if one.is_ipv4() == other.is_ipv4() {
                    assert_eq!(common(one, other), common(made.0, made.1), "{one} {other}");
                }
            }
        }
        assert_ne!(replaced(addresses[0], KEY), addresses[0]);
        assert_ne!(replaced(addresses[0], KEY), replaced(addresses[0], [3, 4]));
        let group = "239.1.2.3".parse().unwrap();
        assert_eq!(replaced(group, KEY), group);
    }

    #[test]
    fn addresses_are_found_where_they_are_written() {
        assert_eq!(written("10.1.2.3:3243"), Some((0, 8)));
        assert_eq!(written("10.1.2.3."), Some((0, 8)));
        assert_eq!(written("2001:db8::1"), Some((0, 11)));
        for text in ["", "::1", "1.1", "9.2", "12:30:59", "abc", "1.2.3.4.5"] {
            assert_eq!(written(text), None, "{text}");
        }
    }
}
