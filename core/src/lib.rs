//! Tells from frames what the traffic on a port really is.
//!
//! This is the core of [portstory](https://crates.io/crates/portstory): frames go in, events come out, and
//! nothing else happens. It opens nothing, reads no clock, starts no thread and prints nothing; the same
//! frames give the same events. Whoever has frames, from a file, an interface or a message queue, can have
//! them named:
//!
//! ```
//! use portstory_core::{Classifier, Config, Event, Frame, FrameRef, LinkType};
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
//! `PacketDecoder` says "surely not ours" for nearly all frames, opens link layers, tunnels and
//! fragments of the rest down to TCP, UDP or an ICMP error, and hands on packets of watched ports. `flow`
//! folds each packet into its flow's record: facts only. While a flow is not settled and the first bytes of
//! a direction grew, `identify` asks the detectors that have not said no. When the flow is over, `judge`
//! weighs record and ledgers into a verdict, and the [`Classifier`] hands out an [`Event`].
//!
//! # Features
//!
//! `details`, on by default, tells what costs a hash, a key or a certificate's parser: JA3, JA3S, JA4 and HASSH,
//! certificates, and what is inside QUIC's Initials. A build without it recognises the same protocols, tells
//! all other names, versions and banners, and needs a fifth of the crates.

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

mod classifier;
pub mod config;
mod decode;
pub mod event;
mod flow;
mod frame;
mod identify;
mod judge;
mod net;
mod registry;
mod shortfall;
mod time;
mod watch;
mod wire;

pub use classifier::{Classifier, Collector, FrameOutcome, PacketObserver, Totals, put_together};
pub use config::Config;
pub use decode::{Body, Packet};
pub use event::{
    AnomalyEvent, Confidence, EndpointEvent, Event, Evidence, FlowEvent, Label, Notable, Status,
    Verdict, VerdictEvent,
};
pub use flow::{EndReason, FlowKey, FlowPacket};
pub use frame::{Frame, FrameRef, LinkType, SourceId};
pub use identify::{DETECTORS, Detail, DetailKey, Detector, Strength};
pub use net::{Layer, Side, Socket, Transport, TunnelId};
pub use time::Timestamp;
pub use watch::Watch;

/// What the program `portstory` uses beside that. It changes with the program: nothing of it is promised.
#[doc(hidden)]
pub mod internal {
    pub mod classifier {
        pub use crate::classifier::Running;
    }
    pub mod decode {
        pub use crate::decode::{Decoded, Found, IcmpError, PacketDecoder, TcpInfo, decode};
        pub mod link {
            pub use crate::decode::link::{LINKS, find};
        }
        pub mod packet {
            pub use crate::decode::packet::Network;
        }
        pub mod peek {
            pub use crate::decode::peek::Peek;
        }
        pub mod tunnel {
            pub use crate::decode::tunnel::{Entry, TUNNELS};
        }
    }
    pub mod flow {
        pub use crate::flow::{Correlation, FlowRecord, KeptPacket};
        pub mod correlation {
            pub use crate::flow::correlation::Drops;
        }
        pub mod firsts {
            pub use crate::flow::firsts::{Firsts, Noted};
        }
        pub mod record {
            pub use crate::flow::record::{LARGE_PAYLOAD_BYTES_MIN, SMALL_PAYLOAD_BYTES_MAX};
        }
    }
    pub mod identify {
        pub use crate::identify::{Over, OwnDetail, detail_keys};
    }
    pub mod judge {
        pub use crate::judge::{is_text, kept_of, looks_random};
        pub mod endpoint {
            pub use crate::judge::endpoint::Endpoints;
        }
        pub mod explanation {
            pub use crate::judge::explanation::Explanation;
        }
        pub mod ranking {
            pub use crate::judge::ranking::{
                EndpointRank, FlowRank, concerns, concerns_at, is_unclear_rest, took_part,
            };
        }
        pub mod rules {
            pub use crate::judge::rules::RULES;
        }
    }
    pub mod registry {
        pub use crate::registry::name;
    }
    pub mod shortfall {
        pub use crate::shortfall::{Shortfall, Shortfalls};
    }
    pub mod time {
        pub use crate::time::NANOS_PER_SECOND;
    }
    pub mod watch {
        pub use crate::watch::{COMPANION_PORTS, CompanionKind, FRAMEHAWK_PORTS, TIMELOT_PORT};
    }
    pub mod wire {
        pub use crate::wire::{
            Cursor, array, be16, be32, index, le16, le32, len32, prefix, rest, u8_at,
        };
    }
}
