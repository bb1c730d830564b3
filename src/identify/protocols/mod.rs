//! One file a protocol. A new one is that file, its `mod` line and its line in [`ALL`].

use super::Detector;

mod afp;
mod cassandra;
mod cgp;
mod citrix_edt;
mod dns;
mod dtls;
mod ftp;
mod http;
mod http2;
mod ica;
mod imap;
mod irc;
mod iscsi;
mod krb5;
mod ldap;
mod memcached;
mod mongodb;
mod mysql;
mod netbios_ssn;
mod nntp;
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
mod stun;
mod tds;
mod telnet;
mod tls;
mod tns;
mod udt;
mod websocket;
mod x11;
mod xmpp;

/// All detectors, sorted by id.
pub(super) static ALL: &[&Detector] = &[
    &afp::DETECTOR,
    &cassandra::DETECTOR,
    &cgp::DETECTOR,
    &citrix_edt::DETECTOR,
    &dns::DETECTOR,
    &dtls::DETECTOR,
    &ftp::DETECTOR,
    &http::DETECTOR,
    &http2::DETECTOR,
    &ica::DETECTOR,
    &imap::DETECTOR,
    &irc::DETECTOR,
    &iscsi::DETECTOR,
    &krb5::DETECTOR,
    &ldap::DETECTOR,
    &memcached::DETECTOR,
    &mongodb::DETECTOR,
    &mysql::DETECTOR,
    &netbios_ssn::DETECTOR,
    &nntp::DETECTOR,
    &tns::DETECTOR,
    &pgsql::DETECTOR,
    &pop3::DETECTOR,
    &quic::DETECTOR,
    &rdp::DETECTOR,
    &redis::DETECTOR,
    &rfb::DETECTOR,
    &rtp::DETECTOR,
    &smb::DETECTOR,
    &smtp::DETECTOR,
    &socks::DETECTOR,
    &spice::DETECTOR,
    &ssh::DETECTOR,
    &stun::DETECTOR,
    &tds::DETECTOR,
    &telnet::DETECTOR,
    &tls::DETECTOR,
    &udt::DETECTOR,
    &websocket::DETECTOR,
    &x11::DETECTOR,
    &xmpp::DETECTOR,
];
