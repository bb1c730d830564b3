//! Every limit and threshold, with its unit, its default and the reason for it.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::net::{Socket, Transport};
use crate::watch::Watch;

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
    /// The only detectors that are asked, by id; all of them, if that is not set. For whoever asks the
    /// same flow over and over again, and knows what it speaks.
    pub only: Option<Vec<&'static str>>,
    /// What the site says of its Citrix installation.
    pub site: Option<Site>,
    /// Services that the site names itself.
    pub known: Vec<KnownService>,
    /// The flow whose verdict is to be accounted for, by its id.
    pub account_for: Option<u64>,
    /// Whether the classifier tells a flow's label when it first has one and when it changes.
    pub live_verdicts: bool,
    /// Keys the hash tables and what copies of packets are known by, so that nobody can choose keys that
    /// collide or packets that are taken for copies. The events do not depend on it, but all pieces of a
    /// capture need the same.
    pub hash_seed: u64,
}

/// What a site says of its Citrix installation: packets alone cannot tell it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// Versions of its VDAs; empty where it does not say.
    pub vda_versions: Vec<VdaVersion>,
    /// Whether its policy "Framehawk display channel" is on.
    pub framehawk_policy: Option<bool>,
    /// Addresses from which its gateways talk to the VDAs.
    pub gateways: BTreeSet<IpAddr>,
}

impl Site {
    /// Whether none of its VDAs can have Framehawk.
    pub fn has_no_framehawk(&self) -> bool {
        !self.vda_versions.is_empty() && self.vda_versions.iter().all(|one| !one.has_framehawk())
    }
}

/// A version of Citrix's VDA: year and month since 1808 (`1903`), major and minor before (`7.15`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VdaVersion(u32);

impl VdaVersion {
    /// Reads `7.15`, `1903`, `7 1903`, `7.15 LTSR` or `1912 LTSR CU4`.
    pub fn parse(text: &str) -> Option<Self> {
        text.split_whitespace().find_map(|word| match word.split_once('.') {
            Some(("7", minor)) => {
                let minor: u32 = minor.split('.').next()?.parse().ok()?;
                (minor < 100).then(|| Self(700_u32.saturating_add(minor)))
            }
            Some(_) => None,
            None => word.parse().ok().filter(|number| (1800..10_000).contains(number)).map(Self),
        })
    }

    /// From 7.6 (feature pack 2) to 1811: no longer supported as of 1903.
    pub const fn has_framehawk(self) -> bool {
        self.0 >= 706 && self.0 < 1903
    }
}

/// A service that the site names itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownService {
    /// What it is called.
    pub name: String,
    /// Where it is; anywhere, if that is not said.
    pub addr: Option<IpAddr>,
    /// Its port.
    pub port: u16,
    /// Its transport; both, if that is not said.
    pub transport: Option<Transport>,
}

impl KnownService {
    /// Whether it is this service's.
    pub fn is_at(&self, socket: Socket, transport: Transport) -> bool {
        self.port == socket.port
            && self.addr.is_none_or(|addr| addr == socket.addr)
            && self.transport.is_none_or(|own| own == transport)
    }
}

