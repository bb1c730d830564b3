//! Minecraft (Java Edition), over TCP.
//!
//! ```text
//!  length(varint) 00 version(varint) address length(varint) address port(2) state(varint: 1 to 3)
//!  answer  length 00 text length {"version": ... "description": ...}
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "minecraft",
    title: "Minecraft (Java Edition)",
    reference: "Minecraft Wiki, Java Edition protocol: handshaking and status",
    rests_on: "The handshake, whose length is that of its fields, with an address and the next state; \
               or the status in JSON.",
    blind_spots: "A game that goes on is compressed or encrypted. Bedrock Edition is RakNet.",
    bits: 36.0,
    openings: Openings::Known(&[within(&[(2, 0xff)])]),
    asks: over_tcp(probe),
};

fn probe(view: &FlowView<'_>) -> Probe {
    match_stream(view, |bytes, complete| {
        let mut cursor = Cursor::new(bytes);
        let (Some(len), Some(id)) = (varint(&mut cursor), varint(&mut cursor)) else {
            return Err(short_if(bytes.len() <= 10));
        };
        // A ping, an answer to a login, and what follows one, which may be encrypted by then.
        if (1..=PACKET_ID_MAX).contains(&id) && (1..=40_000).contains(&len) {
            return Ok(Said::all(Role::Either, 0.0, "Minecraft packet").shared());
        }
        if len == 1 && id == 0 {
            return Ok(Said::new(2, Role::Client, 16.0, "Minecraft status request").shared());
        }
        if id != 0 || !(2..=40_000).contains(&len) {
            return Err(Not);
        }
        if bytes.len() < 40 && bytes.len() < len && !complete {
            return Err(Short);
        }
        let at = cursor.position().saturating_sub(1);
        let end = len.saturating_add(at);
        let said = handshake(cursor, end).or_else(|| status(cursor)).or_else(|| login(cursor));
        said.map(|said| said.of_len(end)).ok_or(Not)
    })
}

/// The highest packet id of those that follow a handshake or an answer.
const PACKET_ID_MAX: usize = 4;

/// A player's name, behind a handshake.
fn login(mut cursor: Cursor<'_>) -> Option<Said> {
    let len = varint(&mut cursor)?;
    let name = prefix(cursor.rest(), len);
    let plain = name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    ((1..=16).contains(&len) && plain && name.len() == len)
        .then(|| Said::new(len, Role::Client, 0.0, "Minecraft login").shared())
}

/// A number of seven bits a byte, three bytes at the most.
fn varint(cursor: &mut Cursor<'_>) -> Option<usize> {
    let mut value = 0_usize;
    for shift in [0, 7, 14] {
        let byte = cursor.u8()?;
        value |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn handshake(mut cursor: Cursor<'_>, end: usize) -> Option<Said> {
    // Snapshots have bit 30, and -1 asks for any: five bytes then.
    let version = varint(&mut cursor).or_else(|| cursor.skip(2).map(|()| 0))?;
    let len = varint(&mut cursor)?;
    let address = cursor.take(len)?;
    cursor.be16()?;
    let state = varint(&mut cursor)?;
    // Forge adds its mark behind a zero.
    let name = address.split(|byte| *byte == 0).next().unwrap_or_default();
    let plain = name.len() >= 2
        && name
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'_'));
    let fits = (1..=3).contains(&state) && plain && version < 1200 && cursor.position() == end;
    // length, id, version, address, state
    let letters = f32::from(u8::try_from(name.len().min(16)).unwrap_or(16));
    let fact = || format!("Minecraft handshake to {}", from_wire(name));
    fits.then(|| Said::new(end, Role::Client, 8.0 + 8.0 + 4.0 + 6.4 + 8.0 + 2.0 * letters, fact()))
}

fn status(mut cursor: Cursor<'_>) -> Option<Said> {
    let len = varint(&mut cursor)?;
    let text = prefix(cursor.rest(), len);
    let fits = text.starts_with(b"{\"")
        && len >= 20
        && ["\"description\"", "\"version\"", "\"players\""]
            .iter()
            .any(|word| mentions(prefix(text, 4000), word));
    fits.then(|| Said::new(len, Role::Server, 8.0 + 16.0 + 60.0, "Minecraft status"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    #[test]
    fn status_requests_are_named() {
        let ask = [hex("10 00 fd05 09"), b"a.example".to_vec(), hex("63dd 01 01 00")].concat();
        let text = b"{\"version\":{\"name\":\"1.20.4\"},\"players\":{}}";
        let answer = [
            vec![u8::try_from(text.len() + 2).unwrap(), 0, u8::try_from(text.len()).unwrap()],
            text.to_vec(),
        ]
        .concat();
        let talk = Talk::tcp().a(ask).b(answer);
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp()
            .a([hex("10 00 fd05 09"), b"a.example".to_vec(), hex("63dd 07")].concat())
            .refused_by(&DETECTOR);
        Talk::tcp()
            .a([hex("11 00 fd05 09"), b"a.example".to_vec(), hex("63dd 01 01 00")].concat())
            .refused_by(&DETECTOR);
        Talk::tcp().a(hex("10 0d 0004 4d515454 04 02 003c 0001 61")).refused_by(&DETECTOR);
        Talk::tcp().a([0; 40]).refused_by(&DETECTOR);
    }
}
