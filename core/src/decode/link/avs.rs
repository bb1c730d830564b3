//! 802.11 behind the AVS capture header (`LINKTYPE_IEEE802_11_AVS`), big-endian.
//!
//! ```text
//! | version 4: 0x80211001 or 0x80211002 | length of the header 4 | ... | 802.11
//! ```

use super::{Link, WIFI};
use crate::decode::{DecodeEnd, Next, Opened, Slice};
use crate::wire;

pub(super) static LINK: Link = Link { name: "802.11 with AVS header", types: &[163], open };

pub(super) fn is_avs(bytes: &[u8]) -> bool {
    matches!(wire::be32(bytes, 0), Some(0x8021_1001 | 0x8021_1002))
}

pub(super) fn open(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    let len = wire::index(part.be32(4, "avs.header_too_short")?);
    if !is_avs(part.bytes) || !(8..=part.wire_len).contains(&len) {
        return Err(part.stop("avs.header_malformed"));
    }
    Ok(Opened::new(Next::Link(WIFI), part.after(len)))
}

#[cfg(test)]
mod tests {
    use crate::decode::tests::support::{opens, stops, wifi};

    #[test]
    fn leads_to_the_datagram() {
        let header = [&[0x80, 0x21, 0x10, 0x01, 0, 0, 0, 64][..], &[0; 56]].concat();
        opens(163, &[header, wifi()].concat());
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(stops(163, &[0x80, 0x21, 0x10]), ["avs.header_too_short"]);
        assert_eq!(stops(163, &[0x80, 0x21, 0x10, 1, 0, 0, 0, 4]), ["avs.header_malformed"]);
        assert_eq!(stops(163, &[0x80, 0x21, 0x10, 9, 0, 0, 0, 8]), ["avs.header_malformed"]);
    }
}
