//! Asks the detectors about one flow, as its head grows.
//!
//! A detector that said no is never asked again for the flow, and one whose protocol begins with
//! other bytes is not asked at all (`prefilter.rs`). Of what is found, the better proven
//! stays: what the server itself spoke before what only a client tried, then the strength of the
//! proof, then how few random bytes would pass. There are no priorities among protocols, so the
//! order of the table does not matter.
//!
//! Where one side proves one protocol and the other side another one, both stay: which of them is the
//! service's, whoever knows the roles can say ([`Identifier::split`]).

use crate::config::Config;
use crate::identify::messages::BITS_AGAINST;
use crate::identify::metadata::merge;
use crate::identify::prefilter::{INDEX, Set};
use crate::identify::stream_head::{Head, Offer, Quote};
use crate::identify::{Detail, Detector, Finding, FlowView, Inside, Probe, Strength, index_of};
use crate::net::{Side, Transport};
use crate::wire::{index, len32};

/// A finding and the packet that shows it.
#[derive(Clone, Debug)]
pub struct Recognised {
    /// What found it.
    pub detector: &'static Detector,
    /// What was found.
    pub finding: Finding,
    /// Where a person can see it.
    pub quote: Quote,
    /// Whether it has told all it knows beside its name.
    told: bool,
}

impl Recognised {
    /// What both ends agreed to go on in.
    pub fn agreed(&self) -> Option<&'static str> {
        match self.finding.inside {
            Inside::Agreed | Inside::StartsAt(_) => self.detector.asks.extras.goes_on_in,
            Inside::Nothing | Inside::MayFollow => None,
        }
    }

    /// Takes over what the same protocol's detector says now, where that is as good; of a stream the newest
    /// answer holds. Says whether it is worse.
    fn take_newer(&mut self, mut found: Self, transport: Transport) -> bool {
        let (new, old) = (rank(&found.finding), rank(&self.finding));
        let newest_holds = transport == Transport::Tcp || new >= old;
        if !newest_holds || found.finding == self.finding {
            return false;
        }
        // What it told before still holds, though the bytes that told it may have been cut since.
        let details = &mut found.finding.details;
        let mut older = std::mem::take(&mut self.finding.details);
        older.retain(|old| details.iter().all(|new| new.key != old.key));
        details.append(&mut older);
        found.finding.if_client = self.finding.if_client.take();
        found.told = self.told;
        *self = found;
        new < old
    }

    /// Whether this is what one side speaks and `other` what the other one does, and it proves enough
    /// beside that.
    fn is_beside(&self, other: &Self) -> bool {
        let [mine, theirs] = [&self.finding, &other.finding];
        let alone = |finding: &Finding| finding.spoken_by != [true; 2];
        alone(mine)
            && alone(theirs)
            && Side::BOTH
                .into_iter()
                .any(|side| mine.is_spoken_by(side) && theirs.is_spoken_by(side.other()))
            && mine.strength >= Strength::OneSided
            && mine.bits >= BITS_AGAINST
    }

    fn heap_bytes(&self) -> usize {
        let Finding { fact, details, if_client, .. } = &self.finding;
        let own = fact.capacity().saturating_add(self.quote.bytes.capacity());
        let of_list = |list: &Vec<Detail>| {
            let places = list.capacity().saturating_mul(size_of::<Detail>());
            list.iter().map(|detail| detail.value.len()).fold(places, usize::saturating_add)
        };
        let depending = if_client.as_deref().map_or(0, |both| {
            both.iter().map(of_list).fold(size_of_val(both), usize::saturating_add)
        });
        own.saturating_add(of_list(details)).saturating_add(depending)
    }
}

/// What is known so far of what a flow speaks.
#[derive(Clone, Debug)]
pub struct Identifier {
    /// Those that have not said no.
    candidates: Set,
    /// The best so far at this depth.
    best: Option<Box<Recognised>>,
    /// What the other side speaks, where that is another protocol.
    aside: Option<Box<Recognised>>,
    /// Protocols that carry what is looked at now, outermost first.
    outer: Vec<Recognised>,
    /// What of each side belongs to them.
    skip: [u32; 2],
    settled: bool,
    /// Whether `candidates` are all that is worth asking, whatever comes.
    sifted: bool,
    /// How often the best was asked again since both sides proved it.
    confirmed: u8,
    /// The side whose newest datagram is to be kept whole.
    keep: Option<Side>,
}

