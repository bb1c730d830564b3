//! SRT (draft-sharabayko-srt), over UDP. It is a fork of UDT, with the same headers.
//!
//! ```text
//!  control  1|type(15)|subtype(16) info(32)  timestamp(32)  destination socket(32) | ...
//!  handshake: version  encryption(16) extension(16)  sequence  MTU  window  type  socket  cookie
//!             peer's address(128)  [extensions: type(16) words(16)]
//! ```
//!
//! The first request has UDT's version 4 and is left to the answer; version 5 is SRT's alone, and so
//! are the full acknowledgement's seven words.

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "srt",
    title: "SRT",
    reference: "draft-sharabayko-srt-01 sections 3.2.1 and 3.2.4",
    rests_on: "A handshake of version 5 with SRT's extension field; or a full acknowledgement of seven \
               words beside packets to the same socket.",
    blind_spots: "The first request alone, which UDT would send as well; data of which no \
                  acknowledgement is seen.",
    bits: 60.0,
    openings: Openings::Unknown,
    asks: over_udp(|view| probe_sides(view, match_side)),
};

fn match_side(head: &SideView<'_>) -> SideMatch<Said> {
    let greeting = head.datagrams.iter().enumerate().find_map(|(at, datagram)| {
        handshake(datagram).map(|mut said| {
            said.spot.datagram = at;
            said
        })
    });
    if let Some(said) = greeting {
        return Ok(said);
    }
    let socket = |datagram: &Datagram<'_>| array::<4>(datagram.bytes, 12);
    let same = head.datagrams.windows(2).all(|pair| match pair {
        [a, b] => socket(a).is_some() && socket(a) == socket(b),
        _ => true,
    });
    // Before the answer the socket is not known, so a handshake may stand first.
    let opens = head.datagrams.first().and_then(|first| be32(first.bytes, 0)) == Some(0x8000_0000);
    if !same && !opens {
        return Err(Not);
    }
    let full = head.datagrams.iter().position(is_full_acknowledgement);
    match full {
        Some(at) if head.datagrams.len() >= 3 && same => {
            // type, zeros, length, and the socket in two more
            let bits = 32.0 + 64.0 + 4.0;
            let fact = "SRT, full acknowledgement of seven words";
            Ok(Said::at(Role::Either, bits, fact, Spot::datagram(at, 0, 16)))
        }
        Some(_) | None => Err(Short),
    }
}

/// Version 5: the answer to the first request has the magic 4a17; conclusions name extensions.
fn handshake(datagram: &Datagram<'_>) -> Option<Said> {
    let bytes = datagram.bytes;
    let (encryption, extension) = (be16(bytes, 20)?, be16(bytes, 22)?);
    let (mtu, kind) = (be32(bytes, 28)?, be32(bytes, 36)?.cast_signed());
    let fits = be32(bytes, 0)? == 0x8000_0000
        && be32(bytes, 16)? == 5
        && matches!(encryption, 0 | 2..=4)
        && (extension == 0x4a17 || extension <= 7)
        && (64..=65_535).contains(&mtu)
        && matches!(kind, 1 | 0 | -1 | -2 | -3 | 1000..=1020)
        && datagram.wire_len >= 64;
    let (role, what) = match (kind, extension) {
        (1, 0x4a17) => (Role::Server, "induction answer"),
        (-1, _) => (Role::Either, "conclusion"),
        (1000.., _) => (Role::Server, "rejection"),
        (_, _) => (Role::Either, "handshake"),
    };
    let bits = 32.0 + 32.0 + 14.0 + 12.0 + 16.0 + 27.0;
    fits.then(|| Said::at(role, bits, format!("SRT {what}"), Spot::datagram(0, 16, 16)))
}

fn is_full_acknowledgement(datagram: &Datagram<'_>) -> bool {
    datagram.wire_len == 44 && be32(datagram.bytes, 0) == Some(0x8002_0000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    fn greeting(version: u8, extension: &str, kind: i32) -> Vec<u8> {
        let mut packet = hex("80000000 00000000 00000000 00000000 000000");
        packet.push(version);
        packet.extend(hex(extension));
        packet.extend(hex("1a2b3c4d 000005dc 00002000"));
        packet.extend(kind.to_be_bytes());
        packet.extend(hex("0102aabb 00005050 0100007f 00000000 00000000 00000000"));
        packet
    }

    #[test]
    fn handshakes_are_named() {
        let talk = Talk::udp()
            .a(greeting(4, "00000002", 1))
            .b(greeting(5, "00004a17", 1))
            .a(greeting(5, "00000005", -1))
            .b(greeting(5, "00000005", -1));
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
    }

    #[test]
    fn the_middle_is_named_by_acknowledgements() {
        let ack = [hex("80020000 00000007 00010000 3a4b5c6d"), vec![0; 28]].concat();
        let light = hex("80020000 00000000 00010100 3a4b5c6d 00000010");
        Talk::udp().a(&ack).a(&light).a(&light).named_by(&DETECTOR);
        Talk::udp().a(&ack).a(&light).refused_by(&DETECTOR);
        let udt = [hex("80020000 00000007 00010000 3a4b5c6d"), vec![0; 24]].concat();
        Talk::udp().a(&udt).a(&light).a(&light).refused_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::udp()
            .a(greeting(4, "00000002", 1))
            .b(greeting(4, "00000002", 1))
            .refused_by(&DETECTOR);
        Talk::udp().a(greeting(5, "00004a18", 1)).refused_by(&DETECTOR);
        Talk::udp().a(greeting(5, "00090000", 1)).refused_by(&DETECTOR);
        Talk::udp().a(greeting(5, "00000005", 77)).refused_by(&DETECTOR);
    }
}
