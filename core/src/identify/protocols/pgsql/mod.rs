//! PostgreSQL's frontend/backend protocol, version 3, over TCP.
//!
//! ```text
//!  startup   length(4) 00 03 00 00  name NUL value NUL ... NUL
//!  request   00000008 04d2162f TLS | 04d21630 GSSAPI     answered by one byte: S, G or N
//!  message   type(1) length(4, with itself) ...
//! ```

use crate::identify::prelude::*;

mod metadata;

pub(super) static DETECTOR: Detector = Detector {
    id: "pgsql",
    title: "PostgreSQL",
    reference: "PostgreSQL documentation, Frontend/Backend Protocol: Message Formats",
    rests_on: "The startup packet with its version and names, a request for encryption, the server's \
               authentication or error message, ReadyForQuery, or messages that follow each other.",
    blind_spots: "The server's one-byte answer to a request for TLS, without the request. Amazon \
                  Redshift and CockroachDB speak the same.",
    bits: 28.0,
    openings: Openings::Known(&[
        one_of(b"123ABCDEFGHIKNPQRSTXZcdfnpst\0"),
        // Lengths; or what follows the N that refuses encryption.
        one_of(&[0, 1, b'E', b'R']).at(1),
    ]),
    asks: over_tcp(|view| carrying(match_stream(view, read), |_| inside(view))).telling(Extras {
        details: &[VERSION],
        metadata: Some(metadata::tell),
        ..Extras::BEFORE_TLS
    }),
};

/// The server's version.
const VERSION: DetailKey = DetailKey::Own(&OwnDetail {
    path: "portstory.pgsql.server_version",
    summary: Some("version "),
    names: true,
});

const VERSION_3: u32 = 0x0003_0000;
const CANCEL: u32 = 0x04d2_162e;
const TLS: u32 = 0x04d2_162f;
const GSSAPI: u32 = 0x04d2_1630;

/// The longest startup packet (the server's own limit), and the longest message that is believed.
const STARTUP_BYTES_MAX: usize = 10_000;
const MESSAGE_BYTES_MAX: usize = 1 << 24;

/// A request for encryption that is granted: eight bytes on the one side, one on the other.
fn inside(view: &FlowView<'_>) -> Inside {
    for side in Side::BOTH {
        let asked = view.side(side).stream;
        if be32(asked, 0) != Some(8) || be32(asked, 4) != Some(TLS) {
            continue;
        }
        return match view.side(side.other()).stream.first() {
            Some(b'S') => Inside::StartsAt(if side == Side::A { [8, 1] } else { [1, 8] }),
            Some(_) => Inside::Nothing,
            None => Inside::MayFollow,
        };
    }
    Inside::Nothing
}

fn read(bytes: &[u8], _: bool) -> SideMatch<Said> {
    match bytes {
        // An answer to a request for encryption.
        [b'S' | b'N' | b'G'] => {
            Ok(Said::new(1, Role::Server, 6.0, "PostgreSQL answer to TLS").shared())
        }
        [b'N', b'R' | b'E', ..] => {
            Ok(Said::new(1, Role::Server, 6.0, "PostgreSQL without TLS").shared())
        }
        [0, ..] => from_header(bytes, 8, startup),
        _ => from_header(bytes, 6, typed),
    }
}

fn startup(bytes: &[u8]) -> Option<Said> {
    let len = index(be32(bytes, 0)?);
    let said = |bits, fact: &str| Some(Said::new(len, Role::Client, bits, fact));
    match (len, be32(bytes, 4)?) {
        (8, TLS) => said(64.0, "PostgreSQL client asks for TLS"),
        (8, GSSAPI) => said(64.0, "PostgreSQL client asks for GSSAPI encryption"),
        (16, CANCEL) => said(64.0, "PostgreSQL client cancels a query"),
        (9..=STARTUP_BYTES_MAX, version) if version & !0x3 == VERSION_3 => {
            let names = prefix(rest(bytes, 8), len.saturating_sub(8));
            let user = names.split(|byte| *byte == 0).position(|name| name == b"user");
            let user = user.filter(|nth| nth % 2 == 0)?;
            let name = names.split(|byte| *byte == 0).nth(user.saturating_add(1))?;
            let fact = format!("PostgreSQL startup of user {}", from_wire(name));
            Some(Said::new(len, Role::Client, 18.0 + 30.0 + 40.0, fact))
        }
        _ => None,
    }
}

/// Types of messages: PostgreSQL documentation, Message Formats.
fn typed(bytes: &[u8]) -> Option<Said> {
    let kind = u8_at(bytes, 0)?;
    let len = index(be32(bytes, 1)?);
    if !(4..=MESSAGE_BYTES_MAX).contains(&len) {
        return None;
    }
    let total = len.saturating_add(1);
    let body = prefix(rest(bytes, 5), len - 4);
    let whole = body.len() == len - 4;
    let (role, more, own) = match kind {
        b'R' => (Role::Server, authentication(body, len)?, true),
        b'Z' if len == 5 => {
            (Role::Server, matches!(body, [b'I' | b'T' | b'E']).then_some(14.0)?, true)
        }
        b'E' | b'N' if body.first() == Some(&b'S') => (Role::Server, error(body)?, true),
        // No field at all: only what ends them.
        b'E' if body == [0] => (Role::Server, 16.0, false),
        b'K' if (12..=264).contains(&len) => (Role::Server, 14.0, false),
        b'S' if len == 4 => (Role::Client, 8.0, false),
        b'S' | b'A' => (Role::Server, strings(body, whole)?, false),
        b'C' | b'T' | b'D' | b't' | b'G' | b'H' => (Role::Server, 0.0, false),
        b'1' | b'2' | b'3' | b'I' | b'n' | b's' if len == 4 => (Role::Server, 8.0, false),
        b'Q' | b'p' => (Role::Client, query(body, whole)?, false),
        b'P' | b'B' | b'F' | b'd' | b'c' | b'f' => (Role::Either, 0.0, false),
        b'X' if len == 4 => (Role::Client, 8.0, false),
        _ => return None,
    };
    let fact = format!("PostgreSQL message {}", char::from(kind));
    let version = version(body).filter(|_| kind == b'S').map(from_wire);
    let said = Said::new(total, role, 8.0 - 4.8 + 8.0 + more, fact).owned_if(own);
    Some(said.with_some(VERSION, version))
}

