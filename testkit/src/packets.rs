//! Packets of TCP and UDP over IPv4, without a link header. Checksums are left to offloading, as network
//! cards do.

use std::net::Ipv4Addr;

/// A TCP segment: flags, sequence and acknowledgment number, payload.
pub fn tcp<A: Into<Ipv4Addr>>(
    from: (A, u16),
    to: (A, u16),
    flags: u8,
    [seq, ack]: [u32; 2],
    payload: &[u8],
) -> Vec<u8> {
    let numbers = [seq.to_be_bytes(), ack.to_be_bytes()];
    let header = [numbers.as_flattened(), &[0x50, flags, 0x20, 0, 0, 0, 0, 0]].concat();
    packet(6, from, to, &[&header, payload].concat())
}

/// A UDP datagram.
pub fn udp<A: Into<Ipv4Addr>>(from: (A, u16), to: (A, u16), payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(8 + payload.len()).unwrap().to_be_bytes();
    packet(17, from, to, &[&len, &[0, 0], payload].concat())
}

/// `rest` is what stands behind the ports.
fn packet<A: Into<Ipv4Addr>>(protocol: u8, from: (A, u16), to: (A, u16), rest: &[u8]) -> Vec<u8> {
    let len = u16::try_from(24 + rest.len()).unwrap().to_be_bytes();
    let header = [0x45, 0, len[0], len[1], 0, 0, 0x40, 0, 64, protocol, 0, 0];
    let ends = [from.0.into().octets(), to.0.into().octets()];
    let ports = [from.1.to_be_bytes(), to.1.to_be_bytes()];
    [&header, ends.as_flattened(), ports.as_flattened(), rest].concat()
}
