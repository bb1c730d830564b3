//! The facts about one flow.
//!
//! A record is a fold over the flow's packets in order of capture, and a fold that can be cut: two
//! records of consecutive pieces make the record of the whole ([`FlowRecord::absorb`], invariant 8).
//! What depends on what came before (copies, the head) is therefore redone at the seam from what
//! [`crate::flow::partial`] keeps; everything else is a sum, an extreme or a first.

use std::time::Duration;

use crate::config::Config;
use crate::decode::packet::{Body, IcmpError, Path, Payload, TcpInfo, Unreachable};
use crate::flow::packet::FlowPacket;
use crate::flow::program::{self, Program};
use crate::frame::FrameRef;
use crate::identify::Detail;
use crate::identify::identifier::{Identifier, Recognised};
use crate::identify::stream_head::{Head, Offer};
use crate::net::{Side, Transport};
use crate::time::Timestamp;
use crate::wire;

/// Payload lengths are counted in these classes: small enough for input and acknowledgements, large
/// enough for a picture's piece, and what is between (facts on display remoting).
pub const SMALL_PAYLOAD_BYTES_MAX: usize = 199;
/// See [`SMALL_PAYLOAD_BYTES_MAX`].
pub const LARGE_PAYLOAD_BYTES_MIN: usize = 1000;

/// Bytes of each offered payload that are counted for how random they look.
const SAMPLE_BYTES_MAX: usize = 64;

/// What one side did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SideFacts {
    /// Packets sent, copies not counted.
    pub packets: u64,
    /// Their bytes on the wire.
    pub bytes: u64,
    /// Bytes of payload.
    pub payload_bytes: u64,
    /// Packets with payload.
    pub payload_packets: u64,
    /// Of these, the small ones.
    pub payload_small: u64,
    /// And the large ones.
    pub payload_large: u64,
    /// The first packet with payload, if there is any.
    first_payload: FrameRef,
    /// Seconds of the clock in which it sent payload.
    pub seconds: Seconds,
    /// How random the head's payload looks.
    pub sample: Sample,
    /// What a side of UDP hardly ever shows.
    marks: Option<Box<Marks>>,
}

/// What a side showed of TCP's control bits and sequence numbers, and of rare things. Kept apart, so
/// that a flood of UDP does not pay for it.
#[derive(Clone, Debug, Default, PartialEq)]
struct Marks {
    opened: Option<(FrameRef, u32)>,
    accepted: Option<FrameRef>,
    finished: Option<FrameRef>,
    reset: Option<FrameRef>,
    cut: Option<FrameRef>,
    program: Option<(FrameRef, Program)>,
    span: Option<Span>,
}

/// Seconds of the clock in which something happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seconds {
    /// How many.
    pub count: u32,
    /// The first and the last of them, if there is any.
    range: (i64, i64),
    /// The longest run of seconds between two of them.
    pub longest_pause: u32,
    /// Bytes of payload in the first and in the last of them, which a piece may share with another.
    ends_bytes: [u64; 2],
    /// The sum over them of the square of their bytes: how unevenly they are filled.
    squares: u128,
}

impl Seconds {
    fn add(&mut self, time: Timestamp, bytes: u64) {
        let second = time.seconds();
        self.absorb(Self {
            count: 1,
            range: (second, second),
            longest_pause: 0,
            ends_bytes: [bytes; 2],
            squares: u128::from(bytes).saturating_mul(u128::from(bytes)),
        });
    }

    fn absorb(&mut self, later: Self) {
        if self.count == 0 || later.count == 0 {
            if self.count == 0 {
                *self = later;
            }
            return;
        }
        let ((from, to), (later_from, later_to)) = (self.range, later.range);
        let shared = u32::from(later_from <= to);
        self.squares = self.squares.saturating_add(later.squares);
        let ([first, last], [later_first, later_last]) = (self.ends_bytes, later.ends_bytes);
        self.ends_bytes = [first, later_last];
        if shared == 1 {
            // (a + b)^2 is a^2 + b^2, which are counted, and 2ab.
            let both = u128::from(last).saturating_mul(u128::from(later_first));
            self.squares = self.squares.saturating_add(both.saturating_mul(2));
            let joined = last.saturating_add(later_first);
            let [first, last] = &mut self.ends_bytes;
            if self.count == 1 {
                *first = joined;
            }
            if later.count == 1 {
                *last = joined;
            }
        }
        let pause = u32::try_from(later_from.saturating_sub(to)).unwrap_or_default();
        self.count = self.count.saturating_add(later.count).saturating_sub(shared);
        self.longest_pause = self.longest_pause.max(later.longest_pause).max(pause);
        self.range = (from.min(later_from), to.max(later_to));
    }

