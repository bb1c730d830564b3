//! Where a program's file begins in a packet.
//!
//! A packet is looked at by itself, so that the fact is the same however a capture is cut, at the places
//! where a file can begin in it: at its start (FTP's data, a stream as it is, the body of an HTTP answer
//! whose header stands before), behind TFTP's header, and in a packet that begins with text behind an
//! empty line (HTTP's header, a part of a form) or a line with a number (the size of a chunk). What is
//! compressed or encrypted is not seen, nor a header that two packets share.

use crate::wire::{be16, be32, index, le16, le32, prefix, rest};

/// The kinds of files that are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// Linux and others: System V ABI, "ELF Header".
    Elf,
    /// Windows: Microsoft, "PE Format".
    Pe,
    /// Apple: `mach-o/loader.h`, `mach-o/fat.h`.
    MachO,
    /// A text whose first line names who runs it: execve(2), "Interpreter scripts".
    Script,
}

impl Program {
    /// What people call it, with its article.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Elf => "an ELF program",
            Self::Pe => "a Windows program (PE)",
            Self::MachO => "a Mach-O program",
            Self::Script => "a script",
        }
    }
}

/// Lines of a packet that are looked at: a header has fewer.
const LINES_MAX: usize = 128;

/// Bytes that must be text for a packet to have lines.
const TEXT_BYTES: usize = 4;

/// The program whose file begins in a packet with this payload.
pub(super) fn find(payload: &[u8], is_datagram: bool) -> Option<Program> {
    if let Some(program) = at_start(payload) {
        return Some(program);
    }
    // RFC 1350: the first block of data.
    if is_datagram && payload.starts_with(&[0, 3, 0, 1]) {
        return at_start(rest(payload, 4));
    }
    if is_datagram
        || payload.len() <= TEXT_BYTES
        || !prefix(payload, TEXT_BYTES).iter().all(is_text)
    {
        return None;
    }
    let mut left = payload;
    for _ in 0..LINES_MAX {
        let end = left.iter().position(|byte| *byte == b'\n')?;
        let line = prefix(left, end);
        left = rest(left, end.saturating_add(1));
        let Some(line) = line.strip_suffix(b"\r") else { continue };
        if line.is_empty() || is_chunk_size(line) {
            let program = at_start(left);
            if program.is_some() {
                return program;
            }
        }
    }
    None
}

fn is_text(byte: &u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\r' | b'\n' | b'\t')
}

/// RFC 9112, section 7.1: hexadecimal digits, and extensions that hardly anybody uses.
fn is_chunk_size(line: &[u8]) -> bool {
    let digits = line.split(|byte| *byte == b';').next().unwrap_or_default();
    let digits = digits.trim_ascii_end();
    (1..=16).contains(&digits.len()) && digits.iter().all(u8::is_ascii_hexdigit)
}

/// The program that these bytes are the beginning of.
fn at_start(bytes: &[u8]) -> Option<Program> {
    match bytes.first()? {
        0x7f => is_elf(bytes).then_some(Program::Elf),
        b'M' => is_pe(bytes).then_some(Program::Pe),
        0xca..=0xcf | 0xfe => is_mach_o(bytes).then_some(Program::MachO),
        b'#' => is_script(bytes).then_some(Program::Script),
        _ => None,
    }
}

/// The whole of `e_ident` that has a meaning, and what follows it: a type below those that systems
/// define, a machine, the version. These 24 bytes are enough to tell; fewer are not believed.
fn is_elf(bytes: &[u8]) -> bool {
    let [0x7f, b'E', b'L', b'F', class @ 1..=2, order @ 1..=2, 1, ..] = bytes else { return false };
    let half = |at| if *order == 1 { le16(bytes, at) } else { be16(bytes, at) };
    let word = |at| if *order == 1 { le32(bytes, at) } else { be32(bytes, at) };
    let (Some(kind), Some(machine), Some(version)) = (half(16), half(18), word(20)) else {
        return false;
    };
    // Where it is there: the size of this header.
    let size = half(if *class == 1 { 40 } else { 52 });
    let expected = if *class == 1 { 52 } else { 64 };
    (1..=4).contains(&kind)
        && machine != 0
        && version == 1
        && size.is_none_or(|size| size == expected)
}

