//! DTLS 1.0, 1.2 and 1.3, and the draft that AnyConnect still speaks (RFC 4347, 6347, 9147).
//!
//! ```text
//!  type(1) version(2) epoch(2) sequence_number(6) length(2) | fragment
//!  handshake in clear: type(1) length(3) message_seq(2) offset(3) fragment_length(3) | body
//! ```
//!
//! A datagram is one record or several, to its last byte. Others share the ports with DTLS
//! (RFC 7983): datagrams that start like STUN, TURN, RTP or a DTLS 1.3 ciphertext are passed over.

mod metadata;

use crate::identify::handshake::{
    CLIENT_HELLO, ClientHello, Flavour, SERVER_HELLO, ServerHello, version_name,
};
use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "dtls",
    title: "DTLS",
    reference: "RFC 6347 sections 4.1 and 4.2, RFC 9147 sections 4 and 5, RFC 7983",
    rests_on: "A datagram that is one or more DTLS records to its last byte: known type and \
               version, a small epoch and sequence number; in the first epoch, handshake messages \
               whose fragments fit.",
    blind_spots: "DTLS 1.3 after its handshake, and records with a connection id (RFC 9146): \
                  neither can be told from random bytes.",
    bits: 45.0,
    openings: Openings::Known(&[
        // What shares the port is passed over: STUN, RTP, and DTLS 1.3's ciphertexts.
        within(&[(0, 3), (20, 26), (32, 79), (128, 191)]),
    ]),
    asks: over_udp(|view| probe_found(view, match_side, join)).telling(Extras {
        metadata: Some(metadata::tell),
        headline: Some(Headline {
            word: "",
            version: DetailKey::DtlsVersion,
            name: DetailKey::DtlsSni,
        }),
        ..Extras::NONE
    }),
};

/// Bytes of a record's header.
const HEADER: usize = 13;
/// Bytes of a handshake message's header.
const MESSAGE_HEADER: usize = 12;

const HANDSHAKE: u8 = 22;
/// HelloVerifyRequest (RFC 6347 section 4.2.1).
const HELLO_VERIFY_REQUEST: u8 = 3;

/// RFC 6347 section 4.1: 2^14 bytes, and what encryption adds.
const LENGTH_MAX: u16 = (1 << 14) + 2048;

/// A connection that is not renegotiated all the time stays below.
const EPOCH_MAX: u16 = 255;

/// More than any message but a hello proves.
const HELLO_BITS: f32 = 80.0;

/// A record's header.
#[derive(Clone, Copy)]
struct Header {
    kind: u8,
    version: u16,
    epoch: u16,
    len: usize,
}

fn match_side(head: &SideView<'_>) -> SideMatch<Said> {
    // RFC 7983 section 7: 20 to 63 is DTLS; of these 32 to 63 are DTLS 1.3's ciphertexts.
    let mine = |datagram: &Datagram<'_>| matches!(datagram.bytes.first(), Some(20..=26));
    let foreign = |datagram: &Datagram<'_>| {
        matches!(datagram.bytes.first(), Some(4..=19 | 27..=31 | 80..=127 | 192..))
    };
    let mut ours = head.datagrams.iter().enumerate().filter(|(_, one)| mine(one) || foreign(one));
    let Some((at, datagram)) = ours.next() else { return Err(Short) };
    if let Some(said) = read(datagram, at) {
        return Ok(said);
    }
    if foreign(datagram) {
        return Err(Not);
    }
    // RFC 6347 section 4.1.2.7: what is invalid is discarded, and the connection goes on. Then
    // nothing less than a hello that parses will do.
    let hello =
        ours.find_map(|(at, datagram)| read(datagram, at).filter(|said| said.bits >= HELLO_BITS));
    match hello {
        Some(said) => Ok(said),
        None if head.complete => Err(Not),
        None => Err(Short),
    }
}

fn read(datagram: &Datagram<'_>, at: usize) -> Option<Said> {
    let header = read_header(datagram.bytes, 0)?;
    let ends = walk(datagram, header)?;
    // type, version, epoch, the upper third of the sequence number; then the length
    let bits = 5.2 + 14.0 + 8.0 + 16.0 + if ends { 12.0 } else { 2.0 };
    let body = prefix(rest(datagram.bytes, HEADER), header.len);
    if header.epoch == 0 && header.kind == HANDSHAKE && header.len >= MESSAGE_HEADER {
        return message(body, header, bits, at);
    }
    let fact = format!(
        "{} record, type {}, epoch {}",
        version_name(header.version),
        header.kind,
        header.epoch
    );
    let said = Said::at(Role::Either, bits, fact, Spot::datagram(at, 0, HEADER));
    Some(said.with(DetailKey::DtlsVersion, version_name(header.version)))
}

