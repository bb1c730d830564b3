//! 802.11 behind radiotap (radiotap.org; `LINKTYPE_IEEE802_11_RADIOTAP`), little-endian.
//!
//! ```text
//! | version 1: 0 | padding 1 | length of the header 2 | which fields 4 | ... | 802.11
//! ```

use super::{Link, WIFI};
use crate::decode::{DecodeEnd, Next, Opened, Slice};

pub(super) static LINK: Link = Link { name: "802.11 with radiotap", types: &[127], open };

fn open(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    let [version, _, len_a, len_b] = part.array(0, "radiotap.header_too_short")?;
    let len = usize::from(u16::from_le_bytes([len_a, len_b]));
    if version != 0 || !(8..=part.wire_len).contains(&len) {
        return Err(part.stop("radiotap.header_malformed"));
    }
    Ok(Opened::new(Next::Link(WIFI), part.after(len)))
}

#[cfg(test)]
mod tests {
    use crate::decode::tests::support::{opens, stops, wifi};

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
