//! Stands in for `details/` in a build without that feature: it tells nothing, and nothing is waited for.

use std::iter::{Empty, empty};

use super::handshake::ServerHello;
use super::{Detail, DetailKey};

/// What carries a hello; QUIC's stay shut.
pub(super) enum Carrier {
    Tls,
    Dtls,
}

pub(super) fn ja3_and_ja4(_: &[u8], _: Carrier, _: [DetailKey; 3]) -> Option<Empty<Detail>> {
    Some(empty())
}

pub(super) fn ja3s(_: &[u8], _: [DetailKey; 2]) -> Option<Empty<Detail>> {
    Some(empty())
}

pub(super) fn certificate_has_come(_: &ServerHello, _: &[u8]) -> bool {
    true
}

pub(super) fn certificate(_: &ServerHello, _: &[u8]) -> Vec<Detail> {
    Vec::new()
}

pub(super) fn hassh(_: &[u8], _: bool) -> Option<Vec<Detail>> {
    Some(Vec::new())
}
