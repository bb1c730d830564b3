//! ZooKeeper's client protocol, over TCP.
//!
//! ```text
//!  client  length(4: 44, 45) version(4, 0) zxid(8) timeout(4) session(8) password length(4, 16) password [1]
//!  server  length(4: 36, 37) version(4, 0) timeout(4) session(8) password length(4, 16) password [1]
//!  words   "ruok" answered by "imok"; "stat", "srvr", "mntr" answered by "Zookeeper version: ..."
//! ```

use crate::identify::lines::is_text;
use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "zookeeper",
    title: "Apache ZooKeeper",
    reference: "Apache ZooKeeper, zookeeper.jute (ConnectRequest, ConnectResponse); Administrator's \
                Guide, four letter words",
    rests_on: "The connect request or answer with its lengths and zeros, or an answer to a four letter \
               word.",
    blind_spots: "A session captured after its start; the peers' election.",
    bits: 40.0,
    openings: Openings::Known(&[within(&[(0, 0), (b'a', b'z'), (b'Z', b'Z')])]),
    asks: over_tcp(probe),
};

fn probe(view: &FlowView<'_>) -> Probe {
    match_stream(view, |bytes, _| match bytes.first() {
        Some(0) => or_behind(from_header(bytes, 28, connect), || from_header(bytes, 8, message)),
        Some(b'a'..=b'z' | b'Z') => words(bytes),
        Some(_) => Err(Not),
        None => Err(Short),
    })
}

fn connect(bytes: &[u8]) -> Option<Said> {
    let len = be32(bytes, 0)?;
    let (role, timeout, password) = match len {
        44 | 45 => (Role::Client, be32(bytes, 16)?, be32(bytes, 28).unwrap_or(16)),
        36 | 37 => (Role::Server, be32(bytes, 8)?, be32(bytes, 20)?),
        _ => return None,
    };
    let fits = be32(bytes, 4)? == 0 && password == 16 && timeout <= 3_600_000;
    let len = index(len).saturating_add(4);
    fits.then(|| Said::new(len, role, 31.0 + 32.0 + 10.0, "ZooKeeper session"))
}

/// What follows has lengths, but their types are the session's own.
fn message(bytes: &[u8]) -> Option<Said> {
    let len = be32(bytes, 0)?;
    (4..1 << 22).contains(&len).then(|| {
        Said::new(index(len).saturating_add(4), Role::Either, 0.0, "ZooKeeper message").shared()
    })
}

fn words(bytes: &[u8]) -> SideMatch<Said> {
    if !is_text(bytes) {
        return Err(Not);
    }
    let said = |role, bits, fact, own| Ok(Said::new(bytes.len(), role, bits, fact).owned_if(own));
    for (answer, whole) in [
        (&b"Zookeeper version: "[..], true),
        (b"zk_version\t", true),
        (b"clientPort=", true),
        (b"imok", false),
    ] {
        match starts_with(bytes, answer) {
            Some(true) => {
                let own = whole || rest(bytes, 4).is_empty();
                return said(Role::Server, 32.0, "ZooKeeper answer to a four letter word", own);
            }
            None => return Err(Short),
            Some(false) => {}
        }
    }
    let known: [&[u8]; 9] =
        [b"ruok", b"stat", b"srvr", b"mntr", b"conf", b"cons", b"dump", b"envi", b"isro"];
    let word = bytes.trim_ascii_end();
    match (known.contains(&word), bytes.len()) {
        (true, _) => said(Role::Client, 28.0, "ZooKeeper four letter word", word == b"ruok"),
        (false, ..4) => Err(Short),
        (false, _) => Err(Not),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    #[test]
    fn sessions_and_words_are_named() {
        let ask = [
            hex("0000002d 00000000 0000000000000000 00007530 0000000000000000 00000010"),
            vec![0; 17],
        ]
        .concat();
        let answer =
            [hex("00000025 00000000 00007530 0100000000000001 00000010"), vec![7; 17]].concat();
        let talk = Talk::tcp().a(ask).b(answer);
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
        Talk::tcp().a("ruok").b("imok").named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().a("stat").refused_by(&DETECTOR);
        Talk::tcp().a([0; 48]).refused_by(&DETECTOR);
        Talk::tcp().a("status please\r\n").refused_by(&DETECTOR);
        Talk::tcp()
            .a(hex("0000002d 00000001 0000000000000000 00007530 0000000000000000 00000010"))
            .refused_by(&DETECTOR);
    }
}
