//! ARCNET, as BSD (`LINKTYPE_ARCNET_BSD`) and Linux (`LINKTYPE_ARCNET_LINUX`) capture it; Linux has two
//! bytes more, which mean nothing.
//!
//! ```text
//! | source 1 | destination 1 | (offset 2) | protocol 1 | split flag 1, sequence 2: RFC 1201 | ...
//! ```

use super::Link;
use crate::decode::{DecodeEnd, Next, Opened, Slice};

pub(super) static BSD: Link =
    Link { name: "ARCNET (BSD)", types: &[7], open: |part| open(part, 2) };
pub(super) static LINUX: Link =
    Link { name: "ARCNET (Linux)", types: &[129], open: |part| open(part, 4) };

const SHORT: &str = "arcnet.header_too_short";

fn open(part: Slice<'_>, at: usize) -> Result<Opened<'_>, DecodeEnd> {
    let protocol = part.u8(at, SHORT)?;
    match protocol {
        // RFC 1051 section 2: nothing stands between this byte and the packet.
        240 => Ok(Opened::new(Next::Ip, part.after(at.saturating_add(1)))),
        // RFC 1201 section 2.1 for IPv4, RFC 2497 section 2 for IPv6.
        212 | 196 => rfc_1201(part.after(at.saturating_add(1))),
        _ => Ok(Opened::new(Next::Nothing, part)),
    }
}

fn rfc_1201(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    // RFC 1201 section 2.2: the first and only fragment has 0, the first of several an odd number.
    match part.u8(0, SHORT)? {
        0 => Ok(Opened::new(Next::Ip, part.after(3))),
        // An exception packet: padding, then the same header once more.
        0xff => Ok(Opened::new(Next::Ip, part.after(7))),
        _ => Err(part.stop("arcnet.fragment")),
    }
}

#[cfg(test)]
mod tests {
    use crate::decode::tests::support::{NOTHING, opens, stops, v4, v6};

    #[test]
    fn leads_to_the_datagram() {
        opens(129, &[&[1, 2, 0, 0, 240], &v4()[..]].concat());
        opens(129, &[&[1, 2, 0, 0, 212, 0, 0, 7], &v4()[..]].concat());
        opens(7, &[&[1, 2, 196, 0, 0, 7], &v6()[..]].concat());
        opens(7, &[&[1, 2, 212, 0xff, 0xff, 0xff, 0xff, 0, 0, 7], &v4()[..]].concat());
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(stops(7, &[1, 2]), ["arcnet.header_too_short"]);
        assert_eq!(stops(7, &[1, 2, 212, 3, 0, 7]), ["arcnet.fragment"]);
        // ARP.
        assert_eq!(stops(7, &[1, 2, 241, 0, 0, 0]), NOTHING);
    }
}
