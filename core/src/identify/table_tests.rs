//! What holds for every row of the table of detectors.

use crate::identify::testing::{Random, Talk, written};
use crate::identify::{DETECTORS, Detector, Over, Strength, index_of};
use crate::net::Transport;

#[test]
fn ids_are_unique_sorted_and_lower_case() {
    for pair in DETECTORS.windows(2) {
        assert!(pair[0].id < pair[1].id, "{} before {}", pair[0].id, pair[1].id);
    }
    for row in DETECTORS.iter() {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        assert!(!row.id.is_empty() && row.id.bytes().all(plain), "{}", row.id);
    }
}

#[test]
fn rows_say_what_they_rest_on() {
    for row in DETECTORS.iter() {
        for text in [row.title, row.reference, row.rests_on, row.blind_spots] {
            assert!(text.len() > 2 && text.trim() == text, "{}: {text:?}", row.id);
        }
        assert!(row.rests_on.ends_with('.') && row.blind_spots.ends_with('.'), "{}", row.id);
    }
}

/// The budget: how many of random flows will be named, at the most.
#[test]
fn random_flows_are_hardly_ever_named() {
    let sum: f64 = DETECTORS.iter().map(|row| (-f64::from(row.bits)).exp2()).sum();
    println!("sum of 2^-bits over {} detectors: {sum:.3e}", DETECTORS.len());
    assert!(sum < 1e-4, "{sum}");
}

#[test]
fn no_detector_names_random_bytes() {
    let mut random = Random::new(3243);
    let mut named = Vec::new();
    for nth in 0..20_000 {
        let over = if nth % 2 == 0 { Over::Udp } else { Over::Tcp };
        let mut talk = if over == Over::Udp { Talk::udp() } else { Talk::tcp() };
        if random.coin() {
            talk = talk.midway();
        }
        for _ in 0..random.between(1, 8) {
            let longest = if random.coin() { 1400 } else { 40 };
            let len = random.between(1, longest);
            let bytes = random.bytes(len);
            talk = if random.coin() { talk.a(bytes) } else { talk.b(bytes) };
        }
        for row in DETECTORS.iter() {
            if row.asks.over == over || row.asks.over == Over::Both {
                named.extend(talk.matched_by(row).map(|found| (nth, found.fact)));
            }
        }
    }
    println!("random views named: {} of 20000", named.len());
    assert!(named.is_empty(), "{named:?}");
}

/// Streams in which, by the protocol's own rules or for want of a public one, any bytes may stand behind
/// what is recognised, so that random ones there do not speak against it.
const ANYTHING_FOLLOWS: &[(&str, &str)] = &[
    ("cgp", "What follows the magic is in no public specification."),
    ("http", "The body of an answer without a length runs to the connection's end."),
    ("ica", "What follows the greeting is in no public specification."),
    ("nano", "The header has no length; that is its type's."),
    ("nomachine", "What follows the greeting is in no public specification."),
    ("rfb", "VNC's authentication is random bytes behind the type that was chosen."),
    ("rsh", "The command's input and output are its own."),
    ("rtmp", "The handshake is 1528 random bytes of each side."),
    ("socks", "What is connected to may speak at once, and in anything."),
    ("tinc", "Ciphertext follows the ids."),
];

/// Datagrams in which nothing says how long they are: what is sent stands up to their end.
const UP_TO_THE_DATAGRAMS_END: &[&str] = &[
    "ableton-link",
    "artnet",
    "bittorrent-dht",
    "can",
    "capwap",
    "citrix-edt",
    "collectd",
    "cpha",
    "crestron",
    "dcerpc",
    "dhcp",
    "dnp3",
    "dnscrypt",
    "dropbox-lansync",
    "egd",
    "enet",
    "enpc",
    "esp-udp",
    "ethersio",
    "fins",
    "ganglia",
    "gelf",
    "geneve",
    "giop",
    "glbp",
    "gnutella",
    "hicp",
    "ica-browser",
    "ieee-c37118",
    "ldap",
    "lisp",
    "llmnr",
    "mdns",
    "megaco",
    "memcached",
    "mndp",
    "nano",
    "nat-pmp",
    "netbios-dgm",
    "netbios-ns",
    "netcode",
    "nfs",
    "nintendo",
    "ntp",
    "openvpn",
    "osc",
    "ptp",
    "quake",
    "quic",
    "raknet",
    "rdp-udp",
    "rmcp",
    "rtcp",
    "rtp",
    "rtps",
    "rx",
    "sacn",
    "sap-announcement",
    "sflow",
    "sip",
    "source-engine",
    "spotify-connect",
    "srt",
    "ssdp",
    "statsd",
    "steam",
    "sunrpc",
    "syncthing",
    "tailscale",
    "teamspeak",
    "telegram-voip",
    "tftp",
    "thrift",
    "trdp",
    "udt",
    "utp",
    "vban",
    "vxlan",
    "wireguard",
    "ws-discovery",
    "zerotier",
    "zoom",
    "zrtp",
];

/// Whether random bytes behind what was recognised are as good as any.
pub(super) fn anything_follows(detector: &Detector, transport: Transport) -> bool {
    match transport {
        Transport::Tcp => ANYTHING_FOLLOWS.iter().any(|(id, _)| *id == detector.id),
        Transport::Udp => UP_TO_THE_DATAGRAMS_END.contains(&detector.id),
    }
}

#[test]
fn what_anything_follows_is_known_and_few() {
    let streams = ANYTHING_FOLLOWS.iter().map(|(id, why)| {
        assert!(why.ends_with('.') && why.len() > 20, "{id}: {why}");
        (*id, Transport::Tcp)
    });
    let datagrams = UP_TO_THE_DATAGRAMS_END.iter().map(|id| (*id, Transport::Udp));
    for (id, transport) in streams.chain(datagrams) {
        let row = index_of(id).and_then(|at| DETECTORS.get(at)).expect("a detector's id");
        assert!(row.over().has(transport), "{id}");
    }
    assert!(ANYTHING_FOLLOWS.len() <= 10, "{}", ANYTHING_FOLLOWS.len());
}

/// A detector, a transport, what a client says, and the shortest of what a server says to it.
struct Answer {
    row: &'static Detector,
    transport: Transport,
    asked: &'static str,
    answered: &'static str,
}

fn answers() -> Vec<Answer> {
    let mut answers = Vec::new();
    let (mut head, mut asked) = (None, "");
    let lines = include_str!("answers.txt").lines();
    for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match (line.split_at_checked(2), head) {
            (Some(("> ", message)), _) => asked = message,
            (Some(("< ", answered)), Some((row, transport))) => {
                answers.push(Answer { row, transport, asked, answered });
            }
            (_, _) => {
                let (id, over) = line.split_once(' ').expect("an id and a transport");
                let row = DETECTORS[index_of(id).expect("a detector's id")];
                let transport = if over == "tcp" { Transport::Tcp } else { Transport::Udp };
                head = Some((row, transport));
            }
        }
    }
    answers
}

/// "Attempted" is to mean that the server said nothing that fits.
#[test]
fn the_shortest_answers_are_heard() {
    let mut unheard = Vec::new();
    for Answer { row, transport, asked, answered } in answers() {
        let talk = if transport == Transport::Tcp { Talk::tcp() } else { Talk::udp() };
        let found = talk.a(written(asked)).b(written(answered)).matched_by(row);
        if found.is_none_or(|found| {
            found.spoken_by != [true; 2] || found.strength < Strength::BothSides
        }) {
            unheard.push((row.id, answered));
        }
    }
    assert!(unheard.is_empty(), "{unheard:#?}");
}
