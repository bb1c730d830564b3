//! Stratum and other mining protocols in JSON lines, over TCP.
//!
//! ```text
//!  {"id":1,"method":"mining.subscribe","params":[...]} LF
//!  {"id":1,"jsonrpc":"2.0","method":"login","params":{"login":"...","agent":"..."}} LF
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "stratum",
    title: "Stratum (coin mining)",
    reference: "Stratum mining protocol (Bitcoin Wiki), EthereumStratum 1.0.0, XMRig's Stratum \
                extensions, Ethereum getWork over TCP",
    rests_on: "A JSON object whose method is one of mining's.",
    blind_spots: "Stratum version 2 and whatever goes over TLS.",
    bits: 150.0,
    openings: Openings::Known(&[one_of(b"{")]),
    asks: over_tcp(probe),
};

/// The longest object whose start is looked at.
const OBJECT_BYTES_MAX: usize = 1500;

fn probe(view: &FlowView<'_>) -> Probe {
    match_stream(view, |bytes, complete| {
        if bytes.first().is_some_and(|byte| *byte != b'{') {
            return Err(Not);
        }
        let seen = prefix(bytes, OBJECT_BYTES_MAX);
        let end = seen.iter().position(|byte| *byte == b'\n');
        let text = prefix(seen, end.unwrap_or(seen.len()));
        if !text.iter().all(|byte| *byte >= b' ' || matches!(byte, b'\t' | b'\r')) {
            return Err(Not);
        }
        if end.is_none() && !complete && seen.len() < OBJECT_BYTES_MAX && !text.ends_with(b"}") {
            return Err(Short);
        }
        let len = end.map_or(bytes.len(), |end| end.saturating_add(1));
        object(text, len).ok_or(Not)
    })
}

fn object(text: &[u8], len: usize) -> Option<Said> {
    let has = |words: &str| mentions(text, words);
    let any = |words: &[&str]| words.iter().any(|word| has(word));
    let said = |role, what: &str| Some(Said::new(len, role, 160.0, format!("Stratum {what}")));
    if has("\"mining.") {
        let server = any(&["mining.notify", "mining.set_", "mining.ping"]);
        return said(if server { Role::Server } else { Role::Client }, "mining method");
    }
    if any(&[
        "\"eth_submitLogin\"",
        "\"eth_getWork\"",
        "\"eth_submitWork\"",
        "\"eth_submitHashrate\"",
    ]) {
        return said(Role::Client, "Ethereum work");
    }
    if has("\"login\"") && has("\"method\"") && any(&["\"agent\"", "\"pass\""]) {
        return said(Role::Client, "login");
    }
    if any(&["\"method\":\"submit\"", "\"method\": \"submit\""]) && has("\"nonce\"") {
        return said(Role::Client, "submit");
    }
    if has("\"job_id\"") && any(&["\"blob\"", "\"target\""]) {
        return said(Role::Server, "job");
    }
    // Any answer.
    let answer = has("\"id\"") && any(&["\"result\"", "\"error\""]);
    answer.then(|| Said::new(len, Role::Server, 40.0, "JSON-RPC answer").shared())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::Talk;
    use crate::net::Side;

    #[test]
    fn mining_is_named() {
        let talk = Talk::tcp()
            .a("{\"id\":1,\"method\":\"mining.subscribe\",\"params\":[]}\n")
            .b("{\"id\":1,\"result\":[[],\"08\",4],\"error\":null}\n");
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).refused_by(&DETECTOR);
        Talk::tcp().b("{\"method\":\"job\",\"params\":{\"blob\":\"0e\",\"job_id\":\"4\",\"target\":\"b8\"}}\n").named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp()
            .a("{\"id\":1,\"method\":\"getinfo\"}\n")
            .b("{\"id\":1,\"result\":{}}\n")
            .refused_by(&DETECTOR);
        Talk::tcp().a("{ mining }\n").refused_by(&DETECTOR);
        Talk::tcp().a("{\"login\":\"x\"}\n").refused_by(&DETECTOR);
        Talk::tcp().a("{\x01\"mining.x\"}\n").refused_by(&DETECTOR);
    }
}
