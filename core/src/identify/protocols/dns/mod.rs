//! Unicast DNS (RFC 1035 section 4), over UDP and TCP.
//!
//! ```text
//!  id(16)  QR opcode(4) AA TC RD RA Z AD CD rcode(4)   counts of questions, answers, authorities,
//!  additionals (16 each)   name type(16) class(16)     name type(16) class(16) TTL(32) len(16) data
//! ```
//!
//! mDNS, LLMNR and NetBIOS's name service have the same messages. What only they say is refused,
//! and what they would say in the same words is not taken for DNS without a sign of it.

mod metadata;
mod types;

use std::fmt::Write as _;

use crate::identify::names::is_netbios_letters;
use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "dns",
    title: "DNS",
    reference: "RFC 1035 section 4, RFC 6895 section 2, RFC 7766 section 8",
    rests_on: "A whole message: flags that fit each other, small counts, a question with a known \
               type and class, and records that end where the message ends.",
    blind_spots: "Queries that LLMNR would put in the same words (no flag set, no EDNS, a name of one \
                  label) stay unnamed, and zone transfers seen from their middle.",
    bits: 44.0,
    openings: Openings::Known(&[
        // Query; Notify and Update; their answers.
        within(&[(0, 1), (0x20, 0x2d), (0x80, 0x87), (0xa0, 0xaf)]).at(4).tcp(),
        within(&[(0, 0x3b), (0x80, 0xbb)]).at(5).tcp(),
        one_of(&[0]).at(6).tcp(),
        one_of(&[1]).at(7).tcp(),
        within(&[(0, 2)]).at(8).tcp(),
        within(&[(0, 2)]).at(10).tcp(),
        within(&[(0, 2)]).at(12).tcp(),
        within(&[(0, 63)]).at(14).tcp(),
        within(&[(0, 1), (0x20, 0x2d), (0x80, 0x87), (0xa0, 0xaf)]).at(2).udp(),
        within(&[(0, 0x3b), (0x80, 0xbb)]).at(3).udp(),
        one_of(&[0]).at(4).udp(),
        // None where a server's first datagram is a bare error.
        within(&[(0, 1)]).at(5).udp(),
        within(&[(0, 2)]).at(6).udp(),
        within(&[(0, 2)]).at(8).udp(),
        within(&[(0, 2)]).at(10).udp(),
        within(&[(0, 63)]).at(12).udp(),
    ]),
    asks: over_both(probe).telling(Extras { metadata: Some(metadata::tell), ..Extras::NONE }),
};

/// Bytes of a message's header.
const HEADER: usize = 12;

/// RFC 1035 section 3.1.
const NAME_BYTES_MAX: usize = 255;
const LABEL_BYTES_MAX: u8 = 63;

/// More records than this are in zone transfers only.
const RECORDS_MAX: u16 = 512;

const QR: u16 = 0x8000;
const AA: u16 = 0x0400;
const TC: u16 = 0x0200;
const RD: u16 = 0x0100;
const RA: u16 = 0x0080;
const Z: u16 = 0x0040;
/// AD and CD (RFC 4035 section 3).
const SECURITY: u16 = 0x0030;

/// The EDNS pseudo-record (RFC 6891).
const OPT: u16 = 41;

/// Incremental zone transfer (RFC 1995).
const IXFR: u16 = 251;

/// A message's header, and its question as far as it goes.
#[derive(Default)]
struct Message {
    flags: u16,
    records: [u16; 3],
    name: String,
    labels: usize,
    kind: Option<u16>,
    edns: bool,
    /// It is an answer that has no question.
    is_bare: bool,
    bits: f32,
}

/// What one side said, and whether LLMNR could have said it.
struct Spoken {
    said: Said,
    clear: bool,
    /// It is an answer without a question: what comes behind it may tell more.
    bare: bool,
}

fn probe(view: &FlowView<'_>) -> Probe {
    let match_side = match view.transport {
        Transport::Udp => match_datagram,
        Transport::Tcp => match_stream,
    };
    let said = match match_both(view, match_side) {
        Ok(said) => said,
        Err(answer) => return answer,
    };
    let silent = view.each().any(|(_, head)| !head.complete);
    if silent && said.iter().flatten().all(|spoken| spoken.bare) {
        return Probe::Wait;
    }
    if !said.iter().flatten().any(|spoken| spoken.clear) {
        return unproven(view);
    }
    yes(join(said.map(|spoken| spoken.map(|spoken| spoken.said))))
}

