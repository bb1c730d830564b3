//! How much a test that goes over all fixtures came by, held to what is written down: a test that came by
//! less than it used to would pass without a word.
//!
//! `PORTSTORY_BLESS=1 cargo test` writes `fixtures/counts.txt` anew, where a fixture or a kept seed came to it.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Mutex;

use super::fixtures;

/// Holds `count` to what the file says of `what`.
pub fn hold(what: &str, count: usize) {
    /// Tests of one program run at the same time.
    static FILE: Mutex<()> = Mutex::new(());
    let path = fixtures().join("counts.txt");
    let alone = FILE.lock();
    let text = fs::read_to_string(&path).unwrap_or_default();
    let rows = text.lines().filter_map(|line| line.split_once(' '));
    let mut counts: BTreeMap<&str, String> =
        rows.map(|(count, what)| (what, count.to_owned())).collect();
    if std::env::var_os("PORTSTORY_BLESS").is_some() {
        counts.insert(what, count.to_string());
        let rows = counts.iter().map(|(what, count)| format!("{count} {what}\n"));
        fs::write(path, rows.collect::<String>()).unwrap();
        return;
    }
    drop(alone);
    assert_eq!(
        counts.get(what),
        Some(&count.to_string()),
        "{what}: fixtures/counts.txt has another number; if fixtures came to it, bless it"
    );
}
