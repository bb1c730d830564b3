//! Fragments of IP packets (RFC 791 section 3.2, RFC 8200 section 4.5), put together again.
//!
//! [`super::decode`] hands on fragments as they are. [`Reassembly`] holds them until a packet is
//! complete and then decodes it, tunnels and further fragments in it included. The packet counts once,
//! with the frame that completed it; a piece that comes before the first one is held like any other.
//!
//! - Of bytes that came twice, those seen first stay (`fragment_overlap` where they differ). Hosts do
//!   not agree on it (RFC 5722 has IPv6 hosts drop the packet), so no way is right for all.
//! - Of a packet that stays incomplete, what stands at its beginning is decoded, ports included
//!   (`fragments_missing`): when its time is over, when room is needed, or at the end of the capture.
//! - Copies of fragments of a packet that was complete just now are dropped.
//!
//! Memory, packets and time are bounded by [`crate::config`]. What happens depends on the fragments
//! and their order alone, not on frames between them: so a piece of a capture keeps its fragments, and
//! when pieces are put together all of them go through one `Reassembly` (invariant 8).

use std::collections::BTreeMap;

use super::fragment::{Fragment, Key};
use super::ip::{self, IPV6_HEADER_LEN, Ip, Piece};
use super::{DecodeAnomaly, DecodeContext, Decoded, Slice, network};
use crate::config::Config;
use crate::frame::FrameRef;
use crate::net::Layer;
use crate::time::Timestamp;
use crate::wire;

/// Fragments of packets that are not complete yet.
#[derive(Debug, Default)]
pub(crate) struct Reassembly {
    datagrams: BTreeMap<Key, Datagram>,
    /// Keys in the order of their packets' first fragments.
    ages: BTreeMap<u64, Key>,
    next_age: u64,
    held_bytes: usize,
    /// Packets that were not complete when they had to go for others.
    crowded_out: u64,
}

#[derive(Debug, Default)]
struct Datagram {
    age: u64,
    since: Timestamp,
    /// The fragment that was seen first, or the one with the ports once that was seen; without its
    /// bytes.
    header: Option<Fragment<'static>>,
    /// By offset; they do not overlap.
    held: BTreeMap<usize, Held>,
    /// Bytes on the wire of all that is held.
    covered: usize,
    /// Memory that it takes.
    cost: usize,
    /// Bytes of the whole, known from the last fragment.
    total: Option<usize>,
    /// The frames that its fragments were in.
    frames: Vec<FrameRef>,
    overlap_told: bool,
    finished: Option<Timestamp>,
}

#[derive(Debug)]
struct Held {
    bytes: Vec<u8>,
    wire_len: usize,
}

/// What holding a fragment costs beside its bytes.
const HELD_OVERHEAD: usize = 64;

/// What remembering a frame costs.
const FRAME_OVERHEAD: usize = size_of::<FrameRef>();

/// Takes what comes out of fragments, with the frames that they were in.
type Sink<'a> = dyn FnMut(Decoded<'_>, &[FrameRef]) + 'a;

/// RFC 791 section 3.1: the longest packet, header included.
const DATAGRAM_BYTES_MAX: usize = 65_535;

impl Reassembly {
    /// Takes in a fragment. Packets that it completes, and what is given up to make room or because
    /// its time is over, go to `sink`; never a fragment. Returns the frames that wait for more: its
    /// own, or those of a packet that it completed and that holds a fragment itself.
    pub(crate) fn add(
        &mut self,
        fragment: Fragment<'_>,
        config: &Config,
        sink: &mut Sink<'_>,
    ) -> Vec<FrameRef> {
        // A packet may turn out to carry a fragment of another one. Each is a layer further in.
        let mut inner = vec![fragment];
        let mut waiting = Vec::new();
        while let Some(fragment) = inner.pop() {
            let mut frames = fragment.outer_frames.clone();
            frames.push(fragment.at());
            let is_held = self.add_one(fragment, config, &mut |decoded, frames| match decoded {
                Decoded::Fragment(fragment) => {
                    let outer_frames = frames.to_vec();
                    inner.push(Fragment { outer_frames, ..fragment.into_owned() });
                }
                other @ (Decoded::Packet(_) | Decoded::Anomaly(..)) => sink(other, frames),
            });
            if is_held {
                waiting.append(&mut frames);
            }
        }
        waiting
    }

