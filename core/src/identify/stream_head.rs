//! The first bytes of a flow, kept for the detectors.
//!
//! TCP is put in order, with a bounded buffer for segments that came early; of overlapping
//! bytes the first seen win. UDP keeps the first datagrams, cut short, but for the few that hold a
//! part of a message that the detectors still wait for ([`Head::keep_whole`]). A direction is offered so
//! many packets and bytes at most ([`Limits::head_packets_max`], [`Limits::head_offered_bytes_max`]);
//! then its head is closed, whatever came of it. Holes that the snap length left are never bridged.

use crate::config::{HEAD_DATAGRAMS_MAX, Limits};
use crate::frame::FrameRef;
use crate::identify::{Datagram, FlowView, SideView, Sighting};
use crate::net::{Side, Transport};
use crate::time::Timestamp;
use crate::wire;

/// The heads of both directions.
#[derive(Clone, Debug, Default)]
pub struct Head {
    sides: [SideHead; 2],
}

/// Payload that is offered to a head.
#[derive(Clone, Copy, Debug)]
pub struct Offer<'a> {
    /// The frame it came in.
    pub at: FrameRef,
    /// Who sent it.
    pub side: Side,
    /// TCP: the sequence number of its first byte. UDP: unused.
    pub seq: u32,
    /// What was captured of it.
    pub bytes: &'a [u8],
    /// Its length on the wire.
    pub wire_len: usize,
}

/// Bytes of a head, with the packet that they came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// The packet.
    pub at: FrameRef,
    /// Offset in its payload.
    pub offset: u32,
    /// The bytes, as far as this packet holds them.
    pub bytes: Vec<u8>,
}

/// Bytes that are quoted at most.
const QUOTE_BYTES_MAX: usize = 16;

#[derive(Clone, Debug, Default)]
struct SideHead {
    bytes: Vec<u8>,
    /// Where the bytes came from, in order of `start`; for UDP one a datagram.
    pieces: Vec<Piece>,
    /// TCP: where the stream stands, once that is known.
    order: Option<Box<Order>>,
    from_start: bool,
    closed: bool,
    /// UDP: datagrams that were kept whole.
    whole: u8,
    offered_packets: u16,
    offered_bytes: u32,
}

/// What puts a stream in order. Kept apart, so that a flood of UDP does not pay for it.
#[derive(Clone, Debug)]
struct Order {
    /// The sequence number of the stream's first byte.
    base: u32,
    /// Segments that came early, in order of arrival.
    pending: Vec<Early>,
}

impl Order {
    fn from(base: u32) -> Box<Self> {
        Box::new(Self { base, pending: Vec::new() })
    }
}

#[derive(Clone, Copy, Debug)]
struct Piece {
    /// Where it starts in `SideHead::bytes`.
    start: u32,
    /// Bytes kept.
    len: u32,
    /// UDP: length of the payload on the wire.
    wire_len: u32,
    /// Where in the packet's payload the piece starts.
    offset: u32,
    at: FrameRef,
}

/// Pieces for which room is made one at a time.
const PIECES_FEW: usize = 2;

impl Piece {
    fn start(&self) -> usize {
        wire::index(self.start)
    }

    /// Its bytes among those of its side.
    fn of<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        wire::prefix(wire::rest(bytes, self.start()), wire::index(self.len))
    }
}

#[derive(Clone, Debug)]
struct Early {
    seq: u32,
    bytes: Vec<u8>,
    cut: bool,
    at: FrameRef,
}

impl Head {
    /// A TCP connection was opened from this side: the next byte is its first. So it is if that byte was
    /// captured before.
    pub fn opened(&mut self, side: Side, isn: u32) {
        let head = side.of_mut(&mut self.sides);
        let base = isn.wrapping_add(1);
        let is_empty = |order: &Order| head.bytes.is_empty() && order.pending.is_empty();
        if head.order.as_deref().is_none_or(is_empty) {
            head.order = Some(Order::from(base));
        }
        head.from_start |= head.order.as_ref().is_some_and(|order| order.base == base);
    }

