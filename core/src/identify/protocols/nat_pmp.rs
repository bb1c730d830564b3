//! NAT-PMP (RFC 6886) and its successor PCP (RFC 6887), over UDP.
//!
//! ```text
//!  0 op                                               address, 2 bytes
//!  0 op 0(16) internal(16) external(16) lifetime(32)  mapping, 12
//!  0 op+80 result(16) epoch(32) ...                   answers: 12, 16, or 8 with an error
//!  2 R op(7) ...                                      PCP: 24 and more, in words
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "nat-pmp",
    title: "NAT-PMP and PCP",
    reference: "RFC 6886 section 3, RFC 6887 section 7",
    rests_on: "A mapping request or an answer, of its exact size, with zeros and results that fit; or a \
               PCP header whose reserved fields are zero and whose address is one.",
    blind_spots: "The two bytes that ask for the address prove nothing without the answer.",
    bits: 24.0,
    openings: Openings::Known(&[
        one_of(&[0, 2]),
        within(&[(0, 3), (0x80, 0x83)]).at(1).required(),
        // The question for the address ends before these.
        one_of(&[0]).at(2),
        within(&[(0, 13)]).at(3),
    ]),
    asks: over_udp(probe),
};

fn probe(view: &FlowView<'_>) -> Probe {
    probe_datagrams(view, |datagram| match u8_at(datagram.bytes, 0)? {
        0 => read_pmp(datagram),
        2 => read_pcp(datagram),
        _ => None,
    })
}

fn read_pmp(datagram: &Datagram<'_>) -> Option<Said> {
    let bytes = datagram.bytes;
    let said = |role, bits, what: &str| {
        Some(Said::at(role, bits, format!("NAT-PMP {what}"), Spot::datagram(0, 0, 12)))
    };
    // RFC 6886 section 3.5: results 0 to 5; an epoch of less than 12 years
    let result = || be16(bytes, 2).filter(|result| *result <= 5);
    let epoch = || be32(bytes, 4).is_some_and(|epoch| epoch < 400_000_000);
    match (u8_at(bytes, 1)?, datagram.wire_len) {
        (0, 2) => said(Role::Client, 16.0, "question for the address"),
        (1 | 2, 12) if be16(bytes, 2)? == 0 && be16(bytes, 4)? != 0 => {
            // A lifetime is of less than four months.
            let lifetime = be32(bytes, 8)? < 1 << 23;
            lifetime.then_some(())?;
            said(Role::Client, 8.0 + 7.0 + 16.0 + 9.0, "mapping request")
        }
        (128, 8 | 12) => {
            (result()? <= 5 && epoch()).then_some(())?;
            said(Role::Server, 16.0 + 13.4 + 3.4, "address")
        }
        (129 | 130, 8 | 16) => {
            let lifetime = datagram.wire_len == 8 || be32(bytes, 12)? < 1 << 23;
            (result()? <= 5 && epoch() && lifetime).then_some(())?;
            said(Role::Server, 15.0 + 13.4 + 3.4, "mapping")
        }
        _ => None,
    }
}

fn read_pcp(datagram: &Datagram<'_>) -> Option<Said> {
    let bytes = datagram.bytes;
    let opcode = u8_at(bytes, 1)?;
    let size = (24..=1100).contains(&datagram.wire_len) && datagram.wire_len.is_multiple_of(4);
    let known = matches!(opcode & 0x7f, 0..=3);
    (size && known).then_some(())?;
    if opcode & 0x80 == 0 {
        // RFC 6887 section 7.1: reserved, lifetime, and the client's address, as IPv6
        let reserved = be16(bytes, 2)? == 0 && be32(bytes, 4)? < 1 << 25;
        let mapped = rest(bytes, 8).get(..12)? == b"\0\0\0\0\0\0\0\0\0\0\xff\xff";
        let six = matches!(u8_at(bytes, 8)?, 0x20..=0x3f | 0xfc..=0xfe);
        let bits = 8.0 + 6.0 + 16.0 + 7.0 + if mapped { 96.0 } else { 2.0 };
        (reserved && (mapped || six)).then(|| Said::all(Role::Client, bits, "PCP request"))
    } else {
        // section 7.2: reserved, result to 13, lifetime, epoch, 96 bits of zero
        let zeros = rest(bytes, 12).get(..12)?.iter().all(|byte| *byte == 0);
        let fits = u8_at(bytes, 2)? == 0 && u8_at(bytes, 3)? <= 13 && zeros;
        fits.then(|| Said::all(Role::Server, 26.0 + 96.0, "PCP answer"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    #[test]
    fn messages_are_named() {
        let talk = Talk::udp().a(hex("0000")).b(hex("0080 0000 00012345 c0000201"));
        assert_eq!(talk.named_by(&DETECTOR).client, Some(Side::A));
        Talk::udp().b(hex("0080 0000 00012345 c0000201")).named_by(&DETECTOR);
        Talk::udp().a(hex("0001 0000 1a2b 1a2b 00000e10")).named_by(&DETECTOR);
        Talk::udp().b(hex("0081 0000 00012345 1a2b 1a2b 00000e10")).named_by(&DETECTOR);
        let map = "02 01 0000 00000e10 00000000000000000000ffffc0000201";
        Talk::udp().a(hex(map)).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::udp().a(hex("0000")).refused_by(&DETECTOR);
        Talk::udp().a(hex("0001 0001 1a2b 1a2b 00000e10")).refused_by(&DETECTOR);
        Talk::udp().b(hex("0080 0009 00012345 c0000201")).refused_by(&DETECTOR);
        Talk::udp().b(hex("0080 0000 00012345 c0000201 00")).refused_by(&DETECTOR);
        Talk::udp()
            .a(hex("02 01 0000 00000e10 00000000000000000001ffffc0000201"))
            .refused_by(&DETECTOR);
        Talk::udp().a([0; 12]).refused_by(&DETECTOR);
    }
}
