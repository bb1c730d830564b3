//! Makes frames anew, as the plans say.

use std::collections::BTreeMap;

use super::craft::{Cut, icmp, segment, tcp_header, tunnel, udp_header};
use super::plans::{Plan, Plans, Treatment};
use super::secret::replace_written;
use super::{Addresses, Secret};
use crate::capture::Sink;
use portstory_core::internal::decode::packet::Network;
use portstory_core::internal::decode::{Found, PacketDecoder};
use portstory_core::internal::wire;
use portstory_core::{Body, Config, FlowKey, Frame, LinkType, Packet, Side, Socket};

/// Raw IP.
const LINKTYPE_RAW: LinkType = LinkType(101);

/// Makes frames of a capture that a [`Study`](super::Study) saw.
#[derive(Debug)]
pub struct Sharer<'a> {
    config: Config,
    decoder: PacketDecoder,
    maker: Maker<'a>,
}

#[derive(Debug)]
struct Maker<'a> {
    secret: Secret,
    plans: &'a mut Plans,
    addresses: &'a mut Addresses,
    /// Of each key: which flow runs, and how many packets of it there were.
    places: BTreeMap<FlowKey, (usize, u32)>,
    /// Networks that equal addresses are told apart by, by number.
    networks: BTreeMap<Network, u32>,
}

impl<'a> Sharer<'a> {
    /// One for the same capture and settings as the study had.
    pub fn new(
        config: &Config,
        secret: &Secret,
        plans: &'a mut Plans,
        addresses: &'a mut Addresses,
    ) -> Self {
        plans.beside = 0;
        for plan in plans.flows.values_mut().flatten() {
            (plan.payload, plan.stayed, plan.misread) = (0, 0, false);
            if let Treatment::Whole(whole) = &mut plan.treatment {
                whole.rewind();
            }
        }
        let (places, networks) = (BTreeMap::new(), BTreeMap::new());
        Self {
            decoder: PacketDecoder::new(&config.watch),
            config: config.clone(),
            maker: Maker { secret: secret.clone(), plans, addresses, places, networks },
        }
    }

    /// Hands on what becomes of a frame.
    pub fn frame(&mut self, frame: &Frame<'_>, out: &mut Sink<'_>) {
        let Self { config, decoder, maker } = self;
        if decoder.is_candidate(frame) {
            decoder.decode(frame, config, &mut |found| maker.packet(&found, config, out));
        }
    }

    /// The capture is over: what stayed incomplete is handed on.
    pub fn finish(&mut self, out: &mut Sink<'_>) {
        let Self { config, decoder, maker } = self;
        decoder.finish(config, &mut |found| maker.packet(&found, config, out));
    }
}

