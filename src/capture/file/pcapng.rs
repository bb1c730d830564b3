//! The block structure that Wireshark writes.
//!
//! Walks blocks in place (draft-ietf-opsawg-pcapng): any number of sections, each in its own byte
//! order, and of interfaces, each with its own link type, snap length and clock. Packets in all three
//! kinds of block are handed over, drop counters are kept, all other blocks are passed over. It does
//! no I/O. A block that is not sound is a [`Fault`]; finding the next one is `resync`'s work.

use super::beside;
use super::interface::Interface;
use super::walk::{Ask, Fault, RECORD_BYTES_MAX, Seen, Walk, WalkEnd, number_16, number_32};
use portstory_core::internal::wire;
use portstory_core::internal::wire::{index, len32};
use portstory_core::{Frame, FrameRef, Timestamp};

/// Block types (section 11.1). A section header reads the same in both byte orders.
pub(super) const SECTION: u32 = 0x0a0d_0d0a;
pub(super) const INTERFACE: u32 = 1;
pub(super) const PACKET: u32 = 2;
pub(super) const SIMPLE_PACKET: u32 = 3;
pub(super) const NAMES: u32 = 4;
pub(super) const STATISTICS: u32 = 5;
pub(super) const ENHANCED_PACKET: u32 = 6;

/// Bytes of the smallest block: type, and its length before and behind an empty body.
pub(super) const BLOCK_BYTES_MIN: usize = 12;

/// Bytes of the smallest section header (section 4.1).
pub(super) const SECTION_BYTES_MIN: usize = 28;

/// Interfaces in one section. Their numbers have 32 bits; real captures have a few hundred.
const INTERFACES_MAX: usize = 1 << 16;

/// A pcapng file: where it stands between two blocks.
#[derive(Debug, Default)]
pub(super) struct Pcapng {
    big: bool,
    /// Of the current section.
    interfaces: Vec<Interface>,
    /// Of the last packet, if there was one.
    last_time: Option<Timestamp>,
}

/// A packet in whichever block.
struct PacketBlock<'a> {
    interface: usize,
    time: Timestamp,
    wire_len: u32,
    bytes: &'a [u8],
    options: &'a [u8],
    dropped: u16,
}

impl Pcapng {
    /// Whether the current section is big-endian.
    pub(super) fn big(&self) -> bool {
        self.big
    }

    /// Hands over the frames in `bytes`, which begin with a block.
    pub(super) fn walk(&mut self, bytes: &[u8], ask: &mut Ask<'_>) -> Walk {
        let mut rest = bytes;
        let mut frames = 0;
        let stop = loop {
            let ended = if self.big {
                self.blocks::<true>(&mut rest, &mut frames, ask)
            } else {
                self.blocks::<false>(&mut rest, &mut frames, ask)
            };
            match ended.map_or_else(|| self.section(&mut rest), Err) {
                Ok(()) => {}
                Err(stop) => break stop,
            }
        };
        Walk { consumed: bytes.len() - rest.len(), frames, stop }
    }

    /// Walks to the next section header, or to why it went no further.
    fn blocks<const BIG: bool>(
        &mut self,
        rest: &mut &[u8],
        frames: &mut usize,
        ask: &mut Ask<'_>,
    ) -> Option<WalkEnd> {
        loop {
            if *frames == ask.budget && *frames > 0 {
                return Some(WalkEnd::Budget);
            }
            let (kind, block, next) = match split_block::<BIG>(rest) {
                Ok(split) => split,
                Err(stop) => return beside::look(rest).or(Some(stop)),
            };
            let fault = |what| Some(WalkEnd::Fault(Fault { what, skip: Some(block.len()) }));
            let body = wire::rest(wire::prefix(block, block.len().saturating_sub(4)), 8);
            let packet = match kind {
                SECTION => return None,
                ENHANCED_PACKET => Some(self.enhanced::<BIG>(body, false)),
                PACKET => Some(self.enhanced::<BIG>(body, true)),
                SIMPLE_PACKET => Some(self.simple::<BIG>(body, next, ask.seen)),
                INTERFACE => {
                    let Some(interface) = Interface::describe::<BIG>(body) else {
                        return fault("describes an interface in too few bytes");
                    };
                    if self.interfaces.len() >= INTERFACES_MAX {
                        return fault("describes one interface too many");
                    }
                    self.interfaces.push(interface);
                    None
                }
                STATISTICS => {
                    self.statistics::<BIG>(body, &mut ask.seen.dropped);
                    None
                }
                // Names, decryption secrets, custom and unknown blocks (section 4.5, 4.7, 4.8).
                _ => None,
            };
            let PacketBlock { interface: id, time, wire_len, bytes, options, dropped } =
                match packet {
                    Some(Ok(packet)) => packet,
                    Some(Err(what)) => return fault(what),
                    None => {
                        *rest = next;
                        continue;
                    }
                };
            if time > ask.until || ask.budget == 0 {
                return Some(WalkEnd::Next(time));
            }
            let Some(interface) = self.interfaces.get_mut(id) else {
                return fault(UNKNOWN_INTERFACE);
            };
            if !interface.used {
                interface.used = true;
                ask.seen.note_link(interface.link);
            }
            if !options.is_empty() || dropped > 0 {
                keep_books(&mut ask.seen.dropped, interface, |interface| {
                    interface.packet_options::<BIG>(options);
                    interface.dropped_before_packet(u64::from(dropped));
                });
            }
            *frames += 1;
            ask.seen.frames += 1;
            self.last_time = Some(time);
            (ask.sink)(&Frame {
                at: FrameRef { time, source: ask.source, number: ask.seen.frames },
                link: interface.link,
                wire_len,
                bytes,
            });
            *rest = next;
        }
    }