    /// How unevenly `bytes` bytes are spread over `seconds`: the square of the deviation from their
    /// mean, in hundredths of the mean's square; 0 is perfectly even.
    pub fn unevenness(&self, bytes: u64, seconds: u64) -> u64 {
        let mean_squared = u128::from(bytes).saturating_mul(u128::from(bytes));
        let ratio = self
            .squares
            .saturating_mul(u128::from(seconds))
            .saturating_mul(100)
            .checked_div(mean_squared)
            .unwrap_or_default();
        u64::try_from(ratio.saturating_sub(100)).unwrap_or(u64::MAX)
    }
}

/// The sequence numbers that one side's payload covers, relative to its first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    first: u32,
    low: i64,
    high: i64,
    /// Bytes of payload seen, repeated ones too.
    seen: u64,
}

impl Span {
    fn of(seq: u32, len: usize) -> Self {
        let high = i64::from(wire::len32(len));
        Self { first: seq, low: 0, high, seen: high.unsigned_abs() }
    }

    fn absorb(&mut self, later: Self) {
        // Sequence numbers wrap: distances are taken to the highest one so far, which is near.
        let near = self.first.wrapping_add(low32(self.high));
        let shift =
            self.high.saturating_add(i64::from(later.first.wrapping_sub(near).cast_signed()));
        self.low = self.low.min(later.low.saturating_add(shift));
        self.high = self.high.max(later.high.saturating_add(shift));
        self.seen = self.seen.saturating_add(later.seen);
    }

    /// Bytes that must be missing from the capture; retransmissions can hide more.
    pub fn missing_at_least(&self) -> u64 {
        u64::try_from(self.high.saturating_sub(self.low))
            .unwrap_or_default()
            .saturating_sub(self.seen)
    }
}

/// The low 32 bits.
fn low32(number: i64) -> u32 {
    let [.., a, b, c, d] = number.to_be_bytes();
    u32::from_be_bytes([a, b, c, d])
}

/// Counts over the first bytes of each packet that was offered to the detectors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// Bytes counted.
    pub bytes: u32,
    /// Bits that are one.
    pub ones: u32,
    /// Bytes that are printable ASCII, tab, CR or LF.
    pub text: u32,
}

impl Sample {
    fn add(&mut self, bytes: &[u8]) {
        for byte in wire::prefix(bytes, SAMPLE_BYTES_MAX) {
            self.bytes = self.bytes.saturating_add(1);
            self.ones = self.ones.saturating_add(byte.count_ones());
            let text = matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n');
            self.text = self.text.saturating_add(u32::from(text));
        }
    }
}

/// An ICMP error about the flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The packet that said so.
    pub at: FrameRef,
    /// The side whose packet was quoted.
    pub quoted: Side,
    /// What it said.
    pub error: IcmpError,
}

/// The pace of packets with payload of both sides together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// Of the first and the last packet, if there are messages.
    first: Timestamp,
    last: Timestamp,
    /// Messages: payload after a pause of at least half a second.
    pub messages: u32,
    /// When the second message started: where a piece is added, its first may turn out to be none.
    /// Meaningless as long as there is but one.
    second: Timestamp,
    /// Pauses between the starts of messages, in microseconds: their sum and sum of squares.
    pauses: u32,
    sum_us: u64,
    squares_us: u128,
    last_message: Timestamp,
}

/// Payload after a pause at least this long starts a new message.
const MESSAGE_PAUSE: Duration = Duration::from_millis(500);

impl Pace {
    fn add(&mut self, time: Timestamp) {
        let begins = self.messages == 0;
        if begins {
            (self.first, self.last) = (time, time);
        }
        let starts = begins || time.since(self.last) >= MESSAGE_PAUSE;
        self.last = self.last.max(time);
        if starts {
            self.message_at(time);
            self.messages = self.messages.saturating_add(1);
            self.last_message = time;
        }
    }

