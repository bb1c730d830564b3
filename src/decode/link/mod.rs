//! Link types, one file each. Numbers are those of <https://www.tcpdump.org/linktypes.html>.
//!
//! A new one is its file, its `mod` line and its line in [`LINKS`].

use super::{Halt, Opened, Part};
use crate::event::Layer;
use crate::frame::LinkType;

mod ethernet;
mod null;
mod raw;
mod sll;
mod sll2;

/// A link type that can be opened.
#[derive(Debug)]
pub struct Link {
    /// Its name, for people.
    pub name: &'static str,
    /// The `LINKTYPE_` values that have this header.
    pub types: &'static [u16],
    /// Opens the header.
    pub open: for<'a> fn(Part<'a>) -> Result<Opened<'a>, Halt>,
}

/// All link types that can be opened.
pub static LINKS: &[&Link] =
    &[&ethernet::LINK, &null::NULL, &null::LOOP, &raw::LINK, &sll::LINK, &sll2::LINK];

/// The link type with this number.
pub fn find(link: LinkType) -> Option<&'static Link> {
    LINKS.iter().copied().find(|row| row.types.contains(&link.0))
}

/// Opens a frame of this link type.
pub(super) fn open(link: LinkType, part: Part<'_>) -> Result<Opened<'_>, Halt> {
    let Some(row) = find(link) else {
        return Err(part.stop(Layer::Link, "link_type_not_supported"));
    };
    (row.open)(part)
}
