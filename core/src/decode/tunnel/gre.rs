//! GRE (RFC 1701, RFC 2784, RFC 2890) and what is built on it: NVGRE (RFC 7637), ERSPAN
//! (draft-foschiano-erspan), WCCP's redirected packets, PPTP (RFC 2637).
//!
//! ```text
//! | C R K S s, recursion 3 bits, A, flags 4, version 3 | type 2 |
//! | (checksum 2, offset 2: C or R) | (key 4: K) | (sequence 4: S) | (acknowledgment 4: A) |
//! | (source routes: R) | ...
//! ```

use super::{Entry, Tunnel};
use crate::decode::link::{ETHERNET, PPP};
use crate::decode::{DecodeEnd, Next, Opened, Slice};
use crate::wire;

pub(super) static TUNNEL: Tunnel = Tunnel { name: "gre", entries: &[Entry::IpProtocol(47)], open };

const CHECKSUM: u16 = 0x8000;
const ROUTING: u16 = 0x4000;
const KEY: u16 = 0x2000;
const SEQUENCE: u16 = 0x1000;
const ACKNOWLEDGMENT: u16 = 0x0080;
const VERSION: u16 = 0x0007;

const BRIDGED: u16 = 0x6558;
const ERSPAN: u16 = 0x88be;
const ERSPAN_3: u16 = 0x22eb;
const WCCP: u16 = 0x883e;

/// Source routes that are passed over.
const ROUTES_MAX: usize = 8;

const SHORT: &str = "gre.header_too_short";

fn open(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    let (flags, kind) = (part.be16(0, SHORT)?, part.be16(2, SHORT)?);
    match flags & VERSION {
        0 => version_0(part, flags, kind),
        1 => pptp(part, flags),
        _ => Err(part.stop("gre.version_unknown")),
    }
}

