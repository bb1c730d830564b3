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
        match_starts(view, &[b"\x13BitTorrent protocol"], 48, |bytes| {
            let client = prefix(rest(bytes, 48), 8);
            let fact = format!("BitTorrent handshake of peer {}", from_wire(client));
            // Messages follow, which are not read.
            Some(Said::new(bytes.len(), Role::Either, 160.0, fact))
        })
    }),
};

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
