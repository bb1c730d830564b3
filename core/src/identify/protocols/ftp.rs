//! FTP's control connection (RFC 959), over TCP.
//!
//! ```text
//!  server  220 SP text CRLF      331 password, 230 logged in, 227 address, 257 "directory"
//!  client  USER SP name CRLF     AUTH TLS (RFC 4217), then TLS
//! ```
//!
//! SMTP greets with 220 too, and POP3 also takes USER and PASS: one side alone may leave it open.

use crate::identify::lines::Reply;
use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "ftp",
    title: "FTP (control connection)",
    reference: "RFC 959 sections 4.1 and 4.2, RFC 2228, RFC 2389, RFC 2428, RFC 4217",
    rests_on: "A greeting that says FTP, an answer that only FTP has (227, 230, 257, 331 with its \
               words), or a command that only FTP has.",
    blind_spots: "USER and PASS alone are POP3's too; data connections carry bare files and are not \
                  recognised.",
    bits: 36.0,
    openings: Openings::Known(&[
        one_of(b"12345ACDEFHLMNOPQRSTUXacdefhlmnopqrstux"),
        one_of(b"01235ABCDEIKLMNOPRSTUWYabcdeiklmnoprstuwy").at(1),
        one_of(b"0123456789ACDEFILNOPRSTUWZacdefilnoprstuwz").at(2),
        one_of(b" -\r\nDEHMNOPRSTUVZdehmnoprstuvz").at(3),
    ]),
    asks: over_tcp(|view| match_dialogue(view, server, client))
        .telling(Extras { details: &[BANNER], ..Extras::BEFORE_TLS }),
};

/// The server's greeting.
const BANNER: DetailKey =
    DetailKey::Own(&OwnDetail { path: "portstory.ftp.banner", summary: None, names: true });

/// Commands that other protocols of text don't have.
const OWN: &[&str] = &[
    "ACCT", "ADAT", "ALLO", "APPE", "CDUP", "CWD", "EPRT", "EPSV", "FEAT", "MDTM", "MKD", "MLSD",
    "MLST", "NLST", "OPTS", "PASV", "PBSZ", "PORT", "PROT", "PWD", "REIN", "RMD", "RNFR", "RNTO",
    "SITE", "SMNT", "STOR", "STOU", "STRU", "SYST", "XCUP", "XCWD", "XPWD",
];

fn server(Reply { code, text, len }: Reply<'_>) -> Option<Said> {
    // RFC 959 section 4.2.2, with RFC 2228's and RFC 2428's.
    if !matches!(code, 110 | 120 | 125 | 150 | 200 | 202 | 211..=215 | 220 | 221 | 225..=234 | 250 | 257
        | 331 | 332 | 334..=336 | 350 | 421 | 425 | 426 | 430..=434 | 450..=452 | 500..=504 | 521 | 522
        | 530..=537 | 550..=553)
    {
        return None;
    }
    let own = match code {
        220 => mentions(text, "FTP") || mentions(text, "FileZilla"),
        227 => mentions(text, "Passive"),
        229 => mentions(text, "(|||"),
        230 => mentions(text, "log"),
        234 => mentions(text, "AUTH") || mentions(text, "TLS"),
        257 => text.starts_with(b"\""),
        331 => mentions(text, "password"),
        _ => false,
    };
    let fact = format!("FTP answer {code}");
    let bits = 18.0 + 6.0 + if own { 16.0 } else { 0.0 };
    let said = Said::new(len, Role::Server, bits, fact).owned_if(own);
    let banner = text.split(|byte| *byte == b'\n').next().filter(|_| code == 220);
    Some(said.with_some(BANNER, banner.map(|text| from_wire(text.trim_ascii()))))
}

fn client(Line { text, len }: Line<'_>) -> Option<Said> {
    let (verb, argument) = first_word(text);
    let common = [
        "USER", "PASS", "AUTH", "TYPE", "MODE", "RETR", "LIST", "DELE", "STAT", "HELP", "NOOP",
        "QUIT", "ABOR", "REST", "SIZE", "CCC", "HOST", "CLNT",
    ];
    let own = is_one_of(verb, OWN)
        || (is_one_of(verb, &["AUTH"]) && is_one_of(argument, &["TLS", "SSL", "TLS-C"]))
        || (is_one_of(verb, &["TYPE"]) && is_one_of(argument, &["A", "I", "A N", "E", "L 8"]))
        || (is_one_of(verb, &["RETR"]) && !is_number(argument, 9) && !argument.is_empty());
    if !own && !is_one_of(verb, &common) {
        return None;
    }
    let shown = if is_one_of(verb, &["PASS"]) { verb } else { text };
    let fact = format!("FTP command {}", from_wire(shown));
    // three letters and the line's end, at the least
    Some(Said::new(len, Role::Client, 24.0 - 5.0 + 16.0 + 1.0, fact).owned_if(own))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::Talk;
    use crate::identify::{Inside, Strength};
    use crate::net::Side;

    #[test]
    fn a_login_is_named_by_both_and_by_the_server() {
        let talk = Talk::tcp()
            .b("220 (vsFTPd 3.0.5)\r\n")
            .a("USER anonymous\r\n")
            .b("331 Please specify the password.\r\n")
            .a("PASS x\r\n");
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        assert_eq!(found.details, [Detail::new(BANNER, "(vsFTPd 3.0.5)")]);
        talk.clone().only(Side::B).named_by(&DETECTOR);
        // POP3's client could say the same
        talk.only(Side::A).refused_by(&DETECTOR);
    }

    #[test]
    fn commands_in_the_middle_are_named() {
        let talk =
            Talk::tcp().midway().a("PASV\r\n").b("227 Entering Passive Mode (10,0,0,9,4,1)\r\n");
        assert_eq!(talk.named_by(&DETECTOR).strength, Strength::BothSides);
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
    }

    #[test]
    fn behind_auth_tls_is_tls() {
        let talk = Talk::tcp().b("220-Hello\r\n there\r\n220 ready\r\n").a("AUTH TLS\r\n");
        assert_eq!(talk.named_by(&DETECTOR).inside, Inside::MayFollow);
        let talk = talk.b("234 AUTH TLS ok\r\n");
        assert_eq!(talk.named_by(&DETECTOR).inside, Inside::Agreed);
        let talk = talk.a(b"\x16\x03\x01\x00\x05hello");
        assert_eq!(talk.named_by(&DETECTOR).inside, Inside::StartsAt([10, 47]));
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().b("220 mail ESMTP\r\n").a("EHLO x\r\n").b("250 x\r\n").refused_by(&DETECTOR);
        Talk::tcp().b("+OK ready\r\n").a("USER x\r\n").b("+OK\r\n").refused_by(&DETECTOR);
        Talk::tcp().b("220 ready\r\n").refused_by(&DETECTOR);
        Talk::tcp().a("RETR 1\r\n").b("+OK 20 bytes\r\n").refused_by(&DETECTOR);
        Talk::tcp().a("CWD\x00").refused_by(&DETECTOR);
    }
}
