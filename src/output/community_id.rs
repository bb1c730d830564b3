//! Community ID: the name of a flow that Zeek, Suricata, Arkime and others give it too.
//!
//! Version 1 of <https://github.com/corelight/community-id-spec>, seed 0, TCP and UDP only. The ends
//! are ordered by address, then port, so both directions have one name. Hashed is, in network
//! order: seed (2), lower address (4 or 16), higher address, protocol (1), zero (1), lower end's
//! port (2), higher end's port (2).

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};

use portstory_core::{Socket, Transport};

const SEED: u16 = 0;

/// The Community ID of the flow between two ends, in any order.
pub(super) fn community_id(transport: Transport, one: Socket, other: Socket) -> String {
    let (low, high) = if one <= other { (one, other) } else { (other, one) };
    let mut hash = Sha1::new();
    hash.update(SEED.to_be_bytes());
    update_address(&mut hash, low.addr);
    update_address(&mut hash, high.addr);
    hash.update([transport.number(), 0]);
    hash.update(low.port.to_be_bytes());
    hash.update(high.port.to_be_bytes());

    let mut id = String::with_capacity(30);
    id.push_str("1:");
    STANDARD.encode_string(hash.finalize(), &mut id);
    id
}

fn update_address(hash: &mut Sha1, addr: IpAddr) {
    match addr {
        IpAddr::V4(addr) => hash.update(addr.octets()),
        IpAddr::V6(addr) => hash.update(addr.octets()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// TCP and UDP rows of the specification's `baseline/baseline_deflt.json` (seed 0, base64).
    const BASELINE: &[(Transport, &str, u16, &str, u16, &str)] = &[
        (
            Transport::Tcp,
            "128.232.110.120",
            34855,
            "66.35.250.204",
            80,
            "1:LQU9qZlK+B5F3KDmev6m5PMibrg=",
        ),
        (Transport::Udp, "192.168.1.52", 54585, "8.8.8.8", 53, "1:d/FP5EW3wiY1vCndhwleRRKHowQ="),
        (
            Transport::Tcp,
            "2001:470:e5bf:dead:4957:2174:e82c:4887",
            63943,
            "2607:f8b0:400c:c03::1a",
            25,
            "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4=",
        ),
    ];

    #[test]
    fn the_published_vectors_hold_both_ways_round() {
        for &(transport, one, one_port, other, other_port, id) in BASELINE {
            let one = Socket { addr: one.parse().unwrap(), port: one_port };
            let other = Socket { addr: other.parse().unwrap(), port: other_port };
            assert_eq!(community_id(transport, one, other), id);
            assert_eq!(community_id(transport, other, one), id);
        }
    }

    #[test]
    fn ports_order_the_ends_where_the_addresses_are_equal() {
        let [one, other] =
            [1000, 3243].map(|port| Socket { addr: "10.0.0.1".parse().unwrap(), port });
        assert_eq!(
            community_id(Transport::Udp, one, other),
            community_id(Transport::Udp, other, one)
        );
    }
}
