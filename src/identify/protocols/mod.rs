//! One file a protocol. A new one is that file, its `mod` line and its line in [`ALL`].

use super::Detector;

mod bfcp;
mod capwap;
mod cgp;
mod citrix_edt;
mod coap;
mod dcerpc_udp;
mod dhcp;
mod dhcpv6;
mod dns;
mod dtls;
mod enet;
mod esp_udp;
mod fins;
mod gtp;
mod hart_ip;
mod http;
mod iax;
mod ica;
mod ike;
mod kad;
mod kcp;
mod l2tp;
mod lisp;
mod local_names;
mod magic;
mod mpegts;
mod mysql;
mod nat_pmp;
mod netflow;
mod ntp;
mod openvpn;
mod ptp;
mod quic;
mod radius;
mod rip;
mod rtcp;
mod rtp;
mod rx;
mod slp;
mod snmp;
mod someip;
mod srt;
mod ssh;
mod stun;
mod synchrophasor;
mod tftp;
mod tls;
mod udt;
mod utp;
mod wireguard;
mod zoom;

/// All detectors, sorted by id.
pub(super) static ALL: &[&Detector] = &[
    &magic::ABLETON_LINK,
    &magic::ARD,
    &magic::ARTNET,
    &magic::BABEL,
    &magic::BACNET,
    &bfcp::DETECTOR,
    &magic::BFD,
    &magic::BT_DHT,
    &magic::C1222,
    &synchrophasor::DETECTOR,
    &magic::CAN,
    &capwap::DETECTOR,
    &cgp::DETECTOR,
    &magic::CIP_IO,
    &citrix_edt::DETECTOR,
    &magic::CNP_IP,
    &coap::DETECTOR,
    &magic::COLLECTD,
    &magic::CPHA,
    &magic::CRESTRON,
    &dcerpc_udp::DETECTOR,
    &dhcp::DETECTOR,
    &dhcpv6::DETECTOR,
    &magic::DAHUA,
    &magic::DIS,
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
    &magic::ETHERCAT,
    &magic::ETHERSIO,
    &fins::DETECTOR,
    &magic::GANGLIA,
    &magic::GELF,
    &magic::GENEVE,
    &magic::GLBP,
    &magic::GNUTELLA,
    &gtp::DETECTOR,
    &magic::GVCP,
    &hart_ip::DETECTOR,
    &magic::HICP,
    &magic::HSRP,
    &http::DETECTOR,
    &iax::DETECTOR,
    &ica::DETECTOR,
    &magic::ICA_BROWSER,
    &ike::DETECTOR,
    &netflow::IPFIX,
    &kad::DETECTOR,
    &kcp::DETECTOR,
    &magic::KNX,
    &l2tp::DETECTOR,
    &magic::LDP,
    &magic::LIFX,
    &lisp::DETECTOR,
    &local_names::LLMNR,
    &local_names::MDNS,
    &magic::MEMCACHED_UDP,
    &magic::MNDP,
    &mpegts::DETECTOR,
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
    &rtcp::DETECTOR,
    &rtp::DETECTOR,
    &magic::RTPS,
    &rx::DETECTOR,
    &magic::SACN,
    &magic::SAP_ANNOUNCEMENT,
    &netflow::SFLOW,
    &slp::DETECTOR,
    &snmp::DETECTOR,
    &magic::SOFTETHER,
    &someip::DETECTOR,
    &magic::SOURCE_ENGINE,
    &magic::SPOTIFY,
    &srt::DETECTOR,
    &magic::SSDP,
    &ssh::DETECTOR,
    &magic::STATSD,
    &magic::STEAM,
    &stun::DETECTOR,
    &magic::SYNCTHING,
    &magic::TAILSCALE,
    &magic::TEAMSPEAK,
    &magic::TELEGRAM_VOIP,
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
    &zoom::DETECTOR,
    &magic::ZRTP,
];
