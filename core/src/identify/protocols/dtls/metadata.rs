//! What the hellos of DTLS tell: the client's fingerprints, and the version that the server chose.

use super::{HANDSHAKE, HEADER, read_header, read_message_header};
use crate::identify::details::{Carrier, ja3_and_ja4};
use crate::identify::handshake::{CLIENT_HELLO, Flavour, SERVER_HELLO, ServerHello, version_name};
use crate::identify::prelude::*;

/// Waits for both hellos. A server may ask the client to say hello once more (RFC 6347 section 4.2.1),
/// so its own may come late; one that is encrypted already says nothing more.
pub(super) fn tell(view: &FlowView<'_>, _: &Finding) -> Metadata {
    let mut told = Metadata { done: true, ..Metadata::default() };
    for (_, head) in view.each() {
        let mut hellos = head.datagrams.iter().filter_map(Hello::read);
        // Of the client's hellos the first is as good as any.
        let first = hellos.next();
        let later = hellos.find_map(|hello| hello.chosen());
        let chosen = first.as_ref().and_then(Hello::chosen).or(later);
        let offered = first.as_ref().and_then(Hello::fingerprints);
        told.done &= chosen.is_some() || offered.is_some() || is_over(head);
        told.details.extend(offered.into_iter().flatten());
        told.details.extend(chosen.map(|name| Detail::new(DetailKey::DtlsVersion, name)));
    }
    told
}

/// Whether no hello will come from this side.
fn is_over(head: &SideView<'_>) -> bool {
    let encrypted = |datagram: &Datagram<'_>| {
        read_header(datagram.bytes, 0).is_some_and(|header| header.epoch > 0)
    };
    head.complete || head.datagrams.last().is_some_and(encrypted)
}

/// A handshake message that is a datagram's first, as far as it was seen.
struct Hello<'a> {
    kind: u8,
    body: &'a [u8],
    whole: bool,
}

impl<'a> Hello<'a> {
    /// Its start: of one in fragments the first.
    fn read(datagram: &Datagram<'a>) -> Option<Self> {
        let header = read_header(datagram.bytes, 0)?;
        if header.kind != HANDSHAKE || header.epoch != 0 {
            return None;
        }
        let mut cursor = Cursor::new(prefix(rest(datagram.bytes, HEADER), header.len));
        let (kind, len, offset, part) = read_message_header(&mut cursor)?;
        let body = prefix(cursor.rest(), part.min(len));
        (offset == 0).then_some(Self { kind, body, whole: body.len() == len })
    }

    fn fingerprints(&self) -> Option<Vec<Detail>> {
        if self.kind != CLIENT_HELLO || !self.whole {
            return None;
        }
        let keys = [DetailKey::DtlsJa3Hash, DetailKey::DtlsJa3String, DetailKey::DtlsJa4];
        Some(ja3_and_ja4(self.body, Carrier::Dtls, keys)?.collect())
    }

    fn chosen(&self) -> Option<String> {
        if self.kind != SERVER_HELLO {
            return None;
        }
        ServerHello::read(self.body, self.whole, Flavour::Dtls)?.version.map(version_name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::handshake::samples;
    use crate::identify::protocols::dtls::tests::{client, handshake, record, verify};
    use crate::identify::protocols::dtls::{DETECTOR, sample_record};
    use crate::identify::testing::Talk;

    #[test]
    fn without_a_hello_there_is_nothing_to_wait_for() {
        let talk = Talk::udp().a(sample_record());
        assert_eq!(talk.metadata_by(&DETECTOR, tell, false), Metadata::later());
        let talk = talk.b(sample_record());
        assert_eq!(talk.metadata_by(&DETECTOR, tell, false), Metadata::all(Vec::new()));
    }

    #[test]
    fn a_part_of_a_hello_has_no_fingerprint() {
        let mut part = client();
        // The message is longer than its first fragment.
        part[HEADER + 3] += 9;
        let told = Talk::udp().a(part).metadata_by(&DETECTOR, tell, true);
        assert_eq!(told, Metadata::all(Vec::new()));
    }

    #[test]
    fn the_server_chooses_after_it_has_verified() {
        let mut hello = samples::server_hello();
        hello.truncate(38);
        hello[..2].copy_from_slice(&[0xfe, 0xfd]);
        let flight = record(22, 0xfefd, 0, &handshake(SERVER_HELLO, &hello));
        let talk = Talk::udp().a(client()).b(verify()).a(client()).b(flight);
        let told = talk.metadata_by(&DETECTOR, tell, false);
        assert!(told.done);
        assert!(told.details.contains(&Detail::new(DetailKey::DtlsVersion, "DTLS 1.2")));
    }
}

#[cfg(test)]
#[cfg(feature = "details")]
mod details_tests {
    use super::*;
    use crate::identify::protocols::dtls::DETECTOR;
    use crate::identify::protocols::dtls::tests::{client, verify};
    use crate::identify::testing::Talk;

    #[test]
    fn a_hello_is_fingerprinted() {
        let talk = Talk::udp().a(client()).b(verify());
        let told = talk.metadata_by(&DETECTOR, tell, false);
        // The server has not said hello itself.
        assert!(!told.done);
        assert_eq!(talk.matched_by(&DETECTOR).unwrap().details[0].value, "DTLS 1.2".into());
        let value = |key| told.details.iter().find(|one| one.key == key).map(|one| &*one.value);
        let ja3 = "65277,4865-49199,0-16-43,,";
        assert_eq!(value(DetailKey::DtlsJa3String), Some(ja3));
        assert!(value(DetailKey::DtlsJa4).unwrap().starts_with("dd2d0203h2_"), "{told:?}");
    }
}
