//! RESP, the protocol of Redis and its kin, over TCP.
//!
//! ```text
//!  client  *2 CRLF $3 CRLF GET CRLF $1 CRLF x CRLF        an array of counted strings
//!  server  +OK CRLF   -ERR text CRLF   :number CRLF   $length CRLF bytes CRLF   *count CRLF ...
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "redis",
    title: "Redis (RESP)",
    reference: "Redis documentation, Redis serialization protocol specification (RESP2 and RESP3)",
    rests_on: "An array of strings, each as long as it says, the first of them a command; an answer is \
               taken for one beside it, or where it is an error that only Redis has or a counted string.",
    blind_spots: "Inline commands; servers that speak RESP but are not Redis (KeyDB, Valkey, Dragonfly).",
    bits: 44.0,
    openings: Openings::Known(&[one_of(b"*$+-:%~>|_#,(!=")]),
    asks: over_tcp(|view| match_stream(view, read)),
};

fn read(bytes: &[u8], complete: bool) -> SideMatch<Said> {
    let line = line(bytes, complete);
    let signs = bytes.first().is_some_and(|sign| SIGNS.contains(sign));
    if line == Err(Short) && signs {
        return Err(Short);
    }
    let Some(found) = line.ok() else { return Err(Not) };
    let ends = prefix(bytes, found.len).ends_with(b"\r\n");
    let (Some((sign, value)), true) = (found.text.split_first(), ends) else {
        return Err(Not);
    };
    let answer = |len, bits, own| {
        let fact = format!("RESP answer {}", from_wire(prefix(found.text, 60)));
        Ok(Said::new(len, Role::Server, bits, fact).owned_if(own))
    };
    match sign {
        b'*' => match number(value) {
            Some(1..) => array(bytes, found.len),
            Some(0) => answer(found.len, 32.0, false),
            None if value == b"-1" => answer(found.len, 40.0, false),
            None => Err(Not),
        },
        // RESP3: maps, sets, pushes, attributes; verbatim and error strings
        b'%' | b'~' | b'>' | b'|' | b'!' | b'=' => answer(value_len(bytes)?, 28.0, false),
        // null, truth, doubles, big numbers
        b'_' if value.is_empty() => answer(found.len, 24.0, false),
        b'#' if matches!(value, b"t" | b"f") => answer(found.len, 30.0, false),
        b',' if is_double(value) => answer(found.len, 24.0, false),
        b'(' if is_number(value.strip_prefix(b"-").unwrap_or(value), 400) => {
            answer(found.len, 24.0, false)
        }
        b'$' => match counted(bytes) {
            Some((_, len)) => answer(len, 44.0, true),
            None if value == b"-1" => answer(found.len, 40.0, false),
            None => Err(Not),
        },
        b'+' if value == b"PONG" => answer(found.len, 56.0, true),
        b'+' if value == b"OK" || value == b"QUEUED" => answer(found.len, 40.0, false),
        // Scripts and modules answer any word.
        b'+' if !value.is_empty() => answer(found.len, 8.0, false),
        b':' if is_number(value.strip_prefix(b"-").unwrap_or(value), 20) => {
            answer(found.len, 24.0, false)
        }
        b'-' => {
            let word = value.split(|byte| *byte == b' ').next().unwrap_or_default();
            let own = [
                &b"NOAUTH"[..],
                b"WRONGTYPE",
                b"DENIED",
                b"MOVED",
                b"WRONGPASS",
                b"NOSCRIPT",
                b"READONLY",
                b"MISCONF",
                b"NOPROTO",
                b"LOADING",
                b"BUSYKEY",
                b"CROSSSLOT",
                b"CLUSTERDOWN",
            ]
            .contains(&word)
                || value.starts_with(b"ERR unknown command")
                || value.starts_with(b"ERR wrong number of arguments");
            // The first word, in capitals, is the error's kind.
            let kind = word.len() >= 3 && word.iter().all(u8::is_ascii_uppercase);
            if own || kind { answer(found.len, 44.0, own) } else { Err(Not) }
        }
        _ => Err(Not),
    }
}

