//! IPFIX (RFC 7011), over UDP.
//!
//! ```text
//!  10        version(16) length(16) seconds(32) sequence(32) domain(32) | sets
//!  set       id(16) length(16) ...
//! ```

use super::netflow::sets;
use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "ipfix",
    title: "IPFIX",
    reference: "RFC 7011 section 3.1",
    rests_on: "Version 10, a length that is the datagram's, and sets that fill it.",
    blind_spots: "IPFIX over TCP or SCTP.",
    bits: 40.0,
    openings: Openings::Known(&[
        one_of(&[0]),
        one_of(&[10]).at(1),
        within(&[(0, 15)]).at(16).required(),
    ]),
    asks: over_udp(|view| probe_datagrams(view, read)),
};

fn read(datagram: &Datagram<'_>) -> Option<Said> {
    let (version, len) = (be16(datagram.bytes, 0)?, usize::from(be16(datagram.bytes, 2)?));
    (version == 10 && len == datagram.wire_len).then_some(())?;
    let bits = 32.0 + sets(datagram, 16, 2..=3)?;
    Some(Said::all(Role::Client, bits, "IPFIX message"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};

    const TEN: &str = "000a 001c 5f5e1000 00000001 00000007 0002 000c 0100 0001 0008 0004";

    #[test]
    fn messages_are_named() {
        Talk::udp().a(hex(TEN)).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::udp().a(hex(&TEN.replace("001c", "001d"))).refused_by(&DETECTOR);
        Talk::udp().a(hex(&TEN.replace("0002 000c", "0009 000c"))).refused_by(&DETECTOR);
        Talk::udp().a(hex(&TEN.replace("000a", "0009"))).refused_by(&DETECTOR);
        Talk::udp().a(hex("000a 0001 0000 0000 0000")).refused_by(&DETECTOR);
    }
}
