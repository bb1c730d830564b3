//! TCP (RFC 9293 section 3.1) and UDP (RFC 768) headers.
//!
//! Read by hand, because a snap length of 68 or 96 bytes often ends inside the TCP header of an
//! IPv6 packet, and what is left of it still tells ports, sequence number and flags.

use super::ip::Ip;
use super::{
    Body, DecodeContext, DecodeEnd, Decoded, Opened, Packet, Payload, Slice, TcpFlags, TcpInfo,
    tunnel,
};
use crate::net::{Layer, Socket, Transport};
use crate::wire;

/// Hands on a TCP segment, behind which nothing follows.
pub(super) fn tcp<'a>(
    context: &DecodeContext,
    ip: &Ip<'a>,
    sink: &mut dyn FnMut(Decoded<'_>),
) -> Result<Opened<'a>, DecodeEnd> {
    const SHORT: &str = "tcp.header_too_short";
    let part = ip.payload.of_layer(Layer::Transport);
    let [offset, flags] = part.array(12, SHORT)?;
    let ports = (part.be16(0, SHORT)?, part.be16(2, SHORT)?);
    let header_len = usize::from(offset >> 4).saturating_mul(4);
    if header_len < 20 || header_len > part.wire_len {
        return Err(part.stop("tcp.data_offset_invalid"));
    }
    let info = TcpInfo {
        seq: part.be32(4, SHORT)?,
        ack: part.be32(8, SHORT)?,
        flags: TcpFlags(flags),
        window: wire::be16(part.bytes, 14).unwrap_or_default(),
        checksum: wire::be16(part.bytes, 16).unwrap_or_default(),
    };
    let body = Body::Tcp(info, payload(part.after(header_len)));
    sink(Decoded::Packet(packet(context, ip, Transport::Tcp, ports, (part.bytes, body))));
    Err(DecodeEnd::Done)
}

/// Hands on a UDP datagram, and opens it where it is a tunnel's.
pub(super) fn udp<'a>(
    context: &DecodeContext,
    ip: &Ip<'a>,
    sink: &mut dyn FnMut(Decoded<'_>),
) -> Result<Opened<'a>, DecodeEnd> {
    const SHORT: &str = "udp.header_too_short";
    let part = ip.payload.of_layer(Layer::Transport);
    let checksum = part.be16(6, SHORT)?;
    let ports = (part.be16(0, SHORT)?, part.be16(2, SHORT)?);
    let len = usize::from(part.be16(4, SHORT)?);
    let whole = match len {
        // RFC 2675 section 4 (jumbograms) and segmentation offload: as much as there is.
        0 => part,
        1..8 => return Err(part.stop("udp.length_invalid")),
        _ => part.limited(len),
    };
    let behind = whole.after(8);
    let body = Body::Udp(checksum, payload(behind));
    sink(Decoded::Packet(packet(context, ip, Transport::Udp, ports, (whole.bytes, body))));
    let row = tunnel::over_udp(ports.0, ports.1).ok_or(DecodeEnd::Done)?;
    row.open(behind.of_layer(Layer::Tunnel))
}

fn payload(part: Slice<'_>) -> Payload<'_> {
    Payload { bytes: part.bytes, wire_len: part.wire_len }
}

fn packet<'a>(
    context: &'a DecodeContext,
    ip: &Ip<'_>,
    transport: Transport,
    (src, dst): (u16, u16),
    (segment, body): (&'a [u8], Body<'a>),
) -> Packet<'a> {
    Packet {
        at: context.at,
        path: &context.path,
        transport,
        src: Socket { addr: ip.src, port: src },
        dst: Socket { addr: ip.dst, port: dst },
        ip_id: ip.id,
        ttl: ip.ttl,
        link: context.link,
        wire_len: ip.counted_len(&context.path),
        segment,
        body,
    }
}
