//! Cisco's timestamp tag, which ACI fabrics and Nexus switches put into what they mirror (Wireshark's `ttag`).
//!
//! ```text
//! | nanoseconds 6 | type 2 | ...
//! ```

use super::{Entry, Tunnel};
use crate::decode::link::ethernet;
use crate::decode::{DecodeEnd, Opened, Slice};

pub(super) static TUNNEL: Tunnel =
    Tunnel { name: "cisco_ttag", entries: &[Entry::EtherType(0x8988)], open };

fn open(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    let inside = ethernet::behind_header(part, 6, "cisco_ttag.header_too_short")?;
    Ok(inside.in_tunnel(TUNNEL.name, None))
}

#[cfg(test)]
mod tests {
    use crate::decode::tests::support::{ethernet, opens, path, stops, v4, v6};

    #[test]
    fn leads_to_the_datagram() {
        let frame = ethernet(0x8988, &[&[0, 0, 1, 2, 3, 4, 8, 0], &v4()[..]].concat());
        opens(1, &frame);
        assert_eq!(path(1, &frame), (vec![], vec![("cisco_ttag", None)]));
        opens(1, &ethernet(0x8988, &[&[0, 0, 1, 2, 3, 4, 0x86, 0xdd], &v6()[..]].concat()));
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(stops(1, &ethernet(0x8988, &[0; 7])), ["cisco_ttag.header_too_short"]);
    }
}
