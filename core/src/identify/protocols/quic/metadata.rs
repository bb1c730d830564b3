//! What the Initials of a QUIC connection tell: the ClientHello's names and fingerprints, and the
//! ServerHello's fingerprint.
//!
//! A ClientHello with a hybrid key share takes two datagrams, which clients fill in any order; so the
//! first is to be kept whole until the rest of it has come.

use super::DATAGRAMS_MAX;
use super::initial::{Initial, Sender, Stream};
use crate::identify::details::{Carrier, ja3_and_ja4, ja3s};
use crate::identify::handshake::{
    CLIENT_HELLO, ClientHello, Flavour, HandshakeMessage, SERVER_HELLO,
};
use crate::identify::prelude::*;

/// Waits until both hellos are there or cannot come any more.
pub(super) fn tell(view: &FlowView<'_>, _: &Finding) -> Metadata {
    for side in Side::BOTH {
        let head = view.side(side);
        let stream = client_stream(head);
        if stream.is_empty() {
            continue;
        }
        let bytes = stream.bytes();
        let (details, whole) = client(&bytes);
        let told = with_server(view, side, details);
        // A server that has said hello has heard all of the client's, though it may be cut by now.
        if told.done || whole || head.complete {
            return told;
        }
        return Metadata { keep: Some(side), ..told };
    }
    // The client's first datagram, once it is cut, still tells the keys of the server's.
    for side in Side::BOTH {
        if server_stream(view, side).is_some() {
            return with_server(view, side, Vec::new());
        }
    }
    let spoken = view.each().all(|(_, head)| head.complete || head.has_spoken());
    let late = view.each().any(|(_, head)| is_late(head));
    if spoken && late { Metadata::all(Vec::new()) } else { Metadata::later() }
}

/// Whether the hello would have been there by now. It may come behind an acknowledgement, or behind a
/// negotiation of the version.
fn is_late(head: &SideView<'_>) -> bool {
    head.complete || head.datagrams.len() >= DATAGRAMS_MAX
}

fn with_server(view: &FlowView<'_>, client: Side, mut details: Vec<Detail>) -> Metadata {
    let server = view.side(client.other());
    let hello = server_stream(view, client).and_then(|stream| server_hello(&stream.bytes()));
    let done = hello.is_some() || is_late(server);
    details.extend(hello.into_iter().flatten());
    Metadata { details, done, ..Metadata::default() }
}

/// What the client's Initials carry, as far as they are whole. Each may have keys of its own: behind a
/// Retry the client sends to another id (RFC 9001 section 5.2).
fn client_stream(head: &SideView<'_>) -> Stream {
    let mut stream = Stream::default();
    for datagram in head.datagrams {
        each_initial(datagram, |initial| {
            initial.open(initial.destination, Sender::Client, |frames| stream.take(frames))
        });
    }
    stream
}

/// What the server's Initials carry, if any is whole.
fn server_stream(view: &FlowView<'_>, client: Side) -> Option<Stream> {
    let first = view.side(client).datagrams.iter().find_map(|one| Initial::read(one.bytes))?;
    let mut stream = Stream::default();
    for datagram in view.side(client.other()).datagrams {
        each_initial(datagram, |initial| {
            initial.open(first.destination, Sender::Server, |frames| stream.take(frames))
        });
    }
    (!stream.is_empty()).then_some(stream)
}

/// Packets one behind the other in a datagram (RFC 9000 section 12.2), as long as they are Initials.
fn each_initial(datagram: &Datagram<'_>, mut look: impl FnMut(&Initial<'_>) -> Option<()>) {
    let mut at = 0_usize;
    while datagram.is_whole() {
        let Some(initial) = Initial::read(rest(datagram.bytes, at)) else { break };
        if look(&initial).is_none() {
            break;
        }
        at = at.saturating_add(initial.len());
    }
}

/// What a client's hello tells: the name, what it offers, JA3 by its hash and its text, JA4.
const HELLO_DETAILS: usize = 5;

fn client(bytes: &[u8]) -> (Vec<Detail>, bool) {
    let hello = HandshakeMessage::read(bytes).filter(|message| message.kind == CLIENT_HELLO);
    let Some(hello) = hello else {
        // Another message comes first in no handshake; fewer than its header may be there.
        return (Vec::new(), bytes.len() >= HandshakeMessage::HEADER);
    };
    let (body, whole) = (hello.body, hello.is_whole());
    let mut details = Vec::with_capacity(HELLO_DETAILS);
    if let Some(hello) = ClientHello::read(body, whole, Flavour::Tls) {
        let name = hello.server_name.map(from_wire);
        details.extend(name.map(|name| Detail::new(DetailKey::QuicSni, name)));
        details.extend(hello.offered().map(|names| Detail::new(DetailKey::QuicAlpn, names)));
    }
    if whole {
        let keys = [DetailKey::QuicJa3Hash, DetailKey::QuicJa3String, DetailKey::QuicJa4];
        details.extend(ja3_and_ja4(body, Carrier::Quic, keys).into_iter().flatten());
    }
    (details, whole)
}

