//! Endace's extensible record format (`LINKTYPE_ERF`), big-endian but for the time.
//!
//! ```text
//! | time 8 | type 1: top bit says that extension headers follow | flags 1 | record length 2 |
//! | loss 2 | wire length 2 | extension headers 8 each, top bit as above | ...
//! ```

use super::{ETHERNET, Link, PPP};
use crate::decode::{DecodeEnd, Next, Opened, Slice};

pub(super) static LINK: Link = Link { name: "Endace ERF", types: &[197], open };

/// Extension headers that are passed over; records have one or two.
const EXTENSIONS_MAX: usize = 16;

fn open(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    const SHORT: &str = "erf.header_too_short";
    let kind = part.u8(8, SHORT)?;
    let (mut len, mut more) = (16_usize, kind & 0x80 != 0);
    for _ in 0..EXTENSIONS_MAX {
        if !more {
            break;
        }
        more = part.u8(len, SHORT)? & 0x80 != 0;
        len = len.saturating_add(8);
    }
    Ok(match kind & 0x7f {
        // Cisco HDLC or PPP, which the opener of PPP tells apart, with and without a colour.
        1 | 10 | 15 | 17 => Opened::new(Next::Link(PPP), part.after(len)),
        // Ethernet has two bytes for alignment before it.
        2 | 11 | 16 | 20 => Opened::new(Next::Link(ETHERNET), part.after(len.saturating_add(2))),
        22 | 23 => Opened::new(Next::Ip, part.after(len)),
        _ => Opened::new(Next::Nothing, part),
    })
}

#[cfg(test)]
mod tests {
    use crate::decode::tests::support::{ethernet, opens, stops, v4, v6};

    fn record(kind: u8) -> Vec<u8> {
        let mut header = vec![0; 16];
        header[8] = kind;
        header
    }

    #[test]
    fn leads_to_the_datagram() {
        opens(197, &[record(2), vec![0; 2], ethernet(0x0800, &v4())].concat());
        opens(197, &[record(0x82), vec![0; 10], ethernet(0x0800, &v4())].concat());
        opens(197, &[record(23), v6()].concat());
        opens(197, &[record(1), vec![0x0f, 0, 8, 0], v4()].concat());
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(stops(197, &[0; 8]), ["erf.header_too_short"]);
        assert_eq!(stops(197, &record(0x82)), ["erf.header_too_short"]);
    }
}
