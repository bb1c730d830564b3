//! MySQL's and MariaDB's client/server protocol, version 10, over TCP.
//!
//! ```text
//!  packet    length(24, little-endian) number(8) payload
//!  greeting  0a  version NUL  thread(4)  scramble(8) 00  capabilities(2) charset(1) status(2)
//!            capabilities(2) scramble_len(1)  reserved(10: MariaDB 6 and 4 of capabilities)  ...
//!  error     ff  code(16, little-endian)  text to the end
//!  login     capabilities(4) max_packet(4) charset(1) 0(19) 0(4, MariaDB's capabilities)  user NUL ...
//!  TLS       the same up to the user: behind it TLS starts
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "mysql",
    title: "MySQL and MariaDB",
    reference: "MySQL Server documentation, Protocol::HandshakeV10, HandshakeResponse41, SSLRequest, \
                ERR_Packet; MariaDB Knowledge Base, Connecting",
    rests_on: "The server's greeting with a version and reserved bytes, or its error before a \
               greeting; the client's login with its reserved bytes.",
    blind_spots: "A connection captured after the login; the X protocol (port 33060) is another one.",
    bits: 44.0,
    openings: Openings::Known(&[
        // The rest of a login may be anything at the places where greetings and errors are told.
        one_of(&[0]).at(2),
        one_of(&[0, 1]).at(3),
    ]),
    asks: over_tcp(probe).telling(Extras { details: &[VERSION], ..Extras::BEFORE_TLS }),
};

/// The server's version.
const VERSION: DetailKey = DetailKey::Own(&OwnDetail {
    path: "portstory.mysql.version",
    summary: Some("version "),
    names: true,
});

/// Bytes of a packet's header.
const HEADER: usize = 4;

/// The longest version that is believed: those of forks have up to 60 characters.
const VERSION_BYTES_MAX: usize = 80;

/// Bytes of a login up to the user's name, and of a request for TLS.
const LOGIN_FIXED: usize = 32;

/// The highest number of a packet behind the first: logins by plugins go to and fro a few times.
const NUMBER_MAX: u8 = 9;

/// CLIENT_PROTOCOL_41 and CLIENT_SSL.
const PROTOCOL_41: u32 = 0x0200;
const SSL: u32 = 0x0800;

