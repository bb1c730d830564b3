//! The hello messages of the TLS handshake: the same in TLS, DTLS and QUIC, whatever carries them.
//!
//! Reads RFC 8446 section 4.1 (and 5246, 6347, 9147, whose hellos have the same shape), with the
//! extensions server_name (RFC 6066 section 3), application_layer_protocol_negotiation (RFC 7301)
//! and supported_versions. A hello that is cut gives what it has; one that contradicts itself gives
//! nothing. Knows no record layer.

use crate::config::TOLD_WORDS_MAX;
use crate::identify::side_match::MessageError;
use crate::wire::{Cursor, be16, be24, from_wire, index, prefix, rest, u8_at};

/// HandshakeType (RFC 8446 section 4).
pub(super) const CLIENT_HELLO: u8 = 1;
/// HandshakeType (RFC 8446 section 4).
pub(super) const SERVER_HELLO: u8 = 2;
/// HandshakeType of drafts of RFC 8446, up to 21.
pub(super) const EARLY_RETRY: u8 = 6;

pub(super) const SERVER_NAME: u16 = 0;
pub(super) const ALPN: u16 = 16;
pub(super) const SUPPORTED_VERSIONS: u16 = 43;

/// The SHA-256 of "HelloRetryRequest" starts so (RFC 8446 section 4.1.3).
const RETRY_RANDOM: [u8; 8] = [0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11];

/// Which hello formats are meant: DTLS puts a cookie into the ClientHello and counts its versions
/// down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flavour {
    /// TLS, and QUIC, which carries TLS 1.3.
    Tls,
    /// DTLS.
    Dtls,
}

impl Flavour {
    /// Whether this may stand as legacy_version in a hello.
    fn knows(self, version: u16) -> bool {
        match self {
            Self::Tls => matches!(version, 0x0300..=0x0304) || version >> 8 == 0x7f,
            Self::Dtls => matches!(version, 0xfeff | 0xfefd | 0xfefc | 0x0100),
        }
    }

    /// The newest of the versions that were offered; GREASE values (RFC 8701) are passed over.
    pub(super) fn newest(self, offered: &[u16]) -> Option<u16> {
        let known = offered.iter().copied().filter(|version| self.knows(*version));
        match self {
            // A final version is newer than any draft, whatever the numbers.
            Self::Tls => known.max_by_key(|version| (version >> 8 != 0x7f, *version)),
            Self::Dtls => known.min_by_key(|version| (*version == 0x0100, *version)),
        }
    }
}

/// The name of a protocol version, as Suricata writes TLS's.
pub(super) fn version_name(version: u16) -> String {
    match version {
        0x0002 => "SSLv2".to_owned(),
        0x0300 => "SSLv3".to_owned(),
        0x0301 => "TLS 1.0".to_owned(),
        0x0302 => "TLS 1.1".to_owned(),
        0x0303 => "TLS 1.2".to_owned(),
        0x0304 => "TLS 1.3".to_owned(),
        0x7f00..=0x7fff => format!("TLS 1.3 draft-{:02}", version & 0xff),
        0xfeff => "DTLS 1.0".to_owned(),
        0xfefd => "DTLS 1.2".to_owned(),
        0xfefc => "DTLS 1.3".to_owned(),
        0x0100 => "DTLS 0.9".to_owned(),
        _ => format!("version 0x{version:04x}"),
    }
}

/// Whether what was read of a hello is one: one that is cut ends too soon, and is one all the same.
fn as_far_as_it_goes(filled: Result<(), MessageError>, whole: bool) -> bool {
    match filled {
        Ok(()) => true,
        Err(MessageError::Short) => !whole,
        Err(MessageError::Not) => false,
    }
}

/// A message of the handshake, as much of it as was seen (RFC 8446 section 4).
pub(super) struct HandshakeMessage<'a> {
    pub(super) kind: u8,
    len: usize,
    pub(super) body: &'a [u8],
}

impl<'a> HandshakeMessage<'a> {
    /// Bytes of its header.
    pub(super) const HEADER: usize = 4;

