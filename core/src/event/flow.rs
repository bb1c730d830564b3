//! One flow: its ends, what each direction amounts to, and its verdict, at its end and while it runs.

use std::sync::Arc;

use super::{Label, Process, ProcessMissing, Verdict};
use crate::flow::EndReason;
use crate::frame::FrameRef;
use crate::net::{Socket, Transport, TunnelId};
use crate::time::Timestamp;

/// Which way a packet of a flow went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// From client to server.
    ToServer,
    /// From server to client.
    ToClient,
}

impl Direction {
    /// EVE's word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ToServer => "toserver",
            Self::ToClient => "toclient",
        }
    }
}

/// What the decision who is client and who is server rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RoleBasis {
    /// The TCP handshake: the client sent the SYN. Sure.
    Handshake,
    /// The protocol's messages name the client. Sure.
    Protocol,
    /// One end talks to many peers from one port: that end is the server. Likely.
    FanIn,
    /// One TCP port is registered for what was recognised, or below 512, where no client's is. Likely.
    ServicePort,
    /// One port is of those that systems give to clients. A guess.
    EphemeralPort,
    /// Only one of the ports is watched, and nothing else is known. A guess.
    WatchedPort,
    /// Both ports are watched, and one end serves a Citrix session between the two hosts. Likely.
    Companion,
    /// Both ports are watched, and one end sends three times as much as the other. A guess.
    Volume,
    /// Both ports are watched, and whoever was seen first is called the client. A guess.
    FirstSeen,
}

impl RoleBasis {
    /// The word used in EVE.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Handshake => "handshake",
            Self::Protocol => "protocol",
            Self::FanIn => "fan_in",
            Self::ServicePort => "service_port",
            Self::EphemeralPort => "ephemeral_port",
            Self::WatchedPort => "watched_port",
            Self::Companion => "companion",
            Self::Volume => "volume",
            Self::FirstSeen => "first_seen",
        }
    }

    /// What it is, for people.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Handshake => "the TCP handshake",
            Self::Protocol => "the protocol's messages",
            Self::FanIn => "the number of peers",
            Self::ServicePort => "a well-known port",
            Self::EphemeralPort => "a port that systems give to clients",
            Self::WatchedPort => "the watched port alone",
            Self::Companion => "a Citrix session between the two hosts",
            Self::Volume => "who sent more",
            Self::FirstSeen => "who was seen first",
        }
    }

    /// Whether the roles are proven rather than guessed.
    pub const fn is_sure(self) -> bool {
        match self {
            Self::Handshake | Self::Protocol => true,
            Self::FanIn
            | Self::ServicePort
            | Self::EphemeralPort
            | Self::WatchedPort
            | Self::Companion
            | Self::Volume
            | Self::FirstSeen => false,
        }
    }
}

/// What one direction of a flow amounts to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Volume {
    /// Packets, copies not counted.
    pub packets: u64,
    /// Their bytes on the wire, headers included.
    pub bytes: u64,
    /// Bytes of payload.
    pub payload_bytes: u64,
}

/// EVE's `flow.state`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowState {
    /// Packets of one direction only.
    New,
    /// Both directions were seen.
    Established,
    /// TCP was closed or reset.
    Closed,
}

impl FlowState {
    /// EVE's word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Established => "established",
            Self::Closed => "closed",
        }
    }
}

/// One flow and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct FlowEvent {
    /// A stable hash of the 5-tuple, network and start, at most 53 bits (exact in a JSON number).
    pub flow_id: u64,
    /// TCP or UDP.
    pub transport: Transport,
    /// The client, as far as that is known: see `roles`.
    pub client: Socket,
    /// The server.
    pub server: Socket,
    /// What that decision rests on.
    pub roles: RoleBasis,
    /// VLAN ids of the flow's first packet, outermost first.
    pub vlans: Vec<u16>,
    /// Tunnels of the flow's first packet, outermost first.
    pub tunnels: Vec<TunnelId>,
    /// Client to server.
    pub to_server: Volume,
    /// Server to client.
    pub to_client: Volume,
    /// Time of the first packet.
    pub start: Timestamp,
    /// Time of the last packet.
    pub end: Timestamp,
    /// How far the conversation got.
    pub state: FlowState,
    /// Why the event is told now.
    pub reason: EndReason,
    /// The flow's first frame.
    pub first_frame: FrameRef,
    /// The conditions of the display-remoting shape: whether each holds, and what was seen. Empty where
    /// too few packets have payload to tell.
    pub shape: Vec<(bool, String)>,
    /// What it is.
    pub verdict: Verdict,
    /// The process at the end that is this machine, as it was when the flow was first seen: a live
    /// edge puts it here, the core leaves it empty.
    pub process: Option<Arc<Process>>,
    /// Why there is none, where that end is this machine.
    pub process_missing: Option<ProcessMissing>,
}

impl FlowEvent {
    /// Both ends, the lower one first, as they are in its key.
    pub fn ends(&self) -> [Socket; 2] {
        [self.client.min(self.server), self.client.max(self.server)]
    }
}

/// A flow that was seen for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewFlow {
    /// As in [`FlowEvent`].
    pub flow_id: u64,
    /// TCP or UDP.
    pub transport: Transport,
    /// Both ends, the lower first.
    pub ends: [Socket; 2],
}

/// What a running flow is, as far as can be told by now. Its [`FlowEvent`] has the last word.
#[derive(Clone, Debug, PartialEq)]
pub struct VerdictEvent {
    /// When this could be told.
    pub time: Timestamp,
    /// The label that was told before, if one was: where it is the same as now, something new is
    /// notable.
    pub previous: Option<Label>,
    /// What its own event would tell if it ended now.
    pub flow: FlowEvent,
}
