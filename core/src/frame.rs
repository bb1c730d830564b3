//! One captured frame, as a source hands it over: borrowed bytes and what the capture says of them.

use crate::time::Timestamp;

/// Which capture file or interface a frame came from: an index into the source's own list of names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub u32);

/// A link type as capture files number it: the `LINKTYPE_` values of
/// <https://www.tcpdump.org/linktypes.html>. libpcap's own `DLT_` numbers differ by platform and are
/// mapped to these where a handle is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkType(pub u16);

/// Names one frame so that a person can find it again: in Wireshark by its number in the file, live
/// by its time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FrameRef {
    /// When the frame was captured.
    pub time: Timestamp,
    /// Where it came from.
    pub source: SourceId,
    /// Its number within that source, counted from 1 as Wireshark does.
    pub number: u64,
}

/// A captured frame. It borrows from the source's buffer and is gone when the next one is read.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Time, source and number.
    pub at: FrameRef,
    /// What the first bytes are.
    pub link: LinkType,
    /// Length on the wire in bytes; more than `bytes.len()` where the snap length cut it.
    pub wire_len: u32,
    /// The bytes that were captured.
    pub bytes: &'a [u8],
}
