//! DHCP and BOOTP (RFC 2131, RFC 1497), over UDP.
//!
//! ```text
//!  op htype hlen hops | xid(32) | secs(16) flags(16) | four addresses | chaddr(16) sname(64)
//!  file(128) | 63825363 | options: code length value ... 255
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "dhcp",
    title: "DHCP",
    reference: "RFC 2131 section 2, RFC 2132 section 9.6",
    rests_on: "The magic cookie behind BOOTP's fixed fields, which fit, and options that can be walked.",
    blind_spots: "BOOTP without the cookie.",
    bits: 54.0,
    openings: Openings::Known(&[
        one_of(&[1, 2]),
        within(&[(0, 16)]).at(2),
        within(&[(0, 16)]).at(3),
        one_of(&[0, 0x80]).at(10),
        one_of(&[0]).at(11).required(),
    ]),
    asks: over_udp(|view| probe_datagrams(view, read)),
};

const COOKIE: u32 = 0x6382_5363;
const COOKIE_AT: usize = 236;

fn read(datagram: &Datagram<'_>) -> Option<Said> {
    let bytes = datagram.bytes;
    let role = match u8_at(bytes, 0)? {
        1 => Role::Client,
        2 => Role::Server,
        _ => return None,
    };
    let address = u8_at(bytes, 2)? <= 16 && u8_at(bytes, 3)? <= 16;
    // RFC 2131 figure 2: only the broadcast bit is in use
    let flags = be16(bytes, 10)? & 0x7fff == 0;
    if !address || !flags || be32(bytes, COOKIE_AT)? != COOKIE {
        return None;
    }
    let kind = message_type(rest(bytes, COOKIE_AT.saturating_add(4)), datagram.is_whole())?;
    // op, lengths, flags, cookie
    let bits = 7.0 + 3.9 + 3.9 + 15.0 + 32.0;
    Some(Said::all(role, bits, format!("DHCP {kind}")))
}

/// RFC 2132 section 9.6; `None` where an option goes past the end of a whole message.
fn message_type(options: &[u8], whole: bool) -> Option<&'static str> {
    let mut cursor = Cursor::new(options);
    let mut kind = "BOOTP";
    while let Some(code) = cursor.u8() {
        match code {
            0 => continue,
            255 => return Some(kind),
            _ => {}
        }
        let Some(value) = cursor.block8() else { return (!whole).then_some(kind) };
        if let (53, [number]) = (code, value) {
            kind = match number {
                1 => "Discover",
                2 => "Offer",
                3 => "Request",
                4 => "Decline",
                5 => "Ack",
                6 => "Nak",
                7 => "Release",
                8 => "Inform",
                9..=18 => "message",
                _ => return None,
            };
        }
    }
    Some(kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};

    fn message(op: u8, options: &str) -> Vec<u8> {
        let mut message = hex("01 01 06 00 a1b2c3d4 0000 8000");
        message[0] = op;
        message.resize(COOKIE_AT, 0);
        message.extend(hex("63825363"));
        message.extend(hex(options));
        message
    }

    #[test]
    fn messages_are_named_from_each_side() {
        let talk =
            Talk::udp().a(message(1, "350101 ff 00")).b(message(2, "350102 3604c0000201 ff"));
        let found = talk.named_by(&DETECTOR);
        assert_eq!(found.client, Some(crate::net::Side::A));
        assert_eq!(found.fact, "DHCP Discover; DHCP Offer");
        talk.clone().only(crate::net::Side::A).named_by(&DETECTOR);
        talk.only(crate::net::Side::B).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::udp().a(message(3, "350101 ff")).refused_by(&DETECTOR);
        Talk::udp().a(message(1, "3520 01")).refused_by(&DETECTOR);
        Talk::udp().a(message(1, "350199 ff")).refused_by(&DETECTOR);
        let mut cookie = message(1, "350101 ff");
        cookie[COOKIE_AT] ^= 1;
        Talk::udp().a(cookie).refused_by(&DETECTOR);
        Talk::udp().a(&message(1, "")[..200]).refused_by(&DETECTOR);
    }
}
