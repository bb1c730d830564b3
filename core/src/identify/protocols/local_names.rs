//! The name services of a link: mDNS (RFC 6762), LLMNR (RFC 4795) and NetBIOS over UDP (RFC 1002).
//!
//! The first two and NetBIOS's name service have DNS's messages:
//!
//! ```text
//!  id(16)  flags(16)  counts of questions, answers, authorities, additionals (16 each)
//!  name type(16) class(16)     name type(16) class(16) TTL(32) length(16) data
//! ```
//!
//! mDNS is told by its id of zero, its two flag words and a name below `.local`; LLMNR by a question
//! for a single label without any flag; NetBIOS by names of 32 letters from A to P.

use crate::identify::messages::probe_datagrams;
use crate::identify::side_match::{Role, Said, Spot};
use crate::identify::view::Datagram;
use crate::identify::{Detail, DetailKey, Detector, Over};
use crate::wire::{Cursor, be16, from_wire, rest, u8_at};

pub(super) static MDNS: Detector = Detector {
    id: "mdns",
    title: "Multicast DNS",
    reference: "RFC 6762 section 18",
    over: Over::Udp,
    rests_on: "Id zero or a service's type, no flag but those of an answer, and a first name that \
               ends in .local or is a reversed address in an answer without a question.",
    blind_spots: "Answers to old clients, which repeat their id, are DNS.",
    bits: 80.0,
    probe: |view| probe_datagrams("mdns", view, read_mdns),
};

pub(super) static LLMNR: Detector = Detector {
    id: "llmnr",
    title: "LLMNR",
    reference: "RFC 4795 section 2.1",
    over: Over::Udp,
    rests_on: "One question for a name of one label, with no flag set and nothing behind it; or the \
               answer to such a question.",
    blind_spots: "A resolver without EDNS that asks for a top-level domain says the same. Names of \
                  several labels are left to DNS.",
    bits: 80.0,
    probe: |view| probe_datagrams("llmnr", view, read_llmnr),
};

pub(super) static NETBIOS_NS: Detector = Detector {
    id: "netbios-ns",
    title: "NetBIOS name service",
    reference: "RFC 1002 section 4.2",
    over: Over::Udp,
    rests_on: "A known operation and a first name of 32 letters from A to P with a known type.",
    blind_spots: "Nothing known.",
    bits: 128.0,
    probe: |view| probe_datagrams("netbios-ns", view, read_netbios),
};

pub(super) static NETBIOS_DGM: Detector = Detector {
    id: "netbios-dgm",
    title: "NetBIOS datagram service",
    reference: "RFC 1002 section 4.4",
    over: Over::Udp,
    rests_on: "A known message type and a source name of 32 letters from A to P.",
    blind_spots: "Error messages.",
    bits: 128.0,
    probe: |view| probe_datagrams("netbios-dgm", view, read_datagram),
};

/// Bytes of a message's header.
const HEADER: usize = 12;

/// A name's last two labels, and how many it has.
#[derive(Default)]
struct Name<'a> {
    first: &'a [u8],
    last: &'a [u8],
    last_but_one: &'a [u8],
    labels: usize,
}

/// RFC 1035 section 3.1; a first name has nothing before it to point to.
fn read_name<'a>(cursor: &mut Cursor<'a>) -> Option<Name<'a>> {
    let mut name = Name::default();
    loop {
        let label = cursor.block8().filter(|label| label.len() < 64)?;
        if label.is_empty() {
            return Some(name);
        }
        if name.labels == 0 {
            name.first = label;
        }
        name.last_but_one = name.last;
        name.last = label;
        name.labels = name.labels.saturating_add(1).min(128);
    }
}

