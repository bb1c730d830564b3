//! What an IP packet carries: TCP, UDP or an ICMP error, which are handed on, a fragment, or a tunnel.

use super::fragment::Fragment;
use super::ip::{self, Ip};
use super::{DecodeContext, DecodeEnd, Decoded, Next, Opened, Slice, icmp, transport};

/// IP protocol numbers (IANA).
const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMP: u8 = 1;
const ICMPV6: u8 = 58;

/// Opens an IP packet: hands on the TCP, UDP or ICMP packet in it, or says which tunnel to open.
pub(super) fn open<'a>(
    context: &DecodeContext,
    part: Slice<'a>,
    sink: &mut dyn FnMut(Decoded<'_>),
) -> Result<Opened<'a>, DecodeEnd> {
    let ip = ip::parse(part)?;
    if let Some(piece) = ip.fragment {
        sink(Decoded::Fragment(Fragment::new(*context, &ip, piece)));
        return Err(DecodeEnd::Done);
    }
    deliver(context, &ip, sink)
}

/// Hands on what a whole packet carries, or says which tunnel to open.
pub(super) fn deliver<'a>(
    context: &DecodeContext,
    ip: &Ip<'a>,
    sink: &mut dyn FnMut(Decoded<'_>),
) -> Result<Opened<'a>, DecodeEnd> {
    match ip.protocol {
        TCP => transport::tcp(context, ip, sink),
        UDP => transport::udp(context, ip, sink),
        ICMP | ICMPV6 => icmp::error(context, ip, sink),
        protocol => Ok(Opened::new(Next::IpProtocol(protocol), ip.payload)),
    }
}
