//! Says what a file is that is no capture of a kind that is read here, and what to do about it.
//!
//! Looks at the first bytes only. It never decides that a file is a capture: that is done before.
//! Each answer completes the sentence "FILE ...".

use super::{pcap, pcapng};
use portstory_core::internal::wire;
use portstory_core::internal::wire::{be16, be32, le16, le32};

/// Formats known by what they begin with, and the rest of a sentence.
const MAGICS: &[(&[u8], &str)] = &[
    // Compressed files of kinds that are not unpacked here.
    (b"\x1f\x9d", "is compressed: `gzip -dc FILE | portstory read -`"),
    (b"\x02\x21\x4c\x18", "is compressed in lz4's old format: `lz4 -dc FILE | portstory read -`"),
    (b"BZh", "is compressed: `bzip2 -dc FILE | portstory read -`"),
    (b"PK\x03\x04", "is a ZIP archive: unpack it first, with `unzip FILE`"),
    (b"7z\xbc\xaf\x27\x1c", "is a 7-Zip archive: unpack it first, with `7z x FILE`"),
    (b"btsnoop\0", "is a Bluetooth capture, which holds no IP packets"),
];

/// Captures of other programs, by what they begin with, all of which one program converts.
const CONVERTIBLE: &[(&[u8], &str)] = &[
    // RFC 1761.
    (b"snoop\0\0\0", "is a Sun snoop capture"),
    // Microsoft Network Monitor 2.x and 1.x.
    (b"GMBU", "is a Microsoft Network Monitor capture"),
    (b"RTSS", "is a Microsoft Network Monitor capture"),
    (b"XCP\0", "is a Sniffer (NetXRay) capture"),
    (b"TRSNIFF data    \x1a", "is a DOS Sniffer capture"),
    (b"iptrace ", "is an AIX iptrace capture"),
    (b"\x7fver", "is an OmniPeek capture"),
];

/// Whether a file begins as a pcapng file does.
pub(super) fn starts_as_section(head: &[u8]) -> bool {
    be32(head, 0) == Some(pcapng::SECTION)
}

/// Whether what [`describe`] says names a way to read the file all the same, so that nobody should
/// pass over it without a word.
pub(super) fn is_worth_a_word(message: &str) -> bool {
    let message = message.strip_prefix(PACKED).unwrap_or(message);
    message != NOTHING_KNOWN && message != TEXT && message != EMPTY
}

/// Whether a file in a folder was to be a capture, by its first bytes or its name: it is bad rather than
/// something else.
pub(super) fn was_to_be_one(name: &str, message: &str) -> bool {
    const NAMES: [&str; 3] = ["pcap", "pcapng", "cap"];
    let message = message.strip_prefix(PACKED).unwrap_or(message);
    let mut parts = name.rsplit(['.', '/']).take(2);
    let is_named_so = parts.any(|part| NAMES.iter().any(|name| part.eq_ignore_ascii_case(name)));
    let may_be = message == EMPTY || message.starts_with(super::reader::NOT_UNPACKED);
    message.starts_with(BEGINS) || (may_be && is_named_so)
}

/// Completes the sentence for a compressed file by `what` is said of what it holds.
pub(super) fn packed(what: &str) -> String {
    format!("{PACKED}{what}")
}

/// What a compressed file holds that was compressed again.
pub(super) fn twice_packed(program: &str) -> String {
    format!("is compressed once more: `{program} -dc FILE | portstory read -`")
}

const PACKED: &str = "is compressed, and what it holds ";

/// How the sentence on a capture begins that has no more than a beginning.
const BEGINS: &str = "begins as a ";

const EMPTY: &str = "is empty";
const NOTHING_KNOWN: &str = "is not a known capture file; if Wireshark opens it, `editcap -F pcap \
                             FILE OUT.pcap` converts it";
const TEXT: &str = "is text, not a capture; record with `tcpdump -w FILE`, \
    or convert a hex dump with `text2pcap`";