    /// The capture is over: hands on what is known of packets that stayed incomplete.
    pub(crate) fn finish(&mut self, sink: &mut Sink<'_>) {
        while let Some(age) = self.oldest() {
            self.give_up(age, &mut |decoded, frames| match decoded {
                // What was in an incomplete packet stays incomplete.
                Decoded::Fragment(inner) => tell(&inner, "fragments_missing", sink),
                other @ (Decoded::Packet(_) | Decoded::Anomaly(..)) => sink(other, frames),
            });
        }
    }

    /// Says whether the fragment is held.
    fn add_one(&mut self, fragment: Fragment<'_>, config: &Config, sink: &mut Sink<'_>) -> bool {
        let now = fragment.at().time;
        self.expire(now, config, sink);
        let Piece { offset, more, .. } = fragment.piece;
        // RFC 791 section 3.2 and RFC 8200 section 4.5: all but the last are multiples of 8 bytes.
        let len = fragment.ip.payload.wire_len;
        let end = offset.saturating_add(len);
        let trouble = if len == 0 || (more && !len.is_multiple_of(8)) {
            Some("fragment_length_invalid")
        } else if end > DATAGRAM_BYTES_MAX {
            Some("fragment_too_long")
        } else {
            None
        };
        if let Some(event) = trouble {
            // No host takes it. Its ports, if it has them, were on the wire all the same.
            tell(&fragment, event, sink);
            let mut alone = Datagram::new(0, now);
            alone.take(&fragment, end);
            alone.deliver(Some(fragment.at()), sink);
            return false;
        }
        let key = fragment.key();
        if let Some(done) = self.datagrams.get(&key).and_then(|datagram| datagram.finished) {
            if now.since(done) <= config.timeouts.duplicate {
                return false;
            }
            // The identification was used again.
            self.remove(&key);
        }
        let age = self.next_age;
        let datagram = self.datagrams.entry(key).or_insert_with(|| Datagram::new(age, now));
        if datagram.age == age {
            self.ages.insert(age, key);
            self.next_age = age.saturating_add(1);
        }
        let before = datagram.cost;
        let differs = datagram.take(&fragment, end);
        self.held_bytes = self.held_bytes.saturating_sub(before).saturating_add(datagram.cost);
        if differs && !std::mem::replace(&mut datagram.overlap_told, true) {
            tell(&fragment, "fragment_overlap", sink);
        }
        let is_whole = datagram.total.is_some_and(|total| datagram.covered >= total);
        if is_whole {
            self.held_bytes = self.held_bytes.saturating_sub(datagram.cost);
            let whole = std::mem::replace(datagram, Datagram::new(datagram.age, datagram.since));
            datagram.finished = Some(now);
            whole.deliver(Some(fragment.at()), sink);
        }
        while self.held_bytes > config.limits.fragments_bytes_max
            || self.datagrams.len() > config.limits.fragments_datagrams_max
        {
            let Some(oldest) = self.oldest() else { break };
            if self.give_up(oldest, sink) {
                self.crowded_out = self.crowded_out.saturating_add(1);
            }
        }
        !is_whole
    }

    /// How many packets were given up for lack of room.
    pub(crate) const fn crowded_out(&self) -> u64 {
        self.crowded_out
    }

    fn oldest(&self) -> Option<u64> {
        self.ages.first_key_value().map(|(&age, _)| age)
    }

    fn expire(&mut self, now: Timestamp, config: &Config, sink: &mut Sink<'_>) {
        while let Some((&age, key)) = self.ages.first_key_value() {
            let since = self.datagrams.get(key).map(|datagram| datagram.since);
            if since.is_some_and(|since| now.since(since) <= config.timeouts.fragments) {
                break;
            }
            self.give_up(age, sink);
        }
    }

    /// Decodes what is there of an incomplete packet; says whether it was one.
    fn give_up(&mut self, age: u64, sink: &mut Sink<'_>) -> bool {
        let Some(key) = self.ages.get(&age).copied() else { return false };
        let Some(datagram) = self.remove(&key) else { return false };
        let incomplete = datagram.finished.is_none();
        if incomplete {
            datagram.deliver(None, sink);
        }
        incomplete
    }

    fn remove(&mut self, key: &Key) -> Option<Datagram> {
        let datagram = self.datagrams.remove(key)?;
        self.ages.remove(&datagram.age);
        self.held_bytes = self.held_bytes.saturating_sub(datagram.cost);
        Some(datagram)
    }
}

impl Datagram {
    fn new(age: u64, since: Timestamp) -> Self {
        Self { age, since, ..Self::default() }
    }

