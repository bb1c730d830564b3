//! One file a protocol. A new one is that file, its `mod` line and its line in [`ALL`].

use super::Detector;

mod cgp;
mod citrix_edt;
mod dhcp;
mod dhcpv6;
mod dns;
mod dtls;
mod enet;
mod esp_udp;
mod gtp;
mod http;
mod ica;
mod ike;
mod l2tp;
mod local_names;
mod magic;
mod mysql;
mod nat_pmp;
mod netflow;
mod ntp;
mod openvpn;
mod ptp;
mod quic;
mod radius;
mod rip;
mod rtp;
mod slp;
mod snmp;
mod ssh;
mod stun;
mod tftp;
mod tls;
mod udt;
mod utp;
mod wireguard;

/// All detectors, sorted by id.
pub(super) static ALL: &[&Detector] = &[
    &magic::ABLETON_LINK,
    &magic::ARD,
    &magic::ARTNET,
    &magic::BABEL,
    &magic::BACNET,
    &magic::BFD,
    &magic::BT_DHT,
    &magic::C1222,
    &magic::CAN,
    &cgp::DETECTOR,
    &magic::CIP_IO,
    &citrix_edt::DETECTOR,
    &magic::CNP_IP,
    &magic::COLLECTD,
    &magic::CPHA,
    &magic::CRESTRON,
    &dhcp::DETECTOR,
    &dhcpv6::DETECTOR,
    &magic::DAHUA,
    &magic::DISCORD,
    &magic::DLEP,
    &dns::DETECTOR,
    &magic::DNSCRYPT,
    &magic::DOIP,
    &magic::DROPBOX,
    &dtls::DETECTOR,
    &magic::EGD,
    &enet::ENET,
    &magic::ENPC,
    &esp_udp::DETECTOR,
    &magic::SBUS,
    &magic::ETHERSIO,
    &magic::GANGLIA,
    &magic::GELF,
    &magic::GENEVE,
    &magic::GLBP,
    &magic::GNUTELLA,
    &gtp::DETECTOR,
    &magic::GVCP,
    &magic::HICP,
    &magic::HSRP,
    &http::DETECTOR,
    &ica::DETECTOR,
    &magic::ICA_BROWSER,
    &ike::DETECTOR,
    &netflow::IPFIX,
    &magic::KNX,
    &l2tp::DETECTOR,
    &magic::LDP,
    &magic::LIFX,
    &local_names::LLMNR,
    &local_names::MDNS,
    &magic::MEMCACHED_UDP,
    &magic::MNDP,
    &magic::MUMBLE,
    &mysql::DETECTOR,
    &magic::NANO,
    &nat_pmp::DETECTOR,
    &local_names::NETBIOS_DGM,
    &local_names::NETBIOS_NS,
    &netflow::NETFLOW,
    &magic::NINTENDO,
    &ntp::DETECTOR,
    &magic::OLSR,
    &openvpn::DETECTOR,
    &magic::OSC,
    &enet::PHOTON,
    &magic::PPTP,
    &ptp::DETECTOR,
    &magic::QUAKE,
    &quic::DETECTOR,
    &radius::DETECTOR,
    &magic::RAKNET,
    &magic::RDP_UDP,
    &rip::DETECTOR,
    &magic::RIPE_ATLAS,
    &magic::RMCP,
    &magic::ROUGHTIME,
    &rtp::DETECTOR,
    &magic::RTPS,
    &magic::SACN,
    &magic::SAP_ANNOUNCEMENT,
    &netflow::SFLOW,
    &slp::DETECTOR,
    &snmp::DETECTOR,
    &magic::SOFTETHER,
    &magic::SOURCE_ENGINE,
    &magic::SPOTIFY,
    &magic::SSDP,
    &ssh::DETECTOR,
    &magic::STATSD,
    &magic::STEAM,
    &stun::DETECTOR,
    &magic::SYNCTHING,
    &magic::TAILSCALE,
    &magic::TEAMSPEAK,
    &magic::TEREDO,
    &tftp::DETECTOR,
    &magic::TINC,
    &tls::DETECTOR,
    &magic::TPLINK,
    &magic::TRDP,
    &magic::TURN,
    &magic::TUYA,
    &magic::UBNT,
    &udt::DETECTOR,
    &utp::DETECTOR,
    &magic::VBAN,
    &magic::VXLAN,
    &magic::WCCP,
    &wireguard::DETECTOR,
    &magic::WOL,
    &magic::WSD,
    &magic::XDMCP,
    &magic::ZEROTIER,
    &magic::ZRTP,
];
