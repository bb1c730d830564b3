//! Cisco's metadata header, which carries the security group tag of TrustSec
//! (draft-smith-kandula-sxp, appendix; Wireshark's `cmd`).
//!
//! ```text
//! | version 1 | length 1, in options | options 4 each: length and type 2, value 2 | type 2 | ...
//! ```
//!
//! A tag says what group the sender is of, and so differs by direction.

use super::{Entry, Tunnel};
use crate::decode::link::ethernet;
use crate::decode::{DecodeEnd, Opened, Slice};

pub(super) static TUNNEL: Tunnel =
    Tunnel { name: "cisco_metadata", entries: &[Entry::EtherType(0x8909)], open };

/// Bytes of a header, the type behind it not counted.
pub(super) fn len(part: Slice<'_>) -> Result<usize, DecodeEnd> {
    let [version, options] = part.array(0, "cisco_metadata.header_too_short")?;
    if version != 1 {
        return Err(part.stop("cisco_metadata.version_unknown"));
    }
    Ok(usize::from(options).saturating_mul(4).saturating_add(2))
}

fn open(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    let inside = ethernet::behind_header(part, len(part)?, "cisco_metadata.header_too_short")?;
    Ok(inside.in_tunnel(TUNNEL.name, None))
}

#[cfg(test)]
mod tests {
    use crate::decode::tests::support::{ethernet, opens, path, stops, v4, v6};

    #[test]
    fn leads_to_the_datagram() {
        let one = ethernet(0x8909, &[&[1, 1, 0, 1, 0, 10, 8, 0], &v4()[..]].concat());
        opens(1, &one);
        assert_eq!(path(1, &one), (vec![], vec![("cisco_metadata", None)]));
        let two = [1, 2, 0, 1, 0, 10, 0, 2, 0, 0, 0x86, 0xdd];
        opens(1, &ethernet(0x8909, &[&two, &v6()[..]].concat()));
        let tagged = [1, 1, 0, 1, 0, 10, 0x81, 0, 0, 7, 8, 0];
        opens(1, &ethernet(0x8909, &[&tagged, &v4()[..]].concat()));
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(stops(1, &ethernet(0x8909, &[1])), ["cisco_metadata.header_too_short"]);
        assert_eq!(stops(1, &ethernet(0x8909, &[1, 1, 0])), ["cisco_metadata.header_too_short"]);
        assert_eq!(stops(1, &ethernet(0x8909, &[2; 40])), ["cisco_metadata.version_unknown"]);
    }
}