fn read_mdns(datagram: &Datagram<'_>) -> Option<Said> {
    let bytes = datagram.bytes;
    let mut cursor = Cursor::new(bytes);
    let (id, flags) = (cursor.be16()?, cursor.be16()?);
    let counts = [cursor.be16()?, cursor.be16()?, cursor.be16()?, cursor.be16()?];
    let [questions, answers, ..] = counts;
    let name = read_name(&mut cursor)?;
    let (_, class) = (cursor.be16()?, cursor.be16()?);
    // RFC 6762 section 18.3: QR, AA and TC only
    let known = matches!(flags, 0 | 0x0200 | 0x8400 | 0x8000 | 0x8600);
    let small = counts.iter().all(|count| *count <= 256) && questions.max(answers) > 0;
    let local = name.last.eq_ignore_ascii_case(b"local");
    let reversed = name.last.eq_ignore_ascii_case(b"arpa") && flags == 0x8400 && questions == 0;
    // The upper bit of the class is QU, or flushes the cache.
    // Some ask with an id, for a service by its type: that is below .local in mDNS only.
    let service = local && matches!(name.last_but_one, b"_tcp" | b"_udp");
    let fits = (id == 0 || service)
        && known
        && small
        && (local || reversed)
        && matches!(class & 0x7fff, 1 | 255);
    let (role, what) =
        if flags & 0x8000 == 0 { (Role::Client, "query") } else { (Role::Server, "answer") };
    // id or service type, flags, four counts, .local, class
    let bits = 16.0 + 13.0 + 28.0 + 32.0 + 14.0;
    fits.then(|| {
        Said::new(role, bits, format!("mDNS {what}"), Spot::datagram(0, 0, 16))
            .with(Detail::new(DetailKey::DnsName, dotted(bytes)))
    })
}

/// The first name of a message, for people.
fn dotted(bytes: &[u8]) -> Box<str> {
    let mut cursor = Cursor::new(rest(bytes, HEADER));
    let mut name = Vec::new();
    while let Some(label) = cursor.block8().filter(|label| !label.is_empty()) {
        if !name.is_empty() {
            name.push(b'.');
        }
        name.extend_from_slice(label);
    }
    from_wire(&name)
}

fn read_llmnr(datagram: &Datagram<'_>) -> Option<Said> {
    let bytes = datagram.bytes;
    let mut cursor = Cursor::new(bytes);
    let (id, flags) = (cursor.be16()?, cursor.be16()?);
    let (questions, answers) = (cursor.be16()?, cursor.be16()?);
    let (authorities, additionals) = (cursor.be16()?, cursor.be16()?);
    let name = read_name(&mut cursor)?;
    let (kind, class) = (cursor.be16()?, cursor.be16()?);
    let is_query = flags == 0 && answers == 0 && cursor.is_empty();
    let is_answer = flags == 0x8000 && answers <= 16 && cursor.is_empty() == (answers == 0);
    let host = name.first.len() < 64
        && name.first.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ' || *byte > 127)
        && !(name.first.len() == 32 && is_netbios_letters(name.first));
    let fits = id != 0
        && (is_query || is_answer)
        && (questions, authorities, additionals) == (1, 0, 0)
        && name.labels == 1
        && host
        && matches!(kind, 1 | 6 | 12 | 28 | 33 | 255)
        && class == 1;
    let (role, what) = if is_query { (Role::Client, "query") } else { (Role::Server, "answer") };
    // flags, four counts, type, class; the name's length and end
    let bits = 15.0 + 60.0 + 13.0 + 16.0 + 8.0;
    fits.then(|| {
        Said::new(role, bits, format!("LLMNR {what}"), Spot::datagram(0, 0, 16))
            .with(Detail::new(DetailKey::DnsName, dotted(bytes)))
    })
}

fn is_netbios_letters(label: &[u8]) -> bool {
    label.iter().all(|byte| (b'A'..=b'P').contains(byte))
}

/// RFC 1001 section 14.1: half a byte a letter.
fn has_netbios_name(bytes: &[u8], at: usize) -> bool {
    u8_at(bytes, at) == Some(32)
        && rest(bytes, at.saturating_add(1)).get(..32).is_some_and(is_netbios_letters)
}

