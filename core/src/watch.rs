//! Which ports are watched, and which others tell something about what is found there.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use crate::net::Transport;

/// The watched ports. A flow is in range if either of its ports is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watch {
    /// Watched on TCP and on UDP.
    pub ports: BTreeSet<u16>,
    /// Watched on UDP: the ports that the Framehawk policy names.
    pub framehawk: RangeInclusive<u16>,
}

/// IANA's `timelot`: the port the project is about.
pub const TIMELOT_PORT: u16 = 3243;

/// Framehawk's default policy, `3224,3324` (Citrix policy reference, "Framehawk display channel port
/// range").
pub const FRAMEHAWK_PORTS: RangeInclusive<u16> = 3224..=3324;

impl Default for Watch {
    fn default() -> Self {
        Self { ports: BTreeSet::from([TIMELOT_PORT]), framehawk: FRAMEHAWK_PORTS }
    }
}

impl Watch {
    /// Whether this port is watched on this transport.
    pub fn covers(&self, transport: Transport, port: u16) -> bool {
        self.ports.contains(&port)
            || (transport == Transport::Udp && self.framehawk.contains(&port))
    }
}

/// What runs on a companion port. The port says so, the server's payload confirms that something does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CompanionKind {
    /// ICA, port 1494 of TCP, or of UDP with EDT.
    Ica,
    /// CGP (session reliability), port 2598 of TCP, or of UDP with EDT.
    Cgp,
    /// H.225 call signalling, TCP 1720.
    H225,
    /// SIP, port 5060.
    Sip,
}

impl CompanionKind {
    /// The companion that this port stands for.
    pub fn of(transport: Transport, port: u16) -> Option<Self> {
        let row = COMPANION_PORTS.iter().find(|row| (row.0, row.1) == (transport, port));
        row.map(|row| row.2)
    }

    /// Whether it is a Citrix session, rather than call signalling.
    pub const fn is_citrix(self) -> bool {
        match self {
            Self::Ica | Self::Cgp => true,
            Self::H225 | Self::Sip => false,
        }
    }

    /// Its name, for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ica => "ICA (port 1494)",
            Self::Cgp => "CGP (port 2598)",
            Self::H225 => "H.225 call signalling (TCP 1720)",
            Self::Sip => "SIP (port 5060)",
        }
    }
}

/// All companion ports.
pub static COMPANION_PORTS: &[(Transport, u16, CompanionKind)] = &[
    (Transport::Tcp, 1494, CompanionKind::Ica),
    (Transport::Udp, 1494, CompanionKind::Ica),
    (Transport::Tcp, 2598, CompanionKind::Cgp),
    (Transport::Udp, 2598, CompanionKind::Cgp),
    (Transport::Tcp, 1720, CompanionKind::H225),
    (Transport::Tcp, 5060, CompanionKind::Sip),
    (Transport::Udp, 5060, CompanionKind::Sip),
];
