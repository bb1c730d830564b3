//! What the verdicts depend on beside the packets, as JSON.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::anonymize::Sharing;
use portstory_core::config::{KnownService, Site};
use portstory_core::internal::flow::correlation::Drops;
use portstory_core::{Config, DETECTORS, Transport, Watch};

/// The settings of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The program's version: another one may judge otherwise.
    pub version: String,
    /// Whether addresses were replaced and payload left out.
    pub shared: bool,
    /// `--port`.
    pub ports: BTreeSet<u16>,
    /// `--framehawk-range`, both ends.
    pub framehawk_range: (u16, u16),
    /// `--vlan-in-key`.
    pub vlan_in_key: bool,
    /// `--without`.
    pub without: Option<String>,
    /// `--site`.
    pub site: Option<Site>,
    /// `--known`.
    pub known: Vec<KnownSettings>,
    /// `--memory-max`, in bytes; earlier bundles do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_max: Option<u64>,
    /// What the captures say was lost as they were made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropped: Option<Drops>,
    /// Of a bundle for strangers: what was left, and how much was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sharing: Option<Sharing>,
}

/// What `--known` said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KnownSettings {
    name: String,
    address: Option<IpAddr>,
    port: u16,
    udp: Option<bool>,
}

impl Settings {
    /// The settings of this run, of which a configuration does not tell how much memory it was for.
    pub(crate) fn of(
        config: &Config,
        memory_max: u64,
        drops: Option<Drops>,
        sharing: Option<Sharing>,
    ) -> Self {
        let range = &config.watch.framehawk;
        let known = config.known.iter().map(|known| KnownSettings {
            name: known.name.to_owned(),
            address: known.addr,
            port: known.port,
            udp: known.transport.map(|transport| transport == Transport::Udp),
        });
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            shared: sharing.is_some(),
            ports: config.watch.ports.clone(),
            framehawk_range: (*range.start(), *range.end()),
            vlan_in_key: config.vlan_in_key,
            without: config.without.clone(),
            site: config.site.clone(),
            known: known.collect(),
            memory_max: Some(memory_max),
            dropped: drops,
            sharing,
        }
    }

    /// Rows of the longest list that every verdict looks through.
    pub(super) fn longest_list(&self) -> usize {
        let site = self.site.as_ref();
        let site = site.map_or(0, |site| site.vda_versions.len().max(site.gateways.len()));
        self.known.len().max(site)
    }

    /// A run with these settings. A detector that is not known is none that could be left out.
    pub(crate) fn config(&self) -> Config {
        let (low, high) = self.framehawk_range;
        let is_known = |id: &String| DETECTORS.iter().any(|detector| detector.id == id);
        Config {
            watch: Watch { ports: self.ports.clone(), framehawk: low..=high },
            vlan_in_key: self.vlan_in_key,
            without: self.without.clone().filter(is_known),
            site: self.site.clone(),
            known: self.known.iter().map(KnownSettings::service).collect(),
            ..Config::default()
        }
    }
}

impl KnownSettings {
    fn service(&self) -> KnownService {
        KnownService {
            name: self.name.clone(),
            addr: self.address,
            port: self.port,
            transport: self.udp.map(|udp| if udp { Transport::Udp } else { Transport::Tcp }),
        }
    }
}