fn match_datagram(head: &SideView<'_>) -> SideMatch<Spoken> {
    // Where there is nothing else it is an answer all the same to what the other side asked.
    let first = first_telling(head).or_else(|| Some((0, head.datagrams.first()?)));
    let Some((at, first)) = first else { return Err(Short) };
    let mut spoken = Message::read(first.bytes, first.is_whole()).ok_or(Not)?.speak(0);
    spoken.said.spot.datagram = at;
    Ok(spoken)
}

/// The first datagram that is more than a bare error, with its place.
fn first_telling<'a>(head: &SideView<'a>) -> Option<(usize, &'a Datagram<'a>)> {
    head.datagrams.iter().enumerate().find(|(_, datagram)| !is_bare_error(datagram))
}

/// To what a server cannot read as a query it answers by a header alone, often FORMERR (RFC 1035 section
/// 4.1.1): that proves nothing, and what comes behind it tells.
fn is_bare_error(datagram: &Datagram<'_>) -> bool {
    let flags = be16(datagram.bytes, 2).unwrap_or_default();
    datagram.wire_len == HEADER
        && flags & (QR | Z) == QR
        && (1..=5).contains(&(flags & 0x0f))
        && rest(datagram.bytes, 4) == [0; HEADER - 4]
}

/// RFC 1035 section 4.2.2: a 16-bit length stands before each message.
fn match_stream(head: &SideView<'_>) -> SideMatch<Spoken> {
    let Some(len) = be16(head.stream, 0).map(usize::from) else { return Err(Short) };
    let bytes = rest(head.stream, 2);
    let bytes = bytes.get(..len).unwrap_or(bytes);
    let whole = bytes.len() == len;
    if bytes.len() < HEADER {
        return Err(short_if(len > HEADER));
    }
    match Message::read(bytes, whole) {
        Some(message) => {
            let Spoken { said, clear, bare } = message.speak(2);
            let next = |behind: &[u8]| {
                be16(behind, 0).is_none_or(|len| usize::from(len) >= HEADER)
                    && Message::may_start(rest(behind, 2))
            };
            let said = followed(head, Said { len: len.saturating_add(2), ..said }, next)?;
            Ok(Spoken { said, clear, bare })
        }
        None if !whole && !head.complete && Message::may_start(bytes) => Err(Short),
        None => Err(Not),
    }
}

impl Message {
    /// Reads a message; where the capture cut it, as far as it goes, but the question's name must
    /// have begun.
    fn read(bytes: &[u8], whole: bool) -> Option<Self> {
        let mut message = Self::default();
        let mut cursor = Cursor::new(bytes);
        message.read_header(&mut cursor).ok()?;
        // A server that did not understand, or does not want to, need not repeat the question.
        if message.is_bare {
            message.bits += 16.0;
            let rest_of = message.walk_records(bytes, &mut cursor);
            return (rest_of == Ok(()) && cursor.is_empty()).then_some(message);
        }
        let read = message.read_question(&mut cursor).and_then(|()| {
            message.walk_records(bytes, &mut cursor)?;
            // Padding behind the last record is nobody's.
            if cursor.is_empty() || message.flags & TC != 0 { Ok(()) } else { Err(Not) }
        });
        match read {
            Ok(()) => Some(message),
            Err(Short) if !whole && message.labels > 1 => Some(message),
            Err(Short | Not) => None,
        }
    }

    fn may_start(bytes: &[u8]) -> bool {
        Self::default().read_header(&mut Cursor::new(bytes)) != Err(Not)
    }

