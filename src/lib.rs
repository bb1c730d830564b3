//! `portstory` tells what traffic on port 3243 really is, from packets alone, and never sends one.
//!
//! This library is the program's own, for its `main`, its tests and its fuzz targets. Whoever wants to have
//! frames named in a program of their own takes the core, crate [`portstory_core`], which turns frames into
//! events. Here are the edges: what reads frames (`capture`), the loop that hands them to the core
//! (`engine`), what writes events (`output`, `report`, `bundle`), what is asked of this machine (`host`),
//! what is given up before anything is parsed (`sandbox`), and the command line (`cli`).
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
// What only a part uses that was left out is left out by the linker: a condition for each such function would
// hide the code behind them.
#![cfg_attr(
    not(all(feature = "live", feature = "report", feature = "bundle")),
    allow(dead_code, unreachable_pub)
)]

#[cfg(feature = "bundle")]
mod bundle;
mod capture;
mod cli;
mod clock;
mod engine;
mod escape;
#[cfg(feature = "live")]
mod host;
mod human;
#[cfg(feature = "live")]
mod netlink;
mod output;
#[cfg(feature = "report")]
mod report;
mod sandbox;

pub use cli::main;

/// What tests, benches and fuzz targets use beside that. It changes with the program: nothing of it is
/// promised.
#[doc(hidden)]
pub mod internal {
    #[cfg(feature = "bundle")]
    pub mod bundle {
        pub use crate::bundle::{EVE, EVIDENCE};
        pub mod anonymize {
            pub use crate::bundle::anonymize::{Addresses, Secret, Sharer, Strength, Study};
        }
    }
    pub mod capture {
        pub use crate::capture::{CaptureErrorKind, FrameSource, Polled, SourceInfo};
        pub mod file {
            pub use crate::capture::file::{Inputs, Options, open, open_stream};
        }
        #[cfg(feature = "live")]
        pub mod live {
            pub use crate::capture::live::{KernelFilter, Live, Options, Stop};
        }
    }
    #[cfg(feature = "live")]
    pub mod cli {
        pub use crate::cli::helper_replies;
    }
    pub mod engine {
        pub use crate::engine::{Observer, Seen};
    }
    pub mod escape {
        pub use crate::escape::{is_hazard, markdown};
    }
    pub mod output {
        pub use crate::output::{
            CSV_COLUMNS, Context, Csv, Eve, EventWriter, FORMATS, Look, PacketFormat, PacketWriter,
            ProcessLookups, RunSummary, Text, schema,
        };
    }
    pub mod sandbox {
        pub use crate::sandbox::{Measures, Plan, User, enter};
    }
}
