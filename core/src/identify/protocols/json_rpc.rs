//! JSON-RPC 2.0 (its specification, sections 4 and 5), over TCP.

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "json-rpc",
    title: "JSON-RPC",
    reference: "JSON-RPC 2.0 Specification, sections 4 and 5",
    rests_on: "A JSON object at the start that says \"jsonrpc\":\"2.0\" with a method, a result or an error.",
    blind_spots: "Version 1, which has no mark; JSON-RPC over HTTP is HTTP.",
    bits: 90.0,
    openings: Openings::Known(&[one_of(b"{[")]),
    asks: over_tcp(|view| {
        match_stream(view, |bytes, complete| {
            let front = prefix(bytes, 400);
            if front.first().is_some_and(|byte| !matches!(byte, b'{' | b'[')) {
                return Err(Not);
            }
            let marked = mentions(front, "\"jsonrpc\"") && mentions(front, "\"2.0\"");
            let plain = front.iter().all(|byte| *byte >= b' ' || byte.is_ascii_whitespace());
            let role = if mentions(front, "\"method\"") {
                Role::Client
            } else if mentions(front, "\"result\"") || mentions(front, "\"error\"") {
                Role::Server
            } else if front.len() < 400 && !complete && plain {
                return Err(Short);
            } else {
                return Err(Not);
            };
            // Both ends may ask.
            (plain && marked)
                .then(|| Said::new(bytes.len(), role, 90.0, "JSON-RPC 2.0 object"))
                .ok_or(Not)
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
            .a("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\"}\n")
            .b("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n")
            .named_by_each(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().a("{\"id\":1,\"method\":\"mining.subscribe\"}\n").refused_by(&DETECTOR);
    }
}