    /// Takes in payload; says whether the head grew.
    pub fn offer(&mut self, transport: Transport, offer: &Offer<'_>, limits: &Limits) -> bool {
        let head = offer.side.of_mut(&mut self.sides);
        if head.closed || offer.wire_len == 0 {
            return false;
        }
        head.offered_packets = head.offered_packets.saturating_add(1);
        head.offered_bytes = head.offered_bytes.saturating_add(wire::len32(offer.wire_len));
        let grew = match transport {
            Transport::Tcp => head.segment(offer, limits),
            Transport::Udp => head.datagram(offer, limits),
        };
        let spent = head.offered_packets >= limits.head_packets_max
            || head.offered_bytes >= limits.head_offered_bytes_max;
        if spent && !head.closed {
            head.close();
            return true;
        }
        grew
    }

    /// Keeps the datagram that was just taken in whole: a message in it goes on in a later one.
    pub fn keep_whole(&mut self, offer: &Offer<'_>, limits: &Limits) {
        let head = offer.side.of_mut(&mut self.sides);
        let max = limits.head_whole_datagram_bytes_max;
        if head.whole >= limits.head_whole_datagrams_max || offer.bytes.len() > max {
            return;
        }
        let cut =
            |last: &&mut Piece| last.at == offer.at && wire::index(last.len) < offer.bytes.len();
        let Some(last) = head.pieces.last_mut().filter(cut) else { return };
        head.whole = head.whole.saturating_add(1);
        let more = wire::rest(offer.bytes, wire::index(last.len));
        head.bytes.extend_from_slice(more);
        last.len = last.len.saturating_add(wire::len32(more.len()));
    }

    /// Whether both directions are closed: nothing will be added.
    pub fn is_closed(&self) -> bool {
        self.sides.iter().all(|head| head.closed)
    }

    /// Whether this direction takes no more.
    pub const fn side_is_closed(&self, side: Side) -> bool {
        side.of(&self.sides).closed
    }

    /// Bytes kept of one direction.
    pub fn len(&self, side: Side) -> usize {
        side.of(&self.sides).bytes.len()
    }

    /// The first bytes of one direction, at most `max`.
    pub fn first(&self, side: Side, max: usize) -> &[u8] {
        wire::prefix(&side.of(&self.sides).bytes, max)
    }

    /// The bytes of one direction by the packet they came in.
    pub fn pieces(&self, side: Side) -> impl Iterator<Item = (&[u8], FrameRef)> {
        let head = side.of(&self.sides);
        head.pieces.iter().map(|piece| (piece.of(&head.bytes), piece.at))
    }

