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
    asks: over_tcp(|view| carrying(match_text(view, said), |_| tls_behind_text(view)))
        .telling(Extras::BEFORE_TLS),
};

/// RFC 9051 section 6, with common extensions: a command, the fewest and the most arguments it has.
const COMMANDS: &[(&str, usize, usize)] = &[
    ("APPEND", 2, MANY),
    ("AUTHENTICATE", 1, 2),
    ("CAPABILITY", 0, 0),
    ("CHECK", 0, 0),
    ("CLOSE", 0, 0),
    ("COPY", 2, 2),
    ("CREATE", 1, MANY),
    ("DELETE", 1, 1),
    ("ENABLE", 1, MANY),
    ("EXAMINE", 1, 2),
    ("EXPUNGE", 0, 0),
    ("FETCH", 2, 3),
    ("GETQUOTAROOT", 1, 1),
    ("ID", 1, 1),
    ("IDLE", 0, 0),
    ("LIST", 2, MANY),
    ("LOGIN", 2, 2),
    ("LOGOUT", 0, 0),
    ("LSUB", 2, 2),
    ("MOVE", 2, 2),
    ("NAMESPACE", 0, 0),
    ("NOOP", 0, 0),
    ("RENAME", 2, 2),
    ("SEARCH", 1, MANY),
    ("SELECT", 1, 2),
    ("STARTTLS", 0, 0),
    ("STATUS", 2, 2),
    ("STORE", 3, 4),
    ("SUBSCRIBE", 1, 1),
    ("UID", 2, MANY),
    ("UNSELECT", 0, 0),
    ("UNSUBSCRIBE", 1, 1),
    ("XLIST", 2, 2),
];

/// As many arguments as are said.
const MANY: usize = usize::MAX;

/// How many arguments there are: atoms, quoted strings, lists in parentheses (RFC 9051 section 4).
fn arguments(text: &[u8]) -> usize {
    let (mut count, mut depth, mut quoted, mut before) = (0_usize, 0_usize, false, b' ');
    for byte in text.trim_ascii() {
        let apart = depth == 0 && !quoted && before == b' ';
        count = count.saturating_add(usize::from(apart && *byte != b' '));
        match byte {
            b'"' if before != b'\\' => quoted = !quoted,
            b'(' | b'[' if !quoted => depth = depth.saturating_add(1),
            b')' | b']' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        before = *byte;
    }
    count
}

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
    let (_, fewest, most) = *COMMANDS.iter().find(|(known, _, _)| is_one_of(word, &[known]))?;
    // A literal is sent when the server says so: what follows it is still to come.
    let count = arguments(behind);
    if !(fewest..=most).contains(&count) && !behind.ends_with(b"}") {
        return None;
    }
    // Three digits and a text are an answer of FTP and its kin (RFC 959 section 4.2).
    let answers = matches!(tag, [b'1'..=b'5', b'0'..=b'9', b'0'..=b'9']);
    let fact = format!("IMAP command {}", from_wire(word));
    let lone = behind.is_empty();
    let sure = counts
        && !answers
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
        let talk = Talk::tcp().b("* OK hello\r\n").a("1 STARTTLS\r\n");
        assert_eq!(talk.named_by(&DETECTOR).inside, Inside::MayFollow);
        let talk = talk.b("1 OK Begin\r\n");
        assert_eq!(talk.named_by(&DETECTOR).inside, Inside::Agreed);
        let talk = talk.a(b"\x16\x03\x01\x00\x05hello");
        assert_eq!(talk.named_by(&DETECTOR).inside, Inside::StartsAt([12, 24]));
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().a("GET LIST\r\n").b("VALUE x\r\n").refused_by(&DETECTOR);
        Talk::tcp().b("* hello\r\n").refused_by(&DETECTOR);
        Talk::tcp().b("+OK ready\r\n").a("USER x\r\n").refused_by(&DETECTOR);
        Talk::tcp().a("please LIST files\r\n").refused_by(&DETECTOR);
        Talk::tcp().a("a1 LOGIN\x01 x\r\n").refused_by(&DETECTOR);
        for answer in
            ["530 Login incorrect.\r\n", "230 Login\r\n", "221 Logout\r\n", "200 NOOP\r\n"]
        {
            Talk::tcp().b(answer).refused_by(&DETECTOR);
            Talk::tcp().b(answer).a("QUIT\r\n").refused_by(&DETECTOR);
        }
        Talk::tcp().a("a1 LOGIN somebody\r\n").refused_by(&DETECTOR);
    }
}
