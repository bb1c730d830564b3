//! The flows that are running, on the lines below what has ended: for somebody who watches a live
//! capture on a terminal.
//!
//! Drawn anew twice a second with three control functions that every terminal has (ECMA-48: cursor up,
//! erase to the end, cursor to a place). Columns have their widths by the terminal's alone, so that
//! nothing jumps; what does not fit ends in an ellipsis. After a resize what was drawn cannot be found
//! again (some terminals break the lines anew, some cut them), so all of it scrolls away once the size
//! has settled, and the list begins on a clean screen.

use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

mod columns;

use super::Writing;
use super::progress::{Progress, is_on_terminal, may_draw};
use crate::clock::now;
use crate::engine::Reading;
use crate::human::{count, counted, span, width, wrap};
use columns::{Columns, fitted};
use portstory_core::Event;
use portstory_core::event::Process;
use portstory_core::internal::classifier::Running;

/// Between two draws at least so long.
const DRAW_EVERY: Duration = Duration::from_millis(500);

/// A new size has settled when it was the same for so long.
const SETTLED_AFTER: Duration = Duration::from_millis(200);

/// What is drawn below the rows.
struct Board {
    names: Box<Names>,
    /// Columns and rows that it was drawn for.
    size: (usize, usize),
    /// Another size, and since when it is so.
    other_size: Option<((usize, usize), Instant)>,
    /// What was drawn, a line each.
    lines: Vec<String>,
    is_drawn: bool,
    next_draw: Instant,
    started: Instant,
}

/// For a live capture, where its rows go to the terminal. `names` knows who is behind a flow.
pub(super) fn of_live(writing: &Writing, names: Box<Names>) -> Option<Box<dyn Progress>> {
    let is_table = is_on_terminal(writing) && writing.format.is_text();
    if !may_draw(writing) || !is_table {
        return None;
    }
    let now = now();
    Some(Box::new(Board {
        names,
        size: size(),
        other_size: None,
        lines: Vec::new(),
        is_drawn: false,
        next_draw: now,
        started: now,
    }))
}

impl Board {
    /// Flows that there is room for.
    fn flows_max(&self) -> usize {
        let (columns, rows) = self.size;
        // A third is left to what has ended; heads, the number of the others and a word on old sessions.
        let lines = (rows * 2 / 3).saturating_sub(4);
        (lines / Columns::of(columns).lines_a_flow()).max(2)
    }

    /// Whether it is time to draw.
    fn is_due(&self) -> bool {
        self.other_size.is_none() && now() >= self.next_draw
    }

    /// Everything scrolls up and stays there.
    fn begin_anew(&mut self, size: (usize, usize)) {
        let (_, rows) = size;
        let text = format!("\x1b[{rows};1H{}\x1b[1;1H\x1b[J", "\n".repeat(rows));
        put(&text);
        (self.size, self.other_size, self.is_drawn) = (size, None, false);
        self.next_draw = now();
    }

    /// What erases it.
    fn erasing(&mut self) -> String {
        if !std::mem::take(&mut self.is_drawn) {
            return String::new();
        }
        match self.lines.len().saturating_sub(1) {
            0 => "\r\x1b[J".to_owned(),
            up => format!("\r\x1b[{up}A\x1b[J"),
        }
    }
}

impl Progress for Board {
    fn aside(&mut self, write: &mut dyn FnMut()) {
        let was_drawn = self.is_drawn;
        self.end();
        write();
        // In another size the lines would be broken: they come with the next draw.
        if was_drawn && self.size == size() {
            put(&self.lines.join("\n"));
            self.is_drawn = true;
        }
    }

    /// A flow's label and its changes are; what has ended gets a line of its own.
    fn shows(&mut self, event: &Event) -> bool {
        match event {
            Event::Verdict(_) => true,
            Event::Flow(_) | Event::Endpoint(_) | Event::Anomaly(_) => false,
        }
    }

    /// Once a new size has settled.
    fn resized(&mut self) -> Option<usize> {
        let (now, size) = (now(), size());
        if size == self.size {
            self.other_size = None;
            return None;
        }
        match self.other_size {
            Some((other, since)) if other == size => {
                let has_settled = now.duration_since(since) >= SETTLED_AFTER;
                has_settled.then(|| {
                    self.begin_anew(size);
                    size.0
                })
            }
            Some(_) | None => {
                self.other_size = Some((size, now));
                None
            }
        }
    }

