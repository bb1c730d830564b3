//! TLS 1.0 to 1.3 and SSL 3.0 (RFC 8446, RFC 5246), over TCP.
//!
//! From the start of a connection: a ClientHello, a ServerHello, an alert, or the ClientHello in
//! SSL 2.0's record (RFC 5246 appendix E.2). From its middle: consecutive records.
//!
//! ```text
//!  22 3.x len(2) | 1 ClientHello, 2 ServerHello  len(3) version(2) ...
//!  21 3.x 0 2    | level(1) description(1)
//!  1|len(15)     | 1 version(2) specs_len(2) session_len(2) challenge_len(2) ...
//! ```

mod metadata;
mod records;

use crate::identify::handshake::{
    CLIENT_HELLO, ClientHello, EARLY_RETRY, Flavour, SERVER_HELLO, ServerHello, version_name,
};
use crate::identify::prelude::*;
use records::{ALERT, APPLICATION_DATA, HANDSHAKE, HEADER, Header};

pub(super) static DETECTOR: Detector = Detector {
    id: "tls",
    title: "TLS",
    reference: "RFC 8446 sections 4.1 and 5.1, RFC 5246 section 6.2 and appendix E.2",
    rests_on: "A ClientHello or ServerHello with consistent lengths and known versions, or an \
               alert as the first record; in a connection captured from its middle, consecutive \
               record headers of one version.",
    blind_spots: "What TLS carries, once it is encrypted. In the middle of a connection a side \
                  that sends records longer than the head is recognised only where a record ends \
                  with it.",
    bits: 28.0,
    openings: Openings::Unknown,
    asks: over_tcp(|view| probe_found(view, match_side, join)).telling(Extras {
        metadata: Some(metadata::tell),
        headline: Some(Headline {
            word: "",
            version: DetailKey::TlsVersion,
            name: DetailKey::TlsSni,
        }),
        ..Extras::NONE
    }),
};

fn match_side(head: &SideView<'_>) -> SideMatch<Said> {
    let first = opening(head.stream, head.complete).and_then(|said| {
        // Records follow, whatever they carry; behind SSL 2.0's record its own kind may.
        // its length
        let old = matches!(
            head.stream,
            [0x80..=0xff, _, _, 0, 2, ..] | [0x80..=0xff, _, 4, ..] | [0x80, 3, 0, ..]
        );
        let fits = |behind: &[u8]| Header::may_start(prefix(behind, HEADER - 1)) || old;
        followed(head, said, fits)
    });
    match first {
        Err(Not) if !head.from_start => middle(head.stream, head.complete),
        matched => matched,
    }
}

/// The first bytes of a connection.
fn opening(stream: &[u8], complete: bool) -> SideMatch<Said> {
    match stream.first() {
        Some(&HANDSHAKE) => handshake(stream, complete),
        Some(&ALERT) => alert(stream),
        Some(0x80..) => ssl2_hello(stream),
        Some(_) => Err(Not),
        None => Err(Short),
    }
}

/// A hello message, of which its type at least must be there.
fn handshake(stream: &[u8], complete: bool) -> SideMatch<Said> {
    if stream.len() <= HEADER {
        return Err(short_if(Header::may_start(stream)));
    }
    let Some(header) = Header::read(stream, 0) else { return Err(Not) };
    // 4 bytes of handshake header, and the version
    let wanted = 6;
    let bytes = records::handshake_bytes(stream, wanted).ok_or(Not)?;
    if bytes.len() < wanted && !complete {
        return Err(short_if(hello_may_start(&bytes)));
    }
    if !hello_may_start(&bytes) {
        return Err(Not);
    }
    let len = be24(&bytes, 1).map_or(usize::MAX, index);
    let bytes = records::handshake_bytes(stream, len.saturating_add(4)).ok_or(Not)?;
    // RFC 8446 section 5.1: a ClientHello stands alone in its flight.
    let alone = header.len <= len.saturating_add(4);
    let body = rest(&bytes, 4);
    let whole = body.len() >= len;
    let body = body.get(..len).unwrap_or(body);
    let bits = records::FIRST_BITS + if bytes.len() >= 4 { 15.0 } else { 7.0 };
    let end = records::end_of(stream, len.saturating_add(4));
    match u8_at(&bytes, 0) {
        Some(CLIENT_HELLO) if alone => {
            ClientHello::read(body, whole, Flavour::Tls).map(|hello| client_hello(&hello, bits))
        }
        Some(SERVER_HELLO) => {
            ServerHello::read(body, whole, Flavour::Tls).map(|hello| server_hello(hello, bits))
        }
        Some(EARLY_RETRY) => {
            ServerHello::read_early_retry(body, whole).map(|hello| server_hello(hello, bits))
        }
        _ => None,
    }
    .map(|said| Said { len: end, ..said })
    .ok_or(Not)
}

