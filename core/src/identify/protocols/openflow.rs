//! OpenFlow 1.0 to 1.5 (OpenFlow Switch Specification 1.5.1, section 7.1), over TCP.

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "openflow",
    title: "OpenFlow",
    reference: "OpenFlow Switch Specification 1.5.1, section 7.1; 1.0.0 section 5.1",
    rests_on: "Hellos of both sides, or messages whose types and lengths follow each other.",
    blind_spots: "One hello alone. Over TLS it is only seen as TLS.",
    bits: 26.0,
    openings: Openings::Known(&[within(&[(1, 6)]), within(&[(0, 35)]).at(1)]),
    asks: over_tcp(|view| match_stream(view, |bytes, _| read(bytes))),
};

fn read(bytes: &[u8]) -> SideMatch<Said> {
    // A hello of more than its header has an element, whose header must be there.
    let needed = if matches!(bytes, [_, 0, _, 9..=255, ..]) { 12 } else { 8 };
    from_opening(bytes, &DETECTOR, needed, openflow)
}

/// Elements of a hello (section 7.5.1): a type, a length with these four bytes, padded to eight; a bitmap of
/// versions is the only one there is. They fill the message.
fn has_elements(bytes: &[u8], len: usize) -> bool {
    let mut at = 8_usize;
    while at < len {
        let Some(size) = be16(bytes, at.saturating_add(2)).map(usize::from) else {
            // It was not seen that far, but the first one.
            return at > 8;
        };
        if be16(bytes, at) != Some(1) || size < 8 || !size.is_multiple_of(4) {
            return false;
        }
        at = at.saturating_add(size.next_multiple_of(8));
    }
    at == len
}

fn openflow(bytes: &[u8]) -> Option<Said> {
    let [version, kind, ..] = *bytes.first_chunk::<8>()?;
    let len = usize::from(be16(bytes, 2)?);
    let last = if version == 1 { 21 } else { 35 };
    let (exact, bits) = match kind {
        // a bitmap of versions, or nothing
        0 if len == 8 => (true, 8.0 + 15.0),
        0 => (version >= 4 && len >= 16 && has_elements(bytes, len), 8.0 + 25.0),
        2 | 3 => (len >= 8, 4.0),
        // features request, barriers, config request have no body
        5 | 7 => (len == 8, 8.0 + 15.0),
        6 => (len >= 24, 8.0),
        _ => (len >= 8, 3.0),
    };
    (exact && kind <= last && be32(bytes, 4)? != 0).then(|| {
        Said::new(len, Role::Either, 5.4 - 2.0 + bits - 8.0, format!("OpenFlow message {kind}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};

    #[test]
    fn messages_are_named() {
        Talk::tcp()
            .a(hex("04 00 0008 00000001 04 05 0008 00000002"))
            .b(hex("04 00 0010 00000001 0001 0008 00000010 04 06 0020 00000002"))
            .named_by_each(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        for stranger in [hex("04 00 0008 00000001"), hex("04 00 0009 00000001 00 04 00 0008")] {
            Talk::tcp().a(stranger).refused_by(&DETECTOR);
        }
        // X.224's connection request of S7, and MMS's data, in TPKT
        let request = hex("0300 0016 11e0 0000 0001 00 c0010a c1020100 c2020102");
        let confirm = hex("0300 0016 11d0 0001 0001 00 c0010a c1020100 c2020102");
        Talk::tcp().a(&request).b(&confirm).refused_by(&DETECTOR);
        let data = hex("0300 0021 02f080 01000100 6114 3012 020103 a00d a00b 020182 060300020000");
        Talk::tcp().a(&request).b(confirm).a(&data).b(data).refused_by(&DETECTOR);
    }
}
