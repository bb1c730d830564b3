//! ESP in UDP (RFC 3948, RFC 4303): the shape of it, there is no magic.
//!
//! ```text
//!  SPI(32) sequence(32) | ciphertext | check value; in words of 32 bits
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "esp-udp",
    title: "ESP in UDP (IPsec)",
    reference: "RFC 3948 section 2.1, RFC 4303 section 2",
    rests_on: "The same large SPI in four or more datagrams of a side, a sequence number that counts by \
               one to four, lengths in words, and bytes behind it that never repeat.",
    blind_spots: "Any other protocol with a constant word, a counting word and ciphertext behind them. \
                  NAT keep-alives may stand between.",
    bits: 100.0,
    openings: Openings::Known(&[
        within(&[(1, 0xff)]),
        // May end before: a keep-alive of one byte comes first.
        within(&[(0, 0x40)]).at(4),
    ]),
    asks: over_udp(probe),
};

/// Datagrams of a side that must count up.
const COUNT_MIN: u16 = 4;

fn probe(view: &FlowView<'_>) -> Probe {
    // Each end chose its own; a word that both have is something else's.
    let spi = |side| view.side(side).datagrams.first().and_then(|first| be32(first.bytes, 0));
    if spi(Side::A).is_some() && spi(Side::A) == spi(Side::B) {
        return Probe::No;
    }
    match probe_sides(view, match_side) {
        Probe::Yes(mut found) => {
            found.strength = Strength::Shape;
            Probe::Yes(found)
        }
        answer @ (Probe::Wait | Probe::No) => answer,
    }
}

fn match_side(head: &SideView<'_>) -> SideMatch<Said> {
    let mut last: Option<(u32, u32, [u8; 8])> = None;
    let mut first_at = 0;
    let mut count = 0_u16;
    for (at, datagram) in head.datagrams.iter().enumerate() {
        // RFC 3948 section 2.3: NAT keep-alive
        if datagram.bytes == [0xff] {
            continue;
        }
        let fields = be32(datagram.bytes, 0).zip(be32(datagram.bytes, 4));
        let (Some((spi, sequence)), Some(cipher)) = (fields, array::<8>(datagram.bytes, 8)) else {
            return Err(Not);
        };
        // RFC 4303 section 2.1: random SPIs; small ones would be any constant
        let sizes = datagram.wire_len >= 36 && datagram.wire_len.is_multiple_of(4);
        if spi < 1 << 24 || sequence == 0 || sequence > 1 << 30 || !sizes {
            return Err(Not);
        }
        match last {
            None => first_at = at,
            Some((known, before, text)) => {
                let step = sequence.wrapping_sub(before);
                if spi != known || !(1..=4).contains(&step) || text == cipher {
                    return Err(Not);
                }
            }
        }
        count = count.saturating_add(1);
        last = Some((spi, sequence, cipher));
    }
    let (spi, sequence, _) = last.filter(|_| count >= COUNT_MIN).ok_or(Short)?;
    let bits = f32::from(count.saturating_sub(1)) * (32.0 + 30.0 + 2.0) - 8.0;
    let fact = format!("ESP, SPI 0x{spi:08x}, {count} datagrams counting up to {sequence}");
    Ok(Said::at(Role::Either, bits, fact, Spot::datagram(first_at, 0, 8)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Random, Talk};

    fn packet(random: &mut Random, spi: u32, sequence: u32, len: usize) -> Vec<u8> {
        let mut packet = spi.to_be_bytes().to_vec();
        packet.extend(sequence.to_be_bytes());
        packet.extend(random.bytes(len - 8));
        packet
    }

    fn talk(spi: u32, step: u32, len: usize) -> Talk {
        let mut random = Random::new(1);
        (0..6)
            .fold(Talk::udp(), |talk, nth| talk.a(packet(&mut random, spi, 100 + nth * step, len)))
    }

    #[test]
    fn what_counts_is_named_by_its_shape() {
        let found = talk(0xc0a1_b2c3, 1, 100).named_by(&DETECTOR);
        assert_eq!(found.strength, Strength::Shape);
        talk(0xc0a1_b2c3, 1, 100).b([0xff]).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        // the same word both ways
        let mut random = Random::new(2);
        let both = (0..6).fold(Talk::udp(), |talk, nth| {
            let talk = talk.a(packet(&mut random, 0xc0a1_b2c3, 100 + nth, 100));
            talk.b(packet(&mut random, 0xc0a1_b2c3, 500 + nth, 100))
        });
        assert_eq!(both.matched_by(&DETECTOR), None);
        talk(0x0000_0001, 1, 100).refused_by(&DETECTOR);
        talk(0xc0a1_b2c3, 9, 100).refused_by(&DETECTOR);
        talk(0xc0a1_b2c3, 0, 100).refused_by(&DETECTOR);
        talk(0xc0a1_b2c3, 1, 101).refused_by(&DETECTOR);
        let rtp = |sequence| crate::identify::protocols::rtp::sample(sequence, 160);
        Talk::udp().a(rtp(1)).a(rtp(2)).a(rtp(3)).a(rtp(4)).a(rtp(5)).refused_by(&DETECTOR);
    }
}
