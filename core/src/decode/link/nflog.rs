//! Linux' netfilter log (`LINKTYPE_NFLOG`): attributes, one of which is the packet.
//!
//! ```text
//! | family 1: 2 IPv4, 10 IPv6 | version 1: 0 | group 2 | attributes: length 2, type 2, value ...
//! ```
//!
//! Lengths count their own four bytes and are in the byte order of the machine that captured, which
//! a frame does not know: it is told by the types, all of which are small. Values are padded to four
//! bytes.

use super::Link;
use crate::decode::{DecodeEnd, Next, Opened, Slice};
use crate::wire;

pub(super) static LINK: Link = Link { name: "Linux netfilter log", types: &[239], open };

/// `NFULA_PAYLOAD` of linux/netfilter/nfnetlink_log.h.
const PAYLOAD: u16 = 9;

/// Attributes looked through; there are less than twenty kinds.
const ATTRIBUTES_MAX: usize = 64;

fn open(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    const SHORT: &str = "nflog.header_too_short";
    let [family, version] = part.array(0, SHORT)?;
    if version != 0 {
        return Err(part.stop("nflog.version_unknown"));
    }
    let mut rest = part.after(4);
    for _ in 0..ATTRIBUTES_MAX {
        if rest.wire_len == 0 {
            break;
        }
        let little = rest.le16(2, SHORT)?;
        let (kind, len) = if little < 0x100 {
            (little, wire::le16(rest.bytes, 0))
        } else {
            (rest.be16(2, SHORT)?, wire::be16(rest.bytes, 0))
        };
        let len = len.map_or(0, usize::from);
        if len < 4 {
            return Err(rest.stop("nflog.attribute_malformed"));
        }
        if kind == PAYLOAD {
            let next = if matches!(family, 2 | 10) { Next::Ip } else { Next::Nothing };
            return Ok(Opened::new(next, rest.limited(len).after(4)));
        }
        rest = rest.after(len.next_multiple_of(4));
    }
    Ok(Opened::new(Next::Nothing, part))
}

#[cfg(test)]
mod tests {
    use crate::decode::tests::support::{NOTHING, opens, stops, v4, v6};

    fn log(family: u8, packet: &[u8], order: fn(u16) -> [u8; 2]) -> Vec<u8> {
        let len = u16::try_from(packet.len() + 4).unwrap();
        let mut bytes = vec![family, 0, 0, 5];
        bytes.extend([order(8), order(1), [8, 0], [1, 0]].concat());
        bytes.extend([order(5), order(10), [0, 0], [0, 0]].concat());
        bytes.extend([order(len), order(9)].concat());
        bytes.extend(packet);
        bytes
    }

    #[test]
    fn leads_to_the_datagram() {
        opens(239, &log(2, &v4(), u16::to_le_bytes));
        opens(239, &log(10, &v6(), u16::to_be_bytes));
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(stops(239, &[2]), ["nflog.header_too_short"]);
        assert_eq!(stops(239, &[2, 1, 0, 0]), ["nflog.version_unknown"]);
        assert_eq!(stops(239, &[2, 0, 0, 0, 3, 0, 1, 0]), ["nflog.attribute_malformed"]);
        assert_eq!(stops(239, &[2, 0, 0, 0, 8, 0, 1]), ["nflog.header_too_short"]);
        assert_eq!(stops(239, &[2, 0, 0, 0]), NOTHING);
    }
}
