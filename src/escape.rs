//! Makes what strangers wrote harmless to look at.
//!
//! A server name or a banner can hold control sequences that rewrite a terminal, or characters that
//! turn text round or hide it (<https://trojansource.codes>). Each output shows such characters by
//! their numbers instead. Nothing is dropped, so nothing hides. HTML has its own rules and its own
//! escapes.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Whether a character acts on the display instead of being seen on it: controls, and Unicode's
/// bidirectional controls, zero-width characters, line separators, fillers and tags.
pub const fn is_hazard(c: char) -> bool {
    matches!(c,
        '\0'..='\x1f' | '\x7f'..='\u{9f}'
        | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Text for a terminal or a log: one line, every hazard as `\n`, `\x1b` or `\u{202e}`.
pub(crate) fn terminal(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hazard) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            // Writing to a String cannot fail.
            c if is_hazard(c) && c.is_ascii() => {
                let _ = write!(shown, "\\x{:02x}", u32::from(c));
            }
            c if is_hazard(c) => {
                let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
            }
            c => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

/// Bytes that should be UTF-8, as text: those that are not are shown by their numbers, as `\xff`.
pub(crate) fn bytes(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            // Writing to a String cannot fail.
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

/// One field of a CSV record (RFC 4180), with its hazards escaped, guarded against being run as a
/// formula by a spreadsheet: what starts like one gets a single quote in front.
pub(crate) fn csv_field(text: &str) -> Cow<'_, str> {
    let mut field = terminal(text);
    if starts_like_a_formula(text) {
        field.to_mut().insert(0, '\'');
    }
    if field.contains([',', '"', '\n', '\r']) || field.starts_with(' ') || field.ends_with(' ') {
        return Cow::Owned(format!("\"{}\"", field.replace('"', "\"\"")));
    }
    field
}

/// Text in Markdown, outside of code: hazards as for a terminal, and a backslash before everything that
/// Markdown or HTML in it might take for markup (CommonMark section 2.4: any ASCII punctuation).
///
/// Bare addresses of pages and of mail become links (GFM section 6.9), and names behind an `@` call
/// people, mostly after backslashes are gone. In code nothing does: so what joins such an address stands
/// there.
pub fn markdown(text: &str) -> String {
    let shown = terminal(text);
    let mut plain = String::with_capacity(shown.len() + 16);
    // At the start of a line more characters mean something.
    if shown.starts_with(['+', '-', '=', '.', ')', ':']) && joint_len(&shown, 0) == 0 {
        plain.push('\\');
    }
    let (mut at, mut in_code) = (0, false);
    while let Some(c) = shown.get(at..).and_then(|rest| rest.chars().next()) {
        let joint = joint_len(&shown, at);
        if in_code != (joint > 0) {
            plain.push('`');
            in_code = !in_code;
        }
        if !in_code && is_markup(c) {
            plain.push('\\');
        }
        let end = at.saturating_add(joint.max(c.len_utf8()));
        plain.push_str(shown.get(at..end).unwrap_or_default());
        at = end;
    }
    if in_code {
        plain.push('`');
    }
    plain
}

/// Bytes of what joins the parts of an address, if that stands at this place: `@`, `://`, and the dot
/// behind `www`.
fn joint_len(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let www = at.checked_sub(3).and_then(|start| text.get(start..at));
    let is_behind_www = www.is_some_and(|www| www.eq_ignore_ascii_case("www"));
    if rest.starts_with("://") {
        3
    } else if rest.starts_with('@') || (is_behind_www && rest.starts_with('.')) {
        1
    } else {
        0
    }
}

fn is_markup(c: char) -> bool {
    r"\`*_{}[]<>#|~!&$".contains(c)
}

/// OWASP, "CSV Injection": `=`, `+`, `-`, `@`, tab, CR, and the full-width forms. Spreadsheets skip
/// blanks in front.
fn starts_like_a_formula(text: &str) -> bool {
    text.starts_with(['\t', '\r', '\n'])
        || text
            .trim_start()
            .starts_with(['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_left_alone() {
        for text in ["", "caf\u{e9} \u{65e5}\u{672c} -> \\x1b", "a;b,c", "\u{1f600}"] {
            assert!(matches!(terminal(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn hazards_are_shown_by_their_numbers() {
        assert_eq!(terminal("\x1b[2J\x07"), "\\x1b[2J\\x07");
        assert_eq!(terminal("a\r\n\tb\0"), "a\\r\\n\\tb\\x00");
        assert_eq!(terminal("\u{9b}1m"), "\\u{9b}1m");
        assert_eq!(terminal("exe\u{202e}fdp"), "exe\\u{202e}fdp");
        for c in ['\u{202a}', '\u{202e}', '\u{2066}', '\u{2069}', '\u{200e}', '\u{200f}'] {
            assert!(is_hazard(c), "bidi {c:?}");
        }
        for c in ['\u{200b}', '\u{200d}', '\u{2060}', '\u{feff}', '\u{2028}', '\u{e0041}', '\x7f'] {
            assert!(is_hazard(c), "invisible {c:?}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_by_their_numbers() {
        assert_eq!(bytes(b"caf\xc3\xa9"), "caf\u{e9}");
        assert_eq!(bytes(b"--key=\xff\xfe x\xe9"), "--key=\\xff\\xfe x\\xe9");
        assert_eq!(bytes(b""), "");
    }

    #[test]
    fn csv_fields_are_quoted_where_they_must_be() {
        assert_eq!(csv_field("plain"), "plain");
        assert_eq!(csv_field("a,b"), "\"a,b\"");
        assert_eq!(csv_field("say \"no\""), "\"say \"\"no\"\"\"");
        assert_eq!(csv_field("two\nlines"), "two\\nlines");
    }

    #[test]
    fn markdown_has_no_markup_left() {
        assert_eq!(markdown("<script>x</script>"), "\\<script\\>x\\</script\\>");
        assert_eq!(markdown("[a](b) | `c`"), "\\[a\\](b) \\| \\`c\\`");
        assert_eq!(markdown("- a\u{202e}b\n"), "\\- a\\\\u\\{202e\\}b\\\\n");
        assert_eq!(markdown("see http://a.example"), "see http`://`a.example");
        assert_eq!(markdown("://x"), "`://`x");
        assert_eq!(markdown("a@b.example `@`"), "a`@`b.example \\``@`\\`");
        assert_eq!(markdown("x@@y://z"), "x`@@`y`://`z");
        assert_eq!(
            markdown("@://www.a Www.b awww.c wwww x.www"),
            "`@://`www`.`a Www`.`b awww`.`c wwww x.www"
        );
    }

    /// GFM section 6.9, as GitHub's own renderer does it: mail addresses after backslashes are gone.
    #[test]
    fn nothing_becomes_a_link_in_markdown() {
        for text in
            ["http://a.example", "FTP://a.example", "www.a.example", "mail a@b.example or @user"]
        {
            let shown = markdown(text);
            let outside: String = shown.split('`').step_by(2).collect::<Vec<_>>().join("\0");
            let is_link = |part: &str| outside.to_lowercase().contains(part);
            assert!(!["@", "://", "www."].into_iter().any(is_link), "{shown}");
            assert_eq!(shown.replace('`', ""), text);
        }
    }

    #[test]
    fn formulas_are_defused() {
        assert_eq!(csv_field("=1+1"), "'=1+1");
        assert_eq!(csv_field("@SUM(A1,A2)"), "\"'@SUM(A1,A2)\"");
        assert_eq!(csv_field("+1"), "'+1");
        assert_eq!(csv_field("-1"), "'-1");
        assert_eq!(csv_field("\t=1"), "'\\t=1");
        assert_eq!(csv_field("\r=1"), "'\\r=1");
        assert_eq!(csv_field(" =1"), "' =1");
        assert_eq!(csv_field("\u{ff1d}1"), "'\u{ff1d}1");
        assert_eq!(csv_field("1=1"), "1=1");
    }
}
