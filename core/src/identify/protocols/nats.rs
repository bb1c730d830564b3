//! NATS (NATS documentation, Client Protocol), over TCP.

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "nats",
    title: "NATS",
    reference: "NATS documentation, Client Protocol",
    rests_on: "The server's INFO or the client's CONNECT with a JSON object, or PUB, SUB and MSG lines \
               beside PING and PONG.",
    blind_spots: "A quiet connection of PING and PONG alone.",
    bits: 48.0,
    openings: Openings::Known(&[one_of(b"CIPS+-")]),
    asks: over_tcp(|view| match_lines(view, "NATS", nats)),
};

fn nats(text: &[u8]) -> Option<(Role, f32, bool)> {
    let (verb, rest_of) = first_word(text);
    Some(match verb {
        b"INFO"
            if rest_of.starts_with(b"{\"")
                && (mentions(rest_of, "server_") || mentions(rest_of, "max_payload")) =>
        {
            (Role::Server, 100.0, true)
        }
        b"CONNECT" if rest_of.starts_with(b"{\"") => (Role::Client, 80.0, true),
        b"PING" | b"PONG" if rest_of.is_empty() => (Role::Either, 40.0, false),
        b"+OK" if rest_of.is_empty() => (Role::Server, 32.0, false),
        b"-ERR" if rest_of.starts_with(b"'") => (Role::Server, 48.0, true),
        b"MSG" | b"HMSG" | b"PUB" | b"HPUB" | b"UNSUB" if !rest_of.is_empty() => {
            (Role::Either, 24.0, false)
        }
        b"SUB" if rest_of.split(|byte| *byte == b' ').count() >= 2 => (Role::Client, 30.0, false),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, lines_of_others_are_refused_by};

    #[test]
    fn messages_are_named() {
        Talk::tcp()
            .a("CONNECT {\"verbose\":false}\r\nPING\r\n")
            .b("INFO {\"server_id\":\"x\",\"max_payload\":1}\r\n")
            .named_by_each(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        lines_of_others_are_refused_by(&DETECTOR);
    }
}
