//! IP over Fibre Channel (RFC 4338 section 4; `LINKTYPE_IP_OVER_FC`): the Network_Header, then LLC.
//!
//! ```text
//! | destination 8 | source 8 | LLC
//! ```

use super::{LLC, Link};
use crate::decode::{DecodeEnd, Next, Opened, Slice};

pub(super) static LINK: Link = Link { name: "IP over Fibre Channel", types: &[122], open };

fn open(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    Ok(Opened::new(Next::Link(LLC), part.behind(16, "ip_over_fc.header_too_short")?))
}

#[cfg(test)]
mod tests {
    use crate::decode::tests::support::{opens, snap, stops, v4};

    #[test]
    fn leads_to_the_datagram() {
        opens(122, &[&[0x10; 16], &snap(0x0800, &v4())[..]].concat());
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(stops(122, &[0x10; 15]), ["ip_over_fc.header_too_short"]);
    }
}
