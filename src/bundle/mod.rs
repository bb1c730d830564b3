//! A zip that an incident can be handed on in, and the check that nothing in it was changed and that
//! its packets still give the verdicts.
//!
//! An edge. [`Packer`] writes the files and their hashes, [`evidence`] says which packets verdicts rest
//! on, [`anonymize`] takes payload and addresses out of them, [`verify`] reads a bundle, which may be
//! anybody's: it writes nothing, and what it unpacks is bounded ([`portstory_core::config::BundleLimits`]).
//! Hashes show that a bundle was not damaged; who made it they do not show, as anybody can make new
//! ones.

pub(crate) mod anonymize;
mod container;
pub(crate) mod evidence;
mod packer;
mod page;
mod refusal;
mod rows;
mod settings;
pub(crate) mod verify;

use serde::{Deserialize, Serialize};

use portstory_core::FlowEvent;

pub(crate) use packer::{Packer, seal};
pub(crate) use rows::Tally;
pub(crate) use settings::Settings;

/// The report.
pub(crate) const REPORT: &str = "report.html";
/// All events.
pub const EVE: &str = "eve.json";
/// The packets.
pub const EVIDENCE: &str = "evidence.pcapng";
/// What the verdicts depend on beside the packets.
pub(crate) const SETTINGS: &str = "settings.json";
/// The verdicts that the packets must give.
pub(crate) const VERDICTS: &str = "verdicts.json";
/// Hashes of the others, as `sha256sum -c` reads them.
pub(crate) const SUMS: &str = "SHA256SUMS";

/// All files of a bundle but the list of hashes.
pub(crate) const FILES: [&str; 5] = [REPORT, EVE, EVIDENCE, SETTINGS, VERDICTS];

/// A verdict, without what depends on where the packets lie: numbers of frames and names of files.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    /// Nanoseconds since the epoch.
    pub start: i64,
    /// The same of the last packet.
    pub end: i64,
    /// TCP or UDP.
    pub transport: String,
    /// Ports of client and server.
    pub ports: (u16, u16),
    /// Addresses of client and server.
    pub addresses: (String, String),
    /// Packets of client and server.
    pub packets: (u64, u64),
    /// As in EVE.
    pub label: String,
    /// As in EVE.
    pub status: String,
    /// As in EVE.
    pub confidence: String,
    /// As in EVE.
    pub protocols: Vec<String>,
    /// As in EVE.
    pub notable: Vec<String>,
    /// Which rules fired.
    pub rules: Vec<String>,
}

impl Row {
    /// The verdict of a flow.
    pub(crate) fn of(flow: &FlowEvent) -> Self {
        let verdict = &flow.verdict;
        Self {
            start: flow.start.nanos(),
            end: flow.end.nanos(),
            transport: flow.transport.name().to_owned(),
            ports: (flow.client.port, flow.server.port),
            addresses: (flow.client.addr.to_string(), flow.server.addr.to_string()),
            packets: (flow.to_server.packets, flow.to_client.packets),
            label: verdict.label.name().to_owned(),
            status: verdict.status.name().to_owned(),
            confidence: verdict.confidence.name().to_owned(),
            protocols: verdict.protocols.iter().map(|name| name.to_string()).collect(),
            notable: verdict.notables.iter().map(|one| one.name().to_owned()).collect(),
            rules: verdict.evidence.iter().map(|piece| piece.rule.to_owned()).collect(),
        }
    }

    /// Label, protocols, status and notables, in words.
    pub(crate) fn verdict(&self) -> String {
        let protocols = self.protocols.join("+");
        let protocols = if protocols.is_empty() { "no protocol" } else { &protocols };
        let words = [&*self.label, protocols, &*self.status].into_iter();
        let words = words.chain(self.notable.iter().map(String::as_str));
        words.collect::<Vec<_>>().join(", ")
    }

    /// In words, for a message.
    pub(crate) fn told(&self) -> String {
        format!(
            "{}:{} -> {}:{}/{}: {} {} ({})",
            self.addresses.0,
            self.ports.0,
            self.addresses.1,
            self.ports.1,
            self.transport,
            self.label,
            self.protocols.join("+"),
            self.confidence
        )
    }

    /// The same flow's verdict whatever its addresses are called.
    #[must_use]
    pub(crate) fn without_addresses(&self) -> Self {
        Self { addresses: Default::default(), ..self.clone() }
    }
}
