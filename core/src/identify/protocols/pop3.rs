//! POP3 (RFC 1939), over TCP.
//!
//! ```text
//!  server  +OK SP text CRLF   -ERR SP text CRLF
//!  client  CAPA  USER SP name  UIDL  TOP n n ...  STLS (RFC 2595), then TLS
//! ```
//!
//! Redis says `+OK` too, but never with text behind it; FTP takes USER and PASS.

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "pop3",
    title: "POP3",
    reference: "RFC 1939 sections 3 to 7, RFC 2449, RFC 2595 section 4",
    rests_on: "The server's `+OK` with text behind it, or a command that only POP3 has.",
    blind_spots: "A server that greets with a bare `+OK`, as long as the client is not seen.",
    bits: 40.0,
    openings: Openings::Known(&[
        one_of(b"+-ACDLNPQRSTUacdlnpqrstu"),
        one_of(b"AEIOPSTUaeiopstu").at(1),
        one_of(b"ADEIKLOPRSTadeilopst").at(2),
        one_of(b"\n\r AEHLPRSTaehlprst").at(3),
    ]),
    asks: over_tcp(|view| carrying(match_text(view, read), |_| tls_behind_text(view)))
        .telling(Extras::BEFORE_TLS),
};

fn read(line: Line<'_>, _: &[u8]) -> Option<Said> {
    if matches!(line.text, [b'+' | b'-', ..]) { server(line) } else { client(line) }
}

fn server(Line { text, len }: Line<'_>) -> Option<Said> {
    let (status, words) = first_word(text);
    let bits = match status {
        b"+OK" => 24.0 + 8.0,
        b"-ERR" => 32.0 + 8.0,
        _ => return None,
    };
    let own = status == b"+OK" && words.len() >= 4 && words.iter().any(u8::is_ascii_alphabetic);
    // With text: the blank and the letters.
    let bits = bits + if own { 8.0 + 4.0 } else { 0.0 };
    let fact = format!("POP3 answer {}", from_wire(text));
    Some(Said::new(len, Role::Server, bits, fact).owned_if(own))
}

fn client(Line { text, len }: Line<'_>) -> Option<Said> {
    let (verb, argument) = first_word(text);
    let own = is_one_of(verb, &["CAPA", "STLS", "UIDL", "APOP"])
        || (is_one_of(verb, &["TOP"]) && argument.first().is_some_and(u8::is_ascii_digit));
    let common = ["USER", "PASS", "AUTH", "STAT", "LIST", "RETR", "DELE", "NOOP", "RSET", "QUIT"];
    if !own && !is_one_of(verb, &common) {
        return None;
    }
    let fact = format!("POP3 command {}", from_wire(verb));
    Some(Said::new(len, Role::Client, 40.0, fact).owned_if(own))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::Talk;
    use crate::identify::{Inside, Strength};
    use crate::net::Side;

    #[test]
    fn greeting_and_login_are_named() {
        let talk =
            Talk::tcp().b("+OK Dovecot ready.\r\n").a("USER x\r\n").b("+OK\r\n").a("PASS y\r\n");
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::B).named_by(&DETECTOR);
        talk.only(Side::A).refused_by(&DETECTOR);
        Talk::tcp().a("CAPA\r\n").named_by(&DETECTOR);
        Talk::tcp().midway().a("UIDL 3\r\n").b("-ERR no\r\n").named_by(&DETECTOR);
    }

    #[test]
    fn behind_stls_is_tls() {
        let talk = Talk::tcp().b("+OK ready\r\n").a("STLS\r\n");
        assert_eq!(talk.named_by(&DETECTOR).inside, Inside::MayFollow);
        let talk = talk.b("+OK Begin TLS\r\n");
        assert_eq!(talk.named_by(&DETECTOR).inside, Inside::Agreed);
        let talk = talk.a(b"\x16\x03\x01\x00\x05hello");
        assert_eq!(talk.named_by(&DETECTOR).inside, Inside::StartsAt([6, 26]));
    }

    #[test]
    fn look_alikes_are_refused() {
        // Redis, NATS, STOMP's absence of a sign, FTP
        Talk::tcp().a("*1\r\n$4\r\nPING\r\n").b("+PONG\r\n").refused_by(&DETECTOR);
        Talk::tcp().a("SET a b\r\n").b("+OK\r\n").refused_by(&DETECTOR);
        Talk::tcp().b("+OK\r\n").refused_by(&DETECTOR);
        Talk::tcp().b("220 ready\r\n").a("USER x\r\n").b("331 x\r\n").refused_by(&DETECTOR);
    }
}
