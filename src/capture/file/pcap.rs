//! The classic capture file: a header, then records.
//!
//! Walks records in place (draft-ietf-opsawg-pcap), in either byte order, with micro- or nanoseconds,
//! and the variants that libpcap still reads. It does no I/O, and believes neither the snap length
//! nor that the captured length is at most the original one.

use super::beside;
use super::walk::{Ask, Fault, RECORD_BYTES_MAX, Walk, WalkEnd, link_type, number_16, number_32};
use portstory_core::internal::time::NANOS_PER_SECOND;
use portstory_core::internal::wire::{index, len32};
use portstory_core::{Frame, FrameRef, LinkType, Timestamp};

/// Bytes of the file's header.
pub(super) const HEADER_BYTES: usize = 24;

/// Bytes of a record's header, without what variants add.
const RECORD_HEADER_BYTES: usize = 16;

/// A classic capture file: what its header says.
#[derive(Debug)]
pub(super) struct Pcap {
    big: bool,
    link: LinkType,
    /// Nanoseconds in a unit of the record's fraction field.
    fraction_nanos: i64,
    /// Bytes that stand between a record's header and its data.
    extra_bytes: usize,
    lengths: Lengths,
}

/// In which order the two lengths of a record stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lengths {
    CapturedFirst,
    OriginalFirst,
    /// Version 2.3 was written both ways; the captured length is the smaller.
    Either,
}

/// What a header that starts like a pcap file's turned out to be.
#[derive(Debug)]
pub(super) enum Header {
    /// A capture that can be read.
    Sound(Pcap),
    /// Its version, which nothing known writes.
    Version(u16, u16),
}

impl Pcap {
    /// What these first bytes of a file say, if they are a pcap file's header.
    pub(super) fn header(bytes: &[u8; HEADER_BYTES]) -> Option<Header> {
        let (words, _) = bytes.as_chunks::<4>();
        let [magic, version, _zone, _figures, _snap, link] = words else { return None };
        let (big, fraction_nanos, extra_bytes) = variant(*magic)?;
        let (version, link) = if big {
            (halves::<true>(*version), number_32::<true>(*link))
        } else {
            (halves::<false>(*version), number_32::<false>(*link))
        };
        let lengths = match version {
            (2, 0..=2) | (543, 0) => Lengths::OriginalFirst,
            (2, 3) => Lengths::Either,
            (2, _) => Lengths::CapturedFirst,
            (major, minor) => return Some(Header::Version(major, minor)),
        };
        // Section 4: the lower 16 bits are the link type, above them stands the length of a frame
        // check sequence.
        let link = link_type(u16::try_from(link & 0xffff).unwrap_or_default());
        Some(Header::Sound(Self { big, link, fraction_nanos, extra_bytes, lengths }))
    }

    /// The link type of every frame, by the header.
    pub(super) fn link(&self) -> LinkType {
        self.link
    }

    /// Hands over the frames in `bytes`, which begin with a record.
    pub(super) fn walk(&self, bytes: &[u8], ask: &mut Ask<'_>) -> Walk {
        if self.big { self.records::<true>(bytes, ask) } else { self.records::<false>(bytes, ask) }
    }

    fn records<const BIG: bool>(&self, octets: &[u8], ask: &mut Ask<'_>) -> Walk {
        let header_bytes = RECORD_HEADER_BYTES + self.extra_bytes;
        let mut rest = octets;
        let mut frames = 0;
        let stop = loop {
            if frames == ask.budget && frames > 0 {
                break WalkEnd::Budget;
            }
            let Some((header, after)) = rest.split_first_chunk::<RECORD_HEADER_BYTES>() else {
                break WalkEnd::Need(header_bytes);
            };
            // Section 5: seconds, fraction, captured length, original length.
            let ([seconds, fraction, captured, original], _) = header.as_chunks::<4>() else {
                break WalkEnd::Need(header_bytes);
            };
            let (captured, original) =
                self.in_order(number_32::<BIG>(*captured), number_32::<BIG>(*original));
            let captured_bytes = index(captured);
            if (captured == 0 || captured_bytes > RECORD_BYTES_MAX)
                && let Some(end) = beside::look(rest)
            {
                break end;
            }
            if captured_bytes > RECORD_BYTES_MAX {
                break WalkEnd::Fault(Fault {
                    what: "claims to hold more than 16 MiB",
                    skip: None,
                });
            }
            let Some((bytes, next)) = after
                .get(self.extra_bytes..)
                .and_then(|data| data.split_at_checked(captured_bytes))
            else {
                break WalkEnd::Need(header_bytes + captured_bytes);
            };
            // Two 32-bit numbers: 2^32 seconds and 2^32 microseconds fit with room to spare.
            let time = Timestamp::from_nanos(
                i64::from(number_32::<BIG>(*seconds)) * NANOS_PER_SECOND
                    + i64::from(number_32::<BIG>(*fraction)) * self.fraction_nanos,
            );
            if time > ask.until || ask.budget == 0 {
                break WalkEnd::Next(time);
            }
            frames += 1;
            ask.seen.frames += 1;
            (ask.sink)(&Frame {
                at: FrameRef { time, source: ask.source, number: ask.seen.frames },
                link: self.link,
                wire_len: original.max(len32(bytes.len())),
                bytes,
            });
            rest = next;
        };
        if frames > 0 {
            ask.seen.note_link(self.link);
        }
        Walk { consumed: octets.len() - rest.len(), frames, stop }
    }

    fn in_order(&self, first: u32, second: u32) -> (u32, u32) {
        match self.lengths {
            Lengths::CapturedFirst => (first, second),
            Lengths::Either if first <= second => (first, second),
            Lengths::Either | Lengths::OriginalFirst => (second, first),
        }
    }
}

/// What a magic number tells (section 4, and libpcap for the last two): whether the file is big-endian, the
/// unit of its fractions, and the bytes between a record's header and its data.
fn variant(magic: [u8; 4]) -> Option<(bool, i64, usize)> {
    match u32::from_be_bytes(magic) {
        0xa1b2_c3d4 => Some((true, 1000, 0)),
        0xd4c3_b2a1 => Some((false, 1000, 0)),
        0xa1b2_3c4d => Some((true, 1, 0)),
        0x4d3c_b2a1 => Some((false, 1, 0)),
        // Alexey Kuznetzov's libpcap of old Linux distributions: interface, protocol and packet type
        // follow the lengths.
        0xa1b2_cd34 => Some((true, 1000, 8)),
        0x34cd_b2a1 => Some((false, 1000, 8)),
        _ => None,
    }
}

/// Whether a file that starts with these bytes wants to be a pcap file.
pub(super) fn is_magic(bytes: &[u8]) -> bool {
    bytes.first_chunk().copied().and_then(variant).is_some()
}

fn halves<const BIG: bool>([a, b, c, d]: [u8; 4]) -> (u16, u16) {
    (number_16::<BIG>([a, b]), number_16::<BIG>([c, d]))
}
