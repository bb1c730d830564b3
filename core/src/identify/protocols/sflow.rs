//! sFlow, versions 4 and 5, over UDP.
//!
//! ```text
//!  version(32) address type(32) address [agent(32)] sequence(32) uptime(32) samples(32)
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "sflow",
    title: "sFlow",
    reference: "sFlow version 5 section 5, RFC 3176 section 4",
    rests_on: "Version 4 or 5, an address type, a small count of samples, and the first sample's type \
               and length.",
    blind_spots: "Datagrams without samples.",
    bits: 80.0,
    openings: Openings::Known(&[
        one_of(&[0]),
        one_of(&[0]).at(1),
        one_of(&[0]).at(2),
        one_of(&[4, 5]).at(3),
        one_of(&[0]).at(4),
        one_of(&[1, 2]).at(7).required(),
    ]),
    asks: over_udp(|view| probe_datagrams(view, read)),
};

fn read(datagram: &Datagram<'_>) -> Option<Said> {
    let mut cursor = Cursor::new(datagram.bytes);
    let version = cursor.be32()?;
    let address = match cursor.be32()? {
        1 => 4,
        2 => 16,
        _ => return None,
    };
    cursor.skip(address)?;
    if version == 5 {
        cursor.skip(4)?;
    }
    cursor.skip(8)?;
    let samples = cursor.be32()?;
    let (kind, len) = (cursor.be32()?, cursor.be32()?);
    // Flow and counter samples, also expanded; version 4 has no length there.
    let first = match version {
        4 => matches!(kind, 1 | 2),
        5 => kind <= 5 && usize::try_from(len).is_ok_and(|len| len < datagram.wire_len),
        _ => return None,
    };
    let fits = first && (1..=512).contains(&samples);
    let fact = || format!("sFlow version {version}, {samples} samples");
    let bits = 31.0 + 31.0 + 23.0 + 28.0;
    fits.then(|| Said::all(Role::Client, bits, fact()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};

    const FIVE: &str = "00000005 00000001 c0000201 00000000 00000001 00010000 00000001 00000001 00000008 \
                        00000001 00000002";

    #[test]
    fn samples_are_named() {
        Talk::udp().a(hex(FIVE)).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        // an unknown type of address, an unknown version, a datagram of zeros
        Talk::udp().a(hex(&FIVE.replace("00000001 c0", "00000003 c0"))).refused_by(&DETECTOR);
        Talk::udp().a(hex(&FIVE.replace("00000005", "00000006"))).refused_by(&DETECTOR);
        Talk::udp().a([0; 40]).refused_by(&DETECTOR);
    }
}
