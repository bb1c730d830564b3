//! The folder that an output is in, and the files that are opened there: with rights, while others may
//! be able to write in it.
//!
//! The folder is opened once. Files are opened by that handle, so that it does not matter what becomes
//! of the path afterwards, and only as what they are expected to be: a regular file that this opening
//! made, or, where one is gone on with, a regular file with one name whose owner has a say here anyway.
//! No link is followed, and no FIFO is waited for.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, fstat, openat, statat, unlinkat};
use rustix::io::Errno;
use rustix::process::geteuid;

/// Owner and group: what a sensor sees is not for everybody on it.
const FILE_MODE: Mode = Mode::RUSR.union(Mode::WUSR).union(Mode::RGRP);

/// A folder, held by its handle.
#[derive(Debug)]
pub(super) struct Folder(pub(super) OwnedFd);

impl Folder {
    /// Opens the folder that this file is to be in.
    ///
    /// # Errors
    ///
    /// The system's.
    pub(super) fn of(file: &Path) -> io::Result<Self> {
        let folder = match file.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            Some(_) | None => Path::new("."),
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self(openat(CWD, folder, flags, Mode::empty())?))
    }

    /// Makes a file that was not there.
    ///
    /// # Errors
    ///
    /// The system's: `AlreadyExists` where anything has that name, a link too.
    pub(super) fn create(&self, name: &OsStr) -> io::Result<File> {
        let flags = OFlags::CREATE | OFlags::EXCL | writing();
        Ok(File::from(openat(&self.0, name, flags, FILE_MODE)?))
    }

    /// Opens a file to go on at its end, or makes it.
    ///
    /// # Errors
    ///
    /// The system's, and where what has that name is no file to go on with, the one that [`explained`]
    /// has a sentence for.
    pub(super) fn append(&self, name: &OsStr) -> io::Result<File> {
        let flags = OFlags::CREATE | OFlags::NONBLOCK | writing();
        let file = openat(&self.0, name, flags, FILE_MODE)?;
        let found = fstat(&file)?;
        if FileType::from_raw_mode(found.st_mode) != FileType::RegularFile {
            return Err(NOT_REGULAR.into());
        }
        if found.st_nlink != 1 {
            return Err(OTHER_NAME.into());
        }
        // Whoever owns the folder can put any file of theirs here; but none of anybody else's.
        let folder = fstat(&self.0)?;
        if found.st_uid != geteuid().as_raw() && found.st_uid != folder.st_uid {
            return Err(OTHER_OWNER.into());
        }
        Ok(File::from(file))
    }

    /// Whether others than root and this user could put links here.
    ///
    /// # Errors
    ///
    /// The system's.
    pub(super) fn is_open_to_others(&self) -> io::Result<bool> {
        let found = fstat(&self.0)?;
        let writable = Mode::from_raw_mode(found.st_mode).intersects(Mode::WGRP | Mode::WOTH);
        Ok(writable || ![0, geteuid().as_raw()].contains(&found.st_uid))
    }

    /// The same folder once more, for the sandbox.
    ///
    /// # Errors
    ///
    /// The system's.
    pub(super) fn share(&self) -> io::Result<Arc<OwnedFd>> {
        Ok(Arc::new(self.0.try_clone()?))
    }

    /// Whether the folder is this user's.
    pub(super) fn is_of(&self, uid: u32) -> bool {
        fstat(&self.0).is_ok_and(|found| found.st_uid == uid)
    }

    /// Whether what has this name is this user's.
    pub(super) fn has_owner(&self, name: &OsStr, uid: u32) -> bool {
        statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW).is_ok_and(|found| found.st_uid == uid)
    }

    /// The names of what is here.
    ///
    /// # Errors
    ///
    /// The system's.
    pub(super) fn names(&self) -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(self.0.as_fd())? {
            names.push(OsStr::from_bytes(entry?.file_name().to_bytes()).to_owned());
        }
        Ok(names)
    }

    /// Takes away a regular file; anything else of that name stays.
    pub(super) fn remove(&self, name: &OsStr) {
        let found = statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW);
        let is_file = found
            .is_ok_and(|found| FileType::from_raw_mode(found.st_mode) == FileType::RegularFile);
        if is_file {
            // It may have been taken away already.
            let _ = unlinkat(&self.0, name, AtFlags::empty());
        }
    }
}

/// Whether a link that lies where this file is to be may be followed: where others can write, only one of
/// this user's own or of root's. To follow another would let them choose what is written to.
///
/// # Errors
///
/// The system's.
pub(super) fn may_follow(path: &Path) -> io::Result<bool> {
    let folder = Folder::of(path)?;
    if !folder.is_open_to_others()? {
        return Ok(true);
    }
    let name = path.file_name().unwrap_or_default();
    let found = statat(&folder.0, name, AtFlags::SYMLINK_NOFOLLOW);
    Ok(found.is_ok_and(|found| {
        FileType::from_raw_mode(found.st_mode) == FileType::Symlink
            && [0, geteuid().as_raw()].contains(&found.st_uid)
    }))
}

