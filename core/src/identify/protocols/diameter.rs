//! Diameter (RFC 6733), over TCP.
//!
//! ```text
//!  version(1, 1) length(3) flags(1) command(3) application(4) hop by hop(4) end to end(4)
//!  AVP: code(4) flags(1) length(3) [vendor(4)] data, to 4
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "diameter",
    title: "Diameter",
    reference: "RFC 6733 sections 3 and 4.1",
    rests_on: "The header with its reserved bits, and attributes that follow each other to the message's \
               end.",
    blind_spots: "SCTP is not looked at. Over TLS it is only seen as TLS.",
    bits: 40.0,
    openings: Openings::Known(&[one_of(&[1])]),
    asks: over_tcp(|view| match_opened(view, &DETECTOR, HEADER + 8, message)),
};

const HEADER: usize = 20;

fn message(bytes: &[u8]) -> Option<Said> {
    let len = index(be24(bytes, 1)?);
    let (flags, command) = (u8_at(bytes, 4)?, be24(bytes, 5)?);
    // R, P, E, T; an error is never a request.
    let fits = len.is_multiple_of(4)
        && (HEADER + 8..=1 << 20).contains(&len)
        && flags & 0x0f == 0
        && flags & 0xa0 != 0xa0
        && (256..1 << 24).contains(&command);
    if !fits {
        return None;
    }
    let count = attributes(prefix(rest(bytes, HEADER), len - HEADER), len - HEADER)?;
    // Both peers ask.
    let role = Role::Either;
    let more = f32::from(u8::try_from(count.min(4)).unwrap_or(4)) * 12.0;
    let name = match command {
        257 => "capabilities exchange",
        271 => "accounting",
        272 => "credit control",
        280 => "device watchdog",
        282 => "disconnect peer",
        _ => "command",
    };
    let fact = format!("Diameter {name} {command}");
    // version, length, reserved bits, command
    Some(Said::new(len, role, 8.0 + 6.0 + 4.0 + 0.4 + 10.0 + more, fact))
}

/// How many attributes were seen; `None` where one doesn't fit.
fn attributes(bytes: &[u8], left: usize) -> Option<usize> {
    let (mut at, mut count) = (0_usize, 0_usize);
    while at < left {
        let (Some(flags), Some(len)) =
            (u8_at(bytes, at.saturating_add(4)), be24(bytes, at.saturating_add(5)))
        else {
            break;
        };
        let len = index(len);
        let least = if flags & 0x80 != 0 { 12 } else { 8 };
        if flags & 0x1f != 0
            || len < least
            || at.saturating_add(len) > left
            || be32(bytes, at)? > 1 << 20
        {
            return None;
        }
        at = at.saturating_add(len.next_multiple_of(4));
        count = count.saturating_add(1);
    }
    (count > 0).then_some(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    const ASK: &str = "01 000030 80 000118 00000000 11111111 22222222 \
                       00000108 40 00000d 6d652e6578 000000 00000128 40 00000b 657861 00";
    const ANSWER: &str =
        "01 000020 00 000118 00000000 11111111 22222222 0000010c 40 00000c 000007d1";

    #[test]
    fn messages_are_named() {
        let talk = Talk::tcp().a(hex(ASK)).b(hex(ANSWER));
        assert_eq!(talk.named_by(&DETECTOR).strength, Strength::BothSides);
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().a(hex(&ASK.replace("000030 80", "000030 81"))).refused_by(&DETECTOR);
        Talk::tcp().a(hex(&ASK.replace("40 00000d", "41 00000d"))).refused_by(&DETECTOR);
        Talk::tcp().a(hex(&ASK.replace("40 00000d", "40 0000ff"))).refused_by(&DETECTOR);
        Talk::tcp()
            .a(hex(
                "01 01 0001 0008 00 00 0001 01 0000000000 01 04 0001 0000 00 00 00000000 00000000",
            ))
            .refused_by(&DETECTOR);
    }
}
