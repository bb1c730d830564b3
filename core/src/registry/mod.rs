//! IANA's service names for the watched range: what port tables print, and the lowest tier of
//! evidence. A name here never names a protocol (invariant 5).
//!
//! Source: IANA Service Name and Transport Protocol Port Number Registry, copy of 2026-08-17.

use std::sync::LazyLock;

mod services;

pub(crate) use services::is_registered;

/// The first port that has a name here; all that follow have one, too.
const FIRST: u16 = 3224;

/// A port and its name a line, in order.
const LIST: &str = include_str!("names.txt");

static NAMES: LazyLock<Vec<&str>> = LazyLock::new(|| LIST.lines().collect());

/// The name that is registered for a port of 3224 to 3324, whatever the transport.
pub fn name(port: u16) -> Option<&'static str> {
    let line = NAMES.get(usize::from(port.checked_sub(FIRST)?))?;
    line.split_once(' ').map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_knows_timelot() {
        let named = (FIRST..=3324).map(|port| format!("{port} {}", name(port).unwrap()));
        assert!(named.eq(LIST.lines()), "every port of the range has its line");
        assert_eq!(name(3243), Some("timelot"));
        assert_eq!(name(443), None);
    }
}
