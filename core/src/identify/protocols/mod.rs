//! One file a protocol. A new one is that file, its `mod` line and its line in [`ALL`].

use crate::identify::Detector;
use crate::identify::metadata::MetadataFn;

mod afp;
mod ajp;
mod amqp;
mod bgp;
mod binary_services;
mod capwap;
mod cassandra;
mod cgp;
mod citrix_edt;
mod coap;
mod dcerpc;
mod dhcp;
mod dhcpv6;
mod diameter;
mod discv4;
mod dnp3;
mod dns;
mod dtls;
mod edonkey;
mod enet;
mod enip;
mod esp_udp;
mod fastcgi;
mod fins;
mod fix;
mod ftp;
mod giop;
mod git;
mod gnutella;
mod gtp;
mod h323;
mod haproxy;
mod hart_ip;
mod http;
mod http2;
mod iax;
mod ica;
mod iec104;
mod ieee_c37118;
mod ike;
mod imap;
mod industry_misc;
mod irc;
mod iscsi;
mod kad;
mod kafka;
mod kcp;
mod krb5;
mod l2tp;
mod ldap;
mod lisp;
mod local_names;
mod magic;
mod megaco;
mod memcached;
mod mgcp;
mod minecraft;
mod mms;
mod modbus;
mod mongodb;
mod more_frames;
mod mpegts;
mod mqtt;
mod mysql;
mod nat_pmp;
mod nbd;
mod netbios_ssn;
mod netflow;
mod nntp;
mod nrpe;
mod ntp;
mod onc_rpc;
mod opcua;
mod openvpn;
mod pgsql;
mod pop3;
mod ptp;
mod quic;
mod radius;
mod rdp;
mod redis;
mod rfb;
mod rip;
mod rmi;
mod rpki_rtr;
mod rtcp;
mod rtmp;
mod rtp;
mod rtsp;
mod rx;
mod s7comm;
mod sip;
mod skinny;
mod slp;
mod smb;
mod smtp;
mod snmp;
mod socks;
mod someip;
mod spice;
mod srt;
mod ssh;
mod stomp;
mod stratum;
mod stun;
mod syslog;
mod tacacs;
mod tds;
mod telnet;
mod text_services;
mod tftp;
mod thrift;
mod tls;
mod tns;
mod udt;
mod utp;
mod websocket;
mod wireguard;
mod x11;
mod xmpp;
mod z3950;
mod zookeeper;
mod zoom;

pub(super) use magic::openings as magic_openings;

