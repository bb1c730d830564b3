//! JA3, JA3S and JA4: names for the way in which a program says hello.
//!
//! JA3 (Salesforce, 2017) is the MD5 of the numbers in a ClientHello in their order, JA3S the same of a
//! ServerHello. JA4 (FoxIO, "JA4: TLS Client Fingerprinting", BSD 3-Clause) sorts them, so that
//! clients that shuffle their extensions keep one name. Only JA4 itself is made: the rest of JA4+ is
//! not freely licensed. GREASE (RFC 8701) counts nowhere.
//!
//! A fingerprint of a part would be another program's: there is none unless the hello is whole.

use std::fmt::Write as _;

use md5::{Digest as _, Md5};
use sha2::Sha256;

use crate::config::FINGERPRINT_TEXT_BYTES_MAX;
use crate::identify::handshake::{ALPN, Flavour, SERVER_NAME, SUPPORTED_VERSIONS};
use crate::identify::{Detail, DetailKey};
use crate::wire::{Cursor, be16, prefix};

/// supported_groups (RFC 8446 section 4.2.7, RFC 4492 section 5.1.1).
const GROUPS: u16 = 10;
/// ec_point_formats (RFC 8422 section 5.1.2).
const POINT_FORMATS: u16 = 11;
/// signature_algorithms (RFC 8446 section 4.2.3).
const SIGNATURES: u16 = 13;

/// What carries the hello: JA4's first letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Carrier {
    /// TLS over TCP.
    Tls,
    /// QUIC.
    Quic,
    /// DTLS.
    Dtls,
}

impl Carrier {
    const fn letter(self) -> char {
        match self {
            Self::Tls => 't',
            Self::Quic => 'q',
            Self::Dtls => 'd',
        }
    }

    const fn flavour(self) -> Flavour {
        match self {
            Self::Tls | Self::Quic => Flavour::Tls,
            Self::Dtls => Flavour::Dtls,
        }
    }
}

/// JA3 by its hash and its text, and JA4, of a whole ClientHello, behind its handshake header. `None` if it is none,
/// or cut.
pub(in super::super) fn ja3_and_ja4(
    body: &[u8],
    carrier: Carrier,
    [hash, text, ja4]: [DetailKey; 3],
) -> Option<impl Iterator<Item = Detail>> {
    let client = Client::read(body, carrier)?;
    let ja4 = Detail::new(ja4, client.ja4(carrier));
    Some(hash_and_text(hash, text, client.ja3()).chain([ja4]))
}

/// JA3S by its hash and its text, of a whole ServerHello, behind its handshake header. `None` if it is none, or cut.
pub(in super::super) fn ja3s(
    body: &[u8],
    [hash, text]: [DetailKey; 2],
) -> Option<impl Iterator<Item = Detail>> {
    Some(hash_and_text(hash, text, ja3s_text(body)?))
}

/// The numbers of a ClientHello, GREASE left out.
#[derive(Debug, Default)]
struct Client<'a> {
    version: u16,
    ciphers: Vec<u16>,
    extensions: Vec<u16>,
    groups: Vec<u16>,
    formats: &'a [u8],
    signatures: Vec<u16>,
    /// The first protocol of ALPN.
    protocol: &'a [u8],
    /// The newest of supported_versions.
    newest: Option<u16>,
}

impl<'a> Client<'a> {
    fn read(body: &'a [u8], carrier: Carrier) -> Option<Self> {
        let mut cursor = Cursor::new(body);
        let mut client = Self { version: cursor.be16()?, ..Self::default() };
        cursor.skip(32)?;
        cursor.block8()?;
        if carrier == Carrier::Dtls {
            cursor.block8()?;
        }
        client.ciphers = numbers(cursor.block16()?);
        cursor.block8()?;
        if cursor.is_empty() {
            return Some(client);
        }
        let mut extensions = Cursor::new(cursor.block16()?);
        while !extensions.is_empty() {
            let kind = extensions.be16()?;
            client.take_extension(kind, extensions.block16()?, carrier)?;
        }
        Some(client)
    }

    fn take_extension(&mut self, kind: u16, body: &'a [u8], carrier: Carrier) -> Option<()> {
        if is_grease(kind) {
            return Some(());
        }
        self.extensions.push(kind);
        let mut cursor = Cursor::new(body);
        match kind {
            GROUPS => self.groups = numbers(cursor.block16()?),
            POINT_FORMATS => self.formats = cursor.block8()?,
            SIGNATURES => self.signatures = numbers(cursor.block16()?),
            ALPN => {
                let mut names = Cursor::new(cursor.block16()?);
                self.protocol = names.block8().unwrap_or_default();
            }
            SUPPORTED_VERSIONS => {
                self.newest = carrier.flavour().newest(&numbers(cursor.block8()?));
            }
            _ => {}
        }
        Some(())
    }

