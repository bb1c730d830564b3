//! Link types, one file each. Numbers are those of <https://www.tcpdump.org/linktypes.html>.
//!
//! A new one is its file, its `mod` line and its line in [`LINKS`]. What is not opened is named by
//! [`fn@unopened`].

use super::{DecodeEnd, Opened, Slice};
use crate::frame::{Frame, LinkType};
use crate::wire;

mod arcnet;
mod atm;
mod avs;
mod chdlc;
mod docsis;
mod dsa;
mod enc;
mod erf;
pub(super) mod ethernet;
mod fddi;
mod frame_relay;
mod ip_over_fc;
mod ipnet;
mod ipoib;
mod llc;
mod mpls;
mod nflog;
mod null;
mod pktap;
mod ppi;
mod ppp;
mod prism;
mod radiotap;
mod raw;
mod slip;
mod sll;
mod sll2;
mod token_ring;
mod unopened;
pub(super) mod wifi;

pub(crate) use unopened::unopened;

/// A link type that can be opened.
#[derive(Debug)]
pub struct Link {
    /// Its name, for people.
    pub name: &'static str,
    /// The `LINKTYPE_` values that have this header.
    pub types: &'static [u16],
    /// Opens the header.
    pub open: for<'a> fn(Slice<'a>) -> Result<Opened<'a>, DecodeEnd>,
}

/// All link types that can be opened.
pub static LINKS: &[&Link] = &[
    &arcnet::BSD,
    &arcnet::LINUX,
    &atm::LINK,
    &avs::LINK,
    &chdlc::LINK,
    &chdlc::WITH_DIRECTION,
    &docsis::LINK,
    &dsa::BEFORE,
    &dsa::LONG,
    &dsa::SHORT,
    &enc::ENC,
    &enc::PFLOG,
    &erf::LINK,
    &ethernet::LINK,
    &ethernet::NETANALYZER,
    &ethernet::NETANALYZER_TRANSPARENT,
    &fddi::LINK,
    &frame_relay::BUNDLE,
    &frame_relay::LINK,
    &frame_relay::WITH_DIRECTION,
    &ip_over_fc::LINK,
    &ipnet::LINK,
    &ipoib::LINK,
    &llc::CLIP,
    &llc::LINK,
    &mpls::LINK,
    &nflog::LINK,
    &null::LOOP,
    &null::NULL,
    &pktap::LINK,
    &ppi::LINK,
    &ppp::LINK,
    &ppp::OVER_ETHERNET,
    &ppp::PPPD,
    &ppp::WITH_DIRECTION,
    &prism::LINK,
    &radiotap::LINK,
    &raw::LINK,
    &slip::LINK,
    &sll2::LINK,
    &sll::LINK,
    &token_ring::LINK,
    &wifi::LINK,
];

// Frames that others carry.
pub(super) const ETHERNET: LinkType = LinkType(1);
pub(super) const PPP: LinkType = LinkType(9);
pub(super) const LLC: LinkType = LinkType(100);
pub(super) const WIFI: LinkType = LinkType(105);
pub(super) const FRAME_RELAY: LinkType = LinkType(107);
pub(super) const PRISM: LinkType = LinkType(119);
pub(super) const RADIOTAP: LinkType = LinkType(127);

/// The link type with this number.
pub fn find(link: LinkType) -> Option<&'static Link> {
    LINKS.iter().copied().find(|row| row.types.contains(&link.0))
}

/// A number of the link that a frame was on: that of the addresses, and of Linux' cooked captures of the
/// interface, before anything that may differ between two packets of one link. Other link types have counters,
/// times and signal strengths there: all their frames are of one link.
pub(super) fn number(frame: &Frame<'_>) -> u64 {
    let bytes = match frame.link.0 {
        1 | 113 => wire::prefix(frame.bytes, 12),
        276 => wire::prefix(wire::rest(frame.bytes, 4), 14),
        _ => &[],
    };
    wire::digest(0, u64::from(frame.link.0), bytes)
}

/// Opens a frame of this link type.
pub(super) fn open(link: LinkType, part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    // Nearly always, and the first to be asked for it.
    if link == ETHERNET {
        return (ethernet::LINK.open)(part);
    }
    match find(link) {
        Some(row) => (row.open)(part),
        None => Err(part.stop(unopened(link))),
    }
}
