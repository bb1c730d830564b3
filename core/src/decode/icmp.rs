//! ICMP (RFC 792) and ICMPv6 (RFC 4443) errors: they quote the packet that did not get there, IP
//! header and at least eight bytes behind it, which is where the ports are.

use super::ip::{self, Ip};
use super::packet::{IcmpError, Unreachable};
use super::{Body, DecodeContext, DecodeEnd, Decoded, Packet, Slice};
use crate::net::{Layer, Socket, Transport};
use crate::wire;

/// Hands on the error, if it is one that quotes TCP or UDP; says why nothing follows.
pub(super) fn error(
    context: &DecodeContext,
    ip: &Ip<'_>,
    sink: &mut dyn FnMut(Decoded<'_>),
) -> DecodeEnd {
    let part = ip.payload.of_layer(Layer::Transport);
    let [icmp_type, code] = match part.array(0, "icmp.header_too_short") {
        Ok(first) => first,
        Err(end) => return end,
    };
    let v6 = ip.src.is_ipv6();
    let Some(kind) = meaning(v6, icmp_type, code) else { return DecodeEnd::Done };
    // Both have eight bytes before the quoted packet. What is quoted is cut short by design, so its
    // own length fields say nothing of what is missing here.
    let quote = Slice { wire_len: usize::MAX, ..part.after(8) };
    let Ok(quoted) = ip::parse(quote) else { return DecodeEnd::Done };
    let transport = match quoted.protocol {
        6 => Transport::Tcp,
        17 => Transport::Udp,
        _ => return DecodeEnd::Done,
    };
    let first = quoted.fragment.is_none_or(|fragment| fragment.offset == 0);
    let ports = (wire::be16(quoted.payload.bytes, 0), wire::be16(quoted.payload.bytes, 2));
    let (true, (Some(src), Some(dst))) = (first, ports) else { return DecodeEnd::Done };
    sink(Decoded::Packet(Packet {
        at: context.at,
        path: &context.path,
        transport,
        src: Socket { addr: quoted.src, port: src },
        dst: Socket { addr: quoted.dst, port: dst },
        ip_id: ip.id,
        wire_len: ip.counted_len(&context.path),
        body: Body::Icmp(IcmpError { by: ip.src, kind, v6, icmp_type, code }),
    }));
    DecodeEnd::Done
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
