//! MQTT 3.1, 3.1.1 and 5, over TCP.
//!
//! ```text
//!  type(4 bits) flags(4 bits)  remaining length(1 to 4, 7 bits each)  ...
//!  CONNECT  10 n  0004 "MQTT" level(1) flags(1) keep alive(2) ...   (3.1: 0006 "MQIsdp" 3)
//!  CONNACK  20 2  flags(1) code(1)
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "mqtt",
    title: "MQTT",
    reference: "OASIS MQTT 5.0 sections 1.5.5, 2.1 and 3; MQTT 3.1.1 section 3",
    rests_on: "A CONNECT with the protocol's name, a CONNACK, or packets of right size and flags on \
               both sides, such as pings.",
    blind_spots: "A subscriber's messages alone, captured without the start. Over TLS or WebSocket it \
                  is named so.",
    bits: 26.0,
    openings: Openings::Known(&[mixed(
        &[(0x30, 0x35), (0x38, 0x3d)],
        &[0x10, 0x20, 0x40, 0x50, 0x62, 0x70, 0x82, 0x90, 0xa2, 0xb0, 0xc0, 0xd0, 0xe0, 0xf0],
    )]),
    asks: over_tcp(|view| match_stream(view, |bytes, _| read(bytes))),
};

/// The remaining length, and how many bytes it took.
fn remaining(bytes: &[u8]) -> Result<(usize, usize), MessageError> {
    let mut len = 0_usize;
    for at in 0..4_usize {
        let byte = u8_at(bytes, at.saturating_add(1)).ok_or(Short)?;
        len |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Ok((len, at.saturating_add(1)));
        }
    }
    Err(Not)
}

fn read(bytes: &[u8]) -> SideMatch<Said> {
    let Some(first) = u8_at(bytes, 0) else { return Err(Short) };
    let (len, len_bytes) = remaining(bytes)?;
    let body = prefix(rest(bytes, len_bytes.saturating_add(1)), len);
    if body.len() < len.min(10) {
        return Err(Short);
    }
    let total = len.saturating_add(len_bytes).saturating_add(1);
    packet(first, len, body)
        .map(|(role, bits, own, name)| {
            Said::new(total, role, bits, format!("MQTT {name}")).owned_if(own)
        })
        .ok_or(Not)
}

fn packet(first: u8, len: usize, body: &[u8]) -> Option<(Role, f32, bool, &'static str)> {
    let client = |bits, own, name| Some((Role::Client, bits, own, name));
    let server = |bits, own, name| Some((Role::Server, bits, own, name));
    let numbered = be16(body, 0).is_some_and(|id| id != 0);
    match first {
        0x10 => {
            let name = match body {
                [0, 4, b'M', b'Q', b'T', b'T', 4 | 5, flags, ..] if flags & 1 == 0 => "CONNECT",
                [0, 6, b'M', b'Q', b'I', b's', b'd', b'p', 3 | 0x83, ..] => "CONNECT of 3.1",
                _ => return None,
            };
            client(8.0 + 48.0 + 8.0, true, name)
        }
        // 3.1.1: two bytes; 5: reason codes from 80 on, then properties
        0x20 => match (len, body) {
            (2, [0 | 1, 0..=5]) => server(8.0 + 8.0 + 7.0 + 5.4, true, "CONNACK"),
            (3.., [0 | 1, 0 | 0x80..=0x9f, size, ..])
                if usize::from(*size).saturating_add(3) == len =>
            {
                server(8.0 + 7.0 + 3.0 + 8.0, true, "CONNACK")
            }
            _ => None,
        },
        // Topics are text without wildcards; bits 1 and 2 are the quality, which is not 3.
        0x30..=0x3f if first & 6 != 6 => {
            let size = usize::from(be16(body, 0)?);
            let topic = prefix(rest(body, 2), size);
            let plain =
                topic.iter().all(|byte| *byte >= b' ' && !matches!(byte, b'#' | b'+' | 0x7f));
            let fits = (1..=512).contains(&size) && size.saturating_add(2) <= len && plain;
            // A topic in plain letters counts for what its first bytes have.
            let letters = topic.iter().take(10).filter(|byte| byte.is_ascii_graphic()).count();
            let bits = 4.4 + 7.0 + if letters >= 8 { 11.0 } else { 0.0 };
            if fits { Some((Role::Either, bits, letters >= 8, "PUBLISH")) } else { None }
        }
        0x40 | 0x50 | 0x62 | 0x70 if matches!(len, 2 | 3) && numbered => {
            Some((Role::Either, 6.0 + 7.0, false, "acknowledgement"))
        }
        // number, then topic filters with a byte of options
        0x82 if numbered && len >= 6 => {
            let size = be16(body, 2).filter(|size| usize::from(*size).saturating_add(5) <= len);
            let properties = u8_at(body, 2).is_some_and(|size| size == 0);
            (size.is_some() || properties).then_some(())?;
            client(8.0 + 6.0, false, "SUBSCRIBE")
        }
        0xa2 if numbered && len >= 5 => client(8.0, false, "UNSUBSCRIBE"),
        0x90 | 0xb0 if numbered && len >= 2 => server(7.0, false, "SUBACK"),
        0xc0 if len == 0 => client(16.0, true, "PINGREQ"),
        0xd0 if len == 0 => server(16.0, true, "PINGRESP"),
        0xe0 if len <= 2 => client(14.0, false, "DISCONNECT"),
        0xf0 if len >= 2 => Some((Role::Either, 8.0, false, "AUTH")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    #[test]
    fn connections_are_named() {
        let talk =
            Talk::tcp().a(hex("10 0d 0004 4d515454 04 02 003c 0001 61")).b(hex("20 02 00 00"));
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
        Talk::tcp()
            .a(hex("10 10 0004 4d515454 05 02 003c 00 0003 616263"))
            .b(hex("20 03 00 00 00"))
            .named_by(&DETECTOR);
    }

    #[test]
    fn pings_and_messages_in_the_middle_are_named() {
        Talk::tcp().midway().a(hex("c000 c000")).b(hex("d000 d000")).named_by(&DETECTOR);
        let publish = [hex("30 13 000f"), b"home/kitchen/t2".to_vec(), b"21".to_vec()].concat();
        Talk::tcp().midway().b([publish.clone(), publish].concat()).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().a(hex("10 0d 0004 4d515454 07 02 003c 0001 61")).refused_by(&DETECTOR);
        Talk::tcp().a(hex("c000")).b("hello").refused_by(&DETECTOR);
        Talk::tcp().b(hex("20 02 00 09")).refused_by(&DETECTOR);
        // OFTP's and MMS's heads, a text
        Talk::tcp()
            .b(hex("10000017 494f4445545445204654502052454144 59200d"))
            .refused_by(&DETECTOR);
        Talk::tcp().a("0 some text that starts with a zero digit\r\n").refused_by(&DETECTOR);
    }
}
