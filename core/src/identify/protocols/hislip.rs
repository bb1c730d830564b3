//! HiSLIP (IVI-6.1, section 2.4), over TCP.

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "hislip",
    title: "HiSLIP",
    reference: "IVI-6.1: High-Speed LAN Instrument Protocol, section 2.4, tables 3 and 4",
    rests_on: "The prologue HS, a message type and a length of eight bytes.",
    blind_spots: "A connection captured in the middle of a message.",
    bits: 36.0,
    openings: Openings::Known(&[one_of(b"H")]),
    asks: over_tcp(|view| {
        match_starts(view, &[b"HS"], 16, |bytes| {
            let kind = u8_at(bytes, 2)?;
            let len = u64::from_be_bytes(array(bytes, 8)?);
            let role = match kind {
                0 | 6 | 17 | 19 => Role::Client,
                1 | 18 | 20 => Role::Server,
                _ => Role::Either,
            };
            let len = usize::try_from(len).ok().filter(|len| *len < 1 << 32)?.saturating_add(16);
            let fact = || format!("HiSLIP message {kind}");
            (kind <= 38).then(|| Said::new(len, role, 16.0 + 2.7 + 32.0, fact()))
        })
    }),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};

    #[test]
    fn messages_are_named() {
        Talk::tcp()
            .a(hex("4853 00 00 01004142 0000000000000000"))
            .b(hex("4853 01 00 01000001 0000000000000000"))
            .named_by_each(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().a(b"HS: hello sir and welcome\r\n").refused_by(&DETECTOR);
    }
}
