//! CQL, the native protocol of Apache Cassandra, over TCP.
//!
//! ```text
//!  version(1) flags(1) stream(2) opcode(1) length(4)  body      versions 3 to 5; requests below 80
//!  versions 1 and 2: stream has one byte
//!  STARTUP 01    { "CQL_VERSION" "3.0.0" ... }     SUPPORTED 06   { "CQL_VERSION" ... }
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "cassandra",
    title: "Cassandra CQL",
    reference: "Apache Cassandra, native_protocol_v3.spec to v5.spec, sections 2 and 4",
    rests_on: "A frame with a request's or an answer's version and operation, whose body fits it, such \
               as OPTIONS, STARTUP with CQL_VERSION, SUPPORTED or ERROR.",
    blind_spots: "Version 5 wraps the frames after the login; compressed frames are not opened.",
    bits: 26.0,
    openings: Openings::Known(&[within(&[(1, 5), (0x81, 0x85), (0xca, 0xca)])]),
    asks: over_tcp(probe),
};

/// What nodes send each other first (org.apache.cassandra.net.Message.PROTOCOL_MAGIC).
const INTERNODE: u32 = 0xca55_2dfa;

fn probe(view: &FlowView<'_>) -> Probe {
    match_stream(view, |bytes, _| match be32(bytes, 0) {
        Some(INTERNODE) => {
            let fact = "Cassandra nodes talk to each other";
            Ok(Said::new(bytes.len(), Role::Either, 32.0, fact))
        }
        Some(_) | None => from_header(bytes, 9, frame),
    })
}

fn frame(bytes: &[u8]) -> Option<Said> {
    let version = u8_at(bytes, 0)?;
    let wide = match version & 0x7f {
        3..=5 => 1,
        1 | 2 => 0,
        _ => return None,
    };
    let flags = u8_at(bytes, 1)?;
    let opcode = u8_at(bytes, 3 + wide)?;
    let header = 8_usize.saturating_add(wide);
    let left = index(be32(bytes, 4 + wide)?);
    // native_protocol_v5.spec section 2.4: a frame has 256 MB at most.
    if flags & !0x1f != 0 || left > 1 << 28 {
        return None;
    }
    let body = prefix(rest(bytes, header), left);
    let len = header.saturating_add(left);
    let plain = flags & 1 == 0;
    // version, flags, operation, length
    let bits = 5.7 + 3.0 + 4.0 + 4.0;
    let (role, own) = if version & 0x80 == 0 {
        (Role::Client, request(opcode, body, left, plain)?)
    } else {
        (Role::Server, answer(opcode, body, left, plain)?)
    };
    let stream_zero = if be16(bytes, 2)? >> 8 == 0 { 6.0 } else { 0.0 };
    let fact = format!("CQL version {} operation 0x{opcode:02x}", version & 0x7f);
    Some(Said::new(len, role, bits + stream_zero + own, fact).owned_if(own >= 16.0))
}

/// Bits of the body, zero where nothing can be checked.
fn request(opcode: u8, body: &[u8], left: usize, plain: bool) -> Option<f32> {
    match opcode {
        // OPTIONS has no body
        0x05 => (left == 0).then_some(24.0),
        // STARTUP: a string map
        0x01 if plain => mentions(prefix(body, 64), "CQL_VERSION").then_some(88.0),
        // QUERY, PREPARE: a long string
        0x07 | 0x09 if plain => {
            let text = rest(body, 4);
            let fits = index(be32(body, 0)?).saturating_add(4) <= left;
            let start = prefix(text, 6);
            (fits && start.iter().all(|byte| byte.is_ascii() && *byte >= 9)).then_some(20.0)
        }
        // EXECUTE: short bytes; BATCH; REGISTER: a string list; AUTH_RESPONSE
        0x0a | 0x0b | 0x0d | 0x0f | 0x07 | 0x09 | 0x01 => Some(0.0),
        _ => None,
    }
}

fn answer(opcode: u8, body: &[u8], left: usize, plain: bool) -> Option<f32> {
    match opcode {
        // ERROR: a code and a string
        0x00 if plain => {
            let code = be32(body, 0)?;
            let fits = usize::from(be16(body, 4)?).saturating_add(6) <= left;
            (code <= 0x2500 && fits).then_some(20.0)
        }
        // READY has no body
        0x02 => (left == 0).then_some(24.0),
        // AUTHENTICATE: a class's name
        0x03 => mentions(prefix(body, 64), "org.apache").then_some(80.0),
        0x06 if plain => mentions(prefix(body, 256), "CQL_VERSION").then_some(88.0),
        // RESULT: five kinds
        0x08 if plain => (1..=5).contains(&be32(body, 0)?).then_some(29.0),
        // EVENT, AUTH_CHALLENGE, AUTH_SUCCESS
        0x0c | 0x0e | 0x10 | 0x00 | 0x06 | 0x08 => Some(0.0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    fn startup() -> Vec<u8> {
        [hex("04 00 0001 01 00000016 0001 000b"), b"CQL_VERSION".to_vec(), hex("0005 332e302e30")]
            .concat()
    }

    #[test]
    fn startup_and_ready_are_named() {
        let talk = Talk::tcp().a(startup()).b(hex("84 00 0001 02 00000000"));
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
        Talk::tcp().a(hex("04 00 0000 05 00000000")).named_by(&DETECTOR);
        Talk::tcp().midway().b(hex("83 00 0003 08 00000004 00000001")).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        // a version, an operation and a body that are none
        Talk::tcp().a(hex("06 00 0000 05 00000000")).refused_by(&DETECTOR);
        Talk::tcp().a(hex("04 00 0000 04 00000000")).refused_by(&DETECTOR);
        Talk::tcp().a(hex("04 00 0000 05 00000002 0000")).refused_by(&DETECTOR);
        // SOCKS4, TDS, zeros
        Talk::tcp().a(hex("0401 0050 c0000201 00")).refused_by(&DETECTOR);
        Talk::tcp().b(hex("0401 0025 0000 0100 0000 1500")).refused_by(&DETECTOR);
        Talk::tcp().a([0; 30]).refused_by(&DETECTOR);
    }
}