impl Maker<'_> {
    fn packet(&mut self, found: &Found<'_>, config: &Config, out: &mut Sink<'_>) {
        match found {
            Found::Watched(packet, _) => self.in_range(packet, config, out),
            Found::Companion(packet, _) => self.beside(packet, config, out),
            Found::Fragment(_) | Found::Anomaly(..) => {}
        }
    }

    fn in_range(&mut self, packet: &Packet<'_>, config: &Config, out: &mut Sink<'_>) {
        let (key, side) = FlowKey::of(packet, config.vlan_in_key);
        let Some((place, number)) = self.next_place(&key) else { return };
        let Some(cut) = self.watched(packet, (key, side), (place, number), config) else {
            return;
        };
        let bytes = self.make(packet, &cut, config, out);
        let reads_well = reads_as(packet, &bytes, self.addresses, config);
        let plan = self.plans.flows.get_mut(&key).and_then(|plans| plans.get_mut(place));
        if let Some(plan) = plan {
            plan.misread |= !reads_well;
        }
    }

    fn beside(&mut self, packet: &Packet<'_>, config: &Config, out: &mut Sink<'_>) {
        let ends = [packet.src, packet.dst];
        if self.plans.exclude.iter().any(|one| one.means_ends(ends)) {
            return;
        }
        let captured = packet.body.payload().map_or(&[][..], |payload| payload.bytes);
        let cut = Cut { bytes: self.secret.filler(captured, captured.len()), mark: None };
        self.plans.beside = self.plans.beside.saturating_add(1);
        self.make(packet, &cut, config, out);
    }

    /// Which flow of a key the next packet is of, and which of its packets it is.
    fn next_place(&mut self, key: &FlowKey) -> Option<(usize, u32)> {
        let plans = self.plans.flows.get(key)?;
        let (place, number) = self.places.entry(*key).or_default();
        while plans.get(*place)?.packets <= *number {
            (*place, *number) = (place.saturating_add(1), 0);
        }
        let here = (*place, *number);
        *number = number.saturating_add(1);
        Some(here)
    }

    /// The payload of a flow's packet as it is passed on; none where the flow is left out.
    fn watched(
        &mut self,
        packet: &Packet<'_>,
        (key, side): (FlowKey, Side),
        (place, number): (usize, u32),
        config: &Config,
    ) -> Option<Cut> {
        let Self { secret, plans, addresses, .. } = self;
        let Plan { treatment, payload, stayed, .. } = plans.flows.get_mut(&key)?.get_mut(place)?;
        let captured = packet.body.payload().map_or(&[][..], |payload| payload.bytes);
        let len = packet.body.payload().map_or(0, |payload| payload.wire_len);
        let add = |sum: &mut u64, len: usize| {
            *sum = sum.saturating_add(u64::from(wire::len32(len)));
        };
        let bytes = match treatment {
            Treatment::LeftOut(_) | Treatment::Excluded => return None,
            Treatment::Without(_) => {
                add(payload, captured.len());
                let mark = secret.filler(captured, 2);
                return Some(Cut {
                    bytes: Vec::new(),
                    mark: wire::be16(&mark, 0).filter(|_| len > 0),
                });
            }
            Treatment::Disguised { disguise, .. } => {
                let seq = match packet.body {
                    Body::Tcp(info, _) => info.seq,
                    Body::Udp(..) | Body::Icmp(_) => 0,
                };
                add(stayed, disguise.kept.get(&number).map_or(0, Vec::len));
                disguise.payload(secret, number, (side, seq), captured)
            }
            Treatment::Whole(whole) => {
                if len > 0 && whole.takes(packet.transport, packet.src, len, config) {
                    let mut octets = captured.to_vec();
                    replace_written(addresses, &mut octets, [packet.src.addr, packet.dst.addr]);
                    add(stayed, octets.len());
                    octets
                } else {
                    secret.filler(captured, captured.len())
                }
            }
        };
        add(payload, captured.len());
        Some(Cut { bytes, mark: None })
    }

    /// Makes a frame, hands it on and returns it.
    fn make(
        &mut self,
        packet: &Packet<'_>,
        cut: &Cut,
        config: &Config,
        out: &mut Sink<'_>,
    ) -> Vec<u8> {
        let (src, dst) =
            (self.addresses.replaced(packet.src.addr), self.addresses.replaced(packet.dst.addr));
        let mut bytes = match packet.body {
            Body::Tcp(info, payload) => {
                segment(packet, (src, dst), &tcp_header(packet, info), 16, cut, payload.wire_len)
            }
            Body::Udp(checksum, payload) => {
                let header = udp_header(packet, payload.wire_len);
                // 0 says that there is no checksum; but where there is no payload, copies are known by
                // it.
                let at = if checksum == 0 && cut.mark.is_none() { usize::MAX } else { 6 };
                segment(packet, (src, dst), &header, at, cut, payload.wire_len)
            }
            Body::Icmp(error) => icmp(packet, (src, dst), self.addresses.replaced(error.by), error),
        };
        // What the original had in headers that are gone is behind the packet, as padding is.
        let wire_len = wire::index(packet.wire_len);
        let is_whole =
            packet.body.payload().is_none_or(|payload| cut.bytes.len() == payload.wire_len);
        if is_whole && bytes.len() < wire_len {
            let padding = self.secret.filler(&[], wire_len.saturating_sub(bytes.len()));
            bytes.extend(padding);
        }
        let mut wire_len = packet.wire_len.max(wire::len32(bytes.len()));
        if let Some(number) = self.network(packet, config) {
            let around = tunnel(number, wire::index(wire_len), src.is_ipv6());
            wire_len = wire_len.saturating_add(wire::len32(around.len()));
            bytes.splice(0..0, around);
        }
        out(&Frame { at: packet.at, link: LINKTYPE_RAW, wire_len, bytes: &bytes });
        bytes
    }

    /// A number for the network that a packet was in, where it was in a tunnel or VLAN that separates
    /// networks.
    fn network(&mut self, packet: &Packet<'_>, config: &Config) -> Option<u32> {
        let network = packet.path.network(config.vlan_in_key);
        if network == Network::default() {
            return None;
        }
        let next = wire::len32(self.networks.len()).saturating_add(1);
        Some(*self.networks.entry(network).or_insert(next))
    }
}

/// Whether a frame that was made of a packet is read as this one packet: not as a tunnel with more in
/// it, which what stays or chance may look like.
fn reads_as(packet: &Packet<'_>, bytes: &[u8], addresses: &mut Addresses, config: &Config) -> bool {
    let frame =
        Frame { at: packet.at, link: LINKTYPE_RAW, wire_len: wire::len32(bytes.len()), bytes };
    let mut ends: Vec<[Socket; 2]> = Vec::new();
    PacketDecoder::decode_alone(&frame, config, &mut |found| match found {
        Found::Watched(packet, _) | Found::Companion(packet, _) => {
            ends.push([packet.src, packet.dst]);
        }
        Found::Anomaly(..) => {}
        // Nothing was made in fragments.
        Found::Fragment(_) => ends.clear(),
    });
    let [src, dst] =
        [packet.src, packet.dst].map(|end| Socket { addr: addresses.replaced(end.addr), ..end });
    ends == [[src, dst]]
}
