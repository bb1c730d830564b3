//! What a DTLS ClientHello tells beside its name and version: its fingerprints.

use super::super::super::handshake::{CLIENT_HELLO, Carrier, Client, md5_hex};
use super::super::super::telling::Told;
use super::super::super::view::{Datagram, SideView};
use super::super::super::{Detail, DetailKey, Finding, FlowView};
use super::{HANDSHAKE, HEADER, read_header, read_message_header};
use crate::wire::{Cursor, prefix, rest};

/// A hello is told as soon as one is there in one piece; it is the first thing that a client says.
pub(in super::super) fn tell(view: &FlowView<'_>, _: &Finding) -> Told {
    let hello = view.each().find_map(|(_, head)| head.datagrams.iter().find_map(client));
    match hello {
        Some(details) => Told::all(details),
        None if view.each().all(|(_, head)| is_over(head)) => Told::all(Vec::new()),
        None => Told::later(),
    }
}

fn is_over(head: &SideView<'_>) -> bool {
    head.complete || head.has_spoken()
}

/// The fingerprints of a ClientHello that is the datagram's first message, whole.
fn client(datagram: &Datagram<'_>) -> Option<Vec<Detail>> {
    let header = read_header(datagram.bytes, 0)?;
    if header.kind != HANDSHAKE || header.epoch != 0 {
        return None;
    }
    let mut cursor = Cursor::new(prefix(rest(datagram.bytes, HEADER), header.len));
    let (kind, len, offset, part) = read_message_header(&mut cursor)?;
    if kind != CLIENT_HELLO || offset != 0 || part != len {
        return None;
    }
    let client = Client::read(cursor.take(len)?, Carrier::Dtls)?;
    let ja3 = client.ja3();
    Some(vec![
        Detail::new(DetailKey::DtlsJa3Hash, md5_hex(&ja3)),
        Detail::new(DetailKey::DtlsJa3String, ja3),
        Detail::new(DetailKey::DtlsJa4, client.ja4(Carrier::Dtls)),
    ])
}

#[cfg(test)]
mod tests {
    use super::super::super::super::testing::Talk;
    use super::super::tests::{client, verify};
    use super::super::{DETECTOR, sample_record};
    use super::*;

    #[test]
    fn a_hello_is_fingerprinted() {
        let told = Talk::udp().a(client()).b(verify()).told_by(&DETECTOR, tell, false);
        assert!(told.done);
        let value = |key| told.details.iter().find(|one| one.key == key).map(|one| &*one.value);
        let ja3 = "65277,4865-49199,0-16-43,,";
        assert_eq!(value(DetailKey::DtlsJa3String), Some(ja3));
        assert!(value(DetailKey::DtlsJa4).unwrap().starts_with("dd2d0203h2_"), "{told:?}");
    }

    #[test]
    fn without_a_hello_there_is_nothing_to_wait_for() {
        let talk = Talk::udp().a(sample_record());
        assert_eq!(talk.told_by(&DETECTOR, tell, false), Told::later());
        let talk = talk.b(sample_record());
        assert_eq!(talk.told_by(&DETECTOR, tell, false), Told::all(Vec::new()));
    }

    #[test]
    fn a_part_of_a_hello_has_no_fingerprint() {
        let mut part = client();
        // The message is longer than its first fragment.
        part[HEADER + 3] += 9;
        let told = Talk::udp().a(part).told_by(&DETECTOR, tell, true);
        assert_eq!(told, Told::all(Vec::new()));
    }
}