/// `$length CRLF bytes CRLF`, and how many bytes that is on the wire: seen to the end, or cut in
/// its bytes.
fn counted(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let head = line(bytes, false).ok()?;
    let size = index(number(head.text.strip_prefix(b"$")?)?);
    let value = prefix(rest(bytes, head.len), size);
    let behind = prefix(rest(bytes, head.len.saturating_add(size)), 2);
    (b"\r\n".starts_with(behind) && prefix(bytes, head.len).ends_with(b"\r\n"))
        .then_some((value, head.len.saturating_add(size).saturating_add(2)))
}

/// How long the value at the front is on the wire, with all that it holds; [`Said::ALL`] where it is not
/// there to its end.
fn value_len(bytes: &[u8]) -> SideMatch<usize> {
    let (mut at, mut wanted) = (0_usize, 1_usize);
    while wanted > 0 {
        wanted -= 1;
        let front = rest(bytes, at);
        let Ok(head) = line(front, false) else {
            let signed = front.first().is_none_or(|sign| SIGNS.contains(sign));
            return if signed { Ok(Said::ALL) } else { Err(Not) };
        };
        let Some((sign, value)) = head.text.split_first().filter(|(sign, _)| SIGNS.contains(sign))
        else {
            return Err(Not);
        };
        at = at.saturating_add(head.len);
        let count = number(value).map(index);
        match sign {
            b'$' | b'!' | b'=' if value != b"-1" => {
                at = at.saturating_add(count.ok_or(Not)?).saturating_add(2);
            }
            b'*' | b'~' | b'>' if value != b"-1" => {
                wanted = wanted.saturating_add(count.ok_or(Not)?);
            }
            // An attribute stands before the value that it belongs to.
            b'|' => {
                wanted =
                    wanted.saturating_add(count.ok_or(Not)?.saturating_mul(2)).saturating_add(1)
            }
            b'%' => wanted = wanted.saturating_add(count.ok_or(Not)?.saturating_mul(2)),
            _ => {}
        }
    }
    Ok(at)
}

/// What a value begins with (RESP2 and RESP3).
const SIGNS: &[u8] = b"*$+-:%~>|_#,(!=";

/// A double, or what stands for one that is none.
fn is_double(value: &[u8]) -> bool {
    let digits = value.iter().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(byte));
    (digits && !value.is_empty()) || matches!(value, b"inf" | b"-inf" | b"nan")
}

/// A command is an array of counted strings that starts with a word; an answer holds anything.
fn array(bytes: &[u8], at: usize) -> SideMatch<Said> {
    let first = rest(bytes, at);
    if first.is_empty() {
        return Err(Short);
    }
    let Some((word, _)) = counted(first) else {
        return Ok(Said::new(value_len(bytes)?, Role::Server, 28.0, "RESP array").shared());
    };
    let command = (2..=20).contains(&word.len())
        && word.iter().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'.' | b'_' | b'-'));
    let end = value_len(bytes)?;
    let role = if command { Role::Client } else { Role::Server };
    let what = if command { "command" } else { "array" };
    let fact = format!("RESP {what} {}", from_wire(prefix(word, 40)));
    // * number CRLF $ number CRLF and what separates the strings
    Ok(Said::new(end, role, 28.0 + 28.0, fact).owned_if(command))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::Talk;
    use crate::net::Side;

    #[test]
    fn commands_and_answers_are_named() {
        let talk = Talk::tcp()
            .a("*2\r\n$3\r\nGET\r\n$1\r\nx\r\n")
            .b("$5\r\nhello\r\n")
            .a("*1\r\n$4\r\nPING\r\n")
            .b("+PONG\r\n");
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
        Talk::tcp().b("-NOAUTH Authentication required.\r\n").named_by(&DETECTOR);
        Talk::tcp()
            .a("*1\r\n$7\r\nCOMMAND\r\n")
            .b("*200\r\n*6\r\n$3\r\nget\r\n:2\r\n")
            .named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().b("+OK\r\n").refused_by(&DETECTOR);
        Talk::tcp().b("+OK Dovecot ready.\r\n").refused_by(&DETECTOR);
        Talk::tcp().b("-ERR invalid\r\n").a("USER x\r\n").refused_by(&DETECTOR);
        Talk::tcp().a("*2\r\n$30\r\nGET\r\n$1\r\nx\r\n").refused_by(&DETECTOR);
        Talk::tcp().a("* OK IMAP4\r\n").refused_by(&DETECTOR);
        Talk::tcp().a("$5\nhello\n").refused_by(&DETECTOR);
    }
}