/// MZ whose `e_lfanew` leads to a PE header. Where that is beyond the packet's end: what every linker
/// writes in between, a header of four paragraphs, relocations at its end, and `e_lfanew` at a multiple
/// of eight near by. MZ alone would be seen in random payload, and in text, too often.
fn is_pe(bytes: &[u8]) -> bool {
    const DOS_HEADER_BYTES: u32 = 64;
    const LFANEW_MAX: u32 = 0x1000;
    if !bytes.starts_with(b"MZ") {
        return false;
    }
    let Some(at) = le32(bytes, 0x3c).filter(|at| *at >= 4) else { return false };
    let header = rest(bytes, index(at));
    if header.len() >= 4 {
        return header.starts_with(b"PE\0\0");
    }
    le16(bytes, 8) == Some(4)
        && le16(bytes, 0x18) == Some(0x40)
        && (DOS_HEADER_BYTES..=LFANEW_MAX).contains(&at)
        && at.is_multiple_of(8)
}

/// A magic number in one of both byte orders, a processor and a type that exist; or a file for several
/// processors, whose number of these tells it from a Java class, which begins alike.
fn is_mach_o(bytes: &[u8]) -> bool {
    const FILE_TYPE_MAX: u32 = 12;
    const ARCHITECTURES_MAX: u32 = 30;
    let word = |at| match bytes.first() {
        Some(0xfe | 0xca) => be32(bytes, at),
        Some(_) | None => le32(bytes, at),
    };
    let is_processor = |at| word(at).is_some_and(is_processor);
    match word(0) {
        Some(0xfeed_face | 0xfeed_facf) => {
            is_processor(4) && word(12).is_some_and(|kind| (1..=FILE_TYPE_MAX).contains(&kind))
        }
        Some(0xcafe_babe) => {
            word(4).is_some_and(|count| (1..=ARCHITECTURES_MAX).contains(&count)) && is_processor(8)
        }
        Some(_) | None => false,
    }
}

/// `mach/machine.h`: x86, ARM and PowerPC, as 32 and as 64 bits, and ARM's 64 with short pointers.
fn is_processor(number: u32) -> bool {
    const BITS_64: u32 = 0x0100_0000;
    const BITS_64_SHORT: u32 = 0x0200_0000;
    matches!(number & !(BITS_64 | BITS_64_SHORT), 7 | 12 | 18)
}

/// A path to one of the usual interpreters, to the end of the first line.
fn is_script(bytes: &[u8]) -> bool {
    const LINE_BYTES_MAX: usize = 127;
    const INTERPRETERS: [&[u8]; 14] = [
        b"sh", b"bash", b"dash", b"ash", b"zsh", b"ksh", b"csh", b"env", b"python", b"perl",
        b"ruby", b"node", b"php", b"pwsh",
    ];
    let Some(line) = bytes.strip_prefix(b"#!") else { return false };
    let line = prefix(line, LINE_BYTES_MAX);
    let Some(end) = line.iter().position(|byte| *byte == b'\n') else { return false };
    let line = prefix(line, end).trim_ascii();
    if !line.starts_with(b"/") || !line.iter().all(is_text) {
        return false;
    }
    let path = line.split(|byte| *byte == b' ').next().unwrap_or_default();
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    // A version may follow, as in python3.11.
    let is_version = |byte: &u8| byte.is_ascii_digit() || *byte == b'.';
    let last = name.iter().rposition(|byte| !is_version(byte));
    last.is_some_and(|last| INTERPRETERS.contains(&prefix(name, last.saturating_add(1))))
}

#[cfg(test)]
mod tests {
    use portstory_testkit::Random;

    use super::*;

    fn elf() -> Vec<u8> {
        let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0\x01\0\0\0".to_vec();
        file.resize(52, 0);
        file.extend([64, 0]);
        file.resize(200, 7);
        file
    }

    fn pe(lfanew: u32) -> Vec<u8> {
        let mut file = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0\xb8\0\0\0\0\0\0\0\x40\0".to_vec();
        file.resize(0x3c, 0);
        file.extend(lfanew.to_le_bytes());
        file.resize(usize::try_from(lfanew).unwrap().max(64), 0x90);
        file.extend(b"PE\0\0\x64\x86");
        file
    }

