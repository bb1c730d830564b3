//! What a person reads first: the answer in a sentence, and what the words mean.

use std::fmt::Write as _;

use super::recorder::is_conversation;
use super::{Attention, Card, CardPlace, Report};
use crate::human::{Clock, bytes, capital, count, counted, peers, service};
use portstory_core::event::Concern;
use portstory_core::{
    EndpointEvent, FlowEvent, Label, Notable, Socket, Status, Timestamp, Transport, Verdict,
};

/// Above so many cards a report needs a list of its contents.
const LONG_CARDS: usize = 6;

impl Report {
    /// The answer: of several services how many need attention and which is the worst, of one what it is.
    pub(crate) fn answer(&self) -> String {
        let Some(card) = self.cards.first() else {
            return "No packets on the watched ports.".to_owned();
        };
        let (flow, verdict) = (&card.flow, &card.flow.verdict);
        let Some(first) = self.attention.first().filter(|_| self.services.pressing > 0) else {
            return self.label_of_first(flow);
        };
        let place = service(first.endpoint.socket, first.endpoint.transport);
        let titles = first.endpoint.concerns.titles();
        if self.services.all > 1 {
            let needs = if self.services.pressing == 1 { "needs" } else { "need" };
            let order = if self.services.pressing == 1 { "" } else { "the worst is " };
            return format!(
                "{} of {} {needs} attention: {order}{place}, {titles}.",
                count(self.services.pressing),
                counted(self.services.all, "service")
            );
        }
        match first.endpoint.concerns.worst() {
            None | Some(Concern::Unidentified | Concern::Unclear) => self.label_of_first(flow),
            Some(_) => {
                let confidence = verdict.confidence.name();
                let what = match (verdict.label, verdict.protocol()) {
                    (Label::TimelotUnknown, _) => {
                        format!("not identified, timelot-unknown with {confidence} confidence")
                    }
                    (Label::CitrixFramehawk, _) => format!(
                        "circumstantial evidence for Citrix Framehawk, citrix-framehawk with \
                         {confidence} \
                         confidence"
                    ),
                    (Label::Other, Some(name)) => format!("{name} ({confidence} confidence)"),
                    (Label::Other, None) => words(verdict.status).to_owned(),
                };
                format!("{} on {place}: {what}.", capital(&titles))
            }
        }
    }

    /// What the first card's service is, in one sentence.
    fn label_of_first(&self, flow: &FlowEvent) -> String {
        let verdict = &flow.verdict;
        let place = service(flow.server, flow.transport);
        let confidence = verdict.confidence.name();
        match (verdict.label, verdict.status) {
            (Label::TimelotUnknown, _) => format!(
                "The service on {place} is not identified: timelot-unknown, {confidence} \
                 confidence."
            ),
            (Label::CitrixFramehawk, _) => format!(
                "Circumstantial evidence for Citrix Framehawk on {place}: citrix-framehawk, \
                 {confidence} confidence."
            ),
            (Label::Other, Status::ClientPort) => {
                format!("The watched port is only a client's ephemeral port: {}.", verdict.summary)
            }
            (Label::Other, status) if !is_conversation(status) => {
                "Connection attempts only: no conversation on the watched ports.".to_owned()
            }
            (Label::Other, _) => {
                let name = verdict.protocol().unwrap_or("something else");
                let beside = match self.protocols().saturating_sub(1) {
                    0 => String::new(),
                    more => format!(", beside {}", counted(more, "other protocol")),
                };
                format!(
                    "The service on {place} is {name} ({confidence} confidence){beside}: no \
                     unidentified service and no Citrix Framehawk was seen."
                )
            }
        }
    }

    fn protocols(&self) -> u64 {
        let mut names: Vec<_> =
            self.cards.iter().filter_map(|card| card.flow.verdict.protocol()).collect();
        names.sort();
        names.dedup();
        u64::try_from(names.len()).unwrap_or_default()
    }

    /// How much the answer rests on, in a sentence or two.
    pub(super) fn basis(&self) -> String {
        let summary = &self.summary;
        let mut text = format!(
            "{} in range, of {} read",
            counted(summary.flows(), "flow"),
            counted(summary.frames, "packet")
        );
        if let (Some(first), Some(last)) = (summary.first, summary.last) {
            let _ = write!(text, ", {} UTC", between(first, last));
        }
        text.push('.');
        if self.services.pressing == 0 && self.services.all > 1 {
            let _ = write!(
                text,
                " None of {} has a shell, an executable, a reversed connection, a beacon or traffic \
                 that nothing identifies.",
                counted(self.services.all, "service")
            );
        }
        text
    }

    /// The endpoint that the report is about: that of the first card.
    pub(super) fn subject(&self) -> Option<(Socket, Socket, Transport)> {
        self.cards.first().map(|card| (card.flow.server, card.flow.client, card.flow.transport))
    }

