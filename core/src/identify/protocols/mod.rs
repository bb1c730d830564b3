//! One file a protocol. A new one is that file, its `mod` line and its line in [`FILES`].

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

/// All detectors: those with a file, and those of one line.
pub(super) fn all() -> impl Iterator<Item = &'static Detector> {
    FILES.iter().copied().chain(signatures::rows())
}

static FILES: &[&Detector] = &[
    &ads::DETECTOR,
    &afp::DETECTOR,
    &ajp::DETECTOR,
    &amqp::DETECTOR,
    &atg::DETECTOR,
    &bfcp::DETECTOR,
    &bgp::DETECTOR,
    &bitcoin::DETECTOR,
    &bittorrent::DETECTOR,
    &capwap::DETECTOR,
    &cassandra::DETECTOR,
    &ceph::DETECTOR,
    &cgp::DETECTOR,
    &checkmk::DETECTOR,
    &citrix_edt::DETECTOR,
    &clamd::DETECTOR,
    &coap::DETECTOR,
    &cops::DETECTOR,
    &dcerpc::DETECTOR,
    &dhcp::DETECTOR,
    &dhcpv6::DETECTOR,
    &diameter::DETECTOR,
    &dicom::DETECTOR,
    &discv4::DETECTOR,
    &dnp3::DETECTOR,
    &dns::DETECTOR,
    &drda::DETECTOR,
    &dtls::DETECTOR,
    &edonkey::DETECTOR,
    &elasticsearch::DETECTOR,
    &enet::DETECTOR,
    &enip::DETECTOR,
    &esp_udp::DETECTOR,
    &fastcgi::DETECTOR,
    &fcip::DETECTOR,
    &fins::DETECTOR,
    &fix::DETECTOR,
    &ftp::DETECTOR,
    &gearman::DETECTOR,
    &giop::DETECTOR,
    &git::DETECTOR,
    &gnutella::DETECTOR,
    &gtp::DETECTOR,
    &h323::DETECTOR,
    &hart_ip::DETECTOR,
    &hislip::DETECTOR,
    &hl7::DETECTOR,
    &http::DETECTOR,
    &http2::DETECTOR,
    &iax::DETECTOR,
    &ica::DETECTOR,
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
    &krb5::DETECTOR,
    &l2tp::DETECTOR,
    &ldap::DETECTOR,
    &lisp::DETECTOR,
    &llmnr::DETECTOR,
    &lustre::DETECTOR,
    &mdns::DETECTOR,
    &megaco::DETECTOR,
    &memcached::DETECTOR,
    &mgcp::DETECTOR,
    &minecraft::DETECTOR,
    &mms::DETECTOR,
    &modbus::DETECTOR,
    &monero::DETECTOR,
    &mongodb::DETECTOR,
    &mpegts::DETECTOR,
    &mqtt::DETECTOR,
    &msdp::DETECTOR,
    &munin::DETECTOR,
    &mysql::DETECTOR,
    &nat_pmp::DETECTOR,
    &nats::DETECTOR,
    &nbd::DETECTOR,
    &netbios_dgm::DETECTOR,
    &netbios_ns::DETECTOR,
    &netbios_ssn::DETECTOR,
    &netflow::DETECTOR,
    &nfs::DETECTOR,
    &nmdc::DETECTOR,
    &nntp::DETECTOR,
    &nomachine::DETECTOR,
    &nrpe::DETECTOR,
    &ntp::DETECTOR,
    &oftp::DETECTOR,
    &opcua::DETECTOR,
    &openflow::DETECTOR,
    &openvpn::DETECTOR,
    &tns::DETECTOR,
    &pgsql::DETECTOR,
    &photon::DETECTOR,
    &pop3::DETECTOR,
    &haproxy::DETECTOR,
    &ptp::DETECTOR,
    &quic::DETECTOR,
    &radius::DETECTOR,
    &raft::DETECTOR,
    &rdp::DETECTOR,
    &redis::DETECTOR,
    &rfb::DETECTOR,
    &rip::DETECTOR,
    &rlogin::DETECTOR,
    &rmi::DETECTOR,
    &rpki_rtr::DETECTOR,
    &rsh::DETECTOR,
    &rsync::DETECTOR,
    &rtcp::DETECTOR,
    &rtmp::DETECTOR,
    &rtp::DETECTOR,
    &rtsp::DETECTOR,
    &rx::DETECTOR,
    &s7comm::DETECTOR,
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
    &someip::DETECTOR,
    &spice::DETECTOR,
    &srt::DETECTOR,
    &ssh::DETECTOR,
    &stomp::DETECTOR,
    &stratum::DETECTOR,
    &stun::DETECTOR,
    &sunrpc::DETECTOR,
    &svn::DETECTOR,
    &syslog::DETECTOR,
    &tacacs::DETECTOR,
    &tarantool::DETECTOR,
    &tds::DETECTOR,
    &teamviewer::DETECTOR,
    &telegram::DETECTOR,
    &telnet::DETECTOR,
    &tftp::DETECTOR,
    &thrift::DETECTOR,
    &tls::DETECTOR,
    &udt::DETECTOR,
    &utp::DETECTOR,
    &websocket::DETECTOR,
    &whatsapp::DETECTOR,
    &whois::DETECTOR,
    &wireguard::DETECTOR,
    &x11::DETECTOR,
    &xmpp::DETECTOR,
    &z3950::DETECTOR,
    &zabbix::DETECTOR,
    &zmtp::DETECTOR,
    &zookeeper::DETECTOR,
    &zoom::DETECTOR,
];