    /// Reads the message at the front.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let kind = u8_at(bytes, 0)?;
        let len = index(be24(bytes, 1)?);
        Some(Self { kind, len, body: prefix(rest(bytes, Self::HEADER), len) })
    }

    /// Whether all of it was seen.
    pub(super) fn is_whole(&self) -> bool {
        self.body.len() == self.len
    }

    /// Bytes on the wire, header included.
    pub(super) fn total(&self) -> usize {
        self.len.saturating_add(Self::HEADER)
    }
}

/// What a ClientHello tells.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ClientHello<'a> {
    /// The newest version offered.
    pub(super) version: Option<u16>,
    /// The name asked for.
    pub(super) server_name: Option<&'a [u8]>,
    /// The protocols offered, in the client's order.
    pub(super) alpn: Vec<&'a [u8]>,
    /// -log2 of the chance that random bytes pass the checks that could be made.
    pub(super) bits: f32,
}

impl<'a> ClientHello<'a> {
    /// Reads the message behind its handshake header. `whole` says whether `body` is all of it.
    /// `None` if this is no ClientHello.
    pub(super) fn read(body: &'a [u8], whole: bool, flavour: Flavour) -> Option<Self> {
        let mut hello = Self::default();
        let filled = hello.fill(&mut Cursor::new(body), whole, flavour);
        as_far_as_it_goes(filled, whole).then_some(hello)
    }

    /// The first protocols that were offered, comma-separated.
    pub(super) fn offered(&self) -> Option<String> {
        let names = self.alpn.iter().take(TOLD_WORDS_MAX).map(|name| from_wire(name));
        (!self.alpn.is_empty()).then(|| names.collect::<Vec<_>>().join(","))
    }

    /// ```text
    /// version(2) random(32) session_id<0..32> [cookie<0..255>] cipher_suites<2..2^16-2>
    /// compression_methods<1..255> [extensions<0..2^16-1>]
    /// ```
    fn fill(
        &mut self,
        cursor: &mut Cursor<'a>,
        whole: bool,
        flavour: Flavour,
    ) -> Result<(), MessageError> {
        self.version = Some(read_version(cursor, flavour)?);
        self.bits += 13.0;
        cursor.skip(32).ok_or(MessageError::Short)?;
        read_session_id(cursor)?;
        self.bits += 3.0;
        if flavour == Flavour::Dtls {
            cursor.block8().ok_or(MessageError::Short)?;
        }
        let suites_len = be16(cursor.rest(), 0).ok_or(MessageError::Short)?;
        check(suites_len >= 2 && suites_len.is_multiple_of(2))?;
        self.bits += 1.0;
        cursor.block16().ok_or(MessageError::Short)?;
        let compressions = cursor.block8().ok_or(MessageError::Short)?;
        check(compressions.contains(&0))?;
        self.bits += 4.0;
        if cursor.is_empty() && whole {
            return Ok(());
        }
        each_extension(cursor, whole, |kind, body| self.take_extension(kind, body, flavour))
    }

    fn take_extension(
        &mut self,
        kind: u16,
        body: &'a [u8],
        flavour: Flavour,
    ) -> Result<(), MessageError> {
        let mut cursor = Cursor::new(body);
        match kind {
            SERVER_NAME => {
                let names = cursor.block16().ok_or(MessageError::Not)?;
                let mut names = Cursor::new(names);
                check(names.u8() == Some(0))?;
                self.server_name = Some(names.block16().ok_or(MessageError::Not)?);
            }
            ALPN => {
                let mut names = Cursor::new(cursor.block16().ok_or(MessageError::Not)?);
                while !names.is_empty() {
                    self.alpn.push(names.block8().ok_or(MessageError::Not)?);
                }
            }
            SUPPORTED_VERSIONS => {
                let list = cursor.block8().ok_or(MessageError::Not)?;
                let versions: Vec<u16> =
                    list.chunks_exact(2).filter_map(|pair| be16(pair, 0)).collect();
                self.version = flavour.newest(&versions).or(self.version);
            }
            _ => {}
        }
        Ok(())
    }
}

