//! L2TP version 3 data right over IP (RFC 3931 section 4.1.1) that carries Ethernet.
//!
//! ```text
//! | session 4: not 0 | (cookie 4 or 8) | (sublayer 4) | Ethernet
//! ```
//!
//! How long the cookie is, and whether there is a sublayer, both ends agreed on beforehand: the frame
//! is looked for where it can be.

use super::{Entry, Tunnel};
use crate::decode::link::{ETHERNET, ethernet};
use crate::decode::{DecodeEnd, Next, Opened, Slice};

pub(super) static TUNNEL: Tunnel =
    Tunnel { name: "l2tpv3", entries: &[Entry::IpProtocol(115)], open };

/// Where the frame can start: no cookie, one of either length, and a sublayer behind it.
const STARTS: [usize; 4] = [4, 8, 12, 16];

fn open(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    // A control message.
    if part.be32(0, "l2tpv3.header_too_short")? == 0 {
        return Err(DecodeEnd::Done);
    }
    let mut starts = STARTS.iter().map(|&start| part.after(start));
    let inside = starts.find(|inside| ethernet::is_likely(inside.bytes)).ok_or(DecodeEnd::Done)?;
    Ok(Opened::new(Next::Link(ETHERNET), inside).in_tunnel(TUNNEL.name, None))
}

#[cfg(test)]
mod tests {
    use crate::decode::tests::support::{NOTHING, ethernet, ipv4, opens, path, stops, v4, v6};

    #[test]
    fn leads_to_the_datagram() {
        let frame = ethernet(0x0800, &v4());
        for header in [4, 8, 12, 16] {
            opens(228, &ipv4(115, &[&vec![9; header][..], &frame].concat()));
        }
        let bytes = ipv4(115, &[&[0, 0, 0, 9], &ethernet(0x86dd, &v6())[..]].concat());
        opens(228, &bytes);
        assert_eq!(path(228, &bytes), (vec![], vec![("l2tpv3", None)]));
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(stops(228, &ipv4(115, &[0, 0, 0])), ["l2tpv3.header_too_short"]);
        assert_eq!(stops(228, &ipv4(115, &[0; 30])), NOTHING);
        assert_eq!(stops(228, &ipv4(115, &[7; 30])), NOTHING);
    }
}