/// Bounds on what strangers can make the process keep (invariant 2).
///
/// Nothing is left out without a word. Of limits to what is kept of several flows together it is counted
/// how much was left out, and a notice names the limit. Limits to what is kept of
/// one flow need none: [`crate::event::Visibility`] tells of every flow how many bytes of its payload the
/// detectors were shown, and lists that are told of a flow are its first entries. What stops the decoder
/// is an anomaly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Flows in the table at one time. Above it the flow that was idle longest ends early
    /// (reason `forced`), which keeps busy conversations through a flood of single packets.
    pub flows_max: usize,
    /// Bytes of memory that the flows in the table may take, their heads and findings included. Above
    /// it flows end early in the same order: what counts is what they hold, not how many they are.
    pub flows_bytes_max: usize,
    /// Watched sockets that an endpoint is told of. Flows of others are counted and a notice says how
    /// many, as for all limits to what is kept of several flows together.
    pub endpoints_max: usize,
    /// Sockets that are not watched and are told as endpoints all the same, for a watched port called
    /// from them: a quarter as many, since only clients that use a watched port as their own bring them.
    pub other_endpoints_max: usize,
    /// Distinct peers kept of one endpoint, the first ones; above it "at least" is said. Verdicts know the
    /// connections of a client by them, and whether these come steadily: beyond this number they know of
    /// none, and do not say so, for more memory would not let them know more.
    pub endpoint_peers_max: usize,
    /// Pairs of a watched socket and a peer, and of a host and a watched socket, over all endpoints. When
    /// there are more, a verdict that asks for them says that it may not have known all
    /// ([`crate::event::Visibility::context_cut`]), and so for the next three.
    pub peers_max: usize,
    /// Pairs of an in-range UDP socket and its peer whose conversations are known to each other's
    /// verdicts.
    pub talks_max: usize,
    /// Pairs of hosts with companion sessions (ICA, CGP, H.225, SIP).
    pub companion_pairs_max: usize,
    /// Companion sessions kept of one pair of hosts.
    pub companion_sessions_max: usize,
    /// VLAN tags, tunnels and IP headers that are opened in one frame. Real traffic needs about six.
    pub layers_max: usize,
    /// IP packets whose fragments are held at one time. Above it the oldest is given up.
    pub fragments_datagrams_max: usize,
    /// Bytes held in fragments, what holding them costs included: four packets of the largest size
    /// for each of sixteen hosts.
    pub fragments_bytes_max: usize,
    /// Fragments that a piece of a capture keeps for when the pieces are put together.
    pub piece_fragments_max: usize,
    /// In-order bytes kept of each direction of a TCP flow: a TLS ClientHello with a hybrid key
    /// share takes about 1,800.
    pub head_stream_bytes_max: usize,
    /// TCP segments kept of one direction that came before the one they follow.
    pub head_pending_segments_max: usize,
    /// Bytes in such segments.
    pub head_pending_bytes_max: usize,
    /// Bytes kept of the first datagram of a direction.
    pub head_first_datagram_bytes_max: usize,
    /// Bytes kept of every later one. The newest is shown whole to the detectors.
    pub head_datagram_bytes_max: usize,
    /// Datagrams kept whole of one direction, while a message in them goes on in a later one: a QUIC
    /// ClientHello with a hybrid key share takes two.
    pub head_whole_datagrams_max: u8,
    /// Bytes of a datagram that is kept whole; a larger one is not: what Ethernet carries.
    pub head_whole_datagram_bytes_max: usize,
    /// Packets with payload that a flow may offer to the detectors, each direction: after these its
    /// head is closed, whatever came of it.
    pub head_packets_max: u16,
    /// Bytes of payload that are offered to the detectors, each direction.
    pub head_offered_bytes_max: u32,
    /// Protocols followed inside one another (STARTTLS, CONNECT).
    pub chain_max: usize,
    /// Message sizes kept for the verdict on an unidentified flow.
    pub message_sizes_max: usize,
    /// Kinds of anomaly counted separately.
    pub anomaly_kinds_max: usize,
    /// Numbers of EtherTypes, IP protocols and ports that are not opened, counted separately: more than a
    /// network has, and fewer than anybody would read.
    pub unopened_kinds_max: usize,
    /// Packets of a flow before one of which it may be a copy (a SPAN of two ports shows each frame
    /// twice in a row).
    pub duplicate_window_packets: usize,
}

/// Percent of one core that looking for the processes behind live flows may take. What captures must
/// not be disturbed; a question costs some microseconds, and the first look at some thousand processes
/// a tenth of a second.
pub const PROCESS_LOOKUP_CPU_PERCENT: u32 = 2;

/// IPv6 extension headers followed in one packet; RFC 8200 section 4.1 names eight places. A constant,
/// because reading a header takes no settings.
pub const EXTENSION_HEADERS_MAX: usize = 10;

