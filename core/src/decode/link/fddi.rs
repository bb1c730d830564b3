//! FDDI (ANSI X3.139; `LINKTYPE_FDDI`).
//!
//! ```text
//! | frame control 1 | destination 6 | source 6 | LLC
//! ```

use super::{LLC, Link};
use crate::decode::{DecodeEnd, Next, Opened, Slice};

pub(super) static LINK: Link = Link { name: "FDDI", types: &[10], open };

fn open(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    let [control, ..]: [u8; 13] = part.array(0, "fddi.header_too_short")?;
    // Class, address length, then 01 for an LLC frame; the rest is priority.
    let next = if control & 0x30 == 0x10 { Next::Link(LLC) } else { Next::Nothing };
    Ok(Opened::new(next, part.after(13)))
}

#[cfg(test)]
mod tests {
    use crate::decode::tests::support::{NOTHING, opens, snap, stops, v4, v6};

    #[test]
    fn leads_to_the_datagram() {
        opens(10, &[&[0x50], &[2; 12][..], &snap(0x0800, &v4())].concat());
        opens(10, &[&[0x57], &[2; 12][..], &snap(0x86dd, &v6())].concat());
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(stops(10, &[0x50; 12]), ["fddi.header_too_short"]);
        // Station management.
        assert_eq!(stops(10, &[0x41; 40]), NOTHING);
    }
}
