//! Lines of text, as the protocols of text send them. Knows no protocol.

use crate::identify::messages::{is_tls, match_stream};
use crate::identify::side_match::MessageError::{Not, Short};
use crate::identify::side_match::{Role, Said, SideMatch, carrying};
use crate::identify::view::FlowView;
use crate::identify::{Inside, Probe};
use crate::net::Side;
use crate::wire::{from_wire, index, prefix, rest};

/// The longest line that is looked at: RFC 5321 section 4.5.3.1 and its kin say 512 or 1000.
const LINE_BYTES_MAX: usize = 1024;

/// A line, and how many bytes it has with its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    pub(super) text: &'a [u8],
    pub(super) len: usize,
}

/// The line at the front. Where nothing more will come, a line that is cut counts as it is.
pub(super) fn line(bytes: &[u8], complete: bool) -> SideMatch<Line<'_>> {
    let seen = prefix(bytes, LINE_BYTES_MAX);
    let end = seen.iter().position(|byte| *byte == b'\n');
    let raw = prefix(seen, end.unwrap_or(seen.len()));
    let text = raw.strip_suffix(b"\r").unwrap_or(raw);
    if !text.iter().all(|byte| is_plain(*byte)) {
        return Err(Not);
    }
    match end {
        Some(end) => Ok(Line { text, len: end.saturating_add(1) }),
        None if seen.len() == LINE_BYTES_MAX => Err(Not),
        None if complete && text.len() >= 4 => Ok(Line { text, len: raw.len() }),
        None => Err(Short),
    }
}

/// What may stand in a line: no control character but the tab.
pub(super) const fn is_plain(byte: u8) -> bool {
    byte >= b' ' && byte != 0x7f || byte == b'\t'
}

/// The first word, and what stands behind the blank after it.
pub(super) fn first_word(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| *byte == b' ').unwrap_or(text.len());
    (prefix(text, end), rest(text, end.saturating_add(1)))
}

/// Whether the first word is one of these, in capitals or not.
pub(super) fn is_one_of(word: &[u8], words: &[&str]) -> bool {
    words.iter().any(|known| word.eq_ignore_ascii_case(known.as_bytes()))
}

/// Whether the words stand somewhere, in capitals or not.
pub(super) fn mentions(text: &[u8], words: &str) -> bool {
    text.windows(words.len().max(1)).any(|part| part.eq_ignore_ascii_case(words.as_bytes()))
}

/// Whether the bytes are a number of so many digits at most.
pub(super) fn is_number(text: &[u8], digits_max: usize) -> bool {
    (1..=digits_max).contains(&text.len()) && text.iter().all(u8::is_ascii_digit)
}

/// The number, where it is nothing but digits and small enough.
pub(super) fn number(text: &[u8]) -> Option<u32> {
    if !is_number(text, 9) {
        return None;
    }
    let digit = |sum: u32, byte: &u8| sum.saturating_mul(10).saturating_add((byte - b'0').into());
    Some(text.iter().fold(0, digit))
}

/// A reply of three digits and text, over one line or more (RFC 959 section 4.2, RFC 5321 section
/// 4.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reply<'a> {
    pub(super) code: u16,
    /// Everything behind the first code.
    pub(super) text: &'a [u8],
    pub(super) len: usize,
}

/// The reply at the front; one that goes on over lines is whole when its last line is there.
pub(super) fn reply(bytes: &[u8], complete: bool) -> SideMatch<Reply<'_>> {
    let front = prefix(bytes, 4);
    let digits = prefix(front, 3);
    if !digits.iter().all(u8::is_ascii_digit)
        || front.get(3).is_some_and(|byte| !matches!(byte, b' ' | b'-' | b'\r' | b'\n'))
    {
        return Err(Not);
    }
    let code = number(digits).and_then(|code| u16::try_from(code).ok()).ok_or(Short)?;
    // Second digits go up to 5 there, and to 8 with NNTP (RFC 3977 section 3.2).
    if front.len() == 4 && (!(100..600).contains(&code) || code / 10 % 10 > 8) {
        return Err(Not);
    }
    let mut at = 0_usize;
    loop {
        let found = match line(rest(bytes, at), complete) {
            Ok(found) => found,
            Err(Short) if at > 0 && complete => break,
            Err(stop) => return Err(stop),
        };
        at = at.saturating_add(found.len);
        let goes_on = found.text.get(3) == Some(&b'-') || !found.text.starts_with(digits);
        if !goes_on || at >= bytes.len() && complete {
            break;
        }
    }
    Ok(Reply { code, text: rest(prefix(bytes, at), 4), len: at })
}