fn read_header(bytes: &[u8], at: usize) -> Option<Header> {
    let mut cursor = Cursor::new(rest(bytes, at));
    let kind = cursor.u8()?;
    let version = cursor.be16()?;
    let epoch = cursor.be16()?;
    let sequence_high = cursor.be16()?;
    cursor.skip(4)?;
    let len = cursor.be16()?;
    // change_cipher_spec, alert, handshake, application_data, heartbeat, and 1.3's ack
    let fits = matches!(kind, 20..=24 | 26)
        && matches!(version, 0xfeff | 0xfefd | 0x0100)
        && epoch <= EPOCH_MAX
        && sequence_high == 0
        && (1..=LENGTH_MAX).contains(&len);
    fits.then(|| Header { kind, version, epoch, len: usize::from(len) })
}

/// Whether the records fill the datagram to its last byte, as far as that can be seen: `false`
/// where the rest was not captured or is a DTLS 1.3 ciphertext. `None` if they don't.
fn walk(datagram: &Datagram<'_>, first: Header) -> Option<bool> {
    let mut next = HEADER.saturating_add(first.len);
    while next < datagram.wire_len {
        // RFC 9147 section 4: the unified header is 001xxxxx.
        let unified = u8_at(datagram.bytes, next).is_some_and(|byte| byte & 0xe0 == 0x20);
        if unified || next.saturating_add(HEADER) > datagram.bytes.len() {
            return (unified || !datagram.is_whole()).then_some(false);
        }
        let header = read_header(datagram.bytes, next)?;
        if (header.version == 0x0100) != (first.version == 0x0100) {
            return None;
        }
        next = next.saturating_add(HEADER).saturating_add(header.len);
    }
    (next == datagram.wire_len).then_some(true)
}

/// The first handshake message of a record in the clear.
fn message(body: &[u8], header: Header, bits: f32, at: usize) -> Option<Said> {
    let mut cursor = Cursor::new(body);
    let version = version_name(header.version);
    let spot = Spot::datagram(at, 0, HEADER + MESSAGE_HEADER);
    let Some((kind, len, offset, part)) = read_message_header(&mut cursor) else {
        // Cut by the snap length within the header.
        let fact = format!("{version} handshake");
        let said = Said::at(Role::Either, bits, fact, Spot::datagram(at, 0, HEADER));
        return (body.len() < MESSAGE_HEADER).then_some(said);
    };
    let fits = offset.saturating_add(part) <= len
        && part.saturating_add(MESSAGE_HEADER) <= header.len
        && len <= 0xffff;
    if !fits {
        return None;
    }
    // the length's upper byte, and two relations of lengths
    let bits = bits + 8.0 + 8.0;
    let content = prefix(cursor.rest(), part);
    let whole = content.len() >= len;
    match kind {
        CLIENT_HELLO if offset == 0 => ClientHello::read(content, whole, Flavour::Dtls)
            .map(|hello| client_hello(&hello, header, bits, spot)),
        SERVER_HELLO if offset == 0 => ServerHello::read(content, whole, Flavour::Dtls)
            .map(|hello| server_hello(hello, header, bits, spot)),
        _ => {
            let (name, role) = message_name(kind)?;
            let said = Said::at(role, bits, format!("{version} {name}"), spot);
            // RFC 6347 section 4.2.1: what stands in a HelloVerifyRequest is not what was chosen.
            if kind == HELLO_VERIFY_REQUEST {
                return Some(said);
            }
            Some(said.with(DetailKey::DtlsVersion, version))
        }
    }
}

fn read_message_header(cursor: &mut Cursor<'_>) -> Option<(u8, usize, usize, usize)> {
    let kind = cursor.u8()?;
    let len = index(cursor.be24()?);
    cursor.skip(2)?;
    Some((kind, len, index(cursor.be24()?), index(cursor.be24()?)))
}

/// What may come in the clear, and from whom (RFC 6347 section 4.3.2).
const fn message_name(kind: u8) -> Option<(&'static str, Role)> {
    Some(match kind {
        CLIENT_HELLO => ("ClientHello fragment", Role::Client),
        SERVER_HELLO => ("ServerHello fragment", Role::Server),
        0 => ("HelloRequest", Role::Server),
        HELLO_VERIFY_REQUEST => ("HelloVerifyRequest", Role::Server),
        4 => ("NewSessionTicket", Role::Server),
        11 => ("Certificate", Role::Either),
        12 => ("ServerKeyExchange", Role::Server),
        13 => ("CertificateRequest", Role::Server),
        14 => ("ServerHelloDone", Role::Server),
        15 => ("CertificateVerify", Role::Client),
        16 => ("ClientKeyExchange", Role::Client),
        22 => ("CertificateStatus", Role::Server),
        _ => return None,
    })
}

fn client_hello(hello: &ClientHello<'_>, header: Header, bits: f32, spot: Spot) -> Said {
    let version = version_name(hello.version.unwrap_or(header.version));
    let mut fact = format!("{version} ClientHello");
    let mut details = vec![Detail::new(DetailKey::DtlsVersion, version)];
    if let Some(name) = hello.server_name {
        let name = from_wire(name);
        fact = format!("{fact} for {name}");
        details.push(Detail::new(DetailKey::DtlsSni, name));
    }
    Said { details, ..Said::at(Role::Client, bits + hello.bits, fact, spot) }
}

