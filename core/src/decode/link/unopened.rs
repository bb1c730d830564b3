//! Link types that are not opened, by number and name, so that what was not looked at is told.
//!
//! Each line of `unopened.txt` is what frames of one are counted under, with its number and its name in
//! it, and why they are not opened: `link_type_carries_no_ip` where nothing of interest can be in them,
//! which is no fault; `link_type_not_supported` where there may be IP that nothing here gets at. Names
//! are those of <https://www.tcpdump.org/linktypes.html> and libpcap's list, in lower case.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::frame::LinkType;

const LIST: &str = include_str!("unopened.txt");

/// Numbers that nobody had assigned when the list was made.
const UNASSIGNED: &str = "link_type_not_supported.unassigned";

/// The lines of the list by their numbers.
static EVENTS: LazyLock<BTreeMap<u16, &'static str>> = LazyLock::new(|| {
    let number = |event: &str| event.split(['.', '_']).find_map(|part| part.parse().ok());
    LIST.lines().filter_map(|event| Some((number(event)?, event))).collect()
});

/// What frames of this link type, which is not in [`super::LINKS`], are counted under.
pub(crate) fn unopened(link: LinkType) -> &'static str {
    EVENTS.get(&link.0).copied().unwrap_or(UNASSIGNED)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::CARRIES_NO_IP;
    use crate::decode::link;
    use crate::decode::tests::support::stops;

    const NOT_SUPPORTED: &str = "link_type_not_supported.";

    #[test]
    fn every_link_type_is_opened_or_named_once() {
        let assigned = 0..=295_u16;
        let mut opened = 0;
        for number in assigned {
            let rows = link::LINKS.iter().filter(|row| row.types.contains(&number)).count();
            let named = unopened(LinkType(number)) != UNASSIGNED;
            assert!(rows <= 1, "link type {number} has {rows} rows");
            assert!(!(rows == 1 && named), "link type {number} is opened and named");
            opened += rows;
        }
        let types = link::LINKS.iter().flat_map(|row| row.types).count();
        assert_eq!(opened, types, "some are not assigned");
        assert_eq!(EVENTS.len(), LIST.lines().count(), "a number that stands twice, or none");
    }

    #[test]
    fn frames_are_counted_by_number_and_name() {
        assert_eq!(stops(147, &[0; 60]), ["link_type_not_supported.147_user0"]);
        assert_eq!(stops(195, &[0; 60]), ["link_type_not_supported.195_ieee802_15_4_withfcs"]);
        assert_eq!(stops(189, &[0; 60]), ["link_type_carries_no_ip.189_usb_linux"]);
        assert_eq!(stops(60_000, &[]), ["link_type_not_supported.unassigned"]);
        for event in LIST.lines() {
            assert!(
                event.starts_with(CARRIES_NO_IP) || event.starts_with(NOT_SUPPORTED),
                "{event}"
            );
        }
    }
}
