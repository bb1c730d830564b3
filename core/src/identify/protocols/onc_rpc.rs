//! ONC RPC version 2 (RFC 5531) over UDP, and over TCP behind a record mark; NFS by its program.
//!
//! ```text
//!  TCP: last(1 bit) length(31 bits)
//!  xid(4)  0 call   2 version  program(4) program version(4) procedure(4) credential verifier ...
//!  xid(4)  1 reply  0 accepted verifier status(4) ...  |  1 denied 0 mismatch low high | 1 1 why
//! ```

use crate::identify::messages::{Message, from_header, match_datagrams, match_stream};
use crate::identify::openings::{Openings, one_of};
use crate::identify::side_match::{Role, SideMatch};
use crate::identify::view::SideView;
use crate::identify::{Detector, Extras, FlowView, Over, Probe};
use crate::net::Transport;
use crate::wire::{be32, index, rest};

pub(super) static SUNRPC: Detector = Detector {
    id: "sunrpc",
    title: "ONC RPC",
    reference: "RFC 5531 sections 8.2, 9 and 11; IANA's RPC program numbers",
    over: Over::Both,
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
    probe: |view| probe(view, SUNRPC.id, false),
    extras: Extras::NONE,
};

pub(super) static NFS: Detector = Detector {
    id: "nfs",
    title: "NFS",
    reference: "RFC 1813, RFC 7530, RFC 8881; RFC 5531 sections 8.2 and 9",
    over: Over::Both,
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
    probe: |view| probe(view, NFS.id, true),
    extras: Extras::NONE,
};

const NFS_PROGRAM: u32 = 100_003;

fn probe(view: &FlowView<'_>, id: &'static str, nfs: bool) -> Probe {
    // The answers to NFS's calls are NFS's.
    if !nfs && view.each().any(|(_, head)| calls_nfs(head)) {
        return Probe::No;
    }
    match view.transport {
        Transport::Tcp => {
            match_stream(view, id, |bytes, _| from_header(bytes, 32, |bytes| record(bytes, nfs)))
        }
        Transport::Udp => match_datagrams(view, id, |datagram| {
            SideMatch::or_mismatch(message(datagram.bytes, datagram.wire_len, nfs))
        }),
    }
}

fn calls_nfs(head: &SideView<'_>) -> bool {
    let framed = message(rest(head.stream, 4), usize::MAX, true);
    let datagrams = head.datagrams.iter().map(|one| message(one.bytes, one.wire_len, true));
    datagrams.chain([framed]).flatten().any(|message| message.own)
}

fn record(bytes: &[u8], nfs: bool) -> Option<Message> {
    let mark = be32(bytes, 0)?;
    let len = index(mark & 0x7fff_ffff);
    // A fragment that is not the last is rare, but allowed.
    if !(24..1 << 24).contains(&len) {
        return None;
    }
    let inner = message(rest(bytes, 4), len, nfs)?;
    Some(Message { len: len.saturating_add(4), bits: inner.bits + 7.0, ..inner })
}

fn message(bytes: &[u8], len: usize, nfs: bool) -> Option<Message> {
    match be32(bytes, 4)? {
        0 => call(bytes, len, nfs),
        1 => reply(bytes, len, nfs),
        _ => None,
    }
}

fn call(bytes: &[u8], len: usize, nfs: bool) -> Option<Message> {
    let (program, version, procedure) = (be32(bytes, 12)?, be32(bytes, 16)?, be32(bytes, 20)?);
    let fits = be32(bytes, 8)? == 2
        && version <= 20
        && procedure <= 128
        && program != 0
        && program < 0x6000_0000;
    let secret = auth(bytes, 24, len)?;
    // The verifier stands behind the credential, if that far was seen.
    auth(bytes, secret, len)?;
    if !fits || (program == NFS_PROGRAM) != nfs {
        return None;
    }
    if nfs && !((2..=4).contains(&version) && procedure <= 21) {
        return None;
    }
    let name = match program {
        100_000 => "portmapper",
        100_003 => "NFS",
        100_005 => "mount",
        100_011 => "quota",
        100_021 => "lock manager",
        100_024 => "status",
        100_227 => "NFS ACL",
        _ => "program",
    };
    let fact = format!("ONC RPC call of {name} {program} version {version} procedure {procedure}");
    // direction, RPC version, program's range, version, procedure, credential
    Some(Message::new(len, Role::Client, 32.0 + 32.0 + 1.4 + 27.0 + 25.0 + 48.0, fact))
}