    fn absorb(&mut self, later: Self) {
        if self.messages == 0 || later.messages == 0 {
            if self.messages == 0 {
                *self = later;
            }
            return;
        }
        let starts = later.first.since(self.last) >= MESSAGE_PAUSE;
        self.pauses = self.pauses.saturating_add(later.pauses);
        self.sum_us = self.sum_us.saturating_add(later.sum_us);
        self.squares_us = self.squares_us.saturating_add(later.squares_us);
        // What the piece took for the start of a message may go on with the one before: then the
        // second of the piece is the next.
        let has_second = later.messages > 1;
        if !starts && has_second {
            let pause = micros(later.second, later.first);
            self.pauses = self.pauses.saturating_sub(1);
            self.sum_us = self.sum_us.saturating_sub(pause);
            self.squares_us = self.squares_us.saturating_sub(u128::from(pause).pow(2));
        }
        if starts || has_second {
            self.message_at(if starts { later.first } else { later.second });
            self.last_message = later.last_message;
        }
        let dropped = u32::from(!starts);
        self.messages = self.messages.saturating_add(later.messages).saturating_sub(dropped);
        self.last = self.last.max(later.last);
    }

    /// A message starts behind those that are counted.
    fn message_at(&mut self, time: Timestamp) {
        if self.messages > 0 {
            let pause = micros(time, self.last_message);
            self.pauses = self.pauses.saturating_add(1);
            self.sum_us = self.sum_us.saturating_add(pause);
            self.squares_us = self.squares_us.saturating_add(u128::from(pause).pow(2));
        }
        if self.messages == 1 {
            self.second = time;
        }
    }

    /// The period, where messages come at a steady pace: at least five pauses that deviate by less
    /// than a tenth of their mean.
    pub fn period(&self) -> Option<Duration> {
        let pauses = u128::from(self.pauses);
        if pauses < 5 {
            return None;
        }
        let mean = u128::from(self.sum_us) / pauses;
        let variance = (self.squares_us / pauses).saturating_sub(mean.saturating_mul(mean));
        let steady = variance.saturating_mul(100) <= mean.saturating_mul(mean);
        steady.then(|| Duration::from_micros(u64::try_from(mean).unwrap_or(u64::MAX)))
    }
}

/// Microseconds from `earlier` to `later`.
fn micros(later: Timestamp, earlier: Timestamp) -> u64 {
    u64::try_from(later.since(earlier).as_micros()).unwrap_or(u64::MAX)
}

/// Everything that is kept of a flow.
#[derive(Clone, Debug)]
pub struct FlowRecord {
    /// The first packet.
    pub first: FrameRef,
    /// VLANs and tunnels of the first packet, if there are any.
    path: Option<Box<Path>>,
    /// Who sent the first packet.
    pub first_sender: Side,
    /// Time of the last packet.
    pub last: Timestamp,
    /// By [`Side::index`].
    pub sides: [SideFacts; 2],
    /// Copies of packets, which count nowhere else.
    pub duplicates: u64,
    /// The first ICMP error that says something about the other end.
    pub refusal: Option<Box<Refusal>>,
    /// The pace of the payload.
    pub pace: Pace,
    /// Payload lengths of the first packets that have any, negative where side B sent them.
    pub message_sizes: Vec<i32>,
    /// The last packets' signatures and times, to know copies by; oldest first.
    recent: Vec<(u64, Timestamp)>,
    /// What the payload speaks, as long as there is something to ask.
    pub inquiry: Box<Identifier>,
    /// The first bytes; dropped once the inquiry is settled on something.
    head: Option<Box<Head>>,
    /// Bytes that were shown to the detectors, by side.
    pub head_bytes: [u32; 2],
}

impl FlowRecord {
    /// A flow's record before its first packet `seen`, which is then to be observed.
    pub fn new(seen: &FlowPacket<'_>, config: &Config) -> Self {
        Self {
            first: seen.packet.at,
            path: (*seen.packet.path != Path::default()).then(|| Box::new(*seen.packet.path)),
            first_sender: seen.side,
            last: seen.packet.at.time,
            sides: Default::default(),
            duplicates: 0,
            refusal: None,
            pace: Pace::default(),
            message_sizes: Vec::new(),
            recent: Vec::new(),
            inquiry: Box::new(Identifier::new(seen.packet.transport, config)),
            head: Some(Box::default()),
            head_bytes: [0; 2],
        }
    }

