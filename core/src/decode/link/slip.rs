//! SLIP (RFC 1055; `LINKTYPE_SLIP`). Where the wire had compressed headers (RFC 1144), the capture has
//! them whole.
//!
//! ```text
//! | direction 1 | packet type 1 | compressed header 14 | IP
//! ```

use super::Link;
use crate::decode::{DecodeEnd, Next, Opened, Slice};

pub(super) static LINK: Link = Link { name: "SLIP", types: &[8], open };

fn open(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    Ok(Opened::new(Next::Ip, part.behind(16, "slip.header_too_short")?))
}

#[cfg(test)]
mod tests {
    use crate::decode::tests::support::{opens, stops, v4};

    #[test]
    fn leads_to_the_datagram() {
        opens(8, &[&[0, 0x40], &[0; 14][..], &v4()].concat());
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(stops(8, &[0; 15]), ["slip.header_too_short"]);
    }
}
