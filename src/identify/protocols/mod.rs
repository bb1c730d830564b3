//! One file a protocol. A new one is that file, its `mod` line and its line in [`ALL`].

use super::Detector;

mod cgp;
mod citrix_edt;
mod dhcp;
mod dhcpv6;
mod dns;
mod dtls;
mod esp_udp;
mod gtp;
mod http;
mod ica;
mod ike;
mod local_names;
mod magic;
mod mysql;
mod ntp;
mod openvpn;
mod quic;
mod radius;
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
    &magic::C1222,
    &magic::CAN,
    &cgp::DETECTOR,
    &magic::CIP_IO,
    &citrix_edt::DETECTOR,
    &magic::CNP_IP,
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
    &magic::ENPC,
    &esp_udp::DETECTOR,
    &magic::SBUS,
    &magic::ETHERSIO,
    &magic::GANGLIA,
    &magic::GELF,
    &magic::GENEVE,
    &magic::GLBP,
    &gtp::DETECTOR,
    &magic::GVCP,
    &magic::HICP,
    &magic::HSRP,
    &http::DETECTOR,
    &ica::DETECTOR,
    &magic::ICA_BROWSER,
    &ike::DETECTOR,
    &magic::KNX,
    &magic::LDP,
    &magic::LIFX,
    &local_names::LLMNR,
    &local_names::MDNS,
    &magic::MNDP,
    &magic::MUMBLE,
    &mysql::DETECTOR,
    &magic::NANO,
    &local_names::NETBIOS_DGM,
    &local_names::NETBIOS_NS,
    &ntp::DETECTOR,
    &openvpn::DETECTOR,
    &magic::OSC,
    &magic::PPTP,
    &magic::QUAKE,
    &quic::DETECTOR,
    &radius::DETECTOR,
    &magic::RAKNET,
    &magic::RDP_UDP,
    &magic::RMCP,
    &magic::ROUGHTIME,
    &rtp::DETECTOR,
    &magic::RTPS,
    &magic::SACN,
    &magic::SAP_ANNOUNCEMENT,
    &slp::DETECTOR,
    &snmp::DETECTOR,
    &magic::SOFTETHER,
    &magic::SOURCE_ENGINE,
    &magic::SPOTIFY,
    &magic::SSDP,
    &ssh::DETECTOR,
    &magic::STEAM,
    &stun::DETECTOR,
    &magic::SYNCTHING,
    &magic::TAILSCALE,
    &magic::TEAMSPEAK,
    &magic::TEREDO,
    &tftp::DETECTOR,
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