    /// Folds in a packet.
    pub fn observe(&mut self, seen: &FlowPacket<'_>, config: &Config) {
        self.last = self.last.max(seen.packet.at.time);
        if self.is_copy(seen, config) {
            return self.note_copy(seen);
        }
        self.count(seen, config);
        self.show_to_detectors(seen, config);
    }

    /// Counts a copy.
    pub fn note_copy(&mut self, seen: &FlowPacket<'_>) {
        self.last = self.last.max(seen.packet.at.time);
        self.duplicates = self.duplicates.saturating_add(1);
    }

    /// Takes over what another record of the same packets knows of the last ones.
    pub fn take_recent(&mut self, other: Self) {
        self.recent = other.recent;
    }

    /// Whether the packet is a copy of one of the last, and remembers it.
    pub fn is_copy(&mut self, seen: &FlowPacket<'_>, config: &Config) -> bool {
        let time = seen.packet.at.time;
        let copy = self.recent.iter().any(|&(signature, at)| {
            signature == seen.signature && time.since(at) <= config.timeouts.duplicate
        });
        if self.recent.len() >= config.limits.duplicate_window_packets {
            self.recent.remove(0);
        }
        // Of many flows there is but one packet.
        self.recent.reserve_exact(usize::from(self.recent.is_empty()));
        self.recent.push((seen.signature, time));
        copy
    }

    /// Folds a packet into everything but the head. It is not a copy.
    pub fn count(&mut self, seen: &FlowPacket<'_>, config: &Config) {
        self.last = self.last.max(seen.packet.at.time);
        let facts = seen.side.of_mut(&mut self.sides);
        let payload = match seen.packet.body {
            Body::Icmp(error) => {
                if error.kind != Unreachable::Transit {
                    let refusal = Refusal { at: seen.packet.at, quoted: seen.side, error };
                    self.refusal.get_or_insert_with(|| Box::new(refusal));
                }
                return;
            }
            Body::Tcp(info, payload) => {
                facts.segment(seen.packet.at, &info, payload.wire_len);
                payload
            }
            Body::Udp(_, payload) => payload,
        };
        facts.packet(seen, &payload);
        if payload.wire_len > 0 {
            self.pace.add(seen.packet.at.time);
            if self.message_sizes.len() < config.limits.message_sizes_max {
                let len = i32::try_from(payload.wire_len).unwrap_or(i32::MAX);
                self.message_sizes.push(if seen.side == Side::A {
                    len
                } else {
                    len.saturating_neg()
                });
            }
        }
    }

    /// Offers a packet's payload to the detectors, while they ask for more.
    pub fn show_to_detectors(&mut self, seen: &FlowPacket<'_>, config: &Config) {
        let Some(head) = &mut self.head else { return };
        if self.inquiry.is_settled() {
            return;
        }
        let (transport, seq, payload) = match seen.packet.body {
            Body::Icmp(_) => return,
            Body::Udp(_, payload) => (Transport::Udp, 0, payload),
            Body::Tcp(info, payload) => {
                let syn = info.flags.syn();
                if syn {
                    head.opened(seen.side, info.seq);
                }
                if is_padding(&info, &payload) {
                    return;
                }
                (Transport::Tcp, info.seq.wrapping_add(u32::from(syn)), payload)
            }
        };
        let Payload { bytes, wire_len } = payload;
        let offer = Offer { at: seen.packet.at, side: seen.side, seq, bytes, wire_len };
        if !head.side_is_closed(seen.side) && !self.inquiry.is_proven() {
            seen.side.of_mut(&mut self.sides).sample.add(bytes);
        }
        if head.offer(transport, &offer, &config.limits) {
            self.inquiry.ask(transport, head, Some(&offer), false, config);
            if self.inquiry.wants_whole() == Some(seen.side) {
                head.keep_whole(&offer, &config.limits);
            }
            self.note_head();
        }
    }

    /// Nothing will be added: asks the detectors for their last word.
    pub fn conclude(&mut self, transport: Transport, config: &Config) {
        if let Some(head) = &self.head {
            self.inquiry.ask(transport, head, None, true, config);
            self.note_head();
        }
    }