    /// Section 4.1: a new section starts with no interfaces, in a byte order of its own.
    fn section(&mut self, rest: &mut &[u8]) -> Result<(), WalkEnd> {
        let fault = |what, skip| Err(WalkEnd::Fault(Fault { what, skip }));
        let Some(order) = wire::array(rest, 8) else {
            return Err(WalkEnd::Need(SECTION_BYTES_MIN));
        };
        let Some(big) = byte_order(order) else {
            return fault("has no byte-order magic", None);
        };
        let split = if big { sized_block::<true>(rest) } else { sized_block::<false>(rest) };
        let (block, next) = split?;
        let Some(version) = wire::array(block, 12) else {
            return fault("is too short for a section header", Some(block.len()));
        };
        self.interfaces.clear();
        self.big = big;
        let major = if big { number_16::<true>(version) } else { number_16::<false>(version) };
        if major != 1 {
            return fault("begins a section of a version that is not 1", Some(block.len()));
        }
        *rest = next;
        Ok(())
    }

    /// An Enhanced PacketBlock Block (section 4.3), or the obsolete PacketBlock Block (appendix A), which has
    /// two 16-bit fields where the other has its interface's number.
    fn enhanced<'a, const BIG: bool>(
        &self,
        body: &'a [u8],
        obsolete: bool,
    ) -> Result<PacketBlock<'a>, &'static str> {
        const SHORT: &str = "is too short for a packet";
        let (fixed, data) = body.split_first_chunk::<20>().ok_or(SHORT)?;
        let ([interface, high, low, captured, wire_len], _) = fixed.as_chunks::<4>() else {
            return Err(SHORT);
        };
        let (id, dropped) = if obsolete {
            let [id_a, id_b, dropped_a, dropped_b] = *interface;
            let dropped = number_16::<BIG>([dropped_a, dropped_b]);
            // All ones: not known.
            let dropped = if dropped == u16::MAX { 0 } else { dropped };
            (usize::from(number_16::<BIG>([id_a, id_b])), dropped)
        } else {
            (index(number_32::<BIG>(*interface)), 0)
        };
        let clock = self.interfaces.get(id).ok_or(UNKNOWN_INTERFACE)?.clock;
        let captured = index(number_32::<BIG>(*captured));
        let bytes = data.get(..captured).ok_or("holds fewer bytes than it says were captured")?;
        let time = clock.time(number_32::<BIG>(*high), number_32::<BIG>(*low));
        let wire_len = number_32::<BIG>(*wire_len).max(len32(captured));
        let options = wire::rest(data, captured.next_multiple_of(4));
        Ok(PacketBlock { interface: id, time, wire_len, bytes, options, dropped })
    }

    /// A Simple PacketBlock Block (section 4.4): of the first interface, and without a time, so it gets
    /// that of the packet before it; before the first, that of the first one that has a time, as far as that is
    /// among the bytes `behind` it that were read.
    fn simple<'a, const BIG: bool>(
        &mut self,
        body: &'a [u8],
        behind: &[u8],
        seen: &mut Seen,
    ) -> Result<PacketBlock<'a>, &'static str> {
        let time = match self.last_time {
            Some(time) => time,
            None => {
                let first = self.first_time::<BIG>(behind);
                seen.untimed |= first.is_none();
                *self.last_time.insert(first.unwrap_or_default())
            }
        };
        let (wire_len, data) = body.split_first_chunk::<4>().ok_or("is too short for a packet")?;
        let wire_len = number_32::<BIG>(*wire_len);
        let snap = self.interfaces.first().ok_or(UNKNOWN_INTERFACE)?.snap;
        let captured = if snap == 0 { wire_len } else { wire_len.min(snap) };
        let bytes = wire::prefix(data, index(captured));
        Ok(PacketBlock { interface: 0, time, wire_len, bytes, options: &[], dropped: 0 })
    }

    /// The time of the first packet in these bytes that has one.
    fn first_time<const BIG: bool>(&self, bytes: &[u8]) -> Option<Timestamp> {
        let mut described = Vec::new();
        let mut rest = bytes;
        loop {
            let (kind, block, next) = split_block::<BIG>(rest).ok()?;
            let body = wire::rest(block, 8);
            match kind {
                SECTION => return None,
                INTERFACE => described.push(Interface::describe::<BIG>(body)?),
                ENHANCED_PACKET | PACKET => {
                    let [id, high, low]: [[u8; 4]; 3] =
                        [wire::array(body, 0)?, wire::array(body, 4)?, wire::array(body, 8)?];
                    let id = match (kind, id) {
                        (PACKET, [a, b, ..]) => usize::from(number_16::<BIG>([a, b])),
                        (_, id) => index(number_32::<BIG>(id)),
                    };
                    let interface = self.interfaces.iter().chain(&described).nth(id)?;
                    return Some(
                        interface.clock.time(number_32::<BIG>(high), number_32::<BIG>(low)),
                    );
                }
                _ => {}
            }
            rest = next;
        }
    }

    fn statistics<const BIG: bool>(&mut self, body: &[u8], dropped: &mut (u64, u64)) {
        // Section 4.6: interface, two halves of a time, options.
        let Some(id) = wire::array(body, 0).map(number_32::<BIG>) else { return };
        if let Some(interface) = self.interfaces.get_mut(index(id)) {
            keep_books(dropped, interface, |interface| {
                interface.statistics::<BIG>(wire::rest(body, 12));
            });
        }
    }
}

