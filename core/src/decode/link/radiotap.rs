//! 802.11 behind radiotap (radiotap.org; `LINKTYPE_IEEE802_11_RADIOTAP`), little-endian.
//!
//! ```text
//! | version 1: 0 | padding 1 | length of the header 2 | which fields 4 | ... | 802.11
//! ```

use super::{Link, WIFI};
use crate::decode::{DecodeEnd, Next, Opened, Slice};
use crate::net::Layer;
use crate::wire;

pub(super) static LINK: Link = Link { name: "802.11 with radiotap", types: &[127], open };

fn open(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    let (Some(version), Some(len)) = (wire::u8_at(part.bytes, 0), wire::le16(part.bytes, 2)) else {
        return Err(part.too_short(Layer::Link, "radiotap.header_too_short"));
    };
    let len = usize::from(len);
    if version != 0 || !(8..=part.wire_len).contains(&len) {
        return Err(part.stop(Layer::Link, "radiotap.header_malformed"));
    }
    Ok(Opened::new(Next::Link(WIFI), part.after(len)))
}

#[cfg(test)]
mod tests {
    use crate::decode::testing::{opens, stops, wifi};

    #[test]
    fn leads_to_the_datagram() {
        opens(127, &[&[0, 0, 8, 0, 0, 0, 0, 0], &wifi()[..]].concat());
        opens(127, &[&[0, 0, 9, 0, 2, 0, 0, 0, 0x10], &wifi()[..], &[1, 2, 3, 4]].concat());
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(stops(127, &[0, 0, 8]), ["radiotap.header_too_short"]);
        assert_eq!(stops(127, &[0, 0, 7, 0, 0, 0, 0, 0]), ["radiotap.header_malformed"]);
        assert_eq!(stops(127, &[1, 0, 8, 0, 0, 0, 0, 0]), ["radiotap.header_malformed"]);
    }
}
