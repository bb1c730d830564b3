//! The files with which a site tells what packets cannot: `--site` and `--known`, both TOML.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::path::Path;

use serde::Deserialize;

use super::{Outcome, log, range};
use portstory_core::Transport;
use portstory_core::config::{KnownService, Site, VdaVersion};

/// A `site.toml`. All of it may be left out.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SiteFile {
    /// Such as `["7.15 LTSR", "1912"]`.
    #[serde(default)]
    vda_versions: Vec<String>,
    /// Whether the policy "Framehawk display channel" is on.
    framehawk_policy: Option<bool>,
    /// The policy's port range, such as `"3224,3324"`.
    port_range: Option<String>,
    /// Addresses from which gateways talk to VDAs.
    #[serde(default)]
    gateways: Vec<IpAddr>,
}

/// A file of known services: `[[service]]` tables.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct KnownFile {
    #[serde(default)]
    service: Vec<ServiceRow>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ServiceRow {
    name: String,
    address: Option<IpAddr>,
    port: u16,
    /// `tcp` or `udp`; both where it is left out.
    transport: Option<String>,
}

/// What `--site` names, with its port range where it has one.
pub(super) fn site(path: &Path) -> Result<(Site, Option<RangeInclusive<u16>>), Outcome> {
    parse_site(&read(path)?).map_err(|why| wrong(path, &why))
}

/// What `--known` names.
pub(super) fn known(path: &Path) -> Result<Vec<KnownService>, Outcome> {
    parse_known(&read(path)?).map_err(|why| wrong(path, &why))
}

fn parse_site(text: &str) -> Result<(Site, Option<RangeInclusive<u16>>), String> {
    let file: SiteFile = toml::from_str(text).map_err(|error| told(&error))?;
    let version = |text: &String| {
        VdaVersion::parse(text).ok_or(format!("'{text}' is not a VDA version such as 7.15 or 1912"))
    };
    let site = Site {
        vda_versions: file.vda_versions.iter().map(version).collect::<Result<_, _>>()?,
        framehawk_policy: file.framehawk_policy,
        gateways: file.gateways.into_iter().collect(),
    };
    Ok((site, file.port_range.as_deref().map(range).transpose()?))
}

fn parse_known(text: &str) -> Result<Vec<KnownService>, String> {
    let file: KnownFile = toml::from_str(text).map_err(|error| told(&error))?;
    file.service.into_iter().map(service).collect()
}

fn service(row: ServiceRow) -> Result<KnownService, String> {
    let transport = match row.transport.as_deref() {
        None => None,
        Some("tcp") => Some(Transport::Tcp),
        Some("udp") => Some(Transport::Udp),
        Some(other) => return Err(format!("'{other}' is not a transport: give tcp or udp")),
    };
    if row.name.is_empty() || row.port == 0 {
        return Err("a service needs a name and a port".to_owned());
    }
    Ok(KnownService { name: row.name, addr: row.address, port: row.port, transport })
}

fn read(path: &Path) -> Result<String, Outcome> {
    std::fs::read_to_string(path).map_err(|error| wrong(path, &error.to_string()))
}

fn wrong(path: &Path, why: &str) -> Outcome {
    log::say(&format!("{}: {why}", path.display()));
    Outcome::Usage
}

/// In one line.
fn told(error: &toml::de::Error) -> String {
    error.message().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_is_read() {
        let text = "vda_versions = [\"7.15 LTSR\", \"1912\"]\nframehawk_policy = true\n\
                    port_range = \"3300,3310\"\ngateways = [\"10.0.0.1\"]\n";
        let (site, range) = parse_site(text).unwrap();
        assert!(!site.has_no_framehawk() && site.framehawk_policy == Some(true));
        assert_eq!(range, Some(3300..=3310));
        assert!(
            parse_site("vda_versions = [\"1903\", \"2203 LTSR\"]").unwrap().0.has_no_framehawk()
        );
        assert!(!parse_site("").unwrap().0.has_no_framehawk());
        for bad in ["vda_versions = [\"latest\"]", "policy = true", "gateways = [\"x\"]", "="] {
            assert!(parse_site(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn known_services_are_read() {
        let text = "[[service]]\nname = \"stock\"\naddress = \"10.0.0.9\"\nport = 3243\n\
                    transport = \"tcp\"\n[[service]]\nname = \"any\"\nport = 3250\n";
        let known = parse_known(text).unwrap();
        assert_eq!(known.len(), 2);
        let socket = portstory_core::Socket { addr: "10.0.0.9".parse().unwrap(), port: 3243 };
        assert!(known[0].is_at(socket, Transport::Tcp) && !known[0].is_at(socket, Transport::Udp));
        for bad in
            ["[[service]]\nname = \"x\"", "[[service]]\nname=\"x\"\nport=1\ntransport=\"ip\""]
        {
            assert!(parse_known(bad).is_err(), "{bad}");
        }
    }
}
