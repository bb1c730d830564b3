//! Rx, AFS's remote procedure calls, over UDP.
//!
//! ```text
//!  epoch(32) connection(32) call(32) sequence(32) serial(32) | type flags status security
//!  checksum(16) service(16)
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "rx",
    title: "Rx (AFS)",
    reference: "Rx protocol specification draft (Zeldovich, 2002), packet header; OpenAFS's rx_packet.h",
    rests_on: "A header whose call, sequence and serial numbers are small and whose type, security and \
               status are known, and that all packets of a side share their epoch with.",
    blind_spots: "Long connections seen from their middle, whose numbers are large.",
    bits: 60.0,
    openings: Openings::Known(&[
        one_of(&[0]).at(8),
        within(&[(0, 0x0f)]).at(9),
        one_of(&[0]).at(12),
        one_of(&[0]).at(13),
        one_of(&[0]).at(16),
        within(&[(1, 8), (13, 13)]).at(20).required(),
    ]),
    asks: over_udp(|view| probe_sides(view, match_side)),
};

struct Header {
    epoch: u32,
    connection: u32,
    from_client: bool,
    kind: u8,
}

fn match_side(head: &SideView<'_>) -> SideMatch<Said> {
    let Some(first) = head.datagrams.first() else { return Err(Short) };
    let Some(header) = read(first) else { return Err(Not) };
    let same = head.datagrams.iter().all(|datagram| {
        read(datagram).is_some_and(|other| {
            // A host may have several connections; each is its own epoch's.
            other.epoch == header.epoch || other.connection != header.connection
        })
    });
    if !same {
        return Err(Not);
    }
    let role = if header.from_client { Role::Client } else { Role::Server };
    // small numbers, type, flags, status, security, service
    let bits = 12.0 + 16.0 + 12.0 + 4.3 + 3.0 + 8.0 + 5.4;
    let fact = format!("Rx packet, type {}, connection 0x{:08x}", header.kind, header.connection);
    Ok(Said::all(role, bits, fact))
}

fn read(datagram: &Datagram<'_>) -> Option<Header> {
    let bytes = datagram.bytes;
    let (epoch, connection) = (be32(bytes, 0)?, be32(bytes, 4)?);
    let (call, sequence, serial) = (be32(bytes, 8)?, be32(bytes, 12)?, be32(bytes, 16)?);
    let (kind, flags) = (u8_at(bytes, 20)?, u8_at(bytes, 21)?);
    // data, busy, abort, ack, challenge, response, ... version; the flag 1 is the client's
    let known = matches!(kind, 1..=8 | 13) && flags & 0xc0 == 0;
    let small = call < 1 << 20 && sequence < 1 << 16 && serial < 1 << 20;
    // The status carries hints only; security 0 to 5; a service's number is never zero.
    let fits = matches!(u8_at(bytes, 22)?, 0) && u8_at(bytes, 23)? <= 5 && be16(bytes, 26)? != 0;
    (known && small && fits && epoch != 0 && connection != 0 && datagram.wire_len >= 28)
        .then_some(Header { epoch, connection, from_client: flags & 1 == 1, kind })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    const CALL: &str =
        "570fb560 5c3fc988 00000001 00000001 00000001 01 05 00 00 0000 0049 000001f8";
    const REPLY: &str =
        "570fb560 5c3fc988 00000001 00000001 00000001 01 04 00 00 0000 0049 00000000";

    #[test]
    fn packets_are_named_from_each_side() {
        let talk = Talk::udp().a(hex(CALL)).b(hex(REPLY));
        assert_eq!(talk.named_by(&DETECTOR).client, Some(Side::A));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        for (from, to) in [
            ("01 05 00", "0e 05 00"),
            ("01 05 00", "01 05 01"),
            ("0049", "0000"),
            ("570fb560", "00000000"),
            ("00000001 0", "10000001 0"),
        ] {
            Talk::udp().a(hex(&CALL.replacen(from, to, 1))).refused_by(&DETECTOR);
        }
        Talk::udp().a([0; 40]).refused_by(&DETECTOR);
    }
}
