//! One file a protocol. A new one is that file, its `mod` line and its line in [`ALL`].

use super::Detector;

mod cgp;
mod citrix_edt;
mod dns;
mod dtls;
mod http;
mod ica;
mod mysql;
mod quic;
mod rtp;
mod ssh;
mod stun;
mod tls;
mod udt;

/// All detectors, sorted by id.
pub(super) static ALL: &[&Detector] = &[
    &cgp::DETECTOR,
    &citrix_edt::DETECTOR,
    &dns::DETECTOR,
    &dtls::DETECTOR,
    &http::DETECTOR,
    &ica::DETECTOR,
    &mysql::DETECTOR,
    &quic::DETECTOR,
    &rtp::DETECTOR,
    &ssh::DETECTOR,
    &stun::DETECTOR,
    &tls::DETECTOR,
    &udt::DETECTOR,
];
