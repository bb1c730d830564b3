//! DICOM's upper layer (DICOM PS3.8 section 9.3), over TCP.

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "dicom",
    title: "DICOM upper layer",
    reference: "DICOM PS3.8 section 9.3",
    rests_on: "An association's request or answer with its version and application titles, or data whose \
               parts fill it.",
    blind_spots: "DICOM over TLS is TLS; DICOMweb is HTTP.",
    bits: 34.0,
    openings: Openings::Known(&[within(&[(1, 7)]), one_of(&[0]).at(1)]),
    asks: over_tcp(|view| match_opened(view, &DETECTOR, 10, dicom)),
};

fn dicom(bytes: &[u8]) -> Option<Said> {
    let (kind, len) = (u8_at(bytes, 0)?, index(be32(bytes, 2)?));
    let total = len.saturating_add(6);
    let said = |role, bits, fact: &str| Some(Said::new(total, role, bits, fact));
    match kind {
        1 | 2 if (68..1 << 20).contains(&len) => {
            let titles = prefix(rest(bytes, 10), 32);
            // Titles are padded with blanks; an answer repeats them, or has anything.
            let plain = kind == 2 || titles.iter().all(|byte| (b' '..=b'~').contains(byte));
            let fits = be16(bytes, 6)? & 1 == 1 && be16(bytes, 8)? == 0 && plain;
            let (role, name) = if kind == 1 {
                (Role::Client, "DICOM association asked for")
            } else {
                (Role::Server, "DICOM association accepted")
            };
            fits.then_some(())?;
            said(role, 16.0 + 12.0 + 16.0 + 16.0, name)
        }
        3 if len == 4 => said(Role::Server, 46.0 + 8.0, "DICOM association rejected"),
        4 if len >= 6 => {
            // a value's length, an odd context, a header of two bits
            let (item, context, header) =
                (index(be32(bytes, 6)?), u8_at(bytes, 10)?, u8_at(bytes, 11)?);
            let fits = item.checked_add(4)? <= len && context & 1 == 1 && header <= 3;
            fits.then_some(())?;
            said(Role::Either, 14.0 + 8.0 + 8.0 + 7.0, "DICOM data")
        }
        5 if len == 4 => said(Role::Client, 46.0, "DICOM release asked for").map(Said::shared),
        6 if len == 4 => said(Role::Server, 46.0, "DICOM released").map(Said::shared),
        7 if len == 4 && bytes.get(6..8) == Some(&[0, 0]) => {
            said(Role::Either, 62.0, "DICOM abort")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};

    #[test]
    fn messages_are_named() {
        let associate = |kind: u8| {
            [vec![kind, 0, 0, 0, 0, 0x44, 0, 1, 0, 0], vec![b' '; 32], vec![0; 32]].concat()
        };
        Talk::tcp().a(associate(1)).b(associate(2)).named_by_each(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        for stranger in [
            hex("01 01 0001 0008 00 00 0001 01 0000000000"),
            hex("05 00 00000004 00000000"),
            hex("01 00 00000050 0002 0000 2020202020202020"),
        ] {
            Talk::tcp().a(stranger).refused_by(&DETECTOR);
        }
    }
}