fn server_hello(hello: ServerHello, header: Header, bits: f32, spot: Spot) -> Said {
    let version = version_name(hello.version.unwrap_or(header.version));
    let name = if hello.retry { "HelloRetryRequest" } else { "ServerHello" };
    Said::at(Role::Server, bits + hello.bits, format!("{version} {name}"), spot)
        .with(DetailKey::DtlsVersion, version)
}

/// Whether a datagram starts like a DTLS record: for the tests of others.
#[cfg(test)]
pub(super) fn sample_record() -> Vec<u8> {
    [&[23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 5, 0, 40][..], &[0x5c; 40]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::handshake::samples;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    pub(super) fn record(kind: u8, version: u16, epoch: u16, body: &[u8]) -> Vec<u8> {
        let mut record = vec![kind];
        record.extend(version.to_be_bytes());
        record.extend(epoch.to_be_bytes());
        record.extend([0, 0, 0, 0, 0, 7]);
        record.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
        record.extend(body);
        record
    }

    pub(super) fn handshake(kind: u8, body: &[u8]) -> Vec<u8> {
        let len = u16::try_from(body.len()).unwrap().to_be_bytes();
        let mut message = vec![kind, 0, len[0], len[1], 0, 0, 0, 0, 0, 0, len[0], len[1]];
        message.extend(body);
        message
    }

    pub(super) fn client() -> Vec<u8> {
        let tls = samples::client_hello("dtls.example");
        // DTLS's version, and an empty cookie behind the empty session id
        let mut hello = vec![0xfe, 0xfd];
        hello.extend(&tls[2..35]);
        hello.push(0);
        hello.extend(&tls[35..]);
        record(22, 0xfeff, 0, &handshake(1, &hello))
    }

    pub(super) fn verify() -> Vec<u8> {
        record(22, 0xfeff, 0, &handshake(3, &hex("feff 04 01020304")))
    }

    #[test]
    fn a_handshake_is_named_from_each_side() {
        let talk = Talk::udp().a(client()).b(verify());
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        assert!(found.fact.contains("ClientHello for dtls.example"), "{}", found.fact);
        for side in Side::BOTH {
            let found = talk.clone().only(side).named_by(&DETECTOR);
            assert_eq!((found.strength, found.client), (Strength::OneSided, Some(Side::A)));
        }
    }

    #[test]
    fn a_server_flight_of_many_records_is_named() {
        let mut tls = samples::server_hello();
        tls.truncate(38);
        tls[0] = 0xfe;
        tls[1] = 0xfd;
        let mut flight = record(22, 0xfefd, 0, &handshake(2, &tls));
        flight.extend(record(22, 0xfefd, 0, &handshake(14, &[])));
        let found = Talk::udp().b(flight).named_by(&DETECTOR);
        assert!(found.fact.contains("DTLS 1.2 ServerHello"), "{}", found.fact);
    }

    #[test]
    fn encrypted_records_in_the_middle_are_named() {
        let found = Talk::udp().a(sample_record()).b(sample_record()).named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, None));
        Talk::udp().b(record(23, 0x0100, 1, &[9; 80])).named_by(&DETECTOR);
    }

    #[test]
    fn stun_and_media_may_stand_before_it() {
        let found = Talk::udp()
            .a(hex("0001 0000 2112a442 000102030405060708090a0b"))
            .b([0x80; 40])
            .a(client())
            .named_by(&DETECTOR);
        assert_eq!((found.seen.side, found.seen.datagram), (Side::A, 1));
    }

    #[test]
    fn a_hello_may_come_after_a_datagram_that_is_no_record() {
        let mut broken = client();
        broken[12] ^= 0x55;
        let found = Talk::udp().a(&broken).a(client()).named_by(&DETECTOR);
        assert_eq!((found.seen.side, found.seen.datagram), (Side::A, 1));
        // Less than a hello is not enough.
        Talk::udp().a(&broken).a(sample_record()).a(sample_record()).refused_by(&DETECTOR);
    }

    #[test]
    fn captures_cut_short_are_named() {
        for bytes in [13, 20, 40, 96] {
            Talk::udp().a(client()).snapped(bytes).named_by(&DETECTOR);
        }
    }

    #[test]
    fn look_alikes_are_refused() {
        // a length that doesn't fill the datagram
        let mut long = client();
        long.push(0);
        Talk::udp().a(long).refused_by(&DETECTOR);
        // a huge epoch, a huge sequence number, an unknown version
        for (at, value) in [(3, 9), (5, 1), (2, 0xf7)] {
            let mut odd = sample_record();
            odd[at] = value;
            Talk::udp().a(&odd).b(&odd).refused_by(&DETECTOR);
        }
        // a fragment that is longer than its message
        let mut fragment = verify();
        fragment[HEADER + 3] = 1;
        Talk::udp().b(fragment).refused_by(&DETECTOR);
        // TLS over UDP is something else
        Talk::udp().a(hex("16 0301 0005 01000001 03")).refused_by(&DETECTOR);
        // an RTP stream, and QUIC
        Talk::udp().a([0x80, 0x60, 0, 1]).a([0x80, 0x60, 0, 2]).refused_by(&DETECTOR);
        Talk::udp().a([0xc0, 0, 0, 0, 1, 8]).refused_by(&DETECTOR);
    }
}