/// What a ServerHello tells.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct ServerHello {
    /// The version that was chosen.
    pub(super) version: Option<u16>,
    /// The cipher suite that was chosen.
    pub(super) cipher: Option<u16>,
    /// It is a HelloRetryRequest: the client is to send another ClientHello.
    pub(super) retry: bool,
    /// -log2 of the chance that random bytes pass the checks that could be made.
    pub(super) bits: f32,
}

impl ServerHello {
    /// Reads the message behind its handshake header, as [`ClientHello::read`].
    pub(super) fn read(body: &[u8], whole: bool, flavour: Flavour) -> Option<Self> {
        let mut hello = Self::default();
        let filled = hello.fill(&mut Cursor::new(body), whole, flavour);
        as_far_as_it_goes(filled, whole).then_some(hello)
    }

    /// Reads a HelloRetryRequest as it was a message of its own, up to draft 21: `version(2)`, from draft
    /// 19 on `cipher_suite(2)`, `extensions<2..2^16-1>`.
    pub(super) fn read_early_retry(body: &[u8], whole: bool) -> Option<Self> {
        let mut cursor = Cursor::new(body);
        let version = cursor.be16().filter(|version| matches!(version, 0x7f00..=0x7f15))?;
        if version >= 0x7f13 {
            cursor.skip(2)?;
        }
        let filled = each_extension(&mut cursor, whole, |_, _| Ok(()));
        let hello = Self { version: Some(version), retry: true, bits: 12.0, ..Self::default() };
        as_far_as_it_goes(filled, whole).then_some(hello)
    }

    /// ```text
    /// version(2) random(32) session_id<0..32> cipher_suite(2) compression_method(1)
    /// [extensions<0..2^16-1>]
    /// ```
    fn fill(
        &mut self,
        cursor: &mut Cursor<'_>,
        whole: bool,
        flavour: Flavour,
    ) -> Result<(), MessageError> {
        self.version = Some(read_version(cursor, flavour)?);
        self.bits += 13.0;
        let random = cursor.take(32).ok_or(MessageError::Short)?;
        self.retry = random.starts_with(&RETRY_RANDOM);
        // Up to TLS 1.3's draft 21 the version stood here, and there was neither session nor compression.
        let early = matches!(self.version, Some(0x7f00..=0x7f15));
        if !early {
            read_session_id(cursor)?;
        }
        self.bits += 3.0;
        self.cipher = Some(cursor.be16().ok_or(MessageError::Short)?);
        if !early {
            // null, DEFLATE (RFC 3749), LZS (RFC 3943).
            check(matches!(cursor.u8().ok_or(MessageError::Short)?, 0 | 1 | 64))?;
        }
        self.bits += 6.0;
        if cursor.is_empty() && whole {
            return Ok(());
        }
        each_extension(cursor, whole, |kind, body| {
            if kind == SUPPORTED_VERSIONS {
                let chosen = be16(body, 0).ok_or(MessageError::Not)?;
                check(flavour.knows(chosen))?;
                self.version = Some(chosen);
            }
            Ok(())
        })
    }
}

fn read_version(cursor: &mut Cursor<'_>, flavour: Flavour) -> Result<u16, MessageError> {
    let version = cursor.be16().ok_or(MessageError::Short)?;
    check(flavour.knows(version)).map(|()| version)
}

/// `session_id<0..32>`; its length is checked before its bytes are there.
fn read_session_id(cursor: &mut Cursor<'_>) -> Result<(), MessageError> {
    check(cursor.rest().first().is_none_or(|len| *len <= 32))?;
    cursor.block8().map(|_| ()).ok_or(MessageError::Short)
}

fn each_extension<'a>(
    cursor: &mut Cursor<'a>,
    whole: bool,
    mut take: impl FnMut(u16, &'a [u8]) -> Result<(), MessageError>,
) -> Result<(), MessageError> {
    let len = usize::from(cursor.be16().ok_or(MessageError::Short)?);
    check(if whole { len == cursor.remaining() } else { len >= cursor.remaining() })?;
    while !cursor.is_empty() {
        let kind = cursor.be16().ok_or(MessageError::Short)?;
        take(kind, cursor.block16().ok_or(MessageError::Short)?)?;
    }
    Ok(())
}

