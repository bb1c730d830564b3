//! Numbers, times and lines for people.

use std::fmt;
use std::time::Duration;

use indicatif::HumanCount;
use unicode_width::UnicodeWidthChar as _;

use portstory_core::{EndpointEvent, Socket, Timestamp, Transport, Watch};

/// The date and the time of day in UTC.
pub(crate) fn civil(time: Timestamp) -> jiff::civil::DateTime {
    // jiff's range is wider than that of 64-bit nanoseconds: the epoch never has to stand in.
    let time = jiff::Timestamp::from_nanosecond(i128::from(time.nanos())).unwrap_or_default();
    jiff::tz::Offset::UTC.to_datetime(time)
}

/// A time in UTC, to the second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(pub(crate) Timestamp);

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.day(), self.time())
    }
}

impl Clock {
    /// The day alone: `2026-11-22`.
    pub(crate) fn day(self) -> String {
        let time = civil(self.0);
        format!("{:04}-{:02}-{:02}", time.year(), time.month(), time.day())
    }

    /// The time of the day alone: `13:00:05`.
    pub(crate) fn time(self) -> String {
        let time = civil(self.0);
        format!("{:02}:{:02}:{:02}", time.hour(), time.minute(), time.second())
    }
}

/// A number with its thousands set apart: `12,345`.
pub(crate) fn count(number: u64) -> String {
    HumanCount(number).to_string()
}

/// A number and its noun: `1 flow`, `2 flows`, `3 copies`, `4 addresses`.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    let (stem, end) = match noun.strip_suffix('y') {
        _ if number == 1 => (noun, ""),
        // After a vowel it stays: `keys`.
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => (stem, "ies"),
        None if noun.ends_with("ss") => (noun, "es"),
        Some(_) | None => (noun, "s"),
    };
    format!("{} {stem}{end}", count(number))
}

/// Who talks to a service: `2 hosts`, or `2 hosts (22 sockets)` where they come with more than one each.
pub(crate) fn peers(endpoint: &EndpointEvent) -> String {
    let at_least = |holds: bool| if holds { "at least " } else { "" };
    let hosts = format!(
        "{}{}",
        at_least(endpoint.peer_addresses_at_least),
        counted(endpoint.peer_addresses, "host")
    );
    if endpoint.peers <= endpoint.peer_addresses {
        return hosts;
    }
    let sockets = counted(endpoint.peers, "socket");
    format!("{hosts} ({}{sockets})", at_least(endpoint.peers_at_least))
}

/// An end of a flow with its transport, as it is written everywhere: `10.0.0.9:3243/udp`.
pub(crate) fn service(socket: Socket, transport: Transport) -> String {
    format!("{socket}/{}", transport.keyword())
}

/// Bytes in decimal units, at most four characters of number: `831 B`, `2.2 kB`, `926 MB`.
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut scale = 1000u64;
    let mut units = UNITS.iter().peekable();
    while let Some(unit) = units.next() {
        // Tenths, rounded down: what is shown was there.
        let tenths = bytes / (scale / 10);
        if tenths < 100 {
            return format!("{}.{} {unit}", tenths / 10, tenths % 10);
        }
        if tenths < 10_000 || units.peek().is_none() {
            return format!("{} {unit}", tenths / 10);
        }
        scale = scale.saturating_mul(1000);
    }
    format!("{bytes} B")
}

/// A span in its two largest units: `5 s`, `2 h 13 min`, `3 d 4 h`.
pub(crate) fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    match (days, hours, minutes, seconds) {
        (0, 0, 0, 0) => format!("{} ms", span.as_millis()),
        (0, 0, 0, seconds) => format!("{seconds} s"),
        (0, 0, minutes, seconds) => format!("{minutes} min {} s", seconds % 60),
        (0, hours, minutes, _) => format!("{hours} h {} min", minutes % 60),
        (days, hours, _, _) => format!("{days} d {} h", hours % 24),
    }
}

/// The watched ports in words.
pub(super) fn watched(watch: &Watch) -> String {
    let ports: Vec<_> = watch.ports.iter().map(u16::to_string).collect();
    let range = &watch.framehawk;
    let udp = (!range.is_empty()).then(|| format!("UDP {}-{}", range.start(), range.end()));
    let both = (!ports.is_empty()).then(|| format!("TCP and UDP {}", ports.join(", ")));
    let all: Vec<_> = both.into_iter().chain(udp).collect();
    if all.is_empty() { "nothing".to_owned() } else { all.join(", and ") }
}

/// How many columns of a terminal a text takes: East Asian wide characters and emoji take two,
/// combining marks none (Unicode's annex 11). By characters, as terminals do it.
pub(crate) fn width(text: &str) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    text.chars().map(char_width).sum()
}

fn char_width(c: char) -> usize {
    c.width().unwrap_or_default()
}

/// Appends `text` and blanks up to `columns`.
pub(crate) fn push_padded(line: &mut String, text: &str, columns: usize) {
    line.push_str(text);
    for _ in width(text)..columns {
        line.push(' ');
    }
}

/// With a capital letter.
pub(crate) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        format!("{}{}", first.to_ascii_uppercase(), chars.as_str())
    })
}

/// Breaks a text into lines of at most `columns`, at blanks where there are any.
pub(crate) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(2);
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for word in text.split(' ') {
        let word_width = width(word);
        if used > 0 && used + 1 + word_width <= columns {
            line.push(' ');
            line.push_str(word);
            used += 1 + word_width;
            continue;
        }
        if used > 0 {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        for c in word.chars() {
            if used + char_width(c) > columns {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            line.push(c);
            used += char_width(c);
        }
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(count(number), text);
        }
        assert_eq!(counted(1, "flow"), "1 flow");
        assert_eq!(counted(5000, "flow"), "5,000 flows");
        assert_eq!(counted(1, "copy"), "1 copy");
        assert_eq!(counted(0, "copy"), "0 copies");
        assert_eq!(counted(2, "key"), "2 keys");
        assert_eq!(counted(1, "address"), "1 address");
        assert_eq!(counted(2, "address"), "2 addresses");
    }

    #[test]
    fn bytes_are_rounded_down_to_few_digits() {
        for (count, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (2210, "2.2 kB"),
            (9_999, "9.9 kB"),
            (10_000, "10 kB"),
            (999_999, "999 kB"),
            (1_000_000, "1.0 MB"),
            (926_000_000, "926 MB"),
            (u64::MAX, "18 EB"),
        ] {
            assert_eq!(bytes(count), text);
        }
    }

    #[test]
    fn spans_have_two_units() {
        for (seconds, text) in
            [(5, "5 s"), (65, "1 min 5 s"), (7980, "2 h 13 min"), (273_600, "3 d 4 h")]
        {
            assert_eq!(span(Duration::from_secs(seconds)), text);
        }
        assert_eq!(span(Duration::from_millis(12)), "12 ms");
    }

    #[test]
    fn lines_are_wrapped_at_blanks_and_words_only_where_they_must() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij kl", 4), ["abcd", "efgh", "ij", "kl"]);
        assert_eq!(wrap("", 10), [""]);
        assert_eq!(wrap("\u{65e5}\u{672c}\u{8a9e}", 4), ["\u{65e5}\u{672c}", "\u{8a9e}"]);
        for line in wrap("a \u{65e5}\u{672c}\u{8a9e}bc de fghi\u{301}", 3) {
            assert!(width(&line) <= 3, "{line}");
        }
    }

    #[test]
    fn clocks_are_utc() {
        assert_eq!(
            Clock(Timestamp::from_parts(1_795_352_405, 0)).to_string(),
            "2026-11-22 13:00:05"
        );
    }
}
