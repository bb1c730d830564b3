//! ONC RPC (RFC 5531) of programs other than NFS, over TCP and UDP.

use super::nfs;
use crate::identify::onc_rpc::{NFS, Programs, is_called, match_rpc};
use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "sunrpc",
    title: "ONC RPC",
    reference: "RFC 5531 sections 8.2, 9 and 11; IANA's RPC program numbers",
    rests_on: "A call of RPC version 2 for a program other than NFS with its credential, or a reply with \
               its verifier.",
    blind_spots: "Replies don't say of what program they are; NFS's then go by this name.",
    bits: 60.0,
    openings: Openings::Known(&[
        one_of(&[0, 0x80]).tcp(),
        one_of(&[0]).at(8).tcp(),
        one_of(&[0]).at(9).tcp(),
        one_of(&[0, 1]).at(11).tcp(),
        one_of(&[0]).at(12).tcp(),
        one_of(&[0, 1, 2]).at(15).tcp(),
        one_of(&[0]).at(4).udp(),
        one_of(&[0]).at(5).udp(),
        one_of(&[0, 1]).at(7).udp(),
        one_of(&[0]).at(8).udp(),
        one_of(&[0]).at(9).udp(),
        one_of(&[0, 1, 2]).at(11).required().udp(),
    ]),
    asks: over_both(probe),
};

fn probe(view: &FlowView<'_>) -> Probe {
    // The answers to NFS's calls are NFS's.
    if is_called(view, nfs::PROGRAMS) {
        return Probe::No;
    }
    match_rpc(view, Programs { has: |call| call.program != NFS, replies: true })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};

    const GETPORT: &str = "12345678 00000000 00000002 000186a0 00000002 00000003 00000000 00000000 00000000 \
                           00000000 000186a3 00000003 00000006 00000000";
    const REPLY: &str = "12345678 00000001 00000000 00000000 00000000 00000000";

    #[test]
    fn calls_and_replies_are_named() {
        Talk::udp().a(hex(GETPORT)).named_by(&DETECTOR);
        Talk::udp().b(hex(REPLY)).named_by(&DETECTOR);
        Talk::tcp().a([hex("80000038"), hex(GETPORT)].concat()).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::udp().a(hex(&GETPORT.replace("000186a0", "000186a3"))).refused_by(&DETECTOR);
        // verifier too long, status unknown, a tail
        for (right, wrong) in [
            ("00000001 00000000 00000000", "00000001 00000000 00000300"),
            ("00000000 00000000 00000000 00000000", "00000000 00000000 00000000 00000009"),
            ("12345678 00000001", "12345678 00000002"),
        ] {
            Talk::udp().b(hex(&REPLY.replace(right, wrong))).refused_by(&DETECTOR);
        }
        Talk::udp().a([0; 40]).refused_by(&DETECTOR);
    }
}
