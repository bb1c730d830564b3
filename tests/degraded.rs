//! Captures with parts missing: what is left must not be named wrongly.
//!
//! Every fixture is classified whole, then with either direction removed, with its first packets
//! removed, cut to 96 bytes a packet, and with some packets twice. What a flow is called then must
//! be among what it is called whole, or as true; and no service becomes a client. With `PORTSTORY_CORPUS=DIR` the captures of a folder
//! are degraded instead.

mod support;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use portstory_core::config::Limits;
use portstory_core::event::RoleBasis;
use portstory_core::internal::decode::{Decoded, decode};
use portstory_core::{Body, Config, Event, FlowEvent, LinkType, Socket, Status};
use portstory_testkit::packets;
use support::OwnedFrame;

/// A flow, whichever end is taken for the client.
type Ends = BTreeSet<String>;

/// What each flow is called. One that idled out and came back may have several names.
type Names = BTreeMap<Ends, BTreeSet<Cow<'static, str>>>;

/// A way to make a capture worse.
struct Degradation {
    what: &'static str,
    degrade: fn(Vec<OwnedFrame>) -> Vec<OwnedFrame>,
}

const DEGRADATIONS: [Degradation; 7] = [
    Degradation { what: "nothing from the lower address", degrade: |frames| one_way(frames, true) },
    Degradation {
        what: "nothing from the higher address",
        degrade: |frames| one_way(frames, false),
    },
    Degradation { what: "without the first packet", degrade: |frames| without_first(frames, 1) },
    Degradation { what: "without the first 5 packets", degrade: |frames| without_first(frames, 5) },
    Degradation {
        what: "without the first 50 packets",
        degrade: |frames| without_first(frames, 50),
    },
    Degradation { what: "cut to 96 bytes a packet", degrade: cut },
    Degradation { what: "every tenth packet twice", degrade: doubled },
];

/// What a flow is called whole, and what else is true of it where less is seen.
const TRUE_AS_WELL: [(&str, &str); 10] = [
    // RFC 6455 section 4.1: the handshake is an HTTP request.
    ("websocket", "http"),
    // Its messages are JSON-RPC's.
    ("stratum", "json-rpc"),
    // RFC 1813 section 1: a program of ONC RPC.
    ("nfs", "sunrpc"),
    // These share ports: RFC 5761, RFC 9443, RFC 8656 section 12, BEP 5 and 29.
    ("rtp", "rtcp"),
    ("rtcp", "rtp"),
    ("quic", "rtp"),
    ("stun", "turn"),
    ("utp", "bittorrent-dht"),
    ("discord", "rtp"),
    ("discord", "rtcp"),
];

/// Bytes that a packet is cut to: an old default of tcpdump over IPv6.
const SNAP: usize = 96;

#[test]
fn what_is_left_of_a_capture_is_not_named_wrongly() {
    let corpus = support::corpus();
    let is_of_fixtures = corpus.is_empty();
    let cases = if is_of_fixtures { support::cases() } else { corpus };
    let mut still = [0_usize; DEGRADATIONS.len()];
    let mut left = [0_usize; DEGRADATIONS.len()];
    let mut whole_count = 0;
    let mut wrong = Vec::new();
    for case in &cases {
        let frames = support::frames(&case.captures);
        let whole = names(&frames);
        whole_count += whole.values().filter(|names| !names.is_empty()).count();
        for ((degradation, still), left) in DEGRADATIONS.iter().zip(&mut still).zip(&mut left) {
            for (ends, now) in names(&(degradation.degrade)(frames.clone())) {
                let Some(then) =
                    whole.get(&ends).filter(|then| !then.is_empty() || !now.is_empty())
                else {
                    continue;
                };
                *left += 1;
                *still += usize::from(!now.is_empty());
                let known = |name: &Cow<'_, str>| {
                    then.contains(&**name)
                        || then.iter().any(|then| TRUE_AS_WELL.contains(&(then, name)))
                };
                if !now.iter().all(known) {
                    wrong.push(format!(
                        "{}, {}: {now:?}, not {then:?}",
                        case.name, degradation.what
                    ));
                }
            }
        }
    }
    println!("{whole_count} flows are named whole");
    if is_of_fixtures {
        support::counts::hold("flows named whole", whole_count);
    }
    for ((degradation, still), left) in DEGRADATIONS.iter().zip(still).zip(left) {
        println!("{still:5} of {left:5} still named {}", degradation.what);
    }
    assert!(wrong.is_empty(), "{} wrong: {wrong:#?}", wrong.len());
}

