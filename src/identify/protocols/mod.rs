//! One file a protocol. A new one is that file, its `mod` line and its line in [`ALL`].

use super::Detector;

mod afp;
mod amqp;
mod cassandra;
mod cgp;
mod citrix_edt;
mod dcerpc;
mod dns;
mod dtls;
mod ftp;
mod git;
mod http;
mod http2;
mod ica;
mod imap;
mod irc;
mod iscsi;
mod kafka;
mod krb5;
mod ldap;
mod memcached;
mod mongodb;
mod mqtt;
mod mysql;
mod netbios_ssn;
mod nntp;
mod onc_rpc;
mod pgsql;
mod pop3;
mod quic;
mod rdp;
mod redis;
mod rfb;
mod rtp;
mod smb;
mod smtp;
mod socks;
mod spice;
mod ssh;
mod stomp;
mod stun;
mod tds;
mod telnet;
mod text_services;
mod tls;
mod tns;
mod udt;
mod websocket;
mod x11;
mod xmpp;
mod zookeeper;

/// All detectors, sorted by id.
pub(super) static ALL: &[&Detector] = &[
    &afp::DETECTOR,
    &amqp::DETECTOR,
    &cassandra::DETECTOR,
    &cgp::DETECTOR,
    &text_services::CHECKMK,
    &citrix_edt::DETECTOR,
    &text_services::CLAMD,
    &dcerpc::DETECTOR,
    &dns::DETECTOR,
    &dtls::DETECTOR,
    &ftp::DETECTOR,
    &git::DETECTOR,
    &text_services::GNUTELLA,
    &http::DETECTOR,
    &http2::DETECTOR,
    &ica::DETECTOR,
    &imap::DETECTOR,
    &irc::DETECTOR,
    &iscsi::DETECTOR,
    &kafka::DETECTOR,
    &krb5::DETECTOR,
    &ldap::DETECTOR,
    &memcached::DETECTOR,
    &mongodb::DETECTOR,
    &mqtt::DETECTOR,
    &text_services::MUNIN,
    &mysql::DETECTOR,
    &text_services::NATS,
    &netbios_ssn::DETECTOR,
    &onc_rpc::NFS,
    &nntp::DETECTOR,
    &tns::DETECTOR,
    &pgsql::DETECTOR,
    &pop3::DETECTOR,
    &quic::DETECTOR,
    &rdp::DETECTOR,
    &redis::DETECTOR,
    &rfb::DETECTOR,
    &text_services::RSYNC,
    &rtp::DETECTOR,
    &smb::DETECTOR,
    &smtp::DETECTOR,
    &socks::DETECTOR,
    &spice::DETECTOR,
    &ssh::DETECTOR,
    &stomp::DETECTOR,
    &stun::DETECTOR,
    &onc_rpc::SUNRPC,
    &text_services::SVN,
    &text_services::TARANTOOL,
    &tds::DETECTOR,
    &telnet::DETECTOR,
    &tls::DETECTOR,
    &udt::DETECTOR,
    &websocket::DETECTOR,
    &x11::DETECTOR,
    &xmpp::DETECTOR,
    &zookeeper::DETECTOR,
];