    /// The watched ports that cards speak of, at most four.
    pub(crate) fn ports(&self) -> Vec<u16> {
        let watch = &self.summary.watch;
        let mut ports = Vec::new();
        for card in &self.cards {
            let flow = &card.flow;
            let own = [flow.server.port, flow.client.port];
            let watched = own.into_iter().find(|&port| watch.covers(flow.transport, port));
            ports.extend(watched.filter(|port| !ports.contains(port)));
        }
        ports.truncate(4);
        ports
    }

    /// Whether a list of what is in it helps.
    pub(super) fn is_long(&self) -> bool {
        self.cards.len() > LONG_CARDS
    }

    /// How many kinds of flows share the last card, and how many flows these are.
    pub(super) fn more_kinds(&self) -> String {
        let flows = self.kinds.iter().map(|kind| kind.flows).fold(0, u64::saturating_add);
        let kinds = u64::try_from(self.kinds.len()).unwrap_or(u64::MAX);
        format!("{} of flows, {}", counted(kinds, "more kind"), counted(flows, "flow"))
    }

    /// The flows that no card speaks of, and how to see them.
    pub(super) fn left_out(&self) -> Option<String> {
        (self.flows_left_out > 0).then(|| {
            format!(
                "{} of other kinds, none worse than these. All of them: portstory read \
                 --format csv, with the same files.",
                counted(self.flows_left_out, "flow")
            )
        })
    }

    /// How well the capture was made: a finding a line, with whether it is as it should be.
    pub(super) fn quality_lines(&self) -> Vec<(bool, String)> {
        let quality = &self.quality;
        let dropped: u64 = self.sources.iter().map(|source| source.dropped).sum();
        let by_interface: u64 = self.sources.iter().map(|source| source.dropped_by_interface).sum();
        let mut lines = Vec::new();
        let mut line = |bad: u64, good: &str, text: String| {
            lines.push(if bad == 0 { (true, good.to_owned()) } else { (false, text) });
        };
        line(
            dropped.saturating_add(by_interface),
            "No packets are reported as dropped while capturing",
            format!(
                "{} dropped by the capturing program or kernel, {} by the interface",
                counted(dropped, "packet"),
                count(by_interface)
            ),
        );
        let of = |flows: u64| counted(flows, "flow");
        line(
            quality.lost,
            "No bytes are missing from TCP flows in range",
            format!("{}: bytes are missing that were on the wire", of(quality.lost)),
        );
        line(
            quality.truncated,
            "No packet in range was cut short",
            format!("{}: cut short by the snap length; capture with -s 0", of(quality.truncated)),
        );
        line(
            quality.one_way,
            "Both directions of every conversation were seen",
            format!(
                "{}: payload in one direction only; is the other one routed elsewhere?",
                of(quality.one_way)
            ),
        );
        line(
            quality.no_start,
            "Every conversation's beginning was seen",
            format!("{}: may have begun before the capture did", of(quality.no_start)),
        );
        if quality.duplicates > 0 {
            let copies = counted(quality.duplicates, "copy");
            lines.push((true, format!("{copies} of packets, as mirror ports make; not counted")));
        }
        for anomaly in self.summary.anomalies.iter().take(self.limits.notices_max) {
            let packets = counted(anomaly.count, "packet");
            let line = match anomaly.first.unopened() {
                Some(what) => format!("{packets} of {what} were not opened"),
                None => format!("{packets}: decoding stopped, {}", anomaly.first.name()),
            };
            lines.push((false, line));
        }
        let plots_max = count(u64::try_from(self.limits.traces_max).unwrap_or(u64::MAX));
        let untraced = counted(quality.untraced, "flow");
        if quality.untraced > 0 {
            let line = format!(
                "{untraced} without a plot: packets of at most {plots_max} running flows are noted"
            );
            lines.push((true, line));
        }
        if self.pair_flows_left_out > 0 {
            let flows = counted(self.pair_flows_left_out, "flow");
            let line = format!(
                "{flows} of pairs of hosts that were first seen after as many as are compared"
            );
            lines.push((false, line));
        }
        lines.extend(self.summary.limit_notices().map(|notice| (false, notice)));
        let (notices, max) = (&self.summary.notices, self.limits.notices_max);
        lines.extend(notices.iter().take(max).map(|notice| (false, notice.clone())));
        let more = notices.len().saturating_sub(max);
        if more > 0 {
            lines.push((false, format!("{more} more notices: portstory read prints them all")));
        }
        lines
    }
}

/// From when to when; the day once, where it is the same.
pub(super) fn between(first: Timestamp, last: Timestamp) -> String {
    let (first, last) = (Clock(first).to_string(), Clock(last).to_string());
    match (first.split_once(' '), last.split_once(' ')) {
        (Some((one, _)), Some((other, time))) if one == other => format!("{first} to {time}"),
        _ => format!("{first} to {last}"),
    }
}

impl Card {
    /// Why it stands where it does: the worst concern of its flow.
    pub(crate) fn concern(&self) -> Option<Concern> {
        self.concerns.worst()
    }

    /// Whether its flows are to be looked at.
    pub(super) fn is_pressing(&self) -> bool {
        self.concern().is_some_and(Concern::needs_attention)
    }

