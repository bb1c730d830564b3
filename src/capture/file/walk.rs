//! What the formats have in common: they walk over buffered bytes and lend the frames in them.

use crate::capture::Sink;
use portstory_core::{LinkType, SourceId, Timestamp};

/// The largest record or block that is believed, in bytes. Real captures stay below 1 MiB (the
/// largest offloaded segments); what a file says of its own snap length is not believed at all.
pub(super) const RECORD_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Which frames are wanted, and who takes them.
pub(super) struct Ask<'a> {
    /// Named in every frame.
    pub(super) source: SourceId,
    /// At most so many frames. With none the walk goes up to the next frame and tells its time.
    pub(super) budget: usize,
    /// Only frames up to this time; the first later one ends the walk.
    pub(super) until: Timestamp,
    /// Keeps what was seen of the capture.
    pub(super) seen: &'a mut Seen,
    /// Takes the frames.
    pub(super) sink: &'a mut Sink<'a>,
}

/// What is known of a capture by the frames that were handed over.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) frames: u64,
    /// Their link types, in order of appearance.
    pub(super) links: Vec<LinkType>,
    /// Frames dropped by the system and by the interfaces, as far as the file told.
    pub(super) dropped: (u64, u64),
    /// Whether there are frames without a time, before any that has one.
    pub(super) untimed: bool,
}

impl Seen {
    /// A frame of this link type was handed over.
    pub(super) fn note_link(&mut self, link: LinkType) {
        if !self.links.contains(&link) {
            self.links.push(link);
        }
    }
}

/// How far a walk came.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Walk {
    /// Bytes that are done with, counted from the start of those that were shown.
    pub(super) consumed: usize,
    /// Frames handed over.
    pub(super) frames: usize,
    /// Why it ended there.
    pub(super) stop: WalkEnd,
}

/// Why a walk ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum WalkEnd {
    /// The budget is used up.
    Budget,
    /// The next frame was not wanted yet; it has this time.
    Next(Timestamp),
    /// The next record needs at least so many bytes, which are not there.
    Need(usize),
    /// Nothing but zeros stands here.
    Zeros,
    /// Another capture file begins here.
    Another,
    /// What stands here is no sound record.
    Fault(Fault),
}

/// What is wrong with a record.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// The rest of a sentence that begins "the record at byte 24 ...".
    pub(super) what: &'static str,
    /// Bytes to skip to the next record, where that is certain.
    pub(super) skip: Option<usize>,
}

/// The link type as the registry numbers it.
///
/// draft-ietf-opsawg-pcaplinktype: 12 and 14 are `DLT_RAW` of different systems, which some programs
/// write as they are; the registered value for raw IP is 101.
pub(super) fn link_type(number: u16) -> LinkType {
    match number {
        12 | 14 => LinkType(101),
        other => LinkType(other),
    }
}

/// A 32-bit number in the byte order of the file.
pub(super) fn number_32<const BIG: bool>(bytes: [u8; 4]) -> u32 {
    if BIG { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
}

/// A 16-bit number in the byte order of the file.
pub(super) fn number_16<const BIG: bool>(bytes: [u8; 2]) -> u16 {
    if BIG { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }
}

/// A 64-bit number in the byte order of the file.
pub(super) fn number_64<const BIG: bool>(bytes: [u8; 8]) -> u64 {
    if BIG { u64::from_be_bytes(bytes) } else { u64::from_le_bytes(bytes) }
}
