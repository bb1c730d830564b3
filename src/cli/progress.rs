//! What moves on a terminal while a run goes on: how far a read has come, or the flows that are
//! running live. On standard error, and only where that is a terminal.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::net::SocketAddr;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Writing;
use super::run::terminal_width;
use crate::capture::file::Odometer;
use crate::event::{Event, VerdictEvent};
use crate::output::escape;

/// Redraws in a second, at most.
const DRAWS_PER_SECOND: u8 = 10;

/// Running flows that are shown; of the others the number.
const RUNNING_SHOWN_MAX: usize = 12;

/// Running flows that are kept: of a flood not all could be read anyway.
const RUNNING_MAX: usize = 1024;

/// Rows of a run that is read are printed as they come above so many: then nothing must be drawn over.
const EVENTS_MAX: u64 = 500;

/// The part of the terminal that is drawn again and again.
pub(super) struct Progress {
    bar: ProgressBar,
    kind: Kind,
    events: u64,
}

enum Kind {
    /// Octets of files.
    Octets(Odometer),
    /// Frames of a stream, whose end is not known.
    Frames,
    /// Running flows by their ids, each a line.
    Live(BTreeMap<u64, String>),
}

impl Progress {
    /// For a read of so many octets; of a stream where that is not known.
    pub(super) fn of_read(writing: &Writing, octets: Option<(Odometer, u64)>) -> Option<Self> {
        let is_drawn_over = std::io::stdout().is_terminal()
            && super::named(writing.output.as_ref()).is_none()
            && writing.format != super::Format::Text;
        if !may_draw(writing) || is_drawn_over {
            return None;
        }
        let (length, kind, template) = match octets {
            Some((odometer, total)) => (
                Some(total),
                Kind::Octets(odometer),
                "{bar:30} {percent:>3}%  {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left",
            ),
            None => (None, Kind::Frames, "{spinner} {human_pos} frames, {per_sec}, {elapsed}"),
        };
        Some(Self::new(length, kind, template))
    }

    /// For a live capture, where its rows go to the terminal.
    pub(super) fn of_live(writing: &Writing) -> Option<Self> {
        let is_table = std::io::stdout().is_terminal()
            && super::named(writing.output.as_ref()).is_none()
            && writing.format == super::Format::Text;
        (may_draw(writing) && is_table)
            .then(|| Self::new(None, Kind::Live(BTreeMap::new()), "{msg}"))
    }

    fn new(length: Option<u64>, kind: Kind, template: &str) -> Self {
        let target = ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND);
        let bar = ProgressBar::with_draw_target(length, target);
        // The templates are our own; with indicatif's default it would work as well.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        Self { bar, kind, events: 0 }
    }

    /// So many frames were read by now.
    pub(super) fn tick(&self, frames: u64) {
        match &self.kind {
            Kind::Octets(odometer) => {
                // Heads that were read twice must not make more of it than there is.
                let length = self.bar.length().unwrap_or(u64::MAX);
                self.bar.set_position(odometer.octets().min(length));
            }
            Kind::Frames => self.bar.set_position(frames),
            Kind::Live(_) => {}
        }
    }

    /// Takes an event in. Whether it is shown here, and needs no line of its own.
    pub(super) fn shows(&mut self, event: &Event) -> bool {
        self.events = self.events.saturating_add(1);
        let Kind::Live(running) = &mut self.kind else {
            if self.events == EVENTS_MAX && std::io::stdout().is_terminal() {
                self.bar.finish_and_clear();
            }
            return false;
        };
        match event {
            Event::Verdict(verdict) => {
                if running.len() < RUNNING_MAX || running.contains_key(&verdict.flow_id) {
                    running.insert(verdict.flow_id, line(verdict));
                }
                true
            }
            Event::Flow(flow) => {
                running.remove(&flow.flow_id);
                false
            }
            Event::Endpoint(_) | Event::Anomaly(_) => false,
        }
    }

    /// Draws the running flows anew.
    pub(super) fn draw(&self) {
        let Kind::Live(running) = &self.kind else { return };
        let mut lines = vec![format!("-- running: {} --", running.len())];
        lines.extend(running.values().take(RUNNING_SHOWN_MAX).map(|line| fitted(line)));
        let more = running.len().saturating_sub(RUNNING_SHOWN_MAX);
        if more > 0 {
            lines.push(format!("and {more} more"));
        }
        self.bar.set_message(if running.is_empty() { String::new() } else { lines.join("\n") });
    }

    /// To write something that is to stay above what moves.
    pub(super) fn handle(&self) -> ProgressBar {
        self.bar.clone()
    }

    /// Leaves no trace.
    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

fn may_draw(writing: &Writing) -> bool {
    !writing.quiet && std::io::stderr().is_terminal()
}

fn line(event: &VerdictEvent) -> String {
    let end = |socket: crate::event::Socket| SocketAddr::new(socket.addr, socket.port);
    let verdict = &event.verdict;
    let protocol = verdict.protocols.join("/");
    let process = event.process.as_ref();
    let process = process.map_or(String::new(), |process| format!(" {}", process.name));
    let text = format!(
        "{:16} {:12} {} -> {}/{}{process}  {}",
        verdict.label.name(),
        if protocol.is_empty() { verdict.status.name() } else { &protocol },
        end(event.client),
        end(event.server),
        event.transport.name().to_lowercase(),
        verdict.summary
    );
    escape::terminal(&text).into_owned()
}

/// In one line of the terminal.
fn fitted(line: &str) -> String {
    line.chars().take(terminal_width().saturating_sub(1)).collect()
}