/// How long a message is that has the form of RFC 5322, as far as it is there: a line, fields, an empty
/// line, and a body of as many bytes as a field says ([`Said::ALL`] where its fields go on, or where
/// none says that and `ends_with_fields` is not set). `None` where its fields are no text.
pub(super) fn fields_message(bytes: &[u8], ends_with_fields: bool) -> Option<usize> {
    let mut at = 0_usize;
    let mut body = None;
    loop {
        let left = rest(bytes, at);
        let end = left.iter().position(|byte| *byte == b'\n');
        let text = prefix(left, end.unwrap_or(left.len()));
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        if !text.iter().all(|byte| is_plain(*byte)) {
            return None;
        }
        let Some(end) = end else { return Some(Said::ALL) };
        at = at.saturating_add(end).saturating_add(1);
        if text.is_empty() {
            break;
        }
        body = body.or_else(|| content_length(text));
    }
    let body = body.or_else(|| ends_with_fields.then_some(0));
    Some(body.map_or(Said::ALL, |body| at.saturating_add(body)))
}

/// What a field says of the body's length.
fn content_length(line: &[u8]) -> Option<usize> {
    let (name, value) = field(line)?;
    // "l" is SIP's short form, and SIP allows a blank behind a name (RFC 3261 sections 20.14 and 25.1).
    let known = is_one_of(name.trim_ascii(), &["content-length", "l"]);
    number(value).filter(|_| known).map(index)
}

/// A field's name and value (RFC 5322 section 2.2), if the line is one.
fn field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let (name, value) = line.split_at_checked(line.iter().position(|byte| *byte == b':')?)?;
    Some((name, rest(value, 1).trim_ascii()))
}

/// The value of the first field of this name in some lines, whatever the name's case.
pub(super) fn field_value<'a>(lines: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let mut fields = lines.split(|byte| *byte == b'\n').filter_map(field);
    fields.find(|(known, _)| is_one_of(known, &[name])).map(|(_, value)| value)
}

/// Whether what is there is text, as far as it is looked at: no control character but those of lines.
pub(super) fn is_text(bytes: &[u8]) -> bool {
    let seen = prefix(bytes, LINE_BYTES_MAX);
    seen.iter().all(|byte| is_plain(*byte) || matches!(byte, b'\r' | b'\n'))
}

/// Where TLS takes over from lines of text: it does where a side's next bytes are a TLS record.
/// What the other side has said so far is then text, and its TLS is still to come. Before that it may have
/// been agreed on.
pub(super) fn tls_behind_text(view: &FlowView<'_>) -> Inside {
    let ends = Side::BOTH.map(|side| text_end(view.side(side).stream));
    if ends.iter().any(|(_, tls)| *tls) {
        Inside::StartsAt(ends.map(|(end, _)| end))
    } else if Side::BOTH.into_iter().any(|client| agrees_on_tls(view, client)) {
        Inside::Agreed
    } else {
        Inside::MayFollow
    }
}

/// Whether the client's last line asks for TLS, and the server's says yes: RFC 3207 section 4 (SMTP), RFC 4217
/// section 4 (FTP), RFC 4642 section 2.2 (NNTP), RFC 2595 section 4 (POP3), RFC 9051 section 6.2.1 (IMAP, where
/// both bear a tag).
fn agrees_on_tls(view: &FlowView<'_>, client: Side) -> bool {
    let [questions, answers] = [client, client.other()].map(|side| view.side(side).stream);
    let [asked, answered] = [questions, answers].map(last_line);
    let starts = |starts: &[&str]| starts.iter().any(|one| answered.starts_with(one.as_bytes()));
    let agreed = if is_one_of(asked, &["AUTH TLS"]) {
        starts(&["234"])
    } else if is_one_of(asked, &["STARTTLS"]) {
        starts(&["220", "382"])
    } else if is_one_of(asked, &["STLS"]) {
        starts(&["+OK"])
    } else {
        let tag = asked.iter().position(|byte| *byte == b' ').unwrap_or_default();
        let (tag, command) = asked.split_at_checked(tag).unwrap_or_default();
        let answer = answered.strip_prefix(tag).unwrap_or_default();
        return is_one_of(command, &[" STARTTLS"]) && answer.starts_with(b" OK");
    };
    // The server greets, and says a line at least to each of the client's.
    let lines = |stream: &[u8]| stream.iter().filter(|byte| **byte == b'\n').count();
    agreed && lines(answers) > lines(questions)
}