impl Identifier {
    /// All detectors for this transport that the settings do not leave out.
    pub fn new(transport: Transport, config: &Config) -> Self {
        let mut identifier = Self {
            candidates: Set::default(),
            best: None,
            aside: None,
            outer: Vec::new(),
            skip: [0; 2],
            settled: false,
            sifted: false,
            confirmed: 0,
            keep: None,
        };
        identifier.reset(transport, config);
        identifier
    }

    /// Whether asking on would change nothing.
    pub const fn is_settled(&self) -> bool {
        self.settled
    }

    /// Whether it is known what the flow speaks: what is still asked is only for names and versions.
    pub fn is_proven(&self) -> bool {
        self.best.as_ref().is_some_and(|best| {
            let finding = &best.finding;
            let both = finding.strength >= Strength::BothSides && finding.spoken_by == [true; 2];
            both && match finding.inside {
                Inside::Nothing => true,
                // The last that is followed: what it carries is not asked for.
                Inside::StartsAt(_) => self.settled,
                Inside::MayFollow | Inside::Agreed => false,
            }
        })
    }

    /// The side whose newest datagram the head should keep whole: a message goes on in a later one.
    pub const fn wants_whole(&self) -> Option<Side> {
        self.keep
    }

    /// What was recognised, outermost first, and then what the other side speaks beside it.
    pub fn all(&self) -> impl DoubleEndedIterator<Item = &Recognised> {
        self.outer.iter().chain(self.best.as_deref()).chain(self.aside.as_deref())
    }

    /// The protocols that carry the innermost one, that, and what the client tried instead: of two that
    /// the sides speak the server's is the flow's own.
    pub fn split(&self, client: Side) -> (&[Recognised], Option<&Recognised>, Option<&Recognised>) {
        let (best, aside) = (self.best.as_deref(), self.aside.as_deref());
        match aside {
            Some(other) if other.finding.is_spoken_by(client.other()) => (&self.outer, aside, best),
            Some(_) | None => (&self.outer, best, aside),
        }
    }

    /// What was told beside the protocols' names, outermost first, the client being this side where the
    /// messages don't tell; it is gone from here.
    pub fn take_details(&mut self, client: Side) -> Vec<Detail> {
        let mut all: Vec<Detail> = Vec::new();
        let inner = self.best.as_deref_mut().into_iter().chain(self.aside.as_deref_mut());
        for found in self.outer.iter_mut().chain(inner) {
            let details = found.finding.take_details(client);
            if all.is_empty() {
                all = details;
            } else {
                all.extend(details);
            }
        }
        all
    }

    /// Bytes of memory behind it, itself not counted.
    pub fn heap_bytes(&self) -> usize {
        let inner = [&self.best, &self.aside].into_iter().flatten().count();
        let outer =
            self.outer.capacity().saturating_add(inner).saturating_mul(size_of::<Recognised>());
        self.all().map(Recognised::heap_bytes).fold(outer, usize::saturating_add)
    }

    /// Asks the detectors that have not said no. `newest` is the payload that made the head grow;
    /// `ended` says that nothing will be added.
    pub fn ask(
        &mut self,
        transport: Transport,
        head: &Head,
        newest: Option<&Offer<'_>>,
        ended: bool,
        config: &Config,
    ) {
        // Each round but the last goes one protocol deeper.
        for _ in 0..config.limits.chain_max {
            if self.settled {
                return;
            }
            head.show(transport, newest, ended, self.skip.map(index), |view| {
                if !self.is_proven() {
                    self.ask_once(view, head, newest);
                } else if self.wants_client() || self.wants_confirming(transport) {
                    self.ask_again(view, head, newest);
                }
                self.match_details(view);
            });
            let Some(found) = &self.best else { break };
            let proven = found.finding.strength >= Strength::BothSides
                && found.finding.spoken_by == [true; 2];
            match found.finding.inside {
                Inside::StartsAt(more)
                    if self.outer.len().saturating_add(1) < config.limits.chain_max =>
                {
                    for (skip, more) in self.skip.iter_mut().zip(more) {
                        *skip = skip.saturating_add(len32(more));
                    }
                    self.outer.extend(self.best.take().map(|best| *best));
                    // What the other side speaks is found again, behind this.
                    self.aside = None;
                    self.reset(transport, config);
                    continue;
                }
                Inside::MayFollow | Inside::Agreed => {}
                Inside::Nothing | Inside::StartsAt(_) => {
                    self.settled = proven
                        && found.told
                        && !self.wants_client()
                        && !self.wants_confirming(transport);
                }
            }
            break;
        }
        self.settled |= ended || head.is_closed();
    }