const fn check(holds: bool) -> Result<(), MessageError> {
    if holds { Ok(()) } else { Err(MessageError::Not) }
}

#[cfg(test)]
pub(super) mod samples {
    //! Hello messages made by the drawings above, without their handshake headers.

    /// A ClientHello of TLS 1.3 that asks for `name` and offers h2.
    pub(crate) fn client_hello(name: &str) -> Vec<u8> {
        let name = name.as_bytes();
        let len = u8::try_from(name.len()).unwrap();
        let mut extensions = vec![0x0a, 0x0a, 0, 0];
        extensions.extend([0, 0, 0, len + 5, 0, len + 3, 0, 0, len]);
        extensions.extend(name);
        extensions.extend([0, 16, 0, 5, 0, 3, 2, b'h', b'2']);
        extensions.extend([0, 43, 0, 7, 6, 0x1a, 0x1a, 3, 4, 3, 3]);
        let mut hello = vec![3, 3];
        hello.extend([0x11; 32]);
        hello.extend([0, 0, 4, 0x13, 1, 0xc0, 0x2f, 1, 0]);
        hello.extend(u16::try_from(extensions.len()).unwrap().to_be_bytes());
        hello.extend(extensions);
        hello
    }

    /// A ServerHello that chooses TLS 1.3.
    pub(crate) fn server_hello() -> Vec<u8> {
        let mut hello = vec![3, 3];
        hello.extend([0x22; 32]);
        hello.extend([0, 0x13, 1, 0, 0, 6, 0, 43, 0, 2, 3, 4]);
        hello
    }
}

#[cfg(test)]
mod tests {
    use super::samples::{client_hello, server_hello};
    use super::*;

    #[test]
    fn a_client_hello_tells_name_protocols_and_version() {
        let bytes = client_hello("a.example");
        let hello = ClientHello::read(&bytes, true, Flavour::Tls).unwrap();
        assert_eq!(hello.version, Some(0x0304));
        assert_eq!(hello.server_name, Some(&b"a.example"[..]));
        assert_eq!(hello.alpn, [b"h2"]);
    }

    #[test]
    fn a_cut_hello_tells_what_it_has() {
        let bytes = client_hello("a.example");
        for len in 0..bytes.len() {
            assert!(ClientHello::read(&bytes[..len], false, Flavour::Tls).is_some(), "{len}");
            // At the end of the compression methods it is a whole hello without extensions.
            assert_eq!(ClientHello::read(&bytes[..len], true, Flavour::Tls).is_some(), len == 43);
        }
    }

    #[test]
    fn a_server_hello_tells_the_version_chosen() {
        let hello = ServerHello::read(&server_hello(), true, Flavour::Tls).unwrap();
        assert_eq!((hello.version, hello.retry), (Some(0x0304), false));
        let mut retry = server_hello();
        retry[2..10].copy_from_slice(&RETRY_RANDOM);
        assert!(ServerHello::read(&retry, true, Flavour::Tls).unwrap().retry);
    }

    #[test]
    fn contradictions_are_no_hello() {
        let good = client_hello("a.example");
        // version, session id length, odd cipher list, no null compression, extensions' length
        for (at, value) in [(0, 5), (34, 33), (36, 3), (42, 7), (44, 0)] {
            let mut bad = good.clone();
            bad[at] = value;
            assert_eq!(ClientHello::read(&bad, true, Flavour::Tls), None, "{at}");
        }
        assert_eq!(ClientHello::read(&good, true, Flavour::Dtls), None);
    }

    #[test]
    fn final_versions_are_newer_than_drafts() {
        assert_eq!(Flavour::Tls.newest(&[0x7f1c, 0x0303, 0x0a0a]), Some(0x0303));
        assert_eq!(Flavour::Dtls.newest(&[0xfeff, 0xfefc, 0xfefd]), Some(0xfefc));
    }
}
