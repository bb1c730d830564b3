//! Names and versions that the payload told, at the places that EVE has for them.
//!
//! [`DetailKey::eve_path`] is a dotted path; paths that begin alike share their objects. Where one
//! key was told twice, the first stands.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use portstory_core::identify::{Detail, DetailKey};

/// Where paths of our own begin.
const OURS: &str = "portstory.";

/// Those whose value is a list of words with commas between them.
const LISTS: &[DetailKey] =
    &[DetailKey::TlsAlpn, DetailKey::QuicAlpn, DetailKey::DnsA, DetailKey::DnsAaaa];

/// Some details as the members of an object, nested by their paths.
pub(super) struct Details<'a>(Vec<(&'static str, &'a Detail)>);

impl<'a> Details<'a> {
    /// Those that Suricata has a field for, with paths from the top.
    pub(super) fn shared(details: &'a [Detail]) -> Self {
        Self::by(details, |path| (!path.starts_with(OURS)).then_some(path))
    }

    /// Those of our own, with paths from `portstory` on.
    pub(super) fn ours(details: &'a [Detail]) -> Self {
        Self::by(details, |path| path.strip_prefix(OURS))
    }

    fn by(details: &'a [Detail], path_of: impl Fn(&'static str) -> Option<&'static str>) -> Self {
        let mut kept: Vec<_> = details
            .iter()
            .filter(|detail| is_sound(detail))
            .filter_map(|detail| Some((path_of(detail.key.eve_path())?, detail)))
            .collect();
        // A stable sort, so that of two with one key the first stays first.
        kept.sort_by_key(|(_, detail)| detail.key);
        kept.dedup_by_key(|(_, detail)| detail.key);
        Self(kept)
    }
}

impl Serialize for Details<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let mut todo = self.0.as_slice();
        while let Some((&(path, detail), rest)) = todo.split_first() {
            let Some((name, _)) = path.split_once('.') else {
                map.serialize_entry(path, &DetailValue(detail))?;
                todo = rest;
                continue;
            };
            // Paths that begin alike stand together in the list of keys; a test holds that.
            let below: Vec<_> = todo
                .iter()
                .map_while(|&(path, detail)| {
                    let (first, path) = path.split_once('.')?;
                    (first == name).then_some((path, detail))
                })
                .collect();
            todo = todo.get(below.len()..).unwrap_or_default();
            map.serialize_entry(name, &Details(below))?;
        }
        map.end()
    }
}

/// Whether the value has the type that EVE wants: an HTTP status is a number.
fn is_sound(detail: &Detail) -> bool {
    detail.key != DetailKey::HttpStatus || detail.value.parse::<u16>().is_ok()
}

/// A value in the type that EVE has for it.
struct DetailValue<'a>(&'a Detail);

impl Serialize for DetailValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = &*self.0.value;
        if self.0.key == DetailKey::HttpStatus {
            return serializer.serialize_u16(text.parse().unwrap_or_default());
        }
        if !LISTS.contains(&self.0.key) {
            return serializer.serialize_str(text);
        }
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        serializer.collect_seq(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use portstory_core::identify::{OwnDetail, detail_keys};

    const OWN: DetailKey =
        DetailKey::Own(&OwnDetail { path: "portstory.mysql.version", summary: None, names: false });

    fn json(details: &Details<'_>) -> String {
        serde_json::to_string(details).unwrap()
    }

    #[test]
    fn paths_become_objects() {
        let details = [
            Detail::new(DetailKey::SshServerProto, "2.0"),
            Detail::new(DetailKey::HttpStatus, "404"),
            Detail::new(OWN, "8.0"),
            Detail::new(DetailKey::TlsJa3String, "771,1,2"),
            Detail::new(DetailKey::TlsJa3Hash, "0a"),
            Detail::new(DetailKey::SshClientSoftware, "OpenSSH_9.2"),
            Detail::new(DetailKey::TlsAlpn, "h2, http/1.1,"),
            Detail::new(DetailKey::SshServerProto, "1.99"),
            Detail::new(DetailKey::HttpMethod, "GET"),
        ];
        assert_eq!(
            json(&Details::shared(&details)),
            r#"{"tls":{"client_alpns":["h2","http/1.1"],"ja3":{"hash":"0a","string":"771,1,2"}},"ssh":{"client":{"software_version":"OpenSSH_9.2"},"server":{"proto_version":"2.0"}},"http":{"http_method":"GET","status":404}}"#
        );
        assert_eq!(json(&Details::ours(&details)), r#"{"mysql":{"version":"8.0"}}"#);
    }

    #[test]
    fn a_status_that_is_no_number_is_left_out() {
        let details = [Detail::new(DetailKey::HttpStatus, "2OO")];
        assert_eq!(json(&Details::shared(&details)), "{}");
    }

    #[test]
    fn all_keys_together_give_no_member_twice() {
        let all: Vec<_> = detail_keys().map(|key| Detail::new(key, "1")).collect();
        for details in [Details::shared(&all), Details::ours(&all)] {
            let written = json(&details);
            // serde_json keeps the last of two members with one name, so a loss shows as a
            // difference in size.
            let value: serde_json::Value = serde_json::from_str(&written).unwrap();
            assert_eq!(value.to_string().len(), written.len(), "{written}");
        }
    }
}
