//! MSDP (RFC 3618 section 12), over TCP.

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "msdp",
    title: "MSDP",
    reference: "RFC 3618 section 12",
    rests_on: "Source-Active messages whose entries fill them, or keep-alives beside them.",
    blind_spots: "Keep-alives alone, three bytes each.",
    bits: 34.0,
    openings: Openings::Known(&[one_of(&[1, 4])]),
    asks: over_tcp(|view| {
        match_stream(view, |bytes, _| match bytes {
            [4, 0, 3, ..] => Ok(Said::new(3, Role::Either, 12.0, "MSDP keep-alive").shared()),
            [1, ..] => from_header(bytes, 20, msdp),
            [] | [4] | [4, 0] => Err(Short),
            _ => Err(Not),
        })
    }),
};

/// `01 length(2) count(1) rendezvous point(4) { reserved(3, 0) prefix(1, 32) group(4) source(4) }`
fn msdp(bytes: &[u8]) -> Option<Said> {
    let (len, count) = (usize::from(be16(bytes, 1)?), usize::from(u8_at(bytes, 3)?));
    let entries = count.saturating_mul(12).saturating_add(8);
    let group = u8_at(bytes, 12)?;
    let fits = count > 0
        && len >= entries
        && len <= 9192
        && be32(bytes, 8)? == 32
        && (224..=239).contains(&group);
    fits.then(|| Said::new(len, Role::Either, 8.0 + 4.0 + 32.0 + 4.0, "MSDP source active"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};

    #[test]
    fn messages_are_named() {
        Talk::tcp()
            .a(hex("01 0014 01 0a000001 00000020 e8010203 0a000009"))
            .b(hex("01 0014 01 0a000001 00000020 e8010203 0a000009 040003"))
            .named_by_each(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        for stranger in
            [hex("040003 040003 040003"), hex("01 0014 01 0a000001 00000021 e8010203 0a000009")]
        {
            Talk::tcp().a(stranger).refused_by(&DETECTOR);
        }
    }
}
