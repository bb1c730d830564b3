//! TCP (RFC 9293 section 3.1) and UDP (RFC 768) headers.
//!
//! Read by hand, because a snap length of 68 or 96 bytes often ends inside the TCP header of an
//! IPv6 packet, and what is left of it still tells ports, sequence number and flags.

use super::ip::Ip;
use super::{Body, DecodeContext, DecodeEnd, Decoded, Packet, Payload, Slice, TcpFlags, TcpInfo};
use crate::net::{Layer, Socket, Transport};
use crate::wire;

/// Hands on a TCP segment; says why nothing follows.
pub(super) fn tcp(
    context: &DecodeContext,
    ip: &Ip<'_>,
    sink: &mut dyn FnMut(Decoded<'_>),
) -> DecodeEnd {
    let part = ip.payload;
    let (Some(src), Some(dst), Some(seq), Some(ack), Some(lengths)) = (
        wire::be16(part.bytes, 0),
        wire::be16(part.bytes, 2),
        wire::be32(part.bytes, 4),
        wire::be32(part.bytes, 8),
        wire::be16(part.bytes, 12),
    ) else {
        return part.too_short(Layer::Transport, "tcp.header_too_short");
    };
    let [offset, flags] = lengths.to_be_bytes();
    let header_len = usize::from(offset >> 4).saturating_mul(4);
    if header_len < 20 || header_len > part.wire_len {
        return part.stop(Layer::Transport, "tcp.data_offset_invalid");
    }
    let info = TcpInfo {
        seq,
        ack,
        flags: TcpFlags(flags),
        window: wire::be16(part.bytes, 14).unwrap_or_default(),
        checksum: wire::be16(part.bytes, 16).unwrap_or_default(),
    };
    let body = Body::Tcp(info, payload(part.after(header_len)));
    sink(Decoded::Packet(packet(context, ip, Transport::Tcp, (src, dst), body)));
    DecodeEnd::Done
}

/// A UDP datagram that was handed on, in case it is a tunnel's.
pub(super) struct Datagram<'a> {
    pub(super) src: u16,
    pub(super) dst: u16,
    pub(super) payload: Slice<'a>,
}

/// Hands on a UDP datagram.
pub(super) fn udp<'a>(
    context: &DecodeContext,
    ip: &Ip<'a>,
    sink: &mut dyn FnMut(Decoded<'_>),
) -> Result<Datagram<'a>, DecodeEnd> {
    let part = ip.payload;
    let (Some(src), Some(dst), Some(len), Some(checksum)) = (
        wire::be16(part.bytes, 0),
        wire::be16(part.bytes, 2),
        wire::be16(part.bytes, 4),
        wire::be16(part.bytes, 6),
    ) else {
        return Err(part.too_short(Layer::Transport, "udp.header_too_short"));
    };
    let len = usize::from(len);
    let whole = match len {
        // RFC 2675 section 4 (jumbograms) and segmentation offload: as much as there is.
        0 => part,
        1..8 => return Err(part.stop(Layer::Transport, "udp.length_invalid")),
        _ => part.limited(len),
    };
    let behind = whole.after(8);
    let body = Body::Udp(checksum, payload(behind));
    sink(Decoded::Packet(packet(context, ip, Transport::Udp, (src, dst), body)));
    Ok(Datagram { src, dst, payload: behind })
}

fn payload(part: Slice<'_>) -> Payload<'_> {
    Payload { bytes: part.bytes, wire_len: part.wire_len }
}

fn packet<'a>(
    context: &'a DecodeContext,
    ip: &Ip<'_>,
    transport: Transport,
    (src, dst): (u16, u16),
    body: Body<'a>,
) -> Packet<'a> {
    Packet {
        at: context.at,
        path: &context.path,
        transport,
        src: Socket { addr: ip.src, port: src },
        dst: Socket { addr: ip.dst, port: dst },
        ip_id: ip.id,
        wire_len: ip.counted_len(&context.path),
        body,
    }
}
