//! One page that answers what was on the port, for a ticket: HTML that stands alone, or Markdown.
//!
//! An edge beside `output`: a [`Recorder`] is shown the events and the packets of flows in range while
//! a capture is read, and keeps a bounded amount of both ([`ReportLimits`]). At the end it makes a
//! [`Report`], plain data, which [`fn@html`] and [`fn@markdown`] write. The same input gives the
//! same page: no clock is asked.
//!
//! What strangers wrote goes through [`crate::escape`] and, in HTML, through maud's own
//! escape; the page loads nothing, runs nothing and says so in its policy.

mod answer;
mod digest;
mod html;
mod markdown;
mod next;
mod plot;
mod recorder;
mod trace;

use crate::capture::SourceInfo;
use crate::output::RunSummary;
use portstory_core::config::ReportLimits;
use portstory_core::event::Concerns;
use portstory_core::{EndpointEvent, FlowEvent, Label, Socket, Transport};

pub(crate) use digest::{Input, digest};
pub(crate) use html::html;
pub(crate) use markdown::markdown;
pub(crate) use recorder::Recorder;
#[cfg(feature = "bundle")]
pub(crate) use {
    digest::{hex, sha256},
    html::head,
};

use trace::{Spans, Trace};

/// Everything that a report says.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// How it came about.
    pub about: About,
    /// Totals.
    pub summary: RunSummary,
    /// The captures and how well they were made.
    pub sources: Vec<SourceInfo>,
    /// The services to look at first, the worst first.
    pub attention: Vec<Attention>,
    /// Services that need attention, and all that took part.
    pub services: Services,
    /// The endpoints, the worst first.
    pub endpoints: Vec<EndpointEvent>,
    /// Endpoints that found no room.
    pub endpoints_left_out: u64,
    /// Kinds of flows, the worst first, with the flow that tells most of each.
    pub cards: Vec<Card>,
    /// Kinds of flows that found no room among the cards.
    pub kinds: Vec<Card>,
    /// Flows of kinds that found no room there either.
    pub flows_left_out: u64,
    /// Conversations, most bytes first.
    pub pairs: Vec<Pair>,
    /// Pairs with fewer bytes.
    pub pairs_left_out: u64,
    /// Flows of pairs that were first seen after as many as are kept.
    pub pair_flows_left_out: u64,
    /// Flows with losses, cut packets, one direction only, copies.
    pub quality: Quality,
    timeline: Spans<3>,
    limits: ReportLimits,
}

/// How a report came about.
#[derive(Clone, Debug, Default)]
pub(crate) struct About {
    /// The command line, as it was given.
    pub command: String,
    /// The captures with their hashes.
    pub inputs: Vec<Input>,
    /// What is known of each port of interest: its number, and text of several lines.
    pub ports: Vec<(u16, String)>,
}

/// How many services there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Services {
    /// Those that took part in a conversation.
    pub all: u64,
    /// Those of them that need attention.
    pub pressing: u64,
    /// Those of these that have no place at the top.
    pub unnamed: u64,
}

/// A service that is to be looked at, or several for the same reason.
#[derive(Clone, Debug)]
pub(crate) struct Attention {
    /// The worst of them.
    pub endpoint: EndpointEvent,
    /// The others.
    pub others: Vec<(Transport, Socket)>,
    /// Who talks to it, where that is one host and a card tells.
    pub client: Option<std::net::IpAddr>,
    /// Flows to all of them.
    pub flows: u64,
    /// Bytes to and from all of them.
    pub bytes: u64,
    /// The cards that speak of it, by their number from 1.
    pub cards: Vec<usize>,
}

/// Flows of one kind: one worst concern, label, status and protocol, at one service or at several.
#[derive(Clone, Debug)]
pub(crate) struct Card {
    /// The flow that tells most.
    pub flow: FlowEvent,
    /// Why it is to be looked at, as far as its service is.
    pub concerns: Concerns,
    /// Flows of this kind, this one with them.
    pub flows: u64,
    /// Their bytes on the wire.
    pub bytes: u64,
    /// Where they go, most flows first; of many the first.
    pub places: Vec<CardPlace>,
    /// How many places there are.
    pub places_all: u64,
    trace: Option<Trace>,
}

/// A service that flows of a card go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CardPlace {
    /// Where; without a port where it is any of the host's.
    pub server: Socket,
    /// TCP or UDP.
    pub transport: Transport,
    /// How many flows.
    pub flows: u64,
    /// Their bytes on the wire.
    pub bytes: u64,
}

/// A client and a service that it talked to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair {
    /// Who.
    pub client: std::net::IpAddr,
    /// With what.
    pub server: Socket,
    /// TCP or UDP.
    pub transport: Transport,
    /// Under which label.
    pub label: Label,
    /// In how many flows.
    pub flows: u64,
    /// Bytes on the wire.
    pub bytes: u64,
}

/// How many flows could not be seen well.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Quality {
    /// Bytes are missing that were on the wire.
    pub lost: u64,
    /// The snap length cut packets.
    pub truncated: u64,
    /// One direction only, where there was payload.
    pub one_way: u64,
    /// Their beginning is not in the capture.
    pub no_start: u64,
    /// Copies of packets, which were not counted.
    pub duplicates: u64,
    /// Flows without a plot, because too many others ran at the same time.
    pub untraced: u64,
}

/// A number for a plot; large ones lose their last digits.
fn float(number: u64) -> f64 {
    let high = u32::try_from(number >> 32).unwrap_or(u32::MAX);
    let low = u32::try_from(number & u64::from(u32::MAX)).unwrap_or(u32::MAX);
    f64::from(high) * 4_294_967_296.0 + f64::from(low)
}