/// Whether a hello's handshake header may start so: its type, and no more than 65,535 bytes.
fn hello_may_start(bytes: &[u8]) -> bool {
    matches!(bytes.first(), None | Some(&(CLIENT_HELLO | SERVER_HELLO | EARLY_RETRY)))
        && matches!(bytes.get(1), None | Some(0))
}

fn client_hello(hello: &ClientHello<'_>, bits: f32) -> Said {
    let mut fact = format!("{} ClientHello", version_words(hello.version));
    let mut details = Vec::new();
    if let Some(name) = hello.server_name {
        let name = from_wire(name);
        fact = format!("{fact} for {name}");
        details.push(Detail::new(DetailKey::TlsSni, name));
    }
    let spot = Spot::stream(0, HEADER + 6);
    Said { details, ..Said::at(Role::Client, bits + hello.bits, fact, spot) }
        .with_some(DetailKey::TlsVersion, hello.version.map(version_name))
        .with_some(DetailKey::TlsAlpn, hello.offered())
}

fn server_hello(hello: ServerHello, bits: f32) -> Said {
    let name = if hello.retry { "HelloRetryRequest" } else { "ServerHello" };
    let fact = format!("{} {name}", version_words(hello.version));
    Said::at(Role::Server, bits + hello.bits, fact, Spot::stream(0, HEADER + 6))
        .with_some(DetailKey::TlsVersion, hello.version.map(version_name))
}

fn version_words(version: Option<u16>) -> String {
    version.map_or_else(|| "TLS".to_owned(), version_name)
}

/// An alert before anything else: a server that wants no more of this (RFC 8446 section 6).
fn alert(stream: &[u8]) -> SideMatch<Said> {
    if stream.len() < HEADER + 2 {
        let fits = Header::may_start(stream)
            && matches!(stream.get(3), None | Some(0))
            && matches!(stream.get(4), None | Some(2));
        return Err(short_if(fits));
    }
    let Some(header) = Header::read(stream, 0) else { return Err(Not) };
    let (Some(level), Some(what)) = (u8_at(stream, HEADER), u8_at(stream, HEADER + 1)) else {
        return Err(Short);
    };
    let level = match level {
        1 => "warning",
        2 => "fatal",
        _ => return Err(Not),
    };
    // The values of IANA's TLS Alerts registry.
    let known = matches!(what, 0 | 10 | 20..=22 | 30 | 40..=52 | 60 | 70 | 71 | 80 | 86 | 90 | 100 | 109..=116 | 120 | 121);
    if header.len != 2 || !known {
        return Err(Not);
    }
    // type and version, length, level, description
    let bits = 8.0 + 13.7 + 16.0 + 7.0 + 2.7;
    let fact = format!("TLS alert, {level}, description {what}");
    Ok(Said::new(HEADER + 2, Role::Either, bits, fact))
}

/// A hello in SSL 2.0's record: the lengths inside add up to the length of the record; or an error.
fn ssl2_hello(stream: &[u8]) -> SideMatch<Said> {
    // ERROR: no cipher, no certificate, a bad one, an unsupported one
    if let [0x80, 3, 0, 0, code @ (1 | 2 | 4 | 6), ..] = stream {
        let said = Said::new(5, Role::Server, 32.0 + 6.0, format!("SSL 2.0 error {code}"));
        return Ok(said.with(DetailKey::TlsVersion, version_name(2)));
    }
    if let [_, _, SSL2_SERVER_HELLO, ..] = stream {
        return from_header(stream, 13, read_ssl2_server_hello);
    }
    if stream.len() < 11 {
        let fits = matches!(stream.get(2), None | Some(&CLIENT_HELLO))
            && matches!(stream.get(3), None | Some(0 | 3));
        return Err(short_if(fits || [0x80, 3, 0, 0].starts_with(stream)));
    }
    read_ssl2_hello(stream).ok_or(Not)
}

/// SERVER-HELLO (The SSL Protocol, version 2, section 2.6).
const SSL2_SERVER_HELLO: u8 = 4;

