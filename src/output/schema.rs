//! The JSON Schema (2020-12) of every line that `--format eve` writes.
//!
//! Objects are left open: a later version may add fields, and a reader is to ignore what it does not
//! know. The tests close them, so that no field is written that the schema does not name.

/// Version of the schema: the last number grows with fields that are added, the first with a change
/// that a reader could stumble over.
pub const VERSION: &str = "0.1";

/// The schema as JSON text.
pub const SCHEMA: &str = include_str!("schema.json");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_says_its_version() {
        let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
        assert_eq!(schema["$id"], format!("urn:portstory:eve:{VERSION}"));
    }
}
