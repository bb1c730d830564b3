//! How a detector hears the two sides, and how what they said becomes one finding.
//!
//! Most detectors look at each side on its own, without knowing which of them is the client, and
//! then ask whether what was said fits together. This is the part they share; it knows no protocol.

use crate::identify::view::{Datagram, FlowView, SideView};

use crate::identify::{Detail, DetailKey, Finding, Inside, Probe, Sighting, Strength};
use crate::net::Side;

/// What one side's head, or a message at the front of some bytes, is to one detector.
pub(super) type SideMatch<T> = Result<T, MessageError>;

/// Why nothing was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MessageError {
    /// It may be the protocol, but there is too little to say.
    Short,
    /// It is something else, whatever comes.
    Not,
}

/// The answer where nothing was read: more bytes may tell, or none will.
pub(super) const fn short_if(open: bool) -> MessageError {
    if open { MessageError::Short } else { MessageError::Not }
}

/// Asks `match_side` of each side that has spoken.
///
/// # Errors
/// Where neither side speaks the protocol: the detector's answer, `Wait` or `No`. It is never `Wait`
/// where both sides are complete.
pub(super) fn match_both<'a, T>(
    view: &FlowView<'a>,
    match_side: impl Fn(&SideView<'a>) -> SideMatch<T>,
) -> Result<[Option<T>; 2], Probe> {
    let mut said = [None, None];
    let mut open = false;
    for (side, head) in view.each() {
        let matched = if head.has_spoken() { match_side(head) } else { Err(MessageError::Short) };
        match matched {
            Ok(words) => *side.of_mut(&mut said) = Some(words),
            Err(MessageError::Short) => open |= !head.complete,
            Err(MessageError::Not) => {}
        }
    }
    match said {
        [None, None] if open => Err(Probe::Wait),
        [None, None] => Err(Probe::No),
        said => Ok(said),
    }
}

/// The detector's answer: what `find` makes of what `match_side` makes of the sides that have spoken.
pub(super) fn probe_found<'a, T>(
    view: &FlowView<'a>,
    match_side: impl Fn(&SideView<'a>) -> SideMatch<T>,
    find: impl FnOnce([Option<T>; 2]) -> Option<Finding>,
) -> Probe {
    match match_both(view, match_side) {
        Ok(said) => yes(find(said)),
        Err(answer) => answer,
    }
}

/// Which end a message comes from, where the protocol's messages tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Only a client says this.
    Client,
    /// Only a server says this.
    Server,
    /// Both say it.
    Either,
}

/// Where something was said, within one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    /// See [`Sighting::datagram`].
    pub(super) datagram: usize,
    /// See [`Sighting::offset`].
    pub(super) offset: usize,
    /// How many bytes show it.
    pub(super) len: usize,
}

impl Spot {
    /// The longest quotation that evidence keeps, in bytes.
    const LEN_MAX: usize = 16;

    /// Bytes of a TCP stream.
    pub(super) fn stream(offset: usize, len: usize) -> Self {
        Self::datagram(0, offset, len)
    }

    /// Bytes of one datagram.
    pub(super) fn datagram(datagram: usize, offset: usize, len: usize) -> Self {
        Self { datagram, offset, len: len.clamp(1, Self::LEN_MAX) }
    }

    fn of(self, side: Side) -> Sighting {
        Sighting { side, datagram: self.datagram, offset: self.offset, len: self.len }
    }
}

/// What one side said in the protocol: one message, or what its messages come to.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Said {
    /// Bytes on the wire, header included; [`Said::ALL`] for whatever is there.
    pub(super) len: usize,
    /// Who says such a thing.
    pub(super) role: Role,
    /// -log2 of the chance that random bytes pass as this.
    pub(super) bits: f32,
    /// No other protocol says this; a shared message only adds to one that isn't.
    pub(super) own: bool,
    /// What follows in the stream is not the protocol's.
    pub(super) doubtful: bool,
    /// The evidence's sentence.
    pub(super) fact: String,
    /// What shows it.
    pub(super) spot: Spot,
    /// What else it told.
    pub(super) details: Vec<Detail>,
}

