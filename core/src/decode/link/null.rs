//! BSD loopback: an address family of four bytes, in the byte order of the machine that captured
//! (`LINKTYPE_NULL`) or big-endian (`LINKTYPE_LOOP`, OpenBSD).

use super::Link;
use crate::decode::{DecodeEnd, Next, Opened, Slice};

pub(super) static NULL: Link = Link { name: "BSD loopback", types: &[0], open };
pub(super) static LOOP: Link = Link { name: "OpenBSD loopback", types: &[108], open };

fn open(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    let family = part.be32(0, "loopback.header_too_short")?;
    // AF_INET is 2 everywhere; AF_INET6 is 24 (NetBSD, OpenBSD), 28 (FreeBSD), 30 (macOS) or 10
    // (Linux). A family fits a byte, so either byte order can be told by where the zeros are.
    let family = if family > 0xffff { family.swap_bytes() } else { family };
    let next = match family {
        2 | 10 | 24 | 28 | 30 => Next::Ip,
        _ => Next::Nothing,
    };
    Ok(Opened::new(next, part.after(4)))
}

#[cfg(test)]
mod tests {
    use crate::decode::tests::support::{NOTHING, opens, stops, v4, v6};

    #[test]
    fn leads_to_the_datagram() {
        opens(0, &[&[2, 0, 0, 0], &v4()[..]].concat());
        opens(0, &[&[0, 0, 0, 30], &v6()[..]].concat());
        opens(0, &[&[24, 0, 0, 0], &v6()[..]].concat());
        opens(108, &[&[0, 0, 0, 2], &v4()[..]].concat());
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(stops(0, &[2, 0, 0]), ["loopback.header_too_short"]);
        // IPX.
        assert_eq!(stops(0, &[23, 0, 0, 0, 1]), NOTHING);
    }
}