/// The last line that is there to its end, without that.
fn last_line(stream: &[u8]) -> &[u8] {
    let lines =
        stream.iter().rposition(|byte| *byte == b'\n').map_or(&[][..], |end| prefix(stream, end));
    lines.rsplit(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii_end()
}

fn text_end(stream: &[u8]) -> (usize, bool) {
    let mut at = 0_usize;
    loop {
        let left = rest(stream, at);
        if at > 0 && is_tls(left) {
            return (at, true);
        }
        match left.iter().position(|byte| *byte == b'\n') {
            Some(end) => at = at.saturating_add(end).saturating_add(1),
            None => return (at, false),
        }
    }
}

/// Reads a dialogue of commands and numbered answers, such as FTP's, which TLS may take over.
pub(super) fn match_dialogue(
    view: &FlowView<'_>,
    answer: fn(Reply<'_>) -> Option<Said>,
    command: fn(Line<'_>) -> Option<Said>,
) -> Probe {
    let probe = match_stream(view, |bytes, complete| {
        if bytes.first().is_some_and(u8::is_ascii_digit) {
            return answer(reply(bytes, complete)?).ok_or(Not);
        }
        command(line(bytes, complete)?).ok_or(Not)
    });
    carrying(probe, |_| tls_behind_text(view))
}

/// Reads messages that begin with a line: `read` is told the line, and all that is there.
pub(super) fn match_text(view: &FlowView<'_>, read: fn(Line<'_>, &[u8]) -> Option<Said>) -> Probe {
    match_stream(view, |bytes, complete| read(line(bytes, complete)?, bytes).ok_or(Not))
}

/// What a line is, for one of the protocols: who says it, the bits it proves, whether it is its own.
pub(super) type Words = fn(&[u8]) -> Option<(Role, f32, bool)>;

/// Reads messages of one line each, told by `words`; `title` stands before the line in the evidence.
pub(super) fn match_lines(view: &FlowView<'_>, title: &str, words: Words) -> Probe {
    match_stream(view, |bytes, complete| {
        let found = line(bytes, complete)?;
        let (role, bits, own) = words(found.text).ok_or(Not)?;
        let fact = format!("{title}: {}", from_wire(prefix(found.text, 60)));
        Ok(Said::new(found.len, role, bits, fact).owned_if(own))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_go_on_over_lines() {
        let text = b"220-a\r\nwelcome\r\n220 b\r\nmore";
        let Ok(found) = reply(text, false) else { panic!() };
        assert_eq!((found.code, found.len), (220, 23));
        assert_eq!(reply(b"220-a\r\n", false), Err(Short));
        assert_eq!(reply(b"22", false), Err(Short));
        assert_eq!(reply(b"2200 x\r\n", false), Err(Not));
        assert_eq!(reply(b"720 x\r\n", false), Err(Not));
        assert_eq!(reply(b"220 \x01\r\n", false), Err(Not));
    }

    #[test]
    fn lines_end_and_are_plain() {
        assert_eq!(line(b"ab\r\nc", false), Ok(Line { text: b"ab", len: 4 }));
        assert_eq!(line(b"abcd", false), Err(Short));
        assert_eq!(line(b"abcd", true), Ok(Line { text: b"abcd", len: 4 }));
        assert_eq!(line(&[b'x'; 2000], true), Err(Not));
        assert!(mentions(b"Postfix esmtp", "ESMTP") && !mentions(b"x", "ESMTP"));
        assert_eq!(number(b"0421"), Some(421));
        assert_eq!(number(b"-1"), None);
    }
}
