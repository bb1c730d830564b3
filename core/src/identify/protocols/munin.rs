//! Munin's node (Munin documentation, node and master protocol), over TCP.

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "munin",
    title: "Munin node",
    reference: "Munin documentation, Munin's node and master protocol",
    rests_on: "The node's greeting, # munin node at.",
    blind_spots: "The master's commands alone are plain words.",
    bits: 90.0,
    openings: Openings::Known(&[one_of(b"#cflnqv")]),
    asks: over_tcp(|view| match_lines(view, "Munin", munin)),
};

fn munin(text: &[u8]) -> Option<(Role, f32, bool)> {
    if text.starts_with(b"# munin node at ") {
        return Some((Role::Server, 120.0, true));
    }
    let (verb, _) = first_word(text);
    let known =
        matches!(verb, b"list" | b"nodes" | b"config" | b"fetch" | b"version" | b"cap" | b"quit");
    // A node answers in lines of its own, and names what it has.
    Some(if known { (Role::Client, 24.0, false) } else { (Role::Server, 8.0, false) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, lines_of_others_are_refused_by};
    use crate::net::Side;

    #[test]
    fn messages_are_named() {
        assert_eq!(
            Talk::tcp().b("# munin node at a.example\n").named_by(&DETECTOR).client,
            Some(Side::A)
        );
    }

    #[test]
    fn look_alikes_are_refused() {
        lines_of_others_are_refused_by(&DETECTOR);
    }
}
