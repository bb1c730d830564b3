//! macOS' pktap (`LINKTYPE_PKTAP`): interface, process and link type of each packet, little-endian.
//!
//! ```text
//! version 1 | length 4 | record type 4 | DLT 4 | name 24 | flags 4 | ...
//! version 2 | length 1 | offsets 5 | DLT 2 | ... flags 4, in the same place
//! ```

use super::Link;
use crate::decode::{DecodeEnd, Next, Opened, Slice};
use crate::frame::LinkType;
use crate::net::Layer;
use crate::wire;

pub(super) static LINK: Link = Link { name: "macOS pktap", types: &[258], open };

const FLAGS_AT: usize = 36;
const VERSION_2: u32 = 0x0008_0000;
/// Record type of a header with a packet behind it.
const PACKET: u32 = 1;

fn open(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    let too_short = || part.too_short(Layer::Link, "pktap.header_too_short");
    let flags = wire::le32(part.bytes, FLAGS_AT).ok_or_else(too_short)?;
    let (len, dlt) = if flags & VERSION_2 != 0 {
        let len = wire::u8_at(part.bytes, 0).map(usize::from);
        (len, wire::le16(part.bytes, 6).map(u32::from))
    } else {
        if wire::le32(part.bytes, 4) != Some(PACKET) {
            return Ok(Opened::new(Next::Nothing, part));
        }
        (wire::le32(part.bytes, 0).map(wire::index), wire::le32(part.bytes, 8))
    };
    let (len, dlt) = (len.ok_or_else(too_short)?, dlt.ok_or_else(too_short)?);
    if len < FLAGS_AT.saturating_add(4) || len > part.wire_len {
        return Err(part.stop(Layer::Link, "pktap.length_invalid"));
    }
    // macOS numbers raw IP 12, which is how LINKS knows it too.
    let link = LinkType(u16::try_from(dlt).unwrap_or(u16::MAX));
    Ok(Opened::new(Next::Link(link), part.after(len)))
}

#[cfg(test)]
mod tests {
    use crate::decode::testing::{NOTHING, ethernet, opens, stops, v4, v6};

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
