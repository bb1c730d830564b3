//! What is met and not opened, by number and name, so that nothing stays unseen in silence: EtherTypes, IP
//! protocols, and UDP ports of well-known tunnels.
//!
//! What carries nobody's packets ([`NO_PACKETS`], [`NO_PROTOCOLS`]: address resolution, routing, what switches say to
//! each other, field buses) is not told: there is nothing in it to open. All others are, known or not.

use std::fmt::Write as _;

use crate::decode::{DecodeEnd, NOT_OPENED, Slice};
use crate::wire;

const ETHERTYPE: &str = "not_opened.ethertype";
const IP_PROTOCOL: &str = "not_opened.ip_protocol";
const UDP_PORT: &str = "not_opened.udp_port";

/// EtherTypes that carry nobody's packets (IEEE's list).
const NO_PACKETS: &[u16] = &[
    0x0806, // ARP
    0x0842, // Wake on LAN
    0x2000, // Cisco's discovery, and the like
    0x2001, // next hop resolution, in GRE
    0x2003, 0x2004, 0x22ea, // stream reservation
    0x22f0, // audio and video
    0x22f3, // routing bridges
    0x22f4, // IS-IS
    0x6002, // DEC's maintenance
    0x8035, // RARP
    0x80f3, // AppleTalk's address resolution
    0x8808, // pause
    0x8809, // slow protocols, LACP
    0x8863, // PPPoE discovery
    0x886c, 0x887b, // HomePlug
    0x8874, 0x8899, // loop detection
    0x888e, // 802.1X
    0x8892, // PROFINET
    0x889a, // SCSI
    0x88a2, // ATA
    0x88a4, // EtherCAT
    0x88ab, // POWERLINK
    0x88b8, 0x88b9, 0x88ba, // substations
    0x88c7, // 802.11 authentication beforehand
    0x88cc, // LLDP
    0x88cd, // SERCOS
    0x88e1, 0x8912, // HomePlug
    0x88e3, // media redundancy
    0x88f5, 0x88f6, // registration
    0x88f7, // precision time
    0x88fb, // parallel redundancy
    0x8902, // fault management
    0x8906, 0x8914, // Fibre Channel
    0x893a, // 802.11 at home
    0x892f, // seamless redundancy
    0x890d, // 802.11 direct links
    0x9000, // loopback
    0x9003, 0x9998, 0xfefe, // OSI's routing, in GRE and HDLC
];

/// IP protocols that carry nobody's packets (IANA's list): ICMP, IGMP, those of routing, and nothing.
const NO_PROTOCOLS: &[u8] = &[1, 2, 3, 8, 9, 46, 58, 59, 88, 89, 100, 102, 103, 112, 113, 124];

/// Names of EtherTypes (IEEE's and Wireshark's lists) that are not opened.
const ETHERTYPES: &[(u16, &str)] = &[
    (0x0600, "XNS"),
    (0x0bad, "VINES"),
    (0x2007, "Cisco FabricPath"),
    (0x6003, "DECnet"),
    (0x6559, "Frame Relay"),
    (0x809b, "AppleTalk"),
    (0x8137, "IPX"),
    (0x8843, "Cisco FabricPath"),
    (0x884c, "MPOA"),
    (0x8884, "ATM"),
    (0x88b5, "local experiments"),
    (0x88b6, "local experiments"),
    (0x88b7, "of a vendor"),
    (0x88ca, "TIPC"),
    (0x88dc, "WSMP"),
    (0x88e5, "MACsec, encrypted"),
    (0x8903, "Cisco FabricPath"),
    (0x8915, "RoCE"),
    (0x8940, "edge control"),
    (0x8946, "TRILL, fine-grained"),
    (0x8947, "GeoNetworking"),
    (0x8950, "Hirschmann"),
    (0x9200, "an older VLAN tag"),
    (0x99fe, "IEEE 802.15.4"),
    (0xa0ed, "LoWPAN"),
    (0xd28b, "Arista timestamps"),
];

/// Names of IP protocols (IANA) that are not opened.
const PROTOCOLS: &[(u8, &str)] = &[
    (5, "ST"),
    (20, "HMP"),
    (27, "RDP"),
    (33, "DCCP"),
    (40, "IL"),
    (42, "SDRP"),
    (48, "DSR"),
    (50, "ESP"),
    (53, "SWIPE"),
    (54, "NARP"),
    (55, "MinIPv4"),
    (57, "SKIP"),
    (60, "destination options"),
    (80, "ISO-IP"),
    (93, "AX.25"),
    (94, "IPIP"),
    (98, "ENCAP"),
    (99, "private encryption"),
    (108, "IPComp"),
    (111, "IPX"),
    (118, "STP"),
    (120, "UTI"),
    (129, "IPLT"),
    (132, "SCTP"),
    (133, "Fibre Channel"),
    (136, "UDP-Lite"),
    (138, "MANET"),
    (142, "ROHC"),
    (144, "AGGFRAG"),
    (147, "BIT-EMU"),
];

