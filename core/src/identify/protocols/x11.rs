//! X11's connection setup, over TCP.
//!
//! ```text
//!  client  'l'|'B' 0 major(2, 11) minor(2, 0) name length(2) data length(2) 0(2)  name pad data pad
//!  server  status(1) reason length(1) major(2, 11) minor(2, 0) additional length(2, words) ...
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "x11",
    title: "X11",
    reference: "X Window System Protocol, version 11, section 8 (Connection Setup)",
    rests_on: "The client's byte order, version 11 and authorisation lengths; the server's answer \
               with the same version.",
    blind_spots: "A connection captured after the setup.",
    bits: 40.0,
    openings: Openings::Known(&[one_of(b"lB\0\x01\x02")]),
    asks: over_tcp(probe),
};

fn probe(view: &FlowView<'_>) -> Probe {
    match_stream(view, |bytes, _| match bytes {
        [b'l' | b'B', 0, ..] => from_header(bytes, 12, client),
        [0..=2, ..] => from_header(bytes, 8, server),
        [b'l' | b'B'] | [] => Err(Short),
        _ => Err(Not),
    })
}

/// The longest first request, in words, and the highest number of a first answer.
const FIRST_MAX: u16 = 1024;

fn client(bytes: &[u8]) -> Option<Said> {
    let number = |at| if bytes.starts_with(b"l") { le16(bytes, at) } else { be16(bytes, at) };
    let padded = |len: u16| usize::from(len).next_multiple_of(4);
    let (name, data) = (number(6)?, number(8)?);
    let fits = number(2)? == 11 && number(4)? == 0 && number(10)? == 0 && name <= 64 && data <= 512;
    let word = prefix(rest(bytes, 12), usize::from(name));
    if !fits || !word.iter().all(u8::is_ascii_graphic) {
        return None;
    }
    let len = 12_usize.saturating_add(padded(name)).saturating_add(padded(data));
    // Requests follow, of which the first ones are short: opcode, data, length in words.
    let fits = number(len.saturating_add(2)).is_none_or(|words| words <= FIRST_MAX);
    let len = if fits && bytes.len() > len { Said::ALL } else { len };
    Some(Said::new(len, Role::Client, 7.0 + 8.0 + 32.0 + 16.0 + 10.0, "X11 connection setup"))
}

fn server(bytes: &[u8]) -> Option<Said> {
    let little = le16(bytes, 2) == Some(11);
    let number = |at| if little { le16(bytes, at) } else { be16(bytes, at) };
    let [status, reason, ..] = *bytes.first_chunk::<8>()?;
    let words = usize::from(number(6)?);
    let text = usize::from(reason).div_ceil(4);
    let fits = number(2)? == 11 && number(4)? == 0;
    let sized = match status {
        // failed: the reason, padded
        0 => reason > 0 && words == text,
        // success: 8 + 2n + (v + p + m) / 4
        1 => reason == 0 && words >= 8,
        // authenticate
        _ => words > 0 && words < 256,
    };
    let bits = 7.0 + 7.0 + 32.0;
    // Replies, events and errors follow, of the first requests: a code, something, a number that counts.
    let len = words.saturating_mul(4).saturating_add(8);
    let counts = number(len.saturating_add(2)).is_none_or(|count| count <= FIRST_MAX);
    let len = if counts && bytes.len() > len { Said::ALL } else { len };
    (fits && sized).then(|| Said::new(len, Role::Server, bits, "X11 connection answer"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    #[test]
    fn setups_are_named() {
        let setup =
            [hex("6c00 0b00 0000 1200 1000 0000"), b"MIT-MAGIC-COOKIE-1\0\0".to_vec(), vec![7; 16]]
                .concat();
        let talk =
            Talk::tcp().a(setup).b([hex("0100 0b00 0000 0800 00f03b01"), vec![0; 28]].concat());
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
        Talk::tcp().a(hex("4200 000b 0000 0000 0000 0000")).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().a(hex("6c00 0a00 0000 1200 1000 0000")).refused_by(&DETECTOR);
        Talk::tcp().a(hex("6c00 0b00 0000 1200 1000 0001")).refused_by(&DETECTOR);
        Talk::tcp().a("list of things").refused_by(&DETECTOR);
        Talk::tcp().b(hex("0101 0b00 0000 6a00 0000 0000")).refused_by(&DETECTOR);
        // SVN's and Modbus's heads
        Talk::tcp().b(hex("0000 0000 0006 01 03 0000 0001")).refused_by(&DETECTOR);
    }
}
