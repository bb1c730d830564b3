//! Knows by its first bytes what this program has written: what is not, is not overwritten unasked.
//!
//! Only fixed strings at known places are looked for. Whoever wants to be taken for one of ours can.

use portstory_core::internal::wire::{le16, prefix, rest};

/// Bytes of a file that are enough to tell: the first line of EVE has to be among them.
pub(super) const HEAD_BYTES: usize = 64 * 1024;

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// Packets, which can be read again.
    Packets,
    /// Flows as a table, EVE or CSV; a report; a bundle; a manual page.
    Words,
}

/// What begins with `head`; nothing, where this program writes nothing that begins so.
pub(super) fn written_here(head: &[u8]) -> Option<Written> {
    if is_pcap(head) || is_pcapng(head) {
        return Some(Written::Packets);
    }
    let is_words = is_eve(head)
        || (head.starts_with(b".ie \\n(.g .ds Aq") && contains(head, b"\n.TH PORTSTORY"))
        || head.starts_with(b"start,end,label,status,protocol,")
        || is_table(head)
        || (head.starts_with(b"<!DOCTYPE html>") && contains(head, b"<title>portstory: "))
        || (head.starts_with(b"# ") && contains(head, b"\n\n- timelot-unknown: "))
        || is_bundle(head);
    is_words.then_some(Written::Words)
}

/// As [`crate::output::PacketWriter`] begins one: nanoseconds, little-endian.
fn is_pcap(head: &[u8]) -> bool {
    head.starts_with(b"\x4d\x3c\xb2\xa1\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\x04\0")
}

/// A section whose first option is the name of this program.
fn is_pcapng(head: &[u8]) -> bool {
    head.starts_with(b"\x0a\x0d\x0d\x0a")
        && rest(head, 8).starts_with(b"\x4d\x3c\x2b\x1a\x01\0\0\0")
        && le16(head, 24) == Some(4)
        && rest(head, 28).starts_with(b"portstory ")
}

fn is_eve(head: &[u8]) -> bool {
    let line = head.split(|&byte| byte == b'\n').next().unwrap_or_default();
    line.starts_with(b"{\"timestamp\":\"") && contains(line, b",\"portstory\":{")
}

/// A table begins with its headings, or, where no flow fits below them or there is none, with what
/// comes behind it.
fn is_table(head: &[u8]) -> bool {
    let line = head.split(|&byte| byte == b'\n').next().unwrap_or_default();
    (line.starts_with(b"# ") && contains(line, b"LABEL") && contains(line, b"CLIENT -> SERVER"))
        || line.starts_with(b"ENDPOINTS, worst first")
        || line == b"SUMMARY"
        || (line.first().is_some_and(u8::is_ascii_digit) && contains(head, b"\n\nSUMMARY\n"))
}

/// A zip whose first file is a bundle's, without a time.
fn is_bundle(head: &[u8]) -> bool {
    let name = b"eve.json";
    head.starts_with(b"PK\x03\x04")
        && rest(head, 10).starts_with(b"\0\0\x21\0")
        && le16(head, 26).map(usize::from) == Some(name.len())
        && rest(head, 30).starts_with(name)
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    let bytes = prefix(bytes, HEAD_BYTES);
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_write_is_none_of_ours() {
        let others: [&[u8]; 9] = [
            b"",
            b"notes\n\nSUMMARY\n",
            b"\xd4\xc3\xb2\xa1\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\x04\0",
            b"\x0a\x0d\x0d\x0a\x3c\0\0\0\x4d\x3c\x2b\x1a\x01\0\0\0",
            b"{\"timestamp\":\"2026-01-01T00:00:00+0000\",\"event_type\":\"flow\"}\n{\"portstory\":{}}",
            b"<!DOCTYPE html><title>portstories</title>",
            b"# Notes\n",
            b"PK\x03\x04\x14\0\0\0\x08\0\x11\x22\x33\x44",
            b"start,end\r\n",
        ];
        for head in others {
            assert_eq!(written_here(head), None, "{}", String::from_utf8_lossy(head));
        }
    }
}
