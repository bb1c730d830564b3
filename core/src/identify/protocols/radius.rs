//! RADIUS (RFC 2865, RFC 2866, RFC 5176), over UDP and TCP (RFC 6613).
//!
//! ```text
//!  code id length(16) authenticator(128) | attributes: type length value
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "radius",
    title: "RADIUS",
    reference: "RFC 2865 sections 3 to 5, RFC 2866 section 5, RFC 5176 section 2",
    rests_on: "A known code, a length that is the datagram's, and attributes of their proper sizes that \
               end where the message ends.",
    blind_spots: "Datagrams with padding behind the message.",
    bits: 30.0,
    openings: Openings::Known(&[
        within(&[(1, 5), (11, 12), (40, 45)]).tcp(),
        within(&[(0, 0x10)]).at(2).tcp(),
        within(&[(1, 5), (11, 12), (40, 45)]).udp(),
        within(&[(0, 0x10)]).at(2).required().udp(),
    ]),
    asks: over_both(|view| probe_both(view, read)),
};

/// Bytes of a message's header.
const HEADER: usize = 20;

fn read(bytes: &[u8]) -> Result<Said, MessageError> {
    let code = u8_at(bytes, 0).ok_or(Short)?;
    // RFC 2865 section 3, RFC 2866 section 3, RFC 5176 section 2.1
    let (role, what) = match code {
        1 => (Role::Client, "Access-Request"),
        2 => (Role::Server, "Access-Accept"),
        3 => (Role::Server, "Access-Reject"),
        4 => (Role::Client, "Accounting-Request"),
        5 => (Role::Server, "Accounting-Response"),
        11 => (Role::Server, "Access-Challenge"),
        12 => (Role::Client, "Status-Server"),
        40 => (Role::Client, "Disconnect-Request"),
        41 | 42 => (Role::Server, "Disconnect answer"),
        43 => (Role::Client, "CoA-Request"),
        44 | 45 => (Role::Server, "CoA answer"),
        _ => return Err(Not),
    };
    let len = usize::from(be16(bytes, 2).ok_or(Short)?);
    if !(HEADER..=4096).contains(&len) {
        return Err(Not);
    }
    let complete = bytes.len() >= len;
    let message = bytes.get(..len).unwrap_or(bytes);
    let bits = walk(rest(message, HEADER), complete)?;
    // code; length, which in a stream is only plausible, but then what follows is one as well
    let bits = 4.4 + 4.0 + bits;
    Ok(Said::new(len, role, bits, format!("RADIUS {what}")))
}

/// Attributes that are numbers or addresses of four bytes.
const fn is_number(kind: u8) -> bool {
    matches!(kind, 5..=10 | 12..=16 | 23 | 27..=29 | 37 | 38 | 40..=43 | 45..=49)
        || matches!(kind, 51..=53 | 55 | 61 | 62 | 76)
}

/// RFC 2865 section 5; the chance that a random attribute has a size that fits.
fn walk(attributes: &[u8], complete: bool) -> Result<f32, MessageError> {
    let mut cursor = Cursor::new(attributes);
    // the last one ends where the message ends
    let mut bits = 8.0;
    while let Some(kind) = cursor.u8() {
        let len = cursor.u8().ok_or(Short)?;
        let value = usize::from(len).checked_sub(2).ok_or(Not)?;
        bits += match (kind, value) {
            (0, _) => return Err(Not),
            // numbers and addresses
            (kind, 4) if is_number(kind) => 8.0,
            (kind, _) if is_number(kind) => return Err(Not),
            // Vendor-Specific: enterprises are below 2^16; Message-Authenticator; CHAP-Password
            (26, 5..) if rest(cursor.rest(), 0).starts_with(&[0, 0]) => 16.0,
            (80, 16) | (3, 17) => 8.0,
            (26 | 80 | 3, _) => return Err(Not),
            (1..=104 | 117..=191 | 241..=246, 1..) => 1.0,
            (_, _) => return Err(Not),
        };
        if cursor.skip(value).is_none() {
            return if complete { Err(Not) } else { Err(Short) };
        }
    }
    Ok(bits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    const REQUEST: &str = "01 07 002c a1a2a3a4a5a6a7a8a9aaabacadaeafa0 0106 616c6365 0406 c0000201 \
                           0506 00000001 0606 00000001";
    const ACCEPT: &str = "02 07 0020 b1b2b3b4b5b6b7b8b9babbbcbdbebfb0 0606 00000001 0706 00000001";

    #[test]
    fn messages_are_named_from_each_side() {
        for talk in [Talk::udp(), Talk::tcp()] {
            let talk = talk.a(hex(REQUEST)).b(hex(ACCEPT));
            assert_eq!(talk.named_by(&DETECTOR).client, Some(Side::A));
        }
        Talk::udp().a(hex(REQUEST)).named_by(&DETECTOR);
        Talk::udp().b(hex(ACCEPT)).named_by(&DETECTOR);
        // an answer without attributes proves little; with its request, enough
        Talk::udp().b(hex("05 07 0014 b1b2b3b4b5b6b7b8b9babbbcbdbebfb0")).refused_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        for (from, to) in
            [("002c", "002d"), ("01 07", "09 07"), ("0606 0", "0605 0"), ("0106", "0006")]
        {
            Talk::udp().a(hex(&REQUEST.replace(from, to))).refused_by(&DETECTOR);
        }
    }
}