impl Said {
    /// The length of what takes all that is there.
    pub(super) const ALL: usize = usize::MAX;

    /// A message of so many bytes that only this protocol has; its first bytes show it.
    pub(super) fn new(len: usize, role: Role, bits: f32, fact: impl Into<String>) -> Self {
        let (fact, spot) = (fact.into(), Spot::stream(0, len));
        let (own, doubtful, details) = (true, false, Vec::new());
        Self { len, role, bits, own, doubtful, fact, spot, details }
    }

    /// What takes all that is there; its first bytes show it.
    pub(super) fn all(role: Role, bits: f32, fact: impl Into<String>) -> Self {
        Self::new(Self::ALL, role, bits, fact)
    }

    /// The same, shown by these bytes.
    pub(super) fn at(role: Role, bits: f32, fact: impl Into<String>, spot: Spot) -> Self {
        Self::all(role, bits, fact).shown(spot)
    }

    /// The same, shown by these bytes.
    pub(super) fn shown(self, spot: Spot) -> Self {
        Self { spot, ..self }
    }

    /// The same, of so many bytes.
    pub(super) fn of_len(self, len: usize) -> Self {
        Self { len, spot: Spot::stream(0, len), ..self }
    }

    /// The same, of all that a datagram holds.
    pub(super) fn filling(self, datagram: &Datagram<'_>) -> Self {
        self.of_len(datagram.wire_len)
    }

    /// The same, but other protocols say it as well.
    pub(super) fn shared(self) -> Self {
        self.owned_if(false)
    }

    /// The same, own or not.
    pub(super) fn owned_if(self, own: bool) -> Self {
        Self { own, ..self }
    }

    /// The same with one more detail.
    pub(super) fn with(mut self, key: DetailKey, value: impl Into<Box<str>>) -> Self {
        self.details.push(Detail::new(key, value));
        self
    }