    /// Shows the head to `look`. `newest` is the datagram that was just captured, whole. With
    /// `ended`, both sides count as complete. `skip` leaves out what belongs to an outer protocol.
    pub fn show<R>(
        &self,
        transport: Transport,
        newest: Option<&Offer<'_>>,
        ended: bool,
        skip: [usize; 2],
        look: impl FnOnce(&FlowView<'_>) -> R,
    ) -> R {
        let empty = Datagram { bytes: &[], wire_len: 0, time: Timestamp::default() };
        let mut datagrams = [[empty; HEAD_DATAGRAMS_MAX]; 2];
        let mut counts = [0; 2];
        if transport == Transport::Udp {
            for side in Side::BOTH {
                let slots = side.of_mut(&mut datagrams);
                *side.of_mut(&mut counts) = side
                    .of(&self.sides)
                    .datagrams(newest.filter(|offer| offer.side == side), slots);
            }
        }
        let side_view = |side: Side| {
            let (head, skip) = (side.of(&self.sides), *side.of(&skip));
            let shown = side.of(&datagrams).get(skip..*side.of(&counts)).unwrap_or_default();
            SideView {
                stream: match transport {
                    Transport::Tcp => wire::rest(&head.bytes, skip),
                    Transport::Udp => &[],
                },
                from_start: head.from_start,
                datagrams: shown,
                complete: ended || head.closed,
                cut: head.closed,
            }
        };
        look(&FlowView { transport, sides: [side_view(Side::A), side_view(Side::B)] })
    }

    /// Finds the packet that shows what a detector points at. `newest` is what was just
    /// offered, which the detector was shown whole.
    pub fn quote(
        &self,
        transport: Transport,
        seen: &Sighting,
        newest: Option<&Offer<'_>>,
    ) -> Option<Quote> {
        let head = seen.side.of(&self.sides);
        let (piece, within) = match transport {
            Transport::Udp => (head.pieces.get(seen.datagram)?, seen.offset),
            Transport::Tcp => {
                let piece = head.pieces.iter().rfind(|piece| piece.start() <= seen.offset)?;
                (piece, seen.offset.saturating_sub(piece.start()))
            }
        };
        let is_last = seen.datagram.saturating_add(1) == head.pieces.len();
        let whole = newest.filter(|offer| transport == Transport::Udp && offer.side == seen.side);
        let kept = match whole.filter(|_| is_last) {
            Some(offer) => offer.bytes,
            None => piece.of(&head.bytes),
        };
        let len = seen.len.clamp(1, QUOTE_BYTES_MAX);
        Some(Quote {
            at: piece.at,
            offset: piece.offset.saturating_add(wire::len32(within)),
            bytes: wire::prefix(wire::rest(kept, within), len).to_vec(),
        })
    }

    /// Bytes of memory behind this head.
    pub fn heap_bytes(&self) -> usize {
        self.sides.iter().map(SideHead::heap_bytes).fold(0, usize::saturating_add)
    }
}

impl SideHead {
    fn close(&mut self) {
        self.closed = true;
        if let Some(order) = &mut self.order {
            order.pending = Vec::new();
        }
    }

    fn datagram(&mut self, offer: &Offer<'_>, limits: &Limits) -> bool {
        let max = if self.pieces.is_empty() {
            limits.head_first_datagram_bytes_max
        } else {
            limits.head_datagram_bytes_max
        };
        self.append(wire::prefix(offer.bytes, max), 0, offer.wire_len, offer.at);
        if self.pieces.len() >= HEAD_DATAGRAMS_MAX {
            self.close();
        }
        true
    }

    fn segment(&mut self, offer: &Offer<'_>, limits: &Limits) -> bool {
        // A capture that starts in the middle: the stream starts with what is seen first.
        self.order.get_or_insert_with(|| Order::from(offer.seq));
        let cut = offer.bytes.len() < offer.wire_len;
        if !self.in_order(offer.seq, offer.bytes, cut, offer.at, limits) {
            self.keep_for_later(offer, cut, limits);
            return false;
        }
        // What came early may fit now; each round takes one in or ends.
        while let Some(early) = self.take_early() {
            self.in_order(early.seq, &early.bytes, early.cut, early.at, limits);
        }
        true
    }

    /// A segment that came early and fits now.
    fn take_early(&mut self) -> Option<Early> {
        let pending = &self.order.as_ref()?.pending;
        let fits = pending.iter().position(|early| self.distance(early.seq) <= 0)?;
        Some(self.order.as_mut()?.pending.remove(fits))
    }

    /// How far `seq` is beyond the end of what is held; negative where it is before it.
    fn distance(&self, seq: u32) -> i64 {
        let base = self.order.as_ref().map_or(0, |order| order.base);
        let end = base.wrapping_add(wire::len32(self.bytes.len()));
        i64::from(seq.wrapping_sub(end).cast_signed())
    }

