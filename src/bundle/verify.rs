//! Reads a bundle that may be anybody's: is every byte as it was, and what does it claim?
//!
//! Nothing is written. Names are compared, never used as paths. No file is read beyond what it says of
//! itself, nor is a bundle that says more than may be; of what is read no more is kept than the limits
//! say. Packets are unpacked as they are read, verdicts and events as they are compared.

use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use super::container::{self, Entry};
use super::packer::{SEAL_DIGITS, hash_before_seal};
pub(crate) use super::refusal::Refusal;
use super::refusal::refused;
use super::rows::{as_told, each_row, each_told};
use super::{EVE, EVIDENCE, REPORT, Row, SETTINGS, SUMS, Settings, Tally, VERDICTS, page};
use portstory_core::config::BundleLimits;

/// A bundle whose bytes are as they were.
#[derive(Debug)]
pub(crate) struct Bundle {
    file: Arc<File>,
    entries: Vec<Entry>,
    /// The settings of the run.
    pub settings: Settings,
    limits: BundleLimits,
}

fn damaged(file: &str, error: &io::Error) -> Refusal {
    refused(file, format!("is damaged: {error}"))
}

/// How a pcapng file begins. The packets of a bundle are never packed a second time.
const PCAPNG: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];

/// Bytes that files of one line or none may have, whatever the packets.
const FEW_BYTES: u64 = 64 << 10;

impl Bundle {
    /// Opens a bundle, checks all of its bytes, and whether it is what this program packs.
    ///
    /// # Errors
    ///
    /// With the name of the first file that is not as it was, or that no bundle has.
    pub(crate) fn open(path: &Path, limits: BundleLimits) -> Result<Self, Refusal> {
        let own = path.display().to_string();
        let mut file = File::open(path).map_err(|error| refused(&own, error))?;
        let entries = container::entries(&file, &own)?;
        sizes(&entries, &limits, &own)?;
        hashes(&file, &entries)?;
        if !is_sealed(&mut file).map_err(|error| refused(&own, error))? {
            return Err(refused(&own, "was changed or damaged, outside of the files in it"));
        }
        let settings: Settings = serde_json::from_slice(&read(&file, &entries, SETTINGS)?)
            .map_err(|error| refused(SETTINGS, error))?;
        if settings.longest_list() > limits.settings_list_max {
            let max = limits.settings_list_max;
            return Err(refused(SETTINGS, format!("has a list of more than {max} rows")));
        }
        let bundle = Self { file: Arc::new(file), entries, settings, limits };
        if bundle.is_of_this_version() {
            let text = read(&bundle.file, &bundle.entries, REPORT)?;
            let text = str::from_utf8(&text).map_err(|error| refused(REPORT, error))?;
            page::check(text).map_err(|why| refused(REPORT, why))?;
        }
        Ok(bundle)
    }

    /// Whether this version of the program made it.
    pub(crate) fn is_of_this_version(&self) -> bool {
        self.settings.version == env!("CARGO_PKG_VERSION")
    }

    /// Shows the verdicts that the packets must give, one by one.
    ///
    /// # Errors
    ///
    /// Where there are more or longer ones than there may be, or other words.
    pub(crate) fn each_verdict(&self, show: &mut dyn FnMut(Row)) -> Result<(), Refusal> {
        let list = entry(&self.entries, VERDICTS)?.unpack(&*self.file);
        let list = list.map_err(|error| damaged(VERDICTS, &error))?;
        each_row(list, &self.limits, show).map_err(|error| refused(VERDICTS, error))
    }

    /// The verdicts that the packets must give, in order; EVE tells the same.
    ///
    /// # Errors
    ///
    /// As [`Self::each_verdict`], or where EVE tells others.
    pub(crate) fn verdicts(&self) -> Result<Tally, Refusal> {
        const LINES_OF_FLOW: u64 = 4;
        const BLOCK_BYTES: u64 = 32;
        let (mut verdicts, mut listed, mut told) = <(Tally, Tally, Tally)>::default();
        self.each_verdict(&mut |row| {
            verdicts.add(&row);
            listed.add(&as_told(&row));
        })?;
        // A flow and its ends have a line each; so has what is wrong with a packet.
        let flows = u64::try_from(verdicts.count()).unwrap_or(u64::MAX);
        let frames = entry(&self.entries, EVIDENCE)?.size / BLOCK_BYTES;
        let lines_max = flows.saturating_mul(LINES_OF_FLOW).saturating_add(frames);
        let events = entry(&self.entries, EVE)?.unpack(&*self.file);
        let events = events.map_err(|error| damaged(EVE, &error))?;
        each_told(events, &self.limits, lines_max.saturating_add(FEW_BYTES), &mut |row| {
            told.add(&row);
        })
        .map_err(|why| refused(EVE, why))?;
        let (only_listed, only_told) = listed.differences(told);
        match only_listed.count().max(only_told.count()) {
            0 => Ok(verdicts.sorted()),
            other => Err(refused(
                EVE,
                format!("has different verdicts for {other} flows than {VERDICTS}"),
            )),
        }
    }