fn version_0(part: Slice<'_>, flags: u16, kind: u16) -> Result<Opened<'_>, DecodeEnd> {
    let has = |flag: u16| flags & flag != 0;
    let mut rest = part.after(if has(CHECKSUM | ROUTING) { 8 } else { 4 });
    let mut key = None;
    if has(KEY) {
        key = Some(rest.be32(0, SHORT)?);
        rest = rest.after(4);
    }
    if has(SEQUENCE) {
        rest = rest.after(4);
    }
    if has(ROUTING) {
        rest = behind_routes(rest)?;
    }
    Ok(match (kind, key) {
        // RFC 7637 section 3.2: the upper 24 bits of the key are the virtual subnet, the rest a hash.
        (BRIDGED, Some(key)) => {
            Opened::new(Next::Link(ETHERNET), rest).in_tunnel("nvgre", Some(key >> 8))
        }
        // Type I has no sequence number and no header of its own, type II one of 8 bytes.
        (ERSPAN, _) => {
            let inside = if has(SEQUENCE) { rest.after(8) } else { rest };
            Opened::new(Next::Link(ETHERNET), inside).in_tunnel("erspan", None)
        }
        (ERSPAN_3, _) => erspan_3(rest)?,
        (WCCP, _) => redirected(rest).in_tunnel("wccp", None),
        (ethertype, _) => {
            Opened::new(Next::EtherType(ethertype), rest).in_tunnel(TUNNEL.name, None)
        }
    })
}

/// RFC 1701: source routes up to one that has no address family and no length.
fn behind_routes(mut rest: Slice<'_>) -> Result<Slice<'_>, DecodeEnd> {
    for _ in 0..ROUTES_MAX {
        let [a, b, _, len] = rest.array(0, SHORT)?;
        rest = rest.after(usize::from(len).saturating_add(4));
        if (a, b, len) == (0, 0, 0) {
            return Ok(rest);
        }
    }
    Err(rest.stop("gre.too_many_routes"))
}

/// ```text
/// | version, VLAN, COS, session 4 | time 4 | group tag 2 | P 1 bit, frame type 5, ... O 1 | (8: O) |
/// ```
fn erspan_3(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    let flags = part.be16(10, "erspan.header_too_short")?;
    let inside = part.after(if flags & 1 == 1 { 20 } else { 12 });
    // Frame type 0 is Ethernet, 2 is IP.
    let next = match flags >> 10 & 0x1f {
        0 => Next::Link(ETHERNET),
        2 => Next::Ip,
        _ => Next::Nothing,
    };
    Ok(Opened::new(next, inside).in_tunnel("erspan", None))
}

/// WCCP version 2 has four bytes before the packet, version 1 has none; neither says so, but the
/// first of the four is never one that an IPv4 packet starts with.
fn redirected(part: Slice<'_>) -> Opened<'_> {
    let plain = wire::u8_at(part.bytes, 0).is_some_and(|byte| byte >> 4 == 4);
    Opened::new(Next::Ip, if plain { part } else { part.after(4) })
}

/// RFC 2637 section 4.1: the key is the length of the payload and the receiver's name for the call.
fn pptp(part: Slice<'_>, flags: u16) -> Result<Opened<'_>, DecodeEnd> {
    let len = part.be16(4, SHORT)?;
    if flags & KEY == 0 || flags & (CHECKSUM | ROUTING) != 0 {
        return Err(part.stop("gre.flags_invalid"));
    }
    // An acknowledgment alone carries nothing.
    if flags & SEQUENCE == 0 || len == 0 {
        return Err(DecodeEnd::Done);
    }
    let header_len = if flags & ACKNOWLEDGMENT != 0 { 16 } else { 12 };
    let inside = part.after(header_len).limited(usize::from(len));
    Ok(Opened::new(Next::Link(PPP), inside).in_tunnel("pptp", None))
}

#[cfg(test)]
mod tests {
    use crate::decode::tests::support::{NOTHING, ethernet, ipv4, opens, path, stops, v4, v6};

    fn gre(header: &[u8], inside: &[u8]) -> Vec<u8> {
        ipv4(47, &[header, inside].concat())
    }

    #[test]
    fn leads_to_the_datagram() {
        let frame = ethernet(0x0800, &v4());
        opens(228, &gre(&[0, 0, 8, 0], &v4()));
        opens(228, &gre(&[0xb0, 0, 0x86, 0xdd, 1, 2, 0, 0, 0, 0, 0, 7, 0, 0, 0, 1], &v6()));
        let routed = [0x40, 0, 8, 0, 0, 0, 0, 0, 8, 0, 0, 4, 1, 2, 3, 4, 0, 0, 0, 0];
        opens(228, &gre(&routed, &v4()));
        opens(228, &gre(&[0, 0, 0x65, 0x58], &frame));
        opens(228, &gre(&[0, 0, 0x88, 0xbe], &frame));
        opens(228, &gre(&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 0, 0, 5, 0, 0, 0, 0], &frame));
        let third = [0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0];
        opens(228, &gre(&third, &frame));
        opens(228, &gre(&[0, 0, 0x88, 0x3e], &v4()));
        opens(228, &gre(&[0, 0, 0x88, 0x3e, 0, 0, 1, 2], &v4()));
        opens(228, &gre(&[0, 0, 0x88, 0x47, 0, 1, 1, 64], &v4()));
    }

    #[test]
    fn pptp_leads_through_ppp() {
        let inside = [&[0xff, 3, 0, 0x21], &v4()[..]].concat();
        let len = u8::try_from(inside.len()).unwrap();
        opens(228, &gre(&[0x30, 1, 0x88, 0x0b, 0, len, 0, 9, 0, 0, 0, 1], &inside));
        let acknowledging = [0x30, 0x81, 0x88, 0x0b, 0, len, 0, 9, 0, 0, 0, 1, 0, 0, 0, 4];
        opens(228, &gre(&acknowledging, &inside));
        let acknowledgment_alone = [0x20, 0x81, 0x88, 0x0b, 0, 0, 0, 9, 0, 0, 0, 1];
        assert_eq!(stops(228, &gre(&acknowledgment_alone, &[])), NOTHING);
    }

    #[test]
    fn only_a_virtual_subnet_separates_networks() {
        let key = [0x20, 0, 0x65, 0x58, 0, 1, 2, 0xff];
        let bytes = gre(&key, &ethernet(0x0800, &v4()));
        opens(228, &bytes);
        assert_eq!(path(228, &bytes), (vec![], vec![("nvgre", Some(0x102))]));
        let bytes = gre(&[0x20, 0, 8, 0, 0, 1, 2, 0xff], &v4());
        opens(228, &bytes);
        assert_eq!(path(228, &bytes), (vec![], vec![("gre", None)]));
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(stops(228, &gre(&[0, 0, 8], &[])), ["gre.header_too_short"]);
        assert_eq!(stops(228, &gre(&[0x20, 0, 8, 0, 1, 2], &[])), ["gre.header_too_short"]);
        assert_eq!(stops(228, &gre(&[0, 3, 8, 0], &[])), ["gre.version_unknown"]);
        assert_eq!(stops(228, &gre(&[0, 1, 0x88, 0x0b, 0, 9], &[])), ["gre.flags_invalid"]);
        assert_eq!(stops(228, &gre(&[0, 0, 0x22, 0xeb, 0], &[])), ["erspan.header_too_short"]);
        let routes = [&[0x40, 0, 8, 0, 0, 0, 0, 0], &[8, 0, 0, 0].repeat(9)[..]].concat();
        assert_eq!(stops(228, &gre(&routes, &[])), ["gre.too_many_routes"]);
        // A keep-alive.
        assert_eq!(stops(228, &gre(&[0, 0, 0, 0], &[])), NOTHING);
    }
}