    /// What it is headed by: what must not be missed, or what the flows are, and where.
    pub(super) fn title(&self) -> String {
        let flow = &self.flow;
        let what = match self.concern() {
            Some(Concern::Unidentified | Concern::Unclear) | None => heading(&flow.verdict),
            Some(concern) if concern.needs_attention() => capital(&self.concerns.titles()),
            Some(_) => heading(&flow.verdict),
        };
        let place = service(flow.server, flow.transport);
        match self.places_all.saturating_sub(1) {
            0 => format!("{what} on {place}"),
            more => format!("{what} on {place} and {}", counted(more, "more service")),
        }
    }

    /// How many of the places are not named.
    pub(super) fn places_unnamed(&self) -> u64 {
        self.places_all.saturating_sub(u64::try_from(self.places.len()).unwrap_or(u64::MAX))
    }
}

impl Attention {
    /// The service, or how many.
    pub(super) fn places(&self) -> String {
        let first = service(self.endpoint.socket, self.endpoint.transport);
        match self.others.len() {
            0 => first,
            more => {
                let more = counted(u64::try_from(more).unwrap_or(u64::MAX), "more service");
                format!("{first} and {more}")
            }
        }
    }

    /// Why it is to be looked at, or else what runs there.
    pub(super) fn why(&self) -> String {
        let concerns = self.endpoint.concerns;
        match concerns.worst().filter(|_| concerns.need_attention()) {
            Some(worst) => format!("{}: {}", concerns.titles(), worst.meaning()),
            None => agreement(&self.endpoint),
        }
    }

    /// How much there was, and when.
    pub(super) fn extent(&self) -> String {
        let one = &self.endpoint;
        let from = match (self.client, one.peers) {
            _ if !self.others.is_empty() => String::new(),
            (Some(client), 1) => format!(" from {client}"),
            (Some(client), sockets) if !one.peers_at_least => {
                format!(" from {client} ({})", counted(sockets, "socket"))
            }
            (Some(_) | None, _) => format!(" from {}", peers(one)),
        };
        format!(
            "{}{from}, {}, {} UTC",
            counted(self.flows, "flow"),
            bytes(self.bytes),
            between(one.first_seen, one.last_seen)
        )
    }
}

/// A place of a card: a service, or a host on whatever port.
pub(super) fn place(place: &CardPlace) -> String {
    if place.server.port > 0 {
        service(place.server, place.transport)
    } else {
        format!("{}, {} ports", place.server.addr, place.transport.keyword())
    }
}

/// What a card is headed by: the protocol, or what the flow was instead.
pub(super) fn heading(verdict: &Verdict) -> String {
    let name = verdict.protocol();
    match (verdict.status, name) {
        (Status::Identified, Some(name)) => name.to_owned(),
        (status, Some(name)) => format!("{name} ({})", words(status)),
        (Status::Unidentified, None) => "Something unidentified".to_owned(),
        (status, None) => capital(words(status)),
    }
}

/// The summary as a sentence.
pub(super) fn sentence(verdict: &Verdict) -> String {
    // What was recognised keeps its own spelling.
    if verdict.protocols.is_empty() {
        format!("{}.", capital(&verdict.summary))
    } else {
        format!("{}.", verdict.summary)
    }
}

/// What an endpoint's flows were, in a few words.
pub(super) fn agreement(endpoint: &EndpointEvent) -> String {
    let mut parts: Vec<String> = endpoint
        .protocols
        .iter()
        .take(4)
        .map(|(name, flows)| format!("{name} ({})", count(*flows)))
        .collect();
    parts.extend(
        endpoint
            .statuses()
            .filter(|&(status, _)| status != Status::Identified)
            .map(|(status, flows)| format!("{} ({})", words(status), count(flows))),
    );
    parts.join(", ")
}

/// A status in words.
pub(super) const fn words(status: Status) -> &'static str {
    match status {
        Status::Identified => "identified",
        Status::Attempted => "seen from the client only",
        Status::Unidentified => "unidentified",
        Status::ClientPort => "a client's ephemeral port",
        Status::Refused => "refused",
        Status::Unanswered => "unanswered",
        Status::Scan => "scan",
        Status::NoPayload => "connection without payload",
        Status::Insufficient => "too little payload",
    }
}

/// Why a notable matters.
pub(super) const fn meaning(notable: Notable) -> &'static str {
    match notable {
        Notable::UnexpectedService => "a known service on an unexpected port",
        Notable::EncryptedFromFirstByte => {
            "looks random from the first byte, with no known handshake"
        }
        Notable::TextShell => "text in both directions with the marks of a shell",
        Notable::ExecutableTransfer => "an executable file was transferred",
        Notable::Periodic => {
            "messages or connections at regular intervals, like a keep-alive or a beacon"
        }
        Notable::UploadHeavy => "much more data to the server than to the client",
        Notable::InconsistentHandshake => "the side that opened the connection acts as the server",
    }
}

/// What a detail is called.
pub(super) fn detail_name(key: portstory_core::DetailKey) -> &'static str {
    let path = key.eve_path();
    path.strip_prefix("portstory.").unwrap_or(path)
}
