//! NMDC, which Direct Connect speaks (NMDC protocol 1.3), over TCP.

use crate::identify::lines::is_text;
use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "nmdc",
    title: "NMDC (Direct Connect)",
    reference: "NMDC protocol 1.3 (nmdc.sourceforge.io), sections Lock, Key, Supports, MyNick",
    rests_on: "Commands that start with $ and end in a bar: a lock with its key, or a nickname.",
    blind_spots: "ADC, its successor; chat without commands.",
    bits: 44.0,
    openings: Openings::Known(&[one_of(b"$")]),
    asks: over_tcp(|view| {
        match_stream(view, |bytes, complete| {
            if bytes.first().is_some_and(|byte| !matches!(byte, b'$' | b'<')) {
                return Err(Not);
            }
            let front = prefix(bytes, 600);
            let Some(end) = front.iter().position(|byte| *byte == b'|') else {
                return Err(short_if(front.len() < 600 && !complete));
            };
            let text = prefix(front, end);
            let (verb, rest_of) = first_word(text);
            let role = match verb {
                b"$Lock" if mentions(rest_of, "Pk=") => Role::Either,
                b"$HubName" | b"$Hello" | b"$LogedIn" => Role::Server,
                b"$ValidateNick" | b"$Key" | b"$GetNickList" => Role::Client,
                b"$MyNick" | b"$Supports" => Role::Either,
                // More commands follow, and what somebody says in the hub.
                _ if is_text(text) => {
                    let said =
                        Said::new(text.len().saturating_add(1), Role::Either, 8.0, "command");
                    return Ok(said.shared());
                }
                _ => return Err(Not),
            };
            let fact = format!("Direct Connect {}", from_wire(verb));
            Ok(Said::new(text.len().saturating_add(1), role, 48.0, fact)
                .owned_if(!rest_of.is_empty()))
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
            .a("$Supports NoHello |$Key abc|$ValidateNick joe|")
            .b("$Lock EXTENDEDPROTOCOLABC Pk=hub1|$HubName x|")
            .named_by_each(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().a("$Lock the door|").refused_by(&DETECTOR);
    }
}