    fn draw(&mut self, reading: &Reading<'_>) {
        if !self.is_due() {
            return;
        }
        self.next_draw = now() + DRAW_EVERY;
        let erased = self.erasing();
        let (columns, rows) = self.size;
        let counts = Counts {
            frames: reading.classifier.totals().frames,
            dropped: reading.dropped(),
            elapsed: now().duration_since(self.started),
        };
        let running = reading.classifier.running(self.flows_max());
        self.lines = lines(&running, counts, columns, &self.names);
        // The cursor stays on the last line, and the first must not scroll away.
        self.lines.truncate(rows.saturating_sub(1).max(1));
        // In one go, so that nothing flickers.
        put(&format!("{erased}{}", self.lines.join("\n")));
        self.is_drawn = true;
    }

    fn end(&mut self) {
        put(&self.erasing());
    }
}

/// Who is behind a flow.
pub(super) type Names = dyn Fn(u64) -> Option<Arc<Process>>;

/// What is shown of a run beside its flows.
#[derive(Clone, Copy, Debug)]
struct Counts {
    frames: u64,
    /// Frames that were lost.
    dropped: u64,
    elapsed: Duration,
}

fn lines(running: &Running, counts: Counts, columns: usize, names: &Names) -> Vec<String> {
    let layout = Columns::of(columns);
    let total = u64::try_from(running.total).unwrap_or(u64::MAX);
    let undecided = u64::try_from(running.undecided).unwrap_or(u64::MAX);
    let state = format!(
        "RUNNING {}, {} not yet decided | {}, {}, {} dropped | Ctrl-C ends with the summary",
        counted(total, "flow"),
        count(undecided),
        span(Duration::from_secs(counts.elapsed.as_secs())),
        counted(counts.frames, "frame"),
        count(counts.dropped),
    );
    let mut lines = vec![fitted(&state, layout.width())];
    if !running.flows.is_empty() {
        lines.extend(layout.headings());
    }
    for (flow, is_decided) in &running.flows {
        let process = names(flow.flow_id);
        lines.extend(layout.flow(flow, *is_decided, running.as_of, process.as_deref()));
    }
    let more = running.total.saturating_sub(running.flows.len());
    if more > 0 && !running.flows.is_empty() {
        lines.push(format!("and {} more", count(u64::try_from(more).unwrap_or(u64::MAX))));
    }
    if running.older > 0 {
        let older = counted(u64::try_from(running.older).unwrap_or(u64::MAX), "session");
        let verb = if running.older == 1 { "is" } else { "are" };
        let text = format!(
            "{older} {verb} older than this capture, so their handshakes were missed: reconnect, \
             or wait for the next handshake"
        );
        lines.extend(wrap(&text, layout.width()));
    }
    debug_assert!(lines.iter().all(|line| width(line) <= layout.width()), "{lines:#?}");
    // A line that breaks would be two, and be found as one when it is to be erased.
    lines.iter().map(|line| fitted(line, columns.saturating_sub(1))).collect()
}

/// Columns and rows of the terminal.
fn size() -> (usize, usize) {
    let size = rustix::termios::tcgetwinsize(io::stderr()).ok();
    let size = size.map(|size| (usize::from(size.ws_col), usize::from(size.ws_row)));
    size.filter(|&(columns, rows)| columns > 0 && rows > 0).unwrap_or((80, 24))
}

/// Whatever becomes of it: a terminal that has gone ends the program by other ways.
fn put(text: &str) {
    let mut terminal = io::stderr().lock();
    let _ = terminal.write_all(text.as_bytes()).and_then(|()| terminal.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_as_wide_as_the_terminal() {
        let running = Running { total: 131_072, undecided: 99_999, older: 2, ..Running::default() };
        let counts = |seconds| Counts {
            frames: u64::MAX,
            dropped: u64::MAX,
            elapsed: Duration::from_secs(seconds),
        };
        for columns in 1..250 {
            let lines = lines(&running, counts(10_000_000), columns, &|_| None);
            assert!(lines.iter().all(|line| width(line) < columns), "{columns}: {lines:#?}");
        }
        let lines = lines(&running, counts(5), 120, &|_| None);
        assert!(
            lines.concat().contains("131,072 flows, 99,999 not yet decided | 5 s"),
            "{lines:#?}"
        );
        assert!(lines.concat().contains("2 sessions are older than this capture"), "{lines:#?}");
    }
}
