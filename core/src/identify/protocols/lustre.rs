//! Lustre's network over sockets (lnet-types.h and socklnd.h of its source), over TCP.

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "lustre",
    title: "Lustre (LNet over sockets)",
    reference: "Lustre source, lnet/include/uapi/linux/lnet/lnet-types.h and socklnd.h",
    rests_on: "The acceptor's or the hello's magic with a version, or a message's type with two network \
               ids of the socket driver.",
    blind_spots: "Bulk data in the middle.",
    bits: 50.0,
    openings: Openings::Known(&[one_of(&[0, 0x63, 0xed, 0xc0, 0xc1])]),
    asks: over_tcp(|view| match_stream(view, |bytes, _| from_header(bytes, 16, lustre))),
};

fn lustre(bytes: &[u8]) -> Option<Said> {
    let version = le32(bytes, 4)?;
    match le32(bytes, 0)? {
        // LNET_PROTO_ACCEPTOR_MAGIC: magic, version, nid
        0xacce_7100 => (version <= 2)
            .then(|| Said::new(16, Role::Client, 32.0 + 30.0, "LNet connection request")),
        // LNET_PROTO_MAGIC and LNET_PROTO_TCP_MAGIC: a hello, whose end its own count tells
        0x4572_6963 | 0xeebc_0ded => (version & 0xffff <= 8)
            .then(|| Said::new(bytes.len(), Role::Either, 31.0 + 20.0, "LNet hello")),
        // KSOCK_MSG_NOOP: type, checksum, two cookies
        0xc0 => Some(Said::new(24, Role::Either, 32.0, "LNet keep-alive").shared()),
        0xc1 => {
            // destination and source: address, then a network of type 2
            let networks =
                [28, 36].iter().all(|at| le32(bytes, *at).is_some_and(|net| net >> 16 == 2));
            let (kind, len) = (le32(bytes, 48)?, index(le32(bytes, 52)?));
            let (total, bits) = (len.saturating_add(24 + 72), 32.0 + 32.0 + 29.0);
            (networks && kind <= 4 && len <= 1 << 21)
                .then(|| Said::new(total, Role::Either, bits, "LNet message"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};

    #[test]
    fn messages_are_named() {
        let header = hex("c1000000 00000000 0000000000000000 0000000000000000 \
             0500000a 00000200 0900000a 00000200 39300000 39300000 01000000 00000000");
        let message = [header, vec![0; 40]].concat();
        Talk::tcp()
            .a(hex("0071ceac 01000000 0500000a 00000200"))
            .b(message)
            .named_by_each(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        for stranger in [
            hex(
                "c1000000 00000000 0000000000000000 0000000000000000 0500000a 00000300 0900000a 00000200 39300000 39300000 01000000 00000000",
            ),
            hex("c0000000 00000000 0000000000000000 0000000000000000"),
        ] {
            Talk::tcp().a(stranger).refused_by(&DETECTOR);
        }
    }
}