/// What the file is that begins with `head`, which is all of it if it `ended`.
pub(super) fn describe(head: &[u8], ended: bool) -> String {
    let row = |rows: &[(&[u8], &'static str)]| {
        rows.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, what)| *what)
    };
    if let Some(what) = row(CONVERTIBLE) {
        return format!("{what}: `editcap -F pcap FILE OUT.pcap` converts it");
    }
    let begins = starts_as_section(head) || pcap::is_magic(head);
    if begins && ended && head.len() < pcapng::SECTION_BYTES_MIN {
        return format!("{BEGINS}capture but ends within its header, after {} bytes", head.len());
    }
    let what = if head.is_empty() {
        EMPTY
    } else if let Some(what) = row(MAGICS) {
        what
    } else if begins {
        "begins as a pcapng file but has no byte-order magic: it is damaged, \
         perhaps by a transfer in text mode"
    } else if wire::rest(head, 257).starts_with(b"ustar") {
        "is a tar archive: unpack it first, with `tar -xf FILE`"
    } else if is_nstrace(head) {
        "is a NetScaler trace, which no tool converts; record it again with \
         `start nstrace -size 0 -traceformat PCAP`, or look at it in Wireshark"
    } else if is_etl(head) {
        "is a Windows event trace: `etl2pcapng FILE OUT.pcapng` converts what \
         `netsh trace` wrote, `pktmon etl2pcap FILE` what `pktmon` wrote"
    } else if is_erf(head) {
        "looks like an Endace ERF capture: `editcap -F pcap -T ether FILE OUT.pcap` converts it"
    } else if is_html(head) {
        "is an HTML page, not a capture; \
         perhaps a login or error page was saved in place of a download"
    } else if is_text(head) {
        TEXT
    } else {
        NOTHING_KNOWN
    };
    what.to_owned()
}

/// NetScaler's traces carry one of these signatures in a record within the first page of 8 KiB
/// (Wireshark, wiretap/netscaler.c): `NetScaler Performance Data`, `NetScaler V20 Performance Data`,
/// `Netscaler V30 ...`.
fn is_nstrace(head: &[u8]) -> bool {
    const NAME_BYTES: usize = 9;
    head.windows(NAME_BYTES).enumerate().any(|(at, window)| {
        window.eq_ignore_ascii_case(b"NetScaler") && {
            let rest = wire::rest(head, at.saturating_add(NAME_BYTES));
            rest.starts_with(b" Performance Data")
                || rest.starts_with(b" V") && wire::rest(rest, 4).starts_with(b" Performance Data")
        }
    })
}

/// A Windows event trace begins with a buffer header of 72 bytes, which begins with the buffer's
/// size. Behind it stands a system trace header of 32 bytes, with a type of 1 or 2 and both marker
/// bits, and behind that the log file header, which repeats the size (Windows SDK, evntrace.h).
fn is_etl(head: &[u8]) -> bool {
    let Some(size) = le32(head, 0) else { return false };
    let kind = wire::u8_at(head, 0x4a);
    let markers = wire::u8_at(head, 0x4b).unwrap_or(0);
    (1024..=16 << 20).contains(&size)
        && le32(head, 0x68) == Some(size)
        && matches!(kind, Some(1 | 2))
        && markers & 0xc0 == 0xc0
}

/// ERF has no magic: believed are two records in a row with sound types, lengths and near times.
///
/// Endace: 64-bit little-endian time (seconds in the upper half), type, flags, record length (16-bit
/// big-endian, header included), loss counter, wire length.
fn is_erf(head: &[u8]) -> bool {
    let record = |bytes: &[u8]| {
        let seconds = le32(bytes, 4)?;
        let kind = wire::u8_at(bytes, 8)? & 0x7f;
        let len = usize::from(be16(bytes, 10)?);
        let sound = (1..=48).contains(&kind) && len >= 16 && be16(bytes, 14)? > 0;
        sound.then_some((seconds, len))
    };
    let Some((first, len)) = record(head) else { return false };
    let Some((second, _)) = record(wire::rest(head, len)) else { return false };
    // 1990 to 2106, and a day between two records.
    first > 631_152_000 && first.abs_diff(second) < 86_400
}