    /// Adds what was counted of the packets that follow, but for their payload: that is to be shown
    /// to the detectors again.
    pub fn absorb(&mut self, later: Self, config: &Config) {
        self.last = self.last.max(later.last);
        for (facts, later) in self.sides.iter_mut().zip(later.sides) {
            facts.absorb(later);
        }
        self.duplicates = self.duplicates.saturating_add(later.duplicates);
        self.refusal = self.refusal.take().or(later.refusal);
        let room = config.limits.message_sizes_max.saturating_sub(self.message_sizes.len());
        self.message_sizes.extend(later.message_sizes.into_iter().take(room));
        self.pace.absorb(later.pace);
        self.recent = later.recent;
    }

    /// What was recognised, outermost first.
    pub fn recognised(&self) -> impl Iterator<Item = &Recognised> {
        self.inquiry.chain()
    }

    /// What the payload told beside the protocols' names; it is gone from here.
    pub fn take_details(&mut self) -> Vec<Detail> {
        self.inquiry.take_details()
    }

    /// VLANs and tunnels of the first packet.
    pub fn path(&self) -> Path {
        self.path.as_deref().copied().unwrap_or_default()
    }

    /// Facts about one side.
    pub const fn side(&self, side: Side) -> &SideFacts {
        side.of(&self.sides)
    }

    /// The first bytes that one side sent, if they are still held.
    pub fn first_bytes(&self, side: Side, max: usize) -> &[u8] {
        self.head.as_ref().map(|head| head.first(side, max)).unwrap_or_default()
    }

    /// Whether TCP said that it is over: a reset, or both sides finished.
    pub fn is_closed(&self) -> bool {
        self.sides.iter().any(|side| side.reset().is_some())
            || self.sides.iter().all(|side| side.finished().is_some())
    }

    /// How long this flow may be idle before it has ended.
    pub fn idle_max(&self, transport: Transport, config: &Config) -> Duration {
        match transport {
            Transport::Udp => config.timeouts.udp,
            Transport::Tcp if self.is_closed() => config.timeouts.tcp_closed,
            Transport::Tcp => config.timeouts.tcp,
        }
    }

    /// Whether a packet is of this flow, rather than the first of a new one on the same 5-tuple.
    pub fn continues_with(&self, seen: &FlowPacket<'_>, config: &Config) -> bool {
        let idle_max = self.idle_max(seen.packet.transport, config);
        if seen.packet.at.time.since(self.last) > idle_max {
            return false;
        }
        // A SYN with a sequence number of its own opens a connection; a repeated one does not.
        let Some(isn) = seen.opens() else { return true };
        self.side(seen.side).opened().is_some_and(|(_, opened)| opened == isn)
    }

    /// Bytes of memory behind this record, itself not counted.
    pub fn heap_bytes(&self) -> usize {
        let head = self.head.as_ref().map_or(0, |head| size_of::<Head>() + head.heap_bytes());
        let marks = self.sides.iter().filter(|side| side.marks.is_some()).count();
        head + size_of::<Identifier>()
            + self.inquiry.heap_bytes()
            + marks * size_of::<Marks>()
            + self.path.as_ref().map_or(0, |_| size_of::<Path>())
            + self.refusal.as_ref().map_or(0, |_| size_of::<Refusal>())
            + self.message_sizes.capacity() * size_of::<i32>()
            + self.recent.capacity() * size_of::<(u64, Timestamp)>()
    }

    fn note_head(&mut self) {
        let Some(head) = &self.head else { return };
        for side in Side::BOTH {
            *side.of_mut(&mut self.head_bytes) = wire::len32(head.len(side));
        }
        // Once something was recognised for good its first bytes are of no more use.
        if self.inquiry.is_settled() && self.inquiry.chain().next().is_some() {
            self.head = None;
        }
    }
}

/// Whether what looks like payload is what a short Ethernet frame was filled up with: some drivers
/// count that into the IP length of a bare acknowledgement.
fn is_padding(info: &TcpInfo, payload: &Payload<'_>) -> bool {
    /// 60 bytes of Ethernet less its header and the smallest IPv4 and TCP headers.
    const FILL_BYTES_MAX: usize = 6;
    let short = (1..=FILL_BYTES_MAX).contains(&payload.wire_len);
    short && !info.flags.psh() && payload.bytes.iter().all(|byte| *byte == 0)
}

impl SideFacts {
    /// The first packet with payload.
    pub fn first_payload(&self) -> Option<FrameRef> {
        (self.payload_packets > 0).then_some(self.first_payload)
    }

    /// The first SYN without ACK, with its sequence number.
    pub fn opened(&self) -> Option<(FrameRef, u32)> {
        self.marks.as_ref()?.opened
    }

