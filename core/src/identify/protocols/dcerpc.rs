//! DCE/RPC version 5 over TCP, and version 4 over UDP.
//!
//! ```text
//!  5  05 00|01 type flags drep(4) fragment length(2) auth length(2) call(4) ...
//!  4  04 type flags flags2 drep(3) serial object(16) interface(16) activity(16) boot(4) if version(4)
//!     sequence(4) operation(2) hints(4) length(2) fragment(2) auth serial(1)            80 bytes
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "dcerpc",
    title: "DCE/RPC",
    reference: "Open Group C706 sections 12.5 and 12.6; MS-RPCE section 2.2.2",
    rests_on: "The header's version, type, data representation and lengths. PROFINET IO's acyclic \
               services are told by their interface.",
    blind_spots: "RPC over SMB is SMB's, over HTTP HTTP's.",
    bits: 36.0,
    openings: Openings::Known(&[one_of(&[5]).tcp(), one_of(&[4]).udp()]),
    asks: over_both(probe),
};

fn probe(view: &FlowView<'_>) -> Probe {
    // What refuses, ends and orphans is shorter than what binds (C706 section 12.6.4).
    let stream = |bytes: &[u8], _| {
        let needed = if matches!(bytes.get(2), Some(13 | 16..=19)) { 16 } else { 24 };
        from_opening(bytes, &DETECTOR, needed, connected)
    };
    match_messages(view, stream, |one| connectionless(one.bytes, one.wire_len))
}

/// NDR: integers big- or little-endian, ASCII, IEEE floats; two reserved bytes where there are four.
fn representation(drep: [u8; 4], bytes: usize) -> Option<bool> {
    let [integers, floats, rest_of @ ..] = drep;
    let zeros = rest_of.iter().take(bytes - 2).all(|byte| *byte == 0);
    match integers {
        0x10 if floats == 0 && zeros => Some(true),
        0x00 if floats == 0 && zeros => Some(false),
        _ => None,
    }
}

fn connected(bytes: &[u8]) -> Option<Said> {
    let [5, minor, kind, flags] = array::<4>(bytes, 0)? else { return None };
    let little = representation(array(bytes, 4)?, 4)?;
    let number = |at| if little { le16(bytes, at) } else { be16(bytes, at) };
    let (len, auth) = (usize::from(number(8)?), usize::from(number(10)?));
    let (role, name) = kind_of(kind)?;
    if minor > 1 || flags & 0x08 != 0 || len < 16 || auth.saturating_add(16) > len || len > 0x3fff {
        return None;
    }
    // bind and alter context: fragment sizes, contexts, a reserved byte
    let more = match kind {
        11 | 14 => {
            let sizes = number(16)? >= 512 && number(18)? >= 512;
            let contexts = u8_at(bytes, 24).is_none_or(|count| (1..=64).contains(&count));
            (sizes && contexts && u8_at(bytes, 25).is_none_or(|byte| byte == 0)).then_some(10.0)?
        }
        _ => 0.0,
    };
    let fact = format!("DCE/RPC {name}");
    // version, minor, type, flags, representation, length
    Some(Said::new(len, role, 8.0 + 7.0 + 4.0 + 1.0 + 31.0 + 2.0 + more, fact))
}

/// MS-RPCE and C706 table 12-1.
fn kind_of(kind: u8) -> Option<(Role, &'static str)> {
    Some(match kind {
        0 => (Role::Client, "request"),
        2 => (Role::Server, "response"),
        3 => (Role::Server, "fault"),
        11 => (Role::Client, "bind"),
        12 => (Role::Server, "bind acknowledged"),
        13 => (Role::Server, "bind refused"),
        14 => (Role::Client, "alter context"),
        15 => (Role::Server, "alter context answered"),
        16 => (Role::Client, "auth3"),
        17 => (Role::Server, "shutdown"),
        18 => (Role::Client, "cancel"),
        19 => (Role::Client, "orphaned"),
        _ => return None,
    })
}

