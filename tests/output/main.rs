//! What the writers write, seen from outside.
#![allow(
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests may stop at the first surprise"
)]

mod csv;
mod eve;
mod packets;
mod samples;
mod text;
