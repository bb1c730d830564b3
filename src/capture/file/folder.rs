//! Lists the files below a folder.
//!
//! Visits every folder once however often it is linked, and lists only regular files, so that nothing
//! in a folder can make the reader wait (a FIFO) or touch a device. A symbolic link is followed where it
//! leads to somewhere in the same folder; out of it only where that is wanted ([`Links::All`]), as the
//! folder may be a stranger's, and the link lead to `/`. It does not look into the files.

use std::collections::BTreeSet;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::interruptible;

/// Folders within folders that are entered.
const DEPTH_MAX: usize = 64;

/// Which symbolic links are followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Links {
    /// Those that stay in the folder that was named.
    #[default]
    Inside,
    /// Those that lead out of it, too.
    All,
}

/// What is below a folder.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Regular files, sorted by name within each folder.
    pub(super) files: Vec<PathBuf>,
    /// What could not be listed, and why.
    pub(super) unreadable: Vec<(PathBuf, io::Error)>,
    /// Links that lead out of the folder and were not followed.
    pub(super) outside: Outside,
}

/// Links that were not followed.
#[derive(Debug, Default)]
pub(super) struct Outside {
    pub(super) count: u64,
    pub(super) first: Option<PathBuf>,
}

/// Lists the regular files in `folder` and the folders below it.
///
/// # Errors
///
/// Where `folder` itself can't be listed.
pub(super) fn list(folder: &Path, links: Links) -> io::Result<Listing> {
    let entered = BTreeSet::from([identity(&fs::metadata(folder)?)]);
    let root = fs::canonicalize(folder)?;
    let mut walk = Walk { root, links, entered, listing: Listing::default() };
    walk.descend(sorted_entries(folder)?, DEPTH_MAX);
    Ok(walk.listing)
}

/// The files that symbolic links in folders lead to, out of the folder that was named, where such
/// links are followed.
pub(crate) fn linked(paths: &[PathBuf], links: Links) -> Vec<PathBuf> {
    let mut linked = Vec::new();
    if links == Links::Inside {
        return linked;
    }
    for folder in paths.iter().filter(|path| path.is_dir()) {
        let Ok(root) = fs::canonicalize(folder) else { continue };
        let files = list(folder, links).map(|listing| listing.files).unwrap_or_default();
        let targets = files.into_iter().filter_map(|file| fs::canonicalize(file).ok());
        linked.extend(targets.filter(|target| !target.starts_with(&root)));
    }
    linked
}

/// Device and inode of every file that is read where this is named: itself, or what is in the folder.
pub(crate) fn identities(path: &Path, links: Links) -> BTreeSet<(u64, u64)> {
    let Ok(metadata) = fs::metadata(path) else { return BTreeSet::new() };
    if !metadata.is_dir() {
        return BTreeSet::from([identity(&metadata)]);
    }
    let files = list(path, links).map(|listing| listing.files).unwrap_or_default();
    files.iter().filter_map(|file| Some(identity(&fs::metadata(file).ok()?))).collect()
}

/// A walk through a folder.
struct Walk {
    /// The folder that was named, without links in its path.
    root: PathBuf,
    links: Links,
    /// Folders that were looked into, by device and inode.
    entered: BTreeSet<(u64, u64)>,
    listing: Listing,
}

impl Walk {
    fn descend(&mut self, entries: Vec<PathBuf>, depth_left: usize) {
        for path in entries {
            let metadata = match self.look(&path) {
                Ok(Some(metadata)) => metadata,
                Ok(None) => continue,
                // A link to nothing is nothing.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => {
                    self.listing.unreadable.push((path, error));
                    continue;
                }
            };
            if metadata.is_file() {
                self.listing.files.push(path);
            } else if metadata.is_dir()
                && depth_left > 0
                && self.entered.insert(identity(&metadata))
            {
                match sorted_entries(&path) {
                    Ok(entries) => self.descend(entries, depth_left - 1),
                    Err(error) => self.listing.unreadable.push((path, error)),
                }
            }
        }
    }

    /// What is there; nothing where that is a link that is not followed.
    fn look(&mut self, path: &Path) -> io::Result<Option<Metadata>> {
        let own = fs::symlink_metadata(path)?;
        if !own.is_symlink() {
            return Ok(Some(own));
        }
        if self.links == Links::Inside && !fs::canonicalize(path)?.starts_with(&self.root) {
            let outside = &mut self.listing.outside;
            outside.count = outside.count.saturating_add(1);
            outside.first.get_or_insert_with(|| path.to_owned());
            return Ok(None);
        }
        fs::metadata(path).map(Some)
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
    let file = interruptible::open(path)?;
    let is_file = file.metadata()?.is_file();
    Ok(is_file.then_some(file))
}

/// What stays the same whatever name a file is reached by.
pub(crate) fn identity(metadata: &Metadata) -> (u64, u64) {
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
        let listing = list(root, Links::Inside).unwrap();
        let names: Vec<_> = listing
            .files
            .iter()
            .map(|path| path.strip_prefix(root).unwrap().to_str().unwrap())
            .collect();
        assert_eq!(names, ["a/x", "b/10", "b/2", "c"]);
        assert!(listing.unreadable.is_empty());
        assert!(open_regular(&fifo).unwrap().is_none());
        assert!(open_regular(&root.join("c")).unwrap().is_some());
        assert!(list(&root.join("missing"), Links::Inside).is_err());
    }

    #[test]
    fn links_that_lead_out_of_the_folder_are_followed_only_where_that_is_wanted() {
        let outer = tempfile::tempdir().unwrap();
        let (root, other) = (outer.path().join("case"), outer.path().join("case-other"));
        fs::create_dir(&root).unwrap();
        fs::create_dir(&other).unwrap();
        fs::write(root.join("own"), "").unwrap();
        fs::write(other.join("foreign"), "").unwrap();
        symlink("own", root.join("again")).unwrap();
        symlink("/", root.join("everything")).unwrap();
        symlink("../case-other/foreign", root.join("file")).unwrap();
        symlink(&other, root.join("folder")).unwrap();
        // Named by a link itself it is what that leads to.
        let named = outer.path().join("named");
        symlink(&root, &named).unwrap();
        let names = |listing: &Listing| {
            let names = listing.files.iter().map(|path| path.file_name().unwrap().to_owned());
            names.collect::<Vec<_>>()
        };
        for folder in [&root, &named] {
            let listing = list(folder, Links::Inside).unwrap();
            assert_eq!(names(&listing), ["again", "own"]);
            assert_eq!(listing.outside.count, 3);
            assert_eq!(listing.outside.first, Some(folder.join("everything")));
            assert!(linked(std::slice::from_ref(folder), Links::Inside).is_empty());
        }
        fs::remove_file(root.join("everything")).unwrap();
        let listing = list(&root, Links::All).unwrap();
        assert_eq!(names(&listing), ["again", "file", "foreign", "own"]);
        assert_eq!(listing.outside.count, 0);
        let foreign = fs::canonicalize(other.join("foreign")).unwrap();
        assert_eq!(linked(&[root], Links::All), [foreign.clone(), foreign]);
    }
}
