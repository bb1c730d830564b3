//! What a TLS handshake tells beside its name: the cipher, fingerprints of both hellos, and up to TLS
//! 1.2 the server's certificate, as far as the head holds them.

use std::borrow::Cow;

use super::records::{self, HANDSHAKE};
use crate::identify::details::{Carrier, certificate, certificate_has_come, ja3_and_ja4, ja3s};
use crate::identify::handshake::{
    CLIENT_HELLO, Flavour, HandshakeMessage, SERVER_HELLO, ServerHello,
};
use crate::identify::prelude::*;

/// Waits until both hellos, and the certificate, are there or cannot come any more. Until then nothing
/// is made of them: this is asked with every segment.
pub(super) fn tell(view: &FlowView<'_>, _: &Finding) -> Metadata {
    let [Some(a), Some(b)] = view.both(Flight::read) else { return Metadata::later() };
    Metadata::all([a, b].iter().flat_map(Flight::details).collect())
}

/// A side's first flight that is all there: its handshake messages, one behind the other.
enum Flight<'a> {
    Client(Cow<'a, [u8]>),
    Server(Cow<'a, [u8]>),
    /// Nothing that tells.
    Other,
}

impl<'a> Flight<'a> {
    /// `None` while there may be more to tell.
    fn read(head: &SideView<'a>) -> Option<Self> {
        let flight = match head.stream.first() {
            Some(&HANDSHAKE) => records::flight(head.stream),
            Some(_) => return Some(Self::Other),
            None => return head.complete.then_some(Self::Other),
        };
        let over = head.complete || flight.ended;
        let Some(first) = HandshakeMessage::read(&flight.bytes) else {
            return over.then_some(Self::Other);
        };
        if !first.is_whole() {
            return over.then_some(Self::Other);
        }
        match first.kind {
            CLIENT_HELLO => Some(Self::Client(flight.bytes)),
            SERVER_HELLO => {
                let behind = rest(&flight.bytes, first.total());
                let told = over
                    || ServerHello::read(first.body, true, Flavour::Tls)
                        .is_none_or(|said| certificate_has_come(&said, behind));
                told.then_some(Self::Server(flight.bytes))
            }
            _ => Some(Self::Other),
        }
    }

    fn details(&self) -> Vec<Detail> {
        let bytes = match self {
            Self::Client(bytes) | Self::Server(bytes) => bytes,
            Self::Other => return Vec::new(),
        };
        let Some(hello) = HandshakeMessage::read(bytes) else { return Vec::new() };
        match self {
            Self::Server(_) => server(&hello, rest(bytes, hello.total())),
            Self::Client(_) | Self::Other => client(hello.body),
        }
    }
}

fn client(hello: &[u8]) -> Vec<Detail> {
    let keys = [DetailKey::TlsJa3Hash, DetailKey::TlsJa3String, DetailKey::TlsJa4];
    ja3_and_ja4(hello, Carrier::Tls, keys).into_iter().flatten().collect()
}

fn server(hello: &HandshakeMessage<'_>, behind: &[u8]) -> Vec<Detail> {
    let keys = [DetailKey::TlsJa3sHash, DetailKey::TlsJa3sString];
    let mut details: Vec<Detail> = ja3s(hello.body, keys).into_iter().flatten().collect();
    // None: a version that nobody has registered, or a draft of somebody's own.
    let Some(said) = ServerHello::read(hello.body, true, Flavour::Tls) else { return details };
    if let Some(cipher) = said.cipher {
        details.push(Detail::new(DetailKey::TlsCipher, format!("0x{cipher:04x}")));
    }
    details.extend(certificate(&said, behind));
    details
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::handshake::samples;
    use crate::identify::protocols::tls::DETECTOR;
    use crate::identify::testing::Talk;

    pub(super) fn record(body: &[u8]) -> Vec<u8> {
        [&[22, 3, 3][..], &u16::try_from(body.len()).unwrap().to_be_bytes(), body].concat()
    }

    pub(super) fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let len = u32::try_from(body.len()).unwrap().to_be_bytes();
        [&[kind], &len[1..], body].concat()
    }

    pub(super) fn client() -> Vec<u8> {
        record(&message(CLIENT_HELLO, &samples::client_hello("tls.example")))
    }

    pub(super) fn value(details: &[Detail], key: DetailKey) -> Option<&str> {
        details.iter().find(|detail| detail.key == key).map(|detail| &*detail.value)
    }

    #[test]
    fn the_cipher_is_told_once_both_hellos_are_there() {
        let talk = Talk::tcp().a(client());
        assert_eq!(talk.metadata_by(&DETECTOR, tell, false), Metadata::later());
        let told = talk.b(record(&message(SERVER_HELLO, &samples::server_hello())));
        let told = told.metadata_by(&DETECTOR, tell, false);
        assert!(told.done);
        assert_eq!(value(&told.details, DetailKey::TlsCipher), Some("0x1301"));
    }
}

#[cfg(test)]
#[cfg(feature = "details")]
mod details_tests {
    use super::tests::{client, message, record, value};
    use super::*;
    use crate::identify::handshake::samples;
    use crate::identify::protocols::tls::DETECTOR;
    use crate::identify::testing::{Talk, hex};

