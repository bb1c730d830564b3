//! BFCP (RFC 8855, RFC 8856), over UDP and TCP.
//!
//! ```text
//!  version(3) R F 0(3) | primitive | words(16) | conference(32) | transaction(16) user(16)
//!  attributes: type(7) M length(8) value, to words
//! ```

use super::super::hearing::{Role, Said, Spot};
use super::super::messages::{Stop, probe_both};
use super::super::{Detector, FlowView, Over, Probe};
use crate::wire::{Cursor, be16, be32, rest, u8_at};

pub(super) static DETECTOR: Detector = Detector {
    id: "bfcp",
    title: "BFCP (floor control)",
    reference: "RFC 8855 sections 5.1 and 5.2",
    over: Over::Both,
    rests_on: "A version, a known primitive, a length that is the datagram's, and known attributes that \
               fill it.",
    blind_spots: "Messages without attributes.",
    bits: 24.0,
    probe,
};

fn probe(view: &FlowView<'_>) -> Probe {
    probe_both(DETECTOR.id, view, read)
}

fn read(bytes: &[u8]) -> Result<(Said, usize), Stop> {
    let first = u8_at(bytes, 0).ok_or(Stop::Short)?;
    let primitive = u8_at(bytes, 1).ok_or(Stop::Short)?;
    let words = usize::from(be16(bytes, 2).ok_or(Stop::Short)?);
    let conference = be32(bytes, 4).ok_or(Stop::Short)?;
    // Version 2 is for datagrams; then R tells an answer.
    let known = matches!(first >> 5, 1 | 2) && first & 0x07 == 0 && (1..=18).contains(&primitive);
    if !known || words > 256 || conference == 0 {
        return Err(Stop::Not);
    }
    let len = words.saturating_mul(4).saturating_add(12);
    let message = bytes.get(..len).ok_or(Stop::Short)?;
    let attributes = walk(rest(message, 12)).ok_or(Stop::Not)?;
    // version and reserved bits, primitive, length
    let bits = 5.0 + 3.8 + 8.0 + attributes;
    let role = match primitive {
        1 | 2 | 3 | 5 | 7 | 11 => Role::Client,
        4 | 6 | 8 | 12 | 13 => Role::Server,
        _ => Role::Either,
    };
    let fact = format!("BFCP primitive {primitive}");
    Ok((Said::new(role, bits, fact, Spot::datagram(0, 0, 12)), len))
}

/// RFC 8855 section 5.2: the length counts type and length, not the padding.
fn walk(attributes: &[u8]) -> Option<f32> {
    let mut cursor = Cursor::new(attributes);
    let mut bits = 0.0;
    while !cursor.is_empty() {
        let kind = cursor.u8()? >> 1;
        let len = usize::from(cursor.u8()?);
        let padded = len.next_multiple_of(4).checked_sub(2)?;
        ((1..=18).contains(&kind) && len >= 2).then_some(())?;
        cursor.skip(padded)?;
        bits += 2.8 + 6.0;
    }
    Some(bits)
}

#[cfg(test)]
mod tests {
    use super::super::super::Side;
    use super::super::super::testing::{Talk, hex};
    use super::*;

    const REQUEST: &str = "20 01 0002 00000001 0001 0002 0504 0003 0906 6869 ";
    const STATUS: &str = "20 04 0002 00000001 0001 0002 0704 0003 0b04 0001";

    #[test]
    fn messages_are_named_from_each_side() {
        for talk in [Talk::udp(), Talk::tcp()] {
            let talk = talk.a(hex(&REQUEST.replace("0906 6869", "0904 6869"))).b(hex(STATUS));
            assert_eq!(talk.named_by(&DETECTOR).client, Some(Side::A));
            talk.only(Side::B).named_by(&DETECTOR);
        }
    }

    #[test]
    fn look_alikes_are_refused() {
        for (from, to) in [
            ("20 04", "60 04"),
            ("20 04", "20 24"),
            ("0002 0000", "0003 0000"),
            ("0704", "7f04"),
            ("0704", "0701"),
        ] {
            Talk::udp().a(hex(&STATUS.replacen(from, to, 1))).refused_by(&DETECTOR);
        }
    }
}
