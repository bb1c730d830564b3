//! One file a protocol. A new one is that file, its `mod` line and its line in [`ALL`].

use crate::identify::Detector;

mod ads;
mod afp;
mod ajp;
mod amqp;
mod atg;
mod bfcp;
mod bgp;
mod bitcoin;
mod bittorrent;
mod capwap;
mod cassandra;
mod ceph;
mod cgp;
mod checkmk;
mod citrix_edt;
mod clamd;
mod coap;
mod cops;
mod dcerpc;
mod dhcp;
mod dhcpv6;
mod diameter;
mod dicom;
mod discv4;
mod dnp3;
mod dns;
mod drda;
mod dtls;
mod edonkey;
mod elasticsearch;
mod enet;
mod enip;
mod esp_udp;
mod fastcgi;
mod fcip;
mod fins;
mod fix;
mod ftp;
mod gearman;
mod giop;
mod git;
mod gnutella;
mod gtp;
mod h323;
mod haproxy;
mod hart_ip;
mod hislip;
mod hl7;
mod http;
mod http2;
mod iax;
mod ica;
mod icap;
mod iec104;
mod iec62056;
mod ieee_c37118;
mod ike;
mod imap;
mod ipfix;
mod irc;
mod iscsi;
mod json_rpc;
mod kad;
mod kafka;
mod kcp;
mod krb5;
mod l2tp;
mod ldap;
mod lisp;
mod llmnr;
mod lustre;
mod mdns;
mod megaco;
mod memcached;
mod mgcp;
mod minecraft;
mod mms;
mod modbus;
mod monero;
mod mongodb;
mod mpegts;
mod mqtt;
mod msdp;
mod munin;
mod mysql;
mod nat_pmp;
mod nats;
mod nbd;
mod netbios_dgm;
mod netbios_ns;
mod netbios_ssn;
mod netflow;
mod nfs;
mod nmdc;
mod nntp;
mod nomachine;
mod nrpe;
mod ntp;
mod oftp;
mod opcua;
mod openflow;
mod openvpn;
mod pgsql;
mod photon;
mod pop3;
mod ptp;
mod quic;
mod radius;
mod raft;
mod rdp;
mod redis;
mod rfb;
mod rip;
mod rlogin;
mod rmi;
mod rpki_rtr;
mod rsh;
mod rsync;
mod rtcp;
mod rtmp;
mod rtp;
mod rtsp;
mod rx;
mod s7comm;
mod sap_ni;
mod sflow;
mod signatures;
mod sip;
mod skinny;
mod slp;
mod smb;
mod smpp;
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
mod sunrpc;
mod svn;
mod syslog;
mod tacacs;
mod tarantool;
mod tds;
mod teamviewer;
mod telegram;
mod telnet;
mod tftp;
mod thrift;
mod tls;
mod tns;
mod udt;
mod utp;
mod websocket;
mod whatsapp;
mod whois;
mod wireguard;
mod x11;
mod xmpp;
mod z3950;
mod zabbix;
mod zmtp;
mod zookeeper;
mod zoom;