    fn read_header(&mut self, cursor: &mut Cursor<'_>) -> Result<(), MessageError> {
        cursor.skip(2).ok_or(Short)?;
        self.flags = cursor.be16().ok_or(Short)?;
        let questions = cursor.be16().ok_or(Short)?;
        for count in &mut self.records {
            *count = cursor.be16().ok_or(Short)?;
        }
        let [answers, authorities, additionals] = self.records;
        let opcode = self.flags >> 11 & 0x0f;
        // Query, Notify (RFC 1996), Update (RFC 2136)
        self.is_bare = self.is_response()
            && questions == 0
            && matches!(self.flags & 0x0f, 1..=5)
            && answers == 0
            && authorities == 0
            && additionals <= 1;
        let known =
            matches!(opcode, 0 | 4 | 5) && self.flags & Z == 0 && (questions == 1 || self.is_bare);
        let fits = if self.is_response() {
            self.bits = 2.4 + 1.0 + 16.0 + 3.0 * 7.0;
            self.flags & 0x0f <= 11 && self.records.iter().all(|count| *count <= RECORDS_MAX)
        } else if opcode == 0 {
            // An IXFR query has an authority; EDNS and TSIG are additionals.
            self.bits = 2.4 + 1.0 + 7.0 + 16.0 + 16.0 + 15.0 + 14.4;
            self.flags & (AA | TC | RA | 0x0f) == 0
                && answers == 0
                && authorities <= 1
                && additionals <= 2
        } else {
            self.bits = 2.4 + 1.0 + 4.0 + 16.0 + 3.0 * 10.0;
            self.flags & (TC | RA | 0x0f) == 0 && self.records.iter().all(|count| *count <= 64)
        };
        if known && fits { Ok(()) } else { Err(Not) }
    }

    fn read_question(&mut self, cursor: &mut Cursor<'_>) -> Result<(), MessageError> {
        self.read_name(cursor)?;
        let kind = cursor.be16().ok_or(Short)?;
        let class = cursor.be16().ok_or(Short)?;
        // IN, CH, HS, NONE, ANY; mDNS's upper bit is none of them
        if !is_known_type(kind) || !matches!(class, 1 | 3 | 4 | 254 | 255) {
            return Err(Not);
        }
        // Only IXFR's query has an authority (RFC 1995 section 3); mDNS's probes have one, too.
        let [_, authorities, _] = self.records;
        let query = self.flags & (QR | 0x7800) == 0;
        if query && authorities > 0 && kind != IXFR {
            return Err(Not);
        }
        self.kind = Some(kind);
        self.bits += 7.5 + 13.7;
        Ok(())
    }

    /// A question's name is not compressed: there is nothing before it to point to.
    fn read_name(&mut self, cursor: &mut Cursor<'_>) -> Result<(), MessageError> {
        let start = cursor.position();
        loop {
            let len = u8_at(cursor.rest(), 0).ok_or(Short)?;
            let size = cursor.position().saturating_sub(start);
            if len > LABEL_BYTES_MAX || size.saturating_add(usize::from(len)) > NAME_BYTES_MAX {
                return Err(Not);
            }
            self.bits += 2.0;
            let label = cursor.block8().ok_or(Short)?;
            if label.is_empty() {
                return Ok(());
            }
            if label.iter().any(u8::is_ascii_control) || (self.labels == 0 && is_netbios(label)) {
                return Err(Not);
            }
            let dot = if self.labels == 0 { "" } else { "." };
            // Writing to a String cannot fail.
            let _ = write!(self.name, "{dot}{}", from_wire(label));
            self.labels = self.labels.saturating_add(1);
        }
    }

    fn walk_records(&mut self, bytes: &[u8], cursor: &mut Cursor<'_>) -> Result<(), MessageError> {
        let total: u32 = self.records.iter().map(|count| u32::from(*count)).sum();
        for _ in 0..total {
            if cursor.is_empty() && self.flags & TC != 0 {
                return Ok(());
            }
            skip_name(bytes.len(), cursor)?;
            let kind = cursor.be16().ok_or(Short)?;
            cursor.skip(6).ok_or(Short)?;
            cursor.block16().ok_or(Short)?;
            self.edns |= kind == OPT;
        }
        Ok(())
    }

    const fn is_response(&self) -> bool {
        self.flags & QR != 0
    }

    /// Whether this says something that LLMNR (RFC 4795 section 2.1.1) and mDNS (RFC 6762 section
    /// 18) don't: they ask nobody to recurse.
    fn is_clear(&self) -> bool {
        let name = self.name.to_ascii_lowercase();
        let recursion = if self.is_response() { RA } else { RD };
        if self.flags & recursion != 0 {
            return true;
        }
        // RFC 6762 section 3: .local is mDNS's, and mDNS uses EDNS and says AA, too.
        if name.ends_with(".local") || name == "local" {
            return false;
        }
        let set = if self.is_response() { AA } else { SECURITY };
        let reverse = name.ends_with(".arpa");
        let opcode = self.flags >> 11 & 0x0f;
        opcode != 0 || self.flags & set != 0 || self.edns || !(reverse || self.labels == 1)
    }

