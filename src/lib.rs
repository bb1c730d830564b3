//! `portstory` tells what traffic on port 3243 really is, from packets alone, and never sends one.
//!
//! The core, crate [`portstory_core`], turns frames into events. Here are the edges: what reads frames
//! ([`capture`]), the loop that hands them to the core ([`engine`]), what writes events ([`output`],
//! [`report`], [`bundle`]), what is asked of this machine ([`host`]), what is given up before anything is
//! parsed ([`sandbox`]), and the command line ([`cli`]).
//! ARCHITECTURE.md has the invariants.

// Nothing that is read may make it panic: what a test may do, the program may not.
#![warn(
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm
)]

#[cfg(feature = "bundle")]
pub mod bundle;
pub mod capture;
pub mod cli;
mod clock;
pub mod engine;
pub mod escape;
#[cfg(feature = "live")]
pub mod host;
mod human;
pub mod output;
#[cfg(feature = "report")]
pub mod report;
pub mod sandbox;
