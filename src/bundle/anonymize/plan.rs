//! Decides what stays of a flow's payload: as little as its verdict can do with.
//!
//! Of a flow in which something was recognised everything is replaced but the bytes without which it
//! would not be recognised: they are found by trying, piece by piece and the pieces' halves, whether
//! the verdict is still the same without them. What stays must look like a protocol's own
//! ([`is_structure`]); else the flow goes without payload. Of a flow in which nothing was recognised
//! nothing stays.

use std::collections::BTreeMap;

use super::craft;
use super::disguise::{Disguise, Noise, is_little, is_structure};
use super::plans::Treatment;
use super::search::{Goal, Place, Search};
use super::secret::Secret;
use super::trail::{Portrait, Trail};
use portstory_core::config::BundleLimits;
use portstory_core::{Config, Detail, DetailKey, FlowEvent, Side, Verdict};

/// How a detail is passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sharing {
    /// A number or a word of the protocol's own: as it is.
    AsItIs,
    /// What somebody chose: other words in its place.
    Renamed,
    /// Not at all: it is, or stands for, what identifies somebody, or cannot be had without content.
    Dropped,
}

/// Whether what two flows tell beside the protocols' names is the same as far as it is shared. Of
/// names that is their length: so their replacement begins and ends where they did.
pub(super) fn tell_the_same(one: &[Detail], other: &[Detail]) -> bool {
    let chosen = |details: &[Detail]| -> Vec<(DetailKey, usize, Option<Box<str>>)> {
        let chosen = details.iter().filter_map(|Detail { key, value }| match sharing(*key) {
            Sharing::AsItIs => Some((*key, value.len(), Some(value.clone()))),
            Sharing::Renamed => Some((*key, value.len(), None)),
            Sharing::Dropped => None,
        });
        chosen.collect()
    };
    chosen(one) == chosen(other)
}

const fn sharing(key: DetailKey) -> Sharing {
    use DetailKey as Key;
    match key {
        Key::Own(own) if own.names => Sharing::Renamed,
        Key::Own(_)
        | Key::TlsVersion
        | Key::TlsJa3Hash
        | Key::TlsJa3String
        | Key::TlsJa3sHash
        | Key::TlsJa3sString
        | Key::TlsJa4
        | Key::TlsCipher
        | Key::DtlsVersion
        | Key::DtlsJa3Hash
        | Key::DtlsJa3String
        | Key::DtlsJa4
        | Key::SshClientProto
        | Key::SshServerProto
        | Key::HttpMethod
        | Key::HttpProtocol
        | Key::HttpStatus
        | Key::DnsType
        | Key::DnsRcode
        | Key::QuicVersion
        | Key::RtpPayloadType
        | Key::RdpProtocol
        | Key::SipMethod
        | Key::SharedPayload => Sharing::AsItIs,
        Key::TlsSni
        | Key::TlsAlpn
        | Key::DtlsSni
        | Key::SshClientSoftware
        | Key::SshServerSoftware
        | Key::HttpHost
        | Key::HttpUrl
        | Key::HttpUserAgent
        | Key::HttpServer
        | Key::DnsName
        | Key::SmtpHelo
        | Key::RdpCookie => Sharing::Renamed,
        // SSH's algorithms may have names of a site's own, and HASSH is made of them. A certificate is
        // signed as a whole, and QUIC's hello is sealed.
        Key::TlsSubject
        | Key::TlsIssuer
        | Key::TlsSerial
        | Key::TlsFingerprint
        | Key::TlsNotBefore
        | Key::TlsNotAfter
        | Key::TlsCertificate
        | Key::SshClientHasshHash
        | Key::SshClientHasshString
        | Key::SshServerHasshHash
        | Key::SshServerHasshString
        | Key::DnsA
        | Key::DnsAaaa
        | Key::QuicSni
        | Key::QuicJa3Hash
        | Key::QuicJa3String
        | Key::QuicJa3sHash
        | Key::QuicJa3sString
        | Key::QuicJa4
        | Key::QuicAlpn
        | Key::RtpSsrc => Sharing::Dropped,
    }
}

/// Whether a detail of a flow that is shared may be told. `told`: what it was made of was kept.
pub(super) fn may_tell(detail: &Detail, told: bool) -> bool {
    match sharing(detail.key) {
        Sharing::AsItIs | Sharing::Renamed => told,
        Sharing::Dropped => false,
    }
}

/// The names that a flow's messages told, in lower case, each once.
pub(super) fn names(details: &[Detail]) -> Vec<Box<str>> {
    let chosen = details.iter().filter(|detail| match sharing(detail.key) {
        Sharing::Renamed => true,
        Sharing::AsItIs | Sharing::Dropped => {
            matches!(detail.key, DetailKey::QuicSni | DetailKey::TlsSubject | DetailKey::TlsIssuer)
        }
    });
    // A value that was too long was cut, and says so; lists have commas.
    let values = chosen
        .flat_map(|one| one.value.trim_end_matches('…').split(','))
        .map(str::to_lowercase)
        .filter(|name| !name.is_empty());
    let mut names: Vec<Box<str>> = values.map(String::into_boxed_str).collect();
    names.sort();
    names.dedup();
    names
}

/// Plans flow after flow.
#[derive(Debug)]
pub(super) struct Planner {
    secret: Secret,
    config: Config,
    limits: BundleLimits,
    /// What stayed of earlier flows, by what they speak: another flow that has the same bytes at the
    /// same places needs no search, and tells nothing new by them.
    templates: BTreeMap<Speech, Vec<Vec<Place>>>,
    trials_left: u64,
}

