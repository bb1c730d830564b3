//! The zip that a bundle is, read in the one way that leaves no room for another.
//!
//! A zip says most things twice, and what stands in front, between or behind its files nobody asks for:
//! two programs may see two archives in it. So each file has to begin where the one before ends, the
//! first at the first byte, the directory behind the last; what a file's own header says has to be what
//! the directory says; and there are the files of a bundle, each once. Reads headers, unpacks what it is
//! asked for, bounded by what the directory says. What the files hold is no matter here.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read, Seek, SeekFrom, Take};

use flate2::Crc;
use flate2::bufread::DeflateDecoder;

use super::packer::SEAL_DIGITS;
use super::refusal::{Refusal, refused};
use super::{FILES, SUMS};
use portstory_core::internal::wire::{self, Cursor, le16, len32};

/// A file of a bundle.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) name: &'static str,
    /// Bytes, unpacked.
    pub(super) size: u64,
    /// Where its own bytes begin, and how many there are.
    at: u64,
    packed: u64,
    crc: u32,
}

/// What is said of a file twice.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Said {
    /// The version that is needed, flags, the method, time and date.
    fields: [u16; 5],
    crc: u32,
    packed: u64,
    size: u64,
    name: Vec<u8>,
}

/// A file in the directory.
#[derive(Debug)]
struct Listed {
    said: Said,
    /// Its number of a disk, the length of its comment, and its mode.
    rest: (u16, u16, u32),
    offset: u64,
}

/// Numbers in the zip's own formats (APPNOTE 6.3.10): sections 4.3.7, 4.3.12, 4.3.16, 4.3.14, 4.3.15.
const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
const END_64: u32 = 0x0606_4b50;
const LOCATOR_64: u32 = 0x0706_4b50;

const LOCAL_BYTES: u64 = 30;
const END_BYTES: usize = 22;

/// What of the end's long form stands behind its length.
const END_64_BYTES_BEHIND: u64 = 44;

/// The end in its long form, its locator, the end itself and the seal.
const ENDS_BYTES_MAX: u64 = 56 + 20 + 22 + 64;

/// What the end says where its long form has to be asked: of the number of files, the directory's length
/// and its place.
const TOO_LONG: [u64; 3] = [0xffff, 0xffff_ffff, 0xffff_ffff];

/// Section 4.4.5: the only method that is used.
const DEFLATED: u16 = 8;

/// A directory of six files takes some 550 bytes.
const DIRECTORY_BYTES_MAX: u64 = 4096;

/// The files in the order in which they are packed.
pub(super) fn entries(file: &File, own: &str) -> Result<Vec<Entry>, Refusal> {
    let io = |error: io::Error| refused(own, format!("not a valid zip file: {error}"));
    let unsound = |why: &str| refused(own, format!("not a valid zip file: {why}"));
    let (at, bytes) = directory(file).map_err(io)?.ok_or_else(|| {
        unsound(
            "its end record is missing or wrong: part of the file is missing, or data was inserted",
        )
    })?;
    let mut cursor = Cursor::new(&bytes);
    let mut listed = Vec::new();
    while !cursor.is_empty() {
        let one = Listed::read(&mut cursor)
            .ok_or_else(|| unsound("its directory is invalid, or has impossible sizes"))?;
        listed.push((name_of(&one.said.name)?, one));
    }
    for name in FILES.iter().chain([&SUMS]) {
        match listed.iter().filter(|(one, _)| one == name).count() {
            0 => return Err(refused(name, "is missing")),
            1 => {}
            _ => return Err(refused(name, "is there more than once")),
        }
    }
    listed.sort_by_key(|(_, one)| one.offset);
    let (mut entries, mut next) = (Vec::new(), 0u64);
    for (name, one) in listed {
        one.check(name)?;
        if one.offset != next {
            return Err(refused(name, "does not begin where the file before it ends"));
        }
        let (local, begin) = local(file, next).map_err(io)?;
        if local.as_ref() != Some(&one.said) {
            return Err(refused(name, "differs from its entry in the directory"));
        }
        next = begin.saturating_add(one.said.packed);
        if next > at {
            return Err(refused(name, "is longer than the space that it occupies"));
        }
        let Said { crc, packed, size, .. } = one.said;
        entries.push(Entry { name, size, at: begin, packed, crc });
    }
    if next != at {
        return Err(unsound("there is data between its files and their directory"));
    }
    Ok(entries)
}

fn name_of(name: &[u8]) -> Result<&'static str, Refusal> {
    let mut names = FILES.iter().chain([&SUMS]);
    names.find(|known| known.as_bytes() == name).copied().ok_or_else(|| {
        let name: String = String::from_utf8_lossy(name).chars().take(80).collect();
        refused(&name, "does not belong in a bundle")
    })
}

