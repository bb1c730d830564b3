//! IANA's service names for the watched range: what port tables print, and the lowest tier of
//! evidence. A name here never names a protocol (invariant 5).
//!
//! Source: IANA Service Name and Transport Protocol Port Number Registry, copy of 2026-08-17.

use std::collections::BTreeMap;
use std::sync::LazyLock;

mod services;

pub use services::is_registered;

/// A port and its name a line.
const LIST: &str = include_str!("names.txt");

static NAMES: LazyLock<BTreeMap<u16, &'static str>> = LazyLock::new(|| {
    let rows = LIST.lines().filter_map(|line| line.split_once(' '));
    rows.filter_map(|(port, name)| Some((port.parse().ok()?, name))).collect()
});

/// The name that is registered for a port of 3224 to 3324, whatever the transport.
pub fn name(port: u16) -> Option<&'static str> {
    NAMES.get(&port).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_knows_timelot() {
        let listed: Vec<String> =
            NAMES.iter().map(|(port, name)| format!("{port} {name}")).collect();
        assert_eq!(LIST.lines().collect::<Vec<_>>(), listed);
        assert!(NAMES.keys().copied().eq(3224..=3324), "every port of the range has a name");
        assert_eq!(name(3243), Some("timelot"));
        assert_eq!(name(443), None);
    }
}
