//! PTP versions 1, 2 and 2.1 (IEEE 1588), over UDP.
//!
//! ```text
//!  2: sdo(4) type(4) minor(4) version(4) length(16) domain sdo flags(16) correction(64) reserved(32)
//!     port identity(80) sequence(16) control interval
//!  1: 0001 0001 subdomain(128, text) type ...
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "ptp",
    title: "PTP (precision time)",
    reference: "IEEE 1588-2019 section 13.3, IEEE 1588-2002 annex D",
    rests_on: "Version 2 with a known message type, a length that is the datagram's, and the control \
               byte that goes with the type; or version 1 with a known subdomain.",
    blind_spots: "Version 1 in subdomains of the site's own.",
    bits: 36.0,
    openings: Openings::Known(&[one_of(&[0x01, 0x02, 0x12]).at(1).required()]),
    asks: over_udp(|view| {
        probe_datagrams(view, |datagram| read_two(datagram).or_else(|| read_one(datagram)))
    }),
};

fn read_two(datagram: &Datagram<'_>) -> Option<Said> {
    let bytes = datagram.bytes;
    let (first, second) = (u8_at(bytes, 0)?, u8_at(bytes, 1)?);
    // IEEE 1588-2019 table 36; its size, and table 42's control field
    let (name, size, control) = match first & 0x0f {
        0x0 => ("Sync", 44, 0),
        0x1 => ("Delay_Req", 44, 1),
        0x2 => ("Pdelay_Req", 54, 5),
        0x3 => ("Pdelay_Resp", 54, 5),
        0x8 => ("Follow_Up", 44, 2),
        0x9 => ("Delay_Resp", 54, 3),
        0xa => ("Pdelay_Resp_Follow_Up", 54, 5),
        0xb => ("Announce", 64, 5),
        0xc => ("Signaling", 44, 5),
        0xd => ("Management", 48, 4),
        _ => return None,
    };
    let len = usize::from(be16(bytes, 2)?);
    // In IPv6 two bytes may follow (annex E).
    let padded = datagram.wire_len.checked_sub(len)?;
    let interval = u8_at(bytes, 33)?.cast_signed();
    let fits = second & 0x0f == 2
        && second >> 4 <= 1
        && len >= size
        && padded <= 2
        && u8_at(bytes, 32)? == control
        && (interval == 0x7f || (-12..=22).contains(&interval))
        && be64(bytes, 20)? != 0;
    // type, version and minor version, length, control, interval
    let bits = 0.7 + 7.0 + 14.4 + 8.0 + 2.8 + 4.0;
    let fact = || format!("PTP version 2, {name}");
    fits.then(|| Said::all(Role::Either, bits, fact()))
}

fn read_one(datagram: &Datagram<'_>) -> Option<Said> {
    let bytes = datagram.bytes;
    let subdomain = prefix(rest(bytes, 4), 16);
    let known = [&b"_DFLT"[..], b"_ALT1", b"_ALT2", b"_ALT3"].iter().any(|name| {
        subdomain.strip_prefix(*name).is_some_and(|zeros| zeros.iter().all(|byte| *byte == 0))
    });
    let fits = be32(bytes, 0)? == 0x0001_0001 && known && subdomain.len() == 16;
    fits.then(|| Said::all(Role::Either, 32.0 + 126.0, "PTP version 1"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};

    const SYNC: &str = "00 02 002c 00 00 0200 0000000000000000 00000000 020304fffe050607 0001 0007 00 00 \
                        00005f5e1000 00000000";

    #[test]
    fn messages_are_named() {
        Talk::udp().a(hex(SYNC)).named_by(&DETECTOR);
        let one = [hex("0001 0001"), b"_DFLT".to_vec(), vec![0; 100]].concat();
        Talk::udp().a(one).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        for (from, to) in [
            ("00 02 002c", "00 03 002c"),
            ("002c", "002d"),
            ("0007 00 00", "0007 03 00"),
            ("00 02 002c", "05 02 002c"),
            ("0007 00 00", "0007 00 60"),
        ] {
            Talk::udp().a(hex(&SYNC.replacen(from, to, 1))).refused_by(&DETECTOR);
        }
        Talk::udp()
            .a([hex("0001 0001"), b"_XFLT".to_vec(), vec![0; 100]].concat())
            .refused_by(&DETECTOR);
    }
}
