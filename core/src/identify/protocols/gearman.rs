//! Gearman's binary packets (gearman.org/protocol), over TCP.

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "gearman",
    title: "Gearman",
    reference: "Gearman protocol, Binary Packet (gearman.org/protocol)",
    rests_on: "The magic NUL REQ or NUL RES with a known type and a length.",
    blind_spots: "The administrative text commands.",
    bits: 50.0,
    openings: Openings::Known(&[one_of(&[0])]),
    asks: over_tcp(|view| {
        match_starts(view, &[b"\0REQ", b"\0RES"], 12, |bytes| {
            let (kind, len) = (be32(bytes, 4)?, index(be32(bytes, 8)?));
            let role = if bytes.starts_with(b"\0REQ") { Role::Client } else { Role::Server };
            let fact = || format!("Gearman packet {kind}");
            ((1..=42).contains(&kind) && len < 1 << 26)
                .then(|| Said::new(len.saturating_add(12), role, 32.0 + 26.0, fact()))
        })
    }),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::Talk;

    #[test]
    fn messages_are_named() {
        Talk::tcp()
            .a(b"\0REQ\0\0\0\x10\0\0\0\x04ping")
            .b(b"\0RES\0\0\0\x11\0\0\0\x04ping")
            .named_by_each(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().a(b"\0REQ\0\0\0\xff\0\0\0\x04ping").refused_by(&DETECTOR);
    }
}
