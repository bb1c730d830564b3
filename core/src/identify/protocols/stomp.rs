//! STOMP 1.0 to 1.2, over TCP.
//!
//! ```text
//!  COMMAND LF  name:value LF ...  LF  body NUL
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "stomp",
    title: "STOMP",
    reference: "STOMP Protocol Specification, Version 1.2, sections Frames and Connecting",
    rests_on: "A frame's command and the headers that it must have.",
    blind_spots: "Heart-beats alone are line ends.",
    bits: 60.0,
    openings: Openings::Known(&[one_of(b"ACEMRSU")]),
    asks: over_tcp(probe),
};

/// Commands, who says them, and a header that each must have (none for some of version 1.0).
const COMMANDS: &[(&[u8], Role, &[u8])] = &[
    (b"CONNECT", Role::Client, b""),
    (b"STOMP", Role::Client, b"accept-version"),
    (b"CONNECTED", Role::Server, b""),
    (b"SEND", Role::Client, b"destination"),
    (b"SUBSCRIBE", Role::Client, b"destination"),
    (b"UNSUBSCRIBE", Role::Client, b"id"),
    (b"MESSAGE", Role::Server, b"message-id"),
    (b"RECEIPT", Role::Server, b"receipt-id"),
    (b"ACK", Role::Client, b"id"),
    (b"ERROR", Role::Server, b"message"),
];

fn probe(view: &FlowView<'_>) -> Probe {
    match_stream(view, |bytes, complete| {
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let Some(end) = end else {
            let word = bytes.iter().all(u8::is_ascii_uppercase) && bytes.len() < 12;
            return Err(short_if(word));
        };
        let line = prefix(bytes, end);
        let word = line.strip_suffix(b"\r").unwrap_or(line);
        let (_, role, needed) = COMMANDS.iter().find(|(name, _, _)| *name == word).ok_or(Not)?;
        let headers = rest(bytes, end.saturating_add(1));
        let whole =
            position_of(headers, b"\n\n").is_some() || position_of(headers, b"\n\r\n").is_some();
        if !whole && !complete {
            return Err(short_if(headers.len() <= 2048));
        }
        frame(bytes, word, headers, needed, *role).ok_or(Not)
    })
}

fn frame(bytes: &[u8], word: &[u8], headers: &[u8], needed: &[u8], role: Role) -> Option<Said> {
    let lines = || {
        let lines = headers.split(|byte| *byte == b'\n');
        lines
            .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
            .take_while(|line| !line.is_empty())
    };
    let name = |line: &[u8]| {
        line.iter().position(|byte| *byte == b':').map(|at| prefix(line, at).to_vec())
    };
    let any = |known: &[&[u8]]| {
        lines().any(|line| name(line).is_some_and(|name| known.contains(&&*name)))
    };
    let colons = lines().take(16).all(|line| line.contains(&b':') && line.is_ascii())
        && lines().next().is_some();
    let known = if needed.is_empty() {
        any(&[
            b"accept-version",
            b"version",
            b"host",
            b"login",
            b"session",
            b"heart-beat",
            b"server",
        ])
    } else {
        any(&[needed])
    };
    let end =
        bytes.iter().position(|byte| *byte == 0).map_or(bytes.len(), |end| end.saturating_add(1));
    // An end of line may stand between frames.
    let blank = rest(bytes, end).iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
    let fact = || format!("STOMP {}", from_wire(word));
    // An error's headers are all optional (STOMP 1.2, section ERROR).
    if word == b"ERROR" && (lines().next().is_none() || colons) && !known {
        return Some(Said::new(end.saturating_add(blank), role, 48.0, fact()).shared());
    }
    (colons && known).then(|| Said::new(end.saturating_add(blank), role, 32.0 + 40.0, fact()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::Talk;
    use crate::net::Side;

    #[test]
    fn frames_are_named() {
        let talk = Talk::tcp()
            .a("CONNECT\naccept-version:1.2\nhost:a.example\n\n\0\n")
            .b("CONNECTED\nversion:1.2\n\n\0");
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
        Talk::tcp().midway().a("SEND\ndestination:/queue/a\n\nhello\0").named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().a("CONNECT a.example:443 HTTP/1.1\r\n\r\n").refused_by(&DETECTOR);
        Talk::tcp().a("SEND\nhelp please\n\n").refused_by(&DETECTOR);
        Talk::tcp().b("ERROR\r\n").refused_by(&DETECTOR);
        Talk::tcp().a("MESSAGE\nhost:a\n\n\0").refused_by(&DETECTOR);
    }
}