/// All detectors, sorted by id.
pub(super) static ALL: &[&Detector] = &[
    &magic::ABLETON_LINK,
    &industry_misc::ADS,
    &afp::DETECTOR,
    &ajp::DETECTOR,
    &amqp::DETECTOR,
    &magic::ARD,
    &magic::ARTNET,
    &industry_misc::ATG,
    &magic::BABEL,
    &magic::BACNET,
    &industry_misc::BFCP,
    &magic::BFD,
    &bgp::DETECTOR,
    &binary_services::BITCOIN,
    &binary_services::BITTORRENT,
    &magic::BT_DHT,
    &magic::C1222,
    &magic::CAN,
    &capwap::DETECTOR,
    &cassandra::DETECTOR,
    &binary_services::CEPH,
    &cgp::DETECTOR,
    &text_services::CHECKMK,
    &magic::CIP_IO,
    &citrix_edt::DETECTOR,
    &text_services::CLAMD,
    &magic::CNP_IP,
    &coap::DETECTOR,
    &magic::COLLECTD,
    &binary_services::COPS,
    &magic::CPHA,
    &magic::CRESTRON,
    &dcerpc::DETECTOR,
    &dhcp::DETECTOR,
    &dhcpv6::DETECTOR,
    &magic::DAHUA,
    &diameter::DETECTOR,
    &binary_services::DICOM,
    &magic::DIS,
    &magic::DISCORD,
    &discv4::DETECTOR,
    &magic::DLEP,
    &dnp3::DETECTOR,
    &dns::DETECTOR,
    &magic::DNSCRYPT,
    &magic::DOIP,
    &more_frames::DRDA,
    &magic::DROPBOX,
    &dtls::DETECTOR,
    &edonkey::DETECTOR,
    &magic::EGD,
    &more_frames::ELASTICSEARCH,
    &enet::ENET,
    &enip::DETECTOR,
    &magic::ENPC,
    &esp_udp::DETECTOR,
    &magic::SBUS,
    &magic::ETHERCAT,
    &magic::ETHERSIO,
    &fastcgi::DETECTOR,
    &binary_services::FCIP,
    &fins::DETECTOR,
    &fix::DETECTOR,
    &ftp::DETECTOR,
    &magic::GANGLIA,
    &binary_services::GEARMAN,
    &magic::GELF,
    &magic::GENEVE,
    &giop::DETECTOR,
    &git::DETECTOR,
    &magic::GLBP,
    &gnutella::DETECTOR,
    &gtp::DETECTOR,
    &magic::GVCP,
    &h323::DETECTOR,
    &hart_ip::DETECTOR,
    &magic::HICP,
    &binary_services::HISLIP,
    &binary_services::HL7,
    &magic::HSRP,
    &http::DETECTOR,
    &http2::DETECTOR,
    &iax::DETECTOR,
    &ica::DETECTOR,
    &magic::ICA_BROWSER,
    &more_frames::ICAP,
    &iec104::DETECTOR,
    &industry_misc::DLMS,
    &ieee_c37118::DETECTOR,
    &ike::DETECTOR,
    &imap::DETECTOR,
    &netflow::IPFIX,
    &irc::DETECTOR,
    &iscsi::DETECTOR,
    &text_services::JSON_RPC,
    &kad::DETECTOR,
    &kafka::DETECTOR,
    &kcp::DETECTOR,
    &magic::KNX,
    &krb5::DETECTOR,
    &l2tp::DETECTOR,
    &ldap::DETECTOR,
    &magic::LDP,
    &magic::LIFX,
    &lisp::DETECTOR,
    &local_names::LLMNR,
    &more_frames::LUSTRE,
    &local_names::MDNS,
    &megaco::DETECTOR,
    &memcached::DETECTOR,
    &mgcp::DETECTOR,
    &minecraft::DETECTOR,
    &mms::DETECTOR,
    &magic::MNDP,
    &modbus::DETECTOR,
    &binary_services::MONERO,
    &mongodb::DETECTOR,
    &magic::MPD,
    &mpegts::DETECTOR,
    &mqtt::DETECTOR,
    &binary_services::MSDP,
    &magic::MUMBLE,
    &text_services::MUNIN,
    &mysql::DETECTOR,
    &magic::NANO,
    &nat_pmp::DETECTOR,
    &text_services::NATS,
    &nbd::DETECTOR,
    &local_names::NETBIOS_DGM,
    &local_names::NETBIOS_NS,
    &netbios_ssn::DETECTOR,
    &magic::NETCODE,
    &netflow::NETFLOW,
    &onc_rpc::NFS,
    &magic::NINTENDO,
    &text_services::NMDC,
    &nntp::DETECTOR,
    &binary_services::NX,
    &nrpe::DETECTOR,
    &ntp::DETECTOR,
    &binary_services::OFTP,
    &magic::OICQ,
    &magic::OLSR,
    &opcua::DETECTOR,
    &binary_services::OPENFLOW,
    &openvpn::DETECTOR,
    &tns::DETECTOR,
    &magic::OSC,
    &pgsql::DETECTOR,
    &enet::PHOTON,
    &pop3::DETECTOR,
    &magic::PPTP,
    &haproxy::DETECTOR,
    &ptp::DETECTOR,
    &magic::QUAKE,
    &quic::DETECTOR,
    &radius::DETECTOR,
    &binary_services::RAFT,
    &magic::RAKNET,
    &rdp::DETECTOR,
    &magic::RDP_UDP,
    &redis::DETECTOR,
    &rfb::DETECTOR,
    &rip::DETECTOR,
    &magic::RIPE_ATLAS,
    &more_frames::RLOGIN,
    &magic::RMCP,
    &rmi::DETECTOR,
    &magic::ROUGHTIME,
    &rpki_rtr::DETECTOR,
    &text_services::RSH,
    &text_services::RSYNC,
    &rtcp::DETECTOR,
    &rtmp::DETECTOR,
    &rtp::DETECTOR,
    &magic::RTPS,
    &rtsp::DETECTOR,
    &rx::DETECTOR,
    &s7comm::DETECTOR,
    &magic::SACN,
    &magic::SAP_ANNOUNCEMENT,
    &binary_services::SAP_NI,
    &netflow::SFLOW,
    &sip::DETECTOR,
    &skinny::DETECTOR,
    &slp::DETECTOR,
    &smb::DETECTOR,
    &industry_misc::SMPP,
    &smtp::DETECTOR,
    &snmp::DETECTOR,
    &socks::DETECTOR,
    &magic::SOFTETHER,
    &someip::DETECTOR,
    &magic::SOURCE_ENGINE,
    &spice::DETECTOR,
    &magic::SPOTIFY,
    &srt::DETECTOR,
    &magic::SSDP,
    &ssh::DETECTOR,
    &magic::STATSD,
    &magic::STEAM,
    &stomp::DETECTOR,
    &stratum::DETECTOR,
    &stun::DETECTOR,
    &onc_rpc::SUNRPC,
    &text_services::SVN,
    &magic::SYNCTHING,
    &syslog::DETECTOR,
    &tacacs::DETECTOR,
    &magic::TAILSCALE,
    &text_services::TARANTOOL,
    &tds::DETECTOR,
    &magic::TEAMSPEAK,
    &binary_services::TEAMVIEWER,
    &more_frames::TELEGRAM,
    &magic::TELEGRAM_VOIP,
    &telnet::DETECTOR,
    &magic::TEREDO,
    &tftp::DETECTOR,
    &thrift::DETECTOR,
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
    &websocket::DETECTOR,
    &more_frames::WHATSAPP,
    &text_services::WHOIS,
    &wireguard::DETECTOR,
    &magic::WOL,
    &magic::WSD,
    &x11::DETECTOR,
    &magic::XDMCP,
    &xmpp::DETECTOR,
    &z3950::DETECTOR,
    &binary_services::ZABBIX,
    &magic::ZEROTIER,
    &binary_services::ZMTP,
    &zookeeper::DETECTOR,
    &zoom::DETECTOR,
    &magic::ZRTP,
];

/// Those that tell more than their detectors do, by id.
pub(super) static TELLERS: &[(&str, MetadataFn)] = &[
    ("dns", dns::tell),
    ("dtls", dtls::tell),
    ("pgsql", pgsql::tell),
    ("quic", quic::tell),
    ("ssh", ssh::tell),
    ("tls", tls::tell),
];
