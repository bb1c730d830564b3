//! Ethereum's node discovery, version 4, over UDP.
//!
//! ```text
//!  hash(256) signature(512) recovery(8) type(8) | RLP list, as long as the rest
//! ```

use super::super::hearing::{Role, Said, Spot};
use super::super::messages::probe_datagrams;
use super::super::view::Datagram;
use super::super::{Detector, FlowView, Over, Probe};
use crate::wire::{be16, u8_at};

pub(super) static DETECTOR: Detector = Detector {
    id: "discv4",
    title: "Ethereum node discovery",
    reference: "Ethereum devp2p, discv4.md, wire protocol",
    over: Over::Udp,
    rests_on: "The signature's recovery octet, a known packet type, and an RLP list that fills the \
               datagram; of a ping also version 4.",
    blind_spots: "Version 5, which is masked; packets with data behind the list.",
    bits: 24.0,
    probe,
};

/// Where the list starts.
const LIST: usize = 98;

fn probe(view: &FlowView<'_>) -> Probe {
    probe_datagrams(DETECTOR.id, view, read)
}

fn read(datagram: &Datagram<'_>) -> Option<Said> {
    let bytes = datagram.bytes;
    let (recovery, kind) = (u8_at(bytes, 96)?, u8_at(bytes, 97)?);
    let name = match kind {
        1 => "Ping",
        2 => "Pong",
        3 => "FindNode",
        4 => "Neighbors",
        5 => "ENRRequest",
        6 => "ENRResponse",
        _ => return None,
    };
    let (header, len, bits) = match u8_at(bytes, LIST)? {
        head @ 0xc1..=0xf7 => (1, usize::from(head - 0xc0), 8.0),
        0xf8 => (2, usize::from(u8_at(bytes, LIST + 1)?), 16.0),
        0xf9 => (3, usize::from(be16(bytes, LIST + 1)?), 24.0),
        _ => return None,
    };
    let fills = LIST.checked_add(header)?.checked_add(len)? == datagram.wire_len;
    let first = u8_at(bytes, LIST.checked_add(header)?)?;
    // A ping starts with the version, then a list.
    let fits = match kind {
        1 => first == 4 && u8_at(bytes, LIST.checked_add(header)?.checked_add(1)?)? >= 0xc0,
        2 | 4 => first >= 0xc0,
        3 => first == 0xb8,
        _ => true,
    };
    let more = match kind {
        1 => 10.0,
        2 | 4 => 2.0,
        3 => 8.0,
        _ => 0.0,
    };
    let fact = format!("Ethereum discovery, {name}");
    // Both ends ask.
    (recovery <= 1 && fills && fits)
        .then(|| Said::new(Role::Either, 7.0 + 8.0 + bits - 2.6 + more, fact, Spot::datagram(0, 0, 16)))
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{Talk, hex};
    use super::*;

    fn packet(tail: &str) -> Vec<u8> {
        let mut packet = vec![0xa5; 96];
        packet.extend(hex(tail));
        packet
    }

    const PING: &str = "01 01 dc 04 cb 84 7f000001 82 765f 82 765f c9 84 c0000201 82 765f 80 84 5f5e1000";
    const PONG: &str = "00 02 f0 c9 84 c0000201 82 765f 80 a0 \
                        b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5 84 5f5e1000";

    #[test]
    fn packets_are_named() {
        let ping = packet(PING);
        assert_eq!(usize::from(ping[98] - 0xc0) + 99, ping.len());
        let pong = packet(PONG);
        assert_eq!(usize::from(pong[98] - 0xc0) + 99, pong.len());
        Talk::udp().a(&ping).b(pong).named_by(&DETECTOR);
        let mut again = ping.clone();
        again[0] = 1;
        Talk::udp().a(ping).a(again).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        for (from, to) in [("01 01", "02 01"), ("01 01", "01 07"), ("dc 04", "dd 04"), ("dc 04", "dc 05")] {
            let packet = packet(&PING.replacen(from, to, 1));
            let mut again = packet.clone();
            again[0] = 1;
            Talk::udp().a(packet).a(again).refused_by(&DETECTOR);
        }
    }
}
