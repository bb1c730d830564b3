//! NFS (RFC 1813, RFC 7530, RFC 8881), by its calls in ONC RPC, over TCP and UDP.

use crate::identify::onc_rpc::{NFS, Programs, match_rpc};
use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "nfs",
    title: "NFS",
    reference: "RFC 1813, RFC 7530, RFC 8881; RFC 5531 sections 8.2 and 9",
    rests_on: "A call of RPC version 2 for program 100003 with a version and procedure that it has.",
    blind_spots: "The server's side alone says only ONC RPC; a capture that starts within a long write.",
    bits: 90.0,
    openings: Openings::Known(&[
        one_of(&[0, 0x80]).tcp(),
        one_of(&[0]).at(8).tcp(),
        one_of(&[0]).at(9).tcp(),
        one_of(&[0]).at(10).tcp(),
        one_of(&[0, 1]).at(11).tcp(),
        one_of(&[0]).at(12).tcp(),
        one_of(&[0]).at(4).required().udp(),
        one_of(&[0]).at(5).required().udp(),
        one_of(&[0]).at(6).required().udp(),
        one_of(&[0, 1]).at(7).required().udp(),
        one_of(&[0]).at(8).required().udp(),
        one_of(&[0, 1, 2]).at(11).required().udp(),
    ]),
    asks: over_both(|view| match_rpc(view, PROGRAMS)),
};

/// Versions 2 to 4 and their procedures. A reply does not say of what program it is.
pub(super) const PROGRAMS: Programs = Programs {
    has: |call| call.program == NFS && (2..=4).contains(&call.version) && call.procedure <= 21,
    replies: false,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};

    const NULL: &str =
        "12345678 00000000 00000002 000186a3 00000003 00000000 00000000 00000000 00000000 00000000";
    const REPLY: &str = "12345678 00000001 00000000 00000000 00000000 00000000";

    #[test]
    fn nfs_is_named_by_its_calls() {
        let talk = Talk::udp().a(hex(NULL)).b(hex(REPLY));
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).refused_by(&DETECTOR);
    }

    #[test]
    fn streams_have_record_marks() {
        Talk::tcp().a([hex("80000028"), hex(NULL)].concat()).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        // version 1 of RPC, another program, a procedure that it has not
        Talk::udp().a(hex(&NULL.replace("00000002", "00000001"))).refused_by(&DETECTOR);
        Talk::udp().a(hex(&NULL.replace("000186a3", "000186a0"))).refused_by(&DETECTOR);
        let procedure = NULL.replace("00000003 00000000", "00000003 00000016");
        Talk::udp().a(hex(&procedure)).refused_by(&DETECTOR);
        Talk::udp().a([0; 40]).refused_by(&DETECTOR);
    }
}
