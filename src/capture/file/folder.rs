//! Lists the files below a folder.
//!
//! Follows symbolic links, visits every folder once however often it is linked, and lists only
//! regular files, so that nothing in a folder can make the reader wait (a FIFO) or touch a device.
//! It does not look into the files.

use std::collections::BTreeSet;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::patient;

/// Folders within folders that are entered.
const DEPTH_MAX: usize = 64;

/// What is below a folder.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Regular files, sorted by name within each folder.
    pub(super) files: Vec<PathBuf>,
    /// What could not be listed, and why.
    pub(super) unreadable: Vec<(PathBuf, io::Error)>,
}

/// Lists the regular files in `folder` and the folders below it.
///
/// # Errors
///
/// Where `folder` itself can't be listed.
pub(super) fn list(folder: &Path) -> io::Result<Listing> {
    let mut listing = Listing::default();
    let mut entered = BTreeSet::from([identity(&fs::metadata(folder)?)]);
    let entries = sorted_entries(folder)?;
    descend(entries, DEPTH_MAX, &mut entered, &mut listing);
    Ok(listing)
}

/// The files that symbolic links in folders lead to, out of the folder that was named.
pub fn linked(paths: &[PathBuf]) -> Vec<PathBuf> {
    let mut linked = Vec::new();
    for folder in paths.iter().filter(|path| path.is_dir()) {
        let Ok(root) = fs::canonicalize(folder) else { continue };
        let files = list(folder).map(|listing| listing.files).unwrap_or_default();
        let targets = files.into_iter().filter_map(|file| fs::canonicalize(file).ok());
        linked.extend(targets.filter(|target| !target.starts_with(&root)));
    }
    linked
}

/// Device and inode of every file that is read where this is named: itself, or what is in the folder.
pub fn identities(path: &Path) -> BTreeSet<(u64, u64)> {
    let Ok(metadata) = fs::metadata(path) else { return BTreeSet::new() };
    if !metadata.is_dir() {
        return BTreeSet::from([identity(&metadata)]);
    }
    let files = list(path).map(|listing| listing.files).unwrap_or_default();
    files.iter().filter_map(|file| Some(identity(&fs::metadata(file).ok()?))).collect()
}

fn descend(
    entries: Vec<PathBuf>,
    depth_left: usize,
    entered: &mut BTreeSet<(u64, u64)>,
    listing: &mut Listing,
) {
    for path in entries {
        let metadata = match fs::metadata(&path) {
            Ok(metadata) => metadata,
            // A link to nothing is nothing.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                listing.unreadable.push((path, error));
                continue;
            }
        };
        if metadata.is_file() {
            listing.files.push(path);
        } else if metadata.is_dir() && depth_left > 0 && entered.insert(identity(&metadata)) {
            match sorted_entries(&path) {
                Ok(entries) => descend(entries, depth_left - 1, entered, listing),
                Err(error) => listing.unreadable.push((path, error)),
            }
        }
    }
}

fn sorted_entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder)? {
        entries.push(entry?.path());
    }
    entries.sort();
    Ok(entries)
}

/// Opens a file that a folder listed; `None` if it has become something else than a regular file
/// in between.
///
/// # Errors
///
/// Where it can't be opened.
pub(super) fn open_regular(path: &Path) -> io::Result<Option<File>> {
    let file = patient::open(path)?;
    let is_file = file.metadata()?.is_file();
    Ok(is_file.then_some(file))
}

/// What stays the same whatever name a file is reached by.
pub fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use rustix::fs::Mode;

    use super::*;

    #[test]
    fn it_is_sorted_follows_links_once_and_lists_regular_files_only() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir(root.join("b")).unwrap();
        fs::create_dir(root.join("a")).unwrap();
        for name in ["b/2", "b/10", "c", "a/x"] {
            fs::write(root.join(name), name).unwrap();
        }
        symlink(root, root.join("b/loop")).unwrap();
        symlink(root.join("nothing"), root.join("dangling")).unwrap();
        let fifo = root.join("0-fifo");
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, Mode::RWXU, 0)
            .unwrap();
        let listing = list(root).unwrap();
        let names: Vec<_> = listing
            .files
            .iter()
            .map(|path| path.strip_prefix(root).unwrap().to_str().unwrap())
            .collect();
        assert_eq!(names, ["a/x", "b/10", "b/2", "c"]);
        assert!(listing.unreadable.is_empty());
        assert!(open_regular(&fifo).unwrap().is_none());
        assert!(open_regular(&root.join("c")).unwrap().is_some());
        assert!(list(&root.join("missing")).is_err());
    }
}