/// Bytes of memory that a flow of few packets is taken to need: its record, its place in the table,
/// and what it leaves behind, its event above all. An estimate, which `tests/flood.rs` checks as a whole;
/// flows whose heads are full take more.
const FLOW_BYTES: usize = 1_450;

/// Flows beyond which a table is never asked to go, whatever the memory.
const FLOWS_MAX: usize = 1 << 22;

/// Bytes of memory that an endpoint of one flow takes: its place among the services, its pairs with a
/// peer, a conversation, and its sums. Measured by `benches/flows.rs`.
const ENDPOINT_BYTES: usize = 800;

impl Limits {
    /// Limits under which a flood of single packets costs about `bytes` bytes at most, and never less
    /// than lets a thousand flows run. The capture's ring is not counted.
    ///
    /// Half is for flows, three tenths for what is kept of endpoints and hosts; the rest is for events and
    /// output buffers, and for what the allocator takes. More memory makes room for more of everything.
    #[must_use]
    pub fn within(bytes: usize) -> Self {
        let standard = Self::default();
        let flows_bytes = bytes / 2;
        let endpoints_max = (bytes / 10 * 3 / ENDPOINT_BYTES).max(100);
        Self {
            flows_max: (flows_bytes / FLOW_BYTES).clamp(1_000, FLOWS_MAX),
            flows_bytes_max: flows_bytes.max(1_000 * FLOW_BYTES),
            fragments_datagrams_max: standard.fragments_datagrams_max.max(bytes >> 16),
            fragments_bytes_max: standard.fragments_bytes_max.max(bytes >> 6),
            endpoints_max,
            other_endpoints_max: endpoints_max / 4,
            peers_max: endpoints_max / 4 * 5,
            talks_max: endpoints_max,
            companion_pairs_max: (bytes / 16 / 10_000).max(64),
            ..standard
        }
    }

    /// Limits for a piece of a capture: what will be first in the whole it cannot know, so it keeps all
    /// that it has of hosts and endpoints, as it does of flows. Companion sessions are searched one by
    /// one, so that of one pair of hosts they stay bounded.
    #[must_use]
    pub fn of_a_piece(&self) -> Self {
        Self {
            endpoints_max: usize::MAX,
            peers_max: usize::MAX,
            talks_max: usize::MAX,
            companion_pairs_max: usize::MAX,
            companion_sessions_max: self.companion_sessions_max.max(4096),
            anomaly_kinds_max: usize::MAX,
            unopened_kinds_max: usize::MAX,
            ..self.clone()
        }
    }
}

/// Conversations of one host that a verdict looks at, for siblings and for whose a companion session is:
/// a busy server has some dozens at one time. In a flood there are thousands, and every packet of it is
/// judged. A verdict that would look at more says so. A constant, because the ledgers are asked without
/// settings.
pub const TALKS_LOOKED_AT_MAX: usize = 256;

/// A Citrix session between other hosts speaks for a site that uses Citrix, if it was going on at most so
/// long before a flow: a working day's length, so that a morning's sessions count for the afternoon, and
/// those of another day, month or site do not. Of each hour the first packet counts, so that a session
/// may have been over for up to an hour less.
pub const CITRIX_ELSEWHERE_MAX: Duration = Duration::from_secs(8 * 3600);

/// Hours with Citrix sessions that are remembered, the latest: half a year of them.
pub const CITRIX_HOURS_MAX: usize = 4096;

/// UDP datagrams kept of each direction: enough for a counter to be seen counting. A constant,
/// because views hold them in place.
pub const HEAD_DATAGRAMS_MAX: usize = 8;

/// Bytes of frames that wait before `-w` writes them, for it is not known yet whether they are parts
/// of a packet in range: twice what all their fragments may take. A constant of the edge that writes.
pub const WAITING_BYTES_MAX: usize = 8 << 20;

/// Bytes that a compressed capture may unpack to, for each byte of it, unless `--unpack-max` says how
/// many: captures of like packets come to a hundred, what is made to be large to 30,000. So what is small
/// to send costs no more to read than what is a thousand times as large.
pub const UNPACK_TIMES_MAX: u64 = 1000;