    /// The packets, unpacked as they are read. One reader at a time.
    ///
    /// # Errors
    ///
    /// The file's own.
    pub(crate) fn packets(&self) -> Result<Box<dyn Read + Send>, Refusal> {
        let packets = entry(&self.entries, EVIDENCE)?.unpack(Arc::clone(&self.file));
        Ok(Box::new(packets.map_err(|error| damaged(EVIDENCE, &error))?))
    }
}

fn is_sealed(file: &mut File) -> io::Result<bool> {
    let hash = hash_before_seal(file)?;
    let mut seal = [0; SEAL_DIGITS];
    file.seek(SeekFrom::End(-64))?;
    file.read_exact(&mut seal)?;
    Ok(hash.as_bytes() == seal)
}

fn entry<'a>(entries: &'a [Entry], name: &str) -> Result<&'a Entry, Refusal> {
    entries.iter().find(|one| one.name == name).ok_or_else(|| refused(name, "is missing"))
}

/// No file says that it is larger than it can be, and all of them together no more than may be read.
fn sizes(entries: &[Entry], limits: &BundleLimits, own: &str) -> Result<(), Refusal> {
    let evidence = entry(entries, EVIDENCE)?.size;
    let of_evidence = |times: u64| evidence.saturating_mul(times).saturating_add(FEW_BYTES);
    for Entry { name, size, .. } in entries {
        let max = match *name {
            REPORT => limits.report_bytes_max,
            EVE => of_evidence(limits.eve_bytes_of_evidence_max),
            VERDICTS => of_evidence(limits.verdicts_bytes_of_evidence_max),
            // It is all but all of the sum, which is looked at below.
            EVIDENCE => u64::MAX,
            _ => limits.small_bytes_max,
        };
        if *size > max {
            return Err(refused(name, format!("unpacks to {size} bytes; {max} are the most")));
        }
    }
    let all = entries.iter().map(|one| one.size).fold(0, u64::saturating_add);
    match all > limits.unpacked_bytes_max {
        true => Err(refused(
            own,
            format!(
                "unpacks to {all} bytes, more than {} (--limit); if you trust who made it, give more",
                limits.unpacked_bytes_max
            ),
        )),
        false => Ok(()),
    }
}

/// The list of hashes is that of these files: a row each, in their order, and nothing else.
fn hashes(file: &File, entries: &[Entry]) -> Result<(), Refusal> {
    let listed = read(file, entries, SUMS)?;
    let mut rows = listed.split_inclusive(|byte| *byte == b'\n');
    for one in entries.iter().filter(|one| one.name != SUMS) {
        let io = |error: io::Error| damaged(one.name, &error);
        let mut unpacked = one.unpack(file).map_err(io)?;
        let mut first = Vec::new();
        unpacked.by_ref().take(4).read_to_end(&mut first).map_err(io)?;
        if one.name == EVIDENCE && first != PCAPNG {
            return Err(refused(
                EVIDENCE,
                "is not an uncompressed pcapng file, as a bundle's always is",
            ));
        }
        let (_, hash) = crate::report::sha256(&mut first.as_slice().chain(unpacked)).map_err(io)?;
        let row = format!("{hash}  {}\n", one.name);
        if rows.next() != Some(row.as_bytes()) {
            let is_there =
                listed.split_inclusive(|byte| *byte == b'\n').any(|it| it == row.as_bytes());
            return Err(match is_there {
                true => refused(SUMS, "has rows twice, in another order, or of other files"),
                false => refused(one.name, "was changed: its hash differs from SHA256SUMS"),
            });
        }
    }
    match rows.next() {
        None => Ok(()),
        Some(_) => Err(refused(SUMS, "has rows twice, in another order, or of other files")),
    }
}

/// A file that is kept in memory; how long it may be was checked.
fn read(file: &File, entries: &[Entry], name: &str) -> Result<Vec<u8>, Refusal> {
    let mut bytes = Vec::new();
    let mut unpacked = entry(entries, name)?.unpack(file).map_err(|error| damaged(name, &error))?;
    unpacked.read_to_end(&mut bytes).map_err(|error| damaged(name, &error))?;
    Ok(bytes)
}