    fn tcp(payload: &[u8]) -> Option<Program> {
        find(payload, false)
    }

    fn behind(text: &str, file: &[u8]) -> Option<Program> {
        tcp(&[text.as_bytes(), file].concat())
    }

    #[test]
    fn files_are_found_where_they_begin() {
        let mach_o = b"\xcf\xfa\xed\xfe\x0c\0\0\x01\0\0\0\0\x02\0\0\0";
        let fat = b"\xca\xfe\xba\xbe\0\0\0\x02\x01\0\0\x07\0\0\0\x03";
        let big = b"\x7fELF\x01\x02\x01\0\0\0\0\0\0\0\0\0\0\x02\0\x08\0\0\0\x01";
        for (file, program) in [
            (&elf()[..], Program::Elf),
            (big, Program::Elf),
            (&pe(0x80), Program::Pe),
            (&pe(0xf8), Program::Pe),
            (&pe(0x100)[..0x90], Program::Pe),
            (mach_o, Program::MachO),
            (fat, Program::MachO),
            (b"#!/bin/sh\nrm -r /\n", Program::Script),
            (b"#! /usr/bin/env python3\nimport os\n", Program::Script),
            (b"#!/usr/local/bin/python3.11 -u\r\nimport os\n", Program::Script),
        ] {
            assert_eq!(tcp(file), Some(program));
            let header = "HTTP/1.1 200 OK\r\nServer: x\r\n";
            for text in [
                &format!("{header}\r\n"),
                &format!("{header}Transfer-Encoding: chunked\r\n\r\n1f40\r\n"),
                "Header-That: goes on\r\n\r\n",
                "1f40;name=value\r\n",
                "----x\r\nContent-Type: application/octet-stream\r\n\r\n",
            ] {
                assert_eq!(behind(text, file), Some(program), "{text}");
            }
        }
        assert_eq!(find(&[&[0, 3, 0, 1][..], &elf()].concat(), true), Some(Program::Elf));
    }

    #[test]
    fn what_only_looks_like_one_is_none() {
        let class = b"\xca\xfe\xba\xbe\0\0\0\x34\0\x1d\x0a\0";
        let mut other_type = elf();
        other_type[16] = 9;
        let mut other_size = elf();
        other_size[52] = 52;
        let mut no_pe = pe(0x80);
        no_pe[0x80] = b'N';
        for file in [
            &b"MZ is how some text begins, and it goes on for longer than a header does, or so it seems."[..],
            b"MZ",
            &no_pe,
            // The header of DOS alone, without what linkers write.
            &[&b"MZ"[..], &[0x90; 70]].concat(),
            b"\x7fELF",
            &elf()[..20],
            &other_type,
            &other_size,
            class,
            b"#!/bin/sh",
            b"#! not a path\n",
            b"#!/etc/motd\n",
            b"#1 in the list\n",
            b"\xfe\xed\xfa\xce\0\0\0\x63\0\0\0\0\0\0\0\x02",
        ] {
            assert_eq!(tcp(file), None, "{file:?}");
            assert_eq!(behind("HTTP/1.1 200 OK\r\n\r\n", file), None, "{file:?}");
        }
        // Not where a file begins.
        assert_eq!(behind("an archive that holds it ", &elf()), None);
        assert_eq!(behind("words\n\n", &elf()), None);
        assert_eq!(behind("\0\0binary\r\n\r\n", &elf()), None);
        assert_eq!(find(&[&[0, 3, 0, 2][..], &elf()].concat(), true), None);
        assert_eq!(find(&[], false), None);
    }

    #[test]
    fn bytes_at_random_are_none() {
        let mut random = Random::new(20_000);
        for _ in 0..20_000 {
            let packet = random.bytes(1448);
            assert_eq!(tcp(&packet), None);
            // At each of its places, too.
            for magic in [&b"MZ"[..], b"\x7fELF", b"\xcf\xfa\xed\xfe", b"#!/"] {
                let made = [magic, packet.get(magic.len()..).unwrap()].concat();
                assert_eq!(tcp(&made), None, "{magic:?}");
            }
        }
    }
}