    fn speak(&self, at: usize) -> Spoken {
        let (role, what) =
            if self.is_response() { (Role::Server, "answer") } else { (Role::Client, "query") };
        if self.is_bare {
            let fact = format!("DNS answer without a question, code {}", self.flags & 0x0f);
            let said = Said::at(role, self.bits, fact, Spot::datagram(0, at, 12));
            return Spoken { said, clear: false, bare: true };
        }
        let kind = self.kind.map(types::name);
        let name = if self.name.is_empty() { "." } else { &self.name };
        let fact = match &kind {
            Some(kind) => format!("DNS {what}, {kind} of {name}"),
            None => format!("DNS {what} of {name}, cut short"),
        };
        let said = Said::at(role, self.bits, fact, Spot::datagram(0, at, 16))
            .with(DetailKey::DnsName, name)
            .with_some(DetailKey::DnsType, kind);
        Spoken { said, clear: self.is_clear(), bare: false }
    }
}

/// A record's name, which may end in a pointer (RFC 1035 section 4.1.4) to what came before.
fn skip_name(len: usize, cursor: &mut Cursor<'_>) -> Result<(), MessageError> {
    let start = cursor.position();
    while cursor.position().saturating_sub(start) <= NAME_BYTES_MAX {
        match u8_at(cursor.rest(), 0).ok_or(Short)? {
            0 => return cursor.skip(1).ok_or(Short),
            0xc0.. => {
                let target = usize::from(cursor.be16().ok_or(Short)? & 0x3fff);
                let fits = target >= HEADER && target < start && target < len;
                return if fits { Ok(()) } else { Err(Not) };
            }
            1..=LABEL_BYTES_MAX => cursor.block8().map(|_| ()).ok_or(Short)?,
            _ => return Err(Not),
        }
    }
    Err(Not)
}

/// RFC 1001 section 14.1: 16 bytes, each as two letters from A to P.
fn is_netbios(label: &[u8]) -> bool {
    label.len() == 32 && is_netbios_letters(label)
}

