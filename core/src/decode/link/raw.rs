//! Raw IP (`LINKTYPE_RAW`, `LINKTYPE_IPV4`, `LINKTYPE_IPV6`): the frame is the packet.

use super::Link;
use crate::decode::{Next, Opened};

// 12 and 14 are what DLT_RAW is on most systems and on OpenBSD; some programs write them to files.
pub(super) static LINK: Link = Link {
    name: "raw IP",
    types: &[101, 228, 229, 12, 14],
    open: |part| Ok(Opened::new(Next::Ip, part)),
};

#[cfg(test)]
mod tests {
    use crate::decode::tests::support::{opens, stops, v4, v6};

    #[test]
    fn leads_to_the_datagram() {
        opens(101, &v4());
        opens(101, &v6());
        opens(228, &v4());
        opens(229, &v6());
        opens(12, &v4());
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(stops(101, &[]), ["ip.header_missing"]);
        assert_eq!(stops(101, &[0x95; 40]), ["ip.version_unknown"]);
    }
}
