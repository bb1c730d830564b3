//! BitTorrent's peer connection (BEP 3), over TCP.

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "bittorrent",
    title: "BitTorrent (peer connection)",
    reference: "BEP 3, peer protocol",
    rests_on: "The handshake: 19, BitTorrent protocol, reserved bytes, hash and peer id.",
    blind_spots: "Connections whose handshake is encrypted (message stream encryption).",
    bits: 150.0,
    openings: Openings::Known(&[one_of(&[19])]),
    asks: over_tcp(|view| {
        match_stream(view, |bytes, _| {
            let handshake = from_start(bytes, &[b"\x13BitTorrent protocol"], 48, handshake);
            or_behind(handshake, || from_header(bytes, 4, message))
        })
    }),
};

/// Bytes of a handshake.
const HANDSHAKE: usize = 68;

fn handshake(bytes: &[u8]) -> Option<Said> {
    let client = prefix(rest(bytes, 48), 8);
    let fact = format!("BitTorrent handshake of peer {}", from_wire(client));
    // The peer's id is sent by some when the other side has answered.
    let len = if bytes.len() == 48 { 48 } else { HANDSHAKE };
    Some(Said::new(len, Role::Either, 160.0, fact))
}

/// A length, none to keep the connection open, and a message's type (BEP 3, 5, 6, 10 and 52); a block has
/// 16 KiB, a torrent's map of pieces more.
fn message(bytes: &[u8]) -> Option<Said> {
    let len = index(be32(bytes, 0)?);
    let known = u8_at(bytes, 4).is_none_or(|kind| kind <= 0x17);
    (len == 0 || (len <= 1 << 20 && known))
        .then(|| Said::new(len.saturating_add(4), Role::Either, 0.0, "BitTorrent message").shared())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::Talk;

    #[test]
    fn messages_are_named() {
        let shake =
            [b"\x13BitTorrent protocol".to_vec(), vec![0; 28], b"-TR4040-abcdefghijkl".to_vec()]
                .concat();
        Talk::tcp().a(&shake).b(&shake).named_by_each(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp()
            .a(b"\x13BitTorrent is popular............................")
            .refused_by(&DETECTOR);
    }
}
