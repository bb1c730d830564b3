//! SOME/IP (AUTOSAR), over UDP and TCP.
//!
//! ```text
//!  service(16) method(16) length(32) client(16) session(16) | 01 interface type return code | payload
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "someip",
    title: "SOME/IP",
    reference: "AUTOSAR, SOME/IP protocol specification R22-11, section 4.1",
    rests_on: "Protocol version 1, a known message type with a return code that suits it, and a length \
               that is the datagram's.",
    blind_spots: "Several messages in one datagram: only the first is checked then.",
    bits: 30.0,
    openings: Openings::Known(&[
        one_of(&[0]).at(4),
        one_of(&[0]).at(5),
        one_of(&[1]).at(12),
        one_of(&[0, 1, 2, 0x20, 0x21, 0x22, 0x80, 0x81, 0xa0, 0xa1]).at(14),
        within(&[(0, 0x5e)]).at(15).tcp(),
        within(&[(0, 0x5e)]).at(15).required().udp(),
    ]),
    asks: over_both(|view| probe_both(view, read)),
};

fn read(bytes: &[u8]) -> Result<Said, MessageError> {
    let byte = |at| u8_at(bytes, at).ok_or(Short);
    let message = be32(bytes, 0).ok_or(Short)?;
    let len = index(be32(bytes, 4).ok_or(Short)?).saturating_add(8);
    let (version, interface, kind, code) = (byte(12)?, byte(13)?, byte(14)?, byte(15)?);
    // Bit 5 says that a message is in segments (SOME/IP-TP).
    let (role, what) = match kind & !0x20 {
        0x00 => (Role::Client, "request"),
        0x01 => (Role::Client, "request without return"),
        0x02 => (Role::Either, "notification"),
        0x80 => (Role::Server, "response"),
        0x81 => (Role::Server, "error"),
        _ => return Err(Not),
    };
    // Only answers have a return code.
    let answer = kind & 0x80 != 0;
    let fits = version == 1
        && interface != 0
        && message != 0
        && (16..=65_535).contains(&len)
        && if answer { code <= 0x5e } else { code == 0 };
    if !fits {
        return Err(Not);
    }
    // length below 2^16, version, type, return code
    let bits = 16.0 + 8.0 + 4.7 + if answer { 1.4 } else { 8.0 };
    Ok(Said::new(len, role, bits, format!("SOME/IP {what}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    const REQUEST: &str = "1234 0421 00000009 0001 0001 01 01 00 00 ff";
    const RESPONSE: &str = "1234 0421 0000000a 0001 0001 01 01 80 00 ffff";

    #[test]
    fn messages_are_named_from_each_side() {
        for talk in [Talk::udp(), Talk::tcp()] {
            let talk = talk.a(hex(REQUEST)).b(hex(RESPONSE));
            assert_eq!(talk.named_by(&DETECTOR).client, Some(Side::A));
            talk.clone().only(Side::A).named_by(&DETECTOR);
            talk.only(Side::B).named_by(&DETECTOR);
        }
        // service discovery
        let found = "ffff 8100 00000014 0000 0001 01 01 02 00 c0000000 00000000 00000000";
        Talk::udp().a(hex(found)).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        for (from, to) in [
            ("00000009", "0000000a"),
            ("01 01 00", "02 01 00"),
            ("01 01 00", "01 01 03"),
            ("00 ff", "01 ff"),
        ] {
            Talk::udp().a(hex(&REQUEST.replacen(from, to, 1))).refused_by(&DETECTOR);
        }
    }
}
