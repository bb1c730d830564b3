//! Modbus/TCP, with Schneider's UMAS, over TCP.
//!
//! ```text
//!  transaction(2) protocol(2, 0) length(2) unit(1) function(1) ...
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "modbus",
    title: "Modbus/TCP",
    reference: "MODBUS Messaging on TCP/IP Implementation Guide V1.0b section 3.1.3; MODBUS Application \
                Protocol V1.1b3 section 6",
    rests_on: "The header with protocol 0, and a function whose length or count fits.",
    blind_spots: "Functions of vendors are taken beside known ones only.",
    bits: 28.0,
    openings: Openings::Known(&[one_of(&[0]).at(2)]),
    asks: over_tcp(probe),
};

fn probe(view: &FlowView<'_>) -> Probe {
    match_stream(view, |bytes, _| {
        if be16(bytes, 2).is_some_and(|protocol| protocol != 0)
            || bytes.get(4).is_some_and(|high| *high > 1)
        {
            return Err(Not);
        }
        from_header(bytes, 8, message)
    })
}

fn message(bytes: &[u8]) -> Option<Said> {
    let len = usize::from(be16(bytes, 4)?);
    let function = u8_at(bytes, 7)?;
    // Unit and function; 253 bytes of it, and 260 with the header: UMAS goes beyond.
    if !(2..=300).contains(&len) {
        return None;
    }
    let body = prefix(rest(bytes, 8), len - 2);
    let (role, more, own) = parts(function, body, len - 2)?;
    // protocol, upper byte of the length, function
    let bits = 16.0 + 7.0 + 3.0 + more;
    let fact = format!("Modbus function {function}");
    Some(Said::new(len.saturating_add(6), role, bits, fact).owned_if(own))
}

/// The function's own lengths: who says it, its bits, whether it stands alone.
fn parts(function: u8, body: &[u8], len: usize) -> Option<(Role, f32, bool)> {
    let counted = |at: usize| {
        u8_at(body, at).map(|count| usize::from(count).saturating_add(at).saturating_add(1))
            == Some(len)
    };
    let number = |at: usize| be16(body, at);
    Some(match function {
        // Reads: a start and a count; or a count of bytes.
        1..=4 if len == 4 && number(2).is_some_and(|count| (1..=2000).contains(&count)) => {
            (Role::Client, 8.0 + 5.0, true)
        }
        1..=4 if counted(0) => (Role::Server, 8.0, true),
        5 if len == 4 && matches!(number(2), Some(0 | 0xff00)) => (Role::Either, 8.0 + 15.0, true),
        6 if len == 4 => (Role::Either, 8.0, true),
        7 | 11 | 12 | 17 => (Role::Either, 0.0, false),
        8 if len >= 4 && number(0).is_some_and(|code| code <= 21) => (Role::Either, 11.0, true),
        15 | 16 if len == 4 => (Role::Server, 8.0, true),
        15 | 16 if counted(4) => (Role::Client, 8.0, true),
        20 | 21 if counted(0) => (Role::Either, 8.0, true),
        22 if len == 6 => (Role::Either, 8.0, true),
        23 if counted(8) => (Role::Client, 8.0, true),
        23 if counted(0) => (Role::Server, 8.0, true),
        24 => (Role::Either, 0.0, false),
        43 if matches!(body, [0x0d | 0x0e, ..]) => (Role::Either, 7.0, true),
        // UMAS: a session and a code; its answers say fe or fd.
        0x5a if len >= 2 => (
            Role::Either,
            2.0,
            matches!(
                u8_at(body, 1),
                Some(
                    0x01..=0x0c
                    | 0x10..=0x12
                    | 0x20..=0x28
                    | 0x30..=0x40
                    | 0x50
                    | 0x58
                    | 0x70..=0x73
                    | 0xfd
                    | 0xfe,
                )
            ),
        ),
        // Section 7: an exception answers any function, known or not.
        0x80.. if len == 1 && matches!(body, [1..=11, ..]) => (Role::Server, 8.0 + 4.5, true),
        // A function that is not known, or asked in another way: only what is answered to it tells.
        0..0x80 => (Role::Either, 0.0, false),
        0x80.. => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    #[test]
    fn reads_are_named() {
        let talk = Talk::tcp()
            .a(hex("0001 0000 0006 01 03 0000 0002"))
            .b(hex("0001 0000 0007 01 03 04 00010002"));
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
        Talk::tcp()
            .a(hex("0007 0000 0004 00 5a 00 02"))
            .b(hex("0007 0000 0004 00 5a 00 fe"))
            .named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().a(hex("0001 0001 0006 01 03 0000 0002")).refused_by(&DETECTOR);
        Talk::tcp().a(hex("0001 0000 0007 01 03 0000 0002 00")).refused_by(&DETECTOR);
        Talk::tcp().a(hex("0001 0000 0006 01 63 0000 0002")).refused_by(&DETECTOR);
        Talk::tcp().a([0; 40]).refused_by(&DETECTOR);
        Talk::tcp().a(hex("00000008 04d2162f")).b("S").refused_by(&DETECTOR);
        // DNS over TCP
        Talk::tcp().a(hex("001d 1234 0100 0001 0000 0000 0000 03777777")).refused_by(&DETECTOR);
    }
}
