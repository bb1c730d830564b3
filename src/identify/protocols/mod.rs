//! One file a protocol. A new one is that file, its `mod` line and its line in [`ALL`].

use super::Detector;

mod cassandra;
mod cgp;
mod citrix_edt;
mod dns;
mod dtls;
mod ftp;
mod http;
mod ica;
mod imap;
mod krb5;
mod ldap;
mod memcached;
mod mongodb;
mod mysql;
mod nntp;
mod pgsql;
mod pop3;
mod quic;
mod redis;
mod rtp;
mod smtp;
mod ssh;
mod stun;
mod tds;
mod tls;
mod tns;
mod udt;

/// All detectors, sorted by id.
pub(super) static ALL: &[&Detector] = &[
    &cassandra::DETECTOR,
    &cgp::DETECTOR,
    &citrix_edt::DETECTOR,
    &dns::DETECTOR,
    &dtls::DETECTOR,
    &ftp::DETECTOR,
    &http::DETECTOR,
    &ica::DETECTOR,
    &imap::DETECTOR,
    &krb5::DETECTOR,
    &ldap::DETECTOR,
    &memcached::DETECTOR,
    &mongodb::DETECTOR,
    &mysql::DETECTOR,
    &nntp::DETECTOR,
    &tns::DETECTOR,
    &pgsql::DETECTOR,
    &pop3::DETECTOR,
    &quic::DETECTOR,
    &redis::DETECTOR,
    &rtp::DETECTOR,
    &smtp::DETECTOR,
    &ssh::DETECTOR,
    &stun::DETECTOR,
    &tds::DETECTOR,
    &tls::DETECTOR,
    &udt::DETECTOR,
];
