//! What one side of a flow did: sums, first times, sequence numbers.

use super::timing::Seconds;
use crate::decode::packet::{Body, Packet, Payload, TcpInfo};
use crate::flow::packet::FlowPacket;
use crate::flow::program::{self, Program};
use crate::frame::FrameRef;
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
    answered: Option<u32>,
    first_seq: Option<u32>,
    finished: Option<FrameRef>,
    reset: Option<FrameRef>,
    cut: Option<(FrameRef, Option<u32>)>,
    program: Option<(FrameRef, Program)>,
    span: Option<Span>,
}

impl SideFacts {
    /// The first packet with payload.
    pub fn first_payload(&self) -> Option<FrameRef> {
        (self.payload_packets > 0).then_some(self.first_payload)
    }

    /// The first SYN without ACK of the connection, with its sequence number.
    pub fn opened(&self) -> Option<(FrameRef, u32)> {
        self.marks.as_ref()?.opened
    }

    /// The first SYN with ACK.
    pub fn accepted(&self) -> Option<FrameRef> {
        self.marks.as_ref()?.accepted
    }

    /// The sequence number of the SYN that this side's SYN or RST with ACK answers, the first of these.
    pub fn answered(&self) -> Option<u32> {
        self.marks.as_ref()?.answered
    }

    /// Whether its bytes, or its first segment, begin where they would behind a SYN of this number.
    pub fn began_behind(&self, isn: u32) -> bool {
        let Some(marks) = &self.marks else { return false };
        let starts = [marks.first_seq, marks.span.map(|span| span.start())];
        starts.contains(&Some(isn.wrapping_add(1)))
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
        Some(self.marks.as_ref()?.cut?.0)
    }

    /// Bytes that were captured of that packet's frame; not told where it came in a tunnel.
    pub fn snap_bytes(&self) -> Option<u32> {
        self.marks.as_ref()?.cut?.1
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

    /// Takes in a packet with what it carries; it is not a copy.
    pub(super) fn packet(&mut self, seen: &FlowPacket<'_>, payload: &Payload<'_>) {
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
            let Packet { at, wire_len, path, .. } = *seen.packet;
            let missing = wire::len32(len.saturating_sub(payload.bytes.len()));
            let snap = (!path.is_tunnelled()).then(|| wire_len.saturating_sub(missing));
            self.marks().cut.get_or_insert((at, snap));
        }
        if self.program().is_none()
            && let Some(program) =
                program::find(payload.bytes, matches!(seen.packet.body, Body::Udp(..)))
        {
            self.marks().program = Some((seen.packet.at, program));
        }
        self.seconds.add(seen.packet.at.time, u64::from(wire::len32(len)));
    }

    /// Takes in what TCP's header says.
    pub(super) fn segment(&mut self, at: FrameRef, info: &TcpInfo, payload_len: usize) {
        let flags = info.flags;
        if flags.opens() {
            let opened = &mut self.marks().opened;
            // Another number: what was asked for before was given up.
            if opened.is_none_or(|(_, isn)| isn != info.seq) {
                *opened = Some((at, info.seq));
            }
        } else {
            self.marks().first_seq.get_or_insert(info.seq);
        }
        if flags.syn() && flags.ack() {
            self.marks().accepted.get_or_insert(at);
        }
        if flags.ack() && (flags.syn() || flags.rst()) {
            self.marks().answered.get_or_insert(info.ack.wrapping_sub(1));
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

    /// Adds what the side did later.
    pub(super) fn absorb(&mut self, later: Self) {
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

    /// Bytes of memory behind this, itself not counted.
    pub(super) fn heap_bytes(&self) -> usize {
        self.marks.as_ref().map_or(0, |_| size_of::<Marks>())
    }
}

impl Marks {
    fn absorb(&mut self, later: Self) {
        self.opened = self.opened.or(later.opened);
        self.accepted = self.accepted.or(later.accepted);
        self.answered = self.answered.or(later.answered);
        self.first_seq = self.first_seq.or(later.first_seq);
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

    /// The sequence number of its first byte.
    fn start(&self) -> u32 {
        self.first.wrapping_add(low32(self.low))
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
    /// Counts the first of these.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        for byte in wire::prefix(bytes, SAMPLE_BYTES_MAX) {
            self.bytes = self.bytes.saturating_add(1);
            self.ones = self.ones.saturating_add(byte.count_ones());
            let text = matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n');
            self.text = self.text.saturating_add(u32::from(text));
        }
    }
}