fn read_netbios(datagram: &Datagram<'_>) -> Option<Said> {
    let bytes = datagram.bytes;
    let flags = be16(bytes, 2)?;
    // RFC 1002 section 4.2.1.1: query, registration, release, WACK, refresh, and two more in use
    let known = matches!(flags >> 11 & 0x0f, 0 | 5..=9 | 15);
    let end = rest(bytes, HEADER.saturating_add(33));
    // The name may have a scope behind it.
    let typed = end.first() != Some(&0) || matches!(be16(end, 1), Some(0x20 | 0x21 | 0x0a));
    let (role, what) =
        if flags & 0x8000 == 0 { (Role::Client, "request") } else { (Role::Server, "response") };
    (known && has_netbios_name(bytes, HEADER) && typed).then(|| {
        let fact = format!("NetBIOS name service {what}");
        Said::new(role, 130.0, fact, Spot::datagram(0, HEADER, 16))
    })
}

fn read_datagram(datagram: &Datagram<'_>) -> Option<Said> {
    let bytes = datagram.bytes;
    let at = match u8_at(bytes, 0)? {
        0x10..=0x12 => 14,
        0x14..=0x16 => 10,
        _ => return None,
    };
    has_netbios_name(bytes, at)
        .then(|| Said::new(Role::Either, 130.0, "NetBIOS datagram", Spot::datagram(0, at, 16)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};

    fn message(header: &str, name: &str, tail: &str) -> Vec<u8> {
        let mut bytes = hex(header);
        for label in name.split('.') {
            bytes.push(u8::try_from(label.len()).unwrap());
            bytes.extend(label.bytes());
        }
        bytes.push(0);
        bytes.extend(hex(tail));
        bytes
    }

    const QUERY: &str = "0000 0000 0001 0000 0000 0000";
    const ANSWER: &str = "0000 8400 0000 0001 0000 0000";
    const LETTERS: &str = "CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    #[test]
    fn mdns_is_named_from_each_side() {
        let query = message(QUERY, "_ipp._tcp.local", "000c 8001");
        let answer = message(ANSWER, "hall.local", "0001 8001 00000078 0004 c0000201");
        let found = Talk::udp().a(&query).b(&answer).named_by(&MDNS);
        assert_eq!(found.spoken_by, [true, true]);
        Talk::udp().a(query).named_by(&MDNS);
        Talk::udp().a(answer).named_by(&MDNS);
    }

    #[test]
    fn llmnr_is_named_from_each_side() {
        let query = message("1a2b 0000 0001 0000 0000 0000", "wpad", "0001 0001");
        let answer = message(
            "1a2b 8000 0001 0001 0000 0000",
            "wpad",
            "0001 0001 0477706164 00 0001 0001 0000001e 0004 c0000201",
        );
        Talk::udp().a(&query).b(&answer).named_by(&LLMNR);
        Talk::udp().a(query).named_by(&LLMNR);
        Talk::udp().b(answer).named_by(&LLMNR);
    }

    #[test]
    fn netbios_is_named() {
        let query = message("1a2b 0110 0001 0000 0000 0000", LETTERS, "0021 0001");
        Talk::udp().a(&query).named_by(&NETBIOS_NS);
        let datagram = message("110a 1234 c0000201 008a 0064 0000", LETTERS, "20");
        Talk::udp().a(&datagram).named_by(&NETBIOS_DGM);
        for row in [&MDNS, &LLMNR] {
            Talk::udp().a(&query).refused_by(row);
            Talk::udp().a(&datagram).refused_by(row);
        }
    }

    #[test]
    fn look_alikes_are_refused() {
        // plain DNS
        let dns = message("1a2b 0100 0001 0000 0000 0000", "example.com", "0001 0001");
        let other = message(QUERY, "example.com", "0001 0001");
        let id = message("1a2b 0000 0001 0000 0000 0000", "hall.local", "0001 0001");
        let letters = message("1a2b 0110 0001 0000 0000 0000", &"Z".repeat(32), "0021 0001");
        let trailing = message("1a2b 0000 0001 0000 0000 0000", "wpad", "0001 0001 00");
        let recursive = message("1a2b 0100 0001 0000 0000 0000", "wpad", "0001 0001");
        for row in [&MDNS, &LLMNR, &NETBIOS_NS, &NETBIOS_DGM] {
            for look_alike in [&dns, &other, &id, &letters, &trailing, &recursive] {
                Talk::udp().a(look_alike).refused_by(row);
            }
        }
    }
}
