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
    asks: over_tcp(|view| match_opened(view, &DETECTOR, 8, openflow)),
};

fn openflow(bytes: &[u8]) -> Option<Said> {
    let [version, kind, ..] = *bytes.first_chunk::<8>()?;
    let len = usize::from(be16(bytes, 2)?);
    let last = if version == 1 { 21 } else { 35 };
    let (exact, bits) = match kind {
        // a bitmap of versions, or nothing
        0 if len == 8 => (true, 8.0 + 15.0),
        0 => (len >= 16 && be16(bytes, 8).is_none_or(|element| element == 1), 8.0 + 25.0),
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
    }
}
