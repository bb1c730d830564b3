//! What a recognised protocol tells beside its name, where that takes more than a look.
//!
//! A detector is asked again and again while a flow's head grows, so it reads only what names the
//! protocol. Names, versions and fingerprints that cost more (hashes, a certificate, QUIC's keys) are
//! told by a [`MetadataFn`]: a pure function, too, asked only of the protocol that was found, and only
//! until it has said all. It changes nothing about what was found.

use crate::identify::{Detail, DetailKey, Finding, FlowView};
use crate::net::Side;

/// What a detector's row says of what its protocol tells beside its name. Of most that is nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extras {
    /// Details that this detector alone tells: [`DetailKey::Own`].
    pub(super) details: &'static [DetailKey],
    /// What tells more than the detector does.
    pub(super) metadata: Option<MetadataFn>,
    /// What a flow's one line is made of, where the details tell it.
    pub(super) headline: Option<Headline>,
    /// The protocol that both ends may agree to go on in, as by STARTTLS.
    pub(super) goes_on_in: Option<&'static str>,
    /// The first bytes are the same from both sides: what comes behind them tells who is the client,
    /// and so whether the connection was opened by the server.
    pub(super) client_later: bool,
}

impl Extras {
    /// Nothing beside the name, of a protocol that TLS may take over.
    pub(super) const BEFORE_TLS: Self = Self { goes_on_in: Some("tls"), ..Self::NONE };

    /// Nothing beside the name.
    pub(super) const NONE: Self = Self {
        details: &[],
        metadata: None,
        headline: None,
        goes_on_in: None,
        client_later: false,
    };
}

/// Of a protocol with hellos: the version, and the name that was asked for. That is the line, and
/// what was seen of each side is left to the evidence.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Headline {
    /// What stands before the version.
    pub(crate) word: &'static str,
    /// The detail that tells the version.
    pub(crate) version: DetailKey,
    /// The detail that tells the name.
    pub(crate) name: DetailKey,
}

/// Tells what the heads of a flow say beside the protocol's name.
pub(super) type MetadataFn = fn(&FlowView<'_>, &Finding) -> Metadata;

/// What a [`MetadataFn`] says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Metadata {
    /// What it knows so far. Metadata again, a key's later value stands.
    pub(super) details: Vec<Detail>,
    /// What holds if side A is the client, and what if side B is, where the messages don't tell yet.
    pub(super) if_client: [Vec<Detail>; 2],
    /// Nothing more will come of asking again.
    pub(super) done: bool,
    /// UDP: the newest datagram of this side holds a part of a message that goes on in a later one.
    /// It should be kept whole until then.
    pub(super) keep: Option<Side>,
}

impl Metadata {
    /// All there is to tell.
    pub(super) fn all(details: Vec<Detail>) -> Self {
        Self { details, done: true, ..Self::default() }
    }

    /// Nothing, as long as there is too little to see.
    pub(super) fn later() -> Self {
        Self::default()
    }
}

/// Puts what was told to what is known: of one key the newer value stands.
pub(super) fn merge(known: &mut Vec<Detail>, told: Vec<Detail>) {
    known.reserve(told.len());
    for new in told {
        match known.iter_mut().find(|old| old.key == new.key) {
            Some(old) => *old = new,
            None => known.push(new),
        }
    }
}