    /// `version,ciphers,extensions,groups,point formats`, in decimal.
    fn ja3(&self) -> String {
        let Self { ciphers, extensions, groups, formats, .. } = self;
        let lens = [ciphers.len(), extensions.len(), groups.len(), formats.len(), 2];
        let mut text = String::with_capacity(lens.iter().sum::<usize>().saturating_mul(6));
        push_decimal(&mut text, self.version);
        for numbers in [ciphers, extensions, groups] {
            text.push(',');
            push_dashed(&mut text, numbers);
        }
        text.push(',');
        push_dashed(&mut text, formats);
        text
    }

    /// Three parts: what can be read, the ciphers' hash, the extensions' and signatures' hash.
    fn ja4(&self, carrier: Carrier) -> String {
        let named = if self.extensions.contains(&SERVER_NAME) { 'd' } else { 'i' };
        let [first, last] = ends(self.protocol);
        let mut ciphers = self.ciphers.clone();
        ciphers.sort_unstable();
        let mut extensions = self.extensions.clone();
        extensions.retain(|kind| !matches!(*kind, SERVER_NAME | ALPN));
        extensions.sort_unstable();
        let numbers = ciphers.len().max(extensions.len().saturating_add(self.signatures.len()));
        let mut hashed = String::with_capacity(numbers.saturating_mul(5));
        let mut text = String::with_capacity(JA4_BYTES);
        // A String takes everything.
        let _ = write!(
            text,
            "{}{}{named}{:02}{:02}{first}{last}_",
            carrier.letter(),
            version_letters(self.newest.unwrap_or(self.version)),
            self.ciphers.len().min(99),
            self.extensions.len().min(99),
        );
        push_commas(&mut hashed, &ciphers);
        push_short_hash(&mut text, &hashed);
        text.push('_');
        hashed.clear();
        push_commas(&mut hashed, &extensions);
        if !hashed.is_empty() && !self.signatures.is_empty() {
            hashed.push('_');
            push_commas(&mut hashed, &self.signatures);
        }
        push_short_hash(&mut text, &hashed);
        text
    }
}

/// Bytes of a JA4.
const JA4_BYTES: usize = 36;

/// `version,cipher,extensions`, in decimal.
fn ja3s_text(body: &[u8]) -> Option<String> {
    let mut cursor = Cursor::new(body);
    let version = cursor.be16()?;
    cursor.skip(32)?;
    cursor.block8()?;
    let cipher = cursor.be16()?;
    cursor.skip(1)?;
    let mut kinds = Vec::new();
    if !cursor.is_empty() {
        let mut extensions = Cursor::new(cursor.block16()?);
        while !extensions.is_empty() {
            kinds.push(extensions.be16()?);
            extensions.block16()?;
        }
    }
    kinds.retain(|kind| !is_grease(*kind));
    let mut text = format!("{version},{cipher},");
    push_dashed(&mut text, &kinds);
    Some(text)
}

/// The MD5 of a text, in hexadecimal digits: what JA3 and HASSH are known by.
fn md5_hex(text: &str) -> String {
    hex_digits(&Md5::digest(text.as_bytes()))
}

/// A fingerprint by its hash, and by its text where that is not too long.
pub(super) fn hash_and_text(
    hash_key: DetailKey,
    text_key: DetailKey,
    text: String,
) -> impl Iterator<Item = Detail> {
    let hash = Detail::new(hash_key, md5_hex(&text));
    // Copied, as the room that it was made in is larger than what is kept.
    let text = (text.len() <= FINGERPRINT_TEXT_BYTES_MAX).then(|| Detail::new(text_key, &*text));
    std::iter::once(hash).chain(text)
}

/// Bytes in lower-case hexadecimal digits.
fn hex_digits(bytes: &[u8]) -> String {
    let mut digits = String::with_capacity(bytes.len().saturating_mul(2));
    push_hex(&mut digits, bytes);
    digits
}

fn push_hex(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 0x0f));
    }
}

fn digit(value: u8) -> char {
    char::from(value.saturating_add(if value < 10 { b'0' } else { b'a' - 10 }))
}

/// RFC 8701 section 2: both bytes are the same, and end in A.
const fn is_grease(number: u16) -> bool {
    number & 0x0f0f == 0x0a0a && number >> 8 == number & 0xff
}

fn numbers(list: &[u8]) -> Vec<u16> {
    let mut numbers = Vec::with_capacity(list.len() / 2);
    let all = list.chunks_exact(2).filter_map(|pair| be16(pair, 0));
    numbers.extend(all.filter(|number| !is_grease(*number)));
    numbers
}

/// In decimal. Digit by digit, as below: of a busy run's time `format!` would take a twentieth here.
fn push_decimal(text: &mut String, number: u16) {
    let places = [10_000, 1000, 100, 10, 1].map(|place| u32::from(number / place % 10));
    let zeros = places.iter().take(4).take_while(|place| **place == 0).count();
    for digit in places.iter().skip(zeros).filter_map(|place| char::from_digit(*place, 10)) {
        text.push(digit);
    }
}

/// In decimal, with dashes between them.
fn push_dashed<T: Copy + Into<u16>>(text: &mut String, numbers: &[T]) {
    for (at, number) in numbers.iter().enumerate() {
        if at > 0 {
            text.push('-');
        }
        push_decimal(text, (*number).into());
    }
}