fn is_html(head: &[u8]) -> bool {
    let text = head.trim_ascii_start();
    let begins = |with: &[u8]| wire::prefix(text, with.len()).eq_ignore_ascii_case(with);
    begins(b"<!doctype html") || begins(b"<html")
}

/// Printable ASCII, UTF-8 or UTF-16 with a mark.
fn is_text(head: &[u8]) -> bool {
    if matches!(le16(head, 0), Some(0xfeff | 0xfffe)) {
        return true;
    }
    let odd = |byte: &u8| byte.is_ascii_control() && !byte.is_ascii_whitespace() && *byte != 0x1b;
    // The head may end within a character.
    let utf8 = match std::str::from_utf8(head) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    utf8 && !head.iter().any(odd)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_magic_is_told_with_what_to_do() {
        for (magic, what) in MAGICS {
            let mut head = magic.to_vec();
            head.extend([0xff; 64]);
            assert_eq!(describe(&head, false), *what);
        }
    }

    #[test]
    fn a_netscaler_trace_is_known_by_its_signature_in_the_first_page() {
        for signature in ["NetScaler Performance Data", "Netscaler V35 Performance Data"] {
            let mut head = vec![0; 100];
            head.extend(signature.as_bytes());
            head.resize(8192, 0);
            assert!(describe(&head, false).contains("-traceformat PCAP"));
        }
        assert!(!is_nstrace(b"NetScaler V35 Performances"));
    }

    #[test]
    fn a_windows_event_trace_repeats_its_buffer_size() {
        let mut head = vec![0; 512];
        head[..4].copy_from_slice(&0x10000_u32.to_le_bytes());
        head[0x48..0x4c].copy_from_slice(&[2, 0, 2, 0xc0]);
        head[0x68..0x6c].copy_from_slice(&0x10000_u32.to_le_bytes());
        assert!(describe(&head, false).contains("etl2pcapng"));
        head[0x6a] = 0;
        assert!(!is_etl(&head));
    }

    #[test]
    fn two_erf_records_in_a_row_are_believed_one_is_not() {
        let mut record = vec![0; 80];
        record[4..8].copy_from_slice(&1_700_000_000_u32.to_le_bytes());
        record[8] = 2;
        record[11] = 80;
        record[15] = 60;
        let twice = [record.clone(), record.clone()].concat();
        assert!(describe(&twice, true).contains("-T ether"));
        assert!(!is_erf(&record));
    }

    #[test]
    fn empty_short_and_written_files_get_their_own_words() {
        assert_eq!(describe(b"", true), EMPTY);
        assert!(describe(&[0xd4, 0xc3, 0xb2, 0xa1, 2, 0], true).contains("after 6 bytes"));
        assert!(describe(&[0x0a, 0x0d, 0x0d, 0x0a], true).contains("after 4 bytes"));
        let mut section = [0; 40];
        section[..4].copy_from_slice(&[0x0a, 0x0d, 0x0d, 0x0a]);
        assert!(describe(&section, true).contains("byte-order"));
        assert!(describe(b"\n <!DOCTYPE HTML><p>", true).contains("HTML"));
        assert_eq!(describe("12:00 IP größer".as_bytes(), true), TEXT);
        assert_eq!(describe(&[0; 512], true), NOTHING_KNOWN);
        assert_eq!(describe(&[0], true), NOTHING_KNOWN);
    }

    #[test]
    fn no_head_is_too_short_or_too_odd_to_describe() {
        for byte in [0, b'N', 0xff] {
            for len in 0..200 {
                assert!(!describe(&vec![byte; len], true).is_empty());
            }
        }
    }
}
