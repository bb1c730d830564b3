//! Raw IP (`LINKTYPE_RAW`, `LINKTYPE_IPV4`, `LINKTYPE_IPV6`): the frame is the packet.

use super::Link;
use crate::decode::{Halt, Next, Opened, Part};

// 12 and 14 are what DLT_RAW is on most systems and on OpenBSD; some programs write them to files.
pub(super) static LINK: Link = Link { name: "raw IP", types: &[101, 228, 229, 12, 14], open };

fn open(part: Part<'_>) -> Result<Opened<'_>, Halt> {
    Ok(Opened { next: Next::Ip, rest: part, adds: None })
}
