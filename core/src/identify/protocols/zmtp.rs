//! ZeroMQ's greeting (23/ZMTP, 37/ZMTP and 15/ZMTP), over TCP.

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "zmtp",
    title: "ZeroMQ (ZMTP)",
    reference: "23/ZMTP and 37/ZMTP (rfc.zeromq.org), section Greeting; 15/ZMTP",
    rests_on: "The greeting's signature, and a version with a mechanism's name.",
    blind_spots: "Version 1.0 has no signature.",
    bits: 70.0,
    openings: Openings::Known(&[one_of(&[0xff])]),
    asks: over_tcp(|view| {
        match_starts(view, &[b"\xff\0\0\0\0\0\0"], 10, |bytes| {
            // The length of an identity is in the signature's last bytes with version 2.
            let signed = u8_at(bytes, 9)? & 1 == 1 && be16(bytes, 7)? <= 0x00ff;
            let version = u8_at(bytes, 10);
            let name = rest(bytes, 12);
            let known = [&b"NULL"[..], b"PLAIN", b"CURVE", b"GSSAPI"]
                .iter()
                .any(|known| starts_with(name, known) != Some(false));
            let fits = match version {
                None | Some(1 | 2) => true,
                Some(3) => known,
                Some(_) => false,
            };
            let fact = || format!("ZeroMQ greeting, version {}", version.unwrap_or_default());
            // Frames follow, of which the first byte has three flags; version 3's greeting has 64 bytes.
            let behind = if version == Some(3) { 64 } else { 12 };
            let flags = u8_at(bytes, behind).is_none_or(|flags| flags & 0xf8 == 0);
            (signed && fits && flags).then(|| Said::all(Role::Either, 56.0 + 9.0 + 6.0, fact()))
        })
    }),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};

    #[test]
    fn messages_are_named() {
        let greeting =
            [hex("ff 00 00 00 00 00 00 00 01 7f 03 00"), b"NULL".to_vec(), vec![0; 48]].concat();
        Talk::tcp().a(&greeting).b(&greeting).named_by_each(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        for stranger in
            [hex("ff 00 00 00 00 00 00 00 01 7f 03 00 41424344 45464748"), vec![0xff; 40]]
        {
            Talk::tcp().a(stranger).refused_by(&DETECTOR);
        }
    }
}
