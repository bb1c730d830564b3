//! Names and versions that the payload told, at the places that EVE has for them.
//!
//! [`DetailKey::eve_path`] is a dotted path; paths that begin alike share their objects. Where one
//! key was told twice, the first stands. Suricata's `dns` says beside them which form it has.

use crate::output::json::{Object, Word};
use portstory_core::{Detail, DetailKey};

/// Where paths of our own begin.
const OURS: &str = "portstory.";

/// Where what DNS tells stands.
const DNS: &str = "dns";

/// Suricata's number for the form of `dns` that its version 8 writes: requests and responses, `queries` as a list.
const DNS_VERSION: u8 = 3;

/// Those whose value is a list of words with commas between them.
const LISTS: &[DetailKey] =
    &[DetailKey::TlsAlpn, DetailKey::QuicAlpn, DetailKey::DnsA, DetailKey::DnsAaaa];

/// Adds those that Suricata has a field for, with paths from the top.
pub(super) fn put_shared(line: &mut Object<'_>, details: &[Detail]) {
    put_by(line, details, |path| (!path.starts_with(OURS)).then_some(path));
}

/// Adds those of our own, with paths from `portstory` on.
pub(super) fn put_ours(story: &mut Object<'_>, details: &[Detail]) {
    put_by(story, details, |path| path.strip_prefix(OURS));
}

fn put_by(
    object: &mut Object<'_>,
    details: &[Detail],
    path_of: impl Fn(&'static str) -> Option<&'static str>,
) {
    let mut kept = Vec::with_capacity(details.len());
    let sound = details.iter().filter(|detail| is_sound(detail));
    kept.extend(sound.filter_map(|detail| Some((path_of(detail.key.eve_path())?, detail))));
    // A stable sort, so that of two with one key the first stays first.
    kept.sort_by_key(|(_, detail)| detail.key);
    kept.dedup_by_key(|(_, detail)| detail.key);
    put_nested(object, &mut kept);
}

/// Adds those whose paths go on from here; each path is what of it is still to come.
fn put_nested(object: &mut Object<'_>, mut todo: &mut [(&'static str, &Detail)]) {
    while let Some(&mut (path, detail)) = todo.first_mut() {
        let Some((name, _)) = path.split_once('.') else {
            put_value(object, path, detail);
            todo = todo.get_mut(1..).unwrap_or_default();
            continue;
        };
        // Paths that begin alike stand together in the list of keys; a test holds that.
        let mut below = 0_usize;
        for (path, _) in todo.iter_mut() {
            let Some(rest) = path.strip_prefix(name).and_then(|rest| rest.strip_prefix('.')) else {
                break;
            };
            *path = rest;
            below = below.saturating_add(1);
        }
        let (inside, behind) = todo.split_at_mut_checked(below).unwrap_or_default();
        object.object(name, |object| {
            if name == DNS {
                put_dns(object, inside);
            }
            put_nested(object, inside);
        });
        todo = behind;
    }
}

/// What Suricata's `dns` has beside what was told: which form it has, and the question as that form lists it.
fn put_dns(object: &mut Object<'_>, told: &[(&'static str, &Detail)]) {
    let told = |key| told.iter().find(|(_, one)| one.key == key).map(|(_, one)| &*one.value);
    object.put("version", DNS_VERSION);
    let answered = told(DetailKey::DnsRcode).is_some();
    object.put("type", Word(if answered { "response" } else { "request" }));
    let question = [("rrname", told(DetailKey::DnsName)), ("rrtype", told(DetailKey::DnsType))];
    if question.iter().any(|(_, value)| value.is_some()) {
        object.objects("queries", &[question], |query, members| {
            for (name, value) in members {
                query.put_some(name, *value);
            }
        });
    }
}

/// Whether the value has the type that EVE wants: an HTTP status is a number.
fn is_sound(detail: &Detail) -> bool {
    detail.key != DetailKey::HttpStatus || detail.value.parse::<u16>().is_ok()
}

/// A value in the type that EVE has for it.
fn put_value(object: &mut Object<'_>, name: &'static str, detail: &Detail) {
    let text = &*detail.value;
    if detail.key == DetailKey::HttpStatus {
        object.put(name, text.parse::<u16>().unwrap_or_default());
    } else if LISTS.contains(&detail.key) {
        object.list(name, text.split(',').map(str::trim).filter(|name| !name.is_empty()));
    } else {
        object.put(name, text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::json;
    use portstory_core::internal::identify::{OwnDetail, detail_keys};

    const OWN: DetailKey =
        DetailKey::Own(&OwnDetail { path: "portstory.mysql.version", summary: None, names: false });

    fn json(put: fn(&mut Object<'_>, &[Detail]), details: &[Detail]) -> String {
        let mut buffer = Vec::new();
        json::object(&mut buffer, |object| put(object, details));
        String::from_utf8(buffer).unwrap()
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
            json(put_shared, &details),
            r#"{"tls":{"client_alpns":["h2","http/1.1"],"ja3":{"hash":"0a","string":"771,1,2"}},"ssh":{"client":{"software_version":"OpenSSH_9.2"},"server":{"proto_version":"2.0"}},"http":{"http_method":"GET","status":404}}"#
        );
        assert_eq!(json(put_ours, &details), r#"{"mysql":{"version":"8.0"}}"#);
    }

    #[test]
    fn a_status_that_is_no_number_is_left_out() {
        let details = [Detail::new(DetailKey::HttpStatus, "2OO")];
        assert_eq!(json(put_shared, &details), "{}");
    }

    #[test]
    fn all_keys_together_give_no_member_twice() {
        let all: Vec<_> = detail_keys().map(|key| Detail::new(key, "1")).collect();
        for put in [put_shared, put_ours] {
            let written = json(put, &all);
            // serde_json keeps the last of two members with one name, so a loss shows as a
            // difference in size.
            let value: serde_json::Value = serde_json::from_str(&written).unwrap();
            assert_eq!(value.to_string().len(), written.len(), "{written}");
        }
    }
}
