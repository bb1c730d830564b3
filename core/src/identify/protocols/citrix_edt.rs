//! Citrix EDT (Enlightened Data Transport): UDT that carries a session, told by the service that the
//! session asks for.
//!
//! ```text
//!  00 16 "Citrix.TcpProxyService"                in the first 256 bytes of a datagram
//! ```
//!
//! UDT's own handshake is named by the detector `udt`: it does not say what it carries. No
//! specification is public; Citrix's documents call EDT "ICA over UDP/UDT".

use super::cgp::SERVICE;
use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "citrix-edt",
    title: "Citrix EDT",
    reference: "docs.citrix.com, SD-WAN 9.3 application classification; public captures",
    rests_on: "The length and name of the service that is asked for, Citrix.TcpProxyService, in a \
               datagram.",
    blind_spots: "EDT inside DTLS, and a session captured after its start: that is udt at most.",
    bits: 180.0,
    openings: Openings::Unknown,
    asks: over_udp(|view| probe_found(view, match_side, join)),
};

/// The service's name stands within so many bytes.
const SERVICE_WITHIN: usize = 256;

fn match_side(head: &SideView<'_>) -> SideMatch<Said> {
    let found = head.datagrams.iter().enumerate().find_map(|(nth, datagram)| {
        SERVICE.find(prefix(datagram.bytes, SERVICE_WITHIN)).map(|at| (nth, at))
    });
    let Some((nth, at)) = found else { return Err(Short) };
    let fact = "EDT: CGP asks for Citrix.TcpProxyService in a datagram";
    Ok(Said::at(Role::Either, 180.0, fact, Spot::datagram(nth, at, 16)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::Talk;
    use crate::net::Side;

    #[test]
    fn in_datagrams_the_service_is_named() {
        let asked = [&[0; 36], SERVICE.needle()].concat();
        let found = Talk::udp().a([9; 60]).a(&asked).named_by(&DETECTOR);
        assert_eq!((found.seen.datagram, found.seen.offset), (1, 36));
    }

    #[test]
    fn the_name_alone_or_on_tcp_is_not_enough() {
        for side in Side::BOTH {
            let bare = Talk::udp().a(b"\0\x17Citrix.TcpProxyService").b([0x80; 64]).only(side);
            bare.refused_by(&DETECTOR);
        }
        Talk::udp().a([&[0; 300], SERVICE.needle()].concat()).refused_by(&DETECTOR);
    }
}