type Speech = (Vec<&'static str>, bool);

/// Attempts at noise that nothing recognises.
const ATTEMPTS: u8 = 16;

/// What stayed of so many flows that speak the same is remembered.
const TEMPLATES_MAX: usize = 16;

impl Planner {
    pub(super) fn new(secret: &Secret, config: &Config, limits: BundleLimits) -> Self {
        Self {
            secret: secret.clone(),
            config: config.clone(),
            trials_left: limits.share_trials_max,
            limits,
            templates: BTreeMap::new(),
        }
    }

    /// What becomes of the payload of a flow that has ended.
    pub(super) fn plan(&mut self, flow: &FlowEvent, trail: &Trail) -> Treatment {
        let originals: Vec<Vec<u8>> =
            trail.held.iter().map(|held| held.packet.payload().to_vec()).collect();
        let original = trail.portrait(flow.transport, &originals, &self.config);
        let chain: Vec<_> = original.chain.iter().map(|spoken| spoken.protocol).collect();
        let Verdict { protocols, tried, .. } = &flow.verdict;
        let known =
            |name: &&str| protocols.iter().any(|known| known == name) || *tried == Some(*name);
        if !chain.iter().all(known) {
            return Treatment::Without("its payload is too much to look at");
        }
        if chain.is_empty() {
            return match protocols.is_empty() {
                true => self.noise(flow, trail, &original),
                false => Treatment::Without("its payload is too much to look at"),
            };
        }
        let mut why = "";
        for told in [true, false] {
            match self.least(flow, trail, &original, told) {
                Ok(disguise) => return Treatment::Disguised { disguise, told },
                Err(because) => why = because,
            }
        }
        Treatment::Without(why)
    }

    /// Nothing stays: noise that looks as the original does to the verdict, and no more.
    fn noise(&self, flow: &FlowEvent, trail: &Trail, original: &Portrait) -> Treatment {
        let kind = |side: Side| match *side.of(&original.looks) {
            (true, _) => Noise::Random,
            (_, true) => Noise::Text,
            (false, false) => Noise::Mixed,
        };
        // Where there is too little to look like anything, anything may do.
        let kinds = [Side::BOTH.map(kind), [Noise::Random; 2], [Noise::Mixed; 2], [Noise::Text; 2]];
        for (attempt, noise) in (0..ATTEMPTS).zip(kinds.into_iter().cycle()) {
            let disguise = Disguise {
                noise: if attempt < ATTEMPTS / 2 { Side::BOTH.map(kind) } else { noise },
                attempt,
                head_packets: trail.head_packets(),
                ..Disguise::default()
            };
            let bases = self.bases(trail, &disguise);
            if trail.portrait(flow.transport, &bases, &self.config) == *original {
                return Treatment::Disguised { disguise, told: false };
            }
        }
        Treatment::Without(if original.executable {
            "the verdict rests on how a program's file begins"
        } else {
            "no noise gives the same verdict"
        })
    }

    fn bases(&self, trail: &Trail, disguise: &Disguise) -> Vec<Vec<u8>> {
        let held = trail.held.iter();
        held.map(|held| {
            disguise.base(
                &self.secret,
                (held.packet.side(), held.packet.seq().unwrap_or_default()),
                held.packet.payload(),
            )
        })
        .collect()
    }

    /// The least that may stay. With `told` also what is told beside the protocols' names.
    fn least(
        &mut self,
        flow: &FlowEvent,
        trail: &Trail,
        original: &Portrait,
        told: bool,
    ) -> Result<Disguise, &'static str> {
        let chain: Vec<_> = original.chain.iter().map(|spoken| spoken.protocol).collect();
        let only = Config { only: Some(chain.clone()), ..self.config.clone() };
        let speech = (chain, told);
        let mut why = "its payload is too much to look at";
        for (attempt, noise) in (0..).zip([Noise::Alike, Noise::Alike, Noise::Kinds]) {
            let mut disguise = Disguise {
                noise: [noise; 2],
                attempt,
                names: names(&original.details),
                head_packets: trail.head_packets(),
                kept: BTreeMap::new(),
            };
            let trials = self.trials_left.min(self.limits.share_trials_of_search_max);
            let bases = self.bases(trail, &disguise);
            let goal = Goal { transport: flow.transport, trail, original, told };
            let mut search = Search::new(&goal, bases, trials);
            let known = self.templates.get(&speech).into_iter().flatten();
            let known = known.into_iter().any(|places| search.settle_for(places, &only));
            let found = known || search.least(&only);
            // All detectors have their say once.
            let holds = found && search.holds(&self.config);
            self.trials_left = self.trials_left.saturating_sub(search.spent);
            if !holds {
                continue;
            }
            let places = search.places();
            if let Err(because) = self.check(flow, trail, places.len(), &search.unchanged()) {
                why = because;
                continue;
            }
            for &Place { packet, stay } in &places {
                let number = trail.held.get(packet).map_or(u32::MAX, |held| held.number);
                disguise.kept.entry(number).or_default().push(stay);
            }
            let templates = self.templates.entry(speech).or_default();
            if !known && templates.len() < TEMPLATES_MAX {
                templates.push(places);
            }
            return Ok(disguise);
        }
        Err(why)
    }

    fn check(
        &self,
        flow: &FlowEvent,
        trail: &Trail,
        stay: usize,
        unchanged: &[Vec<bool>],
    ) -> Result<(), &'static str> {
        let ends = [flow.client.addr, flow.server.addr].map(craft::bytes);
        if !is_little(stay) {
            return Err("the verdict rests on too much of its payload");
        }
        for (held, unchanged) in trail.held.iter().zip(unchanged) {
            if let Err(what) = is_structure(held.packet.payload(), unchanged, [&ends[0], &ends[1]])
            {
                tracing::debug!("flow {}: would keep {what}", flow.flow_id);
                return Err("the verdict rests on what may be content");
            }
        }
        Ok(())
    }
}