fn read_at(mut file: &File, at: u64, len: u64) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(at))?;
    let mut bytes = Vec::new();
    file.take(len).read_to_end(&mut bytes)?;
    match u64::try_from(bytes.len()) == Ok(len) {
        true => Ok(bytes),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// Where the directory is, and its bytes. The end is where it is in a bundle, and not searched for.
fn directory(mut file: &File) -> io::Result<Option<(u64, Vec<u8>)>> {
    let len = file.seek(SeekFrom::End(0))?;
    let begin = len.saturating_sub(ENDS_BYTES_MAX);
    let ends = read_at(file, begin, len.saturating_sub(begin))?;
    let Some((at, size)) = place(&ends, begin) else { return Ok(None) };
    Ok(Some((at, read_at(file, at, size)?)))
}

/// Where the last bytes of a zip, which begin at `begin`, say that the directory is, and how long.
fn place(ends: &[u8], begin: u64) -> Option<(u64, u64)> {
    let (front, end) = ends.split_at(ends.len().checked_sub(END_BYTES + SEAL_DIGITS)?);
    let mut cursor = Cursor::new(end);
    let signed = cursor.le32()? == END;
    let disks = [cursor.le16()?, cursor.le16()?];
    let (here, files) = (cursor.le16()?, cursor.le16()?);
    let said = [u64::from(files), cursor.le32()?.into(), cursor.le32()?.into()];
    let comment = usize::from(cursor.le16()?);
    if !signed || disks != [0, 0] || here != files || comment != SEAL_DIGITS {
        return None;
    }
    let is_long = said.iter().zip(TOO_LONG).any(|(&said, too_long)| said == too_long);
    let [_, size, offset] = if is_long { long_end(front, begin, said)? } else { said };
    let behind = if is_long { begin } else { begin.saturating_add(len32(front.len()).into()) };
    let fits = size <= DIRECTORY_BYTES_MAX && offset.checked_add(size) == Some(behind);
    fits.then_some((offset, size))
}

/// What stands in front of the end where its own numbers are too short: how many files there are, the
/// directory's length and where it begins.
fn long_end(bytes: &[u8], at: u64, said: [u64; 3]) -> Option<[u64; 3]> {
    let mut cursor = Cursor::new(bytes);
    let signed = cursor.le32()? == END_64;
    let len = cursor.le64()?;
    cursor.skip(4)?;
    let disks = [cursor.le32()?, cursor.le32()?];
    let here = cursor.le64()?;
    let long = [cursor.le64()?, cursor.le64()?, cursor.le64()?];
    let located = cursor.le32()? == LOCATOR_64 && cursor.le32()? == 0;
    let begins = cursor.le64()?;
    let all_disks = cursor.le32()?;
    let sound =
        signed && len == END_64_BYTES_BEHIND && disks == [0, 0] && long.first() == Some(&here);
    let sound = sound && located && begins == at && all_disks == 1;
    let mut numbers = said.iter().zip(TOO_LONG).zip(long);
    let agrees = numbers.all(|((&said, too_long), long)| said == too_long || said == long);
    (sound && agrees).then_some(long)
}

/// Numbers that are too long for their fields, in the order of these (section 4.5.3): there is nothing
/// else in the extra field of a bundle's files.
fn widened<const N: usize>(short: [u32; N], extra: &[u8], all: bool) -> Option<[u64; N]> {
    let mut cursor = Cursor::new(extra);
    let mut wide = short.map(u64::from);
    if !short.contains(&u32::MAX) {
        return extra.is_empty().then_some(wide);
    }
    if cursor.le16()? != 1 || usize::from(cursor.le16()?) != cursor.remaining() {
        return None;
    }
    for (wide, short) in wide.iter_mut().zip(short) {
        if short == u32::MAX {
            *wide = cursor.le64()?;
        } else if all {
            return None;
        }
    }
    cursor.is_empty().then_some(wide)
}

impl Listed {
    fn read(cursor: &mut Cursor<'_>) -> Option<Self> {
        if cursor.le32()? != CENTRAL {
            return None;
        }
        cursor.skip(2)?;
        let (fields, crc, packed, size) = said_by_both(cursor)?;
        let (name, extra, comment) = (cursor.le16()?, cursor.le16()?, cursor.le16()?);
        let disk = cursor.le16()?;
        cursor.skip(2)?;
        let (mode, offset) = (cursor.le32()?, cursor.le32()?);
        let name = cursor.take(usize::from(name))?.to_vec();
        let extra = cursor.take(usize::from(extra))?;
        cursor.skip(usize::from(comment))?;
        // The size comes first there, whatever the order of the fields.
        let [size, packed, offset] = widened([size, packed, offset], extra, false)?;
        let said = Said { fields, crc, packed, size, name };
        Some(Self { said, rest: (disk, comment, mode), offset })
    }

    /// Whether it is a file as bundles have them.
    fn check(&self, name: &str) -> Result<(), Refusal> {
        const ENCRYPTED: u16 = 1;
        const KIND: u32 = 0o170_000;
        const REGULAR: u32 = 0o100_000;
        let [_, flags, method, ..] = self.said.fields;
        let (disk, comment, mode) = self.rest;
        let kind = mode.checked_shr(16).unwrap_or_default() & KIND;
        let why = if flags & ENCRYPTED != 0 {
            "is encrypted"
        } else if flags != 0 {
            "is stored in a way that bundles never use: its size follows it, or worse"
        } else if method != DEFLATED {
            "is stored in a way that bundles never use"
        } else if kind != 0 && kind != REGULAR {
            "is no regular file"
        } else if disk != 0 || comment != 0 {
            "has a comment, or is on another disk"
        } else if self.said.packed > most_packed(self.said.size) {
            "is larger when compressed than it can be"
        } else {
            return Ok(());
        };
        Err(refused(name, why))
    }
}

/// What a file's own header and the directory have in common, in one order: fields, checksum, and the
/// sizes, which may be too long to stand there.
fn said_by_both(cursor: &mut Cursor<'_>) -> Option<([u16; 5], u32, u32, u32)> {
    let mut fields = [0; 5];
    for field in &mut fields {
        *field = cursor.le16()?;
    }
    Some((fields, cursor.le32()?, cursor.le32()?, cursor.le32()?))
}

/// What does not shrink grows by five bytes in each 16 KiB at most, but for the end.
const fn most_packed(size: u64) -> u64 {
    size.saturating_add(size / 1024).saturating_add(1024)
}

/// A file's own header, and where it ends. None where there is no such header.
fn local(file: &File, at: u64) -> io::Result<(Option<Said>, u64)> {
    let bytes = read_at(file, at, LOCAL_BYTES)?;
    let length = |at| u64::from(le16(&bytes, at).unwrap_or_default());
    let more = length(26).saturating_add(length(28));
    let rest = read_at(file, at.saturating_add(LOCAL_BYTES), more)?;
    let end = at.saturating_add(LOCAL_BYTES).saturating_add(more);
    Ok((said(&bytes, &rest), end))
}

fn said(bytes: &[u8], rest: &[u8]) -> Option<Said> {
    let mut cursor = Cursor::new(bytes);
    if cursor.le32()? != LOCAL {
        return None;
    }
    let (fields, crc, packed, size) = said_by_both(&mut cursor)?;
    let name = rest.get(..usize::from(cursor.le16()?))?.to_vec();
    let [size, packed] = widened([size, packed], rest.get(name.len()..)?, true)?;
    Some(Said { fields, crc, packed, size, name })
}

impl Entry {
    /// Its bytes. Whoever reads to the end is told whether they were as many as the directory says.
    pub(super) fn unpack<R: Read + Seek>(&self, mut file: R) -> io::Result<Unpacked<R>> {
        file.seek(SeekFrom::Start(self.at))?;
        let packed = BufReader::with_capacity(1 << 16, file.take(self.packed));
        Ok(Unpacked {
            inner: DeflateDecoder::new(packed),
            left: self.size,
            crc: Crc::new(),
            entry: *self,
        })
    }
}

/// A file that is unpacked as it is read.
#[derive(Debug)]
pub(super) struct Unpacked<R: Read> {
    inner: DeflateDecoder<BufReader<Take<R>>>,
    left: u64,
    crc: Crc,
    entry: Entry,
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wrong = |why: &str| io::Error::new(io::ErrorKind::InvalidData, why);
        let read = self.inner.read(buffer)?;
        let len = u64::try_from(read).unwrap_or(u64::MAX);
        self.left =
            self.left.checked_sub(len).ok_or_else(|| wrong("it is longer than declared"))?;
        self.crc.update(wire::prefix(buffer, read));
        if read == 0 && !buffer.is_empty() {
            if self.left > 0 || self.crc.sum() != self.entry.crc {
                return Err(wrong("it is shorter than declared, or was changed"));
            }
            if !self.inner.get_mut().fill_buf()?.is_empty() {
                return Err(wrong("there is data after its end"));
            }
        }
        Ok(read)
    }
}
