//! The ports that IANA's registry gives the protocols which are recognised, their secured and
//! alternative forms included: there a service is no surprise. Only these rows of the registry; what is
//! missing here is taken for not registered.
//!
//! Source: IANA Service Name and Transport Protocol Port Number Registry, by the copy in Wireshark 4.0.17
//! (August 2024). Names of the registry differ from ours: TLS stands under `https`,
//! `ldaps`, `pcsync-https` and others.

use std::ops::RangeInclusive;
use std::sync::LazyLock;

/// A protocol, by its detector's id, a line, with its ports and ranges of ports; sorted by protocol.
const LIST: &str = include_str!("services.txt");

/// The same, so far apart that a row is found; its ports are read where it is asked for them.
static SERVICES: LazyLock<Vec<(&str, &str)>> =
    LazyLock::new(|| LIST.lines().filter_map(|line| line.split_once(' ')).collect());

/// Whether a protocol, by its detector's id, is registered for a port, on whatever transport.
pub(crate) fn is_registered(protocol: &str, port: u16) -> bool {
    let row = SERVICES.binary_search_by_key(&protocol, |&(protocol, _)| protocol).ok();
    let ports = row.and_then(|row| SERVICES.get(row)).map_or("", |&(_, ports)| ports);
    ports.split(' ').filter_map(range).any(|ports| ports.contains(&port))
}

/// `80`, or `80-89`.
fn range(text: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Some(first.parse().ok()?..=last.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::DETECTORS;

    #[test]
    fn rows_are_sorted_and_name_protocols_that_are_recognised() {
        assert_eq!(SERVICES.len(), LIST.lines().count());
        assert!(SERVICES.is_sorted_by(|(one, _), (other, _)| one < other));
        // What the judge itself names beside the detectors.
        let is_known =
            |id: &str| id == "citrix-edt" || DETECTORS.iter().any(|detector| detector.id == id);
        for (protocol, ports) in &*SERVICES {
            assert!(is_known(protocol), "{protocol}");
            let mut ports = ports.split(' ').map(range);
            assert!(ports.all(|ports| ports.is_some_and(|ports| !ports.is_empty())), "{protocol}");
            assert!(!is_registered(protocol, 3243), "{protocol}: 3243 is timelot's");
        }
    }

    #[test]
    fn services_are_at_home_on_their_own_ports_only() {
        for (protocol, port) in [
            ("ssh", 22),
            ("tls", 443),
            ("tls", 8443),
            ("http", 8080),
            ("x11", 6063),
            ("iscsi", 3260),
        ] {
            assert!(is_registered(protocol, port), "{protocol} on {port}");
        }
        for (protocol, port) in
            [("ssh", 443), ("tls", 22), ("http", 8443), ("x11", 6064), ("nonsense", 80)]
        {
            assert!(!is_registered(protocol, port), "{protocol} on {port}");
        }
    }
}