/// A scanner's probe is not the service's identity: each capture up to where the server says something.
#[test]
fn what_only_the_client_spoke_is_attempted() {
    let mut attempted = 0;
    let mut wrong = Vec::new();
    for case in support::cases() {
        let frames = support::frames(&case.captures);
        let whole = flows(&frames);
        for whole in whole.iter().filter(|flow| flow.verdict.status == Status::Identified) {
            let asked: Vec<_> =
                frames.iter().take_while(|frame| !speaks(frame, whole.server)).cloned().collect();
            for flow in flows(&asked).iter().filter(|flow| ends(flow) == ends(whole)) {
                // What either end may say, such as RTP, does not tell over UDP who asks.
                let roles = flow.verdict.visibility.handshake || flow.roles == RoleBasis::Protocol;
                let named = roles && !flow.verdict.protocols.is_empty();
                attempted += usize::from(named && flow.verdict.status == Status::Attempted);
                if named && flow.verdict.status != Status::Attempted {
                    wrong.push(format!("{}: {:?}", case.name, flow.verdict));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    support::counts::hold("flows attempted where only the client spoke", attempted);
}

/// A capture that starts in the middle shows either side first, and long after its own start: that makes no
/// client of a service.
#[test]
fn who_is_seen_first_makes_no_port_a_clients() {
    let corpus = support::corpus();
    let cases = if corpus.is_empty() { support::cases() } else { corpus };
    let mut judged = 0;
    let mut wrong = Vec::new();
    for case in &cases {
        let frames = support::frames(&case.captures);
        let Some(first) = frames.first() else { continue };
        let unrelated = OwnedFrame {
            link: LinkType(1),
            bytes: packets::udp(([192, 0, 2, 1], 7), ([192, 0, 2, 2], 9), b"unrelated"),
            ..first.clone()
        };
        let clients = |frames: &[OwnedFrame]| -> BTreeMap<Ends, FlowEvent> {
            let mut clients = flows(frames);
            clients.retain(|flow| flow.verdict.status == Status::ClientPort);
            clients.into_iter().map(|flow| (ends(&flow), flow)).collect()
        };
        let whole = clients(&frames);
        for count in [1, 2, 3, 5, 10] {
            let mut cut = without_first(frames.clone(), count);
            for frame in &mut cut {
                frame.at.time = frame.at.time.plus(Duration::from_secs(60));
            }
            cut.insert(0, unrelated.clone());
            judged += flows(&cut).len();
            for (ends, flow) in clients(&cut) {
                // Of two ends that open a connection at once, what is left may show one alone.
                if !whole.contains_key(&ends) && !flow.verdict.visibility.handshake {
                    wrong.push(format!("{}, without the first {count}: {ends:?}", case.name));
                }
            }
        }
    }
    println!("{judged} flows judged of {} captures", cases.len());
    assert!(judged > cases.len(), "{judged} of {}", cases.len());
    assert!(wrong.is_empty(), "{} wrong: {wrong:#?}", wrong.len());
}

/// Whether a frame has payload from there.
fn speaks(frame: &OwnedFrame, sender: Socket) -> bool {
    let mut speaks = false;
    decode(&frame.frame(), &Limits::default(), &mut |decoded| {
        let payload = match decoded {
            Decoded::Packet(packet) if packet.src != sender => 0,
            Decoded::Packet(packet) => match packet.body {
                Body::Tcp(_, payload) | Body::Udp(_, payload) => payload.wire_len,
                Body::Icmp(_) => 0,
            },
            // Whose it is only its first piece tells.
            Decoded::Fragment(_) => 1,
            Decoded::Anomaly(..) => 0,
        };
        speaks |= payload > 0;
    });
    speaks
}

fn flows(frames: &[OwnedFrame]) -> Vec<FlowEvent> {
    let one = |event| match event {
        Event::Flow(flow) => Some(*flow),
        Event::Verdict(_) | Event::Endpoint(_) | Event::Anomaly(_) => None,
    };
    support::classify(frames, &Config::default()).into_iter().filter_map(one).collect()
}

fn names(frames: &[OwnedFrame]) -> Names {
    let mut names = Names::new();
    for flow in flows(frames) {
        // What a client tried is right of what it said alone.
        let tried = flow.verdict.tried.map(Cow::Borrowed);
        names
            .entry(ends(&flow))
            .or_default()
            .extend(flow.verdict.protocols.into_iter().chain(tried));
    }
    names
}

fn ends(flow: &FlowEvent) -> Ends {
    [format!("{:?}", flow.client), format!("{:?}", flow.server)].into()
}

/// Only what one of the two ends sent. Frames that hold no packet of TCP or UDP stay.
fn one_way(mut frames: Vec<OwnedFrame>, drop_lower: bool) -> Vec<OwnedFrame> {
    frames.retain(|owned| {
        let mut stays = true;
        decode(&owned.frame(), &Limits::default(), &mut |decoded| {
            if let Decoded::Packet(packet) = decoded {
                stays &= (packet.src < packet.dst) != drop_lower;
            }
        });
        stays
    });
    frames
}

fn without_first(frames: Vec<OwnedFrame>, count: usize) -> Vec<OwnedFrame> {
    frames.into_iter().skip(count).collect()
}

fn cut(mut frames: Vec<OwnedFrame>) -> Vec<OwnedFrame> {
    for frame in &mut frames {
        frame.bytes.truncate(SNAP);
    }
    frames
}

fn doubled(frames: Vec<OwnedFrame>) -> Vec<OwnedFrame> {
    let times = |at: usize| if at % 10 == 3 { 2 } else { 1 };
    frames
        .into_iter()
        .enumerate()
        .flat_map(|(at, frame)| std::iter::repeat_n(frame, times(at)))
        .collect()
}
