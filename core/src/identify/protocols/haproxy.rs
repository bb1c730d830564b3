//! The PROXY protocol of HAProxy, over TCP. What is proxied goes on inside.
//!
//! ```text
//!  1  "PROXY" SP TCP4|TCP6|UNKNOWN SP source SP destination SP port SP port CRLF
//!  2  0d0a0d0a000d0a515549540a  version and command(1)  family(1)  length(2)  addresses TLVs
//! ```

use std::net::IpAddr;
use std::str::FromStr;

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "proxy-protocol",
    title: "PROXY protocol (HAProxy)",
    reference: "The PROXY protocol, versions 1 and 2 (haproxy.org), sections 2.1 and 2.2",
    rests_on: "The header that the proxy sends first, in either version.",
    blind_spots: "It is the client's side alone that shows it.",
    bits: 80.0,
    openings: Openings::Known(&[one_of(b"\rP")]),
    asks: over_tcp(probe),
};

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

fn probe(view: &FlowView<'_>) -> Probe {
    // One header only: what follows it is another protocol's.
    let probe = match_stream(view, |bytes, _| Ok(read(bytes)?.of_len(bytes.len())));
    carrying(probe, |found| {
        let Some(side) = found.client else { return Inside::MayFollow };
        let Some(header) = read(view.side(side).stream).ok() else { return Inside::MayFollow };
        Inside::StartsAt(if side == Side::A { [header.len, 0] } else { [0, header.len] })
    })
}

fn read(bytes: &[u8]) -> SideMatch<Said> {
    match (starts_with(bytes, b"PROXY "), starts_with(bytes, SIGNATURE)) {
        (Some(true), _) => text(bytes),
        (_, Some(true)) => from_header(bytes, 16, binary),
        (None, _) | (_, None) => Err(Short),
        (Some(false), Some(false)) => Err(Not),
    }
}

fn text(bytes: &[u8]) -> SideMatch<Said> {
    // Section 2.1: 107 bytes at the most.
    let line = line(prefix(bytes, 108), false);
    if line == Err(Short) && bytes.len() < 108 {
        return Err(Short);
    }
    let Some(found) = line.ok() else { return Err(Not) };
    let words: Vec<&[u8]> = found.text.split(|byte| *byte == b' ').collect();
    let fits = match words.as_slice() {
        [_, b"UNKNOWN", ..] => true,
        [_, b"TCP4" | b"TCP6", source, target, ports @ ..] => {
            let addresses = [source, target].iter().all(|word| parses::<IpAddr>(word));
            addresses && ports.len() == 2 && ports.iter().all(|word| parses::<u16>(word))
        }
        _ => false,
    };
    let fact = || format!("PROXY protocol 1: {}", from_wire(found.text));
    fits.then(|| Said::new(found.len, Role::Client, 48.0 + 32.0, fact())).ok_or(Not)
}

fn parses<T: FromStr>(word: &[u8]) -> bool {
    std::str::from_utf8(word).is_ok_and(|word| word.parse::<T>().is_ok())
}

fn binary(bytes: &[u8]) -> Option<Said> {
    let (command, family, len) =
        (u8_at(bytes, 12)?, u8_at(bytes, 13)?, usize::from(be16(bytes, 14)?));
    let needed = match family {
        0 => 0,
        0x11 | 0x12 => 12,
        0x21 | 0x22 => 36,
        0x31 | 0x32 => 216,
        _ => return None,
    };
    (matches!(command, 0x20 | 0x21) && len >= needed).then(|| {
        Said::new(len.saturating_add(16), Role::Client, 96.0 + 7.0 + 5.0, "PROXY protocol 2")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};

    #[test]
    fn headers_are_named_and_what_follows_starts_behind_them() {
        let first = "PROXY TCP4 192.0.2.1 192.0.2.2 50000 443\r\n";
        let talk =
            Talk::tcp().a([first, "GET / HTTP/1.0\r\n\r\n"].concat()).b("HTTP/1.0 200 OK\r\n\r\n");
        let found = talk.named_by(&DETECTOR);
        assert_eq!(
            (found.client, found.inside),
            (Some(Side::A), Inside::StartsAt([first.len(), 0]))
        );
        let second = [SIGNATURE.to_vec(), hex("21 11 000c c0000201 c0000202 c350 01bb")].concat();
        assert_eq!(Talk::tcp().b(second).named_by(&DETECTOR).inside, Inside::StartsAt([0, 28]));
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().a("PROXY please\r\n").refused_by(&DETECTOR);
        Talk::tcp().a("PROXY TCP4 192.0.2.1 192.0.2.2 50000 70000\r\n").refused_by(&DETECTOR);
        Talk::tcp().a([SIGNATURE, &[0x11, 0x11, 0, 12]].concat()).refused_by(&DETECTOR);
        Talk::tcp().a("\r\n\r\nGET / HTTP/1.0\r\n").refused_by(&DETECTOR);
    }
}