/// Where the opaque_auth at `at` ends: a known flavour and at most 400 bytes (RFC 5531 section 8.2).
fn auth(bytes: &[u8], at: usize, len: usize) -> Option<usize> {
    let (Some(flavor), Some(size)) = (be32(bytes, at), be32(bytes, at.saturating_add(4))) else {
        // It was cut off, or left out where it must not be.
        return (bytes.len() < len).then_some(at);
    };
    let end = at.saturating_add(8).saturating_add(index(size).next_multiple_of(4));
    let known = matches!(flavor, 0..=7 | 390_000..=400_000);
    (known && size <= 400 && end <= len && (flavor != 0 || size == 0)).then_some(end)
}

fn reply(bytes: &[u8], len: usize, nfs: bool) -> Option<Message> {
    let bits = match be32(bytes, 8)? {
        0 => {
            let at = auth(bytes, 12, len)?;
            let status = be32(bytes, at);
            (status.is_none_or(|status| status <= 5) && status.is_some() == (at < bytes.len()))
                .then_some(32.0 + 32.0 + 48.0 + 29.0)?
        }
        1 => {
            let why = (be32(bytes, 12)?, be32(bytes, 16)?);
            let fits = (why.0 == 0 && len == 24) || (why.0 == 1 && why.1 <= 14 && len == 20);
            fits.then_some(32.0 + 32.0 + 32.0)?
        }
        _ => return None,
    };
    // Which program it is of only the call says.
    Some(Message::new(len, Role::Server, bits, "ONC RPC reply").owned_if(!nfs))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    const NULL: &str =
        "12345678 00000000 00000002 000186a3 00000003 00000000 00000000 00000000 00000000 00000000";
    const GETPORT: &str = "12345678 00000000 00000002 000186a0 00000002 00000003 00000000 00000000 00000000 \
                           00000000 000186a3 00000003 00000006 00000000";
    const REPLY: &str = "12345678 00000001 00000000 00000000 00000000 00000000";

    #[test]
    fn nfs_is_named_by_its_calls() {
        let talk = Talk::udp().a(hex(NULL)).b(hex(REPLY));
        let found = talk.named_by(&NFS);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::A).named_by(&NFS);
        talk.clone().only(Side::B).refused_by(&NFS);
        talk.only(Side::B).named_by(&SUNRPC);
        Talk::udp().a(hex(NULL)).refused_by(&SUNRPC);
        Talk::udp().a(hex(GETPORT)).named_by(&SUNRPC);
        Talk::udp().a(hex(GETPORT)).refused_by(&NFS);
    }

    #[test]
    fn streams_have_record_marks() {
        let ask = [hex("80000028"), hex(NULL)].concat();
        Talk::tcp().a(ask).named_by(&NFS);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::udp().a(hex(&NULL.replace("00000002", "00000001"))).refused_by(&NFS);
        // verifier too long, status unknown, a tail
        Talk::udp()
            .b(hex("12345678 00000001 00000000 00000000 00000300 00000000"))
            .refused_by(&SUNRPC);
        Talk::udp()
            .b(hex("12345678 00000001 00000000 00000000 00000000 00000009"))
            .refused_by(&SUNRPC);
        Talk::udp()
            .b(hex("12345678 00000002 00000000 00000000 00000000 00000000"))
            .refused_by(&SUNRPC);
        Talk::udp().a([0; 40]).refused_by(&SUNRPC);
    }
}
