//! 802.11 behind the Prism header (`LINKTYPE_IEEE802_11_PRISM`), in the byte order of the machine that
//! captured. Some drivers put the AVS header or no header at all in its place.
//!
//! ```text
//! | message 4: 0x41 or 0x44 | length of the header 4 | device 16 | values ... | 802.11
//! ```

use super::{Link, WIFI, avs};
use crate::decode::{DecodeEnd, Next, Opened, Slice};
use crate::wire;

pub(super) static LINK: Link = Link { name: "802.11 with Prism header", types: &[119], open };

const SHORT: &str = "prism.header_too_short";

fn open(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    if avs::is_avs(part.bytes) {
        return avs::open(part);
    }
    let message = part.array(0, SHORT)?;
    let len = match message {
        [0x41 | 0x44, 0, 0, 0] => part.le32(4, SHORT)?,
        [0, 0, 0, 0x41 | 0x44] => part.be32(4, SHORT)?,
        _ => return Ok(Opened::new(Next::Link(WIFI), part)),
    };
    let len = wire::index(len);
    if !(24..=part.wire_len).contains(&len) {
        return Err(part.stop("prism.length_invalid"));
    }
    Ok(Opened::new(Next::Link(WIFI), part.after(len)))
}

#[cfg(test)]
mod tests {
    use crate::decode::tests::support::{opens, stops, wifi};

    #[test]
    fn leads_to_the_datagram() {
        let little = [&[0x44, 0, 0, 0, 144, 0, 0, 0][..], &[0; 136]].concat();
        opens(119, &[little, wifi()].concat());
        let big = [&[0, 0, 0, 0x41, 0, 0, 0, 24][..], &[0; 16]].concat();
        opens(119, &[big, wifi()].concat());
        let avs = [0x80, 0x21, 0x10, 0x02, 0, 0, 0, 8];
        opens(119, &[&avs, &wifi()[..]].concat());
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(stops(119, &[0x44, 0, 0]), ["prism.header_too_short"]);
        assert_eq!(stops(119, &[0x44, 0, 0, 0, 9, 0, 0, 0]), ["prism.length_invalid"]);
    }
}
