//! What a server's certificate says of itself (RFC 5280), as TLS up to 1.2 shows it in the clear.
//!
//! Nothing is verified: it is what a stranger wrote. Only a whole certificate is read, and of a chain
//! the first one, which is the server's own (RFC 5246 section 7.4.2).

use std::fmt::Write as _;

use sha1::{Digest as _, Sha1};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;
use x509_parser::time::ASN1Time;

use crate::identify::handshake::{HandshakeMessage, ServerHello};
use crate::identify::{Detail, DetailKey};
use crate::wire::{Cursor, from_wire, index, prefix};

/// HandshakeType certificate (RFC 5246 section 7.4.2).
const CERTIFICATE: u8 = 11;

/// What the server's own certificate says, where one stands behind its ServerHello.
pub(in super::super) fn certificate(said: &ServerHello, behind: &[u8]) -> Vec<Detail> {
    let next = HandshakeMessage::read(behind).filter(|next| next.kind == CERTIFICATE);
    let certificate =
        next.filter(|_| is_in_clear(said)).and_then(|next| Certificate::first(next.body));
    certificate.map(|one| one.details()).unwrap_or_default()
}

/// Whether all that the server tells in the clear, behind its ServerHello, is there.
pub(in super::super) fn certificate_has_come(said: &ServerHello, behind: &[u8]) -> bool {
    if !is_in_clear(said) {
        return true;
    }
    match HandshakeMessage::read(behind) {
        Some(next) if next.kind == CERTIFICATE => {
            Certificate::first(next.body).is_some_and(|one| one.is_whole())
        }
        // A session that is resumed, or that nobody vouches for.
        Some(_) => true,
        None => false,
    }
}

/// From TLS 1.3 on the certificate is encrypted.
fn is_in_clear(said: &ServerHello) -> bool {
    said.version.is_some_and(|version| version <= 0x0303)
}

/// The server's own certificate in a Certificate message, behind its handshake header.
///
/// ```text
/// certificate_list length(24)   length(24) certificate   length(24) certificate ...
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Certificate<'a> {
    /// Its bytes, as far as they were seen.
    bytes: &'a [u8],
    /// How many it has.
    len: usize,
}

impl<'a> Certificate<'a> {
    /// Finds the first certificate; `None` where there is none, or its length was not seen.
    fn first(message: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(message);
        let list = index(cursor.be24()?);
        let len = index(cursor.be24()?);
        let fits = len > 0 && len.saturating_add(3) <= list;
        fits.then(|| Self { bytes: prefix(cursor.rest(), len), len })
    }

    /// Whether all of it was seen.
    fn is_whole(&self) -> bool {
        self.bytes.len() == self.len
    }

    /// Names, number, validity and fingerprint as Suricata writes them; where it was cut or cannot
    /// be read, only that.
    fn details(&self) -> Vec<Detail> {
        if !self.is_whole() {
            let said = format!("cut: {} of {} bytes seen", self.bytes.len(), self.len);
            return vec![Detail::new(DetailKey::TlsCertificate, said)];
        }
        let mut details = Vec::new();
        match X509Certificate::from_der(self.bytes) {
            Ok((_, certificate)) => {
                let mut tell = |key, text: String| {
                    details.push(Detail::new(key, from_wire(text.as_bytes())));
                };
                tell(DetailKey::TlsSubject, certificate.subject().to_string());
                tell(DetailKey::TlsIssuer, certificate.issuer().to_string());
                tell(DetailKey::TlsSerial, colons(certificate.raw_serial()).to_ascii_uppercase());
                let validity = certificate.validity();
                tell(DetailKey::TlsNotBefore, moment(&validity.not_before));
                tell(DetailKey::TlsNotAfter, moment(&validity.not_after));
            }
            Err(_) => details.push(Detail::new(DetailKey::TlsCertificate, "unreadable")),
        }
        let hash = colons(&Sha1::digest(self.bytes));
        details.push(Detail::new(DetailKey::TlsFingerprint, hash));
        details
    }
}

/// `0a:1b:2c`
fn colons(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().saturating_mul(3));
    for (nth, byte) in bytes.iter().enumerate() {
        let colon = if nth == 0 { "" } else { ":" };
        // Writing to a String cannot fail.
        let _ = write!(text, "{colon}{byte:02x}");
    }
    text
}

/// `2020-05-03T11:07:28`, in UTC.
fn moment(time: &ASN1Time) -> String {
    let time = time.to_datetime();
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
        time.year(),
        u8::from(time.month()),
        time.day(),
        time.hour(),
        time.minute(),
        time.second()
    )
}
