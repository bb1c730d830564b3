//! Packets made from what was decoded: IP with TCP, UDP or an ICMP error, and a VXLAN around them.
//!
//! Lengths and checksums are those of what is made. It opens and keeps nothing.

use std::net::IpAddr;

use portstory_core::internal::decode::{IcmpError, TcpInfo};
use portstory_core::internal::wire;
use portstory_core::{Packet, Transport};

/// Payload as it is passed on.
#[derive(Debug)]
pub(super) struct Cut {
    /// As if so much had been captured of it.
    pub(super) bytes: Vec<u8>,
    /// What stands for the checksum where none of it is: so copies of a packet are copies still.
    pub(super) mark: Option<u16>,
}

/// RFC 9293 section 3.1, without options and without checksum.
pub(super) fn tcp_header(packet: &Packet<'_>, info: TcpInfo) -> Vec<u8> {
    let mut header = Vec::with_capacity(20);
    for port in [packet.src.port, packet.dst.port] {
        header.extend(port.to_be_bytes());
    }
    header.extend(info.seq.to_be_bytes());
    header.extend(info.ack.to_be_bytes());
    header.extend([0x50, info.flags.0]);
    header.extend(info.window.to_be_bytes());
    header.extend([0; 4]);
    header
}

/// RFC 768, without checksum.
pub(super) fn udp_header(packet: &Packet<'_>, payload_len: usize) -> Vec<u8> {
    let length = u16::try_from(payload_len.saturating_add(8)).unwrap_or_default();
    let fields = [packet.src.port, packet.dst.port, length, 0];
    fields.into_iter().flat_map(u16::to_be_bytes).collect()
}

/// A packet of a transport header, whose checksum is at `checksum_at`, and payload.
pub(super) fn segment(
    packet: &Packet<'_>,
    (src, dst): (IpAddr, IpAddr),
    header: &[u8],
    checksum_at: usize,
    payload: &Cut,
    payload_len: usize,
) -> Vec<u8> {
    let length = header.len().saturating_add(payload_len);
    let protocol = packet.transport.number();
    let mut body = [header, &payload.bytes].concat();
    // Over the pseudo-header as well; what was not captured counts as zeros.
    let mut sum = Sum::default();
    sum.add(&bytes(src));
    sum.add(&bytes(dst));
    sum.add(&wire::len32(length).to_be_bytes());
    sum.add(&[0, 0, 0, protocol]);
    sum.add(&body);
    put(
        &mut body,
        checksum_at,
        match (payload.mark.unwrap_or_else(|| sum.checksum()), packet.transport) {
            // In UDP zero would say that there is none.
            (0, Transport::Udp) => u16::MAX,
            (checksum, Transport::Tcp | Transport::Udp) => checksum,
        },
    );
    ip(src, dst, protocol, packet.ip_id, length, &body)
}

/// The headers of a VXLAN (RFC 7348) with this number: whatever separated networks, this does now.
pub(super) fn tunnel(number: u32, length: usize, v6: bool) -> Vec<u8> {
    let mut inner = 49_152u16.to_be_bytes().to_vec();
    inner.extend(4789u16.to_be_bytes());
    let length = length.saturating_add(30);
    inner.extend(u16::try_from(length).unwrap_or_default().to_be_bytes());
    inner.extend([0, 0, 8, 0, 0, 0]);
    inner.extend((number << 8).to_be_bytes());
    inner.extend([0; 12]);
    inner.extend(if v6 { [0x86, 0xdd] } else { [8, 0] });
    // Addresses of documentation, RFC 5737.
    let ends = [[192, 0, 2, 1], [192, 0, 2, 2]].map(IpAddr::from);
    ip(ends[0], ends[1], Transport::Udp.number(), 0, length, &inner)
}

/// An ICMP error that quotes the header of the packet and its ports (RFC 792, RFC 4443).
pub(super) fn icmp(
    packet: &Packet<'_>,
    (src, dst): (IpAddr, IpAddr),
    by: IpAddr,
    error: IcmpError,
) -> Vec<u8> {
    let mut ports = Vec::with_capacity(8);
    for port in [packet.src.port, packet.dst.port] {
        ports.extend(port.to_be_bytes());
    }
    ports.extend([0, 8, 0, 0]);
    let quoted = ip(src, dst, packet.transport.number(), 0, 8, &ports);
    let mut body = vec![error.icmp_type, error.code, 0, 0, 0, 0, 0, 0];
    body.extend(quoted);
    let mut sum = Sum::default();
    if error.v6 {
        sum.add(&bytes(by));
        sum.add(&bytes(src));
        sum.add(&wire::len32(body.len()).to_be_bytes());
        sum.add(&[0, 0, 0, 58]);
    }
    sum.add(&body);
    put(&mut body, 2, sum.checksum());
    let protocol = if error.v6 { 58 } else { 1 };
    ip(by, src, protocol, packet.ip_id, body.len(), &body)
}

/// An IP header (RFC 791, RFC 8200) and what follows it. A length that does not fit is 0, as a network
/// card's offloading leaves it.
fn ip(src: IpAddr, dst: IpAddr, protocol: u8, id: u16, length: usize, body: &[u8]) -> Vec<u8> {
    let mut header = Vec::with_capacity(40);
    if src.is_ipv6() {
        header.extend([0x60, 0, 0, 0]);
        header.extend(u16::try_from(length).unwrap_or_default().to_be_bytes());
        header.extend([protocol, 64]);
        header.extend(bytes(src));
        header.extend(bytes(dst));
    } else {
        header.extend([0x45, 0]);
        header.extend(u16::try_from(length.saturating_add(20)).unwrap_or_default().to_be_bytes());
        header.extend(id.to_be_bytes());
        header.extend([0x40, 0, 64, protocol, 0, 0]);
        header.extend(bytes(src));
        header.extend(bytes(dst));
        let mut sum = Sum::default();
        sum.add(&header);
        put(&mut header, 10, sum.checksum());
    }
    header.extend(body);
    header
}

pub(super) fn bytes(addr: IpAddr) -> Vec<u8> {
    match addr {
        IpAddr::V4(addr) => addr.octets().to_vec(),
        IpAddr::V6(addr) => addr.octets().to_vec(),
    }
}

fn put(bytes: &mut [u8], at: usize, value: u16) {
    let place = at.checked_add(2).and_then(|end| bytes.get_mut(at..end));
    if let Some(place) = place {
        place.copy_from_slice(&value.to_be_bytes());
    }
}

/// The Internet checksum (RFC 1071) of parts of even length, but for the last.
#[derive(Clone, Copy, Debug, Default)]
struct Sum(u64);

impl Sum {
    fn add(&mut self, bytes: &[u8]) {
        for pair in bytes.chunks(2) {
            let word = match *pair {
                [high, low] => u16::from_be_bytes([high, low]),
                [high] => u16::from_be_bytes([high, 0]),
                _ => 0,
            };
            self.0 = self.0.saturating_add(u64::from(word));
        }
    }

    fn checksum(self) -> u16 {
        let mut sum = self.0;
        while sum > 0xffff {
            sum = (sum & 0xffff).saturating_add(sum >> 16);
        }
        !u16::try_from(sum).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_the_example() {
        // RFC 1071 section 3.
        let mut sum = Sum::default();
        sum.add(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]);
        assert_eq!(sum.checksum(), !0xddf2);
    }
}