/// IANA's Resource Record TYPEs: the assigned ranges, and the one for private use (RFC 6895 section 3.1),
/// where BIND keeps the state of a zone's signing.
const fn is_known_type(kind: u16) -> bool {
    matches!(kind, 1..=68 | 99..=109 | 128 | 249..=264 | 32_768 | 32_769 | 65_280..=65_534)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    fn question(id: &str, flags: &str, counts: &str, name: &str, tail: &str) -> Vec<u8> {
        let mut message = hex(id);
        message.extend(hex(flags));
        message.extend(hex(counts));
        for label in name.split('.').filter(|label| !label.is_empty()) {
            message.push(u8::try_from(label.len()).unwrap());
            message.extend(label.as_bytes());
        }
        message.push(0);
        message.extend(hex(tail));
        message
    }

    fn query() -> Vec<u8> {
        question("1234", "0100", "0001 0000 0000 0000", "www.example.com", "0001 0001")
    }

    fn answer() -> Vec<u8> {
        let tail = "0001 0001 c00c 0001 0001 00000e10 0004 c0000201";
        question("1234", "8180", "0001 0001 0000 0000", "www.example.com", tail)
    }

    #[test]
    fn query_and_answer_are_named() {
        let talk = Talk::udp().a(query()).b(answer());
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        let name = Detail::new(DetailKey::DnsName, "www.example.com");
        assert_eq!(found.details, [name, Detail::new(DetailKey::DnsType, "A")]);
        for side in Side::BOTH {
            let found = talk.clone().only(side).named_by(&DETECTOR);
            assert_eq!((found.strength, found.client), (Strength::OneSided, Some(Side::A)));
        }
    }

    #[test]
    fn streams_are_named_in_one_piece_and_in_two() {
        let with_len = |message: Vec<u8>| {
            [&u16::try_from(message.len()).unwrap().to_be_bytes()[..], &message].concat()
        };
        let (query, answer) = (with_len(query()), with_len(answer()));
        Talk::tcp().a(&query).b(&answer).named_by(&DETECTOR);
        Talk::tcp().a(&query[..2]).a(&query[2..20]).a(&query[20..]).named_by(&DETECTOR);
    }

    #[test]
    fn edns_updates_and_root_are_named() {
        let opt = "0002 0001 00 0029 04d0 00000000 0000";
        let root = question("0001", "0000", "0001 0000 0000 0001", "", opt);
        Talk::udp().a(root).named_by(&DETECTOR);
        let update = "0006 0001 c00c 00ff 00ff 00000000 0000";
        Talk::udp()
            .a(question("0001", "2800", "0001 0000 0001 0000", "example.com", update))
            .named_by(&DETECTOR);
    }

    #[test]
    fn a_server_is_named_by_what_follows_its_errors() {
        let probe = hex("3029 0201 0104 0670 7562 6c69 63a0 1c02 041a 2b3c 4d02 0100");
        let error = hex("3029 8081 0000 0000 0000 0000");
        let talk = Talk::udp().a(&probe).b(&error).a(query()).b(answer());
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.spoken_by, found.client), ([false, true], Some(Side::A)));
        assert_eq!((found.seen.side, found.seen.datagram), (Side::B, 1));
        Talk::udp().a(probe).b(error).refused_by(&DETECTOR);
        // No error, and one with more behind it.
        for header in ["3029 8080 0000 0000 0000 0000", "3029 8081 0000 0000 0000 0000 00"] {
            Talk::udp().b(hex(header)).b(answer()).refused_by(&DETECTOR);
        }
    }

    #[test]
    fn captures_cut_short_are_named() {
        for bytes in [30, 36, 40] {
            Talk::udp().b(answer()).snapped(bytes).named_by(&DETECTOR);
        }
    }

    #[test]
    fn what_llmnr_says_too_is_named_only_with_the_answer() {
        let query = question("1234", "0000", "0001 0000 0000 0000", "printer", "0001 0001");
        Talk::udp().a(&query).refused_by(&DETECTOR);
        let tail = "0001 0001 c00c 0001 0001 0000001e 0004 c0000201";
        let llmnr = question("1234", "8000", "0001 0001 0000 0000", "printer", tail);
        Talk::udp().a(&query).b(llmnr).refused_by(&DETECTOR);
        let dns = question("1234", "8080", "0001 0001 0000 0000", "printer", tail);
        assert_eq!(Talk::udp().a(&query).b(dns).named_by(&DETECTOR).strength, Strength::BothSides);
    }

    #[test]
    fn look_alikes_are_refused() {
        let one = "0001 0000 0000 0000";
        // NetBIOS's node status query
        let netbios = format!("CK{}", "A".repeat(30));
        Talk::udp().a(question("1234", "0110", one, &netbios, "0021 0001")).refused_by(&DETECTOR);
        // mDNS: wants a unicast answer; answers without a question
        let mdns = question("0000", "0000", one, "_ipp._tcp.local", "000c 8001");
        Talk::udp().a(mdns).refused_by(&DETECTOR);
        let mdns = question(
            "0000",
            "8400",
            "0000 0001 0000 0000",
            "a.local",
            "0001 8001 00000078 0004 c0000201",
        );
        Talk::udp().b(mdns).refused_by(&DETECTOR);
        // an mDNS probe: its records stand as authorities
        let tail = "00ff 0001 c00c 0001 0001 00000078 0004 c0000201";
        let probe = question("0000", "0000", "0001 0000 0001 0000", "host.local", tail);
        Talk::udp().a(probe).refused_by(&DETECTOR);
        // and a name under .local, whatever is set
        let tail = "0001 0001 00 0029 05a0 00001194 0000";
        let local = question("0000", "0000", "0001 0000 0000 0001", "host.local", tail);
        Talk::udp().a(local).refused_by(&DETECTOR);
        // the reserved bit, an answer in a query, an unknown type or class, a tail
        for (flags, tail) in [
            ("0140", "0001 0001"),
            ("0400", "0001 0001"),
            ("0100", "4001 0001"),
            ("0100", "0001 0002"),
            ("0100", "0001 0001 00"),
        ] {
            Talk::udp()
                .a(question("1234", flags, one, "www.example.com", tail))
                .refused_by(&DETECTOR);
        }
        // a record that leads out of the message
        let mut long = answer();
        let at = long.len() - 5;
        long[at] = 9;
        Talk::udp().b(long).refused_by(&DETECTOR);
        // a pointer to itself
        let mut loops = answer();
        let at = loops.len() - 15;
        loops[at] = 0x21;
        Talk::udp().b(loops).refused_by(&DETECTOR);
        // STUN, and NTP
        Talk::udp().a(hex("0001 0000 2112a442 000102030405060708090a0b")).refused_by(&DETECTOR);
        Talk::udp().a([&[0x1b][..], &[0; 47]].concat()).refused_by(&DETECTOR);
    }
}