    /// Appends what is new in a segment that starts at or before the end; false where it starts
    /// behind it.
    fn in_order(
        &mut self,
        seq: u32,
        bytes: &[u8],
        cut: bool,
        at: FrameRef,
        limits: &Limits,
    ) -> bool {
        let distance = self.distance(seq);
        let Ok(known) = usize::try_from(distance.saturating_neg()) else { return false };
        if known >= bytes.len() {
            // Nothing new; but a cut segment that starts at the end leaves a hole there.
            if cut && known == bytes.len() {
                self.close();
            }
            return true;
        }
        let room = limits.head_stream_bytes_max.saturating_sub(self.bytes.len());
        let new = wire::rest(bytes, known);
        self.append(wire::prefix(new, room), known, new.len(), at);
        if cut || new.len() >= room {
            self.close();
        }
        true
    }

    fn keep_for_later(&mut self, offer: &Offer<'_>, cut: bool, limits: &Limits) {
        let Some(Order { pending, .. }) = self.order.as_deref_mut() else { return };
        let held: usize = pending.iter().map(|early| early.bytes.len()).sum();
        let fits = held.saturating_add(offer.bytes.len()) <= limits.head_pending_bytes_max;
        if pending.len() < limits.head_pending_segments_max && fits {
            let bytes = offer.bytes.to_vec();
            pending.push(Early { seq: offer.seq, bytes, cut, at: offer.at });
        }
    }

    fn append(&mut self, bytes: &[u8], offset: usize, wire_len: usize, at: FrameRef) {
        let [start, len, wire_len, offset] =
            [self.bytes.len(), bytes.len(), wire_len, offset].map(wire::len32);
        // Most flows stay short: no more room than there is need for.
        self.bytes.reserve_exact(if self.bytes.is_empty() { bytes.len() } else { 0 });
        self.bytes.extend_from_slice(bytes);
        self.pieces.reserve_exact(usize::from(self.pieces.len() < PIECES_FEW));
        self.pieces.push(Piece { start, len, wire_len, offset, at });
    }

    fn datagrams<'a>(
        &'a self,
        newest: Option<&Offer<'a>>,
        slots: &mut [Datagram<'a>; HEAD_DATAGRAMS_MAX],
    ) -> usize {
        for (slot, piece) in slots.iter_mut().zip(&self.pieces) {
            let wire_len = wire::index(piece.wire_len);
            *slot = Datagram { bytes: piece.of(&self.bytes), wire_len, time: piece.at.time };
        }
        let count = self.pieces.len().min(HEAD_DATAGRAMS_MAX);
        // What is offered was appended just before it is shown, so it is the last one.
        if let (Some(offer), Some(last)) = (newest, count.checked_sub(1))
            && let Some(slot) = slots.get_mut(last)
        {
            slot.bytes = offer.bytes;
        }
        count
    }

    fn heap_bytes(&self) -> usize {
        let order = self.order.as_ref().map_or(0, |order| {
            let early: usize = order.pending.iter().map(|early| early.bytes.capacity()).sum();
            size_of::<Order>() + order.pending.capacity() * size_of::<Early>() + early
        });
        self.bytes.capacity() + self.pieces.capacity() * size_of::<Piece>() + order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(seq: u32, bytes: &[u8]) -> Offer<'_> {
        Offer { at: FrameRef::default(), side: Side::A, seq, bytes, wire_len: bytes.len() }
    }

    fn stream(head: &Head) -> Vec<u8> {
        head.show(Transport::Tcp, None, false, [0; 2], |view| view.side(Side::A).stream.to_vec())
    }

