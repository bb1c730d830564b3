//! A capture for strangers: the packets that verdicts rest on, made anew from what was decoded, with
//! addresses, names and payload replaced.
//!
//! Nothing of the original frames is passed on as it was: link headers, VLAN tags, options and fragments
//! are gone, whatever tunnel kept networks apart is a VXLAN with a number of its own, and what is left
//! is IP, TCP, UDP or an ICMP error with their lengths, flags, numbers and times. Payload is replaced,
//! as [`Strength`] says.
//!
//! The capture is read twice. A [`Study`] is shown its packets and verdicts and decides for each flow
//! what becomes of its payload (`plan`); a [`Sharer`] makes the frames ([`Plans`] say how). Whoever uses
//! them judges these frames and tells [`Plans::settle`] what came of it: a flow with another verdict
//! goes without payload, and one that still is not the same flow is left out.
//!
//! It opens nothing, and its randomness is given to it ([`Secret`]).

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use portstory_core::FlowEvent;

use portstory_core::Socket;

mod craft;
mod disguise;
mod inventory;
mod keywords;
mod plan;
mod plans;
mod search;
mod secret;
mod sharer;
mod study;
mod trail;
mod whole;

pub(crate) use inventory::{Inventory, Sharing};
pub(crate) use plans::Plans;
pub use secret::{Addresses, Secret};
pub use sharer::Sharer;
pub use study::Study;

/// How much of the payload is replaced, in the words of `--help`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Strength {
    /// Replace all payload except the bytes that identify a protocol
    // And these only where they are the protocol's own.
    #[default]
    Min,
    /// Replace only payload that no detector reads; host names, banners and first lines remain
    // Addresses are replaced in them, too.
    Full,
}

/// Flows that are to be in no part of a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exclude {
    /// The flow of this id.
    Flow(u64),
    /// All flows of one end.
    Socket(Socket),
    /// All flows of a host.
    Host(IpAddr),
}

impl FromStr for Exclude {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(id) = text.parse() {
            return Ok(Self::Flow(id));
        }
        if let Ok(socket) = text.parse::<std::net::SocketAddr>() {
            return Ok(Self::Socket(Socket { addr: socket.ip(), port: socket.port() }));
        }
        let host = text.trim_start_matches('[').trim_end_matches(']').parse();
        host.map(Self::Host).map_err(|_| {
            "give a flow's id, an address and port such as 10.0.0.9:3243, or an address".to_owned()
        })
    }
}

impl fmt::Display for Exclude {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flow(id) => id.fmt(f),
            Self::Socket(end) => end.fmt(f),
            Self::Host(addr) => addr.fmt(f),
        }
    }
}

impl Exclude {
    /// Whether it means this flow.
    fn means(self, flow: &FlowEvent) -> bool {
        match self {
            Self::Flow(id) => id == flow.flow_id,
            Self::Socket(_) | Self::Host(_) => self.means_ends([flow.client, flow.server]),
        }
    }

    /// Whether it means packets between these two.
    fn means_ends(self, ends: [Socket; 2]) -> bool {
        match self {
            Self::Flow(_) => false,
            Self::Socket(socket) => ends.contains(&socket),
            Self::Host(addr) => ends.iter().any(|end| end.addr == addr),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_excluded_is_a_flow_an_end_or_a_host() {
        assert_eq!("4711".parse(), Ok(Exclude::Flow(4711)));
        let addr: IpAddr = "10.0.0.9".parse().unwrap();
        assert_eq!("10.0.0.9".parse(), Ok(Exclude::Host(addr)));
        assert_eq!("10.0.0.9:3243".parse(), Ok(Exclude::Socket(Socket { addr, port: 3243 })));
        let addr: IpAddr = "::1".parse().unwrap();
        assert_eq!("[::1]:53".parse(), Ok(Exclude::Socket(Socket { addr, port: 53 })));
        assert_eq!("::1".parse(), Ok(Exclude::Host(addr)));
        assert!("example.org".parse::<Exclude>().is_err());
    }
}