/// What one side said, and how long the packet is if TLS may start behind it.
struct Message {
    said: Said,
    kind: PacketKind,
    len: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum PacketKind {
    Greeting,
    Error,
    Login,
    TlsRequest,
}

fn probe(view: &FlowView<'_>) -> Probe {
    probe_found(view, match_side, |said| {
        let inside = inside(&said);
        let found = join(said.map(|message| message.map(|message| message.said)))?;
        Some(Finding { inside, ..found })
    })
}

/// After a request for TLS the client goes on in TLS, and the server, behind its greeting, too.
fn inside(said: &[Option<Message>; 2]) -> Inside {
    let asks = |side: Side| {
        side.of(said).as_ref().is_some_and(|message| message.kind == PacketKind::TlsRequest)
    };
    if !Side::BOTH.into_iter().any(asks) {
        return Inside::Nothing;
    }
    let len = |side: Side| side.of(said).as_ref().map_or(0, |message| message.len);
    Inside::StartsAt(Side::BOTH.map(len))
}

fn match_side(head: &SideView<'_>) -> SideMatch<Message> {
    let stream = head.stream;
    let (Some(len), Some(number)) = (le24(stream, 0).map(index), u8_at(stream, 3)) else {
        return Err(Short);
    };
    let first = u8_at(stream, HEADER);
    let end = len.saturating_add(HEADER);
    let payload = prefix(rest(stream, HEADER), len);
    // What a packet of this length still lacks may come.
    let open = stream.len() < end && !head.complete;
    let read = match (number, first) {
        (0, Some(0x0a)) if (40..=512).contains(&len) => {
            read_greeting(payload, payload.len() == len)
        }
        (0 | 1, Some(0xff)) if (10..=512).contains(&len) && payload.len() == len => {
            read_error(payload)
        }
        (0, Some(0x0a | 0xff) | None) => None,
        (1, _) if (LOGIN_FIXED..=0xffff).contains(&len) => read_login(payload, len),
        (_, _) => return Err(Not),
    };
    match read {
        Some((kind, said)) => {
            // A packet's number says which one of an exchange it is.
            let next = |behind: &[u8]| u8_at(behind, 3).is_none_or(|number| number <= NUMBER_MAX);
            let said = followed(head, Said { len: end, ..said }, next)?;
            Ok(Message { said, kind, len: end })
        }
        None if open && end <= 0xffff => Err(Short),
        None => Err(Not),
    }
}

fn read_greeting(payload: &[u8], whole: bool) -> Option<(PacketKind, Said)> {
    let mut cursor = Cursor::new(payload);
    cursor.skip(1)?;
    let text = prefix(cursor.rest(), VERSION_BYTES_MAX);
    let version = prefix(text, text.iter().position(|byte| *byte == 0)?);
    cursor.skip(version.len().saturating_add(1))?;
    let plain = version.iter().all(|byte| (b' '..=b'~').contains(byte));
    let dotted =
        matches!(version, [b'1'..=b'9', b'.' | b'0'..=b'9', .., _] if version.contains(&b'.'));
    if !plain || !dotted {
        return None;
    }
    // two bytes of length, number, 0a, a digit, a dot, the end of the version
    let mut bits = 15.0 + 8.0 + 8.0 + 4.8 + 4.5 + 5.0;
    match check_greeting(&mut cursor) {
        Ok(more) => bits += more,
        Err(true) if !whole => {}
        Err(_) => return None,
    }
    // MariaDB says 5.5.5- first, for old replicas' sake.
    let (name, version) = match version.strip_prefix(b"5.5.5-") {
        Some(version) if version.first().is_some_and(u8::is_ascii_digit) => ("MariaDB", version),
        Some(_) | None => ("MySQL", version),
    };
    let version = from_wire(version);
    let mariadb = version.to_ascii_lowercase().contains("mariadb");
    let name = if mariadb { "MariaDB" } else { name };
    let fact = format!("{name} greeting, version {version}");
    let said = Said::all(Role::Server, bits, fact);
    Some((PacketKind::Greeting, said.with(VERSION, version)))
}

/// What stands behind the version: the bits it gives; `Err(true)` where it is cut, `Err(false)` where
/// it is none.
fn check_greeting(cursor: &mut Cursor<'_>) -> Result<f32, bool> {
    cursor.skip(4 + 8).ok_or(true)?;
    let filler = cursor.u8().ok_or(true)?;
    if filler != 0 {
        return Err(false);
    }
    // Before 4.1 the packet ends soon after.
    if cursor.remaining() < 18 {
        return Ok(8.0);
    }
    cursor.skip(7).ok_or(true)?;
    let scramble = cursor.u8().ok_or(true)?;
    let reserved = cursor.take(6).ok_or(true)?;
    let fits = reserved.iter().all(|byte| *byte == 0) && matches!(scramble, 0 | 8..=64);
    if fits { Ok(8.0 + 48.0 + 2.0) } else { Err(false) }
}

/// ER_HOST_IS_BLOCKED and the like: an error before anything else. From 4.1 on an SQL state may
/// stand before the text.
fn read_error(payload: &[u8]) -> Option<(PacketKind, Said)> {
    let mut cursor = Cursor::new(payload);
    cursor.skip(1)?;
    let code = cursor.le16()?;
    let text = cursor.rest();
    let text = if text.first() == Some(&b'#') { rest(text, 6) } else { text };
    let plain = text.iter().all(|byte| (b' '..=b'~').contains(byte) || *byte >= 0x80);
    // Server errors are 1000 to 1999 and 3000 to 4999 (MySQL 8 error reference).
    if !matches!(code, 1000..=1999 | 3000..=4999) || !plain || text.len() < 7 {
        return None;
    }
    // two bytes of length, number, ff, code, text
    let bits = 15.0 + 7.0 + 8.0 + 4.4 + 7.0 * 1.4;
    let fact = format!("MySQL error {code}: {}", from_wire(text));
    Some((PacketKind::Error, Said::all(Role::Server, bits, fact)))
}

fn read_login(payload: &[u8], len: usize) -> Option<(PacketKind, Said)> {
    let mut cursor = Cursor::new(payload);
    let capabilities = cursor.le32()?;
    let largest = cursor.le32()?;
    cursor.skip(1)?;
    let reserved = cursor.take(19)?;
    let fits = capabilities & PROTOCOL_41 != 0
        && largest <= 1 << 30
        && reserved.iter().all(|byte| *byte == 0);
    let tls = len == LOGIN_FIXED;
    if !fits || (tls && capabilities & SSL == 0) {
        return None;
    }
    // length, number, capability, largest packet, reserved bytes
    let bits = 8.0 + 8.0 + 1.0 + 2.0 + 152.0;
    let (kind, fact) = if tls {
        (PacketKind::TlsRequest, "MySQL client asks for TLS")
    } else {
        (PacketKind::Login, "MySQL client login")
    };
    Some((kind, Said::all(Role::Client, bits, fact)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};

    fn packet(number: u8, payload: &[u8]) -> Vec<u8> {
        let len = u16::try_from(payload.len()).unwrap().to_le_bytes();
        [&[len[0], len[1], 0, number], payload].concat()
    }

    fn greeting(version: &str) -> Vec<u8> {
        let mut payload = vec![0x0a];
        payload.extend(version.as_bytes());
        payload.push(0);
        payload
            .extend(hex("0b000000 3031323334353637 00 fff7 ff 0200 ff8f 15 000000000000 00000000"));
        payload.extend(b"abcdefghijkl\0caching_sha2_password\0");
        packet(0, &payload)
    }

    fn login(capabilities: &str, user: &str) -> Vec<u8> {
        let mut payload = hex(capabilities);
        payload.extend(hex("00000001 2d"));
        payload.extend([0; 23]);
        payload.extend(user.as_bytes());
        packet(1, &payload)
    }

    #[test]
    fn greeting_and_login_are_named() {
        let talk = Talk::tcp().b(greeting("8.0.36")).a(login("85a6ff01", "root\0\0"));
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        assert_eq!(found.details, [Detail::new(VERSION, "8.0.36")]);
        for side in Side::BOTH {
            let found = talk.clone().only(side).named_by(&DETECTOR);
            assert_eq!((found.strength, found.client), (Strength::OneSided, Some(Side::A)));
        }
    }

    #[test]
    fn mariadb_hides_behind_an_old_version() {
        let found = Talk::tcp().b(greeting("5.5.5-10.11.6-MariaDB")).named_by(&DETECTOR);
        assert_eq!(found.details, [Detail::new(VERSION, "10.11.6-MariaDB")]);
        assert!(found.fact.starts_with("MariaDB"));
    }

    #[test]
    fn errors_before_a_greeting_are_named() {
        let text = b"\xff\x6a\x04Host 'a' is not allowed to connect to this MySQL server";
        let found = Talk::tcp().b(packet(0, text)).named_by(&DETECTOR);
        assert!(found.fact.contains("error 1130"), "{}", found.fact);
        let state = b"\xff\x10\x04#08004Too many connections";
        Talk::tcp().b(packet(0, state)).named_by(&DETECTOR);
    }

    #[test]
    fn behind_a_request_for_tls_tls_starts() {
        let greeting = greeting("8.4.0");
        let talk = Talk::tcp().b(&greeting).a(login("85aeff01", ""));
        assert_eq!(talk.named_by(&DETECTOR).inside, Inside::StartsAt([36, greeting.len()]));
    }

    #[test]
    fn pieces_and_cuts_are_named() {
        for bytes in [20, 40, 60] {
            Talk::tcp().b(greeting("8.0.36")).snapped(bytes).named_by(&DETECTOR);
        }
        let whole = greeting("8.0.36");
        Talk::tcp().b(&whole[..3]).b(&whole[3..9]).b(&whole[9..]).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        // a greeting whose version is no version, or whose reserved bytes are not zero
        Talk::tcp().b(greeting("hello")).refused_by(&DETECTOR);
        let mut reserved = greeting("8.0.36");
        reserved[35] = 7;
        Talk::tcp().b(reserved).refused_by(&DETECTOR);
        // an error text that is none
        Talk::tcp().b(packet(0, b"\xff\x6a\x04\x01\x02\x03\x04\x05\x06\x07")).refused_by(&DETECTOR);
        Talk::tcp().b(packet(0, b"\xff\x02\x00a text long enough")).refused_by(&DETECTOR);
        // a login without its zeros
        let mut zeros = login("85a6ff01", "root\0");
        zeros[20] = 1;
        Talk::tcp().a(zeros).refused_by(&DETECTOR);
        // text, and little-endian lengths of others
        Talk::tcp().b("220 ready\r\n").refused_by(&DETECTOR);
        Talk::tcp().a(hex("3a000000 01000000 00000000 d4070000 00000000")).refused_by(&DETECTOR);
        Talk::tcp().a(hex("0a000001 00000000")).refused_by(&DETECTOR);
    }
}
