//! Bare MPLS (`LINKTYPE_MPLS`): the frame starts with the label stack.

use super::Link;
use crate::decode::{Next, Opened};

pub(super) static LINK: Link = Link {
    name: "MPLS",
    types: &[219],
    open: |part| Ok(Opened::new(Next::EtherType(0x8847), part)),
};

#[cfg(test)]
mod tests {
    use crate::decode::tests::support::{opens, stops, v4};

    #[test]
    fn leads_to_the_datagram() {
        opens(219, &[&[0, 1, 1, 64], &v4()[..]].concat());
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(stops(219, &[0, 1, 1]), ["mpls.header_too_short"]);
    }
}
