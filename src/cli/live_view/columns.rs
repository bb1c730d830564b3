//! The columns of the list, by the width of the terminal alone: one line a flow from [`ONE_LINE_MIN`]
//! columns on, two below.

use std::time::Duration;

use crate::escape;
use crate::human::{bytes, push_padded, service, width};
use portstory_core::event::{Concern, Process};
use portstory_core::internal::judge::ranking::concerns;
use portstory_core::{FlowEvent, Notable, Socket, Timestamp, Transport};

/// Columns from which on a flow has one line.
const ONE_LINE_MIN: usize = 110;

/// The least that anything is laid out for; a narrower terminal shows the beginning of the lines.
const COLUMNS_MIN: usize = 60;

const ELLIPSIS: char = '\u{2026}';

/// One line, or the first of two: the label, the ends, bytes and age.
const LABEL: usize = 16;
const BYTES: usize = 7;
const AGE: usize = 6;
/// The rest, or the second line.
const PROTOCOL: usize = 14;
const PROCESS: usize = 16;

/// How wide the columns are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Columns {
    width: usize,
    ends: usize,
    notable: usize,
    is_one_line: bool,
}

impl Columns {
    /// For a terminal of so many columns, of which the last stays empty: some break the line there.
    pub(super) fn of(columns: usize) -> Self {
        let width = columns.max(COLUMNS_MIN).saturating_sub(1);
        let is_one_line = columns >= ONE_LINE_MIN;
        if !is_one_line {
            let ends = width.saturating_sub(LABEL + BYTES + AGE + 3);
            let notable = width.saturating_sub(2 + PROTOCOL + PROCESS + 2);
            return Self { width, ends, notable, is_one_line };
        }
        let rest = width.saturating_sub(LABEL + PROTOCOL + BYTES + AGE + PROCESS + 6);
        // Two ends of IPv4 take 50 at the most; what is notable is often two words.
        let ends = (rest * 11 / 20).min(56);
        Self { width, ends, notable: rest.saturating_sub(ends), is_one_line }
    }

    pub(super) const fn width(self) -> usize {
        self.width
    }

    pub(super) const fn lines_a_flow(self) -> usize {
        if self.is_one_line { 1 } else { 2 }
    }

    pub(super) fn headings(self) -> Vec<String> {
        let names = ["LABEL", "PROTOCOL", "CLIENT -> SERVER", "BYTES", "AGE", "PROCESS", "NOTABLE"];
        self.lines(names.map(str::to_owned))
    }

    pub(super) fn flow(
        self,
        flow: &FlowEvent,
        is_decided: bool,
        as_of: Timestamp,
        process: Option<&Process>,
    ) -> Vec<String> {
        let verdict = &flow.verdict;
        let label = if is_decided { verdict.label.name() } else { "not yet decided" };
        let protocol = if verdict.protocols.is_empty() {
            verdict.status.name().to_owned()
        } else {
            escape::terminal(&verdict.protocols.join("/")).into_owned()
        };
        let volume = flow.to_server.bytes.saturating_add(flow.to_client.bytes);
        let process = process.map(|process| format!("{}[{}]", process.name, process.pid));
        self.lines([
            label.to_owned(),
            protocol,
            ends(flow.client, flow.server, flow.transport, self.ends),
            bytes(volume),
            age(as_of.since(flow.start)),
            escape::terminal(&process.unwrap_or_default()).into_owned(),
            notable(flow),
        ])
    }

    /// Label, protocol, ends, bytes, age, process, what is notable.
    fn lines(
        self,
        [label, protocol, ends, bytes, age, process, notable]: [String; 7],
    ) -> Vec<String> {
        let line = |indent: usize, cells: &[(&str, usize)]| {
            let mut line = " ".repeat(indent);
            for &(text, columns) in cells {
                push_padded(&mut line, &fitted(text, columns), columns + 1);
            }
            line.trim_end().to_owned()
        };
        if self.is_one_line {
            return vec![line(
                0,
                &[
                    (&label, LABEL),
                    (&protocol, PROTOCOL),
                    (&ends, self.ends),
                    (&bytes, BYTES),
                    (&age, AGE),
                    (&process, PROCESS),
                    (&notable, self.notable),
                ],
            )];
        }
        vec![
            line(0, &[(&label, LABEL), (&ends, self.ends), (&bytes, BYTES), (&age, AGE)]),
            line(2, &[(&protocol, PROTOCOL), (&process, PROCESS), (&notable, self.notable)]),
        ]
    }
}

/// What is to be looked at, the worst first, then what else is notable.
fn notable(flow: &FlowEvent) -> String {
    let verdict = &flow.verdict;
    let foremost = concerns(flow).foremost().find(|concern| concern.needs_attention());
    // That nothing identifies it stands beside it.
    let foremost =
        foremost.filter(|&concern| !matches!(concern, Concern::Unidentified | Concern::Unclear));
    let older = verdict.is_older_than_capture(flow.transport).then_some("older than capture");
    let others = verdict.notables.iter().filter(|&&notable| !is_said_by(notable, foremost));
    let words = foremost.map(Concern::name).into_iter().chain(older);
    words.chain(others.map(|notable| notable.name())).collect::<Vec<_>>().join(", ")
}

