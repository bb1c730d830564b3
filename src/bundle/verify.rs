//! Reads a bundle that may be anybody's: is every octet as it was, and do the packets give the verdicts?
//!
//! Nothing is written. Names are compared, never used as paths; every file is read up to its limit and
//! no further; packets are read as they are unpacked.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _, SeekFrom};
use std::path::Path;

use zip::ZipArchive;

use super::packer::{SEAL_DIGITS, hash_before_seal};
use super::{EVE, EVIDENCE, FILES, REPORT, Row, SETTINGS, SUMS, Settings, VERDICTS};
use portstory_core::config::BundleLimits;

/// A bundle whose octets are as they were.
#[derive(Debug)]
pub struct Bundle {
    archive: ZipArchive<BufReader<File>>,
    /// The settings of the run.
    pub settings: Settings,
    /// The verdicts that the packets must give, in order.
    pub rows: Vec<Row>,
    limits: BundleLimits,
}

/// Why a bundle is refused.
#[derive(Debug)]
pub struct Refusal {
    /// The file, in the bundle or the bundle itself.
    pub file: String,
    /// What is wrong with it.
    pub why: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file, self.why)
    }
}

impl std::error::Error for Refusal {}

fn refused(file: &str, why: impl fmt::Display) -> Refusal {
    Refusal { file: file.to_owned(), why: why.to_string() }
}

impl Bundle {
    /// Opens a bundle and checks all of its octets.
    ///
    /// # Errors
    ///
    /// With the name of the first file that is not as it was.
    pub fn open(path: &Path, limits: BundleLimits) -> Result<Self, Refusal> {
        let own = path.display().to_string();
        let mut file = File::open(path).map_err(|error| refused(&own, error))?;
        let sound = is_sealed(&mut file);
        let unsound = || refused(&own, "was changed or damaged, outside of the files in it");
        file.rewind().map_err(|error| refused(&own, error))?;
        let archive = ZipArchive::new(BufReader::new(file));
        let mut archive =
            archive.map_err(|error| refused(&own, format!("no sound zip: {error}")))?;
        names(&archive, &own)?;
        let sums = bounded(&mut archive, SUMS, limits.small_bytes_max)?;
        let sums = parse_sums(&sums)?;
        for name in FILES {
            let found = hash(&mut archive, name, limit_of(name, &limits))?;
            if sums.get(name) != Some(&found) {
                return Err(refused(name, "is not what it was: its hash differs from SHA256SUMS"));
            }
        }
        if !sound.map_err(|error| refused(&own, error))? {
            return Err(unsound());
        }
        let text = bounded(&mut archive, SETTINGS, limits.small_bytes_max)?;
        let settings = serde_json::from_slice(&text).map_err(|error| refused(SETTINGS, error))?;
        let text = bounded(&mut archive, VERDICTS, limits.verdicts_bytes_max)?;
        let rows = serde_json::from_slice(&text).map_err(|error| refused(VERDICTS, error))?;
        Ok(Self { archive, settings, rows, limits })
    }

    /// The packets, unpacked by a thread as they are read.
    ///
    /// # Errors
    ///
    /// Where there is no pipe to be had.
    pub fn evidence(self) -> io::Result<Box<dyn Read + Send>> {
        let (reader, mut writer) = io::pipe()?;
        let Self { mut archive, limits, .. } = self;
        std::thread::Builder::new().name("unpack".to_owned()).spawn(move || {
            // Its octets were checked; a reader that has gone away is no fault.
            if let Ok(file) = archive.by_name(EVIDENCE) {
                let _ = io::copy(&mut file.take(limits.large_bytes_max), &mut writer);
            }
        })?;
        Ok(Box::new(reader))
    }
}

fn is_sealed(file: &mut File) -> io::Result<bool> {
    let hash = hash_before_seal(file)?;
    let mut seal = [0; SEAL_DIGITS];
    file.seek(SeekFrom::End(-64))?;
    file.read_exact(&mut seal)?;
    Ok(hash.as_bytes() == seal)
}

/// There is what belongs in a bundle, once, and nothing else.
fn names(archive: &ZipArchive<BufReader<File>>, own: &str) -> Result<(), Refusal> {
    for name in archive.file_names() {
        let name = name.map_err(|error| refused(own, format!("no sound zip: {error}")))?;
        if name != SUMS && !FILES.contains(&name.as_ref()) {
            let name: String = name.chars().take(80).collect();
            return Err(refused(&name, "does not belong into a bundle"));
        }
    }
    match FILES.iter().chain([&SUMS]).find(|name| archive.index_for_name(name).is_none()) {
        Some(missing) => Err(refused(missing, "is missing")),
        // A second entry of one name would be hidden by the first.
        None if archive.len() != FILES.len().saturating_add(1) => {
            Err(refused(own, "has two files of one name"))
        }
        None => Ok(()),
    }
}

fn limit_of(name: &str, limits: &BundleLimits) -> u64 {
    match name {
        REPORT => limits.report_bytes_max,
        EVE | EVIDENCE => limits.large_bytes_max,
        VERDICTS => limits.verdicts_bytes_max,
        _ => limits.small_bytes_max,
    }
}

fn hash(
    archive: &mut ZipArchive<BufReader<File>>,
    name: &str,
    max: u64,
) -> Result<String, Refusal> {
    let file = archive.by_name(name).map_err(|error| refused(name, error))?;
    let hashed = crate::report::sha256(&mut file.take(max.saturating_add(1)));
    let (read, hash) = hashed.map_err(|error| refused(name, format!("is damaged: {error}")))?;
    if read > max {
        return Err(refused(name, format!("unpacks to more than {max} octets")));
    }
    Ok(hash)
}

fn bounded(
    archive: &mut ZipArchive<BufReader<File>>,
    name: &str,
    max: u64,
) -> Result<Vec<u8>, Refusal> {
    let file = archive.by_name(name).map_err(|error| refused(name, error))?;
    let mut octets = Vec::new();
    let read = file.take(max.saturating_add(1)).read_to_end(&mut octets);
    let read = read.map_err(|error| refused(name, format!("is damaged: {error}")))?;
    if u64::try_from(read).unwrap_or(u64::MAX) > max {
        return Err(refused(name, format!("unpacks to more than {max} octets")));
    }
    Ok(octets)
}

fn parse_sums(text: &[u8]) -> Result<BTreeMap<String, String>, Refusal> {
    let text = str::from_utf8(text).map_err(|error| refused(SUMS, error))?;
    let rows = text.lines().map(|line| line.split_once("  "));
    let rows = rows.map(|row| row.map(|(hash, name)| (name.to_owned(), hash.to_owned())));
    rows.collect::<Option<_>>().ok_or_else(|| refused(SUMS, "is no list of hashes"))
}
