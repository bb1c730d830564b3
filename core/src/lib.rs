//! Tells from frames what the traffic on a port really is.
//!
//! This is the core of [portstory](https://crates.io/crates/portstory): frames go in, events come out, and
//! nothing else happens. It opens nothing, reads no clock, starts no thread and prints nothing; the same
//! frames give the same events. Whoever has frames, from a file, an interface or a message queue, can have
//! them named:
//!
//! ```
//! use portstory_core::classifier::Classifier;
//! use portstory_core::config::Config;
//! use portstory_core::event::Event;
//! use portstory_core::frame::{Frame, FrameRef, LinkType};
//!
//! # fn frames() -> Vec<(FrameRef, Vec<u8>)> { Vec::new() }
//! let mut classifier = Classifier::new(Config::default());
//! let mut events = Vec::new();
//! for (at, bytes) in frames() {
//!     let wire_len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
//!     classifier.ingest(&Frame { at, link: LinkType(1), wire_len, bytes: &bytes }, &mut events);
//! }
//! classifier.finish(&mut events);
//! for event in &events {
//!     if let Event::Flow(flow) = event {
//!         println!("{}:{} {}", flow.server.addr, flow.server.port, flow.verdict.summary);
//!     }
//! }
//! ```
//!
//! # The path of one packet
//!
//! [`decode::PacketDecoder`] says "surely not ours" for nearly all frames, opens link layers, tunnels and
//! fragments of the rest down to TCP, UDP or an ICMP error, and hands on packets of watched ports. [`flow`]
//! folds each packet into its flow's record: facts only. While a flow is not settled and the first bytes of
//! a direction grew, [`identify`] asks the detectors that have not said no. When the flow is over, [`judge`]
//! weighs record and ledgers into a verdict, and the [`classifier`] hands out an [`event::Event`].

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

pub mod classifier;
pub mod config;
pub mod decode;
pub mod event;
pub mod flow;
pub mod frame;
pub mod identify;
pub mod judge;
pub mod net;
pub mod registry;
pub mod shortfall;
pub mod time;
pub mod watch;
pub mod wire;