/// AuthenticationOk to SASLFinal: bits beyond those of any message.
fn authentication(body: &[u8], len: usize) -> Option<f32> {
    let code = be32(body, 0)?;
    let fits = match code {
        0 | 2 | 3 | 6 | 7 | 9 => len == 8,
        5 => len == 12,
        8 | 10..=12 => len > 8,
        _ => false,
    };
    fits.then_some(28.0 + if len == 8 { 12.0 } else { 0.0 })
}

/// ErrorResponse and NoticeResponse: fields of a letter and a text.
fn error(body: &[u8]) -> Option<f32> {
    let severity = body.get(1..)?.split(|byte| *byte == 0).next()?;
    let known =
        matches!(severity, b"ERROR" | b"FATAL" | b"PANIC" | b"WARNING" | b"NOTICE" | b"LOG");
    // Other languages say other words, but all say V or C next.
    let next = u8_at(body, severity.len().saturating_add(2));
    let translated = severity.len() <= 24 && severity.iter().all(|byte| *byte >= b'A');
    (known || (translated && matches!(next, Some(b'V' | b'C')))).then_some(24.0)
}

/// ParameterStatus: a name and a value, each with its NUL.
fn strings(body: &[u8], whole: bool) -> Option<f32> {
    let name = body.iter().position(|byte| *byte == 0)?;
    let word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte == b'.';
    let ends = !whole || body.last() == Some(&0);
    (ends && name >= 3 && prefix(body, name).iter().all(word)).then_some(14.0)
}

fn version(body: &[u8]) -> Option<&[u8]> {
    let value = body.strip_prefix(b"server_version\0")?;
    value.split(|byte| *byte == 0).next()
}

/// A text that ends in NUL, and has no other.
fn query(body: &[u8], whole: bool) -> Option<f32> {
    let text = if whole { body.strip_suffix(&[0])? } else { body };
    let plain = text.iter().all(|byte| *byte >= b' ' || matches!(byte, b'\t' | b'\n' | b'\r'));
    (plain && be16(text, 0).is_some()).then_some(8.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};

    pub(super) fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let len = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
        [&[kind], &len[..], body].concat()
    }

    pub(super) fn hello() -> Vec<u8> {
        let names = b"\0\x03\0\0user\0joe\0database\0db\0\0";
        [&u32::try_from(names.len() + 4).unwrap().to_be_bytes()[..], names].concat()
    }

    #[test]
    fn startup_and_answer_are_named() {
        let talk = Talk::tcp()
            .a(hello())
            .b(message(b'R', &[0; 4]))
            .b(message(b'S', b"server_version\x0016.2\0"))
            .a(message(b'Q', b"select 1\0"));
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        assert_eq!(found.details, [Detail::new(VERSION, "16.2")]);
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
        Talk::tcp().b(message(b'E', b"SFATAL\0VFATAL\0C28000\0\0")).named_by(&DETECTOR);
    }

    #[test]
    fn queries_in_the_middle_are_named() {
        let answer = [message(b'C', b"SELECT 1\0"), message(b'Z', b"I")].concat();
        let talk = Talk::tcp().midway().a(message(b'Q', b"select 1\0")).b(answer);
        assert_eq!(talk.named_by(&DETECTOR).strength, Strength::BothSides);
        talk.only(Side::B).named_by(&DETECTOR);
    }

    #[test]
    fn behind_a_granted_request_tls_starts() {
        let asked = hex("00000008 04d2162f");
        let talk = Talk::tcp().a(&asked).b("S").a(b"\x16\x03\x01\x00\x05hello");
        assert_eq!(talk.named_by(&DETECTOR).inside, Inside::StartsAt([8, 1]));
        assert_eq!(Talk::tcp().a(&asked).b("N").named_by(&DETECTOR).inside, Inside::Nothing);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().a(hex("00000008 00000001")).b("S").refused_by(&DETECTOR);
        Talk::tcp().a("Some text\r\n").b("Nothing\r\n").refused_by(&DETECTOR);
        Talk::tcp().b("SSH-2.0-x\r\n").refused_by(&DETECTOR);
        Talk::tcp().b(message(b'C', b"x\0")).refused_by(&DETECTOR);
        Talk::tcp().b(message(b'R', &[9; 4])).refused_by(&DETECTOR);
        Talk::tcp().a(hex("00000011 00030000 6e6f2d6e616d6500")).refused_by(&DETECTOR);
    }
}
