//! What costs a hash or a certificate's parser: all but QUIC's keys of the Cargo feature `details`.
//!
//! The metadata functions of a protocol call this with messages that they found; what it says is added to what
//! they tell themselves, and a message that is not whole says nothing. In a build without the feature
//! `no_details.rs` stands here, with the same functions.

mod certificate;
mod fingerprint;
mod hassh;

pub(super) use certificate::{certificate, certificate_has_come};
pub(super) use fingerprint::{Carrier, ja3_and_ja4, ja3s};
pub(super) use hassh::hassh;
