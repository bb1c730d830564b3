//! RTMP, over TCP.
//!
//! ```text
//!  C0 S0  03
//!  C1 S1  time(4) zero(4) random(1528)      zero is a version with Flash players
//!  C2 S2  the other side's time, a time, and the other side's random
//! ```

use crate::identify::messages::contradicted;
use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "rtmp",
    title: "RTMP",
    reference: "Adobe's Real Time Messaging Protocol specification 1.0, section 5.2",
    rests_on: "The version byte and 1536 bytes with zeros in their place, or an echo of the other \
               side's.",
    blind_spots: "A connection captured without its start; RTMPE is encrypted; the server alone where \
                  it says a version for the zeros.",
    bits: 40.0,
    openings: Openings::Known(&[one_of(&[3])]),
    asks: over_tcp(probe),
};

/// Bytes of C0 and C1.
const FIRST: usize = 1 + 1536;

/// The same with C2.
const SECOND: usize = FIRST + 1536;

fn probe(view: &FlowView<'_>) -> Probe {
    let streams = Side::BOTH.map(|side| view.side(side).stream);
    let complete = view.each().all(|(_, head)| head.complete);
    if streams.iter().all(|stream| u8_at(stream, 0).is_some_and(|version| version != 3)) {
        return Probe::No;
    }
    let echo = |side: Side| {
        let (mine, other) = (side.of(&streams), side.other().of(&streams));
        // Time, then the random part; the time between them is the echoing side's own.
        let same = |at: usize| {
            be32(mine, FIRST + at).is_some() && be32(mine, FIRST + at) == be32(other, 1 + at)
        };
        u8_at(other, 0) == Some(3) && u8_at(mine, 0) == Some(3) && same(8) && same(12)
    };
    // Chunks follow, of which the first has a header of its own on a low channel (section 5.3.1).
    let goes_on = |side: Side| {
        let stream = side.of(&streams);
        let kind = u8_at(stream, SECOND + 7).is_none_or(|kind| (1..=22).contains(&kind));
        u8_at(stream, SECOND).is_none_or(|first| (2..64).contains(&first)) && kind
    };
    let opens = |side: Side| {
        let stream = side.of(&streams);
        u8_at(stream, 0) == Some(3)
            && be32(stream, 5) == Some(0)
            && stream.len() >= 64
            && rest(stream, 9).iter().take(55).any(|byte| *byte != 0)
    };
    let said = Side::BOTH.map(|side| {
        // Who is echoed has shaken hands, too: some servers put a digest where an echo would be.
        let bits = match (echo(side) || echo(side.other()), opens(side)) {
            (true, _) => 64.0,
            (false, true) => 40.0,
            (false, false) => return None,
        };
        let said = Said::at(Role::Either, bits, "RTMP handshake", Spot::stream(0, 9));
        Some(if goes_on(side) { said } else { contradicted(said) })
    });
    if said.iter().all(Option::is_none) {
        return if complete { Probe::No } else { Probe::Wait };
    }
    // TPKT starts with 03 00 too, and has a length where RTMP has a time.
    yes(join(said))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Random, Talk, hex};

    fn first(seed: u64, version: &str) -> Vec<u8> {
        [hex("03 00001234"), hex(version), Random::new(seed).bytes(1528)].concat()
    }

    #[test]
    fn handshakes_are_named() {
        let (c1, s1) = (first(1, "00000000"), first(2, "00000000"));
        let talk = Talk::tcp().a(&c1).b([s1, c1[1..].to_vec()].concat());
        let found = talk.matched_by(&DETECTOR).unwrap();
        assert_eq!(found.strength, Strength::BothSides);
        Talk::tcp().a(c1).named_by(&DETECTOR);
    }

    #[test]
    fn an_echo_is_enough() {
        let (c1, s1) = (first(1, "80000702"), first(2, "04050001"));
        Talk::tcp().a(&c1).b([s1, c1[1..].to_vec()].concat()).matched_by(&DETECTOR).unwrap();
        Talk::tcp().a(&c1).refused_by(&DETECTOR);
    }

    #[test]
    fn who_is_echoed_spoke_too() {
        let (c1, s1) = (first(1, "09007c02"), first(2, "0d0e0a0d"));
        let digest = Random::new(3).bytes(1536);
        let talk = Talk::tcp().a(c1).b([s1.clone(), digest].concat()).a(&s1[1..]);
        assert_eq!(talk.matched_by(&DETECTOR).unwrap().strength, Strength::BothSides);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp()
            .a(hex("0300 0013 0e e0 0000 0000 00 01 00 0800 03000000"))
            .refused_by(&DETECTOR);
        Talk::tcp().a([&[3][..], &[0; 100]].concat()).refused_by(&DETECTOR);
        Talk::tcp().a(first(1, "00000001")).refused_by(&DETECTOR);
    }
}