    fn tcp(offers: &[Offer<'_>]) -> Head {
        let mut head = Head::default();
        head.opened(Side::A, 99);
        for offer in offers {
            head.offer(Transport::Tcp, offer, &Limits::default());
        }
        head
    }

    #[test]
    fn early_segments_wait_for_what_they_follow() {
        let head = tcp(&[offer(106, b"ghi"), offer(103, b"def"), offer(100, b"abc")]);
        assert_eq!(stream(&head), b"abcdefghi");
    }

    #[test]
    fn of_overlapping_bytes_the_first_seen_win() {
        let head =
            tcp(&[offer(100, b"abc"), offer(101, b"XXd"), offer(100, b"abcd"), offer(104, b"e")]);
        assert_eq!(stream(&head), b"abcde");
    }

    #[test]
    fn sequence_numbers_wrap() {
        let mut head = Head::default();
        head.opened(Side::A, u32::MAX - 2);
        for offer in [offer(1, b"cd"), offer(u32::MAX - 1, b"xab")] {
            head.offer(Transport::Tcp, &offer, &Limits::default());
        }
        assert_eq!(stream(&head), b"xabcd");
    }

    #[test]
    fn a_hole_left_by_the_snap_length_ends_the_head() {
        let cut = Offer { wire_len: 9, ..offer(100, b"abc") };
        let head = tcp(&[cut, offer(109, b"later")]);
        assert_eq!(stream(&head), b"abc");
        assert!(head.side_is_closed(Side::A));
    }

    #[test]
    fn the_newest_datagram_is_whole_and_older_ones_are_cut() {
        let limits = Limits::default();
        let (first, second) = ([1; 900], [2; 900]);
        let mut head = Head::default();
        for (number, bytes) in [(1, &first), (2, &second)] {
            let at = FrameRef { number, ..FrameRef::default() };
            let offer = Offer { at, ..offer(0, bytes) };
            head.offer(Transport::Udp, &offer, &limits);
            head.show(Transport::Udp, Some(&offer), false, [0; 2], |view| {
                let newest = view.side(Side::A).datagrams.last().unwrap();
                assert!(newest.is_whole() && newest.bytes == bytes);
            });
        }
        head.show(Transport::Udp, None, false, [1, 0], |view| {
            let [kept] = view.side(Side::A).datagrams else { panic!("one is left") };
            assert_eq!((kept.bytes.len(), kept.wire_len), (limits.head_datagram_bytes_max, 900));
        });
    }

    #[test]
    fn a_datagram_that_is_wanted_whole_stays_whole() {
        let limits = Limits::default();
        let mut head = Head::default();
        for number in 1..=5 {
            let at = FrameRef { number, ..FrameRef::default() };
            let bytes = [7; 1200];
            let offer = Offer { at, ..offer(0, &bytes) };
            head.offer(Transport::Udp, &offer, &limits);
            head.keep_whole(&offer, &limits);
            // Asked for twice it is kept once; another one is not touched.
            head.keep_whole(&offer, &limits);
            head.keep_whole(&Offer { at: FrameRef::default(), ..offer }, &limits);
        }
        head.show(Transport::Udp, None, false, [0; 2], |view| {
            let whole: Vec<_> =
                view.side(Side::A).datagrams.iter().map(Datagram::is_whole).collect();
            assert_eq!(whole, [true, true, true, false, false]);
        });
        let huge = vec![7; limits.head_whole_datagram_bytes_max + 1];
        let mut head = Head::default();
        head.offer(Transport::Udp, &offer(0, &huge), &limits);
        head.keep_whole(&offer(0, &huge), &limits);
        assert_eq!(head.len(Side::A), limits.head_first_datagram_bytes_max);
    }

    #[test]
    fn a_quote_names_the_packet_and_the_place_in_it() {
        let at = |number| FrameRef { number, ..FrameRef::default() };
        let head = tcp(&[
            Offer { at: at(1), ..offer(100, b"abc") },
            Offer { at: at(2), ..offer(102, b"cdef") },
        ]);
        let seen = Sighting { side: Side::A, datagram: 0, offset: 4, len: 9 };
        let quote = head.quote(Transport::Tcp, &seen, None).unwrap();
        assert_eq!(quote, Quote { at: at(2), offset: 2, bytes: b"ef".to_vec() });
    }

    #[test]
    fn what_is_offered_is_bounded() {
        let limits = Limits::default();
        let mut head = Head::default();
        head.opened(Side::A, 0);
        for number in 0..200_u32 {
            head.offer(Transport::Tcp, &offer(10 + number * 2, b"x"), &limits);
        }
        assert!(head.side_is_closed(Side::A));
        assert!(head.heap_bytes() < 8192, "{}", head.heap_bytes());
    }
}