/// ```text
/// 1|len(15) | 4 session_hit(1) certificate_type(1) 0002 certificate_len(2) specs_len(2) connection_len(2)
/// ```
fn read_ssl2_server_hello(stream: &[u8]) -> Option<Said> {
    let mut cursor = Cursor::new(stream);
    let len = usize::from(cursor.be16()? & 0x7fff);
    cursor.skip(1)?;
    let (hit, kind, version) = (cursor.u8()?, cursor.u8()?, cursor.be16()?);
    let lens = [cursor.be16()?, cursor.be16()?, cursor.be16()?].map(usize::from);
    let [certificate, specs, connection] = lens;
    let fits = hit <= 1
        && kind <= 1
        && version == 2
        && specs.is_multiple_of(3)
        && (1..=32).contains(&connection)
        && 11 + certificate + specs + connection == len;
    // type, hit, kind, version, specifications, connection, the sum
    let bits = 8.0 + 7.0 + 7.0 + 16.0 + 1.6 + 11.0 + 15.0;
    let fact = "SSLv2 ServerHello".to_owned();
    fits.then(|| {
        Said {
            len: len.saturating_add(2),
            ..Said::at(Role::Server, bits, fact, Spot::stream(0, 11))
        }
        .with(DetailKey::TlsVersion, version_name(2))
    })
}

fn read_ssl2_hello(stream: &[u8]) -> Option<Said> {
    let mut cursor = Cursor::new(stream);
    let len = usize::from(cursor.be16()? & 0x7fff);
    let kind = cursor.u8()?;
    let version = cursor.be16()?;
    let specs = usize::from(cursor.be16()?);
    let session = usize::from(cursor.be16()?);
    let challenge = usize::from(cursor.be16()?);
    let fits = kind == CLIENT_HELLO
        && matches!(version, 0x0002 | 0x0300..=0x0303)
        && specs > 0
        && specs.is_multiple_of(3)
        && matches!(session, 0 | 16)
        && (16..=32).contains(&challenge)
        && 9 + specs + session + challenge == len;
    // type, version, specifications, session, challenge, the sum
    let bits = 8.0 + 13.7 + 1.6 + 15.0 + 12.0 + 15.0;
    fits.then(|| {
        let fact = format!("{} ClientHello in an SSL 2.0 record", version_name(version));
        Said {
            len: len.saturating_add(2),
            ..Said::at(Role::Client, bits, fact, Spot::stream(0, 11))
        }
        .with(DetailKey::TlsVersion, version_name(version))
    })
}

/// Somewhere in a connection: two records where the head starts, or one that fills it; or three
/// records of application data in a row further on.
fn middle(stream: &[u8], complete: bool) -> SideMatch<Said> {
    if let Some(walk) = records::walk(stream, 0) {
        if walk.headers >= 2 || walk.ends {
            return Ok(some_records(walk, 0, 0.0));
        }
        return Err(short_if(!complete));
    }
    let starts = stream.windows(2).enumerate();
    let starts = starts.filter(|(_, pair)| *pair == [APPLICATION_DATA, 3]);
    let found = starts.map(|(at, _)| (at, records::walk(stream, at)));
    for (at, walk) in found {
        if let Some(walk) = walk.filter(|walk| walk.headers >= 3) {
            // It may stand anywhere in the 4 KiB.
            return Ok(some_records(walk, at, 12.0));
        }
    }
    Err(short_if(!complete))
}

