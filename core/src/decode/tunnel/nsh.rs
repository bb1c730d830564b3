//! Network service header (RFC 8300 section 2.2).
//!
//! ```text
//! | version 2 bits, O, U, TTL 6, length 6 | U 4, MD type 4 | next protocol 1 | path 3, index 1 | ...
//! ```

use super::{Entry, Tunnel};
use crate::decode::link::ETHERNET;
use crate::decode::{DecodeEnd, Next, Opened, Slice};

pub(super) static TUNNEL: Tunnel =
    Tunnel { name: "nsh", entries: &[Entry::EtherType(0x894f)], open };

fn open(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    const SHORT: &str = "nsh.header_too_short";
    let (first, next) = (part.be16(0, SHORT)?, part.u8(3, SHORT)?);
    let len = usize::from(first & 0x3f).saturating_mul(4);
    if first >> 14 != 0 || len < 8 {
        return Err(part.stop("nsh.header_malformed"));
    }
    Ok(Opened::new(next_protocol(next), part.after(len)).in_tunnel(TUNNEL.name, None))
}

/// IANA's next protocols of NSH, which VXLAN-GPE shares.
pub(super) const fn next_protocol(number: u8) -> Next {
    match number {
        1 | 2 => Next::Ip,
        3 => Next::Link(ETHERNET),
        4 => Next::EtherType(0x894f),
        5 => Next::EtherType(0x8847),
        _ => Next::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use crate::decode::tests::support::{ethernet, opens, path, stops, v4, v6};

    #[test]
    fn leads_to_the_datagram() {
        let short = [0x0f, 0xc2, 2, 1, 0, 0, 9, 255];
        let bytes = ethernet(0x894f, &[&short, &v4()[..]].concat());
        opens(1, &bytes);
        assert_eq!(path(1, &bytes), (vec![], vec![("nsh", None)]));
        let long = [&[0x0f, 0xc6, 1, 3, 0, 0, 9, 255], &[0; 16][..]].concat();
        opens(1, &ethernet(0x894f, &[long, ethernet(0x86dd, &v6())].concat()));
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(stops(1, &ethernet(0x894f, &[0x0f, 0xc2, 2])), ["nsh.header_too_short"]);
        assert_eq!(stops(1, &ethernet(0x894f, &[0x0f, 0xc1, 2, 1])), ["nsh.header_malformed"]);
        assert_eq!(stops(1, &ethernet(0x894f, &[0x4f, 0xc2, 2, 1])), ["nsh.header_malformed"]);
    }
}