    /// The same with one more detail, where there is a value.
    pub(super) fn with_some(self, key: DetailKey, value: Option<impl Into<Box<str>>>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    /// The same, shown by no more bytes than are there.
    pub(super) fn shown_in(mut self, bytes: &[u8]) -> Self {
        self.spot.len = self.spot.len.min(bytes.len().max(1));
        self
    }

    /// What one side said and then the other one; the bits add up where it fits together.
    fn followed_by(self, second: Self, fits: bool) -> Self {
        let mut details = self.details;
        details.retain(|old| second.details.iter().all(|new| new.key != old.key));
        details.extend(second.details);
        let fact = if self.fact == second.fact {
            self.fact
        } else {
            format!("{}; {}", self.fact, second.fact)
        };
        let bits = if fits { self.bits + second.bits } else { self.bits.max(second.bits) };
        Self { bits, fact, details, ..second }
    }
}

/// One finding of what the sides said, at least one of them. Two clients, or two servers, don't fit.
pub(super) fn join(said: [Option<Said>; 2]) -> Option<Finding> {
    let fits = match &said {
        [Some(a), Some(b)] => a.role != b.role || a.role == Role::Either,
        [_, None] | [None, _] => false,
    };
    join_if(fits, said)
}

/// One finding of what the sides said, where the detector itself knows whether it fits.
pub(super) fn join_if(fits: bool, said: [Option<Said>; 2]) -> Option<Finding> {
    let spoken_by = [said[0].is_some(), said[1].is_some()];
    let doubts = said.iter().flatten().filter(|said| said.doubtful).count();
    let sides = said.iter().flatten().count();
    let client = client_of(&said).filter(|_| doubts < sides);
    let (strength, side, only) = match said {
        [Some(a), Some(b)] => {
            // The server's words come second, and are what is quoted: they prove the service.
            let [(_, first), (server, second)] = match client {
                Some(Side::B) => [(Side::B, b), (Side::A, a)],
                Some(Side::A) | None => [(Side::A, a), (Side::B, b)],
            };
            let fits_all = fits && doubts == 0;
            let strength = if fits_all { Strength::BothSides } else { Strength::OneSided };
            (strength, server, first.followed_by(second, fits))
        }
        [Some(only), None] => (Strength::OneSided, Side::A, only),
        [None, Some(only)] => (Strength::OneSided, Side::B, only),
        [None, None] => return None,
    };
    let strength = if doubts == sides { Strength::Doubtful } else { strength };
    let Said { bits, fact, spot, details, .. } = only;
    let (seen, inside, if_client) = (spot.of(side), Inside::Nothing, None);
    Some(Finding { strength, bits, spoken_by, client, fact, seen, details, if_client, inside })
}

/// The client, where the sides' roles don't contradict each other.
fn client_of(said: &[Option<Said>; 2]) -> Option<Side> {
    let role = |side: Side| side.of(said).as_ref().map_or(Role::Either, |said| said.role);
    match (role(Side::A), role(Side::B)) {
        (Role::Client, Role::Server | Role::Either) | (Role::Either, Role::Server) => Some(Side::A),
        (Role::Server, Role::Client | Role::Either) | (Role::Either, Role::Client) => Some(Side::B),
        (Role::Either, Role::Either)
        | (Role::Client, Role::Client)
        | (Role::Server, Role::Server) => None,
    }
}

/// The answer where what was said fits but does not prove enough: there is hope while a side is silent.
pub(super) fn unproven(view: &FlowView<'_>) -> Probe {
    let done = view.each().all(|(_, head)| head.complete || head.has_spoken());
    if done { Probe::No } else { Probe::Wait }
}

/// Where a flow over UDP goes on in another protocol: behind the datagrams that open each side.
pub(super) fn behind_leading<'a>(
    view: &FlowView<'a>,
    is_ours: impl Fn(&Datagram<'a>) -> bool,
) -> Inside {
    let lens = Side::BOTH.map(|side| {
        let datagrams = view.side(side).datagrams.iter();
        datagrams.take_while(|datagram| is_ours(datagram)).count()
    });
    let more = Side::BOTH.into_iter().any(|side| *side.of(&lens) < view.side(side).datagrams.len());
    if more { Inside::StartsAt(lens) } else { Inside::MayFollow }
}

/// The same finding; where both sides said what nothing else says, that is a signature.
pub(super) fn signed(found: Option<Finding>) -> Option<Finding> {
    found.map(|mut found| {
        if found.spoken_by == [true; 2] && found.strength > Strength::Doubtful {
            found.strength = Strength::Signature;
        }
        found
    })
}

/// The same answer; what is found carries what `inside` says.
pub(super) fn carrying(probe: Probe, inside: impl FnOnce(&Finding) -> Inside) -> Probe {
    match probe {
        Probe::Yes(mut found) => {
            found.inside = inside(&found);
            Probe::Yes(found)
        }
        Probe::Wait => Probe::Wait,
        Probe::No => Probe::No,
    }
}

/// The detector's answer for a finding, or `No` without one.
pub(super) fn yes(finding: Option<Finding>) -> Probe {
    finding.map_or(Probe::No, |finding| Probe::Yes(Box::new(finding)))
}

/// Whether `bytes` and `expected` agree as far as both go: `None` where `bytes` is too short to tell.
pub(super) fn starts_with(bytes: &[u8], expected: &[u8]) -> Option<bool> {
    if bytes.len() >= expected.len() {
        return Some(bytes.starts_with(expected));
    }
    if expected.starts_with(bytes) { None } else { Some(false) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(role: Role) -> Option<Said> {
        Some(Said::new(99, role, 30.0, "x"))
    }

    #[test]
    fn two_clients_do_not_fit() {
        let found = join([said(Role::Client), said(Role::Client)]).unwrap();
        assert_eq!((found.strength, found.client), (Strength::OneSided, None));
        let found = join([said(Role::Server), said(Role::Client)]).unwrap();
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::B)));
        assert_eq!((found.seen.side, found.seen.len), (Side::A, 16));
    }

    #[test]
    fn a_prefix_is_undecided_only_while_it_agrees() {
        assert_eq!(starts_with(b"SS", b"SSH-"), None);
        assert_eq!(starts_with(b"SM", b"SSH-"), Some(false));
        assert_eq!(starts_with(b"SSH-2", b"SSH-"), Some(true));
    }
}