fn server_hello(bytes: &[u8]) -> Option<Vec<Detail>> {
    let hello = HandshakeMessage::read(bytes).filter(|message| message.kind == SERVER_HELLO)?;
    let body = hello.is_whole().then_some(hello.body)?;
    Some(ja3s(body, [DetailKey::QuicJa3sHash, DetailKey::QuicJa3sString])?.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::protocols::quic::DETECTOR;
    use crate::identify::protocols::quic::initial::samples::{
        client_frame, client_packet, server_packet,
    };
    use crate::identify::testing::{Talk, hex};

    fn value(details: &[Detail], key: DetailKey) -> Option<&str> {
        details.iter().find(|detail| detail.key == key).map(|detail| &*detail.value)
    }

    const JA3: &str = "771,4865-4866,0-65281-10-16-5-51-43-13-45-28-57,29-23-24,";

    #[test]
    fn the_specifications_hellos_are_read() {
        for version in [1, 0x6b33_43cf, 0xff00_001d, 0xff00_0017, 0xface_b001, 0x1a2a_3a4a] {
            let talk = Talk::udp().a(client_packet(version, &client_frame()));
            let told = talk.metadata_by(&DETECTOR, tell, false);
            assert_eq!((told.done, told.keep), (false, None));
            assert_eq!(value(&told.details, DetailKey::QuicSni), Some("example.com"));
            assert_eq!(value(&told.details, DetailKey::QuicAlpn), Some("alpn"));
            assert_eq!(value(&told.details, DetailKey::QuicJa3String), Some(JA3));
            let ja4 = value(&told.details, DetailKey::QuicJa4).unwrap();
            assert!(ja4.starts_with("q13d0211an_"), "{ja4}");
        }
    }

    #[test]
    fn the_servers_hello_is_read_with_the_clients_id() {
        let talk = Talk::udp().a(client_packet(1, &client_frame())).b(server_packet());
        let told = talk.metadata_by(&DETECTOR, tell, false);
        assert!(told.done);
        assert_eq!(value(&told.details, DetailKey::QuicJa3sString), Some("771,4865,51-43"));
    }

    #[test]
    fn a_hello_in_two_datagrams_is_put_together() {
        let frame = client_frame();
        let hello = &frame[4..];
        // The second half comes first.
        let second = [&[6, 0x40, 100, 0x40, 141][..], &hello[100..]].concat();
        let first = [&[6, 0, 0x40, 100][..], &hello[..100]].concat();
        let talk = Talk::udp().a(client_packet(1, &second));
        let told = talk.metadata_by(&DETECTOR, tell, false);
        assert_eq!((told.done, told.keep), (false, Some(Side::A)));
        let told = talk.a(client_packet(1, &first)).metadata_by(&DETECTOR, tell, false);
        assert_eq!(value(&told.details, DetailKey::QuicJa3String), Some(JA3));
        assert_eq!(told.keep, None);
    }

    #[test]
    fn a_hello_is_waited_for_behind_a_negotiation() {
        let negotiation = hex("9f 00000000 00 08 8394c8f03e515708 0a1a2a3a 00000001");
        let mut made_up = client_packet(1, &client_frame());
        made_up[1..5].copy_from_slice(&[0x0a; 4]);
        let talk = Talk::udp().a(made_up).b(negotiation);
        assert!(!talk.metadata_by(&DETECTOR, tell, false).done);
        let told = talk.a(client_packet(1, &client_frame())).metadata_by(&DETECTOR, tell, false);
        assert_eq!(value(&told.details, DetailKey::QuicSni), Some("example.com"));
    }

    #[test]
    fn what_cannot_be_opened_tells_nothing_and_ends() {
        let mut bad = client_packet(1, &client_frame());
        bad[900] ^= 1;
        let talk = Talk::udp().a(&bad).b(server_packet());
        let told = talk.metadata_by(&DETECTOR, tell, false);
        assert!(told.done && value(&told.details, DetailKey::QuicSni).is_none(), "{told:?}");
        assert_eq!(
            Talk::udp().a(&bad).metadata_by(&DETECTOR, tell, true),
            Metadata::all(Vec::new())
        );
    }
}
