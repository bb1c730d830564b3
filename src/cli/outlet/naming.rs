//! Names of the files that one output is spread over.
//!
//! Without rotation it is the name that was given. With it, a number goes before the extension:
//! `eve.json` becomes `eve-000001.json`, `eve-000002.json` and so on, and a later run goes on counting.

use std::io;
use std::path::{Path, PathBuf};

#[derive(Clone, Debug)]
pub(super) struct Naming {
    path: PathBuf,
    numbered: bool,
}

impl Naming {
    pub(super) fn new(path: &Path, numbered: bool) -> Self {
        Self { path: path.to_owned(), numbered }
    }

    pub(super) fn is_numbered(&self) -> bool {
        self.numbered
    }

    /// The path of the file with this number.
    pub(super) fn path(&self, number: u64) -> PathBuf {
        if !self.numbered {
            return self.path.clone();
        }
        let (stem, extension) = self.parts();
        self.path.with_file_name(format!("{stem}-{number:06}{extension}"))
    }

    /// The number behind the highest that there is.
    pub(super) fn first_free(&self) -> io::Result<u64> {
        if !self.numbered {
            return Ok(0);
        }
        let folder = match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            Some(_) | None => Path::new("."),
        };
        let (stem, extension) = self.parts();
        let mut highest = 0;
        for entry in std::fs::read_dir(folder)? {
            let name = entry?.file_name();
            let number = name
                .to_str()
                .and_then(|name| name.strip_prefix(&stem)?.strip_prefix('-'))
                .and_then(|rest| rest.strip_suffix(&extension)?.parse::<u64>().ok());
            highest = highest.max(number.unwrap_or(0));
        }
        Ok(highest.saturating_add(1))
    }

    fn parts(&self) -> (String, String) {
        let text = |part: Option<&std::ffi::OsStr>| {
            part.map(|part| part.to_string_lossy().into_owned()).unwrap_or_default()
        };
        let extension = match self.path.extension() {
            Some(extension) => format!(".{}", extension.to_string_lossy()),
            None => String::new(),
        };
        (text(self.path.file_stem()), extension)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_before_the_extension_and_on_from_the_highest() {
        let folder = tempfile::tempdir().unwrap();
        let naming = Naming::new(&folder.path().join("eve.json"), true);
        assert_eq!(naming.first_free().unwrap(), 1);
        assert_eq!(naming.path(7), folder.path().join("eve-000007.json"));
        for name in ["eve-000041.json", "eve-9.json.gz", "eve-x.json", "other-000099.json"] {
            std::fs::write(folder.path().join(name), b"").unwrap();
        }
        assert_eq!(naming.first_free().unwrap(), 42);
        let plain = Naming::new(Path::new("eve.json"), false);
        assert_eq!((plain.first_free().unwrap(), plain.path(3)), (0, PathBuf::from("eve.json")));
    }
}