fn some_records(walk: records::Walk, at: usize, lost: f32) -> Said {
    let more = f32::from(walk.headers.saturating_sub(1).min(8));
    // Where the last record ends with the head, its 16-bit length was right; the head grew up to
    // 48 times, and each time it could have been so by chance.
    let end = if walk.ends { 10.0 } else { 0.0 };
    let bits = records::FIRST_BITS + more * records::NEXT_BITS + end - lost;
    let minor = walk.version & 0xff;
    let records = if walk.headers == 1 { "record" } else { "records in a row" };
    let fact = format!("{} TLS {records}, version field 3.{minor}", walk.headers);
    Said::at(Role::Either, bits, fact, Spot::stream(at, HEADER))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::handshake::samples;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    fn record(kind: u8, version: u16, body: &[u8]) -> Vec<u8> {
        let mut record = vec![kind];
        record.extend(version.to_be_bytes());
        record.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
        record.extend(body);
        record
    }

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let mut message = u32::try_from(body.len()).unwrap().to_be_bytes().to_vec();
        message[0] = kind;
        message.extend(body);
        message
    }

    fn client() -> Vec<u8> {
        record(22, 0x0301, &message(1, &samples::client_hello("tls.example")))
    }

    fn server() -> Vec<u8> {
        record(22, 0x0303, &message(2, &samples::server_hello()))
    }

    fn detail(found: &crate::identify::Finding, key: DetailKey) -> Option<&str> {
        found.details.iter().find(|detail| detail.key == key).map(|detail| &*detail.value)
    }

    #[test]
    fn both_hellos_are_named_with_what_they_say() {
        let talk = Talk::tcp().a(client()).b(server());
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        assert_eq!(detail(&found, DetailKey::TlsSni), Some("tls.example"));
        assert_eq!(detail(&found, DetailKey::TlsAlpn), Some("h2"));
        assert_eq!(detail(&found, DetailKey::TlsVersion), Some("TLS 1.3"));
        assert_eq!(found.seen.side, Side::B);
    }

    #[test]
    fn each_side_alone_is_named() {
        let talk = Talk::tcp().a(client()).b(server());
        let found = talk.clone().only(Side::A).named_by(&DETECTOR);
        assert_eq!((found.strength, found.spoken_by), (Strength::OneSided, [true, false]));
        let found = talk.only(Side::B).named_by(&DETECTOR);
        assert_eq!((found.spoken_by, found.client), ([false, true], Some(Side::A)));
    }

    #[test]
    fn a_probe_that_is_answered_otherwise_is_one_sided() {
        let talk = Talk::tcp().a(client()).b("HTTP/1.1 400 Bad Request\r\n\r\n");
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.spoken_by), (Strength::OneSided, [true, false]));
    }

    #[test]
    fn an_alert_is_an_answer() {
        let talk = Talk::tcp().a(client()).b(hex("15 0303 0002 02 28"));
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        Talk::tcp().b(hex("15 0301 0002 02 46")).named_by(&DETECTOR);
    }

    #[test]
    fn a_hello_split_over_records_and_segments_is_read() {
        let hello = message(1, &samples::client_hello("tls.example"));
        let (first, second) = hello.split_at(3);
        let mut stream = record(22, 0x0301, first);
        stream.extend(record(22, 0x0301, second));
        let mut talk = Talk::tcp();
        for byte in stream {
            talk = talk.a([byte]);
        }
        assert_eq!(detail(&talk.named_by(&DETECTOR), DetailKey::TlsSni), Some("tls.example"));
    }

    #[test]
    fn a_hello_that_was_cut_by_the_snap_length_is_named() {
        for bytes in [6, 10, 20, 60] {
            Talk::tcp().a(client()).snapped(bytes).named_by(&DETECTOR);
        }
    }

    #[test]
    fn the_ssl2_compatible_hello_is_named() {
        let mut hello = hex("80 2e 01 0301 0015 0000 0010");
        hello.extend([0; 0x15 + 0x10]);
        let found = Talk::tcp().a(hello).named_by(&DETECTOR);
        assert_eq!(detail(&found, DetailKey::TlsVersion), Some("TLS 1.0"));
    }

    #[test]
    fn records_in_the_middle_are_named() {
        let mut records = record(23, 0x0303, &[0xa5; 40]);
        records.extend(record(23, 0x0303, &[0x5a; 900]));
        Talk::tcp().a(&records).midway().named_by(&DETECTOR);
        // The head starts within a record.
        let mut late = vec![0x77; 333];
        late.extend(&records);
        late.extend(record(23, 0x0303, &[0x5a; 9]));
        let found = Talk::tcp().b(late).midway().named_by(&DETECTOR);
        assert_eq!(found.seen.offset, 333);
    }

    #[test]
    fn look_alikes_are_refused() {
        // a handshake record with random contents
        Talk::tcp().a([vec![0x16, 3, 1, 0x40, 0], vec![0x99; 300]].concat()).refused_by(&DETECTOR);
        // a ClientHello shorter than its own record
        let mut short = client();
        short[8] -= 9;
        Talk::tcp().a(short).refused_by(&DETECTOR);
        // version 3.9
        let mut version = client();
        version[2] = 9;
        Talk::tcp().a(version).refused_by(&DETECTOR);
        // application data before any handshake: others dress up so
        let dressed = record(23, 0x0301, b"");
        Talk::tcp().a(&dressed).b(&dressed).refused_by(&DETECTOR);
        Talk::tcp().a(record(23, 0x0303, &[1; 99])).refused_by(&DETECTOR);
        // a record whose neighbour is none
        let mut broken = record(23, 0x0303, &[1; 99]);
        broken.extend(b"GET / HTTP/1.1\r\n");
        Talk::tcp().a(broken).midway().refused_by(&DETECTOR);
        // an alert with an unknown description
        Talk::tcp().b(hex("15 0303 0002 02 ff")).refused_by(&DETECTOR);
        // the lengths of an SSL 2.0 hello don't add up
        Talk::tcp().a(hex("80 2f 01 0301 0015 0000 0010 000000")).refused_by(&DETECTOR);
    }
}
