//! What must not be overwritten: anything that is read, another output, and what this program never
//! wrote.
//!
//! Outputs are compared before any of them is opened, by device and inode, so that no link and no second
//! name hides what a file is. What an existing file holds is looked at where it is not compressed;
//! what is, is unpacked only when privileges are dropped ([`Packed::check`]). Terminals, devices, pipes and
//! FIFOs hold nothing that could be lost.

use std::collections::BTreeSet;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

use clap::Args;

use super::output_file::{self, Rotating};
use super::own_formats::{HEAD_BYTES, Written, written_here};
use super::{Outcome, log};
use crate::capture::file::{Links, Packing, identities, identity};

/// Links that are followed one behind the other; Linux follows as many.
const LINKS_MAX: usize = 40;

/// Bytes that are read of an existing file: enough that of a compressed one the first block is there.
const LOOKED_AT_BYTES: usize = 4 * HEAD_BYTES;

/// Files of earlier runs that are looked at before `--keep` may delete them: the oldest, which would be the
/// first.
const OLD_FILES_MAX: usize = 32;

/// Memory that the unpacking of a head may take: a window of so many bytes, as a power of two.
const WINDOW_LOG_MAX: u32 = 27;

/// Whether a file may be lost.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(super) struct Overwriting {
    /// Overwrite existing output files, or let --keep delete files, that portstory did not write. A
    /// file that is being read is never overwritten
    #[arg(long)]
    force: bool,
}

/// A file that is to be written.
#[derive(Debug)]
pub(super) struct Output<'a> {
    /// As it is named on the command line.
    option: &'static str,
    path: &'a Path,
    /// Whether packets go into it, so that it could be read as a capture.
    is_packets: bool,
    /// Files with numbers instead of this one, and whether old ones are deleted.
    numbered: Option<(output_file::Naming, bool)>,
    /// Where it is, whatever links lead there.
    place: Option<Place>,
    found: Option<Metadata>,
}

/// A name in a folder, by which a file that does not exist yet is known.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    folder: (u64, u64),
    at: PathBuf,
    name: std::ffi::OsString,
}

impl<'a> Output<'a> {
    /// The file that this option names; nothing for standard output, which is [`Claims::stdout`].
    pub(super) fn new(option: &'static str, path: &'a Path) -> Option<Self> {
        if path == Path::new("-") {
            return None;
        }
        Some(Self {
            option,
            path,
            is_packets: false,
            numbered: None,
            place: Place::of(path),
            found: fs::metadata(path).ok(),
        })
    }

    /// The same of packets.
    pub(super) fn of_packets(self) -> Self {
        Self { is_packets: true, ..self }
    }

    /// The same spread over several files.
    pub(super) fn rotated(self, rotating: &Rotating) -> Self {
        let naming = output_file::Naming::new(self.path, true);
        let numbered = rotating.is_wanted().then(|| (naming, rotating.deletes()));
        Self { numbered, ..self }
    }

    fn told(&self) -> String {
        format!("{} {}", self.option, self.path.display())
    }

    fn told_in(&self, folder: &Path) -> String {
        let folder = folder.display();
        format!("{} is in {folder}, which is read; choose another path", self.told())
    }

    /// The file that would be opened, where it is there and something can be lost or mixed up.
    fn existing(&self) -> Option<&Metadata> {
        let found = self.found.as_ref().filter(|_| self.numbered.is_none());
        found.filter(|found| !found.file_type().is_char_device())
    }

    /// Whether both would write into one file.
    fn is_same(&self, other: &Self) -> bool {
        let by_number = |one: &Self, other: &Self| {
            let Some(((naming, _), place)) = one.numbered.as_ref().zip(one.place.as_ref()) else {
                return false;
            };
            other.place.as_ref().is_some_and(|it| {
                it.folder == place.folder
                    && naming.numbers(std::slice::from_ref(&it.name)).len() == 1
            })
        };
        match (&self.numbered, &other.numbered) {
            (Some((naming, _)), Some((others, _))) => {
                let folders = (&self.place, &other.place);
                let in_one = matches!(folders, (Some(one), Some(two)) if one.folder == two.folder);
                in_one && naming == others
            }
            (Some(_), None) => by_number(self, other),
            (None, Some(_)) => by_number(other, self),
            (None, None) => match (&self.found, &other.found) {
                (Some(_), Some(_)) => {
                    let pair = self.existing().zip(other.existing());
                    pair.is_some_and(|(one, two)| identity(one) == identity(two))
                }
                (None, None) => self.place.is_some() && self.place == other.place,
                (Some(_), None) | (None, Some(_)) => false,
            },
        }
    }
}

impl Place {
    fn of(path: &Path) -> Option<Self> {
        let path = fs::canonicalize(path).unwrap_or_else(|_| end_of_links(path));
        let name = path.file_name()?.to_owned();
        let at = path.parent().filter(|at| !at.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let at = fs::canonicalize(at).ok()?;
        Some(Self { folder: identity(&fs::metadata(&at).ok()?), at, name })
    }
}

/// What a link that leads to nothing would have made.
fn end_of_links(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..LINKS_MAX {
        let Ok(next) = fs::read_link(&path) else { break };
        path = path.parent().unwrap_or(Path::new(".")).join(next);
    }
    path
}

/// All that is read and all that is written.
#[derive(Debug, Default)]
pub(super) struct Claims<'a> {
    inputs: Vec<&'a Path>,
    outputs: Vec<Output<'a>>,
    stdout: bool,
    links: Links,
}

