//! Java RMI's wire protocol (JRMP), over TCP.
//!
//! ```text
//!  client  "JRMI" version(2) 4b stream | 4c single op | 4d multiplex
//!  server  4e length(2) host port(4)
//!  call    50 ac ed 00 05 ...   answer 51 ac ed 00 05 ...   ping 52   pong 53
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "rmi",
    title: "Java RMI",
    reference: "Java RMI Specification, section 10 (RMI Wire Protocol)",
    rests_on: "The client's header, the server's acknowledgement with an address, or calls and answers \
               in Java serialisation.",
    blind_spots: "RMI over IIOP is GIOP; over TLS it is TLS.",
    bits: 38.0,
    openings: Openings::Known(&[one_of(b"JNPQ")]),
    asks: over_tcp(probe),
};

fn probe(view: &FlowView<'_>) -> Probe {
    match_stream(view, |bytes, _| match starts_with(bytes, b"JRMI") {
        Some(true) => from_header(bytes, 7, |bytes| {
            let fits =
                (1..=2).contains(&be16(bytes, 4)?) && (0x4b..=0x4d).contains(&u8_at(bytes, 6)?);
            // The client's own address, as the server sees it, and calls follow.
            fits.then(|| Said::new(7, Role::Client, 32.0 + 15.0 + 6.4, "JRMP header"))
        }),
        None => Err(Short),
        Some(false) => match bytes.first() {
            Some(0x4e) => from_header(bytes, 8, acknowledge),
            Some(0x50 | 0x51) => from_header(bytes, 5, |bytes| {
                let role = if bytes.first() == Some(&0x50) { Role::Client } else { Role::Server };
                let java = rest(bytes, 1).starts_with(&[0xac, 0xed, 0, 5]);
                // Java's serialisation (its specification, section 6.4.2) has no length of its own, but
                // what begins it, and what stands behind a block of data, is known.
                let code = |at| u8_at(bytes, at).is_none_or(|code| (0x70..=0x7e).contains(&code));
                let block = bytes.get(5) == Some(&0x77);
                let end = u8_at(bytes, 6).map_or(0, usize::from).saturating_add(7);
                let begins = code(5) && (!block || code(end));
                (java && begins).then(|| Said::all(role, 38.0, "JRMP call in Java serialisation"))
            }),
            // The protocol that was asked for is not supported.
            Some(0x4f) => Ok(Said::new(1, Role::Server, 8.0, "JRMP is not supported").shared()),
            // Whether the other side is still there, and that it is.
            Some(0x52 | 0x53) => Ok(Said::new(1, Role::Either, 0.0, "JRMP ping").shared()),
            Some(0) => from_header(bytes, 6, |bytes| {
                let (host, len) = address(bytes)?;
                let fact = format!("JRMP client's address {}", from_wire(host));
                Some(Said::new(len, Role::Client, 0.0, fact).shared())
            }),
            Some(_) | None => Err(Not),
        },
    })
}

/// ProtocolAck: the client's address in text, and its port.
fn acknowledge(bytes: &[u8]) -> Option<Said> {
    let (host, len) = address(rest(bytes, 1))?;
    let fact = format!("JRMP acknowledges {}", from_wire(host));
    Some(Said::new(len.saturating_add(1), Role::Server, 8.0 + 8.0 + 6.0 + 16.0, fact))
}

/// A host in text behind its length, and a port in four bytes; and how long that is.
fn address(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let len = usize::from(be16(bytes, 0)?);
    let host = prefix(rest(bytes, 2), len);
    let port = be32(bytes, len.saturating_add(2))?;
    let word = |byte: &u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'_' | b'%')
    };
    let fits = (3..=253).contains(&len) && host.iter().all(word) && port <= 0xffff;
    fits.then_some((host, len.saturating_add(6)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    #[test]
    fn handshakes_are_named() {
        let answer = [hex("4e 0008"), b"10.0.0.5".to_vec(), hex("0000c123")].concat();
        let talk = Talk::tcp().a(hex("4a524d49 0002 4b")).b(answer);
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
        Talk::tcp().midway().a(hex("50 aced0005 77 22")).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().a(hex("4a524d49 0002 5b")).refused_by(&DETECTOR);
        Talk::tcp().a("NICK joe\r\n").refused_by(&DETECTOR);
        Talk::tcp().a("POST / HTTP/1.1\r\n").refused_by(&DETECTOR);
        Talk::tcp().b(hex("4e 0008 01020304050607 08 0000c123")).refused_by(&DETECTOR);
    }
}
