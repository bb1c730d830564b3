//! What stands where a record is due and is none: zeros, and the beginning of another file.
//!
//! Zeros are what a crash or a full disk leaves of what was still to be written. A second capture behind the
//! first is what `cat` makes of two. Both are looked for only where a record or block cannot be right. It does no
//! I/O.

use super::format_hint;
use super::pcap::{self, Header, Pcap};
use super::pcapng;
use super::walk::WalkEnd;
use portstory_core::internal::wire;

/// As many zeros as no record of either format begins with.
const ZEROS: [u8; 16] = [0; 16];

/// What `bytes` begin with instead of a record, if it is one of these.
pub(super) fn look(bytes: &[u8]) -> Option<WalkEnd> {
    if bytes.first_chunk() == Some(&ZEROS) {
        return Some(WalkEnd::Zeros);
    }
    if pcap::is_magic(bytes) && bytes.len() < pcap::HEADER_BYTES {
        return Some(WalkEnd::Need(pcap::HEADER_BYTES));
    }
    begins_file(bytes).then_some(WalkEnd::Another)
}

/// Whether a capture file begins here.
pub(super) fn begins_file(bytes: &[u8]) -> bool {
    pcap_header(bytes).is_some()
        || (format_hint::starts_as_section(bytes)
            && wire::array(bytes, 8).and_then(pcapng::byte_order).is_some())
}

/// The pcap file that begins here.
pub(super) fn pcap_header(bytes: &[u8]) -> Option<Pcap> {
    match bytes.first_chunk().and_then(Pcap::header)? {
        Header::Sound(pcap) => Some(pcap),
        Header::Version(..) => None,
    }
}