/// In four hexadecimal digits, with commas between them.
fn push_commas(text: &mut String, numbers: &[u16]) {
    for (at, number) in numbers.iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        push_hex(text, &number.to_be_bytes());
    }
}

/// The first twelve digits of the SHA-256; zeros where there is nothing.
fn push_short_hash(text: &mut String, hashed: &str) {
    if hashed.is_empty() {
        text.push_str("000000000000");
    } else {
        push_hex(text, prefix(&Sha256::digest(hashed.as_bytes()), 6));
    }
}

const fn version_letters(version: u16) -> &'static str {
    match version {
        0x0304 => "13",
        0x0303 => "12",
        0x0302 => "11",
        0x0301 => "10",
        0x0300 => "s3",
        0x0002 => "s2",
        0xfeff => "d1",
        0xfefd => "d2",
        0xfefc => "d3",
        _ => "00",
    }
}

/// First and last letter of the protocol; of its hexadecimal digits where they are no letters.
fn ends(protocol: &[u8]) -> [char; 2] {
    let (Some(&first), Some(&last)) = (protocol.first(), protocol.last()) else { return ['0'; 2] };
    if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
        return [char::from(first), char::from(last)];
    }
    [digit(first >> 4), digit(last & 0x0f)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::handshake::samples::{client_hello, server_hello};

    /// The example of FoxIO's technical details: a Chrome's ciphers, extensions and signatures.
    #[test]
    fn ja4_of_the_specifications_example() {
        let ciphers = [
            0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014,
            0x009c, 0x009d, 0x002f, 0x0035,
        ];
        let extensions = [
            0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d, 0x0005, 0x0023, 0x0012,
            0x002b, 0xff01, 0x000b, 0x000a, 0x0015,
        ];
        let signatures = [0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601];
        let client = Client {
            version: 0x0303,
            ciphers: ciphers.to_vec(),
            extensions: extensions.to_vec(),
            signatures: signatures.to_vec(),
            protocol: b"h2",
            newest: Some(0x0304),
            ..Client::default()
        };
        assert_eq!(client.ja4(Carrier::Tls), "t13d1516h2_8daaf6152771_e5627efa2ab1");
    }

    /// The example of JA3's own description.
    #[test]
    fn ja3_of_the_specifications_example() {
        let client = Client {
            version: 769,
            ciphers: vec![47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4],
            extensions: vec![0, 10, 11],
            groups: vec![23, 24, 25],
            formats: &[0],
            ..Client::default()
        };
        let text = "769,47-53-5-10-49161-49162-49171-49172-50-56-19-4,0-10-11,23-24-25,0";
        assert_eq!(client.ja3(), text);
        assert_eq!(md5_hex(text), "ada70206e40642a3e4461f35503241d5");
        let bare = Client {
            version: 769,
            ciphers: vec![4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99],
            ..Client::default()
        };
        assert_eq!(bare.ja3(), "769,4-5-10-9-100-98-3-6-19-18-99,,,");
        assert_eq!(md5_hex(&bare.ja3()), "de350869b8c85de67a350c8d186f11e6");
    }

    #[test]
    fn grease_counts_nowhere() {
        let bytes = client_hello("a.example");
        let client = Client::read(&bytes, Carrier::Tls).unwrap();
        assert_eq!(client.ja3(), "771,4865-49199,0-16-43,,");
        assert!(client.ja4(Carrier::Quic).starts_with("q13d0203h2_"), "{client:?}");
        assert_eq!(ja3s_text(&server_hello()).as_deref(), Some("771,4865,43"));
    }

    #[test]
    fn a_text_that_fills_a_head_is_told_by_its_hash() {
        let keys = (DetailKey::TlsJa3Hash, DetailKey::TlsJa3String);
        let told = |len| hash_and_text(keys.0, keys.1, "1".repeat(len)).count();
        assert_eq!(
            (told(FINGERPRINT_TEXT_BYTES_MAX), told(FINGERPRINT_TEXT_BYTES_MAX + 1)),
            (2, 1)
        );
    }

    #[test]
    fn a_cut_hello_has_no_fingerprint() {
        let bytes = client_hello("a.example");
        for len in 0..bytes.len() {
            // At the end of the compression methods it is a whole hello without extensions.
            assert_eq!(Client::read(&bytes[..len], Carrier::Tls).is_some(), len == 43, "{len}");
        }
    }

    #[test]
    fn what_is_no_letter_is_told_by_its_digits() {
        assert_eq!(ends(b""), ['0', '0']);
        assert_eq!(ends(b"h"), ['h', 'h']);
        assert_eq!(ends(b"http/1.1"), ['h', '1']);
        assert_eq!(ends(b"\xab"), ['a', 'b']);
        assert_eq!(ends(b"0\xab"), ['3', 'b']);
        let none = Client::default();
        assert_eq!(none.ja4(Carrier::Dtls), "d00i000000_000000000000_000000000000");
    }
}
