//! `portstory` tells what traffic on port 3243 really is, from packets alone, and never sends one.
//!
//! # The path of one packet
//!
//! A source ([`capture`]) hands over a [`frame::Frame`]. `decode::peek` says "surely not
//! ours" for nearly all of them; [`decode`] opens link layers and tunnels of the rest down to TCP,
//! UDP or an ICMP error. [`flow`] folds each packet into its flow's record: facts only. While a
//! flow is not settled and the first octets of a direction grew, [`identify`] asks the detectors
//! that have not said no. When the flow is over, [`judge`] weighs record and ledgers into a
//! verdict, and the [`classifier`] hands out an [`event::Event`], which [`output`] writes.
//!
//! Everything but `bundle`, `capture`, `host`, `output`, `report`, `sandbox` and `cli` is the core: it
//! does no I/O, reads no clock and starts no thread. ARCHITECTURE.md has the invariants.

pub mod bundle;
pub mod capture;
pub mod classifier;
pub mod cli;
pub mod config;
pub mod decode;
pub mod event;
pub mod flow;
pub mod frame;
pub mod host;
pub mod identify;
pub mod judge;
pub mod output;
pub mod registry;
pub mod report;
pub mod sandbox;
pub mod shortfall;
pub mod time;
pub mod wire;
