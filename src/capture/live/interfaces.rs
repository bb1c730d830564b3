//! The interfaces of this machine that can be captured from, as libpcap lists them. No rights are
//! needed to list them.

use pcap::Device;

use super::CaptureError;

/// All interfaces, those most likely wanted first.
///
/// # Errors
///
/// The system does not tell ([`CannotOpen`](crate::capture::CaptureErrorKind::CannotOpen)).
pub(crate) fn list() -> Result<Vec<Device>, CaptureError> {
    Device::list().map_err(|error| {
        let why = super::open::text(&error);
        CaptureError::cannot_open("interfaces", format!("the system does not list them ({why})"))
    })
}

/// libpcap tells apart only by name what it lists beside network interfaces.
pub(crate) fn is_network(name: &str) -> bool {
    const OTHERS: [&str; 6] = ["bluetooth", "dbus-", "nflog", "nfqueue", "usbmon", "rdma"];
    !OTHERS.iter().any(|other| name.starts_with(other))
}

/// The name that was probably meant, if one is near.
pub(super) fn nearest<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let mistakes_max = wanted.chars().count().div_ceil(3);
    names
        .map(|name| (distance(wanted, name), name))
        .filter(|&(distance, _)| distance <= mistakes_max)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, name)| name)
}

/// Letters to change, add or leave out. Case does not count.
fn distance(one: &str, other: &str) -> usize {
    strsim::levenshtein(&one.to_lowercase(), &other.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_single_letters() {
        assert_eq!(distance("eth0", "eth0"), 0);
        assert_eq!(distance("eth0", "ETH0"), 0);
        assert_eq!(distance("eth0", "eth1"), 1);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
    }

    #[test]
    fn suggests_what_is_near_and_nothing_that_is_far() {
        let names = ["any", "lo", "enp0s31f6", "wlan0"];
        assert_eq!(nearest("enp0s31f", names.into_iter()), Some("enp0s31f6"));
        assert_eq!(nearest("wlan1", names.into_iter()), Some("wlan0"));
        assert_eq!(nearest("eth0", names.into_iter()), None);
        assert_eq!(nearest("", names.into_iter()), None);
    }

    #[test]
    fn buses_and_logs_are_told_from_networks() {
        assert!(["eth0", "any", "lo", "wlp3s0"].into_iter().all(is_network));
        assert!(
            !["usbmon0", "nflog", "dbus-system", "bluetooth-monitor"].into_iter().any(is_network)
        );
    }

    #[test]
    fn lists_without_failing() {
        for interface in list().unwrap() {
            assert!(!interface.name.is_empty());
        }
    }
}
