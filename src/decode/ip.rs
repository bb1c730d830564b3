//! IPv4 (RFC 791) and IPv6 (RFC 8200) with their extension headers, by etherparse's lax slices: a
//! total length of 0 (segmentation offload) or beyond the capture is taken as "as much as there is".

use std::net::IpAddr;

use etherparse::{Ipv6ExtensionSlice, LaxIpSlice, LaxIpv4Slice, LaxIpv6Slice};

use super::{Decoded, Halt, Next, Opened, Part, Path, icmp, transport, tunnel};
use crate::event::Layer;
use crate::frame::FrameRef;
use crate::wire;

/// What the IP header tells, with its payload.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ip<'a> {
    pub(super) src: IpAddr,
    pub(super) dst: IpAddr,
    /// IPv4 identification; 0 for IPv6.
    pub(super) id: u16,
    /// Protocol number of the payload.
    pub(super) protocol: u8,
    /// Where this packet's payload stands in the original one, if it is a fragment.
    pub(super) fragment: Option<Fragment>,
    /// Octets of the whole packet on the wire, from this header on.
    pub(super) wire_len: usize,
    /// Where this header starts in the frame.
    pub(super) offset: usize,
    pub(super) payload: Part<'a>,
}

impl Ip<'_> {
    /// What a packet counts for: with its link header, as Suricata counts; without what is around it
    /// where it came in a tunnel.
    pub(super) fn counted_len(&self, path: &Path) -> u32 {
        let around = if path.is_tunnelled() { 0 } else { self.offset };
        wire::len32(self.wire_len.saturating_add(around))
    }
}

/// A piece of a packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fragment {
    /// Offset in octets; 0 is the fragment with the ports.
    pub(super) offset: usize,
}

/// IP protocol numbers (IANA).
const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMP: u8 = 1;
const ICMPV6: u8 = 58;

/// Opens an IP packet: hands on the TCP, UDP or ICMP packet in it, or says which tunnel to open.
pub(super) fn open<'a>(
    at: FrameRef,
    path: &Path,
    part: Part<'a>,
    sink: &mut dyn FnMut(Decoded<'a>),
) -> Result<Opened<'a>, Halt> {
    let ip = parse(part)?;
    if ip.fragment.is_some_and(|fragment| fragment.offset > 0) {
        return Err(part.stop(Layer::Network, "fragment_not_reassembled"));
    }
    match ip.protocol {
        TCP => Err(transport::tcp(at, path, &ip, sink)),
        UDP => {
            let datagram = transport::udp(at, path, &ip, sink)?;
            let row = tunnel::over_udp(datagram.src, datagram.dst).ok_or(Halt::Done)?;
            (row.open)(datagram.payload)
        }
        ICMP | ICMPV6 => Err(icmp::error(at, path, &ip, sink)),
        protocol => Ok(Opened { next: Next::IpProtocol(protocol), rest: ip.payload, adds: None }),
    }
}

/// Reads the IP header and its extensions.
pub(super) fn parse(part: Part<'_>) -> Result<Ip<'_>, Halt> {
    let version = wire::u8_at(part.bytes, 0).map(|octet| octet >> 4);
    let Ok((slice, trouble)) = LaxIpSlice::from_slice(part.bytes) else {
        return Err(match version {
            None => part.too_short(Layer::Network, "ip.header_missing"),
            Some(4) => part.too_short(Layer::Network, "ipv4.header_malformed"),
            Some(6) => part.too_short(Layer::Network, "ipv6.header_malformed"),
            Some(_) => part.stop(Layer::Network, "ip.version_unknown"),
        });
    };
    if trouble.is_some() {
        return Err(part.too_short(Layer::Network, "ip.extension_malformed"));
    }
    match slice {
        LaxIpSlice::Ipv4(v4) => Ok(ipv4(part, &v4)),
        LaxIpSlice::Ipv6(v6) => Ok(ipv6(part, &v6)),
    }
}

fn ipv4<'a>(part: Part<'a>, v4: &LaxIpv4Slice<'a>) -> Ip<'a> {
    let header = v4.header();
    let total = usize::from(header.total_len());
    // RFC 791 does not allow a total below the header's length; 0 is what a capture shows of a packet
    // that the network card has yet to cut up.
    let wire_len =
        if total < header.slice().len() { part.wire_len } else { total.min(part.wire_len) };
    let offset = usize::from(header.fragments_offset().value()).saturating_mul(8);
    Ip {
        src: header.source_addr().into(),
        dst: header.destination_addr().into(),
        id: header.identification(),
        protocol: v4.payload().ip_number.0,
        fragment: header.is_fragmenting_payload().then_some(Fragment { offset }),
        wire_len,
        offset: part.offset,
        payload: payload_of(part, v4.payload().payload, wire_len),
    }
}

fn ipv6<'a>(part: Part<'a>, v6: &LaxIpv6Slice<'a>) -> Ip<'a> {
    let header = v6.header();
    let payload_len = usize::from(header.payload_length());
    // 0 stands for a jumbogram (RFC 2675) or for offload: as much as there is.
    let wire_len = if payload_len == 0 {
        part.wire_len
    } else {
        payload_len.saturating_add(40).min(part.wire_len)
    };
    let fragment = v6.extensions().clone().into_iter().find_map(|extension| match extension {
        Ipv6ExtensionSlice::Fragment(fragment) => Some(Fragment {
            offset: usize::from(fragment.fragment_offset().value()).saturating_mul(8),
        }),
        Ipv6ExtensionSlice::HopByHop(_)
        | Ipv6ExtensionSlice::Routing(_)
        | Ipv6ExtensionSlice::DestinationOptions(_)
        | Ipv6ExtensionSlice::Authentication(_) => None,
    });
    Ip {
        src: header.source_addr().into(),
        dst: header.destination_addr().into(),
        id: 0,
        protocol: v6.payload().ip_number.0,
        fragment: fragment.filter(|_| v6.is_payload_fragmented()),
        wire_len,
        offset: part.offset,
        payload: payload_of(part, v6.payload().payload, wire_len),
    }
}

/// The payload slice that etherparse found, as a part with its length on the wire.
fn payload_of<'a>(part: Part<'a>, payload: &'a [u8], wire_len: usize) -> Part<'a> {
    // The slice is a tail of what is left after the packet's own end was cut off.
    let captured = part.bytes.len().min(wire_len);
    let header_len = captured.saturating_sub(payload.len());
    let payload_wire = wire_len.saturating_sub(header_len).max(payload.len());
    Part { bytes: payload, wire_len: payload_wire, offset: part.offset.saturating_add(header_len) }
}
