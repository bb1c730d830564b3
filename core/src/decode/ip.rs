//! IPv4 (RFC 791) and IPv6 (RFC 8200), by etherparse's lax slices: a total length of 0 (segmentation
//! offload) or beyond the capture is taken as "as much as there is". Then IPv6's extension headers.

use std::net::IpAddr;

use etherparse::{LaxIpSlice, LaxIpv4Slice, LaxIpv6Slice};

use super::packet::Path;
use super::{DecodeEnd, Slice};
use crate::config::EXTENSION_HEADERS_MAX;
use crate::wire;

/// What the IP header tells, with its payload.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ip<'a> {
    pub(super) src: IpAddr,
    pub(super) dst: IpAddr,
    /// IPv4 identification; 0 for IPv6.
    pub(super) id: u16,
    /// Time to live, hop limit.
    pub(super) ttl: u8,
    /// Protocol number of the payload.
    pub(super) protocol: u8,
    /// Where this packet's payload stands in the original one, if it is a fragment.
    pub(super) fragment: Option<Piece>,
    /// Bytes of the whole packet on the wire, from this header on.
    pub(super) wire_len: usize,
    /// Where this header starts in the frame.
    pub(super) offset: usize,
    pub(super) payload: Slice<'a>,
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
pub(super) struct Piece {
    /// Identification, which all pieces share: 16 bits for IPv4, 32 for IPv6.
    pub(super) id: u32,
    /// Offset in bytes; 0 is the fragment with the ports.
    pub(super) offset: usize,
    /// Whether there are pieces behind it.
    pub(super) more: bool,
}

/// Reads the IP header and its extensions.
pub(super) fn parse(part: Slice<'_>) -> Result<Ip<'_>, DecodeEnd> {
    let version = wire::u8_at(part.bytes, 0).map(|byte| byte >> 4);
    let Ok((slice, trouble)) = LaxIpSlice::from_slice(part.bytes) else {
        return Err(match version {
            None => part.too_short("ip.header_missing"),
            Some(4) => part.too_short("ipv4.header_malformed"),
            Some(6) => part.too_short("ipv6.header_malformed"),
            Some(_) => part.stop("ip.version_unknown"),
        });
    };
    match slice {
        LaxIpSlice::Ipv4(v4) => {
            let ip = ipv4(part, &v4);
            // In a fragment no authentication header is looked for: in a later one there is none.
            if trouble.is_some() && ip.fragment.is_none() {
                return Err(part.too_short("ip.extension_malformed"));
            }
            Ok(ip)
        }
        LaxIpSlice::Ipv6(v6) => ipv6(part, &v6),
    }
}

fn ipv4<'a>(part: Slice<'a>, v4: &LaxIpv4Slice<'a>) -> Ip<'a> {
    let header = v4.header();
    let header_len = header.slice().len();
    let total = usize::from(header.total_len());
    // RFC 791 does not allow a total below the header's length; 0 is what a capture shows of a packet
    // that the network card has yet to cut up.
    let wire_len = if total < header_len { part.wire_len } else { total.min(part.wire_len) };
    let id = header.identification();
    let fragment = header.is_fragmenting_payload().then(|| Piece {
        id: u32::from(id),
        offset: usize::from(header.fragments_offset().value()).saturating_mul(8),
        more: header.more_fragments(),
    });
    let (protocol, payload) = match fragment {
        Some(_) => (header.protocol().0, part.limited(wire_len).after(header_len)),
        None => (v4.payload().ip_number.0, payload_of(part, v4.payload().payload, wire_len)),
    };
    Ip {
        src: header.source_addr().into(),
        dst: header.destination_addr().into(),
        id,
        ttl: header.ttl(),
        protocol,
        fragment,
        wire_len,
        offset: part.offset,
        payload,
    }
}

fn ipv6<'a>(part: Slice<'a>, v6: &LaxIpv6Slice<'a>) -> Result<Ip<'a>, DecodeEnd> {
    let header = v6.header();
    let payload_len = usize::from(header.payload_length());
    // 0 stands for a jumbogram (RFC 2675) or for offload: as much as there is.
    let wire_len = if payload_len == 0 {
        part.wire_len
    } else {
        payload_len.saturating_add(IPV6_HEADER_LEN).min(part.wire_len)
    };
    let behind = part.limited(wire_len).after(IPV6_HEADER_LEN);
    let chain = extensions(header.next_header().0, behind)?;
    Ok(Ip {
        src: header.source_addr().into(),
        dst: header.destination_addr().into(),
        id: 0,
        ttl: header.hop_limit(),
        protocol: chain.protocol,
        fragment: chain.fragment,
        wire_len,
        offset: part.offset,
        payload: chain.payload,
    })
}

/// Bytes of an IPv6 header without extensions.
pub(super) const IPV6_HEADER_LEN: usize = 40;

/// What is behind IPv6's extension headers.
pub(super) struct Chain<'a> {
    pub(super) protocol: u8,
    pub(super) payload: Slice<'a>,
    fragment: Option<Piece>,
}