    /// Takes in what is new of a fragment that ends at `end`; says whether it contradicts what is held.
    fn take(&mut self, fragment: &Fragment<'_>, end: usize) -> bool {
        let start = fragment.piece.offset;
        let mut differs = false;
        self.remember(fragment);
        if !fragment.piece.more {
            differs |= self.total.is_some_and(|total| total != end);
            self.total.get_or_insert(end);
        }
        // What is behind the last fragment's end cannot belong to the same packet.
        let end = end.min(self.total.unwrap_or(end));
        if self.header.as_ref().is_none_or(|known| start == 0 && known.piece.offset > 0) {
            self.header = Some(fragment.without_bytes());
        }
        let piece = |from: usize, to: usize| {
            let known = wire::rest(&fragment.bytes, from.saturating_sub(start));
            wire::prefix(known, to.saturating_sub(from))
        };
        let mut gaps = Vec::new();
        let mut at = start;
        for (&from, held) in self.held.range(..end) {
            let to = from.saturating_add(held.wire_len);
            if to <= at {
                continue;
            }
            if from > at {
                gaps.push((at, from));
            }
            let shared = from.max(at);
            let old = wire::rest(&held.bytes, shared.saturating_sub(from));
            let new = piece(shared, to.min(end));
            differs |= old.iter().zip(new).any(|(old, new)| old != new);
            at = to;
        }
        if at < end {
            gaps.push((at, end));
        }
        for (from, to) in gaps {
            let wire_len = to.saturating_sub(from);
            self.covered = self.covered.saturating_add(wire_len);
            let bytes = piece(from, to).to_vec();
            self.cost = self.cost.saturating_add(bytes.len()).saturating_add(HELD_OVERHEAD);
            self.held.insert(from, Held { bytes, wire_len });
        }
        differs
    }

    /// Remembers in which frames it was. One frame may hold several fragments: they come in a row.
    fn remember(&mut self, fragment: &Fragment<'_>) {
        for &frame in fragment.outer_frames.iter().chain([&fragment.context.at]) {
            if self.frames.last() != Some(&frame) {
                self.frames.push(frame);
                self.cost = self.cost.saturating_add(FRAME_OVERHEAD);
            }
        }
    }

    /// Decodes the packet, which the frame `completed_by` completed, or what is there of it.
    fn deliver(self, completed_by: Option<FrameRef>, sink: &mut Sink<'_>) {
        let Some(first) = &self.header else { return };
        if completed_by.is_none() {
            tell(first, "fragments_missing", sink);
        }
        let sink: &mut dyn FnMut(Decoded<'_>) = &mut |decoded| sink(decoded, &self.frames);
        if first.piece.offset > 0 {
            return;
        }
        let bytes = self.beginning();
        let wire_len = match self.total {
            Some(total) => total,
            None => self.length_at_least(first.ip.protocol, &bytes),
        };
        let offset = first.ip.offset;
        let context = DecodeContext { at: completed_by.unwrap_or(first.at()), ..first.context };
        let seen = wire_len.max(bytes.len());
        let part = Slice { bytes: &bytes, wire_len: seen, offset, layer: Layer::Network };
        let header_len = if first.ip.src.is_ipv4() { 20 } else { IPV6_HEADER_LEN };
        let step = ip::extensions(first.ip.protocol, part).and_then(|chain| {
            let ip = Ip {
                protocol: chain.protocol,
                fragment: None,
                wire_len: wire_len.saturating_add(header_len),
                payload: chain.payload,
                ..first.ip
            };
            network::deliver(&context, &ip, sink)
        });
        super::go_on(context, step, sink);
    }

    /// The bytes from the start up to the first that is missing.
    fn beginning(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (&from, held) in &self.held {
            if from != bytes.len() {
                break;
            }
            bytes.extend(&held.bytes);
        }
        bytes
    }

    /// How long an incomplete packet must have been.
    fn length_at_least(&self, protocol: u8, bytes: &[u8]) -> usize {
        let udp = wire::be16(bytes, 4).filter(|_| protocol == 17).map_or(0, usize::from);
        let (from, held) = self.held.last_key_value().map_or((0, 0), |(&f, h)| (f, h.wire_len));
        // The last one is not there, or the length would be known: one more unit at least.
        udp.max(from.saturating_add(held).saturating_add(8))
    }
}

fn tell(fragment: &Fragment<'_>, event: &'static str, sink: &mut Sink<'_>) {
    let stop =
        DecodeAnomaly { event, number: None, layer: Layer::Network, offset: fragment.ip.offset };
    sink(Decoded::Anomaly(fragment.at(), stop), &[]);
}
