//! Zoom's media between client and server, over UDP.
//!
//! ```text
//!  05 sequence(16) ... direction: 00 to the server, 04 from it (8 bytes) | media: type(8) ... RTP
//!  media types 13 screen, 15 audio, 16 video, 33 and 34 RTCP; RTP after 27, 19, 24 bytes
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "zoom",
    title: "Zoom media",
    reference: "Michel et al., Enabling Passive Measurement of Zoom Performance (ACM IMC 2022) section 4",
    rests_on: "Three or more datagrams of a side with the server's encapsulation, of one stream and \
               direction, whose sequence numbers go on.",
    blind_spots: "Calls between two clients, and flows of which the first datagrams are of other kinds.",
    bits: 80.0,
    openings: Openings::Known(&[within(&[(1, 8)])]),
    asks: over_udp(|view| probe_sides(view, match_side)),
};

struct Outer {
    sequence: u16,
    stream: [u8; 4],
    direction: u8,
}

fn match_side(head: &SideView<'_>) -> SideMatch<Said> {
    let mut known: Option<(usize, Outer)> = None;
    let mut count = 0_u16;
    for (at, datagram) in head.datagrams.iter().enumerate() {
        let Some(outer) = read(datagram) else {
            // The greeting has other types, of which nothing is published.
            if datagram.bytes.first().is_some_and(|first| (1..=8).contains(first)) {
                continue;
            }
            return Err(Not);
        };
        if let Some((_, first)) = &known {
            let step = outer.sequence.wrapping_sub(first.sequence);
            if outer.stream != first.stream || outer.direction != first.direction || step > 256 {
                return Err(Not);
            }
        }
        count = count.saturating_add(1);
        known.get_or_insert((at, outer));
    }
    let Some((at, outer)) = known.filter(|_| count >= 3) else { return Err(Short) };
    let role = if outer.direction == 0 { Role::Client } else { Role::Server };
    let bits =
        f32::from(count) * (8.0 + 7.0) + f32::from(count.saturating_sub(1)) * (32.0 + 8.0) - 10.0;
    let fact = format!("Zoom media encapsulation, {count} datagrams");
    Ok(Said::at(role, bits, fact, Spot::datagram(at, 0, 8)))
}

fn read(datagram: &Datagram<'_>) -> Option<Outer> {
    let bytes = datagram.bytes;
    let stream = array::<4>(bytes, 3)?;
    let direction = u8_at(bytes, 7)?;
    let fits = u8_at(bytes, 0)? == 5 && matches!(direction, 0 | 4) && stream != [0; 4];
    fits.then_some(Outer { sequence: be16(bytes, 1)?, stream, direction })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    fn media(sequence: u8, direction: u8) -> Vec<u8> {
        let mut media = hex("05 0000 004f8378 00 0f");
        media[2] = sequence;
        media[7] = direction;
        media.resize(120, sequence);
        media
    }

    #[test]
    fn media_is_named_from_each_side() {
        let talk = Talk::udp().a(media(1, 0)).b(media(1, 4)).a(media(2, 0)).b(media(2, 4));
        let talk = talk.a(media(3, 0)).b(media(3, 4));
        assert_eq!(talk.named_by(&DETECTOR).client, Some(Side::A));
        talk.only(Side::B).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::udp().a(media(1, 0)).a(media(2, 0)).refused_by(&DETECTOR);
        Talk::udp().a(media(1, 0)).a(media(2, 4)).a(media(3, 0)).refused_by(&DETECTOR);
        Talk::udp().a(media(1, 9)).a(media(2, 9)).a(media(3, 9)).refused_by(&DETECTOR);
        let mut other = media(2, 0);
        other[4] = 1;
        Talk::udp().a(media(1, 0)).a(other).a(media(3, 0)).refused_by(&DETECTOR);
    }
}
