//! ICMP (RFC 792) and ICMPv6 (RFC 4443) errors: they quote the packet that did not get there, IP
//! header and at least eight bytes behind it, which is where the ports are.

use super::ip::{self, Ip};
use super::packet::{IcmpError, Unreachable};
use super::{Body, DecodeContext, DecodeEnd, Decoded, Opened, Packet, Slice};
use crate::net::{Layer, Socket, Transport};
use crate::wire;

/// Hands on the error, if it is one that quotes TCP or UDP. Nothing follows it.
pub(super) fn error<'a>(
    context: &DecodeContext,
    ip: &Ip<'a>,
    sink: &mut dyn FnMut(Decoded<'_>),
) -> Result<Opened<'a>, DecodeEnd> {
    let part = ip.payload.of_layer(Layer::Transport);
    let first = part.array(0, "icmp.header_too_short")?;
    if let Some(packet) = refused(context, ip, first) {
        sink(Decoded::Packet(packet));
    }
    Err(DecodeEnd::Done)
}

/// The packet that an error quotes.
fn refused<'a>(
    context: &'a DecodeContext,
    ip: &Ip<'a>,
    [icmp_type, code]: [u8; 2],
) -> Option<Packet<'a>> {
    let v6 = ip.src.is_ipv6();
    let kind = meaning(v6, icmp_type, code)?;
    // Both have eight bytes before the quoted packet. What is quoted is cut short by design, so its
    // own length fields say nothing of what is missing here.
    let quoted = ip::parse(Slice { wire_len: usize::MAX, ..ip.payload.after(8) }).ok()?;
    let transport = match quoted.protocol {
        6 => Transport::Tcp,
        17 => Transport::Udp,
        _ => return None,
    };
    if quoted.fragment.is_some_and(|fragment| fragment.offset > 0) {
        return None;
    }
    let quote = quoted.payload.bytes;
    Some(Packet {
        at: context.at,
        path: &context.path,
        transport,
        src: Socket { addr: quoted.src, port: wire::be16(quote, 0)? },
        dst: Socket { addr: quoted.dst, port: wire::be16(quote, 2)? },
        ip_id: ip.id,
        ttl: ip.ttl,
        link: context.link,
        wire_len: ip.counted_len(&context.path),
        segment: ip.payload.bytes,
        body: Body::Icmp(IcmpError { by: ip.src, kind, v6, icmp_type, code }),
    })
}

/// What an ICMP message means for the flow it quotes; `None` where it quotes none.
fn meaning(v6: bool, icmp_type: u8, code: u8) -> Option<Unreachable> {
    match (v6, icmp_type, code) {
        // RFC 792 and RFC 1812 section 5.2.7.1; RFC 4443 section 3.1.
        (false, 3, 3) | (true, 1, 4) => Some(Unreachable::Port),
        (false, 3, 9 | 10 | 13) | (true, 1, 1 | 5 | 6) => Some(Unreachable::Prohibited),
        (false, 3, 4) => Some(Unreachable::Transit),
        (false, 3, _) | (true, 1, _) => Some(Unreachable::Host),
        (false, 4 | 5 | 11 | 12, _) | (true, 2..=4, _) => Some(Unreachable::Transit),
        _ => None,
    }
}
