//! Subversion's svnserve (libsvn_ra_svn/protocol), over TCP.

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "svn",
    title: "Subversion (svnserve)",
    reference: "Subversion source, libsvn_ra_svn/protocol, sections 1 and 2",
    rests_on: "The greeting ( success ( version version ..., or the client's list of capabilities with \
               a URL.",
    blind_spots: "Subversion over HTTP is HTTP.",
    bits: 60.0,
    openings: Openings::Known(&[one_of(b"(")]),
    asks: over_tcp(probe),
};

/// Items are separated by white space, and no line ends need to be there.
fn probe(view: &FlowView<'_>) -> Probe {
    match_stream(view, |bytes, complete| {
        let front = prefix(bytes, 200);
        if front.len() < 60 && !complete && b"( ".starts_with(prefix(front, 2)) {
            return Err(Short);
        }
        let plain = front.iter().all(|byte| *byte >= b' ' || matches!(byte, b'\n' | b'\r' | b'\t'));
        let server =
            front.starts_with(b"( success ( ") && front.get(12).is_some_and(u8::is_ascii_digit);
        let client = front.starts_with(b"( ")
            && mentions(front, "( edit-pipeline ")
            && mentions(front, ":svn");
        let (role, what) = if server {
            (Role::Server, "Subversion greeting")
        } else if client {
            (Role::Client, "Subversion client's capabilities")
        } else {
            return Err(Not);
        };
        plain.then(|| Said::new(bytes.len(), role, 90.0, what)).ok_or(Not)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, lines_of_others_are_refused_by};

    #[test]
    fn messages_are_named() {
        Talk::tcp().a("( 2 ( edit-pipeline svndiff1 absent-entries ) 20:svn://svn.example/re 5:svn/1 ( ) ) ").b("( success ( 2 2 ( ) ( edit-pipeline svndiff1 absent-entries ) ) ) ").named_by_each(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        lines_of_others_are_refused_by(&DETECTOR);
    }
}
