//! ONC RPC version 2 (RFC 5531) over UDP, and over TCP behind a record mark. Knows no program's own rules.
//!
//! ```text
//!  TCP: last(1 bit) length(31 bits)
//!  xid(4)  0 call   2 version  program(4) program version(4) procedure(4) credential verifier ...
//!  xid(4)  1 reply  0 accepted verifier status(4) ...  |  1 denied 0 mismatch low high | 1 1 why
//! ```

use crate::identify::prelude::*;

/// NFS's number among IANA's RPC programs.
pub(super) const NFS: u32 = 100_003;

/// What a call asks for.
#[derive(Clone, Copy)]
pub(super) struct Call {
    pub(super) program: u32,
    pub(super) version: u32,
    pub(super) procedure: u32,
}

/// Whose calls are a detector's, and whether replies are.
#[derive(Clone, Copy)]
pub(super) struct Programs {
    pub(super) has: fn(Call) -> bool,
    pub(super) replies: bool,
}

/// The detector's answer where calls of these programs are its own.
pub(super) fn match_rpc(view: &FlowView<'_>, programs: Programs) -> Probe {
    // The shortest answers are shorter than what a call must show.
    let stream = |bytes: &[u8], _| {
        let needed = if be32(bytes, 8) == Some(1) { SHORTEST } else { 32 };
        from_header(bytes, needed, |bytes| record(bytes, programs))
    };
    match_messages(view, stream, |one| message(one.bytes, one.wire_len, programs))
}

/// Whether one side at least calls one of these programs.
pub(super) fn is_called(view: &FlowView<'_>, programs: Programs) -> bool {
    view.each().any(|(_, head)| {
        let framed = call(rest(head.stream, 4), usize::MAX, programs);
        let datagrams = head.datagrams.iter().map(|one| call(one.bytes, one.wire_len, programs));
        datagrams.chain([framed]).any(|call| call.is_some())
    })
}

/// Bytes of the shortest record with its mark: a refused call's reason (RFC 5531 section 9).
const SHORTEST: usize = 24;

fn record(bytes: &[u8], programs: Programs) -> Option<Said> {
    let mark = be32(bytes, 0)?;
    let len = index(mark & 0x7fff_ffff);
    // A fragment that is not the last is rare, but allowed.
    if !(SHORTEST - 4..1 << 24).contains(&len) {
        return None;
    }
    let inner = message(rest(bytes, 4), len, programs)?;
    Some(Said { bits: inner.bits + 7.0, ..inner.of_len(len.saturating_add(4)) })
}

fn message(bytes: &[u8], len: usize, programs: Programs) -> Option<Said> {
    call(bytes, len, programs).or_else(|| reply(bytes, len, programs))
}

fn call(bytes: &[u8], len: usize, programs: Programs) -> Option<Said> {
    (be32(bytes, 4)? == 0).then_some(())?;
    let (program, version, procedure) = (be32(bytes, 12)?, be32(bytes, 16)?, be32(bytes, 20)?);
    let fits = be32(bytes, 8)? == 2
        && version <= 20
        && procedure <= 128
        && program != 0
        && program < 0x6000_0000;
    let secret = auth(bytes, 24, len)?;
    // The verifier stands behind the credential, if that far was seen.
    auth(bytes, secret, len)?;
    if !fits || !(programs.has)(Call { program, version, procedure }) {
        return None;
    }
    let name = match program {
        100_000 => "portmapper",
        NFS => "NFS",
        100_005 => "mount",
        100_011 => "quota",
        100_021 => "lock manager",
        100_024 => "status",
        100_227 => "NFS ACL",
        _ => "program",
    };
    let fact = format!("ONC RPC call of {name} {program} version {version} procedure {procedure}");
    // direction, RPC version, program's range, version, procedure, credential
    Some(Said::new(len, Role::Client, 32.0 + 32.0 + 1.4 + 27.0 + 25.0 + 48.0, fact))
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

fn reply(bytes: &[u8], len: usize, programs: Programs) -> Option<Said> {
    (be32(bytes, 4)? == 1).then_some(())?;
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
    Some(Said::new(len, Role::Server, bits, "ONC RPC reply").owned_if(programs.replies))
}