/// Whether a payload is what its port stands for.
pub(super) type LooksSo = fn(&[u8]) -> bool;

/// UDP ports (IANA) of tunnels that are not opened, and what holds of a payload that is theirs.
pub(super) const UDP_PORTS: &[(u16, &str, LooksSo)] = &[
    (1194, "OpenVPN", is_openvpn),
    (2268, "AMT", is_multicast_data),
    (4341, "LISP", is_lisp),
    (4500, "IPsec NAT traversal", is_esp),
    (4755, "GRE in DTLS", is_dtls),
    (5072, "AYIYA", is_ayiya),
    (6636, "MPLS in DTLS", is_dtls),
    (51820, "WireGuard", is_wireguard),
];

/// What was met and not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unopened {
    EtherType(u16),
    IpProtocol(u16),
    UdpPort(u16),
}

impl Unopened {
    /// By an event's name and number.
    pub(crate) fn of(event: &str, number: Option<u16>) -> Option<Self> {
        let number = number.filter(|_| event.starts_with(NOT_OPENED))?;
        match event {
            ETHERTYPE => Some(Self::EtherType(number)),
            IP_PROTOCOL => Some(Self::IpProtocol(number)),
            UDP_PORT => Some(Self::UdpPort(number)),
            _ => None,
        }
    }

    /// A word of small letters, figures and underscores behind the event's name.
    pub(crate) fn name(self) -> String {
        let mut name = match self {
            Self::EtherType(number) => format!("{ETHERTYPE}_0x{number:04x}"),
            Self::IpProtocol(number) => format!("{IP_PROTOCOL}_{number}"),
            Self::UdpPort(number) => format!("{UDP_PORT}_{number}"),
        };
        let known = self.known().unwrap_or_default();
        for word in known.split(|letter: char| !letter.is_ascii_alphanumeric()) {
            if !word.is_empty() {
                let _ = write!(name, "_{}", word.to_ascii_lowercase());
            }
        }
        name
    }

    /// The same for people.
    pub(crate) fn title(self) -> String {
        let mut title = match self {
            Self::EtherType(number) => format!("EtherType 0x{number:04x}"),
            Self::IpProtocol(number) => format!("IP protocol {number}"),
            Self::UdpPort(number) => format!("UDP port {number}"),
        };
        if let Some(known) = self.known() {
            let _ = write!(title, " ({known})");
        }
        title
    }

    fn known(self) -> Option<&'static str> {
        match self {
            Self::EtherType(number) => {
                ETHERTYPES.iter().find(|row| row.0 == number).map(|row| row.1)
            }
            Self::IpProtocol(number) => {
                PROTOCOLS.iter().find(|row| u16::from(row.0) == number).map(|row| row.1)
            }
            Self::UdpPort(number) => UDP_PORTS.iter().find(|row| row.0 == number).map(|row| row.1),
        }
    }
}

/// Why an EtherType is not opened.
pub(super) fn ethertype(number: u16, part: Slice<'_>) -> DecodeEnd {
    if NO_PACKETS.contains(&number) {
        return DecodeEnd::Done;
    }
    part.stop_at(ETHERTYPE, Some(number))
}

/// Why an IP protocol is not opened.
pub(super) fn ip_protocol(number: u8, part: Slice<'_>) -> DecodeEnd {
    if NO_PROTOCOLS.contains(&number) {
        return DecodeEnd::Done;
    }
    part.stop_at(IP_PROTOCOL, Some(number.into()))
}

/// Why a datagram of this port is not opened.
pub(super) fn udp_port(number: u16, part: Slice<'_>) -> DecodeEnd {
    part.stop_at(UDP_PORT, Some(number))
}

/// RFC 3948 section 2: not the four zeros that IKE has there, and longer than a keep-alive; RFC 4303 section
/// 2.4: whole words.
fn is_esp(bytes: &[u8]) -> bool {
    let whole = bytes.len() >= 16 && bytes.len().is_multiple_of(4);
    whole && wire::be32(bytes, 0).is_some_and(|index| index > 0xff)
}

/// RFC 6347 section 4.1: a record of a known type and version.
fn is_dtls(bytes: &[u8]) -> bool {
    matches!(wire::array(bytes, 0), Some([20..=25, 0xfe, 0xfd | 0xff]))
}

/// RFC 9300 section 5.3: eight bytes, then a packet.
fn is_lisp(bytes: &[u8]) -> bool {
    is_packet(wire::rest(bytes, 8))
}

