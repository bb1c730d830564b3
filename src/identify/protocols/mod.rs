//! One file a protocol. A new one is that file, its `mod` line and its line in [`ALL`].

use super::Detector;

mod afp;
mod ajp;
mod amqp;
mod bgp;
mod binary_services;
mod cassandra;
mod cgp;
mod citrix_edt;
mod dcerpc;
mod diameter;
mod discv4;
mod dnp3;
mod dns;
mod dtls;
mod edonkey;
mod enip;
mod fastcgi;
mod fins;
mod fix;
mod ftp;
mod giop;
mod git;
mod gnutella;
mod h323;
mod haproxy;
mod hart_ip;
mod http;
mod http2;
mod ica;
mod iec104;
mod imap;
mod industry_misc;
mod irc;
mod iscsi;
mod kafka;
mod krb5;
mod ldap;
mod megaco;
mod memcached;
mod mgcp;
mod minecraft;
mod mms;
mod modbus;
mod mongodb;
mod more_frames;
mod mqtt;
mod mysql;
mod netbios_ssn;
mod nntp;
mod nrpe;
mod onc_rpc;
mod opcua;
mod pgsql;
mod pop3;
mod quic;
mod rdp;
mod redis;
mod rfb;
mod rmi;
mod rpki_rtr;
mod rtmp;
mod rtp;
mod rtsp;
mod s7comm;
mod sip;
mod skinny;
mod smb;
mod smtp;
mod socks;
mod spice;
mod ssh;
mod stomp;
mod stratum;
mod stun;
mod syslog;
mod tacacs;
mod tds;
mod telnet;
mod text_services;
mod thrift;
mod tls;
mod tns;
mod udt;
mod websocket;
mod x11;
mod xmpp;
mod z3950;
mod zookeeper;

/// All detectors, sorted by id.
pub(super) static ALL: &[&Detector] = &[
    &industry_misc::ADS,
    &afp::DETECTOR,
    &ajp::DETECTOR,
    &amqp::DETECTOR,
    &industry_misc::ATG,
    &industry_misc::BFCP,
    &bgp::DETECTOR,
    &binary_services::BITCOIN,
    &binary_services::BITTORRENT,
    &cassandra::DETECTOR,
    &binary_services::CEPH,
    &cgp::DETECTOR,
    &text_services::CHECKMK,
    &citrix_edt::DETECTOR,
    &text_services::CLAMD,
    &binary_services::COPS,
    &dcerpc::DETECTOR,
    &diameter::DETECTOR,
    &binary_services::DICOM,
    &discv4::DETECTOR,
    &industry_misc::DLMS,
    &dnp3::DETECTOR,
    &dns::DETECTOR,
    &more_frames::DRDA,
    &dtls::DETECTOR,
    &edonkey::DETECTOR,
    &more_frames::ELASTICSEARCH,
    &enip::DETECTOR,
    &fastcgi::DETECTOR,
    &binary_services::FCIP,
    &fins::DETECTOR,
    &fix::DETECTOR,
    &ftp::DETECTOR,
    &binary_services::GEARMAN,
    &giop::DETECTOR,
    &git::DETECTOR,
    &gnutella::DETECTOR,
    &h323::DETECTOR,
    &hart_ip::DETECTOR,
    &binary_services::HISLIP,
    &binary_services::HL7,
    &http::DETECTOR,
    &http2::DETECTOR,
    &ica::DETECTOR,
    &more_frames::ICAP,
    &iec104::DETECTOR,
    &industry_misc::C37118,
    &imap::DETECTOR,
    &irc::DETECTOR,
    &iscsi::DETECTOR,
    &text_services::JSON_RPC,
    &kafka::DETECTOR,
    &krb5::DETECTOR,
    &ldap::DETECTOR,
    &more_frames::LUSTRE,
    &megaco::DETECTOR,
    &memcached::DETECTOR,
    &mgcp::DETECTOR,
    &minecraft::DETECTOR,
    &mms::DETECTOR,
    &modbus::DETECTOR,
    &binary_services::MONERO,
    &mongodb::DETECTOR,
    &mqtt::DETECTOR,
    &binary_services::MSDP,
    &text_services::MUNIN,
    &mysql::DETECTOR,
    &text_services::NATS,
    &netbios_ssn::DETECTOR,
    &onc_rpc::NFS,
    &text_services::NMDC,
    &nntp::DETECTOR,
    &binary_services::NX,
    &nrpe::DETECTOR,
    &binary_services::OFTP,
    &opcua::DETECTOR,
    &binary_services::OPENFLOW,
    &tns::DETECTOR,
    &pgsql::DETECTOR,
    &pop3::DETECTOR,
    &haproxy::DETECTOR,
    &quic::DETECTOR,
    &binary_services::RAFT,
    &rdp::DETECTOR,
    &redis::DETECTOR,
    &rfb::DETECTOR,
    &more_frames::RLOGIN,
    &rmi::DETECTOR,
    &rpki_rtr::DETECTOR,
    &text_services::RSH,
    &text_services::RSYNC,
    &rtmp::DETECTOR,
    &rtp::DETECTOR,
    &rtsp::DETECTOR,
    &s7comm::DETECTOR,
    &binary_services::SAP_NI,
    &sip::DETECTOR,
    &skinny::DETECTOR,
    &smb::DETECTOR,
    &industry_misc::SMPP,
    &smtp::DETECTOR,
    &socks::DETECTOR,
    &spice::DETECTOR,
    &ssh::DETECTOR,
    &stomp::DETECTOR,
    &stratum::DETECTOR,
    &stun::DETECTOR,
    &onc_rpc::SUNRPC,
    &text_services::SVN,
    &syslog::DETECTOR,
    &tacacs::DETECTOR,
    &text_services::TARANTOOL,
    &tds::DETECTOR,
    &binary_services::TEAMVIEWER,
    &more_frames::TELEGRAM,
    &telnet::DETECTOR,
    &thrift::DETECTOR,
    &text_services::TINC,
    &tls::DETECTOR,
    &udt::DETECTOR,
    &websocket::DETECTOR,
    &more_frames::WHATSAPP,
    &text_services::WHOIS,
    &x11::DETECTOR,
    &xmpp::DETECTOR,
    &z3950::DETECTOR,
    &binary_services::ZABBIX,
    &binary_services::ZMTP,
    &zookeeper::DETECTOR,
];