/// Passes over extension headers (RFC 8200 section 4, RFC 4302 section 2), up to the payload or to a
/// Fragment header with a piece of it.
///
/// ```text
/// | next header 1 | length 1, in units of 8 bytes behind the first 8 | ...
/// | next header 1 | 0 | offset 13 bits, reserved 2, more 1 | identification 4 |    Fragment
/// ```
///
/// By hand: etherparse's iterator reads past the end of a chain that was cut.
pub(super) fn extensions(first: u8, part: Slice<'_>) -> Result<Chain<'_>, DecodeEnd> {
    const MALFORMED: &str = "ip.extension_malformed";
    let (mut protocol, mut payload) = (first, part);
    for _ in 0..EXTENSION_HEADERS_MAX {
        let Some(kind) = Extension::of(protocol) else { break };
        let [next, len] = payload.array(0, MALFORMED)?;
        let len = usize::from(len);
        let len = match kind {
            Extension::Options => len.saturating_mul(8).saturating_add(8),
            Extension::Authentication => len.saturating_mul(4).saturating_add(8),
            Extension::Fragment => 8,
        };
        let behind = payload.behind(len, MALFORMED)?;
        let piece = (kind == Extension::Fragment).then(|| piece(payload.bytes)).flatten();
        (protocol, payload) = (next, behind);
        if piece.is_some() {
            return Ok(Chain { protocol, payload, fragment: piece });
        }
    }
    Ok(Chain { protocol, payload, fragment: None })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extension {
    Options,
    Fragment,
    Authentication,
}

impl Extension {
    /// IANA's IPv6 extension header types; what is behind ESP nobody can read.
    const fn of(protocol: u8) -> Option<Self> {
        match protocol {
            0 | 43 | 60 | 135 | 139 | 140 => Some(Self::Options),
            44 => Some(Self::Fragment),
            51 => Some(Self::Authentication),
            _ => None,
        }
    }
}

/// RFC 6946: a Fragment header around a whole packet says nothing.
fn piece(header: &[u8]) -> Option<Piece> {
    let (place, id) = (wire::be16(header, 2)?, wire::be32(header, 4)?);
    let piece = Piece { id, offset: usize::from(place & 0xfff8), more: place & 1 == 1 };
    (piece.more || piece.offset > 0).then_some(piece)
}

/// The payload slice that etherparse found, as a part with its length on the wire.
fn payload_of<'a>(part: Slice<'a>, payload: &'a [u8], wire_len: usize) -> Slice<'a> {
    // The slice is a tail of what is left after the packet's own end was cut off.
    let captured = part.bytes.len().min(wire_len);
    let header_len = captured.saturating_sub(payload.len());
    let payload_wire = wire_len.saturating_sub(header_len).max(payload.len());
    Slice { bytes: payload, wire_len: payload_wire, ..part.after(header_len) }
}