/// All detectors, sorted by id.
pub(super) static ALL: &[&Detector] = &[
    &signatures::ABLETON_LINK,
    &ads::DETECTOR,
    &afp::DETECTOR,
    &ajp::DETECTOR,
    &amqp::DETECTOR,
    &signatures::ARD,
    &signatures::ARTNET,
    &atg::DETECTOR,
    &signatures::BABEL,
    &signatures::BACNET,
    &bfcp::DETECTOR,
    &signatures::BFD,
    &bgp::DETECTOR,
    &bitcoin::DETECTOR,
    &bittorrent::DETECTOR,
    &signatures::BT_DHT,
    &signatures::C1222,
    &signatures::CAN,
    &capwap::DETECTOR,
    &cassandra::DETECTOR,
    &ceph::DETECTOR,
    &cgp::DETECTOR,
    &checkmk::DETECTOR,
    &signatures::CIP_IO,
    &citrix_edt::DETECTOR,
    &clamd::DETECTOR,
    &signatures::CNP_IP,
    &coap::DETECTOR,
    &signatures::COLLECTD,
    &cops::DETECTOR,
    &signatures::CPHA,
    &signatures::CRESTRON,
    &dcerpc::DETECTOR,
    &dhcp::DETECTOR,
    &dhcpv6::DETECTOR,
    &signatures::DAHUA,
    &diameter::DETECTOR,
    &dicom::DETECTOR,
    &signatures::DIS,
    &signatures::DISCORD,
    &discv4::DETECTOR,
    &signatures::DLEP,
    &dnp3::DETECTOR,
    &dns::DETECTOR,
    &signatures::DNSCRYPT,
    &signatures::DOIP,
    &drda::DETECTOR,
    &signatures::DROPBOX,
    &dtls::DETECTOR,
    &edonkey::DETECTOR,
    &signatures::EGD,
    &elasticsearch::DETECTOR,
    &enet::DETECTOR,
    &enip::DETECTOR,
    &signatures::ENPC,
    &esp_udp::DETECTOR,
    &signatures::SBUS,
    &signatures::ETHERCAT,
    &signatures::ETHERSIO,
    &fastcgi::DETECTOR,
    &fcip::DETECTOR,
    &fins::DETECTOR,
    &fix::DETECTOR,
    &ftp::DETECTOR,
    &signatures::GANGLIA,
    &gearman::DETECTOR,
    &signatures::GELF,
    &signatures::GENEVE,
    &giop::DETECTOR,
    &git::DETECTOR,
    &signatures::GLBP,
    &gnutella::DETECTOR,
    &gtp::DETECTOR,
    &signatures::GVCP,
    &h323::DETECTOR,
    &hart_ip::DETECTOR,
    &signatures::HICP,
    &hislip::DETECTOR,
    &hl7::DETECTOR,
    &signatures::HSRP,
    &http::DETECTOR,
    &http2::DETECTOR,
    &iax::DETECTOR,
    &ica::DETECTOR,
    &signatures::ICA_BROWSER,
    &icap::DETECTOR,
    &iec104::DETECTOR,
    &iec62056::DETECTOR,
    &ieee_c37118::DETECTOR,
    &ike::DETECTOR,
    &imap::DETECTOR,
    &ipfix::DETECTOR,
    &irc::DETECTOR,
    &iscsi::DETECTOR,
    &json_rpc::DETECTOR,
    &kad::DETECTOR,
    &kafka::DETECTOR,
    &kcp::DETECTOR,
    &signatures::KNX,
    &krb5::DETECTOR,
    &l2tp::DETECTOR,
    &ldap::DETECTOR,
    &signatures::LDP,
    &signatures::LIFX,
    &lisp::DETECTOR,
    &llmnr::DETECTOR,
    &signatures::LUMBERJACK,
    &lustre::DETECTOR,
    &mdns::DETECTOR,
    &megaco::DETECTOR,
    &memcached::DETECTOR,
    &mgcp::DETECTOR,
    &minecraft::DETECTOR,
    &mms::DETECTOR,
    &signatures::MNDP,
    &modbus::DETECTOR,
    &monero::DETECTOR,
    &mongodb::DETECTOR,
    &signatures::MPD,
    &mpegts::DETECTOR,
    &mqtt::DETECTOR,
    &msdp::DETECTOR,
    &signatures::MUMBLE,
    &munin::DETECTOR,
    &mysql::DETECTOR,
    &signatures::NANO,
    &nat_pmp::DETECTOR,
    &nats::DETECTOR,
    &nbd::DETECTOR,
    &netbios_dgm::DETECTOR,
    &netbios_ns::DETECTOR,
    &netbios_ssn::DETECTOR,
    &signatures::NETCODE,
    &netflow::DETECTOR,
    &nfs::DETECTOR,
    &signatures::NINTENDO,
    &nmdc::DETECTOR,
    &nntp::DETECTOR,
    &nomachine::DETECTOR,
    &nrpe::DETECTOR,
    &ntp::DETECTOR,
    &oftp::DETECTOR,
    &signatures::OICQ,
    &signatures::OLSR,
    &opcua::DETECTOR,
    &openflow::DETECTOR,
    &openvpn::DETECTOR,
    &tns::DETECTOR,
    &signatures::OSC,
    &pgsql::DETECTOR,
    &photon::DETECTOR,
    &pop3::DETECTOR,
    &signatures::PPTP,
    &haproxy::DETECTOR,
    &ptp::DETECTOR,
    &signatures::QUAKE,
    &quic::DETECTOR,
    &radius::DETECTOR,
    &raft::DETECTOR,
    &signatures::RAKNET,
    &rdp::DETECTOR,
    &signatures::RDP_UDP,
    &redis::DETECTOR,
    &rfb::DETECTOR,
    &rip::DETECTOR,
    &signatures::RIPE_ATLAS,
    &rlogin::DETECTOR,
    &signatures::RMCP,
    &rmi::DETECTOR,
    &signatures::ROUGHTIME,
    &rpki_rtr::DETECTOR,
    &rsh::DETECTOR,
    &rsync::DETECTOR,
    &rtcp::DETECTOR,
    &rtmp::DETECTOR,
    &rtp::DETECTOR,
    &signatures::RTPS,
    &rtsp::DETECTOR,
    &rx::DETECTOR,
    &s7comm::DETECTOR,
    &signatures::SACN,
    &signatures::SAP_ANNOUNCEMENT,
    &sap_ni::DETECTOR,
    &sflow::DETECTOR,
    &sip::DETECTOR,
    &skinny::DETECTOR,
    &slp::DETECTOR,
    &smb::DETECTOR,
    &smpp::DETECTOR,
    &smtp::DETECTOR,
    &snmp::DETECTOR,
    &socks::DETECTOR,
    &signatures::SOFTETHER,
    &someip::DETECTOR,
    &signatures::SOURCE_ENGINE,
    &spice::DETECTOR,
    &signatures::SPOTIFY,
    &srt::DETECTOR,
    &signatures::SSDP,
    &ssh::DETECTOR,
    &signatures::STATSD,
    &signatures::STEAM,
    &stomp::DETECTOR,
    &stratum::DETECTOR,
    &stun::DETECTOR,
    &sunrpc::DETECTOR,
    &svn::DETECTOR,
    &signatures::SYNCTHING,
    &syslog::DETECTOR,
    &tacacs::DETECTOR,
    &signatures::TAILSCALE,
    &tarantool::DETECTOR,
    &tds::DETECTOR,
    &signatures::TEAMSPEAK,
    &teamviewer::DETECTOR,
    &telegram::DETECTOR,
    &signatures::TELEGRAM_VOIP,
    &telnet::DETECTOR,
    &signatures::TEREDO,
    &tftp::DETECTOR,
    &thrift::DETECTOR,
    &signatures::TINC,
    &tls::DETECTOR,
    &signatures::TPLINK,
    &signatures::TRDP,
    &signatures::TURN,
    &signatures::TUYA,
    &signatures::UBNT,
    &udt::DETECTOR,
    &utp::DETECTOR,
    &signatures::VBAN,
    &signatures::VXLAN,
    &signatures::WCCP,
    &websocket::DETECTOR,
    &whatsapp::DETECTOR,
    &whois::DETECTOR,
    &wireguard::DETECTOR,
    &signatures::WOL,
    &signatures::WSD,
    &x11::DETECTOR,
    &signatures::XDMCP,
    &xmpp::DETECTOR,
    &z3950::DETECTOR,
    &zabbix::DETECTOR,
    &signatures::ZEROTIER,
    &zmtp::DETECTOR,
    &zookeeper::DETECTOR,
    &zoom::DETECTOR,
    &signatures::ZRTP,
];
