//! IMAP4rev1 and rev2 (RFC 9051, RFC 3501), over TCP.
//!
//! ```text
//!  server  * OK text CRLF   * PREAUTH ...   * CAPABILITY ...   tag OK|NO|BAD text CRLF
//!  client  tag SP command [SP arguments] CRLF      STARTTLS, then TLS
//! ```

use crate::identify::openings::word;
use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "imap",
    title: "IMAP",
    reference: "RFC 9051 sections 6, 7 and 9; RFC 3501",
    rests_on: "A greeting or an untagged answer behind an asterisk, or a command behind a tag that has \
               a digit.",
    blind_spots: "A connection captured from the middle of a message's text.",
    bits: 40.0,
    openings: Openings::Known(&[
        word(b"*+.-_"),
        word(b".-_ \r\n").at(1),
        // Anything may stand behind the plus of a continuation.
        mixed(&[(b' ', b'~'), (0x80, 0xff)], b"\t\r\n").at(2),
    ]),
    asks: over_tcp(|view| carrying(match_text(view, said), |_| tls_behind_text(view))),
};

/// RFC 9051 section 6, with common extensions.
const COMMANDS: &[&str] = &[
    "APPEND",
    "AUTHENTICATE",
    "CAPABILITY",
    "CHECK",
    "CLOSE",
    "COPY",
    "CREATE",
    "DELETE",
    "ENABLE",
    "EXAMINE",
    "EXPUNGE",
    "FETCH",
    "GETQUOTAROOT",
    "ID",
    "IDLE",
    "LIST",
    "LOGIN",
    "LOGOUT",
    "LSUB",
    "MOVE",
    "NAMESPACE",
    "NOOP",
    "RENAME",
    "SEARCH",
    "SELECT",
    "STARTTLS",
    "STATUS",
    "STORE",
    "SUBSCRIBE",
    "UID",
    "UNSELECT",
    "UNSUBSCRIBE",
    "XLIST",
];

/// Untagged answers (RFC 9051 section 7) that are a word alone.
const ANSWERS: &[&str] = &[
    "BYE",
    "CAPABILITY",
    "ENABLED",
    "ESEARCH",
    "FLAGS",
    "ID",
    "LIST",
    "LSUB",
    "NAMESPACE",
    "OK",
    "PREAUTH",
    "SEARCH",
    "STATUS",
];

fn said(Line { text, len }: Line<'_>, _: &[u8]) -> Option<Said> {
    let (tag, words) = first_word(text);
    let (word, behind) = first_word(words);
    if tag == b"*" {
        return untagged(word, behind, len);
    }
    if tag == b"+" {
        return Some(Said::new(len, Role::Server, 16.0, "IMAP continuation").shared());
    }
    // RFC 9051 section 9: tag is 1*<any ASTRING-CHAR except "+">; every client counts in it.
    let plain =
        tag.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
    if !plain || !(1..=24).contains(&tag.len()) {
        return None;
    }
    let counts = tag.last().is_some_and(u8::is_ascii_digit) || tag.len() == 1;
    if is_one_of(word, &["OK", "NO", "BAD"]) && !behind.is_empty() {
        let fact = format!("IMAP answer {}", from_wire(prefix(words, 60)));
        return Some(Said::new(len, Role::Server, 28.0, fact).shared());
    }
    if !is_one_of(word, COMMANDS) {
        return None;
    }
    let fact = format!("IMAP command {}", from_wire(word));
    let lone = behind.is_empty();
    let sure = counts
        && word.len() >= 4
        && lone != is_one_of(word, &["LOGIN", "SELECT", "EXAMINE", "UID"]);
    Some(Said::new(len, Role::Client, 16.0 + 8.0 * 3.0, fact).owned_if(sure))
}

fn untagged(word: &[u8], behind: &[u8], len: usize) -> Option<Said> {
    // Numbers come first: * 23 EXISTS
    let counted = word.iter().all(u8::is_ascii_digit) && {
        let (what, _) = first_word(behind);
        is_one_of(what, &["EXISTS", "RECENT", "EXPUNGE", "FETCH"])
    };
    if !counted && (!is_one_of(word, ANSWERS) || behind.is_empty()) {
        return None;
    }
    let greets = is_one_of(word, &["OK", "PREAUTH", "BYE", "CAPABILITY"]);
    let says = mentions(behind, "IMAP") || behind.starts_with(b"[");
    let fact =
        format!("IMAP untagged answer {} {}", from_wire(word), from_wire(prefix(behind, 60)));
    let bits = 16.0 + 24.0 + if says { 8.0 } else { 0.0 };
    Some(Said::new(len, Role::Server, bits, fact).owned_if(counted || greets || says))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::Talk;
    use crate::identify::{Inside, Strength};
    use crate::net::Side;

    #[test]
    fn both_sides_and_each_alone_are_named() {
        let talk = Talk::tcp()
            .b("* OK [CAPABILITY IMAP4rev1] ready\r\n")
            .a("a1 LOGIN x y\r\n")
            .b("a1 OK done\r\n");
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::B).named_by(&DETECTOR);
        talk.only(Side::A).named_by(&DETECTOR);
        Talk::tcp().midway().b("* 23 EXISTS\r\n").named_by(&DETECTOR);
    }

    #[test]
    fn behind_starttls_is_tls() {
        let talk = Talk::tcp()
            .b("* OK hello\r\n")
            .a("1 STARTTLS\r\n")
            .b("1 OK Begin\r\n")
            .a(b"\x16\x03\x01\x00\x05hello");
        assert_eq!(talk.named_by(&DETECTOR).inside, Inside::StartsAt([12, 24]));
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().a("GET LIST\r\n").b("VALUE x\r\n").refused_by(&DETECTOR);
        Talk::tcp().b("* hello\r\n").refused_by(&DETECTOR);
        Talk::tcp().b("+OK ready\r\n").a("USER x\r\n").refused_by(&DETECTOR);
        Talk::tcp().a("please LIST files\r\n").refused_by(&DETECTOR);
        Talk::tcp().a("a1 LOGIN\x01 x\r\n").refused_by(&DETECTOR);
    }
}