/// RFC 7450 section 5.1.6: multicast data, then a packet.
fn is_multicast_data(bytes: &[u8]) -> bool {
    wire::array(bytes, 0) == Some([6, 0]) && is_packet(wire::rest(bytes, 2))
}

/// An IPv4 packet without options, or an IPv6 packet of no class, no shorter than what is there.
fn is_packet(bytes: &[u8]) -> bool {
    match wire::array(bytes, 0) {
        Some([0x45, _, high, low]) => {
            usize::from(u16::from_be_bytes([high, low])) >= bytes.len().max(20)
        }
        Some([0x60, ..]) => wire::be16(bytes, 4)
            .is_some_and(|len| usize::from(len).saturating_add(40) >= bytes.len()),
        Some(_) | None => false,
    }
}

/// draft-massar-v6ops-ayiya section 3: an identity of 16 bytes, a signature by hash, forwarded IPv6.
fn is_ayiya(bytes: &[u8]) -> bool {
    matches!(wire::array(bytes, 0), Some([0x41 | 0x44, _, 0x11, 41]))
}

/// Data channels of version 2 (OpenVPN's protocol documentation): operation 6 or 9, key 0 to 7.
fn is_openvpn(bytes: &[u8]) -> bool {
    bytes.len() > 24 && wire::u8_at(bytes, 0).is_some_and(|byte| matches!(byte >> 3, 6 | 9))
}

/// WireGuard's protocol, section 5.4.6: transport data, three zeros.
fn is_wireguard(bytes: &[u8]) -> bool {
    bytes.len() >= 32 && wire::array(bytes, 0) == Some([4, 0, 0, 0])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::tests::support::{NOTHING, ethernet, ipv4, leaves_alone, stops, udp4};
    use crate::decode::tunnel::{Entry, find};

    #[test]
    fn what_is_not_opened_is_named_by_its_number() {
        assert_eq!(stops(1, &ethernet(0x8137, &[0; 40])), ["not_opened.ethertype"]);
        assert_eq!(stops(1, &ethernet(0xbeef, &[0; 40])), ["not_opened.ethertype"]);
        assert_eq!(stops(228, &ipv4(50, &[7; 40])), ["not_opened.ip_protocol"]);
        assert_eq!(stops(228, &udp4(4500, &[7; 40])), ["not_opened.udp_port"]);
        let told = |event, number| {
            let one = Unopened::of(event, Some(number)).unwrap();
            (one.name(), one.title())
        };
        let expected = ("not_opened.ip_protocol_50_esp", "IP protocol 50 (ESP)");
        assert_eq!(told(IP_PROTOCOL, 50), (expected.0.to_owned(), expected.1.to_owned()));
        let expected = ("not_opened.ethertype_0xbeef", "EtherType 0xbeef");
        assert_eq!(told(ETHERTYPE, 0xbeef), (expected.0.to_owned(), expected.1.to_owned()));
        let expected =
            ("not_opened.udp_port_4500_ipsec_nat_traversal", "UDP port 4500 (IPsec NAT traversal)");
        assert_eq!(told(UDP_PORT, 4500), (expected.0.to_owned(), expected.1.to_owned()));
        assert_eq!(Unopened::of("gre.version_unknown", None), None);
    }

    #[test]
    fn what_carries_nobodys_packets_is_not_told() {
        assert_eq!(stops(1, &ethernet(0x0806, &[0; 28])), NOTHING);
        assert_eq!(stops(1, &ethernet(0x88cc, &[0; 40])), NOTHING);
        assert_eq!(stops(228, &ipv4(2, &[0; 8])), NOTHING);
        assert_eq!(stops(228, &ipv4(89, &[0; 40])), NOTHING);
    }

    #[test]
    fn a_port_alone_is_no_tunnel() {
        for &(port, ..) in UDP_PORTS {
            for payload in
                [&[][..], &[0xff], &[0, 0, 0, 0, 9, 9], &[0; 60], b"hello, all of you there"]
            {
                leaves_alone(port, payload);
            }
        }
    }

    #[test]
    fn nothing_is_listed_that_is_opened() {
        for number in ETHERTYPES.iter().map(|row| row.0).filter(|&number| number != 0x88e5) {
            assert!(find(Entry::EtherType(number)).is_none(), "{number:04x}");
        }
        assert!(NO_PACKETS.iter().all(|&number| find(Entry::EtherType(number)).is_none()));
        assert!(NO_PROTOCOLS.iter().all(|&number| find(Entry::IpProtocol(number)).is_none()));
        assert!(PROTOCOLS.iter().all(|row| find(Entry::IpProtocol(row.0)).is_none()));
        assert!(UDP_PORTS.iter().all(|row| find(Entry::UdpPort(row.0)).is_none()));
    }
}
