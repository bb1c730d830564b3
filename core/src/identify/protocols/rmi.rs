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
            fits.then(|| Said::new(bytes.len(), Role::Client, 32.0 + 15.0 + 6.4, "JRMP header"))
        }),
        None => Err(Short),
        Some(false) => match bytes.first() {
            Some(0x4e) => from_header(bytes, 8, acknowledge),
            Some(0x50 | 0x51) => from_header(bytes, 5, |bytes| {
                let role = if bytes.first() == Some(&0x50) { Role::Client } else { Role::Server };
                let java = rest(bytes, 1).starts_with(&[0xac, 0xed, 0, 5]);
                java.then(|| Said::new(bytes.len(), role, 38.0, "JRMP call in Java serialisation"))
            }),
            Some(_) | None => Err(Not),
        },
    })
}

/// ProtocolAck: the client's address in text, and its port.
fn acknowledge(bytes: &[u8]) -> Option<Said> {
    let len = usize::from(be16(bytes, 1)?);
    let host = prefix(rest(bytes, 3), len);
    let port = be32(bytes, len.saturating_add(3))?;
    let word = |byte: &u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'_' | b'%')
    };
    let fits = (3..=253).contains(&len) && host.iter().all(word) && port <= 0xffff;
    let fact = || format!("JRMP acknowledges {}", from_wire(host));
    fits.then(|| Said::new(bytes.len(), Role::Server, 8.0 + 8.0 + 6.0 + 16.0, fact()))
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
