//! Per-packet information (`LINKTYPE_PPI`): fields of radio and GPS, then a frame of another link
//! type. Little-endian.
//!
//! ```text
//! | version 1: 0 | flags 1 | length of the header 2 | link type 4 | fields ... | frame
//! ```

use super::Link;
use crate::decode::{DecodeEnd, Next, Opened, Slice};
use crate::frame::LinkType;

pub(super) static LINK: Link = Link { name: "per-packet information", types: &[192], open };

const SHORT: &str = "ppi.header_too_short";

fn open(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    let link = part.le32(4, SHORT)?;
    let (version, len) = (part.u8(0, SHORT)?, usize::from(part.le16(2, SHORT)?));
    if version != 0 || !(8..=part.wire_len).contains(&len) {
        return Err(part.stop("ppi.header_malformed"));
    }
    let link = LinkType(u16::try_from(link).unwrap_or(u16::MAX));
    Ok(Opened::new(Next::Link(link), part.after(len)))
}

#[cfg(test)]
mod tests {
    use crate::decode::tests::support::{ethernet, opens, stops, v4, wifi};

    #[test]
    fn leads_to_the_datagram() {
        opens(192, &[&[0, 0, 8, 0, 105, 0, 0, 0], &wifi()[..]].concat());
        let fields = [0, 0, 12, 0, 1, 0, 0, 0, 0, 0, 0, 0];
        opens(192, &[&fields, &ethernet(0x0800, &v4())[..]].concat());
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(stops(192, &[0; 7]), ["ppi.header_too_short"]);
        assert_eq!(stops(192, &[0, 0, 4, 0, 1, 0, 0, 0]), ["ppi.header_malformed"]);
        assert_eq!(stops(192, &[1, 0, 8, 0, 1, 0, 0, 0]), ["ppi.header_malformed"]);
    }
}
