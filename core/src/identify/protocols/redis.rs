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
    openings: Openings::Known(&[
        one_of(b"$*+-:"),
        mixed(&[(b'0', b'9')], b"-DEMNOPQRW").at(1),
        mixed(&[(b'0', b'9')], b"\rEIKORU").at(2),
        mixed(&[(b'0', b'9')], b"\n\rAENORSV").at(3),
    ]),
    asks: over_tcp(|view| match_stream(view, read)),
};

fn read(bytes: &[u8], complete: bool) -> SideMatch<Said> {
    let line = line(bytes, complete);
    let signs = bytes.first().is_some_and(|sign| b"*$+-:%".contains(sign));
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
            Some(1..) => array(bytes, found.len, complete),
            Some(0) => answer(found.len, 32.0, false),
            None if value == b"-1" => answer(found.len, 40.0, false),
            None => Err(Not),
        },
        b'$' => match counted(bytes) {
            Some((_, len)) => answer(len, 44.0, true),
            None if value == b"-1" => answer(found.len, 40.0, false),
            None => Err(Not),
        },
        b'+' if value == b"PONG" => answer(found.len, 56.0, true),
        b'+' if value == b"OK" || value == b"QUEUED" => answer(found.len, 40.0, false),
        b':' if number(value).is_some() => answer(found.len, 24.0, false),
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
            ]
            .contains(&word)
                || value.starts_with(b"ERR unknown command")
                || value.starts_with(b"ERR wrong number of arguments");
            if own || word == b"ERR" { answer(found.len, 44.0, own) } else { Err(Not) }
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

/// A command is an array of counted strings that starts with a word; an answer holds anything.
fn array(bytes: &[u8], at: usize, complete: bool) -> SideMatch<Said> {
    let first = rest(bytes, at);
    if first.is_empty() && !complete {
        return Err(Short);
    }
    let Some((word, _)) = counted(first) else {
        let typed = matches!(first.first(), Some(b'*' | b':' | b'+' | b'$' | b'%' | b'#' | b','));
        if !typed {
            return Err(Not);
        }
        if !complete && first.len() <= 16 {
            return Err(Short);
        }
        let said = Said::new(bytes.len(), Role::Server, 28.0, "RESP array").shared();
        return Ok(said);
    };
    let command = (2..=20).contains(&word.len())
        && word.iter().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'.' | b'_' | b'-'));
    let mut end = at;
    // The rest of its strings; where they are no strings it is an answer, whose end is not sought.
    while let Some((_, len)) = counted(rest(bytes, end)) {
        end = end.saturating_add(len);
        if matches!(bytes.get(end), Some(b'*') | None) {
            break;
        }
    }
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
