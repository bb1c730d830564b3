//! Suricata's own members of EVE, as its user guide lists them (`tests/data/suricata-eve.txt`).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// Members of ours that Suricata does not know, each with the reason. Whatever else is ours stands below the first.
const OURS: &[(&str, &str)] =
    &[("portstory", "one object, so that Suricata's namespace stays its own")];

/// Their types by their paths from the top.
pub(crate) fn fields() -> BTreeMap<String, &'static str> {
    let rows = include_str!("../data/suricata-eve.txt").lines().filter(|row| !row.starts_with('#'));
    let mut fields = BTreeMap::new();
    for row in rows {
        let mut words = row.split_whitespace();
        let object = words.next().unwrap().trim_matches('.');
        for (name, kind) in words.map(|word| word.split_once(':').unwrap()) {
            let path = if object.is_empty() { name.to_owned() } else { format!("{object}.{name}") };
            assert_eq!(fields.insert(path, kind), None, "{object} {name} twice");
        }
    }
    fields
}

/// All members of a line but those of ours, with their types.
pub(crate) fn members(line: &Value) -> BTreeSet<(String, String)> {
    let mut members = BTreeSet::new();
    walk("", line, &mut members);
    members
}

/// Those that Suricata does not have, or has in another type.
pub(crate) fn strange(line: &Value, fields: &BTreeMap<String, &str>) -> Vec<(String, String)> {
    let known = |(path, kind): &(String, String)| {
        let wanted = fields.get(path).copied().unwrap_or("no member of Suricata's");
        wanted == kind || wanted.replace("number", "integer") == *kind
    };
    members(line).into_iter().filter(|one| !known(one)).collect()
}

fn walk(path: &str, value: &Value, members: &mut BTreeSet<(String, String)>) {
    let Value::Object(object) = value else { return };
    for (name, member) in object {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        if OURS.iter().any(|(ours, _)| *ours == path) {
            continue;
        }
        members.insert((path.clone(), kind(member)));
        match member {
            Value::Array(items) => items.iter().for_each(|item| walk(&path, item, members)),
            other => walk(&path, other, members),
        }
    }
}

fn kind(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "boolean".to_owned(),
        Value::Number(number) if number.is_u64() => "integer".to_owned(),
        Value::Number(_) => "number".to_owned(),
        Value::String(_) => "string".to_owned(),
        Value::Array(items) => {
            let kinds: BTreeSet<String> = items.iter().map(kind).collect();
            kinds.into_iter().collect::<Vec<_>>().join("|") + "[]"
        }
        Value::Object(_) => "object".to_owned(),
    }
}
