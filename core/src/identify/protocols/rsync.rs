//! rsync's daemon: the @RSYNCD greeting (rsync source, clientserver.c), over TCP.

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "rsync",
    title: "rsync daemon",
    reference: "rsync source, clientserver.c, and csprotocol.txt: the @RSYNCD greeting",
    rests_on: "@RSYNCD: with a version, on either side.",
    blind_spots: "rsync over SSH is SSH. Behind the greeting the protocol is binary.",
    bits: 72.0,
    openings: Openings::Known(&[one_of(b"@")]),
    asks: over_tcp(|view| match_lines(view, "rsync", rsync)),
};

fn rsync(text: &[u8]) -> Option<(Role, f32, bool)> {
    if text.starts_with(b"@ERROR") {
        return Some((Role::Server, 56.0, false));
    }
    // A message of the day, a module's name, a list of modules, options.
    let Some(words) = text.strip_prefix(b"@RSYNCD: ") else {
        return Some((Role::Either, 8.0, false));
    };
    let role = if is_one_of(first_word(words).0, &["OK", "AUTHREQD", "EXIT"]) {
        Role::Server
    } else {
        Role::Either
    };
    let known = words.first().is_some_and(u8::is_ascii_digit) || role == Role::Server;
    known.then_some((role, 72.0, true))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, lines_of_others_are_refused_by};

    #[test]
    fn messages_are_named() {
        Talk::tcp().a("@RSYNCD: 31.0\n").b("@RSYNCD: 31.0 sha512 md5\n").named_by_each(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        lines_of_others_are_refused_by(&DETECTOR);
    }
}
