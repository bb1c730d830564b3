//! Which flow is meant: the number of its row in the table of `portstory read`, its client's socket,
//! or its id.
//!
//! A number is that of the table that `read` prints for the same captures and options: the same writer
//! is run over them to find it.

use std::net::SocketAddr;
use std::str::FromStr;

use crate::engine::{Observer, Reading};
use crate::output::{Context, EventWriter as _, Look, RunSummary, Text};
use crate::{escape, human};
use portstory_core::{Event, FlowEvent, Socket};

/// Flows that are listed where several fit; of the others the number is told.
const LISTED_MAX: usize = 20;

/// From here on a number is no row's: ids are hashes of 53 bits, and hardly one is below.
const ROWS_MAX: u64 = 1 << 32;

/// How a person names a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// A row, or an id.
    Number(u64),
    /// A client's socket, or else a server's.
    Socket(SocketAddr),
}

impl FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.parse().ok().map(Self::Number);
        let socket = || text.parse().ok().map(Self::Socket);
        number.or_else(socket).ok_or_else(|| {
            "name it by its row's number, its client's socket (10.0.0.5:50123) or its id".to_owned()
        })
    }
}

impl Wanted {
    /// The id, where it is one for sure and nothing has to be looked up.
    pub(super) fn id(self) -> Option<u64> {
        match self {
            Self::Number(number) if number >= ROWS_MAX => Some(number),
            Self::Number(_) | Self::Socket(_) => None,
        }
    }
}

/// Reads along and finds the flow.
pub(super) struct Search {
    /// Nothing is the flow to look at first.
    wanted: Option<Wanted>,
    table: Text,
    /// Those whose client has the socket, and those whose server has it, or a flow with the id.
    clients: Matches,
    others: Matches,
}

#[derive(Default)]
struct Matches {
    shown: Vec<Match>,
    more: u64,
}

struct Match {
    flow_id: u64,
    words: String,
}

impl Search {
    pub(super) fn new(wanted: Option<Wanted>) -> Self {
        let table = Text::indexed(Look::default());
        let (clients, others) = (Matches::default(), Matches::default());
        Self { wanted, table, clients, others }
    }

    fn compare(&mut self, flow: &FlowEvent) {
        let is_at = |socket: Socket, wanted: SocketAddr| {
            (socket.addr, socket.port) == (wanted.ip(), wanted.port())
        };
        match self.wanted {
            None => {}
            Some(Wanted::Number(number)) if flow.flow_id == number => self.others.add(flow),
            Some(Wanted::Number(_)) => {}
            Some(Wanted::Socket(wanted)) if is_at(flow.client, wanted) => self.clients.add(flow),
            Some(Wanted::Socket(wanted)) if is_at(flow.server, wanted) => self.others.add(flow),
            Some(Wanted::Socket(_)) => {}
        }
    }

    /// The flow, or what to say instead.
    pub(super) fn finish(mut self, context: &Context<'_>) -> Result<u64, String> {
        // Only the order of the rows is of interest here, and a summary does not change it.
        let summary = RunSummary::default();
        self.table.finish(&mut Vec::new(), &summary, context);
        let rows = self.table.index();
        let row = |number: u64| {
            let at = usize::try_from(number.checked_sub(1)?).ok()?;
            rows.get(at).copied()
        };
        let found = match self.wanted {
            None => return self.table.lead().or_else(|| row(1)).ok_or_else(no_flow),
            Some(Wanted::Number(number)) => {
                if let Some(id) = row(number) {
                    return Ok(id);
                }
                &self.others
            }
            Some(Wanted::Socket(_)) if self.clients.shown.is_empty() => &self.others,
            Some(Wanted::Socket(_)) => &self.clients,
        };
        match (&*found.shown, self.wanted) {
            ([one], _) => Ok(one.flow_id),
            (_, None) => Err(no_flow()),
            ([], Some(Wanted::Number(number))) => {
                let rows = human::counted(u64::try_from(rows.len()).unwrap_or(u64::MAX), "row");
                Err(format!(
                    "no flow {number} in these captures: `portstory read` prints {rows} for them, and \
                     `portstory read --format csv` lists their ids"
                ))
            }
            ([], Some(Wanted::Socket(socket))) => Err(format!(
                "no flow of {socket} in these captures; `portstory read --format csv` lists them \
                 all"
            )),
            (_, Some(Wanted::Socket(socket))) => Err(found.listed(socket, rows)),
            (_, Some(Wanted::Number(number))) => {
                Err(format!("more than one flow has the id {number}"))
            }
        }
    }
}

impl Observer for Search {
    fn batch(&mut self, reading: &mut Reading<'_>) {
        let context = Context { sources: reading.source.sources(), live: false };
        for event in &reading.events {
            if let Event::Flow(flow) = event {
                self.compare(flow);
            }
            self.table.event(&mut Vec::new(), event, &context);
        }
    }
}

fn no_flow() -> String {
    "no flow in range in these captures".to_owned()
}

impl Matches {
    fn add(&mut self, flow: &FlowEvent) {
        if self.shown.len() >= LISTED_MAX {
            self.more = self.more.saturating_add(1);
            return;
        }
        let words = format!(
            "{}  {:16}  {:20}  {} -> {}",
            human::Clock(flow.start),
            flow.verdict.label.name(),
            escape::terminal(flow.verdict.protocol().unwrap_or(flow.verdict.status.name())),
            flow.client,
            flow.server,
        );
        self.shown.push(Match { flow_id: flow.flow_id, words });
    }

    /// A choice for the person who named more than one flow.
    fn listed(&self, socket: SocketAddr, rows: &[u64]) -> String {
        let all = u64::try_from(self.shown.len()).unwrap_or(u64::MAX).saturating_add(self.more);
        let mut text = format!(
            "{} of {socket}; name one by its number or its id:\n\n{:>5}  {:16}  STARTS UTC",
            human::counted(all, "flow"),
            "#",
            "ID"
        );
        for one in &self.shown {
            let number = rows.iter().position(|&row| row == one.flow_id);
            let number = number.map_or("-".to_owned(), |at| at.saturating_add(1).to_string());
            text.push_str(&format!("\n{number:>5}  {:<16}  {}", one.flow_id, one.words));
        }
        if self.more > 0 {
            text.push_str(&format!("\nand {} more", human::count(self.more)));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flow_is_named_in_three_ways() {
        assert_eq!("3".parse(), Ok(Wanted::Number(3)));
        assert_eq!("5418009755880930".parse::<Wanted>().unwrap().id(), Some(5_418_009_755_880_930));
        let socket = |text: &str| Ok(Wanted::Socket(text.parse().unwrap()));
        for text in ["10.0.0.5:50123", "[2001:db8::5]:50123"] {
            assert_eq!(text.parse(), socket(text));
        }
        for text in ["a.pcap", "10.0.0.5", "-3", "3.5", ""] {
            assert!(text.parse::<Wanted>().is_err(), "{text}");
        }
    }
}