/// Opens an output that is there already, to look at what it holds. Links are followed where they are
/// when it is opened for writing.
///
/// # Errors
///
/// The system's; [`is_link`] knows the one of a link that is not followed.
pub(in crate::cli) fn open_to_look(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let folder = Folder::of(path)?;
    let is_refused = geteuid().is_root() && folder.is_open_to_others()?;
    if is_refused || !may_follow(path)? {
        let name = path.file_name().unwrap_or_default();
        return Ok(File::from(openat(&folder.0, name, flags | OFlags::NOFOLLOW, Mode::empty())?));
    }
    Ok(File::from(openat(CWD, path, flags, Mode::empty())?))
}

/// Whether a file could not be had because it is a link.
pub(in crate::cli) fn is_link(error: &io::Error) -> bool {
    Errno::from_io_error(error) == Some(Errno::LOOP)
}

/// What the system says of a FIFO that nobody reads from.
const NOT_REGULAR: Errno = Errno::NXIO;

const OTHER_NAME: Errno = Errno::MLINK;

const OTHER_OWNER: Errno = Errno::PERM;

/// Why a file cannot be had, in words that say what is in the way.
pub(super) fn explained(error: &io::Error) -> String {
    let why = match Errno::from_io_error(error) {
        Some(Errno::LOOP) => "it is a symbolic link, which is not followed here",
        Some(NOT_REGULAR) => "it is not a regular file",
        Some(OTHER_NAME) => "it has a second name (a hard link)",
        Some(OTHER_OWNER) => "it belongs to another user",
        Some(_) | None => return error.to_string(),
    };
    why.to_owned()
}

fn writing() -> OFlags {
    OFlags::WRONLY | OFlags::APPEND | OFlags::NOFOLLOW | OFlags::CLOEXEC
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

    use super::*;

    fn folder() -> (tempfile::TempDir, Folder) {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::of(&dir.path().join("eve.json")).unwrap();
        (dir, folder)
    }

    #[test]
    fn links_and_fifos_are_neither_followed_nor_waited_for() {
        let (dir, folder) = folder();
        let secret = dir.path().join("secret");
        std::fs::write(&secret, b"secret\n").unwrap();
        symlink(&secret, dir.path().join("link")).unwrap();
        symlink(dir.path().join("nowhere"), dir.path().join("dangling")).unwrap();
        std::fs::hard_link(&secret, dir.path().join("hard")).unwrap();
        rustix::fs::mkfifoat(CWD, dir.path().join("fifo"), FILE_MODE).unwrap();
        for name in ["link", "dangling", "hard", "fifo", "."] {
            assert!(folder.append(name.as_ref()).is_err(), "{name}");
            assert!(folder.create(name.as_ref()).is_err(), "{name}");
        }
        assert_eq!(std::fs::read(&secret).unwrap(), b"secret\n");
        assert!(!dir.path().join("nowhere").exists());
        for name in ["link", "fifo"] {
            folder.remove(name.as_ref());
            assert!(dir.path().join(name).symlink_metadata().is_ok(), "{name}");
        }
    }

    #[test]
    fn a_file_is_made_once_and_then_gone_on_with() {
        let (dir, folder) = folder();
        folder.create("a".as_ref()).unwrap().write_all(b"one\n").unwrap();
        assert_eq!(folder.create("a".as_ref()).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        folder.append("a".as_ref()).unwrap().write_all(b"two\n").unwrap();
        let path = dir.path().join("a");
        assert_eq!(std::fs::read(&path).unwrap(), b"one\ntwo\n");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o137, 0);
        folder.remove("a".as_ref());
        assert!(!path.exists());
    }

    #[test]
    fn it_stays_the_same_folder_whatever_takes_its_path() {
        let outer = tempfile::tempdir().unwrap();
        let (path, aside) = (outer.path().join("out"), outer.path().join("aside"));
        std::fs::create_dir(&path).unwrap();
        let folder = Folder::of(&path.join("eve.json")).unwrap();
        std::fs::rename(&path, &aside).unwrap();
        symlink("/etc", &path).unwrap();
        let made = folder.create("eve.json".as_ref()).unwrap().metadata().unwrap().ino();
        assert_eq!(std::fs::metadata(aside.join("eve.json")).unwrap().ino(), made);
    }

    #[test]
    fn who_else_can_write_here_is_known() {
        let (dir, folder) = folder();
        assert!(!folder.is_open_to_others().unwrap());
        let all = std::fs::Permissions::from_mode(0o1777);
        std::fs::set_permissions(dir.path(), all).unwrap();
        assert!(folder.is_open_to_others().unwrap());
    }
}
