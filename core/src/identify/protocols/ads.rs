//! Beckhoff's ADS (Beckhoff Information System, AMS/TCP and AMS headers), over TCP.

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "ads",
    title: "ADS (Beckhoff)",
    reference: "Beckhoff Information System, TwinCAT ADS, AMS/TCP and AMS headers",
    rests_on: "The AMS/TCP header and the AMS header in it, whose lengths fit each other.",
    blind_spots: "Secure ADS is TLS.",
    bits: 60.0,
    openings: Openings::Known(&[one_of(&[0])]),
    asks: over_tcp(|view| match_starts(view, &[b"\0\0"], 38, ads)),
};

fn ads(bytes: &[u8]) -> Option<Said> {
    let len = index(le32(bytes, 2)?);
    let (command, flags, data, error) =
        (le16(bytes, 22)?, le16(bytes, 24)?, index(le32(bytes, 26)?), le32(bytes, 30)?);
    let role = if flags & 1 == 0 { Role::Client } else { Role::Server };
    let fits = (1..=9).contains(&command)
        && flags & !0x00ff == 0
        && flags & 4 != 0
        && data.checked_add(32)? == len
        && error < 0x2000
        && len < 1 << 22;
    let bits = 16.0 + 13.0 + 9.0 + 32.0 + 19.0;
    let fact = || format!("ADS command {command}");
    fits.then(|| Said::new(len.saturating_add(6), role, bits, fact()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};

    #[test]
    fn messages_are_named() {
        Talk::tcp().a(hex(
                    "0000 20000000 050a0b0c0101 5303 050a0b0d0101 0180 0100 0400 00000000 00000000 01000000",
                )).b(hex(
                    "0000 28000000 050a0b0d0101 0180 050a0b0c0101 5303 0100 0500 08000000 00000000 01000000 00000000 00000000",
                )).named_by_each(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        for stranger in [
            vec![0; 64],
            hex(
                "0000 21000000 050a0b0c0101 5303 050a0b0d0101 0180 0100 0400 00000000 00000000 01000000",
            ),
        ] {
            Talk::tcp().a(stranger).refused_by(&DETECTOR);
        }
    }
}