    /// A certificate that vouches for itself, made with an Ed25519 key whose bytes count up.
    fn sample_certificate() -> Vec<u8> {
        hex("308201123081c5a00302010202030a1b2c300506032b65703032310b300906035504061302444531 \
             0d300b060355040a0c04546573743114301206035504030c0b746c732e6578616d706c65301e170d \
             3236303130323033303430355a170d3237303130323033303430355a3032310b3009060355040613 \
             024445310d300b060355040a0c04546573743114301206035504030c0b746c732e6578616d706c65 \
             302a300506032b657003210003a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664 \
             125531b8300506032b65700341003a1c12ce0cd524e0a0d339af37b8bc78b64c7b778d6824abbaff \
             f4267ee13a93b192da29bf050d78376d7bb24ae47dac67f6f80633c9e9f1f71e608bdc86b307")
    }

    /// Its fingerprint.
    const CERTIFICATE_SHA1: &str = "e3:4f:94:89:2e:e5:7a:a6:7a:f0:b9:3d:bc:f0:4a:cf:65:f7:d6:77";

    /// A ServerHello of TLS 1.2.
    fn server() -> Vec<u8> {
        let mut hello = hex("0303");
        hello.extend([0x22; 32]);
        hello.extend(hex("00 c02f 00"));
        message(SERVER_HELLO, &hello)
    }

    fn certificate(der: &[u8]) -> Vec<u8> {
        let len = |len: usize| u32::try_from(len).unwrap().to_be_bytes()[1..].to_vec();
        let list = [len(der.len() + 3), len(der.len()), der.to_vec()].concat();
        message(11, &list)
    }

    fn told(head: &SideView<'_>) -> Option<Vec<Detail>> {
        Some(Flight::read(head)?.details())
    }

    #[test]
    fn both_hellos_are_fingerprinted() {
        let talk = Talk::tcp().a(client());
        let talk = talk.b(record(&message(SERVER_HELLO, &samples::server_hello())));
        let told = talk.metadata_by(&DETECTOR, tell, false);
        assert_eq!(value(&told.details, DetailKey::TlsJa3String), Some("771,4865-49199,0-16-43,,"));
        assert_eq!(value(&told.details, DetailKey::TlsJa3sString), Some("771,4865,43"));
    }

    #[test]
    fn the_certificate_is_waited_for() {
        let der = sample_certificate();
        let flight = record(&[server(), certificate(&der), message(14, &[])].concat());
        let (first, second) = flight.split_at(200);
        let talk = Talk::tcp().a(client()).b(first);
        assert_eq!(talk.metadata_by(&DETECTOR, tell, false), Metadata::later());
        let cut = talk.metadata_by(&DETECTOR, tell, true);
        assert!(value(&cut.details, DetailKey::TlsCertificate).unwrap().starts_with("cut: "));
        let told = talk.b(second).metadata_by(&DETECTOR, tell, false).details;
        assert_eq!(value(&told, DetailKey::TlsSubject), Some("C=DE, O=Test, CN=tls.example"));
        assert_eq!(value(&told, DetailKey::TlsIssuer), Some("C=DE, O=Test, CN=tls.example"));
        assert_eq!(value(&told, DetailKey::TlsSerial), Some("0A:1B:2C"));
        assert_eq!(value(&told, DetailKey::TlsNotBefore), Some("2026-01-02T03:04:05"));
        assert_eq!(value(&told, DetailKey::TlsNotAfter), Some("2027-01-02T03:04:05"));
        let fingerprint = value(&told, DetailKey::TlsFingerprint).unwrap();
        assert_eq!(fingerprint, CERTIFICATE_SHA1);
    }

    #[test]
    fn a_resumed_session_shows_no_certificate() {
        let mut flight = record(&server());
        flight.extend(hex("14 0303 0001 01"));
        let told = Talk::tcp().a(client()).b(flight).metadata_by(&DETECTOR, tell, false);
        assert!(told.done && value(&told.details, DetailKey::TlsSubject).is_none());
        assert!(value(&told.details, DetailKey::TlsJa3sHash).is_some());
    }

    #[test]
    fn what_is_no_certificate_is_said_to_be_unreadable() {
        let flight = record(&[server(), certificate(&[0x30, 0x82, 0xff])].concat());
        let told = Talk::tcp().a(client()).b(flight).metadata_by(&DETECTOR, tell, false);
        assert_eq!(value(&told.details, DetailKey::TlsCertificate), Some("unreadable"));
    }

    #[test]
    fn bytes_changed_and_cut_do_no_harm() {
        let flight = record(&[server(), certificate(&sample_certificate())].concat());
        for at in 0..flight.len() {
            let mut bad = flight.clone();
            bad[at] ^= 0x81;
            let talk = Talk::tcp().a(client()).b(&bad);
            assert!(
                told(&SideView { stream: &bad, complete: true, ..SideView::default() }).is_some()
            );
            let _ = talk.probe_at(&DETECTOR, 2, true);
            let cut = SideView { stream: &flight[..at], complete: true, ..SideView::default() };
            assert!(told(&cut).is_some());
        }
    }
}
