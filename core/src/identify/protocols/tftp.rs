//! TFTP (RFC 1350) with options (RFC 2347), over UDP.
//!
//! ```text
//!  0001, 0002  file 0 mode 0 [option 0 value 0]...      read, write
//!  0003 block(16) data      0004 block(16)              data, acknowledgement
//!  0005 code(16) text 0     0006 [option 0 value 0]...  error, options accepted
//! ```
//!
//! A transfer goes on between ports of its own, so data and acknowledgements must do alone.

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "tftp",
    title: "TFTP",
    reference: "RFC 1350 section 5, RFC 2347",
    rests_on: "A request with a file's name and a known mode; an error's text; or blocks that are \
               numbered one after the other, each as long as the one before, and their \
               acknowledgements.",
    blind_spots: "A transfer of one block of which one side was captured.",
    bits: 32.0,
    openings: Openings::Known(&[one_of(&[0]), within(&[(1, 6)]).at(1).required()]),
    asks: over_udp(|view| probe_sides(view, match_side)),
};

fn match_side(head: &SideView<'_>) -> SideMatch<Said> {
    let Some(first) = head.datagrams.first() else { return Err(Short) };
    match be16(first.bytes, 0) {
        Some(1 | 2) => request(first).ok_or(Not),
        Some(5) => error(first).ok_or(Not),
        Some(6) => accepted(first).ok_or(Not),
        Some(3) => blocks(head.datagrams, 3).ok_or(Not),
        Some(4) => blocks(head.datagrams, 4).ok_or(Not),
        Some(_) | None => Err(Not),
    }
}

fn is_text(text: &[u8]) -> bool {
    text.iter().all(|byte| *byte >= b' ' && *byte != 0x7f)
}

fn request(datagram: &Datagram<'_>) -> Option<Said> {
    let mut texts = rest(datagram.bytes, 2).split(|byte| *byte == 0);
    let (file, mode) = (texts.next()?, texts.next()?);
    let known = [&b"octet"[..], b"netascii", b"mail"].iter().any(|m| mode.eq_ignore_ascii_case(m));
    let ended = !datagram.is_whole() || datagram.bytes.last() == Some(&0);
    let what = if datagram.bytes.get(1) == Some(&1) { "read" } else { "write" };
    (known && ended && is_text(file) && !file.is_empty())
        .then(|| Said::all(Role::Client, 15.0 + 35.0, format!("TFTP {what} request")))
}

fn error(datagram: &Datagram<'_>) -> Option<Said> {
    let code = be16(datagram.bytes, 2)?;
    let text = rest(datagram.bytes, 4).split_last();
    let fits = text.is_some_and(|(end, text)| *end == 0 && is_text(text));
    // One without words says too little alone.
    let own = text.is_some_and(|(_, text)| text.len() > 3);
    let bits = 16.0 + 12.8 + if own { 8.0 } else { 0.0 };
    (code <= 8 && fits && datagram.is_whole())
        .then(|| Said::all(Role::Either, bits, format!("TFTP error {code}")).owned_if(own))
}

fn accepted(datagram: &Datagram<'_>) -> Option<Said> {
    let texts: Vec<&[u8]> = rest(datagram.bytes, 2).split(|byte| *byte == 0).collect();
    let (end, pairs) = texts.split_last()?;
    let known = pairs.chunks_exact(2).all(|pair| {
        let name = pair.first().is_some_and(|name| {
            [&b"blksize"[..], b"tsize", b"timeout", b"windowsize", b"blksize2", b"utimeout"]
                .iter()
                .any(|known| name.eq_ignore_ascii_case(known))
        });
        name && pair.get(1).is_some_and(|value| value.iter().all(u8::is_ascii_digit))
    });
    (end.is_empty() && known && pairs.len() >= 2 && pairs.len().is_multiple_of(2))
        .then(|| Said::all(Role::Server, 16.0 + 40.0, "TFTP options accepted"))
}

/// Blocks of data (3), or their acknowledgements (4): the numbers go on by one, or are repeated.
fn blocks(datagrams: &[Datagram<'_>], opcode: u16) -> Option<Said> {
    let mut bits = 0.0;
    let mut last: Option<u16> = None;
    let mut size = None;
    for datagram in datagrams {
        let block = be16(datagram.bytes, 2)?;
        let step = block.wrapping_sub(last.unwrap_or_else(|| block.wrapping_sub(1)));
        let sized = if opcode == 4 {
            datagram.wire_len == 4
        } else {
            // Only the last may be shorter.
            let full = *size.get_or_insert(datagram.wire_len);
            let was_last = size.is_some_and(|size| size != datagram.wire_len);
            datagram.wire_len >= 4 && (!was_last || datagram.wire_len < full)
        };
        if prefix(datagram.bytes, 2) != opcode.to_be_bytes() || !sized || step > 1 {
            return None;
        }
        // One alone is not enough, whatever its number.
        bits += match last {
            None => 16.0,
            Some(_) if step == 1 => 16.0 + 16.0,
            Some(_) => 0.0,
        };
        last = Some(block);
    }
    let what = if opcode == 3 { "blocks of data" } else { "acknowledgements" };
    Some(Said::all(Role::Either, bits, format!("TFTP {what}, up to {}", last.unwrap_or_default())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};

    fn block(number: u16, len: usize) -> Vec<u8> {
        let mut block = vec![0, 3];
        block.extend(number.to_be_bytes());
        block.resize(4 + len, 0xa5);
        block
    }

    #[test]
    fn requests_answers_and_blocks_are_named() {
        let read = b"\0\x01boot.bin\0octet\0blksize\x001024\0";
        Talk::udp().a(read).b(b"\0\x06blksize\x001024\0").named_by(&DETECTOR);
        Talk::udp().a(read).named_by(&DETECTOR);
        Talk::udp().b(b"\0\x05\0\x01File not found\0").named_by(&DETECTOR);
        let talk =
            Talk::udp().b(block(1, 512)).a(hex("00040001")).b(block(2, 100)).a(hex("00040002"));
        talk.named_by(&DETECTOR);
        for side in crate::net::Side::BOTH {
            talk.clone().only(side).named_by(&DETECTOR);
        }
        Talk::udp().b(block(1, 100)).a(hex("00040001")).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::udp().a(block(1, 512)).refused_by(&DETECTOR);
        Talk::udp().a(block(1, 512)).a(block(9, 512)).refused_by(&DETECTOR);
        Talk::udp().a(block(1, 100)).a(block(2, 512)).refused_by(&DETECTOR);
        Talk::udp().a(hex("0004 0001 00")).a(hex("0004 0002 00")).refused_by(&DETECTOR);
        Talk::udp().a(b"\0\x01boot.bin\0binary\0").refused_by(&DETECTOR);
        Talk::udp().b(b"\0\x05\0\x2aFile not found\0").refused_by(&DETECTOR);
        // STUN
        Talk::udp().a(hex("0001 0000 2112a442 000102030405060708090a0b")).refused_by(&DETECTOR);
    }
}
