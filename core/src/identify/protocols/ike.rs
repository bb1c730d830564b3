//! IKE versions 1 and 2 (RFC 2408, RFC 7296), over UDP, also behind the non-ESP marker (RFC 3948).
//!
//! ```text
//!  [00000000] initiator SPI(64) responder SPI(64) | next payload, version, exchange, flags
//!  message(32) length(32) | payloads: next, reserved, length(16)
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "ike",
    title: "IKE (IPsec's key exchange)",
    reference: "RFC 7296 section 3.1, RFC 2408 section 3.1, RFC 3948 section 2.2",
    rests_on: "Version 1.0 or 2.0 with one of its exchanges, flags and first payloads, and a length that \
               is the datagram's.",
    blind_spots: "Nothing known.",
    bits: 48.0,
    openings: Openings::Known(&[within(&[(0, 0xff)]).at(27).required()]),
    asks: over_udp(|view| probe_datagrams(view, read)),
};

/// Bytes of a message's header.
const HEADER: usize = 28;

fn read(datagram: &Datagram<'_>) -> Option<Said> {
    let at = if be32(datagram.bytes, 0)? == 0 { 4 } else { 0 };
    let bytes = rest(datagram.bytes, at);
    let (initiator, responder) = (be64(bytes, 0)?, be64(bytes, 8)?);
    let (next, version) = (u8_at(bytes, 16)?, u8_at(bytes, 17)?);
    let (exchange, flags) = (u8_at(bytes, 18)?, u8_at(bytes, 19)?);
    let len = datagram.wire_len.checked_sub(at)?;
    let known = match version {
        // RFC 2408 section 3.1 and 3.4; quick mode, new group mode; NAT-D and its kin
        0x10 => {
            matches!(exchange, 1..=6 | 32 | 33)
                && flags & 0xf8 == 0
                && matches!(next, 1..=13 | 15 | 16 | 20 | 21 | 130..=133)
        }
        // RFC 7296 section 3.1 and 3.2: 34 SA_INIT to 37, and later ones
        0x20 => matches!(exchange, 34..=45) && flags & 0xc7 == 0 && matches!(next, 0 | 33..=56),
        _ => false,
    };
    let whole = index(be32(bytes, 24)?) == len && len >= HEADER;
    if !known || !whole || initiator == 0 {
        return None;
    }
    let (number, role) = if version == 0x10 {
        (1, if responder == 0 { Role::Client } else { Role::Either })
    } else {
        // RFC 7296 section 3.1: R; only a message that opens has no responder's SPI yet
        let role = match (flags & 0x20 != 0, exchange) {
            (true, 34) => Role::Server,
            (false, 34) => Role::Client,
            (true | false, _) => Role::Either,
        };
        (2, role)
    };
    // version, exchange, flags, next payload, length
    let bits = 7.0 + 4.0 + 3.0 + 3.0 + 32.0;
    let fact = format!("IKE version {number}, exchange {exchange}");
    Some(Said::at(role, bits, fact, Spot::datagram(0, at.saturating_add(16), 12)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    const INIT: &str =
        "a1a2a3a4a5a6a7a8 0000000000000000 21 20 22 08 00000000 00000024 00000008 01020304";
    const ANSWER: &str =
        "a1a2a3a4a5a6a7a8 b1b2b3b4b5b6b7b8 21 20 22 20 00000000 00000024 00000008 01020304";
    const MAIN: &str =
        "a1a2a3a4a5a6a7a8 0000000000000000 01 10 02 00 00000000 00000024 00000008 01020304";

    #[test]
    fn messages_are_named_from_each_side() {
        let talk = Talk::udp().a(hex(INIT)).b(hex(ANSWER));
        assert_eq!(talk.named_by(&DETECTOR).client, Some(Side::A));
        Talk::udp().a(hex(INIT)).named_by(&DETECTOR);
        Talk::udp().b(hex(ANSWER)).named_by(&DETECTOR);
        Talk::udp().a(hex(MAIN)).named_by(&DETECTOR);
        Talk::udp().a(hex(&format!("00000000 {INIT}"))).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        for (from, to) in
            [("21 20 22", "21 30 22"), ("20 22 08", "20 02 08"), ("00000024", "00000025")]
        {
            Talk::udp().a(hex(&INIT.replace(from, to))).refused_by(&DETECTOR);
        }
        Talk::udp().a(hex(&INIT.replace("22 08", "22 0f"))).refused_by(&DETECTOR);
        Talk::udp()
            .a(hex(&INIT.replace("a1a2a3a4a5a6a7a8", "0000000000000000")))
            .refused_by(&DETECTOR);
    }
}