    fn reset(&mut self, transport: Transport, config: &Config) {
        self.candidates = INDEX.all(transport);
        if let Some(only) = &config.only {
            let others = INDEX.all(transport).detectors();
            for (index, _) in others.filter(|(_, detector)| !only.contains(&detector.id)) {
                self.candidates.remove(index);
            }
        }
        (self.sifted, self.confirmed) = (false, 0);
        // What carries the rest was found already: ICE goes on with STUN between the media packets.
        let outer = self.outer.iter().map(|outer| outer.detector.id);
        for id in outer.chain(config.without.as_deref()) {
            if let Some(index) = index_of(id) {
                self.candidates.remove(index);
            }
        }
    }

    /// Asks all candidates, and once more where that made the best worse: another one may be better now.
    fn ask_once(&mut self, view: &FlowView<'_>, head: &Head, newest: Option<&Offer<'_>>) {
        if self.ask_all(view, head, newest) {
            self.ask_all(view, head, newest);
        }
    }

    fn ask_all(&mut self, view: &FlowView<'_>, head: &Head, newest: Option<&Offer<'_>>) -> bool {
        let asked = if self.sifted { self.candidates } else { self.worth_asking(view) };
        let mut worse = false;
        for (index, detector) in asked.detectors() {
            match (detector.asks.probe)(view) {
                Probe::No => {
                    self.candidates.remove(index);
                    worse |= self.take_back(detector, view.transport);
                }
                Probe::Wait => worse |= self.take_back(detector, view.transport),
                Probe::Yes(finding) => {
                    let quote = self.quote(detector, view.transport, &finding, head, newest);
                    let found = quote.map(|quote| Recognised {
                        detector,
                        finding: *finding,
                        quote,
                        told: false,
                    });
                    worse |= found.is_some_and(|found| self.found(found, view.transport));
                }
            }
        }
        worse
    }

    /// What a stream was found to speak is taken back where what followed is something else. Of
    /// datagrams only the first bytes stay, so that later answers know less than earlier ones.
    fn take_back(&mut self, detector: &Detector, transport: Transport) -> bool {
        if transport != Transport::Tcp {
            return false;
        }
        self.aside.take_if(|aside| aside.detector.id == detector.id);
        let held = self.best.take_if(|best| best.detector.id == detector.id).is_some();
        if held {
            self.best = self.aside.take();
            self.confirmed = 0;
        }
        held
    }

    /// Of the candidates those that may say yes.
    fn worth_asking(&mut self, view: &FlowView<'_>) -> Set {
        let worth = INDEX.worth_asking(view);
        #[cfg(debug_assertions)]
        for (_, detector) in self.candidates.without(&worth.asking).detectors() {
            let answer = (detector.asks.probe)(view);
            debug_assert!(!matches!(answer, Probe::Yes(_)), "{} was not asked", detector.id);
        }
        let asking = self.candidates.meet(&worth.asking);
        if worth.for_good {
            self.candidates = asking;
        }
        self.sifted = worth.all_seen;
        asking
    }

    /// Whether it may still turn out who is the client of what was found.
    fn wants_client(&self) -> bool {
        self.best.as_ref().is_some_and(|best| {
            best.finding.client.is_none() && best.detector.asks.extras.client_later
        })
    }

    /// Whether what follows the messages that proved a stream's protocol is still to be looked at.
    fn wants_confirming(&self, transport: Transport) -> bool {
        transport == Transport::Tcp
            && self.confirmed < CONFIRMATIONS
            && self.best.as_ref().is_some_and(|best| best.finding.bits < BITS_CONFIRMED)
    }

