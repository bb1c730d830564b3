//! Plain frames in one go: Ethernet or raw IP, IPv4 without options or IPv6 without extension headers,
//! then TCP or UDP, all of it captured and whole.
//!
//! Nearly every frame is one. What is read here is what the decoder would hand on, layer by layer;
//! whatever is not plain is left to it. In debug builds both are asked, and must say the same.

use std::net::IpAddr;

use super::packet::{Body, Packet, Path, Payload, TcpFlags, TcpInfo};
use super::{link, tunnel};
use crate::frame::Frame;
use crate::net::{Socket, Transport};
use crate::wire::{array, be16, be32, index, len32, u8_at};

/// Layers that are opened here.
pub(super) const LAYERS: usize = 2;

/// The packet in a plain frame.
pub(super) fn packet<'a>(frame: &Frame<'a>) -> Option<Packet<'a>> {
    let bytes = frame.bytes;
    if bytes.len() != index(frame.wire_len) {
        return None;
    }
    let (ip_at, version) = match frame.link.0 {
        1 => match be16(bytes, 12)? {
            0x0800 => (14, 4),
            0x86dd => (14, 6),
            _ => return None,
        },
        101 => (0, u8_at(bytes, 0)? >> 4),
        _ => return None,
    };
    let ip = bytes.get(ip_at..)?;
    match version {
        4 => ipv4(frame, ip_at, ip),
        6 => ipv6(frame, ip_at, ip),
        _ => None,
    }
}

/// RFC 791: version 4, a header of five words, no fragment.
fn ipv4<'a>(frame: &Frame<'a>, at: usize, ip: &'a [u8]) -> Option<Packet<'a>> {
    let header: [u8; 20] = array(ip, 0)?;
    let plain = header[0] == 0x45 && header[6] & 0x3f == 0 && header[7] == 0;
    let total = usize::from(be16(ip, 2)?);
    let segment = ip.get(20..total).filter(|_| plain)?;
    let [.., s0, s1, s2, s3, d0, d1, d2, d3] = header;
    let (src, dst) = ([s0, s1, s2, s3].into(), [d0, d1, d2, d3].into());
    let packet = transport(frame, (src, dst), header[9], segment)?;
    let wire_len = len32(at.saturating_add(total));
    Some(Packet { ip_id: be16(ip, 4)?, ttl: header[8], wire_len, ..packet })
}

/// RFC 8200.
fn ipv6<'a>(frame: &Frame<'a>, at: usize, ip: &'a [u8]) -> Option<Packet<'a>> {
    if u8_at(ip, 0)? >> 4 != 6 {
        return None;
    }
    let total = usize::from(be16(ip, 4)?).saturating_add(40);
    let segment = ip.get(40..total)?;
    let (src, dst) = (array::<16>(ip, 8)?.into(), array::<16>(ip, 24)?.into());
    let packet = transport(frame, (src, dst), u8_at(ip, 6)?, segment)?;
    Some(Packet { ttl: u8_at(ip, 7)?, wire_len: len32(at.saturating_add(total)), ..packet })
}

/// TCP (RFC 9293 section 3.1), or UDP (RFC 768) that no tunnel uses, between these addresses. What its IP
/// header tells beside them is for the caller to add.
#[inline]
fn transport<'a>(
    frame: &Frame<'_>,
    (src, dst): (IpAddr, IpAddr),
    protocol: u8,
    segment: &'a [u8],
) -> Option<Packet<'a>> {
    let ports = (be16(segment, 0)?, be16(segment, 2)?);
    let (transport, segment, body) = match protocol {
        6 => {
            let header_len = usize::from(u8_at(segment, 12)? >> 4).saturating_mul(4);
            let bytes = segment.get(header_len..).filter(|_| header_len >= 20)?;
            let info = TcpInfo {
                seq: be32(segment, 4)?,
                ack: be32(segment, 8)?,
                flags: TcpFlags(u8_at(segment, 13)?),
                window: be16(segment, 14)?,
                checksum: be16(segment, 16)?,
            };
            (Transport::Tcp, segment, Body::Tcp(info, Payload { bytes, wire_len: bytes.len() }))
        }
        17 => {
            let segment = segment.get(..usize::from(be16(segment, 4)?))?;
            let bytes = segment.get(8..)?;
            if tunnel::over_udp(ports.0, ports.1).is_some() {
                return None;
            }
            let payload = Payload { bytes, wire_len: bytes.len() };
            (Transport::Udp, segment, Body::Udp(be16(segment, 6)?, payload))
        }
        _ => return None,
    };
    let (src, dst) = (Socket { addr: src, port: ports.0 }, Socket { addr: dst, port: ports.1 });
    Some(Packet {
        at: frame.at,
        path: &Path::PLAIN,
        transport,
        src,
        dst,
        ip_id: 0,
        ttl: 0,
        link: link::number(frame),
        wire_len: 0,
        segment,
        body,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::tests::support::{ethernet, v4, v6};
    use crate::frame::{FrameRef, LinkType};

    fn is_plain(link: u16, bytes: &[u8]) -> bool {
        let at = FrameRef::default();
        let wire_len = crate::wire::len32(bytes.len());
        packet(&Frame { at, link: LinkType(link), wire_len, bytes }).is_some()
    }

    #[test]
    fn plain_frames_are_read_here() {
        for ip in [v4(), v6()] {
            assert!(is_plain(101, &ip));
            let ethertype = if ip[0] >> 4 == 4 { 0x0800 } else { 0x86dd };
            let frame = ethernet(ethertype, &ip);
            assert!(is_plain(1, &frame) && is_plain(1, &[&frame[..], &[0; 7]].concat()));
            // Cut, of another link type, or behind a tag.
            assert!(!is_plain(1, &frame[..frame.len() - 1]) && !is_plain(113, &frame));
            assert!(!is_plain(1, &ethernet(0x8100, &[&[0, 7, 8, 0][..], &ip].concat())));
        }
    }
}