fn connectionless(bytes: &[u8], wire_len: usize) -> Option<Said> {
    let [4, kind, flags, flags2] = array::<4>(bytes, 0)? else { return None };
    let [a, b, c] = array::<3>(bytes, 4)?;
    let little = representation([a, b, c, 0], 3)?;
    // The last fields may be beyond what was kept of an older datagram.
    let len = if little { le16(bytes, 74) } else { be16(bytes, 74) };
    let whole = len.is_none_or(|len| usize::from(len).saturating_add(80) <= wire_len);
    let role = match kind {
        0 | 1 | 7 | 8 => Role::Client,
        2..=6 | 9 | 10 => Role::Server,
        _ => return None,
    };
    // Reserved: the first flag; of the second set all but the cancel's.
    if flags & 0x81 != 0 || flags2 & !0x02 != 0 || !whole || wire_len < 80 {
        return None;
    }
    // version, type, flags, representation
    let bits = 8.0 + 4.5 + 2.0 + 7.0 + 23.0;
    let (more, whose) =
        if is_profinet(bytes, little) { (126.0, " of PROFINET IO") } else { (0.0, "") };
    let fact = format!("DCE/RPC connectionless type {kind}{whose}");
    Some(Said::new(wire_len, role, bits + more, fact))
}

/// IEC 61158-6-10: the interfaces of device, controller, supervisor and parameter server are
/// dea0000n-6c97-11d1-8271-00a02442df7d, n from 1 to 4.
fn is_profinet(bytes: &[u8], little: bool) -> bool {
    let Some([a, b, c, d, e, f, g, h, node @ ..]) = array::<16>(bytes, 24) else { return false };
    let (first, second) = ([a, b, c, d], [e, f, g, h]);
    let fits = if little {
        matches!(first, [1..=4, 0, 0xa0, 0xde]) && second == [0x97, 0x6c, 0xd1, 0x11]
    } else {
        matches!(first, [0xde, 0xa0, 0, 1..=4]) && second == [0x6c, 0x97, 0x11, 0xd1]
    };
    fits && node == [0x82, 0x71, 0, 0xa0, 0x24, 0x42, 0xdf, 0x7d]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    const BIND: &str = "05 00 0b 03 10000000 4800 0000 01000000 d016 d016 00000000 01 000000 0000 0100 \
                        0000000000000000000000000000000000000000 045d888aeb1cc9119fe808002b10486002000000";
    const ACK: &str = "05 00 0c 03 10000000 1c00 0000 01000000 d016 d016 00000001 00000000";

    #[test]
    fn profinet_is_told_by_its_interface() {
        let request = |interface: &str, drep: &str| {
            let head = hex(&format!("04 00 28 00 {drep} 00"));
            let tail = [vec![0xa1; 16], vec![0; 40]].concat();
            Talk::udp().a([head, vec![0; 16], hex(interface), tail].concat())
        };
        let told = |interface: &str, drep: &str| {
            request(interface, drep).named_by(&DETECTOR).fact.contains("PROFINET")
        };
        assert!(told("0100a0de 976cd111 827100a02442df7d", "100000"));
        assert!(told("dea00002 6c9711d1 827100a02442df7d", "000000"));
        assert!(!told("0900a0de 976cd111 827100a02442df7d", "100000"));
        assert!(!told("0100a0de 976cd111 827100a02442df7c", "100000"));
    }

    #[test]
    fn binds_are_named() {
        let talk = Talk::tcp().a(hex(BIND)).b(hex(ACK));
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
    }

    #[test]
    fn datagrams_are_named() {
        let mut call = hex("04 00 20 00 100000 00");
        call.resize(74, 7);
        call.extend(hex("0400 0000 0000 01020304"));
        Talk::udp().a(call).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().a(hex(&BIND.replace("10000000 4800", "20000000 4800"))).refused_by(&DETECTOR);
        Talk::tcp().a(hex(&BIND.replace("4800 0000", "0800 0000"))).refused_by(&DETECTOR);
        Talk::tcp().a(hex(&BIND.replace("05 00 0b", "05 00 1b"))).refused_by(&DETECTOR);
        Talk::tcp().a(hex("05 01 00")).b(hex("05 00")).refused_by(&DETECTOR);
        Talk::udp().a([4; 90]).refused_by(&DETECTOR);
    }
}
