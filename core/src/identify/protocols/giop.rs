//! GIOP, CORBA's protocol, over TCP (IIOP) and UDP (MIOP, or GIOP alone).
//!
//! ```text
//!  "GIOP" major(1) minor(1) flags(1) type(1) size(4)
//!  "MIOP" version(1, 10) flags(1) length(2) number(4) count(4) id ... then GIOP
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "giop",
    title: "GIOP (CORBA)",
    reference: "OMG CORBA 3.4, part 2, section 9.4; Unreliable Multicast Inter-ORB Protocol 1.0, section 6",
    rests_on: "The header's magic, version, type and size.",
    blind_spots: "GIOP over TLS (SSLIOP) is seen as TLS.",
    bits: 44.0,
    openings: Openings::Known(&[
        one_of(b"G").tcp(),
        one_of(b"I").at(1),
        one_of(&[1]).at(4).tcp(),
        one_of(b"GM").udp(),
        one_of(&[1, 0x10]).at(4).udp(),
        within(&[(0, 3)]).at(5).required().udp(),
    ]),
    asks: over_both(probe),
};

const HEADER: usize = 12;

fn probe(view: &FlowView<'_>) -> Probe {
    let stream = |bytes: &[u8], _| from_start(bytes, &[b"GIOP"], HEADER, header);
    match_messages(view, stream, |datagram| {
        header(datagram.bytes).or_else(|| multicast(datagram.bytes, datagram.wire_len))
    })
}

fn header(bytes: &[u8]) -> Option<Said> {
    let [b'G', b'I', b'O', b'P', major, minor, flags, kind] = *bytes.first_chunk::<8>()? else {
        return None;
    };
    let little = flags & 1 == 1;
    let size = index(if little { le32(bytes, 8)? } else { be32(bytes, 8)? });
    let (role, name) = match kind {
        0 => (Role::Client, "request"),
        1 => (Role::Server, "reply"),
        2 => (Role::Client, "cancel request"),
        3 => (Role::Client, "locate request"),
        4 => (Role::Server, "locate reply"),
        5 => (Role::Server, "close connection"),
        6 => (Role::Either, "message error"),
        7 => (Role::Either, "fragment"),
        _ => return None,
    };
    let fits = major == 1 && minor <= 3 && flags & !0x03 == 0 && size <= 1 << 26;
    let bits = 32.0 + 14.0 + 6.0 + 5.0 + 6.0;
    let fact = || format!("GIOP {major}.{minor} {name}");
    fits.then(|| Said::new(size.saturating_add(HEADER), role, bits, fact()))
}

fn multicast(bytes: &[u8], wire_len: usize) -> Option<Said> {
    let [b'M', b'I', b'O', b'P', 0x10, flags] = *bytes.first_chunk::<6>()? else { return None };
    let little = flags & 1 == 1;
    let len = usize::from(if little { le16(bytes, 6)? } else { be16(bytes, 6)? });
    u8_at(bytes, 16)?;
    let fits = flags & !0x03 == 0 && len <= wire_len;
    fits.then(|| Said::new(wire_len, Role::Client, 40.0 + 6.0, "MIOP packet"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    const REQUEST: &str = "47494f50 01 02 01 00 04000000 01020304";
    const REPLY: &str = "47494f50 01 02 00 01 00000004 01020304";

    #[test]
    fn requests_and_replies_are_named() {
        let talk = Talk::tcp().a(hex(REQUEST)).b(hex(REPLY));
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
        Talk::udp().a(hex(REQUEST)).named_by(&DETECTOR);
        let packet = hex("4d494f50 10 02 0000 00000000 00000001 00000004 01020304");
        Talk::udp().a(packet).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().a(hex(&REQUEST.replace("01 02 01 00", "02 02 01 00"))).refused_by(&DETECTOR);
        Talk::tcp().a(hex(&REQUEST.replace("01 02 01 00", "01 02 01 09"))).refused_by(&DETECTOR);
        Talk::udp().a(hex(&REQUEST.replace("04000000", "05000000"))).refused_by(&DETECTOR);
        Talk::tcp().a("GIOPS are people\r\n").refused_by(&DETECTOR);
    }
}