/// The same for small ones, whatever they take: 256 MiB, which is a second or two.
pub const UNPACK_BYTES_MIN: u64 = 256 << 20;

/// Bytes that flows and endpoints may take where nothing else is asked: room for 100,000 endpoints.
pub const MEMORY_BYTES: u64 = 256 << 20;

/// The same for a bundle and for whoever verifies one, so that both come to the same verdicts where there is
/// no room for all flows. With it `verify` as a whole takes at most 256 MiB, whatever a stranger packed.
pub const BUNDLE_MEMORY_BYTES: u64 = 192 << 20;

/// Bytes of the text that a fingerprint is made of (JA3, HASSH): programs need up to about 900, and
/// strangers could fill a head. A longer one is told by its hash alone.
pub const FINGERPRINT_TEXT_BYTES_MAX: usize = 2048;

/// Words in a list that is told of a flow (ALPN, a DNS answer's addresses): more are in nothing that a
/// person reads.
pub const TOLD_WORDS_MAX: usize = 16;

impl Default for Limits {
    fn default() -> Self {
        Self {
            flows_max: 1 << 17,
            flows_bytes_max: 1 << 29,
            endpoints_max: 1 << 17,
            other_endpoints_max: 1 << 15,
            endpoint_peers_max: 64,
            peers_max: 1 << 18,
            talks_max: 1 << 17,
            companion_pairs_max: 1 << 12,
            companion_sessions_max: 64,
            layers_max: 16,
            fragments_datagrams_max: 1 << 12,
            fragments_bytes_max: 4 << 20,
            piece_fragments_max: 1 << 16,
            head_stream_bytes_max: 4096,
            head_pending_segments_max: 16,
            head_pending_bytes_max: 8192,
            head_first_datagram_bytes_max: 256,
            head_datagram_bytes_max: 64,
            head_whole_datagrams_max: 3,
            head_whole_datagram_bytes_max: 1472,
            head_packets_max: 48,
            head_offered_bytes_max: 32 * 1024,
            chain_max: 4,
            message_sizes_max: 16,
            anomaly_kinds_max: 256,
            unopened_kinds_max: 64,
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
    /// A connection that nobody answered yet may be asked for again within this span, with another sequence
    /// number or from its other end, and is the same (Zeek's `tcp_attempt_delay`): later it is a new one.
    pub tcp_opening: Duration,
    /// Fragments are held for so long (RFC 791 section 3.2 says 15 seconds at first, RFC 8200
    /// section 4.5 sixty, Linux and Windows wait for 30 and 60).
    pub fragments: Duration,
    /// A copy of a packet comes within this span: below any host's time to send again, above what a
    /// switch or a second capture takes.
    pub duplicate: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            udp: Duration::from_secs(120),
            tcp: Duration::from_secs(600),
            tcp_closed: Duration::from_secs(10),
            tcp_opening: Duration::from_secs(5),
            fragments: Duration::from_secs(30),
            duplicate: Duration::from_millis(5),
        }
    }
}
/// What a bundle may hold, so that a small one cannot fill a machine or keep it busy, and what is done
/// to make one. Files that are kept in memory are short; the others are read as they are unpacked.
#[derive(Clone, Copy, Debug)]
pub struct BundleLimits {
    /// Bytes that all files may unpack to together: `--limit`.
    pub unpacked_bytes_max: u64,
    /// Bytes of the list of hashes and of the settings each: some hundred.
    pub small_bytes_max: u64,
    /// Bytes of the report: see [`ReportLimits`].
    pub report_bytes_max: u64,
    /// Bytes of verdicts for each byte of packets: the shortest flow is a packet of 28 bytes in a
    /// block of 32, and has a verdict of some 350.
    pub verdicts_bytes_of_evidence_max: u64,
    /// The same of EVE: a flow and its endpoint take some 3,000 bytes.
    pub eve_bytes_of_evidence_max: u64,
    /// Verdicts, at 32 bytes of memory each.
    pub verdicts_max: u64,
    /// Bytes of one verdict; with all its words it has some 500.
    pub verdict_bytes_max: u64,
    /// Bytes of one line of EVE, where the longest words of a TLS handshake take some ten thousand.
    pub eve_line_bytes_max: u64,
    /// Services, versions and gateways that settings may name each: every verdict looks through them.
    pub settings_list_max: usize,
    /// Bytes kept of a packet of a session beside the flows: its headers, in tunnels too.
    pub companion_bytes_max: usize,
    /// Bytes of payload of running flows that are held to find out what may be shared of them. Flows
    /// beyond go without payload.
    pub share_held_bytes_max: usize,
    /// Trials of one search for what may be shared of a flow: a TLS handshake takes about 2,000. Of one
    /// flow there are up to six searches.
    pub share_trials_of_search_max: u64,
    /// The same of all flows together; some 20 to 100 microseconds each. Flows that speak as others
    /// before them take one or two.
    pub share_trials_max: u64,
}

