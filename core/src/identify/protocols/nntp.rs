//! NNTP (RFC 3977), over TCP.
//!
//! ```text
//!  server  200 SP text CRLF   201 no posting   211 number low high group   215 list follows
//!  client  MODE READER   GROUP name   XOVER range   AUTHINFO USER name   STARTTLS (RFC 4642)
//! ```

use crate::identify::lines::Reply;
use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "nntp",
    title: "NNTP (Usenet)",
    reference: "RFC 3977 sections 5 to 8, RFC 4642, RFC 4643, RFC 2980",
    rests_on: "A greeting that speaks of news or posting, a group's answer with its numbers, or a \
               command that only NNTP has.",
    blind_spots: "A bare greeting with 200, as long as the client is not seen; the articles.",
    bits: 40.0,
    openings: Openings::Known(&[
        one_of(b"12345ABCDGHILMNOPQSTXabcdghilmnopqstx"),
        one_of(b"012348AEHIORTUVZaehiortuvz").at(1),
        one_of(b"0123456789ADEIKLOPSTVWXadeiklopstvwx").at(2),
        one_of(b"\n\r -ADEGHINPRTUVYadeghinprtuvy").at(3),
    ]),
    asks: over_tcp(|view| match_dialogue(view, server, client)).telling(Extras::BEFORE_TLS),
};

const OWN: &[&str] = &[
    "ARTICLE",
    "AUTHINFO",
    "CAPABILITIES",
    "GROUP",
    "IHAVE",
    "LISTGROUP",
    "NEWGROUPS",
    "NEWNEWS",
    "OVER",
    "TAKETHIS",
    "XHDR",
    "XOVER",
    "XZVER",
];

/// Replies have one line; what follows some is text, which ends the walk.
fn server(Reply { code, text, len }: Reply<'_>) -> Option<Said> {
    let numbers = text.split(|byte| *byte == b' ').take(3);
    let group = code == 211 && numbers.filter(|word| is_number(word, 16)).count() == 3;
    let own = match code {
        200 | 201 => ["news", "NNTP", "NNRP", "posting"].iter().any(|word| mentions(text, word)),
        211 => group,
        220..=223 => {
            is_number(first_word(text).0, 16) && text.contains(&b'<') && text.contains(&b'@')
        }
        _ => false,
    };
    // RFC 3977 appendix B.2, RFC 4643.
    let known = matches!(code, 100 | 101 | 111 | 200..=203 | 205 | 211 | 215 | 220..=225 | 230 | 231 | 235
        | 238..=240 | 281..=283 | 335 | 340 | 381..=383 | 400..=403 | 411 | 412 | 420..=423 | 430 | 431
        | 435..=441 | 480..=483 | 500..=503 | 580);
    if !known {
        return None;
    }
    let bits = 18.0 + 6.0 + if own { 20.0 } else { 0.0 };
    let fact = format!("NNTP answer {code}");
    Some(Said::new(len, Role::Server, bits, fact).owned_if(own))
}

fn client(Line { text, len }: Line<'_>) -> Option<Said> {
    let (verb, argument) = first_word(text);
    let own = (is_one_of(verb, OWN)
        && (!argument.is_empty() || is_one_of(verb, &["CAPABILITIES", "OVER", "XOVER"])))
        || (is_one_of(verb, &["MODE"]) && is_one_of(argument, &["READER", "STREAM"]))
        || (is_one_of(verb, &["LIST"])
            && is_one_of(first_word(argument).0, &["ACTIVE", "NEWSGROUPS", "OVERVIEW.FMT"]));
    let common = [
        "ARTICLE", "BODY", "DATE", "HEAD", "HELP", "LAST", "LIST", "NEXT", "POST", "QUIT", "STAT",
        "STARTTLS",
    ];
    if !own && !is_one_of(verb, &common) {
        return None;
    }
    let fact = format!("NNTP command {}", from_wire(verb));
    Some(Said::new(len, Role::Client, 40.0, fact).owned_if(own))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::Talk;
    use crate::net::Side;

    #[test]
    fn both_sides_and_each_alone_are_named() {
        let talk = Talk::tcp()
            .b("200 news.example InterNetNews ready\r\n")
            .a("MODE READER\r\n")
            .b("200 hello\r\n")
            .a("GROUP comp.misc\r\n")
            .b("211 10 1 10 comp.misc\r\n");
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
        Talk::tcp().b("200 ready\r\n").a("XOVER 1-5\r\n").named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().b("200 ready\r\n").a("QUIT\r\n").refused_by(&DETECTOR);
        Talk::tcp().b("220 news.example ESMTP\r\n").a("EHLO x\r\n").refused_by(&DETECTOR);
        Talk::tcp().b("220 FTP ready\r\n").a("STAT\r\n").b("211 status\r\n").refused_by(&DETECTOR);
        Talk::tcp().a("GROUP\r\n").refused_by(&DETECTOR);
    }
}