/// Whether the concern says what the notable says.
fn is_said_by(notable: Notable, concern: Option<Concern>) -> bool {
    let same = match notable {
        Notable::ExecutableTransfer => Concern::ExecutableTransfer,
        Notable::TextShell => Concern::Shell,
        Notable::InconsistentHandshake => Concern::ReversedConnection,
        Notable::Periodic => Concern::Beacon,
        Notable::UnexpectedService => Concern::UnexpectedService,
        Notable::UploadHeavy => Concern::UploadHeavy,
        Notable::EncryptedFromFirstByte => return false,
    };
    concern == Some(same)
}

/// Both ends in so many columns: where addresses do not fit, their middle goes and their ports stay.
fn ends(client: Socket, server: Socket, transport: Transport, columns: usize) -> String {
    let (client, server) = (client.to_string(), service(server, transport));
    let room = columns.saturating_sub(4);
    if width(&client) + width(&server) <= room {
        return format!("{client} -> {server}");
    }
    let half = room / 2;
    let server_room = room - half.min(width(&client));
    let client_room = room.saturating_sub(width(&server)).max(half);
    format!("{} -> {}", squeezed(&client, client_room), squeezed(&server, server_room))
}

/// An end whose middle went.
fn squeezed(end: &str, columns: usize) -> String {
    if width(end) <= columns {
        return end.to_owned();
    }
    let port = end.rfind(':').and_then(|at| end.get(at..)).unwrap_or_default();
    let bracket = if end.starts_with('[') { "]" } else { "" };
    let tail = format!("{ELLIPSIS}{bracket}{port}");
    let head: String = end.chars().take(columns.saturating_sub(width(&tail))).collect();
    format!("{head}{tail}")
}

/// A text in so many columns at most; where it is cut, it ends in an ellipsis.
pub(super) fn fitted(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    if columns == 0 {
        return String::new();
    }
    let mut cut = String::new();
    for c in text.chars() {
        cut.push(c);
        if width(&cut) >= columns {
            cut.pop();
            break;
        }
    }
    cut.push(ELLIPSIS);
    cut
}

/// How long, in six columns: `45 s`, `12m05s`, `2h13m`, `3d04h`.
fn age(age: Duration) -> String {
    let seconds = age.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes}m{:02}s", seconds % 60),
        (0, hours, minutes) => format!("{hours}h{:02}m", minutes % 60),
        (days, hours, _) => format!("{days}d{:02}h", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn socket(text: &str) -> Socket {
        let parsed: std::net::SocketAddr = text.parse().unwrap();
        Socket { addr: parsed.ip(), port: parsed.port() }
    }

    #[test]
    fn lines_are_as_wide_as_the_terminal_at_most_whatever_is_in_them() {
        for columns in 40..200 {
            let layout = Columns::of(columns);
            let hostile = || "\u{65e5}\u{672c}\u{301}".repeat(50);
            let cells = std::array::from_fn(|_| hostile());
            for line in layout.lines(cells).into_iter().chain(layout.headings()) {
                assert!(width(&line) <= layout.width(), "{columns}: {line}");
                assert!(columns < COLUMNS_MIN || width(&line) < columns, "{columns}: {line}");
            }
        }
    }

    #[test]
    fn texts_are_cut_with_an_ellipsis_by_what_they_take_on_the_screen() {
        assert_eq!(fitted("periodic", 8), "periodic");
        assert_eq!(fitted("periodic", 7), "period\u{2026}");
        assert_eq!(fitted("\u{65e5}\u{672c}\u{8a9e}", 6), "\u{65e5}\u{672c}\u{8a9e}");
        assert_eq!(fitted("\u{65e5}\u{672c}\u{8a9e}", 5), "\u{65e5}\u{672c}\u{2026}");
        assert_eq!(fitted("\u{65e5}\u{672c}\u{8a9e}", 4), "\u{65e5}\u{2026}");
    }

    #[test]
    fn ends_keep_their_ports() {
        let (short, long) =
            (socket("10.0.0.5:50123"), socket("[2001:db8:1111:2222:3333:4444:5555:6666]:3243"));
        assert_eq!(ends(short, short, Transport::Tcp, 40), "10.0.0.5:50123 -> 10.0.0.5:50123/tcp");
        for columns in 44..110 {
            let shown = ends(long, long, Transport::Udp, columns);
            assert!(width(&shown) <= columns, "{columns}: {shown}");
            assert!(shown.contains("]:3243 -> ") && shown.ends_with("]:3243/udp"), "{shown}");
            let mixed = ends(short, long, Transport::Udp, columns);
            assert!(mixed.starts_with("10.0.0.5:50123 -> [2001:db8"), "{columns}: {mixed}");
            assert!(width(&mixed) <= columns, "{columns}: {mixed}");
        }
    }

    #[test]
    fn ages_take_six_columns() {
        for (seconds, text) in [
            (5, "5 s"),
            (59, "59 s"),
            (725, "12m05s"),
            (3599, "59m59s"),
            (7980, "2h13m"),
            (273_600, "3d04h"),
        ] {
            assert_eq!(age(Duration::from_secs(seconds)), text);
            assert!(text.len() <= AGE);
        }
    }
}
