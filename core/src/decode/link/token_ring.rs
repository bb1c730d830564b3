//! Token Ring (IEEE 802.5; `LINKTYPE_IEEE802_5`).
//!
//! ```text
//! | access control 1 | frame control 1 | destination 6 | source 6 | (routing) | LLC
//! ```

use super::{LLC, Link};
use crate::decode::{DecodeEnd, Next, Opened, Slice};

pub(super) static LINK: Link = Link { name: "Token Ring", types: &[6], open };

fn open(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    const SHORT: &str = "token_ring.header_too_short";
    let [_, control, _, _, _, _, _, _, source, ..]: [u8; 14] = part.array(0, SHORT)?;
    // The top bit of the source says that routing information follows, whose first byte has its
    // length in the low five bits.
    let routing = if source & 0x80 == 0 { 0 } else { usize::from(part.u8(14, SHORT)? & 0x1f) };
    // 00 is for MAC frames, 01 for LLC.
    let next = if control >> 6 == 1 { Next::Link(LLC) } else { Next::Nothing };
    Ok(Opened::new(next, part.after(routing.saturating_add(14))))
}

#[cfg(test)]
mod tests {
    use crate::decode::tests::support::{NOTHING, opens, snap, stops, v4, v6};

    #[test]
    fn leads_to_the_datagram() {
        opens(6, &[&[0x10, 0x40], &[2; 12][..], &snap(0x0800, &v4())].concat());
        let routed =
            [&[0x10, 0x40, 2, 2, 2, 2, 2, 2, 0x82, 2, 2, 2, 2, 2], &[6, 0x30][..], &[7; 4]];
        opens(6, &[&routed.concat()[..], &snap(0x86dd, &v6())].concat());
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(stops(6, &[0x10; 13]), ["token_ring.header_too_short"]);
        assert_eq!(stops(6, &[0x90; 14]), ["token_ring.header_too_short"]);
        assert_eq!(stops(6, &[0; 40]), NOTHING);
    }
}