    /// The first SYN with ACK.
    pub fn accepted(&self) -> Option<FrameRef> {
        self.marks.as_ref()?.accepted
    }

    /// The first FIN.
    pub fn finished(&self) -> Option<FrameRef> {
        self.marks.as_ref()?.finished
    }

    /// The first RST.
    pub fn reset(&self) -> Option<FrameRef> {
        self.marks.as_ref()?.reset
    }

    /// The first packet whose payload the snap length cut.
    pub fn cut(&self) -> Option<FrameRef> {
        self.marks.as_ref()?.cut
    }

    /// The first packet in which a program's file begins, and of which kind.
    pub fn program(&self) -> Option<(FrameRef, Program)> {
        self.marks.as_ref()?.program
    }

    /// TCP: sequence numbers covered.
    pub fn span(&self) -> Option<Span> {
        self.marks.as_ref()?.span
    }

    fn marks(&mut self) -> &mut Marks {
        self.marks.get_or_insert_default()
    }

    fn packet(&mut self, seen: &FlowPacket<'_>, payload: &Payload<'_>) {
        let len = payload.wire_len;
        self.packets = self.packets.saturating_add(1);
        self.bytes = self.bytes.saturating_add(u64::from(seen.packet.wire_len));
        if len == 0 {
            return;
        }
        if self.payload_packets == 0 {
            self.first_payload = seen.packet.at;
        }
        self.payload_bytes = self.payload_bytes.saturating_add(u64::from(wire::len32(len)));
        self.payload_packets = self.payload_packets.saturating_add(1);
        self.payload_small =
            self.payload_small.saturating_add(u64::from(len <= SMALL_PAYLOAD_BYTES_MAX));
        self.payload_large =
            self.payload_large.saturating_add(u64::from(len >= LARGE_PAYLOAD_BYTES_MIN));
        if payload.bytes.len() < len {
            self.marks().cut.get_or_insert(seen.packet.at);
        }
        if self.program().is_none()
            && let Some(program) =
                program::find(payload.bytes, matches!(seen.packet.body, Body::Udp(..)))
        {
            self.marks().program = Some((seen.packet.at, program));
        }
        self.seconds.add(seen.packet.at.time, u64::from(wire::len32(len)));
    }

    fn segment(&mut self, at: FrameRef, info: &TcpInfo, payload_len: usize) {
        let flags = info.flags;
        if flags.opens() {
            self.marks().opened.get_or_insert((at, info.seq));
        }
        if flags.syn() && flags.ack() {
            self.marks().accepted.get_or_insert(at);
        }
        if flags.fin() {
            self.marks().finished.get_or_insert(at);
        }
        if flags.rst() {
            self.marks().reset.get_or_insert(at);
        }
        if payload_len > 0 {
            let covers = Span::of(info.seq, payload_len);
            match &mut self.marks().span {
                Some(span) => span.absorb(covers),
                none @ None => *none = Some(covers),
            }
        }
    }

    fn absorb(&mut self, later: Self) {
        if self.payload_packets == 0 {
            self.first_payload = later.first_payload;
        }
        self.packets = self.packets.saturating_add(later.packets);
        self.bytes = self.bytes.saturating_add(later.bytes);
        self.payload_bytes = self.payload_bytes.saturating_add(later.payload_bytes);
        self.payload_packets = self.payload_packets.saturating_add(later.payload_packets);
        self.payload_small = self.payload_small.saturating_add(later.payload_small);
        self.payload_large = self.payload_large.saturating_add(later.payload_large);
        self.seconds.absorb(later.seconds);
        match (&mut self.marks, later.marks) {
            (Some(marks), Some(later)) => marks.absorb(*later),
            (none @ None, later) => *none = later,
            (Some(_), None) => {}
        }
    }
}

impl Marks {
    fn absorb(&mut self, later: Self) {
        self.opened = self.opened.or(later.opened);
        self.accepted = self.accepted.or(later.accepted);
        self.finished = self.finished.or(later.finished);
        self.reset = self.reset.or(later.reset);
        self.cut = self.cut.or(later.cut);
        self.program = self.program.or(later.program);
        match (&mut self.span, later.span) {
            (Some(span), Some(later)) => span.absorb(later),
            (None, later) => self.span = later,
            (Some(_), None) => {}
        }
    }
}
