//! Names of the files that one output is spread over.
//!
//! Without rotation it is the name that was given. With it, a number goes before the extension:
//! `eve.json` becomes `eve-000001.json`, `eve-000002.json` and so on, and a later run goes on counting.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::packing::is_packed;

/// The highest number that is taken for one of ours. Nobody rotates so often, and who may put files into
/// the folder could end the counting otherwise.
const NUMBER_MAX: u64 = 1_000_000_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Naming {
    /// The file's name, without its folder.
    name: OsString,
    numbered: bool,
}

impl Naming {
    pub(in crate::cli) fn new(path: &Path, numbered: bool) -> Self {
        Self { name: path.file_name().unwrap_or_default().to_owned(), numbered }
    }

    pub(super) fn is_numbered(&self) -> bool {
        self.numbered
    }

    /// The name of the file with this number.
    pub(in crate::cli) fn name(&self, number: u64) -> OsString {
        if !self.numbered {
            return self.name.clone();
        }
        let (stem, extension) = self.parts();
        let middle = format!("-{number:06}");
        OsStr::from_bytes(&[stem, middle.as_bytes(), extension].concat()).to_owned()
    }

    /// The numbers of those names that this configuration gives, in order.
    pub(in crate::cli) fn numbers(&self, names: &[OsString]) -> Vec<u64> {
        let mut numbers: Vec<u64> = names.iter().filter_map(|name| self.number_of(name)).collect();
        numbers.sort_unstable();
        numbers
    }

    /// The number behind the highest of these names.
    pub(super) fn first_free(&self, names: &[OsString]) -> u64 {
        if !self.numbered {
            return 0;
        }
        self.numbers(names).last().map_or(1, |highest| highest.saturating_add(1))
    }

    fn number_of(&self, name: &OsStr) -> Option<u64> {
        let (stem, extension) = self.parts();
        let rest = name.as_bytes().strip_prefix(stem)?.strip_prefix(b"-")?;
        let digits = str::from_utf8(rest.strip_suffix(extension)?).ok()?;
        let number = digits.parse().ok().filter(|&number| number < NUMBER_MAX)?;
        (self.numbered && self.name(number) == name).then_some(number)
    }

    /// What goes before the number and behind it.
    fn parts(&self) -> (&[u8], &[u8]) {
        let name = self.name.as_bytes();
        let last_dot =
            |name: &[u8]| name.iter().rposition(|&byte| byte == b'.').filter(|&dot| dot > 0);
        let dot = last_dot(name);
        // `eve.json.gz` has two.
        let inner =
            dot.and_then(|dot| name.get(..dot)).filter(|_| is_packed(Path::new(&self.name)));
        let dot = inner.and_then(last_dot).or(dot);
        name.split_at_checked(dot.unwrap_or(name.len())).unwrap_or((name, b""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(names: &[&str]) -> Vec<OsString> {
        names.iter().map(OsString::from).collect()
    }

    #[test]
    fn numbers_go_before_the_extension_and_on_from_the_highest() {
        let naming = Naming::new(Path::new("/var/log/eve.json"), true);
        assert_eq!(naming.first_free(&[]), 1);
        assert_eq!(naming.name(7), "eve-000007.json");
        let names = owned(&["eve-000041.json", "eve-9.json.gz", "eve-x.json", "other-000099.json"]);
        assert_eq!(naming.first_free(&names), 42);
        let packed = Naming::new(Path::new("out/eve.json.gz"), true);
        assert_eq!(packed.name(7), "eve-000007.json.gz");
        assert_eq!(packed.first_free(&owned(&["eve-000003.json.gz", "eve-000009.json"])), 4);
        let plain = Naming::new(Path::new("eve.json"), false);
        assert_eq!((plain.first_free(&names), plain.name(3)), (0, "eve.json".into()));
        assert_eq!(Naming::new(Path::new("out/.eve"), true).name(1), ".eve-000001");
    }

    #[test]
    fn only_names_that_are_given_here_count() {
        let naming = Naming::new(Path::new("eve.json"), true);
        let names = [
            "eve-000002.json",
            "eve-2.json",
            "eve-+00003.json",
            "eve-0000004.json",
            "eve-1234567.json",
            "eve-18446744073709551614.json",
            "eve-1000000000.json",
        ];
        assert_eq!(naming.numbers(&owned(&names)), [2, 1_234_567]);
    }
}
