//! What limits left out: counted, so that nothing is dropped without a word.
//!
//! The counts are of flows, packets and frames, never of the keys that found no room: those could only be
//! told apart by keeping them. They are facts about the capture, the same however its pieces are put
//! together, but for flows that ended early: pieces have no table that can be full.

/// How often each limit left something out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shortfalls {
    /// Flows of services beyond [`crate::config::Limits::endpoints_max`]: no endpoint tells of them.
    pub endpoints: u64,
    /// Flows whose verdict asked for more than was kept of other flows:
    /// [`crate::event::Visibility::context_cut`].
    pub context: u64,
    /// Flows that ended early to make room for others: [`crate::flow::EndReason::Forced`].
    pub flows: u64,
    /// IP packets in fragments that were given up to make room for others.
    pub fragments: u64,
    /// Frames with kinds of anomaly beyond [`crate::config::Limits::anomaly_kinds_max`], or of what is not opened
    /// beyond [`crate::config::Limits::unopened_kinds_max`].
    pub anomalies: u64,
}

/// One limit that left something out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shortfall {
    /// Its name, for machines.
    pub limit: &'static str,
    /// How many.
    pub not_kept: u64,
    /// Of what, in the singular.
    pub unit: &'static str,
    /// What became of them, for a sentence that begins with their number.
    pub what: &'static str,
    /// The option that raises the limit, if there is one.
    pub flag: Option<&'static str>,
}

/// Bounds all tables.
const MEMORY: Option<&str> = Some("--memory-max");

impl Shortfalls {
    /// The limits that left something out.
    pub fn reached(&self) -> impl Iterator<Item = Shortfall> {
        let row =
            |limit, not_kept, unit, what, flag| Shortfall { limit, not_kept, unit, what, flag };
        [
            row(
                "endpoints",
                self.endpoints,
                "flow",
                "of services first seen after the table of services was full: no endpoint tells of \
                 them",
                MEMORY,
            ),
            row(
                "context",
                self.context,
                "flow",
                "judged without all other flows of their hosts, because a table was full: the verdict \
                 may differ with more memory",
                MEMORY,
            ),
            row(
                "flows",
                self.flows,
                "flow",
                "ended early (reason forced) because the table of flows was full: one conversation may \
                 be told as several flows",
                MEMORY,
            ),
            row(
                "fragments",
                self.fragments,
                "packet",
                "in fragments given up early to make room for others",
                MEMORY,
            ),
            row("anomalies", self.anomalies, "frame", "with kinds of anomaly that are not told", None),
        ]
        .into_iter()
        .filter(|one| one.not_kept > 0)
    }
}
