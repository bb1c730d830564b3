//! SAP's router and network interface (SAP Help Portal, SAProuter), over TCP.

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "sap-ni",
    title: "SAP router and NI",
    reference: "SAP Help Portal, SAProuter: route strings and error information; NI pings",
    rests_on: "A length of four bytes and what it counts: a route, an error, a ping or a pong.",
    blind_spots: "DIAG and RFC inside of NI are not told apart; they are compressed.",
    bits: 60.0,
    openings: Openings::Known(&[one_of(&[0])]),
    asks: over_tcp(|view| match_opened(view, &DETECTOR, 12, sap_ni)),
};

fn sap_ni(bytes: &[u8]) -> Option<Said> {
    let len = index(be32(bytes, 0)?);
    let mark = prefix(rest(bytes, 4), 8);
    let (role, bits, exact) = match mark {
        b"NI_PING\0" => (Role::Either, 94.0, len == 8),
        b"NI_PONG\0" => (Role::Either, 94.0, len == 8),
        b"NI_ROUTE" => (Role::Client, 70.0, (16..4096).contains(&len)),
        b"NI_RTERR" => (Role::Server, 70.0, (12..4096).contains(&len)),
        _ => return None,
    };
    let fact = || format!("SAP {}", from_wire(mark.trim_ascii_end()).trim_end_matches('\0'));
    exact.then(|| Said::new(len.saturating_add(4), role, bits, fact()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::Talk;

    #[test]
    fn messages_are_named() {
        Talk::tcp().a(b"\0\0\0\x08NI_PING\0").b(b"\0\0\0\x08NI_PONG\0").named_by_each(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().a(b"\0\0\0\x09NI_PING\0").refused_by(&DETECTOR);
    }
}