impl<'a> Claims<'a> {
    /// What is read, folders and `-` among it.
    pub(super) fn of_inputs(inputs: impl IntoIterator<Item = &'a PathBuf>) -> Self {
        let inputs = inputs.into_iter().map(PathBuf::as_path).collect();
        Self { inputs, ..Self::default() }
    }

    /// What is written.
    pub(super) fn writing(mut self, outputs: impl IntoIterator<Item = Output<'a>>) -> Self {
        self.outputs.extend(outputs);
        self
    }

    /// Which links in folders are followed.
    pub(super) fn following(self, links: Links) -> Self {
        Self { links, ..self }
    }

    /// Something goes to standard output.
    pub(super) fn stdout(self, is_used: bool) -> Self {
        Self { stdout: is_used, ..self }
    }

    /// Refuses what would be overwritten, before anything is opened. What it gives back is to be checked
    /// when privileges are dropped.
    pub(super) fn check(&self, overwriting: Overwriting) -> Result<Vec<Packed>, Outcome> {
        self.refused().map_or(Ok(()), Err).map_err(|why| refuse(&why))?;
        let mut packed = Vec::new();
        if !overwriting.force {
            self.spare_old_files(&mut packed)?;
        }
        for output in &self.outputs {
            // What is neither says why it cannot be opened.
            let holds = |found: &&Metadata| found.is_file() || found.file_type().is_block_device();
            let Some(found) = output.existing().filter(holds) else { continue };
            // Of what is in a folder that is read, only captures are.
            let (wants, why) = match self.folder_with(found) {
                Some(folder) => (Wants::Words, output.told_in(folder)),
                None if overwriting.force => continue,
                None => {
                    let why = "exists and was not written by portstory; --force overwrites it";
                    (Wants::Ours, format!("{} {why}", output.told()))
                }
            };
            packed.extend(Packed::of(output.path, wants, why)?);
        }
        Ok(packed)
    }

    fn spare_old_files(&self, packed: &mut Vec<Packed>) -> Result<(), Outcome> {
        for output in &self.outputs {
            for path in output.outdated_files().into_iter().take(OLD_FILES_MAX) {
                let why = format!(
                    "--keep would delete {}, which was not written by portstory; --force allows it",
                    path.display()
                );
                packed.extend(Packed::of(&path, Wants::Ours, why)?);
            }
        }
        Ok(())
    }

    fn refused(&self) -> Option<String> {
        for (at, output) in self.outputs.iter().enumerate() {
            if let Some(other) = self.outputs.iter().take(at).find(|other| output.is_same(other)) {
                return Some(format!(
                    "{} and {} name the same file; choose another path for one of them",
                    other.told(),
                    output.told()
                ));
            }
            if let Some(why) = self.input_that_is(output).or_else(|| self.folder_around(output)) {
                return Some(why);
            }
        }
        if !self.stdout {
            return None;
        }
        let stdout = about(io::stdout());
        let stdout = stdout.filter(|found| !found.file_type().is_char_device())?;
        if let Some(other) = self.outputs.iter().find(|other| {
            other.existing().is_some_and(|found| identity(found) == identity(&stdout))
        }) {
            return Some(format!(
                "{} is standard output, where something else goes; choose another path",
                other.told()
            ));
        }
        if !stdout.is_file() {
            return None;
        }
        let of = identity(&stdout);
        let input = self.inputs.iter().find(|input| {
            // What a shell has made just now is none of the captures in a folder.
            (stdout.len() > 0 || !input.is_dir())
                && input_identities(input, self.links).contains(&of)
        })?;
        Some(format!("standard output is {}, which is read; choose another path", told(input)))
    }

    /// The complaint where an output is something that is read by its name.
    fn input_that_is(&self, output: &Output<'_>) -> Option<String> {
        let existing = output.existing().map(identity);
        let outdated = output.outdated();
        for input in self.inputs.iter().filter(|input| !input.is_dir()) {
            let inputs = input_identities(input, self.links);
            if existing.is_some_and(|existing| inputs.contains(&existing)) {
                let same = if *input == output.path {
                    "is read".to_owned()
                } else {
                    format!("is the same file as {}, which is read", told(input))
                };
                return Some(format!("{} {same}; choose another path", output.told()));
            }
            if outdated.iter().any(|one| inputs.contains(one)) {
                return Some(format!(
                    "--keep would delete {}, which is read; choose another name for {}",
                    told(input),
                    output.told()
                ));
            }
        }
        None
    }

