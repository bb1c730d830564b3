//! What does the payload speak?
//!
//! A [`Detector`] is a pure function of a [`FlowView`] (invariant 4). It knows no other detector, no
//! port and no label. Each has a file under `protocols/`; what one line can tell is a row of
//! `protocols/signatures/`.

mod ber;
mod crc;
#[cfg_attr(not(feature = "details"), path = "no_details.rs")]
mod details;
pub(crate) mod finding;
mod handshake;
pub(crate) mod identifier;
mod lines;
mod messages;
mod metadata;
mod names;
mod onc_rpc;
mod openings;
mod prefilter;
mod prelude;
mod protocols;
mod side_match;
pub(crate) mod stream_head;
#[cfg(test)]
mod table_tests;
#[cfg(test)]
mod testing;
mod tpkt;
pub(crate) mod view;

use std::sync::LazyLock;

use crate::net::Transport;
use metadata::Extras;
pub(crate) use metadata::Headline;
use openings::Openings;

pub use finding::{Detail, DetailKey, OwnDetail, Strength};
pub(crate) use finding::{Finding, Inside, Sighting};
pub(crate) use view::{Datagram, FlowView, SideView};

/// What a detector says of a flow.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Probe {
    /// This is it. Asked again when the flow's head grows, it may say more.
    Yes(Box<Finding>),
    /// Cannot say yet: ask again when the flow's head grows.
    Wait,
    /// This is not it, whatever comes: never asked again for this flow.
    No,
}

/// Which transports a detector looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// TCP only.
    Tcp,
    /// UDP only.
    Udp,
    /// Both.
    Both,
}

impl Over {
    /// Whether it is looked for over this transport.
    pub fn has(self, transport: Transport) -> bool {
        match self {
            Self::Both => true,
            Self::Tcp => transport == Transport::Tcp,
            Self::Udp => transport == Transport::Udp,
        }
    }
}

/// One protocol that can be recognised: the row that `portstory explain` prints, and the function.
#[derive(Debug)]
pub struct Detector {
    /// The protocol's name in EVE, lower case: Suricata's `app_proto` where it has one.
    pub id: &'static str,
    /// The protocol's name for people.
    pub title: &'static str,
    /// The specification: RFC and section, or the public document.
    pub reference: &'static str,
    /// What in the payload it rests on, in a sentence or two.
    pub rests_on: &'static str,
    /// What it cannot see, or could take for it.
    pub blind_spots: &'static str,
    /// -log2 of the chance that a flow of random bytes passes: what the table's budget adds up.
    pub bits: f32,
    /// With which bytes its protocol begins, so that it is asked of few flows.
    openings: Openings,
    /// Over which transports it is asked, and what for.
    asks: Asking,
}

/// Looks at a flow's head.
type ProbeFn = fn(&FlowView<'_>) -> Probe;

/// How a detector is asked.
#[derive(Clone, Copy, Debug)]
struct Asking {
    /// The transports that its protocol is looked for on.
    over: Over,
    /// Looks at a flow's head.
    probe: ProbeFn,
    /// What it tells beside the name.
    extras: Extras,
}

/// Asks of flows over these transports, for no more than the name.
const fn over(over: Over, probe: ProbeFn) -> Asking {
    Asking { over, probe, extras: Extras::NONE }
}

/// The same over TCP alone.
const fn over_tcp(probe: ProbeFn) -> Asking {
    over(Over::Tcp, probe)
}

/// The same over UDP alone.
const fn over_udp(probe: ProbeFn) -> Asking {
    over(Over::Udp, probe)
}

/// The same over both.
const fn over_both(probe: ProbeFn) -> Asking {
    over(Over::Both, probe)
}

impl Asking {
    /// The same of a protocol that tells more than its name.
    const fn telling(self, extras: Extras) -> Self {
        Self { extras, ..self }
    }
}

impl Detector {
    /// The transports that its protocol is looked for on.
    pub const fn over(&self) -> Over {
        self.asks.over
    }

    /// What a flow's one line is made of, where the details tell it.
    pub(crate) fn headline(&self) -> Option<Headline> {
        self.asks.extras.headline
    }

    /// Its own details, in the order that a flow's one line has them.
    pub(crate) fn own_details(&self) -> &'static [DetailKey] {
        self.asks.extras.details
    }
}

/// All detectors, sorted by id.
pub static DETECTORS: LazyLock<Vec<&'static Detector>> = LazyLock::new(|| {
    let mut all: Vec<&Detector> = protocols::all().collect();
    all.sort_unstable_by_key(|row| row.id);
    all
});

/// Where a protocol's detector stands in [`DETECTORS`].
fn index_of(id: &str) -> Option<usize> {
    DETECTORS.binary_search_by(|row| row.id.cmp(id)).ok()
}

/// All keys that details may have: those that EVE has a place for, and each detector's own.
pub fn detail_keys() -> impl Iterator<Item = DetailKey> {
    let own = DETECTORS.iter().flat_map(|row| row.asks.extras.details);
    DetailKey::SHARED.iter().chain(own).copied()
}
