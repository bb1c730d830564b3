//! Checkmk's agent: the section headers of its output (Checkmk documentation), over TCP.

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "checkmk",
    title: "Checkmk agent",
    reference: "Checkmk documentation, The agent's output: section headers",
    rests_on: "The agent's first section, <<<check_mk>>>.",
    blind_spots: "Agents that answer in TLS or encrypt their output.",
    bits: 100.0,
    openings: Openings::Known(&[one_of(b"<"), one_of(b"<").at(1), one_of(b"c").at(3)]),
    asks: over_tcp(|view| {
        match_lines(view, "Checkmk agent", |text| {
            // Its lines follow, and other sections.
            let own = text == b"<<<check_mk>>>";
            Some((Role::Server, if own { 110.0 } else { 0.0 }, own))
        })
    }),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, lines_of_others_are_refused_by};
    use crate::net::Side;

    #[test]
    fn messages_are_named() {
        assert_eq!(
            Talk::tcp().b("<<<check_mk>>>\nVersion: 2.2\n").named_by(&DETECTOR).client,
            Some(Side::A)
        );
    }

    #[test]
    fn look_alikes_are_refused() {
        lines_of_others_are_refused_by(&DETECTOR);
    }
}
