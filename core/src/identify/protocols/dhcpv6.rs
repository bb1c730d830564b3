//! DHCPv6 (RFC 8415), over UDP.
//!
//! ```text
//!  type transaction(24)                     | options: code(16) length(16) value
//!  type hops link address(128) peer(128)    | the same, where a relay speaks
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "dhcpv6",
    title: "DHCPv6",
    reference: "RFC 8415 sections 8, 9 and 21",
    rests_on: "A known message type and known options that end where the message ends, a client's or \
               server's identifier among them.",
    blind_spots: "Messages that were cut before their first identifier.",
    bits: 40.0,
    openings: Openings::Known(&[
        within(&[(1, 13)]),
        // A header of four bytes, an option's header and one byte of it. A relay has more.
        within(&[(0, 0xff)]).at(8).required(),
    ]),
    asks: over_udp(|view| probe_datagrams(view, read)),
};

fn read(datagram: &Datagram<'_>) -> Option<Said> {
    let mut cursor = Cursor::new(datagram.bytes);
    // RFC 8415 section 7.3
    let (role, header, what) = match cursor.u8()? {
        1 => (Role::Client, 3, "Solicit"),
        2 => (Role::Server, 3, "Advertise"),
        3 => (Role::Client, 3, "Request"),
        4 => (Role::Client, 3, "Confirm"),
        5 => (Role::Client, 3, "Renew"),
        6 => (Role::Client, 3, "Rebind"),
        7 => (Role::Server, 3, "Reply"),
        8 => (Role::Client, 3, "Release"),
        9 => (Role::Client, 3, "Decline"),
        10 => (Role::Server, 3, "Reconfigure"),
        11 => (Role::Client, 3, "Information-request"),
        12 => (Role::Client, 33, "Relay-forward"),
        13 => (Role::Server, 33, "Relay-reply"),
        _ => return None,
    };
    cursor.skip(header)?;
    let bits = walk(cursor, datagram.is_whole())?;
    Some(Said::all(role, bits + 4.3, format!("DHCPv6 {what}")))
}

fn walk(mut cursor: Cursor<'_>, whole: bool) -> Option<f32> {
    let (mut bits, mut identified) = (0.0, false);
    while !cursor.is_empty() {
        let Some(code) = cursor.be16() else { return (!whole && identified).then_some(bits) };
        let Some(value) = cursor.block16() else { return (!whole && identified).then_some(bits) };
        let fits = match code {
            // RFC 8415 section 11: a DUID's type
            1 | 2 => {
                identified = true;
                bits += 13.0;
                value.len() >= 4 && matches!(value, [0, 1..=4, ..])
            }
            // elapsed time, preference, rapid commit
            8 => value.len() == 2,
            7 => value.len() == 1,
            14 => value.is_empty(),
            // a relay carries a whole message
            9 => {
                identified = true;
                value.first().is_some_and(|kind| (1..=13).contains(kind))
            }
            0 => false,
            _ => code <= 150,
        };
        bits += 8.7;
        if !fits {
            return None;
        }
    }
    // the last one ends where the message does
    identified.then_some(bits + 14.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};

    const SOLICIT: &str = "01 a1b2c3 0001 000a 00030001 020304050607 0008 0002 0000";
    const REPLY: &str = "07 a1b2c3 0002 000a 00030001 020304050608 0001 000a 00030001 020304050607";

    #[test]
    fn messages_are_named_from_each_side() {
        let talk = Talk::udp().a(hex(SOLICIT)).b(hex(REPLY));
        let found = talk.named_by(&DETECTOR);
        assert_eq!(found.client, Some(crate::net::Side::A));
        Talk::udp().a(hex(SOLICIT)).named_by(&DETECTOR);
        Talk::udp().b(hex(REPLY)).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        // an unknown type, a length past the end, no identifier, a DUID of no type
        Talk::udp().a(hex("2a a1b2c3 0001 0004 00030001")).refused_by(&DETECTOR);
        Talk::udp().a(hex("01 a1b2c3 0001 0005 00030001")).refused_by(&DETECTOR);
        Talk::udp().a(hex("01 a1b2c3 0008 0002 0000 0006 0002 0017")).refused_by(&DETECTOR);
        Talk::udp().a(hex("01 a1b2c3 0001 0004 00090001")).refused_by(&DETECTOR);
        Talk::udp().a(hex("01000000 a1b2c3d4")).refused_by(&DETECTOR);
    }
}