    /// The complaint where packets go into a folder that is read: they would be read too.
    fn folder_around(&self, output: &Output<'_>) -> Option<String> {
        let place = output.place.as_ref()?;
        let deletes = matches!(output.numbered, Some((_, true)));
        let outdated = output.outdated();
        let folder = self.inputs.iter().find(|input| {
            let is_in = || fs::canonicalize(input).is_ok_and(|input| place.at.starts_with(input));
            let holds = || !outdated.is_disjoint(&identities(input, self.links));
            input.is_dir() && ((output.is_packets && is_in()) || (deletes && holds()))
        })?;
        Some(output.told_in(folder))
    }

    /// The folder that is read and has this file in it.
    fn folder_with(&self, found: &Metadata) -> Option<&Path> {
        let folders = self.inputs.iter().filter(|input| input.is_dir());
        folders.copied().find(|folder| identities(folder, self.links).contains(&identity(found)))
    }
}

impl Output<'_> {
    /// Files with its numbers, the oldest first, where old ones are deleted.
    fn outdated_files(&self) -> Vec<PathBuf> {
        let (Some((naming, true)), Some(place)) = (&self.numbered, &self.place) else {
            return Vec::new();
        };
        let entries = fs::read_dir(&place.at).into_iter().flatten().filter_map(Result::ok);
        let names: Vec<_> = entries.map(|entry| entry.file_name()).collect();
        let numbers = naming.numbers(&names).into_iter();
        let paths = numbers.map(|number| place.at.join(naming.name(number)));
        // Nothing else is deleted.
        paths.filter(|path| fs::symlink_metadata(path).is_ok_and(|it| it.is_file())).collect()
    }

    fn outdated(&self) -> BTreeSet<(u64, u64)> {
        let files = self.outdated_files().into_iter();
        files.filter_map(|path| Some(identity(&fs::metadata(path).ok()?))).collect()
    }
}

/// Device and inode of all that is read where this is named.
fn input_identities(input: &Path, links: Links) -> BTreeSet<(u64, u64)> {
    if input != Path::new("-") {
        return identities(input, links);
    }
    about(io::stdin()).filter(Metadata::is_file).iter().map(identity).collect()
}

fn about(stream: impl AsFd) -> Option<Metadata> {
    File::from(stream.as_fd().try_clone_to_owned().ok()?).metadata().ok()
}

fn told(input: &Path) -> String {
    if input == Path::new("-") { "standard input".to_owned() } else { input.display().to_string() }
}

fn refuse(why: &str) -> Outcome {
    log::error(&why);
    Outcome::Usage
}

/// What a file must be to be overwritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wants {
    /// Written by this program.
    Ours,
    /// And no capture.
    Words,
}

impl Wants {
    fn are_met(self, head: &[u8]) -> bool {
        match written_here(head) {
            Some(Written::Words) => true,
            Some(Written::Packets) => self == Self::Ours,
            None => head.is_empty(),
        }
    }
}

/// A compressed file that is to be overwritten, if it turns out that it may be.
#[derive(Debug)]
pub(super) struct Packed {
    head: Vec<u8>,
    packing: Packing,
    wants: Wants,
    why: String,
}

impl Packed {
    /// Looks at an existing file, and refuses it unless it may be lost or is still to be unpacked.
    fn of(path: &Path, wants: Wants, why: String) -> Result<Option<Self>, Outcome> {
        let mut head = Vec::new();
        let most = u64::try_from(LOOKED_AT_BYTES).unwrap_or(u64::MAX);
        match output_file::open_to_look(path)
            .and_then(|file| file.take(most).read_to_end(&mut head))
        {
            // A link that is not followed is told when it is opened for writing.
            Err(error) if output_file::is_link(&error) => Ok(None),
            Err(error) => Err(refuse(&format!("{why} ({error})"))),
            Ok(_) if wants.are_met(&head) => Ok(None),
            Ok(_) => match Packing::of(&head) {
                // What outputs are packed with.
                Some(packing @ (Packing::Gzip | Packing::Zstd)) => {
                    Ok(Some(Self { head, packing, wants, why }))
                }
                Some(Packing::Lz4 | Packing::Xz) | None => Err(refuse(&why)),
            },
        }
    }

    /// Unpacks the beginning, and refuses what is nothing of ours.
    pub(super) fn check(all: &[Self]) -> Result<(), Outcome> {
        for one in all {
            let unpacked = if one.packing == Packing::Gzip {
                beginning(flate2::read::MultiGzDecoder::new(&*one.head))
            } else {
                let decoder = zstd::Decoder::with_buffer(&*one.head).and_then(|mut decoder| {
                    decoder.window_log_max(WINDOW_LOG_MAX)?;
                    Ok(decoder)
                });
                decoder.map_or(Vec::new(), beginning)
            };
            // What holds nothing is as empty as an empty file only if it says so.
            if unpacked.is_empty() || !one.wants.are_met(&unpacked) {
                return Err(refuse(&one.why));
            }
        }
        Ok(())
    }
}

/// As much as can be had: the head may end in the middle of something.
fn beginning(unpacking: impl Read) -> Vec<u8> {
    let most = u64::try_from(HEAD_BYTES).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    // What was read before an error stays.
    let _ = unpacking.take(most).read_to_end(&mut bytes);
    bytes
}
