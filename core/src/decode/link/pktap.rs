//! macOS' pktap (`LINKTYPE_PKTAP`): interface, process and link type of each packet, little-endian.
//!
//! ```text
//! version 1 | length 4 | record type 4 | DLT 4 | name 24 | flags 4 | ...
//! version 2 | length 1 | offsets 5 | DLT 2 | ... flags 4, in the same place
//! ```

use super::Link;
use crate::decode::{DecodeEnd, Next, Opened, Slice};
use crate::frame::LinkType;
use crate::wire;

pub(super) static LINK: Link = Link { name: "macOS pktap", types: &[258], open };

const FLAGS_AT: usize = 36;
const VERSION_2: u32 = 0x0008_0000;
/// Record type of a header with a packet behind it.
const PACKET: u32 = 1;

fn open(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    const SHORT: &str = "pktap.header_too_short";
    let flags = part.le32(FLAGS_AT, SHORT)?;
    let (len, dlt) = if flags & VERSION_2 != 0 {
        (usize::from(part.u8(0, SHORT)?), u32::from(part.le16(6, SHORT)?))
    } else {
        if part.le32(4, SHORT)? != PACKET {
            return Ok(Opened::new(Next::Nothing, part));
        }
        (wire::index(part.le32(0, SHORT)?), part.le32(8, SHORT)?)
    };
    if len < FLAGS_AT.saturating_add(4) || len > part.wire_len {
        return Err(part.stop("pktap.length_invalid"));
    }
    // macOS numbers raw IP 12, which is how LINKS knows it too.
    let link = LinkType(u16::try_from(dlt).unwrap_or(u16::MAX));
    Ok(Opened::new(Next::Link(link), part.after(len)))
}

#[cfg(test)]
mod tests {
    use crate::decode::tests::support::{NOTHING, ethernet, opens, stops, v4, v6};

    fn header(words: &[(usize, u8)], len: usize) -> Vec<u8> {
        let mut header = vec![0; len];
        for &(at, byte) in words {
            header[at] = byte;
        }
        header
    }

    #[test]
    fn leads_to_the_datagram() {
        let first = header(&[(0, 108), (4, 1), (8, 1)], 108);
        opens(258, &[first, ethernet(0x0800, &v4())].concat());
        let second = header(&[(0, 60), (6, 12), (38, 8)], 60);
        opens(258, &[second, v6()].concat());
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(stops(258, &[0; 39]), ["pktap.header_too_short"]);
        assert_eq!(stops(258, &header(&[(0, 20), (4, 1)], 108)), ["pktap.length_invalid"]);
        assert_eq!(stops(258, &header(&[(0, 108), (4, 0)], 108)), NOTHING);
    }
}
