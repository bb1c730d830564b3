//! SMTP and LMTP (RFC 5321, RFC 2033), over TCP.
//!
//! ```text
//!  server  220 SP domain SP text CRLF      code, blank or hyphen, text; FTP and NNTP answer so too
//!  client  EHLO SP domain CRLF   MAIL FROM:<path> ...   STARTTLS (RFC 3207), then TLS
//! ```

use crate::identify::lines::Reply;
use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "smtp",
    title: "SMTP and LMTP",
    reference: "RFC 5321 sections 4.1 and 4.2, RFC 2033, RFC 3207",
    rests_on: "A greeting that says SMTP, an extension of SMTP in an answer, or a client's EHLO, HELO, \
               LHLO, MAIL FROM or RCPT TO.",
    blind_spots: "A greeting without the word SMTP, as long as the client is not seen; the mail itself.",
    bits: 40.0,
    openings: Openings::Known(&[
        one_of(b"2345ABDEHLMNQRSVabdehlmnqrsv"),
        one_of(b"01235ACDEHORSTUXacdehorstux").at(1),
        one_of(b"012345678AEFILOPRTaefiloprt").at(2),
        one_of(b" -\r\nAHLNOPRTYahlnoprty").at(3),
    ]),
    asks: over_tcp(|view| match_dialogue(view, server, client))
        .telling(Extras { details: &[BANNER], ..Extras::BEFORE_TLS }),
};

/// The server's greeting.
const BANNER: DetailKey =
    DetailKey::Own(&OwnDetail { path: "portstory.smtp.banner", summary: None, names: true });

/// Extensions (IANA's list of SMTP service extensions) that name nobody else's features.
const EXTENSIONS: &[&str] = &[
    "8BITMIME",
    "BINARYMIME",
    "CHUNKING",
    "DELIVERBY",
    "DSN",
    "ENHANCEDSTATUSCODES",
    "ETRN",
    "PIPELINING",
    "SMTPUTF8",
];

fn server(Reply { code, text, len }: Reply<'_>) -> Option<Said> {
    // RFC 5321 section 4.2.3, with AUTH's (RFC 4954).
    if !matches!(code, 211 | 214 | 220 | 221 | 235 | 250..=252 | 334 | 354 | 421 | 432
        | 450..=458 | 500..=504 | 521 | 530 | 534 | 535 | 538 | 550..=556)
    {
        return None;
    }
    let greets = code == 220 && (mentions(text, "SMTP") || mentions(text, "LMTP"));
    let extends = code == 250 && EXTENSIONS.iter().any(|word| mentions(text, word));
    let fact = format!("SMTP answer {code}");
    // three digits out of some fifty codes, what separates them from the text, its word
    let bits = 18.0 + 6.0 + if greets || extends { 20.0 } else { 0.0 };
    let said = Said::new(len, Role::Server, bits, fact).owned_if(greets || extends);
    let banner = text.split(|byte| *byte == b'\n').next().filter(|_| greets);
    Some(said.with_some(BANNER, banner.map(|text| from_wire(text.trim_ascii()))))
}

fn client(Line { text, len }: Line<'_>) -> Option<Said> {
    let (verb, argument) = first_word(text);
    let hello = is_one_of(verb, &["EHLO", "HELO", "LHLO"]) && !argument.is_empty();
    let path =
        |verb: &[u8]| text.get(..verb.len()).is_some_and(|front| front.eq_ignore_ascii_case(verb));
    let envelope = path(b"MAIL FROM:") || path(b"RCPT TO:");
    let common = [
        "AUTH", "DATA", "HELP", "NOOP", "QUIT", "RSET", "STARTTLS", "VRFY", "EXPN", "ETRN", "BDAT",
    ];
    if !hello && !envelope && !is_one_of(verb, &common) {
        return None;
    }
    let fact = format!("SMTP command {}", from_wire(verb));
    let bits = match (envelope, hello) {
        (true, _) => 60.0,
        (false, true) => 40.0,
        (false, false) => 28.0,
    };
    let said = Said::new(len, Role::Client, bits, fact).owned_if(hello || envelope);
    Some(said.with_some(DetailKey::SmtpHelo, hello.then(|| from_wire(argument))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::Talk;
    use crate::identify::{Inside, Strength};
    use crate::net::Side;

    const GREETING: &str = "220 mail.example ESMTP Postfix\r\n";

    #[test]
    fn both_sides_and_each_alone_are_named() {
        let talk = Talk::tcp()
            .b(GREETING)
            .a("EHLO me.example\r\n")
            .b("250-mail.example\r\n250-PIPELINING\r\n250 HELP\r\n")
            .a("MAIL FROM:<a@example>\r\n");
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        assert!(found.details.contains(&Detail::new(DetailKey::SmtpHelo, "me.example")));
        for side in Side::BOTH {
            assert_eq!(talk.clone().only(side).named_by(&DETECTOR).client, Some(Side::A));
        }
    }

    #[test]
    fn the_client_tells_what_a_bare_greeting_is() {
        let talk = Talk::tcp().b("220 ready\r\n");
        talk.refused_by(&DETECTOR);
        talk.a("HELO me\r\n").b("250 hi\r\n").named_by(&DETECTOR);
        // midway: the envelope tells
        Talk::tcp().midway().a("RCPT TO:<b@example>\r\n").b("250 2.1.5 Ok\r\n").named_by(&DETECTOR);
    }

    #[test]
    fn behind_starttls_is_tls() {
        let talk = Talk::tcp()
            .b(GREETING)
            .a("EHLO x\r\n")
            .b("250-x\r\n250 STARTTLS\r\n")
            .a("STARTTLS\r\n");
        assert_eq!(talk.named_by(&DETECTOR).inside, Inside::MayFollow);
        let talk = talk.b("220 go\r\n");
        assert_eq!(talk.named_by(&DETECTOR).inside, Inside::Agreed);
        let talk = talk.a(b"\x16\x03\x01\x00\x05hello");
        assert_eq!(talk.named_by(&DETECTOR).inside, Inside::StartsAt([18, 61]));
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp()
            .b("220 ProFTPD ready\r\n")
            .a("USER x\r\n")
            .b("331 password\r\n")
            .refused_by(&DETECTOR);
        Talk::tcp().b("200 news.example ready\r\n").a("QUIT\r\n").refused_by(&DETECTOR);
        Talk::tcp().a("QUIT\r\n").b("+OK\r\n").refused_by(&DETECTOR);
        Talk::tcp().a("HELO\x01x\r\n").refused_by(&DETECTOR);
        Talk::tcp().b("HTTP/1.0 200 SMTP\r\n").refused_by(&DETECTOR);
    }
}