/// Keeps the totals right while what one interface tells changes.
fn keep_books(
    total: &mut (u64, u64),
    interface: &mut Interface,
    change: impl FnOnce(&mut Interface),
) {
    let before = interface.dropped();
    change(interface);
    let after = interface.dropped();
    total.0 = total.0.saturating_sub(before.0).saturating_add(after.0);
    total.1 = total.1.saturating_sub(before.1).saturating_add(after.1);
}

const UNKNOWN_INTERFACE: &str = "names an interface that nothing described";

/// Whether these bytes are a big-endian byte-order magic, or a little-endian one (section 4.1).
pub(super) fn byte_order(magic: [u8; 4]) -> Option<bool> {
    match u32::from_be_bytes(magic) {
        0x1a2b_3c4d => Some(true),
        0x4d3c_2b1a => Some(false),
        _ => None,
    }
}

/// The type of the block that `bytes` begin with, the block, and what follows it. Of a section
/// header only the type is told: its length can't be read before its byte order.
fn split_block<const BIG: bool>(bytes: &[u8]) -> Result<(u32, &[u8], &[u8]), WalkEnd> {
    let Some(kind) = bytes.first_chunk::<4>() else {
        return Err(WalkEnd::Need(BLOCK_BYTES_MIN));
    };
    let kind = number_32::<BIG>(*kind);
    if kind == SECTION {
        return Ok((kind, &[], bytes));
    }
    let (block, next) = sized_block::<BIG>(bytes)?;
    Ok((kind, block, next))
}

/// Splits off one block by its length, which stands in front and behind (section 3.1).
fn sized_block<const BIG: bool>(bytes: &[u8]) -> Result<(&[u8], &[u8]), WalkEnd> {
    let Some(&[_, _, _, _, a, b, c, d]) = bytes.first_chunk::<8>() else {
        return Err(WalkEnd::Need(BLOCK_BYTES_MIN));
    };
    let len = index(number_32::<BIG>([a, b, c, d]));
    let fault = |what| Err(WalkEnd::Fault(Fault { what, skip: None }));
    if len < BLOCK_BYTES_MIN || !len.is_multiple_of(4) {
        return fault("has a length that no block has");
    }
    if len > RECORD_BYTES_MAX {
        return fault("claims to hold more than 16 MiB");
    }
    let Some((block, next)) = bytes.split_at_checked(len) else {
        return Err(WalkEnd::Need(len));
    };
    if block.last_chunk() != Some(&[a, b, c, d]) {
        return fault("has two lengths that differ");
    }
    Ok((block, next))
}
