//! NetBIOS's datagram service (RFC 1002 section 4.4), over UDP.

use crate::identify::names::has_netbios_name;
use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "netbios-dgm",
    title: "NetBIOS datagram service",
    reference: "RFC 1002 section 4.4",
    rests_on: "A known message type and a source name of 32 letters from A to P.",
    blind_spots: "Error messages.",
    bits: 128.0,
    openings: Openings::Known(&[within(&[(0x10, 0x16)])]),
    asks: over_udp(|view| probe_datagrams(view, read_datagram)),
};

fn read_datagram(datagram: &Datagram<'_>) -> Option<Said> {
    let bytes = datagram.bytes;
    let at = match u8_at(bytes, 0)? {
        0x10..=0x12 => 14,
        0x14..=0x16 => 10,
        _ => return None,
    };
    has_netbios_name(bytes, at)
        .then(|| Said::at(Role::Either, 130.0, "NetBIOS datagram", Spot::datagram(0, at, 16)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, look_alike_names, netbios_messages};

    #[test]
    fn a_datagram_is_named() {
        let [question, datagram] = netbios_messages();
        Talk::udp().a(datagram).named_by(&DETECTOR);
        Talk::udp().a(question).refused_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        for look_alike in look_alike_names() {
            Talk::udp().a(look_alike).refused_by(&DETECTOR);
        }
    }
}
