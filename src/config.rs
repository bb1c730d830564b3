//! Every limit and threshold, with its unit, its default and the reason for it.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::identify::Transport;

/// All settings of the core.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Which ports are watched.
    pub watch: Watch,
    /// How much is kept of what.
    pub limits: Limits,
    /// When a flow is over.
    pub timeouts: Timeouts,
    /// Whether equal 5-tuples in different VLANs are different flows. Off by default: a SPAN port
    /// often shows the two directions of one conversation with different tags.
    pub vlan_in_key: bool,
    /// A detector that is left out, by id: to see what its absence would change.
    pub without: Option<String>,
    /// Keys the hash tables, so that nobody can choose keys that collide. The events do not depend on
    /// it.
    pub hash_seed: u64,
}

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

/// Bounds on what strangers can make the process keep (invariant 2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Flows in the table at one time. Above it the flow that was idle longest ends early
    /// (reason `evicted`), which keeps busy conversations through a flood of single packets.
    pub flows_max: usize,
    /// Endpoints with their peers in the ledger.
    pub endpoints_max: usize,
    /// Distinct peers counted for one endpoint; above it "at least" is said.
    pub endpoint_peers_max: usize,
    /// Pairs of hosts with companion sessions (ICA, CGP, H.225, SIP).
    pub companion_pairs_max: usize,
    /// Companion sessions kept of one pair of hosts.
    pub companion_sessions_max: usize,
    /// VLAN tags, tunnels and IP headers that are opened in one frame. Real traffic needs about six.
    pub layers_max: usize,
    /// IPv6 extension headers followed in one packet; RFC 8200 section 4.1 names eight places.
    pub extension_headers_max: usize,
    /// In-order octets kept of each direction of a TCP flow: a TLS ClientHello with a hybrid key
    /// share takes about 1,800.
    pub head_stream_bytes_max: usize,
    /// TCP segments kept of one direction that came before the one they follow.
    pub head_pending_segments_max: usize,
    /// Octets in such segments.
    pub head_pending_bytes_max: usize,
    /// Octets kept of the first datagram of a direction.
    pub head_first_datagram_bytes_max: usize,
    /// Octets kept of every later one. The newest is shown whole to the detectors.
    pub head_datagram_bytes_max: usize,
    /// Packets with payload that a flow may offer to the detectors, each direction: after these its
    /// head is closed, whatever came of it.
    pub head_packets_max: u16,
    /// Octets of payload that are offered to the detectors, each direction.
    pub head_offered_bytes_max: u32,
    /// Protocols followed inside one another (STARTTLS, CONNECT).
    pub chain_max: usize,
    /// Message sizes kept for the verdict on an unidentified flow.
    pub message_sizes_max: usize,
    /// Kinds of anomaly counted separately.
    pub anomaly_kinds_max: usize,
    /// Packets of a flow within which a copy is recognised (a SPAN of two ports shows each frame
    /// twice in a row).
    pub duplicate_window_packets: usize,
}

/// Octets of memory that a flow of few packets is taken to need: its record, its place in the table,
/// and what it leaves behind. An estimate, which `tests/flood.rs` checks as a whole; flows whose heads
/// are full take more.
const FLOW_BYTES: usize = 1_400;

/// Octets of memory that an endpoint in the ledgers takes with all its peers.
const ENDPOINT_BYTES: usize = 3_000;

impl Limits {
    /// Limits under which a flood of single packets costs about `bytes` octets at most, and never less
    /// than lets a thousand flows run. The capture's ring is not counted.
    ///
    /// Half is for flows; of the rest ledgers and sums, which exist for peers, targets and endpoints,
    /// take what is left over when room for events and output buffers is set aside.
    #[must_use]
    pub fn within(bytes: usize) -> Self {
        let standard = Self::default();
        Self {
            flows_max: (bytes / 2 / FLOW_BYTES).clamp(1_000, standard.flows_max),
            endpoints_max: (bytes / 4 / 3 / ENDPOINT_BYTES).clamp(100, standard.endpoints_max),
            companion_pairs_max: (bytes / 16 / 10_000).clamp(64, standard.companion_pairs_max),
            ..standard
        }
    }
}

/// UDP datagrams kept of each direction: enough for a counter to be seen counting. A constant,
/// because views hold them in place.
pub const HEAD_DATAGRAMS_MAX: usize = 8;

impl Default for Limits {
    fn default() -> Self {
        Self {
            flows_max: 1 << 17,
            endpoints_max: 1 << 14,
            endpoint_peers_max: 64,
            companion_pairs_max: 1 << 12,
            companion_sessions_max: 64,
            layers_max: 16,
            extension_headers_max: 10,
            head_stream_bytes_max: 4096,
            head_pending_segments_max: 16,
            head_pending_bytes_max: 8192,
            head_first_datagram_bytes_max: 256,
            head_datagram_bytes_max: 64,
            head_packets_max: 48,
            head_offered_bytes_max: 32 * 1024,
            chain_max: 4,
            message_sizes_max: 16,
            anomaly_kinds_max: 256,
            duplicate_window_packets: 4,
        }
    }
}

/// When a flow is over, in event time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// A UDP flow without a packet for so long has ended (RFC 4787 REQ-5 asks NATs for two minutes).
    pub udp: Duration,
    /// A TCP flow without a packet for so long has ended; kept well above common keep-alives.
    pub tcp: Duration,
    /// A TCP flow whose both directions were closed, or that was reset, ends after so long: late
    /// segments still belong to it.
    pub tcp_closed: Duration,
    /// Copies of a packet are looked for within this span.
    pub duplicate: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            udp: Duration::from_secs(120),
            tcp: Duration::from_secs(600),
            tcp_closed: Duration::from_secs(10),
            duplicate: Duration::from_millis(5),
        }
    }
}