    /// Asks what both sides proved once more: who is the client, and whether what followed fits.
    fn ask_again(&mut self, view: &FlowView<'_>, head: &Head, newest: Option<&Offer<'_>>) {
        let Some(best) = &mut self.best else { return };
        self.confirmed = self.confirmed.saturating_add(1);
        match (best.detector.asks.probe)(view) {
            Probe::Yes(found) if found.strength >= best.finding.strength => {
                best.finding.client = found.client.or(best.finding.client);
            }
            Probe::Yes(_) | Probe::Wait | Probe::No if view.transport == Transport::Tcp => {
                self.best = None;
                self.confirmed = 0;
                self.ask_once(view, head, newest);
            }
            Probe::Yes(_) | Probe::Wait | Probe::No => {}
        }
    }

    /// Asks what was found for what it tells beside its name, until it has told all.
    fn match_details(&mut self, view: &FlowView<'_>) {
        self.keep = None;
        for found in [&mut self.best, &mut self.aside].into_iter().flatten() {
            if found.told {
                continue;
            }
            let Some(metadata) = found.detector.asks.extras.metadata else {
                found.told = true;
                continue;
            };
            let told = metadata(view, &found.finding);
            merge(&mut found.finding.details, told.details);
            let depends = told.if_client.iter().any(|details| !details.is_empty());
            found.finding.if_client = depends.then(|| Box::new(told.if_client));
            self.keep = self.keep.or(told.keep);
            found.told = told.done;
        }
    }

    /// Takes what was found, where it is better; of a stream's protocol the newest answer holds. Says
    /// whether the best is worse now.
    fn found(&mut self, found: Recognised, transport: Transport) -> bool {
        let Some(best) = &mut self.best else {
            self.best = Some(Box::new(found));
            return false;
        };
        let mut worse = false;
        if found.detector.id == best.detector.id {
            worse = best.take_newer(found, transport);
        } else if let Some(aside) =
            self.aside.as_mut().filter(|aside| aside.detector.id == found.detector.id)
        {
            aside.take_newer(found, transport);
            if rank(&aside.finding) > rank(&best.finding) {
                std::mem::swap(aside, best);
                self.confirmed = 0;
            }
        } else {
            let other = if rank(&found.finding) > rank(&best.finding) {
                self.confirmed = 0;
                std::mem::replace(&mut **best, found)
            } else {
                found
            };
            let known = self.aside.take_if(|aside| aside.is_beside(best));
            let new = other.is_beside(best).then(|| Box::new(other));
            // Of equals the one that was there stays.
            self.aside = new.into_iter().chain(known).max_by_key(|one| rank(&one.finding));
        }
        self.aside.take_if(|aside| !aside.is_beside(best));
        worse
    }

    /// Where a person can see what was found.
    fn quote(
        &self,
        detector: &Detector,
        transport: Transport,
        finding: &Finding,
        head: &Head,
        newest: Option<&Offer<'_>>,
    ) -> Option<Quote> {
        let mut seen = finding.seen;
        let skip = index(*seen.side.of(&self.skip));
        match transport {
            Transport::Tcp => seen.offset = seen.offset.saturating_add(skip),
            Transport::Udp => seen.datagram = seen.datagram.saturating_add(skip),
        }
        let quote = head.quote(transport, &seen, newest);
        let shown = quote.as_ref().is_some_and(|quote| !quote.bytes.is_empty());
        debug_assert!(shown, "{} points at {seen:?}, which is not in the head", detector.id);
        quote
    }
}

/// How often more payload is shown to a detector whose protocol both sides have proven.
const CONFIRMATIONS: u8 = 2;

/// Nothing that both sides prove with so many bits needs that: no two protocols agree so far.
const BITS_CONFIRMED: f32 = 96.0;

/// What makes one finding better than another.
fn rank(finding: &Finding) -> (bool, bool, Strength, u32) {
    let both = finding.strength >= Strength::BothSides && finding.spoken_by == [true; 2];
    let by_server = finding.client.is_some_and(|client| *client.other().of(&finding.spoken_by));
    (both, by_server, finding.strength, centibits(finding.bits))
}

/// Bits as a number that can be ordered.
fn centibits(bits: f32) -> u32 {
    #[expect(clippy::as_conversions, reason = "saturates, and bits are small and positive")]
    let centibits = (bits * 100.0) as u32;
    centibits
}