impl Default for BundleLimits {
    fn default() -> Self {
        Self {
            unpacked_bytes_max: 4 << 30,
            small_bytes_max: 1 << 20,
            report_bytes_max: 16 << 20,
            verdicts_bytes_of_evidence_max: 32,
            eve_bytes_of_evidence_max: 256,
            verdicts_max: 1 << 20,
            verdict_bytes_max: 64 << 10,
            eve_line_bytes_max: 256 << 10,
            settings_list_max: 4096,
            companion_bytes_max: 256,
            share_held_bytes_max: 256 << 20,
            share_trials_of_search_max: 12_000,
            share_trials_max: 10_000_000,
        }
    }
}

/// How much a report holds. It is to be read by a person and sent by mail: under 2 MiB whatever the
/// capture.
#[derive(Clone, Copy, Debug)]
pub struct ReportLimits {
    /// Kinds of flows (label, status, protocol, service) that are told apart; a scan over all ports of
    /// a network would bring as many as it likes.
    pub kinds_max: usize,
    /// Verdict cards: more are not read. The kinds of flows beyond get a line each, then are counted.
    pub cards_max: usize,
    /// Lines for kinds of flows that have no card.
    pub kinds_listed_max: usize,
    /// Services that have a card each though their flows are alike; where there are more, they share one.
    pub cards_apart_max: usize,
    /// Services named in a card that they share.
    pub services_of_card_max: usize,
    /// Services that need attention named at the top: a screen or two.
    pub attention_max: usize,
    /// Cards with plots, which are most of the report's bytes (some 40 kB each).
    pub plotted_max: usize,
    /// Endpoints of one label in the table.
    pub endpoints_of_label_max: usize,
    /// Endpoints of one host and label in the table: every user of Framehawk has a port.
    pub endpoints_of_host_max: usize,
    /// Endpoints kept to choose these from.
    pub endpoints_kept_max: usize,
    /// Pairs of client and service that are told apart.
    pub pairs_kept_max: usize,
    /// Pairs in the table.
    pub pairs_max: usize,
    /// Flows whose packets are noted while they run, at some 6 kB each.
    pub traces_max: usize,
    /// Packets noted of one flow; with more, every second one is dropped, again and again.
    pub trace_points_max: usize,
    /// Spans of equal length that a flow's time, or the capture's, is cut into at most.
    pub buckets_max: usize,
    /// Notices and anomalies told.
    pub notices_max: usize,
}

impl Default for ReportLimits {
    fn default() -> Self {
        Self {
            kinds_max: 4096,
            cards_max: 40,
            kinds_listed_max: 100,
            cards_apart_max: 8,
            services_of_card_max: 40,
            attention_max: 20,
            plotted_max: 6,
            endpoints_of_label_max: 12,
            endpoints_of_host_max: 3,
            endpoints_kept_max: 4096,
            pairs_kept_max: 16_384,
            pairs_max: 30,
            traces_max: 10_000,
            trace_points_max: 256,
            buckets_max: 120,
            notices_max: 30,
        }
    }
}
